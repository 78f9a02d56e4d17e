"""Work items: leased exactly while somebody holds the lease, ended when they say so; and what they are about is there."""

from domain.store.invariants import Invariant

LEASED_WHILE_SOMEBODY_HOLDS_IT = Invariant(
    "leased_while_somebody_holds_it",
    "A work item has a lease and a holder exactly while it is LEASED, and was claimed before.",
    """
    select 'WorkItem', id, case when status = 'LEASED' then 'a lease and its holder' else 'no lease' end,
           concat(lease, ' of ', leased_by, ', claimed ', attempts, ' times')
    from work_items
    where (status = 'LEASED') <> (lease is not null) or (lease is null) <> (leased_by is null)
       or (leased_by is null) <> (leased_by_kind is null) or (leased_by is null) <> (leased_by_name is null)
       or (status in ('LEASED', 'FAILED', 'DONE', 'DEAD') and attempts = 0)
    """,
)

WORK_ENDS_WHEN_IT_SAYS = Invariant(
    "work_ends_when_it_says",
    "A work item has the moment of its end exactly while it is DONE or DEAD, and a reason while it is FAILED or DEAD.",
    """
    select 'WorkItem', id, status, concat('ended ', closed_at, ' because ', failure)
    from work_items
    where (status in ('DONE', 'DEAD')) <> (closed_at is not null)
       or (status in ('FAILED', 'DEAD') and failure is null) or (status = 'DONE' and failure is not null)
    """,
)

WORK_IS_WHERE_ITS_QUEUE_IS = Invariant(
    "work_is_where_its_queue_is",
    "What waits in a location's queue is of that location.",
    """
    select 'WorkItem', item.id, item.queue, coalesce(place.code, 'no location')
    from work_items item left join locations place on place.id = item.location_id
    where item.family = 'location' and item.queue is distinct from 'location:' || place.code
    """,
)

UNITS = """
    select item.id, item.status, split_part(line ->> 'stockLevelId', '_', 2)::uuid as stock_level_id,
           split_part(line ->> 'fulfillmentOrderLineId', '_', 2)::uuid as line_id, (line ->> 'quantity')::integer as units
    from work_items item cross join lateral jsonb_array_elements(item.payload -> 'lines') line
    where item.kind = 'PUT_BACK'
"""
"""Units that are, or were, to be put back, line by line."""

WHAT_IS_TO_BE_PUT_BACK_IS_THERE = Invariant(
    "what_is_to_be_put_back_is_there",
    "Units that are still to be put back lie in quality control.",
    f"""
    with awaited as (
        select stock_level_id, sum(units) as units from ({UNITS}) unit where status <> 'DONE' group by 1
    )
    select 'StockLevel', level.id, 'at least ' || awaited.units || ' in quality control', level.quality_control::text
    from awaited join stock_levels level on level.id = awaited.stock_level_id
    where level.quality_control < awaited.units
    """,
)

WHAT_WAS_PUT_BACK_MOVED = Invariant(
    "what_was_put_back_moved",
    "A put-back moved its units out of quality control when it was done, all of them, and never before.",
    f"""
    with moved as (
        select act_id, stock_level_id, line_id, sum(quantity) as units from stock_movements
        where act_type = 'WorkItem' and kind = 'REDISPOSE'
          and from_bucket = 'QUALITY_CONTROL' and to_bucket = 'AVAILABLE'
        group by 1, 2, 3
    ),
    wanted as (select id, stock_level_id, line_id, sum(units) as units from ({UNITS}) unit where status = 'DONE' group by 1, 2, 3)
    select 'WorkItem', coalesce(wanted.id, moved.act_id), coalesce(wanted.units, 0)::text, coalesce(moved.units, 0)::text
    from wanted full join moved
      on moved.act_id = wanted.id and moved.stock_level_id = wanted.stock_level_id and moved.line_id = wanted.line_id
    where coalesce(wanted.units, 0) <> coalesce(moved.units, 0)
    """,
)

INVARIANTS = (
    LEASED_WHILE_SOMEBODY_HOLDS_IT,
    WORK_ENDS_WHEN_IT_SAYS,
    WORK_IS_WHERE_ITS_QUEUE_IS,
    WHAT_IS_TO_BE_PUT_BACK_IS_THERE,
    WHAT_WAS_PUT_BACK_MOVED,
)
