"""Exceptions through HTTP: raised by the workers' jobs when a time has come, resolved when the cause is gone."""

import ast
import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from graphql import GraphQLObjectType

from app.adapters.payments import providers
from domain import exceptions
from domain.ids import new_id
from domain.store import exceptions as stored
from domain.store import log
from domain.store.jobs import Job
from domain.viewer import SYSTEM
from resolvers.database import open_database
from resolvers.exceptions import watches
from resolvers.jobs import Kind
from resolvers.writing import World, act_of
from schema.build import build, core_of
from tests.api.shop import AGENT, OPERATIONS, Answer, Shop
from tests.contract import document
from tests.live import live
from tests.logbook import BEGINNING

EXCEPTIONS = """
    query ($filter: ExceptionFilter, $first: Int, $after: String) {
      exceptions(first: $first, after: $after, filter: $filter) {
        totalCount pageInfo { hasNextPage endCursor }
        nodes {
          id kind severity explanation suggestedActions detectedAt dueAt resolvedAt resolution acknowledgedAt note
          acknowledgedBy { kind displayName } subject { __typename id } order { id number } customer { id }
          location { code } channel { code }
        }
      }
    }
"""
EVENTS = """
    query ($subjectId: ID!) {
      events(filter: { subjectId: $subjectId }) {
        nodes { type sequence message data actor { kind displayName } subject { id } exception { id kind } }
      }
    }
"""


@dataclass(slots=True)
class Desk:
    """Whoever looks for what goes wrong: the workers' jobs, and a clock that others turn back in the rows."""

    shop: Shop
    world: World
    connection: asyncpg.Connection

    async def look(self) -> None:
        """Do each watch's job once."""
        for kind in watches(self.world):
            await do(kind)
        await log.stamp(self.connection, 10_000)

    async def past(self, table: str, column: str, id_: str, interval: str) -> None:
        """Let a moment lie in the past, or (`-`) ahead."""
        moved = f"UPDATE {table} SET {column} = now() - '{interval}'::interval WHERE id = $1"
        assert await self.connection.execute(moved, self.shop.key(id_)) == "UPDATE 1"

    async def of(self, order: Answer, viewer: Any = OPERATIONS, **filter: Any) -> list[Answer]:
        """An order's exceptions, the latest first; only the open ones, if nothing else is said."""
        given = {"open": True, "orderId": order["id"], **filter}
        return (await self.shop.ask(viewer, EXCEPTIONS, filter=given))["exceptions"]["nodes"]  # type: ignore[no-any-return]

    async def one(self, order: Answer, kind: str) -> Answer:
        """The one exception of an order that is open."""
        await self.look()
        (found,) = await self.of(order)
        assert found["kind"] == kind
        return found

    async def over(self, trouble: Answer) -> str:
        """How an exception ended."""
        await self.look()
        (found,) = (each for each in await self.of(trouble["order"], open=False) if each["id"] == trouble["id"])
        assert found["resolvedAt"] is not None
        return found["resolution"]  # type: ignore[no-any-return]


async def do(kind: Kind, **payload: Any) -> Any:
    """One job of a kind."""
    return await kind.handle(Job(1, kind.name, payload, 1, new_id(), datetime.now(UTC)))


@pytest.fixture(scope="module")
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_database(database_url, reads=1, writes=2) as database:
        yield World(database, providers=providers())


@pytest.fixture
async def desk(shop: Shop, world: World, database_url: str) -> AsyncIterator[Desk]:
    connection = await asyncpg.connect(database_url)
    yield Desk(shop, world, connection)
    await connection.close()


# -- work that is late -------------------------------------------------------------------------------------------------


