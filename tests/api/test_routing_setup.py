"""What routing goes by, as people set it up: locations' calendars, capacity and costs, carriers' rates, rules."""

from datetime import date
from typing import Any

import asyncpg
import pytest

from domain.routing.network import Effect, Prices, RulesetMode, Where
from domain.stock import LocationKind
from domain.store.network import BUILT_IN, load, store_prices
from domain.viewer import Scope
from resolvers.network import Networks
from tests.api.shop import AGENT, OPERATIONS, Answer, Shop, app, money

SETTINGS = """
    location {
      id tags timeZone workingDays cutoff handlingDays holidayCalendar { country subdivision } closures dailyCapacity
      costs { packing { amount currency } handling { amount currency } }
    }
"""
RATES = """
    rates {
      carrier service currency position base { amount currency } perKg { amount } perKgPer1000Km { amount } firstDays
      kmPerDay locationKinds locations { code } countries maxWeightGrams takesHazmat
    }
"""
RULESET = """
    ruleset {
      id version name mode maxParcels allowSplit splitLines shipComplete lateAllowed waitForCapacity
      latenessPerDay { amount currency } splitPenalty { amount }
      weights { cost lateness split stock } markdowns { location { code } amount { amount currency } }
      rules {
        position name
        where { locationKind locationCodes withinKm lineWeightAboveGrams orderValueAbove { amount currency } }
        effect { exclude only prefer surcharge { amount currency } maxShare minParcelValue { amount } }
      }
      activatedBy { displayName } retiredAt
    }
"""


def location(code: str, **settings: Any) -> Answer:
    """A location as `locationSet` takes it."""
    return {"code": code, "name": code, "kind": "WAREHOUSE", "channels": ["web"], **settings}


async def network_of(shop: Shop, connection: asyncpg.Connection, code: str = "web") -> Any:
    """A channel's network as routing knows it."""
    return await load(connection, shop.key(shop.channels[code]))


@pytest.fixture
async def connection(database_url: str) -> Any:
    """The shop's database."""
    opened = await asyncpg.connect(database_url)
    yield opened
    await opened.close()


# -- locations -----------------------------------------------------------------------------------------------------


async def test_what_routing_knows_of_a_location_is_set_kept_and_emptied(shop: Shop) -> None:
    given = {
        "tags": ["north", "cold", "north"],
        "timeZone": "America/Manaus",
        "workingDays": ["FRIDAY", "MONDAY"],
        "cutoff": "14:30",
        "handlingDays": 0,
        "holidayCalendar": {"country": "BR", "subdivision": "AM"},
        "closures": ["2018-12-31", "2018-12-24"],
        "dailyCapacity": 40,
        "costs": [{"packing": money("1.50"), "handling": money("0.25")}],
    }
    fresh = await shop.do(OPERATIONS, "locationSet", SETTINGS, **location("MAO1"))
    full = await shop.do(OPERATIONS, "locationSet", SETTINGS, **location("MAO1", **given))
    left = await shop.do(OPERATIONS, "locationSet", SETTINGS, **location("MAO1", name="Manaus"))
    bare = await shop.do(OPERATIONS, "locationSet", SETTINGS, **location("MAO1", **dict.fromkeys(given)))

    days = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]
    nothing = {"tags": [], "workingDays": days, "handlingDays": 1, "closures": [], "costs": []}
    assert fresh["location"] == {**dict.fromkeys(given), **nothing, "id": fresh["location"]["id"]}
    assert full["location"] == {
        **given,
        "id": fresh["location"]["id"],
        "tags": ["cold", "north"],
        "workingDays": ["MONDAY", "FRIDAY"],
        "closures": ["2018-12-24", "2018-12-31"],
    }
    assert left == full
    assert bare == fresh


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"tags": [""]}, ["tags"]),
        ({"timeZone": "America/Nowhere"}, ["timeZone"]),
        ({"workingDays": []}, ["workingDays"]),
        ({"cutoff": "24:00"}, ["cutoff"]),
        ({"cutoff": "9:00"}, ["cutoff"]),
        ({"handlingDays": 61}, ["handlingDays"]),
        ({"handlingDays": -1}, ["handlingDays"]),
        ({"holidayCalendar": {"country": "ZZ"}}, ["holidayCalendar", "country"]),
        ({"holidayCalendar": {"country": "BR", "subdivision": "TX"}}, ["holidayCalendar", "subdivision"]),
        ({"dailyCapacity": -1}, ["dailyCapacity"]),
        ({"costs": [{"packing": money("-1.00"), "handling": money("0")}]}, ["costs", "0", "packing", "amount"]),
        ({"costs": [{"packing": money("1.00"), "handling": money("0")}] * 2}, ["costs", "1"]),
    ],
    ids=str,
)
async def test_what_no_location_can_be_is_refused_where_it_stands(shop: Shop, given: Answer, field: list[str]) -> None:
    refusal = await shop.refused(OPERATIONS, "locationSet", **location("BAD1", **given))

    assert (refusal["code"], refusal["field"]) == ("INVALID_INPUT", field)


