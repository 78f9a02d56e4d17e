"""Bad input: each kind answers with a clear, typed error; nothing is half done, nothing is lost."""

import asyncio
import random
import string
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import orjson
import pytest

from app.tokens import sign
from domain import ids
from domain.store.verify import verify
from domain.viewer import Scope, Viewer
from tests.api.shop import ADDRESS, AGENT, HISTORIAN, OPERATIONS, Answer, Shop, app, money
from tests.conftest import SECRET

NOISE = "".join(random.Random(2018).choices(string.ascii_letters, k=60_000))
"""Text that no compression makes short enough for an index."""

UNKNOWN = UUID(int=(0x01610000 << 96) | (0x7 << 76) | (0b10 << 62) | 1)

NOUNS = {
    "order": "Order",
    "line": "OrderLine",
    "hold": "OrderHold",
    "work": "FulfillmentOrder",
    "work_line": "FulfillmentOrderLine",
    "package": "Package",
    "shipment": "Shipment",
    "return": "Return",
    "return_line": "ReturnLine",
    "location": "Location",
    "customer": "Customer",
    "item": "WorkItem",
}
"""What mutations name by id."""

Things = dict[str, str]


def inputs(things: Things) -> dict[str, Answer]:
    """An input for every mutation, sound but for the things that it names."""
    line = {"orderLineId": things["line"], "quantity": 1, "reason": "DEFECTIVE"}
    bought = {"channel": "web", "lines": [{"sku": "NO-SUCH-SKU", "quantity": 1}]}
    return {
        "orderDraft": bought,
        "orderPlace": {**bought, "draftId": things["order"]},
        "orderConfirm": {"id": things["order"]},
        "orderHold": {"id": things["order"], "kind": "FRAUD", "reason": "odd"},
        "orderHoldRelease": {"orderId": things["order"], "holdId": things["hold"]},
        "orderCancel": {"id": things["order"], "reason": "OTHER"},
        "paymentAuthorize": {"orderId": things["order"], "paymentMethod": {"provider": "test", "token": "tok_visa"}},
        "paymentCapture": {"orderId": things["order"]},
        "paymentVoid": {"orderId": things["order"]},
        "refundCreate": {
            "orderId": things["order"],
            "amount": money("1.00"),
            "reason": "GOODWILL",
            "destination": "ORIGINAL_PAYMENT",
        },
        "channelSet": {"code": "web", "name": "Web", "currency": "BRL", "timeZone": "Nowhere/Land"},
        "locationSet": {"code": "SAO1", "name": "SAO1", "kind": "WAREHOUSE", "channels": ["no-such-channel"]},
        "variantsSet": {"variants": []},
        "stockAdjust": {
            "locationId": things["location"],
            "reason": "FOUND",
            "lines": [{"sku": "NO-SUCH-SKU", "setOnHand": 1}],
        },
        "orderRoute": {"id": things["order"]},
        "fulfillmentOrderAccept": {"id": things["work"]},
        "fulfillmentOrderPick": {"id": things["work"]},
        "fulfillmentOrderPack": {"id": things["work"], "packages": [{}]},
        "shipmentCreate": {"fulfillmentOrderId": things["work"], "carrier": "correios"},
        "shipmentHandOver": {"ids": [things["shipment"]]},
        "shipmentDeliver": {"id": things["shipment"]},
        "trackingEventAdd": {
            "carrier": "correios",
            "trackingNumber": things["number"],
            "code": "DELIVERED",
            "occurredAt": "2018-05-04T14:03:00Z",
        },
        "returnRequest": {"method": "MAIL", "lines": [line]},
        "returnCreate": {"method": "IN_STORE", "lines": [line]},
        "returnApprove": {"id": things["return"]},
        "returnDecline": {"id": things["return"], "reason": "final sale"},
        "returnReceive": {
            "id": things["return"],
            "locationId": things["location"],
            "lines": [{"returnLineId": things["return_line"], "quantity": 1}],
        },
        "returnInspect": {
            "id": things["return"],
            "lines": [
                {
                    "returnLineId": things["return_line"],
                    "quantity": 1,
                    "condition": "USED",
                    "disposition": "RESTOCK",
                }
            ],
        },
        "returnClose": {"id": things["return"]},
        "customerNoteAdd": {"customerId": things["customer"], "body": "calls again"},
        "workItemCreate": {"kind": "COUNT_SHELF", "locationId": things["location"]},
        "workItemClaim": {"id": things["item"]},
        "workItemExtend": {"id": things["item"]},
        "workItemComplete": {"id": things["item"]},
        "workItemFail": {"id": things["item"], "reason": "no ladder"},
        "workItemReassign": {"id": things["item"], "priority": 1},
        "workItemRetry": {"id": things["item"]},
        "guestOrderAccess": {"number": "no-such-number", "email": "nobody@example.com"},
    }


NAMES = tuple(inputs(dict.fromkeys([*NOUNS, "number"], "")))

UNNAMED = {"orderDraft", "channelSet", "locationSet", "variantsSet", "guestOrderAccess"}
"""Mutations that name nothing by id."""


def unknown_things() -> Things:
    """Ids of the right types, of nothing that there is."""
    return {"number": "no-such-number"} | {name: ids.encode(noun, UNKNOWN) for name, noun in NOUNS.items()}


async def codes(shop: Shop, viewer: Viewer | None, things: Things, names: tuple[str, ...] = NAMES) -> dict[str, str]:
    """What each mutation is refused for, twenty to a document; "" where one was done."""
    found: dict[str, str] = {}
    for at in range(0, len(names), 20):  # nobody in particular may ask for all of them at once
        found |= await _codes(shop, viewer, things, names[at : at + 20])
    return found


async def _codes(shop: Shop, viewer: Viewer | None, things: Things, names: tuple[str, ...]) -> dict[str, str]:
    given = {name: inputs(things)[name] for name in names}
    keys = {name: {} if name == "guestOrderAccess" else {"idempotencyKey": shop.new("key")} for name in names}
    declared = ", ".join(f"${name}: {name[0].upper()}{name[1:]}Input!" for name in names)
    asked = " ".join(f"{name}(input: ${name}) {{ userErrors {{ code }} }}" for name in names)
    variables = {name: {**keys[name], **input} for name, input in given.items()}
    found = await shop.ask(viewer, f"mutation ({declared}) {{ {asked} }}", **variables)
    return {name: "".join(each["code"] for each in found[name]["userErrors"]) for name in names}


def not_found(noun: str, id_: str, *place: str) -> Answer:
    """The refusal of an id."""
    return {"code": "NOT_FOUND", "field": list(place), "noun": noun, "id": id_}


def invalid(reason: str, *place: str) -> Answer:
    """The refusal of an input."""
    return {"code": "INVALID_INPUT", "field": list(place) or None, "reason": reason}


async def error_of(shop: Shop, query: str, variables: Answer | None = None, viewer: Viewer = OPERATIONS) -> str:
    """The code of a request that is refused before it runs."""
    answer = await shop.post(viewer, query, variables)
    assert (answer.status_code, set(answer.json())) == (200, {"errors"}), answer.text
    return str(answer.json()["errors"][0]["extensions"]["code"])


# -- ids -----------------------------------------------------------------------------------------------------------


async def test_ids_of_nothing_are_not_found(shop: Shop) -> None:
    found = await codes(shop, OPERATIONS, unknown_things())
    assert {name: found[name] for name in NAMES if name not in UNNAMED} == {
        name: "NOT_FOUND" for name in NAMES if name not in UNNAMED
    }


@pytest.mark.parametrize(
    "id_",
    ["", "x", "_", "ord_", "ord_1", f"chn_{UNKNOWN}", str(UNKNOWN), f"ord_{str(UNKNOWN)[:-1]}é", "ord_" + "9" * 190],
)
async def test_ids_of_another_type_and_malformed_ones_are_not_found(shop: Shop, id_: str) -> None:
    found = await codes(shop, OPERATIONS, dict.fromkeys([*NOUNS, "number"], id_))
    assert {name: found[name] for name in NAMES if name not in UNNAMED} == {
        name: "NOT_FOUND" for name in NAMES if name not in UNNAMED
    }