async def test_work_that_is_not_picked_in_time_is_told_with_its_figures(desk: Desk) -> None:
    order = await desk.shop.bought(units=3, until="confirm")
    (work,) = order["fulfillmentOrders"]
    await desk.look()
    assert await desk.of(order) == []
    await desk.past("fulfillment_orders", "due_at", work["id"], "3 hours")

    found = await desk.one(order, "LATE_PICK")

    due = found["dueAt"][:16].replace("T", " ")
    assert found["explanation"] == (
        f"3 of 3 units of order {order['number']} are not picked at SAO1; they should have left by {due} UTC."
    )
    assert found["severity"] == "MEDIUM"
    assert found["subject"] == {"__typename": "FulfillmentOrder", "id": work["id"]}
    assert found["location"] == {"code": "SAO1"}
    assert found["channel"] == {"code": "web"}
    assert found["order"] == {"id": order["id"], "number": order["number"]}
    assert found["customer"] is not None
    assert found["suggestedActions"] == ["fulfillmentOrderAccept", "fulfillmentOrderPick"]
    assert (found["resolvedAt"], found["acknowledgedAt"]) == (None, None)


async def test_what_is_picked_late_ships_late_until_it_has_left(desk: Desk) -> None:
    order = await desk.shop.bought(until="accept")
    (work,) = order["fulfillmentOrders"]
    await desk.past("fulfillment_orders", "due_at", work["id"], "3 hours")
    late = await desk.one(order, "LATE_PICK")
    assert late["suggestedActions"] == ["fulfillmentOrderPick"]

    order = await desk.shop.pick(order)

    assert await desk.over(late) == "Everything is picked."
    slow = await desk.one(order, "LATE_SHIPMENT")
    assert "2 units" in slow["explanation"]
    assert "picked at SAO1, did not ship" in slow["explanation"]
    assert slow["suggestedActions"] == ["fulfillmentOrderPack", "shipmentCreate"]
    order = await desk.shop.ship(await desk.shop.pack(order))
    assert await desk.over(slow) == "It was shipped."
    assert await desk.of(order) == []


async def test_what_is_late_is_raised_once_however_often_it_is_looked_at(desk: Desk) -> None:
    order = await desk.shop.bought(until="confirm")
    await desk.past("fulfillment_orders", "due_at", order["fulfillmentOrders"][0]["id"], "1 minute")

    found = await desk.one(order, "LATE_PICK")
    assert [await desk.one(order, "LATE_PICK") for _ in range(2)] == [found] * 2

    events = (await desk.shop.ask(OPERATIONS, EVENTS, subjectId=found["id"]))["events"]["nodes"]
    assert [event["type"] for event in events] == ["EXCEPTION_RAISED"]


async def test_an_exception_tells_when_it_comes_and_when_it_goes(desk: Desk) -> None:
    order = await desk.shop.bought(until="confirm")
    (work,) = order["fulfillmentOrders"]
    await desk.past("fulfillment_orders", "due_at", work["id"], "1 minute")
    found = await desk.one(order, "LATE_PICK")
    await desk.shop.do(OPERATIONS, "orderCancel", id=order["id"], reason="CUSTOMER_REQUEST")

    assert await desk.over(found) == "It was called off."

    events = (await desk.shop.ask(OPERATIONS, EVENTS, subjectId=found["id"]))["events"]["nodes"]
    assert [(event["type"], event["sequence"], event["message"]) for event in events] == [
        ("EXCEPTION_RAISED", 1, found["explanation"]),
        ("EXCEPTION_RESOLVED", 2, "It was called off."),
    ]
    for event in events:
        assert event["actor"] == {"kind": "SYSTEM", "displayName": "Ordergraph"}
        assert event["subject"] == {"id": found["id"]}
        assert event["exception"] == {"id": found["id"], "kind": "LATE_PICK"}
        assert event["data"] == {
            "kind": "LATE_PICK",
            "severity": "MEDIUM",
            "subjectType": "FulfillmentOrder",
            "subjectId": str(desk.shop.key(work["id"])),
        }