async def test_costs_of_a_location_are_in_one_currency_each(shop: Shop) -> None:
    costs = [{"packing": money("1.00"), "handling": money("1.00", "USD")}]

    refusal = await shop.refused(OPERATIONS, "locationSet", **location("BAD1", costs=costs))

    assert (refusal["code"], refusal["field"]) == ("CURRENCY_MISMATCH", ["costs", "0", "handling", "currency"])


async def test_costs_and_capacity_are_told_to_those_who_may_read_routing(shop: Shop) -> None:
    costs = [{"packing": money("1.50"), "handling": money("0.25")}]
    await shop.do(OPERATIONS, "locationSet", **location("POA1", kind="STORE", dailyCapacity=9, costs=costs))
    ask = 'query { node(id: "%s") { ... on Location { dailyCapacity costs { packing { amount } } cutoff } } }'
    id_ = (await shop.do(OPERATIONS, "locationSet", "location { id }", **location("POA1", kind="STORE")))["location"][
        "id"
    ]

    seen = [(await shop.ask(viewer, ask % id_))["node"] for viewer in (AGENT, shop.store("SAO1"), shop.shopper())]

    assert [(each["dailyCapacity"], len(each["costs"])) for each in seen] == [(9, 1), (None, 0), (None, 0)]


# -- carriers ------------------------------------------------------------------------------------------------------


async def test_a_carriers_table_is_replaced_whole_in_one_currency(shop: Shop, connection: asyncpg.Connection) -> None:
    slow = {
        "service": "PAC",
        "base": "12.90",
        "perKg": "0.80",
        "perKgPer1000Km": "3.10",
        "firstDays": 4,
        "kmPerDay": 600.5,
    }
    fast = {"service": "SEDEX", "base": "30", "locationCodes": ["SAO1"], "locationKinds": ["WAREHOUSE"],
            "countries": ["BR"], "maxWeightGrams": 30000, "takesHazmat": False}  # fmt: skip
    abroad = await shop.do(OPERATIONS, "carrierRatesSet", RATES, carrier="post", currency="USD",
                           rates=[{"service": "AIR", "base": "9"}])  # fmt: skip
    first = await shop.do(OPERATIONS, "carrierRatesSet", RATES, carrier="post", currency="BRL", rates=[slow, fast])
    again = await shop.do(OPERATIONS, "carrierRatesSet", RATES, carrier="post", currency="BRL", rates=[fast])

    assert len(abroad["rates"]) == 1
    assert first["rates"] == [
        {
            "carrier": "post", "service": "PAC", "currency": "BRL", "position": 1, "base": money("12.90"),
            "perKg": {"amount": "0.80"}, "perKgPer1000Km": {"amount": "3.10"}, "firstDays": 4, "kmPerDay": 600.5,
            "locationKinds": [], "locations": [], "countries": [], "maxWeightGrams": None, "takesHazmat": True,
        },
        {
            "carrier": "post", "service": "SEDEX", "currency": "BRL", "position": 2, "base": money("30.00"),
            "perKg": {"amount": "0.00"}, "perKgPer1000Km": {"amount": "0.00"}, "firstDays": 1, "kmPerDay": None,
            "locationKinds": ["WAREHOUSE"], "locations": [{"code": "SAO1"}], "countries": ["BR"],
            "maxWeightGrams": 30000, "takesHazmat": False,
        },
    ]  # fmt: skip
    assert [each["service"] for each in again["rates"]] == ["SEDEX"]
    assert {each.service for each in (await network_of(shop, connection)).rates} == {"SEDEX"}
    assert {each.service for each in (await network_of(shop, connection, "abroad")).rates} == {"AIR"}
    listed = await shop.ask(OPERATIONS, "{ carrierRates(first: 10) { nodes { currency service } } }")
    assert listed["carrierRates"]["nodes"] == [
        {"currency": "BRL", "service": "SEDEX"},
        {"currency": "USD", "service": "AIR"},
    ]
    await shop.do(OPERATIONS, "carrierRatesSet", carrier="post", currency="BRL", rates=[])
    assert (await network_of(shop, connection)).rates == BUILT_IN


