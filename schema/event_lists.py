"""The order of the log, wherever it is listed."""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, FromClause, Integer, func, select
from sqlalchemy.types import TypeEngine

from domain.store.log import ORDER
from resolvers.reading.arguments import Arguments
from resolvers.reading.cursors import unpack
from resolvers.reading.mapping import Row, Sort


def event_keys(row: Row) -> list[ColumnElement[object]]:
    """An event's place in the log: the epoch, then the position in it."""
    return [row.c.epoch, row.c.position]


EVENT_ORDER = ORDER

EVENT_SORTS: dict[str, tuple[Sort, bool]] = {EVENT_ORDER: (event_keys, False)}
LATEST_EVENTS_FIRST: dict[str, tuple[Sort, bool]] = {EVENT_ORDER: (event_keys, True)}


def stamped(_row: Row, event: FromClause, _arguments: object) -> ColumnElement[bool]:
    """Only events that have their place: the rest follow within milliseconds."""
    return event.c.position.is_not(None)


def stamped_after(row: Row, event: FromClause, arguments: Arguments) -> ColumnElement[bool]:
    """The same, of the log from end to end; an error where what came after the cursor was archived."""
    if arguments.get("after") is None:
        return stamped(row, event, arguments)
    after = arguments["after"]
    types: list[TypeEngine[Any]] = [Integer(), BigInteger()]
    epoch = after.bind(types[0], lambda cursor: unpack(cursor, EVENT_ORDER, types)[0])
    position = after.bind(types[1], lambda cursor: unpack(cursor, EVENT_ORDER, types)[1])
    return stamped(row, event, arguments) & select(func.log_holds_after(epoch, position)).scalar_subquery()
