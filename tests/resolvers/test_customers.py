"""A customer's figures and history on both executors, against what the rows of the world come to."""

from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest

from domain.money import EXPONENTS
from domain.store.visibility import PUBLIC_EVENTS
from tests.referee import Referee
from tests.world import Row, World, gid

FIGURES = """{ customers(first: 100) { nodes { id orderCount lifetimeValue { amount currency } stats {
    orderCount returnCount returnRate lifetimeValue { amount currency } averageOrderValue { amount currency }
    firstOrderAt lastOrderAt } } } }"""
TIMELINE = """query ($id: ID!, $first: Int, $after: String) { customer(id: $id) {
    timeline(first: $first, after: $after) { totalCount pageInfo { hasNextPage endCursor } nodes { id type } } } }"""


def amounts(minor: dict[str, int]) -> list[dict[str, str]]:
    """Minor units by currency as the graph tells them."""
    shown = {code: Decimal(units).scaleb(-EXPONENTS.get(code, 2)) for code, units in minor.items()}
    return [{"amount": str(shown[code]), "currency": code} for code in sorted(shown)]


def figures(world: World, customer: Row) -> dict[str, Any]:
    """What a customer's orders come to, added up row by row. Nothing of the world is a draft or expired."""
    orders = [row for row in world.rows["orders"] if row["customer_id"] == customer["id"]]
    own = {row["id"] for row in orders}
    kept: dict[str, int] = defaultdict(int)
    totals: dict[str, list[int]] = defaultdict(list)
    for entry in world.rows["payments"]:
        sign = {"CAPTURE": 1, "REFUND": -1, "CHARGEBACK": -1}.get(entry["kind"])
        if sign and entry["status"] == "SUCCEEDED" and entry["order_id"] in own:
            kept[entry["currency"]] += sign * entry["amount_minor"]
    for row in orders:
        if row["status"] != "CANCELED":
            totals[row["currency"]].append(row["total_minor"])
    half_up = {code: (Decimal(sum(each)) / len(each)).quantize(1, ROUND_HALF_UP) for code, each in totals.items()}
    returned = sum(row["return_status"] != "NONE" for row in orders)
    return {
        "orderCount": len(orders),
        "returnCount": sum(row["customer_id"] == customer["id"] for row in world.rows["returns"]),
        "returnRate": round(returned / len(orders), 4) if orders else None,
        "lifetimeValue": amounts(kept),
        "averageOrderValue": amounts({code: int(each) for code, each in half_up.items()}),
    }


async def test_figures_are_what_the_rows_come_to(referee: Referee) -> None:
    found = {node["id"]: node for node in (await referee.ask(FIGURES, "agent"))["customers"]["nodes"]}
    several = 0
    for customer in referee.world.rows["customers"]:
        told = found[gid("Customer", customer)]
        stats, wanted = told["stats"], figures(referee.world, customer)
        numbers = {key: stats[key] and float(stats[key]) for key in ("orderCount", "returnCount", "returnRate")}
        assert {**stats, **numbers} == {
            **wanted, "firstOrderAt": stats["firstOrderAt"], "lastOrderAt": stats["lastOrderAt"],
        }  # fmt: skip
        assert (told["orderCount"], told["lifetimeValue"]) == (stats["orderCount"], stats["lifetimeValue"])
        several += len(wanted["lifetimeValue"]) > 1
    assert several


@pytest.mark.parametrize("role", ["agent", "customer"])
async def test_a_timeline_is_the_log_of_one_customer_without_what_moved_on_shelves_read_backwards(
    role: str, referee: Referee
) -> None:
    world = referee.world
    ana = world.rows["customers"][0]
    mine = [row for row in world.rows["events"] if row.get("customer_id") == ana["id"]]
    told = [row for row in mine if row["type"] != "STOCK_MOVED"]
    if role == "customer":
        told = [row for row in told if row["type"] in PUBLIC_EVENTS]
    seen: list[str] = []
    counts: set[str] = set()
    after, more = None, True
    while more:
        asked = {"id": gid("Customer", ana), "first": 30, "after": after}
        page = (await referee.ask(TIMELINE, role, **asked))["customer"]["timeline"]
        seen += [node["type"] for node in page["nodes"]]
        counts.add(page["totalCount"])
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert seen == [row["type"] for row in reversed(told)]
    assert counts == {str(len(told))}
    assert len(told) > 30
