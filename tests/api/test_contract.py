"""The contract's operations, word for word, by whoever sends them: each does what it says."""

from uuid import UUID

import asyncpg
import pytest

from domain.viewer import SCOPES, Role, Scope, Viewer
from tests.api.shop import ADDRESS, AGENT, HISTORIAN, OPERATIONS, PLACES, Answer, Shop, app, entries, money, quantities

ZERO = money("0.00")


async def status_of(shop: Shop, order: Answer, viewer: Viewer | str) -> Answer | None:
    """An order as the storefront asks for it."""
    found: Answer | None = await shop.contract(viewer, "OrderStatusById", id=order["id"])
    return found


async def placed_by(shop: Shop, viewer: Viewer, sku: str, **more: str) -> Answer:
    """An order by the storefront's own operation."""
    variables = {"email": f"{shop.new('bia')}@example.com", "sku": sku, "address": ADDRESS, **more}
    payload: Answer = await shop.contract(viewer, "PlaceOrder", idempotencyKey=shop.new("key"), **variables)
    assert payload["userErrors"] == []
    return payload


# -- storefront ----------------------------------------------------------------------------------------------------


async def test_a_shopper_places_an_order_and_gets_a_token_that_opens_it(shop: Shop) -> None:
    sku = await shop.variant("49.90", SAO1=10)

    payload = await placed_by(shop, shop.shopper(), sku, externalReference="A-1")

    order = payload["order"]
    (line,) = order["lines"]
    assert payload["paymentAction"] is None
    assert order == {
        "id": order["id"],
        "number": order["number"],
        "status": "PENDING",
        "paymentStatus": "AUTHORIZED",
        "fulfillmentStatus": "UNFULFILLED",
        "returnStatus": "NONE",
        "placedAt": order["placedAt"],
        "deliverBy": None,
        "subtotal": money("99.80"),
        "discountTotal": ZERO,
        "shippingTotal": ZERO,
        "taxTotal": ZERO,
        "total": money("99.80"),
        "lines": [
            {
                "id": line["id"],
                "sku": sku,
                "name": sku.title(),
                "quantity": 2,
                "unitPrice": money("49.90"),
                "quantities": quantities(2, allocated=2),
                "returnability": {
                    "returnable": False,
                    "quantity": 0,
                    "reason": "NOT_DELIVERED",
                    "deadline": None,
                    "fee": None,
                },
                "components": [],
            }
        ],
        "shipments": [],
        "pickups": [],
        "returns": [],
        "invoices": [],
        "availableActions": [],
    }
    assert await shop.stock(sku) == {"SAO1": {"onHand": 10, "available": 8, "allocated": 2}}
    seen = await status_of(shop, order, payload["guestAccess"]["accessToken"])
    assert seen == {**order, "availableActions": ["CANCEL"]}


async def test_a_signed_in_customer_needs_no_guest_access(shop: Shop) -> None:
    customer, sku = await shop.customer(), await shop.variant(SAO1=10)

    payload = await placed_by(shop, customer, sku)

    assert payload["guestAccess"] is None
    assert await status_of(shop, payload["order"], customer) == payload["order"]


async def test_an_order_that_stock_does_not_cover_is_refused_with_what_can_be_had(shop: Shop) -> None:
    sku = await shop.variant(SAO1=1)
    variables = {"email": "bia@example.com", "sku": sku, "address": ADDRESS, "idempotencyKey": shop.new("key")}

    payload = await shop.contract(shop.shopper(), "PlaceOrder", **variables)

    (refusal,) = payload.pop("userErrors")
    assert payload == {"order": None, "guestAccess": None, "paymentAction": None}
    assert refusal == {
        "code": "INSUFFICIENT_STOCK",
        "message": f"2 of {sku} requested, 1 can be sold.",
        "field": ["lines"],
        "sku": sku,
        "requested": 2,
        "sellable": 1,
    }


async def test_a_guest_signs_in_with_number_and_email_to_that_order_and_no_other(shop: Shop) -> None:
    email = f"{shop.new('eva')}@example.com"
    sku = await shop.variant(SAO1=10)
    order, other = await shop.place((sku, 1), email=email), await shop.place((sku, 1), email=email)

    signed = await shop.contract(shop.shopper(), "GuestSignIn", number=order["number"], email=email.upper())

    assert signed["userErrors"] == []
    assert signed["order"] == {"id": order["id"], "number": order["number"], "status": "PENDING"}
    token = signed["accessToken"]
    seen = await status_of(shop, order, token)
    assert seen is not None
    assert seen["id"] == order["id"]
    assert await status_of(shop, other, token) is None


@pytest.mark.parametrize("wrong", ["number", "email"])
async def test_a_guest_who_is_wrong_about_either_learns_nothing(shop: Shop, wrong: str) -> None:
    order = await shop.place((await shop.variant(SAO1=1), 1), email="ines@example.com")
    known = {"number": order["number"], "email": "ines@example.com"}
    known[wrong] = "nobody"

    signed = await shop.contract(shop.shopper(), "GuestSignIn", **known)

    assert [each["code"] for each in signed.pop("userErrors")] == ["NOT_FOUND"]
    assert signed == {"accessToken": None, "expiresAt": None, "order": None}


def told(role: Role | None) -> Answer:
    """What nobody in particular is told of themselves."""
    scopes = sorted(SCOPES[role]) if role else []
    return {"role": role and role.value, "scopes": scopes, "channels": [], "customer": None, "locations": []}


