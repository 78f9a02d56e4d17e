"""Stock: levels are the sum of their ledger, and the ledger is sound in itself."""

from domain.stock import Bucket
from domain.store.invariants import Invariant

LEVEL_BUCKETS = ", ".join(f"('{bucket}', level.{bucket.lower()})" for bucket in Bucket)
"""Each bucket of a level as a row: the enum's words are the columns' names."""

ENTRIES = """
    select stock_level_id, to_bucket as bucket, quantity as units, to_balance_after as balance, recorded_at
    from stock_movements where to_bucket is not null
    union all
    select stock_level_id, from_bucket, -quantity, from_balance_after, recorded_at
    from stock_movements where from_bucket is not null
"""
"""The ledger bucket by bucket: what each entry added or took, and what it says was there afterwards."""

REPAIRED = "LedgerRepair"
"""The act whose entries mend a ledger that had drifted: what it states holds, however the balances before led there."""

CHAINED = f"""
    with entry as ({ENTRIES}),
    repaired as (
        select distinct on (stock_level_id, bucket) stock_level_id, bucket, balance, recorded_at
        from (
            select stock_level_id, to_bucket as bucket, to_balance_after as balance, recorded_at, id
            from stock_movements where act_type = '{REPAIRED}' and to_bucket is not null
            union all
            select stock_level_id, from_bucket, from_balance_after, recorded_at, id
            from stock_movements where act_type = '{REPAIRED}' and from_bucket is not null
        ) mended
        order by stock_level_id, bucket, recorded_at desc, id desc
    )
    select entry.* from entry
    where not exists (
        select from repaired where repaired.stock_level_id = entry.stock_level_id
        and repaired.bucket = entry.bucket and repaired.recorded_at >= entry.recorded_at
    )
    union all
    select stock_level_id, bucket, balance, balance, recorded_at from repaired
"""
"""The ledger since it was last repaired, which begins anew there with the balance that the repair states."""

BUCKETS_NEVER_NEGATIVE = Invariant(
    "buckets_never_negative",
    "No bucket of a stock level is below zero.",
    f"""
    select 'StockLevel', level.id, bucket.name || ' of at least 0', bucket.units::text
    from stock_levels level cross join lateral (values {LEVEL_BUCKETS}) bucket (name, units)
    where bucket.units < 0
    """,
)

ON_HAND_IS_THE_SUM = Invariant(
    "on_hand_is_the_sum",
    "What a location has on hand is the sum of its buckets.",
    """
    select 'StockLevel', id, total::text, on_hand::text
    from (select *, available + reserved + allocated + safety_stock + quality_control + damaged as total
          from stock_levels) level
    where on_hand <> total
    """,
)

LEVEL_IS_THE_SUM_OF_ITS_LEDGER = Invariant(
    "level_is_the_sum_of_its_ledger",
    "Every bucket of a stock level is the sum of its ledger entries.",
    f"""
    with summed as (
        select stock_level_id, bucket, sum(units) as units from ({ENTRIES}) entry group by 1, 2
    )
    select 'StockLevel', level.id, bucket.name || ' ' || coalesce(summed.units, 0), bucket.units::text
    from stock_levels level cross join lateral (values {LEVEL_BUCKETS}) bucket (name, units)
    left join summed on summed.stock_level_id = level.id and summed.bucket = bucket.name
    where bucket.units <> coalesce(summed.units, 0)
    """,
)


def _broken_chains(span: str) -> str:
    """Buckets whose entries, within each span, do not lead from one balance to the next in any order.

    Every entry leads from a balance to a balance. Counting arrivals and departures at each balance, with one arrival
    where the span begins and one departure where it ends, leaves nothing over exactly when the entries can be strung
    together. That needs no order among entries of one moment, which have none that anybody could see.
    """
    return f"""
        with entry as ({CHAINED}),
        moved as (
            select stock_level_id, bucket, {span} as span, sum(units) as units from entry group by 1, 2, 3
        ),
        edge as (
            select *, sum(units) over (partition by stock_level_id, bucket order by span) as ends from moved
        ),
        point as (
            select stock_level_id, bucket, {span} as span, balance, 1 as arrivals from entry
            union all select stock_level_id, bucket, {span}, balance - units, -1 from entry
            union all select stock_level_id, bucket, span, ends - units, 1 from edge
            union all select stock_level_id, bucket, span, ends, -1 from edge
        ),
        loose as (
            select stock_level_id, bucket, span, balance from point
            group by stock_level_id, bucket, span, balance having sum(arrivals) <> 0
        )
        select stock_level_id, bucket, min(span) as span, min(balance) as balance from loose
        group by stock_level_id, bucket
    """


