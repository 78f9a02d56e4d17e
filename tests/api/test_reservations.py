"""Stock held for carts: reserved, changed, extended, given back by somebody or the clock, and bought; never twice."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from domain.refusals import InvalidTransition
from domain.reservations import LONGEST
from domain.store import log
from domain.viewer import SYSTEM, Scope, Viewer
from resolvers import orders, reservations
from resolvers.database import open_database
from resolvers.jobs import Done
from resolvers.timers import expire_reservations
from resolvers.writing import Outcome, Verb, Work, World, act_of, perform
from resolvers.writing import _once as once
from schema.inputs.orders import OrderLineInput, OrderPlaceInput
from tests.api.shop import ADDRESS, AGENT, OPERATIONS, Answer, Shop, app, quantities
from tests.api.test_exceptions import do
from tests.api.test_races import sound

CART = "reservation { id status reference expiresAt version lines { sku quantity location { code } } }"


@pytest.fixture(scope="module")
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_database(database_url, reads=1, writes=3) as database:
        yield World(database)


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def reserve(shop: Shop, *lines: tuple[str, int], viewer: Viewer | None = None, **given: Any) -> Answer:
    """Reserve (SKU, units): the reservation."""
    wanted = [{"sku": sku, "quantity": units} for sku, units in lines]
    given = {"reference": shop.new("cart"), "channel": "web", **given}
    done = await shop.do(viewer or shop.shopper(), "stockReserve", CART, lines=wanted, **given)
    return done["reservation"]  # type: ignore[no-any-return]


def held(cart: Answer) -> set[tuple[str, int, str]]:
    """What a reservation holds: (SKU, units, location)."""
    return {(line["sku"], line["quantity"], line["location"]["code"]) for line in cart["lines"]}


async def status_of(shop: Shop, cart: Answer) -> str:
    """Where a reservation stands."""
    asked = "query ($id: ID!) { reservation(id: $id) { status } }"
    return (await shop.ask(OPERATIONS, asked, id=cart["id"]))["reservation"]["status"]  # type: ignore[no-any-return]


async def ledger(shop: Shop, sku: str) -> list[tuple[str, int, str | None, str | None, str | None]]:
    """A SKU's entries after its counts, the first first: (kind, units, from, to, what caused them)."""
    asked = """query ($sku: String!) { stockMovements(filter: { sku: $sku }) {
        nodes { kind quantity fromBucket toBucket cause { __typename } } } }"""
    nodes = (await shop.ask(OPERATIONS, asked, sku=sku))["stockMovements"]["nodes"]
    names = ("kind", "quantity", "fromBucket", "toBucket")
    entries = [(*(node[name] for name in names), (node["cause"] or {}).get("__typename")) for node in reversed(nodes)]
    return [entry for entry in entries if entry[0] != "RECEIVE"]


async def due(connection: asyncpg.Connection, cart: Answer) -> None:
    """Its time is over."""
    await connection.execute("UPDATE reservations SET expires_at = now() WHERE id = $1", Shop.key(cart["id"]))


# -- reserving -------------------------------------------------------------------------------------------------------


async def test_a_cart_is_reserved_extended_and_given_back(shop: Shop) -> None:
    sku = await shop.variant(SAO1=3)

    made = await shop.contract(shop.shopper(), "ReserveCart", key=shop.new("key"), sku=sku)
    cart = made["reservation"]

    assert made["userErrors"] == []
    assert cart["status"] == "ACTIVE"
    assert held(cart) == {(sku, 1, "SAO1")}
    soon = datetime.fromisoformat(cart["expiresAt"]) - datetime.now(UTC)
    assert timedelta(seconds=880) < soon <= timedelta(seconds=900)
    assert await shop.stock(sku) == {"SAO1": {"onHand": 3, "available": 2, "reserved": 1}}

    extended = await shop.contract(shop.shopper(), "ExtendCart", id=cart["id"], key=shop.new("key"))
    assert extended["userErrors"] == []
    assert extended["reservation"]["expiresAt"] > cart["expiresAt"]

    released = await shop.contract(shop.shopper(), "ReleaseCart", id=cart["id"], key=shop.new("key"))
    assert released == {"reservation": {"id": cart["id"], "status": "RELEASED"}, "userErrors": []}
    assert await shop.stock(sku) == {"SAO1": {"onHand": 3, "available": 3}}
    assert await ledger(shop, sku) == [
        ("RESERVE", 1, "AVAILABLE", "RESERVED", "Reservation"),
        ("RELEASE", 1, "RESERVED", "AVAILABLE", "Reservation"),
    ]


