"""What if: past orders by other rules, asked as operations ask."""

import itertools
from typing import Any

import pytest

from domain.viewer import Scope
from tests.api.shop import AGENT, HISTORIAN, OPERATIONS, Answer, Shop, app, money

FIGURES = "{ cost { amount currency } parcels splitRate onTimeRate averageDistanceKm unfilledUnits }"
SIMULATION = f"""
    orders changedCount current {FIGURES} proposed {FIGURES}
    changed(first: 50) {{ order {{ id }} from {{ code }} to {{ code }} costDelta {{ amount }} }}
"""
ASKED = f"query ($input: RoutingSimulationInput!) {{ routingSimulation(input: $input) {{ {SIMULATION} }} }}"
NOT_FROM_SAO1 = {
    "name": "not from SAO1",
    "channel": "web",
    "rules": [{"name": "no-sao1", "where": {"locationCodes": ["SAO1"]}, "effect": {"exclude": True}}],
}
AS_THEY_ARE = {"name": "as they are", "channel": "web"}

days = itertools.count(1)


class Day:
    """A day of its own for a test's orders."""

    def __init__(self) -> None:
        number = next(days)
        self.first = f"2018-05-{number:02}T00:00:00Z"
        self.noon = f"2018-05-{number:02}T12:00:00Z"
        self.end = f"2018-05-{number + 1:02}T00:00:00Z"

    def input(self, ruleset: Answer, **orders: Any) -> Answer:
        """The input of a simulation of that day."""
        return {"orders": {"placedFrom": self.first, "placedTo": self.end, **orders}, "ruleset": ruleset}


@pytest.fixture
def day() -> Day:
    return Day()


async def priced(shop: Shop, currency: str = "BRL") -> None:
    """Say what a carrier charges."""
    rates = [
        {
            "service": "PAC",
            "base": "10.00",
            "perKg": "1.00",
            "perKgPer1000Km": "8.00",
            "firstDays": 2,
            "kmPerDay": 500.0,
        }
    ]
    await shop.do(OPERATIONS, "carrierRatesSet", carrier="correios", currency=currency, rates=rates)


@pytest.fixture(scope="module", autouse=True)
async def rates(shop: Shop) -> None:
    """What carriers charge is known."""
    await priced(shop)


async def simulated(shop: Shop, input: Answer) -> Answer:
    return (await shop.ask(OPERATIONS, ASKED, input=input))["routingSimulation"]  # type: ignore[no-any-return]


async def refused(shop: Shop, input: Answer, viewer: Any = OPERATIONS) -> Answer:
    """The one error of a query that is refused, beside a field that is null."""
    answer = (await shop.post(viewer, ASKED, {"input": input})).json()
    assert answer["data"] == {"routingSimulation": None}
    (error,) = answer["errors"]
    assert error["path"] == ["routingSimulation"]
    return error["extensions"]  # type: ignore[no-any-return]


# -- small ones --------------------------------------------------------------------------------------------------------


async def test_operations_ask_what_if_word_for_word(shop: Shop) -> None:
    sku = await shop.variant(SAO1=5, RIO1=5)
    order = await shop.place((sku, 1), viewer=HISTORIAN, placedAt="2018-05-01T03:00:00Z")
    next(days)

    found = await shop.contract(OPERATIONS, "WhatIf", ruleset=NOT_FROM_SAO1)

    assert found["orders"] == 1
    (change,) = found["changed"]
    assert change["order"] == {"id": order["id"], "number": order["number"]}
    assert [each["code"] for each in change["from"]] == ["SAO1"]
    assert [each["code"] for each in change["to"]] == ["RIO1"]
    assert found["proposed"]["averageDistanceKm"] > found["current"]["averageDistanceKm"]


async def test_it_tells_what_other_rules_would_cost_and_which_orders_they_change(shop: Shop, day: Day) -> None:
    heavy, light = await shop.variant(SAO1=50, CWB1=50), await shop.variant(CWB1=50)
    moved = await shop.place((heavy, 3), viewer=HISTORIAN, placedAt=day.noon)
    await shop.place((light, 1), viewer=HISTORIAN, placedAt=day.noon)

    found = await simulated(shop, day.input(NOT_FROM_SAO1))

    assert (found["orders"], found["changedCount"]) == (2, 1)
    (change,) = found["changed"]
    assert change["order"] == {"id": moved["id"]}
    assert ([each["code"] for each in change["from"]], [each["code"] for each in change["to"]]) == (["SAO1"], ["CWB1"])
    difference = float(found["proposed"]["cost"]["amount"]) - float(found["current"]["cost"]["amount"])
    assert round(difference, 2) == float(change["costDelta"]["amount"])
    assert found["current"]["parcels"] == found["proposed"]["parcels"] == 2
    assert found["current"]["splitRate"] == 0.0


