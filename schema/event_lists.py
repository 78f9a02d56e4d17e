"""The order of the log, wherever it is listed."""

from sqlalchemy import ColumnElement, FromClause

from resolvers.reading.mapping import Row, Sort

EVENT_ORDER = "POSITION"


def event_keys(row: Row) -> list[ColumnElement[object]]:
    """An event's place in the log: the epoch, then the position in it."""
    return [row.c.epoch, row.c.position]


EVENT_SORTS: dict[str, tuple[Sort, bool]] = {EVENT_ORDER: (event_keys, False)}
LATEST_EVENTS_FIRST: dict[str, tuple[Sort, bool]] = {EVENT_ORDER: (event_keys, True)}


def stamped(_row: Row, event: FromClause, _arguments: object) -> ColumnElement[bool]:
    """Only events that have their place: the rest follow within milliseconds."""
    return event.c.position.is_not(None)