async def test_everyone_learns_who_they_are(shop: Shop) -> None:
    customer = await shop.customer("ana.maria@example.com")
    order = await shop.place((await shop.variant(SAO1=1), 1))
    web, abroad = ({"id": shop.channels[code], "code": code} for code in ("web", "abroad"))
    both = {"channels": [abroad, web]}
    ana = {
        "id": f"cus_{customer.customer_id}",
        "displayName": "ana.maria@example.com",
        "email": "ana.maria@example.com",
    }
    places = [{"id": shop.places[code], "code": code} for code in ("RIO1", "SAO1")]
    expected: list[tuple[Viewer | None, Answer]] = [
        (None, {**told(None), "kind": "ANONYMOUS"}),
        (shop.shopper(), {**told(Role.SHOPPER), "kind": "ANONYMOUS", "channels": [web]}),
        (customer, {**told(Role.CUSTOMER), **both, "kind": "CUSTOMER", "customer": ana}),
        (shop.guest(order), {**told(Role.GUEST), **both, "kind": "GUEST"}),
        (AGENT, {**told(Role.AGENT), **both, "kind": "STAFF"}),
        (shop.store("RIO1"), {**told(Role.STORE), **both, "kind": "STAFF", "locations": places[:1]}),
        (shop.floor("SAO1", "RIO1"), {**told(Role.WAREHOUSE), **both, "kind": "STAFF", "locations": places}),
        (OPERATIONS, {**told(Role.OPERATIONS), **both, "kind": "STAFF"}),
        (app(Scope.STOCK_READ), {**told(Role.APP), **both, "kind": "APP", "scopes": ["stock:read"]}),
    ]

    assert [await shop.contract(viewer, "WhoAmI") for viewer, _ in expected] == [whom for _, whom in expected]


async def test_an_order_is_read_by_those_it_concerns_and_nobody_else(shop: Shop) -> None:
    customer = await shop.customer()
    order = await shop.place((await shop.variant(SAO1=2), 2), viewer=customer)
    allowed = [customer, shop.guest(order), AGENT, OPERATIONS, shop.floor("SAO1"), app(Scope.ORDERS_READ)]
    others = [await shop.customer(), shop.shopper(), shop.store("RIO1"), shop.floor("CWB1"), app()]

    seen = [await status_of(shop, order, viewer) for viewer in allowed]

    assert [each and each["id"] for each in seen] == [order["id"]] * len(allowed)
    assert [await status_of(shop, order, viewer) for viewer in others] == [None] * len(others)


async def test_a_customer_pages_through_their_orders_the_latest_first(shop: Shop) -> None:
    customer, sku = await shop.customer(), await shop.variant("2.00", SAO1=20)
    placed = [(await shop.place((sku, 1), viewer=customer))["number"] for _ in range(11)]

    first = (await shop.contract(customer, "MyOrders"))["customer"]["orders"]
    second = (await shop.contract(customer, "MyOrders", after=first["pageInfo"]["endCursor"]))["customer"]["orders"]

    assert [edge["node"]["number"] for edge in first["edges"]] == placed[:0:-1]
    assert first["pageInfo"] == {"hasNextPage": True, "endCursor": first["edges"][-1]["cursor"]}
    assert second["edges"][0]["node"]["number"] == placed[0]
    assert len(second["edges"]) == 2  # with the one that made them a customer
    assert second["pageInfo"]["hasNextPage"] is False


async def test_a_customer_cancels_and_what_was_authorized_is_released(shop: Shop) -> None:
    customer, sku = await shop.customer(), await shop.variant("30.00", SAO1=5)
    order = (await placed_by(shop, customer, sku))["order"]

    payload = await shop.contract(customer, "CustomerCancels", id=order["id"], key=shop.new("key"))

    assert payload["userErrors"] == []
    assert payload["order"] == {"id": order["id"], "status": "CANCELED", "canceledAt": payload["order"]["canceledAt"]}
    after = await shop.order(order["id"])
    assert entries(after) == [
        ("AUTHORIZATION", "REQUESTED", "60.00"),
        ("AUTHORIZATION", "SUCCEEDED", "60.00"),
        ("VOID", "REQUESTED", "60.00"),
        ("VOID", "SUCCEEDED", "60.00"),
    ]
    assert (after["paymentStatus"], after["balance"]) == ("VOIDED", ZERO)
    assert [work["status"] for work in after["fulfillmentOrders"]] == ["CANCELED"]
    assert await shop.stock(sku) == {"SAO1": {"onHand": 5, "available": 5}}


async def test_a_customer_asks_to_send_goods_back(shop: Shop) -> None:
    customer = await shop.customer()
    order = await shop.bought("35.50", viewer=customer)
    line = order["lines"][0]["id"]

    payload = await shop.contract(customer, "CustomerRequestsReturn", lineId=line, key=shop.new("key"))

    back = payload["return"]
    assert payload["userErrors"] == []
    assert back == {
        "id": back["id"],
        "number": back["number"],
        "status": "REQUESTED",
        "labels": [],
        "estimatedRefund": money("35.50"),
        "expiresAt": back["expiresAt"],
    }
    seen = await status_of(shop, order, customer)
    assert seen is not None
    assert seen["returnStatus"] == "REQUESTED"
    assert seen["lines"][0]["returnability"]["quantity"] == 1
    assert [each["id"] for each in seen["returns"]] == [back["id"]]


