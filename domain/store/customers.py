"""Questions about one customer."""

from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, select

from domain.store import tables as t
from domain.store import visibility
from domain.store.sql import Statement, compiled
from domain.store.visibility import VIEWER_PARAMETERS
from domain.viewer import Role, Scope, Viewer


@cache
def _keep(role: Role | None, scopes: frozenset[Scope]) -> Statement:
    row = t.customers.alias()
    shaped = Viewer(kind=None, role=role, subject="", display_name="", scopes=scopes)  # type: ignore[arg-type]
    found = select(row.c.id).where(row.c.id == bindparam("id", type_=Uuid), visibility.customers(shaped, row))
    return compiled(found.with_for_update(read=True, key_share=True, of=row))


async def keep(connection: Any, key: UUID, viewer: Viewer) -> UUID | None:
    """Lock a customer against being deleted, and give its id; None when the viewer may not see it."""
    statement = _keep(viewer.role, viewer.scopes)
    bounds = {name: VIEWER_PARAMETERS[name](viewer) for name in statement.names if name in VIEWER_PARAMETERS}
    found: UUID | None = await connection.fetchval(statement.sql, *statement.values(id=key, **bounds))
    return found
