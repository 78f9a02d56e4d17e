"""Every table, typed once: the compiler, the writers and the migrations' test all read this.

Names are the words of the graph. Amounts are integer minor units (`_minor`) beside their currency. Ids are UUIDv7,
drawn by the process that inserts, so that an order's rows can be written by one statement.
"""

from collections.abc import Iterable

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Sequence,
    SmallInteger,
    Table,
    Text,
    Time,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from domain.backorders import BackorderPolicy
from domain.calendars import Weekday
from domain.counts import StockCountStatus
from domain.customers import CustomerKind
from domain.exceptions import ExceptionKind, ExceptionSeverity
from domain.fulfillment import FulfillmentKind, FulfillmentOrderStatus
from domain.messages import MessageKind, MessageMedium, MessageStatus, MessageTopic
from domain.orders import (
    AdjustmentKind,
    FulfillmentStatus,
    HoldKind,
    OrderReturnStatus,
    OrderStatus,
    PaymentStatus,
    UnroutedPolicy,
)
from domain.payments import EntryStatus, PaymentKind
from domain.purchases import PurchaseOrderStatus
from domain.reservations import ReservationStatus
from domain.returns import Condition, Disposition, ReturnMethod, ReturnReason, ReturnStatus
from domain.routing.network import RulesetMode
from domain.routing.simulation import SimulationStatus
from domain.shipments import ShipmentStatus, TrackingCode
from domain.stock import Bucket, LocationKind, MovementKind
from domain.store.search import last_digits_of, letters_and_digits_of, words_of
from domain.transfers import TransferStatus
from domain.webhooks import DeliveryStatus, EndpointStatus, WebhookFormat
from domain.work import ENDED, PASSING, WorkItemStatus

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

RANK = 1_000_000
"""How far apart in urgency lie what is still to be done, what is dead, and what is done: priorities are far smaller."""
NEVER_DUE = "9999-01-01 00:00:00+00"
"""When work is due that is never due: lists are in the order of keys that are never null."""

_EVERY_DAY = f"'{{{','.join(Weekday)}}}'"

order_number = Sequence("order_number", start=100_001, metadata=metadata)
return_number = Sequence("return_number", start=100_001, metadata=metadata)


def _id() -> Column[object]:
    return Column("id", Uuid, primary_key=True)


def _of(name: str, target: str, *, nullable: bool = False, **options: object) -> Column[object]:
    return Column(name, Uuid, ForeignKey(f"{target}.id"), nullable=nullable, **options)  # type: ignore[arg-type]


def _copy(name: str) -> Column[object]:
    """An id that a referenced row already holds, copied for the reader's sake: no second foreign key to check."""
    return Column(name, Uuid, nullable=False)


def _text(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, Text, nullable=nullable)


def _minor(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, BigInteger, nullable=nullable)


def _at(name: str, *, nullable: bool = True) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


def _count(name: str) -> Column[object]:
    return Column(name, Integer, nullable=False, server_default=text("0"))


def _one_of(column: str, words: Iterable[str]) -> CheckConstraint:
    return CheckConstraint(_among(column, words), name=column)


def _among(column: str, words: Iterable[str]) -> str:
    listed = ", ".join(f"'{word}'" for word in words)
    return f"{column} in ({listed})"


def _never_negative(*columns: str) -> list[CheckConstraint]:
    return [CheckConstraint(f"{column} >= 0", name=f"{column}_never_negative") for column in columns]


def _address() -> list[Column[object]]:
    return [
        _text("line1", nullable=True),
        _text("line2", nullable=True),
        _text("city", nullable=True),
        _text("region", nullable=True),
        _text("postal_code", nullable=True),
        _text("country", nullable=True),
    ]


# -- where we sell and from where we ship ------------------------------------------------------------------------

channels = Table(
    "channels",
    metadata,
    _id(),
    _text("code"),
    _text("name"),
    _text("currency"),
    _text("time_zone"),
    Column("return_window_days", Integer, nullable=False, server_default=text("30")),
    _text("locale", nullable=True),
    Column("network_version", BigInteger, nullable=False, server_default=text("0")),
    _at("prices_solved_at"),
    Column("promise_model_id", Uuid),
    _at("created_at", nullable=False),
    Column("unrouted_policy", Text, nullable=False, server_default=text("'WAIT'")),
    Column("unrouted_after_hours", Integer, nullable=False, server_default=text("72")),
    _count("wave_minutes"),
    Column("wave_saving_percent", Integer, nullable=False, server_default=text("10")),
    _at("waved_at"),
    UniqueConstraint("code"),
    _one_of("unrouted_policy", UnroutedPolicy),
    *_never_negative("return_window_days", "unrouted_after_hours", "wave_minutes", "wave_saving_percent"),
)

promise_models = Table(
    "promise_models",
    metadata,
    _id(),
    _of("channel_id", "channels"),
    _at("learned_at", nullable=False),
    Column("parcels", Integer, nullable=False),
    Column("model", JSONB),
    Index("ix_promise_models_channel_id_id", "channel_id", "id"),
)

shipping_prices = Table(
    "shipping_prices",
    metadata,
    _of("channel_id", "channels", primary_key=True),
    Column("service", Text, primary_key=True),
    _text("currency"),
    _minor("amount_minor"),
    *_never_negative("amount_minor"),
)
"""`network_version` grows with whatever a router should know: triggers see to it, and who stores prices."""

