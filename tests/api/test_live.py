"""What can be followed, as clients follow it: the contract's subscriptions through a real socket, and who may ask."""

from typing import Any

import pytest

from domain.viewer import Scope, Viewer
from tests.api.shop import AGENT, OPERATIONS, Answer, Shop, app
from tests.contract import document
from tests.live import live
from tests.logbook import BEGINNING


async def told(base_url: str, number: int, viewer: Viewer, query: str, **variables: Any) -> list[Answer]:
    """The first events since the beginning."""
    async with live(base_url, viewer, query, after=BEGINNING, **variables) as subscriber:
        return await subscriber.several(number)


def types(events: list[Answer]) -> list[str]:
    return [event["type"] for event in events]


async def test_a_customer_watches_their_order(shop: Shop, base_url: str) -> None:
    order = await shop.place((await shop.variant(SAO1=3), 1), token="tok_visa")
    owner = await shop.ask(AGENT, "query ($id: ID!) { order(id: $id) { customer { id } } }", id=order["id"])
    viewer = shop.signed_in(owner["order"]["customer"]["id"])
    async with live(base_url, viewer, document("OrderLive"), orderId=order["id"], after=BEGINNING) as subscriber:
        placed, paid = await subscriber.several(2)
        await shop.confirm(order)
        confirmed = await subscriber.next()
    assert types([placed, paid, confirmed]) == ["ORDER_PLACED", "PAYMENT_AUTHORIZED", "ORDER_CONFIRMED"]
    assert confirmed["order"]["status"] == "CONFIRMED"


async def test_a_call_centre_watches_a_customer_and_not_what_moves_on_shelves(shop: Shop, base_url: str) -> None:
    order = await shop.place((await shop.variant(SAO1=3), 1))
    owner = await shop.ask(AGENT, "query ($id: ID!) { order(id: $id) { customer { id } } }", id=order["id"])
    id_ = owner["order"]["customer"]["id"]
    await shop.do(AGENT, "customerNoteAdd", customerId=id_, body="rings twice")
    query = "query ($id: ID!) { customer(id: $id) { timeline(first: 100) { nodes { type message } } } }"
    timeline = await shop.ask(AGENT, query, id=id_)
    wanted = timeline["customer"]["timeline"]["nodes"][::-1]
    events = await told(base_url, len(wanted), AGENT, document("CustomerLive"), customerId=id_)
    assert [{"type": event["type"], "message": event["message"]} for event in events] == wanted
    assert [event["subject"]["__typename"] for event in (events[0], events[-1])] == ["Order", "CustomerNote"]


async def test_a_store_watches_its_queue(shop: Shop, base_url: str) -> None:
    await shop.confirm(await shop.place((await shop.variant(SAO1=3), 1)))
    order = await shop.place((await shop.variant(RIO1=3), 2))
    place, store = shop.places["RIO1"], shop.store("RIO1")
    begun = (await told(base_url, 1, store, document("StoreQueue"), locationId=place))[-1]
    async with live(base_url, store, document("StoreQueue"), locationId=place, after=begun["cursor"]) as subscriber:
        order = await shop.accept(await shop.confirm(order))
        opened, accepted = await subscriber.several(2)
    assert types([begun, opened, accepted]) == [
        "FULFILLMENT_ORDER_CREATED", "FULFILLMENT_ORDER_OPENED", "FULFILLMENT_ORDER_ACCEPTED",
    ]  # fmt: skip
    work = accepted["fulfillmentOrder"]
    assert (work["id"], work["order"]["number"]) == (order["fulfillmentOrders"][0]["id"], order["number"])
    assert [line["quantity"] for line in work["lines"]] == [2]


RETURNS = """subscription ($returnId: ID, $locationId: ID, $after: String) {
    returnEvents(returnId: $returnId, locationId: $locationId, after: $after) { type return { id status } } }"""