async def test_work_on_hold_is_not_late_until_it_may_go_on(desk: Desk) -> None:
    order = await desk.shop.bought(until="accept")
    await desk.past("fulfillment_orders", "due_at", order["fulfillmentOrders"][0]["id"], "2 days")
    late = await desk.one(order, "LATE_PICK")
    held = await desk.shop.do(
        OPERATIONS, "orderHold", "order { holds { id } }", id=order["id"], kind="ADDRESS", reason="street?"
    )

    assert await desk.over(late) == "The order is on hold: the location may not go on."

    await desk.shop.do(OPERATIONS, "orderHoldRelease", orderId=order["id"], holdId=held["order"]["holds"][0]["id"])
    again = await desk.one(order, "LATE_PICK")
    assert again["id"] != late["id"]


async def test_parcels_that_no_carrier_took_for_a_day_are_late(desk: Desk) -> None:
    order = await desk.shop.bought(until="ship")
    (shipment,) = order["shipments"]
    await desk.past("shipments", "created_at", shipment["id"], "23 hours")
    await desk.look()
    assert await desk.of(order) == []
    await desk.past("shipments", "created_at", shipment["id"], "25 hours")

    found = await desk.one(order, "LATE_SHIPMENT")

    assert found["subject"] == {"__typename": "Shipment", "id": shipment["id"]}
    assert "correios does not have a shipment" in found["explanation"]
    await desk.shop.do(OPERATIONS, "shipmentHandOver", ids=[shipment["id"]])
    assert await desk.over(found) == "The carrier has it."


# -- carriers ----------------------------------------------------------------------------------------------------------


async def shipped(desk: Desk) -> tuple[Answer, str, str]:
    """An order on its way: (order, shipment, the carrier's number)."""
    order = await desk.shop.bought(until="pack")
    number = desk.shop.new("BR")
    work = await desk.shop.ask(
        OPERATIONS,
        "query ($id: ID!) { fulfillmentOrder(id: $id) { packages { id } } }",
        id=order["fulfillmentOrders"][0]["id"],
    )
    parcels = [{"packageId": work["fulfillmentOrder"]["packages"][0]["id"], "trackingNumber": number}]
    made = await desk.shop.do(
        OPERATIONS,
        "shipmentCreate",
        "shipment { id }",
        fulfillmentOrderId=order["fulfillmentOrders"][0]["id"],
        carrier="correios",
        packages=parcels,
    )
    await desk.shop.do(OPERATIONS, "shipmentHandOver", ids=[made["shipment"]["id"]])
    return order, made["shipment"]["id"], number


async def says(desk: Desk, number: str, code: str, at: str | None = None, **more: str) -> None:
    """The carrier says something."""
    moment = at or datetime.now(UTC).isoformat()
    await desk.shop.do(
        OPERATIONS, "trackingEventAdd", carrier="correios", trackingNumber=number, code=code, occurredAt=moment, **more
    )


async def test_a_carrier_that_is_silent_for_three_days_is_told_until_it_speaks(desk: Desk) -> None:
    order, shipment, number = await shipped(desk)
    await desk.past("shipments", "heard_at", shipment, "71 hours")
    await desk.look()
    assert await desk.of(order) == []
    await desk.past("shipments", "heard_at", shipment, "4 days 2 hours")

    found = await desk.one(order, "STUCK_TRACKING")

    assert f"correios has said nothing of a shipment of order {order['number']} for 4 days" in found["explanation"]
    await says(desk, number, "IN_TRANSIT")
    assert await desk.over(found) == "It was heard of."


async def test_what_was_said_longer_ago_than_the_last_word_is_no_news(desk: Desk) -> None:
    _, shipment, number = await shipped(desk)
    await says(desk, number, "OUT_FOR_DELIVERY")
    await says(desk, number, "ATTEMPTED", at="2020-01-01T00:00:00Z")

    said = await desk.connection.fetchval("SELECT heard_code FROM shipments WHERE id = $1", desk.shop.key(shipment))

    assert said == "OUT_FOR_DELIVERY"


