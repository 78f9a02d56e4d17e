"""Orders are routed by what was set up, and every decision says why: costs, calendars, capacity, rules."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.api.shop import AGENT, HISTORIAN, OPERATIONS, PLACES, Answer, Shop, money

LOCAL = ZoneInfo("America/Sao_Paulo")

WHY = """query ($id: ID!) { order(id: $id) {
  deliverBy { earliest latest }
  fulfillmentOrders { id status service dueAt location { code } lines { sku quantity } }
  routing {
    strategy rulesetVersion gap
    objective { cost { amount } lateness { amount } split { amount } stock { amount } surcharge { amount } total { amount } }
    chosen { location { code } lines { sku quantity } cost { amount currency } carrier service shipBy deliverBy { earliest latest } }
    candidates { location { code } feasible rejectedBecause rule cost { amount } distanceKm capacityLeft }
    unfilled { sku quantity reason }
  }
} }"""

SLOW: Answer = {"service": "PAC", "base": "10.00", "perKg": "2.00", "perKgPer1000Km": "5.00", "firstDays": 3}
FAST: Answer = {"service": "SEDEX", "base": "25.00", "perKg": "4.00", "firstDays": 1}


async def locate(shop: Shop, code: str, **settings: Any) -> None:
    """A location of the shop with other settings; what is not named is as new."""
    kind, latitude, longitude = PLACES[code]
    bare = dict.fromkeys(("tags", "workingDays", "cutoff", "holidayCalendar", "closures", "dailyCapacity", "costs"))
    usual = {"kind": kind, "latitude": latitude, "longitude": longitude, "channels": ["web"], "handlingDays": 0}
    await shop.do(OPERATIONS, "locationSet", code=code, name=code, **{**usual, **bare, **settings})


@pytest.fixture(autouse=True)
async def set_up(shop: Shop) -> None:
    """Locations that ship at once, a slow service and a fast one, no rules."""
    for code in PLACES:
        await locate(shop, code)
    await rates(shop, SLOW, FAST)
    await rules(shop)


async def fresh(shop: Shop, **settings: Any) -> str:
    """A location that nobody was given anything yet, where SAO1 is; gives its code."""
    code = shop.new("FRESH")
    place = {"kind": "STORE", "latitude": -23.5, "longitude": -46.6, "channels": ["web"], "handlingDays": 0}
    made = await shop.do(
        OPERATIONS, "locationSet", "location { id }", code=code, name=code, **{**place, "tags": [code], **settings}
    )
    shop.places[code] = made["location"]["id"]
    return code


async def rates(shop: Shop, *rates: Answer) -> None:
    """What the post charges."""
    await shop.do(OPERATIONS, "carrierRatesSet", carrier="post", currency="BRL", rates=list(rates))


async def rules(shop: Shop, *rules: Answer, **more: Any) -> int:
    """The rules that hold; gives their version."""
    named = [{"name": f"rule {place}", "where": {}, **rule} for place, rule in enumerate(rules)]
    ruleset = {"name": "test", "channel": "web", "rules": named, **more}
    made = await shop.do(OPERATIONS, "routingRulesetActivate", "ruleset { version }", ruleset=ruleset)
    version: int = made["ruleset"]["version"]
    return version


async def why(shop: Shop, order: Answer) -> Answer:
    """Where an order's units go, and why."""
    found: Answer = (await shop.ask(OPERATIONS, WHY, id=order["id"]))["order"]
    return found


async def ships_from(shop: Shop, *lines: tuple[str, int], **given: Any) -> list[str]:
    """The locations that an order of these lines is given to."""
    found = await why(shop, await shop.place(*lines, **given))
    return sorted(each["location"]["code"] for each in found["fulfillmentOrders"])


def ends(days: int) -> str:
    """The last second of a day from today in São Paulo, as the graph tells it."""
    day = datetime.now(LOCAL).date() + timedelta(days=days)
    last = datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=LOCAL)
    return last.astimezone(UTC).isoformat()


def moments(*texts: str | None) -> list[datetime | None]:
    """Moments, however they are written."""
    return [text and datetime.fromisoformat(text) for text in texts]  # type: ignore[misc]


# -- costs ---------------------------------------------------------------------------------------------------------


