"""What customers are told of a real order's life: through the API, by a worker, to a real SMTP server."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
import orjson
import pytest

from app.settings import Settings
from app.tokens import seal
from domain.ids import new_id
from domain.viewer import Scope
from tests.api.shop import AGENT, HISTORIAN, OPERATIONS, Answer, Shop, app
from tests.api.test_options import offered
from tests.conftest import SECRET, settings_on
from tests.post import PostOffice, part, post_office

SHOP = "https://shop.example"
PREFERENCES = "customer { messagePreferences { locale optOuts { topic medium } } }"

EVENT = """
    INSERT INTO events (
        type, subject_type, subject_id, sequence, order_id, customer_id, channel_id, actor_kind, actor_id, actor_name,
        message, data, occurred_at, recorded_at
    )
    SELECT $2, $3, $4, $5, id, customer_id, channel_id, 'SYSTEM', 'test', 'test', '', $6, $7, now()
    FROM orders WHERE id = $1
"""


@pytest.fixture(scope="module")
async def office() -> AsyncIterator[PostOffice]:
    async with post_office() as office:
        yield office


@pytest.fixture(scope="module")
def settings(database_url: str, tmp_path_factory: pytest.TempPathFactory, office: PostOffice) -> Settings:
    """A system with a worker inside, which writes to customers."""
    return settings_on(database_url, tmp_path_factory.mktemp("home")).model_copy(
        update={
            "with_worker": True,
            "mail_url": office.url,
            "mail_from": "Loja <pedidos@shop.example>",
            "sms_url": "console:",
            "storefront_url": SHOP,
            "unsubscribe_url": f"{SHOP}/unsubscribe",
        }
    )


@pytest.fixture
async def log(shop: Shop, database_url: str) -> AsyncIterator["Log"]:
    connection = await asyncpg.connect(database_url)
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=_json, decoder=orjson.loads)
    yield Log(shop, connection)
    await connection.close()


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


class Log:
    """Events as others will write them, before anything here does."""

    def __init__(self, shop: Shop, connection: asyncpg.Connection) -> None:
        self.shop = shop
        self.connection = connection

    async def tell(self, order: Answer, type_: str, subject_id: Any = None, **more: Any) -> None:
        """One event of its own subject, stamped like any other."""
        data, late = more.get("data", {}), more.get("late", timedelta())
        given = (more.get("subject_type", "Test"), subject_id or new_id(), more.get("sequence", 1))
        moment = datetime.now(UTC) - late
        await self.connection.execute(EVENT, self.shop.key(order["id"]), type_, *given, data, moment)
        await self.shop.do(AGENT, "customerNoteAdd", customerId=await customer_of(self.shop, order), body="stamp it")


async def customer_of(shop: Shop, order: Answer) -> str:
    found = await shop.ask(AGENT, "query ($id: ID!) { order(id: $id) { customer { id } } }", id=order["id"])
    return str(found["order"]["customer"]["id"])


async def bought(shop: Shop, email: str, *, until: str = "confirm", locale: str | None = "en") -> Answer:
    """An order of one line for somebody, taken on to a step."""
    customer = {"email": email, "firstName": "Ana", "lastName": "Souza", "locale": locale}
    return await shop.bought(until=until, customer=customer)


async def messages_of(shop: Shop, order: Answer, wanted: int, *, pending: bool = False) -> list[Answer]:
    """An order's messages by e-mail, once there are so many and none of them is pending."""
    query = """
        query ($id: ID!) {
          order(id: $id) { messages { id kind medium status reason recipient locale title cause { __typename id } } }
        }
    """
    async with asyncio.timeout(20):
        while True:
            found = (await shop.ask(AGENT, query, id=order["id"]))["order"]["messages"]
            mails = [each for each in found if each["medium"] == "EMAIL"]
            settled = pending or all(each["status"] != "PENDING" for each in found)
            if len(mails) >= wanted and settled:
                return mails
            await asyncio.sleep(0.02)


