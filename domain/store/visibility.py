"""Row scope: which rows of each table a viewer may see, as SQL conditions with the viewer's bounds as parameters.

The read compiler puts these beside its own conditions on the same scan; the writers put them into the statement
that locks. Only the viewer's *shape* (role and scopes) decides which condition is written; ids are bound per call,
under the names in `VIEWER_PARAMETERS`.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    FromClause,
    Select,
    Table,
    Text,
    Uuid,
    any_,
    bindparam,
    false,
    literal_column,
    or_,
    select,
    true,
)

from domain.store import tables as t
from domain.viewer import Role, Scope, Viewer
from domain.work import OF_CALL_CENTER

Rule = Callable[[Viewer, FromClause], ColumnElement[bool]]

VIEWER_PARAMETERS: dict[str, Callable[[Viewer], Any]] = {
    "viewer_customer_id": lambda viewer: viewer.customer_id,
    "viewer_order_id": lambda viewer: viewer.order_id,
    "viewer_channel_ids": lambda viewer: viewer.channel_ids,
    "viewer_location_ids": lambda viewer: viewer.location_ids,
    "viewer_kind": lambda viewer: viewer.kind.value,
    "viewer_role": lambda viewer: viewer.role.value if viewer.role else None,
    "viewer_scopes": lambda viewer: sorted(viewer.scopes),
    "viewer_subject": lambda viewer: viewer.subject,
}
"""Every bound that a condition may name, and where its value comes from."""

STAFF = frozenset({Role.AGENT, Role.STORE, Role.WAREHOUSE, Role.OPERATIONS, Role.APP})
AT_LOCATIONS = (Role.STORE, Role.WAREHOUSE)
BUYERS = (Role.CUSTOMER, Role.GUEST)

# Roles for whom seeing a row is enough to see what hangs on it.
NOBODY: frozenset[Role] = frozenset()
CUSTOMER_WITH_ORDER = frozenset({Role.CUSTOMER, Role.AGENT, Role.STORE, Role.OPERATIONS, Role.APP})
MONEY_WITH_ORDER = CUSTOMER_WITH_ORDER | {Role.GUEST}

PUBLIC_EVENTS = (
    "ORDER_PLACED",
    "ORDER_CONFIRMED",
    "ORDER_CANCELED",
    "ORDER_LINES_CANCELED",
    "ORDER_COMPLETED",
    "PAYMENT_AUTHORIZED",
    "PAYMENT_DECLINED",
    "PAYMENT_CAPTURED",
    "PAYMENT_REFUNDED",
    "SHIPMENT_CREATED",
    "SHIPMENT_HANDED_OVER",
    "SHIPMENT_TRACKED",
    "SHIPMENT_DELIVERED",
    "RETURN_REQUESTED",
    "RETURN_APPROVED",
    "RETURN_DECLINED",
    "RETURN_RECEIVED",
    "RETURN_CLOSED",
)
"""What a buyer may hear about their own order; holds, routing and stock are the merchant's affair."""


def customer_id() -> ColumnElement[UUID]:
    """The signed-in customer's id, as a parameter."""
    return bindparam("viewer_customer_id", type_=Uuid)


def order_id() -> ColumnElement[UUID]:
    """The order that a guest proved, as a parameter."""
    return bindparam("viewer_order_id", type_=Uuid)


def location_ids() -> ColumnElement[list[UUID]]:
    """The locations that a store's or warehouse's token names, as a parameter."""
    bounds: ColumnElement[Any] = bindparam("viewer_location_ids", type_=ARRAY(Uuid))
    return bounds


def _here(column: ColumnElement[Any]) -> ColumnElement[bool]:
    return column == any_(location_ids())


def sees_everything(viewer: Viewer) -> bool:
    """Whether the viewer's orders and customers are all of them (agents, operations, apps that may read orders)."""
    return viewer.role in (Role.AGENT, Role.OPERATIONS) or (viewer.role is Role.APP and viewer.may(Scope.ORDERS_READ))


def anyone(viewer: Viewer, _row: FromClause) -> ColumnElement[bool]:
    """Rows that everyone with a token may see."""
    return true() if viewer.role else false()