async def test_a_delivery_that_fails_is_told_in_the_carriers_words_until_it_succeeds(desk: Desk) -> None:
    order, shipment, number = await shipped(desk)
    await says(desk, number, "EXCEPTION", message="endereço não existe")

    found = await desk.one(order, "DELIVERY_FAILING")

    assert found["severity"] == "HIGH"
    assert found["explanation"].endswith("endereço não existe")
    assert found["subject"] == {"__typename": "Shipment", "id": shipment}
    await says(desk, number, "IN_TRANSIT")
    assert await desk.over(found) == "The carrier goes on."
    await says(desk, number, "ATTEMPTED")
    attempted = await desk.one(order, "DELIVERY_FAILING")
    assert attempted["severity"] == "MEDIUM"
    assert "Nobody took it; the carrier tries again." in attempted["explanation"]
    await says(desk, number, "DELIVERED")
    assert await desk.over(attempted) == "It was delivered."


async def test_what_came_back_is_open_until_somebody_sees_to_it(desk: Desk) -> None:
    order, _, number = await shipped(desk)
    await says(desk, number, "ATTEMPTED")
    tried = await desk.one(order, "DELIVERY_FAILING")
    await says(desk, number, "RETURNED")
    found = await desk.one(order, "DELIVERY_FAILING")
    assert (found["id"], tried["severity"], found["severity"]) == (tried["id"], "MEDIUM", "CRITICAL")
    assert found["explanation"] != tried["explanation"]

    done = await desk.shop.do(
        AGENT, "exceptionAcknowledge", "exception { note acknowledgedBy { kind displayName } }",
        id=found["id"], note=" buyer moved; ships anew on Monday ",
    )  # fmt: skip

    assert done["exception"] == {
        "note": "buyer moved; ships anew on Monday",
        "acknowledgedBy": {"kind": "STAFF", "displayName": "Ana"},
    }
    assert await desk.over(found) == "It came back, and somebody saw to it."
    await desk.look()
    assert await desk.of(order) == []


# -- promises ----------------------------------------------------------------------------------------------------------


async def test_a_promise_is_at_risk_when_units_are_still_here_two_days_before(desk: Desk) -> None:
    order = await desk.shop.bought(units=2, until="accept")
    await desk.past("orders", "deliver_by_latest", order["id"], "-49 hours")
    await desk.look()
    assert await desk.of(order) == []
    await desk.past("orders", "deliver_by_latest", order["id"], "-47 hours")

    found = await desk.one(order, "PROMISE_AT_RISK")

    assert found["severity"] == "HIGH"
    assert found["subject"] == {"__typename": "Order", "id": order["id"]}
    assert "2 of 2 units did not leave yet" in found["explanation"]
    order = await desk.shop.ship(await desk.shop.pack(await desk.shop.pick(order)))
    await desk.shop.do(OPERATIONS, "shipmentHandOver", ids=[order["shipments"][0]["id"]])
    assert await desk.over(found) == "Everything is on its way."


async def test_a_broken_promise_is_critical_until_everything_has_arrived(desk: Desk) -> None:
    order, _, number = await shipped(desk)
    await desk.past("orders", "deliver_by_latest", order["id"], "1 hour")

    found = await desk.one(order, "PROMISE_AT_RISK")

    assert found["severity"] == "CRITICAL"
    assert "not everything has arrived" in found["explanation"]
    await says(desk, number, "DELIVERED")
    assert await desk.over(found) == "The order is complete."


async def test_an_exception_grows_worse_and_says_so_once(desk: Desk) -> None:
    order = await desk.shop.bought(until="accept")
    await desk.past("orders", "deliver_by_latest", order["id"], "-1 hour")
    risk = await desk.one(order, "PROMISE_AT_RISK")
    await desk.past("orders", "deliver_by_latest", order["id"], "1 hour")

    broken = await desk.one(order, "PROMISE_AT_RISK")
    assert await desk.one(order, "PROMISE_AT_RISK") == broken

    assert (broken["id"], risk["severity"], broken["severity"]) == (risk["id"], "HIGH", "CRITICAL")
    assert "was promised by" in broken["explanation"]
    events = (await desk.shop.ask(OPERATIONS, EVENTS, subjectId=risk["id"]))["events"]["nodes"]
    assert [(event["type"], event["sequence"], event["message"]) for event in events] == [
        ("EXCEPTION_RAISED", 1, risk["explanation"]),
        ("EXCEPTION_WORSENED", 2, broken["explanation"]),
    ]
    assert events[1]["data"]["severity"] == "CRITICAL"


