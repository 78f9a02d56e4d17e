"""Every question that the root of the schema can be asked, taken from the schema itself.

Each root field is asked alone, each list page by page and by every filter there is, for values that are frequent and
values that are rare, by every role whose row scope differs. What the schema gains and nobody gave a value for is a
`LookupError`: nothing is forgotten.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import orjson
from graphql import (
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_required_argument,
)

from domain.ids import PREFIXES
from domain.viewer import SCOPES, Role, Viewer, ViewerKind
from resolvers.database import Connection
from resolvers.reading.mapping import Computed, entity_of, reads_of

Values = dict[str, Any]
"""Values of one database by the name under which `VALUES` or `MIDDLES` gives them."""

PAGING = frozenset({"first", "after", "last", "before"})
DEEP = 3
"""How many objects deep a question reads that asks for whole objects."""


@dataclass(frozen=True, slots=True)
class Question:
    """A document, the names of the values that it is asked with, and who asks."""

    name: str
    text: str
    values: tuple[tuple[str, str], ...] = ()
    role: str = "operations"
    is_count: bool = False
    """Counting reads what it counts: it must use no sequential scan either, but takes as long as there is to count."""

    def variables(self, values: Values) -> dict[str, Any]:
        """The variables in one database."""
        return {variable: values[name] for variable, name in self.values}


NOWHERE = "00000000-0000-7000-8000-000000000000"

# -- values ----------------------------------------------------------------------------------------------------------

IDS = {
    "order": "select 'ord_' || id from orders where number = (100000 + (select count(*) from orders) / 2)::text",
    "customer with 500 orders": "select 'cus_' || id from customers order by created_at, id limit 1",
    "usual customer": "select 'cus_' || id from customers order by created_at, id limit 1 offset 1000",
    "busy store": "select 'loc_' || id from locations where code = 'ST11'",
    "quiet store": "select 'loc_' || id from locations where code = 'ST50'",
    "warehouse": "select 'loc_' || id from locations where code = 'DC01'",
    "fulfillment order": """
        select 'ful_' || f.id from fulfillment_orders f join orders o on o.id = f.order_id
        where o.number = (100000 + (select count(*) from orders) / 2)::text
    """,
    "shipment": "select 'shp_' || id from shipments order by id limit 1 offset 1000",
    "return": "select 'ret_' || id from returns order by id limit 1 offset 100",
    "work item": "select 'wrk_' || id from work_items order by id limit 1 offset 100",
    "queue": "select 'location:DC01'",
    "busy queue": "select 'call-center'",
    "reservation": "select 'rsv_' || id from reservations order by id limit 1 offset 1000",
    "cart": "select reference from reservations order by id limit 1 offset 1000",
    "exception": "select 'exc_' || id from exceptions order by id limit 1 offset 1000",
    "stock level": "select 'stk_' || id from stock_levels order by id limit 1 offset 1000",
    "supplier": "select 'SUP-1'",
    "some supplier": f"select 'spl_' || coalesce((select id from suppliers order by id limit 1), '{NOWHERE}')",
    "purchase order": f"select 'pur_' || coalesce((select id from purchase_orders order by id limit 1), '{NOWHERE}')",
    "transfer": f"select 'trf_' || coalesce((select id from transfers order by id limit 1), '{NOWHERE}')",
    "stock count": f"select 'cnt_' || coalesce((select id from stock_counts order by id limit 1), '{NOWHERE}')",
    "unknown order": f"select 'ord_{NOWHERE}'",
    "channel": "select 'web'",
    "rare channel": "select 'fair'",
    "location": "select 'ST11'",
    "sku": "select 'SKU-000104'",
    "50 SKUs": "select array_agg(sku) from (select sku from variants order by sku limit 50) v",
    "product": "select 'P000104'",
    "simulation": "select 'sim_' || coalesce((select id from routing_simulations limit 1), gen_random_uuid())",
    "ruleset": "select 'rls_' || id from routing_rulesets order by id limit 1",
    "webhook endpoint": "select 'whe_' || id from webhook_endpoints order by id limit 1",
    "quiet webhook endpoint": "select 'whe_' || id from webhook_endpoints order by id desc limit 1",
    "event": "select 'evt_' || event_id from webhook_deliveries order by id limit 1 offset 1000",
    "number": "select number from orders order by id limit 1 offset 1000",
    "reference": "select external_reference from orders where external_reference is not null order by id limit 1",
    "e-mail of 500 orders": "select upper(email) from customers order by created_at, id limit 1",
    "e-mail": "select email from customers order by created_at, id limit 1 offset 1000",
    "phone": "select phone from customers order by created_at, id limit 1 offset 1000",
    "tracking number": "select tracking_number from packages order by id limit 1 offset 1000",
    "name": "select display_name from customers order by created_at, id limit 1 offset 1000",
    "postal code": "select postal_code from customer_addresses order by id limit 1 offset 1000",
    "nothing": "select 'no such thing'",
    "frequent label": "select 'gift'",
    "rare label": "select 'press'",
    "a moment near the beginning": "select timestamptz '2023-01-15 00:00Z'",
    "a moment in the middle": "select timestamptz '2024-07-01 00:00Z'",
    "a moment near the end": "select timestamptz '2025-12-20 00:00Z'",
}
"""What is looked up in a database, by name."""

CONSTANTS: Values = {
    "COMPLETED": ["COMPLETED"],
    "EXPIRED": ["EXPIRED"],
    "open": ["PENDING", "CONFIRMED", "IN_FULFILLMENT"],
    "every status": ["DRAFT", "PENDING", "CONFIRMED", "IN_FULFILLMENT", "COMPLETED", "CANCELED", "EXPIRED"],
    "SHIPPED": ["SHIPPED"],
    "OPEN": ["OPEN"],
    "work to do": ["OPEN", "ACCEPTED", "PICKING", "PACKED"],
    "REJECTED": ["REJECTED"],
    "a destination": {"country": "BR", "postalCode": "01304-001", "latitude": -23.55, "longitude": -46.65},
    "30 days": 30,
    "true": True,
    "false": False,
    "LIVE": "LIVE",
    "correios": "correios",
    "DELIVERY": "DELIVERY",
    "PICKUP": "PICKUP",
    "STOCK_MOVED": ["STOCK_MOVED"],
    "RETURN_DECLINED": ["RETURN_DECLINED"],
    "ORDER_HELD": ["ORDER_HELD"],
    "no such event": ["ORDER_HOLD_RELEASED"],
    "all of returns": ["RETURN_REQUESTED", "RETURN_APPROVED", "RETURN_RECEIVED", "RETURN_CLOSED"],
    "READY": ["READY"],
    "DONE": ["DONE"],
    "at work": ["LEASED", "FAILED"],
    "every status of work": ["READY", "LEASED", "DONE", "FAILED", "DEAD"],
    "COUNT_SHELF": "COUNT_SHELF",
    "RECALL": "RECALL",
    "another skill": ["dutch"],
    "forklift": ["forklift"],
    "DELIVERED": ["DELIVERED"],
    "DEAD": ["DEAD"],
    "not delivered": ["PENDING", "DEAD", "CANCELED"],
    "ACTIVE": ["ACTIVE"],
    "RELEASED": ["RELEASED"],
    "ended": ["CONSUMED", "RELEASED", "EXPIRED"],
    "ALLOCATE": "ALLOCATE",
    "ADJUST": "ADJUST",
    "TRANSFER_IN": "TRANSFER_IN",
    "LATE_PICK": ["LATE_PICK"],
    "LATE_PICK and PROMISE_AT_RISK": ["LATE_PICK", "PROMISE_AT_RISK"],
    "UNFILLABLE_ORDER": ["UNFILLABLE_ORDER"],
    "ORDERED": ["ORDERED"],
    "RECEIVED": ["RECEIVED"],
    "IN_TRANSIT": ["IN_TRANSIT"],
    "MEDIUM": ["MEDIUM"],
    "CRITICAL": ["CRITICAL"],
}

MOMENTS = ("a moment near the beginning", "a moment in the middle", "a moment near the end")

VALUES: dict[str, tuple[str, ...]] = {
    "order.id": ("order", "unknown order"),
    "orders.query": (
        "number",
        "reference",
        "e-mail",
        "e-mail of 500 orders",
        "phone",
        "tracking number",
        "name",
        "postal code",
        "sku",
        "nothing",
    ),
    "customers.query": ("number", "e-mail", "phone", "tracking number", "name", "postal code", "nothing"),
    "customer.id": ("customer with 500 orders", "usual customer"),
    "channel.code": ("channel",),
    "location.code": ("location",),
    "variant.sku": ("sku",),
    "product.code": ("product",),
    "fulfillmentOrder.id": ("fulfillment order",),
    "shipment.id": ("shipment",),
    "return.id": ("return",),
    "workItem.id": ("work item",),
    "WorkItemFilter.queue": ("queue", "busy queue", "nothing"),
    "WorkItemFilter.kind": ("COUNT_SHELF", "RECALL"),
    "WorkItemFilter.status": ("READY", "DONE", "DEAD", "at work", "every status of work"),
    "WorkItemFilter.locationId": ("busy store", "quiet store", "warehouse"),
    "WorkItemFilter.skills": ("another skill", "forklift"),
    "WorkItemFilter.subjectId": ("order", "unknown order"),
    "WorkItemFilter.dueBefore": MOMENTS,
    "reservation.id": ("reservation",),
    "ReservationFilter.status": ("ACTIVE", "RELEASED", "ended"),
    "ReservationFilter.reference": ("cart", "nothing"),
    "ReservationFilter.sku": ("sku", "nothing"),
    "ReservationFilter.customerId": ("customer with 500 orders", "usual customer"),
    "ReservationFilter.orderId": ("order", "unknown order"),
    "exception.id": ("exception",),
    "ExceptionFilter.open": ("true", "false"),
    "ExceptionFilter.kind": ("LATE_PICK", "LATE_PICK and PROMISE_AT_RISK", "UNFILLABLE_ORDER"),
    "ExceptionFilter.severity": ("MEDIUM", "CRITICAL"),
    "ExceptionFilter.locationId": ("busy store", "quiet store", "warehouse"),
    "ExceptionFilter.channel": ("channel", "rare channel"),
    "ExceptionFilter.orderId": ("order",),
    "ExceptionFilter.customerId": ("customer with 500 orders", "usual customer"),
    "webhookEndpoint.id": ("webhook endpoint",),
    "routingRuleset.id": ("ruleset",),
    "routingSimulationJob.id": ("simulation",),
    "routingRulesets.channel": ("channel", "rare channel"),
    "routingRulesets.mode": ("LIVE",),
    "carrierRates.carrier": ("correios",),
    "webhookDeliveries.endpointId": ("webhook endpoint", "quiet webhook endpoint"),
    "WebhookDeliveryFilter.status": ("DELIVERED", "DEAD", "not delivered"),
    "WebhookDeliveryFilter.eventId": ("event",),
    "OrderFilter.channel": ("channel", "rare channel"),
    "OrderFilter.status": ("COMPLETED", "EXPIRED", "open", "every status"),
    "OrderFilter.onHold": ("true", "false"),
    "OrderFilter.unrouted": ("true", "false"),
    "OrderFilter.placedFrom": MOMENTS,
    "OrderFilter.placedTo": MOMENTS,
    "OrderFilter.tag": ("frequent label", "rare label", "nothing"),
    "FulfillmentOrderFilter.locationId": ("busy store", "quiet store", "warehouse"),
    "FulfillmentOrderFilter.status": ("SHIPPED", "OPEN", "work to do", "REJECTED"),
    "FulfillmentOrderFilter.kind": ("DELIVERY", "PICKUP"),
    "FulfillmentOrderFilter.orderId": ("order",),
    "availability.skus": ("50 SKUs",),
    "availability.channel": ("channel",),
    "availability.destination": ("a destination",),
    "stockSuggestions.locationId": ("busy store", "warehouse"),
    "stockSuggestions.coverDays": ("30 days",),
    "stockSuggestions.leadTimeDays": ("30 days",),
    "stockSuggestions.first": ("30 days",),
    "stockLevels.asOf": MOMENTS,
    "StockLevelFilter.sku": ("sku", "nothing"),
    "StockLevelFilter.locationId": ("busy store", "quiet store", "warehouse"),
    "StockMovementFilter.sku": ("sku", "nothing"),
    "StockMovementFilter.locationId": ("busy store", "quiet store", "warehouse"),
    "StockMovementFilter.kind": ("ALLOCATE", "ADJUST", "TRANSFER_IN"),
    "supplier.code": ("supplier",),
    "purchaseOrder.id": ("purchase order",),
    "PurchaseOrderFilter.locationId": ("busy store", "warehouse"),
    "PurchaseOrderFilter.supplierId": ("some supplier",),
    "PurchaseOrderFilter.status": ("ORDERED", "RECEIVED"),
    "PurchaseOrderFilter.sku": ("sku", "nothing"),
    "PurchaseOrderFilter.expectedBefore": MOMENTS,
    "PurchaseOrderFilter.expectedAfter": MOMENTS,
    "PurchaseOrderFilter.awaited": ("true", "false"),
    "transfer.id": ("transfer",),
    "TransferFilter.fromLocationId": ("warehouse", "busy store"),
    "TransferFilter.toLocationId": ("warehouse", "busy store"),
    "TransferFilter.locationId": ("warehouse", "busy store"),
    "TransferFilter.status": ("IN_TRANSIT", "RECEIVED"),
    "TransferFilter.sku": ("sku", "nothing"),
    "TransferFilter.expectedBefore": MOMENTS,
    "TransferFilter.expectedAfter": MOMENTS,
    "TransferFilter.awaited": ("true", "false"),
    "stockCount.id": ("stock count",),
    "StockCountFilter.locationId": ("busy store", "warehouse"),
    "StockCountFilter.status": ("OPEN", "COMPLETED"),
    "EventFilter.types": ("STOCK_MOVED", "RETURN_DECLINED", "no such event", "all of returns"),
    "EventFilter.subjectId": ("order", "stock level"),
    "EventFilter.orderId": ("order",),
    "EventFilter.customerId": ("customer with 500 orders", "usual customer"),
    "EventFilter.locationId": ("busy store", "quiet store", "warehouse"),
    "EventFilter.channel": ("channel", "rare channel"),
    "EventFilter.occurredFrom": MOMENTS,
    "EventFilter.occurredTo": MOMENTS,
}
"""The names of the values that each argument of a root field, and each field of a filter, is asked with."""

TOGETHER: dict[str, tuple[dict[str, str], ...]] = {
    "OrderFilter": (
        {"channel": "channel", "status": "open"},
        {"channel": "rare channel", "status": "COMPLETED"},
        {"channel": "channel", "placedFrom": MOMENTS[0], "placedTo": MOMENTS[1]},
        {"status": "open", "placedFrom": MOMENTS[2]},
        {"status": "EXPIRED", "placedFrom": MOMENTS[0], "placedTo": MOMENTS[1]},
        {"channel": "channel", "onHold": "true"},
        {"channel": "channel", "unrouted": "true"},
        {"status": "open", "onHold": "false"},
        {"status": "COMPLETED", "tag": "rare label"},
        {"status": "COMPLETED", "tag": "frequent label"},
    ),
    "FulfillmentOrderFilter": (
        {"locationId": "busy store", "status": "work to do"},
        {"locationId": "warehouse", "status": "SHIPPED"},
        {"locationId": "busy store", "kind": "PICKUP"},
        {"status": "work to do", "kind": "PICKUP"},
    ),
    "ExceptionFilter": (
        {"open": "true", "kind": "LATE_PICK"},
        {"open": "true", "severity": "CRITICAL"},
        {"open": "true", "locationId": "busy store"},
        {"open": "true", "channel": "rare channel"},
        {"open": "true", "kind": "LATE_PICK", "locationId": "warehouse"},
    ),
    "StockLevelFilter": ({"sku": "sku", "locationId": "warehouse"},),
    "StockMovementFilter": (
        {"sku": "sku", "locationId": "warehouse"},
        {"sku": "sku", "kind": "ALLOCATE"},
        {"locationId": "busy store", "kind": "ADJUST"},
    ),
    "WorkItemFilter": (
        {"queue": "queue", "status": "READY"},
        {"queue": "busy queue", "status": "at work"},
        {"queue": "busy queue", "status": "DEAD"},
        {"locationId": "warehouse", "status": "READY"},
        {"kind": "RECALL", "status": "READY"},
        {"queue": "queue", "status": "READY", "skills": "another skill", "dueBefore": MOMENTS[2]},
    ),
    "ReservationFilter": (
        {"sku": "sku", "status": "ACTIVE"},
        {"customerId": "usual customer", "status": "ended"},
    ),
    "EventFilter": (
        {"types": "ORDER_HELD", "channel": "channel"},
        {"types": "RETURN_DECLINED", "locationId": "busy store"},
        {"types": "all of returns", "customerId": "customer with 500 orders"},
        {"types": "ORDER_HELD", "orderId": "order"},
        {"types": "ORDER_HELD", "occurredFrom": MOMENTS[2]},
        {"occurredFrom": MOMENTS[1], "occurredTo": MOMENTS[2]},
    ),
}
"""Filters that are commonly given together."""

MIDDLES: dict[str, tuple[str, str]] = {
    "orders": ("'PLACED_AT', placed_at, id", "orders order by placed_at, id"),
    "channels": ("'CODE', code", "channels order by code"),
    "locations": ("'CODE', code", "locations order by code"),
    "variants": ("'SKU', sku", "variants order by sku"),
    "products": ("'CODE', code", "products order by code"),
    "stockLevels": ("'ID', id", "stock_levels order by id"),
    "stockMovements": ("'RECORDED_AT', recorded_at, id", "stock_movements order by recorded_at, id"),
    "suppliers": ("'CODE', code", "suppliers order by code"),
    "purchaseOrders": ("'EXPECTED_AT', expected_at, id", "purchase_orders order by expected_at, id"),
    "transfers": ("'EXPECTED_AT', expected_at, id", "transfers order by expected_at, id"),
    "stockCounts": ("'STARTED_AT', started_at, id", "stock_counts order by started_at, id"),
    "fulfillmentOrders": ("'DUE_AT', due_at, id", "fulfillment_orders order by due_at, id"),
    "events": ("'POSITION', epoch, position", "events order by epoch, position"),
    "workItems": ("'URGENCY', urgency, due_by, id", "work_items order by urgency, due_by, id"),
    "reservations": ("'CREATED_AT', created_at, id", "reservations order by created_at, id"),
    "exceptions": ("'DETECTED_AT', detected_at, id", "exceptions order by detected_at, id"),
    "customers": ("'CREATED_AT', created_at, id", "customers order by created_at, id"),
    "webhookEndpoints": ("'ID', id", "webhook_endpoints order by id"),
    "webhookDeliveries": ("'ID', id", "webhook_deliveries order by id"),
    "routingRulesets": ("'VERSION', version", "routing_rulesets order by version"),
    "carrierRates": ("'TABLE', currency, carrier, position", "carrier_rates order by currency, carrier, position"),
    "customer.timeline": (
        "'POSITION', epoch, position",
        "events where customer_id = (select id from customers order by created_at, id limit 1) order by epoch, position",
    ),
    "customer.orders": (
        "'PLACED_AT', placed_at, id",
        "orders where customer_id = (select id from customers order by created_at, id limit 1) order by placed_at, id",
    ),
}
"""For each list a cursor deep inside: what it packs, and the rows of which the middle one is taken."""


async def values_of(connection: Connection, schema: GraphQLSchema) -> Values:
    """The values in one database."""
    found = {name: await connection.fetchval(sql) for name, sql in IDS.items()}
    for name, type_ in schema.type_map.items():
        if isinstance(type_, GraphQLObjectType) and schema.get_type("Node") in type_.interfaces:
            table, prefix = entity_of(type_).table.name, PREFIXES[name]
            rows = await connection.fetch(f"select id from {table} order by id limit 20 offset 20")
            found[f"20 of {name}"] = [f"{prefix}_{row[0]}" for row in rows] or [f"{prefix}_{NOWHERE}"]
            found[f"some {name}"] = found[f"20 of {name}"][0]
    for name, (packed, source) in MIDDLES.items():
        table, _, rest = source.partition(" ")
        where = rest[: rest.rindex("order by")]
        middle = await connection.fetchval(f"select count(*) / 2 from {table} {where}")
        text = await connection.fetchval(
            f"select translate(encode(convert_to(json_build_array({packed})::text, 'UTF8'), 'base64'), E'\\n', '') "
            f"from {source} limit 1 offset $1",
            middle,
        )
        found[f"the middle of {name}"] = text
    return orjson.loads(orjson.dumps({**found, **CONSTANTS}))  # type: ignore[no-any-return]


# -- who asks --------------------------------------------------------------------------------------------------------


async def viewers_of(connection: Connection) -> dict[str, Viewer]:
    """One caller for each row scope, in one database."""
    place = {row["code"]: row["id"] for row in await connection.fetch("select code, id from locations")}
    buyer = await connection.fetchval("select id from customers order by created_at, id limit 1")
    ((order, owner),) = await connection.fetch(
        "select id, customer_id from orders where number = (100000 + (select count(*) from orders) / 2)::text"
    )

    def staff(role: Role, *codes: str) -> Viewer:
        bounds = tuple(place[code] for code in codes)
        return Viewer(ViewerKind.STAFF, role, "growth", "Growth", SCOPES[role], location_ids=bounds)

    customer = Viewer(ViewerKind.CUSTOMER, Role.CUSTOMER, "growth", "Growth", SCOPES[Role.CUSTOMER], buyer)
    return {
        "operations": staff(Role.OPERATIONS),
        "busy store": staff(Role.STORE, "ST11"),
        "quiet store": staff(Role.STORE, "ST50"),
        "two stores": staff(Role.STORE, "ST12", "ST50"),
        "warehouse": staff(Role.WAREHOUSE, "DC01"),
        "customer": customer,
        "guest": Viewer(ViewerKind.GUEST, Role.GUEST, "growth", "Growth", SCOPES[Role.GUEST], owner, order),
    }


ROLES = ("operations", "busy store", "quiet store", "two stores", "warehouse", "customer", "guest")


# -- questions -------------------------------------------------------------------------------------------------------


def questions(schema: GraphQLSchema) -> Iterator[Question]:
    """Everything, by everyone."""
    for role, question in itertools.product(ROLES, _asked_by_anyone(schema)):
        yield replace(question, role=role)


def _asked_by_anyone(schema: GraphQLSchema) -> list[Question]:
    assert schema.query_type is not None
    fields = [
        (name, field)
        for name, field in schema.query_type.fields.items()
        if not isinstance(reads_of(schema.query_type, name), Computed)  # worked out by a process beside
    ]
    of_roots = itertools.chain.from_iterable(_of_root(Asker(schema, name, field)) for name, field in fields)
    customer = schema.type_map["Customer"]
    assert isinstance(customer, GraphQLObjectType)
    nested = [
        Asker(schema, f"customer.{name}", customer.fields[name], "customer(id: $id) { ", "$id: ID!")
        for name in ("orders", "timeline")
    ]
    of_customers = itertools.chain.from_iterable(_of_list(each, {"id": "customer with 500 orders"}) for each in nested)
    return [*of_roots, *of_customers]


@dataclass(frozen=True, slots=True)
class Asker:
    """Writes documents that ask one field; `around` is what it stands in."""

    schema: GraphQLSchema
    name: str
    field: GraphQLField
    around: str = ""
    declared: str = ""

    @property
    def is_list(self) -> bool:
        """Whether the field is a connection."""
        return set(self.field.args) >= PAGING

    @property
    def required(self) -> list[str]:
        """The arguments without which it cannot be asked."""
        return [name for name, argument in self.field.args.items() if is_required_argument(argument)]

    def values(self, argument: str) -> tuple[str, ...]:
        """The names of the values that an argument is asked with."""
        return named(f"{self.name}.{argument}")

    def ask(self, label: str, given: dict[str, str], arguments: str, selection: str, **options: Any) -> Question:
        """A question: `given` names the value of each variable that `arguments` (or what is around) uses."""
        declared = [self.declared] if self.declared else []
        declared += [f"${name}: {self._type(name)}" for name in given if f"${name}:" not in self.declared]
        head = f"query({', '.join(declared)}) " if declared else ""
        arguments = ", ".join([*(f"{n}: ${n}" for n in self.required if f"{n}: $" not in arguments), arguments])
        called = f"({arguments})" if arguments else ""
        field = self.name.rpartition(".")[2]
        text = f"{head}{{ {self.around}{field}{called} {selection}{' }' if self.around else ''} }}"
        return Question(f"{self.name}{label}", text, tuple(given.items()), **options)

    def _type(self, variable: str) -> str:
        if variable in self.field.args:
            return str(self.field.args[variable].type)
        return str(self.filter.fields[variable].type)

    @property
    def filter(self) -> GraphQLInputObjectType:
        """The filter's type."""
        found: Any = get_named_type(self.field.args["filter"].type)
        return found  # type: ignore[no-any-return]

    def page(self, depth: int = 1) -> str:
        """A page of a connection."""
        node = self.whole(depth, get_named_type(self._connection().fields["nodes"].type))
        return f"{{ edges {{ cursor node {node} }} pageInfo {{ hasNextPage hasPreviousPage endCursor }} }}"

    def _connection(self) -> GraphQLObjectType:
        found: Any = get_named_type(self.field.type)
        return found  # type: ignore[no-any-return]

    def whole(self, depth: int, type_: Any = None) -> str:
        """Everything in an object that can be asked without arguments, so many objects deep."""
        type_ = type_ or get_named_type(self.field.type)
        own = "id" if isinstance(type_, GraphQLInterfaceType) else " ".join(_fields(self, depth, type_))
        return f"{{ __typename {own} }}"