@pytest.mark.parametrize(
    ("rate", "code", "field"),
    [
        ({"base": "1.234"}, "INVALID_INPUT", "base"),
        ({"base": "-1"}, "INVALID_INPUT", "base"),
        ({"perKg": "ten"}, "INVALID_INPUT", "perKg"),
        ({"perKgPer1000Km": "-0.01"}, "INVALID_INPUT", "perKgPer1000Km"),
        ({"firstDays": -1}, "INVALID_INPUT", "firstDays"),
        ({"kmPerDay": 0.0}, "INVALID_INPUT", "kmPerDay"),
        ({"maxWeightGrams": -1}, "INVALID_INPUT", "maxWeightGrams"),
        ({"service": " "}, "INVALID_INPUT", "service"),
        ({"locationCodes": ["NOWHERE"]}, "NOT_FOUND", "locationCodes"),
    ],
    ids=str,
)
async def test_a_rate_that_cannot_be_meant_is_refused_where_it_stands(
    shop: Shop, rate: Answer, code: str, field: str
) -> None:
    rates = [{"service": "PAC", "base": "1"}, {"service": "PAC", "base": "1", **rate}]

    refusal = await shop.refused(OPERATIONS, "carrierRatesSet", carrier="odd", currency="BRL", rates=rates)

    assert (refusal["code"], refusal["field"]) == (code, ["rates", "1", field])


# -- rules ---------------------------------------------------------------------------------------------------------


def rules(*rules: Answer, **more: Any) -> Answer:
    """A ruleset as `routingRulesetActivate` takes it."""
    named = [{"name": f"rule {place}", "where": {}, **rule} for place, rule in enumerate(rules)]
    return {"name": "summer", "channel": "web", "rules": named, **more}


async def activate(shop: Shop, ruleset: Answer) -> Answer:
    """Let rules hold."""
    made: Answer = (await shop.do(OPERATIONS, "routingRulesetActivate", RULESET, ruleset=ruleset))["ruleset"]
    return made


async def test_operations_activate_rules_in_the_shadow_of_those_that_decide(
    shop: Shop, connection: asyncpg.Connection
) -> None:
    payload = await shop.contract(OPERATIONS, "SetRules", key=shop.new("key"))

    assert payload["userErrors"] == []
    ruleset = payload["ruleset"]
    assert ruleset == {
        "id": ruleset["id"],
        "version": ruleset["version"],
        "mode": "SHADOW",
        "rules": [{"position": 1, "name": "stores-near"}, {"position": 2, "name": "no-store-heavy"}],
    }
    shadow = (await network_of(shop, connection)).shadow
    assert (shadow.id, shadow.version, shadow.mode) == (shop.key(ruleset["id"]), ruleset["version"], RulesetMode.SHADOW)
    assert (shadow.max_parcels, shadow.allow_split, shadow.weights.lateness) == (2, True, 4.0)
    assert [(each.name, each.where, each.effect) for each in shadow.rules] == [
        ("stores-near", Where(location_kind=frozenset({LocationKind.STORE}), within_km=50.0), Effect(prefer=1)),
        (
            "no-store-heavy",
            Where(location_kind=frozenset({LocationKind.STORE}), line_weight_above_grams=10_000),
            Effect(exclude=True),
        ),
    ]


