"""Customers through HTTP: what staff note, what happened to them, and what it comes to."""

from typing import Any

import pytest

from domain import ids
from domain.viewer import Scope, Viewer
from tests.api.shop import AGENT, HISTORIAN, OPERATIONS, Answer, Shop, app, money

NOTE = "note { id body pinned author { kind displayName } createdAt }"
NOTES = "query ($id: ID!) { customer(id: $id) { notes { id body pinned } } }"
TIMELINE = """query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
    customer(id: $id) { timeline(first: $first, after: $after, last: $last, before: $before) {
        totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        edges { cursor node { cursor type message data subject { __typename id } } } } } }"""
STATS = """query ($id: ID!) { customer(id: $id) {
    orderCount lifetimeValue { amount currency }
    stats { orderCount returnCount returnRate lifetimeValue { amount currency }
            averageOrderValue { amount currency } firstOrderAt lastOrderAt } } }"""


def gid(viewer: Viewer) -> str:
    """A signed-in customer's id."""
    assert viewer.customer_id is not None
    return ids.encode("Customer", viewer.customer_id)


async def add(shop: Shop, customer: Viewer, body: str, viewer: Viewer = AGENT, **given: Any) -> Answer:
    """A note."""
    made = await shop.do(viewer, "customerNoteAdd", NOTE, customerId=gid(customer), body=body, **given)
    return made["note"]  # type: ignore[no-any-return]


async def timeline(shop: Shop, viewer: Viewer, customer: Viewer, **page: Any) -> Answer:
    """A page of a customer's history."""
    found = await shop.ask(viewer, TIMELINE, id=gid(customer), **page)
    return found["customer"]["timeline"]  # type: ignore[no-any-return]


# -- notes -----------------------------------------------------------------------------------------------------------


async def test_a_note_says_who_noted_what_and_when(shop: Shop) -> None:
    customer = await shop.customer()

    note = await add(shop, customer, "  rings twice \n")

    assert note == {
        "id": note["id"],
        "body": "rings twice",
        "pinned": False,
        "author": {"kind": "STAFF", "displayName": "Ana"},
        "createdAt": note["createdAt"],
    }
    again = await shop.ask(
        OPERATIONS, f"query ($id: ID!) {{ node(id: $id) {{ ... on CustomerNote {NOTE[5:]} }} }}", id=note["id"]
    )
    assert again["node"] == note


async def test_pinned_notes_stand_first_and_then_the_latest(shop: Shop) -> None:
    customer = await shop.customer()
    for body, pinned in (("one", False), ("two", True), ("three", False), ("four", True)):
        await add(shop, customer, body, pinned=pinned)

    notes = (await shop.ask(AGENT, NOTES, id=gid(customer)))["customer"]["notes"]

    assert [note["body"] for note in notes] == ["four", "two", "three", "one"]


async def test_at_most_fifty_notes_are_shown(shop: Shop) -> None:
    customer = await shop.customer()
    for number in range(51):
        await add(shop, customer, f"note {number}")

    notes = (await shop.ask(AGENT, NOTES, id=gid(customer)))["customer"]["notes"]

    assert [note["body"] for note in notes] == [f"note {number}" for number in range(50, 0, -1)]


async def test_history_may_be_noted_by_who_may_tell_it(shop: Shop) -> None:
    customer, at = await shop.customer(), "2018-02-03T04:05:06+00:00"

    note = await add(shop, customer, "long ago", HISTORIAN, occurredAt=at)
    refusal = await shop.refused(AGENT, "customerNoteAdd", customerId=gid(customer), body="x", occurredAt=at)

    assert note["createdAt"] == at
    assert refusal == {"code": "FORBIDDEN", "field": ["occurredAt"], "scope": "history:write"}


@pytest.mark.parametrize("body", ["", " \n\t ", "\u3000"])
async def test_a_note_says_something(shop: Shop, body: str) -> None:
    customer = await shop.customer()

    refusal = await shop.refused(AGENT, "customerNoteAdd", customerId=gid(customer), body=body)

    assert refusal == {"code": "INVALID_INPUT", "field": ["body"], "reason": "a note says something"}
    assert (await shop.ask(AGENT, NOTES, id=gid(customer)))["customer"]["notes"] == []


async def test_a_note_has_at_most_two_thousand_characters(shop: Shop) -> None:
    customer = await shop.customer()

    note = await add(shop, customer, "é" * 2_000)
    refusal = await shop.refused(AGENT, "customerNoteAdd", customerId=gid(customer), body="é" * 2_001)

    assert note["body"] == "é" * 2_000
    assert (refusal["code"], refusal["field"]) == ("INVALID_INPUT", ["body"])


