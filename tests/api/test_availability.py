"""Availability to promise through the API: what can be sold now, when there is more, by when it comes, where it waits."""

import asyncio
import random
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from domain.calendars import ISO_WEEKDAYS
from domain.routing.calendar import ends_at, ship_day, starts_at
from domain.routing.network import Calendar
from tests.api.shop import OPERATIONS, Answer, Shop, money

AVAILABLE = """
    query ($skus: [String!]!, $channel: String!, $destination: DestinationInput, $first: Int! = 5) {
      availability(skus: $skus, channel: $channel, destination: $destination) {
        sku sellable backorderable
        nextAvailable { at quantity }
        delivery { earliest latest cutoff }
        pickup(first: $first) { location { code } distanceKm sellable readyAt }
      }
    }
"""
CURITIBA = {"country": "BR", "postalCode": "80000-999"}
ZONE = "America/Sao_Paulo"


@pytest.fixture(scope="module")
async def connection(database_url: str) -> Any:
    """The shop's database."""
    opened = await asyncpg.connect(database_url)
    yield opened
    await opened.close()


async def asked(shop: Shop, *skus: str, viewer: Any = None, channel: str = "web", **more: Any) -> list[Answer]:
    """Availability of SKUs."""
    found = await shop.ask(viewer or shop.shopper(), AVAILABLE, skus=list(skus), channel=channel, **more)
    return found["availability"]  # type: ignore[no-any-return]


async def one(shop: Shop, sku: str, **more: Any) -> Answer:
    """Availability of one SKU."""
    (found,) = await asked(shop, sku, **more)
    return found


async def calendar_of(shop: Shop, code: str, kind: str, **settings: Any) -> None:
    """Set a location's calendar, and leave it where it is."""
    latitude, longitude = {"SAO1": (-23.5, -46.6), "RIO1": (-22.9, -43.2), "CWB1": (-25.4, -49.3)}[code]
    await shop.do(OPERATIONS, "locationSet", "location { id }", code=code, name=code, kind=kind, latitude=latitude,
                  longitude=longitude, channels=["web"], **settings)  # fmt: skip


async def carriers(shop: Shop, *rates: Answer) -> None:
    """A carrier's services."""
    await shop.do(OPERATIONS, "carrierRatesSet", "rates { service }", carrier="correios", currency="BRL", rates=rates)


# -- now ---------------------------------------------------------------------------------------------------------------


async def test_a_storefront_asks_for_many_in_the_order_in_which_it_shows_them(shop: Shop) -> None:
    first, second = await shop.variant(SAO1=3, RIO1=2), await shop.variant()
    found = await shop.contract(shop.shopper(), "Availability", skus=[second, "none", first], postalCode="01304-001",
                                country="BR")  # fmt: skip
    assert [(each["sku"], each["sellable"]) for each in found] == [(second, 0), (first, 5)]
    assert found[0] == {"sku": second, "sellable": 0, "nextAvailable": None, "delivery": None, "pickup": []}
    (store,) = found[1]["pickup"]
    assert (store["location"]["name"], store["sellable"], store["distanceKm"]) == ("RIO1", 2, None)


async def test_what_is_promised_or_kept_back_is_not_sellable(shop: Shop) -> None:
    sku = await shop.variant(SAO1=10)
    lines = [{"sku": sku, "quantity": 2}]
    await shop.place((sku, 3))
    assert (await one(shop, sku))["sellable"] == 7
    await shop.do(OPERATIONS, "safetyStockSet", locationId=shop.places["SAO1"], lines=lines)
    assert (await one(shop, sku))["sellable"] == 5
    await shop.do(OPERATIONS, "safetyStockSet", channel="web", lines=[{"sku": sku, "quantity": 4}])
    assert (await one(shop, sku))["sellable"] == 1
    await shop.do(OPERATIONS, "safetyStockSet", channel="web", lines=[{"sku": sku, "quantity": 40}])
    assert await one(shop, sku) == {
        "sku": sku, "sellable": 0, "backorderable": 0, "nextAvailable": None, "delivery": None, "pickup": [],
    }  # fmt: skip


