"""The spine: every table of an order's life.

Revision ID: 0001
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything."""
    for statement in SPINE.split(";\n\n"):
        op.execute(statement)
    op.execute("INSERT INTO event_head (epoch, position, cluster) VALUES (1, 0, '')")


def downgrade() -> None:
    """Nothing came before."""
    raise NotImplementedError("the first step cannot be undone; drop the database instead")


SPINE = """
CREATE SEQUENCE order_number START WITH 100001;

CREATE SEQUENCE return_number START WITH 100001;

CREATE TABLE channels (
    id UUID NOT NULL,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    currency TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    return_window_days INTEGER DEFAULT 30 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_channels PRIMARY KEY (id),
    CONSTRAINT uq_channels_code UNIQUE (code),
    CONSTRAINT ck_channels_return_window_days_never_negative CHECK (return_window_days >= 0)
);

CREATE TABLE locations (
    id UUID NOT NULL,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    line1 TEXT,
    line2 TEXT,
    city TEXT,
    region TEXT,
    postal_code TEXT,
    country TEXT,
    latitude DOUBLE PRECISION,
    longitude DOUBLE PRECISION,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_locations PRIMARY KEY (id),
    CONSTRAINT uq_locations_code UNIQUE (code),
    CONSTRAINT ck_locations_kind CHECK (kind in ('WAREHOUSE', 'STORE', 'SUPPLIER', 'THIRD_PARTY'))
);

CREATE TABLE products (
    id UUID NOT NULL,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    category TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_products PRIMARY KEY (id),
    CONSTRAINT uq_products_code UNIQUE (code)
);

CREATE TABLE customers (
    id UUID NOT NULL,
    kind TEXT NOT NULL,
    email TEXT,
    first_name TEXT,
    last_name TEXT,
    display_name TEXT NOT NULL,
    phone TEXT,
    tags TEXT[] DEFAULT '{}' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_customers PRIMARY KEY (id),
    CONSTRAINT ck_customers_kind CHECK (kind in ('REGISTERED', 'GUEST', 'MERGED', 'ERASED'))
);

CREATE TABLE events (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    epoch INTEGER,
    position BIGINT,
    type TEXT NOT NULL,
    subject_type TEXT NOT NULL,
    subject_id UUID NOT NULL,
    sequence INTEGER NOT NULL,
    customer_id UUID,
    order_id UUID,
    location_id UUID,
    channel_id UUID,
    actor_kind TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    actor_name TEXT NOT NULL,
    message TEXT NOT NULL,
    data JSONB NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_events PRIMARY KEY (id),
    CONSTRAINT uq_events_subject_id_sequence UNIQUE (subject_id, sequence)
);

CREATE TABLE event_head (
    epoch INTEGER NOT NULL,
    position BIGINT NOT NULL,
    cluster TEXT NOT NULL,
    singleton BOOLEAN DEFAULT true NOT NULL,
    CONSTRAINT pk_event_head PRIMARY KEY (singleton),
    CONSTRAINT ck_event_head_one_row CHECK (singleton)
);

CREATE TABLE idempotency_claims (
    actor TEXT NOT NULL,
    mutation TEXT NOT NULL,
    key TEXT NOT NULL,
    digest TEXT NOT NULL,
    answer JSONB,
    claimed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_idempotency_claims PRIMARY KEY (actor, mutation, key)
);

CREATE TABLE location_channels (
    location_id UUID NOT NULL,
    channel_id UUID NOT NULL,
    CONSTRAINT pk_location_channels PRIMARY KEY (location_id, channel_id)
);

CREATE TABLE variants (
    id UUID NOT NULL,
    product_id UUID NOT NULL,
    sku TEXT NOT NULL,
    name TEXT NOT NULL,
    weight_grams INTEGER,
    length_mm INTEGER,
    width_mm INTEGER,
    height_mm INTEGER,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_variants PRIMARY KEY (id),
    CONSTRAINT uq_variants_sku UNIQUE (sku),
    CONSTRAINT ck_variants_weight_grams_never_negative CHECK (weight_grams >= 0),
    CONSTRAINT ck_variants_length_mm_never_negative CHECK (length_mm >= 0),
    CONSTRAINT ck_variants_width_mm_never_negative CHECK (width_mm >= 0),
    CONSTRAINT ck_variants_height_mm_never_negative CHECK (height_mm >= 0)
);

CREATE TABLE customer_addresses (
    id UUID NOT NULL,
    customer_id UUID NOT NULL,
    line1 TEXT,
    line2 TEXT,
    city TEXT,
    region TEXT,
    postal_code TEXT,
    country TEXT,
    is_default BOOLEAN DEFAULT false NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_customer_addresses PRIMARY KEY (id)
);

CREATE TABLE orders (
    id UUID NOT NULL,
    number TEXT NOT NULL,
    channel_id UUID NOT NULL,
    customer_id UUID,
    external_reference TEXT,
    status TEXT NOT NULL,
    payment_status TEXT NOT NULL,
    fulfillment_status TEXT NOT NULL,
    return_status TEXT NOT NULL,
    currency TEXT NOT NULL,
    subtotal_minor BIGINT NOT NULL,
    discount_minor BIGINT NOT NULL,
    shipping_minor BIGINT NOT NULL,
    tax_minor BIGINT NOT NULL,
    total_minor BIGINT NOT NULL,
    email TEXT,
    phone TEXT,
    first_name TEXT,
    last_name TEXT,
    line1 TEXT,
    line2 TEXT,
    city TEXT,
    region TEXT,
    postal_code TEXT,
    country TEXT,
    latitude DOUBLE PRECISION,
    longitude DOUBLE PRECISION,
    note TEXT,
    tags TEXT[] DEFAULT '{}' NOT NULL,
    on_hold BOOLEAN DEFAULT false NOT NULL,
    deliver_by_earliest TIMESTAMP WITH TIME ZONE,
    deliver_by_latest TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    placed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    confirmed_at TIMESTAMP WITH TIME ZONE,
    canceled_at TIMESTAMP WITH TIME ZONE,
    completed_at TIMESTAMP WITH TIME ZONE,
    cancel_reason TEXT,
    version INTEGER DEFAULT 1 NOT NULL,
    event_sequence INTEGER DEFAULT 0 NOT NULL,
    CONSTRAINT pk_orders PRIMARY KEY (id),
    CONSTRAINT uq_orders_number UNIQUE (number),
    CONSTRAINT uq_orders_channel_id_external_reference UNIQUE (channel_id, external_reference),
    CONSTRAINT ck_orders_status CHECK (status in ('DRAFT', 'PENDING', 'CONFIRMED', 'IN_FULFILLMENT', 'COMPLETED', 'CANCELED', 'EXPIRED')),
    CONSTRAINT ck_orders_payment_status CHECK (payment_status in ('CHARGED_BACK', 'OVERPAID', 'REFUNDED', 'PARTIALLY_REFUNDED', 'PAID', 'PARTIALLY_PAID', 'AUTHORIZED', 'VOIDED', 'NONE')),
    CONSTRAINT ck_orders_fulfillment_status CHECK (fulfillment_status in ('UNFULFILLED', 'PARTIALLY_FULFILLED', 'FULFILLED')),
    CONSTRAINT ck_orders_return_status CHECK (return_status in ('NONE', 'REQUESTED', 'PARTIALLY_RETURNED', 'RETURNED')),
    CONSTRAINT ck_orders_canceled_at_iff_canceled CHECK ((canceled_at is not null) = (status = 'CANCELED')),
    CONSTRAINT ck_orders_completed_at_iff_completed CHECK ((completed_at is not null) = (status = 'COMPLETED')),
    CONSTRAINT ck_orders_total_is_the_sum CHECK (total_minor = subtotal_minor - discount_minor + shipping_minor + tax_minor)
);

CREATE TABLE variant_prices (
    variant_id UUID NOT NULL,
    channel_id UUID NOT NULL,
    currency TEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    CONSTRAINT pk_variant_prices PRIMARY KEY (variant_id, channel_id, currency),
    CONSTRAINT ck_variant_prices_amount_minor_never_negative CHECK (amount_minor >= 0)
);

CREATE TABLE order_lines (
    id UUID NOT NULL,
    order_id UUID NOT NULL,
    position SMALLINT NOT NULL,
    kit_line_id UUID,
    variant_id UUID NOT NULL,
    sku TEXT NOT NULL,
    name TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    open INTEGER DEFAULT 0 NOT NULL,
    backordered INTEGER DEFAULT 0 NOT NULL,
    allocated INTEGER DEFAULT 0 NOT NULL,
    picked INTEGER DEFAULT 0 NOT NULL,
    shipped INTEGER DEFAULT 0 NOT NULL,
    delivered INTEGER DEFAULT 0 NOT NULL,
    canceled INTEGER DEFAULT 0 NOT NULL,
    returned INTEGER DEFAULT 0 NOT NULL,
    in_open_returns INTEGER DEFAULT 0 NOT NULL,
    currency TEXT NOT NULL,
    unit_price_minor BIGINT NOT NULL,
    total_minor BIGINT NOT NULL,
    delivered_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_order_lines PRIMARY KEY (id),
    CONSTRAINT uq_order_lines_order_id_position UNIQUE (order_id, position),
    CONSTRAINT ck_order_lines_quantity_positive CHECK (quantity > 0),
    CONSTRAINT ck_order_lines_quantities_sum CHECK (quantity = open + backordered + allocated + picked + shipped + canceled),
    CONSTRAINT ck_order_lines_delivered_at_most_shipped CHECK (delivered <= shipped),
    CONSTRAINT ck_order_lines_returned_at_most_delivered CHECK (returned + in_open_returns <= delivered),
    CONSTRAINT ck_order_lines_total_is_the_product CHECK (total_minor = quantity * unit_price_minor),
    CONSTRAINT ck_order_lines_open_never_negative CHECK (open >= 0),
    CONSTRAINT ck_order_lines_backordered_never_negative CHECK (backordered >= 0),
    CONSTRAINT ck_order_lines_allocated_never_negative CHECK (allocated >= 0),
    CONSTRAINT ck_order_lines_picked_never_negative CHECK (picked >= 0),
    CONSTRAINT ck_order_lines_shipped_never_negative CHECK (shipped >= 0),
    CONSTRAINT ck_order_lines_delivered_never_negative CHECK (delivered >= 0),
    CONSTRAINT ck_order_lines_canceled_never_negative CHECK (canceled >= 0),
    CONSTRAINT ck_order_lines_returned_never_negative CHECK (returned >= 0),
    CONSTRAINT ck_order_lines_in_open_returns_never_negative CHECK (in_open_returns >= 0)
);

CREATE TABLE order_holds (
    id UUID NOT NULL,
    order_id UUID NOT NULL,
    kind TEXT NOT NULL,
    reason TEXT NOT NULL,
    placed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    placed_by_kind TEXT NOT NULL,
    placed_by TEXT NOT NULL,
    released_at TIMESTAMP WITH TIME ZONE,
    released_by TEXT,
    CONSTRAINT pk_order_holds PRIMARY KEY (id),
    CONSTRAINT ck_order_holds_kind CHECK (kind in ('ADDRESS', 'FRAUD', 'PAYMENT', 'CUSTOMER', 'MANUAL'))
);

CREATE TABLE order_adjustments (
    id UUID NOT NULL,
    order_id UUID NOT NULL,
    kind TEXT NOT NULL,
    reason TEXT,
    amount_minor BIGINT NOT NULL,
    currency TEXT NOT NULL,
    act_id UUID NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_order_adjustments PRIMARY KEY (id),
    CONSTRAINT ck_order_adjustments_kind CHECK (kind in ('ITEMS', 'SHIPPING', 'TAX', 'CANCELLATION', 'RETURN', 'GOODWILL')),
    CONSTRAINT ck_order_adjustments_charges_add_and_credits_take CHECK ((kind in ('ITEMS', 'SHIPPING', 'TAX')) = (amount_minor >= 0)),
    CONSTRAINT uq_order_adjustments_act_id_order_id_kind UNIQUE (act_id, order_id, kind)
);

CREATE TABLE routing_decisions (
    id UUID NOT NULL,
    order_id UUID NOT NULL,
    strategy TEXT NOT NULL,
    currency TEXT NOT NULL,
    chosen JSONB NOT NULL,
    candidates JSONB NOT NULL,
    unfilled JSONB NOT NULL,
    decided_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_routing_decisions PRIMARY KEY (id)
);

CREATE TABLE returns (
    id UUID NOT NULL,
    number TEXT NOT NULL,
    order_id UUID NOT NULL,
    channel_id UUID NOT NULL,
    customer_id UUID,
    location_id UUID,
    method TEXT NOT NULL,
    status TEXT NOT NULL,
    currency TEXT NOT NULL,
    decline_reason TEXT,
    receipt_url TEXT,
    estimated_refund_minor BIGINT NOT NULL,
    requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
    approved_at TIMESTAMP WITH TIME ZONE,
    received_at TIMESTAMP WITH TIME ZONE,
    closed_at TIMESTAMP WITH TIME ZONE,
    expires_at TIMESTAMP WITH TIME ZONE,
    version INTEGER DEFAULT 1 NOT NULL,
    event_sequence INTEGER DEFAULT 0 NOT NULL,
    CONSTRAINT pk_returns PRIMARY KEY (id),
    CONSTRAINT uq_returns_number UNIQUE (number),
    CONSTRAINT ck_returns_method CHECK (method in ('MAIL', 'IN_STORE')),
    CONSTRAINT ck_returns_status CHECK (status in ('REQUESTED', 'APPROVED', 'DECLINED', 'IN_TRANSIT', 'PARTIALLY_RECEIVED', 'RECEIVED', 'CLOSED', 'CANCELED', 'EXPIRED'))
);

CREATE TABLE stock_levels (
    id UUID NOT NULL,
    variant_id UUID NOT NULL,
    location_id UUID NOT NULL,
    available INTEGER DEFAULT 0 NOT NULL,
    reserved INTEGER DEFAULT 0 NOT NULL,
    allocated INTEGER DEFAULT 0 NOT NULL,
    safety_stock INTEGER DEFAULT 0 NOT NULL,
    quality_control INTEGER DEFAULT 0 NOT NULL,
    damaged INTEGER DEFAULT 0 NOT NULL,
    on_hand INTEGER GENERATED ALWAYS AS (available + reserved + allocated + safety_stock + quality_control + damaged) STORED NOT NULL,
    version INTEGER DEFAULT 0 NOT NULL,
    CONSTRAINT pk_stock_levels PRIMARY KEY (id),
    CONSTRAINT uq_stock_levels_variant_id_location_id UNIQUE (variant_id, location_id),
    CONSTRAINT ck_stock_levels_available_never_negative CHECK (available >= 0),
    CONSTRAINT ck_stock_levels_reserved_never_negative CHECK (reserved >= 0),
    CONSTRAINT ck_stock_levels_allocated_never_negative CHECK (allocated >= 0),
    CONSTRAINT ck_stock_levels_safety_stock_never_negative CHECK (safety_stock >= 0),
    CONSTRAINT ck_stock_levels_quality_control_never_negative CHECK (quality_control >= 0),
    CONSTRAINT ck_stock_levels_damaged_never_negative CHECK (damaged >= 0)
);

CREATE TABLE payments (
    id UUID NOT NULL,
    order_id UUID NOT NULL,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    provider TEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    currency TEXT NOT NULL,
    request_id UUID,
    parent_id UUID,
    method TEXT,
    reference TEXT,
    last4 TEXT,
    failure TEXT,
    reason TEXT,
    note TEXT,
    return_id UUID,
    destination TEXT,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_payments PRIMARY KEY (id),
    CONSTRAINT ck_payments_kind CHECK (kind in ('AUTHORIZATION', 'CAPTURE', 'VOID', 'REFUND', 'CHARGEBACK')),
    CONSTRAINT ck_payments_status CHECK (status in ('REQUESTED', 'SUCCEEDED', 'FAILED')),
    CONSTRAINT ck_payments_amount_positive CHECK (amount_minor > 0)
);

CREATE TABLE fulfillment_orders (
    id UUID NOT NULL,
    order_id UUID NOT NULL,
    location_id UUID NOT NULL,
    routing_decision_id UUID,
    split_from_id UUID,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    service TEXT,
    priority INTEGER DEFAULT 0 NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    accepted_at TIMESTAMP WITH TIME ZONE,
    packed_at TIMESTAMP WITH TIME ZONE,
    ready_at TIMESTAMP WITH TIME ZONE,
    collect_before TIMESTAMP WITH TIME ZONE,
    pickup_code TEXT,
    shipped_at TIMESTAMP WITH TIME ZONE,
    closed_at TIMESTAMP WITH TIME ZONE,
    version INTEGER DEFAULT 1 NOT NULL,
    event_sequence INTEGER DEFAULT 0 NOT NULL,
    CONSTRAINT pk_fulfillment_orders PRIMARY KEY (id),
    CONSTRAINT ck_fulfillment_orders_kind CHECK (kind in ('DELIVERY', 'PICKUP')),
    CONSTRAINT ck_fulfillment_orders_status CHECK (status in ('SCHEDULED', 'OPEN', 'ACCEPTED', 'PICKING', 'PACKED', 'READY_FOR_PICKUP', 'SHIPPED', 'PICKED_UP', 'REJECTED', 'CANCELED'))
);

CREATE TABLE return_lines (
    id UUID NOT NULL,
    return_id UUID NOT NULL,
    order_line_id UUID NOT NULL,
    quantity INTEGER NOT NULL,
    reason TEXT NOT NULL,
    comment TEXT,
    received_quantity INTEGER DEFAULT 0 NOT NULL,
    inspected_quantity INTEGER DEFAULT 0 NOT NULL,
    CONSTRAINT pk_return_lines PRIMARY KEY (id),
    CONSTRAINT ck_return_lines_reason CHECK (reason in ('DOES_NOT_FIT', 'DEFECTIVE', 'NOT_AS_DESCRIBED', 'WRONG_ITEM', 'CHANGED_MIND', 'ARRIVED_LATE', 'OTHER')),
    CONSTRAINT ck_return_lines_quantity_positive CHECK (quantity > 0),
    CONSTRAINT ck_return_lines_received_at_most_expected CHECK (received_quantity between 0 and quantity),
    CONSTRAINT ck_return_lines_inspected_at_most_received CHECK (inspected_quantity between 0 and received_quantity)
);

CREATE TABLE return_labels (
    id UUID NOT NULL,
    return_id UUID NOT NULL,
    carrier TEXT NOT NULL,
    tracking_number TEXT NOT NULL,
    url TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_return_labels PRIMARY KEY (id)
);

CREATE TABLE stock_movements (
    id UUID NOT NULL,
    stock_level_id UUID NOT NULL,
    variant_id UUID NOT NULL,
    location_id UUID NOT NULL,
    kind TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    from_bucket TEXT,
    from_balance_after INTEGER,
    to_bucket TEXT,
    to_balance_after INTEGER,
    act_type TEXT NOT NULL,
    act_id UUID NOT NULL,
    line_id UUID,
    reverses_id UUID,
    reason TEXT,
    actor_kind TEXT NOT NULL,
    actor_name TEXT NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_stock_movements PRIMARY KEY (id),
    CONSTRAINT ck_stock_movements_kind CHECK (kind in ('RECEIVE', 'ADJUST', 'COUNT', 'RESERVE', 'RELEASE', 'ALLOCATE', 'DEALLOCATE', 'SHIP', 'RETURN_RECEIVE', 'REDISPOSE', 'TRANSFER_OUT', 'TRANSFER_IN', 'REVERSAL')),
    CONSTRAINT ck_stock_movements_from_bucket CHECK (from_bucket in ('AVAILABLE', 'RESERVED', 'ALLOCATED', 'SAFETY_STOCK', 'QUALITY_CONTROL', 'DAMAGED')),
    CONSTRAINT ck_stock_movements_to_bucket CHECK (to_bucket in ('AVAILABLE', 'RESERVED', 'ALLOCATED', 'SAFETY_STOCK', 'QUALITY_CONTROL', 'DAMAGED')),
    CONSTRAINT ck_stock_movements_quantity_positive CHECK (quantity > 0),
    CONSTRAINT ck_stock_movements_moves CHECK (from_bucket is distinct from to_bucket),
    CONSTRAINT ck_stock_movements_from_balance CHECK ((from_bucket is null) = (from_balance_after is null)),
    CONSTRAINT ck_stock_movements_to_balance CHECK ((to_bucket is null) = (to_balance_after is null)),
    CONSTRAINT uq_stock_movements_once UNIQUE NULLS NOT DISTINCT (act_id, line_id, stock_level_id, kind, from_bucket, to_bucket),
    CONSTRAINT uq_stock_movements_reverses_id UNIQUE (reverses_id)
);

CREATE TABLE fulfillment_order_lines (
    id UUID NOT NULL,
    fulfillment_order_id UUID NOT NULL,
    order_line_id UUID NOT NULL,
    stock_level_id UUID NOT NULL,
    variant_id UUID NOT NULL,
    location_id UUID NOT NULL,
    sku TEXT NOT NULL,
    name TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    picked INTEGER DEFAULT 0 NOT NULL,
    short INTEGER DEFAULT 0 NOT NULL,
    shipped INTEGER DEFAULT 0 NOT NULL,
    canceled INTEGER DEFAULT 0 NOT NULL,
    held INTEGER GENERATED ALWAYS AS (quantity - short - shipped - canceled) STORED NOT NULL,
    CONSTRAINT pk_fulfillment_order_lines PRIMARY KEY (id),
    CONSTRAINT ck_fulfillment_order_lines_quantity_never_negative CHECK (quantity >= 0),
    CONSTRAINT ck_fulfillment_order_lines_picked_never_negative CHECK (picked >= 0),
    CONSTRAINT ck_fulfillment_order_lines_short_never_negative CHECK (short >= 0),
    CONSTRAINT ck_fulfillment_order_lines_shipped_never_negative CHECK (shipped >= 0),
    CONSTRAINT ck_fulfillment_order_lines_canceled_never_negative CHECK (canceled >= 0),
    CONSTRAINT ck_fulfillment_order_lines_held_never_negative CHECK (held >= 0),
    CONSTRAINT ck_fulfillment_order_lines_picked_at_most_asked CHECK (picked + short + canceled <= quantity),
    CONSTRAINT ck_fulfillment_order_lines_shipped_at_most_picked CHECK (shipped <= picked)
);

CREATE TABLE shipments (
    id UUID NOT NULL,
    order_id UUID NOT NULL,
    fulfillment_order_id UUID NOT NULL,
    location_id UUID NOT NULL,
    status TEXT NOT NULL,
    carrier TEXT NOT NULL,
    service TEXT,
    estimated_delivery TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    handed_over_at TIMESTAMP WITH TIME ZONE,
    delivered_at TIMESTAMP WITH TIME ZONE,
    version INTEGER DEFAULT 1 NOT NULL,
    event_sequence INTEGER DEFAULT 0 NOT NULL,
    CONSTRAINT pk_shipments PRIMARY KEY (id),
    CONSTRAINT ck_shipments_status CHECK (status in ('CREATED', 'LABELED', 'HANDED_OVER', 'IN_TRANSIT', 'OUT_FOR_DELIVERY', 'DELIVERED', 'RETURNED_TO_SENDER', 'LOST', 'CANCELED')),
    CONSTRAINT ck_shipments_delivered_at_when_delivered CHECK ((delivered_at is not null) >= (status = 'DELIVERED'))
);

CREATE TABLE return_inspections (
    id UUID NOT NULL,
    return_line_id UUID NOT NULL,
    quantity INTEGER NOT NULL,
    condition TEXT NOT NULL,
    disposition TEXT NOT NULL,
    inspected_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_return_inspections PRIMARY KEY (id),
    CONSTRAINT ck_return_inspections_condition CHECK (condition in ('UNOPENED', 'LIKE_NEW', 'OPENED', 'USED', 'DAMAGED')),
    CONSTRAINT ck_return_inspections_disposition CHECK (disposition in ('RESTOCK', 'REFURBISH', 'QUARANTINE', 'RETURN_TO_VENDOR', 'DAMAGED', 'DISPOSE', 'MISSING')),
    CONSTRAINT ck_return_inspections_quantity_positive CHECK (quantity > 0)
);

CREATE TABLE shipment_lines (
    id UUID NOT NULL,
    shipment_id UUID NOT NULL,
    order_line_id UUID NOT NULL,
    fulfillment_order_line_id UUID NOT NULL,
    quantity INTEGER NOT NULL,
    CONSTRAINT pk_shipment_lines PRIMARY KEY (id),
    CONSTRAINT ck_shipment_lines_quantity_positive CHECK (quantity > 0)
);

CREATE TABLE packages (
    id UUID NOT NULL,
    fulfillment_order_id UUID NOT NULL,
    shipment_id UUID,
    weight_grams INTEGER,
    length_mm INTEGER,
    width_mm INTEGER,
    height_mm INTEGER,
    carrier TEXT,
    tracking_number TEXT,
    tracking_url TEXT,
    label_url TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_packages PRIMARY KEY (id)
);

CREATE TABLE invoices (
    id UUID NOT NULL,
    number TEXT NOT NULL,
    order_id UUID NOT NULL,
    shipment_id UUID,
    total_minor BIGINT NOT NULL,
    currency TEXT NOT NULL,
    pdf_url TEXT,
    issued_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_invoices PRIMARY KEY (id),
    CONSTRAINT uq_invoices_number UNIQUE (number)
);

CREATE TABLE package_lines (
    id UUID NOT NULL,
    package_id UUID NOT NULL,
    fulfillment_order_line_id UUID NOT NULL,
    quantity INTEGER NOT NULL,
    CONSTRAINT pk_package_lines PRIMARY KEY (id),
    CONSTRAINT ck_package_lines_quantity_positive CHECK (quantity > 0)
);

CREATE TABLE tracking_events (
    id UUID NOT NULL,
    shipment_id UUID NOT NULL,
    package_id UUID,
    code TEXT NOT NULL,
    message TEXT,
    place TEXT,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_tracking_events PRIMARY KEY (id),
    CONSTRAINT ck_tracking_events_code CHECK (code in ('INFO_RECEIVED', 'PICKED_UP', 'IN_TRANSIT', 'OUT_FOR_DELIVERY', 'ATTEMPTED', 'DELIVERED', 'EXCEPTION', 'RETURNED'))
);

CREATE INDEX ix_customers_created_at_id ON customers (created_at, id);

CREATE UNIQUE INDEX uq_customers_email ON customers (lower(email)) WHERE kind in ('REGISTERED', 'GUEST');

CREATE INDEX ix_events_customer_id_epoch_position ON events (customer_id, epoch, position) WHERE customer_id is not null;

CREATE INDEX ix_events_order_id_epoch_position ON events (order_id, epoch, position) WHERE order_id is not null;

CREATE INDEX ix_events_unstamped ON events (id) WHERE position is null;

CREATE UNIQUE INDEX uq_events_epoch_position ON events (epoch, position);

CREATE INDEX ix_idempotency_claims_claimed_at ON idempotency_claims (claimed_at);

CREATE INDEX ix_location_channels_channel_id ON location_channels (channel_id);

CREATE INDEX ix_variants_product_id ON variants (product_id);

CREATE INDEX ix_customer_addresses_customer_id ON customer_addresses (customer_id);

CREATE INDEX ix_orders_channel_id_placed_at_id ON orders (channel_id, placed_at, id);

CREATE INDEX ix_orders_customer_id_placed_at_id ON orders (customer_id, placed_at, id);

CREATE INDEX ix_orders_email ON orders (lower(email));

CREATE INDEX ix_orders_external_reference ON orders (external_reference);

CREATE INDEX ix_orders_phone ON orders (phone);

CREATE INDEX ix_orders_placed_at_id ON orders (placed_at, id);

CREATE INDEX ix_order_lines_kit_line_id ON order_lines (kit_line_id) WHERE kit_line_id is not null;

CREATE INDEX ix_order_lines_variant_id ON order_lines (variant_id);

CREATE INDEX ix_order_holds_order_id ON order_holds (order_id);

CREATE INDEX ix_order_adjustments_order_id ON order_adjustments (order_id);

CREATE INDEX ix_routing_decisions_order_id ON routing_decisions (order_id);

CREATE INDEX ix_returns_customer_id_requested_at_id ON returns (customer_id, requested_at, id);

CREATE INDEX ix_returns_order_id ON returns (order_id);

CREATE INDEX ix_returns_requested_at_id ON returns (requested_at, id);

CREATE INDEX ix_stock_levels_location_id ON stock_levels (location_id);

CREATE INDEX ix_payments_order_id ON payments (order_id);

CREATE INDEX ix_payments_request_id ON payments (request_id);

CREATE INDEX ix_payments_return_id ON payments (return_id);

CREATE UNIQUE INDEX uq_payments_settled_once ON payments (request_id) WHERE request_id is not null;

CREATE INDEX ix_fulfillment_orders_due_at_id ON fulfillment_orders (due_at, id);

CREATE INDEX ix_fulfillment_orders_location_id_status_due_at_id ON fulfillment_orders (location_id, status, due_at, id);

CREATE INDEX ix_fulfillment_orders_order_id ON fulfillment_orders (order_id);

CREATE INDEX ix_return_lines_order_line_id ON return_lines (order_line_id);

CREATE INDEX ix_return_lines_return_id ON return_lines (return_id);

CREATE INDEX ix_return_labels_return_id ON return_labels (return_id);

CREATE INDEX ix_stock_movements_recorded_at_id ON stock_movements (recorded_at, id);

CREATE INDEX ix_stock_movements_stock_level_id ON stock_movements (stock_level_id);

CREATE INDEX ix_stock_movements_variant_id_recorded_at_id ON stock_movements (variant_id, recorded_at, id);

CREATE INDEX ix_fulfillment_order_lines_fulfillment_order_id ON fulfillment_order_lines (fulfillment_order_id);

CREATE INDEX ix_fulfillment_order_lines_order_line_id ON fulfillment_order_lines (order_line_id);

CREATE INDEX ix_fulfillment_order_lines_stock_level_id ON fulfillment_order_lines (stock_level_id);

CREATE INDEX ix_shipments_fulfillment_order_id ON shipments (fulfillment_order_id);

CREATE INDEX ix_shipments_order_id ON shipments (order_id);

CREATE INDEX ix_return_inspections_return_line_id ON return_inspections (return_line_id);

CREATE INDEX ix_shipment_lines_order_line_id ON shipment_lines (order_line_id);

CREATE INDEX ix_shipment_lines_shipment_id ON shipment_lines (shipment_id);

CREATE INDEX ix_packages_fulfillment_order_id ON packages (fulfillment_order_id);

CREATE INDEX ix_packages_shipment_id ON packages (shipment_id);

CREATE UNIQUE INDEX uq_packages_tracking_number_carrier ON packages (tracking_number, carrier);

CREATE INDEX ix_invoices_order_id ON invoices (order_id);

CREATE INDEX ix_invoices_shipment_id ON invoices (shipment_id);

CREATE INDEX ix_package_lines_package_id ON package_lines (package_id);

CREATE INDEX ix_tracking_events_shipment_id_occurred_at ON tracking_events (shipment_id, occurred_at)
"""
