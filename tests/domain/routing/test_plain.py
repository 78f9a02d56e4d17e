"""Routing: the rules as examples, then what holds for any order, any stock and any map."""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.routing import cover
from domain.routing.model import (
    Candidate,
    Decision,
    DemandLine,
    ParcelLine,
    Point,
    Rejection,
    RoutingLocation,
    Strategy,
    Unfilled,
    UnfilledReason,
)
from domain.routing.plain import CANDIDATES_KEPT, route
from domain.stock import LocationKind

HERE = Point(0.0, 0.0)
VARIANTS = {name: UUID(int=1000 + number) for number, name in enumerate("pqrstuvwxyz")}
ALL_UNITS = 10**6


def location_id(code: str) -> UUID:
    """An id that is told by the code."""
    return UUID(bytes=code.encode().rjust(16, b"\0"))


def at(code: str, degrees: float | None, **stock: int) -> RoutingLocation:
    """A location so many degrees east of here, or nobody knows where; stock by the variant's letter."""
    units = {VARIANTS[name]: count for name, count in stock.items()}
    latitude = None if degrees is None else 0.0
    return RoutingLocation(location_id(code), code, LocationKind.WAREHOUSE, latitude, degrees, units)


def wants(*lines: str) -> list[DemandLine]:
    """Lines like `p2` (two of p) or `p2@A` (pinned to location A), numbered from 1."""
    return [_line(number, text) for number, text in enumerate(lines, start=1)]


def _line(number: int, text: str) -> DemandLine:
    body, _, pinned = text.partition("@")
    return DemandLine(
        line_id=UUID(int=number),
        sku=body[0],
        variant_id=VARIANTS[body[0]],
        quantity=int(body[1:]),
        pinned=location_id(pinned) if pinned else None,
    )


def parcels(decision: Decision) -> dict[str, list[str]]:
    """What each chosen location ships, as `line:units`."""
    return {
        parcel.location_id.bytes.lstrip(b"\0").decode(): [
            f"{line.line_id.int}:{line.quantity}" for line in parcel.lines
        ]
        for parcel in decision.chosen
    }


def verdicts(decision: Decision) -> list[str]:
    """Every candidate's code, with why it was rejected."""
    return [
        f"{candidate.location_id.bytes.lstrip(bytes(1)).decode()} {candidate.rejected_because or 'chosen'}"
        for candidate in decision.candidates
    ]


def test_the_nearest_location_that_has_everything_ships() -> None:
    decision = route(wants("p1", "q2"), [at("FAR", 9, p=5, q=5), at("NEAR", 1, p=5, q=1), at("MID", 5, p=1, q=2)], HERE)

    assert decision.strategy is Strategy.NEAREST
    assert parcels(decision) == {"MID": ["1:1", "2:2"]}
    assert verdicts(decision) == ["MID chosen", "FAR FARTHER", "NEAR PARTIAL_STOCK"]
    assert decision.unfilled == ()


def test_a_decision_tells_the_whole_story() -> None:
    decision = route(wants("p1"), [at("B", None, p=1), at("A", 0, p=1), at("C", 0)], HERE)

    assert decision.chosen[0].location_id == location_id("A")
    assert decision.chosen[0].lines == (ParcelLine(UUID(int=1), "p", 1),)
    assert decision.chosen[0].distance_km == 0
    assert decision.candidates == (
        Candidate(location_id("A"), feasible=True, rejected_because=None, distance_km=0),
        Candidate(location_id("B"), feasible=True, rejected_because=Rejection.FARTHER, distance_km=None),
        Candidate(location_id("C"), feasible=False, rejected_because=Rejection.NO_STOCK, distance_km=0),
    )


def test_one_far_parcel_is_better_than_two_near_ones() -> None:
    decision = route(wants("p1", "q1"), [at("A", 1, p=1), at("B", 2, q=1), at("C", 90, p=1, q=1)], HERE)

    assert parcels(decision) == {"C": ["1:1", "2:1"]}


