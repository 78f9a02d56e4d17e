"""The order as a whole: its rows as frozen values. A decision takes the order as it is and returns it as it should be.

Each class is a row of the table it names; fields are that table's columns, tuples the rows that hang on it. The store
writes the difference between two such values, so no rule ever says how something is saved.
"""

from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, dataclass_transform
from uuid import UUID

T = TypeVar("T")

if TYPE_CHECKING:
    from dataclasses import replace as replace  # noqa: PLC0414 (the type checker knows this one by heart)
else:

    def replace(row: Any, /, **changes: Any) -> Any:
        """A row with some fields changed.

        `dataclasses.replace` calls the constructor, which sets fifty fields of an order one by one; half the time of
        placing one went there. Rows have no slots for this: their fields are copied as one dictionary.
        What has slots is built anew, without asking for each field how it is declared.
        """
        if not hasattr(row, "__dict__"):
            return type(row)(**{name: getattr(row, name) for name in row.__slots__} | changes)
        new = object.__new__(type(row))
        new.__dict__.update(row.__dict__)
        new.__dict__.update(changes)
        if len(new.__dict__) != len(row.__dict__):
            raise TypeError(f"{type(row).__name__} has no {', '.join(changes.keys() - row.__dict__.keys())}")
        return new


@dataclass_transform(frozen_default=True)
def row(class_: type[T]) -> type[T]:
    """A frozen dataclass whose constructor fills its fields as one dictionary.

    That of `dataclasses` sets them one by one, which takes three times as long, and a placed order has twenty rows.
    """
    made = dataclass(frozen=True)(class_)
    names = tuple(each.name for each in fields(made))  # type: ignore[arg-type]
    count = len(names)
    defaults = {each.name: each.default for each in fields(made) if each.default is not MISSING}  # type: ignore[arg-type]

    def fill(self: Any, *values: Any, **named: Any) -> None:
        own = self.__dict__
        own.update(defaults)
        if values:
            own.update(zip(names, values, strict=False))
        own.update(named)
        if len(own) != count or len(values) > count:
            odd = own.keys() ^ set(names)
            raise TypeError(f"{class_.__name__} has the fields {', '.join(names)}: {', '.join(odd)}")

    made.__init__ = fill  # type: ignore[method-assign]
    return made


@row
class OrderLine:
    """`order_lines`: quantity = open + backordered + allocated + picked + shipped + canceled, always."""

    table: ClassVar[str] = "order_lines"

    id: UUID
    order_id: UUID
    position: int
    variant_id: UUID
    sku: str
    name: str
    quantity: int
    currency: str
    unit_price_minor: int
    total_minor: int
    open: int = 0
    backordered: int = 0
    allocated: int = 0
    picked: int = 0
    shipped: int = 0
    delivered: int = 0
    canceled: int = 0
    returned: int = 0
    in_open_returns: int = 0
    delivered_at: datetime | None = None
    pinned_location_id: UUID | None = None
    kit_line_id: UUID | None = None
    backordered_at: datetime | None = None
    pickup_location_id: UUID | None = None
    """Where its customer is to fetch what is open; None: it is brought to them."""

    @property
    def ordered(self) -> int:
        """The quantity bought."""
        return self.quantity

    @property
    def cancelable(self) -> int:
        """Units that have not left the building and were not called off."""
        return self.open + self.backordered + self.allocated + self.picked


@row
class OrderHold:
    """`order_holds`."""

    table: ClassVar[str] = "order_holds"

    id: UUID
    order_id: UUID
    kind: str
    reason: str
    placed_at: datetime
    placed_by_kind: str
    placed_by: str
    released_at: datetime | None = None
    released_by: str | None = None
    expires_at: datetime | None = None


@row
class OrderAdjustment:
    """`order_adjustments`: a charge (positive) or a credit (negative)."""

    table: ClassVar[str] = "order_adjustments"

    id: UUID
    order_id: UUID
    kind: str
    amount_minor: int
    currency: str
    act_id: UUID
    occurred_at: datetime
    reason: str | None = None


@row
class Payment:
    """`payments`: one fact about money."""

    table: ClassVar[str] = "payments"

    id: UUID
    order_id: UUID
    kind: str
    status: str
    provider: str
    amount_minor: int
    currency: str
    occurred_at: datetime
    recorded_at: datetime
    request_id: UUID | None = None
    parent_id: UUID | None = None
    method: str | None = None
    reference: str | None = None
    last4: str | None = None
    failure: str | None = None
    reason: str | None = None
    note: str | None = None
    return_id: UUID | None = None
    destination: str | None = None
    expires_at: datetime | None = None