async def test_what_is_reserved_cannot_be_sold_to_others(shop: Shop) -> None:
    sku = await shop.variant(SAO1=3)
    await reserve(shop, (sku, 2))

    lines = [{"sku": sku, "quantity": 2}]
    for mutation, more in (("orderPlace", {}), ("stockReserve", {"reference": "another cart"})):
        refusal = await shop.refused(shop.shopper(), mutation, channel="web", lines=lines, **more)
        assert refusal == {"code": "INSUFFICIENT_STOCK", "field": ["lines"], "sku": sku, "requested": 2, "sellable": 1}
    assert await shop.stock(sku) == {"SAO1": {"onHand": 3, "available": 1, "reserved": 2}}


async def test_a_cart_that_changes_changes_what_is_held_and_holds_it_longer(shop: Shop) -> None:
    shirt, shoe, hat = await shop.variant(SAO1=5), await shop.variant(SAO1=5), await shop.variant(SAO1=5)
    first = await reserve(shop, (shirt, 3), (shoe, 4), reference="cart-a", ttlSeconds=60)

    second = await reserve(shop, (shirt, 5), (shoe, 1), (hat, 2), reference="cart-a", ttlSeconds=600)

    assert second["id"] == first["id"]
    assert second["expiresAt"] > first["expiresAt"]
    assert held(second) == {(shirt, 5, "SAO1"), (shoe, 1, "SAO1"), (hat, 2, "SAO1")}
    assert [(await shop.stock(sku))["SAO1"].get("reserved") for sku in (shirt, shoe, hat)] == [5, 1, 2]
    third = await reserve(shop, (hat, 2), reference="cart-a", ttlSeconds=10)
    assert held(third) == {(hat, 2, "SAO1")}
    assert third["expiresAt"] == second["expiresAt"]
    assert [(await shop.stock(sku))["SAO1"].get("reserved", 0) for sku in (shirt, shoe, hat)] == [0, 0, 2]
    await shop.do(shop.shopper(), "reservationRelease", id=third["id"])


async def test_a_change_that_stock_does_not_cover_leaves_the_cart_as_it_was(shop: Shop) -> None:
    sku = await shop.variant(SAO1=2, RIO1=1)
    cart = await reserve(shop, (sku, 2), reference="cart-b")

    lines = [{"sku": sku, "quantity": 4}]
    refusal = await shop.refused(shop.shopper(), "stockReserve", channel="web", reference="cart-b", lines=lines)

    assert (refusal["code"], refusal["requested"], refusal["sellable"]) == ("INSUFFICIENT_STOCK", 4, 3)
    assert sum(level.get("reserved", 0) for level in (await shop.stock(sku)).values()) == 2
    assert await status_of(shop, cart) == "ACTIVE"


async def test_a_reference_that_ended_can_be_reserved_again(shop: Shop) -> None:
    sku = await shop.variant(SAO1=2)
    first = await reserve(shop, (sku, 1), reference="cart-c")
    await shop.do(shop.shopper(), "reservationRelease", id=first["id"])

    second = await reserve(shop, (sku, 2), reference="cart-c")

    assert second["id"] != first["id"]
    assert await shop.stock(sku) == {"SAO1": {"onHand": 2, "reserved": 2}}


async def test_what_no_cart_can_be_is_refused(shop: Shop) -> None:
    sku = await shop.variant(SAO1=2)
    good = {"channel": "web", "reference": "r", "lines": [{"sku": sku, "quantity": 1}], "ttlSeconds": 60}
    for odd, code, field in (
        ({"ttlSeconds": 9}, "INVALID_INPUT", ["ttlSeconds"]),
        ({"ttlSeconds": 3_601}, "INVALID_INPUT", ["ttlSeconds"]),
        ({"reference": "  "}, "INVALID_INPUT", ["reference"]),
        ({"reference": "r" * 201}, "INVALID_INPUT", ["reference"]),
        ({"lines": []}, "INVALID_INPUT", ["lines"]),
        ({"lines": [{"sku": sku, "quantity": 0}]}, "INVALID_INPUT", ["lines", "0", "quantity"]),
        ({"lines": [{"sku": "nope", "quantity": 1}]}, "UNKNOWN_SKU", ["lines", "0", "sku"]),
        ({"channel": "abroad"}, "NOT_FOUND", ["channel"]),
    ):
        refusal = await shop.refused(shop.shopper(), "stockReserve", **{**good, **odd})
        assert (refusal["code"], refusal["field"]) == (code, field)
    assert await shop.stock(sku) == {"SAO1": {"onHand": 2, "available": 2}}