async def test_a_refused_id_is_told_with_its_noun_and_place(shop: Shop) -> None:
    order = await shop.place((await shop.variant(SAO1=2), 2))
    alien = ids.encode("OrderLine", UNKNOWN)
    lines = [{"orderLineId": order["lines"][0]["id"], "quantity": 1}, {"orderLineId": alien, "quantity": 1}]

    assert await shop.refused(AGENT, "orderConfirm", id="nonsense") == not_found("Order", "nonsense", "id")
    assert await shop.refused(AGENT, "orderCancel", id=order["id"], reason="OTHER", lines=lines) == not_found(
        "OrderLine", alien, "lines", "1", "orderLineId"
    )
    hold = ids.encode("OrderHold", UNKNOWN)
    assert await shop.refused(AGENT, "orderHoldRelease", orderId=order["id"], holdId=hold) == not_found(
        "OrderHold", hold, "holdId"
    )
    assert await shop.order(order["id"]) == order


@pytest.mark.parametrize("name", ["fulfillmentOptionId", "reservationId", "customerId"])
async def test_options_reservations_and_customers_that_never_were_are_not_found(shop: Shop, name: str) -> None:
    sku = await shop.variant(SAO1=1)
    given: Answer = {"channel": "web", "lines": [{"sku": sku, "quantity": 1}], name: f"cus_{UNKNOWN}"}

    refusal = await shop.refused(OPERATIONS, "orderPlace", **given)

    assert (refusal["code"], refusal["field"]) == ("NOT_FOUND", [name])
    assert await shop.stock(sku) == {"SAO1": {"onHand": 1, "available": 1}}


# -- who may do what -------------------------------------------------------------------------------------------------

BUYERS = {"orderCancel", "paymentAuthorize", "returnRequest"}
PLACES = {"orderDraft", "orderPlace", "guestOrderAccess"}
DESK = {"orderConfirm", "orderHold", "orderHoldRelease", "orderRoute", "paymentCapture", "paymentVoid", "refundCreate"}
DESK |= {"customerNoteAdd"}
HANDS = {"workItemClaim", "workItemExtend", "workItemComplete", "workItemFail"}
COUNTER = {"returnCreate", "returnApprove", "returnDecline"}
FLOOR = {
    "stockAdjust", "fulfillmentOrderAccept", "fulfillmentOrderPick", "fulfillmentOrderPack", "shipmentCreate",
    "shipmentHandOver", "shipmentDeliver", "trackingEventAdd", "returnReceive", "returnInspect", "returnClose",
}  # fmt: skip

ALLOWED: dict[str, set[str]] = {
    "anonymous": set(),
    "shopper": PLACES,
    "customer": PLACES | BUYERS,
    "guest": BUYERS,
    "agent": PLACES | BUYERS | DESK | COUNTER | HANDS,
    "store": PLACES | FLOOR | COUNTER | HANDS | {"returnRequest"},
    "warehouse": FLOOR | HANDS,
    "operations": set(NAMES),
    "an app without scopes": set(),
    "an app that cancels": {"orderCancel"},
}


@pytest.mark.parametrize("who", ALLOWED)
async def test_a_role_may_do_what_its_scopes_say_and_nothing_else(shop: Shop, who: str) -> None:
    viewers: dict[str, Viewer | None] = {
        "anonymous": None,
        "shopper": shop.shopper(),
        "customer": shop.signed_in(ids.encode("Customer", UNKNOWN)),
        "guest": shop.guest({"id": ids.encode("Order", UNKNOWN)}),
        "agent": AGENT,
        "store": shop.store("RIO1"),
        "warehouse": shop.floor("SAO1"),
        "operations": OPERATIONS,
        "an app without scopes": app(),
        "an app that cancels": app(Scope.ORDERS_CANCEL),
    }

    found = await codes(shop, viewers[who], unknown_things())

    assert {name for name, code in found.items() if code != "FORBIDDEN"} == ALLOWED[who]


async def everything(shop: Shop) -> tuple[Things, list[Answer]]:
    """One of each thing, all at SAO1 and of one customer; and the orders they hang on."""
    customer = await shop.customer()
    sku = await shop.variant(SAO1=20)
    held = await shop.confirm(await shop.place((sku, 2), viewer=customer, token="tok_visa"))
    await shop.do(AGENT, "orderHold", id=held["id"], kind="FRAUD", reason="odd")
    packed = await shop.advance(await shop.place((sku, 2), viewer=customer), "pack")
    done = await shop.advance(await shop.place((sku, 2), viewer=customer), "pack")
    work, number = done["fulfillmentOrders"][0], shop.new("BR")
    parcel = {"packageId": work["packages"][0]["id"], "trackingNumber": number}
    await shop.do(OPERATIONS, "shipmentCreate", fulfillmentOrderId=work["id"], carrier="correios", packages=[parcel])
    done = await shop.deliver(await shop.order(done["id"]))
    lines = [{"orderLineId": done["lines"][0]["id"], "quantity": 1, "reason": "DEFECTIVE"}]
    made = await shop.do(AGENT, "returnRequest", "return { id lines { id } }", method="MAIL", lines=lines)
    shipped = await shop.advance(await shop.place((sku, 2), viewer=customer), "ship")
    item = await shop.do(OPERATIONS, "workItemCreate", "workItem { id }", kind="SWEEP", locationId=shop.places["SAO1"])
    orders = [await shop.order(order["id"]) for order in (held, packed, done, shipped)]
    things = {
        "order": held["id"],
        "line": done["lines"][0]["id"],
        "hold": orders[0]["holds"][0]["id"],
        "work": packed["fulfillmentOrders"][0]["id"],
        "work_line": packed["fulfillmentOrders"][0]["lines"][0]["id"],
        "package": packed["fulfillmentOrders"][0]["packages"][0]["id"],
        "shipment": shipped["shipments"][0]["id"],
        "number": number,
        "return": made["return"]["id"],
        "return_line": made["return"]["lines"][0]["id"],
        "location": shop.places["SAO1"],
        "customer": f"cus_{customer.customer_id}",
        "item": item["workItem"]["id"],
    }
    return things, orders


async def test_what_belongs_to_others_is_not_found_and_stays_as_it_is(shop: Shop) -> None:
    things, before = await everything(shop)
    elsewhere = await shop.place((await shop.variant(SAO1=1), 1))
    strangers = {
        "customer": await shop.customer(),
        "guest": shop.guest(elsewhere),
        "store": shop.store("RIO1"),
        "warehouse": shop.floor("CWB1", "RIO1"),
    }
    at_counter = {"returnRequest", "returnCreate"}

    for who, viewer in strangers.items():
        names = ALLOWED[who] - UNNAMED - (at_counter if who == "store" else set())
        found = await codes(shop, viewer, things, tuple(sorted(names)))
        assert found == dict.fromkeys(sorted(names), "NOT_FOUND"), who

    assert [await shop.order(order["id"]) for order in before] == before


async def test_a_warehouse_cannot_hand_over_what_another_ships_for_the_same_order(shop: Shop) -> None:
    here, there = await shop.variant(SAO1=1), await shop.variant(CWB1=1)
    order = await shop.advance(await shop.place((here, 1), (there, 1)), "ship")
    places = {each["lines"][0]["orderLine"]["sku"]: each["id"] for each in order["shipments"]}
    both = sorted(places.values())

    for asked in (both, both[::-1]):
        refusal = await shop.refused(shop.floor("SAO1"), "shipmentHandOver", ids=asked)
        assert refusal == not_found("Shipment", places[there], "ids")

    assert await shop.order(order["id"]) == order


async def test_a_promise_ends_after_it_begins(shop: Shop) -> None:
    promised = {"earliest": "2018-01-02T00:00:00Z", "latest": "2018-01-01T00:00:00Z"}
    lines = [{"sku": await shop.variant(SAO1=1), "quantity": 1}]
    given = {"channel": "web", "lines": lines, "promisedDelivery": promised}
    refusal = invalid("the earliest is not after the latest", "promisedDelivery", "earliest")
    assert await shop.refused(HISTORIAN, "orderPlace", **given) == refusal
    assert await shop.refused(HISTORIAN, "orderDraft", **given) == refusal


@pytest.mark.parametrize(
    "given",
    [
        {"placedAt": "2018-01-01T00:00:00Z"},
        {"shippingPrice": money("1.00")},
        {"promisedDelivery": {"latest": "2018-01-01T00:00:00Z"}},
        {"unitPrice": money("1.00")},
    ],
    ids=lambda given: next(iter(given)),
)
async def test_only_who_may_tell_history_names_prices_and_moments(shop: Shop, given: Answer) -> None:
    line = {"sku": await shop.variant(SAO1=1), "quantity": 1}
    (name,) = given
    line_price = given if name == "unitPrice" else {}
    rest = {} if line_price else given

    refusal = await shop.refused(OPERATIONS, "orderPlace", channel="web", lines=[line | line_price], **rest)

    place = ["lines", "0", "unitPrice"] if line_price else [name]
    assert refusal == {"code": "FORBIDDEN", "field": place, "scope": "history:write"}


