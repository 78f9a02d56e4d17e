"""Routing and fulfillment: from where an order ships and why, and the work that each location has."""

from datetime import datetime
from enum import Enum
from typing import Annotated, Any

import strawberry
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    ColumnElement,
    Double,
    FromClause,
    Integer,
    Text,
    Uuid,
    any_,
    cast,
    func,
    literal_column,
    null,
    select,
)
from sqlalchemy import column as named
from sqlalchemy.dialects.postgresql import JSONB

from domain.fulfillment import (
    FULFILLMENT_ORDER,
    FulfillmentKind,
    FulfillmentOrderAction,
    FulfillmentOrderStatus,
    ShortReason,
)
from domain.store import tables as t
from domain.store import visibility
from domain.viewer import Role, Scope, Viewer
from resolvers.reading.actions import available_actions
from resolvers.reading.mapping import (
    Condition,
    Elements,
    Row,
    Sort,
    Values,
    by_viewer,
    column,
    inline,
    many,
    one,
    reads,
)
from schema.common import Actor, DateRange, Money, Node, SortDirection, constant, entity, id_of, optional_money, words
from schema.stock import Location

words(FulfillmentKind)
words(FulfillmentOrderStatus)
words(FulfillmentOrderAction)
words(ShortReason)

# -- why it ships from there ---------------------------------------------------------------------------------------


@strawberry.type(description="Units of one SKU.")
class SkuQuantity:
    """An element of a decision's JSON."""

    sku: str = column("sku", "The SKU.")
    quantity: int = column("quantity", "How many units.")


def _term(name: str, description: str) -> Any:
    return optional_money(
        lambda row: cast(row.c.terms[name].astext, BigInteger), lambda row: row.c.currency, description
    )


@strawberry.type(
    description="What was compared, in money as it was weighted; each null where nobody said what carriers charge."
)
class RoutingObjective:
    """The terms of the objective."""

    cost: Money | None = _term("cost", "Packing, handling and carriers.")
    lateness: Money | None = _term("lateness", "Penalty for being late.")
    split: Money | None = _term("split", "Penalty for more parcels.")
    stock: Money | None = _term("stock", "What scarce stock and capacity will be worth elsewhere, and markdowns.")
    surcharge: Money | None = _term("surcharge", "What rules added or took off.")
    total: Money | None = _term("total", "All terms together: no legal plan that was found has less.")


def _elements(name: str, **columns: object) -> Any:
    return lambda row: func.jsonb_to_recordset(getattr(row.c, name)).table_valued(
        *(named(key, type_) for key, type_ in columns.items())  # type: ignore[arg-type]
    )


def _place(choice: Row, place: FromClause) -> ColumnElement[bool]:
    same: ColumnElement[bool] = place.c.id == choice.c.location_id
    return same


def _cost(description: str) -> Any:
    return optional_money(lambda row: row.c.cost_minor, lambda row: row.c.currency, description)


@strawberry.type(description="A location that was chosen, and what it ships.")
class RoutingChoice:
    """One parcel's worth of the decision."""

    location: Location | None = one(_place, "The location that ships.")
    lines: list[SkuQuantity] = reads(
        Elements(_elements("lines", sku=Text(), quantity=Integer())), "What it ships; at most 100."
    )
    distance_km: float | None = column("distance_km", "How far it is to the destination, as the crow flies.")
    cost: Money | None = _cost("What it costs to ship; null where nobody said what carriers charge.")
    carrier: str | None = column("carrier", "The carrier whose rate was the cheapest; null where nobody set one up.")
    service: str | None = column("service", "Its service.")
    ship_by: datetime | None = column("ship_by", "When it should leave.")
    deliver_by: DateRange | None = inline(
        lambda row: Values(earliest=row.c.deliver_from, latest=row.c.deliver_by, confidence=null()),
        "When it should arrive; null where nothing was promised.",
        present=lambda row: row.c.deliver_by,
    )