async def history_of(shop: Shop, customer_id: str, type_: str, wanted: int) -> list[int]:
    """The numbers of a customer's events of a type, the latest first, once there are so many."""
    query = "query ($id: ID!) { customer(id: $id) { timeline(first: 50) { nodes { type sequence } } } }"
    async with asyncio.timeout(20):
        while True:
            nodes = (await shop.ask(AGENT, query, id=customer_id))["customer"]["timeline"]["nodes"]
            found = [each["sequence"] for each in nodes if each["type"] == type_]
            if len(found) >= wanted:
                return found
            await asyncio.sleep(0.02)


def told(messages: list[Answer]) -> list[tuple[str, str]]:
    return [(each["kind"], each["status"]) for each in messages]


async def hand_over(shop: Shop, order: Answer) -> None:
    await shop.do(OPERATIONS, "shipmentHandOver", ids=[order["shipments"][0]["id"]])


async def track(shop: Shop, number: str, code: str) -> None:
    moment = datetime.now(UTC).isoformat()
    said = {"carrier": "correios", "trackingNumber": number, "code": code, "occurredAt": moment}
    await shop.do(OPERATIONS, "trackingEventAdd", **said)


async def shipped(shop: Shop, email: str, number: str) -> Answer:
    """An order whose one parcel has left under a carrier's number."""
    order = await bought(shop, email, until="pack")
    work = order["fulfillmentOrders"][0]
    parcels = [{"packageId": work["packages"][0]["id"], "trackingNumber": number}]
    leaving = {"fulfillmentOrderId": work["id"], "carrier": "correios", "packages": parcels}
    await shop.do(OPERATIONS, "shipmentCreate", **leaving)
    return await shop.order(order["id"])


# -- the story -----------------------------------------------------------------------------------------------------


async def test_a_customer_is_told_of_everything_that_matters_once_and_in_their_language(
    shop: Shop, office: PostOffice
) -> None:
    email = "ana.souza@example.com"
    order = await bought(shop, email, locale="pt-BR")
    number = order["number"]
    confirmed = await office.until(email)
    assert confirmed["Subject"] == f"Seu pedido {number} foi confirmado"
    assert confirmed["From"] == "Loja <pedidos@shop.example>"
    assert confirmed["Content-Language"] == "pt-BR"
    assert confirmed["List-Unsubscribe"] is None  # nobody leaves confirmations
    assert "Olá Ana," in part(confirmed)
    assert "Total: R$\xa0100,00" in part(confirmed)
    assert "Rua Augusta 1024" in part(confirmed)
    assert f'href="{SHOP}/orders/{number}"' in part(confirmed, "html")

    for step in (shop.accept, shop.pick, shop.pack):
        order = await step(order)
    work = order["fulfillmentOrders"][0]
    parcels = [{"packageId": work["packages"][0]["id"], "trackingNumber": "BR1"}]
    await shop.do(OPERATIONS, "shipmentCreate", fulfillmentOrderId=work["id"], carrier="correios", packages=parcels)
    order = await shop.captured(order)
    await hand_over(shop, order)
    on_its_way = await office.until(email, 2)
    assert on_its_way["Subject"] == f"Seu pedido {number} está a caminho"
    assert "Código de rastreamento: BR1" in part(on_its_way)

    await track(shop, "BR1", "OUT_FOR_DELIVERY")
    assert (await office.until(email, 3))["Subject"] == f"Seu pedido {number} chega hoje"
    await shop.deliver(order)
    assert (await office.until(email, 4))["Subject"] == f"Seu pedido {number} foi entregue"

    lines = [{"orderLineId": order["lines"][0]["id"], "quantity": 1, "reason": "DOES_NOT_FIT"}]
    made = await shop.do(AGENT, "returnCreate", "return { id number lines { id } }", method="MAIL", lines=lines)
    back = made["return"]
    arrived = [{"returnLineId": back["lines"][0]["id"], "quantity": 1}]
    await shop.do(OPERATIONS, "returnReceive", id=back["id"], locationId=shop.places["SAO1"], lines=arrived)
    assert (await office.until(email, 5))["Subject"] == f"Recebemos sua devolução {back['number']}"
    found = [{**arrived[0], "condition": "LIKE_NEW", "disposition": "RESTOCK"}]
    await shop.do(OPERATIONS, "returnInspect", id=back["id"], lines=found)
    refunded = await office.until(email, 6)
    assert refunded["Subject"] == "Seu reembolso de R$ 50,00"
    assert "cartão com final 4242" in part(refunded)

    sent = await messages_of(shop, order, 6)
    assert told(sent) == [
        ("ORDER_CONFIRMED", "SENT"),
        ("SHIPPED", "SENT"),
        ("OUT_FOR_DELIVERY", "SENT"),
        ("DELIVERED", "SENT"),
        ("RETURN_RECEIVED", "SENT"),
        ("REFUNDED", "SENT"),
    ]
    assert [each["cause"]["__typename"] for each in sent] == [
        "Order", "Shipment", "Shipment", "Shipment", "Return", "Payment",
    ]  # fmt: skip
    assert {each["recipient"] for each in sent} == {email}
    assert sent[0]["title"] == confirmed["Subject"]
    assert len({mail["Message-ID"] for mail in office.to(email)}) == len(office.to(email)) == 6
    assert (await history_of(shop, await customer_of(shop, order), "MESSAGE_SENT", 6)) == [1] * 6


