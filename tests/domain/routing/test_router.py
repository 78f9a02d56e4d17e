"""The router: what its rules, costs and explanations say, as examples."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

from domain.routing.model import Decision, DemandLine, Objective, Point, Rejection, Strategy, Unfilled, UnfilledReason
from domain.routing.network import (
    Calendar,
    Destination,
    Effect,
    Network,
    NetworkLocation,
    Prices,
    Rate,
    Request,
    Rule,
    Ruleset,
    Snapshot,
    Weights,
    Where,
)
from domain.routing.router import route
from domain.stock import LocationKind

HERE = Destination(Point(0.0, 0.0), "DE", "BE")
MONDAY = datetime(2026, 1, 5, 12, tzinfo=UTC)
KM = 1 / 111.195
"""A kilometer in degrees of longitude at the equator."""
POST = Rate("Post", "parcel", base_minor=500, per_kg_minor=100)
FREIGHT = Rate("Cargo", "freight", base_minor=4000, first_days=3)


def id_of(code: str) -> UUID:
    """An id that is told by the name."""
    return UUID(bytes=code.encode().rjust(16, b"\0"))


def at(code: str, km: float | None = 100.0, **facts: object) -> NetworkLocation:
    """A warehouse in Berlin's region, so far east of here."""
    point = None if km is None else Point(0.0, km * KM)
    usual: dict[str, object] = {"point": point, "country": "DE", "region": "BE", "calendar": Calendar(handling_days=0)}
    return NetworkLocation(id_of(code), code, **{"kind": LocationKind.WAREHOUSE, **usual, **facts})  # type: ignore[arg-type]


def network(*locations: NetworkLocation, rates: tuple[Rate, ...] = (POST,), **rules: object) -> Network:
    """A network with one ruleset."""
    live = Ruleset(**{"split_minor": 0.0, **rules})  # type: ignore[arg-type]
    return Network(1, "EUR", {location.id: location for location in locations}, rates, live)


def wants(*lines: str, **facts: object) -> tuple[DemandLine, ...]:
    """Lines like `p2` (two of p) or `p2@A` (pinned to location A), a kilogram and 10.00 a unit, numbered from 1."""
    return tuple([_line(number, text, facts) for number, text in enumerate(lines, start=1)])


def _line(number: int, text: str, facts: Mapping[str, object]) -> DemandLine:
    body, _, pin = text.partition("@")
    usual = {"weight_grams": 1000, "pinned": id_of(pin) if pin else None, "value_minor": 1000}
    given: dict[str, object] = {**usual, **facts}
    return DemandLine(UUID(int=number), body[0], id_of(body[0]), int(body[1:]), **given)  # type: ignore[arg-type]


def has(**stock: str) -> Snapshot:
    """What there is: `A="p2q1"` is two of p and one of q at A."""
    return Snapshot(
        {
            id_of(code): {id_of(name): int(units) for name, units in zip(text[::2], text[1::2], strict=True)}
            for code, text in stock.items()
        }
    )


def decide(
    lines: tuple[DemandLine, ...], network: Network, snapshot: Snapshot, deliver_by: datetime | None = None
) -> Decision:
    """Route an order of Monday noon to here."""
    return route(Request(lines, HERE, MONDAY, deliver_by), network, snapshot)


def name(location_id: UUID) -> str:
    """A location's code."""
    return location_id.bytes.lstrip(b"\0").decode()


def parcels(decision: Decision) -> dict[str, str]:
    """What each chosen location ships, as `p2 q1`."""
    return {
        name(parcel.location_id): " ".join(f"{line.sku}{line.quantity}" for line in parcel.lines)
        for parcel in decision.chosen
    }


def verdicts(decision: Decision) -> dict[str, str]:
    """Why each candidate was rejected, with the rule that did it."""
    return {
        name(each.location_id): " ".join(filter(None, [each.rejected_because or "chosen", each.rule]))
        for each in decision.candidates
    }


def rule(effect: Effect, name: str = "r", **where: object) -> Rule:
    """One rule."""
    return Rule(name, Where(**where), effect)  # type: ignore[arg-type]