def channels(viewer: Viewer, row: FromClause) -> ColumnElement[bool]:
    """A shopper's token names its channel; everyone else with a token may see them all."""
    if viewer.role is Role.SHOPPER:
        return row.c.id == any_(bindparam("viewer_channel_ids", type_=ARRAY(Uuid)))
    return anyone(viewer, row)


def locations(viewer: Viewer, row: FromClause) -> ColumnElement[bool]:
    """Buyers may know the stores; the rest of the network is the staff's."""
    if viewer.role in (Role.SHOPPER, *BUYERS):
        return row.c.kind == "STORE"
    return anyone(viewer, row)


def workplaces(viewer: Viewer, row: FromClause) -> ColumnElement[bool]:
    """Locations whose work a viewer may watch: the staff's own, or all of them."""
    if viewer.role in AT_LOCATIONS:
        return _here(row.c.id)
    return true() if viewer.may(Scope.EVENTS_READ) or sees_everything(viewer) else false()


def customers(viewer: Viewer, row: FromClause) -> ColumnElement[bool]:
    """A customer sees themselves; a store, whoever bought from it."""
    if sees_everything(viewer):
        return true()
    if viewer.role is Role.CUSTOMER:
        return row.c.id == customer_id()
    if viewer.role is Role.STORE:
        o = t.orders.alias()
        return select(o.c.id).where(o.c.customer_id == row.c.id, orders(viewer, o)).correlate(row).exists()
    return false()


def orders(viewer: Viewer, row: FromClause) -> ColumnElement[bool]:
    """A customer's own; the one a guest proved; those with work or a return at a bound location."""
    if sees_everything(viewer):
        return true()
    if viewer.role is Role.CUSTOMER:
        return row.c.customer_id == customer_id()
    if viewer.role is Role.GUEST:
        return row.c.id == order_id()
    if viewer.role in AT_LOCATIONS:
        here = t.order_locations.alias()
        same = (here.c.placed_at == row.c.placed_at) & (here.c.order_id == row.c.id)
        return select(here.c.order_id).where(_here(here.c.location_id), same).correlate(row).exists()
    return false()


def _here_of(order: FromClause) -> tuple[Select[Any], Select[Any]]:
    """Work on an order, and returns of it, at a bound location."""
    f, r = t.fulfillment_orders.alias(), t.returns.alias()
    return (
        select(f.c.id).where(f.c.order_id == order.c.id, _here(f.c.location_id)).correlate(order),
        select(r.c.id).where(r.c.order_id == order.c.id, _here(r.c.location_id)).correlate(order),
    )


def not_brought_to_a_counter(order: FromClause) -> ColumnElement[bool]:
    """What a search finds without anything in hand, by a name or a SKU, a store sees only where it has to do with it.

    Written alike for every viewer, because a search is: the role is a parameter. It is asked of few orders, one by one:
    for EXISTS, PostgreSQL might read everything that a location ever did.
    """
    role = bindparam("viewer_role", type_=Text)
    here = (each.limit(literal_column("1")).scalar_subquery().is_not(None) for each in _here_of(order))
    return or_(role.is_distinct_from(literal_column(f"'{Role.STORE}'")), *here)


def of_order(viewer: Viewer, row: FromClause) -> ColumnElement[bool]:
    """Whatever belongs to an order is seen by whoever sees the order."""
    if sees_everything(viewer):
        return true()
    if viewer.role is Role.GUEST:
        return row.c.order_id == order_id()
    o = t.orders.alias()
    return select(o.c.id).where(o.c.id == row.c.order_id, orders(viewer, o)).correlate(row).exists()


def drafts_to_place(viewer: Viewer, row: FromClause) -> ColumnElement[bool]:
    """A shopper may place a draft of their channel whose id they hold: an id cannot be guessed."""
    if viewer.role is Role.SHOPPER:
        bounds = any_(bindparam("viewer_channel_ids", type_=ARRAY(Uuid)))
        return (row.c.status == "DRAFT") & (row.c.channel_id == bounds)
    return orders(viewer, row)