async def test_a_carrier_that_expects_to_come_later_puts_a_promise_at_risk(desk: Desk) -> None:
    order, shipment, _ = await shipped(desk)
    await desk.past("orders", "deliver_by_latest", order["id"], "-24 hours")
    await desk.look()
    assert await desk.of(order) == []
    await desk.past("shipments", "estimated_delivery", shipment, "-40 hours")

    found = await desk.one(order, "PROMISE_AT_RISK")

    assert "correios expects to deliver on" in found["explanation"]


# -- money -------------------------------------------------------------------------------------------------------------


async def test_an_authorization_holds_seven_days_and_is_told_two_days_before_it_ends(desk: Desk) -> None:
    order = await desk.shop.bought(price="50.00", units=2, until="confirm")
    asked = "query ($id: ID!) { order(id: $id) { payments { id status expiresAt occurredAt } } }"
    requested, entry = (await desk.shop.ask(OPERATIONS, asked, id=order["id"]))["order"]["payments"]
    held = datetime.fromisoformat(entry["expiresAt"]) - datetime.fromisoformat(entry["occurredAt"])
    assert (held.days, requested["expiresAt"]) == (7, None)
    await desk.look()
    assert await desk.of(order) == []
    await desk.past("payments", "expires_at", entry["id"], "-47 hours")

    found = await desk.one(order, "PAYMENT_EXPIRING")

    total = order["total"]["amount"]
    assert found["severity"] == "HIGH"
    assert found["explanation"].startswith(
        f"{total} BRL of the {total} BRL authorized for order {order['number']} are not captured"
    )
    assert found["suggestedActions"] == ["paymentCapture", "paymentVoid"]
    await desk.shop.captured(order)
    assert await desk.over(found) == "It was taken, or released."


async def test_goods_that_arrived_and_were_never_paid_for_are_told(desk: Desk) -> None:
    order = await desk.shop.bought(until="deliver")
    assert (order["status"], order["paymentStatus"]) == ("COMPLETED", "AUTHORIZED")
    asked = "query ($id: ID!) { order(id: $id) { payments { id } } }"
    entry = (await desk.shop.ask(OPERATIONS, asked, id=order["id"]))["order"]["payments"][-1]
    await desk.past("payments", "expires_at", entry["id"], "1 hour")

    found = await desk.one(order, "PAYMENT_EXPIRING")

    assert (found["severity"], found["suggestedActions"]) == ("CRITICAL", ["paymentAuthorize", "paymentCapture"])
    await desk.shop.do(OPERATIONS, "paymentVoid", orderId=order["id"])
    assert await desk.over(found) == "It was taken, or released."


async def test_a_store_hears_of_its_work_and_not_of_money(desk: Desk) -> None:
    shop = desk.shop
    order = await shop.bought(until="confirm")
    (work,) = order["fulfillmentOrders"]
    asked = "query ($id: ID!) { order(id: $id) { payments { id } } }"
    entry = (await shop.ask(OPERATIONS, asked, id=order["id"]))["order"]["payments"][-1]
    await desk.past("payments", "expires_at", entry["id"], "1 hour")
    await desk.past("fulfillment_orders", "due_at", work["id"], "1 hour")
    await desk.look()

    def kinds(found: list[Answer]) -> set[str]:
        return {each["kind"] for each in found}

    assert kinds(await desk.of(order)) == kinds(await desk.of(order, AGENT)) == {"LATE_PICK", "PAYMENT_EXPIRING"}
    assert kinds(await desk.of(order, shop.floor("SAO1"))) == {"LATE_PICK"}
    assert kinds(await desk.of(order, shop.store("RIO1"))) == set()
    on_order = "query ($id: ID!) { order(id: $id) { exceptions { kind } } }"
    assert kinds((await shop.ask(AGENT, on_order, id=order["id"]))["order"]["exceptions"]) == {
        "LATE_PICK",
        "PAYMENT_EXPIRING",
    }
    assert kinds((await shop.ask(shop.floor("SAO1"), on_order, id=order["id"]))["order"]["exceptions"]) == {"LATE_PICK"}


