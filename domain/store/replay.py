"""Reading the log again for one follower: what came after a place in it, of the ids and types that are followed."""

from collections.abc import Collection
from functools import cache
from uuid import UUID

from domain.store.log import HOLDS_AFTER, NEWS, TOPICS, Connection, News, Place, telling_expiry

BY_TYPE = frozenset({None, "location_id", "channel_id"})
"""What bears so many events of other types that each type has to be read for itself; an index serves that."""


@cache
def question(column: str | None, limit: int, *, by_type: bool) -> str:
    """A page of the log: of each id and type no more than a page is read, in order, and these are merged.

    The limit is part of the text: the planner must know that few rows are wanted.
    """
    assert column is None or column in TOPICS
    sources, conditions = [], ["position IS NOT NULL", "(epoch, position) > ($1, $2)"]
    if column is not None:
        sources.append("unnest($3::uuid[]) AS followed (id)")
        conditions.append(f"{column} = followed.id")
    if by_type:
        sources.append(f"unnest(${len(sources) + 3}::text[]) AS wanted (type)")
        conditions.append("events.type = wanted.type")
    page = f"SELECT {NEWS} FROM events WHERE {' AND '.join(conditions)} ORDER BY epoch, position LIMIT {limit}"
    followed = f"{', '.join(sources)}, " if sources else ""
    return f"SELECT news.* FROM {followed}LATERAL ({page}) AS news WHERE {HOLDS_AFTER} ORDER BY epoch, position LIMIT {limit}"


async def news_of(
    connection: Connection,
    column: str | None,
    ids: Collection[UUID],
    types: Collection[str] | None,
    place: Place,
    limit: int,
) -> list[News]:
    """What came after a place and bears one of the ids in the column (None: whatever it bears), in order, or `CursorExpired`.

    Other types may be among it where they are few.
    """
    by_type = types is not None and column in BY_TYPE
    given = [*([list(ids)] if column is not None else []), *([list(types or ())] if by_type else [])]
    with telling_expiry():
        rows = await connection.fetch(question(column, limit, by_type=by_type), *place, *given)
    return [News(Place(row[0], row[1]), *row[2:]) for row in rows]