@strawberry.type(description="A location that was looked at.")
class RoutingCandidate:
    """What the decision says about one location."""

    location: Location | None = one(_place, "The location.")
    feasible: bool = column("feasible", "Whether it could have taken part.")
    rejected_because: str | None = column("rejected_because", "Why it was not chosen; null where it was.")
    rule: str | None = column("rule", "The name of the rule that kept it from shipping, where one did.")
    distance_km: float | None = column("distance_km", "How far it is to the destination, as the crow flies.")
    cost: Money | None = _cost("What shipping all that it has of the order would cost; null where it may ship nothing.")
    capacity_left: int | None = column("capacity_left", "Parcels it could still be given that day; null: no limit.")


@strawberry.type(description="Units that no location could take.")
class RoutingGap:
    """What was left unfilled."""

    sku: str = column("sku", "The SKU.")
    quantity: int = column("quantity", "How many units.")
    reason: str = column("reason", "Why.")
    retry_at: datetime | None = column("retry_at", "When the order is tried again; null where nothing of it waits.")


CHOSEN = _elements(
    "chosen",
    location_id=Uuid(),
    lines=JSONB(),
    distance_km=Double(),
    cost_minor=BigInteger(),
    currency=Text(),
    carrier=Text(),
    service=Text(),
    ship_by=t.orders.c.placed_at.type,
    deliver_from=t.orders.c.placed_at.type,
    deliver_by=t.orders.c.placed_at.type,
)
UNFILLED = _elements("unfilled", sku=Text(), quantity=Integer(), reason=Text(), retry_at=t.orders.c.placed_at.type)
_CANDIDATES = _elements(
    "candidates",
    location_id=Uuid(),
    feasible=Boolean(),
    rejected_because=Text(),
    rule=Text(),
    distance_km=Double(),
    cost_minor=BigInteger(),
    currency=Text(),
    capacity_left=Integer(),
)


def _unfilled(row: Row) -> Any:
    """The gaps of a decision, each with the moment when its order is tried again."""
    order = t.orders.alias()
    gap = func.jsonb_array_elements(row.c.unfilled).table_valued(named("value", JSONB()), joins_implicitly=True)
    waits = func.jsonb_build_object(literal_column("'retry_at'"), order.c.route_again_at)
    found = select(func.coalesce(func.jsonb_agg(gap.c.value.op("||")(waits)), literal_column("'[]'::jsonb")))
    gaps = found.select_from(order, gap).where(order.c.id == row.c.order_id).correlate_except(order, gap)
    return func.jsonb_to_recordset(gaps.scalar_subquery()).table_valued(
        named("sku", Text()),
        named("quantity", Integer()),
        named("reason", Text()),
        named("retry_at", t.orders.c.placed_at.type),
    )


@strawberry.type(description="One decision of the router: kept for ever, with what was weighed.")
@entity(t.routing_decisions, visibility.routing)
class RoutingDecision(Node):
    """Why an order ships from where it does."""

    id: strawberry.ID = id_of("RoutingDecision")
    decided_at: datetime = column("decided_at", "When it was decided.")
    strategy: str = column("strategy", "How it was decided, such as LEAST_COST.")
    ruleset_version: int | None = column(
        "ruleset_version", "The version of the channel's rules that it went by; null: the built-in ones."
    )
    objective: RoutingObjective = inline(
        lambda row: Values(terms=row.c.objective, currency=row.c.currency), "What was weighed in money."
    )
    gap: float | None = column(
        "gap", "How much cheaper another plan may be at most, as a part of the total; null: none is cheaper."
    )
    chosen: list[RoutingChoice] = reads(Elements(CHOSEN), "The locations that ship; at most 100.")
    candidates: list[RoutingCandidate] = reads(Elements(_CANDIDATES, limit=40), "The locations looked at; at most 40.")
    unfilled: list[RoutingGap] = reads(Elements(_unfilled), "Units that no location could take; at most 100.")
    decided_by: Actor | None = inline(
        lambda row: Values(kind=row.c.decided_by_kind, name=row.c.decided_by),
        "Who decided, or did what made it necessary; null where that was not kept.",
        present=lambda row: row.c.decided_by_kind,
    )
    shadow: Annotated["RoutingShadow", strawberry.lazy("schema.simulations")] | None = one(
        lambda decision, shadow: (shadow.c.decision_id == decision.c.id) & shadow.c.strategy.is_not(None),
        "What the rules in shadow would have decided; null where there were none, or they were not asked yet.",
    )


