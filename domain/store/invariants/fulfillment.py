"""Fulfillment: what order lines say of their units is what the work and the shipments say."""

from domain.store.invariants import Invariant

WORK_UNITS_FIT = Invariant(
    "work_units_fit",
    "Per line of work: picked, short and canceled fit into what was asked; what shipped was picked; the rest is held.",
    """
    select 'FulfillmentOrderLine', id, quantity || ' asked',
           concat(picked, ' picked, ', short, ' short, ', shipped, ' shipped, ', canceled, ' canceled, ', held, ' held')
    from fulfillment_order_lines
    where picked + short + canceled > quantity or shipped > picked or held <> quantity - short - shipped - canceled
       or least(quantity, picked, short, shipped, canceled, held) < 0
    """,
)

WORK_IS_FOR_ITS_ORDER_AND_SHELF = Invariant(
    "work_is_for_its_order_and_shelf",
    "A line of work is for a line of the same order and takes that line's variant from its own location's shelf.",
    """
    select 'FulfillmentOrderLine', part.id,
           concat('order ', work.order_id, ', ', line.variant_id, ' at ', work.location_id),
           concat('order ', line.order_id, ', ', part.variant_id, ' at ', part.location_id,
                  ' from the shelf of ', level.variant_id, ' at ', level.location_id)
    from fulfillment_order_lines part
    join fulfillment_orders work on work.id = part.fulfillment_order_id
    join order_lines line on line.id = part.order_line_id
    join stock_levels level on level.id = part.stock_level_id
    where work.order_id <> line.order_id
       or (part.variant_id, part.location_id) <> (line.variant_id, work.location_id)
       or (part.variant_id, part.location_id) <> (level.variant_id, level.location_id)
    """,
)

LINE_AGREES_WITH_ITS_WORK = Invariant(
    "line_agrees_with_its_work",
    "What an order line has allocated, picked and shipped is what its lines of work have.",
    """
    with work as (
        select order_line_id, sum(quantity - picked - short - canceled) as allocated, sum(picked - shipped) as picked,
               sum(shipped) as shipped
        from fulfillment_order_lines group by 1
    )
    select 'OrderLine', line.id,
           concat_ws(', ', coalesce(work.allocated, 0), coalesce(work.picked, 0), coalesce(work.shipped, 0)),
           concat_ws(', ', line.allocated, line.picked, line.shipped)
    from order_lines line
    join orders o on o.id = line.order_id
    left join work on work.order_line_id = line.id
    where not exists (select from order_lines part where part.kit_line_id = line.id)
      and (line.allocated, line.picked, line.shipped)
          <> (coalesce(work.allocated, 0), coalesce(work.picked, 0), coalesce(work.shipped, 0))
      and o.status not in ('CANCELED', 'EXPIRED')
    """,
)

SHIPMENTS_HOLD_WHAT_SHIPPED = Invariant(
    "shipments_hold_what_shipped",
    "Shipments that were not canceled hold exactly the units that their lines of work say were shipped.",
    """
    with sent as (
        select line.fulfillment_order_line_id as id, sum(line.quantity) as units
        from shipment_lines line join shipments shipment on shipment.id = line.shipment_id
        where shipment.status <> 'CANCELED' group by 1
    )
    select 'FulfillmentOrderLine', part.id, part.shipped::text, coalesce(sent.units, 0)::text
    from fulfillment_order_lines part
    join fulfillment_orders work on work.id = part.fulfillment_order_id
    left join sent on sent.id = part.id
    where part.shipped <> coalesce(sent.units, 0) and work.kind = 'DELIVERY'
    """,
)

SHIPMENT_LINE_IS_OF_ITS_WORK = Invariant(
    "shipment_line_is_of_its_work",
    "A shipment's lines are of the work it ships, and name that work's order lines.",
    """
    select 'Shipment', line.shipment_id, concat(shipment.fulfillment_order_id, ' ', part.order_line_id),
           concat(part.fulfillment_order_id, ' ', line.order_line_id)
    from shipment_lines line
    join shipments shipment on shipment.id = line.shipment_id
    join fulfillment_order_lines part on part.id = line.fulfillment_order_line_id
    where part.order_line_id <> line.order_line_id or part.fulfillment_order_id <> shipment.fulfillment_order_id
    """,
)