async def test_what_was_not_delivered_is_not_taken_back(shop: Shop) -> None:
    customer = await shop.customer()
    order = await shop.bought(until="ship", viewer=customer)
    line = order["lines"][0]["id"]

    payload = await shop.contract(customer, "CustomerRequestsReturn", lineId=line, key=shop.new("key"))

    (refusal,) = payload["userErrors"]
    assert payload["return"] is None
    assert refusal == {
        "code": "NOT_RETURNABLE",
        "message": f"Of order line {line}, 0 can be returned: NOT_DELIVERED.",
        "field": ["lines", "0", "quantity"],
        "orderLineId": line,
        "reason": "NOT_DELIVERED",
        "returnableQuantity": 0,
        "deadline": None,
    }


# -- call centre ---------------------------------------------------------------------------------------------------


async def test_an_agent_approves_an_order_and_its_work_opens(shop: Shop) -> None:
    order = await shop.place((await shop.variant(SAO1=2), 2))

    payload = await shop.contract(AGENT, "Approve", id=order["id"], key=shop.new("key"))

    assert payload["userErrors"] == []
    assert payload["order"] == {
        "id": order["id"],
        "status": "CONFIRMED",
        "confirmedAt": payload["order"]["confirmedAt"],
    }
    assert payload["order"]["confirmedAt"] is not None
    after = await shop.order(order["id"])
    assert [work["status"] for work in after["fulfillmentOrders"]] == ["OPEN"]


async def test_an_agent_holds_an_order_and_lets_it_go_again(shop: Shop) -> None:
    order = await shop.confirm(await shop.place((await shop.variant(SAO1=2), 2)))

    held = await shop.contract(AGENT, "PutOnHold", id=order["id"], key=shop.new("key"))
    while_held = await shop.order(order["id"])
    hold = held["order"]["holds"][0]["id"]
    freed = await shop.contract(AGENT, "ReleaseHold", id=order["id"], holdId=hold, key=shop.new("key"))
    after = await shop.order(order["id"])

    assert held["userErrors"] == freed["userErrors"] == []
    assert held["order"]["holds"] == [{"id": hold, "kind": "ADDRESS", "reason": "verify street number"}]
    assert freed["order"] == {"id": order["id"], "holds": []}
    assert (while_held["onHold"], [work["status"] for work in while_held["fulfillmentOrders"]]) == (True, ["SCHEDULED"])
    assert (after["onHold"], [work["status"] for work in after["fulfillmentOrders"]]) == (False, ["OPEN"])


async def test_an_agent_cancels_one_unit_and_refunds_what_was_paid_for_it(shop: Shop) -> None:
    sku = await shop.variant("20.00", SAO1=5)
    order = await shop.captured(await shop.place((sku, 3), token="tok_visa"))
    line = order["lines"][0]["id"]

    payload = await shop.contract(AGENT, "CancelLine", orderId=order["id"], lineId=line, key=shop.new("key"))

    assert payload == {
        "order": {"id": order["id"], "status": "PENDING", "lines": [{"id": line, "quantities": {"canceled": 1}}]},
        "userErrors": [],
    }
    after = await shop.order(order["id"])
    assert entries(after)[-2:] == [("REFUND", "REQUESTED", "20.00"), ("REFUND", "SUCCEEDED", "20.00")]
    assert (after["paymentStatus"], after["balance"]) == ("PARTIALLY_REFUNDED", ZERO)
    assert await shop.stock(sku) == {"SAO1": {"onHand": 5, "available": 3, "allocated": 2}}


async def requested(shop: Shop) -> tuple[Answer, Answer]:
    """A delivered order and a return that somebody asked for: one unit."""
    order = await shop.captured(await shop.bought("40.00"))
    lines = [{"orderLineId": order["lines"][0]["id"], "quantity": 1, "reason": "DEFECTIVE"}]
    made = await shop.do(AGENT, "returnRequest", "return { id lines { id } }", method="MAIL", lines=lines)
    return order, made["return"]


async def test_an_agent_sees_where_an_orders_money_went(shop: Shop) -> None:
    order = await shop.captured(await shop.place((await shop.variant("40.00", SAO1=2), 2), token="tok_visa"))
    await shop.do(AGENT, "refundCreate", orderId=order["id"], amount=money("15.00"), reason="GOODWILL",
                  destination="ORIGINAL_PAYMENT")  # fmt: skip

    found = await shop.contract(AGENT, "OrderMoney", id=order["id"])
    unseen = await shop.contract(shop.floor("SAO1"), "OrderMoney", id=order["id"])

    assert entries(found) == [
        (kind, status, amount)
        for kind, amount in (("AUTHORIZATION", "80.00"), ("CAPTURE", "80.00"), ("REFUND", "15.00"))
        for status in ("REQUESTED", "SUCCEEDED")
    ]
    assert {each["provider"] for each in found["payments"]} == {"test"}
    assert [each["last4"] for each in found["payments"][:2]] == [None, "4242"]  # known once the provider answered
    assert [(each["kind"], each["amount"]) for each in found["adjustments"]] == [
        ("ITEMS", money("80.00")),
        ("GOODWILL", money("-15.00")),
    ]
    assert found["balance"] == ZERO
    assert (unseen["payments"], unseen["adjustments"]) == ([], [])


async def test_an_agent_approves_a_return(shop: Shop) -> None:
    _, back = await requested(shop)

    payload = await shop.contract(AGENT, "ApproveReturn", id=back["id"], key=shop.new("key"))

    assert payload == {"return": {"id": back["id"], "status": "APPROVED", "labels": []}, "userErrors": []}


async def test_an_agent_declines_a_return_and_the_units_may_be_announced_again(shop: Shop) -> None:
    order, back = await requested(shop)

    payload = await shop.contract(AGENT, "DeclineReturn", id=back["id"], key=shop.new("key"))

    assert payload == {"return": {"id": back["id"], "status": "DECLINED"}, "userErrors": []}
    seen = await status_of(shop, order, AGENT)
    assert seen is not None
    assert (seen["returnStatus"], seen["lines"][0]["returnability"]["quantity"]) == ("NONE", 2)