async def test_a_channels_threshold_holds_for_what_has_none_of_its_own(shop: Shop) -> None:
    usual, own = await shop.variant(SAO1=10), await shop.variant(SAO1=10)
    await shop.do(OPERATIONS, "safetyStockSet", channel="web", lines=[{"quantity": 3}, {"sku": own, "quantity": 0}])
    assert [each["sellable"] for each in await asked(shop, usual, own)] == [7, 10]
    await shop.do(OPERATIONS, "safetyStockSet", channel="web", lines=[{"quantity": 0}])
    assert (await one(shop, usual))["sellable"] == 10


async def test_what_a_channel_keeps_back_cannot_be_bought_or_put_in_a_cart(shop: Shop) -> None:
    sku = await shop.variant(SAO1=5, RIO1=2)
    await shop.do(OPERATIONS, "safetyStockSet", channel="web", lines=[{"sku": sku, "quantity": 4}])
    address = {"country": "BR", "city": "São Paulo", "latitude": -23.5, "longitude": -46.6}
    basket = {"channel": "web", "lines": [{"sku": sku, "quantity": 4}]}
    refusal = {"code": "INSUFFICIENT_STOCK", "field": ["lines"], "sku": sku, "requested": 4, "sellable": 3}
    for whom in (shop.shopper(), OPERATIONS):
        assert await shop.refused(whom, "orderPlace", **basket) == refusal
        assert await shop.refused(whom, "stockReserve", **basket, reference="cart", ttlSeconds=900) == refusal
    quote = "query ($input: FulfillmentOptionsInput!) { fulfillmentOptions(input: $input) { id } }"
    offered = await shop.post(shop.shopper(), quote, {"input": {**basket, "destination": address}})
    assert [each["extensions"]["sellable"] for each in offered.json()["errors"]] == [3]

    cart = await shop.do(shop.shopper(), "stockReserve", "reservation { id }", channel="web", reference="cart",
                         ttlSeconds=900, lines=[{"sku": sku, "quantity": 3}])  # fmt: skip
    assert (await one(shop, sku))["sellable"] == 0
    assert (await shop.refused(shop.shopper(), "orderPlace", channel="web",
                               lines=[{"sku": sku, "quantity": 1}]))["sellable"] == 0  # fmt: skip
    await shop.do(OPERATIONS, "safetyStockSet", channel="web", lines=[{"sku": sku, "quantity": 40}])
    bought = {"channel": "web", "lines": [{"sku": sku, "quantity": 3}], "reservationId": cart["reservation"]["id"]}
    await shop.do(shop.shopper(), "orderPlace", **bought)  # what a cart holds is its own


async def test_however_many_buy_at_once_a_channel_keeps_back_what_it_was_told_to(shop: Shop) -> None:
    sku = await shop.variant(SAO1=4, RIO1=3, CWB1=2)
    await shop.do(OPERATIONS, "safetyStockSet", channel="web", lines=[{"sku": sku, "quantity": 4}])
    near = [{"latitude": latitude, "longitude": longitude} for latitude, longitude in ((-23.5, -46.6), (-22.9, -43.2))]
    orders = [
        shop.send(OPERATIONS, "orderPlace", "order { id }", channel="web", lines=[{"sku": sku, "quantity": 1}],
                  shippingAddress={"country": "BR", "line1": "x", "city": "y", **near[index % 2]})
        for index in range(12)
    ]  # fmt: skip
    placed = [each for each in await asyncio.gather(*orders) if each["order"]]
    assert len(placed) == 5
    assert sum(level.get("available", 0) for level in (await shop.stock(sku)).values()) == 4


