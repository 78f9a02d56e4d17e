"""Questions about work items: the next of a queue, one by its id, those whose time is up; and what they may be about."""

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, func, select

from domain.model import WorkItem
from domain.store import tables as t
from domain.store import visibility
from domain.store.changes import columns_of
from domain.store.leases import Leasable
from domain.store.sql import Statement, compiled
from domain.store.visibility import AT_LOCATIONS, VIEWER_PARAMETERS
from domain.viewer import Role, Scope, Viewer
from domain.work import OF_CALL_CENTER, Concerns

COLUMNS = columns_of(WorkItem)

QUEUES = Leasable(
    "work_items",
    COLUMNS,
    where=f"""
        t.queue = $4 AND t.urgency < {t.RANK // 2} AND t.required_skills <@ $5::text[]
        AND (t.assigned_to IS NULL OR t.assigned_to = $6) AND ($7::text IS NULL OR t.kind = $7)
        AND ($8::uuid[] IS NULL OR t.location_id = ANY ($8)) AND ($9::text IS NULL OR t.family = $9)
    """,
    order="t.urgency, t.due_by, t.id",
)
"""What can be claimed of a queue: what is still to be done, by whoever can and may do it."""

PASSED = f"""
    SELECT {", ".join(COLUMNS)}, now() AS now FROM work_items
    WHERE {t.PASSING_NOW} AND ready_at <= now() ORDER BY ready_at LIMIT $1 FOR UPDATE SKIP LOCKED
"""


async def next_of(
    connection: Any, viewer: Viewer, queue: str, skills: list[str], kind: str | None, lease: UUID, seconds: float
) -> tuple[WorkItem, datetime, datetime] | None:
    """The most urgent item of a queue that the viewer may take on, locked; the moment, and the end of its lease."""
    places = list(viewer.location_ids) if viewer.role in AT_LOCATIONS else None
    family = OF_CALL_CENTER if viewer.role is Role.AGENT else None
    rows = await QUEUES.offer(connection, 1, lease, seconds, queue, skills, viewer.subject, kind, places, family)
    return next(((_item(row), row["now"], row["until"]) for row in rows), None)


@cache
def _lock(role: Role | None, scopes: frozenset[Scope]) -> Statement:
    row = t.work_items.alias()
    shaped = Viewer(kind=None, role=role, subject="", display_name="", scopes=scopes)  # type: ignore[arg-type]
    asked = select(*(row.c[name] for name in COLUMNS), func.now().label("now"))
    mine = asked.where(row.c.id == bindparam("id", type_=Uuid), visibility.work_items(shaped, row))
    return compiled(mine.with_for_update())


async def lock(connection: Any, key: UUID, viewer: Viewer) -> tuple[WorkItem, datetime] | None:
    """An item, locked, and the moment; None when the viewer may not see it."""
    statement = _lock(viewer.role, viewer.scopes)
    bounds = {name: VIEWER_PARAMETERS[name](viewer) for name in statement.names if name in VIEWER_PARAMETERS}
    row = await connection.fetchrow(statement.sql, *statement.values(id=key, **bounds))
    return (_item(row), row["now"]) if row else None


async def passed(connection: Any, limit: int) -> list[tuple[WorkItem, datetime]]:
    """Items whose lease ran out, or whose delay is over, that nobody has put on record, locked; and the moment."""
    return [(_item(row), row["now"]) for row in await connection.fetch(PASSED, limit)]


def _item(row: Any) -> WorkItem:
    return WorkItem(**{name: row[name] for name in COLUMNS})


async def moment(connection: Any) -> datetime:
    """The database's moment, which leases go by."""
    found: datetime = await connection.fetchval("SELECT now()")
    return found


# -- what an item is about, and where it waits -----------------------------------------------------------------------

OF_ORDER = (
    "SELECT x.id, o.id, o.customer_id, o.channel_id FROM {} AS x JOIN orders AS o ON o.id = x.order_id WHERE x.id = $1"
)
ALONE = "SELECT id, NULL::uuid, NULL::uuid, NULL::uuid FROM {} WHERE id = $1"

SUBJECTS = {
    "Order": "SELECT id, id, customer_id, channel_id FROM orders WHERE id = $1",
    "FulfillmentOrder": OF_ORDER.format("fulfillment_orders"),
    "Shipment": OF_ORDER.format("shipments"),
    "Return": OF_ORDER.format("returns"),
    "Customer": "SELECT id, NULL::uuid, id, NULL::uuid FROM customers WHERE id = $1",
    "StockLevel": ALONE.format("stock_levels"),
    "Variant": ALONE.format("variants"),
    "Location": ALONE.format("locations"),
}
"""What work may be about, and whom that concerns."""


async def concerns(connection: Any, typename: str, key: UUID) -> Concerns | None:
    """Whom work about an object concerns; None where there is no such object."""
    row = await connection.fetchrow(SUBJECTS[typename], key)
    return Concerns(typename, *row) if row else None


async def location_by_code(connection: Any, code: str) -> UUID | None:
    """A location by its code."""
    found: UUID | None = await connection.fetchval("SELECT id FROM locations WHERE code = $1", code)
    return found


async def codes_of(connection: Any, location_ids: Iterable[UUID]) -> dict[UUID, str]:
    """The codes of locations."""
    asked = "SELECT id, code FROM locations WHERE id = ANY ($1)"
    return dict(await connection.fetch(asked, list(set(location_ids))))
