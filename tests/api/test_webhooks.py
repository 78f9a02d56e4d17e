"""Webhooks through the API, with a real receiver: who is told what, in which order, how often and under which id."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from standardwebhooks import WebhookVerificationError

from app.settings import Settings
from domain import deliveries
from domain.viewer import Scope, Viewer
from tests.api.shop import AGENT, OPERATIONS, Answer, Shop, app
from tests.conftest import settings_on
from tests.receiver import Heard, Receiver, receiving

ENDPOINT = "endpoint { id url status types secret failures heldUntil disabledReason previousSecretUntil query format }"
BEGINNING = "WyJQT1NJVElPTiIsMCwwXQ=="
"""The cursor before the first event."""

IN_THE_WAY = """
    SELECT count(*) FROM jobs WHERE kind = 'WEBHOOK_DELIVERY' AND ready_at < now() + interval '20 seconds'
"""
"""Of who looks for what is ready; what is held is not."""

DISABLED_AT = "query ($id: ID!) { webhookEndpoint(id: $id) { disabledAt } }"

DELIVERIES = """
    query ($id: ID!, $status: [WebhookDeliveryStatus!]) {
      webhookDeliveries(first: 100, endpointId: $id, filter: { status: $status }) {
        nodes {
          id status attempts responseStatus error nextAttemptAt endedAt event { id type }
          attemptLog { number responseStatus responseBody error durationMs beganAt }
        }
      }
    }
"""


@pytest.fixture(scope="module")
def settings(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A system that works too."""
    home: Path = tmp_path_factory.mktemp("home")
    return settings_on(database_url, home).model_copy(update={"with_worker": True, "write_pool_size": 6})