async def test_only_who_may_record_payments_records_them(shop: Shop) -> None:
    sku, paid = await shop.variant(SAO1=2), [{"kind": "CAPTURE", "amount": money("50.00")}]
    order = await shop.place((sku, 1))
    bought = {"channel": "web", "lines": [{"sku": sku, "quantity": 1}]}
    forbidden = {"code": "FORBIDDEN", "scope": "payments:record"}

    assert await shop.refused(AGENT, "orderPlace", **bought, payments=paid) == {**forbidden, "field": ["payments", "0"]}
    assert await shop.refused(AGENT, "orderConfirm", id=order["id"], payments=paid) == {
        **forbidden,
        "field": ["payments"],
    }
    assert await shop.refused(AGENT, "paymentAuthorize", orderId=order["id"]) == {**forbidden, "field": None}
    assert await shop.refused(AGENT, "paymentCapture", orderId=order["id"], recorded=True) == {
        **forbidden,
        "field": None,
    }


async def test_only_staff_pin_a_line_to_a_location(shop: Shop) -> None:
    line: Answer = {"sku": await shop.variant(SAO1=1, CWB1=1), "quantity": 1, "locationCode": "CWB1"}

    refusal = await shop.refused(shop.shopper(), "orderPlace", channel="web", lines=[line])
    pinned = await shop.place((line["sku"], 1), lines=[line])

    assert refusal == {"code": "FORBIDDEN", "field": ["lines", "0", "locationCode"], "scope": "history:write"}
    assert [work["location"]["code"] for work in pinned["fulfillmentOrders"]] == ["CWB1"]


async def test_a_shopper_buys_in_their_own_channel_only(shop: Shop) -> None:
    lines = [{"sku": await shop.variant(SAO1=1), "quantity": 1}]
    refusal = await shop.refused(shop.shopper("abroad"), "orderPlace", channel="web", lines=lines)
    assert refusal == not_found("Channel", "web", "channel")


async def test_a_customer_cannot_buy_in_another_customers_name(shop: Shop) -> None:
    ana, bia, sku = await shop.customer(), await shop.customer(), await shop.variant(SAO1=2)
    other = f"cus_{bia.customer_id}"
    lines = [{"sku": sku, "quantity": 1}]

    own = await shop.place((sku, 1), viewer=ana, customerId=other)
    refusal = await shop.refused(shop.shopper(), "orderPlace", channel="web", lines=lines, customerId=other)

    found = await shop.ask(AGENT, "query ($id: ID!) { order(id: $id) { customer { id } } }", id=own["id"])
    assert found["order"]["customer"]["id"] == f"cus_{ana.customer_id}"
    assert refusal == {"code": "FORBIDDEN", "field": ["customerId"], "scope": "orders:read"}


async def test_what_occurred_does_not_lie_in_the_future(shop: Shop) -> None:
    order, sku = await shop.place((await shop.variant(SAO1=1), 1)), await shop.variant(SAO1=1)
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    lines = [{"sku": sku, "quantity": 1}]
    paid = [{"kind": "CAPTURE", "amount": money("50.00"), "occurredAt": later}]
    refusal = invalid("what occurred lies in the past")

    assert await shop.refused(HISTORIAN, "orderConfirm", id=order["id"], occurredAt=later) == {
        **refusal,
        "field": ["occurredAt"],
    }
    assert await shop.refused(HISTORIAN, "orderPlace", channel="web", lines=lines, placedAt=later) == {
        **refusal,
        "field": ["placedAt"],
    }
    assert await shop.refused(HISTORIAN, "orderConfirm", id=order["id"], payments=paid) == {
        **refusal,
        "field": ["payments", "0", "occurredAt"],
    }
    assert await shop.order(order["id"]) == order


# -- tokens --------------------------------------------------------------------------------------------------------

WHO = "{ viewer { role } }"


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("nonsense", "UNAUTHENTICATED"),
        ("a.b.c", "UNAUTHENTICATED"),
        (sign(AGENT, SECRET, -1), "TOKEN_EXPIRED"),
        (sign(AGENT, "somebody else's secret of enough bytes", 60), "UNAUTHENTICATED"),
        (sign(AGENT, SECRET, 60)[:-2], "UNAUTHENTICATED"),
        ("x" * 9_000, "UNAUTHENTICATED"),
    ],
    ids=["nonsense", "three parts", "expired", "another's", "cut off", "too long"],
)
async def test_a_token_that_does_not_hold_is_a_401_that_says_so(shop: Shop, token: str, code: str) -> None:
    answer = await shop.post(token, WHO)

    assert (answer.status_code, set(answer.json())) == (401, {"errors"})
    assert answer.json()["errors"][0]["extensions"] == {"code": code}
    assert answer.headers["www-authenticate"].startswith('Bearer error="invalid_token"')


async def test_without_a_token_nothing_can_be_seen_or_done(shop: Shop) -> None:
    order = await shop.place((await shop.variant(SAO1=1), 1))

    seen = await shop.ask(None, "query ($id: ID!) { order(id: $id) { id } orders { nodes { id } } }", id=order["id"])
    refusal = await shop.refused(None, "orderConfirm", id=order["id"])

    assert seen == {"order": None, "orders": {"nodes": []}}
    assert refusal == {"code": "FORBIDDEN", "field": None, "scope": "orders:write"}


# -- quantities ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("quantity", [0, -1, 100_001, 2**31 - 1, -(2**31)])
async def test_an_order_asks_for_one_to_a_hundred_thousand_units(shop: Shop, quantity: int) -> None:
    lines = [{"sku": await shop.variant(SAO1=1), "quantity": quantity}]

    for mutation in ("orderPlace", "orderDraft"):
        assert await shop.refused(shop.shopper(), mutation, channel="web", lines=lines) == invalid(
            f"a quantity is 1 to 100000, not {quantity}", "lines", "0", "quantity"
        )


@pytest.mark.parametrize("quantity", [2**31, 10**18, 1.5, "1", True, None, -(2**31) - 1])
async def test_what_is_no_int_is_refused_before_anything_runs(shop: Shop, quantity: Any) -> None:
    sku, key = await shop.variant(SAO1=1), shop.new("key")
    input_ = {"idempotencyKey": key, "channel": "web", "lines": [{"sku": sku, "quantity": quantity}]}
    asked = "mutation ($input: OrderPlaceInput!) { orderPlace(input: $input) { order { id } } }"
    written = orjson.dumps(quantity).decode()
    literal = asked.replace("($input: OrderPlaceInput!)", "").replace(
        "$input", f'{{idempotencyKey: "{key}", channel: "web", lines: [{{sku: "{sku}", quantity: {written}}}]}}'
    )

    assert await error_of(shop, asked, {"input": input_}) == "BAD_USER_INPUT"
    assert await error_of(shop, literal) == "GRAPHQL_VALIDATION_FAILED"
    assert await shop.stock(sku) == {"SAO1": {"onHand": 1, "available": 1}}


@pytest.mark.parametrize("quantity", [0, -1, 3, 2**31 - 1, -(2**31)])
async def test_no_step_takes_more_units_than_there_are_or_less_than_one(shop: Shop, quantity: int) -> None:
    order = await shop.advance(await shop.place((await shop.variant(SAO1=2), 2)), "accept")
    work = order["fulfillmentOrders"][0]
    line, place = work["lines"][0]["id"], ("lines", "0", "quantity")
    left = {"code": "QUANTITY_EXCEEDS", "available": 2}

    cancel = {"id": order["id"], "reason": "OTHER", "lines": [{"orderLineId": order["lines"][0]["id"]}]}
    cancel["lines"][0]["quantity"] = quantity
    assert await shop.refused(AGENT, "orderCancel", **cancel) == {**left, "field": list(place)}
    for found in ({"picked": quantity}, {"short": quantity, "shortReason": "DAMAGED"}):
        lines = [{"fulfillmentOrderLineId": line, **found}]
        refusal = await shop.refused(OPERATIONS, "fulfillmentOrderPick", id=work["id"], lines=lines)
        assert refusal == {**left, "field": ["lines", "0", "picked"]}
    await shop.pick(order)
    packages = [{"lines": [{"fulfillmentOrderLineId": line, "quantity": quantity}]}]
    assert await shop.refused(OPERATIONS, "fulfillmentOrderPack", id=work["id"], packages=packages) == {
        **left,
        "field": ["packages", "0", *place],
    }


