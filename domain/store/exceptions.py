"""Exceptions: the statements that find what is wrong by index, what is no longer wrong, and what is on record.

A statement reads what may be wrong by now and never what may not: each has its partial index over the moment from which it
may. All are given `$1` the latest moment looked at, `$2` and `$3` where to go on, and `$4` how many at most.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import Uuid, bindparam, select

from domain.exceptions import ExceptionKind, Found, Rule
from domain.model import Trouble
from domain.store import tables as t
from domain.store import visibility
from domain.store.changes import columns_of
from domain.store.sql import Statement, compiled
from domain.store.visibility import VIEWER_PARAMETERS
from domain.viewer import Role, Scope, Viewer


class From(NamedTuple):
    """Where to go on: after this moment and key."""

    at: datetime
    key: UUID


@dataclass(frozen=True, slots=True)
class Cause:
    """What makes something an exception: rows of `source` (`o` is their order) under `holds`.

    `at` is the moment that decides, `key` what the rows are read on by beside it, `subject` whose exception it is. `state`
    tells how the subject stands, `facts` the figures to tell, as pairs for json_build_object.
    """

    source: str
    holds: str
    at: str
    state: str
    facts: str
    key: str = "s.id"
    subject: str = "s.id"
    location: str = "s.location_id"


LIVE = "o.status IN ('PENDING', 'CONFIRMED', 'IN_FULFILLMENT')"
NOT_CALLED_OFF = "o.status IN ('PENDING', 'CONFIRMED', 'IN_FULFILLMENT', 'COMPLETED')"
AWAY = "s.status IN ('HANDED_OVER', 'IN_TRANSIT', 'OUT_FOR_DELIVERY')"

WORK = """
    fulfillment_orders s JOIN orders o ON o.id = s.order_id JOIN locations p ON p.id = s.location_id
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(quantity - short - canceled), 0) AS units,
               coalesce(sum(quantity - picked - short - canceled), 0) AS unpicked
        FROM fulfillment_order_lines WHERE fulfillment_order_id = s.id
    ) part
"""
WORK_STATE = "CASE WHEN o.on_hold THEN 'ON_HOLD' ELSE s.status END"
WORK_FACTS = """
    'left', part.unpicked, 'units', part.units, 'status', s.status, 'place', p.name, 'promised', o.deliver_by_latest
