"""How an order can reach its buyer: options with a price and a promise, quoted, and honoured when it is placed."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from app.tokens import seal
from domain import options
from tests.api.shop import ADDRESS, AGENT, OPERATIONS, PLACES, Answer, Shop, money
from tests.conftest import SECRET

PAC: Answer = {"service": "PAC", "base": "10.00", "perKg": "2.00", "perKgPer1000Km": "5.00", "firstDays": 5}
SEDEX: Answer = {"service": "SEDEX", "base": "25.00", "perKg": "4.00", "firstDays": 1}

ORDER = """query ($id: ID!) { order(id: $id) {
  adjustments { kind amount { amount } } total { amount } deliverBy { earliest latest confidence }
  fulfillmentOrders { kind service location { code } lines { sku quantity } }
} }"""


@pytest.fixture(autouse=True)
async def set_up(shop: Shop) -> None:
    """A slow service and a fast one, of which only the fast one has a price; locations that ship at once."""
    for code, (kind, latitude, longitude) in PLACES.items():
        place = {"kind": kind, "latitude": latitude, "longitude": longitude, "channels": ["web"], "handlingDays": 0}
        await shop.do(OPERATIONS, "locationSet", code=code, name=code, **place)
    await shop.do(OPERATIONS, "carrierRatesSet", carrier="post", currency="BRL", rates=[PAC, SEDEX])
    await priced(shop, SEDEX="29.90")


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def priced(shop: Shop, **prices: str) -> Answer:
    given = [{"service": service, "price": money(amount)} for service, amount in prices.items()]
    return await shop.do(
        OPERATIONS, "shippingPricesSet", "channel { shippingPrices { service price { amount currency } } }",
        channel="web", prices=given,
    )  # fmt: skip


async def offered(shop: Shop, *lines: tuple[str, int], viewer: Any = None, **variables: Any) -> list[Answer]:
    """The contract's operation."""
    wanted = [{"sku": sku, "quantity": units} for sku, units in lines]
    given = {"lines": wanted, "destination": ADDRESS, **variables}
    return await shop.contract(viewer or shop.shopper(), "FulfillmentOptions", **given)  # type: ignore[no-any-return]


def labelled(found: list[Answer], label: str) -> Answer:
    (option,) = [each for each in found if label in each["labels"]]
    return option


async def bought(shop: Shop, option: Answer, *lines: tuple[str, int], **input: Any) -> Answer:
    placed = await shop.place(*lines, viewer=shop.shopper(), fulfillmentOptionId=option["id"], **input)
    found = await shop.ask(OPERATIONS, ORDER, id=placed["id"])
    order: Answer = found["order"]
    charged = [each["amount"]["amount"] for each in order["adjustments"] if each["kind"] == "SHIPPING"]
    return {**order, "shipping": charged[0] if charged else "0.00"}


async def refused(shop: Shop, option: Answer, *lines: tuple[str, int], **input: Any) -> Answer:
    wanted = [{"sku": sku, "quantity": units} for sku, units in lines]
    given = {"channel": "web", "lines": wanted, "customer": {"email": "x@example.com"}, "shippingAddress": ADDRESS}
    return await shop.refused(shop.shopper(), "orderPlace", **{**given, "fulfillmentOptionId": option["id"], **input})


# -- offered -----------------------------------------------------------------------------------------------------------


async def test_fast_costs_more_than_slow_and_both_say_when(shop: Shop) -> None:
    sku = await shop.variant(SAO1=5)
    found = await offered(shop, (sku, 2))
    fast, cheap = labelled(found, "FASTEST"), labelled(found, "CHEAPEST")
    assert fast["price"] == money("29.90")
    assert cheap["price"] == money("0.00")
    assert fast["deliverBy"]["latest"] < cheap["deliverBy"]["latest"]
    assert [parcel["service"] for parcel in fast["parcels"] + cheap["parcels"]] == ["SEDEX", "PAC"]
    assert [parcel["lines"] for parcel in cheap["parcels"]] == [[{"sku": sku, "quantity": 2}]]
    assert {each["kind"] for each in found} == {"DELIVERY"}
    expires = datetime.fromisoformat(fast["expiresAt"]) - datetime.now(UTC)
    assert timedelta(minutes=29) < expires < timedelta(minutes=31)


async def test_one_way_that_is_best_at_everything_is_one_option(shop: Shop) -> None:
    await shop.do(OPERATIONS, "carrierRatesSet", carrier="post", currency="BRL", rates=[PAC])
    sku = await shop.variant(SAO1=5)
    (option,) = await offered(shop, (sku, 1))
    assert option["labels"] == ["FASTEST", "CHEAPEST", "FEWEST_PARCELS"]


