"""Orders: what a customer bought in one channel, and everything that has become of it."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import strawberry
from sqlalchemy import ColumnElement, FromClause, Integer, func, select

from domain.orders import (
    ORDER,
    AdjustmentKind,
    CancelReason,
    FulfillmentStatus,
    HoldKind,
    OrderAction,
    OrderReturnStatus,
    OrderStatus,
    PaymentStatus,
)
from domain.store import tables as t
from domain.store import visibility
from domain.viewer import Role, Scope, Viewer
from resolvers.reading.actions import available_actions
from resolvers.reading.arguments import Arguments, BadInput
from resolvers.reading.mapping import EVERYONE, Many, Row, Values, asks, by_viewer, column, inline, many, one
from schema.catalog import Channel, Variant
from schema.common import (
    Actor,
    Address,
    CurrencyCode,
    DateRange,
    Money,
    Node,
    actor,
    address,
    entity,
    id_of,
    labels,
    money,
    words,
)
from schema.customers import Customer
from schema.exceptions import Trouble
from schema.fulfillment import Allocation, FulfillmentOrder, Pickup, RoutingDecision
from schema.messages import Message
from schema.payments import Payment
from schema.returns import Return, Returnability, returnability_of
from schema.shipments import Shipment
from schema.stock import Location

words(AdjustmentKind)
words(CancelReason)
words(FulfillmentStatus)
words(HoldKind)
words(OrderAction)
words(OrderReturnStatus)
words(PaymentStatus)


@strawberry.type(
    description="Where the units of a line are: ordered = open + backordered + allocated + picked + shipped + canceled."
)
class LineQuantities:
    """A line's units by what became of them."""

    ordered: int = column("quantity", "Units bought. Never shrinks: reductions go to canceled.")
    open: int = column("open", "Not yet given to any location.")
    backordered: int = column("backordered", "Waiting for supply.")
    allocated: int = column("allocated", "Given to a location, not yet picked.")
    picked: int = column("picked", "Taken off the shelf, not yet shipped.")
    shipped: int = column("shipped", "Left the building.")
    delivered: int = column("delivered", "Reached the customer; part of shipped.")
    canceled: int = column("canceled", "Called off.")
    returned: int = column("returned", "Came back; part of delivered.")


@strawberry.type(description="One SKU in an order, with its price when it was bought.")
@entity(t.order_lines, visibility.of_order)
class OrderLine(Node):
    """An order line."""

    id: strawberry.ID = id_of("OrderLine")
    sku: str = column("sku", "The SKU when it was bought.")
    name: str = column("name", "The name when it was bought.")
    quantity: int = column("quantity", "Units bought.")
    unit_price: Money = money("unit_price_minor", "What one unit cost.")
    total: Money = money("total_minor", "Units bought × unit price.")
    quantities: LineQuantities = inline(lambda line: line, "Where the units are.")
    returnability: Returnability = inline(returnability_of, "Whether units may come back, now.")
    pinned_to: Location | None = one(
        lambda line, place: place.c.id == line.c.pinned_location_id,
        "Where it must ship from; null where the router chooses.",
        follows=visibility.STAFF,
    )
    variant: Variant = one(lambda line, variant: variant.c.id == line.c.variant_id, "What was bought.")
    order: Annotated["Order", strawberry.lazy("schema.orders")] = one(
        lambda line, order: order.c.id == line.c.order_id, "The order it belongs to."
    )
    components: list[Annotated["OrderLine", strawberry.lazy("schema.orders")]] = many(
        lambda line, other: other.c.kit_line_id == line.c.id,
        lambda other: [other.c.position],
        "What a kit consists of, as lines of their own; at most 50.",
        limit=50,
    )
    kit: Annotated["OrderLine", strawberry.lazy("schema.orders")] | None = one(
        lambda line, other: other.c.id == line.c.kit_line_id,
        "The kit that it is a component of; null for what was bought.",
    )
    allocations: list[Allocation] = many(
        lambda line, held: (held.c.order_line_id == line.c.id) & (held.c.held > 0),
        lambda held: [held.c.id],
        "Stock held for it; at most 50.",
        limit=50,
        follows=visibility.STAFF,
    )


@strawberry.type(description="A reason not to go on with an order. Several may hold at once.")
@entity(t.order_holds, visibility.through(t.orders, "order_id", visibility.for_staff(visibility.orders)))
class OrderHold(Node):
    """A hold."""

    id: strawberry.ID = id_of("OrderHold")
    kind: HoldKind = column("kind", "What sort of reason.")
    reason: str = column("reason", "The reason in words.")
    placed_at: datetime = column("placed_at", "Since when.")
    placed_by: Actor = actor("placed_by_kind", "placed_by", "Who put it there.")
    expires_at: datetime | None = column("expires_at", "When it is taken off by itself; null if never.")


@strawberry.type(
    description="An entry that changes what an order costs: charges add, credits take away. Never changed."
)
@entity(t.order_adjustments, visibility.payments)
class OrderAdjustment(Node):
    """A charge or a credit."""

    id: strawberry.ID = id_of("OrderAdjustment")
    kind: AdjustmentKind = column("kind", "What it is for.")
    reason: str | None = column("reason", "Why, in words.")
    amount: Money = money("amount_minor", "How much; credits are negative.")
    occurred_at: datetime = column("occurred_at", "When it became true.")