"""

PARCELS = "shipments s JOIN orders o ON o.id = s.order_id JOIN locations p ON p.id = s.location_id"
PARCELS_FACTS = "'carrier', s.carrier, 'place', p.name, 'promised', o.deliver_by_latest, 'code', s.heard_code"


CAUSES: dict[tuple[ExceptionKind, str], Cause] = {
    (ExceptionKind.LATE_PICK, "FulfillmentOrder"): Cause(
        WORK,
        "s.status IN ('OPEN', 'ACCEPTED', 'PICKING') AND NOT o.on_hold AND part.unpicked > 0",
        "s.due_at",
        WORK_STATE,
        WORK_FACTS,
    ),
    (ExceptionKind.LATE_SHIPMENT, "FulfillmentOrder"): Cause(
        WORK,
        "s.status IN ('PICKING', 'PACKED') AND NOT o.on_hold AND part.unpicked = 0",
        "s.due_at",
        WORK_STATE,
        WORK_FACTS,
    ),
    (ExceptionKind.LATE_SHIPMENT, "Shipment"): Cause(
        PARCELS,
        "s.status IN ('CREATED', 'LABELED')",
        "s.created_at",
        "s.status",
        PARCELS_FACTS,
    ),
    (ExceptionKind.STUCK_TRACKING, "Shipment"): Cause(PARCELS, AWAY, "s.heard_at", "s.status", PARCELS_FACTS),
    # What came back is seen to once the buyer has their money, another shipment left, or somebody says that they look at it.
    (ExceptionKind.DELIVERY_FAILING, "Shipment"): Cause(
        f"""
        {PARCELS}
        CROSS JOIN LATERAL (
            SELECT max(message) AS message FROM (
                SELECT message FROM tracking_events
                WHERE shipment_id = s.id AND occurred_at = s.heard_at AND code = s.heard_code LIMIT 1
            ) said
        ) said
        """,
        f"""
        s.heard_code IN ('ATTEMPTED', 'EXCEPTION', 'RETURNED') AND (
            {AWAY} OR s.heard_code = 'EXCEPTION' AND s.status IN ('CREATED', 'LABELED')
            OR s.status = 'RETURNED_TO_SENDER'
            AND o.payment_status NOT IN ('REFUNDED', 'PARTIALLY_REFUNDED', 'VOIDED', 'CHARGED_BACK')
            AND NOT EXISTS (SELECT FROM shipments later WHERE later.order_id = o.id AND later.created_at > s.heard_at)
            AND NOT EXISTS (
                SELECT FROM exceptions seen
                WHERE seen.subject_id = s.id AND seen.kind = 'DELIVERY_FAILING' AND seen.acknowledged_at > s.heard_at
            )
        )
        """,
        "s.heard_at",
        "s.status",
        f"{PARCELS_FACTS}, 'message', said.message",
    ),
    (ExceptionKind.PROMISE_AT_RISK, "Order"): Cause(
        """
        orders o
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(quantity - canceled), 0) AS units, coalesce(sum(quantity - shipped - canceled), 0) AS rest
            FROM order_lines WHERE order_id = o.id
        ) part
        CROSS JOIN LATERAL (
            SELECT count(*) FILTER (WHERE status IN ('CREATED', 'LABELED')) AS in_house,
                   max(estimated_delivery) FILTER (WHERE status IN ('HANDED_OVER', 'IN_TRANSIT', 'OUT_FOR_DELIVERY'))
                       AS estimated,
                   max(carrier) AS carrier
            FROM shipments WHERE order_id = o.id
        ) away
        """,
        f"""
        {LIVE} AND o.deliver_by_latest IS NOT NULL AND (
            o.deliver_by_latest <= now() OR part.rest > 0 OR away.in_house > 0 OR away.estimated > o.deliver_by_latest
        )
        """,
        "o.deliver_by_latest",
        "o.status",
        """
        'left', part.rest, 'units', part.units, 'in_house', away.in_house, 'carrier', away.carrier, 'status', o.status,
        'on_hold', o.on_hold,
        'estimated', CASE WHEN away.estimated > o.deliver_by_latest THEN away.estimated END
        """,
        key="o.id",
        subject="o.id",
        location="NULL::uuid",
    ),
    (ExceptionKind.PAYMENT_EXPIRING, "Payment"): Cause(
        """
        payments s JOIN orders o ON o.id = s.order_id
        CROSS JOIN LATERAL (
            SELECT s.amount_minor - coalesce(sum(amount_minor), 0) AS rest FROM payments
            WHERE order_id = s.order_id AND parent_id = s.id AND status = 'SUCCEEDED' AND kind IN ('CAPTURE', 'VOID')
        ) part
        """,
        f"""
        {NOT_CALLED_OFF} AND s.kind = 'AUTHORIZATION' AND s.status = 'SUCCEEDED'
        AND o.payment_status IN ('AUTHORIZED', 'PARTIALLY_PAID') AND part.rest > 0
        """,
        "s.expires_at",
        f"CASE WHEN NOT ({NOT_CALLED_OFF}) THEN o.status WHEN part.rest > 0 THEN 'LEFT' ELSE 'NOTHING_LEFT' END",
        "'left', part.rest, 'amount', s.amount_minor, 'currency', s.currency",
        location="NULL::uuid",
    ),
    (ExceptionKind.PAYMENT_UNANSWERED, "Payment"): Cause(
        "payments s JOIN orders o ON o.id = s.order_id",
        f"""
        s.status = 'REQUESTED' AND (s.kind <> 'AUTHORIZATION' OR {LIVE})
        AND NOT EXISTS (SELECT FROM payments answer WHERE answer.request_id = s.id)
        """,
        "s.recorded_at",
        "CASE WHEN EXISTS (SELECT FROM payments answer WHERE answer.request_id = s.id) THEN 'ANSWERED' ELSE o.status END",
        "'amount', s.amount_minor, 'currency', s.currency, 'kind', s.kind, 'provider', s.provider",
        location="NULL::uuid",
    ),
    (ExceptionKind.UNFILLABLE_ORDER, "Order"): Cause(
        "routing_decisions s JOIN orders o ON o.id = s.order_id",
        f"""
        s.unfilled <> '[]' AND {LIVE} AND EXISTS (SELECT FROM order_lines WHERE order_id = o.id AND open > 0)
        """,
        "s.decided_at",
        "o.status",
        """
        'gaps', (
            SELECT json_agg(json_build_object('sku', sku, 'units', open)) FROM (
                SELECT sku, open FROM order_lines WHERE order_id = o.id AND open > 0 ORDER BY position LIMIT 3
            ) gap
        ),
        'more', (SELECT greatest(count(*) - 3, 0) FROM order_lines WHERE order_id = o.id AND open > 0),
        'promised', o.deliver_by_latest
        """,
        subject="o.id",
        location="NULL::uuid",
    ),
}
"""What each rule's statements look for, by its kind and the type of its subject."""