async def test_few_parcels_may_cost_the_merchant_more(shop: Shop) -> None:
    one, other = await shop.variant(SAO1=5, CWB1=5), await shop.variant(RIO1=5, CWB1=5)
    near = {**PAC, "base": "1.00", "perKgPer1000Km": "500.00"}
    await shop.do(OPERATIONS, "carrierRatesSet", carrier="post", currency="BRL", rates=[near])
    live = {"name": "split", "channel": "web", "splitPenalty": money("0.00")}
    made = await shop.do(OPERATIONS, "routingRulesetActivate", "ruleset { id }", ruleset=live)
    found = await offered(shop, (one, 1), (other, 1), viewer=OPERATIONS)
    few, cheap = labelled(found, "FEWEST_PARCELS"), labelled(found, "CHEAPEST")
    assert (len(few["parcels"]), len(cheap["parcels"])) == (1, 2)
    assert float(few["cost"]["amount"]) > float(cheap["cost"]["amount"])
    await shop.do(OPERATIONS, "routingRulesetRetire", id=made["ruleset"]["id"])


async def test_as_few_parcels_as_can_be_may_still_be_several(shop: Shop) -> None:
    either, here, there = await shop.variant(SAO1=5, CWB1=5), await shop.variant(CWB1=5), await shop.variant(RIO1=5)
    near = {**PAC, "base": "0.00", "perKg": "0.00", "perKgPer1000Km": "0.50"}
    await shop.do(OPERATIONS, "carrierRatesSet", carrier="post", currency="BRL", rates=[near])
    live = {"name": "split", "channel": "web", "splitPenalty": money("0.00")}
    made = await shop.do(OPERATIONS, "routingRulesetActivate", "ruleset { id }", ruleset=live)
    found = await offered(shop, (either, 1), (here, 1), (there, 1))
    few, cheap = labelled(found, "FEWEST_PARCELS"), labelled(found, "CHEAPEST")
    assert (len(few["parcels"]), len(cheap["parcels"])) == (2, 3)
    await shop.do(OPERATIONS, "routingRulesetRetire", id=made["ruleset"]["id"])


async def test_what_it_costs_the_merchant_is_told_to_those_who_may_know(shop: Shop) -> None:
    sku = await shop.variant(SAO1=5)
    (cost,) = {each["cost"] is None for each in await offered(shop, (sku, 1))}
    assert cost
    told = await offered(shop, (sku, 1), viewer=OPERATIONS)
    assert all(float(each["cost"]["amount"]) > 0 for each in told)
    assert told[0]["parcels"][0]["location"]["name"] == "SAO1"


async def test_stores_that_have_everything_can_be_fetched_from(shop: Shop) -> None:
    both, half = await shop.variant(RIO1=3, SAO1=9), await shop.variant(RIO1=1, SAO1=9)
    pickup = labelled(await offered(shop, (both, 3)), "PICKUP")
    assert (pickup["kind"], pickup["price"]) == ("PICKUP", money("0.00"))
    assert [parcel["location"]["name"] for parcel in pickup["parcels"]] == ["RIO1"]
    assert pickup["deliverBy"]["latest"] > datetime.now(UTC).isoformat()
    assert not [each for each in await offered(shop, (both, 1), (half, 2)) if each["kind"] == "PICKUP"]


async def test_what_nobody_has_is_refused_with_what_is_missing(shop: Shop) -> None:
    sku = await shop.variant(SAO1=1)
    query = """query ($input: FulfillmentOptionsInput!) { fulfillmentOptions(input: $input) { id } }"""
    for lines, code in (
        ([{"sku": sku, "quantity": 2}], "INSUFFICIENT_STOCK"),
        ([{"sku": "nothing", "quantity": 1}], "UNKNOWN_SKU"),
        ([], "INVALID_INPUT"),
    ):
        asked = {"channel": "web", "lines": lines, "destination": ADDRESS}
        answer = (await shop.post(shop.shopper(), query, {"input": asked})).json()
        assert answer["data"] == {"fulfillmentOptions": None}
        assert [error["extensions"]["code"] for error in answer["errors"]] == [code]
    abroad = {"channel": "abroad", "lines": [{"sku": sku, "quantity": 1}], "destination": ADDRESS}
    answer = (await shop.post(shop.shopper(), query, {"input": abroad})).json()
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["NOT_FOUND"]