def test_among_plans_with_as_few_parcels_the_nearest_in_total_wins() -> None:
    locations = [at("A", 1, p=1), at("B", 9, q=1, r=1), at("C", 2, p=1, q=1), at("D", 3, r=1), at("E", 4, r=1)]

    decision = route(wants("p1", "q1", "r1"), locations, HERE)

    assert decision.strategy is Strategy.FEWEST_PARCELS
    assert parcels(decision) == {"C": ["1:1", "2:1"], "D": ["3:1"]}
    assert verdicts(decision) == ["C chosen", "D chosen", "E FARTHER", "B FARTHER", "A PARTIAL_STOCK"]


def test_ties_go_to_the_first_code() -> None:
    decision = route(wants("p1"), [at("B", 1, p=1), at("A", 1, p=1), at("C", 1, p=1)], HERE)

    assert parcels(decision) == {"A": ["1:1"]}


def test_a_location_at_an_unknown_place_comes_last() -> None:
    decision = route(wants("p1"), [at("A", None, p=1), at("B", 179, p=1)], HERE)

    assert parcels(decision) == {"B": ["1:1"]}


def test_without_a_destination_codes_decide_and_no_distance_is_told() -> None:
    decision = route(wants("p1"), [at("B", 1, p=1), at("A", 9, p=1)], None)

    assert parcels(decision) == {"A": ["1:1"]}
    assert {candidate.distance_km for candidate in decision.candidates} == {None}


def test_two_known_places_are_nearer_than_one_unknown_among_as_few() -> None:
    decision = route(wants("p1", "q1"), [at("A", None, p=1), at("B", 170, p=1), at("C", 170, q=1)], HERE)

    assert set(parcels(decision)) == {"B", "C"}


def test_a_line_is_split_only_where_nobody_has_it_whole() -> None:
    decision = route(wants("p5", "q2"), [at("A", 1, p=3, q=1), at("B", 2, p=2, q=2)], HERE)

    assert parcels(decision) == {"A": ["1:3"], "B": ["1:2", "2:2"]}


def test_two_lines_of_one_variant_do_not_take_the_same_units() -> None:
    decision = route(wants("p2", "p3"), [at("A", 1, p=3), at("B", 2, p=2)], HERE)

    assert parcels(decision) == {"A": ["2:3"], "B": ["1:2"]}


def test_where_stock_is_short_the_first_lines_are_served_and_the_rest_is_named() -> None:
    decision = route(wants("p2", "p3", "q1"), [at("A", 1, p=3), at("B", 2, p=1)], HERE)

    assert parcels(decision) == {"A": ["1:2", "2:1"], "B": ["2:1"]}
    assert decision.unfilled == (
        Unfilled(UUID(int=2), "p", 1, UnfilledReason.PARTIAL_STOCK),
        Unfilled(UUID(int=3), "q", 1, UnfilledReason.NO_STOCK),
    )


def test_nothing_to_be_had_is_a_decision_too() -> None:
    decision = route(wants("p1"), [at("A", 1, q=1)], HERE)

    assert decision.strategy is Strategy.NONE
    assert decision.chosen == ()
    assert decision.unfilled == (Unfilled(UUID(int=1), "p", 1, UnfilledReason.NO_STOCK),)
    assert verdicts(decision) == ["A NO_STOCK"]


def test_without_locations_that_is_what_is_missing() -> None:
    decision = route(wants("p1", "q1@A"), [], HERE)

    assert decision.candidates == ()
    assert [unfilled.reason for unfilled in decision.unfilled] == [UnfilledReason.NO_LOCATION] * 2


def test_a_pinned_line_ships_from_its_location_however_far() -> None:
    decision = route(wants("p1@B", "q1@C"), [at("A", 1, p=1), at("B", 90, p=1), at("C", 80, q=1)], HERE)

    assert decision.strategy is Strategy.PINNED
    assert parcels(decision) == {"C": ["2:1"], "B": ["1:1"]}
    assert verdicts(decision) == ["C chosen", "B chosen", "A PINNED_ELSEWHERE"]


