"""An order that no shelf has enough for: decided beside the event loop, and placed like any other."""

import asyncio
from random import Random

import pytest

from tests.api.shop import OPERATIONS, Shop
from tests.api.test_simulation import priced

STORES = [f"S{number}" for number in range(36)]
UNITS = 12


@pytest.fixture(scope="module")
async def skus(shop: Shop) -> list[str]:
    """Six goods of which every store has one to three."""
    random = Random(3)
    await priced(shop)
    for code in STORES:
        place = {"latitude": random.uniform(-25, -5), "longitude": random.uniform(-55, -38)}
        made = await shop.do(
            OPERATIONS, "locationSet", "location { id }", code=code, name=code, kind="STORE", channels=["web"], **place
        )
        shop.places[code] = made["location"]["id"]
    found = [await shop.variant() for _ in range(6)]
    for code in STORES:
        lines = [{"sku": sku, "setOnHand": random.randint(1, 3)} for sku in found]
        await shop.do(OPERATIONS, "stockAdjust", locationId=shop.places[code], reason="RECEIVED", lines=lines)
    return found


async def test_it_ships_whole_for_the_least_and_others_are_answered_meanwhile(shop: Shop, skus: list[str]) -> None:
    other = await shop.variant(SAO1=5)

    hard, easy = await asyncio.gather(shop.place(*[(sku, UNITS) for sku in skus]), shop.place((other, 1)))

    works = hard["fulfillmentOrders"]
    assert len(works) > 5
    assert sum(line["quantity"] for work in works for line in work["lines"]) == UNITS * len(skus)
    asked = (
        "query ($id: ID!) { order(id: $id) { routing { strategy gap chosen { location { code } } unfilled { sku } } } }"
    )
    (decision,) = (await shop.ask(OPERATIONS, asked, id=hard["id"]))["order"]["routing"]
    assert (decision["strategy"], decision["gap"], decision["unfilled"]) == ("LEAST_COST", None, [])
    assert len(easy["fulfillmentOrders"]) == 1


async def test_what_is_short_of_it_is_refused(shop: Shop, skus: list[str]) -> None:
    lines = [{"sku": sku, "quantity": 500} for sku in skus]
    refused = await shop.refused(OPERATIONS, "orderPlace", channel="web", lines=lines)
    assert refused["code"] == "INSUFFICIENT_STOCK"
