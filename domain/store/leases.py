"""Leases: rows of a table, taken for a while by whoever will do what they say. Workers' jobs and people's work share it.

A row is ready from its `ready_at` on. To take it is to move that moment to the lease's end and to leave one's mark in
`lease`: who dies leaves a row that becomes ready by itself, and whoever comes back too late finds another mark. Two who
ask at once never get the same row, and neither waits for the other (SKIP LOCKED). Time is the database's alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any
from uuid import UUID


@dataclass(frozen=True)
class Leasable:
    """A table with the columns `id`, `ready_at`, `lease` and `attempts`.

    `where` says which of its rows may be taken (of `t`, with parameters from $4 on), `order` which first, `columns` what
    is told of them, `set_taken` and `set_free` what else changes when a row is taken and given back.
    """

    table: str
    columns: tuple[str, ...]
    where: str
    order: str = "t.ready_at, t.id"
    set_taken: str = ""
    set_free: str = ""

    @cached_property
    def _told(self) -> str:
        return ", ".join(f"t.{name}" for name in self.columns)

    @cached_property
    def _ready(self) -> str:
        return f"""
            FROM {self.table} AS t WHERE t.ready_at <= now() AND {self.where}
            ORDER BY {self.order} LIMIT $1 FOR UPDATE OF t SKIP LOCKED
        """

    @cached_property
    def _offer(self) -> str:
        return f"SELECT {self._told}, now() AS now, $2::uuid AS mark, now() + $3::interval AS until {self._ready}"

    @cached_property
    def _take(self) -> str:
        return f"""
            WITH ready AS (SELECT t.id {self._ready})
            UPDATE {self.table} AS t
            SET lease = $2, ready_at = now() + $3::interval, attempts = t.attempts + 1{self.set_taken}
            FROM ready WHERE t.id = ready.id RETURNING {self._told}
        """

    @cached_property
    def _extend(self) -> str:
        return f"""
            UPDATE {self.table} SET ready_at = now() + $3::interval WHERE id = ANY ($1) AND lease = $2 RETURNING id
        """

    @cached_property
    def _give_back(self) -> str:
        return f"""
            UPDATE {self.table} SET lease = NULL, ready_at = now() + $3::interval{self.set_free}
            WHERE id = ANY ($1) AND lease = $2 RETURNING id
        """

    async def offer(self, connection: Any, limit: int, lease: UUID, seconds: float, *given: Any) -> list[Any]:
        """Up to `limit` ready rows, the first ones, locked and not yet taken; the moment, and a lease's end, beside each.

        For rows whose taking is decided and told like everything else: it is written before the transaction ends.
        """
        rows: list[Any] = await connection.fetch(self._offer, limit, lease, timedelta(seconds=seconds), *given)
        return rows

    async def take(self, connection: Any, limit: int, lease: UUID, seconds: float, *given: Any) -> list[Any]:
        """Up to `limit` ready rows, now leased for so long. In no order."""
        rows: list[Any] = await connection.fetch(self._take, limit, lease, timedelta(seconds=seconds), *given)
        return rows

    async def extend(self, connection: Any, ids: Sequence[Any], lease: UUID, seconds: float) -> set[Any]:
        """Lease rows for so long from now; the ids of those that were still ours."""
        rows = await connection.fetch(self._extend, list(ids), lease, timedelta(seconds=seconds))
        return {row["id"] for row in rows}

    async def give_back(self, connection: Any, ids: Sequence[Any], lease: UUID, seconds: float = 0) -> set[Any]:
        """Let others have rows, so many seconds from now; the ids of those that were still ours."""
        rows = await connection.fetch(self._give_back, list(ids), lease, timedelta(seconds=seconds))
        return {row["id"] for row in rows}