async def test_rules_that_are_nowhere_yet_fill_what_they_would_fill_when_they_are_live(shop: Shop, day: Day) -> None:
    here, there = await shop.variant(SAO1=5), await shop.variant(RIO1=5)
    await shop.place((here, 1), (there, 1), viewer=HISTORIAN, placedAt=day.noon)
    one_parcel = {"name": "one parcel, nearly always", "channel": "web", "splitPenalty": money("50000.00")}

    found = await simulated(shop, day.input(one_parcel))

    assert (found["proposed"]["unfilledUnits"], found["proposed"]["parcels"]) == (0, 2)


async def test_nothing_is_changed_by_it(shop: Shop, day: Day) -> None:
    sku = await shop.variant(SAO1=5, RIO1=5)
    order = await shop.place((sku, 2), viewer=HISTORIAN, placedAt=day.noon)
    before = await shop.order(order["id"]), await shop.stock(sku)

    await simulated(shop, day.input(NOT_FROM_SAO1))

    assert (await shop.order(order["id"]), await shop.stock(sku)) == before


async def test_what_the_orders_took_themselves_is_put_back_first(shop: Shop, day: Day) -> None:
    sku = await shop.variant(SAO1=3)
    shipped = await shop.place((sku, 2), viewer=HISTORIAN, placedAt=day.noon)
    await shop.advance(shipped, "ship")
    await shop.place((sku, 1), viewer=HISTORIAN, placedAt=day.noon)
    assert (await shop.stock(sku))["SAO1"].get("available") is None

    found = await simulated(shop, day.input(AS_THEY_ARE))

    assert found["current"] == found["proposed"]
    assert (found["current"]["parcels"], found["current"]["unfilledUnits"], found["changedCount"]) == (2, 0, 0)


async def test_what_an_order_ships_is_gone_for_those_after_it(shop: Shop, day: Day) -> None:
    sku = await shop.variant(SAO1=2, RIO1=1)
    for _ in range(3):
        await shop.place((sku, 1), viewer=HISTORIAN, placedAt=day.noon)

    found = await simulated(shop, day.input(NOT_FROM_SAO1))

    assert (found["current"]["unfilledUnits"], found["proposed"]["unfilledUnits"]) == (0, 2)
    assert (found["current"]["parcels"], found["proposed"]["parcels"]) == (3, 1)


async def test_what_was_canceled_is_not_shipped(shop: Shop, day: Day) -> None:
    sku = await shop.variant(SAO1=5)
    gone = await shop.place((sku, 1), viewer=HISTORIAN, placedAt=day.noon)
    less = await shop.place((sku, 4), viewer=HISTORIAN, placedAt=day.noon)
    await shop.do(OPERATIONS, "orderCancel", id=gone["id"], reason="CUSTOMER_REQUEST")
    line = {"orderLineId": less["lines"][0]["id"], "quantity": 3}
    await shop.do(OPERATIONS, "orderCancel", id=less["id"], reason="CUSTOMER_REQUEST", lines=[line])

    await shop.count(sku, "SAO1", 1)
    found = await simulated(shop, day.input(AS_THEY_ARE))

    assert (found["orders"], found["current"]["parcels"], found["current"]["unfilledUnits"]) == (1, 1, 0)


async def test_the_rate_on_time_is_of_what_was_promised(shop: Shop, day: Day) -> None:
    sku = await shop.variant(SAO1=5)
    for latest in ("2018-06-30T00:00:00Z", day.noon):
        promised = {"latest": latest}
        await shop.place((sku, 1), viewer=HISTORIAN, placedAt=day.noon, promisedDelivery=promised)
    await shop.place((sku, 1), viewer=HISTORIAN, placedAt=day.noon)  # promised by the router itself

    assert (await simulated(shop, day.input(AS_THEY_ARE)))["current"]["onTimeRate"] == 0.6667


async def test_nobody_works_on_the_public_holidays_of_then(shop: Shop) -> None:
    """Who rests on September 7th sends an order of the 6th on the 8th, and two days later it is there."""
    holidays = {"country": "BR", "subdivision": "PR"}
    for calendar, rate in ((None, 1.0), (holidays, 0.0)):
        await shop.do(OPERATIONS, "locationSet", "location { id }", code="CWB1", name="CWB1", kind="WAREHOUSE",
                      latitude=-23.5, longitude=-46.6, channels=["web"], handlingDays=1, holidayCalendar=calendar)  # fmt: skip
        if calendar is None:
            sku = await shop.variant(CWB1=5)
            promised = {"latest": "2018-09-10T02:59:59Z"}
            await shop.place((sku, 1), viewer=HISTORIAN, placedAt="2018-09-06T12:00:00Z", promisedDelivery=promised)

        orders = {"placedFrom": "2018-09-06T00:00:00Z", "placedTo": "2018-09-07T00:00:00Z"}
        found = await simulated(shop, {"orders": orders, "ruleset": AS_THEY_ARE})

        assert found["current"]["onTimeRate"] == rate
    await shop.do(OPERATIONS, "locationSet", "location { id }", code="CWB1", name="CWB1", kind="WAREHOUSE",
                  latitude=-25.4, longitude=-49.3, channels=["web"], handlingDays=None, holidayCalendar=None)  # fmt: skip