async def test_who_does_not_see_a_customer_notes_nothing(shop: Shop) -> None:
    customer = await shop.customer()

    refusal = await shop.refused(app(Scope.CUSTOMERS_WRITE), "customerNoteAdd", customerId=gid(customer), body="x")

    assert (refusal["code"], refusal["noun"], refusal["field"]) == ("NOT_FOUND", "Customer", ["customerId"])


async def test_notes_are_for_staff_alone(shop: Shop) -> None:
    customer = await shop.customer()
    order = await shop.place((await shop.variant(RIO1=1), 1), viewer=customer)
    note = await add(shop, customer, "haggles")
    refetched = "query ($id: ID!) { node(id: $id) { id } }"

    own = await shop.ask(customer, NOTES, id=gid(customer))
    at_store = await shop.ask(shop.store("RIO1"), NOTES, id=gid(customer))

    assert own["customer"]["notes"] == []
    assert [each["body"] for each in at_store["customer"]["notes"]] == ["haggles"]
    for viewer in (customer, shop.guest(order), shop.shopper(), shop.floor("RIO1"), shop.store("CWB1"), app(), None):
        assert (await shop.ask(viewer, refetched, id=note["id"]))["node"] is None


# -- the timeline ----------------------------------------------------------------------------------------------------


async def test_the_timeline_merges_everything_that_concerns_a_customer_the_latest_first(shop: Shop) -> None:
    customer = await shop.customer()
    order = await shop.captured(await shop.bought(viewer=customer))
    note = await add(shop, customer, "called")
    line = [{"orderLineId": order["lines"][0]["id"], "quantity": 1, "reason": "DEFECTIVE"}]
    back = await shop.do(AGENT, "returnRequest", "return { id }", method="MAIL", lines=line)
    log = "query ($id: ID!) { events(first: 100, filter: {customerId: $id}) { nodes { type subject { id } } } }"

    found = await timeline(shop, AGENT, customer, first=100)

    met = [edge["node"] for edge in found["edges"]]
    assert [each["type"] for each in met][:2] == ["RETURN_REQUESTED", "CUSTOMER_NOTE_ADDED"]
    assert [each["subject"] for each in met][:2] == [
        {"__typename": "Return", "id": back["return"]["id"]},
        {"__typename": "CustomerNote", "id": note["id"]},
    ]
    logged = (await shop.ask(OPERATIONS, log, id=gid(customer)))["events"]["nodes"]
    assert [(each["type"], each["subject"]["id"]) for each in met] == [
        (each["type"], each["subject"]["id"]) for each in reversed(logged) if each["type"] != "STOCK_MOVED"
    ]
    assert found["totalCount"] == len(met)
    assert [edge["cursor"] for edge in found["edges"]] == [each["cursor"] for each in met]


@pytest.mark.parametrize("backwards", [False, True])
async def test_a_walk_over_the_timeline_meets_every_event_once(shop: Shop, backwards: bool) -> None:
    customer = await shop.customer()
    await shop.bought(viewer=customer)
    whole = [edge["cursor"] for edge in (await timeline(shop, AGENT, customer, first=100))["edges"]]
    seen: list[str] = []
    more, cursor = True, None
    while more:
        page = await timeline(
            shop, AGENT, customer, **({"last": 3, "before": cursor} if backwards else {"first": 3, "after": cursor})
        )
        info, met = page["pageInfo"], [edge["cursor"] for edge in page["edges"]]
        seen = met + seen if backwards else seen + met
        more = info["hasPreviousPage"] if backwards else info["hasNextPage"]
        cursor = info["startCursor"] if backwards else info["endCursor"]
        await add(shop, customer, "called meanwhile")  # what comes in later stands before where a reader is
    assert seen[-len(whole) :] == whole
    assert len(set(seen)) == len(seen)


async def test_a_timeline_shows_a_buyer_what_a_buyer_may_hear(shop: Shop) -> None:
    customer, other = await shop.customer(), await shop.customer()
    order = await shop.confirm(await shop.place((await shop.variant(SAO1=1, RIO1=1), 1), viewer=customer))
    await shop.do(AGENT, "orderHold", id=order["id"], kind="FRAUD", reason="odd")
    await add(shop, customer, "haggles")

    own = [edge["node"] for edge in (await timeline(shop, customer, customer))["edges"]]
    at_store = await timeline(shop, shop.store("SAO1"), customer)

    assert {each["type"] for each in own} == {"ORDER_PLACED", "ORDER_CONFIRMED"}
    assert {each["data"] and str(each["data"]) for each in own} == {None}
    assert "CUSTOMER_NOTE_ADDED" not in [edge["node"]["type"] for edge in at_store["edges"]]
    assert (await shop.ask(other, TIMELINE, id=gid(customer)))["customer"] is None


async def test_what_was_noted_is_not_in_the_log(shop: Shop) -> None:
    customer = await shop.customer()
    await add(shop, customer, "lives with her mother")

    (told,) = (await timeline(shop, OPERATIONS, customer, first=1))["edges"]

    assert (told["node"]["message"], told["node"]["data"]) == ("A note was added.", {"pinned": False})