async def test_who_was_to_fetch_goods_that_are_not_there_is_told_not_to_come(shop: Shop, office: PostOffice) -> None:
    email, sku = "fetches@example.com", await shop.variant(RIO1=3)
    (pickup,) = [each for each in await offered(shop, (sku, 3)) if each["kind"] == "PICKUP"]
    order = await shop.confirm(await shop.place((sku, 3), email=email, fulfillmentOptionId=pickup["id"]))
    (work,) = order["fulfillmentOrders"]
    lines = [{"fulfillmentOrderLineId": work["lines"][0]["id"], "quantity": 2, "reason": "NOT_FOUND"}]
    await shop.do(OPERATIONS, "fulfillmentOrderReject", id=work["id"], lines=lines)
    mail = await office.until(email, 2)
    assert mail["Subject"] == f"Please do not come yet: your order {order['number']}"
    assert f"2 × {sku.title()}" in part(mail)
    assert told(await messages_of(shop, order, 2)) == [("ORDER_CONFIRMED", "SENT"), ("PICKUP_DECLINED", "SENT")]


async def test_what_exceptions_and_counters_will_say_is_told_too(shop: Shop, office: PostOffice, log: Log) -> None:
    email = "later@example.com"
    order = await bought(shop, email)
    work = shop.key(order["fulfillmentOrders"][0]["id"])
    counted = "UPDATE fulfillment_orders SET event_sequence = event_sequence + 1 WHERE id = $1 RETURNING event_sequence"
    number = await log.connection.fetchval(counted, work)
    ready = {"subject_type": "FulfillmentOrder", "sequence": number}
    await log.tell(order, "EXCEPTION_RAISED", data={"kind": "LATE_PICK"})
    await log.tell(order, "EXCEPTION_RAISED", data={"kind": "PROMISE_AT_RISK"})
    await log.tell(order, "EXCEPTION_RAISED", data={"kind": "PROMISE_AT_RISK"})  # its twin
    await log.tell(order, "FULFILLMENT_ORDER_READY_FOR_PICKUP", work, **ready)
    await office.until(email, 3)
    sent = await messages_of(shop, order, 3)
    assert told(sent) == [("ORDER_CONFIRMED", "SENT"), ("DELAYED", "SENT"), ("READY_FOR_PICKUP", "SENT")]
    subjects = [mail["Subject"] for mail in office.to(email)]
    assert subjects[1:] == [
        f"Your order {order['number']} may be late",
        f"Your order {order['number']} is ready to be picked up",
    ]


# -- once ----------------------------------------------------------------------------------------------------------