async def test_returns_are_watched_one_by_one_or_by_location(shop: Shop, base_url: str) -> None:
    async def sent_back() -> Answer:
        order = await shop.bought(units=2)
        lines = [{"orderLineId": order["lines"][0]["id"], "quantity": 1, "reason": "OTHER"}]
        made = await shop.do(AGENT, "returnRequest", "return { id lines { id } }", method="MAIL", lines=lines)
        await shop.do(AGENT, "returnApprove", id=made["return"]["id"])
        return made["return"]  # type: ignore[no-any-return]

    async def arrives(back: Answer, code: str) -> None:
        lines = [{"returnLineId": back["lines"][0]["id"], "quantity": 1}]
        await shop.do(OPERATIONS, "returnReceive", id=back["id"], locationId=shop.places[code], lines=lines)

    one, other = await sent_back(), await sent_back()
    await arrives(other, "RIO1")
    await arrives(one, "SAO1")
    mine = await told(base_url, 3, AGENT, RETURNS, returnId=one["id"])
    assert types(mine) == ["RETURN_REQUESTED", "RETURN_APPROVED", "RETURN_RECEIVED"]
    assert {event["return"]["id"] for event in mine} == {one["id"]}
    [here] = await told(base_url, 1, shop.store("RIO1"), RETURNS, locationId=shop.places["RIO1"])
    assert here["type"] == "RETURN_RECEIVED"
    assert here["return"]["id"] == other["id"]
    [both] = await told(base_url, 1, AGENT, RETURNS, returnId=one["id"], locationId=shop.places["SAO1"])
    assert both["type"] == "RETURN_RECEIVED"


LAST = "query ($sku: String!) { stockMovements(first: 1, filter: { sku: $sku }) { nodes { id } } }"


async def test_stock_is_watched_by_sku_and_by_location(shop: Shop, base_url: str) -> None:
    mug, cup = await shop.variant(SAO1=3, RIO1=4), await shop.variant(SAO1=7)
    inventory, sao, rio = document("Inventory"), shop.places["SAO1"], shop.places["RIO1"]

    async def moved(number: int, viewer: Viewer = OPERATIONS, **narrowed: Any) -> list[tuple[str, int]]:
        events = await told(base_url, number, viewer, inventory, **narrowed)
        assert set(types(events)) == {"STOCK_MOVED"}
        return [(event["stockLevel"]["location"]["code"], event["stockLevel"]["onHand"]) for event in events]

    assert await moved(2, skus=[mug]) == [("SAO1", 3), ("RIO1", 4)]
    assert await moved(1, skus=[mug], locationIds=[rio]) == [("RIO1", 4)]
    assert await moved(3, skus=[mug, cup], locationIds=[sao, rio]) == [("SAO1", 3), ("RIO1", 4), ("SAO1", 7)]
    assert await moved(1, shop.store("RIO1"), skus=[mug]) == [("RIO1", 4)]
    line = {"sku": cup, "quantity": 2}
    judged = [{**line, "from": "RESTOCK", "to": "DISPOSE"}]
    await shop.do(OPERATIONS, "safetyStockSet", locationId=sao, lines=[line])
    await shop.do(OPERATIONS, "stockRedispose", locationId=sao, lines=judged)
    (last,) = (await shop.ask(OPERATIONS, LAST, sku=cup))["stockMovements"]["nodes"]
    await shop.do(OPERATIONS, "stockMovementReverse", id=last["id"])
    assert await moved(4, skus=[cup]) == [("SAO1", 7)] * 4
    every = await moved(10)
    assert {code for code, _ in every} >= {"SAO1", "RIO1"}
    assert {code for code, _ in await moved(2, shop.store("RIO1"))} == {"RIO1"}


async def test_another_system_reads_a_channel_and_goes_on_where_it_was(shop: Shop, base_url: str) -> None:
    feed = document("ChannelFeed")
    begun = (await told(base_url, 3, OPERATIONS, feed, channel="web"))[-1]
    async with live(base_url, OPERATIONS, feed, channel="web", after=begun["cursor"]) as subscriber:
        rest = [await subscriber.next()]
        order = await shop.place((await shop.variant(SAO1=1), 1))
        while not (rest[-1]["type"] == "ORDER_PLACED" and rest[-1]["subject"]["id"] == order["id"]):
            rest.append(await subscriber.next())
    assert rest[-1]["data"] == {"totalMinor": 5000}
    query = 'query ($after: String!) { events(filter: { channel: "web" }, first: 100, after: $after) { nodes { id } } }'
    page = await shop.ask(OPERATIONS, query, after=begun["cursor"])
    assert [event["id"] for event in rest] == [node["id"] for node in page["events"]["nodes"]][: len(rest)]


FILTERED = """subscription ($filter: EventFilter, $after: String) {
    events(filter: $filter, after: $after) { id type subject { id } } }"""