@strawberry.type(description="An invoice or its like.")
@entity(t.invoices, visibility.payments)
class Invoice(Node):
    """An invoice. None is issued before invoicing is set up."""

    id: strawberry.ID = id_of("Invoice")
    number: str = column("number", "The legal number.")
    total: Money = money("total_minor", "What it amounts to.")
    pdf_url: str | None = column("pdf_url", "The document; null until it is drawn.")
    issued_at: datetime = column("issued_at", "When it was issued.")


ORDER_SCOPES = {
    OrderAction.PLACE: Scope.ORDERS_PLACE,
    OrderAction.CONFIRM: Scope.ORDERS_WRITE,
    OrderAction.HOLD: Scope.ORDERS_WRITE,
    OrderAction.RELEASE_HOLD: Scope.ORDERS_WRITE,
    OrderAction.CANCEL: Scope.ORDERS_CANCEL,
    OrderAction.PIN: Scope.ROUTING_WRITE,
}


def _actions(row: Row, viewer: Viewer) -> ColumnElement[object]:
    guards: dict[StrEnum, ColumnElement[bool]] = {
        OrderAction.RELEASE_HOLD: row.c.on_hold,
        OrderAction.CANCEL: row.c.fulfillment_status != FulfillmentStatus.FULFILLED.value,
    }
    if viewer.role in (Role.CUSTOMER, Role.GUEST):  # what has been begun, staff call off
        guards[OrderAction.CANCEL] = row.c.status != OrderStatus.IN_FULFILLMENT.value
    return available_actions(ORDER, ORDER_SCOPES, row, viewer, guards)


ROUTING_LIMIT = 20


def _decisions(row: Row, decision: FromClause, arguments: Arguments) -> ColumnElement[bool]:
    """The decisions about an order, or the latest of them."""
    mine: ColumnElement[bool] = decision.c.order_id == row.c.id
    last = arguments["last"]
    if last.value is None:
        return mine
    latest = t.routing_decisions.alias()
    found = select(latest.c.id).where(latest.c.order_id == row.c.id).correlate_except(latest)
    newest = found.order_by(latest.c.decided_at.desc(), latest.c.id.desc()).limit(last.bind(Integer(), _few))
    return mine & decision.c.id.in_(newest)


def _few(last: int | None) -> int | None:
    if last is not None and not 1 <= last <= ROUTING_LIMIT:
        raise BadInput(f"last is 1 to {ROUTING_LIMIT}, not {last}.")
    return last


def _balance(row: Row) -> ColumnElement[int]:
    """(charges − credits) − (captured − refunded − charged back), from entries alone."""
    entry, paid = t.order_adjustments.alias(), t.payments.alias()
    owed = select(func.coalesce(func.sum(entry.c.amount_minor), 0)).where(entry.c.order_id == row.c.id)
    signed = func.sum(paid.c.amount_minor).filter(paid.c.kind == "CAPTURE")
    back = func.sum(paid.c.amount_minor).filter(paid.c.kind == "REFUND")
    kept = select(func.coalesce(signed, 0) - func.coalesce(back, 0)).where(
        paid.c.order_id == row.c.id, paid.c.status == "SUCCEEDED"
    )
    return owed.correlate_except(entry).scalar_subquery() - kept.correlate_except(paid).scalar_subquery()


