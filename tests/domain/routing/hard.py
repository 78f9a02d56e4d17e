"""Orders that are hard to route: many units of several goods, where no shelf has enough. Each seed is one of them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

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
    Snapshot,
    Where,
)
from domain.stock import LocationKind

MONDAY = datetime(2026, 1, 5, 12, tzinfo=UTC)
GROUND = Rate("Post", "parcel", 590, 80, 120, 1, 600.0)
EXPRESS = Rate("Air", "express", 1490, 160, 300, 1)
STORES = Where(location_kind=frozenset({LocationKind.STORE}))


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of hard order. What a shelf has is drawn for a store and a good, `None` for a warehouse."""

    units: Callable[[Random], int]
    store: Callable[[Random], int]
    warehouse: Callable[[Random], int]
    warehouses: int = 2
    rates: tuple[Rate, ...] = (GROUND, EXPRESS)
    rules: Ruleset = field(default_factory=Ruleset)


def _thin(random: Random) -> int:
    return random.randint(1, 3)


def _some(random: Random) -> int:
    return random.choice([0, 0, 1, 1, 2, 3])


KINDS = {
    # As many as ten of each, and one to three on every shelf.
    "thin": Kind(lambda random: random.randint(10, 14), _thin, _thin),
    # The same, where most shelves lack some of the goods.
    "patchy": Kind(lambda random: random.randint(8, 16), _some, _some),
    # More than is to be had.
    "short": Kind(lambda random: random.randint(60, 90), _thin, _thin),
    # A few of each in stores, and warehouses that run out.
    "ebb": Kind(lambda random: random.randint(2, 8), _some, lambda random: random.randint(0, 6), 4),
    # A dealer's order: crates of each from shelves that have crates.
    "dealer": Kind(lambda random: random.randint(20, 60), lambda r: r.randint(0, 12), lambda r: r.randint(0, 40), 6),
    # What people buy: one to three of each.
    "usual": Kind(lambda random: random.choice([1, 1, 1, 2, 3]), _some, lambda random: random.randint(0, 20), 4),
    # No more parcels than four.
    "few": Kind(lambda random: random.randint(4, 8), _thin, lambda r: r.randint(0, 6), 4, rules=Ruleset(max_parcels=4)),
    # Lines that stay whole.
    "whole": Kind(
        lambda random: random.randint(1, 3), _some, lambda r: r.randint(0, 3), 4, rules=Ruleset(split_lines=False)
    ),
    # What people buy, where rules and carriers now and then say no to a parcel.
    "ruled": Kind(
        lambda random: random.choice([1, 1, 2, 3]),
        _some,
        lambda random: random.randint(0, 6),
        4,
        (Rate("Post", "parcel", 590, 80, 120, 1, 600.0, max_weight_grams=10_000), EXPRESS),
        Ruleset(rules=(Rule("no-crumbs", STORES, Effect(min_parcel_value_minor=3_000)),)),
    ),
    # Little goes into a parcel, and small ones may not ship.
    "bound": Kind(
        lambda random: random.randint(3, 6),
        _some,
        lambda random: random.randint(0, 4),
        4,
        (Rate("Post", "parcel", 590, 80, 120, 1, 600.0, max_weight_grams=5_000), EXPRESS),
        Ruleset(rules=(Rule("no-crumbs", STORES, Effect(min_parcel_value_minor=3_000)),)),
    ),
}


def hard(kind: Kind, seed: int, lines: int = 6, locations: int = 40) -> tuple[Request, Network, Snapshot]:
    """One order, to somewhere in a country of two thousand kilometers."""
    random = Random(seed)
    to = Destination(Point(random.uniform(-25, -5), random.uniform(-55, -38)), "BR")
    wanted = tuple(
        DemandLine(
            UUID(int=1 + number),
            f"S{number}",
            UUID(int=1 + number),
            kind.units(random),
            random.choice([150, 300, 700, 1500, 4000]),
            value_minor=random.choice([990, 1990, 4990]),
        )
        for number in range(lines)
    )
    places = [_place(random, number, kind) for number in range(locations)]
    stock = {
        place.id: {
            line.variant_id: (kind.warehouse if place.kind is LocationKind.WAREHOUSE else kind.store)(random)
            for line in wanted
        }
        for place in places
    }
    request = Request(wanted, to, MONDAY, MONDAY + timedelta(days=random.randint(2, 6)))
    return request, Network(1, "BRL", {place.id: place for place in places}, kind.rates, kind.rules), Snapshot(stock)


def _place(random: Random, number: int, kind: Kind) -> NetworkLocation:
    is_store = number >= kind.warehouses
    return NetworkLocation(
        UUID(int=1000 + number),
        f"L{number}",
        LocationKind.STORE if is_store else LocationKind.WAREHOUSE,
        Point(random.uniform(-25, -5), random.uniform(-55, -38)),
        "BR",
        calendar=Calendar(handling_days=random.randint(0, 1)),
        packing_minor=random.choice([150, 250]) if is_store else 90,
        handling_minor=random.choice([40, 70]) if is_store else 25,
    )