@pytest.mark.parametrize("quantity", [0, -1, 2, 2**31 - 1])
async def test_no_more_comes_back_than_was_announced(shop: Shop, quantity: int) -> None:
    order = await shop.bought(units=2)
    announced = {"orderLineId": order["lines"][0]["id"], "quantity": 1, "reason": "OTHER"}
    made = await shop.do(AGENT, "returnCreate", "return { id lines { id } }", method="MAIL", lines=[announced])
    back, line = made["return"]["id"], made["return"]["lines"][0]["id"]
    given = {"returnLineId": line, "quantity": quantity}
    left = {"code": "QUANTITY_EXCEEDS", "field": ["lines", "0", "quantity"], "available": 1}

    place = shop.places["SAO1"]
    assert await shop.refused(OPERATIONS, "returnReceive", id=back, locationId=place, lines=[given]) == left
    await shop.do(OPERATIONS, "returnReceive", id=back, locationId=place, lines=[{**given, "quantity": 1}])
    lines = [{**given, "condition": "USED", "disposition": "RESTOCK"}]
    assert await shop.refused(OPERATIONS, "returnInspect", id=back, lines=lines) == left


@pytest.mark.parametrize("units", [-1, 1_000_001, 2**31 - 1])
async def test_what_is_on_hand_is_counted_from_none_to_a_million(shop: Shop, units: int) -> None:
    sku = await shop.variant(SAO1=1)
    given = {"locationId": shop.places["SAO1"], "reason": "FOUND", "lines": [{"sku": sku, "setOnHand": units}]}
    assert await shop.refused(OPERATIONS, "stockAdjust", **given) == invalid(
        f"on hand is 0 to 1000000, not {units}", "lines", "0", "setOnHand"
    )


async def test_a_count_cannot_go_below_what_is_picked(shop: Shop) -> None:
    sku = await shop.variant(SAO1=5)
    await shop.advance(await shop.place((sku, 4)), "pick")
    given = {"locationId": shop.places["SAO1"], "reason": "LOST", "lines": [{"sku": sku, "setOnHand": 3}]}
    assert await shop.refused(OPERATIONS, "stockAdjust", **given) == {
        "code": "UNITS_COMMITTED",
        "field": ["lines", "0", "setOnHand"],
        "sku": sku,
        "committed": 4,
        "picked": 4,
        "reserved": 0,
        "setAside": 0,
    }


# -- SKUs, codes, lists --------------------------------------------------------------------------------------------


async def test_an_unknown_sku_is_named(shop: Shop) -> None:
    place, sku = shop.places["SAO1"], await shop.variant(SAO1=5)
    lines = [{"sku": sku, "quantity": 1}, {"sku": "GHOST", "quantity": 1}]
    counted = [{"sku": sku, "setOnHand": 9}, {"sku": "GHOST", "setOnHand": 1}]

    assert await shop.refused(shop.shopper(), "orderPlace", channel="web", lines=lines) == {
        "code": "UNKNOWN_SKU",
        "field": ["lines", "1", "sku"],
        "sku": "GHOST",
    }
    assert await shop.refused(OPERATIONS, "stockAdjust", locationId=place, reason="FOUND", lines=counted) == {
        "code": "UNKNOWN_SKU",
        "field": ["lines", "1", "sku"],
        "sku": "GHOST",
    }
    assert await shop.stock(sku) == {"SAO1": {"onHand": 5, "available": 5}}


async def test_a_variant_without_a_price_in_the_channel_cannot_be_bought_there(shop: Shop) -> None:
    lines = [{"sku": await shop.variant(SAO1=1), "quantity": 1}]
    refusal = await shop.refused(OPERATIONS, "orderPlace", channel="abroad", lines=lines)
    assert refusal["code"] == "INVALID_INPUT"
    assert refusal["reason"].endswith("has no price in USD in this channel")


async def test_lists_have_one_to_a_hundred_entries(shop: Shop) -> None:
    order = await shop.advance(await shop.place((await shop.variant(SAO1=2), 2)), "accept")
    work, line, place = order["fulfillmentOrders"][0], order["lines"][0]["id"], shop.places["SAO1"]
    work_line = work["lines"][0]["id"]
    id_ = {"id": order["id"]}
    back = {"orderLineId": line, "quantity": 1, "reason": "OTHER"}
    lists: list[tuple[str, Answer, str, Any]] = [
        ("orderPlace", {"channel": "web"}, "lines", {"sku": "S", "quantity": 1}),
        ("orderDraft", {"channel": "web"}, "lines", {"sku": "S", "quantity": 1}),
        ("orderCancel", {**id_, "reason": "OTHER"}, "lines", {"orderLineId": line, "quantity": 1}),
        ("variantsSet", {}, "variants", {"sku": "S", "name": "S"}),
        ("stockAdjust", {"locationId": place, "reason": "FOUND"}, "lines", {"sku": "S", "setOnHand": 1}),
        ("fulfillmentOrderPick", {"id": work["id"]}, "lines", {"fulfillmentOrderLineId": work_line, "picked": 1}),
        ("fulfillmentOrderPack", {"id": work["id"]}, "packages", {}),
        ("shipmentCreate", {"fulfillmentOrderId": work["id"], "carrier": "c"}, "packages", {"packageId": work_line}),
        ("shipmentHandOver", {}, "ids", line),
        ("returnRequest", {"method": "MAIL"}, "lines", back),
        ("returnCreate", {"method": "MAIL"}, "lines", back),
    ]

    for mutation, given, name, entry in lists:
        for many in (0, 101):
            refusal = await shop.refused(OPERATIONS, mutation, **given, **{name: [entry] * many})
            assert (refusal["code"], refusal["field"]) == ("INVALID_INPUT", [name]), (mutation, many)

    assert await shop.order(order["id"]) == order


@pytest.mark.parametrize("blank", ["", "   ", "\t\n"])
async def test_codes_keys_and_carriers_are_not_blank(shop: Shop, blank: str) -> None:
    channel = {"name": "X", "currency": "BRL", "timeZone": "UTC"}
    refusals = [
        await shop.refused(OPERATIONS, "channelSet", code=blank, **channel),
        await shop.refused(OPERATIONS, "locationSet", code=blank, name="X", kind="STORE", channels=[]),
        await shop.refused(OPERATIONS, "variantsSet", variants=[{"sku": blank, "name": "X"}]),
        await shop.refused(
            OPERATIONS, "shipmentCreate", fulfillmentOrderId=ids.encode("FulfillmentOrder", UNKNOWN), carrier=blank
        ),
        await shop.refused(OPERATIONS, "channelSet", idempotencyKey=blank, code="web", **channel),
    ]
    assert [(each["code"], each["field"]) for each in refusals] == [
        ("INVALID_INPUT", ["code"]),
        ("INVALID_INPUT", ["code"]),
        ("INVALID_INPUT", ["variants", "0", "sku"]),
        ("NOT_FOUND", ["fulfillmentOrderId"]),
        ("INVALID_INPUT", ["idempotencyKey"]),
    ]


async def test_buyers_who_gave_no_address_are_not_one_customer(shop: Shop) -> None:
    sku = await shop.variant(SAO1=2)
    asked = "query ($id: ID!) { order(id: $id) { email customer { id } } }"
    orders = [await shop.place((sku, 1), customer={"email": blank, "firstName": "Eva"}) for blank in ("", "  ")]

    found = [(await shop.ask(AGENT, asked, id=order["id"]))["order"] for order in orders]

    assert found == [{"email": None, "customer": None}] * 2


async def test_parcels_without_a_number_do_not_share_one(shop: Shop) -> None:
    sku = await shop.variant(SAO1=2)
    for _ in range(2):
        order = await shop.advance(await shop.place((sku, 1)), "pack")
        work = order["fulfillmentOrders"][0]
        parcel = {"packageId": work["packages"][0]["id"], "trackingNumber": " "}
        given = {"fulfillmentOrderId": work["id"], "carrier": "correios", "packages": [parcel]}
        made = await shop.do(OPERATIONS, "shipmentCreate", "shipment { status packages { trackingNumber } }", **given)
        assert made["shipment"] == {"status": "CREATED", "packages": [{"trackingNumber": None}]}


