"""Shortfalls: what a count did not find of what was promised."""

import strawberry

from domain.store import tables as t
from domain.store import visibility
from resolvers.reading.mapping import column, one
from schema.common import entity
from schema.orders import OrderLine
from schema.stock import Location


@strawberry.type(description="Units that were promised and are not there any more.")
@entity(t.stock_shortfalls, visibility.stock_shortfalls)
class StockShortfall:
    """What a count left short."""

    order_line: OrderLine = one(lambda row, line: line.c.id == row.c.order_line_id, "The line they were promised to.")
    quantity: int = column("quantity", "How many units.")
    rerouted_to: Location | None = one(
        lambda row, place: place.c.id == row.c.rerouted_to_id, "Who ships them instead; null where nobody can yet."
    )