@row
class FulfillmentOrderLine:
    """`fulfillment_order_lines`: also the allocation, for the units it still holds."""

    table: ClassVar[str] = "fulfillment_order_lines"

    id: UUID
    fulfillment_order_id: UUID
    order_line_id: UUID
    stock_level_id: UUID
    variant_id: UUID
    location_id: UUID
    sku: str
    name: str
    quantity: int
    picked: int = 0
    short: int = 0
    shipped: int = 0
    canceled: int = 0

    @property
    def held(self) -> int:
        """Units still allocated at the location, picked or not."""
        return self.quantity - self.short - self.shipped - self.canceled

    @property
    def unpicked(self) -> int:
        """Units still to be taken off the shelf."""
        return self.quantity - self.picked - self.short - self.canceled


@row
class PackageLine:
    """`package_lines`."""

    table: ClassVar[str] = "package_lines"

    id: UUID
    package_id: UUID
    fulfillment_order_line_id: UUID
    quantity: int


@row
class Package:
    """`packages`."""

    table: ClassVar[str] = "packages"

    id: UUID
    fulfillment_order_id: UUID
    created_at: datetime
    shipment_id: UUID | None = None
    weight_grams: int | None = None
    length_mm: int | None = None
    width_mm: int | None = None
    height_mm: int | None = None
    carrier: str | None = None
    tracking_number: str | None = None
    tracking_url: str | None = None
    label_url: str | None = None
    lines: tuple[PackageLine, ...] = ()


@row
class FulfillmentOrder:
    """`fulfillment_orders`: work given to one location."""

    table: ClassVar[str] = "fulfillment_orders"

    id: UUID
    order_id: UUID
    location_id: UUID
    kind: str
    status: str
    due_at: datetime
    created_at: datetime
    capacity_day: date | None = None
    routing_decision_id: UUID | None = None
    split_from_id: UUID | None = None
    service: str | None = None
    priority: int = 0
    accepted_at: datetime | None = None
    packed_at: datetime | None = None
    shipped_at: datetime | None = None
    closed_at: datetime | None = None
    version: int = 1
    event_sequence: int = 0
    lines: tuple[FulfillmentOrderLine, ...] = ()
    packages: tuple[Package, ...] = ()


@row
class ShipmentLine:
    """`shipment_lines`."""

    table: ClassVar[str] = "shipment_lines"

    id: UUID
    shipment_id: UUID
    order_line_id: UUID
    fulfillment_order_line_id: UUID
    quantity: int


@row
class TrackingEvent:
    """`tracking_events`: what the carrier said."""

    table: ClassVar[str] = "tracking_events"

    id: UUID
    shipment_id: UUID
    code: str
    occurred_at: datetime
    recorded_at: datetime
    package_id: UUID | None = None
    message: str | None = None
    place: str | None = None


@row
class Shipment:
    """`shipments`. `tracking_events` holds the new ones only: old ones decide nothing."""

    table: ClassVar[str] = "shipments"

    id: UUID
    order_id: UUID
    fulfillment_order_id: UUID
    location_id: UUID
    status: str
    carrier: str
    created_at: datetime
    service: str | None = None
    estimated_delivery: datetime | None = None
    handed_over_at: datetime | None = None
    delivered_at: datetime | None = None
    heard_at: datetime | None = None
    heard_code: str | None = None
    version: int = 1
    event_sequence: int = 0
    lines: tuple[ShipmentLine, ...] = ()
    tracking_events: tuple[TrackingEvent, ...] = ()


@row
class ReturnInspection:
    """`return_inspections`."""

    table: ClassVar[str] = "return_inspections"

    id: UUID
    return_line_id: UUID
    quantity: int
    condition: str
    disposition: str
    inspected_at: datetime


@row
class ReturnLine:
    """`return_lines`. `inspections` holds the new ones only."""

    table: ClassVar[str] = "return_lines"

    id: UUID
    return_id: UUID
    order_line_id: UUID
    quantity: int
    reason: str
    comment: str | None = None
    received_quantity: int = 0
    inspected_quantity: int = 0
    inspections: tuple[ReturnInspection, ...] = ()

    @property
    def awaited(self) -> int:
        """Announced units that have not arrived."""
        return self.quantity - self.received_quantity


