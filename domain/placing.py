"""Placing an order: price it, route it, allocate its stock and open its books. All or nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

from domain import backorders, kits, sourcing
from domain.acts import Act
from domain.backorders import Allowance
from domain.events import Event, EventType, about, numbered
from domain.fulfillment import FulfillmentKind, FulfillmentOrderStatus
from domain.ids import new_id
from domain.model import (
    Backorder,
    Customer,
    CustomerAddress,
    Decided,
    FulfillmentOrder,
    FulfillmentOrderLine,
    Order,
    OrderAdjustment,
    OrderLine,
    Payment,
    ReservationLine,
    StockLevel,
    replace,
    row,
)
from domain.money import LARGEST_MINOR
from domain.orders import AdjustmentKind, FulfillmentStatus, OrderReturnStatus, OrderStatus, PaymentStatus
from domain.payments import Tender, recorded, requested, with_payments
from domain.promises import Model
from domain.promising import promised
from domain.refusals import InsufficientStock, InvalidInput, UnknownSku, Unroutable
from domain.routing.model import Decision, Parcel, UnfilledReason
from domain.routing.network import Network
from domain.sourcing import Days, demand_line, record, scarce_days, with_promise
from domain.stock import Bucket, Ledger, MovementKind

LINES_LIMIT = 100
QUANTITY_LIMIT = 100_000
NOTHING: Mapping[UUID, int] = MappingProxyType({})
HANDLING = timedelta(hours=24)
"""How long a location has until a parcel should have left, where somebody gave it the work and no calendar did."""


@row
class Wanted:
    """One line as the buyer asks for it. `unit_price_minor` and `location_code` are history's and the staff's to give."""

    sku: str
    quantity: int
    unit_price_minor: int | None = None
    location_code: str | None = None


@row
class Buyer:
    """Who buys and where it goes, as the order will remember them."""

    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    phone: str | None = None
    line1: str | None = None
    line2: str | None = None
    city: str | None = None
    region: str | None = None
    postal_code: str | None = None
    country: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    locale: str | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """The command: what is bought, by whom, how it is paid."""

    lines: tuple[Wanted, ...]
    buyer: Buyer
    external_reference: str | None = None
    note: str | None = None
    shipping_minor: int = 0
    promised_earliest: datetime | None = None
    promised_latest: datetime | None = None
    tenders: tuple[Tender, ...] = ()
    """Payments: recorded as they happened elsewhere, or to be authorized by a provider."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A variant as the channel offers it, and the levels that may serve it."""

    variant_id: UUID
    sku: str
    name: str
    weight_grams: int | None
    price_minor: int | None
    levels: tuple[tuple[UUID, UUID, int], ...]
    """(level, location, available)."""
    longest_mm: int | None = None
    hazmat: bool = False
    allowance: Allowance | None = None
    """What may be sold beyond what is in stock, if anything may."""
    components: tuple[tuple[str, int], ...] = ()
    """Of a kit: (SKU, units in one kit)."""
    kept_back: int = 0
    """The channel's threshold: so many of what lies there it does not sell."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """What placing needs to know beforehand."""

    channel_id: UUID
    currency: str
    number: str
    customer_id: UUID | None
    offers: Mapping[str, Offer]
    network: Network
    at: datetime
    """The moment at which the order is routed."""
    days: Days = field(default_factory=dict)
    """What locations were given already, for days that are not over."""
    is_history: bool = False
    """Whether the moment is long past: then nobody's day is looked at, or filled."""
    known: Mapping[str, str | None] = field(default_factory=dict)
    """The buyer's own e-mail, names and phone, for what the order leaves out."""
    promise_model_id: UUID | None = None
    promises: Model | None = None
    """What was learned of how long parcels take; None: nothing yet."""
    time_zone: str = "UTC"
    """The channel's."""
    is_patient: bool = False
    """Whether nobody waits while it is decided. A decision that takes long is else given up (`TakesLong`)."""


