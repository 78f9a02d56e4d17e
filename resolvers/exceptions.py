"""Exceptions: found by looking again and again at what may have become late, resolved likewise, and acknowledged."""

from __future__ import annotations

from asyncio import Semaphore
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from domain import ids
from domain.acts import Act
from domain.events import Event
from domain.exceptions import RULES, Rule, acknowledged, ended, raised, resolved, worsened
from domain.refusals import NotFound
from domain.store import exceptions as stored
from domain.store.changes import Changes, write
from domain.store.exceptions import From
from domain.store.jobs import Job
from domain.viewer import SYSTEM, Scope
from resolvers.database import Connection
from resolvers.jobs import Done, Kind
from resolvers.jobs import Outcome as Ended
from resolvers.writing import Outcome, Work, World, act_of, verb

if TYPE_CHECKING:
    from schema.inputs.exceptions import ExceptionAcknowledgeInput

EVERY_SECONDS = 30.0
"""How late an exception is told, and how long one stays open whose cause is gone, at most: a run takes milliseconds."""
CHUNK = 200
"""How many exceptions one transaction raises or resolves."""


def watches(world: World) -> list[Kind]:
    """For each rule a job that comes again: so one that fails holds up no other.

    One process looks for one thing at a time: the connections are there for those who wait for an answer.
    """
    turn = Semaphore()
    return [_watch(world, rule, turn) for rule in RULES]


def _watch(world: World, rule: Rule, turn: Semaphore) -> Kind:
    async def handle(_: Job) -> Ended:
        async with turn:
            await watch(world, rule)
        return Done()

    return Kind(f"WATCH_{rule.kind}_OF_{rule.subject_type.upper()}", handle, every_seconds=EVERY_SECONDS)


async def watch(world: World, rule: Rule) -> None:
    """Resolve what is no longer wrong, tell what has become worse, and raise what is wrong by now."""
    now = world.now()
    oldest = FIRST if rule.back is None else From(now - rule.back, UUID(int=0))
    for step, begin in ((_resolve_some, FIRST), (_worsen_some, FIRST), (_raise_some, oldest)):
        start: From | None = begin
        while start is not None:
            start = await step(world, rule, now, start)
            world.stamp_soon()


FIRST = From(datetime(1970, 1, 1, tzinfo=UTC), UUID(int=0))


async def _raise_some(world: World, rule: Rule, now: datetime, start: From) -> From | None:
    act = act_of(SYSTEM, None, now)
    async with world.database.writes.acquire() as connection, connection.transaction():
        found, onwards = await stored.find(connection, rule, now, start, CHUNK)
        told = [raised(rule, each, act) for each in found]
        if told:
            new = await stored.put(connection, [trouble for trouble, _ in told])
            await _log(connection, act, [event for trouble, event in told if trouble.id in new])
    return onwards


async def _worsen_some(world: World, rule: Rule, now: datetime, start: From) -> From | None:
    act = act_of(SYSTEM, None, now)
    async with world.database.writes.acquire() as connection, connection.transaction():
        found, onwards = await stored.look_again(connection, rule, now, start, CHUNK)
        told = [worse for trouble, each in found if (worse := worsened(rule, trouble, each, act))]
        if told:
            done = await stored.put_worse(connection, [trouble for trouble, _ in told])
            await _log(connection, act, [event for trouble, event in told if trouble.id in done])
    return onwards


async def _log(connection: Connection, act: Act, events: list[Event]) -> None:
    changes = Changes()
    changes.log(act, events)
    await write(connection, changes)


async def _resolve_some(world: World, rule: Rule, now: datetime, start: From) -> From | None:
    act = act_of(SYSTEM, None, now)
    async with world.database.writes.acquire() as connection, connection.transaction():
        found, onwards = await stored.over(connection, rule, now, start, CHUNK)
        changes = Changes()
        for trouble, state in found:
            after, event = resolved(trouble, ended(rule, state), act)
            changes.turn(trouble, after)
            changes.log(act, [event])
        await write(connection, changes)
    return onwards


@verb("exceptionAcknowledge", Scope.EXCEPTIONS_WRITE)
async def acknowledge(work: Work, input: ExceptionAcknowledgeInput) -> Outcome:
    """Say that one looks at an exception."""
    key = ids.decode("Exception", input.id)
    trouble = await stored.lock(work.connection, key, work.viewer) if key else None
    if trouble is None:
        raise NotFound("Exception", input.id)

    after, event = acknowledged(trouble, input.note, work.act)

    work.changes.turn(trouble, after)
    work.changes.log(work.act, [event])
    return Outcome({"exception": trouble.id})
