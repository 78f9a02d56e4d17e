"""How an order can reach its buyer: ways with a price and a promise, quoted, and honoured when it is placed."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from domain import kits, placing
from domain.fulfillment import FulfillmentKind
from domain.model import Customer, Order, replace
from domain.pickups import fetched_from
from domain.placing import Catalog, Placement, Routed, Wanted
from domain.promising import DeliverBy, deliver_by, with_deliver_by
from domain.refusals import InvalidInput, QuoteMismatch, QuoteNotAvailable
from domain.routing.model import Decision, DemandLine, Parcel, ParcelLine, Strategy
from domain.routing.network import Network, NetworkLocation
from domain.routing.problem import TakesLong
from domain.rulesets import under
from domain.sourcing import decided, demand_line, destination_of, stock_of
from domain.stock import LocationKind
from domain.words import Word

LASTS = timedelta(minutes=30)
"""How long a price and a promise hold: as long as somebody may take to pay."""
SERVICES_TRIED = 8
PICKUPS_OFFERED = 5
PARCELS_LIMIT = 20
"""What comes in more is no way that anybody would choose."""
PICKUP_SERVICE = "PICKUP"
"""The service by which the price of fetching goods oneself is set."""
USUAL_SERVICE = "STANDARD"
"""That of parcels for which no carrier's service was chosen."""
PROHIBITIVE_MINOR = 1_000_000.0


class OptionLabel(Word):
    """What a way of reaching the buyer is best at."""

    FASTEST = "FASTEST", "None is there earlier."
    CHEAPEST = "CHEAPEST", "None costs the buyer less; of those, none costs the merchant less."
    FEWEST_PARCELS = "FEWEST_PARCELS", "None comes in fewer parcels."
    PICKUP = "PICKUP", "The buyer fetches everything at a store."


@dataclass(frozen=True, slots=True)
class Option:
    """One way."""

    kind: FulfillmentKind
    decision: Decision
    price_minor: int
    promise: DeliverBy | None
    labels: tuple[OptionLabel, ...] = ()

    @property
    def cost_minor(self) -> int:
        """What it costs the merchant."""
        return sum(parcel.cost_minor for parcel in self.decision.chosen)

    @property
    def latest(self) -> datetime:
        """For comparison: what nobody can tell comes last."""
        return self.promise.latest if self.promise else datetime.max.replace(tzinfo=UTC)


# -- ways --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wish:
    """What may matter most to a buyer, as a network that knows nothing else."""

    network: Network
    soon: bool = False
    """Everything that arrives later than at once counts as late."""


def delivery(order: Order, wish: Wish, catalog: Catalog, prices: Mapping[str, int]) -> Option | None:
    """A way of having it brought; None where something would be left out."""
    asked = replace(order, deliver_by_earliest=None, deliver_by_latest=catalog.at if wish.soon else None)
    decision = decided(asked, demand_of(order, catalog), replace(catalog, network=wish.network))
    if decision.unfilled or len(decision.chosen) > PARCELS_LIMIT:
        return None
    price = max(prices.get(parcel.service or USUAL_SERVICE, 0) for parcel in decision.chosen)
    promise = deliver_by(decision.chosen, destination_of(order), catalog)
    return Option(FulfillmentKind.DELIVERY, decision, price, promise)


def demand_of(order: Order, catalog: Catalog) -> list[DemandLine]:
    """What is to be had of each line that is stocked."""
    return [demand_line(line, catalog.offers[line.sku]) for line in kits.physical(order.lines)]


def is_in_stock(order: Order, catalog: Catalog) -> bool:
    """Whether stock is given out of everything: nothing waits for its release."""
    return not placing.ahead(order, catalog)


def wishes(network: Network) -> Iterator[Wish]:
    """The same network, asked for what is cheapest, for each service alone, for few parcels, and for haste."""
    live = network.live
    yield Wish(network)
    services = list(dict.fromkeys(rate.service for rate in network.rates))
    for service in services[:SERVICES_TRIED] if len(services) > 1 else ():
        yield Wish(replace(network, rates=tuple(rate for rate in network.rates if rate.service == service)))
    few = replace(live, split_minor=max(live.split_minor, PROHIBITIVE_MINOR))
    yield Wish(under(network, few))
    haste = replace(live, late_allowed=True, lateness_minor_per_day=PROHIBITIVE_MINOR)
    yield Wish(under(network, haste), soon=True)


