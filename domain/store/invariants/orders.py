"""Orders: units and amounts add up, and every status that is derived is what it is derived from."""

from domain.store.invariants import Invariant

LINE_UNITS_SUM = Invariant(
    "line_units_sum",
    "Per order line: ordered = open + backordered + allocated + picked + shipped + canceled, none below zero.",
    """
    select 'OrderLine', id, quantity::text,
           concat_ws(' + ', open, backordered, allocated, picked, shipped, canceled)
    from order_lines
    where quantity <> open + backordered + allocated + picked + shipped + canceled or quantity < 1
       or least(open, backordered, allocated, picked, shipped, canceled, delivered, returned, in_open_returns) < 0
    """,
)

DELIVERED_AT_MOST_SHIPPED = Invariant(
    "delivered_at_most_shipped",
    "No more of a line was delivered than shipped.",
    "select 'OrderLine', id, 'at most ' || shipped, delivered::text from order_lines where delivered > shipped",
)

RETURNED_AT_MOST_DELIVERED = Invariant(
    "returned_at_most_delivered",
    "No more of a line came back, or is announced to, than was delivered.",
    """
    select 'OrderLine', id, 'at most ' || delivered, returned || ' returned, ' || in_open_returns || ' announced'
    from order_lines where returned + in_open_returns > delivered
    """,
)

LINE_TOTAL_IS_THE_PRODUCT = Invariant(
    "line_total_is_the_product",
    "A line's total is its units times the unit price.",
    """
    select 'OrderLine', id, (quantity * unit_price_minor)::text, total_minor::text
    from order_lines where total_minor <> quantity * unit_price_minor
    """,
)

ORDER_TOTAL_IS_THE_SUM = Invariant(
    "order_total_is_the_sum",
    "An order's subtotal is the sum of its lines, its total is that less discount, plus shipping and tax.",
    """
    with summed as (select order_id, sum(total_minor) as minor from order_lines group by 1)
    select 'Order', o.id,
           coalesce(summed.minor, 0) || ', ' || coalesce(summed.minor, 0) - discount_minor + shipping_minor + tax_minor,
           subtotal_minor || ', ' || total_minor
    from orders o left join summed on summed.order_id = o.id
    where subtotal_minor <> coalesce(summed.minor, 0)
       or total_minor <> subtotal_minor - discount_minor + shipping_minor + tax_minor
    """,
)

CHARGES_ARE_THE_TOTAL = Invariant(
    "charges_are_the_total",
    "What was charged for an order's items, shipping and tax is what it says it costs; a draft was charged nothing.",
    """
    with charged as (
        select order_id,
               coalesce(sum(amount_minor) filter (where kind = 'ITEMS'), 0) as items,
               coalesce(sum(amount_minor) filter (where kind = 'SHIPPING'), 0) as shipping,
               coalesce(sum(amount_minor) filter (where kind = 'TAX'), 0) as tax
        from order_adjustments group by 1
    )
    select 'Order', o.id, concat_ws(' + ', subtotal_minor - discount_minor, shipping_minor, tax_minor),
           concat_ws(' + ', coalesce(items, 0), coalesce(shipping, 0), coalesce(tax, 0))
    from orders o left join charged on charged.order_id = o.id
    where (subtotal_minor - discount_minor, shipping_minor, tax_minor)
          <> (coalesce(items, 0), coalesce(shipping, 0), coalesce(tax, 0))
      and (charged.order_id is not null or status not in ('DRAFT', 'EXPIRED', 'CANCELED'))
    """,
)

AMOUNTS_SHARE_THE_CURRENCY = Invariant(
    "amounts_share_the_currency",
    "Every amount of an order is in the order's currency.",
    """
    select part.subject, part.id, o.currency, part.currency
    from orders o join (
        select 'OrderLine' as subject, id, order_id, currency from order_lines
        union all select 'OrderAdjustment', id, order_id, currency from order_adjustments
        union all select 'Payment', id, order_id, currency from payments
        union all select 'Return', id, order_id, currency from returns
        union all select 'RoutingDecision', id, order_id, currency from routing_decisions
    ) part on part.order_id = o.id
    where part.currency <> o.currency
    """,
)

DERIVED = """
    with units as (
        select order_id, count(*) as lines, sum(quantity - canceled) as wanted, sum(shipped) as shipped,
               sum(delivered) as delivered, sum(returned) as returned
        from order_lines group by order_id
    ),
    announced as (
        select order_id from returns
        where status in ('REQUESTED', 'APPROVED', 'IN_TRANSIT', 'PARTIALLY_RECEIVED') group by order_id
    ),
    held as (select order_id from order_holds where released_at is null group by order_id)
    select o.id, o.status, o.fulfillment_status, o.return_status, o.on_hold,
           case when coalesce(shipped, 0) = 0 then 'UNFULFILLED'
                when shipped = wanted then 'FULFILLED'
                else 'PARTIALLY_FULFILLED' end as derived_fulfillment,
           case when returned > 0 and returned = wanted then 'RETURNED'
                when returned > 0 then 'PARTIALLY_RETURNED'
                when announced.order_id is not null then 'REQUESTED'
                else 'NONE' end as derived_return,
           held.order_id is not null as derived_hold,
           coalesce(wanted, 0) as wanted,
           coalesce(lines > 0 and wanted = 0, false) as canceled,
           coalesce(delivered > 0 and delivered = wanted, false) as completed
    from orders o
    left join units on units.order_id = o.id
    left join announced on announced.order_id = o.id
    left join held on held.order_id = o.id
"""
"""What `domain.orders` derives from lines, returns and holds, beside what is stored; a test keeps the two in step."""

