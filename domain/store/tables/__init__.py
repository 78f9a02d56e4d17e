"""Every table, typed once, one file per noun: the compiler, the writers and the migrations' test all read this.

`from domain.store import tables as t` and then `t.orders`, in whichever file it is: all of them are named here.

Names are the words of the graph. Amounts are integer minor units (`_minor`) beside their currency. Ids are UUIDv7,
drawn by the process that inserts, so that an order's rows can be written by one statement.
"""

from domain.store.tables.catalog import channels, kit_components, products, shipping_prices, variant_prices, variants
from domain.store.tables.columns import metadata
from domain.store.tables.customers import customer_addresses, customer_notes, customers
from domain.store.tables.demand import demand_days, postal_areas
from domain.store.tables.events import event_days, event_head, events, idempotency_claims, relays
from domain.store.tables.exceptions import exceptions
from domain.store.tables.fulfillment import fulfillment_order_lines, fulfillment_orders
from domain.store.tables.messages import message_opt_outs, messages
from domain.store.tables.network import (
    carrier_rates,
    location_channels,
    location_costs,
    location_days,
    locations,
    public_holidays,
)
from domain.store.tables.orders import (
    order_adjustments,
    order_holds,
    order_lines,
    order_locations,
    order_tags,
    orders,
)
from domain.store.tables.payments import payments
from domain.store.tables.promises import promise_models
from domain.store.tables.reservations import reservation_lines, reservations
from domain.store.tables.returns import return_inspections, return_labels, return_lines, returns
from domain.store.tables.routing import (
    routing_capacity_prices,
    routing_decisions,
    routing_prices,
    routing_rulesets,
    routing_shadows,
    routing_simulations,
)
from domain.store.tables.shipments import invoices, package_lines, packages, shipment_lines, shipments, tracking_events
from domain.store.tables.stock import channel_thresholds, stock_levels, stock_movements, stock_shortfalls
from domain.store.tables.supply import (
    backorder_fills,
    backorders,
    goods_receipts,
    incoming,
    purchase_order_lines,
    purchase_orders,
    stock_count_lines,
    stock_counts,
    suppliers,
    transfer_lines,
    transfers,
)
from domain.store.tables.webhooks import webhook_attempts, webhook_deliveries, webhook_endpoints
from domain.store.tables.work import PASSING_NOW, RANK, jobs, work_items
