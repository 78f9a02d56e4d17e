"""From where an order ships: the router asked with what placing knows, and its decision as the order keeps it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from domain.acts import Act
from domain.model import Order, OrderLine, RoutingDecision, replace
from domain.routing.calendar import ship_day
from domain.routing.model import Candidate, Decision, DemandLine, Parcel, Point, Rejection
from domain.routing.network import Destination, Network, Request, Snapshot
from domain.routing.router import route

if TYPE_CHECKING:
    from domain.placing import Catalog, Offer

Day = tuple[UUID, date]
"""A location's day."""

Days = Mapping[Day, int]
"""Parcels that locations were given, by the day on which they are to leave."""

UNKNOWN_GRAMS = 100
"""What a unit counts as whose weight nobody entered: it weighs something, so that nearer is cheaper."""


def demand_line(line: OrderLine, offer: Offer | None, pinned: UUID | None = None) -> DemandLine:
    """A line's open units, with what rules and rates ask of them."""
    return DemandLine(
        line.id,
        line.sku,
        line.variant_id,
        line.open,
        weight_grams=UNKNOWN_GRAMS if offer is None or offer.weight_grams is None else offer.weight_grams,
        pinned=pinned,
        value_minor=line.unit_price_minor,
        longest_mm=offer.longest_mm if offer else None,
        hazmat=offer.hazmat if offer else False,
    )


def decided(order: Order, demand: Sequence[DemandLine], catalog: Catalog, avoiding: Iterable[UUID] = ()) -> Decision:
    """From where the demand ships, by the channel's network as the catalog knows it."""
    network = catalog.network
    request = Request(tuple(demand), destination_of(order), catalog.at, order.deliver_by_latest)
    snapshot = Snapshot(stock_of(catalog, set(avoiding)), parcels_ahead(network, catalog.days, catalog.at))
    decision = stated(route(request, network, snapshot, hurried=not catalog.is_patient), network)
    if catalog.is_history:
        return decision
    chosen = tuple([_counted(parcel, network) for parcel in decision.chosen])
    return decision if chosen == decision.chosen else replace(decision, chosen=chosen)


def destination_of(order: Order) -> Destination:
    """Where the parcels go, as far as anybody knows."""
    known = order.latitude is not None and order.longitude is not None
    point = Point(order.latitude, order.longitude) if known else None  # type: ignore[arg-type]
    return Destination(point, order.country, order.region, order.postal_code)


def stock_of(catalog: Catalog, avoiding: set[UUID]) -> dict[UUID, dict[UUID, int]]:
    """What locations of the network have available: location → variant → units."""
    stock: dict[UUID, dict[UUID, int]] = {}
    for offer in catalog.offers.values():
        for _, location, available in offer.levels:
            if location not in avoiding:
                stock.setdefault(location, {})[offer.variant_id] = available
    return stock


# -- the day's parcels ---------------------------------------------------------------------------------------------


def parcels_ahead(network: Network, days: Days, at: datetime) -> dict[UUID, int]:
    """By location, what is to leave on or after the day on which an order of that moment leaves."""
    ahead: dict[UUID, int] = {}
    first: dict[UUID, date | None] = {}
    for (location_id, day), parcels in days.items():
        location = network.locations.get(location_id)
        if location is None:
            continue
        if location_id not in first:
            first[location_id] = ship_day(location.calendar, at)
        begin = first[location_id]
        if begin is not None and day >= begin:
            ahead[location_id] = ahead.get(location_id, 0) + parcels
    return ahead


def is_counted(network: Network, location_id: UUID) -> bool:
    """Whether anybody asks how many parcels a location was given: its capacity, or a rule about shares of a day."""
    if network.locations[location_id].daily_capacity is not None:
        return True
    return any(rule.effect.max_share is not None for rule in network.live.rules)


def scarce_days(decision: Decision, network: Network) -> list[tuple[UUID, date]]:
    """The days of which the decision takes a part of a capacity: to be locked before anything is promised of them."""
    return sorted(
        (parcel.location_id, parcel.counts_on)
        for parcel in decision.chosen
        if parcel.counts_on is not None and network.locations[parcel.location_id].daily_capacity is not None
    )


def _counted(parcel: Parcel, network: Network) -> Parcel:
    if parcel.ship_at is None or not is_counted(network, parcel.location_id):
        return parcel
    return replace(parcel, counts_on=parcel.ship_at.date())


# -- what is told of it --------------------------------------------------------------------------------------------