def pickups(order: Order, catalog: Catalog, prices: Mapping[str, int]) -> list[Option]:
    """Stores that have everything, the nearest first."""
    stock = stock_of(catalog, set())
    found = [pickup_at(order, place, catalog, stock) for place in catalog.network.locations.values()]
    there = [decision for decision in found if decision is not None]
    there.sort(key=lambda decision: (decision.chosen[0].distance_km or 0.0, str(decision.chosen[0].location_id)))
    price = prices.get(PICKUP_SERVICE, 0)
    return [
        Option(FulfillmentKind.PICKUP, decision, price, _ready(decision.chosen[0]), (OptionLabel.PICKUP,))
        for decision in there[:PICKUPS_OFFERED]
    ]


def pickup_at(
    order: Order, place: NetworkLocation, catalog: Catalog, stock: Mapping[UUID, Mapping[UUID, int]]
) -> Decision | None:
    """Everything out of one store's own stock; None where it is no store, never works, or lacks something."""
    there = stock.get(place.id)
    if place.kind is not LocationKind.STORE or there is None:
        return None
    lines, wanted = kits.physical(order.lines), Counter[UUID]()
    for line in lines:
        wanted[line.variant_id] += line.open
    if any(there.get(variant_id, 0) < units for variant_id, units in wanted.items()):
        return None
    parts = tuple(ParcelLine(line.id, line.sku, line.open) for line in lines)
    parcel = fetched_from(order, place, parts, catalog.at)
    return Decision(Strategy.PINNED, (parcel,), (), ()) if parcel else None


def _ready(parcel: Parcel) -> DeliverBy:
    assert parcel.deliver_earliest is not None
    assert parcel.deliver_latest is not None
    return DeliverBy(parcel.deliver_earliest, parcel.deliver_latest)


# -- choice ------------------------------------------------------------------------------------------------------------


def labelled(found: Iterable[Option]) -> list[Option]:
    """The best of each kind, once each, with all that it is best at."""
    ways = list({_way(option): option for option in reversed([*found])}.values())[::-1]
    if not ways:
        return []
    best = {
        OptionLabel.CHEAPEST: min(ways, key=lambda each: (each.price_minor, each.cost_minor, each.latest)),
        OptionLabel.FEWEST_PARCELS: min(
            ways, key=lambda each: (len(each.decision.chosen), each.price_minor, each.cost_minor, each.latest)
        ),
    }
    if any(each.promise for each in ways):
        fastest = min(ways, key=lambda each: (each.latest, each.price_minor, each.cost_minor))
        best = {OptionLabel.FASTEST: fastest, **best}
    labels: dict[int, list[OptionLabel]] = {}
    for label, option in best.items():
        labels.setdefault(id(option), []).append(label)
    chosen = {id(option): option for option in best.values()}
    return [replace(option, labels=tuple(labels[key])) for key, option in chosen.items()]


def _way(option: Option) -> Any:
    return frozenset((parcel.location_id, parcel.service, parcel.lines) for parcel in option.decision.chosen)


# -- quotes ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Quote:
    """A way as it was offered: what it is bound to, what it costs, what it promises, and from where it would ship."""

    expires_at: datetime
    channel_id: UUID
    lines: str
    destination: str
    """Digests: a quote is for these alone."""
    kind: FulfillmentKind
    price_minor: int
    promise: DeliverBy | None
    ways: tuple[tuple[UUID, str | None], ...]
    """Locations and services."""
    reservation_id: UUID | None = None


def quoted(option: Option, order: Order, expires_at: datetime, reservation_id: UUID | None) -> Quote:
    """An option as a quote."""
    return Quote(
        expires_at,
        order.channel_id,
        lines_digest((line.sku, line.quantity) for line in order.lines if line.kit_line_id is None),
        destination_digest(order),
        option.kind,
        option.price_minor,
        option.promise,
        tuple((parcel.location_id, parcel.service) for parcel in option.decision.chosen),
        reservation_id,
    )


def written(quote: Quote) -> str:
    """A quote as it is signed; `read` reads it."""
    promise = quote.promise
    span = promise and (
        promise.earliest.isoformat(),
        promise.latest.isoformat(),
        promise.confidence,
        promise.model_id and promise.model_id.hex,
    )
    return orjson.dumps(
        [
            int(quote.expires_at.timestamp()),
            quote.channel_id.hex,
            quote.lines,
            quote.destination,
            quote.kind.value,
            quote.price_minor,
            span,
            [(place.hex, service) for place, service in quote.ways],
            quote.reservation_id and quote.reservation_id.hex,
        ]
    ).decode()


def read(text: str) -> Quote:
    """What `written` wrote."""
    expires, channel, lines, destination, kind, price, span, ways, reservation = orjson.loads(text)
    promise = None
    if span is not None:
        earliest, latest, confidence, model = span
        promise = DeliverBy(
            datetime.fromisoformat(earliest), datetime.fromisoformat(latest), confidence, UUID(model) if model else None
        )
    return Quote(
        datetime.fromtimestamp(expires, UTC),
        UUID(channel),
        lines,
        destination,
        FulfillmentKind(kind),
        price,
        promise,
        tuple((UUID(place), service) for place, service in ways),
        UUID(reservation) if reservation else None,
    )


