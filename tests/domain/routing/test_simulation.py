"""What if, without a database: two walks through the same orders, with the same stock, by other rules."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson
import pytest

from domain.routing.model import DemandLine, Point
from domain.routing.network import (
    Calendar,
    Destination,
    Effect,
    Network,
    NetworkLocation,
    Rate,
    Request,
    Rule,
    Ruleset,
    Where,
)
from domain.routing.simulation import CHANGES_KEPT, Comparison, PastOrder, Walk
from domain.stock import LocationKind

NEAR, FAR = UUID(int=1), UUID(int=2)
SHIRT, SHOE = UUID(int=11), UUID(int=12)
MONDAY = datetime(2018, 1, 1, 12, tzinfo=UTC)
BASE, PER_1000_KM = 1_000.0, 1_000.0


def place(id_: UUID, code: str, latitude: float, capacity: int | None = None) -> NetworkLocation:
    """A warehouse on the zero meridian."""
    return NetworkLocation(
        id_, code, LocationKind.WAREHOUSE, Point(latitude, 0.0), calendar=Calendar("UTC"), daily_capacity=capacity
    )


def network(*, capacity: int | None = None, live: Ruleset | None = None) -> Network:
    """One location at the customers' door, another some 1,000 km away."""
    rate = Rate("carrier", "standard", BASE, per_kg_1000km_minor=PER_1000_KM, first_days=1)
    places = (place(NEAR, "NEAR", 0.0, capacity), place(FAR, "FAR", 9.0))
    return Network(1, "BRL", {each.id: each for each in places}, (rate,), live=live or Ruleset())


ELSEWHERE = Ruleset(rules=(Rule("not-near", Where(location_codes=frozenset({"NEAR"})), Effect(exclude=True)),))


def order(number: int, units: int = 1, *, at: datetime = MONDAY, days: int | None = None, **more: int) -> PastOrder:
    """An order of shirts of a kilogram each, for somebody next to the first location."""
    lines = [DemandLine(UUID(int=1_000 * number + 1), "SHIRT", SHIRT, units, weight_grams=1_000)]
    if more.get("shoes"):
        lines.append(DemandLine(UUID(int=1_000 * number + 2), "SHOE", SHOE, more["shoes"], weight_grams=1_000))
    deliver_by = None if days is None else at + timedelta(days=days)
    return PastOrder(UUID(int=number), Request(tuple(lines), Destination(Point(0.0, 0.0)), at, deliver_by), deliver_by)


def compared(stock: dict[UUID, dict[UUID, int]], rules: Ruleset, *orders: PastOrder) -> Comparison:
    """Both walks to their end."""
    found = Comparison(Walk(network(), stock), Walk(network(live=rules), stock))
    found.go_on(orders)
    return found


def test_the_same_rules_change_nothing() -> None:
    told = compared({NEAR: {SHIRT: 5}, FAR: {SHIRT: 5}}, Ruleset(), order(1), order(2), order(3)).told()

    assert told["current"] == told["proposed"]
    assert (told["orders"], told["changed_count"], told["changed"]) == (3, 0, [])
    assert told["current"]["cost_minor"] == 3 * BASE
    assert told["current"]["average_distance_km"] == 0.0


def test_what_ships_from_elsewhere_is_told_with_what_it_costs_more() -> None:
    told = compared({NEAR: {SHIRT: 5}, FAR: {SHIRT: 5}}, ELSEWHERE, order(1)).told()

    (change,) = told["changed"]
    assert change["ships_from"] == [str(NEAR)]
    assert change["ships_to"] == [str(FAR)]
    assert change["delta_minor"] == told["proposed"]["cost_minor"] - told["current"]["cost_minor"] > 0
    assert told["proposed"]["average_distance_km"] == pytest.approx(1_000.8, abs=0.5)


def test_what_an_order_ships_is_gone_for_those_after_it() -> None:
    told = compared({NEAR: {SHIRT: 1}, FAR: {SHIRT: 1}}, Ruleset(), order(1), order(2), order(3)).told()["current"]

    assert told["parcels"] == 2
    assert told["unfilled_units"] == 1
    assert told["average_distance_km"] == pytest.approx(500.4, abs=0.5)