@dataclass(frozen=True, slots=True)
class Routed:
    """A priced order and where its units come from: what remains is to lock those levels and allocate."""

    order: Order
    decision: Decision
    decided_id: UUID
    needed: Mapping[UUID, int]
    """Units by stock level."""
    level_of: Mapping[tuple[UUID, UUID], UUID]
    """(variant, location) → level."""
    customer: Customer | None
    """A buyer whom nobody knew before."""
    short: Mapping[UUID, int] = field(default_factory=dict)
    """Units by line that no location has, and that may wait."""
    waits: tuple[Backorder, ...] = ()
    told: tuple[Event, ...] = ()
    """That they wait, and what is told of it."""


def begin(placement: Placement, catalog: Catalog, act: Act, draft: Order | None = None) -> Order:
    """The order with its lines and prices, not yet routed: a draft."""
    wanted = merged(placement.lines)
    order_id = draft.id if draft else new_id()
    line_ids = [line.id for line in draft.lines] if draft else [new_id() for _ in wanted]
    lines = tuple(
        _line(order_id, id_, position, line, _offer(catalog, line, placement), catalog.currency)
        for position, (id_, line) in enumerate(zip(line_ids, wanted, strict=True), start=1)
    )
    subtotal = sum(line.total_minor for line in lines)
    if subtotal + placement.shipping_minor > LARGEST_MINOR:
        raise InvalidInput("the total is larger than any order can be", field=("lines",))
    return Order(
        id=order_id,
        number=draft.number if draft else catalog.number,
        channel_id=catalog.channel_id,
        status=OrderStatus.DRAFT.value,
        payment_status=PaymentStatus.NONE.value,
        fulfillment_status=FulfillmentStatus.UNFULFILLED.value,
        return_status=OrderReturnStatus.NONE.value,
        currency=catalog.currency,
        subtotal_minor=subtotal,
        discount_minor=0,
        shipping_minor=placement.shipping_minor,
        tax_minor=0,
        total_minor=subtotal + placement.shipping_minor,
        created_at=draft.created_at if draft else act.at,
        placed_at=act.at,
        version=draft.version if draft else 1,
        event_sequence=draft.event_sequence if draft else 0,
        customer_id=catalog.customer_id,
        external_reference=placement.external_reference,
        note=placement.note,
        deliver_by_earliest=placement.promised_earliest,
        deliver_by_latest=placement.promised_latest,
        lines=lines,
        **_particulars(placement.buyer, catalog.known),
    )


def _particulars(buyer: Buyer, known: Mapping[str, str | None]) -> dict[str, Any]:
    given = vars(buyer)
    return given | {name: value for name, value in known.items() if given[name] is None}


BUYER_FIELDS = (
    "email",
    "first_name",
    "last_name",
    "phone",
    "line1",
    "line2",
    "city",
    "region",
    "postal_code",
    "country",
    "latitude",
    "longitude",
    "locale",
)


def merged(lines: Sequence[Wanted]) -> tuple[Wanted, ...]:
    """Lines of the same SKU, price and location become one; refused: none, too many, or quantities out of range."""
    if not 1 <= len(lines) <= LINES_LIMIT:
        raise InvalidInput(f"an order has 1 to {LINES_LIMIT} lines, not {len(lines)}", field=("lines",))
    units: dict[tuple[str, int | None, str | None], int] = {}
    for index, line in enumerate(lines):
        if not 1 <= line.quantity <= QUANTITY_LIMIT:
            place = ("lines", str(index), "quantity")
            raise InvalidInput(f"a quantity is 1 to {QUANTITY_LIMIT}, not {line.quantity}", field=place)
        key = (line.sku, line.unit_price_minor, line.location_code)
        units[key] = units.get(key, 0) + line.quantity
    return tuple([Wanted(sku, quantity, price, code) for (sku, price, code), quantity in units.items()])


