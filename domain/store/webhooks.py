"""Webhooks: endpoints, what is on its way to them, and how each attempt ended."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Uuid, any_, bindparam, select, true

from domain.deliveries import (
    BREAKS_AFTER,
    FIRST_HOLD_SECONDS,
    LONGEST_HOLD_SECONDS,
    PING,
    PROBE_SECONDS,
    Told,
    delivery_id,
)
from domain.ids import new_id
from domain.store import jobs, tables, visibility
from domain.store.jobs import NewJob
from domain.store.log import Place
from domain.store.relays import COLUMNS as EVENT_COLUMNS
from domain.store.relays import LoggedEvent
from domain.store.sql import Statement, compiled
from domain.store.visibility import VIEWER_PARAMETERS
from domain.viewer import Role, Scope, Viewer
from domain.webhooks import EndpointStatus, WebhookEndpoint, owner_of

KIND = "WEBHOOK_DELIVERY"
"""The kind of job that delivers."""

ENDPOINT = ", ".join(each.name for each in fields(WebhookEndpoint))

LISTENING = f"SELECT {ENDPOINT} FROM webhook_endpoints WHERE status IN ('ACTIVE', 'FAILING') ORDER BY id LIMIT $1"

COUNT = "SELECT count(*) FROM webhook_endpoints WHERE status <> 'DELETED'"


# -- endpoints ---------------------------------------------------------------------------------------------------------


@cache
def _lock(role: Role | None, scopes: frozenset[Scope]) -> Statement:
    row = tables.webhook_endpoints.alias()
    shaped = Viewer(kind=None, role=role, subject="", display_name="", scopes=scopes)  # type: ignore[arg-type]
    columns = [row.c[each.name] for each in fields(WebhookEndpoint)]
    seen = visibility.webhook_endpoints(shaped, row)
    found = select(*columns).where(row.c.id == bindparam("id", type_=Uuid), seen)
    return compiled(found.with_for_update(key_share=True, of=row))


async def lock(connection: Any, key: UUID, viewer: Viewer) -> WebhookEndpoint | None:
    """An endpoint that the viewer may manage, locked; deliveries of it may be added meanwhile."""
    statement = _lock(viewer.role, viewer.scopes)
    row = await connection.fetchrow(statement.sql, *statement.values(id=key, **_bounds(statement, viewer)))
    return WebhookEndpoint(*row) if row else None


def _bounds(statement: Statement, viewer: Viewer) -> dict[str, Any]:
    return {name: VIEWER_PARAMETERS[name](viewer) for name in statement.names if name in VIEWER_PARAMETERS}


async def count(connection: Any) -> int:
    """How many endpoints there are."""
    number: int = await connection.fetchval(COUNT)
    return number


async def listening(connection: Any, limit: int) -> list[WebhookEndpoint]:
    """Every endpoint that is sent anything."""
    return [WebhookEndpoint(*row) for row in await connection.fetch(LISTENING, limit)]


CANCEL = """
    WITH canceled AS (
        UPDATE webhook_deliveries
        SET status = 'CANCELED', next_attempt_at = NULL, ended_at = now(), error = $2
        WHERE endpoint_id = $1 AND status = 'PENDING'
        RETURNING id, subject_id
    )
    DELETE FROM jobs WHERE kind = $3 AND dead_at IS NULL AND lane IN (
        SELECT $4 || coalesce(subject_id, id)::text FROM canceled
    )
"""


async def cancel_pending(connection: Any, endpoint_id: UUID, reason: str) -> None:
    """Call off what is on its way, and the jobs that would deliver it."""
    await connection.execute(CANCEL, endpoint_id, reason, KIND, _lane(endpoint_id))


TRY_NOW = """
    UPDATE jobs SET ready_at = now()
    WHERE kind = $2 AND dead_at IS NULL AND lease IS NULL AND ready_at > now() AND starts_with(lane, $1)