# -- cost ----------------------------------------------------------------------------------------------------------


def test_the_cheapest_parcel_ships_and_the_decision_says_what_it_costs() -> None:
    places = [at("A", 900, packing_minor=100), at("B", 10, packing_minor=400, handling_minor=50)]

    decision = decide(wants("p2"), network(*places), has(A="p5", B="p2"))

    assert decision.strategy is Strategy.LEAST_COST
    assert decision.gap is None
    assert parcels(decision) == {"A": "p2"}
    (parcel,) = decision.chosen
    assert (parcel.carrier, parcel.service, parcel.cost_minor) == ("Post", "parcel", 100 + 500 + 2 * 100)
    assert decision.objective == Objective(cost_minor=800)
    assert verdicts(decision) == {"A": "chosen", "B": "DEARER"}
    assert [candidate.cost_minor for candidate in decision.candidates] == [800, 400 + 500 + 2 * 150]


def test_two_parcels_ship_where_they_cost_less_than_one_though_a_split_has_its_price() -> None:
    far = Rate("Post", "parcel", base_minor=100, per_kg_1000km_minor=1000)
    places, stock = [at("A", 10), at("B", 10), at("C", 3000)], has(A="p1", B="q1", C="p1q1")

    assert parcels(decide(wants("p1", "q1"), network(*places, rates=(far,)), stock)) == {"A": "p1", "B": "q1"}
    dear = decide(wants("p1", "q1"), network(*places, rates=(far,), split_minor=6000.0), stock)
    assert parcels(dear) == {"C": "p1 q1"}


def test_the_units_of_a_line_come_from_wherever_they_are_cheapest() -> None:
    places = [at("A", 10), at("B", 10, handling_minor=500)]

    decision = decide(wants("p5"), network(*places), has(A="p3", B="p5"))
    whole = decide(wants("p5"), network(*places, split_lines=False), has(A="p3", B="p5"))

    assert parcels(decision) == {"A": "p3", "B": "p2"}
    assert parcels(whole) == {"B": "p5"}


def test_a_slower_service_ships_what_is_not_late_by_it() -> None:
    express = Rate("Air", "express", base_minor=2000, first_days=1)
    slow = network(at("A"), rates=(FREIGHT, express, replace(POST, first_days=5)))

    in_a_week = decide(wants("p1"), slow, has(A="p1"), datetime(2026, 1, 12, 12, tzinfo=UTC))
    tomorrow = decide(wants("p1"), slow, has(A="p1"), datetime(2026, 1, 6, 12, tzinfo=UTC))

    assert [parcel.service for parcel in in_a_week.chosen] == ["parcel"]
    assert [parcel.service for parcel in tomorrow.chosen] == ["express"]


def test_a_parcel_says_when_it_leaves_and_arrives_and_how_late_that_is() -> None:
    home = at("A", calendar=Calendar("Europe/Berlin", frozenset(range(1, 6)), cutoff=time(12), handling_days=1))

    decision = decide(wants("p1"), network(home), has(A="p1"), datetime(2026, 1, 6, 12, tzinfo=UTC))

    (parcel,) = decision.chosen
    assert parcel.ship_at
    assert parcel.ship_at.isoformat() == "2026-01-07T23:59:59+01:00"
    assert parcel.deliver_earliest
    assert parcel.deliver_earliest.isoformat() == "2026-01-08T00:00:00+01:00"
    assert parcel.deliver_latest
    assert parcel.deliver_latest.isoformat() == "2026-01-08T23:59:59+01:00"
    assert parcel.late_days == 2
    assert decision.objective == Objective(cost_minor=600, lateness_minor=1000)


def test_a_parcel_that_would_be_late_is_not_sent_where_the_rules_forbid_it() -> None:
    places = [at("A", calendar=Calendar(handling_days=3)), at("B", packing_minor=900)]
    strict = network(*places, late_allowed=False)

    decision = decide(wants("p1", "q1"), strict, has(A="p1q1", B="p1"), datetime(2026, 1, 6, 12, tzinfo=UTC))

    assert parcels(decision) == {"B": "p1"}
    assert verdicts(decision) == {"B": "chosen", "A": "TOO_LATE"}
    assert decision.unfilled == (Unfilled(UUID(int=2), "q", 1, UnfilledReason.TOO_LATE),)