FULFILLMENT_STATUS_IS_DERIVED = Invariant(
    "fulfillment_status_is_derived",
    "An order's fulfillment status is what its lines' units amount to.",
    f"""
    select 'Order', id, derived_fulfillment, fulfillment_status from ({DERIVED}) o
    where fulfillment_status <> derived_fulfillment
    """,
)

RETURN_STATUS_IS_DERIVED = Invariant(
    "return_status_is_derived",
    "An order's return status is what came back and what is announced.",
    f"select 'Order', id, derived_return, return_status from ({DERIVED}) o where return_status <> derived_return",
)

ON_HOLD_WHILE_A_HOLD_IS_OPEN = Invariant(
    "on_hold_while_a_hold_is_open",
    "An order is on hold exactly while one of its holds is open.",
    f"select 'Order', id, derived_hold::text, on_hold::text from ({DERIVED}) o where on_hold <> derived_hold",
)

CANCELED_WHEN_EVERY_UNIT_IS = Invariant(
    "canceled_when_every_unit_is",
    "An order is CANCELED exactly when every unit was canceled; one that EXPIRED may have come to the same.",
    f"""
    select 'Order', id, case when canceled then 'CANCELED' else 'units canceled' end, status from ({DERIVED}) o
    where (status = 'CANCELED' and wanted > 0) or (canceled and status not in ('CANCELED', 'EXPIRED'))
    """,
)

COMPLETED_WHEN_EVERY_UNIT_IS = Invariant(
    "completed_when_every_unit_is",
    "An order is COMPLETED exactly when every unit is delivered or canceled, and at least one was delivered.",
    f"""
    select 'Order', id, case when completed then 'COMPLETED' else 'units delivered' end, status from ({DERIVED}) o
    where (status = 'COMPLETED') <> completed
    """,
)

CANCELED_ORDERS_HOLD_NOTHING = Invariant(
    "canceled_orders_hold_nothing",
    "No stock is held for a canceled order.",
    """
    select 'FulfillmentOrderLine', line.id, '0 held', line.held || ' held'
    from orders o
    join fulfillment_orders work on work.order_id = o.id
    join fulfillment_order_lines line on line.fulfillment_order_id = work.id
    where o.status in ('CANCELED', 'EXPIRED') and line.held > 0
    """,
)

LABELS_ARE_LISTED = Invariant(
    "labels_are_listed",
    "The orders that a label is said to have are those that have it.",
    """
    select 'Order', coalesce(o.id, listed.order_id), coalesce(o.tag, 'no such label'), coalesce(listed.tag, 'nothing')
    from (select distinct unnest(tags) as tag, placed_at, id from orders) o
    full join order_tags listed on (listed.tag, listed.placed_at, listed.order_id) = (o.tag, o.placed_at, o.id)
    where o.id is null or listed.order_id is null
    """,
)

PROMISE_IS_A_SPAN = Invariant(
    "promise_is_a_span",
    "A promised delivery has an end, and begins no later; it is as sure as 0 to 1; what it was learned from is on record.",
    """
    select 'Order', o.id, 'a span, and what it was learned from',
           concat_ws(' ', 'from', o.deliver_by_earliest, 'to', o.deliver_by_latest, 'sure', o.deliver_by_confidence)
    from orders o left join promise_models model on model.id = o.promise_model_id
    where o.deliver_by_earliest > o.deliver_by_latest
       or (o.deliver_by_latest is null and num_nonnulls(o.deliver_by_earliest, o.deliver_by_confidence) > 0)
       or o.deliver_by_confidence not between 0 and 1
       or (o.promise_model_id is not null and model.id is null)
    """,
)

LEARNED_PROMISE_LIES_AHEAD = Invariant(
    "learned_promise_lies_ahead",
    "What we promised ourselves was not over when the order was placed. A quote is good for half an hour, so it may be that old.",
    """
    select 'Order', id, 'after ' || placed_at, deliver_by_latest::text
    from orders where promise_model_id is not null and deliver_by_latest < placed_at - interval '30 minutes'
    """,
)

INVARIANTS = (
    PROMISE_IS_A_SPAN,
    LEARNED_PROMISE_LIES_AHEAD,
    LINE_UNITS_SUM,
    DELIVERED_AT_MOST_SHIPPED,
    RETURNED_AT_MOST_DELIVERED,
    LINE_TOTAL_IS_THE_PRODUCT,
    ORDER_TOTAL_IS_THE_SUM,
    CHARGES_ARE_THE_TOTAL,
    AMOUNTS_SHARE_THE_CURRENCY,
    FULFILLMENT_STATUS_IS_DERIVED,
    RETURN_STATUS_IS_DERIVED,
    ON_HOLD_WHILE_A_HOLD_IS_OPEN,
    CANCELED_WHEN_EVERY_UNIT_IS,
    COMPLETED_WHEN_EVERY_UNIT_IS,
    CANCELED_ORDERS_HOLD_NOTHING,
    LABELS_ARE_LISTED,
)
