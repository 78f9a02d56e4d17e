"""What a router knows besides one order: locations with their calendars and costs, carriers' rates, rules, prices.

A network changes rarely and is kept in memory by its version; stock and the capacity that is left come with each
question. All amounts are minor units of the channel's currency; fractions of one are kept until a decision is recorded.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from uuid import UUID

from domain.routing.model import DemandLine, Point
from domain.stock import LocationKind
from domain.words import Word


class RulesetMode(Word):
    """Whether a ruleset decides."""

    LIVE = "LIVE", "Decides from where orders ship."
    SHADOW = "SHADOW", "Decides nothing: what it would have chosen is kept beside what the live one chose."
    RETIRED = "RETIRED", "Was one of these once; its decisions stay explained."


@dataclass(frozen=True, slots=True)
class Calendar:
    """When a location works, in its own time zone. A day that is a holiday or no working day ships nothing."""

    time_zone: str = "UTC"
    working_days: frozenset[int] = frozenset(range(1, 8))
    """ISO weekdays, Monday is 1."""
    holidays: frozenset[date] = frozenset()
    cutoff: time | None = None
    """Orders that come later begin on the next working day; None: midnight."""
    handling_days: int = 1
    """Working days from the order's (0: ships the same day) to the day on which parcels leave."""


@dataclass(frozen=True, slots=True)
class NetworkLocation:
    """A location that may ship for the channel."""

    id: UUID
    code: str
    kind: LocationKind
    point: Point | None = None
    country: str | None = None
    region: str | None = None
    tags: frozenset[str] = frozenset()
    calendar: Calendar = Calendar()
    daily_capacity: int | None = None
    """Parcels a day; None: as many as come."""
    packing_minor: float = 0.0
    """What one parcel costs before the carrier."""
    handling_minor: float = 0.0
    """What one unit costs to pick."""


@dataclass(frozen=True, slots=True)
class Rate:
    """What one service of a carrier charges for a parcel, and how long it takes.

    Cost = base + kg × (per_kg + per_kg_1000km × km ÷ 1000); days = first_days + ⌊km ÷ km_per_day⌋.
    Where a distance is not known, it counts as zero for the cost and the days are `first_days`.
    """

    carrier: str
    service: str
    base_minor: float
    per_kg_minor: float = 0.0
    per_kg_1000km_minor: float = 0.0
    first_days: int = 1
    km_per_day: float | None = None
    """None: as fast everywhere."""
    location_kinds: frozenset[LocationKind] = frozenset()
    """Who may use it; empty: all."""
    location_ids: frozenset[UUID] = frozenset()
    countries: frozenset[str] = frozenset()
    """Where it goes; empty: everywhere."""
    max_weight_grams: int | None = None
    takes_hazmat: bool = True


@dataclass(frozen=True, slots=True)
class Where:
    """Which locations, orders or lines a rule is about; what is given must hold together, and nothing given is all."""

    location_kind: frozenset[LocationKind] = frozenset()
    location_codes: frozenset[str] = frozenset()
    location_tags: frozenset[str] = frozenset()
    """At least one of them."""
    within_km: float | None = None
    beyond_km: float | None = None
    same_country: bool | None = None
    same_region: bool | None = None
    destination_countries: frozenset[str] = frozenset()
    destination_regions: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()
    line_weight_above_grams: int | None = None
    """Lines whose units together weigh more."""
    line_longest_above_mm: int | None = None
    hazmat: bool | None = None
    order_value_above_minor: int | None = None
    order_value_below_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """What a rule does; exactly one of them."""

    exclude: bool = False
    """These locations (for these lines, with these services) do not ship."""
    only: bool = False
    """Nobody else ships."""
    prefer: int | None = None
    """Rank 1 goes first: a better rank that can fill the order wins whatever it costs; unranked locations come last."""
    surcharge_minor: float | None = None
    """Added to (or, negative, taken off) the cost of a parcel for the comparison alone."""
    max_share: float | None = None
    """At most this part (0 to 1) of a day's parcels ships from these locations together."""
    min_parcel_value_minor: int | None = None
    """A parcel from here is worth at least so much, unless it completes the order alone."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, in its place; its name is what explanations call it."""

    name: str
    where: Where
    effect: Effect


@dataclass(frozen=True, slots=True)
class Weights:
    """How much one minor unit of each term counts in the comparison."""

    cost: float = 1.0
    lateness: float = 1.0
    split: float = 1.0
    stock: float = 1.0
    """Shadow prices of scarce stock and capacity."""


@dataclass(frozen=True, slots=True)
class Ruleset:
    """One version of a channel's rules."""

    id: UUID | None = None
    version: int = 0
    name: str = "default"
    mode: RulesetMode = RulesetMode.LIVE
    rules: tuple[Rule, ...] = ()
    max_parcels: int | None = None
    allow_split: bool = True
    """Whether an order may ship in several parcels."""
    split_lines: bool = True
    """Whether the units of one line may ship from several locations."""
    ship_complete: bool = False
    """All or nothing: an order that cannot be filled whole waits whole."""
    late_allowed: bool = True
    """Whether a parcel may be promised later than the buyer was; it costs `lateness_minor_per_day`."""
    wait_for_capacity: bool = True
    """Whether a location that has its day's parcels may be given more, which leave a working day later."""
    lateness_minor_per_day: float = 500.0
    """For every parcel and day."""
    split_minor: float = 500.0
    """For every parcel beyond the first."""
    unfilled_minor_per_unit: float = 100_000.0
    """More than any way of shipping a unit, so that what can be filled is."""
    markdown_minor: Mapping[UUID, float] = field(default_factory=dict)
    """By location: what a unit that stays there will lose in price; it ships from there sooner."""
    weights: Weights = Weights()


@dataclass(frozen=True, slots=True)
class Prices:
    """Shadow prices: what one more unit (location, variant) or one more parcel a day (location) would have saved.

    Only their differences between the locations that have the goods count: as absolute prices they would make a
    router refuse orders that it could fill.
    """

    stock: Mapping[tuple[UUID, UUID], float] = field(default_factory=dict)
    capacity: Mapping[UUID, float] = field(default_factory=dict)
    solved_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Network:
    """A channel's network as of one version."""

    version: int
    currency: str
    locations: Mapping[UUID, NetworkLocation]
    rates: tuple[Rate, ...]
    """Never empty: where nobody set one up, the built-in one stands."""
    live: Ruleset = Ruleset()
    shadow: Ruleset | None = None
    prices: Prices = Prices()


@dataclass(frozen=True, slots=True)
class Destination:
    """Where parcels go, as far as anybody knows."""

    point: Point | None = None
    country: str | None = None
    region: str | None = None
    postal_code: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be shipped, where to, and by when."""

    lines: tuple[DemandLine, ...]
    destination: Destination
    at: datetime
    deliver_by: datetime | None = None
    """What the buyer was promised."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What there is at the moment of a decision."""

    stock: Mapping[UUID, Mapping[UUID, int]]
    """Units available: location → variant → units."""
    parcels_today: Mapping[UUID, int] = field(default_factory=dict)
    """Parcels already given out for the current day, by location."""