# -- the work ------------------------------------------------------------------------------------------------------


@strawberry.type(description="Units of an order line that a location works on.")
@entity(t.fulfillment_order_lines, visibility.fulfillment_order_lines)
class FulfillmentOrderLine(Node):
    """A line of work."""

    id: strawberry.ID = id_of("FulfillmentOrderLine")
    order_line: Annotated["OrderLine", strawberry.lazy("schema.orders")] = one(
        lambda row, line: line.c.id == row.c.order_line_id, "The order line they belong to."
    )
    sku: str = column("sku", "The SKU.")
    name: str = column("name", "The name at the time of the order.")
    quantity: int = column("quantity", "Units asked for.")
    picked: int = column("picked", "Units taken off the shelf.")
    short: int = column("short", "Units that were not found, or not fit.")
    shipped: int = column("shipped", "Units that have left.")
    canceled: int = column("canceled", "Units called off.")
    bin: str | None = column(lambda _: null().cast(Text), "The shelf to look on; null where none is on record.")


@strawberry.type(description="Stock firmly given to an order line at a location: what was promised is what is shipped.")
@entity(t.fulfillment_order_lines, visibility.fulfillment_order_lines)
class Allocation(Node):
    """The stock side of a line of work."""

    id: strawberry.ID = id_of("Allocation")
    quantity: int = column("held", "Units still held, picked or not; shipped and canceled units are not.")
    location: Location = one(_place, "Where they lie.")
    fulfillment_order: Annotated["FulfillmentOrder", strawberry.lazy("schema.fulfillment")] = one(
        lambda row, ful: ful.c.id == row.c.fulfillment_order_id, "The work they belong to."
    )


FULFILLMENT_SCOPES = dict.fromkeys(
    (
        FulfillmentOrderAction.ACCEPT,
        FulfillmentOrderAction.PICK,
        FulfillmentOrderAction.PACK,
        FulfillmentOrderAction.SHIP,
        FulfillmentOrderAction.REJECT,
        FulfillmentOrderAction.MOVE,
        FulfillmentOrderAction.SPLIT,
        FulfillmentOrderAction.MERGE,
    ),
    Scope.FULFILLMENT_WRITE,
)


def _actions(row: Row, viewer: Viewer) -> ColumnElement[object]:
    return available_actions(FULFILLMENT_ORDER, FULFILLMENT_SCOPES, row, viewer, {})


def _on_hold(row: Row) -> ColumnElement[bool]:
    order = t.orders.alias()
    return select(order.c.on_hold).where(order.c.id == row.c.order_id).correlate_except(order).scalar_subquery()