# -- figures ---------------------------------------------------------------------------------------------------------


async def figures(shop: Shop, customer: Viewer, viewer: Viewer = AGENT) -> Answer:
    """A customer's figures."""
    found = (await shop.ask(viewer, STATS, id=gid(customer)))["customer"]
    assert (found["orderCount"], found["lifetimeValue"]) == (
        found["stats"]["orderCount"],
        found["stats"]["lifetimeValue"],
    )
    return found["stats"]  # type: ignore[no-any-return]


async def test_lifetime_value_is_what_was_taken_less_what_went_back(shop: Shop) -> None:
    customer = await shop.customer()
    await shop.place((await shop.variant("7.00", SAO1=1), 1), viewer=customer, token="tok_visa")  # only promised
    order = await shop.captured(
        await shop.place((await shop.variant("19.99", SAO1=3), 3), viewer=customer, token="tok_visa")
    )
    refund = {"reason": "GOODWILL", "destination": "ORIGINAL_PAYMENT"}
    before = await figures(shop, customer)
    await shop.do(AGENT, "refundCreate", orderId=order["id"], amount=money("0.98"), **refund)

    assert before["lifetimeValue"] == [money("59.97")]
    assert (await figures(shop, customer))["lifetimeValue"] == [money("58.99")]


async def test_each_currency_has_amounts_of_its_own_and_halves_are_rounded_up(shop: Shop) -> None:
    customer = await shop.customer()  # with an order of 1.00
    sku = await shop.variant("1.01", SAO1=5)
    await shop.place((sku, 1), viewer=customer)
    place = {"code": "NYC1", "name": "New York", "kind": "WAREHOUSE", "channels": ["abroad"]}
    shop.places["NYC1"] = (await shop.do(OPERATIONS, "locationSet", "location { id }", **place))["location"]["id"]
    await shop.count(sku, "NYC1", 1)
    price = [{"channel": "abroad", "price": money("3.35", "USD")}]
    await shop.do(OPERATIONS, "variantsSet", variants=[{"sku": sku, "name": sku, "prices": price}])
    paid = [{"kind": "CAPTURE", "amount": money("3.35", "USD")}]
    await shop.place((sku, 1), customerId=gid(customer), channel="abroad", payments=paid)

    found = await figures(shop, customer)

    assert found["averageOrderValue"] == [money("1.01"), money("3.35", "USD")]  # (1.00 + 1.01) ÷ 2 = 1.005
    assert found["lifetimeValue"] == [money("3.35", "USD")]
    assert found["orderCount"] == 3


async def test_what_was_canceled_is_counted_but_not_averaged_and_a_draft_is_neither(shop: Shop) -> None:
    customer = await shop.customer()
    sku = await shop.variant("9.00", SAO1=5)
    order = await shop.place((sku, 1), viewer=customer)
    await shop.do(AGENT, "orderCancel", id=order["id"], reason="OTHER")
    await shop.do(AGENT, "orderDraft", channel="web", customerId=gid(customer), lines=[{"sku": sku, "quantity": 5}])

    found = await figures(shop, customer)

    assert (found["orderCount"], found["averageOrderValue"]) == (2, [money("1.00")])


async def test_a_declined_return_counts_for_nothing(shop: Shop) -> None:
    customer = await shop.customer()
    order = await shop.bought(viewer=customer)
    line = [{"orderLineId": order["lines"][0]["id"], "quantity": 1, "reason": "DEFECTIVE"}]
    back = await shop.do(AGENT, "returnRequest", "return { id }", method="MAIL", lines=line)
    asked = await figures(shop, customer)
    await shop.do(AGENT, "returnDecline", id=back["return"]["id"], reason="worn")
    declined = await figures(shop, customer)

    assert (asked["returnCount"], asked["returnRate"]) == (1, 0.5)
    assert (declined["returnCount"], declined["returnRate"]) == (0, 0.0)


async def test_a_customer_without_orders_has_no_figures(shop: Shop) -> None:
    customer = await shop.customer()
    sku = await shop.variant(SAO1=1)
    draft = await shop.do(
        OPERATIONS, "orderDraft", "order { customer { id } }", channel="web", lines=[{"sku": sku, "quantity": 1}],
        customer={"email": f"{shop.new('new')}@example.com"},
    )  # fmt: skip
    newcomer = shop.signed_in(draft["order"]["customer"]["id"])

    assert await figures(shop, newcomer, newcomer) == {
        "orderCount": 0, "returnCount": 0, "returnRate": None, "lifetimeValue": [], "averageOrderValue": [],
        "firstOrderAt": None, "lastOrderAt": None,
    }  # fmt: skip
    assert (await figures(shop, customer, customer))["orderCount"] == 1