@row
class Return:
    """`returns`: goods coming back."""

    table: ClassVar[str] = "returns"

    id: UUID
    number: str
    order_id: UUID
    channel_id: UUID
    method: str
    status: str
    currency: str
    estimated_refund_minor: int
    requested_at: datetime
    customer_id: UUID | None = None
    location_id: UUID | None = None
    decline_reason: str | None = None
    approved_at: datetime | None = None
    received_at: datetime | None = None
    closed_at: datetime | None = None
    expires_at: datetime | None = None
    version: int = 1
    event_sequence: int = 0
    lines: tuple[ReturnLine, ...] = ()


@row
class Order:
    """`orders`, with everything that hangs on it. `holds` are the open ones."""

    table: ClassVar[str] = "orders"

    id: UUID
    number: str
    channel_id: UUID
    status: str
    payment_status: str
    fulfillment_status: str
    return_status: str
    currency: str
    subtotal_minor: int
    discount_minor: int
    shipping_minor: int
    tax_minor: int
    total_minor: int
    created_at: datetime
    placed_at: datetime
    customer_id: UUID | None = None
    external_reference: str | None = None
    email: str | None = None
    phone: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    line1: str | None = None
    line2: str | None = None
    city: str | None = None
    region: str | None = None
    postal_code: str | None = None
    country: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    locale: str | None = None
    note: str | None = None
    on_hold: bool = False
    deliver_by_earliest: datetime | None = None
    deliver_by_latest: datetime | None = None
    deliver_by_confidence: float | None = None
    promise_model_id: UUID | None = None
    confirmed_at: datetime | None = None
    canceled_at: datetime | None = None
    completed_at: datetime | None = None
    cancel_reason: str | None = None
    unrouted_at: datetime | None = None
    route_again_at: datetime | None = None
    route_attempts: int = 0
    version: int = 1
    event_sequence: int = 0
    lines: tuple[OrderLine, ...] = ()
    holds: tuple[OrderHold, ...] = ()
    adjustments: tuple[OrderAdjustment, ...] = ()
    payments: tuple[Payment, ...] = ()
    fulfillment_orders: tuple[FulfillmentOrder, ...] = ()
    shipments: tuple[Shipment, ...] = ()
    returns: tuple[Return, ...] = ()


@row
class StockLevel:
    """`stock_levels`: what one location has of one variant, by bucket."""

    table: ClassVar[str] = "stock_levels"

    id: UUID
    variant_id: UUID
    location_id: UUID
    available: int = 0
    reserved: int = 0
    allocated: int = 0
    safety_stock: int = 0
    quality_control: int = 0
    damaged: int = 0
    version: int = 0

    @property
    def on_hand(self) -> int:
        """Everything under the roof."""
        return self.available + self.reserved + self.allocated + self.safety_stock + self.quality_control + self.damaged


@row
class ReservationLine:
    """`reservation_lines`: units at one level. `held` is what is still reserved of them: nothing once it has ended."""

    table: ClassVar[str] = "reservation_lines"

    id: UUID
    reservation_id: UUID
    stock_level_id: UUID
    variant_id: UUID
    location_id: UUID
    sku: str
    quantity: int
    held: int


@row
class Reservation:
    """`reservations`: stock held for a cart. `holder` is the subject of whoever reserved."""

    table: ClassVar[str] = "reservations"

    id: UUID
    channel_id: UUID
    holder: str
    reference: str
    status: str
    created_at: datetime
    expires_at: datetime
    customer_id: UUID | None = None
    order_id: UUID | None = None
    ended_at: datetime | None = None
    version: int = 1
    event_sequence: int = 0
    lines: tuple[ReservationLine, ...] = ()


@row
class StockMovement:
    """`stock_movements`: one ledger entry."""

    table: ClassVar[str] = "stock_movements"

    id: UUID
    stock_level_id: UUID
    variant_id: UUID
    location_id: UUID
    kind: str
    quantity: int
    from_bucket: str | None
    from_balance_after: int | None
    to_bucket: str | None
    to_balance_after: int | None
    act_type: str
    act_id: UUID
    line_id: UUID | None
    reason: str | None
    actor_kind: str
    actor_name: str
    occurred_at: datetime
    recorded_at: datetime
    reverses_id: UUID | None = None


