"""Supply: what is bought, what is moved between locations, what arrived, what was counted, and who got what they waited for."""

from datetime import datetime
from typing import Annotated, Any

import strawberry
from sqlalchemy import ARRAY, ColumnElement, DateTime, FromClause, Text, any_, case, literal_column, or_, select

from domain.counts import STOCK_COUNT, StockCountAction, StockCountStatus
from domain.purchases import AWAITED, PURCHASE_ORDER, PurchaseOrderAction, PurchaseOrderStatus
from domain.store import tables as t
from domain.store import visibility
from domain.transfers import AWAITED as AWAY
from domain.transfers import TRANSFER, TransferAction, TransferStatus
from domain.viewer import Scope, Viewer
from resolvers.reading.actions import available_actions
from resolvers.reading.arguments import Argument
from resolvers.reading.mapping import (
    Condition,
    Pages,
    Row,
    Sort,
    Subject,
    Values,
    asks,
    by_viewer,
    column,
    inline,
    many,
    one,
    reads,
)
from schema.common import (
    FILTER,
    Actor,
    After,
    Before,
    Connection,
    CurrencyCode,
    First,
    Last,
    Money,
    Node,
    actor,
    entity,
    id_of,
    words,
)
from schema.stock import Location, StockMovement

words(PurchaseOrderStatus)
words(PurchaseOrderAction)
words(TransferStatus)
words(TransferAction)
words(StockCountStatus)
words(StockCountAction)

LINES_LIMIT = 100
RECEIPTS_LIMIT = 100


def _variant(description: str) -> Any:
    return one(lambda line, variant: variant.c.id == line.c.variant_id, description)


# -- what arrived --------------------------------------------------------------------------------------------------


@strawberry.type(description="One arrival of goods: of a purchase order, or of a transfer.")
@entity(t.goods_receipts, visibility.stock)
class GoodsReceipt(Node):
    """A receipt: the act that ledger entries name."""

    id: strawberry.ID = id_of("GoodsReceipt")
    source: Node | None = reads(
        Subject(
            lambda row, _arguments: case(
                (row.c.transfer_id.is_(None), literal_column("'PurchaseOrder'", Text)),
                else_=literal_column("'Transfer'", Text),
            ),
            lambda row, _arguments: case(
                (row.c.transfer_id.is_(None), row.c.purchase_order_id), else_=row.c.transfer_id
            ),
        ),
        "The purchase order or the transfer that it belongs to.",
    )
    location: Location = one(lambda row, place: place.c.id == row.c.location_id, "Where the goods arrived.")
    reference: str | None = column("reference", "The delivery note's number, or what the receiver calls it.")
    movements: list[StockMovement] = many(
        lambda row, move: move.c.act_id == row.c.id,
        lambda move: [move.c.id],
        "What arrived, as the ledger has it; at most 200.",
        limit=200,
    )
    actor: Actor = actor("actor_kind", "actor_name", "Who received them.")
    received_at: datetime = column("received_at", "When they arrived.")
    recorded_at: datetime = column("recorded_at", "When we were told.")


def _receipts(key: str) -> Any:
    return many(
        lambda row, receipt: receipt.c[key] == row.c.id,
        lambda receipt: [receipt.c.id],
        "What has arrived so far, the first first; at most 100.",
        limit=RECEIPTS_LIMIT,
    )


# -- what is bought ------------------------------------------------------------------------------------------------


@strawberry.type(description="Whoever we buy from.")
@entity(t.suppliers, visibility.suppliers)
class Supplier(Node):
    """A supplier."""

    id: strawberry.ID = id_of("Supplier")
    code: str = column("code", "The short name that programs use; unique.")
    name: str = column("name", "The name that people use.")
    email: str | None = column("email", "Where to write to them.")
    phone: str | None = column("phone", "Where to call them.")
    lead_time_days: int | None = column("lead_time_days", "How many days they usually need; null if nobody said.")
    created_at: datetime = column("created_at", "When they were entered.")


@strawberry.type(description="One SKU of a purchase order.")
@entity(t.purchase_order_lines, visibility.purchase_order_lines)
class PurchaseOrderLine(Node):
    """A line: what was ordered, and what came of it."""

    id: strawberry.ID = id_of("PurchaseOrderLine")
    sku: str = column("sku", "The SKU.")
    name: str = column("name", "What it was called when it was ordered.")
    variant: Annotated["Variant", strawberry.lazy("schema.catalog")] = _variant("What is bought.")
    ordered: int = column("ordered", "Units that were ordered.")
    received: int = column("received", "Units that arrived fit for sale; a little more than ordered may.")
    damaged: int = column("damaged", "Units that arrived broken.")
    canceled: int = column("canceled", "Units that will not come: closed short, or called off.")
    outstanding: int = column("outstanding", "Units that are still to come.")
    unit_cost: Money | None = inline(
        lambda line: Values(minor=line.c.unit_cost_minor, currency=line.c.currency),
        "What one unit costs us; null without the scope supply:write.",
        needs=Scope.SUPPLY_WRITE,
    )