def _fields(asker: Asker, depth: int, type_: GraphQLObjectType) -> Iterator[str]:
    for name, field in type_.fields.items():
        inner = get_named_type(field.type)
        if any(is_required_argument(argument) for argument in field.args.values()):
            continue
        if is_leaf_type(inner):
            yield name
        elif depth > 1:
            yield f"{name} {asker.whole(depth - 1, inner)}"


def named(argument: str) -> tuple[str, ...]:
    """The values for an argument or a filter's field; every one must have some."""
    if argument not in VALUES:
        raise LookupError(f"{argument} has no values to ask it with: give it some in benchmarks/questions.py")
    return VALUES[argument]


def _of_root(asker: Asker) -> Iterator[Question]:
    type_ = get_named_type(asker.field.type)
    if asker.is_list:
        yield from _of_list(asker, {name: asker.values(name)[0] for name in asker.required})
        return
    if isinstance(type_, GraphQLInterfaceType):
        yield from _of_any(asker, type_)
        return
    arguments = ", ".join(f"{name}: ${name}" for name in asker.field.args)
    for values in itertools.product(*(asker.values(name) for name in asker.field.args)):
        given = dict(zip(asker.field.args, values, strict=True))
        label = f"({', '.join(values)})" if values else ""
        for depth in (2, DEEP):
            yield asker.ask(f"{label}, {depth} deep", given, arguments, asker.whole(depth))