WHOLE_LEDGER = "0"
MOMENT = "recorded_at"

BALANCES_FORM_A_CHAIN = Invariant(
    "balances_form_a_chain",
    "The balances that ledger entries state lead from zero to the bucket's sum, each on from another.",
    f"""
    select 'StockLevel', stock_level_id, bucket || ' balances that follow from one another',
           'nothing leads on from, or to, ' || coalesce(balance::text, 'nothing')
    from ({_broken_chains(WHOLE_LEDGER)}) chain
    """,
)

BALANCES_FOLLOW_IN_RECORDED_ORDER = Invariant(
    "balances_follow_in_recorded_order",
    "Read in the order in which it was recorded, the ledger's balances follow from one another.",
    f"""
    select 'StockLevel', late.stock_level_id, late.bucket || ' balances in recorded order', 'out of order at ' || late.span
    from ({_broken_chains(MOMENT)}) late
    left join ({_broken_chains(WHOLE_LEDGER)}) chain using (stock_level_id, bucket)
    where chain.stock_level_id is null
    """,
)

MOVEMENT_IS_OF_ITS_LEVEL = Invariant(
    "movement_is_of_its_level",
    "A ledger entry names the variant and the location of its level.",
    """
    select 'StockMovement', move.id, level.variant_id || ' at ' || level.location_id,
           move.variant_id || ' at ' || move.location_id
    from stock_movements move join stock_levels level on level.id = move.stock_level_id
    where (move.variant_id, move.location_id) <> (level.variant_id, level.location_id)
    """,
)

MOVEMENT_NAMES_ITS_ACT = Invariant(
    "movement_names_its_act",
    "Every ledger entry names the act that caused it, never just the order, and an act that is an object exists.",
    """
    select 'StockMovement', move.id, 'an act', move.act_type || ' ' || coalesce(move.act_id::text, 'nothing')
    from stock_movements move
    left join routing_decisions decision on move.act_type = 'RoutingDecision' and decision.id = move.act_id
    left join fulfillment_orders work on move.act_type = 'FulfillmentOrder' and work.id = move.act_id
    left join shipments shipment on move.act_type = 'Shipment' and shipment.id = move.act_id
    left join returns back on move.act_type = 'Return' and back.id = move.act_id
    left join work_items item on move.act_type = 'WorkItem' and item.id = move.act_id
    left join goods_receipts receipt on move.act_type = 'GoodsReceipt' and receipt.id = move.act_id
    left join transfers transfer on move.act_type = 'Transfer' and transfer.id = move.act_id
    left join stock_counts count on move.act_type = 'StockCount' and count.id = move.act_id
    left join reservations cart on move.act_type = 'Reservation' and cart.id = move.act_id
    where move.act_type in ('', 'Order') or move.act_id is null
       or (move.act_type = 'RoutingDecision' and decision.id is null)
       or (move.act_type = 'FulfillmentOrder' and work.id is null)
       or (move.act_type = 'Shipment' and shipment.id is null)
       or (move.act_type = 'Return' and back.id is null)
       or (move.act_type = 'WorkItem' and item.id is null)
       or (move.act_type = 'GoodsReceipt' and receipt.id is null)
       or (move.act_type = 'Transfer' and transfer.id is null)
       or (move.act_type = 'StockCount' and count.id is null)
       or (move.act_type = 'Reservation' and cart.id is null)
    """,
)

ACT_MOVES_ONCE = Invariant(
    "act_moves_once",
    "One act moves one line's units from one bucket to another at one level once.",
    """
    select 'StockMovement', min(id::text), '1 entry', count(*) || ' entries of one act'
    from stock_movements
    group by act_id, line_id, stock_level_id, kind, from_bucket, to_bucket having count(*) > 1
    """,
)

REVERSAL_IS_THE_INVERSE = Invariant(
    "reversal_is_the_inverse",
    "A reversal names the one entry that it undoes, is exactly its inverse, and nothing is undone twice.",
    """
    select 'StockMovement', undone.id, 'the inverse of one entry, once',
           case when undone.reverses_id is null then 'names no entry'
                when undone.kind <> 'REVERSAL' then 'is no reversal'
                when undone.times > 1 then 'undone ' || undone.times || ' times'
                else 'differs from ' || undone.reverses_id end
    from (select *, count(*) over (partition by reverses_id) as times from stock_movements
          where kind = 'REVERSAL' or reverses_id is not null) undone
    left join stock_movements done on done.id = undone.reverses_id
    where undone.reverses_id is null or undone.kind <> 'REVERSAL' or undone.times > 1
       or (undone.stock_level_id, undone.quantity) is distinct from (done.stock_level_id, done.quantity)
       or undone.from_bucket is distinct from done.to_bucket or undone.to_bucket is distinct from done.from_bucket
    """,
)