async def test_an_agent_finds_a_customer_by_whatever_they_say(shop: Shop) -> None:
    email, phone = f"{shop.new('eva')}@example.com", "+55 (71) 98100-0042"
    sku = await shop.variant("30.00", SAO1=5)
    buyer = {"email": email, "firstName": "Éva", "lastName": "Quintão", "phone": phone}
    order = await shop.place(
        (sku, 2), token="tok_visa", customer=buyer, shippingAddress={**ADDRESS, "postalCode": "40010-000"}
    )
    order = await shop.captured(await shop.advance(order, "pack"))
    work, number = order["fulfillmentOrders"][0], shop.new("BR-EVA")
    parcel = {"packageId": work["packages"][0]["id"], "trackingNumber": number}
    await shop.do(OPERATIONS, "shipmentCreate", fulfillmentOrderId=work["id"], carrier="correios", packages=[parcel])
    customer = await shop.ask(AGENT, "query ($id: ID!) { order(id: $id) { customer { id } } }", id=order["id"])
    expected = {
        "id": customer["order"]["customer"]["id"],
        "displayName": "Éva Quintão",
        "email": email,
        "phone": phone,
        "tags": [],
        "orderCount": 1,
        "lifetimeValue": [money("60.00")],
    }

    asked = ["eva quin", "QUINTAO", email.upper(), "71981000042", "40010000", order["number"], number]
    found = [await shop.contract(AGENT, "FindCustomer", query=query) for query in asked]

    assert [[edge["node"] for edge in each["edges"]] for each in found] == [[expected]] * len(asked)


async def test_an_agent_sees_one_customer_whole(shop: Shop) -> None:
    customer = await shop.customer()
    id_ = f"cus_{customer.customer_id}"
    order = await shop.captured(await shop.bought("40.00", viewer=customer))
    line = order["lines"][0]
    back = [{"orderLineId": line["id"], "quantity": 1, "reason": "DEFECTIVE"}]
    made = await shop.do(AGENT, "returnRequest", "return { id number }", method="MAIL", lines=back)
    held = await shop.place((line["sku"], 1), viewer=customer)
    await shop.contract(AGENT, "PutOnHold", id=held["id"], key=shop.new("key"))
    await shop.contract(AGENT, "AddNote", customerId=id_, key=shop.new("key"))

    seen = await shop.contract(AGENT, "SingleCustomerView", id=id_)

    assert [edge["node"]["number"] for edge in seen["orders"]["edges"]][:2] == [held["number"], order["number"]]
    assert (seen["orders"]["totalCount"], seen["orders"]["pageInfo"]["hasNextPage"]) == (3, False)
    whole = seen["orders"]["edges"][1]["node"]
    assert (whole["channel"]["code"], whole["total"], whole["balance"]) == ("web", money("80.00"), ZERO)
    assert [(each["kind"], each["status"]) for each in whole["payments"]][-1] == ("CAPTURE", "SUCCEEDED")
    assert whole["lines"][0]["quantities"] == {"allocated": 0, "shipped": 2, "delivered": 2, "returned": 0}
    assert [each["status"] for each in whole["shipments"]] == ["DELIVERED"]
    assert whole["returns"] == [
        {"id": made["return"]["id"], "number": made["return"]["number"], "status": "REQUESTED", "refundTotal": ZERO}
    ]
    assert [each["reason"] for each in seen["orders"]["edges"][0]["node"]["holds"]] == ["verify street number"]
    assert seen["addresses"][0]["postalCode"] == ADDRESS["postalCode"]
    assert seen["stats"] == {
        "orderCount": 3,
        "returnCount": 1,
        "returnRate": 0.3333,
        "lifetimeValue": [money("80.00")],
        "averageOrderValue": [money("40.33")],
        "firstOrderAt": seen["orders"]["edges"][2]["node"]["placedAt"],
        "lastOrderAt": seen["orders"]["edges"][0]["node"]["placedAt"],
    }
    (note,) = seen["notes"]
    assert (note["body"], note["pinned"], note["author"]) == ("prefers evening delivery", True, {"displayName": "Ana"})
    latest = [edge["node"] for edge in seen["timeline"]["edges"]]
    assert [each["type"] for each in latest][:2] == ["CUSTOMER_NOTE_ADDED", "ORDER_HELD"]
    assert latest[0]["subject"] == {"__typename": "CustomerNote", "id": note["id"]}
    assert latest[0]["actor"] == {"kind": "STAFF", "displayName": "Ana"}
    assert {each["subject"]["__typename"] for each in latest} >= {"CustomerNote", "Order", "Return"}


async def test_an_agent_notes_something_once_however_often_it_is_sent(shop: Shop) -> None:
    id_, key = f"cus_{(await shop.customer()).customer_id}", shop.new("key")

    first = await shop.contract(AGENT, "AddNote", customerId=id_, key=key)
    twin = await shop.contract(AGENT, "AddNote", customerId=id_, key=key)

    assert (
        first
        == twin
        == {
            "note": {"id": first["note"]["id"], "body": "prefers evening delivery"},
            "userErrors": [],
        }
    )
    assert len((await shop.contract(AGENT, "SingleCustomerView", id=id_))["notes"]) == 1


# -- store ---------------------------------------------------------------------------------------------------------


