"""Supply: what is bought, moved and counted is what the ledger moved; what waits is what began to wait."""

from domain.store.invariants import Invariant

PURCHASES_ARE_WHAT_ARRIVED = Invariant(
    "purchases_are_what_arrived",
    "The ledger received exactly what a purchase order's lines say, fit for sale and damaged, by its own receipts.",
    """
    with arrived as (
        select move.line_id, receipt.purchase_order_id,
               coalesce(sum(move.quantity) filter (where move.to_bucket = 'AVAILABLE'), 0) as received,
               coalesce(sum(move.quantity) filter (where move.to_bucket = 'DAMAGED'), 0) as damaged
        from stock_movements move join goods_receipts receipt on receipt.id = move.act_id
        where move.act_type = 'GoodsReceipt' and move.kind = 'RECEIVE' group by 1, 2
    )
    select 'PurchaseOrderLine', coalesce(line.id, arrived.line_id),
           coalesce(arrived.received, 0) || ', ' || coalesce(arrived.damaged, 0) || ' damaged',
           coalesce(line.received, 0) || ', ' || coalesce(line.damaged, 0) || ' damaged'
    from purchase_order_lines line full join arrived
      on arrived.line_id = line.id and arrived.purchase_order_id = line.purchase_order_id
    where (coalesce(arrived.received, 0), coalesce(arrived.damaged, 0))
          <> (coalesce(line.received, 0), coalesce(line.damaged, 0))
    """,
)

TRANSFERS_ARE_WHAT_MOVED = Invariant(
    "transfers_are_what_moved",
    "The ledger took from the sender what a transfer's lines say was shipped, and gave the receiver what arrived.",
    """
    with moved as (
        select move.line_id,
               coalesce(sum(quantity) filter (where kind = 'TRANSFER_OUT'), 0) as shipped,
               coalesce(sum(quantity) filter (where kind = 'TRANSFER_IN' and to_bucket = 'AVAILABLE'), 0) as received,
               coalesce(sum(quantity) filter (where kind = 'TRANSFER_IN' and to_bucket = 'DAMAGED'), 0) as damaged
        from stock_movements move
        where kind in ('TRANSFER_OUT', 'TRANSFER_IN')
          and not exists (select from stock_movements undone where undone.reverses_id = move.id)
        group by 1
    )
    select 'TransferLine', coalesce(line.id, moved.line_id),
           concat_ws(', ', coalesce(moved.shipped, 0), coalesce(moved.received, 0), coalesce(moved.damaged, 0)),
           concat_ws(', ', coalesce(line.shipped, 0), coalesce(line.received, 0), coalesce(line.damaged, 0))
    from transfer_lines line full join moved on moved.line_id = line.id
    where (coalesce(moved.shipped, 0), coalesce(moved.received, 0), coalesce(moved.damaged, 0))
          <> (coalesce(line.shipped, 0), coalesce(line.received, 0), coalesce(line.damaged, 0))
    """,
)

TRANSFER_UNITS_SUM = Invariant(
    "transfer_units_sum",
    "Of a transfer, shipped = received + damaged + missing + in transit, none below zero.",
    """
    select 'TransferLine', id, shipped::text, concat_ws(' + ', received, damaged, missing, in_transit)
    from transfer_lines
    where shipped <> received + damaged + missing + in_transit
       or least(shipped, received, damaged, missing, in_transit) < 0
    """,
)

AWAITED_WHILE_SOMETHING_IS = Invariant(
    "awaited_while_something_is",
    "A purchase order or a transfer is awaited exactly while some of its units are.",
    """
    with bought as (select purchase_order_id as id, sum(outstanding) as units from purchase_order_lines group by 1),
    moved as (select transfer_id as id, sum(in_transit) as units from transfer_lines group by 1)
    select 'PurchaseOrder', o.id, coalesce(bought.units, 0) || ' units to come', o.status
    from purchase_orders o left join bought on bought.id = o.id
    where o.status <> 'DRAFT' and (o.status in ('ORDERED', 'PARTIALLY_RECEIVED')) <> (coalesce(bought.units, 0) > 0)
    union all
    select 'Transfer', t.id, coalesce(moved.units, 0) || ' units to come', t.status
    from transfers t left join moved on moved.id = t.id
    where (t.status in ('IN_TRANSIT', 'PARTIALLY_RECEIVED')) <> (coalesce(moved.units, 0) > 0)
    """,
)

COUNTS_MOVE_WHEN_COMPLETE = Invariant(
    "counts_move_when_complete",
    "A count moves stock once it is completed, and none that it did not count.",
    """
    select distinct 'StockCount', move.act_id, 'completed, and counted', coalesce(count.status, 'no such count')
    from stock_movements move
    left join stock_counts count on count.id = move.act_id
    left join stock_count_lines line on line.stock_count_id = count.id and line.stock_level_id = move.stock_level_id
    where move.act_type = 'StockCount' and (count.status <> 'COMPLETED' or line.counted is null)
    """,
)

WAITING_KEEPS_ITS_LIMIT = Invariant(
    "waiting_keeps_its_limit",
    "When units began to wait, no more of the variant waited over all orders than its policy let.",
    """
    select 'OrderLine', order_line_id, 'at most ' || limit_units, waiting_after || ' waited'
    from backorders where waiting_after > limit_units
    """,
)

WAITING_IS_WHAT_BEGAN_TO = Invariant(
    "waiting_is_what_began_to",
    "What waits on an order line is what began to wait, less what was filled and what was canceled.",
    """
    with began as (select order_line_id as id, sum(quantity) as units from backorders group by 1),
    filled as (select order_line_id as id, sum(quantity) as units from backorder_fills group by 1)
    select 'OrderLine', line.id,
           coalesce(began.units, 0) || ' began to wait, ' || coalesce(filled.units, 0) || ' were filled',
           line.backordered || ' wait, ' || line.canceled || ' are canceled'
    from order_lines line left join began on began.id = line.id left join filled on filled.id = line.id
    where (line.backordered > 0 or began.id is not null or filled.id is not null)
      and (coalesce(began.units, 0) - coalesce(filled.units, 0) - line.backordered) not between 0 and line.canceled
      and not exists (select from order_lines part where part.kit_line_id = line.id)
    """,
)

INVARIANTS = (
    PURCHASES_ARE_WHAT_ARRIVED,
    TRANSFERS_ARE_WHAT_MOVED,
    TRANSFER_UNITS_SUM,
    AWAITED_WHILE_SOMETHING_IS,
    COUNTS_MOVE_WHEN_COMPLETE,
    WAITING_KEEPS_ITS_LIMIT,
    WAITING_IS_WHAT_BEGAN_TO,
)