PURCHASE_SCOPES = {
    PurchaseOrderAction.ORDER: Scope.SUPPLY_WRITE,
    PurchaseOrderAction.RESCHEDULE: Scope.STOCK_WRITE,
    PurchaseOrderAction.RECEIVE: Scope.STOCK_WRITE,
    PurchaseOrderAction.COMPLETE: Scope.STOCK_WRITE,
    PurchaseOrderAction.CANCEL: Scope.SUPPLY_WRITE,
}


def _purchase_actions(row: Row, viewer: Viewer) -> ColumnElement[object]:
    return available_actions(PURCHASE_ORDER, PURCHASE_SCOPES, row, viewer, {})


@strawberry.type(description="Supply that is bought: what was ordered from a supplier for a location.")
@entity(t.purchase_orders, visibility.purchase_orders)
class PurchaseOrder(Node):
    """A purchase order."""

    id: strawberry.ID = id_of("PurchaseOrder")
    number: str = column("number", "The number that people say; unique.")
    status: PurchaseOrderStatus = column("status", "How far it has come.")
    supplier: Supplier = one(lambda row, supplier: supplier.c.id == row.c.supplier_id, "Whom it is bought from.")
    location: Location = one(lambda row, place: place.c.id == row.c.location_id, "Where it is to arrive.")
    currency: CurrencyCode = column("currency", "The currency of its costs.")
    expected_at: datetime = column("expected_at", "When it is expected; past and not received, it is late.")
    reference: str | None = column("reference", "What the supplier, or another system, calls it.")
    note: str | None = column("note", "A sentence for people.")
    lines: list[PurchaseOrderLine] = many(
        lambda row, line: line.c.purchase_order_id == row.c.id,
        lambda line: [line.c.position],
        "What is bought; at most 100.",
        limit=LINES_LIMIT,
    )
    receipts: list[GoodsReceipt] = _receipts("purchase_order_id")
    created_at: datetime = column("created_at", "When it was written.")
    ordered_at: datetime | None = column("ordered_at", "When the supplier was told; null while it is a draft.")
    closed_at: datetime | None = column("closed_at", "When nothing more was to come; null until then.")
    version: int = column("version", "Grows with every change.")
    available_actions: list[PurchaseOrderAction] = by_viewer(_purchase_actions, "What you may do next; at most 10.")


@strawberry.input(description="Which purchase orders; what is given must hold together.")
class PurchaseOrderFilter:
    """A filter of purchase orders."""

    location_id: strawberry.ID | None = strawberry.field(default=None, description="For this location.")
    supplier_id: strawberry.ID | None = strawberry.field(default=None, description="From this supplier.")
    status: list[PurchaseOrderStatus] | None = strawberry.field(default=None, description="In one of these.")
    sku: str | None = strawberry.field(default=None, description="That have this SKU.")
    expected_before: datetime | None = strawberry.field(default=None, description="Expected before this moment.")
    expected_after: datetime | None = strawberry.field(default=None, description="Expected at this moment or later.")
    awaited: bool | None = strawberry.field(
        default=None,
        description="Of which something is on its way (or of which nothing is); with `expectedBefore`: late.",
    )


def _has_sku(lines: Any, key: str) -> Condition:
    """Whether something is among the lines: asked of few rows, one by one, by the lines' own index."""

    def condition(row: FromClause, given: Argument) -> ColumnElement[bool]:
        line = lines.alias()
        found = select(line.c.id).where(line.c[key] == row.c.id, line.c.sku == given.bind(Text())).correlate(row)
        return found.limit(literal_column("1")).scalar_subquery().is_not(None)

    return condition


def _among(states: tuple[str, ...]) -> Condition:
    listed = [literal_column(f"'{state}'", Text) for state in states]
    return lambda row, given: row.c.status.in_(listed) if given.value else row.c.status.not_in(listed)


EXPECTED: dict[str, Condition] = {
    "status": lambda row, given: row.c.status == any_(given.bind(ARRAY(Text))),
    "expectedBefore": lambda row, given: row.c.expected_at < given.bind(DateTime(timezone=True)),
    "expectedAfter": lambda row, given: row.c.expected_at >= given.bind(DateTime(timezone=True)),
}