def _offer(catalog: Catalog, line: Wanted, placement: Placement) -> Offer:
    offer = catalog.offers.get(line.sku)
    if offer is not None and (line.unit_price_minor is not None or offer.price_minor is not None):
        return offer
    place = ("lines", str([each.sku for each in placement.lines].index(line.sku)), "sku")
    if offer is None:
        raise UnknownSku(line.sku, field=place)
    raise InvalidInput(f"{line.sku} has no price in {catalog.currency} in this channel", field=place)


def _line(order_id: UUID, id_: UUID, position: int, line: Wanted, offer: Offer, currency: str) -> OrderLine:
    price = line.unit_price_minor if line.unit_price_minor is not None else offer.price_minor
    assert price is not None
    return OrderLine(
        id=id_,
        order_id=order_id,
        position=position,
        variant_id=offer.variant_id,
        sku=offer.sku,
        name=offer.name,
        quantity=line.quantity,
        currency=currency,
        unit_price_minor=price,
        total_minor=price * line.quantity,
        open=line.quantity,
    )


def routed(order: Order, pins: Mapping[UUID, str | None], catalog: Catalog, customer: Customer | None) -> Routed:
    """Decide from where each unit ships; refused where units find no location and may not wait.

    `pins`: line → location code.
    """
    unreleased = ahead(order, catalog)
    demand = [
        demand_line(line, catalog.offers[line.sku], _pin(pins.get(line.kit_line_id or line.id), catalog))
        for line in kits.physical(order.lines)
        if line.id not in unreleased
    ]
    decision = sourcing.decided(order, demand, catalog)
    short = unreleased | _short(order, decision, catalog)
    return sourced(order if short else promised(order, decision, catalog), decision, catalog, customer, short=short)


def sourced(
    order: Order,
    decision: Decision,
    catalog: Catalog,
    customer: Customer | None,
    short: Mapping[UUID, int] = NOTHING,
) -> Routed:
    """What a decision needs of which level."""
    levels = level_of(catalog)
    variant_of = {line.id: line.variant_id for line in order.lines}
    needed: dict[UUID, int] = {}
    for parcel in decision.chosen:
        for part in parcel.lines:
            level = levels[variant_of[part.line_id], parcel.location_id]
            needed[level] = needed.get(level, 0) + part.quantity
    return Routed(order, decision, new_id(), needed, levels, customer, short)


def allowances(catalog: Catalog) -> dict[UUID, Allowance]:
    """By variant, what may be sold beyond what is in stock."""
    return {offer.variant_id: offer.allowance for offer in catalog.offers.values() if offer.allowance}


def ahead(order: Order, catalog: Catalog) -> dict[UUID, int]:
    """Lines of what is not released yet: nothing of them is given out of stock."""
    allowed = allowances(catalog)
    if not allowed:
        return {}
    return {
        line.id: line.open
        for line in kits.physical(order.lines)
        if line.variant_id in allowed and allowed[line.variant_id].ahead(catalog.at)
    }


def _short(order: Order, decision: Decision, catalog: Catalog) -> dict[UUID, int]:
    """What is not in stock and may wait; refused where it may not, or where rules, carriers and calendars are in the way.

    What is not in stock is told first. An order that ships complete or not at all waits whole, where all of it may.
    """
    if not decision.unfilled:
        return {}
    allowed, lines = allowances(catalog), {line.id: line for line in order.lines}
    short: dict[UUID, int] = {}
    for gap in sorted(decision.unfilled, key=lambda gap: gap.reason not in OUT_OF_STOCK):
        line = lines[gap.line_id]
        allowance = allowed.get(line.variant_id)
        waits = allowance is not None and allowance.lets_wait(catalog.at)
        if gap.reason in OUT_OF_STOCK and not waits:
            raise _insufficient(line, gap.quantity, lines)
        if gap.reason not in OUT_OF_STOCK and not (waits and gap.reason is UnfilledReason.INCOMPLETE):
            raise Unroutable(gap.sku, gap.quantity, gap.reason.description, field=("lines",))
        short[line.id] = short.get(line.id, 0) + gap.quantity
    return short