async def test_activating_makes_a_new_version_and_retires_the_former_of_that_mode(shop: Shop) -> None:
    first = await activate(shop, rules({"effect": {"surcharge": money("-2.50")}}, name="first"))
    shadow = await activate(shop, rules(name="beside", mode="SHADOW"))
    second = await activate(
        shop,
        rules(
            {"where": {"orderValueAbove": money("10.00")}, "effect": {"minParcelValue": money("5.00")}},
            name="second",
            allowSplit=False,
            shipComplete=True,
            lateAllowed=False,
            splitLines=False,
            waitForCapacity=False,
            latenessPerDay=money("1.00"),
            splitPenalty=money("2.00"),
            markdowns=[{"locationCode": "RIO1", "amount": money("3.00")}],
            weights={"stock": "0.5"},
        ),
    )

    assert (shadow["version"], second["version"]) == (first["version"] + 1, first["version"] + 2)
    assert second == {
        "id": second["id"], "version": second["version"], "name": "second", "mode": "LIVE", "maxParcels": None,
        "allowSplit": False, "splitLines": False, "shipComplete": True, "lateAllowed": False, "waitForCapacity": False,
        "latenessPerDay": money("1.00"), "splitPenalty": {"amount": "2.00"},
        "weights": {"cost": "1", "lateness": "1", "split": "1", "stock": "0.5"},
        "markdowns": [{"location": {"code": "RIO1"}, "amount": money("3.00")}],
        "rules": [
            {
                "position": 1, "name": "rule 0",
                "where": {"locationKind": [], "locationCodes": [], "withinKm": None, "lineWeightAboveGrams": None,
                          "orderValueAbove": money("10.00")},
                "effect": {"exclude": None, "only": None, "prefer": None, "surcharge": None, "maxShare": None,
                           "minParcelValue": {"amount": "5.00"}},
            }
        ],
        "activatedBy": {"displayName": "Olga"}, "retiredAt": None,
    }  # fmt: skip
    asked = """{
      all: routingRulesets(channel: "web", first: 3) { nodes { version mode } }
      live: routingRulesets(channel: "web", mode: LIVE) { nodes { name } }
    }"""
    found = await shop.ask(OPERATIONS, asked)
    modes = {each["version"]: each["mode"] for each in found["all"]["nodes"]}
    assert modes == {first["version"]: "RETIRED", shadow["version"]: "SHADOW", second["version"]: "LIVE"}
    assert found["live"]["nodes"] == [{"name": "second"}]


async def test_a_retired_ruleset_leaves_the_built_in_rules(shop: Shop, connection: asyncpg.Connection) -> None:
    ruleset = await activate(shop, rules(shipComplete=True))
    assert (await network_of(shop, connection)).live.ship_complete

    retired = await shop.do(OPERATIONS, "routingRulesetRetire", RULESET, id=ruleset["id"])

    assert (retired["ruleset"]["mode"], retired["ruleset"]["retiredAt"] is not None) == ("RETIRED", True)
    assert (await network_of(shop, connection)).live.version == 0
    again = await shop.refused(OPERATIONS, "routingRulesetRetire", id=ruleset["id"])
    assert again["code"] == "INVALID_TRANSITION"


async def test_who_activated_which_rules_is_in_the_log(shop: Shop) -> None:
    ruleset = await activate(shop, rules(name="told"))
    await activate(shop, rules(name="next"))
    asked = """query ($types: [EventType!]) {
      events(first: 100, filter: {types: $types}) { nodes { type message subject { id } actor { displayName } } }
    }"""
    told = await shop.ask(OPERATIONS, asked, types=["ROUTING_RULESET_ACTIVATED", "ROUTING_RULESET_RETIRED"])

    mine = [each for each in told["events"]["nodes"] if each["subject"] == {"id": ruleset["id"]}]
    assert [each["type"] for each in mine] == ["ROUTING_RULESET_ACTIVATED", "ROUTING_RULESET_RETIRED"]
    assert {each["actor"]["displayName"] for each in mine} == {"Olga"}


NO_STORES: Answer = {"where": {"locationKind": ["STORE"]}, "effect": {"exclude": True}}
ONLY_STORES: Answer = {"where": {"locationKind": ["STORE"]}, "effect": {"only": True}}

