"""Many orders as one programme: what a unit or a parcel more would save, as it is worked out by hand."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.routing.model import DemandLine, Point
from domain.routing.network import (
    Calendar,
    Destination,
    Network,
    NetworkLocation,
    Rate,
    Request,
    Ruleset,
    Snapshot,
)
from domain.routing.programme import OPTIONS_MOST, PARCELS_LEFT_OUT, Programme, seen
from domain.stock import LocationKind

WEST, EAST = UUID(int=1), UUID(int=2)
SHIRT, SHOE = UUID(int=11), UUID(int=12)
IN_THE_WEST, BETWEEN, IN_THE_EAST = Point(0.0, 0.0), Point(0.0, 4.0), Point(0.0, 9.0)
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
KM_OF_A_DEGREE = 111.195


def network(capacity: int | None = None, **rules: object) -> Network:
    """A warehouse in the west and one in the east, 1,000 km apart; a parcel costs 5.00 and 10.00 for 1,000 km."""
    places = {
        id_: NetworkLocation(id_, code, LocationKind.WAREHOUSE, point, calendar=Calendar(), daily_capacity=capacity)
        for id_, code, point in ((WEST, "WEST", IN_THE_WEST), (EAST, "EAST", IN_THE_EAST))
    }
    rate = Rate("Post", "parcel", base_minor=500.0, per_kg_1000km_minor=1000.0)
    return Network(1, "EUR", places, (rate,), Ruleset(**{"split_minor": 0.0, **rules}))  # type: ignore[arg-type]


def order(to: Point, *variants: UUID, day: float = 0.0) -> Request:
    """One unit of each, a kilogram."""
    lines = tuple([DemandLine(UUID(int=at), "S", variant, 1, 1000) for at, variant in enumerate(variants)])
    return Request(lines, Destination(to), BEGIN + timedelta(days=day))


def stock(west: int, east: int) -> Snapshot:
    """So many of both variants."""
    return Snapshot({WEST: {SHIRT: west, SHOE: west}, EAST: {SHIRT: east, SHOE: east}})


def solved(
    orders: Sequence[Request], snapshot: Snapshot, capacity: dict[UUID, float] | None = None
) -> tuple[dict[tuple[UUID, UUID], float], dict[UUID, float]]:
    """The duals of a few orders."""
    programme = Programme()
    for each in orders:
        programme.add(seen(each, network(), snapshot))
    return programme.solve(snapshot, capacity or {}, 1.0)


def test_a_unit_is_worth_what_the_next_best_place_costs_more() -> None:
    shelves, _ = solved([order(IN_THE_WEST, SHIRT), order(BETWEEN, SHIRT)], stock(1, 5))

    assert shelves[EAST, SHIRT] == pytest.approx(0)
    assert shelves[WEST, SHIRT] == pytest.approx((5 - 4) * KM_OF_A_DEGREE, rel=0.01)


def test_a_parcel_is_paid_once_for_all_that_it_takes() -> None:
    both = Snapshot({WEST: {SHIRT: 1}, EAST: {SHIRT: 5, SHOE: 5}})

    shelves, _ = solved([order(IN_THE_WEST, SHIRT, SHOE)], both)

    assert shelves[WEST, SHIRT] == pytest.approx(0)


def test_a_parcel_more_a_day_is_worth_what_the_next_best_place_costs_more() -> None:
    _, capacity = solved([order(IN_THE_WEST, SHIRT), order(BETWEEN, SHIRT)], stock(5, 5), {WEST: 1.0, EAST: 9.0})

    assert capacity == pytest.approx({WEST: (5 - 4) * KM_OF_A_DEGREE, EAST: 0}, rel=0.01)


def test_a_unit_that_nobody_has_for_the_last_order_is_worth_a_few_parcels_and_not_the_penalty() -> None:
    shelves, _ = solved([order(IN_THE_WEST, SHIRT)] * 2, stock(1, 0))

    assert shelves[WEST, SHIRT] == pytest.approx((PARCELS_LEFT_OUT - 1) * 500)


def test_of_many_places_the_cheapest_for_a_unit_come_into_question() -> None:
    places = [NetworkLocation(UUID(int=n), str(n), LocationKind.STORE, Point(0.0, float(n))) for n in range(1, 90)]
    shop = replace(network(), locations={place.id: place for place in places})
    everywhere = Snapshot({place.id: {SHIRT: 1} for place in places})

    order_seen = seen(order(IN_THE_WEST, SHIRT), shop, everywhere)

    assert [place.int for place, _ in order_seen.options] == list(range(1, OPTIONS_MOST + 1))