def is_priced(network: Network) -> bool:
    """Whether anybody said what carriers charge: the built-in rate only makes nearer better."""
    return bool(network.rates[0].carrier)


def stated(decision: Decision, network: Network) -> Decision:
    """A decision as it is told: where nobody said what carriers charge and how long they take, nothing is of either."""
    if is_priced(network):
        return decision
    chosen = tuple([_without_rate(parcel) for parcel in decision.chosen])
    nearest = min([parcel.distance_km or 0.0 for parcel in chosen], default=0.0)
    candidates = tuple([_without_price(candidate, nearest) for candidate in decision.candidates])
    return replace(decision, chosen=chosen, candidates=candidates)


def _without_rate(parcel: Parcel) -> Parcel:
    return Parcel(
        parcel.location_id, parcel.lines, parcel.distance_km, ship_at=parcel.ship_at, late_days=parcel.late_days
    )


def _without_price(candidate: Candidate, nearest_km: float) -> Candidate:
    dearer = candidate.rejected_because is Rejection.DEARER
    is_farther = dearer and (candidate.distance_km is None or candidate.distance_km > nearest_km)
    because = Rejection.FARTHER if is_farther else candidate.rejected_because
    return Candidate(
        candidate.location_id,
        candidate.feasible,
        because,
        candidate.distance_km,
        candidate.rule,
        capacity_left=candidate.capacity_left,
    )


def with_promise(order: Order, decision: Decision) -> Order:
    """The order with the days on which its parcels should arrive, where nobody promised others."""
    if order.deliver_by_latest is not None or not decision.chosen:
        return order
    earliest, latest = [], []
    for parcel in decision.chosen:
        if parcel.deliver_earliest is None or parcel.deliver_latest is None:
            return order
        earliest.append(parcel.deliver_earliest)
        latest.append(parcel.deliver_latest)
    return replace(order, deliver_by_earliest=min(earliest), deliver_by_latest=max(latest))


def record(order: Order, decision: Decision, decision_id: UUID, act: Act) -> RoutingDecision:
    """A decision as it goes on record, with what was weighed. Each part names the currency, because it is read by itself."""
    return RoutingDecision(
        id=decision_id,
        order_id=order.id,
        strategy=decision.strategy.value,
        currency=order.currency,
        chosen=[parcel_json(parcel, order.currency, order.deliver_by_latest) for parcel in decision.chosen],
        candidates=[_candidate(candidate, order) for candidate in decision.candidates],
        unfilled=[{"sku": gap.sku, "quantity": gap.quantity, "reason": gap.reason.value} for gap in decision.unfilled],
        decided_at=act.at,
        objective=_objective(decision),
        gap=decision.gap,
        ruleset_version=decision.ruleset_version or None,
        decided_by_kind=act.actor_kind,
        decided_by=act.actor_name,
    )


def parcel_json(parcel: Parcel, currency: str, promise: datetime | None) -> dict[str, Any]:
    """A parcel as decisions on record have it."""
    latest = parcel.deliver_latest or promise
    return {
        "location_id": str(parcel.location_id),
        "lines": [{"sku": part.sku, "quantity": part.quantity} for part in parcel.lines],
        "distance_km": parcel.distance_km,
        "carrier": parcel.carrier,
        "service": parcel.service,
        "cost_minor": parcel.cost_minor if parcel.carrier else None,
        "currency": currency,
        "ship_by": parcel.ship_at and parcel.ship_at.isoformat(),
        "deliver_from": parcel.deliver_earliest and parcel.deliver_earliest.isoformat(),
        "deliver_by": latest and latest.isoformat(),
    }


def _candidate(candidate: Candidate, order: Order) -> dict[str, Any]:
    return {
        "location_id": str(candidate.location_id),
        "feasible": candidate.feasible,
        "rejected_because": candidate.rejected_because and candidate.rejected_because.value,
        "rule": candidate.rule,
        "distance_km": candidate.distance_km,
        "cost_minor": candidate.cost_minor,
        "currency": order.currency,
        "capacity_left": candidate.capacity_left,
    }


def _objective(decision: Decision) -> dict[str, int] | None:
    """The terms in minor units; nothing where nobody said what anything costs."""
    if not any(parcel.carrier for parcel in decision.chosen):
        return None
    terms = decision.objective
    return {
        "cost": terms.cost_minor,
        "lateness": terms.lateness_minor,
        "split": terms.split_minor,
        "stock": terms.stock_minor,
        "surcharge": terms.surcharge_minor,
        "total": terms.total_minor,
    }