@row
class StockShortfall:
    """`stock_shortfalls`: units that were promised and are not there."""

    table: ClassVar[str] = "stock_shortfalls"

    id: UUID
    stock_level_id: UUID
    order_line_id: UUID
    quantity: int
    rerouted_to_id: UUID | None
    act_id: UUID
    occurred_at: datetime


@row
class RoutingDecision:
    """`routing_decisions`: a router's decision on record."""

    table: ClassVar[str] = "routing_decisions"

    id: UUID
    order_id: UUID
    strategy: str
    currency: str
    chosen: list[dict[str, Any]]
    candidates: list[dict[str, Any]]
    unfilled: list[dict[str, Any]]
    decided_at: datetime
    objective: dict[str, int] | None = None
    gap: float | None = None
    ruleset_version: int | None = None
    decided_by_kind: str | None = None
    decided_by: str | None = None


@row
class Customer:
    """`customers`, as an order begins one."""

    table: ClassVar[str] = "customers"

    id: UUID
    kind: str
    display_name: str
    created_at: datetime
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    phone: str | None = None


@row
class CustomerNote:
    """`customer_notes`: what staff want to know of a customer. Only ever added."""

    table: ClassVar[str] = "customer_notes"

    id: UUID
    customer_id: UUID
    body: str
    pinned: bool
    author_kind: str
    author_name: str
    created_at: datetime


@row
class Message:
    """`messages`: one thing that a customer is told by one medium. `reason` says why not, or not yet."""

    table: ClassVar[str] = "messages"

    id: UUID
    kind: str
    medium: str
    status: str
    cause_type: str
    cause_id: UUID
    order_id: UUID
    channel_id: UUID
    created_at: datetime
    customer_id: UUID | None = None
    recipient: str | None = None
    locale: str | None = None
    subject: str | None = None
    reason: str | None = None
    ended_at: datetime | None = None


@row
class CustomerAddress:
    """`customer_addresses`: an entry of a customer's address book."""

    table: ClassVar[str] = "customer_addresses"

    id: UUID
    customer_id: UUID
    is_default: bool
    created_at: datetime
    line1: str | None = None
    line2: str | None = None
    city: str | None = None
    region: str | None = None
    postal_code: str | None = None
    country: str | None = None


@row
class WorkItem:
    """`work_items`: one unit of work for a person or another system. What `ready_at` says ends LEASED and FAILED."""

    table: ClassVar[str] = "work_items"

    id: UUID
    kind: str
    queue: str
    status: str
    priority: int
    max_attempts: int
    ready_at: datetime
    created_at: datetime
    location_id: UUID | None = None
    due_at: datetime | None = None
    required_skills: Sequence[str] = ()
    assigned_to: str | None = None
    subject_type: str | None = None
    subject_id: UUID | None = None
    order_id: UUID | None = None
    customer_id: UUID | None = None
    channel_id: UUID | None = None
    payload: Any = None
    note: str | None = None
    attempts: int = 0
    lease: UUID | None = None
    leased_by: str | None = None
    leased_by_kind: str | None = None
    leased_by_name: str | None = None
    result: Any = None
    failure: str | None = None
    closed_at: datetime | None = None
    version: int = 1
    event_sequence: int = 0


@row
class Trouble:
    """`exceptions`: what somebody should look at. `Exception` in the graph; Python has one of its own."""

    table: ClassVar[str] = "exceptions"

    id: UUID
    kind: str
    severity: str
    subject_type: str
    subject_id: UUID
    detected_at: datetime
    explanation: str
    suggested_actions: tuple[str, ...]
    order_id: UUID | None = None
    customer_id: UUID | None = None
    location_id: UUID | None = None
    channel_id: UUID | None = None
    due_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by_kind: str | None = None
    acknowledged_by: str | None = None
    note: str | None = None
    resolved_at: datetime | None = None
    resolution: str | None = None
    event_sequence: int = 0


@row
class PurchaseOrderLine:
    """`purchase_order_lines`. `canceled` was closed short: it will not come."""

    table: ClassVar[str] = "purchase_order_lines"

    id: UUID
    purchase_order_id: UUID
    position: int
    variant_id: UUID
    sku: str
    name: str
    ordered: int
    currency: str
    unit_cost_minor: int
    received: int = 0
    damaged: int = 0
    canceled: int = 0

    @property
    def outstanding(self) -> int:
        """Units that are still to come."""
        return max(0, self.ordered - self.received - self.damaged - self.canceled)