WRONG: list[tuple[Answer, str, str]] = [
    (rules(channel="nowhere"), "NOT_FOUND", "channel"),
    (rules(mode="RETIRED"), "INVALID_INPUT", "mode"),
    (rules(name=" "), "INVALID_INPUT", "name"),
    (rules(maxParcels=0), "INVALID_INPUT", "maxParcels"),
    (rules(maxParcels=2, allowSplit=False), "INVALID_INPUT", "maxParcels"),
    (rules(weights={"cost": "-1"}), "INVALID_INPUT", "weights.cost"),
    (rules(weights={"split": "1001"}), "INVALID_INPUT", "weights.split"),
    (rules(weights={"stock": "many"}), "INVALID_INPUT", "weights.stock"),
    (rules(splitPenalty=money("1.00", "USD")), "CURRENCY_MISMATCH", "splitPenalty.currency"),
    (rules(splitPenalty=money("-1.00")), "INVALID_INPUT", "splitPenalty.amount"),
    (rules(markdowns=[{"locationCode": "X", "amount": money("1")}]), "NOT_FOUND", "markdowns.0.locationCode"),
    (rules({"effect": {}}), "INVALID_INPUT", "rules.0.effect"),
    (rules({"effect": {"exclude": False}}), "INVALID_INPUT", "rules.0.effect"),
    (rules({"effect": {"prefer": 1, "only": True}}), "INVALID_INPUT", "rules.0.effect"),
    (rules({"effect": {"prefer": 0}}), "INVALID_INPUT", "rules.0.effect.prefer"),
    (rules({"effect": {"maxShare": 1.5}}), "INVALID_INPUT", "rules.0.effect.maxShare"),
    (rules({"effect": {"minParcelValue": money("-1")}}), "INVALID_INPUT", "rules.0.effect.minParcelValue.amount"),
    (rules({"effect": {"surcharge": money("1.234")}}), "INVALID_INPUT", "rules.0.effect.surcharge.amount"),
    (rules({"where": {"locationCodes": ["X"]}, "effect": {"prefer": 1}}), "NOT_FOUND", "rules.0.where.locationCodes"),
    (rules({"where": {"withinKm": -1.0}, "effect": {"prefer": 1}}), "INVALID_INPUT", "rules.0.where.withinKm"),
    (
        rules({"where": {"withinKm": 5.0, "beyondKm": 5.0}, "effect": {"prefer": 1}}),
        "INVALID_INPUT",
        "rules.0.where.withinKm",
    ),
    (
        rules({"where": {"orderValueAbove": money("9"), "orderValueBelow": money("9")}, "effect": {"prefer": 1}}),
        "INVALID_INPUT",
        "rules.0.where.orderValueAbove",
    ),
    (rules({"effect": {"prefer": 1}}, {"name": "rule 0", "effect": {"prefer": 2}}), "INVALID_INPUT", "rules.1.name"),
    (rules(NO_STORES, ONLY_STORES), "INVALID_INPUT", "rules.1"),
    (rules(NO_STORES, {**NO_STORES, "effect": {"prefer": 3}}), "INVALID_INPUT", "rules.1"),
    (rules({"effect": {"exclude": True}}), "INVALID_INPUT", "rules.0"),
    (
        rules(NO_STORES, {"where": {"locationKind": ["WAREHOUSE"]}, "effect": {"exclude": True}}),
        "INVALID_INPUT",
        "rules.1",
    ),
]


@pytest.mark.parametrize(
    ("ruleset", "code", "field"), WRONG, ids=[f"{field}-{n}" for n, (_, _, field) in enumerate(WRONG)]
)
async def test_rules_that_cannot_be_meant_are_refused_where_they_stand(
    shop: Shop, ruleset: Answer, code: str, field: str
) -> None:
    before = await shop.ask(OPERATIONS, '{ routingRulesets(channel: "web", first: 1) { totalCount } }')

    refusal = await shop.refused(OPERATIONS, "routingRulesetActivate", ruleset=ruleset)

    assert (refusal["code"], refusal["field"]) == (code, ["ruleset", *field.split(".")])
    assert await shop.ask(OPERATIONS, '{ routingRulesets(channel: "web", first: 1) { totalCount } }') == before


