"""What rules in shadow would have decided: asked of the same order, on the stock of the same moment, and kept beside it.

What a decision was made on is on record: the order, and the ledger, which tells what was available at any moment. So it
is decided again when there is time for it, and comes to the same whenever that is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from domain.ids import drawn_at
from domain.routing.model import Decision, DemandLine, Parcel, ParcelLine, Point, Strategy, Unfilled, UnfilledReason
from domain.routing.network import Destination, Request, Ruleset
from domain.routing.simulation import Figures, Stock
from domain.sourcing import UNKNOWN_GRAMS, Days, parcel_json
from domain.store.past_orders import summed
from domain.store.rulesets import ruleset_of

NOTE = """
    insert into routing_shadows (decision_id, order_id, channel_id, ruleset_id, currency, decided_at)
    select d.id, d.order_id, o.channel_id, r.id, d.currency, d.decided_at
    from routing_decisions d
    join orders o on o.id = d.order_id
    join routing_rulesets r on r.channel_id = o.channel_id and r.mode = 'SHADOW'
    where d.order_id = any($1) and d.id > r.id and d.strategy <> 'PINNED'
    on conflict do nothing
"""
"""Ids are drawn in the order of time: the rules were never asked of older decisions. Pins leave nothing to decide."""

WAITING = "select exists (select from routing_shadows where strategy is null)"

NEXT = """
    select s.decision_id, s.ruleset_id, s.channel_id, s.currency, s.decided_at, d.chosen, d.unfilled,
        o.id as order_id, o.latitude, o.longitude, o.country, o.region, o.postal_code,
        o.deliver_by_earliest, o.deliver_by_latest
    from routing_shadows s
    join routing_decisions d on d.id = s.decision_id
    join orders o on o.id = s.order_id
    where s.strategy is null order by s.decision_id limit $1
"""

LINES = """
    select l.id, l.sku, l.variant_id, v.weight_grams, l.unit_price_minor,
        greatest(v.length_mm, v.width_mm, v.height_mm) as longest_mm, v.hazmat
    from order_lines l join variants v on v.id = l.variant_id
    where l.order_id = $1 and l.sku = any($2) order by l.position
"""

FIRST_MOVE = """
    select recorded_at, id from stock_movements
    where act_id = $1 and kind = 'ALLOCATE' order by recorded_at, id limit 1
"""

STOCK_BEFORE = """
    select lc.location_id, wanted.variant_id, before.units
    from location_channels lc
    cross join unnest($2::uuid[]) as wanted (variant_id)
    cross join lateral (
        select case when m.to_bucket = 'AVAILABLE' then m.to_balance_after else m.from_balance_after end as units
        from stock_movements m
        where m.variant_id = wanted.variant_id and m.location_id = lc.location_id
            and (m.recorded_at, m.id) < ($3, $4) and 'AVAILABLE' in (m.from_bucket, m.to_bucket)
        order by m.recorded_at desc, m.id desc limit 1
    ) as before
    where lc.channel_id = $1 and before.units > 0
    union all
    select m.location_id, m.variant_id, m.quantity from stock_movements m
    where m.act_id = $5 and m.kind = 'ALLOCATE' and m.from_bucket = 'RESERVED'
"""
"""What was available right before a decision took its part; what it took out of a reservation was there for it as well."""

DAYS_BEFORE = """
    select f.location_id, f.capacity_day, count(*) as parcels
    from fulfillment_orders f
    join location_channels lc on lc.location_id = f.location_id and lc.channel_id = $1
    where f.due_at >= $2 and f.capacity_day is not null and f.id < $3
        and (f.status not in ('REJECTED', 'CANCELED') or f.closed_at > $2)
    group by f.location_id, f.capacity_day