async def test_a_store_finds_any_order_by_what_is_brought_to_its_counter(shop: Shop) -> None:
    email = f"{shop.new('lia')}@example.com"
    order = await shop.bought("10.00", email=email)  # shipped by SAO1
    store, line = shop.store("RIO1"), order["lines"][0]

    by_number = await shop.contract(store, "FindOrderAtCounter", query=f" {order['number']} ")
    by_email = await shop.contract(store, "FindOrderAtCounter", query=email.upper())

    (found,) = (edge["node"] for edge in by_number["edges"])
    assert by_number == by_email
    assert found == {
        "id": order["id"],
        "number": order["number"],
        "placedAt": found["placedAt"],
        "customer": {"id": found["customer"]["id"], "displayName": email},
        "lines": [
            {
                "id": line["id"],
                "sku": line["sku"],
                "name": line["sku"].title(),
                "quantity": 2,
                "returnability": {
                    "returnable": True,
                    "quantity": 2,
                    "reason": None,
                    "deadline": found["lines"][0]["returnability"]["deadline"],
                    "fee": None,
                },
            }
        ],
    }
    assert (await shop.contract(store, "FindOrderAtCounter", query="nothing like it"))["edges"] == []
    assert (await shop.contract(shop.floor("RIO1"), "FindOrderAtCounter", query=order["number"]))["edges"] == []


async def test_without_a_query_a_store_lists_only_its_own_orders(shop: Shop) -> None:
    elsewhere = await shop.place((await shop.variant(SAO1=1), 1))
    own = await shop.place((await shop.variant(RIO1=1), 1))
    listed = "{ orders(first: 100) { nodes { id } } }"

    found = {node["id"] for node in (await shop.ask(shop.store("RIO1"), listed))["orders"]["nodes"]}

    assert own["id"] in found
    assert elsewhere["id"] not in found


async def test_a_store_takes_a_return_over_the_counter_in_one_call(shop: Shop) -> None:
    order = await shop.captured(await shop.bought("60.00"))  # shipped by SAO1
    line, sku = order["lines"][0]["id"], order["lines"][0]["sku"]
    place = shop.places["RIO1"]

    payload = await shop.contract(
        shop.store("RIO1"), "ReturnInPerson", lineId=line, locationId=place, key=shop.new("key")
    )

    back = payload["return"]
    assert payload["userErrors"] == []
    assert back == {
        "id": back["id"],
        "number": back["number"],
        "status": "CLOSED",
        "location": {"id": place, "code": "RIO1"},
        "lines": [
            {
                "id": back["lines"][0]["id"],
                "orderLine": {"id": line},
                "quantity": 1,
                "receivedQuantity": 1,
                "inspections": [{"quantity": 1, "condition": "OPENED", "disposition": "QUARANTINE"}],
            }
        ],
        "refunds": [
            {
                "id": back["refunds"][0]["id"],
                "status": "SUCCEEDED",
                "destination": "ORIGINAL_PAYMENT",
                "amount": money("60.00"),
            }
        ],
        "receiptUrl": None,
    }
    assert (await shop.stock(sku))["RIO1"] == {"onHand": 11, "available": 10, "qualityControl": 1}
    after = await shop.order(order["id"])
    assert after["lines"][0]["quantities"] == quantities(2, shipped=2, delivered=2, returned=1)
    assert (after["returnStatus"], after["paymentStatus"], after["balance"]) == (
        "PARTIALLY_RETURNED",
        "PARTIALLY_REFUNDED",
        ZERO,
    )


async def test_a_store_sees_what_waits_to_be_fetched_at_its_counter_and_nothing_else(
    shop: Shop, database_url: str
) -> None:
    sku = await shop.variant(RIO1=9)
    fetched, sent = [await shop.confirm(await shop.place((sku, units))) for units in (2, 1)]
    work = fetched["fulfillmentOrders"][0]
    await become_pickup(database_url, Shop.key(work["id"]))
    place = shop.places["RIO1"]

    found = await shop.contract(shop.store("RIO1"), "PickupsWaiting", locationId=place)
    others = await shop.contract(shop.store("SAO1"), "PickupsWaiting", locationId=place)

    (waiting,) = (edge["node"] for edge in found["edges"])
    assert sent["fulfillmentOrders"][0]["id"] != waiting["id"] == work["id"]
    assert waiting == {
        "id": work["id"],
        "status": "OPEN",
        "dueAt": waiting["dueAt"],
        "order": {"id": fetched["id"], "number": fetched["number"], "customer": waiting["order"]["customer"]},
        "lines": [{"id": work["lines"][0]["id"], "sku": sku, "name": sku.title(), "quantity": 2, "bin": None}],
    }
    assert others["edges"] == []


async def become_pickup(database_url: str, work: UUID) -> None:
    """Have work wait at the counter: the buyer cannot choose so yet."""
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("UPDATE fulfillment_orders SET kind = 'PICKUP' WHERE id = $1", work)
    finally:
        await connection.close()


# -- warehouse -----------------------------------------------------------------------------------------------------