def test_a_full_location_ships_a_day_later_or_not_at_all() -> None:
    full, stock = at("A", daily_capacity=10), replace(has(A="p1"), parcels_today={id_of("A"): 25})

    (parcel,) = decide(wants("p1"), network(full), stock).chosen
    strict = decide(wants("p1"), network(full, wait_for_capacity=False), stock)

    assert parcel.ship_at
    assert parcel.ship_at.date() == date(2026, 1, 7)
    assert strict.chosen == ()
    assert strict.strategy is Strategy.NONE
    assert verdicts(strict) == {"A": "NO_CAPACITY"}
    assert strict.candidates[0].capacity_left == 0
    assert strict.unfilled[0].reason is UnfilledReason.NO_CAPACITY


def test_only_differences_in_prices_count_so_that_scarce_stock_is_still_sold() -> None:
    places = [at("A"), at("B", packing_minor=100)]
    prices = Prices({(id_of("A"), id_of("p")): 90_000.0, (id_of("B"), id_of("p")): 89_000.0}, {id_of("B"): 500.0})
    priced = replace(network(*places, unfilled_minor_per_unit=5_000.0), prices=prices)

    decision = decide(wants("p1"), priced, has(A="p1", B="p1"))

    assert parcels(decision) == {"B": "p1"}
    assert decision.objective == Objective(cost_minor=700, stock_minor=500)
    assert parcels(decide(wants("p1"), priced, has(A="p1"))) == {"A": "p1"}


def test_what_is_marked_down_ships_sooner() -> None:
    sale = network(at("A"), at("B", packing_minor=100), markdown_minor={id_of("B"): 150.0})

    decision = decide(wants("p1"), sale, has(A="p1", B="p1"))

    assert parcels(decision) == {"B": "p1"}
    assert decision.objective == Objective(cost_minor=700, stock_minor=-150)


def test_weights_say_what_counts() -> None:
    places = [at("A", calendar=Calendar(handling_days=2)), at("B", packing_minor=700)]
    stock, tomorrow = has(A="p1", B="p1"), datetime(2026, 1, 7, 12, tzinfo=UTC)

    assert parcels(decide(wants("p1"), network(*places), stock, tomorrow)) == {"A": "p1"}
    hurried = network(*places, weights=Weights(lateness=4.0))
    assert parcels(decide(wants("p1"), hurried, stock, tomorrow)) == {"B": "p1"}


# -- rules ---------------------------------------------------------------------------------------------------------


def test_a_rule_excludes_locations_for_the_lines_that_it_is_about() -> None:
    places = [at("A", kind=LocationKind.STORE), at("B", packing_minor=900)]
    heavy = rule(
        Effect(exclude=True), "no-store-heavy", location_kind={LocationKind.STORE}, line_weight_above_grams=1500
    )
    ruled, stock = network(*places, rules=(heavy,)), has(A="p2q2", B="p1q2")

    assert parcels(decide(wants("p1"), ruled, stock)) == {"A": "p1"}
    decision = decide(wants("q2"), ruled, stock)
    assert parcels(decision) == {"B": "q2"}
    assert verdicts(decision) == {"B": "chosen", "A": "EXCLUDED no-store-heavy"}
    assert decide(wants("p2"), network(places[0], rules=(heavy,)), stock).unfilled[0].reason is UnfilledReason.EXCLUDED


def test_a_rule_says_that_nobody_else_ships() -> None:
    places = [at("A"), at("B", packing_minor=900, tags=frozenset({"dg"}))]
    ruled = network(*places, rules=(rule(Effect(only=True), "dangerous", location_tags={"dg"}, hazmat=True),))

    decision = decide(wants("p1", hazmat=True), ruled, has(A="p1", B="p1"))

    assert parcels(decision) == {"B": "p1"}
    assert verdicts(decision) == {"B": "chosen", "A": "NOT_ONLY dangerous"}
    assert parcels(decide(wants("p1"), ruled, has(A="p1", B="p1"))) == {"A": "p1"}