locations = Table(
    "locations",
    metadata,
    _id(),
    _text("code"),
    _text("name"),
    _text("kind"),
    *_address(),
    Column("latitude", Double),
    Column("longitude", Double),
    Column("tags", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    _text("time_zone", nullable=True),
    Column("working_days", ARRAY(Text), nullable=False, server_default=text(_EVERY_DAY)),
    Column("cutoff", Time),
    Column("handling_days", Integer, nullable=False, server_default=text("1")),
    _text("holiday_country", nullable=True),
    _text("holiday_subdivision", nullable=True),
    Column("closures", ARRAY(Date), nullable=False, server_default=text("'{}'")),
    Column("daily_capacity", Integer),
    _at("created_at", nullable=False),
    UniqueConstraint("code"),
    _one_of("kind", LocationKind),
    CheckConstraint(f"working_days <> '{{}}' and working_days <@ {_EVERY_DAY}::text[]", name="works_some_days"),
    CheckConstraint("handling_days between 0 and 60", name="handles_within_days"),
    *_never_negative("daily_capacity"),
)
"""`time_zone` is null for that of the channel that asks. A location that never works ships nothing, so it cannot be said."""

location_costs = Table(
    "location_costs",
    metadata,
    _of("location_id", "locations", primary_key=True),
    Column("currency", Text, primary_key=True),
    _minor("packing_minor"),
    _minor("handling_minor"),
    *_never_negative("packing_minor", "handling_minor"),
)
"""What a parcel and a unit cost there before any carrier, for channels of that currency."""

location_channels = Table(
    "location_channels",
    metadata,
    _of("location_id", "locations", primary_key=True),
    _of("channel_id", "channels", primary_key=True, index=True),
)

# -- what we sell -------------------------------------------------------------------------------------------------

products = Table(
    "products",
    metadata,
    _id(),
    _text("code"),
    _text("name"),
    _text("category", nullable=True),
    _at("created_at", nullable=False),
    UniqueConstraint("code"),
)

variants = Table(
    "variants",
    metadata,
    _id(),
    _of("product_id", "products", index=True),
    _text("sku"),
    _text("name"),
    Column("weight_grams", Integer),
    Column("length_mm", Integer),
    Column("width_mm", Integer),
    Column("height_mm", Integer),
    Column("backorder_policy", Text, nullable=False, server_default=text("'NONE'")),
    Column("backorder_limit", Integer),
    _at("releases_at"),
    Column("hazmat", Boolean, nullable=False, server_default=text("false")),
    _at("created_at", nullable=False),
    UniqueConstraint("sku"),
    _one_of("backorder_policy", BackorderPolicy),
    CheckConstraint("backorder_limit is null or backorder_policy <> 'NONE'", name="limit_of_a_policy"),
    CheckConstraint("releases_at is not null or backorder_policy <> 'PREORDER'", name="preorder_has_a_release"),
    *_never_negative("weight_grams", "length_mm", "width_mm", "height_mm", "backorder_limit"),
    Index("ix_variants_releases_at_id", "releases_at", "id", postgresql_where=text("backorder_policy = 'PREORDER'")),
)
"""`backorder_limit`: units that may wait at once, over all orders; null for as many as are wanted."""

kit_components = Table(
    "kit_components",
    metadata,
    _of("kit_variant_id", "variants", primary_key=True),
    _of("component_variant_id", "variants", primary_key=True, index=True),
    Column("quantity", Integer, nullable=False),
    CheckConstraint("quantity > 0", name="quantity_positive"),
    CheckConstraint("kit_variant_id <> component_variant_id", name="not_itself"),
)
"""What one of a kit consists of. A kit has no stock of its own, and no component is a kit."""

variant_prices = Table(
    "variant_prices",
    metadata,
    _of("variant_id", "variants", primary_key=True),
    _of("channel_id", "channels", primary_key=True),
    Column("currency", Text, primary_key=True),
    _minor("amount_minor"),
    *_never_negative("amount_minor"),
)

# -- who buys -----------------------------------------------------------------------------------------------------

customers = Table(
    "customers",
    metadata,
    _id(),
    _text("kind"),
    _text("email", nullable=True),
    _text("first_name", nullable=True),
    _text("last_name", nullable=True),
    _text("display_name"),
    _text("phone", nullable=True),
    Column("tags", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    _text("locale", nullable=True),
    _at("created_at", nullable=False),
    Column("event_sequence", Integer, nullable=False, server_default=text("0")),
    _one_of("kind", CustomerKind),
    Index(
        "uq_customers_email",
        func.lower(text("email")),
        unique=True,
        postgresql_where=text("kind in ('REGISTERED', 'GUEST')"),
    ),
    Index("ix_customers_created_at_id", "created_at", "id"),
    Index("ix_customers_phone_id", last_digits_of(text("phone")), "id"),
    Index(
        "ix_customers_words",
        words_of(text("display_name")),
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},  # a list of what is still to be entered would be read by every search
    ),
)

customer_addresses = Table(
    "customer_addresses",
    metadata,
    _id(),
    _of("customer_id", "customers", index=True),
    *_address(),
    Column("is_default", Boolean, nullable=False, server_default=text("false")),
    _at("created_at", nullable=False),
    Index("ix_customer_addresses_postal_code_customer_id", letters_and_digits_of(text("postal_code")), "customer_id"),
)

customer_notes = Table(
    "customer_notes",
    metadata,
    _id(),
    _of("customer_id", "customers"),
    _text("body"),
    Column("pinned", Boolean, nullable=False),
    _text("author_kind"),
    _text("author_name"),
    _at("created_at", nullable=False),
    CheckConstraint("body <> ''", name="says_something"),
    Index("ix_customer_notes_customer_id_pinned_created_at_id", "customer_id", "pinned", "created_at", "id"),
)

# -- orders -------------------------------------------------------------------------------------------------------

orders = Table(
    "orders",
    metadata,
    _id(),
    _text("number"),
    _of("channel_id", "channels"),
    _of("customer_id", "customers", nullable=True),
    _text("external_reference", nullable=True),
    _text("status"),
    _text("payment_status"),
    _text("fulfillment_status"),
    _text("return_status"),
    _text("currency"),
    _minor("subtotal_minor"),
    _minor("discount_minor"),
    _minor("shipping_minor"),
    _minor("tax_minor"),
    _minor("total_minor"),
    _text("email", nullable=True),
    _text("phone", nullable=True),
    _text("first_name", nullable=True),
    _text("last_name", nullable=True),
    *_address(),
    Column("latitude", Double),
    Column("longitude", Double),
    _text("locale", nullable=True),
    _text("note", nullable=True),
    Column("tags", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("on_hold", Boolean, nullable=False, server_default=text("false")),
    _at("deliver_by_earliest"),
    _at("deliver_by_latest"),
    Column("deliver_by_confidence", Double),
    Column("promise_model_id", Uuid),
    _at("created_at", nullable=False),
    _at("placed_at", nullable=False),
    _at("confirmed_at"),
    _at("canceled_at"),
    _at("completed_at"),
    _text("cancel_reason", nullable=True),
    _at("unrouted_at"),
    _at("route_again_at"),
    _count("route_attempts"),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("event_sequence", Integer, nullable=False, server_default=text("0")),
    UniqueConstraint("number"),
    UniqueConstraint("channel_id", "external_reference"),
    _one_of("status", OrderStatus),
    _one_of("payment_status", PaymentStatus),
    _one_of("fulfillment_status", FulfillmentStatus),
    _one_of("return_status", OrderReturnStatus),
    CheckConstraint("(canceled_at is not null) = (status = 'CANCELED')", name="canceled_at_iff_canceled"),
    CheckConstraint("(completed_at is not null) = (status = 'COMPLETED')", name="completed_at_iff_completed"),
    CheckConstraint("(unrouted_at is null) = (route_again_at is null)", name="routed_again_while_unrouted"),
    CheckConstraint(
        "total_minor = subtotal_minor - discount_minor + shipping_minor + tax_minor", name="total_is_the_sum"
    ),
    Index("ix_orders_placed_at_id", "placed_at", "id"),
    Index("ix_orders_customer_id_placed_at_id", "customer_id", "placed_at", "id"),
    Index("ix_orders_channel_id_placed_at_id", "channel_id", "placed_at", "id"),
    Index("ix_orders_email_id", func.lower(text("email")), "id"),
    Index("ix_orders_phone_id", last_digits_of(text("phone")), "id"),
    Index("ix_orders_postal_code_id", letters_and_digits_of(text("postal_code")), "id"),
    Index("ix_orders_status_placed_at_id", "status", "placed_at", "id"),
    Index("ix_orders_channel_id_status_placed_at_id", "channel_id", "status", "placed_at", "id"),
    Index("ix_orders_on_hold", "placed_at", "id", postgresql_where=text("on_hold")),
    Index("ix_orders_external_reference", "external_reference"),
    *(
        Index("_".join(("ix_orders_unrouted", *keys)), *keys, postgresql_where=text("unrouted_at is not null"))
        for keys in (("placed_at", "id"), ("channel_id", "placed_at", "id"), ("route_again_at", "id"))
    ),
    Index(
        "ix_orders_promised",
        "deliver_by_latest",
        "id",
        postgresql_where=text("status in ('PENDING', 'CONFIRMED', 'IN_FULFILLMENT') and deliver_by_latest is not null"),
    ),
)

order_tags = Table(
    "order_tags",
    metadata,
    Column("tag", Text, primary_key=True),
    Column("placed_at", DateTime(timezone=True), primary_key=True),
    Column("order_id", Uuid, primary_key=True),
)
"""Orders by their labels in the order of lists, which no index over an array gives; kept by a trigger on `orders`."""

order_locations = Table(
    "order_locations",
    metadata,
    Column("location_id", Uuid, primary_key=True),
    Column("placed_at", DateTime(timezone=True), primary_key=True),
    Column("order_id", Uuid, primary_key=True),
)
"""Orders by the locations that have work for them, or a return of theirs; kept by triggers on those two."""

order_lines = Table(
    "order_lines",
    metadata,
    _id(),
    _of("order_id", "orders"),
    Column("position", SmallInteger, nullable=False),
    _of("kit_line_id", "order_lines", nullable=True),
    _of("variant_id", "variants"),
    _text("sku"),
    _text("name"),
    Column("quantity", Integer, nullable=False),
    _count("open"),
    _count("backordered"),
    _count("allocated"),
    _count("picked"),
    _count("shipped"),
    _count("delivered"),
    _count("canceled"),
    _count("returned"),
    _count("in_open_returns"),
    _of("pinned_location_id", "locations", nullable=True),
    _of("pickup_location_id", "locations", nullable=True),
    _text("currency"),
    _minor("unit_price_minor"),
    _minor("total_minor"),
    _at("delivered_at"),
    _at("backordered_at"),
    UniqueConstraint("order_id", "position"),
    CheckConstraint("quantity > 0", name="quantity_positive"),
    CheckConstraint("quantity = open + backordered + allocated + picked + shipped + canceled", name="quantities_sum"),
    CheckConstraint("delivered <= shipped", name="delivered_at_most_shipped"),
    CheckConstraint("returned + in_open_returns <= delivered", name="returned_at_most_delivered"),
    CheckConstraint("total_minor = quantity * unit_price_minor", name="total_is_the_product"),
    *_never_negative(
        "open", "backordered", "allocated", "picked", "shipped", "delivered", "canceled", "returned", "in_open_returns"
    ),
    Index("ix_order_lines_variant_id_order_id", "variant_id", "order_id"),
    CheckConstraint("backordered = 0 or backordered_at is not null", name="backordered_since"),
    Index("ix_order_lines_kit_line_id", "kit_line_id", postgresql_where=text("kit_line_id is not null")),
    Index(
        "ix_order_lines_backordered",
        "variant_id",
        "backordered_at",
        "order_id",
        postgresql_where=text("backordered > 0"),
    ),
    Index("ix_order_lines_open", "variant_id", postgresql_where=text("open > 0")),
)

order_holds = Table(
    "order_holds",
    metadata,
    _id(),
    _of("order_id", "orders", index=True),
    _text("kind"),
    _text("reason"),
    _at("placed_at", nullable=False),
    _text("placed_by_kind"),
    _text("placed_by"),
    _at("released_at"),
    _text("released_by", nullable=True),
    _at("expires_at"),
    _one_of("kind", HoldKind),
    Index(
        "ix_order_holds_expires_at_id",
        "expires_at",
        "id",
        postgresql_where=text("released_at is null and expires_at is not null"),
    ),
)

order_adjustments = Table(
    "order_adjustments",
    metadata,
    _id(),
    _of("order_id", "orders", index=True),
    _text("kind"),
    _text("reason", nullable=True),
    _minor("amount_minor"),
    _text("currency"),
    Column("act_id", Uuid, nullable=False),
    _at("occurred_at", nullable=False),
    _one_of("kind", AdjustmentKind),
    CheckConstraint(
        "(kind in ('ITEMS', 'SHIPPING', 'TAX')) = (amount_minor >= 0)", name="charges_add_and_credits_take"
    ),
    UniqueConstraint("act_id", "order_id", "kind"),
)

payments = Table(
    "payments",
    metadata,
    _id(),
    _of("order_id", "orders", index=True),
    _text("kind"),
    _text("status"),
    _text("provider"),
    _minor("amount_minor"),
    _text("currency"),
    _of("request_id", "payments", nullable=True, index=True),
    _of("parent_id", "payments", nullable=True),
    _text("method", nullable=True),
    _text("reference", nullable=True),
    _text("last4", nullable=True),
    _text("failure", nullable=True),
    _text("reason", nullable=True),
    _text("note", nullable=True),
    _of("return_id", "returns", nullable=True, index=True),
    _text("destination", nullable=True),
    _at("occurred_at", nullable=False),
    _at("recorded_at", nullable=False),
    _at("expires_at"),
    _one_of("kind", PaymentKind),
    _one_of("status", EntryStatus),
    CheckConstraint("amount_minor > 0", name="amount_positive"),
    Index("ix_payments_expires_at_id", "expires_at", "id", postgresql_where=text("expires_at is not null")),
    Index("ix_payments_requested", "recorded_at", "id", postgresql_where=text("status = 'REQUESTED'")),
    Index("uq_payments_settled_once", "request_id", unique=True, postgresql_where=text("request_id is not null")),
)

# -- routing and fulfillment ---------------------------------------------------------------------------------------

carrier_rates = Table(
    "carrier_rates",
    metadata,
    _id(),
    _text("carrier"),
    _text("currency"),
    Column("position", Integer, nullable=False),
    _text("service"),
    _minor("base_minor"),
    _minor("per_kg_minor"),
    _minor("per_kg_1000km_minor"),
    Column("first_days", Integer, nullable=False),
    Column("km_per_day", Double),
    Column("location_kinds", ARRAY(Text), nullable=False),
    Column("location_ids", ARRAY(Uuid), nullable=False),
    Column("countries", ARRAY(Text), nullable=False),
    Column("max_weight_grams", Integer),
    Column("takes_hazmat", Boolean, nullable=False),
    UniqueConstraint("currency", "carrier", "position"),
    CheckConstraint("km_per_day > 0", name="goes_somewhere"),
    *_never_negative("base_minor", "per_kg_minor", "per_kg_1000km_minor", "first_days", "max_weight_grams"),
)
"""What carriers charge. A carrier's rates in a currency are replaced together; empty lists are no condition."""

routing_rulesets = Table(
    "routing_rulesets",
    metadata,
    _id(),
    _of("channel_id", "channels"),
    Column("version", Integer, nullable=False),
    _text("name"),
    _text("mode"),
    _text("currency"),
    Column("rules", JSONB, nullable=False),
    Column("max_parcels", Integer),
    Column("allow_split", Boolean, nullable=False),
    Column("split_lines", Boolean, nullable=False),
    Column("ship_complete", Boolean, nullable=False),
    Column("late_allowed", Boolean, nullable=False),
    Column("wait_for_capacity", Boolean, nullable=False),
    _minor("lateness_minor_per_day"),
    _minor("split_minor"),
    Column("markdowns", JSONB, nullable=False),
    Column("weights", JSONB, nullable=False),
    _at("activated_at", nullable=False),
    _text("activated_by_kind"),
    _text("activated_by"),
    _at("retired_at"),
    Column("event_sequence", Integer, nullable=False, server_default=text("0")),
    UniqueConstraint("channel_id", "version"),
    _one_of("mode", RulesetMode),
    CheckConstraint("(retired_at is not null) = (mode = 'RETIRED')", name="retired_at_iff_retired"),
    *_never_negative("lateness_minor_per_day", "split_minor"),
    Index("uq_routing_rulesets_mode", "channel_id", "mode", unique=True, postgresql_where=text("mode <> 'RETIRED'")),
)
"""A channel's rules, version by version: one of them LIVE, one SHADOW at most. Only how it ended ever changes."""

routing_prices = Table(
    "routing_prices",
    metadata,
    _of("channel_id", "channels", primary_key=True),
    _of("location_id", "locations", primary_key=True),
    _of("variant_id", "variants", primary_key=True),
    Column("price_minor", Double, nullable=False),
)
"""Shadow prices of stock: what one more unit there would have saved."""

routing_capacity_prices = Table(
    "routing_capacity_prices",
    metadata,
    _of("channel_id", "channels", primary_key=True),
    _of("location_id", "locations", primary_key=True),
    Column("price_minor", Double, nullable=False),
)
"""Shadow prices of capacity: what one more parcel a day from there would have saved."""

location_days = Table(
    "location_days",
    metadata,
    _of("location_id", "locations", primary_key=True),
    Column("day", Date, primary_key=True),
    _count("parcels"),
    *_never_negative("parcels"),
)
"""Work that locations with a daily capacity were given for a day; kept by triggers on the work, locked by placing."""

routing_decisions = Table(
    "routing_decisions",
    metadata,
    _id(),
    _of("order_id", "orders", index=True),
    _text("strategy"),
    _text("currency"),
    Column("chosen", JSONB, nullable=False),
    Column("candidates", JSONB, nullable=False),
    Column("unfilled", JSONB, nullable=False),
    Column("objective", JSONB),
    Column("gap", Double),
    Column("ruleset_version", Integer),
    _at("decided_at", nullable=False),
    _text("decided_by_kind", nullable=True),
    _text("decided_by", nullable=True),
    Index("ix_routing_decisions_unfilled", "decided_at", "id", postgresql_where=text("unfilled <> '[]'")),
)

routing_simulations = Table(
    "routing_simulations",
    metadata,
    _id(),
    _of("channel_id", "channels"),
    _text("ruleset_name"),
    Column("ruleset", JSONB, nullable=False),
    _at("placed_from", nullable=False),
    _at("placed_to", nullable=False),
    _text("status"),
    Column("total", Integer, nullable=False),
    _count("processed"),
    Column("state", LargeBinary),
    Column("result", JSONB),
    _text("error", nullable=True),
    _text("requested_by_kind"),
    _text("requested_by"),
    _at("requested_at", nullable=False),
    _at("finished_at"),
    _one_of("status", SimulationStatus),
    CheckConstraint("processed between 0 and total", name="processed_at_most_total"),
    CheckConstraint("(result is not null) = (status = 'DONE')", name="result_iff_done"),
    CheckConstraint("(error is not null) = (status = 'FAILED')", name="error_iff_failed"),
    CheckConstraint("(finished_at is not null) = (status in ('DONE', 'FAILED'))", name="finished_at_iff_finished"),
    CheckConstraint("state is null or status = 'RUNNING'", name="state_while_running"),
)
"""Simulations that are too large to be waited for. `state` is how far one has come, for whoever goes on with it."""

routing_shadows = Table(
    "routing_shadows",
    metadata,
    _of("decision_id", "routing_decisions", primary_key=True),
    _copy("order_id"),
    _copy("channel_id"),
    _of("ruleset_id", "routing_rulesets"),
    _text("currency"),
    _at("decided_at", nullable=False),
    _text("strategy", nullable=True),
    Column("chosen", JSONB),
    Column("unfilled", JSONB),
    Column("changed", Boolean),
    Column("live", JSONB),
    Column("shadow", JSONB),
    CheckConstraint("num_nulls(strategy, chosen, unfilled, changed, live, shadow) in (0, 6)", name="all_or_nothing"),
    Index("ix_routing_shadows_channel_id_decided_at", "channel_id", "decided_at"),
    Index("ix_routing_shadows_waiting", "decision_id", postgresql_where=text("strategy is null")),
)
"""Decisions as rules in shadow would have made them, beside both sides' figures; null until those were asked."""

fulfillment_orders = Table(
    "fulfillment_orders",
    metadata,
    _id(),
    _of("order_id", "orders", index=True),
    _of("location_id", "locations"),
    _of("routing_decision_id", "routing_decisions", nullable=True),
    _of("split_from_id", "fulfillment_orders", nullable=True),
    _text("kind"),
    _text("status"),
    _text("service", nullable=True),
    Column("priority", Integer, nullable=False, server_default=text("0")),
    _at("due_at", nullable=False),
    Column("capacity_day", Date),
    _at("created_at", nullable=False),
    _at("accepted_at"),
    _at("packed_at"),
    _at("ready_at"),
    _at("collect_before"),
    _text("pickup_code", nullable=True),
    _at("shipped_at"),
    _at("closed_at"),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("event_sequence", Integer, nullable=False, server_default=text("0")),
    _one_of("kind", FulfillmentKind),
    _one_of("status", FulfillmentOrderStatus),
    Index("ix_fulfillment_orders_location_id_status_due_at_id", "location_id", "status", "due_at", "id"),
    Index("ix_fulfillment_orders_due_at_id", "due_at", "id"),
    Index("ix_fulfillment_orders_location_id_due_at_id", "location_id", "due_at", "id"),
    Index("ix_fulfillment_orders_status_due_at_id", "status", "due_at", "id"),
    *(
        Index("_".join(("ix_fulfillment_orders_pickup", *keys)), *keys, postgresql_where=text("kind = 'PICKUP'"))
        for keys in (("location_id", "due_at", "id"), ("status", "due_at", "id"), ("due_at", "id"))
    ),
    Index(
        "ix_fulfillment_orders_unfinished",
        "due_at",
        "id",
        postgresql_where=text("status in ('OPEN', 'ACCEPTED', 'PICKING', 'PACKED')"),
    ),
)

fulfillment_order_lines = Table(
    "fulfillment_order_lines",
    metadata,
    _id(),
    _of("fulfillment_order_id", "fulfillment_orders", index=True),
    _of("order_line_id", "order_lines", index=True),
    _of("stock_level_id", "stock_levels"),
    _copy("variant_id"),
    _copy("location_id"),
    _text("sku"),
    _text("name"),
    Column("quantity", Integer, nullable=False),
    _count("picked"),
    _count("short"),
    _count("shipped"),
    _count("canceled"),
    Column("held", Integer, Computed("quantity - short - shipped - canceled", persisted=True), nullable=False),
    *_never_negative("quantity", "picked", "short", "shipped", "canceled", "held"),
    CheckConstraint("picked + short + canceled <= quantity", name="picked_at_most_asked"),
    CheckConstraint("shipped <= picked", name="shipped_at_most_picked"),
    Index("ix_fulfillment_order_lines_holding", "stock_level_id", postgresql_where=text("held > 0")),
)
"""Who has units of a level is asked of what is held now, not of all that ever left it."""

shipments = Table(
    "shipments",
    metadata,
    _id(),
    _of("order_id", "orders", index=True),
    _of("fulfillment_order_id", "fulfillment_orders", index=True),
    _of("location_id", "locations"),
    _text("status"),
    _text("carrier"),
    _text("service", nullable=True),
    _at("estimated_delivery"),
    _at("created_at", nullable=False),
    _at("handed_over_at"),
    _at("delivered_at"),
    _at("heard_at"),
    _text("heard_code", nullable=True),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("event_sequence", Integer, nullable=False, server_default=text("0")),
    _one_of("status", ShipmentStatus),
    CheckConstraint("(delivered_at is not null) >= (status = 'DELIVERED')", name="delivered_at_when_delivered"),
    Index("ix_shipments_in_house", "created_at", "id", postgresql_where=text("status in ('CREATED', 'LABELED')")),
    Index(
        "ix_shipments_away",
        "heard_at",
        "id",
        postgresql_where=text("status in ('HANDED_OVER', 'IN_TRANSIT', 'OUT_FOR_DELIVERY')"),
    ),
    Index(
        "ix_shipments_failing",
        "heard_at",
        "id",
        postgresql_where=text("heard_code in ('ATTEMPTED', 'EXCEPTION', 'RETURNED')"),
    ),
)
"""`heard_at` and `heard_code`: the carrier's last word, or when it was given the parcels."""

shipment_lines = Table(
    "shipment_lines",
    metadata,
    _id(),
    _of("shipment_id", "shipments", index=True),
    _of("order_line_id", "order_lines", index=True),
    _of("fulfillment_order_line_id", "fulfillment_order_lines"),
    Column("quantity", Integer, nullable=False),
    CheckConstraint("quantity > 0", name="quantity_positive"),
)

packages = Table(
    "packages",
    metadata,
    _id(),
    _of("fulfillment_order_id", "fulfillment_orders", index=True),
    _of("shipment_id", "shipments", nullable=True, index=True),
    Column("weight_grams", Integer),
    Column("length_mm", Integer),
    Column("width_mm", Integer),
    Column("height_mm", Integer),
    _text("carrier", nullable=True),
    _text("tracking_number", nullable=True),
    _text("tracking_url", nullable=True),
    _text("label_url", nullable=True),
    _at("created_at", nullable=False),
    Index("uq_packages_tracking_number_carrier", "tracking_number", "carrier", unique=True),
)

package_lines = Table(
    "package_lines",
    metadata,
    _id(),
    _of("package_id", "packages", index=True),
    _of("fulfillment_order_line_id", "fulfillment_order_lines"),
    Column("quantity", Integer, nullable=False),
    CheckConstraint("quantity > 0", name="quantity_positive"),
)

tracking_events = Table(
    "tracking_events",
    metadata,
    _id(),
    _of("shipment_id", "shipments"),
    _of("package_id", "packages", nullable=True),
    _text("code"),
    _text("message", nullable=True),
    _text("place", nullable=True),
    _at("occurred_at", nullable=False),
    _at("recorded_at", nullable=False),
    _one_of("code", TrackingCode),
    Index("ix_tracking_events_shipment_id_occurred_at", "shipment_id", "occurred_at"),
)

invoices = Table(
    "invoices",
    metadata,
    _id(),
    _text("number"),
    _of("order_id", "orders", index=True),
    _of("shipment_id", "shipments", nullable=True, index=True),
    _minor("total_minor"),
    _text("currency"),
    _text("pdf_url", nullable=True),
    _at("issued_at", nullable=False),
    UniqueConstraint("number"),
)

# -- returns --------------------------------------------------------------------------------------------------------

returns = Table(
    "returns",
    metadata,
    _id(),
    _text("number"),
    _of("order_id", "orders", index=True),
    _of("channel_id", "channels"),
    _of("customer_id", "customers", nullable=True),
    _of("location_id", "locations", nullable=True),
    _text("method"),
    _text("status"),
    _text("currency"),
    _text("decline_reason", nullable=True),
    _text("receipt_url", nullable=True),
    _minor("estimated_refund_minor"),
    _at("requested_at", nullable=False),
    _at("approved_at"),
    _at("received_at"),
    _at("closed_at"),
    _at("expires_at"),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("event_sequence", Integer, nullable=False, server_default=text("0")),
    UniqueConstraint("number"),
    _one_of("method", ReturnMethod),
    _one_of("status", ReturnStatus),
    Index("ix_returns_customer_id_requested_at_id", "customer_id", "requested_at", "id"),
    Index("ix_returns_requested_at_id", "requested_at", "id"),
)

return_lines = Table(
    "return_lines",
    metadata,
    _id(),
    _of("return_id", "returns", index=True),
    _of("order_line_id", "order_lines", index=True),
    Column("quantity", Integer, nullable=False),
    _text("reason"),
    _text("comment", nullable=True),
    _count("received_quantity"),
    _count("inspected_quantity"),
    _one_of("reason", ReturnReason),
    CheckConstraint("quantity > 0", name="quantity_positive"),
    CheckConstraint("received_quantity between 0 and quantity", name="received_at_most_expected"),
    CheckConstraint("inspected_quantity between 0 and received_quantity", name="inspected_at_most_received"),
    Index(
        "ix_return_lines_being_inspected", "return_id", postgresql_where=text("received_quantity > inspected_quantity")
    ),
)

return_labels = Table(
    "return_labels",
    metadata,
    _id(),
    _of("return_id", "returns", index=True),
    _text("carrier"),
    _text("tracking_number"),
    _text("url", nullable=True),
    _at("created_at", nullable=False),
)

return_inspections = Table(
    "return_inspections",
    metadata,
    _id(),
    _of("return_line_id", "return_lines", index=True),
    Column("quantity", Integer, nullable=False),
    _text("condition"),
    _text("disposition"),
    _at("inspected_at", nullable=False),
    _one_of("condition", Condition),
    _one_of("disposition", Disposition),
    CheckConstraint("quantity > 0", name="quantity_positive"),
)

# -- stock ----------------------------------------------------------------------------------------------------------

stock_levels = Table(
    "stock_levels",
    metadata,
    _id(),
    _of("variant_id", "variants"),
    _of("location_id", "locations"),
    _count("available"),
    _count("reserved"),
    _count("allocated"),
    _count("safety_stock"),
    _count("quality_control"),
    _count("damaged"),
    Column(
        "on_hand",
        Integer,
        Computed("available + reserved + allocated + safety_stock + quality_control + damaged", persisted=True),
        nullable=False,
    ),
    Column("version", Integer, nullable=False, server_default=text("0")),
    UniqueConstraint("variant_id", "location_id"),
    Index("ix_stock_levels_location_id_id", "location_id", "id"),
    *_never_negative("available", "reserved", "allocated", "safety_stock", "quality_control", "damaged"),
)

stock_movements = Table(
    "stock_movements",
    metadata,
    _id(),
    _of("stock_level_id", "stock_levels"),
    _copy("variant_id"),
    _copy("location_id"),
    _text("kind"),
    Column("quantity", Integer, nullable=False),
    _text("from_bucket", nullable=True),
    Column("from_balance_after", Integer),
    _text("to_bucket", nullable=True),
    Column("to_balance_after", Integer),
    _text("act_type"),
    Column("act_id", Uuid, nullable=False),
    Column("line_id", Uuid),
    _of("reverses_id", "stock_movements", nullable=True, unique=True),
    _text("reason", nullable=True),
    _text("actor_kind"),
    _text("actor_name"),
    _at("occurred_at", nullable=False),
    _at("recorded_at", nullable=False),
    _one_of("kind", MovementKind),
    _one_of("from_bucket", Bucket),
    _one_of("to_bucket", Bucket),
    CheckConstraint("quantity > 0", name="quantity_positive"),
    CheckConstraint("from_bucket is distinct from to_bucket", name="moves"),
    CheckConstraint("(from_bucket is null) = (from_balance_after is null)", name="from_balance"),
    CheckConstraint("(to_bucket is null) = (to_balance_after is null)", name="to_balance"),
    UniqueConstraint(
        "act_id",
        "line_id",
        "stock_level_id",
        "kind",
        "from_bucket",
        "to_bucket",
        name="uq_stock_movements_once",
        postgresql_nulls_not_distinct=True,
    ),
    Index("ix_stock_movements_variant_id_recorded_at_id", "variant_id", "recorded_at", "id"),
    Index("ix_stock_movements_variant_id_location_id_recorded_at_id", "variant_id", "location_id", "recorded_at", "id"),
    Index("ix_stock_movements_location_id_recorded_at_id", "location_id", "recorded_at", "id"),
    *(
        Index(
            f"ix_stock_movements_stock_level_id_{side}_bucket",
            "stock_level_id",
            f"{side}_bucket",
            "recorded_at",
            "id",
            postgresql_where=text(f"{side}_bucket is not null"),
        )
        for side in ("from", "to")
    ),
    Index(
        "ix_stock_movements_unusual",
        "kind",
        "recorded_at",
        "id",
        postgresql_where=text("kind not in ('ALLOCATE', 'SHIP')"),
    ),
    Index("ix_stock_movements_recorded_at_id", "recorded_at", "id"),
)

stock_shortfalls = Table(
    "stock_shortfalls",
    metadata,
    _id(),
    _of("stock_level_id", "stock_levels"),
    _of("order_line_id", "order_lines", index=True),
    Column("quantity", Integer, nullable=False),
    _of("rerouted_to_id", "locations", nullable=True),
    Column("act_id", Uuid, nullable=False),
    _at("occurred_at", nullable=False),
    CheckConstraint("quantity > 0", name="quantity_positive"),
    Index("ix_stock_shortfalls_stock_level_id_occurred_at_id", "stock_level_id", "occurred_at", "id"),
)
"""Units that were promised and that a count did not find, and who ships them instead; only ever added."""

# -- supply: bought, moved, counted, awaited -------------------------------------------------------------------------

purchase_order_number = Sequence("purchase_order_number", start=100_001, metadata=metadata)
transfer_number = Sequence("transfer_number", start=100_001, metadata=metadata)
stock_count_number = Sequence("stock_count_number", start=100_001, metadata=metadata)

suppliers = Table(
    "suppliers",
    metadata,
    _id(),
    _text("code"),
    _text("name"),
    _text("email", nullable=True),
    _text("phone", nullable=True),
    Column("lead_time_days", Integer),
    _at("created_at", nullable=False),
    UniqueConstraint("code"),
    *_never_negative("lead_time_days"),
)

purchase_orders = Table(
    "purchase_orders",
    metadata,
    _id(),
    _text("number"),
    _of("supplier_id", "suppliers"),
    _of("location_id", "locations"),
    _text("status"),
    _text("currency"),
    _at("expected_at", nullable=False),
    _text("reference", nullable=True),
    _text("note", nullable=True),
    _at("created_at", nullable=False),
    _at("ordered_at"),
    _at("closed_at"),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("event_sequence", Integer, nullable=False, server_default=text("0")),
    UniqueConstraint("number"),
    _one_of("status", PurchaseOrderStatus),
    CheckConstraint("(closed_at is not null) = (status in ('RECEIVED', 'CANCELED'))", name="closed_at_when_ended"),
    CheckConstraint("ordered_at is not null or status in ('DRAFT', 'CANCELED')", name="ordered_at_when_ordered"),
    Index("ix_purchase_orders_expected_at_id", "expected_at", "id"),
    *(
        Index(f"ix_purchase_orders_{column}_expected_at_id", column, "expected_at", "id")
        for column in ("supplier_id", "location_id", "status")
    ),
)

purchase_order_lines = Table(
    "purchase_order_lines",
    metadata,
    _id(),
    _of("purchase_order_id", "purchase_orders"),
    Column("position", SmallInteger, nullable=False),
    _of("variant_id", "variants"),
    _text("sku"),
    _text("name"),
    Column("ordered", Integer, nullable=False),
    _count("received"),
    _count("damaged"),
    _count("canceled"),
    Column(
        "outstanding",
        Integer,
        Computed("greatest(ordered - received - damaged - canceled, 0)", persisted=True),
        nullable=False,
    ),
    _text("currency"),
    _minor("unit_cost_minor"),
    UniqueConstraint("purchase_order_id", "position"),
    CheckConstraint("ordered > 0", name="ordered_positive"),
    CheckConstraint("canceled <= ordered", name="canceled_at_most_ordered"),
    *_never_negative("received", "damaged", "canceled", "unit_cost_minor"),
    Index("ix_purchase_order_lines_variant_id", "variant_id"),
    Index("ix_purchase_order_lines_outstanding", "variant_id", postgresql_where=text("outstanding > 0")),
)
"""`outstanding` is on its way while its purchase order is ORDERED or PARTIALLY_RECEIVED; more than `ordered` may arrive."""

transfers = Table(
    "transfers",
    metadata,
    _id(),
    _text("number"),
    _of("from_location_id", "locations"),
    _of("to_location_id", "locations"),
    _text("status"),
    _at("expected_at", nullable=False),
    _text("note", nullable=True),
    _at("created_at", nullable=False),
    _at("shipped_at"),
    _at("closed_at"),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("event_sequence", Integer, nullable=False, server_default=text("0")),
    UniqueConstraint("number"),
    _one_of("status", TransferStatus),
    CheckConstraint("from_location_id <> to_location_id", name="moves"),
    CheckConstraint("(closed_at is not null) = (status in ('RECEIVED', 'CANCELED'))", name="closed_at_when_ended"),
    CheckConstraint("shipped_at is not null or status in ('DRAFT', 'CANCELED')", name="shipped_at_when_shipped"),
    Index("ix_transfers_expected_at_id", "expected_at", "id"),
    *(
        Index(f"ix_transfers_{column}_expected_at_id", column, "expected_at", "id")
        for column in ("from_location_id", "to_location_id", "status")
    ),
)

transfer_lines = Table(
    "transfer_lines",
    metadata,
    _id(),
    _of("transfer_id", "transfers"),
    Column("position", SmallInteger, nullable=False),
    _of("variant_id", "variants"),
    _text("sku"),
    _text("name"),
    Column("quantity", Integer, nullable=False),
    _count("shipped"),
    _count("received"),
    _count("damaged"),
    _count("missing"),
    Column("in_transit", Integer, Computed("shipped - received - damaged - missing", persisted=True), nullable=False),
    UniqueConstraint("transfer_id", "position"),
    CheckConstraint("quantity > 0", name="quantity_positive"),
    CheckConstraint("shipped <= quantity", name="shipped_at_most_planned"),
    *_never_negative("shipped", "received", "damaged", "missing", "in_transit"),
    Index("ix_transfer_lines_in_transit", "variant_id", postgresql_where=text("in_transit > 0")),
)
"""shipped = received + damaged + missing + in transit; what is in transit is on its way, and lies nowhere."""

goods_receipts = Table(
    "goods_receipts",
    metadata,
    _id(),
    _of("purchase_order_id", "purchase_orders", nullable=True),
    _of("transfer_id", "transfers", nullable=True),
    _of("location_id", "locations"),
    _text("reference", nullable=True),
    _at("received_at", nullable=False),
    _at("recorded_at", nullable=False),
    _text("actor_kind"),
    _text("actor_name"),
    CheckConstraint("(purchase_order_id is null) <> (transfer_id is null)", name="of_one_source"),
    Index("ix_goods_receipts_purchase_order_id_id", "purchase_order_id", "id"),
    Index("ix_goods_receipts_transfer_id_id", "transfer_id", "id"),
    Index("ix_goods_receipts_location_id", "location_id"),
)
"""One arrival of goods. What arrived are the ledger's entries that name it as their act."""

stock_counts = Table(
    "stock_counts",
    metadata,
    _id(),
    _text("number"),
    _of("location_id", "locations"),
    _text("status"),
    _text("note", nullable=True),
    _at("started_at", nullable=False),
    _at("closed_at"),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("event_sequence", Integer, nullable=False, server_default=text("0")),
    UniqueConstraint("number"),
    _one_of("status", StockCountStatus),
    CheckConstraint("(closed_at is null) = (status = 'OPEN')", name="closed_at_unless_open"),
    Index("ix_stock_counts_started_at_id", "started_at", "id"),
    *(
        Index(f"ix_stock_counts_{column}_started_at_id", column, "started_at", "id")
        for column in ("location_id", "status")
    ),
)

stock_count_lines = Table(
    "stock_count_lines",
    metadata,
    _id(),
    _of("stock_count_id", "stock_counts"),
    Column("position", Integer, nullable=False),
    _of("stock_level_id", "stock_levels", index=True),
    _copy("variant_id"),
    _text("sku"),
    _text("name"),
    Column("expected", Integer, nullable=False),
    Column("counted", Integer),
    _at("counted_at"),
    _text("counted_by_kind", nullable=True),
    _text("counted_by", nullable=True),
    Column("variance", Integer, Computed("counted - expected", persisted=True)),
    UniqueConstraint("stock_count_id", "position"),
    UniqueConstraint("stock_count_id", "stock_level_id"),
    CheckConstraint("(counted is null) = (counted_at is null)", name="counted_at_when_counted"),
    CheckConstraint("(counted is null) = (counted_by is null)", name="counted_by_somebody"),
    *_never_negative("expected", "counted"),
)
"""`expected` is what the books had on hand: at the start, and once it was counted, at the moment of the count."""

backorders = Table(
    "backorders",
    metadata,
    _id(),
    _of("order_line_id", "order_lines", index=True),
    _copy("order_id"),
    _of("variant_id", "variants", index=True),
    Column("quantity", Integer, nullable=False),
    _text("policy"),
    Column("limit_units", Integer),
    Column("waiting_after", Integer, nullable=False),
    _at("recorded_at", nullable=False),
    _one_of("policy", BackorderPolicy),
    CheckConstraint("policy <> 'NONE'", name="by_a_policy"),
    CheckConstraint("quantity > 0 and quantity <= waiting_after", name="quantity_positive"),
    CheckConstraint("waiting_after <= limit_units", name="within_the_limit"),
)
"""Units that began to wait: by which policy, and how many of the variant waited then, over all orders. Only ever added."""

backorder_fills = Table(
    "backorder_fills",
    metadata,
    _id(),
    _of("order_line_id", "order_lines", index=True),
    _copy("order_id"),
    _of("variant_id", "variants", index=True),
    Column("quantity", Integer, nullable=False),
    _of("routing_decision_id", "routing_decisions", index=True),
    _at("recorded_at", nullable=False),
    CheckConstraint("quantity > 0", name="quantity_positive"),
)
"""Units that waited no longer: supply was given to them by a routing decision. Only ever added."""

channel_thresholds = Table(
    "channel_thresholds",
    metadata,
    _id(),
    _of("channel_id", "channels"),
    _of("variant_id", "variants", nullable=True, index=True),
    Column("units", Integer, nullable=False),
    UniqueConstraint("channel_id", "variant_id", postgresql_nulls_not_distinct=True),
    *_never_negative("units"),
)
"""Units that a channel does not sell, though they are available: of one variant, or of any other where it is null."""

demand_days = Table(
    "demand_days",
    metadata,
    Column("variant_id", Uuid, primary_key=True),
    Column("location_id", Uuid, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("units", Integer, nullable=False),
    Index("ix_demand_days_location_id_day", "location_id", "day"),
)
"""Units of the orders placed on a day (in UTC) that were given to a location and not taken back: counted off the log."""

postal_areas = Table(
    "postal_areas",
    metadata,
    Column("country", Text, primary_key=True),
    Column("prefix", Text, primary_key=True),
    Column("addresses", BigInteger, nullable=False),
    Column("sum_latitude", Double, nullable=False),
    Column("sum_longitude", Double, nullable=False),
)
"""Where postal codes are that begin alike: the sums of what the addresses of past orders said. Counted off the log."""

public_holidays = Table(
    "public_holidays",
    metadata,
    Column("country", Text, primary_key=True),
    Column("subdivision", Text, primary_key=True),
    Column("day", Date, primary_key=True),
)
"""Days off by calendar, of this year and the next, for the calendars that locations go by; no part of a country is ''."""

views = MetaData()
"""What reads like a table and is none: nothing is written to it."""

incoming = Table(
    "incoming",
    views,
    Column("id", Uuid, primary_key=True),
    Column("source_type", Text, nullable=False),
    Column("source_id", Uuid, nullable=False),
    Column("variant_id", Uuid, nullable=False),
    Column("location_id", Uuid, nullable=False),
    _at("expected_at", nullable=False),
    Column("quantity", Integer, nullable=False),
)
"""Supply on its way: what is still to come of purchase orders that suppliers know of, and what is in transit."""
reservations = Table(
    "reservations",
    metadata,
    _id(),
    _of("channel_id", "channels"),
    _of("customer_id", "customers", nullable=True),
    _of("order_id", "orders", nullable=True),
    _text("holder"),
    _text("reference"),
    _text("status"),
    _at("created_at", nullable=False),
    _at("expires_at", nullable=False),
    _at("ended_at"),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("event_sequence", Integer, nullable=False, server_default=text("0")),
    _one_of("status", ReservationStatus),
    CheckConstraint("(ended_at is null) = (status = 'ACTIVE')", name="ended_at_when_ended"),
    CheckConstraint("(order_id is not null) = (status = 'CONSUMED')", name="order_when_consumed"),
    Index(
        "uq_reservations_active",
        "channel_id",
        "holder",
        "reference",
        unique=True,
        postgresql_where=text("status = 'ACTIVE'"),
    ),
    Index("ix_reservations_expires_at_id", "expires_at", "id", postgresql_where=text("status = 'ACTIVE'")),
    Index("ix_reservations_created_at_id", "created_at", "id"),
    *(
        Index(f"ix_reservations_{column}_created_at_id", column, "created_at", "id")
        for column in ("status", "reference", "holder", "customer_id", "order_id")
    ),
)
"""Stock held for carts. `holder` is the subject of whoever reserved: a reference is the holder's own."""

reservation_lines = Table(
    "reservation_lines",
    metadata,
    _id(),
    _of("reservation_id", "reservations", index=True),
    _of("stock_level_id", "stock_levels"),
    _copy("variant_id"),
    _copy("location_id"),
    _text("sku"),
    Column("quantity", Integer, nullable=False),
    Column("held", Integer, nullable=False),
    CheckConstraint("quantity > 0", name="quantity_positive"),
    CheckConstraint("held in (0, quantity)", name="held_whole_or_not"),
    Index("ix_reservation_lines_held", "variant_id", "reservation_id", postgresql_where=text("held > 0")),
)

# -- what goes wrong --------------------------------------------------------------------------------------------------

exceptions = Table(
    "exceptions",
    metadata,
    _id(),
    _text("kind"),
    _text("severity"),
    _text("subject_type"),
    Column("subject_id", Uuid, nullable=False, index=True),
    _of("order_id", "orders", nullable=True),
    _of("customer_id", "customers", nullable=True),
    _of("location_id", "locations", nullable=True),
    _of("channel_id", "channels", nullable=True),
    _at("detected_at", nullable=False),
    _at("due_at"),
    _text("explanation"),
    Column("suggested_actions", ARRAY(Text), nullable=False),
    _at("acknowledged_at"),
    _text("acknowledged_by_kind", nullable=True),
    _text("acknowledged_by", nullable=True),
    _text("note", nullable=True),
    _at("resolved_at"),
    _text("resolution", nullable=True),
    Column("event_sequence", Integer, nullable=False, server_default=text("0")),
    _one_of("kind", ExceptionKind),
    _one_of("severity", ExceptionSeverity),
    CheckConstraint("(resolved_at is null) = (resolution is null)", name="resolved_with_a_reason"),
    CheckConstraint("(acknowledged_at is null) = (acknowledged_by is null)", name="acknowledged_by_somebody"),
    Index("uq_exceptions_open", "kind", "subject_id", unique=True, postgresql_where=text("resolved_at is null")),
    Index("ix_exceptions_detected_at_id", "detected_at", "id"),
    *(
        Index(f"ix_exceptions_{column}_detected_at_id", column, "detected_at", "id")
        for column in ("kind", "severity", "order_id", "customer_id", "location_id", "channel_id")
    ),
    Index("ix_exceptions_open", "detected_at", "id", postgresql_where=text("resolved_at is null")),
    *(
        Index(f"ix_exceptions_open_{column}", column, "detected_at", "id", postgresql_where=text("resolved_at is null"))
        for column in ("kind", "location_id")
    ),
)
"""What somebody should look at; at most one open of a kind about the same thing."""

# -- the log, and what was already answered ---------------------------------------------------------------------------

event_ids = Sequence("events_id_seq", data_type=BigInteger, metadata=metadata)

events = Table(
    "events",
    metadata,
    Column("id", BigInteger, event_ids, server_default=event_ids.next_value(), primary_key=True),
    Column("epoch", Integer),
    Column("position", BigInteger),
    _text("type"),
    _text("subject_type"),
    Column("subject_id", Uuid, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("customer_id", Uuid),
    Column("order_id", Uuid),
    Column("location_id", Uuid),
    Column("channel_id", Uuid),
    Column("variant_id", Uuid),
    _text("actor_kind"),
    _text("actor_id"),
    _text("actor_name"),
    _text("message"),
    Column("data", JSONB, nullable=False),
    _at("occurred_at", nullable=False),
    _at("recorded_at", nullable=False),
    # Each partition has beside these what is unique in it: (subject_id, sequence) and (epoch, position). See `months`.
    Index("ix_events_unstamped", "id", postgresql_where=text("position is null")),
    Index(
        "ix_events_order_id_epoch_position",
        "order_id",
        "epoch",
        "position",
        postgresql_where=text("order_id is not null"),
    ),
    Index(
        "ix_events_customer_id_epoch_position",
        "customer_id",
        "epoch",
        "position",
        postgresql_where=text("customer_id is not null"),
    ),
    # What has no place yet is in none of these, so that only the stamper writes them, not whoever waits for an answer.
    Index("ix_events_type_epoch_position", "type", "epoch", "position", postgresql_where=text("position is not null")),
    *(
        Index(
            "_".join(("ix_events", *keys)),
            *keys,
            postgresql_where=text(f"{keys[0]} is not null and position is not null"),
        )
        for column in ("location_id", "channel_id")
        for keys in ((column, "epoch", "position"), (column, "type", "epoch", "position"))
    ),
    Index(
        "ix_events_variant_id_epoch_position",
        "variant_id",
        "epoch",
        "position",
        postgresql_where=text("variant_id is not null and position is not null"),
    ),
    postgresql_partition_by="RANGE (id)",
)

event_days = Table(
    "event_days",
    metadata,
    Column("day", Date, primary_key=True),
    Column("first_epoch", Integer, nullable=False),
    Column("first_position", BigInteger, nullable=False),
    Column("last_epoch", Integer, nullable=False),
    Column("last_position", BigInteger, nullable=False),
)
"""Where in the log the events lie that happened on a day (UTC). They may be told late, so it is no index of the log."""

event_head = Table(
    "event_head",
    metadata,
    Column("epoch", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("cluster", Text, nullable=False),
    Column("floor_epoch", Integer, nullable=False, server_default=text("0")),
    Column("floor_position", BigInteger, nullable=False, server_default=text("0")),
    _at("floor_recorded_at"),
    Column("singleton", Boolean, primary_key=True, server_default=text("true")),
    CheckConstraint("singleton", name="one_row"),
)

idempotency_claims = Table(
    "idempotency_claims",
    metadata,
    Column("actor", Text, primary_key=True),
    Column("mutation", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("answer", JSONB),
    _at("claimed_at", nullable=False),
    Index("ix_idempotency_claims_claimed_at", "claimed_at"),
)

# -- what customers are told ------------------------------------------------------------------------------------------

messages = Table(
    "messages",
    metadata,
    _id(),
    _text("kind"),
    _text("medium"),
    _text("status"),
    _text("cause_type"),
    Column("cause_id", Uuid, nullable=False),
    _of("order_id", "orders"),
    _copy("channel_id"),
    Column("customer_id", Uuid),
    _text("recipient", nullable=True),
    _text("locale", nullable=True),
    _text("subject", nullable=True),
    _text("reason", nullable=True),
    _at("created_at", nullable=False),
    _at("ended_at"),
    _one_of("kind", MessageKind),
    _one_of("medium", MessageMedium),
    _one_of("status", MessageStatus),
    CheckConstraint("(ended_at is null) = (status = 'PENDING')", name="ended_at_unless_pending"),
    # Of a cause, whoever may be reached by a medium is told a thing once; also nobody is "whoever".
    UniqueConstraint("cause_id", "kind", "medium", "recipient", postgresql_nulls_not_distinct=True),
    Index("ix_messages_order_id_created_at_id", "order_id", "created_at", "id"),
    Index("ix_messages_customer_id_created_at_id", "customer_id", "created_at", "id"),
)

message_opt_outs = Table(
    "message_opt_outs",
    metadata,
    _of("customer_id", "customers", primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("medium", Text, primary_key=True),
    _at("opted_out_at", nullable=False),
    _one_of("topic", MessageTopic),
    _one_of("medium", MessageMedium),
)
"""What customers do not want to be told; they are told everything else."""

# -- what is still to be done -----------------------------------------------------------------------------------------

jobs = Table(
    "jobs",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _text("kind"),
    Column("key", Text),
    Column("lane", Text),
    Column("payload", JSONB, nullable=False),
    Column("ready_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("lease", Uuid),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("error", Text),
    _at("dead_at"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Index("ix_jobs_kind_ready_at", "kind", "ready_at", postgresql_where=text("dead_at is null")),
    Index("ix_jobs_lane_id", "lane", "id", postgresql_where=text("lane is not null and dead_at is null")),
    Index("uq_jobs_kind_key", "kind", "key", unique=True, postgresql_where=text("key is not null and dead_at is null")),
)
"""What workers have to do. A job that is done is gone; one that will not be tried again stays, with its error."""

relays = Table(
    "relays",
    metadata,
    Column("name", Text, primary_key=True),
    Column("epoch", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
)
"""How far each of the log's readers has come."""

PASSING_NOW = _among("status", PASSING)
"""Items whose status ends by itself."""

work_items = Table(
    "work_items",
    metadata,
    _id(),
    _text("kind"),
    _text("queue"),
    _of("location_id", "locations", nullable=True),
    _text("status"),
    Column("priority", Integer, nullable=False, server_default=text("0")),
    _at("due_at"),
    Column("required_skills", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    _text("assigned_to", nullable=True),
    _text("subject_type", nullable=True),
    Column("subject_id", Uuid, index=True),
    Column("order_id", Uuid),
    Column("customer_id", Uuid),
    Column("channel_id", Uuid),
    Column("payload", JSONB),
    _text("note", nullable=True),
    _count("attempts"),
    Column("max_attempts", Integer, nullable=False),
    _at("ready_at", nullable=False),
    Column("lease", Uuid),
    _text("leased_by", nullable=True),
    _text("leased_by_kind", nullable=True),
    _text("leased_by_name", nullable=True),
    Column("result", JSONB),
    _text("failure", nullable=True),
    _at("created_at", nullable=False),
    _at("closed_at"),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("event_sequence", Integer, nullable=False, server_default=text("0")),
    Column("family", Text, Computed("split_part(queue, ':', 1)", persisted=True), nullable=False),
    Column(
        "urgency",
        Integer,
        Computed(
            f"case status when 'DEAD' then {RANK} when 'DONE' then {2 * RANK} else 0 end - priority", persisted=True
        ),
        nullable=False,
    ),
    Column(
        "due_by",
        DateTime(timezone=True),
        Computed(f"coalesce(due_at, '{NEVER_DUE}'::timestamptz)", persisted=True),
        nullable=False,
    ),
    _one_of("status", WorkItemStatus),
    CheckConstraint("(status = 'LEASED') = (lease is not null)", name="lease_while_leased"),
    CheckConstraint("(lease is null) = (leased_by is null)", name="leased_by_somebody"),
    CheckConstraint(f"(closed_at is not null) = ({_among('status', ENDED)})", name="closed_at_when_ended"),
    CheckConstraint("(subject_type is null) = (subject_id is null)", name="subject_has_a_type"),
    CheckConstraint("max_attempts > 0", name="max_attempts_positive"),
    *_never_negative("attempts"),
    *(
        Index("_".join(("ix_work_items", *narrowed, "urgency_due_by_id")), *narrowed, "urgency", "due_by", "id")
        for narrowed in ((), ("queue",), ("location_id",), ("kind",), ("family",))
    ),
    Index("ix_work_items_passing", "ready_at", postgresql_where=text(PASSING_NOW)),
)
"""What people and other systems have to do. It shares the leases with jobs, not the table: it is queried and kept.

`queue` is a name; `family` is what stands before its colon. `urgency` ranks: what is still to be done, what is dead, what
is done, each by priority. What is never due is due last.
"""

# -- who is told of events over HTTP ----------------------------------------------------------------------------------

webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    _id(),
    _text("url"),
    _text("description", nullable=True),
    _text("secret"),
    _text("previous_secret", nullable=True),
    _at("previous_secret_until"),
    Column("types", ARRAY(Text), nullable=False),
    _of("channel_id", "channels", nullable=True),
    _text("query", nullable=True),
    _text("format"),
    _text("status"),
    _text("disabled_reason", nullable=True),
    _at("disabled_at"),
    _count("failures"),
    _count("holds"),
    _at("held_until"),
    _text("owner_subject"),
    Column("owner", JSONB, nullable=False),
    _at("created_at", nullable=False),
    _one_of("format", WebhookFormat),
    _one_of("status", EndpointStatus),
    CheckConstraint("(status = 'FAILING') = (held_until is not null)", name="held"),
    Index("ix_webhook_endpoints_channel_id", "channel_id"),
    Index("ix_webhook_endpoints_owner_subject_id", "owner_subject", "id"),
)
"""`types` is empty for all of them. `failures` are those in a row, `holds` how often deliveries were held since one arrived.

`owner` is what the owner might see and do when the endpoint was made or last changed by them.
"""

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    _id(),
    _of("endpoint_id", "webhook_endpoints"),
    Column("event_id", BigInteger),
    _text("type"),
    Column("subject_id", Uuid),
    _text("status"),
    _count("attempts"),
    _count("tries"),
    Column("response_status", Integer),
    _text("error", nullable=True),
    _at("queued_at", nullable=False),
    _at("next_attempt_at"),
    _at("ended_at"),
    _one_of("status", DeliveryStatus),
    CheckConstraint("(status = 'PENDING') = (ended_at is null)", name="ended"),
    UniqueConstraint("endpoint_id", "event_id"),
    Index("ix_webhook_deliveries_endpoint_id_id", "endpoint_id", "id"),
    Index("ix_webhook_deliveries_endpoint_id_status_id", "endpoint_id", "status", "id"),
    Index("ix_webhook_deliveries_queued_at", "queued_at"),
)
"""One event for one endpoint; without an event, a ping. `attempts` counts all of them, `tries` those since `queued_at`."""

webhook_attempts = Table(
    "webhook_attempts",
    metadata,
    Column("delivery_id", Uuid, ForeignKey("webhook_deliveries.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    _at("began_at", nullable=False),
    Column("duration_ms", Integer, nullable=False),
    Column("response_status", Integer),
    _text("response_body", nullable=True),
    _text("error", nullable=True),
)