async def test_a_reservation_needs_the_scope_to_place_orders(shop: Shop) -> None:
    sku = await shop.variant(SAO1=2)
    lines = [{"sku": sku, "quantity": 1}]
    refusal = await shop.refused(shop.floor("SAO1"), "stockReserve", channel="web", reference="r", lines=lines)
    assert (refusal["code"], refusal["scope"]) == ("FORBIDDEN", "orders:place")


async def test_nobody_holds_stock_for_ever(shop: Shop, connection: asyncpg.Connection) -> None:
    cart = await reserve(shop, (await shop.variant(SAO1=1), 1))
    nearly = "UPDATE reservations SET created_at = $2, expires_at = $3 WHERE id = $1"
    now = datetime.now(UTC)
    began, ends = now - LONGEST + timedelta(minutes=5), now + timedelta(minutes=1)
    await connection.execute(nearly, shop.key(cart["id"]), began, ends)

    for _ in range(2):
        done = await shop.do(shop.shopper(), "reservationExtend", CART, id=cart["id"], ttlSeconds=3_600)
        assert datetime.fromisoformat(done["reservation"]["expiresAt"]) == began + LONGEST


async def test_two_tabs_that_reserve_one_cart_at_once_hold_it_once(shop: Shop) -> None:
    sku = await shop.variant(SAO1=20)
    made = await asyncio.gather(*(reserve(shop, (sku, 2), reference="cart-tabs") for _ in range(6)))
    assert len({cart["id"] for cart in made}) == 1
    assert await shop.stock(sku) == {"SAO1": {"onHand": 20, "available": 18, "reserved": 2}}


async def test_the_same_key_reserves_once(shop: Shop) -> None:
    sku, key = await shop.variant(SAO1=5), shop.new("key")
    given = {"channel": "web", "reference": "cart-key", "lines": [{"sku": sku, "quantity": 2}], "idempotencyKey": key}
    first, twin = [await shop.do(shop.shopper(), "stockReserve", CART, **given) for _ in range(2)]
    assert first == twin
    assert (await ledger(shop, sku)) == [("RESERVE", 2, "AVAILABLE", "RESERVED", "Reservation")]


# -- whose it is -----------------------------------------------------------------------------------------------------


async def test_a_customers_reservation_is_not_there_for_anybody_else(shop: Shop) -> None:
    ana, bob = await shop.customer(), await shop.customer()
    sku = await shop.variant(SAO1=5)
    cart = await reserve(shop, (sku, 1), viewer=ana, reference="my cart")
    lines = [{"sku": sku, "quantity": 1}]

    for other in (bob, shop.shopper(), shop.store("SAO1"), app(Scope.ORDERS_PLACE)):
        for mutation, given, field in (
            ("reservationExtend", {"id": cart["id"]}, ["id"]),
            ("reservationRelease", {"id": cart["id"]}, ["id"]),
            ("orderPlace", {"reservationId": cart["id"], "channel": "web", "lines": lines}, ["reservationId"]),
        ):
            refusal = await shop.refused(other, mutation, **given)
            assert refusal == {"code": "NOT_FOUND", "field": field, "noun": "Reservation", "id": cart["id"]}
        asked = "query ($id: ID!) { reservation(id: $id) { id } }"
        assert await shop.ask(other, asked, id=cart["id"]) == {"reservation": None}
    theirs = await reserve(shop, (sku, 1), viewer=bob, reference="my cart")
    assert theirs["id"] != cart["id"]
    assert (await shop.do(AGENT, "reservationExtend", CART, id=cart["id"]))["reservation"]["id"] == cart["id"]
    await shop.do(ana, "reservationRelease", id=cart["id"])


async def test_a_shopper_who_signs_in_buys_what_they_reserved_before(shop: Shop) -> None:
    ana, sku = await shop.customer(), await shop.variant(SAO1=1)
    cart = await reserve(shop, (sku, 1))

    order = await shop.place((sku, 1), viewer=ana, reservationId=cart["id"])

    assert await status_of(shop, cart) == "CONSUMED"
    assert order["lines"][0]["quantities"]["allocated"] == 1