def test_a_pinned_line_waits_rather_than_ship_from_elsewhere() -> None:
    decision = route(wants("p2@A", "q1@Z"), [at("A", 1, p=1), at("B", 1, p=9, q=9)], HERE)

    assert parcels(decision) == {"A": ["1:1"]}
    assert decision.unfilled == (
        Unfilled(UUID(int=1), "p", 1, UnfilledReason.PARTIAL_STOCK),
        Unfilled(UUID(int=2), "q", 1, UnfilledReason.NO_LOCATION),
    )


def test_lines_that_are_free_join_a_pinned_parcel_rather_than_make_another() -> None:
    decision = route(wants("q1", "p1@FAR"), [at("NEAR", 1, q=1), at("FAR", 90, p=1, q=1)], HERE)

    assert decision.strategy is Strategy.NEAREST
    assert parcels(decision) == {"FAR": ["2:1", "1:1"]}


def test_a_pinned_parcel_and_one_more_are_the_fewest() -> None:
    locations = [at("A", 1, q=1), at("B", 2, r=1), at("C", 3, q=1, r=1), at("D", 90, p=1, q=0)]

    decision = route(wants("p1@D", "q1", "r1"), locations, HERE)

    assert decision.strategy is Strategy.FEWEST_PARCELS
    assert parcels(decision) == {"C": ["2:1", "3:1"], "D": ["1:1"]}


def test_what_a_pinned_parcel_has_left_is_counted_once() -> None:
    decision = route(wants("p2", "p1@A"), [at("A", 1, p=2), at("B", 2, p=1)], HERE)

    assert decision.unfilled == ()
    assert parcels(decision) == {"A": ["2:1", "1:1"], "B": ["1:1"]}


def test_a_free_line_does_not_get_the_units_of_a_pinned_one() -> None:
    decision = route(wants("p1", "p1@A"), [at("A", 1, p=1)], HERE)

    assert parcels(decision) == {"A": ["2:1"]}
    assert decision.unfilled == (Unfilled(UUID(int=1), "p", 1, UnfilledReason.NO_STOCK),)


def test_stock_below_nothing_is_nothing() -> None:
    decision = route(wants("p1"), [at("A", 1, p=-3), at("B", 2, p=1)], HERE)

    assert parcels(decision) == {"B": ["1:1"]}


def test_candidates_on_record_are_bounded_and_hold_every_chosen_one() -> None:
    many = [at(f"L{number:03}", 1 + number / 10, p=1) for number in range(100)]

    few_chosen = route(wants("p1"), many, HERE)
    many_chosen = route(wants("p30"), many, HERE)

    assert verdicts(few_chosen)[:2] == ["L000 chosen", "L001 FARTHER"]
    assert len(few_chosen.candidates) == CANDIDATES_KEPT
    assert len(many_chosen.candidates) == len(many_chosen.chosen) == 30


def test_too_many_combinations_are_guessed_and_said_to_be() -> None:
    letters = "pqrstuvwxyz"
    locations = [at(f"L{number:02}", number, **{letters[number % 11]: 1}) for number in range(44)]

    decision = route(wants(*[f"{letter}1" for letter in letters]), locations, HERE)

    assert decision.strategy is Strategy.FEWEST_PARCELS_GREEDY
    assert set(parcels(decision)) == {f"L{number:02}" for number in range(11)}
    assert decision.unfilled == ()


def test_a_guess_leaves_out_whoever_the_others_made_needless() -> None:
    needed = {VARIANTS["p"]: 4, VARIANTS["q"]: 4}
    stocks = [
        {VARIANTS["p"]: 3, VARIANTS["q"]: 3},
        {VARIANTS["p"]: 4, VARIANTS["q"]: 0},
        {VARIANTS["p"]: 0, VARIANTS["q"]: 4},
    ]

    assert cover.greedy(needed, stocks) == (1, 2)


