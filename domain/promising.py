"""What is promised for an order: by what was learned of how long parcels take, or else by calendars and rates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.model import Order, replace
from domain.promises import Journey, region
from domain.routing.calendar import ends_at, starts_at
from domain.routing.network import Calendar, Destination

if TYPE_CHECKING:
    from domain.placing import Catalog
    from domain.routing.model import Decision, Parcel

CONFIDENCE = 0.95
"""One promise in twenty may be broken."""


@dataclass(frozen=True, slots=True)
class DeliverBy:
    """When all of it will be there; `confidence` and `model_id` where that was learned."""

    earliest: datetime
    latest: datetime
    confidence: float | None = None
    model_id: UUID | None = None


def deliver_by(parcels: Iterable[Parcel], to: Destination, catalog: Catalog) -> DeliverBy | None:
    """When the parcels will be there; None where nobody can tell."""
    spans = [_learned(parcel, to, catalog) or _by_calendar(parcel) for parcel in parcels]
    known = [span for span in spans if span is not None]
    if not spans or len(known) < len(spans):
        return None
    last = max(known, key=lambda span: span.latest)
    learned = next((span for span in known if span.confidence is not None), last)
    return DeliverBy(min(span.earliest for span in known), last.latest, learned.confidence, learned.model_id)


def promised(order: Order, decision: Decision, catalog: Catalog) -> Order:
    """The order with what is promised for it by what was learned, where nobody promised anything else."""
    if catalog.promises is None or catalog.is_history or order.deliver_by_latest is not None:
        return order
    place = order.latitude, order.longitude, order.country
    if place == (None, None, None):
        return order
    to = Destination(country=order.country, region=order.region, postal_code=order.postal_code)
    found = deliver_by(decision.chosen, to, catalog)
    return order if found is None else with_deliver_by(order, found)


def with_deliver_by(order: Order, promise: DeliverBy) -> Order:
    """The order with that promise."""
    return replace(
        order,
        deliver_by_earliest=promise.earliest,
        deliver_by_latest=promise.latest,
        deliver_by_confidence=promise.confidence,
        promise_model_id=promise.model_id,
    )


def _learned(parcel: Parcel, to: Destination, catalog: Catalog) -> DeliverBy | None:
    """By what was learned, but never before the parcel can have left."""
    model = catalog.promises
    if model is None or not model.knows(parcel.service):
        return None
    origin = catalog.network.locations[parcel.location_id]
    zone = ZoneInfo(catalog.time_zone)
    journey = Journey(
        ordered_at=catalog.at.astimezone(zone),
        location=str(parcel.location_id),
        origin=region(origin.country, origin.region),
        destination=region(to.country, to.region),
        postal_code=to.postal_code,
        distance_km=parcel.distance_km,
        service=parcel.service,
    )
    promise = model.promise(journey, CONFIDENCE)
    leaves = parcel.ship_at.astimezone(zone).date() if parcel.ship_at else promise.earliest
    clock = Calendar(time_zone=catalog.time_zone)
    earliest, latest = max(promise.earliest, leaves), max(promise.latest, leaves)
    return DeliverBy(starts_at(clock, earliest), ends_at(clock, latest), promise.confidence, catalog.promise_model_id)


def _by_calendar(parcel: Parcel) -> DeliverBy | None:
    if parcel.deliver_earliest is None or parcel.deliver_latest is None:
        return None
    return DeliverBy(parcel.deliver_earliest, parcel.deliver_latest)