async def test_who_waits_is_served_from_what_is_over_the_threshold(shop: Shop) -> None:
    sku = await shop.variant(SAO1=2)
    waits = [{"sku": sku, "name": sku, "backorder": {"policy": "BACKORDER"}}]
    await shop.do(OPERATIONS, "variantsSet", variants=waits)
    await shop.do(OPERATIONS, "safetyStockSet", channel="web", lines=[{"sku": sku, "quantity": 2}])
    order = await shop.place((sku, 1))
    assert order["lines"][0]["quantities"]["backordered"] == 1
    await shop.count(sku, "CWB1", 0)
    await shop.count(sku, "SAO1", 3)
    assert (await shop.order(order["id"]))["lines"][0]["quantities"]["allocated"] == 1
    assert (await shop.stock(sku))["SAO1"] == {"onHand": 3, "available": 2, "allocated": 1}


async def test_what_was_promised_is_shipped_from_elsewhere_though_it_is_kept_back(shop: Shop) -> None:
    sku = await shop.variant(SAO1=2, RIO1=2)
    order = await shop.place((sku, 2))
    await shop.do(OPERATIONS, "safetyStockSet", channel="web", lines=[{"sku": sku, "quantity": 2}])
    await shop.count(sku, "SAO1", 0)
    after = await shop.order(order["id"])
    assert [each["location"]["code"] for each in after["fulfillmentOrders"] if each["status"] != "CANCELED"] == ["RIO1"]


async def test_a_channel_sells_what_lies_where_it_ships_from(shop: Shop) -> None:
    sku = await shop.variant(SAO1=10)
    assert (await one(shop, sku, viewer=OPERATIONS, channel="abroad"))["sellable"] == 0
    assert await asked(shop, sku, viewer=None) != []


@pytest.mark.parametrize("channel", ["none", "abroad", ""])
async def test_a_channel_that_one_does_not_see_is_not_found(shop: Shop, channel: str) -> None:
    sku = await shop.variant(SAO1=10)
    answer = await shop.post(shop.shopper(), AVAILABLE, {"skus": [sku], "channel": channel})
    (error,) = answer.json()["errors"]
    assert answer.json()["data"] is None
    assert (error["path"], error["message"]) == (["availability"], f"No Channel {channel} is visible to you.")
    assert error["extensions"] == {"code": "NOT_FOUND", "noun": "Channel", "id": channel}


async def test_no_more_than_fifty_at_once(shop: Shop) -> None:
    answer = await shop.post(shop.shopper(), AVAILABLE, {"skus": ["x"] * 51, "channel": "web"})
    (error,) = answer.json()["errors"]
    assert (error["extensions"]["code"], error["message"]) == (
        "BAD_USER_INPUT",
        "At most 50 SKUs at once; 51 were given.",
    )
    answer = await shop.post(shop.shopper(), AVAILABLE, {"skus": [await shop.variant()], "channel": "web", "first": 21})
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


# -- later -------------------------------------------------------------------------------------------------------------


async def bought(
    shop: Shop, connection: asyncpg.Connection, sku: str, units: int, days: int, code: str = "SAO1"
) -> datetime:
    """Supply that a supplier knows of; gives when it is expected."""
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=days)
    number = shop.new("PO")
    await connection.execute(
        """
        with mill as (
            insert into suppliers (id, code, name, created_at) values (gen_random_uuid(), $1, 'Mill', now()) returning id
        ),
        bought as (
            insert into purchase_orders
                (id, number, supplier_id, location_id, status, currency, expected_at, created_at, ordered_at)
            select gen_random_uuid(), $1, mill.id, $2, 'ORDERED', 'BRL', $3, now(), now() from mill returning id
        )
        insert into purchase_order_lines
            (id, purchase_order_id, position, variant_id, sku, name, ordered, currency, unit_cost_minor)
        select gen_random_uuid(), bought.id, 1, v.id, v.sku, v.name, $5, 'BRL', 1 from bought, variants v where v.sku = $4
        """,
        number, shop.key(shop.places[code]), at, sku, units,
    )  # fmt: skip
    return at


def moment(text: str) -> datetime:
    """A DateTime of an answer."""
    return datetime.fromisoformat(text)