@pytest.mark.parametrize("id_", ["rsv_00000000-0000-7000-8000-000000000000", "nonsense", "ord_1"])
async def test_a_reservation_that_was_never_made_is_not_found(shop: Shop, id_: str) -> None:
    lines = [{"sku": await shop.variant(SAO1=1), "quantity": 1}]
    refusal = await shop.refused(shop.shopper(), "orderPlace", channel="web", lines=lines, reservationId=id_)
    assert refusal == {"code": "NOT_FOUND", "field": ["reservationId"], "noun": "Reservation", "id": id_}


async def test_staff_find_out_who_holds_a_sku(shop: Shop) -> None:
    sku, other = await shop.variant(SAO1=5), await shop.variant(SAO1=5)
    gone = await reserve(shop, (sku, 1))
    await shop.do(shop.shopper(), "reservationRelease", id=gone["id"])
    cart = await reserve(shop, (sku, 1), (other, 1), reference="look for me")
    await reserve(shop, (other, 1))
    asked = "query ($filter: ReservationFilter) { reservations(filter: $filter) { nodes { id } } }"

    for filter_ in ({"sku": sku}, {"reference": "look for me"}, {"sku": sku, "status": ["ACTIVE"]}):
        assert await shop.ask(AGENT, asked, filter=filter_) == {"reservations": {"nodes": [{"id": cart["id"]}]}}
    assert await shop.ask(AGENT, asked, filter={"sku": sku, "status": ["RELEASED"]}) == {"reservations": {"nodes": []}}
    for nobody in (shop.shopper(), shop.floor("SAO1"), shop.store("SAO1")):
        assert await shop.ask(nobody, asked, filter={"sku": sku}) == {"reservations": {"nodes": []}}


# -- buying ----------------------------------------------------------------------------------------------------------


async def test_an_order_takes_what_is_held_for_its_cart(shop: Shop) -> None:
    sku = await shop.variant(SAO1=2)
    cart = await reserve(shop, (sku, 2))
    assert (await shop.stock(sku))["SAO1"] == {"onHand": 2, "reserved": 2}

    order = await shop.place((sku, 2), viewer=AGENT, reservationId=cart["id"])

    assert order["lines"][0]["quantities"]["allocated"] == 2
    assert await shop.stock(sku) == {"SAO1": {"onHand": 2, "allocated": 2}}
    assert (await ledger(shop, sku))[1:] == [("ALLOCATE", 2, "RESERVED", "ALLOCATED", "RoutingDecision")]
    asked = "query ($id: ID!) { reservation(id: $id) { status order { id } endedAt availableActions } }"
    found = (await shop.ask(AGENT, asked, id=cart["id"]))["reservation"]
    assert found.pop("endedAt") is not None
    assert found == {"status": "CONSUMED", "order": {"id": order["id"]}, "availableActions": []}


async def test_an_order_may_want_fewer_more_and_other_units_than_its_cart(shop: Shop) -> None:
    fewer, more, other, none = [await shop.variant(SAO1=5) for _ in range(4)]
    cart = await reserve(shop, (fewer, 3), (more, 1), (none, 2))

    await shop.place((fewer, 1), (more, 4), (other, 2), reservationId=cart["id"])

    assert await shop.stock(fewer) == {"SAO1": {"onHand": 5, "available": 4, "allocated": 1}}
    assert await shop.stock(more) == {"SAO1": {"onHand": 5, "available": 1, "allocated": 4}}
    assert await shop.stock(other) == {"SAO1": {"onHand": 5, "available": 3, "allocated": 2}}
    assert await shop.stock(none) == {"SAO1": {"onHand": 5, "available": 5}}
    assert await ledger(shop, fewer) == [
        ("RESERVE", 3, "AVAILABLE", "RESERVED", "Reservation"),
        ("ALLOCATE", 1, "RESERVED", "ALLOCATED", "RoutingDecision"),
        ("RELEASE", 2, "RESERVED", "AVAILABLE", "Reservation"),
    ]
    assert (await ledger(shop, more))[1:] == [
        ("ALLOCATE", 1, "RESERVED", "ALLOCATED", "RoutingDecision"),
        ("ALLOCATE", 3, "AVAILABLE", "ALLOCATED", "RoutingDecision"),
    ]