"""


async def try_now(connection: Any, endpoint_id: UUID) -> None:
    """Let everything that waits for its next attempt have it."""
    await connection.execute(TRY_NOW, _lane(endpoint_id), KIND)


def _lane(endpoint_id: UUID, subject: object = "") -> str:
    """Deliveries of one subject to one endpoint go one after another."""
    return f"webhook:{endpoint_id}:{subject}"


# -- what an owner may hear of -----------------------------------------------------------------------------------------


@cache
def _heard(role: Role | None, scopes: frozenset[Scope]) -> Statement | None:
    """None where all events may be heard."""
    row = tables.events.alias()
    shaped = Viewer(kind=None, role=role, subject="", display_name="", scopes=scopes)  # type: ignore[arg-type]
    seen = visibility.events(shaped, row)
    if seen is true():
        return None
    return compiled(select(row.c.id).where(row.c.id == any_(bindparam("ids", type_=ARRAY(BigInteger))), seen))


async def wanted(connection: Any, endpoint: WebhookEndpoint, events: Sequence[LoggedEvent]) -> list[LoggedEvent]:
    """Those of `events` that an endpoint wants, and whose owner may see them."""
    matching = [event for event in events if endpoint.wants(event.type, event.channel_id)]
    owner = owner_of(endpoint)
    statement = _heard(owner.role, owner.scopes)
    if statement is None or not matching:
        return matching
    given = statement.values(ids=[event.id for event in matching], **_bounds(statement, owner))
    seen = {row["id"] for row in await connection.fetch(statement.sql, *given)}
    return [event for event in matching if event.id in seen]


# -- deliveries --------------------------------------------------------------------------------------------------------

QUEUE = """
    INSERT INTO webhook_deliveries
        (id, endpoint_id, event_id, type, subject_id, status, queued_at, next_attempt_at)
    SELECT id, endpoint_id, event_id, type, subject_id, 'PENDING', now(), now()
    FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::uuid[])
        AS v (id, endpoint_id, event_id, type, subject_id)
    ORDER BY endpoint_id, event_id
"""

ONCE = f"{QUEUE} ON CONFLICT (endpoint_id, event_id) DO NOTHING RETURNING id"

ANEW = f"""{QUEUE} ON CONFLICT (endpoint_id, event_id) DO UPDATE
    SET status = 'PENDING', tries = 0, queued_at = now(), next_attempt_at = now(), ended_at = NULL
    WHERE webhook_deliveries.status <> 'PENDING'
    RETURNING id
"""

Row = tuple[UUID, UUID, int | None, str, UUID | None]


def row_of(endpoint: WebhookEndpoint, event: LoggedEvent) -> Row:
    """The delivery of an event to an endpoint."""
    id_ = delivery_id(endpoint.id, event.id, event.recorded_at)
    return id_, endpoint.id, event.id, event.type, event.subject_id


async def queue(
    connection: Any, rows: Sequence[Row], *, anew: bool = False, held: Mapping[UUID, datetime | None] | None = None
) -> None:
    """Have deliveries made, in this order; those that there are already only when they are to be made `anew`.

    `held` says until when nothing goes to an endpoint.
    """
    if not rows:
        return
    found = await connection.fetch(ANEW if anew else ONCE, *map(list, zip(*rows, strict=True)))
    queued = {row["id"] for row in found}
    until = held or {}
    await jobs.enqueue(
        connection, [_job(row[0], row[1], row[4], until.get(row[1])) for row in rows if row[0] in queued]
    )


def _job(id_: UUID, endpoint_id: UUID, subject_id: UUID | None, ready_at: datetime | None) -> NewJob:
    return NewJob(KIND, {"delivery": str(id_)}, lane=_lane(endpoint_id, subject_id or id_), ready_at=ready_at)


async def ping(connection: Any, endpoint_id: UUID) -> UUID:
    """Have an endpoint told that we are there; the delivery's id."""
    id_ = new_id()
    await queue(connection, [(id_, endpoint_id, None, PING, None)])
    return id_