async def test_what_is_out_of_stock_is_there_when_supply_comes(shop: Shop, connection: asyncpg.Connection) -> None:
    sku = await shop.variant()
    later = await bought(shop, connection, sku, 20, 9)
    sooner = await bought(shop, connection, sku, 5, 3, "CWB1")
    found = await one(shop, sku)
    assert (found["sellable"], found["nextAvailable"]["quantity"]) == (0, 5)
    assert moment(found["nextAvailable"]["at"]) == sooner < later
    await shop.count(sku, "SAO1", 1)
    assert (await one(shop, sku))["nextAvailable"] is None


async def test_orders_that_wait_come_first(shop: Shop, connection: asyncpg.Connection) -> None:
    sku = await shop.variant(SAO1=9)
    order = await shop.place((sku, 9))
    await bought(shop, connection, sku, 5, 3)
    later = await bought(shop, connection, sku, 6, 7)
    await connection.execute(
        """update order_lines set backordered = 7, allocated = 2, backordered_at = now() where order_id = $1""",
        shop.key(order["id"]),
    )
    try:
        found = await one(shop, sku)
        assert (moment(found["nextAvailable"]["at"]), found["nextAvailable"]["quantity"]) == (later, 4)
    finally:
        await connection.execute(
            "update order_lines set backordered = 0, allocated = 9 where order_id = $1", shop.key(order["id"])
        )


async def test_supply_that_goes_where_the_channel_does_not_ship_from_is_none(
    shop: Shop, connection: asyncpg.Connection
) -> None:
    sku = await shop.variant()
    await bought(shop, connection, sku, 5, 3)
    assert (await one(shop, sku, viewer=OPERATIONS, channel="abroad"))["nextAvailable"] is None


async def test_overdue_supply_is_expected_any_moment(shop: Shop, connection: asyncpg.Connection) -> None:
    sku = await shop.variant()
    await bought(shop, connection, sku, 5, -3)
    at = moment((await one(shop, sku))["nextAvailable"]["at"])
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=5)


async def test_what_may_be_sold_ahead_goes_by_the_variants_policy(shop: Shop, connection: asyncpg.Connection) -> None:
    sku = await shop.variant(SAO1=1)

    async def policy(name: str, limit: int | None, releases_at: datetime | None = None) -> Any:
        await connection.execute(
            "update variants set backorder_policy = $2, backorder_limit = $3, releases_at = $4 where sku = $1",
            sku, name, limit, releases_at,
        )  # fmt: skip
        return (await one(shop, sku))["backorderable"]

    soon, past = [datetime.now(UTC).replace(microsecond=0) + timedelta(days=days) for days in (5, -5)]
    assert await policy("BACKORDER", 10) == 10
    assert (await one(shop, sku))["sellable"] == 1
    assert await policy("BACKORDER", None) is None
    assert await policy("PREORDER", 4, soon) == 4
    found = await one(shop, sku)
    assert (found["sellable"], found["nextAvailable"]["quantity"]) == (0, 1)
    assert moment(found["nextAvailable"]["at"]) == soon
    assert await policy("PREORDER", 4, past) == 0
    assert await policy("NONE", None) == 0


# -- kits --------------------------------------------------------------------------------------------------------------


async def kit(shop: Shop, **parts: int) -> str:
    """A fresh kit of units by SKU."""
    sku = shop.new("KIT")
    components = [{"sku": part, "quantity": units} for part, units in parts.items()]
    prices = [{"channel": "web", "price": money("100.00")}]
    await shop.do(
        OPERATIONS, "variantsSet", variants=[{"sku": sku, "name": sku, "prices": prices, "components": components}]
    )
    return sku