KINDS_MOVE_AS_THEY_SAY = Invariant(
    "kinds_move_as_they_say",
    "Units are allocated into ALLOCATED, leave it when they ship or are given free, and come in from outside.",
    """
    select 'StockMovement', id, kind, coalesce(from_bucket, 'outside') || ' to ' || coalesce(to_bucket, 'outside')
    from stock_movements
    where (kind = 'ALLOCATE' and (to_bucket is distinct from 'ALLOCATED' or from_bucket is null))
       or (kind = 'DEALLOCATE' and from_bucket is distinct from 'ALLOCATED')
       or (kind = 'SHIP' and (from_bucket is distinct from 'ALLOCATED' or to_bucket is not null))
       or (kind in ('RECEIVE', 'RETURN_RECEIVE', 'TRANSFER_IN') and (from_bucket is not null or to_bucket is null))
       or (kind = 'TRANSFER_OUT' and to_bucket is not null)
       or (kind = 'RESERVE' and to_bucket is distinct from 'RESERVED')
       or (kind = 'RELEASE' and from_bucket is distinct from 'RESERVED')
    """,
)

ALLOCATED_IS_WHAT_WORK_HOLDS = Invariant(
    "allocated_is_what_work_holds",
    "What a level has allocated is what the lines of work there still hold, picked or not.",
    """
    with holding as (select stock_level_id, sum(held) as units from fulfillment_order_lines group by 1)
    select 'StockLevel', level.id, coalesce(holding.units, 0)::text, level.allocated::text
    from stock_levels level left join holding on holding.stock_level_id = level.id
    where level.allocated <> coalesce(holding.units, 0)
    """,
)

SHIPPED_LEFT_THE_SHELF = Invariant(
    "shipped_left_the_shelf",
    "The ledger took exactly those units from a level that its lines of work say were shipped.",
    """
    with gone as (
        select move.stock_level_id, sum(move.quantity) as units from stock_movements move
        where move.kind = 'SHIP'
          and not exists (select from stock_movements undone where undone.reverses_id = move.id)
        group by 1
    ),
    shipped as (select stock_level_id, sum(shipped) as units from fulfillment_order_lines group by 1)
    select 'StockLevel', level.id, coalesce(shipped.units, 0)::text, coalesce(gone.units, 0)::text
    from stock_levels level
    left join gone on gone.stock_level_id = level.id left join shipped on shipped.stock_level_id = level.id
    where coalesce(gone.units, 0) <> coalesce(shipped.units, 0)
    """,
)

WHAT_IS_TO_BE_INSPECTED_IS_THERE = Invariant(
    "what_is_to_be_inspected_is_there",
    "Returned units that nobody has inspected yet lie in quality control where they came in.",
    """
    with waiting as (
        select bought.variant_id, back.location_id, sum(line.received_quantity - line.inspected_quantity) as units
        from return_lines line join returns back on back.id = line.return_id
        join order_lines bought on bought.id = line.order_line_id
        where line.received_quantity > line.inspected_quantity
        group by 1, 2
    )
    select 'StockLevel', level.id, 'at least ' || waiting.units || ' in quality control', level.quality_control::text
    from waiting join stock_levels level using (variant_id, location_id)
    where level.quality_control < waiting.units
    """,
)

INVARIANTS = (
    BUCKETS_NEVER_NEGATIVE,
    ON_HAND_IS_THE_SUM,
    LEVEL_IS_THE_SUM_OF_ITS_LEDGER,
    BALANCES_FORM_A_CHAIN,
    BALANCES_FOLLOW_IN_RECORDED_ORDER,
    MOVEMENT_IS_OF_ITS_LEVEL,
    MOVEMENT_NAMES_ITS_ACT,
    ACT_MOVES_ONCE,
    REVERSAL_IS_THE_INVERSE,
    KINDS_MOVE_AS_THEY_SAY,
    ALLOCATED_IS_WHAT_WORK_HOLDS,
    SHIPPED_LEFT_THE_SHELF,
    WHAT_IS_TO_BE_INSPECTED_IS_THERE,
)