async def test_a_warehouse_sees_its_queue_the_most_urgent_first(shop: Shop) -> None:
    sku = await shop.variant(CWB1=10)
    orders = [await shop.confirm(await shop.place((sku, 1))) for _ in range(3)]
    warehouse = shop.floor("CWB1")
    work = [order["fulfillmentOrders"][0] for order in orders]
    await shop.contract(warehouse, "Accept", id=work[1]["id"], key=shop.new("key"))

    queue = await shop.contract(warehouse, "Queue", locationId=shop.places["CWB1"])

    found = [edge["node"] for edge in queue["edges"]]
    assert [node["id"] for node in found] == [each["id"] for each in work]
    assert found[0] == {
        "id": work[0]["id"],
        "status": "OPEN",
        "kind": "DELIVERY",
        "service": None,
        "dueAt": found[0]["dueAt"],
        "priority": 0,
        "order": {"id": orders[0]["id"], "number": orders[0]["number"]},
        "lines": [{"id": work[0]["lines"][0]["id"], "sku": sku, "name": sku.title(), "quantity": 1, "bin": None}],
        "availableActions": ["ACCEPT", "REJECT", "MOVE", "SPLIT", "MERGE"],
    }
    assert (found[1]["status"], found[1]["availableActions"]) == ("ACCEPTED", ["PICK", "REJECT", "MOVE", "SPLIT"])
    others = await shop.contract(shop.floor("SAO1"), "Queue", locationId=shop.places["CWB1"])
    assert others["edges"] == []


async def test_a_warehouse_accepts_its_work_and_the_order_is_in_fulfillment(shop: Shop) -> None:
    order = await shop.confirm(await shop.place((await shop.variant(SAO1=1), 1)))
    work = order["fulfillmentOrders"][0]["id"]

    payload = await shop.contract(shop.floor("SAO1"), "Accept", id=work, key=shop.new("key"))

    assert payload == {"fulfillmentOrder": {"id": work, "status": "ACCEPTED"}, "userErrors": []}
    assert (await shop.order(order["id"]))["status"] == "IN_FULFILLMENT"


async def test_what_a_warehouse_finds_damaged_is_routed_elsewhere(shop: Shop) -> None:
    sku = await shop.variant(SAO1=5, RIO1=5)
    order = await shop.advance(await shop.place((sku, 2)), "accept")
    work = order["fulfillmentOrders"][0]
    line = work["lines"][0]["id"]

    payload = await shop.contract(shop.floor("SAO1"), "Pick", id=work["id"], lineId=line, key=shop.new("key"))

    assert payload["userErrors"] == []
    assert payload["fulfillmentOrder"] == {
        "id": work["id"],
        "status": "PICKING",
        "lines": [{"id": line, "picked": 1, "short": 1}],
    }
    assert [each["location"]["code"] for each in payload["rerouted"]] == ["RIO1"]
    after = await shop.order(order["id"])
    assert after["lines"][0]["quantities"] == quantities(2, allocated=1, picked=1)
    assert {each["location"]["code"]: each["status"] for each in after["fulfillmentOrders"]} == {
        "SAO1": "PICKING",
        "RIO1": "OPEN",
    }
    assert await shop.stock(sku) == {
        "SAO1": {"onHand": 5, "available": 3, "allocated": 1, "damaged": 1},
        "RIO1": {"onHand": 5, "available": 4, "allocated": 1},
    }


async def test_a_warehouse_packs_ships_and_hands_over_and_the_carrier_delivers(shop: Shop) -> None:
    sku = await shop.variant("70.00", SAO1=3)
    order = await shop.advance(await shop.place((sku, 1), token="tok_visa"), "pick")
    warehouse, work = shop.floor("SAO1"), order["fulfillmentOrders"][0]
    line = work["lines"][0]["id"]

    packed = await shop.contract(warehouse, "Pack", id=work["id"], lineId=line, key=shop.new("key"))
    package = packed["fulfillmentOrder"]["packages"][0]["id"]
    shipped = await shop.contract(warehouse, "Ship", id=work["id"], packageId=package, key=shop.new("key"))
    shipment = shipped["shipment"]["id"]
    handed = await shop.contract(warehouse, "HandToCarrier", ids=[shipment], key=shop.new("key"))
    tracked = await shop.contract(warehouse, "Track", number="BR123456789", key=shop.new("key"))

    assert packed == {
        "fulfillmentOrder": {
            "id": work["id"],
            "status": "PACKED",
            "packages": [{"id": package, "weightGrams": 1200}],
        },
        "userErrors": [],
    }
    assert shipped == {
        "shipment": {
            "id": shipment,
            "status": "LABELED",
            "packages": [{"id": package, "trackingNumber": "BR123456789", "trackingUrl": None, "labelUrl": None}],
            "estimatedDelivery": None,
            "invoice": None,
            "order": {"id": order["id"], "fulfillmentStatus": "FULFILLED", "paymentStatus": "AUTHORIZED"},
        },
        "userErrors": [],
    }
    assert handed == {"shipments": [{"id": shipment, "status": "HANDED_OVER"}], "userErrors": []}
    assert tracked["userErrors"] == []
    assert tracked["shipment"] == {
        "id": shipment,
        "status": "DELIVERED",
        "deliveredAt": tracked["shipment"]["deliveredAt"],
        "order": {"status": "COMPLETED"},
    }
    assert tracked["shipment"]["deliveredAt"].startswith("2018-05-04T14:03:00")
    assert (await shop.order(order["id"]))["lines"][0]["quantities"] == quantities(1, shipped=1, delivered=1)
    assert await shop.stock(sku) == {"SAO1": {"onHand": 2, "available": 2}}


