"""Suggestions through the API: what runs out is ordered or moved in time, by numbers that are told."""

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from tests.api.shop import OPERATIONS, Answer, Shop

SUGGESTED = """
    query ($locationId: ID!, $coverDays: Int! = 30, $leadTimeDays: Int! = 7, $first: Int! = 50) {
      stockSuggestions(locationId: $locationId, coverDays: $coverDays, leadTimeDays: $leadTimeDays, first: $first) {
        variant { sku } location { code } quantity available incoming safetyStock perDay leadTimeDays reorderPoint
        orderUpTo daysOfCover transfer { fromLocation { code } quantity available perDay }
      }
    }
"""


@pytest.fixture(scope="module")
async def connection(database_url: str) -> Any:
    """The shop's database."""
    opened = await asyncpg.connect(database_url)
    yield opened
    await opened.close()


async def sold(shop: Shop, connection: asyncpg.Connection, sku: str, **units: int) -> None:
    """So many units were ordered over the last 30 days, of a variant that was there before."""
    then = datetime.now(UTC) - timedelta(days=90)
    variant = await connection.fetchval("update variants set created_at = $2 where sku = $1 returning id", sku, then)
    for code, count in units.items():
        day = datetime.now(UTC).date() - timedelta(days=4)
        place = shop.key(shop.places[code])
        await connection.execute("insert into demand_days values ($1, $2, $3, $4)", variant, place, day, count)


async def suggested(shop: Shop, code: str = "SAO1", viewer: Any = OPERATIONS, **more: Any) -> dict[str, Answer]:
    """Suggestions for a location by SKU, in their order."""
    found = await shop.ask(viewer, SUGGESTED, locationId=shop.places[code], **more)
    return {each.pop("variant")["sku"]: each for each in found["stockSuggestions"]}


async def test_what_will_not_last_until_more_could_come_is_ordered(shop: Shop, connection: asyncpg.Connection) -> None:
    sku, enough = await shop.variant(SAO1=20), await shop.variant(SAO1=22)
    for each in (sku, enough):
        await sold(shop, connection, each, SAO1=90)  # three a day: 21 until more could come, 111 then
    found = await suggested(shop)
    assert found[sku] == {
        "location": {"code": "SAO1"}, "quantity": 91, "available": 20, "incoming": 0, "safetyStock": 0, "perDay": 3,
        "leadTimeDays": 7, "reorderPoint": 21, "orderUpTo": 111, "daysOfCover": 6.7, "transfer": None,
    }  # fmt: skip
    assert enough not in found
    assert enough in await suggested(shop, leadTimeDays=8)
    assert (await suggested(shop, coverDays=0))[sku]["quantity"] == 1


async def test_what_another_location_has_to_spare_is_moved_first(shop: Shop, connection: asyncpg.Connection) -> None:
    sku = await shop.variant(SAO1=1, CWB1=70, RIO1=200)
    await sold(shop, connection, sku, SAO1=60, CWB1=30, RIO1=150)  # CWB1 needs 37 of its 70 itself, RIO1 185 of 200
    found = (await suggested(shop))[sku]
    assert found["transfer"] == {"fromLocation": {"code": "CWB1"}, "quantity": 33, "available": 70, "perDay": 1}
    assert (found["orderUpTo"], found["quantity"]) == (74, 74 - 1 - 33)


async def test_the_supplier_who_was_asked_last_says_how_long_it_takes(
    shop: Shop, connection: asyncpg.Connection
) -> None:
    sku = await shop.variant(SAO1=20)
    await sold(shop, connection, sku, SAO1=30)
    assert sku not in await suggested(shop)
    await connection.execute(
        """
        with mill as (
            insert into suppliers (id, code, name, lead_time_days, created_at)
            values (gen_random_uuid(), $1, 'Mill', 21, now()) returning id
        ),
        bought as (
            insert into purchase_orders
                (id, number, supplier_id, location_id, status, currency, expected_at, created_at, ordered_at)
            select gen_random_uuid(), $1, mill.id, $2, 'ORDERED', 'BRL', now(), now(), now() from mill returning id
        )
        insert into purchase_order_lines
            (id, purchase_order_id, position, variant_id, sku, name, ordered, currency, unit_cost_minor)
        select gen_random_uuid(), bought.id, 1, v.id, v.sku, v.name, 1, 'BRL', 1 from bought, variants v where v.sku = $1
        """,
        sku, shop.key(shop.places["SAO1"]),
    )  # fmt: skip
    found = (await suggested(shop))[sku]
    assert (found["leadTimeDays"], found["reorderPoint"], found["incoming"]) == (21, 21, 1)
    assert found["quantity"] == 51 - 21


async def test_the_most_urgent_comes_first_and_what_nobody_wants_never(
    shop: Shop, connection: asyncpg.Connection
) -> None:
    slow, fast, none = await shop.variant(CWB1=4), await shop.variant(CWB1=2), await shop.variant(CWB1=0)
    for sku in (slow, fast):
        await sold(shop, connection, sku, CWB1=30)
    assert [sku for sku in await suggested(shop, "CWB1") if sku in (slow, fast, none)] == [fast, slow]
    assert len(await suggested(shop, "CWB1", first=1)) == 1


async def test_a_location_is_told_of_itself_alone(shop: Shop, connection: asyncpg.Connection) -> None:
    sku = await shop.variant(RIO1=0)
    await sold(shop, connection, sku, RIO1=30)
    assert sku in await suggested(shop, "RIO1", viewer=shop.store("RIO1"))
    assert await suggested(shop, "RIO1", viewer=shop.store("SAO1")) == {}
    assert await suggested(shop, "RIO1", viewer=shop.shopper()) == {}
    answer = await shop.post(OPERATIONS, SUGGESTED, {"locationId": shop.places["RIO1"], "coverDays": 366})
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