async def test_both_executors_offer_the_same(shop: Shop) -> None:
    sku = await shop.variant(SAO1=5, RIO1=5)
    asked = """query ($input: FulfillmentOptionsInput!) {
      %s fulfillmentOptions(input: $input) {
        __typename labels kind price { amount currency } cost { amount currency }
        deliverBy { earliest latest confidence }
        parcels { __typename location { id name code } lines { sku quantity } service shipBy }
      }
    }"""
    given = {"channel": "web", "lines": [{"sku": sku, "quantity": 1}], "destination": ADDRESS}
    compiled = await shop.ask(OPERATIONS, asked % "", input=given)
    ordinary = await shop.ask(OPERATIONS, asked % "__schema { queryType { name } }", input=given)  # does not compile
    for option in (*compiled["fulfillmentOptions"], *ordinary["fulfillmentOptions"]):
        option["deliverBy"].pop("earliest")  # of goods to be fetched: from now on
    assert compiled["fulfillmentOptions"] == ordinary["fulfillmentOptions"]
    assert len(compiled["fulfillmentOptions"]) == 3


# -- honoured ----------------------------------------------------------------------------------------------------------


async def test_an_order_by_an_option_has_its_price_its_promise_and_its_service(shop: Shop) -> None:
    sku = await shop.variant("50.00", SAO1=5)
    fast = labelled(await offered(shop, (sku, 2)), "FASTEST")
    await priced(shop, SEDEX="99.00")  # what was quoted stays as it was
    order = await bought(shop, fast, (sku, 2), expectedTotal=money("129.90"))
    assert (order["shipping"], order["total"]) == ("29.90", {"amount": "129.90"})
    assert order["deliverBy"] == fast["deliverBy"]
    assert [(work["service"], work["kind"]) for work in order["fulfillmentOrders"]] == [("SEDEX", "DELIVERY")]


async def test_placing_as_the_contract_says_takes_an_option(shop: Shop) -> None:
    sku = await shop.variant(SAO1=5)
    cheap = labelled(await offered(shop, (sku, 2)), "CHEAPEST")
    variables = {"idempotencyKey": shop.new("key"), "email": "ana@example.com", "sku": sku, "address": ADDRESS}
    placed = await shop.contract(shop.shopper(), "PlaceOrder", **variables, optionId=cheap["id"])
    assert placed["userErrors"] == []
    again = await shop.contract(shop.shopper(), "PlaceOrder", **variables, optionId=cheap["id"])
    assert again["order"]["id"] == placed["order"]["id"]


async def test_an_order_to_be_fetched_waits_at_its_store(shop: Shop) -> None:
    sku = await shop.variant(RIO1=3, SAO1=9)
    pickup = labelled(await offered(shop, (sku, 2)), "PICKUP")
    order = await bought(shop, pickup, (sku, 2))
    assert [(work["kind"], work["location"]["code"]) for work in order["fulfillmentOrders"]] == [("PICKUP", "RIO1")]
    assert (await shop.stock(sku))["RIO1"] == {"onHand": 3, "available": 1, "allocated": 2}


async def test_where_the_quoted_goods_are_gone_others_keep_the_promise(shop: Shop) -> None:
    sku = await shop.variant(SAO1=1, CWB1=1)
    fast = labelled(await offered(shop, (sku, 1)), "FASTEST")
    await shop.place((sku, 1))  # takes what lies nearest
    order = await bought(shop, fast, (sku, 1))
    assert order["shipping"] == "29.90"
    assert order["deliverBy"] == fast["deliverBy"]
    assert [work["location"]["code"] for work in order["fulfillmentOrders"]] == ["CWB1"]


async def test_where_nothing_keeps_the_promise_it_is_refused_and_nothing_is_taken(shop: Shop) -> None:
    sku = await shop.variant(SAO1=1, CWB1=1)
    fast = labelled(await offered(shop, (sku, 1)), "FASTEST")
    await shop.place((sku, 1))
    await shop.do(OPERATIONS, "carrierRatesSet", carrier="post", currency="BRL", rates=[PAC])
    refusal = await refused(shop, fast, (sku, 1))
    assert (refusal["code"], refusal["field"]) == ("QUOTE_NOT_AVAILABLE", ["fulfillmentOptionId"])
    assert (await shop.stock(sku))["CWB1"] == {"onHand": 1, "available": 1}
    pickup = labelled(await offered(shop, (other := await shop.variant(RIO1=1), 1)), "PICKUP")
    await shop.place((other, 1))
    assert (await refused(shop, pickup, (other, 1)))["code"] == "QUOTE_NOT_AVAILABLE"