async def test_buyers_never_hear_of_exceptions(desk: Desk) -> None:
    shop, customer = desk.shop, await desk.shop.customer()
    sku = await shop.variant(SAO1=5)
    order = await shop.confirm(await shop.place((sku, 1), viewer=customer, token="tok_visa"))
    await desk.past("fulfillment_orders", "due_at", order["fulfillmentOrders"][0]["id"], "1 hour")
    found = await desk.one(order, "LATE_PICK")

    for buyer in (customer, shop.guest(order)):
        asked = "query ($id: ID!, $node: ID!) { order(id: $id) { exceptions { id } } node(id: $node) { id } exceptions { nodes { id } } }"
        told = await shop.ask(buyer, asked, id=order["id"], node=found["id"])
        assert told == {"order": {"exceptions": []}, "node": None, "exceptions": {"nodes": []}}
        refused = await shop.refused(buyer, "exceptionAcknowledge", id=found["id"])
        assert refused["code"] == "FORBIDDEN"


# -- orders that nobody can fill ---------------------------------------------------------------------------------------


async def test_units_that_no_location_can_give_are_told_until_one_can(desk: Desk) -> None:
    shop = desk.shop
    sku = await shop.variant(SAO1=3)
    order = await shop.accept(await shop.confirm(await shop.place((sku, 3))))
    (work,) = order["fulfillmentOrders"]
    lost = {"fulfillmentOrderLineId": work["lines"][0]["id"], "picked": 1, "short": 2, "shortReason": "NOT_FOUND"}
    await shop.do(OPERATIONS, "fulfillmentOrderPick", id=work["id"], lines=[lost])

    found = await desk.one(order, "UNFILLABLE_ORDER")

    assert found["explanation"].startswith(f"No location can give 2 × {sku} for order {order['number']}")
    assert found["suggestedActions"] == ["stockAdjust", "orderRoute", "orderCancel"]
    await shop.count(sku, "CWB1", 5)
    await shop.do(OPERATIONS, "orderRoute", id=order["id"])
    assert await desk.over(found) == "Every unit has its location."


HEALTH = """{ exceptions(first: 20, filter: { open: true }) { edges { node {
    id kind severity subject { __typename id } detectedAt dueAt explanation suggestedActions } } } }"""
"""What the contract's Health asks of exceptions, word for word."""


async def test_a_call_centre_and_operations_see_what_is_wrong(desk: Desk) -> None:
    order = await desk.shop.bought(until="confirm")
    await desk.past("fulfillment_orders", "due_at", order["fulfillmentOrders"][0]["id"], "1 hour")
    found = await desk.one(order, "LATE_PICK")

    seen = await desk.shop.contract(AGENT, "SingleCustomerView", id=found["customer"]["id"])
    (latest, *_) = (await desk.shop.ask(OPERATIONS, HEALTH))["exceptions"]["edges"]

    told = {name: found[name] for name in ("id", "kind", "severity", "detectedAt")}
    assert [edge["node"]["exceptions"] for edge in seen["orders"]["edges"]] == [[told]]
    assert latest["node"] == {
        name: found[name]
        for name in ("id", "kind", "severity", "subject", "detectedAt", "dueAt", "explanation", "suggestedActions")
    }


