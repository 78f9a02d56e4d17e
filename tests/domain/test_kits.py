"""Kits: what a kit's line says follows from its components, whatever became of each."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import kits
from domain.ids import new_id
from domain.model import Order, OrderLine, replace

STANDS = ("open", "backordered", "allocated", "picked", "shipped", "canceled")


def line(quantity: int, kit: OrderLine | None = None, **stands: int) -> OrderLine:
    """A line whose units are where `stands` says, and open otherwise."""
    left = quantity - sum(units for name, units in stands.items() if name in STANDS)
    where: dict[str, Any] = {"open": left, **stands}
    return OrderLine(
        id=new_id(), order_id=UUID(int=1), position=1, variant_id=new_id(), sku="S", name="S", quantity=quantity,
        currency="BRL", unit_price_minor=0, total_minor=0, kit_line_id=kit.id if kit else None,
        **where,
    )  # fmt: skip


def order(*lines: OrderLine) -> Order:
    """An order of these lines."""
    rest: dict[str, Any] = dict.fromkeys(("subtotal_minor", "discount_minor", "shipping_minor", "tax_minor"), 0)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    statuses: dict[str, Any] = dict.fromkeys(
        ("status", "payment_status", "fulfillment_status", "return_status"), "NONE"
    )
    return Order(
        id=UUID(int=1), number="1", channel_id=new_id(), currency="BRL", total_minor=0, created_at=at, placed_at=at,
        lines=lines, **rest, **statuses,
    )  # fmt: skip


# Kits bought; then of each component: units in one kit, and how many are canceled, shipped, picked, allocated,
# backordered (the rest is open); then the same of the kit.
CASES = """
1 | 1 0 0 0 1 0, 2 0 0 0 2 0 | 0 0 0 1 0
2 | 1 0 0 0 2 0, 2 0 0 0 3 0 | 0 0 0 1 0
2 | 1 0 0 0 2 0, 2 0 0 0 3 1 | 0 0 0 1 1
1 | 1 0 1 0 0 0, 1 0 0 0 1 0 | 0 0 0 1 0
1 | 1 0 1 0 0 0, 1 0 0 1 0 0 | 0 0 1 0 0
3 | 1 0 3 0 0 0, 2 0 4 2 0 0 | 0 2 1 0 0
3 | 1 1 2 0 0 0, 2 2 4 0 0 0 | 1 2 0 0 0
3 | 1 0 3 0 0 0, 2 1 5 0 0 0 | 1 2 0 0 0
2 | 3 0 2 2 2 0, 1 0 2 0 0 0 | 0 0 1 1 0
1 | 1 1 0 0 0 0, 1 0 1 0 0 0 | 1 0 0 0 0
"""


def stands(text: str) -> dict[str, int]:
    """Where units are."""
    names = ("canceled", "shipped", "picked", "allocated", "backordered")
    return dict(zip(names, map(int, text.split()), strict=True))


@pytest.mark.parametrize("case", CASES.strip().splitlines())
def test_a_kit_is_as_far_as_its_last_component(case: str) -> None:
    bought, parts, wanted = case.split(" | ")
    kit = line(int(bought))
    lines = []
    for part in parts.split(", "):
        units, _, rest = part.partition(" ")
        lines.append(line(int(units) * int(bought), kit, **stands(rest)))

    after = kits.with_kits(order(kit, *lines)).lines[0]

    expected = stands(wanted)
    assert {name: getattr(after, name) for name in expected} == expected
    assert after.open == int(bought) - sum(expected.values())


@st.composite
def bundles(draw: st.DrawFn) -> Order:
    """A kit whose components' units are anywhere."""
    kit = line(draw(st.integers(1, 4)))
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        left = kit.quantity * draw(st.integers(1, 3))
        quantity, where = left, {}
        for name in STANDS[1:]:
            where[name] = draw(st.integers(0, left))
            left -= where[name]
        delivered = draw(st.integers(0, where["shipped"]))
        parts.append(line(quantity, kit, **where, delivered=delivered))
    return order(kit, *parts)


@given(bundles())
def test_whatever_became_of_its_components_a_kits_units_add_up(bundle: Order) -> None:
    kit, *parts = kits.with_kits(bundle).lines
    assert kit.quantity == sum(getattr(kit, name) for name in STANDS)
    assert min(getattr(kit, name) for name in STANDS) >= 0
    assert kit.delivered <= kit.shipped
    assert parts == list(bundle.lines[1:])
    assert kits.with_kits(replace(bundle, lines=(kit, *parts))).lines[0] == kit