async def test_an_order_that_cannot_be_filled_leaves_its_cart_alone(shop: Shop) -> None:
    sku = await shop.variant(SAO1=2)
    cart = await reserve(shop, (sku, 1))
    lines = [{"sku": sku, "quantity": 3}]

    refusal = await shop.refused(AGENT, "orderPlace", channel="web", lines=lines, reservationId=cart["id"])

    assert (refusal["code"], refusal["requested"], refusal["sellable"]) == ("INSUFFICIENT_STOCK", 3, 2)
    assert await status_of(shop, cart) == "ACTIVE"
    assert await shop.stock(sku) == {"SAO1": {"onHand": 2, "available": 1, "reserved": 1}}


async def test_an_order_ships_from_where_is_best_with_its_cart_counted_in(shop: Shop) -> None:
    """No destination is known when a cart is reserved; once it is, the nearest that has everything ships."""
    sku = await shop.variant(CWB1=1)
    cart = await reserve(shop, (sku, 1))
    await shop.count(sku, "SAO1", 1)

    order = await shop.place((sku, 1), reservationId=cart["id"])

    assert [work["location"]["code"] for work in order["fulfillmentOrders"]] == ["SAO1"]
    stock = await shop.stock(sku)
    assert stock == {"SAO1": {"onHand": 1, "allocated": 1}, "CWB1": {"onHand": 1, "available": 1}}


async def test_a_draft_is_placed_with_a_cart(shop: Shop) -> None:
    sku = await shop.variant(SAO1=1)
    cart = await reserve(shop, (sku, 1), viewer=AGENT)
    draft = await shop.do(AGENT, "orderDraft", "order { id }", channel="web", lines=[{"sku": sku, "quantity": 1}])

    given = {"draftId": draft["order"]["id"], "reservationId": cart["id"]}
    await shop.do(AGENT, "orderPlace", **given, shippingAddress=ADDRESS, customer={"email": "d@example.com"})

    assert await shop.stock(sku) == {"SAO1": {"onHand": 1, "allocated": 1}}


async def test_a_cart_is_bought_once(shop: Shop) -> None:
    sku = await shop.variant(SAO1=5)
    cart = await reserve(shop, (sku, 2))
    lines = [{"sku": sku, "quantity": 2}]
    given = {"channel": "web", "lines": lines, "reservationId": cart["id"]}

    payloads = await asyncio.gather(*(shop.send(AGENT, "orderPlace", **given) for _ in range(5)))

    refused = [error for payload in payloads for error in payload["userErrors"]]
    assert refused == 4 * [
        {
            "code": "INVALID_TRANSITION",
            "field": ["reservationId"],
            "state": "CONSUMED",
            "action": "CONSUME",
            "allowed": [],
        }
    ]
    assert await shop.stock(sku) == {"SAO1": {"onHand": 5, "available": 3, "allocated": 2}}


async def test_the_cart_of_another_channel_is_not_bought(shop: Shop) -> None:
    cart = await reserve(shop, (await shop.variant(SAO1=1), 1))
    sku = shop.new("SKU")
    prices = [{"channel": "abroad", "price": {"amount": "1.00", "currency": "USD"}}]
    await shop.do(OPERATIONS, "variantsSet", variants=[{"sku": sku, "name": sku, "prices": prices}])
    lines = [{"sku": sku, "quantity": 1}]
    refusal = await shop.refused(AGENT, "orderPlace", channel="abroad", lines=lines, reservationId=cart["id"])
    assert (refusal["code"], refusal["field"]) == ("INVALID_INPUT", ["reservationId"])


async def test_what_ended_is_neither_extended_nor_given_back_again(shop: Shop) -> None:
    cart = await reserve(shop, (await shop.variant(SAO1=1), 1))
    await shop.do(shop.shopper(), "reservationRelease", id=cart["id"])
    for mutation, action in (("reservationExtend", "EXTEND"), ("reservationRelease", "RELEASE")):
        refusal = await shop.refused(shop.shopper(), mutation, id=cart["id"])
        assert (refusal["code"], refusal["state"], refusal["action"]) == ("INVALID_TRANSITION", "RELEASED", action)


# -- the clock -------------------------------------------------------------------------------------------------------