async def test_the_cheapest_parcel_ships_and_the_decision_tells_each_term(shop: Shop) -> None:
    await locate(shop, "SAO1", costs=[{"packing": money("9.00"), "handling": money("0.50")}], dailyCapacity=50)
    sku = await shop.variant(SAO1=5, CWB1=5, RIO1=1)

    found = await why(shop, await shop.place((sku, 2)))

    (decision,), (work,) = found["routing"], found["fulfillmentOrders"]
    (chosen,) = decision["chosen"]
    assert (decision["strategy"], decision["gap"], decision["unfilled"]) == ("LEAST_COST", None, [])
    assert (chosen["location"], chosen["lines"]) == ({"code": "CWB1"}, [{"sku": sku, "quantity": 2}])
    assert (chosen["carrier"], chosen["service"], work["service"]) == ("post", "PAC", "PAC")
    by_hand = 10_00 + 200 / 1000 * (2_00 + 5_00 * distance_of(decision, "CWB1") / 1000)
    assert chosen["cost"] == money(f"{round(by_hand) / 100:.2f}")
    zero = {"amount": "0.00"}
    total = {"amount": chosen["cost"]["amount"]}
    assert decision["objective"] == {
        "cost": total, "lateness": zero, "split": zero, "stock": zero, "surcharge": zero, "total": total,
    }  # fmt: skip
    weighed = {each["location"]["code"]: each for each in decision["candidates"]}
    assert [weighed[code]["rejectedBecause"] for code in ("CWB1", "SAO1", "RIO1")] == [None, "DEARER", "PARTIAL_STOCK"]
    assert float(weighed["SAO1"]["cost"]["amount"]) == pytest.approx(9 + 2 * 0.5 + 10.4, abs=0.05)
    assert [weighed[code]["capacityLeft"] for code in ("SAO1", "CWB1")] == [50, None]


def distance_of(decision: Answer, code: str) -> float:
    """How far a candidate is."""
    km: float = next(each["distanceKm"] for each in decision["candidates"] if each["location"]["code"] == code)
    return km


async def test_an_order_is_told_when_its_parcels_leave_and_arrive(shop: Shop) -> None:
    sku = await shop.variant(SAO1=5)

    found = await why(shop, await shop.place((sku, 1)))

    (chosen,) = found["routing"][0]["chosen"]
    assert moments(chosen["shipBy"], found["fulfillmentOrders"][0]["dueAt"]) == moments(ends(0), ends(0))
    assert moments(chosen["deliverBy"]["latest"], found["deliverBy"]["latest"]) == moments(ends(3), ends(3))
    assert found["deliverBy"] == chosen["deliverBy"]


async def test_what_the_buyer_was_promised_stands_and_makes_a_faster_service_worth_its_price(shop: Shop) -> None:
    sku = await shop.variant(SAO1=5)
    promised = {"earliest": ends(0), "latest": ends(1)}

    await rules(shop, latenessPerDay=money("20.00"))
    hurried = await why(shop, await shop.place((sku, 1), viewer=HISTORIAN, promisedDelivery=promised))
    await rates(shop, SLOW)
    late = await why(shop, await shop.place((sku, 1), viewer=HISTORIAN, promisedDelivery=promised))
    await rules(shop, lateAllowed=False)
    refusal = await shop.refused(
        HISTORIAN, "orderPlace", channel="web", lines=[{"sku": sku, "quantity": 1}], promisedDelivery=promised
    )

    assert hurried["routing"][0]["chosen"][0]["service"] == "SEDEX"
    assert moments(hurried["deliverBy"]["latest"]) == moments(ends(1))
    assert late["routing"][0]["chosen"][0]["service"] == "PAC"
    assert late["routing"][0]["objective"]["lateness"] == {"amount": "40.00"}  # two days
    assert moments(late["deliverBy"]["latest"]) == moments(ends(1))
    assert refusal["code"] == "UNROUTABLE"


async def test_with_nothing_set_up_the_nearest_with_everything_ships_and_nothing_is_promised(shop: Shop) -> None:
    await rates(shop)
    near, far = await shop.variant(SAO1=5, CWB1=5), await shop.variant(CWB1=5, RIO1=5)

    one = await why(shop, await shop.place((near, 1)))
    both = await why(shop, await shop.place((near, 1), (far, 1)))

    assert [each["location"]["code"] for each in one["routing"][0]["chosen"]] == ["SAO1"]
    assert [each["location"]["code"] for each in both["routing"][0]["chosen"]] == ["CWB1"]
    (chosen,) = one["routing"][0]["chosen"]
    assert (chosen["cost"], chosen["carrier"], chosen["service"], chosen["deliverBy"]) == (None, None, None, None)
    assert set(one["routing"][0]["objective"].values()) == {None}
    assert one["deliverBy"] is None


# -- rules ---------------------------------------------------------------------------------------------------------


async def test_a_rule_that_keeps_a_location_from_shipping_is_named(shop: Shop) -> None:
    sku = await shop.variant(SAO1=5, CWB1=5)
    version = await rules(shop, {"where": {"locationCodes": ["SAO1"]}, "effect": {"exclude": True}})

    (decision,) = (await why(shop, await shop.place((sku, 1))))["routing"]

    weighed = {each["location"]["code"]: (each["rejectedBecause"], each["rule"]) for each in decision["candidates"]}
    assert weighed == {"CWB1": (None, None), "SAO1": ("EXCLUDED", "rule 0"), "RIO1": ("NO_STOCK", None)}
    assert decision["rulesetVersion"] == version


