"""The router: the nearest location that has everything, else the fewest parcels, else whatever is to be had.

Pinned lines are served first, from the location they are pinned to; those locations ship a parcel anyway, so what
else they have costs no further one. Deterministic: the same demand, stock and destination give the same decision.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from domain.routing import cover
from domain.routing.distance import distance_km
from domain.routing.model import (
    Candidate,
    Decision,
    DemandLine,
    Parcel,
    ParcelLine,
    Point,
    Rejection,
    RoutingLocation,
    Strategy,
    Unfilled,
    UnfilledReason,
)

UNKNOWN_KM = 1_000_000.0
"""Stands in for an unknown distance: farther than any sum of known ones, so that it sorts and adds up last."""

CANDIDATES_KEPT = 20
"""A decision stays on record for good; nobody reads past the first twenty of a thousand stores."""


@dataclass(slots=True, eq=False)
class Shelf:
    """A location on the way to a decision: how far it is, what is left there, and what was taken so far."""

    location: RoutingLocation
    distance: float
    left: dict[UUID, int]
    taken: list[tuple[DemandLine, int]]


def route(demand: Sequence[DemandLine], locations: Sequence[RoutingLocation], destination: Point | None) -> Decision:
    """Decide from where each unit ships."""
    shelves = _ranked(demand, locations, destination)
    unfilled: list[Unfilled] = []

    _take_pinned(demand, shelves, unfilled)
    granted = _granted(demand, shelves, unfilled)
    strategy = _take_free(granted, shelves)

    chosen = [shelf for shelf in shelves if shelf.taken]
    return Decision(strategy, tuple(map(_parcel, chosen)), _candidates(demand, shelves), tuple(unfilled))


def _ranked(demand: Sequence[DemandLine], locations: Sequence[RoutingLocation], to: Point | None) -> list[Shelf]:
    """The locations, nearest first; those at unknown places last; ties by code."""
    variants = {line.variant_id for line in demand}
    shelves = [
        Shelf(location, _distance(location, to), {key: max(0, location.stock.get(key, 0)) for key in variants}, [])
        for location in locations
    ]
    return sorted(shelves, key=lambda shelf: (shelf.distance, shelf.location.code))


def _distance(location: RoutingLocation, to: Point | None) -> float:
    if to is None or location.latitude is None or location.longitude is None:
        return UNKNOWN_KM
    return distance_km(location.latitude, location.longitude, to.latitude, to.longitude)


def _take_pinned(demand: Sequence[DemandLine], shelves: list[Shelf], unfilled: list[Unfilled]) -> None:
    for line in demand:
        if line.pinned is None:
            continue
        home = next((shelf for shelf in shelves if shelf.location.id == line.pinned), None)
        available = home.left[line.variant_id] if home else 0
        if home and available:
            _take(home, line, min(available, line.quantity))
        _note_unfilled(line, available, unfilled, has_location=home is not None)


def _granted(
    demand: Sequence[DemandLine], shelves: list[Shelf], unfilled: list[Unfilled]
) -> list[tuple[DemandLine, int]]:
    """What each line that is free to ship from anywhere will get: where stock is short, the first lines are served."""
    pool: dict[UUID, int] = {}
    granted = []
    for line in demand:
        if line.pinned is not None:
            continue
        key = line.variant_id
        if key not in pool:
            pool[key] = sum([shelf.left[key] for shelf in shelves])
        units = min(pool[key], line.quantity)
        _note_unfilled(line, pool[key], unfilled, has_location=bool(shelves))
        if units:
            pool[key] -= units
            granted.append((line, units))
    return granted


def _note_unfilled(line: DemandLine, available: int, unfilled: list[Unfilled], *, has_location: bool) -> None:
    if available >= line.quantity:
        return
    reason = UnfilledReason.PARTIAL_STOCK if available else UnfilledReason.NO_STOCK
    missing = line.quantity - available
    unfilled.append(Unfilled(line.line_id, line.sku, missing, reason if has_location else UnfilledReason.NO_LOCATION))


def _take_free(granted: list[tuple[DemandLine, int]], shelves: list[Shelf]) -> Strategy:
    """Choose the locations for what was granted, take it from them, and say by which rule."""
    pinned = [shelf for shelf in shelves if shelf.taken]
    if not granted:
        return Strategy.PINNED if pinned else Strategy.NONE
    others = [shelf for shelf in shelves if not shelf.taken] if pinned else shelves
    added, exact = _added(_outstanding(granted, pinned), others)
    chosen = [shelf for shelf in shelves if shelf.taken or shelf in added] if pinned else added
    _spread(granted, chosen)
    if len(chosen) == 1:
        return Strategy.NEAREST
    return Strategy.FEWEST_PARCELS if exact else Strategy.FEWEST_PARCELS_GREEDY


def _outstanding(granted: list[tuple[DemandLine, int]], pinned: list[Shelf]) -> dict[UUID, int]:
    """Units by variant that the locations which ship anyway do not have."""
    needed: dict[UUID, int] = {}
    for line, units in granted:
        needed[line.variant_id] = needed.get(line.variant_id, 0) + units
    if not pinned:
        return needed
    short = {key: units - sum(shelf.left[key] for shelf in pinned) for key, units in needed.items()}
    return {key: units for key, units in short.items() if units > 0}


def _added(needed: dict[UUID, int], shelves: list[Shelf]) -> tuple[list[Shelf], bool]:
    """The locations that have what is needed, nearest first, and whether no other choice is better."""
    if not needed:
        return [], True
    for shelf in shelves:
        if cover.suffices(needed, shelf.left):
            return [shelf], True
    stocks = [shelf.left for shelf in shelves]
    exact = cover.smallest(needed, stocks, [shelf.distance for shelf in shelves])
    indices = cover.greedy(needed, stocks) if exact is None else exact
    return [shelves[index] for index in indices], exact is not None


def _spread(granted: list[tuple[DemandLine, int]], chosen: list[Shelf]) -> None:
    """Take every line whole from the nearest that has it all, the largest lines first; split only what nobody has."""
    if len(chosen) == 1:
        for line, units in granted:
            _take(chosen[0], line, units)
        return
    for line, units in sorted(granted, key=lambda grant: -grant[1]):
        home = next((shelf for shelf in chosen if shelf.left[line.variant_id] >= units), None)
        if home:
            _take(home, line, units)
        else:
            _take_split(line, units, chosen)


def _take_split(line: DemandLine, units: int, chosen: list[Shelf]) -> None:
    """In as few pieces as possible: from the fullest shelf first, the nearest where two are as full."""
    for shelf in sorted(chosen, key=lambda shelf: -shelf.left[line.variant_id]):
        piece = min(units, shelf.left[line.variant_id])
        if piece:
            _take(shelf, line, piece)
            units -= piece


def _take(shelf: Shelf, line: DemandLine, units: int) -> None:
    shelf.left[line.variant_id] -= units
    shelf.taken.append((line, units))


def _parcel(shelf: Shelf) -> Parcel:
    lines = tuple([ParcelLine(line.line_id, line.sku, units) for line, units in shelf.taken])
    return Parcel(shelf.location.id, lines, _known(shelf.distance))


def _known(distance: float) -> float | None:
    return None if distance == UNKNOWN_KM else distance


def _candidates(demand: Sequence[DemandLine], shelves: list[Shelf]) -> tuple[Candidate, ...]:
    """What was weighed: the chosen, then those that would have done, then the rest, each nearest first."""
    movable = [
        _contents(shelf) for shelf in shelves if shelf.taken and all(line.pinned is None for line, _ in shelf.taken)
    ]
    weighed = [_weighed(demand, shelf, movable) for shelf in shelves]
    weighed.sort(key=lambda candidate: (candidate.rejected_because is not None, not candidate.feasible))
    chosen = sum(candidate.rejected_because is None for candidate in weighed)
    return tuple(weighed[: max(CANDIDATES_KEPT, chosen)])


def _contents(shelf: Shelf) -> dict[UUID, int]:
    units_of: dict[UUID, int] = {}
    for line, units in shelf.taken:
        units_of[line.variant_id] = units_of.get(line.variant_id, 0) + units
    return units_of


def _weighed(demand: Sequence[DemandLine], shelf: Shelf, movable: list[dict[UUID, int]]) -> Candidate:
    rejection = None if shelf.taken else _rejection(demand, shelf, movable)
    feasible = rejection is None or rejection is Rejection.FARTHER
    return Candidate(shelf.location.id, feasible, rejection, _known(shelf.distance))


def _rejection(demand: Sequence[DemandLine], shelf: Shelf, movable: list[dict[UUID, int]]) -> Rejection:
    """Why a location that ships nothing does not."""
    useful = [line for line in demand if shelf.left[line.variant_id]]
    if not useful:
        return Rejection.NO_STOCK
    if any(cover.suffices(contents, shelf.left) for contents in movable):
        return Rejection.FARTHER
    if all(line.pinned is not None for line in useful):
        return Rejection.PINNED_ELSEWHERE
    return Rejection.PARTIAL_STOCK