@strawberry.type(
    description="Work given to one location: it ships whole, and what is shipped apart is split off first."
)
@entity(t.fulfillment_orders, visibility.at_location)
class FulfillmentOrder(Node):
    """A fulfillment order."""

    id: strawberry.ID = id_of("FulfillmentOrder")
    status: FulfillmentOrderStatus = column("status", "How far the location has come.")
    kind: FulfillmentKind = column("kind", "How the goods reach the customer.")
    service: str | None = column("service", "The service to ship with, if one was chosen.")
    priority: int = column("priority", "The higher, the sooner; 0 is usual.")
    due_at: datetime = column("due_at", "When it should have left.")
    on_hold: bool = column(_on_hold, "Whether the order is on hold.")
    created_at: datetime = column("created_at", "When the work was given.")
    accepted_at: datetime | None = column("accepted_at", "When the location took it on.")
    packed_at: datetime | None = column("packed_at", "When the last parcel was packed.")
    shipped_at: datetime | None = column("shipped_at", "When it left.")
    version: int = column("version", "Grows with every change.")
    location: Location = one(_place, "Who does it.")
    order: Annotated["Order", strawberry.lazy("schema.orders")] = one(
        lambda row, order: order.c.id == row.c.order_id, "The order it is for."
    )
    lines: list[FulfillmentOrderLine] = many(
        lambda row, line: line.c.fulfillment_order_id == row.c.id,
        lambda line: [line.c.id],
        "What to ship; at most 100.",
        limit=100,
    )
    packages: list[Annotated["Package", strawberry.lazy("schema.shipments")]] = many(
        lambda row, package: package.c.fulfillment_order_id == row.c.id,
        lambda package: [package.c.id],
        "Its parcels; at most 100.",
        limit=100,
    )
    shipments: list[Annotated["Shipment", strawberry.lazy("schema.shipments")]] = many(
        lambda row, shipment: shipment.c.fulfillment_order_id == row.c.id,
        lambda shipment: [shipment.c.id],
        "What left; at most 20.",
        limit=20,
    )
    available_actions: list[FulfillmentOrderAction] = by_viewer(_actions, "What you may do next; at most 20.")


def _code(row: Row, viewer: Viewer) -> ColumnElement[str]:
    buyer = viewer.role in (Role.CUSTOMER, Role.GUEST)
    return row.c.pickup_code if buyer else null().cast(Text)


@strawberry.type(description="Goods that wait, or will wait, for the customer at a location.")
@entity(t.fulfillment_orders, visibility.at_location)
class Pickup(Node):
    """A fulfillment order as the customer who fetches it sees it."""

    id: strawberry.ID = id_of("Pickup")
    status: FulfillmentOrderStatus = column("status", "How far the location has come.")
    location: Location = one(_place, "Where to fetch it.")
    pickup_code: str | None = by_viewer(_code, "What to show at the counter; the customer's alone.")
    ready_at: datetime | None = column("ready_at", "Since when it waits.")
    collect_before: datetime | None = column("collect_before", "Until when it waits.")


# -- lists of work -------------------------------------------------------------------------------------------------


@strawberry.enum(description="What fulfillment orders can be sorted by.")
class FulfillmentOrderSortKey(Enum):
    """Sort keys; each has its index."""

    DUE_AT = strawberry.enum_value("DUE_AT", description="When they should have left.")


@strawberry.input(description="How to sort fulfillment orders.")
class FulfillmentOrderSort:
    """A sort key and its direction."""

    by: FulfillmentOrderSortKey = strawberry.field(description="The key.")
    direction: SortDirection | None = strawberry.field(default=None, description="Earliest first if left out.")


@strawberry.input(description="Which fulfillment orders; what is given must hold together.")
class FulfillmentOrderFilter:
    """A filter of work."""

    location_id: strawberry.ID | None = strawberry.field(default=None, description="Work of this location.")
    status: list[FulfillmentOrderStatus] | None = strawberry.field(default=None, description="In one of these.")
    kind: FulfillmentKind | None = strawberry.field(default=None, description="Delivery or pickup.")
    order_id: strawberry.ID | None = strawberry.field(default=None, description="Work for this order.")


FULFILLMENT_FILTERS: dict[str, Condition] = {
    "locationId": lambda row, given: row.c.location_id == given.key("Location"),
    "status": lambda row, given: row.c.status == any_(given.bind(ARRAY(Text))),
    "kind": lambda row, given: row.c.kind == constant(given),
    "orderId": lambda row, given: row.c.order_id == given.key("Order"),
}

FULFILLMENT_SORTS: dict[str, tuple[Sort, bool]] = {"DUE_AT": (lambda row: [row.c.due_at, row.c.id], False)}
