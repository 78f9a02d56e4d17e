"""Pickups: what a customer fetches at the store that they chose, and what becomes of it where the store has it not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from domain.events import Event, EventType, about
from domain.fulfillment import FulfillmentKind
from domain.model import FulfillmentOrder, Order, OrderLine, replace
from domain.routing.calendar import ends_at, ship_day, starts_at
from domain.routing.distance import distance_km
from domain.routing.model import Decision, Parcel, ParcelLine, Strategy, Unfilled, UnfilledReason
from domain.routing.network import NetworkLocation
from domain.sourcing import destination_of

if TYPE_CHECKING:
    from domain.placing import Catalog


def fetched_from(order: Order, place: NetworkLocation, parts: Sequence[ParcelLine], at: datetime) -> Parcel | None:
    """Goods that wait for their customer at a place from its next working day on; None where it never works."""
    day = ship_day(place.calendar, at)
    if day is None:
        return None
    return Parcel(
        location_id=place.id,
        lines=tuple(parts),
        distance_km=_distance(order, place),
        ship_at=ends_at(place.calendar, day),
        deliver_earliest=max(starts_at(place.calendar, day), at),
        deliver_latest=ends_at(place.calendar, day),
        fetched=True,
    )


def _distance(order: Order, place: NetworkLocation) -> float | None:
    to = destination_of(order).point
    if to is None or place.point is None:
        return None
    return distance_km(place.point.latitude, place.point.longitude, to.latitude, to.longitude)


# -- where the store has it not ----------------------------------------------------------------------------------------


def awaited(line: OrderLine, ful: FulfillmentOrder) -> OrderLine:
    """A line that lost units of work: where they were to be fetched, they are to be fetched still, and nowhere else."""
    return replace(line, pickup_location_id=ful.location_id) if ful.kind == FulfillmentKind.PICKUP else line


def told(order: Order, ful: FulfillmentOrder, units: int) -> list[Event]:
    """That a store does not hand out so many units after all: their customer should not come for them."""
    if not units or ful.kind != FulfillmentKind.PICKUP:
        return []
    message = f"{units} units of order {order.number} cannot be fetched where it was agreed."
    return [about(order, EventType.PICKUP_DECLINED, message, subject=ful, data={"units": units})]


def decided(order: Order, waits: Iterable[OrderLine], catalog: Catalog, shipped: Decision | None) -> Decision:
    """The decision about an order's open units: of lines that are fetched, the store has them or they wait for a person.

    Rules, costs and carriers are not asked: the customer chose the place. `shipped` is what was decided of the others.
    """
    parts, unfilled = _parted(waits, catalog)
    parcels = []
    for place_id, lines in parts.items():
        parcel = fetched_from(order, catalog.network.locations[place_id], lines, catalog.at)
        if parcel is None:
            unfilled += [_gap(line.line_id, line.sku, line.quantity) for line in lines]
        else:
            parcels.append(parcel)
    if shipped is None:
        return Decision(Strategy.PINNED if parcels else Strategy.NONE, tuple(parcels), (), tuple(unfilled))
    return replace(shipped, chosen=(*shipped.chosen, *parcels), unfilled=(*shipped.unfilled, *unfilled))


def _parted(waits: Iterable[OrderLine], catalog: Catalog) -> tuple[dict[UUID, list[ParcelLine]], list[Unfilled]]:
    """(what each store has of what is to be fetched there, what it has not)."""
    free = {(offer.variant_id, at): units for offer in catalog.offers.values() for _, at, units in offer.levels}
    parts: dict[UUID, list[ParcelLine]] = {}
    gaps = []
    for line in waits:
        assert line.pickup_location_id is not None
        shelf = line.variant_id, line.pickup_location_id
        units = min(line.open, free.get(shelf, 0)) if line.pickup_location_id in catalog.network.locations else 0
        if units:
            free[shelf] -= units
            parts.setdefault(line.pickup_location_id, []).append(ParcelLine(line.id, line.sku, units))
        if units < line.open:
            gaps.append(_gap(line.id, line.sku, line.open - units))
    return parts, gaps


def _gap(line_id: UUID, sku: str, units: int) -> Unfilled:
    return Unfilled(line_id, sku, units, UnfilledReason.PICKUP_DECLINED)