REPLAYED = f"""
    SELECT {EVENT_COLUMNS} FROM events
    WHERE position IS NOT NULL AND (epoch, position) > ($1, $2)
      AND ($3::timestamptz IS NULL OR occurred_at >= $3) AND ($4::timestamptz IS NULL OR occurred_at < $4)
      AND (epoch, position) >= (SELECT coalesce(min(first_epoch), 0), coalesce(min(first_position), 0) FROM event_days
                                WHERE $3::timestamptz IS NULL OR day >= ($3 AT TIME ZONE 'UTC')::date)
      AND (epoch, position) <= (SELECT coalesce(max(last_epoch), 0), coalesce(max(last_position), 0) FROM event_days
                                WHERE $4::timestamptz IS NULL OR day <= ($4 AT TIME ZONE 'UTC')::date)
      AND (cardinality($5::text[]) = 0 OR type = ANY ($5)) AND ($6::uuid IS NULL OR channel_id = $6)
      AND ($7::integer IS NULL OR (epoch, position) <= ($7, $8::bigint))
    ORDER BY epoch, position LIMIT $9
"""
"""Events of a range of the log. What happened on a day may be told late: `event_days` says where in the log to look."""


@dataclass(frozen=True, slots=True)
class Range:
    """A part of the log: after one place and up to another, or happened within a span of time."""

    after: Place
    until: Place | None = None
    occurred_from: datetime | None = None
    occurred_to: datetime | None = None


async def in_range(connection: Any, endpoint: WebhookEndpoint, part: Range, limit: int) -> list[LoggedEvent]:
    """The first events of a range that an endpoint wants."""
    rows = await connection.fetch(
        REPLAYED,
        *part.after,
        part.occurred_from,
        part.occurred_to,
        list(endpoint.types),
        endpoint.channel_id,
        *(part.until or (None, None)),
        limit,
    )
    return [LoggedEvent(*row) for row in rows]


# -- delivering --------------------------------------------------------------------------------------------------------

TOLD = ", ".join(f"event.{each.name}" for each in fields(Told))

DUE = f"""
    SELECT delivery.id, delivery.endpoint_id, delivery.event_id, delivery.status, delivery.tries, delivery.queued_at,
           {TOLD}
    FROM webhook_deliveries AS delivery LEFT JOIN events AS event ON event.id = delivery.event_id
    WHERE delivery.id = ANY ($1)
"""

ENDPOINTS = f"""
    SELECT {ENDPOINT}, coalesce(extract(epoch FROM held_until - now()), 0)::float8 AS held_seconds
    FROM webhook_endpoints WHERE id = ANY ($1)
"""


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery whose turn it is: to whom, of what, and for how much longer its endpoint is held."""

    id: UUID
    event_id: int | None
    status: str
    tries: int
    queued_at: datetime
    told: Told | None
    endpoint: WebhookEndpoint
    held_seconds: float

    @property
    def is_ping(self) -> bool:
        """Whether it is about nothing but itself."""
        return self.event_id is None


async def due(connection: Any, ids: Sequence[UUID]) -> list[Due | None]:
    """Deliveries by their ids, as they are now."""
    rows = await connection.fetch(DUE, ids)
    found = await connection.fetch(ENDPOINTS, list({row["endpoint_id"] for row in rows}))
    endpoints = {row["id"]: (WebhookEndpoint(*list(row.values())[:-1]), row["held_seconds"]) for row in found}
    known = {}
    for id_, endpoint_id, event_id, status, tries, queued_at, *event in rows:
        told = Told(*event) if event[0] is not None else None
        known[id_] = Due(id_, event_id, status, tries, queued_at, told, *endpoints[endpoint_id])
    return [known.get(id_) for id_ in ids]


PROBE = f"""
    UPDATE webhook_endpoints SET held_until = now() + interval '{PROBE_SECONDS} seconds'
    WHERE id = $1 AND status = 'FAILING' AND held_until <= now() RETURNING true