def lines_digest(lines: Iterable[tuple[str, int]]) -> str:
    """What is bought, however it was written down."""
    units: dict[str, int] = {}
    for sku, quantity in lines:
        units[sku] = units.get(sku, 0) + quantity
    return _digest(sorted(units.items()))


def destination_digest(place: Any) -> str:
    """Where it goes, as far as price and promise depend on it: another flat in the same house is the same."""
    texts = [" ".join((getattr(place, name) or "").casefold().split()) for name in ("country", "region", "city")]
    postal = "".join((place.postal_code or "").casefold().split()).replace("-", "")
    point = [None if each is None else round(each, 4) for each in (place.latitude, place.longitude)]
    return _digest([*texts, postal, *point])


def _digest(value: Any) -> str:
    return hashlib.blake2s(orjson.dumps(value), digest_size=12).hexdigest()


# -- honouring ---------------------------------------------------------------------------------------------------------


def agreed(placement: Placement, quote: Quote, reservation_id: UUID | None) -> Placement:
    """The command at the quote's price and promise; refused where it is for something else."""
    if placement.shipping_minor or placement.promised_latest is not None:
        raise InvalidInput("a quote has its own price and promise", field=("fulfillmentOptionId",))
    if any(line.location_code is not None for line in placement.lines):
        raise InvalidInput("a quote says from where it ships", field=("lines",))
    if lines_digest((line.sku, line.quantity) for line in placement.lines) != quote.lines:
        raise QuoteMismatch("other lines", field=("lines",))
    if destination_digest(placement.buyer) != quote.destination:
        raise QuoteMismatch("another destination", field=("shippingAddress",))
    if quote.reservation_id is not None and quote.reservation_id != reservation_id:
        raise QuoteMismatch("another reservation", field=("reservationId",))
    return replace(placement, shipping_minor=quote.price_minor)


def bound(order: Order, quote: Quote) -> Order:
    """The order with what it was promised; refused in another channel."""
    if order.channel_id != quote.channel_id:
        raise QuoteMismatch("another channel", field=("channel",))
    return with_deliver_by(order, quote.promise) if quote.promise else order


def honoured(order: Order, quote: Quote, catalog: Catalog, customer: Customer | None) -> Routed:
    """From where a quoted order ships: as quoted while the goods are there, or else any way that keeps the promise."""
    if not is_in_stock(order, catalog):
        raise QuoteNotAvailable("others wait for what was quoted", field=("fulfillmentOptionId",))
    if quote.kind is FulfillmentKind.PICKUP:
        place = catalog.network.locations.get(quote.ways[0][0])
        fetched = place and pickup_at(order, place, catalog, stock_of(catalog, set()))
        if not fetched:
            raise QuoteNotAvailable("the store has not everything any more", field=("fulfillmentOptionId",))
        return placing.sourced(order, fetched, catalog, customer)
    decision = _as_quoted(order, quote, catalog) or _otherwise(order, quote, catalog)
    if decision is None:
        raise QuoteNotAvailable("no location has everything in time", field=("fulfillmentOptionId",))
    return placing.sourced(order, decision, catalog, customer)


def _as_quoted(order: Order, quote: Quote, catalog: Catalog) -> Decision | None:
    """From the places and by the services that were quoted."""
    network = catalog.network
    places, services = {place for place, _ in quote.ways}, {service for _, service in quote.ways}
    locations = {id_: place for id_, place in network.locations.items() if id_ in places}
    rates = tuple(rate for rate in network.rates if rate.service in services or services == {None})
    if len(locations) < len(places) or not rates:
        return None
    asked = replace(order, deliver_by_earliest=None, deliver_by_latest=None)
    narrowed = replace(catalog, network=replace(network, locations=locations, rates=rates))
    decision = decided(asked, demand_of(order, catalog), narrowed)
    return None if decision.unfilled else decision


def _otherwise(order: Order, quote: Quote, catalog: Catalog) -> Decision | None:
    """The way that costs least of those that are there in time: the difference is the merchant's."""
    if not catalog.is_patient:
        raise TakesLong
    found = [way for wish in wishes(catalog.network) if (way := delivery(order, wish, catalog, {})) is not None]
    if quote.promise is not None:
        found = [option for option in found if option.promise and option.promise.latest <= quote.promise.latest]
    return min(found, key=lambda option: option.cost_minor).decision if found else None


def wanted(lines: Sequence[Any]) -> tuple[Wanted, ...]:
    """Lines as a buyer asks for them."""
    return tuple(Wanted(line.sku, line.quantity) for line in lines)