async def test_a_tracking_number_names_one_parcel(shop: Shop) -> None:
    sku, number = await shop.variant(SAO1=2), shop.new("BR")
    refusals = []
    for _ in range(2):
        order = await shop.advance(await shop.place((sku, 1)), "pack")
        work = order["fulfillmentOrders"][0]
        parcel = {"packageId": work["packages"][0]["id"], "trackingNumber": number}
        given = {"fulfillmentOrderId": work["id"], "carrier": "correios", "packages": [parcel]}
        refusals.append((await shop.send(OPERATIONS, "shipmentCreate", **given))["userErrors"])
    assert refusals == [
        [],
        [invalid("the carrier's tracking number is on another parcel already", "packages", "trackingNumber")],
    ]


async def test_the_same_price_is_not_set_twice_at_once(shop: Shop) -> None:
    prices = [{"channel": "web", "price": money(amount)} for amount in ("1.00", "2.00")]
    variants = [{"sku": shop.new("SKU"), "name": "X", "prices": prices}]
    refusal = await shop.refused(OPERATIONS, "variantsSet", variants=variants)
    assert (refusal["code"], refusal["field"]) == ("INVALID_INPUT", ["variants", "0", "prices"])


async def test_the_same_sku_is_not_set_twice_at_once(shop: Shop) -> None:
    sku = shop.new("SKU")
    variants = [{"sku": sku, "name": name} for name in ("one", "two")]
    refusal = await shop.refused(OPERATIONS, "variantsSet", variants=variants)
    assert (refusal["code"], refusal["field"]) == ("INVALID_INPUT", ["variants", "1", "sku"])


def located(shop: Shop, sku: str, latitude: str, longitude: str) -> list[str]:
    """Mutations that say where something is."""
    place = f"latitude: {latitude}, longitude: {longitude}"
    return [
        f"""mutation {{ orderPlace(input: {{idempotencyKey: "{shop.new("key")}", channel: "web",
            lines: [{{sku: "{sku}", quantity: 1}}], shippingAddress: {{country: "BR", {place}}}}}) {{
            userErrors {{ code }} }} }}""",
        f"""mutation {{ locationSet(input: {{idempotencyKey: "{shop.new("key")}", code: "X", name: "X",
            kind: STORE, channels: [], {place}}}) {{ userErrors {{ code }} }} }}""",
    ]


@pytest.mark.parametrize(("latitude", "longitude"), [("91.0", "0.0"), ("0.0", "-181.0"), ("1e300", "0"), ("0", "-1e9")])
async def test_coordinates_are_on_this_globe(shop: Shop, latitude: str, longitude: str) -> None:
    for asked in located(shop, await shop.variant(SAO1=1), latitude, longitude):
        (answer,) = (await shop.ask(OPERATIONS, asked)).values()
        assert answer == {"userErrors": [{"code": "INVALID_INPUT"}]}


@pytest.mark.parametrize("endless", ["1e400", "-1e400"])
async def test_a_number_that_no_float_holds_is_refused_before_anything_runs(shop: Shop, endless: str) -> None:
    for asked in located(shop, await shop.variant(SAO1=1), endless, "0.0"):
        assert await error_of(shop, asked) == "GRAPHQL_VALIDATION_FAILED"


# -- money ---------------------------------------------------------------------------------------------------------

AMOUNTS = ["12.345", "NaN", "Infinity", "1e2", "", " 1.00", "1,00", "0x1", "9" * 400, "1.", ".5", "--1", "٣.٠٠", "1\n"]


async def test_an_amount_is_a_plain_decimal_with_the_currencys_digits(shop: Shop) -> None:
    order = await shop.captured(await shop.place((await shop.variant(SAO1=2), 1), token="tok_visa"))

    found = {amount: await refusals_of(shop, order, money(amount)) for amount in AMOUNTS}

    assert {amount: codes for amount, codes in found.items() if codes != {"INVALID_INPUT"}} == {}
    assert await shop.order(order["id"]) == order


async def refusals_of(shop: Shop, order: Answer, given: Answer) -> set[str]:
    """What an amount is refused for, wherever one is taken."""
    lines = [{"sku": order["lines"][0]["sku"], "quantity": 1}]
    id_ = {"orderId": order["id"]}
    priced = [{"sku": shop.new("SKU"), "name": "X", "prices": [{"channel": "web", "price": given}]}]
    refusals = [
        await shop.refused(
            AGENT, "paymentAuthorize", **id_, amount=given, paymentMethod={"provider": "test", "token": "t"}
        ),
        await shop.refused(AGENT, "paymentCapture", **id_, amount=given),
        await shop.refused(
            AGENT, "refundCreate", **id_, amount=given, reason="GOODWILL", destination="ORIGINAL_PAYMENT"
        ),
        await shop.refused(OPERATIONS, "orderPlace", channel="web", lines=lines, expectedTotal=given),
        await shop.refused(HISTORIAN, "orderPlace", channel="web", lines=lines, shippingPrice=given),
        await shop.refused(OPERATIONS, "variantsSet", variants=priced),
    ]
    return {each["code"] for each in refusals}


@pytest.mark.parametrize("amount", ["0", "0.00", "-0.01", "-5"])
async def test_payments_and_refunds_are_more_than_nothing(shop: Shop, amount: str) -> None:
    order = await shop.captured(await shop.place((await shop.variant(SAO1=1), 1), token="tok_visa"))
    given = {"orderId": order["id"], "amount": money(amount)}
    refusal = invalid("an amount is more than nothing", "amount")

    assert await shop.refused(AGENT, "paymentCapture", **given) == refusal
    assert await shop.refused(AGENT, "refundCreate", **given, reason="GOODWILL", destination="MANUAL") == refusal


async def test_amounts_are_in_the_orders_currency(shop: Shop) -> None:
    sku = await shop.variant(SAO1=2)
    order = await shop.captured(await shop.place((sku, 1), token="tok_visa"))
    dollars, lines = money("1.00", "USD"), [{"sku": sku, "quantity": 1}]
    mismatch = {"code": "CURRENCY_MISMATCH", "expectedCurrency": "BRL", "actualCurrency": "USD"}
    id_, paid = {"orderId": order["id"]}, [{"kind": "CAPTURE", "amount": dollars}]
    place = {"channel": "web", "lines": lines}

    assert await shop.refused(AGENT, "paymentCapture", **id_, amount=dollars) == {
        **mismatch,
        "field": ["amount", "currency"],
    }
    assert await shop.refused(
        AGENT, "refundCreate", **id_, amount=dollars, reason="GOODWILL", destination="MANUAL"
    ) == {**mismatch, "field": ["amount", "currency"]}
    assert await shop.refused(HISTORIAN, "orderPlace", **place, shippingPrice=dollars) == {
        **mismatch,
        "field": ["shippingPrice"],
    }
    assert await shop.refused(HISTORIAN, "orderPlace", channel="web", lines=[{**lines[0], "unitPrice": dollars}]) == {
        **mismatch,
        "field": ["lines", "0", "unitPrice"],
    }
    assert await shop.refused(OPERATIONS, "orderPlace", **place, payments=paid) == {
        **mismatch,
        "field": ["payments", "0", "amount"],
    }
    assert await shop.refused(OPERATIONS, "orderConfirm", id=order["id"], payments=paid) == {
        **mismatch,
        "field": ["payments", "0", "amount"],
    }
    assert await shop.refused(OPERATIONS, "channelSet", code="web", name="Web", currency="USD", timeZone="UTC") == {
        **mismatch,
        "field": ["currency"],
    }
    assert await shop.order(order["id"]) == order


@pytest.mark.parametrize("currency", ["", "brl", "BR", "REAIS", "R$!"])
async def test_what_is_no_currency_is_refused_before_anything_runs(shop: Shop, currency: str) -> None:
    asked = "mutation ($input: PaymentCaptureInput!) { paymentCapture(input: $input) { order { id } } }"
    input_ = {"idempotencyKey": shop.new("key"), "orderId": "ord_x", "amount": money("1.00", currency)}
    assert await error_of(shop, asked, {"input": input_}) == "BAD_USER_INPUT"


async def test_a_total_that_the_buyer_was_not_shown_is_refused_with_both(shop: Shop) -> None:
    given = {"channel": "web", "lines": [{"sku": await shop.variant("10.00", SAO1=2), "quantity": 2}]}
    refusal = await shop.refused(shop.shopper(), "orderPlace", **given, expectedTotal=money("19.99"))
    assert refusal == {
        "code": "TOTAL_CHANGED",
        "field": ["expectedTotal"],
        "expectedTotal": money("19.99"),
        "actualTotal": money("20.00"),
    }


