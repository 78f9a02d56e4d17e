"""Why a location ships nothing, and why units found no location: told from what the router saw."""

from collections import Counter
from collections.abc import Iterable, Sequence

from domain.routing.model import Candidate, DemandLine, ParcelLine, Rejection, Unfilled, UnfilledReason
from domain.routing.needs import Need
from domain.routing.ways import Site, Survey, Way
from domain.routing.weighing import Choice, parcel_minor

CANDIDATES_KEPT = 20
"""A decision stays on record for good; nobody reads past the first twenty of a thousand stores."""

UNFILLED_BY = {
    Rejection.EXCLUDED: UnfilledReason.EXCLUDED,
    Rejection.NOT_ONLY: UnfilledReason.EXCLUDED,
    Rejection.SHARE_REACHED: UnfilledReason.EXCLUDED,
    Rejection.NO_SERVICE: UnfilledReason.NO_SERVICE,
    Rejection.NO_CAPACITY: UnfilledReason.NO_CAPACITY,
    Rejection.CLOSED: UnfilledReason.NO_CAPACITY,
    Rejection.TOO_LATE: UnfilledReason.TOO_LATE,
}


def candidates(survey: Survey, choice: Choice) -> tuple[Candidate, ...]:
    """The locations that ship, then those that could have in their stead, then the rest, each nearest first."""
    shipping = {way.site.number for way, _ in choice.taken}
    weighed = [_candidate(site, survey.needs, choice, shipping) for site in survey.sites]
    weighed.sort(key=lambda candidate: (candidate.rejected_because is not None, not candidate.feasible))
    return tuple(weighed[: max(CANDIDATES_KEPT, len(shipping))])


def _candidate(site: Site, needs: Sequence[Need], choice: Choice, shipping: set[int]) -> Candidate:
    because = None if site.number in shipping else _rejection(site, needs, choice)
    costs = [parcel_minor(way, way.units) for way in site.ways]
    return Candidate(
        location_id=site.location.id,
        feasible=because is None or because is Rejection.DEARER,
        rejected_because=because,
        distance_km=site.km,
        rule=site.rule if because is site.because else None,
        cost_minor=round(min(costs)) if costs else None,
        capacity_left=site.capacity_left,
    )


def _rejection(site: Site, needs: Sequence[Need], choice: Choice) -> Rejection:
    if not site.ways:
        return site.because or Rejection.NO_SERVICE
    if choice.short:
        return Rejection.INCOMPLETE
    if all(_below_minimum(way, needs) for way in site.ways):
        return Rejection.BELOW_MINIMUM
    if choice.rank and all(way.standing.rank > choice.rank for way in site.ways):
        return Rejection.LOWER_RANK
    if any(_could_ship(way, units) for way in site.ways for _, units in choice.taken):
        return Rejection.DEARER
    return Rejection.PARTIAL_STOCK


def _below_minimum(way: Way, needs: Sequence[Need]) -> bool:
    """Whether all that it could ship is worth too little, and is not the whole order."""
    if not way.standing.least_value_minor:
        return False
    worth = sum(units * need.value_minor for units, need in zip(way.units, needs, strict=True))
    whole_order = all(units == need.quantity for units, need in zip(way.units, needs, strict=True))
    return worth < way.standing.least_value_minor and not whole_order


def _could_ship(way: Way, units: Sequence[int]) -> bool:
    return all(has >= wanted for has, wanted in zip(way.units, units, strict=True))


def unfilled(
    lines: Sequence[DemandLine], survey: Survey, choice: Choice, shipped: Iterable[Sequence[ParcelLine]]
) -> tuple[Unfilled, ...]:
    """What no parcel takes, line by line."""
    left = {line.line_id: line.quantity for line in lines}
    for parcel in shipped:
        for piece in parcel:
            left[piece.line_id] -= piece.quantity
    if not any(left.values()):
        return ()
    return tuple(
        [
            Unfilled(line.line_id, line.sku, left[line.line_id], _reason(index, need, survey, choice))
            for index, need in enumerate(survey.needs)
            for line in need.lines
            if left[line.line_id]
        ]
    )


def _reason(index: int, need: Need, survey: Survey, choice: Choice) -> UnfilledReason:
    """The first thing that would have had to be different."""
    allowed = [site for site in survey.sites if need.pinned in {None, site.location.id}]
    having = [site for site in allowed if site.stock[index]]
    able = [site for site in having if any(way.units[index] for way in site.ways)]
    if not having:
        return UnfilledReason.NO_STOCK if allowed else UnfilledReason.NO_LOCATION
    if sum(site.stock[index] for site in having) < need.quantity:
        return UnfilledReason.PARTIAL_STOCK
    if need.whole and all(site.stock[index] < need.quantity for site in having):
        return UnfilledReason.NOT_WHOLE
    if not able:
        reasons = Counter([UNFILLED_BY.get(site.because, UnfilledReason.EXCLUDED) for site in having if site.because])
        return reasons.most_common(1)[0][0] if reasons else UnfilledReason.EXCLUDED
    return UnfilledReason.INCOMPLETE if choice.short else UnfilledReason.NOT_TOGETHER