"""


async def may_probe(connection: Any, endpoint_id: UUID) -> bool:
    """Whether this is the one delivery that is let through to see whether a failing endpoint is back."""
    return bool(await connection.fetchval(PROBE, endpoint_id))


@dataclass(frozen=True, slots=True)
class Attempt:
    """How an attempt ended, and how its delivery stands now. `probed`: it was let through to see."""

    delivery_id: UUID
    endpoint_id: UUID
    status: str
    seconds: float | None
    began_at: datetime
    duration_ms: int
    response_status: int | None
    response_body: str | None
    error: str | None
    probed: bool = False
    unwanted: bool = False
    """Whether the receiver wants to hear nothing any more."""


NEWS = "told.status = 'DELIVERED' OR d.status = 'PENDING'"
"""That it arrived is so whatever was decided meanwhile; anything else is only news of what still waits."""

RECORD = f"""
    WITH told AS (
        SELECT * FROM unnest($1::uuid[], $2::text[], $3::float8[], $4::timestamptz[], $5::integer[], $6::integer[],
                             $7::text[], $8::text[])
        AS v (id, status, seconds, began_at, duration_ms, response_status, response_body, error)
    ), stands AS (
        UPDATE webhook_deliveries AS d
        SET attempts = d.attempts + 1, tries = d.tries + 1, response_status = told.response_status, error = told.error,
            status = CASE WHEN {NEWS} THEN told.status ELSE d.status END,
            next_attempt_at = CASE WHEN {NEWS} THEN now() + make_interval(secs => told.seconds) END,
            ended_at = CASE WHEN NOT ({NEWS}) THEN d.ended_at WHEN told.status <> 'PENDING' THEN now() END
        FROM told WHERE d.id = told.id
        RETURNING d.id, d.attempts
    )
    INSERT INTO webhook_attempts (delivery_id, number, began_at, duration_ms, response_status, response_body, error)
    SELECT id, stands.attempts, began_at, told.duration_ms, told.response_status, response_body, told.error
    FROM told JOIN stands USING (id)
    ON CONFLICT DO NOTHING
"""

OPENS = f"""
    (e.status = 'ACTIVE' AND v.since + CASE WHEN v.arrived THEN 0 ELSE e.failures END >= {BREAKS_AFTER}
     OR e.status = 'FAILING' AND v.probed AND NOT v.arrived)
"""

HELD_UNTIL = f"""
    now() + make_interval(secs => least({FIRST_HOLD_SECONDS} * 2 ^ least({{}}, 20), {LONGEST_HOLD_SECONDS}))
"""
"""The end of a hold after so many others."""

FARED = f"""
    UPDATE webhook_endpoints AS e
    SET failures = v.since + CASE WHEN v.arrived THEN 0 ELSE e.failures END,
        status = CASE WHEN {OPENS} THEN 'FAILING' WHEN v.arrived THEN 'ACTIVE' ELSE e.status END,
        holds = CASE WHEN {OPENS} THEN e.holds + 1 WHEN v.arrived THEN 0 ELSE e.holds END,
        held_until = CASE WHEN {OPENS} THEN {HELD_UNTIL.format("e.holds")} WHEN NOT v.arrived THEN e.held_until END
    FROM unnest($1::uuid[], $2::boolean[], $3::integer[], $4::boolean[]) AS v (id, arrived, since, probed)
    WHERE e.id = v.id AND e.status IN ('ACTIVE', 'FAILING')
      AND (v.since > 0 OR e.failures > 0 OR e.status = 'FAILING')
    RETURNING e.id, e.held_until, e.held_until = {HELD_UNTIL.format("e.holds - 1")} AS opened