PURCHASE_FILTERS: dict[str, Condition] = {
    **EXPECTED,
    "locationId": lambda row, given: row.c.location_id == given.key("Location"),
    "supplierId": lambda row, given: row.c.supplier_id == given.key("Supplier"),
    "sku": _has_sku(t.purchase_order_lines, "purchase_order_id"),
    "awaited": _among(AWAITED),
}

EXPECTED_SORTS: dict[str, tuple[Sort, bool]] = {
    "EXPECTED_AT": (lambda row: [row.c.expected_at, row.c.id], False),
}


# -- what is moved -------------------------------------------------------------------------------------------------


@strawberry.type(description="One SKU of a transfer: shipped = received + damaged + missing + in transit.")
@entity(t.transfer_lines, visibility.transfer_lines)
class TransferLine(Node):
    """A line: what was planned, what left, and what came of it."""

    id: strawberry.ID = id_of("TransferLine")
    sku: str = column("sku", "The SKU.")
    name: str = column("name", "What it was called when the transfer was planned.")
    variant: Annotated["Variant", strawberry.lazy("schema.catalog")] = _variant("What is moved.")
    quantity: int = column("quantity", "Units that were planned.")
    shipped: int = column("shipped", "Units that left the sender; fewer than planned may.")
    received: int = column("received", "Units that arrived fit for sale.")
    damaged: int = column("damaged", "Units that arrived broken.")
    missing: int = column("missing", "Units that left and never arrived.")
    in_transit: int = column("in_transit", "Units on their way.")


TRANSFER_SCOPES = dict.fromkeys(TransferAction, Scope.STOCK_WRITE)


def _transfer_actions(row: Row, viewer: Viewer) -> ColumnElement[object]:
    return available_actions(TRANSFER, TRANSFER_SCOPES, row, viewer, {})


@strawberry.type(description="Supply that is moved from one location of ours to another. Both see it.")
@entity(t.transfers, visibility.transfers)
class Transfer(Node):
    """A transfer."""

    id: strawberry.ID = id_of("Transfer")
    number: str = column("number", "The number that people say; unique.")
    status: TransferStatus = column("status", "How far it has come.")
    from_location: Location = one(lambda row, place: place.c.id == row.c.from_location_id, "The sender.")
    to_location: Location = one(lambda row, place: place.c.id == row.c.to_location_id, "The receiver.")
    expected_at: datetime = column("expected_at", "When it is expected; past and not received, it is late.")
    note: str | None = column("note", "A sentence for people.")
    lines: list[TransferLine] = many(
        lambda row, line: line.c.transfer_id == row.c.id,
        lambda line: [line.c.position],
        "What is moved; at most 100.",
        limit=LINES_LIMIT,
    )
    receipts: list[GoodsReceipt] = _receipts("transfer_id")
    created_at: datetime = column("created_at", "When it was planned.")
    shipped_at: datetime | None = column("shipped_at", "When it left; null until then.")
    closed_at: datetime | None = column("closed_at", "When nothing more was to come; null until then.")
    version: int = column("version", "Grows with every change.")
    available_actions: list[TransferAction] = by_viewer(
        _transfer_actions,
        "What may be done next; at most 10. The sender ships and cancels it, the receiver receives it.",
    )


@strawberry.input(description="Which transfers; what is given must hold together.")
class TransferFilter:
    """A filter of transfers."""

    from_location_id: strawberry.ID | None = strawberry.field(default=None, description="From this location.")
    to_location_id: strawberry.ID | None = strawberry.field(default=None, description="To this location.")
    location_id: strawberry.ID | None = strawberry.field(default=None, description="From or to this location.")
    status: list[TransferStatus] | None = strawberry.field(default=None, description="In one of these.")
    sku: str | None = strawberry.field(default=None, description="That have this SKU.")
    expected_before: datetime | None = strawberry.field(default=None, description="Expected before this moment.")
    expected_after: datetime | None = strawberry.field(default=None, description="Expected at this moment or later.")
    awaited: bool | None = strawberry.field(
        default=None,
        description="Of which something is on its way (or of which nothing is); with `expectedBefore`: late.",
    )


def _at_either_end(row: FromClause, given: Argument) -> ColumnElement[bool]:
    return or_(row.c.from_location_id == given.key("Location"), row.c.to_location_id == given.key("Location"))


TRANSFER_FILTERS: dict[str, Condition] = {
    **EXPECTED,
    "fromLocationId": lambda row, given: row.c.from_location_id == given.key("Location"),
    "toLocationId": lambda row, given: row.c.to_location_id == given.key("Location"),
    "locationId": _at_either_end,
    "sku": _has_sku(t.transfer_lines, "transfer_id"),
    "awaited": _among(AWAY),
}


# -- what is counted -----------------------------------------------------------------------------------------------


