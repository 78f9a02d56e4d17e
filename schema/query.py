"""Everything that can be asked. Each field is one declaration; the read compiler does the rest."""

from datetime import datetime
from typing import Annotated

import strawberry
from sqlalchemy import ColumnElement, FromClause, Text, select

from domain import ids
from domain.routing.network import RulesetMode
from domain.store import tables as t
from domain.viewer import Role, Scope
from resolvers import options, promises, shadows, simulations
from resolvers.reading.arguments import Arguments
from resolvers.reading.mapping import Computed, Inline, Nodes, One, Pages, Row, Subject, Values, asks, reads
from schema.availability import OFFERS, Availability, DestinationInput
from schema.catalog import Channel, Product, Variant
from schema.common import FILTER, SORT, After, Before, Connection, First, Last, Node
from schema.customers import Customer
from schema.event_lists import EVENT_ORDER, EVENT_SORTS, stamped_after
from schema.events import EVENT_FILTERS, Event, EventFilter
from schema.exceptions import EXCEPTION_FILTERS, EXCEPTION_SORTS, ExceptionFilter, ExceptionSort, Trouble
from schema.fulfillment import (
    FULFILLMENT_FILTERS,
    FULFILLMENT_SORTS,
    FulfillmentOrder,
    FulfillmentOrderFilter,
    FulfillmentOrderSort,
)
from schema.inputs.options import FulfillmentOptionsInput
from schema.inputs.simulations import RoutingSimulationInput
from schema.options import FulfillmentOption
from schema.order_lists import ORDER_FILTERS, ORDER_SORTS, OrderFilter, OrderSort
from schema.orders import Order
from schema.promises import PromiseReport
from schema.reservations import (
    RESERVATION_FILTERS,
    RESERVATION_SORTS,
    Reservation,
    ReservationFilter,
    ReservationSort,
)
from schema.returns import Return
from schema.routing import RATE_SORTS, RULESET_FILTERS, RULESET_SORTS, CarrierRate, RoutingRuleset
from schema.search import customers_found, orders_found
from schema.shipments import Shipment
from schema.simulations import RoutingShadowReport, RoutingSimulation, RoutingSimulationJob
from schema.stock import (
    LEVEL_AS_OF,
    LEVEL_FILTERS,
    LEVEL_SORTS,
    MOVEMENT_FILTERS,
    MOVEMENT_SORTS,
    Location,
    StockLevel,
    StockLevelFilter,
    StockMovement,
    StockMovementFilter,
)
from schema.suggestions import SUGGESTIONS, Days, LeadDays, Most, StockSuggestion
from schema.supply import (
    COUNT_FILTERS,
    COUNT_SORTS,
    EXPECTED_SORTS,
    PURCHASE_FILTERS,
    TRANSFER_FILTERS,
    PurchaseOrder,
    PurchaseOrderFilter,
    StockCount,
    StockCountFilter,
    Supplier,
    Transfer,
    TransferFilter,
)
from schema.viewer import Viewer
from schema.webhooks import (
    DELIVERY_FILTERS,
    DELIVERY_SORTS,
    ENDPOINT_SORTS,
    WebhookDelivery,
    WebhookDeliveryFilter,
    WebhookEndpoint,
)
from schema.work import WORK_FILTERS, WORK_SORTS, WorkItem, WorkItemFilter, WorkItemSort

Id = Annotated[strawberry.ID, strawberry.argument(description="The object's id.")]


def _by_id(typename: str) -> One:
    return One(lambda _row, other, arguments: other.c.id == arguments["id"].key(typename))


def _by_code(argument: str) -> One:
    return One(lambda _row, other, arguments: other.c[argument] == arguments[argument].bind(Text()))


def _of_channel(_row: Row, ruleset: FromClause, arguments: Arguments) -> ColumnElement[bool]:
    channel = t.channels.alias()
    named = select(channel.c.id).where(channel.c.code == arguments["channel"].bind(Text()))
    same: ColumnElement[bool] = ruleset.c.channel_id == named.scalar_subquery()
    return same