def at_counter(viewer: Viewer, row: FromClause) -> ColumnElement[bool]:
    """A store takes back whatever a customer brings to its counter; others act on the orders they see."""
    return true() if viewer.role is Role.STORE else of_order(viewer, row)


def payments(viewer: Viewer, row: FromClause) -> ColumnElement[bool]:
    """Money is not the warehouse's business."""
    return false() if viewer.role is Role.WAREHOUSE else of_order(viewer, row)


def at_location(viewer: Viewer, row: FromClause) -> ColumnElement[bool]:
    """Work of a bound location; whoever sees every order sees all work; buyers see their own order's."""
    if viewer.role in AT_LOCATIONS:
        return _here(row.c.location_id)
    return of_order(viewer, row)


def returns(viewer: Viewer, row: FromClause) -> ColumnElement[bool]:
    """A location sees its own returns, and parcels on their way to nowhere in particular."""
    if viewer.role in AT_LOCATIONS:
        coming = row.c.location_id.is_(None) & row.c.status.in_(("APPROVED", "IN_TRANSIT", "PARTIALLY_RECEIVED"))
        return or_(_here(row.c.location_id), coming)
    return of_order(viewer, row)


def stock(viewer: Viewer, row: FromClause) -> ColumnElement[bool]:
    """Stock wants `stock:read`; locations see their own."""
    if not viewer.may(Scope.STOCK_READ):
        return false()
    return _here(row.c.location_id) if viewer.role in AT_LOCATIONS else true()


def suppliers(viewer: Viewer, _row: FromClause) -> ColumnElement[bool]:
    """From whom we buy is known to whoever sees stock."""
    return true() if viewer.may(Scope.STOCK_READ) else false()


purchase_orders = stock
"""Supply is seen as stock is: it becomes stock at its location."""


def _transfers(*ends: str) -> Rule:
    def visible(viewer: Viewer, row: FromClause) -> ColumnElement[bool]:
        if not viewer.may(Scope.STOCK_READ):
            return false()
        return or_(*(_here(row.c[end]) for end in ends)) if viewer.role in AT_LOCATIONS else true()

    return visible


transfers_from, transfers_to = _transfers("from_location_id"), _transfers("to_location_id")
transfers = _transfers("from_location_id", "to_location_id")
"""A transfer is seen at both of its ends; the sender ships it, the receiver receives it."""


def routing(viewer: Viewer, row: FromClause) -> ColumnElement[bool]:
    """Why an order ships from where it does: `routing:read`."""
    return of_order(viewer, row) if viewer.may(Scope.ROUTING_READ) else false()


def routing_setup(viewer: Viewer, _row: FromClause) -> ColumnElement[bool]:
    """What shipping costs, and by which rules it is decided: `routing:read`."""
    return true() if viewer.may(Scope.ROUTING_READ) else false()


def work_items(viewer: Viewer, row: FromClause) -> ColumnElement[bool]:
    """Work wants `work:read` or `work:write`. Locations see theirs, agents the call centre's, operations and apps all."""
    if not (viewer.may(Scope.WORK_READ) or viewer.may(Scope.WORK_WRITE)):
        return false()
    if viewer.role in AT_LOCATIONS:
        return _here(row.c.location_id)
    if viewer.role is Role.AGENT:
        return row.c.family == literal_column(f"'{OF_CALL_CENTER}'")
    return true() if viewer.role in STAFF else false()


def reservations(viewer: Viewer, row: FromClause) -> ColumnElement[bool]:
    """A customer's own; whoever sees every order sees every cart's; other staff and apps see what they reserved."""
    if sees_everything(viewer):
        return true()
    if viewer.role is Role.CUSTOMER:
        return row.c.customer_id == customer_id()
    if viewer.role in STAFF:
        return row.c.holder == bindparam("viewer_subject", type_=Text)
    return false()