def test_the_order_in_which_locations_come_does_not_matter() -> None:
    locations = [at("A", 1, p=1), at("B", 2, q=1), at("C", 2, p=1, q=0), at("D", None, p=1)]

    forward, backward = route(wants("p1", "q1"), locations, HERE), route(wants("p1", "q1"), locations[::-1], HERE)

    assert forward == backward


@st.composite
def orders(draw: st.DrawFn, *, pins: bool = True) -> tuple[list[DemandLine], list[RoutingLocation], Point | None]:
    """An order of up to five lines over up to four variants, up to six locations, perhaps no destination."""
    codes = "ABCDEF"[: draw(st.integers(0, 6))]
    shelf = st.integers(-1, 5)
    locations = [
        at(
            code,
            draw(st.none() | st.integers(-20, 20)),
            **{name: draw(shelf) for name in draw(st.sets(st.sampled_from("pqrs")))},
        )
        for code in codes
    ]
    pin = st.just("") | st.sampled_from(["@A", "@B", "@Z"]) if pins else st.just("")
    line = st.builds("{}{}{}".format, st.sampled_from("pqrs"), st.integers(1, 6), pin)
    return wants(*draw(st.lists(line, min_size=1, max_size=5))), locations, draw(st.none() | st.just(HERE))


Order = tuple[list[DemandLine], list[RoutingLocation], Point | None]


def shipped_by_line(decision: Decision) -> Counter[UUID]:
    """Units that ship, by line."""
    units: Counter[UUID] = Counter()
    for parcel in decision.chosen:
        for line in parcel.lines:
            units[line.line_id] += line.quantity
    return units


@given(orders())
def test_no_location_ships_more_than_it_has(order: Order) -> None:
    demand, locations, _ = order
    variant_of = {line.line_id: line.variant_id for line in demand}
    stock_of = {location.id: location.stock for location in locations}

    for parcel in route(*order).chosen:
        units: Counter[UUID] = Counter()
        for line in parcel.lines:
            assert line.quantity > 0
            units[variant_of[line.line_id]] += line.quantity
        assert units
        assert all(count <= stock_of[parcel.location_id].get(variant, 0) for variant, count in units.items())


@given(orders())
def test_what_ships_and_what_is_unfilled_is_what_was_asked_for(order: Order) -> None:
    decision = route(*order)

    told = shipped_by_line(decision)
    for unfilled in decision.unfilled:
        assert unfilled.quantity > 0
        told[unfilled.line_id] += unfilled.quantity
    assert told == {line.line_id: line.quantity for line in order[0]}


@given(orders())
def test_nothing_is_unfilled_while_a_location_that_may_ship_it_has_it_left(order: Order) -> None:
    demand, locations, _ = order
    decision = route(*order)
    left = {(location.id, key): max(0, units) for location in locations for key, units in location.stock.items()}
    line_of = {line.line_id: line for line in demand}
    for parcel in decision.chosen:
        for shipped in parcel.lines:
            left[parcel.location_id, line_of[shipped.line_id].variant_id] -= shipped.quantity

    for unfilled in decision.unfilled:
        line = line_of[unfilled.line_id]
        homes = [location.id for location in locations] if line.pinned is None else [line.pinned]
        assert sum(left.get((home, line.variant_id), 0) for home in homes) == 0


@given(orders())
def test_a_pinned_line_never_ships_from_elsewhere(order: Order) -> None:
    pinned = {line.line_id: line.pinned for line in order[0] if line.pinned}

    for parcel in route(*order).chosen:
        assert all(pinned.get(line.line_id, parcel.location_id) == parcel.location_id for line in parcel.lines)


@given(orders())
def test_no_plan_has_fewer_parcels_and_none_as_few_is_nearer(order: Order) -> None:
    decision = route(*order)
    distances = {candidate.location_id: candidate.distance_km for candidate in decision.candidates}

    best = brute_force(order[0], order[1], distances, shipped_by_line(decision))

    chosen = [parcel.location_id for parcel in decision.chosen]
    assert len(chosen) == best[0]
    assert kilometers(chosen, distances) == pytest.approx(best[1])


