"""Waves: orders that nobody has accepted are decided anew with today's stock, and move only where that saves enough."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from domain.fulfilling import reroute
from domain.fulfillment import UNACCEPTED, FulfillmentKind
from domain.model import FulfillmentOrder, Order, OrderLine, replace
from domain.placing import Catalog
from domain.routing.model import Decision, Parcel


@dataclass(frozen=True, slots=True)
class Better:
    """A plan that saves enough: the decision, what of it is new, and the units that leave their work for it."""

    decision: Decision
    id: UUID
    new: Decision
    units: dict[UUID, int]
    """By line of work."""


def movable(order: Order) -> list[FulfillmentOrder]:
    """Work that nobody accepted, and that nobody pinned to where it is."""
    pinned = {line.id for line in order.lines if line.pinned_location_id}
    return [
        ful
        for ful in order.fulfillment_orders
        if ful.status in UNACCEPTED
        and ful.kind == FulfillmentKind.DELIVERY
        and not any(line.held and line.order_line_id in pinned for line in ful.lines)
    ]


def better(order: Order, works: Sequence[FulfillmentOrder], catalog: Catalog, saving_percent: int) -> Better | None:
    """A plan for the units of these works that costs less than theirs by so much; None where none does.

    Both plans are weighed by the router as if the works gave their units back first: theirs with every unit pinned to
    where it is, so that all that differs is where they ship from.
    """
    catalog = given_back(catalog, works)
    best = reroute(replace(order, lines=_lines(order, works, pinned=False)), catalog, set())
    stay = reroute(replace(order, lines=_lines(order, works, pinned=True)), catalog, set())
    if best is None or stay is None or best[0].unfilled:
        return None
    theirs, its = stay[0].objective.total_minor, best[0].objective.total_minor
    if not stay[0].unfilled and (theirs - its) * 100 <= max(theirs, 1) * saving_percent:
        return None
    kept = [ful for ful in works if any(_same(ful, parcel) for parcel in best[0].chosen)]
    new = tuple(parcel for parcel in best[0].chosen if not any(_same(ful, parcel) for ful in kept))
    units = {line.id: line.held for ful in works if ful not in kept for line in ful.lines if line.held}
    return Better(*best, replace(best[0], chosen=new), units) if units else None


def _lines(order: Order, works: Sequence[FulfillmentOrder], *, pinned: bool) -> tuple[OrderLine, ...]:
    """The order's lines with the units of these works open, and nothing else: each where it is, or free."""
    by_id = {line.id: line for line in order.lines}
    units: dict[tuple[UUID, UUID | None], int] = {}
    for ful in works:
        for part in ful.lines:
            key = part.order_line_id, ful.location_id if pinned else None
            units[key] = units.get(key, 0) + part.held
    return tuple(
        replace(by_id[id_], open=held, pinned_location_id=at, pickup_location_id=None)
        for (id_, at), held in units.items()
        if held
    )


def given_back(catalog: Catalog, works: Sequence[FulfillmentOrder]) -> Catalog:
    """What is offered, as if these works had given their units and their places in a day back."""
    held: dict[tuple[UUID, UUID], tuple[UUID, int]] = {}
    days = dict(catalog.days)
    for ful in works:
        if ful.capacity_day is not None and (ful.location_id, ful.capacity_day) in days:
            days[ful.location_id, ful.capacity_day] -= 1
        for line in ful.lines:
            key = line.variant_id, line.location_id
            held[key] = line.stock_level_id, held.get(key, (None, 0))[1] + line.held
    offers = {}
    for sku, offer in catalog.offers.items():
        there = {at: (level, units) for level, at, units in offer.levels}
        for (variant_id, at), (level, units) in held.items():
            if variant_id == offer.variant_id:
                there[at] = level, there.get(at, (level, 0))[1] + units
        offers[sku] = replace(offer, levels=tuple((level, at, units) for at, (level, units) in there.items()))
    return replace(catalog, offers=offers, days=days)


def _same(ful: FulfillmentOrder, parcel: Parcel) -> bool:
    """Whether work is just what a parcel asks for: then it stays as it is."""
    has: dict[UUID, int] = {}
    for line in ful.lines:
        has[line.order_line_id] = has.get(line.order_line_id, 0) + line.held
    wants = {part.line_id: part.quantity for part in parcel.lines}
    return ful.location_id == parcel.location_id and {id_: units for id_, units in has.items() if units} == wants