@strawberry.type(description="One SKU of a count: what the books had, and what somebody found.")
@entity(t.stock_count_lines, visibility.stock_count_lines)
class StockCountLine(Node):
    """A line of a count."""

    id: strawberry.ID = id_of("StockCountLine")
    sku: str = column("sku", "The SKU.")
    name: str = column("name", "What it was called when the count began.")
    variant: Annotated["Variant", strawberry.lazy("schema.catalog")] = _variant("What is counted.")
    expected: int = column(
        "expected", "What the books had on hand: when the count began, and once it is counted, at that moment."
    )
    counted: int | None = column("counted", "Units that were found; null until somebody counted.")
    variance: int | None = column("variance", "Found less expected; null until somebody counted.")
    counted_at: datetime | None = column("counted_at", "When they were counted.")
    counted_by: Actor | None = inline(
        lambda line: Values(kind=line.c.counted_by_kind, name=line.c.counted_by),
        "Who counted; null until somebody has.",
        present=lambda line: line.c.counted_by,
    )


@strawberry.input(description="Which lines of a count; what is given must hold together.")
class StockCountLineFilter:
    """A filter of a count's lines."""

    counted: bool | None = strawberry.field(default=None, description="That were counted (or still are to be).")
    off: bool | None = strawberry.field(default=None, description="Of which more or fewer were found (or as many).")


COUNT_LINE_FILTERS: dict[str, Condition] = {
    "counted": lambda row, given: row.c.counted.is_not(None) if given.value else row.c.counted.is_(None),
    "off": lambda row, given: row.c.variance != 0 if given.value else row.c.variance == 0,
}

COUNT_SCOPES = dict.fromkeys(StockCountAction, Scope.STOCK_WRITE)


def _count_actions(row: Row, viewer: Viewer) -> ColumnElement[object]:
    return available_actions(STOCK_COUNT, COUNT_SCOPES, row, viewer, {})


@strawberry.type(description="A cycle count: somebody counts what a location has, and the books follow.")
@entity(t.stock_counts, visibility.stock)
class StockCount(Node):
    """A count."""

    id: strawberry.ID = id_of("StockCount")
    number: str = column("number", "The number that people say; unique.")
    status: StockCountStatus = column("status", "How far it has come.")
    location: Location = one(lambda row, place: place.c.id == row.c.location_id, "Where it is counted.")
    note: str | None = column("note", "A sentence for people.")
    started_at: datetime = column("started_at", "When it began.")
    closed_at: datetime | None = column("closed_at", "When it was completed or given up; null while it is open.")
    version: int = column("version", "Grows with every change.")
    available_actions: list[StockCountAction] = by_viewer(_count_actions, "What you may do next; at most 10.")

    @asks(
        Pages(
            lambda row, line, _arguments: line.c.stock_count_id == row.c.id,
            {"POSITION": (lambda line: [line.c.position], False)},
            "POSITION",
            COUNT_LINE_FILTERS,
            visibility.STAFF,
        ),
        "What is counted, by SKU; with `off`, what was found to be otherwise.",
    )
    def lines(
        self,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[StockCountLineFilter | None, FILTER] = None,
    ) -> Connection[StockCountLine]:
        """The count's lines."""


@strawberry.input(description="Which counts; what is given must hold together.")
class StockCountFilter:
    """A filter of counts."""

    location_id: strawberry.ID | None = strawberry.field(default=None, description="At this location.")
    status: list[StockCountStatus] | None = strawberry.field(default=None, description="In one of these.")


COUNT_FILTERS: dict[str, Condition] = {
    "locationId": lambda row, given: row.c.location_id == given.key("Location"),
    "status": lambda row, given: row.c.status == any_(given.bind(ARRAY(Text))),
}

COUNT_SORTS: dict[str, tuple[Sort, bool]] = {"STARTED_AT": (lambda row: [row.c.started_at, row.c.id], True)}


# -- who waited ----------------------------------------------------------------------------------------------------


@strawberry.type(description="Units of an order that waited for supply, and have it now.")
@entity(t.backorder_fills, visibility.backorder_fills)
class BackorderFill(Node):
    """A backorder that was filled."""

    id: strawberry.ID = id_of("BackorderFill")
    order: Annotated["Order", strawberry.lazy("schema.orders")] = one(
        lambda fill, order: order.c.id == fill.c.order_id, "The order that waited."
    )
    order_line: Annotated["OrderLine", strawberry.lazy("schema.orders")] = one(
        lambda fill, line: line.c.id == fill.c.order_line_id, "Its line."
    )
    quantity: int = column("quantity", "Units that wait no longer.")
    filled_at: datetime = column("recorded_at", "When supply was given to them.")