async def test_stock_is_told_in_all_and_by_location(shop: Shop) -> None:
    sku = await shop.variant(SAO1=10, CWB1=4)
    await shop.place((sku, 3))
    empty = {"reserved": 0, "safetyStock": 0, "qualityControl": 0, "damaged": 0}

    found = await shop.contract(AGENT, "StockOf", sku=sku)
    own = await shop.contract(shop.floor("CWB1"), "StockOf", sku=sku)

    total = {"onHand": 14, "available": 11, "allocated": 3, "incoming": 0, "inTransit": 0, "backordered": 0, **empty}
    assert (found["sku"], found["name"], found["inventory"]["total"]) == (sku, sku.title(), total)
    levels = {edge["node"]["location"]["code"]: edge["node"] for edge in found["inventory"]["levels"]["edges"]}
    assert levels["SAO1"] == {
        "id": levels["SAO1"]["id"],
        "location": {"id": shop.places["SAO1"], "code": "SAO1", "kind": "WAREHOUSE"},
        "onHand": 10,
        "available": 7,
        "allocated": 3,
        "incoming": 0,
        **empty,
    }
    assert set(levels) == {"SAO1", "CWB1"}
    assert [edge["node"]["location"]["code"] for edge in own["inventory"]["levels"]["edges"]] == ["CWB1"]
    assert (await shop.contract(shop.shopper(), "StockOf", sku=sku))["inventory"] is None


async def test_a_count_that_finds_less_is_put_on_record(shop: Shop) -> None:
    sku, place = await shop.variant(SAO1=42), shop.places["SAO1"]

    payload = await shop.contract(shop.floor("SAO1"), "Adjust", sku=sku, locationId=place, key=shop.new("key"))

    assert payload["userErrors"] == []
    assert payload["shortfalls"] == []
    assert payload["levels"] == [{"id": payload["levels"][0]["id"], "onHand": 40, "available": 40, "version": 2}]
    ledger = await shop.ask(
        OPERATIONS,
        """query ($sku: String!) { stockMovements(filter: {sku: $sku}) {
             nodes { kind quantity fromBucket fromBalanceAfter toBucket toBalanceAfter reason actor { displayName } }
           } }""",
        sku=sku,
    )
    assert ledger["stockMovements"]["nodes"] == [
        {
            "kind": "COUNT",
            "quantity": 2,
            "fromBucket": "AVAILABLE",
            "fromBalanceAfter": 40,
            "toBucket": None,
            "toBalanceAfter": None,
            "reason": "CYCLE_COUNT",
            "actor": {"displayName": "Wim"},
        },
        {
            "kind": "RECEIVE",
            "quantity": 42,
            "fromBucket": None,
            "fromBalanceAfter": None,
            "toBucket": "AVAILABLE",
            "toBalanceAfter": 42,
            "reason": "RECEIVED",
            "actor": {"displayName": "Olga"},
        },
    ]


async def test_a_count_that_began_from_other_stock_is_refused(shop: Shop) -> None:
    sku, place = await shop.variant(SAO1=41), shop.places["SAO1"]

    payload = await shop.contract(shop.floor("SAO1"), "Adjust", sku=sku, locationId=place, key=shop.new("key"))

    assert payload == {
        "levels": None,
        "shortfalls": None,
        "userErrors": [
            {
                "code": "STOCK_CHANGED",
                "message": f"42 of {sku} were expected on hand, but there are 41.",
                "field": ["lines", "0", "expectedOnHand"],
                "sku": sku,
                "expectedOnHand": 42,
                "actualOnHand": 41,
            }
        ],
    }
    assert await shop.stock(sku) == {"SAO1": {"onHand": 41, "available": 41}}


async def test_a_warehouse_receives_a_return_inspects_it_and_the_money_goes_back(shop: Shop) -> None:
    order, back = await requested(shop)
    await shop.contract(AGENT, "ApproveReturn", id=back["id"], key=shop.new("key"))
    warehouse, place, line = shop.floor("CWB1"), shop.places["CWB1"], back["lines"][0]["id"]
    which = {"id": back["id"], "lineId": line}

    received = await shop.contract(warehouse, "ReceiveReturn", **which, locationId=place, key=shop.new("key"))
    waiting = await shop.stock(order["lines"][0]["sku"])
    inspected = await shop.contract(warehouse, "Inspect", **which, key=shop.new("key"))

    assert received == {
        "return": {"id": back["id"], "status": "RECEIVED", "lines": [{"id": line, "receivedQuantity": 1}]},
        "userErrors": [],
    }
    assert waiting["CWB1"] == {"onHand": 1, "qualityControl": 1}
    assert inspected["userErrors"] == []
    assert inspected["return"] == {
        "id": back["id"],
        "status": "RECEIVED",
        "lines": [{"id": line, "inspections": [{"quantity": 1, "condition": "LIKE_NEW", "disposition": "RESTOCK"}]}],
        "refunds": [{"id": inspected["return"]["refunds"][0]["id"], "status": "SUCCEEDED", "amount": money("40.00")}],
    }
    assert (await shop.stock(order["lines"][0]["sku"]))["CWB1"] == {"onHand": 1, "available": 1}
    after = await shop.order(order["id"])
    assert [(each["status"], each["amount"]["amount"]) for each in after["returns"][0]["refunds"]] == [
        ("SUCCEEDED", "40.00")
    ]
    assert (after["paymentStatus"], after["balance"]) == ("PARTIALLY_REFUNDED", ZERO)


# -- operations ----------------------------------------------------------------------------------------------------