async def test_a_kit_sells_as_its_scarcest_component(shop: Shop, connection: asyncpg.Connection) -> None:
    shirt, sock = await shop.variant(SAO1=3, RIO1=4), await shop.variant(CWB1=6, RIO1=5)
    outfit = await kit(shop, **{shirt: 1, sock: 2})
    found = await one(shop, outfit)
    assert found["sellable"] == 5
    assert [(each["location"]["code"], each["sellable"]) for each in found["pickup"]] == [("RIO1", 2)]
    await shop.do(OPERATIONS, "safetyStockSet", channel="web", lines=[{"sku": shirt, "quantity": 4}])
    assert (await one(shop, outfit))["sellable"] == 3
    await shop.place((outfit, 3))
    assert (await one(shop, outfit))["sellable"] == 0


async def test_a_kit_is_there_again_when_the_last_of_its_components_is(
    shop: Shop, connection: asyncpg.Connection
) -> None:
    shirt, sock, cap = await shop.variant(SAO1=9), await shop.variant(SAO1=1), await shop.variant()
    outfit = await kit(shop, **{shirt: 1, sock: 2, cap: 1})
    await bought(shop, connection, sock, 7, 2)
    assert (await one(shop, outfit))["nextAvailable"] is None
    later = await bought(shop, connection, cap, 20, 6)
    await bought(shop, connection, sock, 70, 9)
    found = (await one(shop, outfit))["nextAvailable"]
    assert (moment(found["at"]), found["quantity"]) == (later, 4)
    release = later + timedelta(days=30)
    await connection.execute(
        "update variants set backorder_policy = 'PREORDER', releases_at = $2 where sku = $1", shirt, release
    )
    found = (await one(shop, outfit))["nextAvailable"]
    assert (moment(found["at"]), found["quantity"]) == (release, 9)


async def test_a_kit_arrives_with_the_last_of_its_components(shop: Shop) -> None:
    shirt, sock = await shop.variant(SAO1=9), await shop.variant(CWB1=9)
    outfit = await kit(shop, **{shirt: 1, sock: 2})
    await carriers(shop, {"service": "SEDEX", "base": "9", "firstDays": 0})
    await calendar_of(shop, "CWB1", "WAREHOUSE", handlingDays=5, cutoff="12:00")
    found = await asked(shop, shirt, sock, outfit, destination=CURITIBA)
    soon, late, whole = [each["delivery"] for each in found]
    assert whole == {**late, "cutoff": min(soon["cutoff"], late["cutoff"], key=moment)}
    assert moment(soon["earliest"]) < moment(late["earliest"])
    await calendar_of(shop, "CWB1", "WAREHOUSE", handlingDays=None, cutoff=None)
    await carriers(shop)


# -- by when -----------------------------------------------------------------------------------------------------------


