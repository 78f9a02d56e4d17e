"""The router: the legal plan that costs least, and why.

Hard rules decide which ways there are (`ways.py`, `rules.py`), money compares them (`weighing.py`), a search finds the
cheapest set (`search.py`), and what was not chosen is told from what they all saw (`explaining.py`). Pure and
deterministic: the same request, network and snapshot give the same decision.
"""

from domain.routing.calendar import ends_at, starts_at
from domain.routing.explaining import candidates, unfilled
from domain.routing.model import Decision, Parcel, ParcelLine, Strategy
from domain.routing.needs import Need, needs_of
from domain.routing.network import Network, Request, Snapshot
from domain.routing.problem import TakesLong
from domain.routing.ways import Survey, Way
from domain.routing.weighing import Choice, Weighing, parcel_minor

HURRIED_SIZE = 2_500
"""Locations, by how many of their ways are to be looked at for how many lines, that take about two milliseconds."""
HURRIED_STEPS = 8_000
"""Steps of the search that take about two milliseconds more."""


def route(request: Request, network: Network, snapshot: Snapshot, *, hurried: bool = False) -> Decision:
    """Decide from where each unit ships, by the network's live rules.

    Whoever is `hurried`, because others wait, is told soon that it takes longer (`TakesLong`), and gets no other decision.
    """
    if hurried and _size(request, network, snapshot) > HURRIED_SIZE:
        raise TakesLong
    needs = needs_of(request.lines, split_lines=network.live.split_lines)
    survey = Survey(request, network, snapshot, needs)
    weighing = Weighing(survey)
    choice = weighing.choose(HURRIED_STEPS if hurried else None)

    lines = _spread(needs, choice)
    objective = weighing.objective(choice)
    inexact = bool(choice.taken) and not choice.plan.exact
    return Decision(
        strategy=_strategy(needs, choice),
        chosen=tuple([_parcel(way, units, lines[id(way)]) for way, units in choice.taken]),
        candidates=candidates(survey, choice),
        unfilled=unfilled(request.lines, survey, choice, lines.values()) if choice.missing else (),
        objective=objective,
        gap=(choice.plan.total - choice.plan.bound) / max(1, abs(objective.total_minor)) if inexact else None,
        ruleset_id=network.live.id,
        ruleset_version=network.live.version,
    )


def _size(request: Request, network: Network, snapshot: Snapshot) -> int:
    return 4 * len(network.locations) + len(snapshot.stock) * len(network.rates) * (8 + len(request.lines))


def _strategy(needs: list[Need], choice: Choice) -> Strategy:
    if not choice.taken:
        return Strategy.NONE
    if all(need.pinned for need in needs):
        return Strategy.PINNED
    return Strategy.LEAST_COST if choice.plan.exact else Strategy.LEAST_COST_BOUNDED


def _spread(needs: list[Need], choice: Choice) -> dict[int, list[ParcelLine]]:
    """By way, its units as lines of the order. Of several lines of a variant the first are served first."""
    if len(choice.taken) == 1 and not choice.missing:
        return {
            id(choice.taken[0][0]): [
                ParcelLine(line.line_id, line.sku, line.quantity) for need in needs for line in need.lines
            ]
        }
    lines: dict[int, list[ParcelLine]] = {id(way): [] for way, _ in choice.taken}
    for index, need in enumerate(needs):
        left = {id(way): units[index] for way, units in choice.taken if units[index]}
        granted = sum(left.values())
        for line in need.lines:
            wanted = min(line.quantity, granted)
            granted -= wanted
            for way_id, units in _pieces(wanted, left):
                left[way_id] -= units
                lines[way_id].append(ParcelLine(line.line_id, line.sku, units))
    return lines


def _pieces(wanted: int, left: dict[int, int]) -> list[tuple[int, int]]:
    """A line whole from the way that has just enough, else in as few pieces as possible."""
    if not wanted:
        return []
    if len(left) == 1:
        return [(way_id, wanted) for way_id in left]
    enough = [(units, way_id) for way_id, units in left.items() if units >= wanted]
    if enough:
        return [(min(enough, key=lambda each: each[0])[1], wanted)]
    pieces = []
    for way_id, units in sorted(left.items(), key=lambda each: -each[1]):
        if piece := min(units, wanted):
            pieces.append((way_id, piece))
            wanted -= piece
    return pieces


def _parcel(way: Way, units: list[int], lines: list[ParcelLine]) -> Parcel:
    calendar = way.site.location.calendar
    return Parcel(
        location_id=way.site.location.id,
        lines=tuple(lines),
        distance_km=way.site.km,
        carrier=way.rate.carrier,
        service=way.rate.service,
        cost_minor=round(parcel_minor(way, units)),
        ship_at=ends_at(calendar, way.ships_on),
        deliver_earliest=starts_at(calendar, way.arrives_on),
        deliver_latest=ends_at(calendar, way.arrives_on),
        late_days=way.late_days,
    )