async def test_rules_are_written_with_routing_write_and_read_with_routing_read(shop: Shop) -> None:
    ruleset = await activate(shop, rules())
    ask = f'{{ node(id: "{ruleset["id"]}") {{ id }} routingRulesets(channel: "web") {{ nodes {{ id }} }} }}'

    refusal = await shop.refused(AGENT, "routingRulesetActivate", ruleset=rules())
    seen, unseen = [await shop.ask(viewer, ask) for viewer in (AGENT, app(Scope.ORDERS_READ))]

    assert (refusal["code"], refusal["scope"]) == ("FORBIDDEN", "routing:write")
    assert seen["node"] == {"id": ruleset["id"]}
    assert unseen == {"node": None, "routingRulesets": {"nodes": []}}


# -- the network in memory -----------------------------------------------------------------------------------------


async def test_whatever_routing_knows_makes_a_new_version_of_the_network(
    shop: Shop, connection: asyncpg.Connection
) -> None:
    versions = [(await network_of(shop, connection)).version]
    for mutation, input_ in (
        ("locationSet", location("VIX1")),
        ("locationSet", location("VIX1", channels=[])),
        ("carrierRatesSet", {"carrier": "x", "currency": "BRL", "rates": []}),
        ("routingRulesetActivate", {"ruleset": rules()}),
        ("channelSet", {"code": "web", "name": "Web", "currency": "BRL", "timeZone": "America/Sao_Paulo"}),
    ):
        await shop.do(OPERATIONS, mutation, **input_)
        versions.append((await network_of(shop, connection)).version)
    web, place = shop.key(shop.channels["web"]), shop.key(shop.places["SAO1"])
    sku = await shop.variant()
    variant = await connection.fetchval("select id from variants where sku = $1", sku)
    async with connection.transaction():
        await store_prices(connection, web, Prices({(place, variant): 12.5}, {place: 3.0}))
    priced = await network_of(shop, connection)

    assert versions == sorted(set(versions))
    assert priced.version > versions[-1]
    assert (priced.prices.stock, priced.prices.capacity) == ({(place, variant): 12.5}, {place: 3.0})
    async with connection.transaction():
        await store_prices(connection, web, Prices())
    assert (await network_of(shop, connection)).prices.stock == {}


async def test_a_network_is_loaded_once_and_again_when_a_newer_version_is_heard_of(
    shop: Shop, connection: asyncpg.Connection
) -> None:
    networks, web = Networks(), shop.key(shop.channels["web"])
    first = await networks.latest(connection, web)
    assert await networks.of(connection, web, first.version) is first

    await shop.do(OPERATIONS, "locationSet", **location("SAO1", latitude=-23.5, longitude=-46.6, tags=["new"]))
    newer = await networks.of(connection, web, first.version + 1)

    assert newer.version > first.version
    assert newer.locations[shop.key(shop.places["SAO1"])].tags == {"new"}


async def test_a_calendar_has_the_holidays_of_its_place_of_this_and_the_next_year_and_its_own(
    shop: Shop, connection: asyncpg.Connection
) -> None:
    made = await shop.do(OPERATIONS, "locationSet", "location { id }", **location(
        "CGH1", holidayCalendar={"country": "BR", "subdivision": "SP"}, closures=["2018-02-13"], cutoff="12:15",
        workingDays=["MONDAY", "SUNDAY"], address={"country": "BR", "region": "SP"},
    ))  # fmt: skip
    found = (await network_of(shop, connection)).locations[shop.key(made["location"]["id"])]
    year = await connection.fetchval("select extract(year from now() at time zone 'America/Sao_Paulo')::int")

    off = {date(year, 9, 7), date(year + 1, 9, 7), date(year, 7, 9), date(2018, 2, 13)}
    assert off <= found.calendar.holidays
    assert date(year + 2, 9, 7) not in found.calendar.holidays
    assert (found.calendar.working_days, str(found.calendar.cutoff)) == ({1, 7}, "12:15:00")
    assert (found.calendar.time_zone, found.country, found.region) == ("America/Sao_Paulo", "BR", "SP")