async def test_delivery_goes_by_calendars_and_by_what_carriers_take(shop: Shop) -> None:
    """The statement and the router's calendar say the same of random calendars."""
    chance = random.Random(11)
    sku = await shop.variant(CWB1=4)
    address = {"country": "BR", "postalCode": "01304-001", "latitude": -23.55, "longitude": -46.65}
    await carriers(shop, {"service": "PAC", "base": "1", "firstDays": 4, "kmPerDay": 100.0},
                   {"service": "SEDEX", "base": "9", "firstDays": 1}, {"service": "ABROAD", "base": "1", "countries": ["US"]})  # fmt: skip
    kilometers = 340  # as the crow flies: between 300 and 400
    for _ in range(12):
        days = chance.sample([*ISO_WEEKDAYS], chance.randint(1, 7))
        today = datetime.now(ZoneInfo(ZONE)).date()
        closures = [today + timedelta(days=chance.randint(0, 9)) for _ in range(chance.randint(0, 3))]
        cutoff = chance.choice([None, "00:00", "12:30", "23:59"])
        handling = chance.randint(0, 3)
        calendar = Calendar(
            ZONE, frozenset(ISO_WEEKDAYS[day] for day in days), frozenset(closures),
            None if cutoff is None else datetime.strptime(cutoff, "%H:%M").time(), handling,  # noqa: DTZ007
        )  # fmt: skip
        await calendar_of(shop, "CWB1", "WAREHOUSE", workingDays=days, closures=[str(day) for day in closures],
                          cutoff=cutoff, handlingDays=handling)  # fmt: skip

        found = (await one(shop, sku, destination=address))["delivery"]

        leaves = ship_day(calendar, datetime.now(UTC))
        assert leaves is not None
        first, last = leaves + timedelta(days=1), leaves + timedelta(days=4 + kilometers // 100)
        assert (moment(found["earliest"]), moment(found["latest"])) == (
            starts_at(calendar, first),
            ends_at(calendar, last),
        )
        counts = moment(found["cutoff"]).astimezone(ZoneInfo(ZONE))
        assert ship_day(calendar, counts) == leaves
        assert ship_day(calendar, counts + timedelta(seconds=1)) > leaves  # type: ignore[operator]
    await calendar_of(shop, "CWB1", "WAREHOUSE", workingDays=None, closures=None, cutoff=None, handlingDays=None)


async def test_a_public_holiday_is_no_working_day(shop: Shop, connection: asyncpg.Connection) -> None:
    sku = await shop.variant(CWB1=4)
    await carriers(shop, {"service": "SEDEX", "base": "9", "firstDays": 0})
    await calendar_of(shop, "CWB1", "WAREHOUSE", handlingDays=0, holidayCalendar={"country": "BR", "subdivision": "PR"})
    listed = {row["day"] for row in await connection.fetch("select day from public_holidays where subdivision = 'PR'")}
    assert date(datetime.now(UTC).year, 12, 25) in listed
    today = datetime.now(ZoneInfo(ZONE)).date()
    await connection.execute("insert into public_holidays values ('BR', 'PR', $1) on conflict do nothing", today)
    calendar = Calendar(ZONE, holidays=frozenset({today, *listed}), handling_days=0)
    found = (await one(shop, sku, destination=CURITIBA))["delivery"]
    assert moment(found["earliest"]) == starts_at(calendar, ship_day(calendar, datetime.now(UTC)))  # type: ignore[arg-type]
    await calendar_of(shop, "CWB1", "WAREHOUSE", handlingDays=None, holidayCalendar=None)


async def test_without_a_rate_for_the_way_nothing_is_said_of_delivery(shop: Shop) -> None:
    sku = await shop.variant(CWB1=4)
    await carriers(shop, {"service": "ABROAD", "base": "1", "countries": ["US"]})
    assert (await one(shop, sku, destination=CURITIBA))["delivery"] is None
    await carriers(shop)
    assert (await one(shop, sku, destination=CURITIBA))["delivery"] is None


# -- where -------------------------------------------------------------------------------------------------------------


async def test_the_nearest_stores_by_where_past_orders_say_that_a_postal_code_is(
    shop: Shop, connection: asyncpg.Connection
) -> None:
    for code, latitude in (("CWB1", "WAREHOUSE"), ("SAO1", "STORE")):
        await calendar_of(shop, code, latitude)
    sku = await shop.variant(SAO1=4, RIO1=7, CWB1=1)
    await connection.execute(
        "insert into postal_areas values ('BR', '20', 2, -45.8, -86.4), ('BR', '2001', 1, -23.5, -46.6)"
    )

    async def stores(postal_code: str | None, **more: Any) -> list[tuple[str, float | None, int]]:
        destination = {"country": "BR", "postalCode": postal_code} if postal_code else None
        found = (await one(shop, sku, destination=destination, **more))["pickup"]
        return [(each["location"]["code"], each["distanceKm"], each["sellable"]) for each in found]

    assert await stores("20999-000") == [("RIO1", 0, 7), ("SAO1", 353.8, 4)]
    assert await stores("2001.1-000") == [("SAO1", 0, 4), ("RIO1", 353.8, 7)]
    assert await stores("99999-999") == await stores(None) == [("RIO1", None, 7), ("SAO1", None, 4)]
    assert await stores(None, first=1) == [("RIO1", None, 7)]
    ready = moment((await one(shop, sku))["pickup"][0]["readyAt"])
    assert ready.astimezone(ZoneInfo(ZONE)).hour == 18
    await calendar_of(shop, "SAO1", "WAREHOUSE")