def test_a_better_rank_that_can_fill_the_order_wins_whatever_it_costs() -> None:
    places = [at("A"), at("B", 10, packing_minor=9_000), at("C", 20, packing_minor=8_000)]
    ranked = network(
        *places,
        rules=(
            rule(Effect(prefer=1), location_codes={"B"}),
            rule(Effect(prefer=2), location_codes={"C"}),
        ),
    )

    first = decide(wants("p1"), ranked, has(A="p1", B="p1", C="p1"))
    second = decide(wants("p1", "q1"), ranked, has(A="p1q1", B="p1", C="q1"))
    last = decide(wants("p1", "q1"), ranked, has(A="p1q1", B="p1", C="p1"))

    assert parcels(first) == {"B": "p1"}
    assert verdicts(first) == {"B": "chosen", "C": "LOWER_RANK", "A": "LOWER_RANK"}
    assert parcels(second) == {"B": "p1", "C": "q1"}
    assert parcels(last) == {"A": "p1 q1"}


def test_a_surcharge_counts_in_the_comparison_and_nowhere_else() -> None:
    places = [at("A"), at("B", packing_minor=100)]
    ruled = network(*places, rules=(rule(Effect(surcharge_minor=150), location_codes={"A"}),))

    decision = decide(wants("p1"), ruled, has(A="p1"))

    assert parcels(decide(wants("p1"), ruled, has(A="p1", B="p1"))) == {"B": "p1"}
    assert decision.objective == Objective(cost_minor=600, surcharge_minor=150)
    assert decision.chosen[0].cost_minor == 600


def test_a_group_that_has_its_share_of_the_day_ships_no_more() -> None:
    places = [at("A", kind=LocationKind.STORE), at("B", packing_minor=900)]
    shared = network(*places, rules=(rule(Effect(max_share=0.25), "stores", location_kind={LocationKind.STORE}),))

    def with_parcels(stores: int, others: int) -> Decision:
        stock = replace(has(A="p1", B="p1"), parcels_today={id_of("A"): stores, id_of("B"): others})
        return decide(wants("p1"), shared, stock)

    assert parcels(with_parcels(1, 6)) == {"A": "p1"}
    assert verdicts(with_parcels(1, 5)) == {"B": "chosen", "A": "SHARE_REACHED stores"}


def test_a_parcel_is_worth_a_minimum_unless_it_is_the_whole_order() -> None:
    places = [at("A"), at("B", packing_minor=900)]
    ruled = network(*places, rules=(rule(Effect(min_parcel_value_minor=2500), location_codes={"A"}),))

    small = decide(wants("p1", "q1"), ruled, has(A="p1", B="p1q1"))

    assert parcels(small) == {"B": "p1 q1"}
    assert verdicts(small) == {"B": "chosen", "A": "BELOW_MINIMUM"}
    assert parcels(decide(wants("p1"), ruled, has(A="p1", B="p1"))) == {"A": "p1"}
    assert parcels(decide(wants("p3", "q1"), ruled, has(A="p3", B="q1"))) == {"A": "p3", "B": "q1"}


def test_rules_are_about_distances_countries_regions_services_and_the_orders_value() -> None:
    stock = has(A="p1", B="p1")
    cheap_a, dear_b = at("A", 100), at("B", 900, packing_minor=900)

    def ships(where: dict[str, Any], a: NetworkLocation = cheap_a, b: NetworkLocation = dear_b) -> str:
        ruled = network(a, b, rules=(rule(Effect(exclude=True), **where),))
        return next(iter(parcels(decide(wants("p1"), ruled, stock))), "nobody")

    assert ships({"within_km": 200.0}) == "B"
    assert ships({"beyond_km": 50.0, "location_codes": {"A"}}) == "B"
    assert ships({"beyond_km": 500.0}) == "A"
    assert ships({"within_km": 9_000.0}, a=at("A", None)) == "A"
    assert ships({"same_country": False}, a=at("A", country="FR")) == "B"
    assert ships({"same_region": True}, b=at("B", region="BY", packing_minor=900)) == "B"
    assert ships({"destination_countries": {"DE"}, "location_codes": {"A"}}) == "B"
    assert ships({"destination_countries": {"FR"}}) == "A"
    assert ships({"destination_regions": {"BE"}}) == "nobody"
    assert ships({"services": {"parcel"}}) == "nobody"
    assert ships({"services": {"express"}}) == "A"
    assert ships({"order_value_above_minor": 999}) == "nobody"
    assert ships({"order_value_above_minor": 1000}) == "A"
    assert ships({"order_value_below_minor": 1001, "location_codes": {"A"}}) == "B"
    assert ships({"line_longest_above_mm": 10}) == "A"