DELIVERED_IS_WHAT_ARRIVED = Invariant(
    "delivered_is_what_arrived",
    "What an order line has delivered is what its delivered shipments hold, and what was picked up.",
    """
    with arrived as (
        select order_line_id, sum(units) as units from (
            select line.order_line_id, line.quantity as units
            from shipment_lines line join shipments shipment on shipment.id = line.shipment_id
            where shipment.status = 'DELIVERED'
            union all
            select part.order_line_id, part.shipped
            from fulfillment_order_lines part join fulfillment_orders work on work.id = part.fulfillment_order_id
            where work.status = 'PICKED_UP'
        ) units group by 1
    )
    select 'OrderLine', line.id, coalesce(arrived.units, 0)::text, line.delivered::text
    from order_lines line left join arrived on arrived.order_line_id = line.id
    where line.delivered <> coalesce(arrived.units, 0) and line.delivered <= line.shipped
      and not exists (select from order_lines part where part.kit_line_id = line.id)
    """,
)

WORK_WAITS_FOR_ITS_ORDER = Invariant(
    "work_waits_for_its_order",
    "Work for an order that is not confirmed, or is on hold, is not offered: it is SCHEDULED.",
    """
    select 'FulfillmentOrder', work.id, 'SCHEDULED', work.status
    from fulfillment_orders work join orders o on o.id = work.order_id
    where (o.on_hold and work.status = 'OPEN')
       or (o.status in ('DRAFT', 'PENDING') and work.status not in ('SCHEDULED', 'REJECTED', 'CANCELED'))
    """,
)

WORK_WAITS_FOR_NOTHING_ELSE = Invariant(
    "work_waits_for_nothing_else",
    "Work for an order that is confirmed and free of holds is not left SCHEDULED.",
    """
    select 'FulfillmentOrder', work.id, 'OPEN', work.status
    from fulfillment_orders work join orders o on o.id = work.order_id
    where work.status = 'SCHEDULED' and o.status not in ('DRAFT', 'PENDING') and not o.on_hold
    """,
)

FINISHED_WORK_HOLDS_NOTHING = Invariant(
    "finished_work_holds_nothing",
    "Work that was shipped, picked up, rejected or canceled holds no more stock: it ships whole.",
    """
    select 'FulfillmentOrder', work.id, '0 held', sum(part.held) || ' held'
    from fulfillment_orders work
    join fulfillment_order_lines part on part.fulfillment_order_id = work.id
    join orders o on o.id = work.order_id
    where work.status in ('SHIPPED', 'PICKED_UP', 'REJECTED', 'CANCELED') and part.held > 0
      and o.status not in ('CANCELED', 'EXPIRED')
    group by work.id
    """,
)

WORK_IS_LISTED = Invariant(
    "work_is_listed",
    "A location that has work for an order, or a return of it, has the order in its list.",
    """
    select here.type, here.id, 'a place in the list of ' || here.location_id, 'none'
    from (
        select 'FulfillmentOrder' as type, id, order_id, location_id from fulfillment_orders
        union all select 'Return', id, order_id, location_id from returns where location_id is not null
    ) here
    join orders o on o.id = here.order_id
    left join order_locations listed
           on (listed.location_id, listed.placed_at, listed.order_id) = (here.location_id, o.placed_at, o.id)
    where listed.order_id is null
    """,
)

DAYS_COUNT_THEIR_PARCELS = Invariant(
    "days_count_their_parcels",
    "What a location was given for a day is the work that is to leave on it and was not called off.",
    """
    with given as (
        select location_id, capacity_day as day, count(*) as parcels from fulfillment_orders
        where capacity_day is not null and status not in ('CANCELED', 'REJECTED') group by 1, 2
    )
    select 'Location', location_id, day || ': ' || coalesce(given.parcels, 0), coalesce(counted.parcels, 0)::text
    from given full join location_days counted using (location_id, day)
    where coalesce(given.parcels, 0) <> coalesce(counted.parcels, 0)
    """,
)

INVARIANTS = (
    WORK_UNITS_FIT,
    WORK_IS_FOR_ITS_ORDER_AND_SHELF,
    LINE_AGREES_WITH_ITS_WORK,
    SHIPMENTS_HOLD_WHAT_SHIPPED,
    SHIPMENT_LINE_IS_OF_ITS_WORK,
    DELIVERED_IS_WHAT_ARRIVED,
    WORK_WAITS_FOR_ITS_ORDER,
    WORK_WAITS_FOR_NOTHING_ELSE,
    FINISHED_WORK_HOLDS_NOTHING,
    WORK_IS_LISTED,
    DAYS_COUNT_THEIR_PARCELS,
)