"""
"""The breaker: too many failures in a row hold an endpoint's deliveries, a failed probe holds them for longer, and one that
arrives lets them go."""

HOLD = """
    UPDATE jobs SET ready_at = $2
    WHERE kind = $3 AND dead_at IS NULL AND lease IS NULL AND ready_at < $2 AND starts_with(lane, $1)
"""
"""Out of the way of others' jobs: whoever looks for what is ready passes over everything that only waits its turn."""

GONE = f"""
    UPDATE webhook_endpoints
    SET status = '{EndpointStatus.DISABLED}', disabled_at = now(), disabled_reason = $2, held_until = NULL
    WHERE id = $1 AND status IN ('ACTIVE', 'FAILING')
"""

GONE_REASON = "The receiver answered 410 Gone."


async def record(connection: Any, attempts: Sequence[Attempt]) -> None:
    """Put on record how attempts ended, all at once. Endpoints come first, as for whoever disables one."""
    for row in await connection.fetch(FARED, *map(list, zip(*_fared(attempts), strict=True))):
        if row["opened"]:
            await connection.execute(HOLD, _lane(row["id"]), row["held_until"], KIND)
    unwanted = sorted({each.endpoint_id for each in attempts if each.unwanted})
    for endpoint_id in unwanted:
        await connection.execute(GONE, endpoint_id, GONE_REASON)
    rows = [
        (
            each.delivery_id,
            each.status,
            each.seconds,
            each.began_at,
            each.duration_ms,
            each.response_status,
            each.response_body,
            each.error,
        )
        for each in sorted(attempts, key=lambda attempt: attempt.delivery_id)
    ]
    await connection.execute(RECORD, *map(list, zip(*rows, strict=True)))
    for endpoint_id in unwanted:
        await cancel_pending(connection, endpoint_id, GONE_REASON)


def _fared(attempts: Iterable[Attempt]) -> list[tuple[UUID, bool, int, bool]]:
    """For each endpoint: whether any arrived, how many failed since, whether one of them was to see."""
    found: dict[UUID, tuple[bool, int, bool]] = {}
    for each in attempts:
        arrived, since, probed = found.get(each.endpoint_id, (False, 0, False))
        if each.status == "DELIVERED":
            found[each.endpoint_id] = True, 0, probed
        else:
            found[each.endpoint_id] = arrived, since + 1, probed or each.probed
    return [(endpoint_id, *rest) for endpoint_id, rest in sorted(found.items())]


EXPIRE = """
    UPDATE webhook_deliveries SET status = $2, error = $3, next_attempt_at = NULL, ended_at = now()
    WHERE id = $1 AND status = 'PENDING'
"""


async def end(connection: Any, id_: UUID, status: str, error: str) -> None:
    """A delivery that ends without an attempt."""
    await connection.execute(EXPIRE, id_, status, error)


# -- putting away ------------------------------------------------------------------------------------------------------

FORGET = """
    DELETE FROM webhook_deliveries WHERE id IN (
        SELECT id FROM webhook_deliveries
        WHERE queued_at < now() - make_interval(days => $1) AND status <> 'PENDING' ORDER BY queued_at LIMIT $2
    )
"""

FORGET_ENDPOINTS = """
    DELETE FROM webhook_endpoints AS e
    WHERE status = 'DELETED' AND disabled_at < now() - make_interval(days => $1)
      AND NOT EXISTS (SELECT FROM webhook_deliveries WHERE endpoint_id = e.id)
"""


async def forget(connection: Any, days: int, limit: int) -> int:
    """Remove deliveries that ended long ago, with their attempts; how many."""
    done: str = await connection.execute(FORGET, days, limit)
    return int(done.rpartition(" ")[2])


async def forget_endpoints(connection: Any, days: int) -> None:
    """Remove endpoints that were deleted long ago and of which nothing is on record any more."""
    await connection.execute(FORGET_ENDPOINTS, days)