async def test_a_total_beyond_all_bounds_is_refused(shop: Shop) -> None:
    sku = await shop.variant("9999999999999.99")
    refusal = await shop.refused(OPERATIONS, "orderPlace", channel="web", lines=[{"sku": sku, "quantity": 100_000}])
    assert refusal == invalid("the total is larger than any order can be", "lines")


# -- twins ---------------------------------------------------------------------------------------------------------


async def test_a_second_placement_with_the_same_key_is_the_same_order(shop: Shop) -> None:
    sku = await shop.variant(SAO1=5)
    given: Answer = {"channel": "web", "lines": [{"sku": sku, "quantity": 2}], "idempotencyKey": shop.new("key")}
    given |= {"paymentMethod": {"provider": "test", "token": "tok_visa"}}

    answers = [await shop.do(OPERATIONS, "orderPlace", "order { id number }", **given) for _ in range(3)]

    assert answers == answers[:1] * 3
    assert await shop.stock(sku) == {"SAO1": {"onHand": 5, "available": 3, "allocated": 2}}
    assert len((await shop.order(answers[0]["order"]["id"]))["payments"]) == 2


async def test_a_twin_reads_the_order_as_it_is_by_then(shop: Shop) -> None:
    sku, key = await shop.variant(SAO1=5), shop.new("key")
    order = await shop.place((sku, 1), idempotencyKey=key, customer={"email": "eve@example.com"})
    await shop.confirm(order)
    lines = [{"sku": sku, "quantity": 1}]
    given = {"channel": "web", "lines": lines, "customer": {"email": "eve@example.com"}, "shippingAddress": ADDRESS}

    twin = await shop.do(OPERATIONS, "orderPlace", "order { id status }", idempotencyKey=key, **given)

    assert twin["order"] == {"id": order["id"], "status": "CONFIRMED"}


async def test_the_same_key_with_another_body_is_refused(shop: Shop) -> None:
    sku, key = await shop.variant(SAO1=5), shop.new("key")
    given = {"channel": "web", "idempotencyKey": key}
    await shop.do(OPERATIONS, "orderPlace", **given, lines=[{"sku": sku, "quantity": 1}])

    refusal = await shop.refused(OPERATIONS, "orderPlace", **given, lines=[{"sku": sku, "quantity": 2}])

    assert refusal == {"code": "IDEMPOTENCY_KEY_REUSED", "field": ["idempotencyKey"]}
    assert await shop.stock(sku) == {"SAO1": {"onHand": 5, "available": 4, "allocated": 1}}


async def test_a_key_is_its_owners_and_its_mutations_alone(shop: Shop) -> None:
    sku, key = await shop.variant(SAO1=5), shop.new("key")
    given = {"channel": "web", "idempotencyKey": key, "lines": [{"sku": sku, "quantity": 1}]}

    made = [
        (await shop.do(viewer, mutation, "order { id }", **given))["order"]["id"]
        for viewer, mutation in ((OPERATIONS, "orderPlace"), (AGENT, "orderPlace"), (AGENT, "orderDraft"))
    ]

    assert len(set(made)) == 3


async def test_a_refusal_does_not_use_up_the_key(shop: Shop) -> None:
    sku, key = await shop.variant(), shop.new("key")
    given = {"channel": "web", "lines": [{"sku": sku, "quantity": 1}], "idempotencyKey": key}
    refusal = await shop.refused(OPERATIONS, "orderPlace", **given)
    await shop.count(sku, "SAO1", 1)

    placed = await shop.do(OPERATIONS, "orderPlace", "order { status }", **given)

    assert refusal == {"code": "INSUFFICIENT_STOCK", "field": ["lines"], "sku": sku, "requested": 1, "sellable": 0}
    assert placed["order"] == {"status": "PENDING"}


async def test_ten_twins_at_once_place_one_order(shop: Shop) -> None:
    sku = await shop.variant(SAO1=50)
    given: Answer = {"channel": "web", "lines": [{"sku": sku, "quantity": 2}], "idempotencyKey": shop.new("key")}
    given |= {"paymentMethod": {"provider": "test", "token": "tok_visa"}}

    answers = await asyncio.gather(*(shop.do(OPERATIONS, "orderPlace", "order { id }", **given) for _ in range(10)))

    assert len({answer["order"]["id"] for answer in answers}) == 1
    assert await shop.stock(sku) == {"SAO1": {"onHand": 50, "available": 48, "allocated": 2}}
    order = await shop.order(answers[0]["order"]["id"])
    assert [each["status"] for each in order["payments"]] == ["REQUESTED", "SUCCEEDED"]


async def test_a_reference_names_one_order_of_its_channel(shop: Shop) -> None:
    sku, reference = await shop.variant(SAO1=5), shop.new("REF")
    lines = [{"sku": sku, "quantity": 1}]
    await shop.place((sku, 1), externalReference=reference)

    given = {"channel": "web", "lines": lines, "externalReference": reference}
    refusals = [await shop.refused(OPERATIONS, mutation, **given) for mutation in ("orderPlace", "orderDraft")]

    assert refusals == [{"code": "DUPLICATE_REFERENCE", "field": ["externalReference"], "reference": reference}] * 2
    assert await shop.stock(sku) == {"SAO1": {"onHand": 5, "available": 4, "allocated": 1}}


@pytest.mark.parametrize(
    ("mutation", "given"),
    [
        ("orderConfirm", {}),
        ("orderHold", {"kind": "MANUAL", "reason": "wait"}),
        ("orderCancel", {"reason": "OTHER"}),
    ],
)
async def test_a_stale_writer_is_told_both_versions(shop: Shop, mutation: str, given: Answer) -> None:
    order = await shop.place((await shop.variant(SAO1=1), 1))
    await shop.do(AGENT, "orderHold", id=order["id"], kind="FRAUD", reason="odd")
    now = await shop.order(order["id"])

    refusal = await shop.refused(AGENT, mutation, id=order["id"], expectedVersion=order["version"], **given)
    done = await shop.send(AGENT, mutation, id=order["id"], expectedVersion=now["version"], **given)

    assert refusal == {
        "code": "VERSION_CONFLICT",
        "field": ["expectedVersion"],
        "expected": order["version"],
        "actual": now["version"],
    }
    assert now["version"] == order["version"] + 1
    assert done["userErrors"] == []


# -- cursors and pages ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cursor", ["", "x", "AAAA", "WyJQTEFDRURfQVQiXQ==", "Ww==", "bnVsbA==", "é", "\u0000"])
async def test_a_malformed_cursor_is_a_typed_error(shop: Shop, cursor: str) -> None:
    answer = await shop.post(
        OPERATIONS, "query ($after: String) { orders(first: 1, after: $after) { nodes { id } } }", {"after": cursor}
    )
    assert answer.status_code == 200
    (error,) = answer.json()["errors"]
    assert (error["extensions"]["code"], error["path"]) == ("BAD_USER_INPUT", ["orders"])


async def test_a_cursor_of_another_list_is_a_typed_error(shop: Shop) -> None:
    await shop.place((await shop.variant(SAO1=1), 1))
    cursor = (await shop.ask(OPERATIONS, "{ orders(first: 1) { edges { cursor } } }"))["orders"]["edges"][0]["cursor"]

    answer = await shop.post(
        OPERATIONS, "query ($after: String) { variants(first: 1, after: $after) { nodes { id } } }", {"after": cursor}
    )

    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize("pages", ["first: -1", "first: 101", "last: 101", "first: 1, last: 1", "last: -1"])
async def test_a_page_has_at_most_a_hundred_items(shop: Shop, pages: str) -> None:
    answer = await shop.post(OPERATIONS, f"{{ orders({pages}) {{ nodes {{ id }} }} }}")
    assert answer.status_code == 200
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


# -- texts ---------------------------------------------------------------------------------------------------------