async def test_the_log_is_watched_through_each_filter(shop: Shop, base_url: str) -> None:
    order = await shop.confirm(await shop.place((await shop.variant(SAO1=1), 1)))
    work = order["fulfillmentOrders"][0]["id"]
    query = "query ($filter: EventFilter) { events(filter: $filter, first: 100) { nodes { id } } }"
    for narrowed in (
        {"types": ["ORDER_CONFIRMED", "ORDER_PLACED"]},
        {"orderId": order["id"]},
        {"subjectId": work},
        {"orderId": order["id"], "types": ["FULFILLMENT_ORDER_OPENED"], "subjectId": work},
        {"locationId": shop.places["SAO1"], "occurredFrom": "2020-01-01T00:00:00Z"},
        {"channel": "web", "types": ["ORDER_CONFIRMED"], "occurredTo": "2100-01-01T00:00:00Z"},
    ):
        wanted = (await shop.ask(OPERATIONS, query, filter=narrowed))["events"]["nodes"]
        events = await told(base_url, len(wanted), OPERATIONS, FILTERED, filter=narrowed)
        assert wanted
        assert [event["id"] for event in events] == [node["id"] for node in wanted], narrowed


async def test_filters_may_stand_in_the_document(shop: Shop, base_url: str) -> None:
    order = await shop.confirm(await shop.place((await shop.variant(SAO1=1), 1)))
    query = f"""subscription ($type: EventType!, $after: String) {{
        events(filter: {{ orderId: "{order["id"]}", types: [ORDER_CONFIRMED, $type], channel: null }}, after: $after) {{
          type }} }}"""
    events = await told(base_url, 2, OPERATIONS, query, type="ORDER_PLACED")
    assert types(events) == ["ORDER_PLACED", "ORDER_CONFIRMED"]


# -- who may not ask ---------------------------------------------------------------------------------------------------

UNKNOWN = "0190163d-8694-739b-aea5-966c26f8ad91"


async def refusal(base_url: str, viewer: Viewer | None, query: str, **variables: Any) -> str:
    async with live(base_url, viewer, query, **variables) as subscriber:
        return await subscriber.refusal()


async def test_who_may_not_hear_is_told_so_at_the_start(shop: Shop, base_url: str) -> None:
    queue, inventory, feed = document("StoreQueue"), document("Inventory"), document("ChannelFeed")
    sku, customer = await shop.variant(SAO1=1), await shop.customer()
    sao, rio, store = shop.places["SAO1"], shop.places["RIO1"], shop.store("RIO1")
    assert await refusal(base_url, store, queue, locationId=sao) == "NOT_FOUND"
    assert await refusal(base_url, customer, queue, locationId=rio) == "NOT_FOUND"
    assert await refusal(base_url, store, RETURNS, locationId=sao) == "NOT_FOUND"
    assert await refusal(base_url, store, inventory, locationIds=[rio, sao]) == "NOT_FOUND"
    assert await refusal(base_url, shop.store(), inventory) == "FORBIDDEN"
    for viewer in (None, customer, app(Scope.ORDERS_READ)):
        assert await refusal(base_url, viewer, inventory, skus=[sku]) == "FORBIDDEN"
    for viewer in (None, customer, AGENT, store, app(Scope.ORDERS_READ)):
        assert await refusal(base_url, viewer, feed, channel="web") == "FORBIDDEN"


@pytest.mark.parametrize(
    ("query", "variables", "code"),
    [
        (document("CustomerLive"), {"customerId": f"cus_{UNKNOWN}"}, "NOT_FOUND"),
        (document("StoreQueue"), {"locationId": "loc_1"}, "NOT_FOUND"),
        (document("Inventory"), {"skus": ["no such"]}, "NOT_FOUND"),
        (document("Inventory"), {"locationIds": [f"loc_{UNKNOWN}"]}, "NOT_FOUND"),
        (document("Inventory"), {"skus": []}, "BAD_USER_INPUT"),
        (document("Inventory"), {"skus": [str(number) for number in range(101)]}, "BAD_USER_INPUT"),
        (document("Inventory"), {"skus": ["a\0b"]}, "BAD_USER_INPUT"),
        (document("ChannelFeed"), {"channel": "nowhere"}, "NOT_FOUND"),
        (RETURNS, {}, "BAD_USER_INPUT"),
        (RETURNS, {"returnId": f"ret_{UNKNOWN}"}, "NOT_FOUND"),
        (FILTERED, {"filter": {"orderId": f"ord_{UNKNOWN}"}}, "NOT_FOUND"),
        (FILTERED, {"filter": {"types": []}}, "BAD_USER_INPUT"),
        (FILTERED, {"filter": {"types": ["SNEEZE"]}}, "BAD_USER_INPUT"),
    ],
)
async def test_what_makes_no_sense_is_a_typed_error(
    shop: Shop, base_url: str, query: str, variables: Answer, code: str
) -> None:
    assert shop.places
    assert await refusal(base_url, OPERATIONS, query, **variables) == code
