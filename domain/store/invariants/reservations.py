"""Reservations: what carts hold is what is reserved, they hold it while they are active, and every unit went somewhere."""

from domain.store.invariants import Invariant

RESERVED_IS_WHAT_CARTS_HOLD = Invariant(
    "reserved_is_what_carts_hold",
    "What a level has reserved is what the lines of active reservations hold there.",
    """
    with holding as (select stock_level_id, sum(held) as units from reservation_lines where held > 0 group by 1)
    select 'StockLevel', level.id, coalesce(holding.units, 0)::text, level.reserved::text
    from stock_levels level left join holding on holding.stock_level_id = level.id
    where level.reserved <> coalesce(holding.units, 0)
    """,
)

CARTS_HOLD_WHILE_THEY_ARE_ACTIVE = Invariant(
    "carts_hold_while_they_are_active",
    "A reservation holds all of its lines while it is ACTIVE, and nothing afterwards.",
    """
    select 'Reservation', cart.id, case when cart.status = 'ACTIVE' then line.quantity else 0 end || ' held',
           line.held || ' held'
    from reservations cart join reservation_lines line on line.reservation_id = cart.id
    where line.held <> case when cart.status = 'ACTIVE' then line.quantity else 0 end
    """,
)

CARTS_END_WHEN_THEY_SAY = Invariant(
    "carts_end_when_they_say",
    "A reservation has the moment of its end unless it is ACTIVE, and an order, of its channel, if it is CONSUMED.",
    """
    select 'Reservation', cart.id, cart.status, concat('ended ', cart.ended_at, ', order ', cart.order_id)
    from reservations cart left join orders o on o.id = cart.order_id
    where (cart.ended_at is null) <> (cart.status = 'ACTIVE') or (cart.order_id is null) = (cart.status = 'CONSUMED')
       or o.channel_id <> cart.channel_id
    """,
)

CART_LINE_IS_OF_ITS_SHELF = Invariant(
    "cart_line_is_of_its_shelf",
    "A line of a reservation names the variant and the location of its level.",
    """
    select 'Reservation', line.reservation_id, concat(level.variant_id, ' at ', level.location_id),
           concat(line.variant_id, ' at ', line.location_id)
    from reservation_lines line join stock_levels level on level.id = line.stock_level_id
    where (line.variant_id, line.location_id) <> (level.variant_id, level.location_id)
    """,
)

CARTS_UNITS_WENT_SOMEWHERE = Invariant(
    "carts_units_went_somewhere",
    "In the ledger, what was reserved for a cart is still held, was given back, or went to the order that consumed it.",
    """
    with kept as (
        select act_id as cart_id, stock_level_id, sum(case kind when 'RESERVE' then quantity else -quantity end) as units
        from stock_movements where act_type = 'Reservation' group by 1, 2
    ),
    taken as (
        select cart.id as cart_id, move.stock_level_id, sum(move.quantity) as units
        from reservations cart
        join routing_decisions decision on decision.order_id = cart.order_id
        join stock_movements move on move.act_type = 'RoutingDecision' and move.act_id = decision.id
        where move.from_bucket = 'RESERVED' group by 1, 2
    ),
    holding as (
        select reservation_id as cart_id, stock_level_id, sum(held) as units from reservation_lines where held > 0 group by 1, 2
    )
    select 'Reservation', cart_id, coalesce(holding.units, 0) + coalesce(taken.units, 0) || ' held or taken',
           coalesce(kept.units, 0) || ' kept'
    from kept full join taken using (cart_id, stock_level_id) full join holding using (cart_id, stock_level_id)
    where coalesce(kept.units, 0) <> coalesce(holding.units, 0) + coalesce(taken.units, 0)
    """,
)

INVARIANTS = (
    RESERVED_IS_WHAT_CARTS_HOLD,
    CARTS_HOLD_WHILE_THEY_ARE_ACTIVE,
    CARTS_END_WHEN_THEY_SAY,
    CART_LINE_IS_OF_ITS_SHELF,
    CARTS_UNITS_WENT_SOMEWHERE,
)
