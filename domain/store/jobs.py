"""Jobs: what workers have to do. Enqueued in the transaction that is the reason for them, done at least once.

Jobs of one lane are done one after another, in the order in which they were enqueued: while one of them waits for its
next attempt, those behind it wait too. There is at most one living job of a kind with the same key.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from domain.store.leases import Leasable

COLUMNS = ("id", "kind", "payload", "attempts", "lease", "created_at")

JOBS = Leasable(
    "jobs",
    COLUMNS,
    where="""
        t.kind = $4 AND t.dead_at IS NULL AND (t.lane IS NULL OR NOT EXISTS (
            SELECT FROM jobs AS earlier WHERE earlier.lane = t.lane AND earlier.dead_at IS NULL AND earlier.id < t.id
        ))
    """,
)


@dataclass(frozen=True, slots=True)
class Job:
    """One thing to do, taken for a while. `attempts` counts this one; `lease` is the taker's mark."""

    id: int
    kind: str
    payload: dict[str, Any]
    attempts: int
    lease: UUID
    created_at: datetime


@dataclass(frozen=True, slots=True)
class NewJob:
    """One thing to do: ready at once, or from `ready_at` on."""

    kind: str
    payload: dict[str, Any] = field(default_factory=dict)
    key: str | None = None
    lane: str | None = None
    ready_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """How an attempt ended: to be tried again `seconds` from now, never again (`dead`), or done when neither is said."""

    job: Job
    seconds: float | None = None
    error: str | None = None
    dead: bool = False
    fresh: bool = False
    """Whether its attempts are counted anew: what comes again by its nature has not failed."""


ENQUEUE = """
    INSERT INTO jobs (kind, key, lane, payload, ready_at)
    SELECT kind, key, lane, payload::jsonb, coalesce(ready_at, now())
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[])
        WITH ORDINALITY AS v (kind, key, lane, payload, ready_at, place)
    ORDER BY place
    ON CONFLICT (kind, key) WHERE key IS NOT NULL AND dead_at IS NULL DO NOTHING
"""

READY_KINDS = """
    SELECT kind FROM unnest($1::text[]) AS wanted (kind)
    WHERE EXISTS (SELECT FROM jobs WHERE jobs.kind = wanted.kind AND dead_at IS NULL AND ready_at <= now())
"""

DONE = "DELETE FROM jobs USING unnest($1::bigint[], $2::uuid[]) AS v (id, lease) WHERE jobs.id = v.id AND jobs.lease = v.lease"

AGAIN = """
    UPDATE jobs
    SET lease = NULL, ready_at = now() + make_interval(secs => v.seconds), error = v.error,
        attempts = CASE WHEN v.fresh THEN 0 ELSE jobs.attempts END
    FROM unnest($1::bigint[], $2::uuid[], $3::float8[], $4::text[], $5::boolean[]) AS v (id, lease, seconds, error, fresh)
    WHERE jobs.id = v.id AND jobs.lease = v.lease
"""

DEAD = """
    UPDATE jobs SET lease = NULL, dead_at = now(), error = v.error
    FROM unnest($1::bigint[], $2::uuid[], $3::text[]) AS v (id, lease, error)
    WHERE jobs.id = v.id AND jobs.lease = v.lease
"""


async def enqueue(connection: Any, jobs: Iterable[NewJob]) -> None:
    """Add jobs, in this order; one whose key a living job of its kind has already is left out."""
    rows = [
        (job.kind, job.key, job.lane, orjson.dumps(job.payload, default=str).decode(), job.ready_at) for job in jobs
    ]
    if rows:
        await connection.execute(ENQUEUE, *map(list, zip(*rows, strict=True)))


async def ready_kinds(connection: Any, kinds: Iterable[str]) -> set[str]:
    """Which of these kinds have jobs whose time has come."""
    return {row["kind"] for row in await connection.fetch(READY_KINDS, list(kinds))}


async def take(connection: Any, kind: str, limit: int, lease: UUID, seconds: float) -> list[Job]:
    """Up to `limit` jobs of a kind, leased for so long, in the order they were enqueued."""
    rows = await JOBS.take(connection, limit, lease, seconds, kind)
    return sorted((Job(*row) for row in rows), key=lambda job: job.id)


async def end(connection: Any, ended: Iterable[Ended]) -> None:
    """Put on record how attempts ended. Whose lease has run out meanwhile is not ours to speak of any more."""
    done, again, dead = [], [], []
    for each in ended:
        mine = (each.job.id, each.job.lease)
        if each.dead:
            dead.append((*mine, each.error))
        elif each.seconds is not None:
            again.append((*mine, each.seconds, each.error, each.fresh))
        else:
            done.append(mine)
    for statement, rows in ((DONE, done), (AGAIN, again), (DEAD, dead)):
        if rows:
            await connection.execute(statement, *map(list, zip(*rows, strict=True)))
