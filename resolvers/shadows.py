"""Rules in shadow: asked of every decision after it was made, in the background, and reported on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from domain.refusals import InvalidInput, NotFound
from domain.routing.simulation import Figures
from domain.store import setup, shadows
from domain.store.jobs import Job
from domain.store.relays import LoggedEvent
from domain.viewer import Viewer
from resolvers.database import Connection
from resolvers.jobs import Done, Kind
from resolvers.jobs import Outcome as Ended
from resolvers.relays import Relay
from resolvers.writing import World

KIND = "DECIDE_IN_SHADOW"
EVERY_SECONDS = 5.0
"""How long decisions gather: a process begins for all of them together."""

ROUTED = ("ORDER_PLACED", "FULFILLMENT_ORDER_CREATED")
"""Events in whose transactions decisions are made."""


def noting() -> Relay:
    """Note the decisions that rules in shadow are to be asked of."""

    async def note(connection: Connection, events: list[LoggedEvent]) -> None:
        orders = {event.order_id for event in events if event.type in ROUTED and event.order_id is not None}
        if orders:
            await shadows.note(connection, orders)

    return Relay("routing_shadows", note)


def deciding(world: World) -> Kind:
    """Ask rules in shadow."""

    async def handle(_: Job) -> Ended:
        async with world.database.writes.acquire() as connection:
            waiting = await shadows.is_any_waiting(connection)
        if waiting:
            await world.aside("decide_in_shadow", {})
        return Done()

    return Kind(KIND, handle, every_seconds=EVERY_SECONDS)


# -- the report --------------------------------------------------------------------------------------------------------


async def report(world: World, _viewer: Viewer, *, channel: str, from_: datetime, to: datetime) -> dict[str, Any]:
    """The answer to `routingShadowReport`."""
    if not from_ < to:
        raise InvalidInput("to comes after from", field=("to",))

    async def ask(connection: Connection) -> dict[str, Any]:
        channels = await setup.channels_by_code(connection, [channel])
        if channel not in channels:
            raise NotFound("Channel", channel, field=("channel",))
        id_, currency = channels[channel]
        return {**await shadows.report(connection, id_, from_, to), "currency": currency}

    found = await world.database.ask(ask)
    live, shadow = Figures(**found["live"]), Figures(**found["shadow"])
    priced = found["priced"]
    saved = live.cost_minor - shadow.cost_minor if priced else None
    sides = {"current": live.told(priced=priced), "shadow": shadow.told(priced=priced)}
    return {**found, **sides, "saved_minor": saved}
