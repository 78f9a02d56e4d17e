"""Demand and places, counted off the log: each event once, whoever is killed, and no order waits for it."""

from collections.abc import Iterable

from domain.demand import by_day, given
from domain.events import EventType
from domain.places import prefixes
from domain.store import demand as stored
from domain.store.relays import LoggedEvent
from resolvers.database import Connection
from resolvers.relays import Relay

Area = tuple[str, str]


def counting() -> Relay:
    """Counts what is wanted where, and learns where postal codes are."""
    return Relay("demand", _pass_on)


async def _pass_on(connection: Connection, events: list[LoggedEvent]) -> None:
    await _count(connection, [each for each in events if each.type == EventType.STOCK_MOVED])
    await _place(connection, [each for each in events if each.type == EventType.ORDER_PLACED])


async def _count(connection: Connection, moves: Iterable[LoggedEvent]) -> None:
    """A unit that is called off late is taken off the day on which it was ordered."""
    told = [given(each.data, each.order_id, each.variant_id, each.location_id) for each in moves]
    units = [each for each in told if each is not None]
    if units:
        days = await stored.days_of(connection, {each.order_id for each in units})
        if counted := by_day(units, days):
            await stored.count(connection, counted)


async def _place(connection: Connection, placed: Iterable[LoggedEvent]) -> None:
    order_ids = {each.order_id for each in placed if each.order_id}
    areas: dict[Area, tuple[int, float, float]] = {}
    for country, code, latitude, longitude in await stored.addresses_of(connection, order_ids) if order_ids else ():
        for prefix in prefixes(code):
            many, north, east = areas.get((country, prefix), (0, 0.0, 0.0))
            areas[country, prefix] = many + 1, north + latitude, east + longitude
    if areas:
        await stored.place(connection, areas)
