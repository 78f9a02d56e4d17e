"""What a router is given and what it answers: the order's demand, the locations' stock, and the decision on record."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from domain.stock import LocationKind
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
    NONE = "NONE", "Nothing that was asked for is to be had."


class Rejection(Word):
    """Why a location ships nothing of the order."""

    NO_STOCK = "NO_STOCK", "It has nothing that was asked for."
    PARTIAL_STOCK = "PARTIAL_STOCK", "It has some, but could not have shipped any of the chosen parcels."
    FARTHER = "FARTHER", "It could have shipped one of the chosen parcels, but from farther away."
    PINNED_ELSEWHERE = "PINNED_ELSEWHERE", "What it has must ship from another location."


class UnfilledReason(Word):
    """Why units found no location."""

    NO_STOCK = "NO_STOCK", "No location that may ship the line has any."
    PARTIAL_STOCK = "PARTIAL_STOCK", "All locations that may ship the line together have fewer than were asked for."
    NO_LOCATION = "NO_LOCATION", "No location may ship the line."


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
class RoutingLocation:
    """A location that may ship, and what it has available by variant."""

    id: UUID
    code: str
    kind: LocationKind
    latitude: float | None
    longitude: float | None
    stock: Mapping[UUID, int]


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


@dataclass(frozen=True, slots=True)
class Candidate:
    """A location that was weighed; `feasible` says that it ships something, or could have in another's stead."""

    location_id: UUID
    feasible: bool
    rejected_because: Rejection | None
    distance_km: float | None


@dataclass(frozen=True, slots=True)
class Unfilled:
    """Units of a line that no location ships."""

    line_id: UUID
    sku: str
    quantity: int
    reason: UnfilledReason


@dataclass(frozen=True, slots=True)
class Decision:
    """From where an order ships, what else was weighed, and what is left over."""

    strategy: Strategy
    chosen: tuple[Parcel, ...]
    candidates: tuple[Candidate, ...]
    unfilled: tuple[Unfilled, ...]
