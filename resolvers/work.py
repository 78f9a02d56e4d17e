"""Work items: put in, claim, extend, complete, fail, reassign, retry; and what comes back by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson

from domain import ids, put_backs
from domain import work as rules
from domain.acts import Act
from domain.events import Event
from domain.ids import new_id
from domain.model import Decided, Order, WorkItem, replace
from domain.refusals import InvalidInput, NotFound
from domain.stock import Ledger
from domain.store import work as stored
from domain.store.changes import Changes, write
from domain.store.jobs import Job
from domain.store.visibility import AT_LOCATIONS
from domain.viewer import Role, Scope, Viewer
from domain.work import Claimant, Concerns, Place, Wish
from resolvers.fulfillment import key_of
from resolvers.jobs import Done, Kind
from resolvers.jobs import Outcome as JobOutcome
from resolvers.setup import location_of
from resolvers.writing import Outcome, Work, World, verb

if TYPE_CHECKING:
    from datetime import datetime

    from schema.inputs.work import (
        WorkItemClaimInput,
        WorkItemCompleteInput,
        WorkItemCreateInput,
        WorkItemExtendInput,
        WorkItemFailInput,
        WorkItemReassignInput,
        WorkItemRetryInput,
    )

JSON_LIMIT = 20_000
"""Bytes of a payload or a result: enough to say what is to be done, too few to keep documents in."""


@verb("workItemCreate", Scope.WORK_ASSIGN)
async def create(work: Work, input: WorkItemCreateInput) -> Outcome:
    """Put work into a queue."""
    kind = rules.kind_of(input.kind)
    refuse_large(input.payload, "payload")
    place = await _place(work, input.queue, input.location_id)
    if place is None:
        raise InvalidInput("say in which queue, or at which location", field=("queue",))
    concerns = await _concerns(work, input.subject_id)
    now = await stored.moment(work.connection)

    item, told = rules.create(
        kind,
        place,
        concerns,
        _wish(input),
        now,
        work.act,
        max_attempts=input.max_attempts,
        payload=input.payload,
        note=input.note,
    )

    work.changes.add(item)
    work.changes.log(work.act, [told])
    return Outcome({"workItem": item.id})


async def _with_lease(_world: World, viewer: Viewer, input: WorkItemClaimInput, outcome: Outcome) -> Outcome:
    """Tell the lease that this claim was given, whoever has the item by now."""
    if outcome.subjects["workItem"] is None:
        return outcome
    return replace(outcome, values={"lease": str(rules.lease_of(viewer.subject, input.idempotency_key))})


@verb("workItemClaim", Scope.WORK_WRITE, finish=_with_lease)
async def claim(work: Work, input: WorkItemClaimInput) -> Outcome:
    """Take on the most urgent item of a queue, or the one that is named; none where there is none."""
    seconds = rules.within(input.lease_seconds, rules.LEASE_SECONDS, "leaseSeconds")
    can = rules.skills(input.skills or (), "skills")
    lease = rules.lease_of(work.viewer.subject, input.idempotency_key)
    if input.id is not None:
        item, now = await _item(work, input.id)
        until = rules.later(now, seconds)
    elif input.queue is None:
        raise InvalidInput("say from which queue, or which item", field=("queue",))
    else:
        found = await stored.next_of(work.connection, work.viewer, input.queue, can, input.kind, lease, seconds)
        if found is None:
            return Outcome({"workItem": None})
        item, now, until = found

    after, told = rules.claim(item, can, lease, now, until, work.act)

    return _turned(work, item, after, told)


@verb("workItemExtend", Scope.WORK_WRITE)
async def extend(work: Work, input: WorkItemExtendInput) -> Outcome:
    """Take more time for an item."""
    seconds = rules.within(input.lease_seconds, rules.LEASE_SECONDS, "leaseSeconds")
    item, now = await _item(work, input.id)
    after, told = rules.extend(item, _claimant(work, input), now, rules.later(now, seconds))
    return _turned(work, item, after, told)


@verb("workItemComplete", Scope.WORK_WRITE)
async def complete(work: Work, input: WorkItemCompleteInput) -> Outcome:
    """An item is done; what follows from it is done with it."""
    refuse_large(input.result, "result")
    item, now = await _item(work, input.id)
    after, told = rules.complete(item, _claimant(work, input), input.result, now, work.act)
    if item.kind == rules.PUT_BACK:
        await _put_back(work, item)
    return _turned(work, item, after, told)


async def _put_back(work: Work, item: WorkItem) -> None:
    levels = await work.levels({units.level_id for units in put_backs.units_of(item)})
    ledger = Ledger(work.act, "WorkItem", item.id, levels.values())
    put_backs.shelve(item, ledger)
    moved = Decided(None, tuple(ledger.levels.values()), tuple(ledger.movements), tuple(ledger.events))
    work.store(None, moved, levels)


@verb("workItemFail", Scope.WORK_WRITE)
async def fail(work: Work, input: WorkItemFailInput) -> Outcome:
    """An attempt at an item failed."""
    item, now = await _item(work, input.id)
    after, told = rules.fail(item, _claimant(work, input), input.reason, input.retry_seconds, now, work.act)
    return _turned(work, item, after, told)


@verb("workItemReassign", Scope.WORK_ASSIGN)
async def reassign(work: Work, input: WorkItemReassignInput) -> Outcome:
    """Give an item to others, or another rank."""
    place = await _place(work, input.queue, input.location_id)
    wish = _wish(input)
    if place is None and wish == Wish():
        raise InvalidInput("say what is to be different")
    item, now = await _item(work, input.id)
    after, told = rules.reassign(item, place, wish, now)
    return _turned(work, item, after, told)


@verb("workItemRetry", Scope.WORK_ASSIGN)
async def retry(work: Work, input: WorkItemRetryInput) -> Outcome:
    """Let a dead item be attempted anew."""
    item, now = await _item(work, input.id)
    after, told = rules.retry(item, now)
    return _turned(work, item, after, told)


# -- shared ----------------------------------------------------------------------------------------------------------


async def _item(work: Work, id_: str) -> tuple[WorkItem, datetime]:
    """An item, locked, and the database's moment."""
    found = await stored.lock(work.connection, key_of("WorkItem", id_, ("id",)), work.viewer)
    if found is None:
        raise NotFound("WorkItem", id_, field=("id",))
    return found


