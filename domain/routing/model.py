"""What a router is given and what it answers: the order's demand, the locations' stock, and the decision on record."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from domain.words import Word


class Strategy(Word):
    """By which rule the decision came about."""

    PINNED = "PINNED", "Every line had to ship from a location that was given with it."
    NEAREST = "NEAREST", "One location has everything that is to be had; the nearest such."
    FEWEST_PARCELS = (
        "FEWEST_PARCELS",
        "No location has everything; no plan has fewer parcels, and none as few is nearer.",
    )
    FEWEST_PARCELS_GREEDY = (
        "FEWEST_PARCELS_GREEDY",
        "Too many combinations to try them all; whoever had most of what was left went next.",
    )
    MOVED = "MOVED", "Somebody said from where."
    LEAST_COST = "LEAST_COST", "No plan that the rules allow costs less."
    LEAST_COST_BOUNDED = (
        "LEAST_COST_BOUNDED",
        "Too many plans to try them all: the cheapest that was found, and none costs less by more than the gap.",
    )
    NONE = "NONE", "Nothing that was asked for is to be had."


class Rejection(Word):
    """Why a location ships nothing of the order."""

    NO_STOCK = "NO_STOCK", "It has nothing that was asked for."
    PARTIAL_STOCK = "PARTIAL_STOCK", "It has some, but could not have shipped any of the chosen parcels."
    FARTHER = "FARTHER", "It could have shipped one of the chosen parcels, but from farther away."
    PINNED_ELSEWHERE = "PINNED_ELSEWHERE", "What it has must ship from another location."
    DEARER = "DEARER", "It could have shipped one of the chosen parcels, but the plan would have cost more."
    LOWER_RANK = "LOWER_RANK", "Locations that the rules prefer could fill the order as well."
    EXCLUDED = "EXCLUDED", "A rule excludes it for what it has."
    NOT_ONLY = "NOT_ONLY", "A rule says that only other locations ship what it has."
    NO_SERVICE = "NO_SERVICE", "No carrier's service takes what it has from there to the destination."
    NO_CAPACITY = "NO_CAPACITY", "It has as many parcels as it can ship today."
    TOO_LATE = "TOO_LATE", "It would arrive later than was promised, and the rules forbid that."
    CLOSED = "CLOSED", "Its calendar has no day on which it ships."
    SHARE_REACHED = "SHARE_REACHED", "Its group has the share of the day's parcels that a rule allows."
    BELOW_MINIMUM = "BELOW_MINIMUM", "What it could ship is worth less than a rule asks of a parcel."
    INCOMPLETE = "INCOMPLETE", "The order ships complete or not at all, and cannot be filled."


class UnfilledReason(Word):
    """Why units found no location."""

    NO_STOCK = "NO_STOCK", "No location that may ship the line has any."
    PARTIAL_STOCK = "PARTIAL_STOCK", "All locations that may ship the line together have fewer than were asked for."
    NO_LOCATION = "NO_LOCATION", "No location may ship the line."
    EXCLUDED = "EXCLUDED", "Rules forbid every location that has it to ship it."
    NO_SERVICE = "NO_SERVICE", "No carrier's service takes it to the destination from where it lies."
    NO_CAPACITY = "NO_CAPACITY", "The locations that have it can ship no more today."
    TOO_LATE = "TOO_LATE", "From every location that has it, it would arrive later than was promised."
    NOT_WHOLE = "NOT_WHOLE", "No location has the whole line, and the rules forbid splitting it."
    NOT_TOGETHER = "NOT_TOGETHER", "It would have taken more parcels, or other parcels, than the rules allow."
    INCOMPLETE = "INCOMPLETE", "The order ships complete or not at all, and something else is missing."
    PICKUP_DECLINED = "PICKUP_DECLINED", "The store where its customer was to fetch it does not hand it out."


@dataclass(frozen=True, slots=True)
class Point:
    """Where parcels go, in degrees."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class DemandLine:
    """Units to be shipped. A line that is `pinned` ships from that location or not at all."""

    line_id: UUID
    sku: str
    variant_id: UUID
    quantity: int
    weight_grams: int | None = None
    pinned: UUID | None = None
    value_minor: int = 0
    """What the buyer pays for one unit."""
    longest_mm: int | None = None
    hazmat: bool = False


@dataclass(frozen=True, slots=True)
class ParcelLine:
    """Units of one order line that ship together."""

    line_id: UUID
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Parcel:
    """What one chosen location ships; `distance_km` is null where one end's coordinates are not known."""

    location_id: UUID
    lines: tuple[ParcelLine, ...]
    distance_km: float | None
    carrier: str | None = None
    service: str | None = None
    cost_minor: int = 0
    """Packing, handling and the carrier, in money: what it will cost, whatever the comparison added."""
    ship_at: datetime | None = None
    """Until when it should have left: the end of a working day of the location."""
    deliver_earliest: datetime | None = None
    deliver_latest: datetime | None = None
    late_days: int = 0
    """By how many days `deliver_latest` misses what was promised."""
    counts_on: date | None = None
    """The location's day whose parcels it is one of, where somebody counts them."""
    fetched: bool = False
    """Whether its customer fetches it there: no carrier is asked."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A location that was weighed; `feasible` says that it ships something, or could have in another's stead."""

    location_id: UUID
    feasible: bool
    rejected_because: Rejection | None
    distance_km: float | None
    rule: str | None = None
    """The name of the rule that rejected it, where one did."""
    cost_minor: int | None = None
    """What shipping all that it has of the order would cost from there; null where it may ship nothing."""
    capacity_left: int | None = None
    """Parcels that it can still ship today, before this order; null: as many as come."""


@dataclass(frozen=True, slots=True)
class Unfilled:
    """Units of a line that no location ships."""

    line_id: UUID
    sku: str
    quantity: int
    reason: UnfilledReason


@dataclass(frozen=True, slots=True)
class Objective:
    """The terms that were compared, in minor units and as they were weighted; the total is their sum."""

    cost_minor: int = 0
    lateness_minor: int = 0
    split_minor: int = 0
    stock_minor: int = 0
    """Differences in the prices of scarce stock and capacity, and what markdowns take off."""
    surcharge_minor: int = 0
    """What rules added or took off."""

    @property
    def total_minor(self) -> int:
        """What a better plan would have had to undercut."""
        return self.cost_minor + self.lateness_minor + self.split_minor + self.stock_minor + self.surcharge_minor


@dataclass(frozen=True, slots=True)
class Decision:
    """From where an order ships, what else was weighed, and what is left over."""

    strategy: Strategy
    chosen: tuple[Parcel, ...]
    candidates: tuple[Candidate, ...]
    unfilled: tuple[Unfilled, ...]
    objective: Objective = Objective()
    gap: float | None = None
    """How much cheaper than this plan another can be at most, as a part of its total; null where none is cheaper."""
    ruleset_id: UUID | None = None
    ruleset_version: int = 0