async def test_two_who_look_at_once_raise_it_once(desk: Desk, world: World, database_url: str) -> None:
    order = await desk.shop.bought(until="confirm")
    key = desk.shop.key(order["fulfillmentOrders"][0]["id"])
    now = datetime.now(UTC)
    rule = exceptions.RULES[0]
    found = exceptions.Found(
        key, now, desk.shop.key(order["id"]), order["number"], None, desk.shop.key(desk.shop.channels["web"]), None,
        {"left": 1, "units": 1, "status": "OPEN", "place": "here"},
    )  # fmt: skip
    act = act_of(SYSTEM, None, now)
    mine, theirs = (exceptions.raised(rule, found, act)[0] for _ in range(2))

    async with world.database.writes.acquire() as first, world.database.writes.acquire() as second:
        transaction = first.transaction()
        await transaction.start()
        assert await stored.put(first, [mine]) == {mine.id}
        waiting = asyncio.create_task(stored.put(second, [theirs]))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await transaction.commit()
        assert await waiting == set()
        await first.execute("DELETE FROM exceptions WHERE id = $1", mine.id)


# -- followed ----------------------------------------------------------------------------------------------------------

NARROW = """subscription ($kind: [ExceptionKind!], $severity: [ExceptionSeverity!], $locationId: ID, $channel: String,
                          $orderId: ID, $customerId: ID, $after: String) {
    exceptionEvents(kind: $kind, severity: $severity, locationId: $locationId, channel: $channel, orderId: $orderId,
                    customerId: $customerId, after: $after) { cursor type exception { id } } }"""


async def test_operations_watch_trouble_come_and_go(desk: Desk, base_url: str) -> None:
    order = await desk.shop.bought(until="confirm")
    (work,) = order["fulfillmentOrders"]
    async with live(base_url, OPERATIONS, document("Trouble")) as subscriber:
        await desk.past("fulfillment_orders", "due_at", work["id"], "1 hour")
        found = await desk.one(order, "LATE_PICK")
        raised = await subscriber.next()
        await desk.shop.do(OPERATIONS, "orderCancel", id=order["id"], reason="CUSTOMER_REQUEST")
        await desk.look()
        over = await subscriber.next()

    assert [raised["type"], over["type"]] == ["EXCEPTION_RAISED", "EXCEPTION_RESOLVED"]
    assert (
        raised["exception"]
        == over["exception"]
        == {
            "id": found["id"],
            "kind": "LATE_PICK",
            "severity": "MEDIUM",
            "subject": {"__typename": "FulfillmentOrder", "id": work["id"]},
            "explanation": found["explanation"],
        }
    )


async def test_trouble_is_followed_by_kind_severity_place_channel_order_and_customer(desk: Desk, base_url: str) -> None:
    shop = desk.shop
    order = await shop.bought(until="confirm")
    await desk.past("orders", "deliver_by_latest", order["id"], "1 hour")
    risk = await desk.one(order, "PROMISE_AT_RISK")
    await desk.past("fulfillment_orders", "due_at", order["fulfillmentOrders"][0]["id"], "1 hour")
    await desk.look()
    late, _ = await desk.of(order)
    of_order = {"orderId": order["id"]}

    async def first(viewer: Any = OPERATIONS, **narrowed: Any) -> str:
        async with live(base_url, viewer, NARROW, after=BEGINNING, **narrowed) as subscriber:
            return (await subscriber.next())["exception"]["id"]  # type: ignore[no-any-return]

    assert await first(**of_order) == risk["id"]
    assert await first(customerId=risk["customer"]["id"]) == risk["id"]
    assert await first(**of_order, channel="web", severity=["CRITICAL"]) == risk["id"]
    assert await first(**of_order, kind=["LATE_PICK"]) == late["id"]
    assert await first(**of_order, locationId=shop.places["SAO1"]) == late["id"]
    assert await first(shop.floor("SAO1"), **of_order) == late["id"]
    async with live(base_url, await shop.customer(), NARROW) as subscriber:
        assert await subscriber.refusal() == "FORBIDDEN"


# -- lists and acknowledging -------------------------------------------------------------------------------------------