async def test_units_are_kept_by_a_reservation_and_the_quote_is_for_its_cart_alone(shop: Shop) -> None:
    sku = await shop.variant(SAO1=2)
    cart = (
        await shop.do(
            shop.shopper(), "stockReserve", "reservation { id }", channel="web", reference=shop.new("cart"),
            lines=[{"sku": sku, "quantity": 2}],
        )
    )["reservation"]["id"]  # fmt: skip
    found = await offered(shop, (sku, 2), reservationId=cart)
    cheap = labelled(found, "CHEAPEST")
    refusal = await refused(shop, cheap, (sku, 2))
    assert (refusal["code"], refusal["field"]) == ("QUOTE_MISMATCH", ["reservationId"])
    order = await bought(shop, cheap, (sku, 2), reservationId=cart)
    assert [work["location"]["code"] for work in order["fulfillmentOrders"]] == ["SAO1"]


async def test_a_quote_is_for_its_lines_and_its_destination(shop: Shop) -> None:
    sku = await shop.variant(SAO1=9)
    cheap = labelled(await offered(shop, (sku, 2)), "CHEAPEST")
    refusal = await refused(shop, cheap, (sku, 3))
    assert (refusal["code"], refusal["field"]) == ("QUOTE_MISMATCH", ["lines"])
    elsewhere = {**ADDRESS, "city": "Manaus", "postalCode": "69005-010"}
    refusal = await refused(shop, cheap, (sku, 2), shippingAddress=elsewhere)
    assert (refusal["code"], refusal["field"]) == ("QUOTE_MISMATCH", ["shippingAddress"])
    next_door = {**ADDRESS, "line1": "Rua Augusta 1026", "line2": "apto 9", "postalCode": "01304001"}
    assert (await bought(shop, cheap, (sku, 1), (sku, 1), shippingAddress=next_door))["deliverBy"] == cheap["deliverBy"]


async def test_a_quote_that_was_tampered_with_was_never_given_out(shop: Shop) -> None:
    sku = await shop.variant(SAO1=9)
    cheap = labelled(await offered(shop, (sku, 2)), "CHEAPEST")
    for forged in (cheap["id"][:-2] + "xx", "opt_nothing", "nothing", seal({"customer": "x"}, SECRET)):
        refusal = await refused(shop, {"id": forged}, (sku, 2))
        assert (refusal["code"], refusal["noun"]) == ("NOT_FOUND", "FulfillmentOption")


async def test_a_quote_that_is_over_is_refused_with_when(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    sku = await shop.variant(SAO1=9)
    monkeypatch.setattr("resolvers.options.LASTS", timedelta(seconds=-5))
    cheap = labelled(await offered(shop, (sku, 2)), "CHEAPEST")
    refusal = await refused(shop, cheap, (sku, 2))
    assert (refusal["code"], refusal["field"]) == ("QUOTE_EXPIRED", ["fulfillmentOptionId"])


async def test_quotes_are_short(shop: Shop) -> None:
    skus = [await shop.variant(SAO1=9) for _ in range(20)]
    found = await offered(shop, *((sku, 2) for sku in skus))
    assert max(len(each["id"]) for each in found) < 1_000


async def test_shipping_prices_are_set_all_at_once(shop: Shop) -> None:
    told = await priced(shop, PAC="9.90", SEDEX="19.90")
    assert told["channel"]["shippingPrices"] == [
        {"service": "PAC", "price": money("9.90")},
        {"service": "SEDEX", "price": money("19.90")},
    ]
    assert (await priced(shop, PAC="8.00"))["channel"]["shippingPrices"] == [{"service": "PAC", "price": money("8.00")}]
    for price, code in ((money("1.00", "USD"), "CURRENCY_MISMATCH"), (money("-1.00"), "INVALID_INPUT")):
        given = [{"service": "PAC", "price": price}]
        assert (await shop.refused(OPERATIONS, "shippingPricesSet", channel="web", prices=given))["code"] == code
    assert (await shop.refused(AGENT, "shippingPricesSet", channel="web", prices=[]))["code"] == "FORBIDDEN"


def test_a_quote_reads_as_it_was_written() -> None:
    assert options.lines_digest([("A", 1), ("B", 2), ("A", 1)]) == options.lines_digest([("B", 2), ("A", 2)])
    assert options.lines_digest([("A", 1)]) != options.lines_digest([("A", 2)])