async def test_rules_know_weights_sizes_values_and_dangerous_goods(shop: Shop) -> None:
    sku = shop.new("SKU")
    variant = {"sku": sku, "name": sku, "weightGrams": 6000, "heightMm": 900, "hazmat": True,
               "prices": [{"channel": "web", "price": money("80.00")}]}  # fmt: skip
    await shop.do(OPERATIONS, "variantsSet", variants=[variant])
    for code in ("SAO1", "CWB1"):
        await shop.count(sku, code, 50)

    for where, alone in (
        ({"lineWeightAboveGrams": 11_999}, ["SAO1"]),
        ({"lineLongestAboveMm": 899}, ["CWB1"]),
        ({"hazmat": True}, ["CWB1"]),
        ({"orderValueAbove": money("80.00")}, ["SAO1"]),
    ):
        await rules(shop, {"where": {"locationCodes": ["SAO1"], **where}, "effect": {"exclude": True}})
        assert await ships_from(shop, (sku, 1)) == alone
        assert await ships_from(shop, (sku, 2)) == ["CWB1"]
    await rates(shop, {**SLOW, "takesHazmat": False})
    refusal = await shop.refused(OPERATIONS, "orderPlace", channel="web", lines=[{"sku": sku, "quantity": 1}])
    assert refusal["code"] == "UNROUTABLE"


async def test_what_rules_keep_from_everybody_is_refused_as_unroutable_and_what_is_missing_as_missing(
    shop: Shop,
) -> None:
    sku, gone = await shop.variant(SAO1=5), await shop.variant(SAO1=1)
    await rules(shop, {"where": {"locationCodes": ["SAO1"]}, "effect": {"exclude": True}})
    asked: Answer = {"channel": "web", "lines": [{"sku": sku, "quantity": 2}]}

    ruled_out = await shop.refused(OPERATIONS, "orderPlace", **asked)
    missing = await shop.refused(
        OPERATIONS, "orderPlace", **{**asked, "lines": [*asked["lines"], {"sku": gone, "quantity": 2}]}
    )

    assert (ruled_out["code"], ruled_out["field"]) == ("UNROUTABLE", ["lines"])
    assert (missing["code"], missing["sku"], missing["requested"]) == ("INSUFFICIENT_STOCK", gone, 2)


async def test_a_change_of_the_network_holds_from_the_next_order_on(shop: Shop) -> None:
    sku = await shop.variant(SAO1=50, CWB1=50)
    seen = [await ships_from(shop, (sku, 1))]
    await locate(shop, "SAO1", channels=[])
    seen.append(await ships_from(shop, (sku, 1)))
    await locate(shop, "SAO1")
    seen.append(await ships_from(shop, (sku, 1)))

    assert seen == [["SAO1"], ["CWB1"], ["SAO1"]]


# -- calendars and capacity ----------------------------------------------------------------------------------------


async def test_a_location_that_is_closed_ships_later_and_loses_to_one_that_keeps_the_promise(shop: Shop) -> None:
    sku = await shop.variant(SAO1=5, CWB1=5)
    today = datetime.now(LOCAL).date()
    await locate(shop, "SAO1", closures=[f"{today + timedelta(days=n)}" for n in range(4)])

    patient = await why(shop, await shop.place((sku, 1)))
    promised = {"earliest": ends(0), "latest": ends(3)}
    hurried = await why(shop, await shop.place((sku, 1), viewer=HISTORIAN, promisedDelivery=promised))

    assert [each["location"]["code"] for each in patient["fulfillmentOrders"]] == ["SAO1"]
    assert moments(patient["fulfillmentOrders"][0]["dueAt"]) == moments(ends(4))
    assert [each["location"]["code"] for each in hurried["fulfillmentOrders"]] == ["CWB1"]


async def test_a_full_day_goes_on_elsewhere_until_work_of_it_is_called_off(shop: Shop) -> None:
    near = await fresh(shop, dailyCapacity=1)
    await rules(shop, waitForCapacity=False)
    sku = await shop.variant("5.00", CWB1=50, **{near: 50})

    first = await shop.place((sku, 1))
    second = await why(shop, await shop.place((sku, 1)))
    await shop.do(OPERATIONS, "orderCancel", id=first["id"], reason="OTHER")
    third = await why(shop, await shop.place((sku, 1)))

    assert [each["location"]["code"] for each in (await why(shop, first))["fulfillmentOrders"]] == [near]
    assert [each["location"]["code"] for each in second["fulfillmentOrders"]] == ["CWB1"]
    full = next(each for each in second["routing"][0]["candidates"] if each["location"]["code"] == near)
    assert (full["rejectedBecause"], full["capacityLeft"]) == ("NO_CAPACITY", 0)
    assert [each["location"]["code"] for each in third["fulfillmentOrders"]] == [near]