def _turned(work: Work, before: WorkItem, after: WorkItem, told: list[Event]) -> Outcome:
    work.changes.turn(before, after)
    work.changes.log(work.act, told)
    return Outcome({"workItem": after.id})


def _claimant(work: Work, input: Any) -> Claimant:
    """Operations may speak for whoever holds an item."""
    return Claimant(work.viewer.subject, input.lease, oversees=work.viewer.role is Role.OPERATIONS)


def _wish(input: WorkItemCreateInput | WorkItemReassignInput) -> Wish:
    return Wish(input.priority, input.due_at, input.required_skills, input.assigned_to)


async def _place(work: Work, queue: str | None, location_id: str | None) -> Place | None:
    """Where work is to wait: a location's own queue has that location, and is what a location means without a queue."""
    here = None if location_id is None else await location_of(work, location_id)
    if queue is None:
        if here is None:
            return None
        codes = await stored.codes_of(work.connection, [here])
        return _seen(work, Place(rules.queue_of(codes[here]), here))
    code = rules.code_of(queue)
    if code is not None:
        owner = await stored.location_by_code(work.connection, code)
        if owner is None:
            raise NotFound("Location", code, field=("queue",))
        if here not in (None, owner):
            raise InvalidInput(f"{queue} is another location's", field=("queue",))
        here = owner
    return _seen(work, Place(rules.queue_name(queue), here))


def _seen(work: Work, place: Place) -> Place:
    """Whoever puts work somewhere can see it there."""
    viewer = work.viewer
    if viewer.role in AT_LOCATIONS and place.location_id not in viewer.location_ids:
        raise NotFound("Queue", place.queue, field=("queue",))
    if viewer.role is Role.AGENT and rules.family_of(place.queue) != rules.OF_CALL_CENTER:
        raise NotFound("Queue", place.queue, field=("queue",))
    return place


async def _concerns(work: Work, subject_id: str | None) -> Concerns:
    if subject_id is None:
        return Concerns()
    typename, key = ids.split(subject_id)
    if typename is None:
        raise NotFound("Node", subject_id, field=("subjectId",))
    if typename not in stored.SUBJECTS:
        raise InvalidInput(f"work is about one of {', '.join(stored.SUBJECTS)}", field=("subjectId",))
    found = await stored.concerns(work.connection, typename, UUID(key))
    if found is None:
        raise NotFound(typename, subject_id, field=("subjectId",))
    return found


def refuse_large(value: Any, place: str) -> None:
    """Refuse JSON that is no note but a document."""
    if len(orjson.dumps(value, default=str)) > JSON_LIMIT:
        raise InvalidInput(f"at most {JSON_LIMIT:,} bytes of JSON", field=(place,))


# -- what follows from something else --------------------------------------------------------------------------------


async def with_put_backs(work: Work, order: Order, decided: Decided, ledger: Ledger) -> Decided:
    """What a cancellation took off a packing table becomes work: to be put back on its shelf."""
    places = {move.location_id for move in put_backs.waiting(ledger.movements)}
    if not places:
        return decided
    codes = await stored.codes_of(work.connection, places)
    now = await stored.moment(work.connection)
    items, told = put_backs.of_cancellation(order, ledger.movements, codes, now, work.act)
    return replace(decided, records=(*decided.records, *items), events=(*decided.events, *told))


RETURN_SECONDS = 5.0
"""How late it may be on record that an item is back. Readers and claims do not wait for that."""
CHUNK = 200
SYSTEM = "system"


def return_work(world: World) -> Kind:
    """Every few seconds, put on record which items are back: their lease ran out, or their delay is over."""

    async def handle(_: Job) -> JobOutcome:
        returned = CHUNK
        while returned == CHUNK:
            async with world.database.writes.acquire() as connection, connection.transaction():
                returned = await _returned(connection, world.now())
            if returned:
                world.stamp_soon()
        return Done()

    return Kind("RETURN_WORK", handle, every_seconds=RETURN_SECONDS)


async def _returned(connection: Any, now: datetime) -> int:
    changes = Changes()
    act = Act(new_id(), now, now, "SYSTEM", SYSTEM, "Ordergraph")
    found = await stored.passed(connection, CHUNK)
    for item, moment in found:
        after, told = rules.as_of(item, moment)
        changes.turn(item, after)
        changes.log(act, told)
    await write(connection, changes)
    return len(found)