# -- limits --------------------------------------------------------------------------------------------------------


def test_an_order_takes_no_more_parcels_than_the_rules_allow() -> None:
    places, stock = [at("A"), at("B"), at("C")], has(A="p1q1", B="r1", C="s1")

    two = decide(wants("p1", "q1", "r1", "s1"), network(*places, max_parcels=2), stock)
    one = decide(wants("p1", "q1", "r1", "s1"), network(*places, allow_split=False), stock)

    assert parcels(two) == {"A": "p1 q1", "B": "r1"}
    assert two.unfilled == (Unfilled(UUID(int=4), "s", 1, UnfilledReason.NOT_TOGETHER),)
    assert parcels(one) == {"A": "p1 q1"}


def test_an_order_that_ships_complete_ships_nothing_when_something_is_missing() -> None:
    places = [at("A"), at("B")]

    decision = decide(wants("p1", "q2"), network(*places, ship_complete=True), has(A="p1", B="q1"))

    assert decision.chosen == ()
    assert decision.strategy is Strategy.NONE
    assert [(each.quantity, each.reason) for each in decision.unfilled] == [
        (1, UnfilledReason.INCOMPLETE),
        (2, UnfilledReason.PARTIAL_STOCK),
    ]
    assert verdicts(decision) == {"A": "INCOMPLETE", "B": "INCOMPLETE"}
    dear = network(*places, ship_complete=True, unfilled_minor_per_unit=1.0)
    assert parcels(decide(wants("p1", "q1"), dear, has(A="p1", B="q1"))) == {"A": "p1", "B": "q1"}


def test_a_service_takes_parcels_up_to_a_weight() -> None:
    light = replace(POST, max_weight_grams=3000)

    both = network(at("A"), at("B", packing_minor=10), rates=(light, FREIGHT))
    assert [parcel.service for parcel in decide(wants("p3"), both, has(A="p9")).chosen] == ["parcel"]
    assert [parcel.service for parcel in decide(wants("p4"), both, has(A="p9")).chosen] == ["freight"]
    assert parcels(decide(wants("p4"), both, has(A="p9", B="p9"))) == {"A": "p3", "B": "p1"}
    assert decide(wants("p1", weight_grams=5000), network(at("A"), rates=(light,)), has(A="p1")).unfilled == (
        Unfilled(UUID(int=1), "p", 1, UnfilledReason.NO_SERVICE),
    )


def test_services_go_to_countries_from_locations_and_take_dangerous_goods_or_not() -> None:
    def ships(rate: Rate, **facts: object) -> bool:
        return bool(decide(wants("p1", **facts), network(at("A"), rates=(rate,)), has(A="p1")).chosen)

    assert ships(replace(POST, countries=frozenset({"DE"}))) is True
    assert ships(replace(POST, countries=frozenset({"FR"}))) is False
    assert ships(replace(POST, location_kinds=frozenset({LocationKind.STORE}))) is False
    assert ships(replace(POST, location_ids=frozenset({id_of("B")}))) is False
    assert ships(replace(POST, takes_hazmat=False)) is True
    assert ships(replace(POST, takes_hazmat=False), hazmat=True) is False


# -- pins ----------------------------------------------------------------------------------------------------------