def texts(shop: Shop, order: Answer, text: str) -> dict[str, tuple[str, Answer]]:
    """Every text that a mutation stores or looks up, as (mutation, input), with `text` in its place."""
    order_id, line = order["id"], {"sku": order["lines"][0]["sku"], "quantity": 1}
    work, place = order["fulfillmentOrders"][0], shop.places["SAO1"]
    place_one: Answer = {"channel": "web", "lines": [line]}
    channel = {"code": "x", "name": "X", "currency": "BRL", "timeZone": "UTC"}
    location: Answer = {"code": "x", "name": "X", "kind": "STORE", "channels": []}
    variant = {"sku": "x", "name": "X"}
    track = {"carrier": "c", "trackingNumber": "n", "code": "IN_TRANSIT", "occurredAt": "2018-01-01T00:00:00Z"}
    parcel = {"packageId": work["packages"][0]["id"]}
    ship: Answer = {"fulfillmentOrderId": work["id"], "carrier": "c"}
    back = {"orderLineId": order["lines"][0]["id"], "quantity": 1, "reason": "OTHER"}
    capture = {"orderId": order_id, "amount": money("0.01"), "recorded": True}
    address: dict[str, Answer] = {
        f"shippingAddress.{name}": {"country": "BR", name: text}
        for name in ("line1", "line2", "city", "region", "postalCode")
    }
    return {
        "idempotencyKey": ("orderConfirm", {"id": order_id, "idempotencyKey": text}),
        "id": ("orderConfirm", {"id": text}),
        "ids": ("shipmentHandOver", {"ids": [text]}),
        "channel": ("orderPlace", {**place_one, "channel": text}),
        "sku": ("orderPlace", {**place_one, "lines": [{**line, "sku": text}]}),
        "locationCode": ("orderPlace", {**place_one, "lines": [{**line, "locationCode": text}]}),
        "externalReference": ("orderPlace", {**place_one, "externalReference": text}),
        "note": ("orderPlace", {**place_one, "note": text}),
        **{
            f"customer.{name}": ("orderPlace", {**place_one, "customer": {name: text}})
            for name in ("email", "firstName", "lastName", "phone")
        },
        **{name: ("orderPlace", {**place_one, "shippingAddress": given}) for name, given in address.items()},
        "token": ("orderPlace", {**place_one, "paymentMethod": {"provider": "test", "token": text}}),
        "provider": ("orderPlace", {**place_one, "paymentMethod": {"provider": text, "token": "t"}}),
        "draft.note": ("orderDraft", {**place_one, "note": text}),
        "hold.reason": ("orderHold", {"id": order_id, "kind": "MANUAL", "reason": text}),
        "capture.method": ("paymentCapture", {**capture, "method": text}),
        "capture.reference": ("paymentCapture", {**capture, "reference": text}),
        "refund.note": (
            "refundCreate",
            {
                "orderId": order_id,
                "amount": money("0.01"),
                "reason": "GOODWILL",
                "destination": "MANUAL",
                "note": text,
            },
        ),
        "channel.code": ("channelSet", {**channel, "code": text}),
        "channel.name": ("channelSet", {**channel, "name": text}),
        "channel.timeZone": ("channelSet", {**channel, "timeZone": text}),
        "location.code": ("locationSet", {**location, "code": text}),
        "location.name": ("locationSet", {**location, "name": text}),
        "location.channels": ("locationSet", {**location, "channels": [text]}),
        "location.address": ("locationSet", {**location, "address": {"country": "BR", "city": text}}),
        **{
            f"variant.{name}": ("variantsSet", {"variants": [{**variant, name: text}]})
            for name in ("sku", "name", "productCode", "productName", "category")
        },
        "variant.channel": (
            "variantsSet",
            {"variants": [{**variant, "prices": [{"channel": text, "price": money("1.00")}]}]},
        ),
        "variant.price": (
            "variantsSet",
            {"variants": [{**variant, "prices": [{"channel": "web", "price": money(text)}]}]},
        ),
        "stock.sku": (
            "stockAdjust",
            {"locationId": place, "reason": "FOUND", "lines": [{"sku": text, "setOnHand": 1}]},
        ),
        "carrier": ("shipmentCreate", {**ship, "carrier": text}),
        "service": ("shipmentCreate", {**ship, "service": text}),
        **{
            name: ("shipmentCreate", {**ship, "packages": [{**parcel, name: text}]})
            for name in ("trackingNumber", "trackingUrl", "labelUrl")
        },
        **{
            f"track.{name}": ("trackingEventAdd", {**track, name: text})
            for name in ("carrier", "trackingNumber", "place", "message")
        },
        "return.comment": ("returnRequest", {"method": "MAIL", "lines": [{**back, "comment": text}]}),
        "decline.reason": ("returnDecline", {"id": ids.encode("Return", UNKNOWN), "reason": text}),
        "note.customerId": ("customerNoteAdd", {"customerId": text, "body": "x"}),
        "note.body": ("customerNoteAdd", {"customerId": ids.encode("Customer", UNKNOWN), "body": text}),
        "guest.number": ("guestOrderAccess", {"number": text, "email": "x"}),
        "guest.email": ("guestOrderAccess", {"number": "x", "email": text}),
    }


@pytest.mark.parametrize("text", ["\u0000", "a\u0000b"], ids=["alone", "inside"])
async def test_the_zero_character_is_refused_wherever_a_text_is_taken(shop: Shop, text: str) -> None:
    order = await shop.advance(await shop.place((await shop.variant(SAO1=50), 1)), "pack")

    found = {}
    for name, (mutation, given) in texts(shop, order, text).items():
        found[name] = {each["code"] for each in (await shop.send(HISTORIAN, mutation, **given))["userErrors"]}

    assert {name: codes for name, codes in found.items() if codes != {"INVALID_INPUT"}} == {}
    assert await shop.order(order["id"]) == order


async def test_a_text_too_long_to_be_kept_is_refused_wherever_a_text_is_taken(shop: Shop) -> None:
    order = await shop.advance(await shop.place((await shop.variant(SAO1=50), 1)), "pack")

    found = {}
    for name, (mutation, given) in texts(shop, order, NOISE).items():
        found[name] = {each["code"] for each in (await shop.send(HISTORIAN, mutation, **given))["userErrors"]}

    assert {name: codes for name, codes in found.items() if codes != {"INVALID_INPUT"}} == {}
    assert await shop.order(order["id"]) == order


async def test_a_text_as_long_as_may_be_is_kept_wherever_it_is_indexed(shop: Shop) -> None:
    sku, long = await shop.variant(SAO1=5), "é🏠" * 100
    order = await shop.place(
        (sku, 1), externalReference=long, customer={"email": long, "phone": long}, note=NOISE[:2_000]
    )
    order = await shop.advance(order, "pack")
    work = order["fulfillmentOrders"][0]
    parcel = {"packageId": work["packages"][0]["id"], "trackingNumber": long}
    await shop.do(OPERATIONS, "shipmentCreate", fulfillmentOrderId=work["id"], carrier=long[:100], packages=[parcel])
    await shop.do(OPERATIONS, "variantsSet", variants=[{"sku": long[:100], "name": "X", "productCode": long}])

    for asked in (order["number"], long):
        found = await shop.ask(OPERATIONS, SEARCH, q=asked)
        assert found["orders"]["nodes"] == [{"id": order["id"]}]
        assert found["customers"]["totalCount"] == 1


SEARCH = "query ($q: String) { orders(query: $q) { nodes { id } } customers(query: $q) { nodes { id } totalCount } }"

HOSTILE = [
    *("%", "_", "\\", "'", '"', "&", "|", "!", "()", ":*", "<->", "a:*", "!a", "a & | b", "a <-> <2> b", "'a", "a'':*"),
    *(
        "%_\\'\"&|!():*<->",
        "\\'",
        "＆｜（！＇：＊",
        "🏠",
        "👩‍👩‍👧",
        "\u0301",
        "\u200b",
        "\ufeff",
        "\u3000",
        "$1",
        ":p0",
        "%s",
    ),
    *(
        "' & '",
        "\n",
        "0",
        "-1",
        "+",
        "+0",
        "(((((((",
        "0" * 200,
        "1" * 200,
        "a " * 100,
        "é🏠" * 100,
        "\U0010ffff" * 200,
    ),
    *("@", "a@", "'; drop table orders; --", "{}", "{a,b}", "NULL", "#", "##", "〒", "½", "ﬃ", "İ" * 200, "ß"),
]


@pytest.mark.parametrize("asked", HOSTILE)
async def test_a_search_for_anything_at_all_is_answered(shop: Shop, asked: str) -> None:
    order = await shop.place((await shop.variant(SAO1=1), 1))

    found = await shop.ask(OPERATIONS, SEARCH, q=asked)

    assert order["id"] not in [node["id"] for node in found["orders"]["nodes"]]


