"""Who is asking: a viewer's role, what they may do (scopes) and which rows they may touch (bounds)."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from domain.words import Word


class ViewerKind(Word):
    """What sort of party holds the token."""

    ANONYMOUS = "ANONYMOUS", "Nobody we know: no token, or a channel's publishable one."
    CUSTOMER = "CUSTOMER", "A signed-in customer."
    GUEST = "GUEST", "Somebody who proved one order."
    STAFF = "STAFF", "A person who works for us."
    APP = "APP", "Another system."
    SYSTEM = "SYSTEM", "Ordergraph itself, when a time has come."


class Role(Word):
    """The part a viewer plays; it decides the default scopes and the row bounds."""

    SHOPPER = "SHOPPER", "Holds a channel's publishable token: may see offers and place orders."
    CUSTOMER = "CUSTOMER", "Sees their own orders and nothing else."
    GUEST = "GUEST", "Sees the one order they proved."
    AGENT = "AGENT", "Answers the phone: sees every customer and acts for them."
    STORE = "STORE", "Works at stores: their work, their stock, and any order brought to the counter."
    WAREHOUSE = "WAREHOUSE", "Works at warehouses: their work and their stock."
    OPERATIONS = "OPERATIONS", "Sets up and oversees everything."
    APP = "APP", "Another system; has exactly the scopes that its token lists."


class Scope(StrEnum):
    """One thing a viewer may do. Every mutation asks for exactly one; `history:write` adds to it."""

    ORDERS_PLACE = "orders:place"
    ORDERS_READ = "orders:read"
    ORDERS_WRITE = "orders:write"
    ORDERS_CANCEL = "orders:cancel"
    FULFILLMENT_WRITE = "fulfillment:write"
    TRACKING_WRITE = "tracking:write"
    RETURNS_REQUEST = "returns:request"
    RETURNS_WRITE = "returns:write"
    RETURNS_RECEIVE = "returns:receive"
    PAYMENTS_AUTHORIZE = "payments:authorize"
    PAYMENTS_WRITE = "payments:write"
    PAYMENTS_RECORD = "payments:record"
    STOCK_READ = "stock:read"
    STOCK_WRITE = "stock:write"
    SUPPLY_WRITE = "supply:write"
    MESSAGES_CHOOSE = "messages:choose"
    CUSTOMERS_WRITE = "customers:write"
    CATALOG_WRITE = "catalog:write"
    ROUTING_READ = "routing:read"
    ROUTING_WRITE = "routing:write"
    EVENTS_READ = "events:read"
    WORK_READ = "work:read"
    WORK_WRITE = "work:write"
    WORK_ASSIGN = "work:assign"
    EXCEPTIONS_WRITE = "exceptions:write"
    WEBHOOKS_WRITE = "webhooks:write"
    HISTORY_WRITE = "history:write"


BUYER = frozenset({Scope.ORDERS_CANCEL, Scope.RETURNS_REQUEST, Scope.PAYMENTS_AUTHORIZE})
FLOOR = frozenset(
    {
        Scope.ORDERS_READ,
        Scope.FULFILLMENT_WRITE,
        Scope.TRACKING_WRITE,
        Scope.RETURNS_RECEIVE,
        Scope.STOCK_READ,
        Scope.STOCK_WRITE,
        Scope.WORK_READ,
        Scope.WORK_WRITE,
        Scope.EXCEPTIONS_WRITE,
    }
)

SCOPES: dict[Role, frozenset[Scope]] = {
    Role.SHOPPER: frozenset({Scope.ORDERS_PLACE}),
    Role.CUSTOMER: BUYER | {Scope.ORDERS_PLACE, Scope.MESSAGES_CHOOSE},
    Role.GUEST: BUYER,
    Role.AGENT: BUYER
    | {
        Scope.ORDERS_PLACE,
        Scope.ORDERS_READ,
        Scope.ORDERS_WRITE,
        Scope.RETURNS_WRITE,
        Scope.PAYMENTS_WRITE,
        Scope.CUSTOMERS_WRITE,
        Scope.MESSAGES_CHOOSE,
        Scope.STOCK_READ,
        Scope.ROUTING_READ,
        Scope.WORK_READ,
        Scope.WORK_WRITE,
        Scope.EXCEPTIONS_WRITE,
    },
    Role.STORE: FLOOR | {Scope.RETURNS_REQUEST, Scope.RETURNS_WRITE, Scope.ORDERS_PLACE},
    Role.WAREHOUSE: FLOOR | {Scope.SUPPLY_WRITE},
    Role.OPERATIONS: frozenset(Scope) - {Scope.HISTORY_WRITE},
    Role.APP: frozenset(),
}
"""What each role may do by itself. An app has only what its token lists."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Whoever holds the token: stands behind every read's row scope and every event's actor.

    `subject` identifies the person or app across tokens (idempotency keys are theirs alone);
    `channel_ids` bounds a shopper, `location_ids` a store or a warehouse, `customer_id` a customer,
    `order_id` a guest. Empty bounds on a bounded role mean that nothing is visible.
    """

    kind: ViewerKind
    role: Role | None
    subject: str
    display_name: str
    scopes: frozenset[Scope] = frozenset()
    customer_id: UUID | None = None
    order_id: UUID | None = None
    channel_ids: tuple[UUID, ...] = ()
    location_ids: tuple[UUID, ...] = ()

    def may(self, scope: Scope) -> bool:
        """Whether the viewer holds `scope`."""
        return scope in self.scopes


ANONYMOUS = Viewer(ViewerKind.ANONYMOUS, None, "anonymous", "Anonymous")
"""A caller without a token: sees the schema and itself, nothing more."""

SYSTEM = Viewer(
    ViewerKind.SYSTEM,
    Role.OPERATIONS,
    "system",
    "Ordergraph",
    frozenset({Scope.ORDERS_WRITE, Scope.ORDERS_CANCEL, Scope.PAYMENTS_WRITE}),
)
"""Who acts when nobody does: timers and whoever looks for exceptions."""
