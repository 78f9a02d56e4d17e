"""Prices of what is scarce: where they are high, that nobody is refused for them, and what is forgotten when."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import pytest

from domain.routing.forgetting import ages, best_memory
from domain.routing.model import Decision, DemandLine, Point
from domain.routing.network import Destination, Network, NetworkLocation, Prices, Rate, Request, Ruleset, Snapshot
from domain.routing.prices import FRESH, LEAST_MINOR, prices
from domain.routing.router import route
from domain.stock import LocationKind

BEGINNING = datetime(2026, 1, 5, 12, tzinfo=UTC)
WEST, EAST = UUID(int=1), UUID(int=2)
TEA, CUP = UUID(int=11), UUID(int=12)
DAYS = 5.0
KM = 1 / 111.195
"""A kilometer in degrees of longitude at the equator."""
BY_DISTANCE = Rate("Post", "parcel", base_minor=500, per_kg_1000km_minor=1000)
THERE_AND_BACK = 1000.0
"""What a kilogram costs from one end of the country to the other, in minor units."""


def country(*, capacity: int | None = None) -> Network:
    """Two warehouses, 1,000 km apart. The western one may have a limited day."""
    places = [
        NetworkLocation(WEST, "W", LocationKind.WAREHOUSE, Point(0.0, 0.0), daily_capacity=capacity),
        NetworkLocation(EAST, "E", LocationKind.WAREHOUSE, Point(0.0, 1000 * KM)),
    ]
    return Network(1, "EUR", {place.id: place for place in places}, (BY_DISTANCE,), Ruleset(split_minor=0.0))


def to(km: float, day: float, variant: UUID = TEA, units: int = 1) -> Request:
    """An order of a kilogram a unit that goes so far east of the western warehouse."""
    line = DemandLine(UUID(int=99), "sku", variant, units, weight_grams=1000)
    return Request((line,), Destination(Point(0.0, km * KM)), BEGINNING + timedelta(days=day))


def half_west_half_east(days: int = 10, variant: UUID = TEA) -> list[Request]:
    """Four orders a day."""
    return [to(km, day, variant) for day in range(days) for km in (0, 0, 1000, 1000)]


def has(west: int, east: int) -> Snapshot:
    """So many units of tea at both ends."""
    return Snapshot({WEST: {TEA: west}, EAST: {TEA: east}})


def sources(decision: Decision) -> list[UUID]:
    """Who ships."""
    return [parcel.location_id for parcel in decision.chosen]


# -- where prices are high -----------------------------------------------------------------------------------------


def test_what_is_scarce_near_a_region_is_dearer_there() -> None:
    found = prices(half_west_half_east(), country(), has(west=3, east=100), DAYS)
    assert found.stock == {(WEST, TEA): pytest.approx(THERE_AND_BACK, rel=0.01)}
    assert found.solved_at == BEGINNING + timedelta(days=9)


def test_it_is_the_scarcity_and_not_the_place_that_is_priced() -> None:
    found = prices(half_west_half_east(), country(), has(west=100, east=3), DAYS)
    assert found.stock == {(EAST, TEA): pytest.approx(THERE_AND_BACK, rel=0.01)}


def test_what_nobody_will_miss_has_no_price() -> None:
    found = prices(half_west_half_east(), country(capacity=100), has(west=100, east=100), DAYS)
    assert (found.stock, found.capacity) == ({}, {})


def test_where_no_order_was_there_are_no_prices() -> None:
    assert prices([], country(), has(1, 1), DAYS) == Prices()


def test_the_last_ones_are_left_for_those_whom_they_are_near() -> None:
    stock, halfway = has(west=3, east=100), to(450, day=10)
    network = country()
    priced = replace(network, prices=prices(half_west_half_east(), network, stock, DAYS))
    assert sources(route(halfway, network, stock)) == [WEST]
    assert sources(route(halfway, priced, stock)) == [EAST]
    assert sources(route(to(0, day=10), priced, stock)) == [WEST], "this is whom they were left for"


def test_a_parcel_of_a_day_that_will_be_full_has_a_price() -> None:
    stock, halfway = has(west=100, east=100), to(450, day=10)
    network = country(capacity=1)
    found = prices(half_west_half_east(), network, stock, DAYS)
    assert found.capacity == {WEST: pytest.approx(THERE_AND_BACK, rel=0.01)}, "the east may ship as many as come"
    assert found.stock == {}
    assert sources(route(halfway, network, stock)) == [WEST]
    assert sources(route(halfway, replace(network, prices=found), stock)) == [EAST]


def test_the_same_question_gets_the_same_answer() -> None:
    past = [to(km, day, units=1 + day % 3) for day in range(14) for km in (0, 300, 700, 1000)]
    once, again = (prices(past, country(capacity=2), has(west=9, east=12), DAYS) for _ in range(2))
    assert once == again
    assert any(once.stock.values())


def test_prices_move_part_of_the_way_to_what_is_solved_now() -> None:
    before = Prices({(WEST, TEA): 400.0, (EAST, CUP): 80.0, (WEST, CUP): LEAST_MINOR}, {WEST: 60.0})
    network = replace(country(capacity=100), prices=before)
    found = prices(half_west_half_east(), network, has(west=100, east=100), DAYS)
    assert found.stock == {
        (WEST, TEA): pytest.approx(400 * (1 - FRESH)),
        (EAST, CUP): pytest.approx(80 * (1 - FRESH)),
    }, "what decides nothing any more is forgotten"
    assert found.capacity == {WEST: pytest.approx(60 * (1 - FRESH))}


# -- nobody is refused for them ------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(40))
def test_whatever_the_prices_what_can_be_filled_is_filled(seed: int) -> None:
    random = Random(seed)
    for _ in range(5):
        request, network, snapshot = _anything(random)
        decision = route(request, replace(network, prices=_any_prices(random, network, snapshot)), snapshot)
        assert _shipped(decision) == _can_be_filled(request, snapshot)


def _anything(random: Random) -> tuple[Request, Network, Snapshot]:
    variants = [UUID(int=20 + number) for number in range(random.randint(1, 3))]
    places = [
        NetworkLocation(
            UUID(int=1 + number),
            f"L{number}",
            LocationKind.WAREHOUSE,
            Point(0.0, random.uniform(0, 2000) * KM),
            daily_capacity=random.choice([None, 5]),
        )
        for number in range(random.randint(1, 5))
    ]
    lines = tuple(
        [
            DemandLine(
                UUID(int=90 + number), "sku", variant, random.randint(1, 5), weight_grams=random.randint(0, 3000)
            )
            for number, variant in enumerate(variants)
        ]
    )
    stock = {place.id: {variant: random.choice([0, 0, 1, 2, 9]) for variant in variants} for place in places}
    network = Network(1, "EUR", {place.id: place for place in places}, (BY_DISTANCE,))
    return Request(lines, Destination(Point(0.0, 0.0)), BEGINNING), network, Snapshot(stock)


def _any_prices(random: Random, network: Network, snapshot: Snapshot) -> Prices:
    most = 10.0 ** random.randint(2, 7)
    return Prices(
        {(place, variant): random.uniform(0, most) for place, units in snapshot.stock.items() for variant in units},
        {place: random.uniform(0, most) for place in network.locations},
    )


def _shipped(decision: Decision) -> Mapping[UUID, int]:
    units: dict[UUID, int] = {}
    for parcel in decision.chosen:
        for line in parcel.lines:
            units[line.line_id] = units.get(line.line_id, 0) + line.quantity
    return units


def _can_be_filled(request: Request, snapshot: Snapshot) -> Mapping[UUID, int]:
    there_is = {
        line.line_id: sum(units[line.variant_id] for units in snapshot.stock.values()) for line in request.lines
    }
    fillable = {line.line_id: min(line.quantity, there_is[line.line_id]) for line in request.lines}
    return {line: units for line, units in fillable.items() if units}


# -- what is forgotten ---------------------------------------------------------------------------------------------


def test_steady_demand_is_remembered_for_good() -> None:
    assert best_memory(half_west_half_east(days=30)) == 1.0


def test_demand_that_changed_is_forgotten() -> None:
    tea, cups = half_west_half_east(days=20), [to(0, 20 + day, CUP) for day in range(10) for _ in range(4)]
    assert best_memory([*tea, *cups]) < 1.0


def test_an_order_is_as_old_as_the_whole_days_to_the_last() -> None:
    assert ages([to(0, 0), to(0, 2.5), to(0, 3), to(0, 4)]) == [4, 1, 1, 0]


def test_what_nobody_wants_any_more_has_a_lower_price_than_what_many_want_now() -> None:
    stock = Snapshot({WEST: {TEA: 3, CUP: 3}, EAST: {TEA: 100, CUP: 100}})
    tea = half_west_half_east(days=20)
    cups = [to(km, 20 + day, CUP) for day in range(10) for km in (0, 0, 1000, 1000)]
    found = prices([*tea, *cups], country(), stock, DAYS)
    assert found.stock[WEST, CUP] == pytest.approx(THERE_AND_BACK, rel=0.01)
    assert found.stock.get((WEST, TEA), 0.0) < found.stock[WEST, CUP] / 2