def _of_any(asker: Asker, type_: GraphQLInterfaceType) -> Iterator[Question]:
    """An object of each type."""
    ((argument, declared),) = asker.field.args.items()
    for member in asker.schema.get_possible_types(type_):
        value = f"{'20 of' if is_list_type(get_nullable_type(declared.type)) else 'some'} {member.name}"
        selection = f"{{ id ... on {member.name} {asker.whole(2, member)} }}"
        yield asker.ask(f"({value})", {argument: value}, f"{argument}: ${argument}", selection)


def _of_list(asker: Asker, around: dict[str, str]) -> Iterator[Question]:
    if asker.name not in MIDDLES:
        raise LookupError(
            f"{asker.name} has no cursor to go on from: give it one in MIDDLES of benchmarks/questions.py"
        )
    middle = f"the middle of {asker.name}"
    page = asker.page()
    yield asker.ask(", first page", around, "first: 20", page)
    yield asker.ask(f", first page {DEEP} deep", around, "first: 5", asker.page(DEEP))
    yield asker.ask(", a deep page", {**around, "after": middle}, "first: 20, after: $after", page)
    yield asker.ask(", last page", around, "last: 20", page)
    yield asker.ask(", back from a deep page", {**around, "before": middle}, "last: 20, before: $before", page)
    yield asker.ask(", counted", around, "first: 1", "{ totalCount }", is_count=True)
    yield from _by_arguments(asker, around, page)
    if "filter" in asker.field.args:
        yield from _by_filter(asker, around, page)