def test_both_walks_have_the_stock_to_themselves_and_leave_it_as_it_was() -> None:
    stock = {NEAR: {SHIRT: 1}, FAR: {SHIRT: 1}}

    told = compared(stock, Ruleset(), order(1)).told()

    assert told["current"]["unfilled_units"] == told["proposed"]["unfilled_units"] == 0
    assert stock == {NEAR: {SHIRT: 1}, FAR: {SHIRT: 1}}


def test_rates_are_of_the_orders_that_they_are_about() -> None:
    stock = {NEAR: {SHIRT: 10}, FAR: {SHOE: 10}}
    orders = order(1, shoes=1), order(2), order(3, days=30), order(4, days=0), order(5, 100)

    told = compared(stock, Ruleset(), *orders).told()["current"]

    assert told["split_rate"] == round(1 / 5, 4)  # of the five that ship something
    assert told["on_time_rate"] == 0.5  # of the two with a promise
    assert told["unfilled_units"] == 100 - 6


def test_there_is_no_rate_of_nothing() -> None:
    told = compared({}, Ruleset(), order(1)).told()["current"]

    assert (told["split_rate"], told["on_time_rate"], told["average_distance_km"]) == (None, None, None)
    assert (told["cost_minor"], told["parcels"], told["unfilled_units"]) == (0, 0, 1)


def test_of_money_and_time_nothing_is_told_where_nobody_said_what_carriers_charge() -> None:
    unpriced = replace(network(), rates=(Rate("", "STANDARD", BASE),))
    found = Comparison(
        *(Walk(each, {FAR: {SHIRT: 5}, NEAR: {SHIRT: 5}}) for each in (unpriced, replace(unpriced, live=ELSEWHERE)))
    )
    found.go_on([order(1, days=1)])

    told = found.told()

    for side in ("current", "proposed"):
        assert (told[side]["cost_minor"], told[side]["on_time_rate"], told[side]["parcels"]) == (None, None, 1)
    assert [(each["ships_to"], each["delta_minor"]) for each in told["changed"]] == [([str(FAR)], None)]


def test_what_is_not_filled_is_never_on_time() -> None:
    told = compared({NEAR: {SHIRT: 1}}, Ruleset(), order(1, 2, days=30)).told()["current"]

    assert told["on_time_rate"] == 0.0


def test_a_days_capacity_is_there_again_on_the_next() -> None:
    rules = Ruleset(wait_for_capacity=False)
    walk = Walk(network(capacity=1, live=rules), {NEAR: {SHIRT: 9}, FAR: {SHIRT: 9}})
    moments = MONDAY, MONDAY + timedelta(hours=1), MONDAY + timedelta(days=1), MONDAY + timedelta(days=1, minutes=5)

    decided = [walk.decide(order(number, at=at)) for number, at in enumerate(moments, 1)]

    assert [each.chosen[0].location_id for each in decided] == [NEAR, FAR, NEAR, FAR]


def test_the_changes_that_are_told_are_those_whose_costs_differ_most() -> None:
    stock = {NEAR: {SHIRT: 100_000}, FAR: {SHIRT: 100_000}}
    orders = [order(number, units=number) for number in range(1, CHANGES_KEPT + 51)]

    told = compared(stock, ELSEWHERE, *orders).told()

    assert told["changed_count"] == CHANGES_KEPT + 50
    assert [UUID(each["order_id"]).int for each in told["changed"]] == [*range(CHANGES_KEPT + 50, 50, -1)]


@pytest.mark.parametrize("broken_off_after", [0, 1, 7, 29])
def test_a_comparison_goes_on_elsewhere_as_if_nothing_had_happened(broken_off_after: int) -> None:
    stock = {NEAR: {SHIRT: 40, SHOE: 3}, FAR: {SHIRT: 20, SHOE: 9}}
    orders = [
        order(number, number % 4 + 1, at=MONDAY + timedelta(hours=3 * number), days=number % 5, shoes=number % 2)
        for number in range(1, 31)
    ]
    current, proposed = network(capacity=2), network(capacity=2, live=ELSEWHERE)
    whole = Comparison(Walk(current, stock), Walk(proposed, stock))
    whole.go_on(orders)

    first = Comparison(Walk(current, stock), Walk(proposed, stock))
    first.go_on(orders[:broken_off_after])
    second = Comparison.load(current, proposed, orjson.loads(orjson.dumps(first.dump())))
    second.go_on(orders[broken_off_after:])

    assert second.told() == whole.told()