async def test_two_simulations_in_one_query_are_told_apart(shop: Shop, day: Day) -> None:
    sku = await shop.variant(SAO1=5, RIO1=5)
    await shop.place((sku, 1), viewer=HISTORIAN, placedAt=day.noon)
    asked = """query ($one: RoutingSimulationInput!, $other: RoutingSimulationInput!) {
        one: routingSimulation(input: $one) { changedCount changed { to { code } } }
        other: routingSimulation(input: $other) { changedCount changed { to { code } } }
    }"""

    found = await shop.ask(OPERATIONS, asked, one=day.input(NOT_FROM_SAO1), other=day.input(AS_THEY_ARE))

    assert found == {
        "one": {"changedCount": 1, "changed": [{"to": [{"code": "RIO1"}]}]},
        "other": {"changedCount": 0, "changed": []},
    }


async def test_a_day_without_orders_comes_to_nothing(shop: Shop, day: Day) -> None:
    found = await simulated(shop, day.input(NOT_FROM_SAO1))

    nothing = {
        "cost": money("0.00"),
        "parcels": 0,
        "splitRate": None,
        "onTimeRate": None,
        "averageDistanceKm": None,
        "unfilledUnits": 0,
    }
    assert found == {"orders": 0, "changedCount": 0, "current": nothing, "proposed": nothing, "changed": []}


async def test_money_is_not_spoken_of_where_nobody_said_what_carriers_charge(shop: Shop, day: Day) -> None:
    sku = await shop.variant(SAO1=5, RIO1=5)
    await shop.place((sku, 1), viewer=HISTORIAN, placedAt=day.noon)
    await shop.do(OPERATIONS, "carrierRatesSet", carrier="correios", currency="BRL", rates=[])

    found = await simulated(shop, day.input(NOT_FROM_SAO1))

    await priced(shop)
    assert (found["current"]["cost"], found["proposed"]["cost"]) == (None, None)
    assert [each["costDelta"] for each in found["changed"]] == [None]
    assert found["proposed"]["averageDistanceKm"] > found["current"]["averageDistanceKm"]


async def test_what_the_router_itself_promised_binds_nobody_and_is_measured_by(shop: Shop, day: Day) -> None:
    sku = await shop.variant(SAO1=5, CWB1=5)
    order = await shop.place((sku, 1), viewer=HISTORIAN, placedAt=day.noon)
    slow = {**NOT_FROM_SAO1, "lateAllowed": False}

    found = await simulated(shop, day.input(slow))

    assert order["number"]
    assert found["current"]["onTimeRate"] == 1.0
    assert found["proposed"]["unfilledUnits"] == 0


async def test_what_makes_no_sense_is_refused_in_words_for_programs(shop: Shop, day: Day) -> None:
    nowhere = await refused(shop, day.input({**AS_THEY_ARE, "channel": "nowhere"}))
    other = await refused(shop, day.input(AS_THEY_ARE, channel="abroad"))
    backwards = await refused(shop, day.input(AS_THEY_ARE, placedFrom=day.end, placedTo=day.first))
    empty = await refused(shop, day.input(AS_THEY_ARE, placedTo=day.first))
    rules = await refused(shop, day.input({**AS_THEY_ARE, "maxParcels": 0}))

    assert nowhere == {"code": "NOT_FOUND", "noun": "Channel", "id": "nowhere", "field": ["ruleset", "channel"]}
    assert (other["code"], other["field"]) == ("INVALID_INPUT", ["orders", "channel"])
    assert backwards == {
        "code": "INVALID_INPUT",
        "reason": "placedTo comes after placedFrom",
        "field": ["orders", "placedTo"],
    }
    assert empty == backwards
    assert (rules["code"], rules["field"]) == ("INVALID_INPUT", ["ruleset", "maxParcels"])


async def test_it_is_for_those_who_may_see_routing(shop: Shop, day: Day) -> None:
    forbidden = {"code": "FORBIDDEN", "scope": "routing:read", "field": None}

    for viewer in (shop.shopper(), shop.store("SAO1"), app(Scope.ORDERS_READ)):
        assert await refused(shop, day.input(AS_THEY_ARE), viewer) == forbidden
    assert (await shop.ask(AGENT, ASKED, input=day.input(AS_THEY_ARE)))["routingSimulation"] is not None


async def test_whoever_may_not_see_an_order_is_not_told_which_it_is(shop: Shop, day: Day) -> None:
    sku = await shop.variant(SAO1=5, RIO1=5)
    order = await shop.place((sku, 1), viewer=HISTORIAN, placedAt=day.noon)

    for scopes, told in (((), None), ((Scope.ORDERS_READ,), {"id": order["id"]})):
        viewer = app(Scope.ROUTING_READ, *scopes)
        found = (await shop.ask(viewer, ASKED, input=day.input(NOT_FROM_SAO1)))["routingSimulation"]
        assert [each["order"] for each in found["changed"]] == [told]