def _by_arguments(asker: Asker, around: dict[str, str], page: str) -> Iterator[Question]:
    for name in asker.field.args:
        if name == "sort":
            for direction in ("ASC", "DESC"):
                yield asker.ask(f", {direction}", around, _sorted(asker, direction), page)
        elif name not in PAGING | {"filter"}:
            for value in asker.values(name):
                given = {**around, name: value}
                yield asker.ask(f"({name}: {value})", given, f"first: 20, {name}: ${name}", page)


def _sorted(asker: Asker, direction: str) -> str:
    sort: Any = get_named_type(asker.field.args["sort"].type)
    (key,) = get_named_type(sort.fields["by"].type).values
    return f"first: 20, sort: {{ by: {key}, direction: {direction} }}"


def _by_filter(asker: Asker, around: dict[str, str], page: str) -> Iterator[Question]:
    type_ = asker.filter
    alone = [{name: value} for name in type_.fields for value in named(f"{type_.name}.{name}")]
    for chosen in (*alone, *TOGETHER.get(type_.name, ())):
        written = ", ".join(f"{name}: ${name}" for name in chosen)
        label = ", ".join(f"{name}: {value}" for name, value in chosen.items())
        given = {**around, **chosen}
        for way in ("first", "last"):
            yield asker.ask(f"({label}), {way}", given, f"{way}: 20, filter: {{ {written} }}", page)