NODES_LIMIT = 100


@strawberry.type(
    description="Everything that can be asked. A whole query is one statement, so one consistent snapshot."
)
class Query:
    """The root of reads."""

    viewer: Viewer = reads(Inline(lambda _row: Values()), "Who is asking.")

    @asks(
        Subject(
            lambda _row, arguments: arguments["id"].bind(Text(), lambda id_: ids.split(id_)[0]),
            lambda _row, arguments: arguments["id"].bind(Text(), lambda id_: ids.split(id_)[1]),
        ),
        "Any object by its id; null when there is none that you may see.",
    )
    def node(self, id: Id) -> Node | None:
        """Relay's refetch."""

    @asks(Nodes(NODES_LIMIT), "Objects by their ids, in that order, null where there is none; at most 100.")
    def nodes(
        self, ids: Annotated[list[strawberry.ID], strawberry.argument(description="At most 100 ids.")]
    ) -> list[Node | None]:
        """Relay's plural refetch."""

    @asks(_by_id("Order"), "An order.")
    def order(self, id: Id) -> Order | None:
        """One order."""

    @asks(
        Pages(
            None,
            ORDER_SORTS,
            "PLACED_AT",
            {**ORDER_FILTERS, "query": orders_found},
            opened={"query": frozenset({Role.STORE})},
        ),
        "Orders, the latest first. By `query` a store finds any order whose number, e-mail or phone the customer brings "
        "to the counter; by name, postal code or SKU those that it has to do with.",
    )
    def orders(
        self,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[OrderFilter | None, FILTER] = None,
        sort: Annotated[OrderSort | None, SORT] = None,
        query: Annotated[
            str | None,
            strawberry.argument(
                description="An order number, external reference, tracking number, SKU, postal code, or the "
                "customer's e-mail, phone or name. Names: whole words or their beginnings, accents aside. "
                "At most 100 by each, the newest first; a blank one finds nothing; 200 characters."
            ),
        ] = None,
    ) -> Connection[Order]:
        """Lists of orders."""

    @asks(_by_id("Customer"), "A customer.")
    def customer(self, id: Id) -> Customer | None:
        """One customer."""

    @asks(
        Pages(
            None,
            {"CREATED_AT": (lambda customer: [customer.c.created_at, customer.c.id], True)},
            "CREATED_AT",
            {"query": customers_found},
        ),
        "Customers, the latest first.",
    )
    def customers(
        self,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        query: Annotated[
            str | None,
            strawberry.argument(
                description="An e-mail, phone, name or postal code, or an order's number, external reference or "
                "tracking number. Names: whole words or their beginnings, accents aside. "
                "At most 100 by each; a blank one finds nothing; 200 characters."
            ),
        ] = None,
    ) -> Connection[Customer]:
        """Lists of customers."""

    @asks(_by_code("code"), "A channel by its code.")
    def channel(self, code: Annotated[str, strawberry.argument(description="The channel's code.")]) -> Channel | None:
        """One channel."""

    @asks(Pages(None, {"CODE": (lambda row: [row.c.code], False)}, "CODE"), "Channels, by code.")
    def channels(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Channel]:
        """All channels."""

    @asks(_by_code("code"), "A location by its code.")
    def location(
        self, code: Annotated[str, strawberry.argument(description="The location's code.")]
    ) -> Location | None:
        """One location."""

    @asks(Pages(None, {"CODE": (lambda row: [row.c.code], False)}, "CODE"), "Locations, by code.")
    def locations(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Location]:
        """All locations."""

    @asks(_by_code("sku"), "A variant by its SKU.")
    def variant(self, sku: Annotated[str, strawberry.argument(description="The variant's SKU.")]) -> Variant | None:
        """One variant."""

    @asks(Pages(None, {"SKU": (lambda row: [row.c.sku], False)}, "SKU"), "Variants, by SKU.")
    def variants(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Variant]:
        """All variants."""

    @asks(_by_code("code"), "A product by its code.")
    def product(self, code: Annotated[str, strawberry.argument(description="The product's code.")]) -> Product | None:
        """One product."""

    @asks(Pages(None, {"CODE": (lambda row: [row.c.code], False)}, "CODE"), "Products, by code.")
    def products(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Product]:
        """All products."""

    @asks(Pages(None, MOVEMENT_SORTS, "RECORDED_AT", MOVEMENT_FILTERS), "The stock ledger, the latest entries first.")
    def stock_movements(
        self,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[StockMovementFilter | None, FILTER] = None,
    ) -> Connection[StockMovement]:
        """The ledger."""

    @asks(_by_id("Reservation"), "A reservation.")
    def reservation(self, id: Id) -> Reservation | None:
        """One reservation."""

    @asks(Pages(None, RESERVATION_SORTS, "CREATED_AT", RESERVATION_FILTERS), "Stock held for carts, the latest first.")
    def reservations(
        self,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[ReservationFilter | None, FILTER] = None,
        sort: Annotated[ReservationSort | None, SORT] = None,
    ) -> Connection[Reservation]:
        """Lists of reservations."""

    @asks(
        OFFERS,
        "What a channel can promise of SKUs: now, by when, and from when on there is more; in the order asked, without "
        "SKUs that there are not; at most 50. NOT_FOUND where you see no such channel.",
    )
    def availability(
        self,
        skus: Annotated[list[str], strawberry.argument(description="The SKUs: 0 to 50.")],
        channel: Annotated[str, strawberry.argument(description="The channel's code.")],
        destination: Annotated[
            DestinationInput | None,
            strawberry.argument(description="Where it is to go; without it, distances and delivery are vaguer."),
        ] = None,
    ) -> list[Availability]:
        """Availability to promise."""

    @asks(
        Pages(None, LEVEL_SORTS, "ID", LEVEL_FILTERS, reread={"asOf": LEVEL_AS_OF}),
        "Stock levels: what each location has of each variant, now or at any moment before.",
    )
    def stock_levels(
        self,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[StockLevelFilter | None, FILTER] = None,
        as_of: Annotated[
            datetime | None,
            strawberry.argument(
                description="Read buckets, onHand and version as the ledger had recorded them by this moment; a level "
                "of which nothing was recorded yet is empty."
            ),
        ] = None,
    ) -> Connection[StockLevel]:
        """Stock everywhere."""

    @asks(_by_code("code"), "A supplier by its code.")
    def supplier(
        self, code: Annotated[str, strawberry.argument(description="The supplier's code.")]
    ) -> Supplier | None:
        """One supplier."""

    @asks(Pages(None, {"CODE": (lambda row: [row.c.code], False)}, "CODE"), "Suppliers, by code.")
    def suppliers(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Supplier]:
        """All suppliers."""

    @asks(_by_id("PurchaseOrder"), "A purchase order.")
    def purchase_order(self, id: Id) -> PurchaseOrder | None:
        """One purchase order."""

    @asks(
        Pages(None, EXPECTED_SORTS, "EXPECTED_AT", PURCHASE_FILTERS),
        "Purchase orders, the first expected first; a store or warehouse sees its own.",
    )
    def purchase_orders(
        self,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[PurchaseOrderFilter | None, FILTER] = None,
    ) -> Connection[PurchaseOrder]:
        """Lists of purchase orders."""

    @asks(_by_id("Transfer"), "A transfer.")
    def transfer(self, id: Id) -> Transfer | None:
        """One transfer."""

    @asks(
        Pages(None, EXPECTED_SORTS, "EXPECTED_AT", TRANSFER_FILTERS),
        "Transfers, the first expected first; a store or warehouse sees those that it sends or receives.",
    )
    def transfers(
        self,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[TransferFilter | None, FILTER] = None,
    ) -> Connection[Transfer]:
        """Lists of transfers."""

    @asks(_by_id("StockCount"), "A count.")
    def stock_count(self, id: Id) -> StockCount | None:
        """One count."""

    @asks(
        Pages(None, COUNT_SORTS, "STARTED_AT", COUNT_FILTERS),
        "Cycle counts, the latest first; a store or warehouse sees its own.",
    )
    def stock_counts(
        self,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[StockCountFilter | None, FILTER] = None,
    ) -> Connection[StockCount]:
        """Lists of counts."""

    @asks(
        SUGGESTIONS,
        "What a location should order, or be sent by another, before it runs out: the most urgent first; at most 100.",
    )
    def stock_suggestions(
        self,
        location_id: Annotated[strawberry.ID, strawberry.argument(description="The location.")],
        cover_days: Days = 30,
        lead_time_days: LeadDays = 7,
        first: Most = 50,
    ) -> list[StockSuggestion]:
        """Suggestions."""

    @asks(_by_id("FulfillmentOrder"), "A fulfillment order.")
    def fulfillment_order(self, id: Id) -> FulfillmentOrder | None:
        """One fulfillment order."""

    @asks(Pages(None, FULFILLMENT_SORTS, "DUE_AT", FULFILLMENT_FILTERS), "Work, the most urgent first.")
    def fulfillment_orders(
        self,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[FulfillmentOrderFilter | None, FILTER] = None,
        sort: Annotated[FulfillmentOrderSort | None, SORT] = None,
    ) -> Connection[FulfillmentOrder]:
        """Lists of work."""

    @asks(_by_id("Shipment"), "A shipment.")
    def shipment(self, id: Id) -> Shipment | None:
        """One shipment."""

    @asks(_by_id("Return"), "A return.", name="return")
    def return_(self, id: Id) -> Return | None:
        """One return."""

    @asks(
        Pages(stamped_after, EVENT_SORTS, EVENT_ORDER, EVENT_FILTERS),
        "The log, from the beginning; resume with `after`.",
    )
    def events(
        self,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[EventFilter | None, FILTER] = None,
    ) -> Connection[Event]:
        """The log."""

    @asks(_by_id("WorkItem"), "A work item.")
    def work_item(self, id: Id) -> WorkItem | None:
        """One work item."""

    @asks(
        Pages(None, WORK_SORTS, "URGENCY", WORK_FILTERS),
        "Work for people and other systems, the most urgent first, then what is dead, then what is done.",
    )
    def work_items(
        self,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[WorkItemFilter | None, FILTER] = None,
        sort: Annotated[WorkItemSort | None, SORT] = None,
    ) -> Connection[WorkItem]:
        """Lists of work items."""

    @asks(_by_id("Exception"), "An exception.")
    def exception(self, id: Id) -> Trouble | None:
        """One exception."""

    @asks(
        Pages(None, EXCEPTION_SORTS, "DETECTED_AT", EXCEPTION_FILTERS),
        "What somebody should look at, or should have, the latest first; staff only.",
    )
    def exceptions(
        self,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[ExceptionFilter | None, FILTER] = None,
        sort: Annotated[ExceptionSort | None, SORT] = None,
    ) -> Connection[Trouble]:
        """Lists of exceptions."""

    @asks(_by_id("WebhookEndpoint"), "A system that is told what happens.")
    def webhook_endpoint(self, id: Id) -> WebhookEndpoint | None:
        """One endpoint."""

    @asks(
        Pages(lambda _row, endpoint, _arguments: endpoint.c.status != "DELETED", ENDPOINT_SORTS, "ID"),
        "The systems that are told what happens, the oldest first.",
    )
    def webhook_endpoints(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[WebhookEndpoint]:
        """All endpoints."""

    @asks(
        Pages(
            lambda _row, delivery, arguments: delivery.c.endpoint_id == arguments["endpointId"].key("WebhookEndpoint"),
            DELIVERY_SORTS,
            "ID",
            DELIVERY_FILTERS,
        ),
        "What was and is to be sent to an endpoint, the latest events first.",
    )
    def webhook_deliveries(
        self,
        endpoint_id: Annotated[strawberry.ID, strawberry.argument(description="The endpoint.")],
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[WebhookDeliveryFilter | None, FILTER] = None,
    ) -> Connection[WebhookDelivery]:
        """The delivery log."""

    @asks(_by_id("RoutingRuleset"), "One version of a channel's routing rules.")
    def routing_ruleset(self, id: Id) -> RoutingRuleset | None:
        """One ruleset."""

    @asks(
        Pages(_of_channel, RULESET_SORTS, "VERSION", RULESET_FILTERS),
        "A channel's routing rules, the latest version first.",
    )
    def routing_rulesets(
        self,
        channel: Annotated[str, strawberry.argument(description="The channel's code.")],
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        mode: Annotated[RulesetMode | None, strawberry.argument(description="In this mode alone.")] = None,
    ) -> Connection[RoutingRuleset]:
        """A channel's rulesets."""

    @asks(
        Pages(None, RATE_SORTS, "TABLE", {"carrier": lambda row, given: row.c.carrier == given.bind(Text())}),
        "What carriers charge, by currency, carrier and place in its table.",
    )
    def carrier_rates(
        self,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        carrier: Annotated[str | None, strawberry.argument(description="Of this carrier alone.")] = None,
    ) -> Connection[CarrierRate]:
        """All rates."""

    @asks(
        Computed(simulations.simulate, Scope.ROUTING_READ, cost=10_000),
        "What other rules would have made of past orders, on the stock of today; nothing is changed. Of at most 5,000 "
        "orders: `routingSimulationStart` takes more. Needs routing:read.",
    )
    def routing_simulation(
        self,
        input: Annotated[RoutingSimulationInput, strawberry.argument(description="The orders, and the rules to try.")],
    ) -> RoutingSimulation | None:
        """What if."""

    @asks(_by_id("RoutingSimulationJob"), "A simulation that is too large to be waited for.")
    def routing_simulation_job(self, id: Id) -> RoutingSimulationJob | None:
        """One such simulation."""

    @asks(
        Computed(shadows.report, Scope.ROUTING_READ, cost=100),
        "What rules in shadow would have saved in a channel, over the decisions of a time. Needs routing:read.",
    )
    def routing_shadow_report(
        self,
        channel: Annotated[str, strawberry.argument(description="The channel's code.")],
        from_: Annotated[datetime, strawberry.argument(name="from", description="The first moment.")],
        to: Annotated[datetime, strawberry.argument(description="The moment before which it was decided.")],
    ) -> RoutingShadowReport | None:
        """The shadow's report."""

    @asks(
        Computed(promises.report, Scope.ROUTING_READ, cost=100),
        "How the delivery promises of a time were kept. Needs routing:read.",
    )
    def promise_report(
        self,
        channel: Annotated[str, strawberry.argument(description="The channel's code.")],
        from_: Annotated[datetime, strawberry.argument(name="from", description="The orders' first moment.")],
        to: Annotated[datetime, strawberry.argument(description="The moment before which they were placed.")],
    ) -> PromiseReport | None:
        """The promises' report."""

    @asks(
        Computed(options.offer, Scope.ORDERS_PLACE, cost=200, is_list=True),
        "How an order can reach its buyer, each way with its price and its promise, as signed quotes: the fastest, the "
        "cheapest, the one in the fewest parcels, and stores where it can be fetched, the nearest first; at most 8. Empty "
        "where units would have to wait for supply. Needs orders:place.",
    )
    def fulfillment_options(
        self,
        input: Annotated[FulfillmentOptionsInput, strawberry.argument(description="The cart, and where it goes.")],
    ) -> list[FulfillmentOption] | None:
        """Quotes."""
