"""A ruleset's price for units that nobody ships: it never makes it better to ship nothing."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from domain.routing.model import DemandLine, Point
from domain.routing.network import (
    Destination,
    Effect,
    Network,
    NetworkLocation,
    Rate,
    Request,
    Rule,
    Ruleset,
    Snapshot,
    Weights,
    Where,
)
from domain.routing.router import route
from domain.routing.weighing import AT_ANY_PRICE
from domain.rulesets import fitted
from domain.stock import LocationKind

PLACE = NetworkLocation(UUID(int=1), "A", LocationKind.WAREHOUSE, Point(0.0, 0.0), packing_minor=70_000.0)
VARIANT = UUID(int=2)
IN_RUPIAH = Rate("jne", "REG", base_minor=2_000_000.0, per_kg_minor=1_500_000.0, per_kg_1000km_minor=900_000.0)


@pytest.mark.parametrize(
    "ruleset",
    [
        Ruleset(),
        Ruleset(weights=Weights(cost=3.0)),
        Ruleset(rules=(Rule("last resort", Where(), Effect(surcharge_minor=9_000_000.0)),)),
        Ruleset(lateness_minor_per_day=5_000_000.0),
    ],
    ids=["usual", "weighted", "surcharged", "late"],
)
def test_whatever_shipping_costs_a_unit_that_can_be_shipped_is(ruleset: Ruleset) -> None:
    late = datetime(2026, 1, 1, tzinfo=UTC)
    line = DemandLine(UUID(int=3), "S", VARIANT, 1, weight_grams=25_000, value_minor=1)
    request = Request((line,), Destination(Point(0.0, 90.0)), datetime(2026, 1, 10, tzinfo=UTC), late)
    network = Network(1, "IDR", {PLACE.id: PLACE}, (IN_RUPIAH,), fitted(ruleset, (IN_RUPIAH,), [PLACE]))
    snapshot = Snapshot({PLACE.id: {VARIANT: 1}})

    assert route(request, network, snapshot).unfilled == ()
    careless = replace(network, live=replace(ruleset, unfilled_minor_per_unit=1_000.0))
    assert route(request, careless, snapshot).unfilled != ()


def test_no_price_stands_above_what_is_pinned_or_ships_complete() -> None:
    absurd = replace(IN_RUPIAH, base_minor=1e15)

    assert fitted(Ruleset(), (absurd,), [PLACE]).unfilled_minor_per_unit < AT_ANY_PRICE