async def test_scans_that_come_twice_or_late_tell_nothing_twice_and_nothing_old(shop: Shop, office: PostOffice) -> None:
    email = "scans@example.com"
    order = await shipped(shop, email, "BR-SCANS")
    for code in ("PICKED_UP", "IN_TRANSIT", "IN_TRANSIT", "OUT_FOR_DELIVERY", "ATTEMPTED", "OUT_FOR_DELIVERY"):
        await track(shop, "BR-SCANS", code)
    await office.until(email, 3)
    await track(shop, "BR-SCANS", "DELIVERED")
    await office.until(email, 4)
    await track(shop, "BR-SCANS", "IN_TRANSIT")
    skipping = await shipped(shop, "skips@example.com", "BR-SKIPS")
    await track(shop, "BR-SKIPS", "OUT_FOR_DELIVERY")
    await track(shop, "BR-SKIPS", "PICKED_UP")  # a scan of yesterday
    await shop.deliver(skipping)

    assert told(await messages_of(shop, skipping, 3)) == [
        ("ORDER_CONFIRMED", "SENT"),
        ("OUT_FOR_DELIVERY", "SENT"),
        ("DELIVERED", "SENT"),
    ]
    assert told(await messages_of(shop, order, 4)) == [
        ("ORDER_CONFIRMED", "SENT"),
        ("SHIPPED", "SENT"),
        ("OUT_FOR_DELIVERY", "SENT"),
        ("DELIVERED", "SENT"),
    ]
    assert len(office.to(email)) == 4


async def test_nobody_is_told_of_history(shop: Shop, office: PostOffice) -> None:
    past = (datetime.now(UTC) - timedelta(days=3)).isoformat()
    sku = await shop.variant(SAO1=5)
    placed = await shop.place((sku, 1), viewer=HISTORIAN, email="history@example.com", placedAt=past)
    await shop.do(HISTORIAN, "orderConfirm", id=placed["id"], occurredAt=past)
    await bought(shop, "news@example.com")
    await office.until("news@example.com")  # the log is read in order: what came before was passed by
    assert await messages_of(shop, placed, 0) == []


# -- what cannot be sent -------------------------------------------------------------------------------------------


async def test_what_a_mail_server_refuses_for_good_fails_with_its_words(shop: Shop, office: PostOffice) -> None:
    email = "nobody@example.com"
    office.replies[email] = ["550 5.1.1 no such user"]
    (message,) = await messages_of(shop, await bought(shop, email), 1)
    assert (message["status"], message["reason"]) == ("FAILED", "550 5.1.1 no such user")
    assert office.to(email) == []


async def test_what_a_mail_server_puts_off_is_tried_again_under_the_same_id(shop: Shop, office: PostOffice) -> None:
    email = "busy@example.com"
    office.replies[email] = ["451 4.7.1 come back later"]
    order = await bought(shop, email)
    mail = await office.until(email)
    (message,) = await messages_of(shop, order, 1)
    assert (message["status"], message["reason"]) == ("SENT", None)
    assert mail["Message-ID"] == f"<{message['id']}@shop.example>"


@pytest.mark.parametrize("email", ["not an address", "a@b@example.com", "x@example.com\r\nBcc: all@example.com"])
async def test_what_is_no_address_fails_and_injects_nothing(shop: Shop, office: PostOffice, email: str) -> None:
    before = len(office.mails)
    (message,) = await messages_of(shop, await bought(shop, email), 1)
    assert message["status"] == "FAILED"
    assert message["reason"].startswith("no e-mail address: ")
    assert len(office.mails) == before