async def test_a_reservation_ends_when_its_time_is_over(
    shop: Shop, world: World, connection: asyncpg.Connection
) -> None:
    sku = await shop.variant(SAO1=3)
    over, still = await reserve(shop, (sku, 1)), await reserve(shop, (sku, 1))
    await due(connection, over)

    for _ in range(2):
        assert isinstance(await do(expire_reservations(world)), Done)

    assert [await status_of(shop, cart) for cart in (over, still)] == ["EXPIRED", "ACTIVE"]
    assert await shop.stock(sku) == {"SAO1": {"onHand": 3, "available": 2, "reserved": 1}}
    await log.stamp(connection, 1_000)
    asked = """query ($id: ID!) { events(filter: { subjectId: $id }) {
        nodes { type actor { kind displayName } subject { id } } } }"""
    told = (await shop.ask(OPERATIONS, asked, id=over["id"]))["events"]["nodes"]
    assert [event["type"] for event in told] == ["RESERVATION_MADE", "RESERVATION_EXPIRED"]
    assert told[1]["actor"] == {"kind": "SYSTEM", "displayName": "Ordergraph"}
    assert told[1]["subject"] == {"id": over["id"]}


async def test_more_reservations_end_than_are_read_at_once(
    shop: Shop, world: World, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resolvers.timers.CHUNK", 2)
    sku = await shop.variant(SAO1=5)
    for cart in [await reserve(shop, (sku, 1)) for _ in range(5)]:
        await due(connection, cart)

    await do(expire_reservations(world))

    assert await shop.stock(sku) == {"SAO1": {"onHand": 5, "available": 5}}


async def test_an_order_with_a_cart_that_ran_out_takes_what_there_is(
    shop: Shop, world: World, connection: asyncpg.Connection
) -> None:
    sku = await shop.variant(SAO1=1)
    cart = await reserve(shop, (sku, 1))
    await due(connection, cart)
    await do(expire_reservations(world))

    await shop.place((sku, 1), reservationId=cart["id"])

    assert await status_of(shop, cart) == "EXPIRED"
    lines = [{"sku": sku, "quantity": 1}]
    refusal = await shop.refused(AGENT, "orderPlace", channel="web", lines=lines, reservationId=cart["id"])
    assert refusal["code"] == "INSUFFICIENT_STOCK"


# -- two at once, in a fixed order -----------------------------------------------------------------------------------


def expiring(cart: Answer) -> tuple[Verb, Any, Viewer]:
    """What the clock does."""
    return reservations.expire, reservations.Expiry(cart["id"], f"expired:{cart['id']}"), SYSTEM


def buying(shop: Shop, cart: Answer, sku: str) -> tuple[Verb, Any, Viewer]:
    """What the buyer does."""
    lines = [OrderLineInput(sku=sku, quantity=1)]
    input_ = OrderPlaceInput(idempotency_key=shop.new("key"), channel="web", lines=lines, reservation_id=cart["id"])
    return orders.place, input_, AGENT


async def interleaved(
    world: World, connection: asyncpg.Connection, first: tuple[Verb, Any, Viewer], second: tuple[Verb, Any, Viewer]
) -> Outcome:
    """`first` has decided and not committed when `second` comes and waits for it; gives what `second` is told."""
    verb, input_, viewer = first
    async with world.database.writes.transaction() as mine:
        await once(Work(world, mine, viewer, act_of(viewer, input_, world.now())), verb, input_, {})
        waiting = asyncio.create_task(perform(world, second[0], second[1], {}, second[2]))
        blocked = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"
        async with asyncio.timeout(10):
            while not await connection.fetchval(blocked):
                await asyncio.sleep(0.01)
    return await waiting


async def test_the_clock_does_not_give_back_what_is_just_being_bought(
    shop: Shop, world: World, connection: asyncpg.Connection
) -> None:
    sku = await shop.variant(SAO1=1)
    cart = await reserve(shop, (sku, 1))
    await due(connection, cart)

    told = await interleaved(world, connection, buying(shop, cart, sku), expiring(cart))

    (refusal,) = told.errors
    assert isinstance(refusal, InvalidTransition)
    assert (refusal.state, refusal.action) == ("CONSUMED", "EXPIRE")
    assert await shop.stock(sku) == {"SAO1": {"onHand": 1, "allocated": 1}}
    assert [entry[0] for entry in await ledger(shop, sku)] == ["RESERVE", "ALLOCATE"]


async def test_what_the_clock_just_gives_back_is_bought_from_what_there_is(
    shop: Shop, world: World, connection: asyncpg.Connection
) -> None:
    sku = await shop.variant(SAO1=1)
    cart = await reserve(shop, (sku, 1))
    await due(connection, cart)

    told = await interleaved(world, connection, expiring(cart), buying(shop, cart, sku))

    assert told.errors == ()
    assert await status_of(shop, cart) == "EXPIRED"
    assert [entry[0] for entry in await ledger(shop, sku)] == ["RESERVE", "RELEASE", "ALLOCATE"]


async def test_what_is_extended_when_the_clock_comes_stays(
    shop: Shop, world: World, connection: asyncpg.Connection
) -> None:
    cart = await reserve(shop, (await shop.variant(SAO1=1), 1))
    extended = await perform(world, *expiring(cart)[:2], {}, SYSTEM)
    assert [type(refusal) for refusal in extended.errors] == [InvalidTransition]
    assert await status_of(shop, cart) == "ACTIVE"


@pytest.mark.parametrize("late_seconds", [0, 2])
async def test_carts_that_run_out_just_as_they_are_bought_are_sold_once(
    shop: Shop, world: World, connection: asyncpg.Connection, database_url: str, late_seconds: int
) -> None:
    """Clock and buyers all at once: whoever comes first, each unit has one owner and no cart is bought twice."""
    sku, gone = await shop.variant(SAO1=6, CWB1=4), "expires_at = now() - make_interval(secs => $2)"
    carts = [await reserve(shop, (sku, 1)) for _ in range(10)]
    keys = [shop.key(cart["id"]) for cart in carts]
    await connection.execute(f"UPDATE reservations SET {gone} WHERE id = any($1)", keys, late_seconds)

    lines = [{"sku": sku, "quantity": 1}]
    buying = [shop.send(AGENT, "orderPlace", channel="web", lines=lines, reservationId=each["id"]) for each in carts]
    clocks = [do(expire_reservations(world)) for _ in range(3)]
    payloads, *_ = await asyncio.gather(asyncio.gather(*buying), *clocks)
    await do(expire_reservations(world))

    assert [error for payload in payloads for error in payload["userErrors"]] == []
    stock = await shop.stock(sku)
    assert sum(level.get("allocated", 0) for level in stock.values()) == 10
    assert {await status_of(shop, cart) for cart in carts} <= {"CONSUMED", "EXPIRED"}
    assert await sound(database_url)


# -- where nothing is held -------------------------------------------------------------------------------------------


async def place_for(shop: Shop, code: str, **given: Any) -> str:
    """Another location, so far from everywhere that it is asked last."""
    place = {"name": code, "kind": "WAREHOUSE", "latitude": 0.0, "longitude": 0.0, "channels": ["web"], **given}
    made = await shop.do(OPERATIONS, "locationSet", "location { id }", code=code, **place)
    shop.places[code] = made["location"]["id"]
    return code


@pytest.mark.parametrize("given", [{"kind": "SUPPLIER", "channels": []}, {"channels": ["abroad"]}])
async def test_nothing_is_held_where_the_channel_ships_nothing_from(shop: Shop, given: Answer) -> None:
    place = await place_for(shop, shop.new("FAR"), **given)
    sku = await shop.variant()
    await shop.count(sku, place, 5)
    lines = [{"sku": sku, "quantity": 1}]
    refusal = await shop.refused(shop.shopper(), "stockReserve", channel="web", reference=shop.new("c"), lines=lines)
    assert refusal["code"] == "INSUFFICIENT_STOCK"
    assert await shop.stock(sku) == {place: {"onHand": 5, "available": 5}}


async def test_a_supplier_who_ships_for_the_channel_holds_like_any_other(shop: Shop) -> None:
    place = await place_for(shop, shop.new("SELLER"), kind="SUPPLIER")
    sku = await shop.variant()
    await shop.count(sku, place, 5)
    assert held(await reserve(shop, (sku, 2))) == {(sku, 2, place)}


async def test_units_that_are_not_for_sale_are_not_held(shop: Shop) -> None:
    sku = await shop.variant(SAO1=3)
    order = await shop.accept(await shop.confirm(await shop.place((sku, 3))))
    (work,) = order["fulfillmentOrders"]
    await shop.do(OPERATIONS, "fulfillmentOrderPick", id=work["id"], lines=[
        {"fulfillmentOrderLineId": work["lines"][0]["id"], "short": 3, "shortReason": "DAMAGED"}
    ])  # fmt: skip
    lines = [{"sku": sku, "quantity": 3}]
    refusal = await shop.refused(shop.shopper(), "stockReserve", channel="web", reference=shop.new("c"), lines=lines)
    assert (refusal["code"], refusal["sellable"]) == ("INSUFFICIENT_STOCK", 0)


@pytest.fixture
async def ruled(shop: Shop) -> AsyncIterator[Any]:
    """Activates rules, and retires them."""
    made: list[str] = []

    async def activate(**rule: Any) -> None:
        ruleset = {"name": shop.new("rules"), "channel": "web", "rules": [{"name": "it", **rule}]}
        done = await shop.do(OPERATIONS, "routingRulesetActivate", "ruleset { id }", ruleset=ruleset)
        made.append(done["ruleset"]["id"])

    yield activate
    for id_ in made[-1:]:
        await shop.do(OPERATIONS, "routingRulesetRetire", id=id_)


async def test_nothing_is_held_where_a_rule_lets_nothing_ship_from(shop: Shop, ruled: Any) -> None:
    sku = await shop.variant(RIO1=2, CWB1=1)
    await ruled(where={"locationKind": ["STORE"]}, effect={"exclude": True})
    assert held(await reserve(shop, (sku, 1))) == {(sku, 1, "CWB1")}
    lines = [{"sku": sku, "quantity": 1}]
    refusal = await shop.refused(shop.shopper(), "stockReserve", channel="web", reference=shop.new("c"), lines=lines)
    assert refusal["code"] == "UNROUTABLE"


async def test_what_else_such_a_rule_asks_holds_for_carts(shop: Shop, ruled: Any) -> None:
    sku = await shop.variant(SAO1=2, RIO1=2)
    await ruled(where={"sameCountry": True, "locationKind": ["STORE"]}, effect={"only": True})
    assert held(await reserve(shop, (sku, 2))) == {(sku, 2, "RIO1")}


@pytest.mark.parametrize("where", [{"sameCountry": True}, {"withinKm": 500}, {"sameRegion": True}])
async def test_a_rule_about_the_destination_keeps_no_cart_from_being_held(
    shop: Shop, ruled: Any, where: Answer
) -> None:
    sku = await shop.variant(SAO1=2)
    await ruled(where=where, effect={"only": True})
    assert held(await reserve(shop, (sku, 2))) == {(sku, 2, "SAO1")}


# -- what may be sold beyond what there is ---------------------------------------------------------------------------


async def let_wait(shop: Shop, sku: str, **backorder: Any) -> None:
    given = {"sku": sku, "name": sku, "backorder": {"policy": "BACKORDER", **backorder}}
    await shop.do(OPERATIONS, "variantsSet", variants=[given])


async def test_of_what_may_be_backordered_what_there_is_is_held(
    shop: Shop, world: World, connection: asyncpg.Connection
) -> None:
    sku, none = await shop.variant(SAO1=2), await shop.variant()
    await let_wait(shop, sku)
    await let_wait(shop, none)

    cart, empty = await reserve(shop, (sku, 5)), await reserve(shop, (none, 1))
    backordered = "query ($sku: String!) { variant(sku: $sku) { inventory { total { backordered } } } }"
    before = await shop.ask(AGENT, backordered, sku=sku)
    order = await shop.place((sku, 5), reservationId=cart["id"])
    await due(connection, empty)
    await do(expire_reservations(world))

    assert (held(cart), held(empty)) == ({(sku, 2, "SAO1")}, set())
    assert before["variant"]["inventory"]["total"]["backordered"] == 0
    assert order["lines"][0]["quantities"] == quantities(5, allocated=2, backordered=3)
    assert await shop.stock(sku) == {"SAO1": {"onHand": 2, "allocated": 2}}
    assert await status_of(shop, empty) == "EXPIRED"


async def test_a_cart_has_no_claim_on_what_may_be_backordered(shop: Shop) -> None:
    sku = await shop.variant(SAO1=1)
    await let_wait(shop, sku, limit=2)
    first, second = await reserve(shop, (sku, 3)), await reserve(shop, (sku, 2))
    await shop.place((sku, 2), reservationId=second["id"])
    lines = [{"sku": sku, "quantity": 3}]
    refusal = await shop.refused(AGENT, "orderPlace", channel="web", lines=lines, reservationId=first["id"])
    assert (refusal["code"], refusal["requested"], refusal["sellable"]) == ("INSUFFICIENT_STOCK", 3, 1)
    for many, code in ((2, "INSUFFICIENT_STOCK"), (1, None)):  # beyond the limit; what the cart itself holds
        lines = [{"sku": sku, "quantity": many}]
        done = await shop.send(AGENT, "orderPlace", channel="web", lines=lines, reservationId=first["id"])
        assert [error["code"] for error in done["userErrors"]] == ([code] if code else [])
