"""Deciding anew: who waits is in the queue, nobody else is, and a shortfall is never more than was promised."""

from domain.store.invariants import Invariant

WHO_WAITS_IS_IN_THE_QUEUE = Invariant(
    "who_waits_is_in_the_queue",
    "An order that is alive and has units that no location ships is in the queue of what is routed again, and no other.",
    """
    select 'Order', o.id, case when waiting.order_id is null then 'not in the queue' else 'in the queue' end,
           coalesce('since ' || o.unrouted_at, 'not in the queue')
    from orders o
    left join (
        select distinct order_id from order_lines line
        where open > 0 and not exists (select from order_lines part where part.kit_line_id = line.id)
    ) waiting on waiting.order_id = o.id and o.status in ('PENDING', 'CONFIRMED', 'IN_FULFILLMENT')
    where (waiting.order_id is null) <> (o.unrouted_at is null)
    """,
)

SHORTFALLS_WERE_PROMISED = Invariant(
    "shortfalls_were_promised",
    "What a count left short of a promise was taken off work for that line at that level.",
    """
    with missed as (
        select stock_level_id, order_line_id, sum(quantity) as units from stock_shortfalls group by 1, 2
    ),
    short as (
        select stock_level_id, order_line_id, sum(short) as units from fulfillment_order_lines group by 1, 2
    )
    select 'OrderLine', missed.order_line_id, 'at most ' || coalesce(short.units, 0), missed.units::text
    from missed left join short using (stock_level_id, order_line_id)
    where missed.units > coalesce(short.units, 0)
    """,
)

INVARIANTS = (WHO_WAITS_IS_IN_THE_QUEUE, SHORTFALLS_WERE_PROMISED)