async def test_names_are_escaped_and_links_in_names_are_not_passed_on(shop: Shop, office: PostOffice) -> None:
    sku = shop.new("SKU")
    prices = [{"channel": "web", "price": {"amount": "5.00", "currency": "BRL"}}]
    name = '<b>Cup</b> & "saucer"'
    await shop.do(OPERATIONS, "variantsSet", variants=[{"sku": sku, "name": name, "prices": prices}])
    await shop.count(sku, "SAO1", 5)
    customer = {"email": "trick@example.com", "firstName": "win at http://evil.example", "locale": "en"}
    order = await shop.place((sku, 1), customer=customer)
    await shop.confirm(order)
    mail = await office.until("trick@example.com")
    assert "&lt;b&gt;Cup&lt;/b&gt; &amp; &#34;saucer&#34;" in part(mail, "html")
    assert name in part(mail)
    assert "evil" not in part(mail) + part(mail, "html")
    assert part(mail).startswith("Hello,\n")


async def test_an_order_without_an_address_tells_nobody(shop: Shop) -> None:
    sku = await shop.variant(SAO1=5)
    order = await shop.confirm(await shop.place((sku, 1), customer={"firstName": "Walk-in"}))
    (message,) = await messages_of(shop, order, 1)
    assert (message["status"], message["reason"], message["recipient"]) == ("SUPPRESSED", "no address", None)


# -- what customers choose -----------------------------------------------------------------------------------------


async def test_a_customer_who_left_a_topic_is_told_the_rest(shop: Shop, office: PostOffice) -> None:
    email = "quiet@example.com"
    order = await shipped(shop, email, "BR-QUIET")
    customer = shop.signed_in(await customer_of(shop, order))
    left = [{"topic": "DELIVERY", "medium": "EMAIL"}, {"topic": "ORDER", "medium": "SMS"}]
    chosen = await shop.do(
        customer, "customerMessagePreferencesSet", PREFERENCES,
        customerId=await customer_of(shop, order), locale="pt-BR", optOuts=left,
    )  # fmt: skip
    assert chosen["customer"]["messagePreferences"] == {"locale": "pt-BR", "optOuts": left}
    await hand_over(shop, order)
    again = await bought(shop, email)  # in English, says the order; the customer says otherwise
    await office.until(email, 2)

    assert told(await messages_of(shop, order, 2)) == [("ORDER_CONFIRMED", "SENT"), ("SHIPPED", "SUPPRESSED")]
    (second,) = await messages_of(shop, again, 1)
    assert (second["status"], second["locale"]) == ("SENT", "pt-BR")
    query = "query ($id: ID!) { customer(id: $id) { messages(first: 2) { totalCount nodes { medium } } } }"
    seen = (await shop.ask(AGENT, query, id=await customer_of(shop, order)))["customer"]["messages"]
    assert seen["totalCount"] == 6  # three by e-mail, and as many text messages that have no number to go to
    own = await shop.ask(customer, query, id=await customer_of(shop, order))
    assert own["customer"]["messages"]["totalCount"] == 0


async def test_the_call_centre_chooses_for_a_customer_and_what_is_left_out_stays(shop: Shop) -> None:
    id_ = await customer_of(shop, await bought(shop, shop.new("caller") + "@example.com"))
    left = [{"topic": "RETURN", "medium": "EMAIL"}]
    first = await shop.do(AGENT, "customerMessagePreferencesSet", PREFERENCES, customerId=id_, optOuts=left)
    second = await shop.do(AGENT, "customerMessagePreferencesSet", PREFERENCES, customerId=id_, locale="en")
    third = await shop.do(AGENT, "customerMessagePreferencesSet", PREFERENCES, customerId=id_, optOuts=[])
    assert [each["customer"]["messagePreferences"] for each in (first, second, third)] == [
        {"locale": None, "optOuts": left},
        {"locale": "en", "optOuts": left},
        {"locale": "en", "optOuts": []},
    ]
    chosen = await history_of(shop, id_, "CUSTOMER_MESSAGES_CHOSEN", 3)
    assert chosen == [3, 2, 1]