def _told(cause: Cause) -> str:
    """What a rule is told of something, as `_found` reads it."""
    return f"""
        {cause.subject} AS subject_id, {cause.at} AS at, o.id AS order_id, o.number, o.customer_id, o.channel_id,
        {cause.location} AS location_id, json_build_object({cause.facts})::text AS facts, {cause.key} AS key
    """


@cache
def finding(kind: ExceptionKind, subject_type: str) -> str:
    """What is wrong and not on record, the oldest first."""
    cause = CAUSES[kind, subject_type]
    return f"""
        SELECT {_told(cause)}
        FROM {cause.source}
        WHERE {cause.holds} AND {cause.at} <= $1 AND ({cause.at}, {cause.key}) > ($2, $3)
          AND NOT EXISTS (
              SELECT FROM exceptions x
              WHERE x.kind = '{kind}' AND x.subject_id = {cause.subject} AND x.resolved_at IS NULL
          )
        ORDER BY {cause.at}, {cause.key} LIMIT $4
    """


RECORD = ", ".join(f"x.{name}" for name in columns_of(Trouble))


@cache
def ending(kind: ExceptionKind, subject_type: str) -> str:
    """What is on record and no longer wrong, with how it stands; rows that somebody is changing are left for later."""
    cause = CAUSES[kind, subject_type]
    return f"""
        SELECT {RECORD}, (SELECT {cause.state} FROM {cause.source} WHERE {cause.subject} = x.subject_id LIMIT 1) AS state
        FROM exceptions x
        WHERE x.kind = '{kind}' AND x.subject_type = '{subject_type}' AND x.resolved_at IS NULL
          AND (x.detected_at, x.id) > ($2, $3)
          AND NOT EXISTS (
              SELECT FROM {cause.source} WHERE {cause.subject} = x.subject_id AND {cause.at} <= $1 AND {cause.holds}
          )
        ORDER BY x.detected_at, x.id LIMIT $4
        FOR UPDATE OF x SKIP LOCKED
    """


@cache
def again(kind: ExceptionKind, subject_type: str) -> str:
    """What is on record and still wrong, and might be worse by now, with its figures as they are now."""
    cause = CAUSES[kind, subject_type]
    return f"""
        SELECT {RECORD}, found.at, found.number, found.facts
        FROM exceptions x
        CROSS JOIN LATERAL (
            SELECT {_told(cause)} FROM {cause.source}
            WHERE {cause.subject} = x.subject_id AND {cause.at} <= $1 AND {cause.holds}
            ORDER BY {cause.at} DESC LIMIT 1
        ) found
        WHERE x.kind = '{kind}' AND x.subject_type = '{subject_type}' AND x.resolved_at IS NULL
          AND x.severity <> 'CRITICAL' AND (x.detected_at, x.id) > ($2, $3)
        ORDER BY x.detected_at, x.id LIMIT $4
    """


async def find(connection: Any, rule: Rule, now: datetime, start: From, limit: int) -> tuple[list[Found], From | None]:
    """What is wrong and not on record, and where to go on; None where that was all."""
    rows = await connection.fetch(finding(rule.kind, rule.subject_type), now + rule.ahead, *start, limit)
    found = [_found(row) for row in rows]
    return found, From(rows[-1]["at"], rows[-1]["key"]) if len(rows) == limit else None