def brute_force(
    demand: Sequence[DemandLine],
    locations: Sequence[RoutingLocation],
    distances: dict[UUID, float | None],
    granted: Counter[UUID],
) -> tuple[int, float]:
    """The fewest parcels for what was granted, and the fewest kilometers among as few: every set of locations tried."""
    pins = {line.pinned for line in demand if line.pinned and granted[line.line_id]}
    for size in range(len(locations) + 1):
        sets = [
            chosen
            for chosen in combinations(locations, size)
            if pins <= {location.id for location in chosen} and has_it_all(demand, chosen, granted)
        ]
        if sets:
            return size, min(kilometers([location.id for location in chosen], distances) for chosen in sets)
    raise AssertionError("all locations together ship what the router shipped")


def has_it_all(demand: Sequence[DemandLine], chosen: Sequence[RoutingLocation], granted: Counter[UUID]) -> bool:
    """Whether these locations have what was granted. What is pinned here is part of what is needed here."""
    needed: Counter[UUID] = Counter()
    for line in demand:
        needed[line.variant_id] += granted[line.line_id]
    return all(
        sum(max(0, location.stock.get(variant, 0)) for location in chosen) >= units for variant, units in needed.items()
    )


def kilometers(chosen: Sequence[UUID], distances: dict[UUID, float | None]) -> float:
    """The sum of distances, an unknown one being farther than all known ones together."""
    return sum(ALL_UNITS if (known := distances[location]) is None else known for location in chosen)


@given(orders(pins=False))
def test_a_line_ships_from_several_locations_only_if_none_of_them_had_it_left_whole(order: Order) -> None:
    demand, locations, _ = order
    decision = route(*order)
    stock_of = {location.id: location.stock for location in locations}
    alone = [line for line in demand if [other.variant_id for other in demand].count(line.variant_id) == 1]

    for line in alone:
        homes = [parcel.location_id for parcel in decision.chosen if line.line_id in {x.line_id for x in parcel.lines}]
        units = shipped_by_line(decision)[line.line_id]
        if len(homes) > 1:
            assert all(stock_of[parcel.location_id].get(line.variant_id, 0) < units for parcel in decision.chosen)


@given(orders())
def test_candidates_are_the_locations_and_the_chosen_come_first(order: Order) -> None:
    decision = route(*order)
    chosen = [parcel.location_id for parcel in decision.chosen]

    assert {candidate.location_id for candidate in decision.candidates} == {location.id for location in order[1]}
    assert [candidate.location_id for candidate in decision.candidates[: len(chosen)]] == chosen
    assert all(
        candidate.feasible == (candidate.rejected_because in (None, Rejection.FARTHER))
        for candidate in decision.candidates
    )


@given(orders())
def test_the_same_question_has_the_same_answer_in_any_order_of_locations(order: Order) -> None:
    demand, locations, destination = order

    assert route(demand, locations[::-1], destination) == route(demand, locations, destination)


@given(
    needed=st.dictionaries(st.sampled_from(sorted(VARIANTS.values())[:3]), st.integers(1, 6), min_size=1),
    shelves=st.lists(st.lists(st.integers(0, 3), min_size=3, max_size=3), min_size=1, max_size=8),
)
def test_a_guess_has_it_all_and_nothing_that_could_be_left_out(
    needed: dict[UUID, int], shelves: list[list[int]]
) -> None:
    stocks = [dict(zip(sorted(VARIANTS.values())[:3], shelf, strict=True)) for shelf in shelves]
    reachable = {key: min(units, sum(stock[key] for stock in stocks)) for key, units in needed.items()}
    needed = {key: units for key, units in reachable.items() if units}
    assume(needed)

    guess = cover.greedy(needed, stocks)

    def together(indices: tuple[int, ...]) -> bool:
        return all(sum(stocks[index][key] for index in indices) >= units for key, units in needed.items())

    assert together(guess)
    assert not any(together(tuple(other for other in guess if other != index)) for index in guess)
    best = cover.smallest(needed, stocks, [0.0] * len(stocks))
    assert best is not None
    assert len(best) <= len(guess)
