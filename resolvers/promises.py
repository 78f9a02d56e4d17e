"""Promises: learned by workers every night, kept in memory by whoever makes them, and compared with what happened."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from domain.refusals import InvalidInput, NotFound
from domain.store import promises as stored
from domain.store import setup
from domain.store.jobs import Job
from domain.viewer import Viewer
from resolvers.database import Connection
from resolvers.jobs import Done, Kind
from resolvers.jobs import Outcome as Ended
from resolvers.writing import World

KIND = "LEARN_PROMISES"
EVERY_SECONDS = 86_400.0
LEASE_SECONDS = 600.0
"""A large shop's year takes half a minute."""


def learning(world: World) -> Kind:
    """Learn every night, by a process beside this one."""

    async def handle(_: Job) -> Ended:
        await world.aside("learn_promises", {})
        return Done()

    return Kind(KIND, handle, lease_seconds=LEASE_SECONDS, every_seconds=EVERY_SECONDS)


async def report(world: World, _viewer: Viewer, *, channel: str, from_: datetime, to: datetime) -> dict[str, Any]:
    """The answer to `promiseReport`."""
    if not from_ < to:
        raise InvalidInput("to comes after from", field=("to",))

    async def ask(connection: Connection) -> dict[str, Any]:
        if channel not in await setup.channels_by_code(connection, [channel]):
            raise NotFound("Channel", channel, field=("channel",))
        return await stored.report(connection, channel, from_, to)

    return await world.database.ask(ask)