async def test_operations_set_up_a_channel_a_location_and_variants_twice_over(shop: Shop) -> None:
    sku = shop.new("SET-UP")
    variants = [
        {
            "sku": sku,
            "name": "Camisa",
            "productCode": "CAMISA",
            "weightGrams": 300,
            "prices": [{"channel": "web", "price": money("12.90")}],
        }
    ]
    found = []
    for _ in range(2):
        channel = await shop.contract(OPERATIONS, "SetUpChannel", key=shop.new("key"))
        location = await shop.contract(OPERATIONS, "SetUpLocation", address=ADDRESS, key=shop.new("key"))
        made = await shop.contract(OPERATIONS, "SetUpVariants", variants=variants, key=shop.new("key"))
        found.append((channel, location, made))

    id_ = found[0][2]["variants"][0]["id"]
    assert found[0] == found[1]
    assert found[0] == (
        {"channel": {"id": shop.channels["web"], "code": "web"}, "userErrors": []},
        {"location": {"id": shop.places["SAO1"], "code": "SAO1"}, "userErrors": []},
        {"variants": [{"id": id_, "sku": sku}], "userErrors": []},
    )
    asked = """query ($sku: String!) {
        variant(sku: $sku) { name weightGrams product { code } prices { channel { code } price { amount currency } } }
        location(code: "SAO1") { name kind latitude longitude address { line1 line2 city region postalCode country } }
        channel(code: "web") { name currency timeZone returnWindowDays }
    }"""
    kind, latitude, longitude = PLACES["SAO1"]
    address = {name: ADDRESS[name] for name in ("line1", "city", "region", "postalCode", "country")}
    assert await shop.ask(OPERATIONS, asked, sku=sku) == {
        "variant": {
            "name": "Camisa",
            "weightGrams": 300,
            "product": {"code": "CAMISA"},
            "prices": [{"channel": {"code": "web"}, "price": money("12.90")}],
        },
        "location": {
            "name": "Sao Paulo 1",
            "kind": kind,
            "latitude": latitude,
            "longitude": longitude,
            "address": {**address, "line2": None},
        },
        "channel": {"name": "Web", "currency": "BRL", "timeZone": "America/Sao_Paulo", "returnWindowDays": 30},
    }


async def test_the_order_desk_lists_what_is_held(shop: Shop) -> None:
    order = await shop.place((await shop.variant(SAO1=1), 1))
    await shop.contract(AGENT, "PutOnHold", id=order["id"], key=shop.new("key"))
    everything = (
        'query { orders(first: 100, filter: {channel: "web", status: [PENDING, CONFIRMED], onHold: true}) '
        "{ nodes { id } } }"
    )

    desk = await shop.contract(OPERATIONS, "OrderDesk")
    held = (await shop.ask(OPERATIONS, everything))["orders"]["nodes"]

    assert desk == {"edges": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}  # nothing is tagged vip yet
    assert order["id"] in [node["id"] for node in held]


async def test_every_routing_decision_says_why(shop: Shop) -> None:
    sku = await shop.variant(SAO1=5, RIO1=5, CWB1=1)
    order = await shop.place((sku, 2))

    found = await shop.contract(OPERATIONS, "WhyRouted", orderId=order["id"])

    (decision,) = found["routing"]
    (chosen,) = decision["chosen"]
    weighed = dict.fromkeys(("cost", "lateness", "split", "total"))
    assert decision["objective"] == weighed
    assert decision["unfilled"] == []
    assert chosen == {
        "location": {"id": shop.places["SAO1"], "code": "SAO1"},
        "lines": [{"sku": sku, "quantity": 2}],
        "cost": None,
        "shipBy": chosen["shipBy"],
        "deliverBy": None,
    }
    candidates = {each["location"]["code"]: each for each in decision["candidates"]}
    assert {code: (each["feasible"], each["rejectedBecause"]) for code, each in candidates.items()} == {
        "SAO1": (True, None),
        "RIO1": (True, "FARTHER"),
        "CWB1": (False, "PARTIAL_STOCK"),
    }
    assert candidates["SAO1"]["distanceKm"] < candidates["RIO1"]["distanceKm"]
    assert (await shop.contract(shop.guest(order), "WhyRouted", orderId=order["id"]))["routing"] == []


async def test_the_history_tells_every_change_once_and_in_order(shop: Shop) -> None:
    sku = await shop.variant(SAO1=3)
    order = await shop.place((sku, 1))

    found, after = [], None
    while True:
        page = await shop.contract(OPERATIONS, "History", after=after)
        found += [edge["node"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break

    ids = [each["id"] for each in found]
    assert len(set(ids)) == len(ids)
    (placed,) = (each for each in found if each["subject"]["id"] == order["id"])
    assert placed == {
        "id": placed["id"],
        "sequence": 1,
        "type": "ORDER_PLACED",
        "subject": {"__typename": "Order", "id": order["id"]},
        "occurredAt": placed["occurredAt"],
        "actor": {"kind": "STAFF", "displayName": "Olga"},
        "data": {"totalMinor": 5000},
    }
    moved = [each["data"] for each in found if each["type"] == "STOCK_MOVED"][-2:]
    assert moved == [
        {"kind": "RECEIVE", "from": None, "to": "AVAILABLE", "quantity": 3, "available": 3, "onHand": 3},
        {"kind": "ALLOCATE", "from": "AVAILABLE", "to": "ALLOCATED", "quantity": 1, "available": 2, "onHand": 3},
    ]


async def test_history_is_told_by_who_may_tell_it(shop: Shop) -> None:
    sku = await shop.variant("10.00", SAO1=3)
    order = await shop.place(
        (sku, 1),
        viewer=HISTORIAN,
        placedAt="2018-01-02T03:04:05Z",
        lines=[{"sku": sku, "quantity": 1, "unitPrice": money("9.50")}],
        shippingPrice=money("3.25"),
        promisedDelivery={"latest": "2018-01-20T00:00:00Z"},
    )

    seen = await status_of(shop, order, OPERATIONS)

    assert seen is not None
    assert seen["placedAt"].startswith("2018-01-02T03:04:05")
    assert seen["deliverBy"]["latest"].startswith("2018-01-20T00:00:00")
    assert (seen["subtotal"], seen["shippingTotal"], seen["total"]) == (money("9.50"), money("3.25"), money("12.75"))