def _insufficient(line: OrderLine, gap: int, lines: Mapping[UUID, OrderLine]) -> InsufficientStock:
    """A kit is short where one of its components is."""
    left = line.quantity - gap
    if line.kit_line_id is None:
        return InsufficientStock(line.sku, line.quantity, left, field=("lines",))
    kit = lines[line.kit_line_id]
    return InsufficientStock(kit.sku, kit.quantity, left // kits.per_kit(kit, line), field=("lines",))


def taken_apart(order: Order, catalog: Catalog) -> Order:
    """The order with the lines of its kits' components."""
    components = {
        sku: [_component(catalog.offers[part], units) for part, units in offer.components]
        for sku, offer in catalog.offers.items()
        if offer.components
    }
    return kits.taken_apart(order, components) if components else order


def _component(offer: Offer, units: int) -> kits.Component:
    return offer.variant_id, offer.sku, offer.name, units


def waiting(routed_order: Routed, catalog: Catalog, waiting: Mapping[UUID, int], act: Act) -> Routed:
    """The routed order with what is short on its lines' backorder. `waiting`: by variant, over all orders, locked."""
    order, records, told = backorders.begin(routed_order.order, routed_order.short, allowances(catalog), waiting, act)
    return replace(routed_order, order=order, waits=records, told=(told,))


OUT_OF_STOCK = (UnfilledReason.NO_STOCK, UnfilledReason.PARTIAL_STOCK, UnfilledReason.NO_LOCATION)


def _pin(code: str | None, catalog: Catalog) -> UUID | None:
    if code is None:
        return None
    for location in catalog.network.locations.values():
        if location.code == code:
            return location.id
    raise InvalidInput(f"no location {code} serves this channel", field=("lines",))


def as_read(routed_order: Routed, catalog: Catalog) -> dict[UUID, StockLevel] | None:
    """The levels as they were read, where it is enough to lock them as the order is written; None where it is not.

    It is not where units wait or a day's capacity is given out, which is looked at under the locks; and where two lines
    take of one level, whose entries follow from each other.
    """
    decision, needed = routed_order.decision, routed_order.needed
    parts = sum([len(parcel.lines) for parcel in decision.chosen])
    if routed_order.short or parts != len(needed) or scarce_days(decision, catalog.network):
        return None
    return {
        level: StockLevel(level, offer.variant_id, location, available)
        for offer in catalog.offers.values()
        for level, location, available in offer.levels
        if level in needed
    }


def level_of(catalog: Catalog) -> dict[tuple[UUID, UUID], UUID]:
    """(variant, location) → level."""
    return {
        (offer.variant_id, location): level for offer in catalog.offers.values() for level, location, _ in offer.levels
    }


def place(
    routed_order: Routed,
    tenders: Sequence[Tender],
    levels: Mapping[UUID, StockLevel],
    act: Act,
    held: Mapping[UUID, int] = NOTHING,
) -> Decided:
    """The placed order. Its levels are locked and hold what it needs: from here nothing may refuse but the tenders.

    What is `held` for its cart, by level, it takes first.
    """
    decision = routed_order.decision
    order = routed_order.order if routed_order.short else with_promise(routed_order.order, decision)
    work = fulfillment_orders(order, decision, routed_order.decided_id, routed_order.level_of, act)
    ledger = Ledger(act, "RoutingDecision", routed_order.decided_id, levels.values())
    allocate(order, work, ledger, held)

    order = replace(
        order,
        status=OrderStatus.PENDING.value,
        placed_at=act.at,
        lines=tuple(replace(line, open=0, allocated=line.open) for line in order.lines),
        fulfillment_orders=work,
        adjustments=_charges(order, act),
    )
    order = kits.with_kits(order)
    order, paid = with_payments(order, [_entry(order, tender, act) for tender in tenders]) if tenders else (order, [])
    total = order.total_minor
    events = [
        about(order, EventType.ORDER_PLACED, f"Order {order.number} was placed.", data={"totalMinor": total}),
        *routed_order.told,
        *created(order, work),
        *paid,
        *ledger.events,
    ]
    order, counted = numbered(order, tuple(events))
    records = (
        *newcomer(routed_order.customer, order, act),
        record(order, decision, routed_order.decided_id, act),
        *routed_order.waits,
        *ledger.movements,
    )
    return Decided(order, tuple(ledger.levels.values()), records, counted)


def _entry(order: Order, tender: Tender, act: Act) -> Payment:
    return recorded(order, tender, act) if tender.happened else requested(order, tender, act)


def fulfillment_orders(
    order: Order, decision: Decision, decision_id: UUID, level_of: Mapping[tuple[UUID, UUID], UUID], act: Act
) -> tuple[FulfillmentOrder, ...]:
    """One fulfillment order for each parcel of a decision."""
    lines = {line.id: line for line in order.lines}
    return tuple(_fulfillment_order(order, parcel, lines, decision_id, level_of, act) for parcel in decision.chosen)


def _fulfillment_order(
    order: Order,
    parcel: Parcel,
    lines: Mapping[UUID, OrderLine],
    decision_id: UUID,
    level_of: Mapping[tuple[UUID, UUID], UUID],
    act: Act,
) -> FulfillmentOrder:
    id_ = new_id()
    return FulfillmentOrder(
        id=id_,
        order_id=order.id,
        location_id=parcel.location_id,
        kind=(FulfillmentKind.PICKUP if parcel.fetched else FulfillmentKind.DELIVERY).value,
        status=FulfillmentOrderStatus.SCHEDULED.value,
        due_at=parcel.ship_at or act.at + HANDLING,
        created_at=act.at,
        capacity_day=parcel.counts_on,
        service=parcel.service,
        routing_decision_id=decision_id,
        lines=tuple(
            FulfillmentOrderLine(
                id=new_id(),
                fulfillment_order_id=id_,
                order_line_id=part.line_id,
                stock_level_id=level_of[lines[part.line_id].variant_id, parcel.location_id],
                variant_id=lines[part.line_id].variant_id,
                location_id=parcel.location_id,
                sku=part.sku,
                name=lines[part.line_id].name,
                quantity=part.quantity,
            )
            for part in parcel.lines
        ),
    )


def allocate(
    order: Order, work: Sequence[FulfillmentOrder], ledger: Ledger, held: Mapping[UUID, int] = NOTHING
) -> None:
    """Give the work's units to it in the ledger: first those that are reserved for it, by level."""
    left = dict(held)
    for fulfillment_order in work:
        for line in fulfillment_order.lines:
            level, reserved = line.stock_level_id, 0
            if left and (reserved := min(left.get(level, 0), line.quantity)):
                left[level] -= reserved
                _allocate(order, line, reserved, Bucket.RESERVED, ledger)
            if line.quantity > reserved:
                _allocate(order, line, line.quantity - reserved, Bucket.AVAILABLE, ledger)


def _allocate(order: Order, line: FulfillmentOrderLine, units: int, source: Bucket, ledger: Ledger) -> None:
    kind, target = MovementKind.ALLOCATE, Bucket.ALLOCATED
    ledger.move(line.stock_level_id, kind, units, source, target, line_id=line.order_line_id, order=order)


def created(order: Order, work: Sequence[FulfillmentOrder]) -> list[Event]:
    """The events of new work."""
    return [
        about(order, EventType.FULFILLMENT_ORDER_CREATED, f"Work for order {order.number} was given out.", subject=ful)
        for ful in work
    ]


def _charges(order: Order, act: Act) -> tuple[OrderAdjustment, ...]:
    parts = ((AdjustmentKind.ITEMS, order.subtotal_minor), (AdjustmentKind.SHIPPING, order.shipping_minor))
    return tuple(
        OrderAdjustment(new_id(), order.id, kind.value, amount, order.currency, act.id, act.at)
        for kind, amount in parts
        if amount
    )


def bought_by(order: Order, customer_id: UUID) -> Order:
    """The order with its buyer."""
    return replace(order, customer_id=customer_id)


def sellable(catalog: Catalog) -> Catalog:
    """What the channel may sell anew of what is offered: its thresholds are off, where most of a variant lies first."""
    offers = {
        sku: replace(offer, levels=_less(offer.levels, offer.kept_back)) if offer.kept_back else offer
        for sku, offer in catalog.offers.items()
    }
    return replace(catalog, offers=offers)


def _less(levels: tuple[tuple[UUID, UUID, int], ...], units: int) -> tuple[tuple[UUID, UUID, int], ...]:
    off: dict[UUID, int] = {}
    for level, _, free in sorted(levels, key=lambda each: -each[2]):
        off[level] = min(free, units)
        units -= off[level]
    return tuple((level, at, free - off[level]) for level, at, free in levels)


def corrected(catalog: Catalog, levels: Iterable[StockLevel]) -> Catalog:
    """What is offered, with these levels as they are now."""
    now = {level.id: level.available for level in levels}
    offers = {
        sku: replace(offer, levels=tuple((id_, at, now.get(id_, units)) for id_, at, units in offer.levels))
        for sku, offer in catalog.offers.items()
    }
    return replace(catalog, offers=offers)


def on_shelves(catalog: Catalog, levels: Iterable[StockLevel]) -> Catalog:
    """What is offered out of these levels, as they are now, and out of no others."""
    now = {level.id: level.available for level in levels}
    offers = {
        sku: replace(offer, levels=tuple((id_, at, now[id_]) for id_, at, _ in offer.levels if now.get(id_)))
        for sku, offer in catalog.offers.items()
    }
    return replace(catalog, offers=offers)


def with_held(catalog: Catalog, lines: Iterable[ReservationLine]) -> Catalog:
    """What is offered to whom these units are held for, as far as they lie where the channel still ships from."""
    sku_of = {offer.variant_id: sku for sku, offer in catalog.offers.items()}
    offers = dict(catalog.offers)
    for line in lines:
        sku = sku_of.get(line.variant_id)
        if sku is None or line.location_id not in catalog.network.locations:
            continue
        units = {level: (at, free) for level, at, free in offers[sku].levels}
        _, free = units.get(line.stock_level_id, (None, 0))
        units[line.stock_level_id] = line.location_id, free + line.held
        offers[sku] = replace(offers[sku], levels=tuple((level, at, free) for level, (at, free) in units.items()))
    return replace(catalog, offers=offers)


def with_units(catalog: Catalog, held: Mapping[UUID, int]) -> Catalog:
    """What is offered to whom so many units are held for, by level."""
    offers = {
        sku: replace(offer, levels=tuple((id_, at, free + held.get(id_, 0)) for id_, at, free in offer.levels))
        for sku, offer in catalog.offers.items()
    }
    return replace(catalog, offers=offers)


def newcomer(customer: Customer | None, order: Order, act: Act) -> tuple[Any, ...]:
    """The rows of a buyer whom nobody knew before: themselves, and the address of their first order."""
    if customer is None:
        return ()
    if order.country is None:
        return (customer,)
    place = {name: getattr(order, name) for name in ("line1", "line2", "city", "region", "postal_code", "country")}
    return customer, CustomerAddress(id=new_id(), customer_id=customer.id, is_default=True, created_at=act.at, **place)


def drafted(order: Order, customer: Customer | None, act: Act) -> Decided:
    """A draft on record: it holds nothing and binds nobody."""
    told = about(order, EventType.ORDER_DRAFTED, f"Draft {order.number} was begun.")
    order, counted = numbered(order, (told,))
    return Decided(order, records=newcomer(customer, order, act), events=counted)