async def test_who_may_not_choose_is_refused(shop: Shop) -> None:
    id_ = await customer_of(shop, await bought(shop, shop.new("other") + "@example.com"))
    somebody = await shop.customer()
    owed = [{"topic": "ORDER", "medium": "EMAIL"}]
    assert await shop.refused(somebody, "customerMessagePreferencesSet", customerId=id_, optOuts=[]) == {
        "code": "NOT_FOUND", "field": ["customerId"], "noun": "Customer", "id": id_,
    }  # fmt: skip
    assert await shop.refused(AGENT, "customerMessagePreferencesSet", customerId=id_, optOuts=owed) == {
        "code": "INVALID_INPUT",
        "field": ["optOuts", "0"],
        "reason": "confirmations and refunds are always sent by e-mail",
    }
    assert await shop.refused(AGENT, "customerMessagePreferencesSet", customerId=id_, locale="Portuguese") == {
        "code": "INVALID_INPUT",
        "field": ["locale"],
        "reason": "a locale is a language and perhaps a country, such as pt-BR",
    }
    reader = app(Scope.ORDERS_READ)
    assert (await shop.refused(reader, "customerMessagePreferencesSet", customerId=id_))["scope"] == "messages:choose"


async def test_the_link_in_a_mail_leaves_its_topic_without_signing_in(shop: Shop, office: PostOffice) -> None:
    email = "one-click@example.com"
    order = await shipped(shop, email, "BR-CLICK")
    await hand_over(shop, order)
    mail = await office.until(email, 2)
    url = mail["List-Unsubscribe"].strip("<>")
    assert url.startswith(f"{SHOP}/unsubscribe?token=")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert url in part(mail)
    token = parse_qs(urlsplit(url).query)["token"][0]

    key = shop.new("key")
    for _ in range(2):  # mail clients click twice
        left = await shop.do(shop.shopper(), "messagesUnsubscribe", "topic medium", token=token, idempotencyKey=key)
        assert left == {"topic": "DELIVERY", "medium": "EMAIL"}
    await shop.deliver(order)
    assert told(await messages_of(shop, order, 3))[-1] == ("DELIVERED", "SUPPRESSED")
    refused = await shop.refused(shop.shopper(), "messagesUnsubscribe", token=token[:-2])
    assert refused == {"code": "INVALID_INPUT", "field": ["token"], "reason": "this is no link of ours"}
    unknown = seal({"customer": str(new_id()), "topic": "DELIVERY", "medium": "EMAIL"}, SECRET)
    gone = await shop.refused(shop.shopper(), "messagesUnsubscribe", token=unknown)
    assert gone["reason"] == "this customer is not there any more"
    opened = await shop.post(token, "{ viewer { kind } }")
    assert opened.status_code == 401  # it opens nothing else


async def test_an_odd_locale_is_refused_where_it_is_given(shop: Shop) -> None:
    sku = await shop.variant(SAO1=1)
    odd = {"code": "INVALID_INPUT", "reason": "a locale is a language and perhaps a country, such as pt-BR"}
    order = {"channel": "web", "lines": [{"sku": sku, "quantity": 1}], "customer": {"locale": "../../etc"}}
    channel = {"code": "odd", "name": "Odd", "currency": "BRL", "timeZone": "UTC", "locale": "pt_BR"}
    assert await shop.refused(OPERATIONS, "orderPlace", **order) == {**odd, "field": ["customer", "locale"]}
    assert await shop.refused(OPERATIONS, "channelSet", **channel) == {**odd, "field": ["locale"]}


async def test_the_channel_says_the_language_where_nobody_else_does(shop: Shop, office: PostOffice) -> None:
    web = {"code": "web", "name": "Web", "currency": "BRL", "timeZone": "America/Sao_Paulo"}
    made = await shop.do(OPERATIONS, "channelSet", "channel { locale }", **web, locale="pt-BR")
    kept = await shop.do(OPERATIONS, "channelSet", "channel { locale }", **web)
    assert made["channel"]["locale"] == kept["channel"]["locale"] == "pt-BR"
    order = await bought(shop, "silent@example.com", locale=None)
    assert (await office.until("silent@example.com"))["Content-Language"] == "pt-BR"
    (message,) = await messages_of(shop, order, 1)
    assert message["locale"] == "pt-BR"