@pytest.fixture
async def receiver(shop: Shop) -> AsyncIterator[Receiver]:
    """A receiver; whoever was told of it is told nothing any more when the test is done."""
    async with receiving() as receiver:
        yield receiver
        found = await shop.ask(OPERATIONS, "{ webhookEndpoints(first: 100) { nodes { id } } }")
        for endpoint in found["webhookEndpoints"]["nodes"]:
            await shop.do(OPERATIONS, "webhookEndpointDelete", id=endpoint["id"])


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries again at once."""
    monkeypatch.setattr(deliveries, "DELAYS", (0.05,))


async def listen(shop: Shop, receiver: Receiver, viewer: Viewer = OPERATIONS, path: str = "/", **input: Any) -> Answer:
    """An endpoint at the receiver."""
    made = await shop.do(viewer, "webhookEndpointCreate", ENDPOINT, url=receiver.url + path, **input)
    return made["endpoint"]  # type: ignore[no-any-return]


async def endpoint_of(shop: Shop, id_: str, viewer: Viewer = OPERATIONS) -> Answer | None:
    asked = f"query ($id: ID!) {{ endpoint: webhookEndpoint(id: $id) {ENDPOINT.removeprefix('endpoint')} }}"
    found: Answer | None = (await shop.ask(viewer, asked, id=id_))["endpoint"]
    return found


async def deliveries_of(shop: Shop, endpoint: Answer, *status: str) -> list[Answer]:
    found = await shop.ask(OPERATIONS, DELIVERIES, id=endpoint["id"], status=list(status) or None)
    return found["webhookDeliveries"]["nodes"]  # type: ignore[no-any-return]


async def until_delivered(shop: Shop, endpoint: Answer, holds: Callable[[list[Answer]], bool]) -> list[Answer]:
    """The delivery log once it is as wanted."""
    async with asyncio.timeout(20):
        while not holds(found := await deliveries_of(shop, endpoint)):
            await asyncio.sleep(0.02)
    return found


async def cursors_of(shop: Shop, orders: list[Answer]) -> list[str]:
    """Where the log has it that orders were placed, once it has the last of them."""
    asked = "query ($id: ID!) { events(filter: { orderId: $id, types: [ORDER_PLACED] }) { nodes { cursor } } }"
    found: list[str] = []
    async with asyncio.timeout(20):
        for order in orders:
            while not (nodes := (await shop.ask(OPERATIONS, asked, id=order["id"]))["events"]["nodes"]):
                await asyncio.sleep(0.01)
            found.append(nodes[0]["cursor"])
    return found


async def until_idle(connection: asyncpg.Connection) -> None:
    """Wait until nobody delivers anything."""
    at_hand = "SELECT count(*) FROM jobs WHERE kind = 'WEBHOOK_DELIVERY' AND lease IS NOT NULL"
    async with asyncio.timeout(20):
        while await connection.fetchval(at_hand):
            await asyncio.sleep(0.02)


def all_are(status: str, number: int = 1) -> Callable[[list[Answer]], bool]:
    return lambda found: len(found) >= number and all(each["status"] == status for each in found)


def failing(times: int) -> Callable[[Heard], int]:
    """Answers 500 so many times, then 200."""
    left = iter(range(times))
    return lambda _: 200 if next(left, None) is None else 500


# -- who is told what --------------------------------------------------------------------------------------------------


async def test_a_system_that_listens_is_told_and_finds_each_delivery_in_the_log(shop: Shop, receiver: Receiver) -> None:
    made = await shop.contract(OPERATIONS, "Listen", url=receiver.url, key=shop.new("key"))
    assert made["userErrors"] == []
    endpoint = made["endpoint"]
    assert (endpoint["status"], endpoint["types"]) == ("ACTIVE", ["ORDER_PLACED", "SHIPMENT_DELIVERED"])

    order = await shop.place((await shop.variant(SAO1=3), 1))

    (heard,) = await receiver.until(1)
    heard.verify(endpoint["secret"])
    assert heard.headers["content-type"] == "application/json"
    assert heard.body["type"] == "ORDER_PLACED"
    assert heard.data["subject"] == {"type": "Order", "id": order["id"]}
    assert heard.data["result"] == {"node": {"number": order["number"], "status": "PENDING"}}
    await until_delivered(shop, endpoint, all_are("DELIVERED"))
    log = await shop.contract(OPERATIONS, "Deliveries", endpointId=endpoint["id"])
    assert [edge["node"] for edge in log["edges"]] == [
        {
            "id": heard.id,
            "event": {"id": heard.data["id"], "type": "ORDER_PLACED"},
            "status": "DELIVERED",
            "attempts": 1,
            "responseStatus": 200,
            "nextAttemptAt": None,
        }
    ]


async def test_without_a_query_the_event_itself_is_told(shop: Shop, receiver: Receiver) -> None:
    await listen(shop, receiver, types=["ORDER_PLACED"])

    order = await shop.place((await shop.variant(SAO1=3), 1))

    (heard,) = await receiver.until(1)
    asked = """query ($id: ID!) { node(id: $id) { ... on Event {
        id sequence message occurredAt recordedAt data order { id customer { id } channel { id } } } } }"""
    event = (await shop.ask(OPERATIONS, asked, id=heard.data["id"]))["node"]
    assert event["order"]["id"] == order["id"]
    body = heard.body
    moments = body.pop("timestamp"), body["data"].pop("recordedAt")
    assert [datetime.fromisoformat(each) for each in moments] == [
        datetime.fromisoformat(event[name]) for name in ("occurredAt", "recordedAt")
    ]
    assert body == {
        "type": "ORDER_PLACED",
        "data": {
            "id": event["id"],
            "sequence": event["sequence"],
            "message": event["message"],
            "subject": {"type": "Order", "id": order["id"]},
            "orderId": order["id"],
            "customerId": event["order"]["customer"]["id"],
            "channelId": event["order"]["channel"]["id"],
            "data": event["data"],
        },
    }


async def test_only_what_is_asked_for_is_told(shop: Shop, receiver: Receiver) -> None:
    await listen(shop, receiver, path="/placed", types=["ORDER_PLACED"])
    await listen(shop, receiver, path="/abroad", channel="abroad")
    await listen(shop, receiver, path="/all")

    await shop.place((await shop.variant(SAO1=3), 1))

    await receiver.until(1, path="/placed")
    await receiver.until(1, path="/all", type="ORDER_PLACED")
    assert receiver.of(path="/abroad") == []
    assert {each.body["type"] for each in receiver.of(path="/placed")} == {"ORDER_PLACED"}
    assert len({each.body["type"] for each in receiver.of(path="/all")}) > 2


async def test_cloud_events_come_in_structured_mode_under_the_same_signature(shop: Shop, receiver: Receiver) -> None:
    endpoint = await listen(shop, receiver, types=["ORDER_PLACED"], format="CLOUDEVENTS")

    order = await shop.place((await shop.variant(SAO1=3), 1))

    (heard,) = await receiver.until(1)
    heard.verify(endpoint["secret"])
    assert heard.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    told = {name: value for name, value in heard.body.items() if name not in ("data", "time")}
    assert told == {
        "specversion": "1.0",
        "id": heard.data["id"],
        "source": "/ordergraph",
        "type": "ORDER_PLACED",
        "subject": order["id"],
        "datacontenttype": "application/json",
    }


# -- with whose rights -------------------------------------------------------------------------------------------------


async def test_nobody_is_told_of_what_they_might_not_see(shop: Shop, receiver: Receiver) -> None:
    listener = frozenset({Scope.WEBHOOKS_WRITE})
    store = shop.store("RIO1")
    await listen(shop, receiver, app(Scope.WEBHOOKS_WRITE, name="app:blind"), "/blind")
    await listen(shop, receiver, app(Scope.WEBHOOKS_WRITE, Scope.ORDERS_READ, name="app:orders"), "/orders")
    await listen(shop, receiver, replace(store, scopes=store.scopes | listener), "/store")
    await listen(shop, receiver, path="/all")

    await shop.place((await shop.variant(SAO1=3), 1))
    order = await shop.place((await shop.variant(RIO1=3), 1))

    everything = await receiver.until(1, path="/all", type="ORDER_PLACED")
    await receiver.until(2, path="/orders", type="ORDER_PLACED")
    (work,) = await receiver.until(1, path="/store", type="FULFILLMENT_ORDER_CREATED")
    assert receiver.of(path="/blind") == []
    assert {each.data.get("locationId") for each in receiver.of(path="/store")} == {shop.places["RIO1"]}
    assert work.data["orderId"] == order["id"]
    assert all("data" in each.data for each in everything)
    assert all("data" not in each.data for each in receiver.of(path="/orders")), "particulars need events:read"


async def test_a_query_is_asked_with_the_owners_rights(shop: Shop, receiver: Receiver) -> None:
    query = "query ($id: ID!, $eventId: ID!) { viewer { kind } order: node(id: $id) { id } event: node(id: $eventId) { id } }"
    owner = app(Scope.WEBHOOKS_WRITE, Scope.EVENTS_READ, name="app:log")
    await listen(shop, receiver, owner, types=["ORDER_PLACED"], query=query)

    await shop.place((await shop.variant(SAO1=3), 1))

    (heard,) = await receiver.until(1)
    assert heard.data["result"] == {"viewer": {"kind": "APP"}, "order": None, "event": {"id": heard.data["id"]}}


async def test_an_endpoint_is_its_owners_and_operations_alone(shop: Shop, receiver: Receiver) -> None:
    mine, other = (app(Scope.WEBHOOKS_WRITE, Scope.ORDERS_READ, name=f"app:{name}") for name in ("mine", "other"))
    endpoint = await listen(shop, receiver, mine)

    for viewer in (mine, OPERATIONS):
        found = await endpoint_of(shop, endpoint["id"], viewer)
        assert found is not None
        assert found["secret"] == endpoint["secret"]
    for viewer in (other, AGENT, replace(mine, scopes=frozenset({Scope.EVENTS_READ}))):
        assert await endpoint_of(shop, endpoint["id"], viewer) is None
        assert (await shop.ask(viewer, DELIVERIES, id=endpoint["id"]))["webhookDeliveries"]["nodes"] == []
    assert await shop.refused(other, "webhookSecretRotate", id=endpoint["id"]) == {
        "code": "NOT_FOUND",
        "field": ["id"],
        "noun": "WebhookEndpoint",
        "id": endpoint["id"],
    }
    assert (await shop.refused(AGENT, "webhookEndpointDelete", id=endpoint["id"]))["scope"] == "webhooks:write"


# -- attempts ----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("quick")
async def test_what_fails_is_tried_again_under_the_same_id_and_every_attempt_is_on_record(
    shop: Shop, receiver: Receiver
) -> None:
    answers = iter(
        [(500, {}, b"no \x00" + b"x" * 5_000), (302, {"location": receiver.url + "/moved"}, b""), (204, {}, b"")]
    )
    receiver.answers = lambda _: next(answers)
    endpoint = await listen(shop, receiver, types=["ORDER_PLACED"])

    await shop.place((await shop.variant(SAO1=3), 1))

    (delivery,) = await until_delivered(shop, endpoint, all_are("DELIVERED"))
    assert [each.id for each in receiver.heard] == [delivery["id"]] * 3
    assert receiver.of(path="/moved") == []
    assert (delivery["attempts"], delivery["responseStatus"], delivery["error"]) == (3, 204, None)
    assert [(each["number"], each["responseStatus"], each["error"]) for each in delivery["attemptLog"]] == [
        (3, 204, None),
        (2, 302, "the receiver answered 302, and redirects are not followed"),
        (1, 500, "the receiver answered 500"),
    ]
    assert delivery["attemptLog"][2]["responseBody"] == "no \ufffd" + "x" * 996


@pytest.mark.usefixtures("quick")
async def test_what_happens_to_one_subject_arrives_in_order_and_others_do_not_wait(
    shop: Shop, receiver: Receiver
) -> None:
    slow, sku = None, await shop.variant(SAO1=30)
    failures = failing(4)

    def answers(heard: Heard) -> int:
        return failures(heard) if heard.data["subject"]["id"] == slow else 200

    await listen(shop, receiver, types=["ORDER_PLACED", "ORDER_CONFIRMED", "ORDER_HELD"])
    receiver.answers = answers
    order = await shop.place((sku, 1))
    await receiver.until(1)
    slow = order["id"]
    await shop.do(OPERATIONS, "orderConfirm", id=order["id"])
    await shop.do(OPERATIONS, "orderHold", id=order["id"], kind="FRAUD", reason="odd")
    others = [await shop.place((sku, 1)) for _ in range(3)]

    await receiver.until(1, type="ORDER_HELD")
    await receiver.until(4, type="ORDER_PLACED")
    ours = [each for each in receiver.heard if each.data["subject"]["id"] == order["id"]]
    assert [each.body["type"] for each in ours] == ["ORDER_PLACED", *["ORDER_CONFIRMED"] * 5, "ORDER_HELD"]
    assert len({each.id for each in ours}) == 3
    assert {each.data["subject"]["id"] for each in receiver.of(type="ORDER_PLACED")} == {
        each["id"] for each in (order, *others)
    }


async def test_after_ten_failures_in_a_row_one_delivery_goes_to_see_and_the_others_wait(
    shop: Shop, receiver: Receiver, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "DELAYS", (0.01,))
    receiver.answers = lambda _: 503
    endpoint = await listen(shop, receiver, types=["ORDER_PLACED"])
    sku = await shop.variant(SAO1=30)
    for _ in range(3):
        await shop.place((sku, 1))

    async with asyncio.timeout(20):
        while (found := await endpoint_of(shop, endpoint["id"])) is None or found["status"] != "FAILING":
            await asyncio.sleep(0.02)
    assert found["failures"] >= 10
    assert found["heldUntil"] is not None
    connection = await asyncpg.connect(database_url)
    async with asyncio.timeout(20):
        while await connection.fetchval(IN_THE_WAY):
            await asyncio.sleep(0.02)
    before = len(receiver.heard)
    await shop.place((sku, 1))
    await until_delivered(shop, endpoint, lambda found: len(found) == 4)
    await asyncio.sleep(0.7)
    assert len(receiver.heard) == before, "nothing is sent while they are held"
    assert all(each["nextAttemptAt"] >= found["heldUntil"] for each in await deliveries_of(shop, endpoint, "PENDING"))

    let_go = "UPDATE webhook_endpoints SET held_until = now() WHERE status = 'FAILING'"
    now = "UPDATE jobs SET ready_at = now() WHERE kind = 'WEBHOOK_DELIVERY' AND lease IS NULL"
    await connection.execute(let_go)
    await connection.execute(now)
    await receiver.until(before + 1)
    await until_idle(connection)
    assert len(receiver.heard) == before + 1, "one goes to see"
    again = await endpoint_of(shop, endpoint["id"])
    assert again is not None
    assert again["status"] == "FAILING"
    assert await connection.fetchval("SELECT holds FROM webhook_endpoints WHERE status = 'FAILING'") == 2

    receiver.answers = lambda _: 200
    await connection.execute(let_go)
    async with asyncio.timeout(20):
        while not all_are("DELIVERED", 4)(await deliveries_of(shop, endpoint)):
            await connection.execute(now)
            await asyncio.sleep(0.05)
    healed = await endpoint_of(shop, endpoint["id"])
    assert healed is not None
    assert (healed["status"], healed["failures"], healed["heldUntil"]) == ("ACTIVE", 0, None)
    await connection.close()


async def test_when_a_receiver_is_mended_whatever_waits_can_be_tried_at_once(
    shop: Shop, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "DELAYS", (3_600,))
    receiver.answers = lambda _: 503
    endpoint = await listen(shop, receiver, types=["ORDER_PLACED", "ORDER_CONFIRMED"])
    sku = await shop.variant(SAO1=30)
    orders = [await shop.place((sku, 1)) for _ in range(12)]
    await receiver.until(10)
    await shop.do(OPERATIONS, "orderConfirm", id=orders[0]["id"])
    async with asyncio.timeout(20):
        while (found := await endpoint_of(shop, endpoint["id"])) is None or found["status"] != "FAILING":
            await asyncio.sleep(0.02)

    receiver.answers = lambda _: 200
    enabled = await shop.do(OPERATIONS, "webhookEndpointUpdate", ENDPOINT, id=endpoint["id"], enabled=True)

    assert (enabled["endpoint"]["status"], enabled["endpoint"]["failures"]) == ("ACTIVE", 0)
    await until_delivered(shop, endpoint, all_are("DELIVERED", 13))


async def test_what_is_not_delivered_in_three_days_is_dead_and_the_next_of_its_subject_goes_on(
    shop: Shop, receiver: Receiver, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "DELAYS", (1.0,))
    receiver.answers = lambda heard: 500 if heard.body["type"] == "ORDER_PLACED" else 200
    endpoint = await listen(shop, receiver, types=["ORDER_PLACED", "ORDER_CONFIRMED"])
    order = await shop.place((await shop.variant(SAO1=30), 1))
    await shop.do(OPERATIONS, "orderConfirm", id=order["id"])
    await receiver.until(1)
    connection = await asyncpg.connect(database_url)
    await connection.execute("UPDATE webhook_deliveries SET queued_at = queued_at - interval '3 days'")
    await connection.close()

    await receiver.until(1, type="ORDER_CONFIRMED")

    log = await until_delivered(
        shop, endpoint, lambda found: {each["status"] for each in found} == {"DEAD", "DELIVERED"}
    )
    (dead,) = (each for each in log if each["status"] == "DEAD")
    assert dead["event"]["type"] == "ORDER_PLACED"
    assert (dead["nextAttemptAt"], dead["error"]) == (None, "the receiver answered 500")


async def test_a_receiver_that_is_gone_is_disabled_and_a_replay_brings_what_it_missed(
    shop: Shop, receiver: Receiver
) -> None:
    receiver.answers = lambda _: 410
    endpoint = await listen(shop, receiver, types=["ORDER_PLACED"])
    sku = await shop.variant(SAO1=30)
    await shop.place((sku, 1))
    (heard,) = await receiver.until(1)
    (dead,) = await until_delivered(shop, endpoint, all_are("DEAD"))
    gone = await endpoint_of(shop, endpoint["id"])
    assert gone is not None
    assert (gone["status"], gone["disabledReason"]) == ("DISABLED", "The receiver answered 410 Gone.")
    missed = await shop.place((sku, 1))
    assert (await shop.refused(OPERATIONS, "webhookReplay", endpointId=endpoint["id"], after=BEGINNING))["code"] == (
        "INVALID_TRANSITION"
    )

    receiver.answers = lambda _: 200
    await shop.do(OPERATIONS, "webhookEndpointUpdate", id=endpoint["id"], enabled=True)
    await cursors_of(shop, [missed])
    disabled_at = (await shop.ask(OPERATIONS, DISABLED_AT, id=endpoint["id"]))["webhookEndpoint"]["disabledAt"]
    assert datetime.fromisoformat(heard.body["timestamp"]) < datetime.fromisoformat(disabled_at)
    await shop.do(OPERATIONS, "webhookReplay", endpointId=endpoint["id"], occurredFrom=heard.body["timestamp"])

    found = await receiver.until(3)
    assert [each.id for each in found[:2]] == [dead["id"]] * 2, "the same event keeps its id"
    assert found[2].data["subject"]["id"] == missed["id"]
    log = await until_delivered(shop, endpoint, all_are("DELIVERED", 2))
    assert sorted(each["attempts"] for each in log) == [1, 2]


# -- managing ----------------------------------------------------------------------------------------------------------


async def test_both_secrets_sign_until_the_old_one_ends(shop: Shop, receiver: Receiver) -> None:
    endpoint = await listen(shop, receiver, types=["ORDER_PLACED"])
    old = endpoint["secret"]

    rotated = (await shop.do(OPERATIONS, "webhookSecretRotate", ENDPOINT, id=endpoint["id"]))["endpoint"]
    await shop.place((await shop.variant(SAO1=3), 1))
    (both,) = await receiver.until(1)
    ended = await shop.do(OPERATIONS, "webhookSecretRotate", ENDPOINT, id=endpoint["id"], overlapSeconds=0)
    await shop.place((await shop.variant(SAO1=3), 1))
    _, alone = await receiver.until(2)

    assert len({old, rotated["secret"], ended["endpoint"]["secret"]}) == 3
    assert rotated["previousSecretUntil"] is not None
    both.verify(old)
    both.verify(rotated["secret"])
    alone.verify(ended["endpoint"]["secret"])
    with pytest.raises(WebhookVerificationError):
        alone.verify(rotated["secret"])


async def test_a_ping_reaches_a_disabled_endpoint_once(shop: Shop, receiver: Receiver) -> None:
    receiver.answers = failing(1)
    endpoint = await listen(shop, receiver)
    await shop.do(OPERATIONS, "webhookEndpointUpdate", id=endpoint["id"], enabled=False)
    await shop.place((await shop.variant(SAO1=3), 1))

    sent = await shop.do(OPERATIONS, "webhookEndpointTest", "delivery { id event { id } }", id=endpoint["id"])
    (first,) = await until_delivered(shop, endpoint, all_are("DEAD"))
    await shop.do(OPERATIONS, "webhookEndpointTest", id=endpoint["id"])
    _, second = await receiver.until(2)

    assert sent["delivery"] == {"id": first["id"], "event": None}
    assert (second.body["type"], second.data) == ("PING", {})
    second.verify(endpoint["secret"])
    await until_delivered(shop, endpoint, lambda found: found[0]["status"] == "DELIVERED")


async def test_what_is_on_its_way_is_called_off_when_an_endpoint_is_disabled(shop: Shop, receiver: Receiver) -> None:
    receiver.answers = lambda _: 500
    endpoint = await listen(shop, receiver, types=["ORDER_PLACED"])
    await shop.place((await shop.variant(SAO1=3), 1))
    await until_delivered(shop, endpoint, lambda found: bool(found) and found[0]["attempts"] == 1)

    disabled = await shop.do(OPERATIONS, "webhookEndpointUpdate", ENDPOINT, id=endpoint["id"], enabled=False)

    assert (disabled["endpoint"]["status"], disabled["endpoint"]["disabledReason"]) == ("DISABLED", "Olga disabled it.")
    (delivery,) = await deliveries_of(shop, endpoint)
    assert (delivery["status"], delivery["error"], delivery["nextAttemptAt"]) == ("CANCELED", "Olga disabled it.", None)


async def test_an_endpoint_changes_in_what_is_given_and_nothing_else(shop: Shop, receiver: Receiver) -> None:
    endpoint = await listen(shop, receiver, types=["ORDER_PLACED"], query="{ viewer { kind } }")

    async def changed(**input: Any) -> Answer:
        made = await shop.do(OPERATIONS, "webhookEndpointUpdate", ENDPOINT, id=endpoint["id"], **input)
        return made["endpoint"]  # type: ignore[no-any-return]

    assert await changed(description="ERP") == endpoint
    assert await changed(query=None, format="CLOUDEVENTS") == {**endpoint, "query": None, "format": "CLOUDEVENTS"}
    assert (await changed(types=[], url=receiver.url + "/new"))["types"] == []
    await shop.place((await shop.variant(SAO1=3), 1))
    assert {each.path for each in await receiver.until(3)} == {"/new"}


async def test_a_deleted_endpoint_is_told_nothing_and_cannot_be_brought_back(shop: Shop, receiver: Receiver) -> None:
    endpoint = await listen(shop, receiver)

    deleted = await shop.do(OPERATIONS, "webhookEndpointDelete", ENDPOINT, id=endpoint["id"])

    assert deleted["endpoint"]["status"] == "DELETED"
    refused = await shop.refused(OPERATIONS, "webhookEndpointUpdate", id=endpoint["id"], enabled=True)
    assert (refused["code"], refused["state"], refused["allowed"]) == ("INVALID_TRANSITION", "DELETED", [])
    listed = await shop.ask(OPERATIONS, "{ webhookEndpoints(first: 100) { nodes { id } } }")
    assert endpoint["id"] not in {each["id"] for each in listed["webhookEndpoints"]["nodes"]}


async def test_a_replay_sends_a_range_and_its_twin_tells_the_same(shop: Shop, receiver: Receiver) -> None:
    sku = await shop.variant(SAO1=30)
    orders = [await shop.place((sku, 1)) for _ in range(4)]
    cursors = await cursors_of(shop, orders)
    endpoint = await listen(shop, receiver, types=["ORDER_PLACED"])
    wish = {"endpointId": endpoint["id"], "after": cursors[0], "until": cursors[2], "idempotencyKey": shop.new("key")}

    first = await shop.do(OPERATIONS, "webhookReplay", "endpoint { id } events cursor", **wish)
    twin = await shop.do(OPERATIONS, "webhookReplay", "endpoint { id } events cursor", **wish)

    assert first == twin == {"endpoint": {"id": endpoint["id"]}, "events": 2, "cursor": None}
    found = await receiver.until(2)
    assert {each.data["subject"]["id"] for each in found} == {each["id"] for each in orders[1:3]}
    await until_delivered(shop, endpoint, all_are("DELIVERED", 2))


QUERIES = {
    "{ nothing }": "Cannot query field 'nothing' on type 'Query'.",
    "{": "Syntax Error: Expected Name, found <EOF>.",
    'mutation { orderConfirm(input: { id: "1", idempotencyKey: "1" }) { order { id } } }': "the document is one query",
    "subscription ($id: ID!) { orderEvents(orderId: $id) { id } }": "the document is one query",
    "query ($sku: String!) { variant(sku: $sku) { id } }": "its only variables are",
    "query ($id: [ID!]!) { nodes(ids: $id) { id } }": "its only variables are",
    "query A { viewer { kind } } query B { viewer { kind } }": "Name one of the operations.",
    "{ orders(first: 100) { nodes { lines { id sku name } } } }": "it costs",
    "{ __schema { types { name } } }": "",
}


@pytest.mark.parametrize("query", QUERIES)
async def test_a_query_that_cannot_shape_a_payload_is_refused_at_once(shop: Shop, query: str) -> None:
    refused = await shop.refused(OPERATIONS, "webhookEndpointCreate", url="http://127.0.0.1:9/", query=query)

    assert (refused["code"], refused["field"]) == ("INVALID_INPUT", ["query"])
    assert QUERIES[query] in refused["reason"]


@pytest.mark.parametrize(
    ("input", "field"),
    [
        ({"url": "http://user@127.0.0.1/"}, ["url"]),
        ({"url": "http:///nowhere"}, ["url"]),
        ({"channel": "nowhere"}, ["channel"]),
        ({"types": ["ORDER_PLACED", "ORDER_PLACED"]}, ["types"]),
    ],
)
async def test_an_endpoint_that_makes_no_sense_is_refused(shop: Shop, input: Answer, field: list[str]) -> None:
    refused = await shop.refused(OPERATIONS, "webhookEndpointCreate", **{"url": "http://127.0.0.1:9/", **input})

    assert refused["field"] == field


@pytest.mark.parametrize("input", [{}, {"after": "nonsense"}, {"after": BEGINNING, "until": "W10="}])
async def test_a_replay_that_begins_nowhere_is_refused(shop: Shop, receiver: Receiver, input: Answer) -> None:
    endpoint = await listen(shop, receiver)

    refused = await shop.refused(OPERATIONS, "webhookReplay", endpointId=endpoint["id"], **input)

    assert refused["code"] == "INVALID_INPUT"