async def test_exceptions_are_listed_page_by_page_the_latest_first(desk: Desk) -> None:
    shop, ids = desk.shop, []
    for _ in range(3):
        order = await shop.bought(until="confirm")
        await desk.past("fulfillment_orders", "due_at", order["fulfillmentOrders"][0]["id"], "1 hour")
        ids.append((await desk.one(order, "LATE_PICK"))["id"])
    wanted = {"open": True, "kind": ["LATE_PICK"], "severity": ["MEDIUM"], "channel": "web",
              "locationId": shop.places["SAO1"]}  # fmt: skip

    first = (await shop.ask(OPERATIONS, EXCEPTIONS, filter=wanted, first=2))["exceptions"]
    rest = await shop.ask(OPERATIONS, EXCEPTIONS, filter=wanted, first=1, after=first["pageInfo"]["endCursor"])

    assert [each["id"] for each in (*first["nodes"], *rest["exceptions"]["nodes"])] == ids[::-1]
    assert first["pageInfo"]["hasNextPage"]


async def test_whoever_looks_at_an_exception_says_so_once_it_is_open(desk: Desk) -> None:
    shop = desk.shop
    order = await shop.bought(until="confirm")
    await desk.past("fulfillment_orders", "due_at", order["fulfillmentOrders"][0]["id"], "1 hour")
    found = await desk.one(order, "LATE_PICK")
    say = "exception { acknowledgedAt note acknowledgedBy { displayName } }"
    key = shop.new("key")

    for _ in range(2):
        await shop.do(
            shop.floor("SAO1"), "exceptionAcknowledge", say, id=found["id"], note="short-staffed", idempotencyKey=key
        )
    done = await shop.do(OPERATIONS, "exceptionAcknowledge", say, id=found["id"])

    assert done["exception"]["note"] == "short-staffed"
    assert done["exception"]["acknowledgedBy"] == {"displayName": "Olga"}
    assert (await shop.refused(shop.floor("RIO1"), "exceptionAcknowledge", id=found["id"]))["code"] == "NOT_FOUND"
    events = (await shop.ask(OPERATIONS, EVENTS, subjectId=found["id"]))["events"]["nodes"]
    assert [event["type"] for event in events] == ["EXCEPTION_RAISED", *["EXCEPTION_ACKNOWLEDGED"] * 2]
    await shop.do(OPERATIONS, "orderCancel", id=order["id"], reason="CUSTOMER_REQUEST")
    await desk.look()
    refused = await shop.refused(OPERATIONS, "exceptionAcknowledge", id=found["id"])
    assert (refused["code"], refused["state"]) == ("INVALID_TRANSITION", "RESOLVED")


async def test_more_than_one_transaction_takes_are_all_raised_and_all_resolved(desk: Desk) -> None:
    """By rows alone: 450 shipments of one order."""
    order = await desk.shop.bought(until="ship")
    (shipment,) = order["shipments"]
    key = desk.shop.key(shipment["id"])
    copies = """
        INSERT INTO shipments (id, order_id, fulfillment_order_id, location_id, status, carrier, created_at)
        SELECT gen_random_uuid(), order_id, fulfillment_order_id, location_id, status, carrier, now() - interval '2 days'
        FROM shipments, generate_series(1, 450) WHERE id = $1
    """
    await desk.connection.execute(copies, key)

    await desk.look()

    count = "SELECT count(*) FROM exceptions WHERE order_id = $1 AND kind = 'LATE_SHIPMENT' AND resolved_at IS {} NULL"
    order_key = desk.shop.key(order["id"])
    assert await desk.connection.fetchval(count.format(""), order_key) == 450
    await desk.connection.execute("DELETE FROM shipments WHERE order_id = $1 AND id <> $2", order_key, key)
    await desk.look()
    assert await desk.connection.fetchval(count.format("NOT"), order_key) == 450


def test_every_suggested_action_is_a_mutation() -> None:
    mutations = core_of(build()).mutation_type
    assert isinstance(mutations, GraphQLObjectType)
    assert {*suggested()} - mutations.fields.keys() == set()
    assert len({*suggested()}) > 10


def suggested() -> Iterator[str]:
    """Every word in the rules' source that names an action."""
    source = ast.parse(Path(exceptions.__file__).read_text())
    for node in ast.walk(source):
        if isinstance(node, ast.List):
            yield from (str(each.value) for each in node.elts if isinstance(each, ast.Constant))