"""
"""Work is due by the end of the day whose capacity it takes; ids are drawn in the order of time."""

HISTORY = timedelta(days=1)

RULESET = "select to_json(r) as ruleset from routing_rulesets r where id = $1"

KEEP = """
    update routing_shadows s
    set strategy = v.strategy, chosen = v.chosen::jsonb, unfilled = v.unfilled::jsonb, changed = v.changed,
        live = v.live::jsonb, shadow = v.shadow::jsonb
    from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::boolean[], $6::text[], $7::text[])
        as v (decision_id, strategy, chosen, unfilled, changed, live, shadow)
    where s.decision_id = v.decision_id and s.strategy is null
"""


@dataclass(frozen=True, slots=True)
class Question:
    """A decision on record, and what it was made on: to be decided again by other rules."""

    decision_id: UUID
    channel_id: UUID
    ruleset_id: UUID
    currency: str
    request: Request
    promise: datetime | None
    live: Decision
    stock: Stock
    days: Days


@dataclass(frozen=True, slots=True)
class Answer:
    """What the rules in shadow make of it, and both sides' figures."""

    question: Question
    decision: Decision
    changed: bool
    live: Figures
    shadow: Figures


async def note(connection: Any, order_ids: Iterable[UUID]) -> None:
    """Have the decisions about these orders asked of rules in shadow, where there are any."""
    await connection.execute(NOTE, list(order_ids))


async def is_any_waiting(connection: Any) -> bool:
    """Whether a decision waits for its shadow."""
    return await connection.fetchval(WAITING)  # type: ignore[no-any-return]


async def questions(connection: Any, limit: int) -> list[Question]:
    """The oldest decisions that wait."""
    return [await _question(connection, row) for row in await connection.fetch(NEXT, limit)]


async def _question(connection: Any, row: Any) -> Question:
    units = _units(row["chosen"], row["unfilled"])
    lines = tuple(_lines(await connection.fetch(LINES, row["order_id"], list(units)), units))
    line_of = {line.sku: line for line in lines}
    known = row["latitude"] is not None and row["longitude"] is not None
    request = Request(
        lines=lines,
        destination=Destination(
            Point(row["latitude"], row["longitude"]) if known else None,
            row["country"],
            row["region"],
            row["postal_code"],
        ),
        at=row["decided_at"],
        deliver_by=None if _promised_by_router(row) else row["deliver_by_latest"],
    )
    live = Decision(
        Strategy.NONE,
        tuple(_parcel(each, line_of) for each in row["chosen"]),
        (),
        tuple(_unfilled(each, line_of) for each in row["unfilled"]),
    )
    variants = [line.variant_id for line in lines]
    stock = await _stock_before(connection, row["channel_id"], variants, row["decision_id"])
    days = await _days_before(connection, row["channel_id"], row["decided_at"], row["decision_id"])
    whose = row["decision_id"], row["channel_id"], row["ruleset_id"], row["currency"]
    return Question(*whose, request, row["deliver_by_latest"], live, stock, days)


def _promised_by_router(row: Any) -> bool:
    """Whether the buyer was promised no more than what this decision came to: then nobody asked it of the router."""
    ends = [datetime.fromisoformat(each["deliver_by"]) for each in row["chosen"] if each.get("deliver_by")]
    begins = [datetime.fromisoformat(each["deliver_from"]) for each in row["chosen"] if each.get("deliver_from")]
    promise = row["deliver_by_earliest"], row["deliver_by_latest"]
    return bool(begins) and promise == (min(begins), max(ends))


def _units(chosen: list[Any], unfilled: list[Any]) -> dict[str, int]:
    """What was to be shipped by SKU: what is, and what is not."""
    units: dict[str, int] = {}
    for part in [line for parcel in chosen for line in parcel["lines"]] + unfilled:
        units[part["sku"]] = units.get(part["sku"], 0) + part["quantity"]
    return units


def _lines(rows: Iterable[Any], units: dict[str, int]) -> Iterable[DemandLine]:
    """One line for each SKU: decisions do not tell two lines of one SKU apart."""
    for row in {row["sku"]: row for row in reversed(list(rows))}.values():
        yield DemandLine(
            line_id=row["id"],
            sku=row["sku"],
            variant_id=row["variant_id"],
            quantity=units[row["sku"]],
            weight_grams=UNKNOWN_GRAMS if row["weight_grams"] is None else row["weight_grams"],
            value_minor=row["unit_price_minor"],
            longest_mm=row["longest_mm"],
            hazmat=row["hazmat"],
        )