def _found(row: Any) -> Found:
    names = ("subject_id", "at", "order_id", "number", "customer_id", "channel_id", "location_id")
    return Found(**{name: row[name] for name in names}, facts=orjson.loads(row["facts"]))


async def over(
    connection: Any, rule: Rule, now: datetime, start: From, limit: int
) -> tuple[list[tuple[Trouble, str | None]], From | None]:
    """What is no longer wrong, locked, and how it stands; and where to go on."""
    rows = await connection.fetch(ending(rule.kind, rule.subject_type), now + rule.ahead, *start, limit)
    troubles = [(_trouble(row), row["state"]) for row in rows]
    last = troubles[-1][0] if troubles else None
    return troubles, From(last.detected_at, last.id) if last and len(rows) == limit else None


async def look_again(
    connection: Any, rule: Rule, now: datetime, start: From, limit: int
) -> tuple[list[tuple[Trouble, Found]], From | None]:
    """What is still wrong, as it was told and as it is now; and where to go on."""
    rows = await connection.fetch(again(rule.kind, rule.subject_type), now + rule.ahead, *start, limit)
    onwards = From(rows[-1]["detected_at"], rows[-1]["id"]) if len(rows) == limit else None
    return [(_trouble(row), _found(row)) for row in rows], onwards


def _trouble(row: Any) -> Trouble:
    return Trouble(**{name: row[name] for name in columns_of(Trouble)})


RAISE = f"""
    INSERT INTO exceptions ({", ".join(columns_of(Trouble))})
    SELECT {RECORD} FROM json_populate_recordset(NULL::exceptions, $1::text::json) AS x
    ON CONFLICT (kind, subject_id) WHERE resolved_at IS NULL DO NOTHING
    RETURNING id
"""


async def put(connection: Any, troubles: Sequence[Trouble]) -> set[UUID]:
    """Put exceptions on record; the ids of those that were not there already."""
    return {row["id"] for row in await connection.fetch(RAISE, _as_json(troubles))}


WORSEN = """
    UPDATE exceptions x
    SET severity = v.severity, explanation = v.explanation, suggested_actions = v.suggested_actions, due_at = v.due_at,
        event_sequence = v.event_sequence
    FROM json_populate_recordset(NULL::exceptions, $1::text::json) AS v
    WHERE x.id = v.id AND x.resolved_at IS NULL AND x.event_sequence = v.event_sequence - 1
    RETURNING x.id
"""


async def put_worse(connection: Any, troubles: Sequence[Trouble]) -> set[UUID]:
    """Put on record what has become worse; the ids of those that nobody changed meanwhile."""
    return {row["id"] for row in await connection.fetch(WORSEN, _as_json(troubles))}


def _as_json(troubles: Sequence[Trouble]) -> str:
    rows = [{name: getattr(each, name) for name in columns_of(Trouble)} for each in troubles]
    return orjson.dumps(rows, default=str).decode()


# -- one of them -----------------------------------------------------------------------------------------------------


@cache
def _lock(role: Role | None, scopes: frozenset[Scope]) -> Statement:
    row = t.exceptions.alias()
    shaped = Viewer(kind=None, role=role, subject="", display_name="", scopes=scopes)  # type: ignore[arg-type]
    found = select(*(row.c[name] for name in columns_of(Trouble))).where(
        row.c.id == bindparam("id", type_=Uuid), visibility.exceptions(shaped, row)
    )
    return compiled(found.with_for_update(of=row))


async def lock(connection: Any, key: UUID, viewer: Viewer) -> Trouble | None:
    """An exception, locked; None when the viewer may not see it."""
    statement = _lock(viewer.role, viewer.scopes)
    bounds = {name: VIEWER_PARAMETERS[name](viewer) for name in statement.names if name in VIEWER_PARAMETERS}
    row = await connection.fetchrow(statement.sql, *statement.values(id=key, **bounds))
    return _trouble(row) if row else None
