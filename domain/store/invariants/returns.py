"""Returns: what order lines say came back, or is announced, is what the returns say."""

from domain.store.invariants import Invariant

RETURNED_IS_WHAT_CAME_BACK = Invariant(
    "returned_is_what_came_back",
    "What an order line has returned is what its returns received.",
    """
    with back as (select order_line_id, sum(received_quantity) as units from return_lines group by 1)
    select 'OrderLine', line.id, coalesce(back.units, 0)::text, line.returned::text
    from order_lines line left join back on back.order_line_id = line.id
    where line.returned <> coalesce(back.units, 0) and line.kit_line_id is null
    """,
)

IN_OPEN_RETURNS_IS_WHAT_IS_AWAITED = Invariant(
    "in_open_returns_is_what_is_awaited",
    "What an order line has in open returns is what those still await.",
    """
    with awaited as (
        select line.order_line_id, sum(line.quantity - line.received_quantity) as units
        from return_lines line join returns back on back.id = line.return_id
        where back.status in ('REQUESTED', 'APPROVED', 'IN_TRANSIT', 'PARTIALLY_RECEIVED') group by 1
    )
    select 'OrderLine', line.id, coalesce(awaited.units, 0)::text, line.in_open_returns::text
    from order_lines line left join awaited on awaited.order_line_id = line.id
    where line.in_open_returns <> coalesce(awaited.units, 0) and line.kit_line_id is null
    """,
)

RETURN_STATUS_AGREES_WITH_RECEIPT = Invariant(
    "return_status_agrees_with_receipt",
    "A return is PARTIALLY_RECEIVED while some units are in and some are awaited, RECEIVED when all are in, and "
    "nothing is in before.",
    """
    with units as (
        select return_id, sum(quantity) as announced, sum(received_quantity) as received from return_lines group by 1
    )
    select 'Return', back.id, units.received || ' of ' || units.announced || ' received', back.status
    from returns back join units on units.return_id = back.id
    where (back.status = 'RECEIVED' and units.received <> units.announced)
       or (back.status = 'PARTIALLY_RECEIVED' and units.received not between 1 and units.announced - 1)
       or (back.status not in ('RECEIVED', 'PARTIALLY_RECEIVED', 'CLOSED') and units.received > 0)
    """,
)

INSPECTED_IS_WHAT_WAS_LOOKED_AT = Invariant(
    "inspected_is_what_was_looked_at",
    "What a return line has inspected is the sum of its findings, and no more than it received.",
    """
    with looked_at as (
        select return_line_id, sum(quantity) as units from return_inspections
        where disposition <> 'MISSING' group by 1
    )
    select 'ReturnLine', line.id, coalesce(looked_at.units, 0)::text, line.inspected_quantity::text
    from return_lines line left join looked_at on looked_at.return_line_id = line.id
    where line.inspected_quantity <> coalesce(looked_at.units, 0) or line.inspected_quantity > line.received_quantity
    """,
)

RETURN_IS_OF_ITS_ORDER = Invariant(
    "return_is_of_its_order",
    "A return's lines are of its order, and no line receives more than was announced.",
    """
    select 'ReturnLine', line.id, concat(back.order_id, ', at most ', line.quantity),
           concat(bought.order_id, ', ', line.received_quantity)
    from return_lines line
    join returns back on back.id = line.return_id
    join order_lines bought on bought.id = line.order_line_id
    where bought.order_id <> back.order_id or line.received_quantity > line.quantity or line.received_quantity < 0
    """,
)

INVARIANTS = (
    RETURNED_IS_WHAT_CAME_BACK,
    IN_OPEN_RETURNS_IS_WHAT_IS_AWAITED,
    RETURN_STATUS_AGREES_WITH_RECEIPT,
    INSPECTED_IS_WHAT_WAS_LOOKED_AT,
    RETURN_IS_OF_ITS_ORDER,
)