def _parcel(kept: dict[str, Any], line_of: dict[str, DemandLine]) -> Parcel:
    units = _units([kept], [])
    latest = kept.get("deliver_by")
    return Parcel(
        location_id=UUID(kept["location_id"]),
        lines=tuple(ParcelLine(line_of[sku].line_id, sku, quantity) for sku, quantity in units.items()),
        distance_km=kept["distance_km"],
        cost_minor=kept.get("cost_minor") or 0,
        deliver_latest=datetime.fromisoformat(latest) if latest else None,
    )


def _unfilled(kept: dict[str, Any], line_of: dict[str, DemandLine]) -> Unfilled:
    return Unfilled(line_of[kept["sku"]].line_id, kept["sku"], kept["quantity"], UnfilledReason(kept["reason"]))


async def _stock_before(connection: Any, channel_id: UUID, variants: Sequence[UUID], decision_id: UUID) -> Stock:
    moment = await connection.fetchrow(FIRST_MOVE, decision_id)
    moment = moment or (drawn_at(decision_id), decision_id)
    return summed(await connection.fetch(STOCK_BEFORE, channel_id, variants, *moment, decision_id))


async def _days_before(connection: Any, channel_id: UUID, at: datetime, decision_id: UUID) -> Days:
    """What locations had been given for days to come. History takes nothing of any day's capacity."""
    if at < drawn_at(decision_id) - HISTORY:
        return {}
    rows = await connection.fetch(DAYS_BEFORE, channel_id, at, decision_id)
    return {(row["location_id"], row["capacity_day"]): row["parcels"] for row in rows}


async def ruleset(connection: Any, id_: UUID) -> Ruleset:
    """The rules that were in shadow, whatever has become of them."""
    return ruleset_of(orjson.loads(await connection.fetchval(RULESET, id_)))


async def keep(connection: Any, answers: Sequence[Answer]) -> None:
    """Put beside decisions what rules in shadow make of them."""
    rows = [
        (
            each.question.decision_id,
            each.decision.strategy.value,
            _json(
                [parcel_json(parcel, each.question.currency, each.question.promise) for parcel in each.decision.chosen]
            ),
            _json(_gaps(each.decision)),
            each.changed,
            _json(asdict(each.live)),
            _json(asdict(each.shadow)),
        )
        for each in answers
    ]
    await connection.execute(KEEP, *map(list, zip(*rows, strict=True)))


def _gaps(decision: Decision) -> list[dict[str, Any]]:
    return [{"sku": gap.sku, "quantity": gap.quantity, "reason": gap.reason.value} for gap in decision.unfilled]


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


# -- the report ----------------------------------------------------------------------------------------------------


def _sums(side: str) -> str:
    parts = [f"'{each.name}', coalesce(sum(({side}->>'{each.name}')::numeric), 0)" for each in fields(Figures)]
    return f"json_build_object({', '.join(parts)})"


REPORT = f"""
    select json_build_object(
        'decisions', count(*), 'orders', count(distinct order_id), 'waiting', count(*) filter (where strategy is null),
        'changed_count', count(*) filter (where changed),
        'priced', exists (select from carrier_rates r join channels c on c.currency = r.currency where c.id = $1),
        'live', {_sums("live")}, 'shadow', {_sums("shadow")}
    )
    from routing_shadows where channel_id = $1 and decided_at >= $2 and decided_at < $3
"""


async def report(connection: Any, channel_id: UUID, since: datetime, until: datetime) -> dict[str, Any]:
    """Sums over the decisions of a time, of both sides."""
    return orjson.loads(await connection.fetchval(REPORT, channel_id, since, until))  # type: ignore[no-any-return]