async def test_where_everything_is_full_parcels_leave_a_working_day_later(shop: Shop) -> None:
    sku = await shop.variant("5.00", **{await fresh(shop, dailyCapacity=2): 50})

    due = [(await why(shop, await shop.place((sku, 1))))["fulfillmentOrders"][0]["dueAt"] for _ in range(5)]

    assert moments(*due) == moments(*[ends(days) for days in (0, 0, 1, 1, 2)])


async def test_buyers_at_the_same_moment_never_fill_a_day_twice(shop: Shop) -> None:
    near = await fresh(shop, dailyCapacity=3)
    await rules(shop, waitForCapacity=False)
    sku = await shop.variant("5.00", CWB1=50, **{near: 50})

    orders = await asyncio.gather(*[shop.place((sku, 1)) for _ in range(12)])

    places = [(await why(shop, order))["fulfillmentOrders"][0]["location"]["code"] for order in orders]
    assert sorted(places) == ["CWB1"] * 9 + [near] * 3


async def test_units_that_were_short_take_a_place_in_the_day_of_whoever_gets_them(shop: Shop) -> None:
    near = await fresh(shop, dailyCapacity=1)
    await rules(shop, waitForCapacity=False)
    sku = await shop.variant(SAO1=1)
    order = await shop.advance(await shop.place((sku, 1)), "accept")
    work = order["fulfillmentOrders"][0]
    for code in (near, "CWB1"):
        await shop.count(sku, code, 5)
    lost = {"fulfillmentOrderLineId": work["lines"][0]["id"], "short": 1, "shortReason": "NOT_FOUND"}
    await shop.do(OPERATIONS, "fulfillmentOrderPick", id=work["id"], lines=[lost])

    again = (await why(shop, order))["routing"][-1]["chosen"]

    assert [each["location"]["code"] for each in again] == [near]
    assert await ships_from(shop, (sku, 1)) == ["CWB1"]


async def test_a_share_of_the_days_parcels_is_not_exceeded(shop: Shop) -> None:
    await shop.do(OPERATIONS, "channelSet", code="fair", name="Fair", currency="BRL", timeZone="America/Sao_Paulo")
    near = await fresh(shop, channels=["fair"])
    far = await fresh(shop, channels=["fair"], latitude=-25.4, longitude=-49.3)
    await rules(shop, {"where": {"locationTags": [near]}, "effect": {"maxShare": 0.5}}, channel="fair")
    sku = shop.new("SKU")
    prices = [{"channel": "fair", "price": money("5.00")}]
    await shop.do(OPERATIONS, "variantsSet", variants=[{"sku": sku, "name": sku, "prices": prices}])
    for code in (near, far):
        await shop.count(sku, code, 50)

    places = [await ships_from(shop, (sku, 1), channel="fair") for _ in range(6)]

    assert places == [[far], [near]] * 3


async def test_history_fills_no_day_of_today(shop: Shop) -> None:
    near = await fresh(shop, dailyCapacity=1)
    await rules(shop, waitForCapacity=False)
    sku = await shop.variant("5.00", **{near: 50})
    then = {"viewer": HISTORIAN, "placedAt": "2018-03-05T12:00:00Z"}

    places = [await ships_from(shop, (sku, 1), **then) for _ in range(2)]

    assert places == [[near], [near]]
    assert await ships_from(shop, (sku, 1)) == [near]


# -- deciding again ------------------------------------------------------------------------------------------------


async def test_every_decision_stays_on_record(shop: Shop) -> None:
    sku = await shop.variant(SAO1=2, CWB1=1)
    order = await shop.advance(await shop.place((sku, 2)), "accept")
    work = order["fulfillmentOrders"][0]
    lost = {"fulfillmentOrderLineId": work["lines"][0]["id"], "short": 2, "shortReason": "NOT_FOUND"}
    await shop.do(OPERATIONS, "fulfillmentOrderPick", id=work["id"], lines=[lost])
    await shop.count(sku, "RIO1", 5)
    await shop.do(AGENT, "orderRoute", id=order["id"])

    found = await why(shop, order)

    decided = [
        (
            [(each["location"]["code"], each["lines"][0]["quantity"]) for each in decision["chosen"]],
            decision["unfilled"],
        )
        for decision in found["routing"]
    ]
    assert decided == [
        ([("SAO1", 2)], []),
        ([("CWB1", 1)], [{"sku": sku, "quantity": 1, "reason": "PARTIAL_STOCK"}]),
        ([("RIO1", 1)], []),
    ]
    assert all(each["service"] == "PAC" for each in found["fulfillmentOrders"])
    assert all(decision["objective"]["total"] is not None for decision in found["routing"])