@pytest.mark.parametrize("asked", ["\0", "a\0b", "a" * 201, NOISE[:10_000]])
async def test_a_search_that_cannot_be_is_refused(shop: Shop, asked: str) -> None:
    answer = await shop.post(OPERATIONS, SEARCH, {"q": asked})

    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["extensions"]["code"]) == (200, "BAD_USER_INPUT")
    assert error["path"] in (["orders"], ["customers"])


CONFIRM = """
    mutation ($id: ID!, $key: String!, $first: Int, $after: String, $flag: Boolean = true) {
      good: orderConfirm(input: { id: $id, idempotencyKey: $key }) { order { id } }
      orderConfirm(input: { id: $id, idempotencyKey: $key }) {
        order { customer { orders(first: $first, after: $after) { totalCount } } number @include(if: $flag) }
      }
    }
"""


@pytest.mark.parametrize("odd", [{"first": 101}, {"first": -1}, {"after": "x"}, {"flag": None}], ids=str)
async def test_a_payload_that_makes_no_sense_is_refused_before_anything_is_done(shop: Shop, odd: Answer) -> None:
    order = await shop.place((await shop.variant(SAO1=1), 1))
    given = {"id": order["id"], "key": shop.new("key"), **odd}

    answer = await shop.post(OPERATIONS, CONFIRM, given)

    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["extensions"]["code"], "data" in answer.json()) == (200, "BAD_USER_INPUT", False)
    assert (await shop.order(order["id"]))["status"] == "PENDING"


async def test_lone_surrogates_are_refused_as_json_and_as_graphql(shop: Shop) -> None:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {sign(OPERATIONS, SECRET, 60)}"}
    asked = "query ($sku: String!) { variant(sku: $sku) { id } }"
    for surrogate in (r"\ud800", r"\udc00", r"\ud800\ud800"):
        body = f'{{"query": "{asked}", "variables": {{"sku": "{surrogate}"}}}}'
        answer = await shop.client.post("/graphql", content=body, headers=headers)
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (400, "BAD_REQUEST")
        literal = f'{{ variant(sku: "{surrogate}") {{ id }} }}'
        assert await error_of(shop, literal) == "GRAPHQL_PARSE_FAILED"


@pytest.mark.parametrize("moment", ["yesterday", "2018-01-01T00:00:00", "0001-01-01T00:00:00+14:00"])
async def test_a_moment_that_is_none_is_the_callers_to_mend_wherever_it_stands(shop: Shop, moment: str) -> None:
    listed = "orders(first: 1, filter: { placedFrom: %s }) { totalCount }"

    literal = await error_of(shop, f"{{ {listed % orjson.dumps(moment).decode()} }}")
    variable = await error_of(shop, f"query ($at: DateTime) {{ {listed % '$at'} }}", {"at": moment})

    assert (literal, variable) == ("GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT")


# -- the database goes away ----------------------------------------------------------------------------------------


async def administer(database_url: str, statement: str) -> None:
    """Run one statement in the administrator's database."""
    name = urlsplit(database_url).path.lstrip("/")
    connection = await asyncpg.connect(database_url, database="postgres")
    try:
        await connection.execute(statement.format(name=name))
    finally:
        await connection.close()


KILL = "select pg_terminate_backend(pid, 1000) from pg_stat_activity where datname = '{name}'"
CLOSE = "alter database {name} allow_connections false"
OPEN = "alter database {name} allow_connections true"


async def test_connections_that_were_cut_between_requests_are_made_anew(shop: Shop, database_url: str) -> None:
    sku = await shop.variant(SAO1=10)
    for _ in range(3):
        order = await shop.place((sku, 1), token="tok_visa")
        await administer(database_url, KILL)
        given = {"id": order["id"], "idempotencyKey": shop.new("key")}
        body = "mutation ($input: OrderConfirmInput!) { orderConfirm(input: $input) { order { status } } }"

        answers = [await shop.post(OPERATIONS, body, {"input": given}) for _ in range(3)]

        assert {answer.status_code for answer in answers} <= {200, 503}
        assert answers[-1].json()["data"] == {"orderConfirm": {"order": {"status": "CONFIRMED"}}}


async def test_while_the_database_is_away_every_answer_is_a_503_and_afterwards_all_is_well(
    shop: Shop, database_url: str
) -> None:
    sku = await shop.variant(SAO1=10)
    order = await shop.place((sku, 1), token="tok_visa")
    placed = "mutation ($input: OrderPlaceInput!) { orderPlace(input: $input) { order { id } userErrors { code } } }"
    given: Answer = {"channel": "web", "lines": [{"sku": sku, "quantity": 2}], "idempotencyKey": shop.new("key")}
    given |= {"paymentMethod": {"provider": "test", "token": "tok_visa"}}
    read = f'{{ order(id: "{order["id"]}") {{ status }} }}'
    fallback = f'{{ order(id: "{order["id"]}") {{ status }} __schema {{ queryType {{ name }} }} }}'

    await administer(database_url, CLOSE)
    await administer(database_url, KILL)
    answers = [
        await shop.post(OPERATIONS, asked, variables)
        for asked, variables in ((placed, {"input": given}), (read, {}), (fallback, {}), (placed, {"input": given}))
    ]
    await administer(database_url, OPEN)
    again = [await shop.do(OPERATIONS, "orderPlace", "order { id }", **given) for _ in range(2)]

    told = {"message": "The database does not answer; please try again.", "extensions": {"code": "SERVICE_UNAVAILABLE"}}
    for answer in answers:
        assert (answer.status_code, answer.json(), answer.headers.get("retry-after")) == (503, {"errors": [told]}, "1")
    assert again[0] == again[1]
    assert await shop.stock(sku) == {"SAO1": {"onHand": 10, "available": 7, "allocated": 3}}
    assert await shop.order(order["id"]) == order


async def test_placements_that_the_database_left_in_the_middle_are_whole_or_were_never(
    shop: Shop, database_url: str
) -> None:
    sku = await shop.variant(SAO1=500)
    asked = "mutation ($input: OrderPlaceInput!) { orderPlace(input: $input) { order { id } userErrors { code } } }"
    given = [
        {
            "channel": "web",
            "lines": [{"sku": sku, "quantity": 1}],
            "idempotencyKey": shop.new("key"),
            "paymentMethod": {"provider": "test", "token": "tok_visa"},
        }
        for _ in range(40)
    ]

    async def place(input_: Answer) -> str:
        """Ask until it is answered; anything but an answer or a 503 is a failure."""
        while True:
            answer = await shop.post(OPERATIONS, asked, {"input": input_})
            if answer.status_code == 200:
                payload = answer.json()["data"]["orderPlace"]
                assert payload["userErrors"] == []
                return str(payload["order"]["id"])
            assert answer.status_code == 503, answer.text
            await asyncio.sleep(0.02)

    placing = asyncio.gather(*map(place, given))
    for _ in range(6):
        await asyncio.sleep(0.05)
        await administer(database_url, KILL)
    placed = await placing

    assert len(set(placed)) == 40
    assert await shop.stock(sku) == {"SAO1": {"onHand": 500, "available": 460, "allocated": 40}}
    orders = [await shop.order(id_) for id_ in placed]
    assert {order["paymentStatus"] for order in orders} == {"AUTHORIZED"}
    connection = await asyncpg.connect(database_url)
    assert await verify(connection) == []
    await connection.close()


@pytest.mark.parametrize(
    ("query", "place"),
    [
        (
            """fulfillmentOptions(input: {
                channel: "web", lines: [{ sku: $odd, quantity: 1 }], destination: { line1: "x", city: "y", country: BR }
            }) { id }""",
            ["lines", "0", "sku"],
        ),
        (
            """routingSimulation(input: {
                orders: { placedFrom: "2018-05-01T00:00:00Z", placedTo: "2018-05-02T00:00:00Z" }
                ruleset: { name: "x", channel: $odd }
            }) { orders }""",
            ["ruleset", "channel"],
        ),
        (
            """promiseReport(channel: $odd, from: "2018-05-01T00:00:00Z", to: "2018-05-02T00:00:00Z") { orders }""",
            ["channel"],
        ),
    ],
)
async def test_what_is_worked_out_refuses_text_that_nobody_can_keep(shop: Shop, query: str, place: list[str]) -> None:
    answer = (await shop.post(OPERATIONS, f"query ($odd: String!) {{ {query} }}", {"odd": "a\0b"})).json()
    (error,) = answer["errors"]
    assert (error["extensions"]["code"], error["extensions"]["field"]) == ("INVALID_INPUT", place)