def reservations_in_hand(viewer: Viewer, row: FromClause) -> ColumnElement[bool]:
    """What a viewer may extend, release and buy with: also one of no customer's whose id they hold.

    All shoppers of a channel share a token, and some sign in with a full cart: the id, which cannot be guessed, is theirs.
    """
    nobodys = row.c.customer_id.is_(None)
    if viewer.role is Role.SHOPPER:
        return nobodys & (row.c.channel_id == any_(bindparam("viewer_channel_ids", type_=ARRAY(Uuid))))
    if viewer.role is None or viewer.role is Role.GUEST:
        return false()
    mine = reservations(viewer, row)
    return mine if mine is true() else or_(mine, nobodys)


def for_staff(rule: Rule) -> Rule:
    """A rule that buyers never pass."""
    return lambda viewer, row: rule(viewer, row) if viewer.role in STAFF else false()


def through(parent: Table, column: str, rule: Rule) -> Rule:
    """Whatever belongs to a row of `parent` is seen by whoever sees that row."""

    def visible(viewer: Viewer, row: FromClause) -> ColumnElement[bool]:
        above = parent.alias()
        condition = rule(viewer, above)
        if condition is true() or condition is false():
            return condition
        return select(above.c.id).where(above.c.id == row.c[column], condition).correlate(row).exists()

    return visible


customer_addresses = through(t.customers, "customer_id", customers)
message_opt_outs = through(t.customers, "customer_id", customers)
customer_notes = through(t.customers, "customer_id", for_staff(customers))
packages = through(t.fulfillment_orders, "fulfillment_order_id", at_location)
fulfillment_order_lines = through(t.fulfillment_orders, "fulfillment_order_id", at_location)
package_lines = through(t.packages, "package_id", packages)
of_shipment = through(t.shipments, "shipment_id", at_location)
stock_shortfalls = through(t.stock_levels, "stock_level_id", stock)
return_lines = through(t.returns, "return_id", returns)
return_inspections = through(t.return_lines, "return_line_id", return_lines)
exceptions = for_staff(at_location)
purchase_order_lines = through(t.purchase_orders, "purchase_order_id", purchase_orders)
transfer_lines = through(t.transfers, "transfer_id", transfers)
stock_count_lines = through(t.stock_counts, "stock_count_id", stock)
backorder_fills = of_order
reservation_lines = through(t.reservations, "reservation_id", reservations)


def messages(viewer: Viewer, _row: FromClause) -> ColumnElement[bool]:
    """What was written to customers is for whoever speaks with all of them."""
    return true() if sees_everything(viewer) else false()


def events(viewer: Viewer, row: FromClause) -> ColumnElement[bool]:
    """Those with `events:read` see the whole log; others what happened to orders they may see."""
    if viewer.may(Scope.EVENTS_READ) or sees_everything(viewer):
        return true()
    if viewer.role in AT_LOCATIONS:
        return _here(row.c.location_id)
    if viewer.role in BUYERS:
        mine = row.c.customer_id == customer_id() if viewer.role is Role.CUSTOMER else row.c.order_id == order_id()
        return mine & row.c.type.in_(PUBLIC_EVENTS)
    return false()


def bounds_of_events(viewer: Viewer) -> tuple[dict[str, frozenset[UUID]], frozenset[str] | None]:
    """What news tells of `events`: by column, the ids outside of which the viewer sees nothing, and the types."""
    if viewer.may(Scope.EVENTS_READ) or sees_everything(viewer):
        return {}, None
    if viewer.role in AT_LOCATIONS:
        return {"location_id": frozenset(viewer.location_ids)}, None
    column, id_ = ("customer_id", viewer.customer_id) if viewer.role is Role.CUSTOMER else ("order_id", viewer.order_id)
    return {column: frozenset({id_} if id_ else ())}, frozenset(PUBLIC_EVENTS)


def webhook_endpoints(viewer: Viewer, row: FromClause) -> ColumnElement[bool]:
    """Operations see all of them; another system those that it made: an endpoint has its owner's rights and its secret."""
    if not viewer.may(Scope.WEBHOOKS_WRITE):
        return false()
    if viewer.role is Role.OPERATIONS:
        return true()
    return row.c.owner_subject == bindparam("viewer_subject", type_=Text)


webhook_deliveries = through(t.webhook_endpoints, "endpoint_id", webhook_endpoints)
webhook_attempts = through(t.webhook_deliveries, "delivery_id", webhook_deliveries)