@strawberry.type(description="What a customer bought in one channel.")
@entity(t.orders, visibility.orders)
class Order(Node):
    """An order."""

    id: strawberry.ID = id_of("Order")
    number: str = column("number", "The number that people use; unique.")
    external_reference: str | None = column("external_reference", "Another system's name for it; unique per channel.")
    status: OrderStatus = column("status", "Where it stands.")
    payment_status: PaymentStatus = column("payment_status", "Where its money stands.")
    fulfillment_status: FulfillmentStatus = column("fulfillment_status", "How much of it has left.")
    return_status: OrderReturnStatus = column("return_status", "How much of it came back.")
    on_hold: bool = column("on_hold", "Whether anything holds it.")
    placed_at: datetime = column("placed_at", "When the buyer committed; for a draft, when it was begun.")
    confirmed_at: datetime | None = column("confirmed_at", "When it was accepted.")
    canceled_at: datetime | None = column("canceled_at", "When the last unit was called off.")
    completed_at: datetime | None = column("completed_at", "When the last unit found its end.")
    cancel_reason: CancelReason | None = column("cancel_reason", "Why it was called off.")
    currency: CurrencyCode = column("currency", "The currency of all its amounts.")
    subtotal: Money = money("subtotal_minor", "The lines together.")
    discount_total: Money = money("discount_minor", "What was taken off.")
    shipping_total: Money = money("shipping_minor", "What shipping costs the buyer.")
    tax_total: Money = money("tax_minor", "Tax on top.")
    total: Money = money("total_minor", "What the buyer committed to: subtotal − discount + shipping + tax.")
    balance: Money = inline(
        lambda row: Values(minor=_balance(row), currency=row.c.currency),
        "What is still owed: (charges − credits) − (captured − refunded). Negative when it is the buyer's due.",
    )
    email: str | None = column("email", "Where to write about it.")
    phone: str | None = column("phone", "Where to call about it.")
    locale: str | None = column("locale", "The language to write about it in, if the buyer said.")
    shipping_address: Address | None = address("Where it goes.")
    note: str | None = column("note", "What the buyer said.")
    tags: list[str] = labels()
    version: int = column("version", "Grows with every change; give it as `expectedVersion`.")
    deliver_by: DateRange | None = inline(
        lambda row: Values(
            earliest=row.c.deliver_by_earliest, latest=row.c.deliver_by_latest, confidence=row.c.deliver_by_confidence
        ),
        "What was promised when it was placed; null where nothing was.",
        present=lambda row: row.c.deliver_by_latest,
    )
    channel: Channel = one(lambda row, channel: channel.c.id == row.c.channel_id, "Where it was bought.")
    customer: Customer | None = one(
        lambda row, customer: customer.c.id == row.c.customer_id,
        "Who bought it; not for guests and warehouses.",
        follows=visibility.CUSTOMER_WITH_ORDER,
    )
    lines: list[OrderLine] = many(
        lambda row, line: (line.c.order_id == row.c.id) & line.c.kit_line_id.is_(None),
        lambda line: [line.c.position],
        "What was bought, each kit as one line; at most 100.",
        limit=100,
    )
    holds: list[OrderHold] = many(
        lambda row, hold: (hold.c.order_id == row.c.id) & hold.c.released_at.is_(None),
        lambda hold: [hold.c.placed_at, hold.c.id],
        "What holds it now; staff only; at most 20.",
        limit=20,
        follows=visibility.STAFF,
    )
    adjustments: list[OrderAdjustment] = many(
        lambda row, entry: entry.c.order_id == row.c.id,
        lambda entry: [entry.c.occurred_at, entry.c.id],
        "Charges and credits; at most 100.",
        limit=100,
        follows=visibility.MONEY_WITH_ORDER,
    )
    payments: list[Payment] = many(
        lambda row, entry: entry.c.order_id == row.c.id,
        lambda entry: [entry.c.recorded_at, entry.c.id],
        "Every fact about its money; at most 100.",
        limit=100,
        follows=visibility.MONEY_WITH_ORDER,
    )
    invoices: list[Invoice] = many(
        lambda row, invoice: invoice.c.order_id == row.c.id,
        lambda invoice: [invoice.c.issued_at, invoice.c.id],
        "Its invoices; at most 20.",
        limit=20,
        follows=visibility.MONEY_WITH_ORDER,
    )
    unrouted_at: datetime | None = column(
        "unrouted_at",
        "Since when units of it wait that no location can ship; null where none do; scope routing:read.",
        needs=Scope.ROUTING_READ,
    )

    @asks(
        Many(
            _decisions,
            lambda decision: [decision.c.decided_at, decision.c.id],
            ROUTING_LIMIT,
            EVERYONE,
            needs=Scope.ROUTING_READ,
        ),
        "Why it ships from where it does, the latest decision last; scope routing:read; at most 20.",
    )
    def routing(
        self,
        last: Annotated[int | None, strawberry.argument(description="Only so many of the latest: 1 to 20.")] = None,
    ) -> list[RoutingDecision]:
        """Its decisions."""

    fulfillment_orders: list[FulfillmentOrder] = many(
        lambda row, ful: ful.c.order_id == row.c.id,
        lambda ful: [ful.c.created_at, ful.c.id],
        "The work of each location, as far as you may see it; at most 50.",
        limit=50,
        follows=visibility.NOBODY,
    )
    pickups: list[Pickup] = many(
        lambda row, ful: (ful.c.order_id == row.c.id) & (ful.c.kind == "PICKUP"),
        lambda ful: [ful.c.id],
        "What waits at a counter; at most 20.",
        limit=20,
    )
    shipments: list[Shipment] = many(
        lambda row, shipment: shipment.c.order_id == row.c.id,
        lambda shipment: [shipment.c.created_at, shipment.c.id],
        "What left; at most 50.",
        limit=50,
    )
    returns: list[Return] = many(
        lambda row, back: back.c.order_id == row.c.id,
        lambda back: [back.c.requested_at, back.c.id],
        "What comes back; at most 50.",
        limit=50,
    )
    messages: list[Message] = many(
        lambda row, message: message.c.order_id == row.c.id,
        lambda message: [message.c.created_at, message.c.id],
        "What its customer was told of it, for those who see every order; at most 100.",
        limit=100,
    )
    exceptions: list[Trouble] = many(
        lambda row, trouble: (trouble.c.order_id == row.c.id) & trouble.c.resolved_at.is_(None),
        lambda trouble: [trouble.c.detected_at.desc(), trouble.c.id.desc()],
        "What is wrong with it now, as far as it is your work; staff only; at most 20.",
        limit=20,
        follows=visibility.NOBODY,
    )
    available_actions: list[OrderAction] = by_viewer(_actions, "What you may do next; at most 10.")