@row
class PurchaseOrder:
    """`purchase_orders`: supply that is bought."""

    table: ClassVar[str] = "purchase_orders"

    id: UUID
    number: str
    supplier_id: UUID
    location_id: UUID
    status: str
    currency: str
    expected_at: datetime
    created_at: datetime
    reference: str | None = None
    note: str | None = None
    ordered_at: datetime | None = None
    closed_at: datetime | None = None
    version: int = 1
    event_sequence: int = 0
    lines: tuple[PurchaseOrderLine, ...] = ()


@row
class TransferLine:
    """`transfer_lines`: shipped = received + damaged + missing + in transit."""

    table: ClassVar[str] = "transfer_lines"

    id: UUID
    transfer_id: UUID
    position: int
    variant_id: UUID
    sku: str
    name: str
    quantity: int
    shipped: int = 0
    received: int = 0
    damaged: int = 0
    missing: int = 0

    @property
    def in_transit(self) -> int:
        """Units on their way."""
        return self.shipped - self.received - self.damaged - self.missing


@row
class Transfer:
    """`transfers`: supply that is moved."""

    table: ClassVar[str] = "transfers"

    id: UUID
    number: str
    from_location_id: UUID
    to_location_id: UUID
    status: str
    expected_at: datetime
    created_at: datetime
    note: str | None = None
    shipped_at: datetime | None = None
    closed_at: datetime | None = None
    version: int = 1
    event_sequence: int = 0
    lines: tuple[TransferLine, ...] = ()


@row
class GoodsReceipt:
    """`goods_receipts`: one arrival of goods, of a purchase order or of a transfer."""

    table: ClassVar[str] = "goods_receipts"

    id: UUID
    location_id: UUID
    received_at: datetime
    recorded_at: datetime
    actor_kind: str
    actor_name: str
    purchase_order_id: UUID | None = None
    transfer_id: UUID | None = None
    reference: str | None = None


@row
class StockCountLine:
    """`stock_count_lines`. `expected` is of the start, and once it was counted, of the moment of the count."""

    table: ClassVar[str] = "stock_count_lines"

    id: UUID
    stock_count_id: UUID
    position: int
    stock_level_id: UUID
    variant_id: UUID
    sku: str
    name: str
    expected: int
    counted: int | None = None
    counted_at: datetime | None = None
    counted_by_kind: str | None = None
    counted_by: str | None = None


@row
class StockCount:
    """`stock_counts`: somebody counts what a location has."""

    table: ClassVar[str] = "stock_counts"

    id: UUID
    number: str
    location_id: UUID
    status: str
    started_at: datetime
    note: str | None = None
    closed_at: datetime | None = None
    version: int = 1
    event_sequence: int = 0
    lines: tuple[StockCountLine, ...] = ()


@row
class Backorder:
    """`backorders`: units that began to wait for supply, and the policy that allowed it."""

    table: ClassVar[str] = "backorders"

    id: UUID
    order_line_id: UUID
    order_id: UUID
    variant_id: UUID
    quantity: int
    policy: str
    limit_units: int | None
    waiting_after: int
    recorded_at: datetime


@row
class BackorderFill:
    """`backorder_fills`: units that waited, and the decision that gave them supply."""

    table: ClassVar[str] = "backorder_fills"

    id: UUID
    order_line_id: UUID
    order_id: UUID
    variant_id: UUID
    quantity: int
    routing_decision_id: UUID
    recorded_at: datetime


PARTS: dict[type, tuple[str, ...]] = {
    Order: ("lines", "holds", "adjustments", "payments", "fulfillment_orders", "shipments", "returns"),
    FulfillmentOrder: ("lines", "packages"),
    Package: ("lines",),
    Shipment: ("lines", "tracking_events"),
    Return: ("lines",),
    ReturnLine: ("inspections",),
    PurchaseOrder: ("lines",),
    Transfer: ("lines",),
    StockCount: ("lines",),
    Reservation: ("lines",),
}
"""The fields that hold rows of their own."""


@row
class Decided:
    """What a decision comes to: the order as it should be, the stock it moves, what else is put on record."""

    order: Order | None = None
    levels: tuple[StockLevel, ...] = ()
    records: tuple[Any, ...] = ()
    """Rows that are only ever added: movements, routing decisions, a new customer."""
    events: tuple[Any, ...] = ()