def test_a_pin_stands_above_rules_and_parcels_that_leave_anyway_take_more() -> None:
    places = [at("A"), at("B", packing_minor=900)]
    ruled = network(*places, max_parcels=1, rules=(rule(Effect(exclude=True), location_codes={"B"}),))

    decision = decide(wants("p1@B", "q1"), ruled, has(A="p1q1", B="p1q1"))
    both = decide(wants("p1@B", "q1"), network(*places), has(A="p1q1", B="p1q1"))
    alone = decide(wants("p3@B"), ruled, has(B="p2"))

    assert parcels(decision) == {"B": "p1"}
    assert parcels(both) == {"B": "p1 q1"}
    assert verdicts(both)["A"] == "PARTIAL_STOCK"
    assert alone.strategy is Strategy.PINNED
    assert parcels(alone) == {"B": "p2"}
    assert alone.unfilled == (Unfilled(UUID(int=1), "p", 1, UnfilledReason.PARTIAL_STOCK),)


def test_what_is_pinned_is_served_before_what_is_not() -> None:
    decision = decide(wants("p1", "p2@A"), network(at("A"), at("B", packing_minor=900)), has(A="p2", B="p5"))

    assert [(name(each.location_id), line.line_id.int) for each in decision.chosen for line in each.lines] == [
        ("A", 2),
        ("B", 1),
    ]
    assert verdicts(decide(wants("p1@B"), network(at("A"), at("B")), has(A="p1", B="p1")))["A"] == "PINNED_ELSEWHERE"


def test_a_pin_to_a_place_that_does_not_ship_for_the_channel_finds_no_location() -> None:
    assert decide(wants("p1@Z"), network(at("A")), has(A="p1")).unfilled[0].reason is UnfilledReason.NO_LOCATION


# -- the rest ------------------------------------------------------------------------------------------------------


def test_a_location_that_never_works_is_closed() -> None:
    shut = at("A", calendar=Calendar(working_days=frozenset()))

    assert verdicts(decide(wants("p1"), network(shut), has(A="p1"))) == {"A": "CLOSED"}


def test_lines_of_one_variant_share_its_stock_and_the_first_are_served_first() -> None:
    decision = decide(wants("p2", "p2"), network(at("A"), at("B", packing_minor=1)), has(A="p2", B="p1"))
    whole = decide(wants("p2", "p2"), network(at("A"), at("B"), split_lines=False), has(A="p3", B="p1"))

    assert parcels(decision) == {"A": "p2", "B": "p1"}
    assert [(each.line_id.int, each.quantity) for each in decision.unfilled] == [(2, 1)]
    assert parcels(whole) == {"A": "p2"}
    assert whole.unfilled[0].reason is UnfilledReason.NOT_TOGETHER


def test_an_order_of_a_hundred_lines_over_hundreds_of_stores_is_bounded() -> None:
    codes = [f"{number:03}" for number in range(300)]
    places = [at(code, 10 * number + 1.0) for number, code in enumerate(codes)]
    far = (replace(POST, per_kg_1000km_minor=700),)
    lines = tuple(
        [DemandLine(UUID(int=index), f"s{index}", UUID(int=index), 1 + index % 3, 300 + index) for index in range(100)]
    )
    stock = {
        id_of(code): {
            UUID(int=index): 1 + (index + number) % 3 for index in range(100) if (index * 7 + number * 13) % 5 == 0
        }
        for number, code in enumerate(codes)
    }

    decision = decide(lines, network(*places, rates=far, split_minor=300.0), Snapshot(stock))

    assert decision.unfilled == ()
    assert len(decision.candidates) == 20
    assert decision.strategy is Strategy.LEAST_COST_BOUNDED
    assert decision.gap is not None
    assert 0 < decision.gap < 0.25


def test_what_it_decides_can_be_asked_of_stock_that_nobody_has() -> None:
    decision = decide(wants("p1"), network(at("A")), Snapshot({}))

    assert decision.strategy is Strategy.NONE
    assert verdicts(decision) == {"A": "NO_STOCK"}
    assert decision.unfilled == (Unfilled(UUID(int=1), "p", 1, UnfilledReason.NO_STOCK),)
    assert decide((), network(at("A")), Snapshot({})).chosen == ()
    assert Rejection.NO_STOCK.description
