"""Relays: what reads the whole log, event by event, and makes deliveries, messages and work of it, once each.

A relay's place and what it made of the events are committed together, so killing it loses nothing and doubles nothing.
Any number of processes run the same relays; for each, one of them reads at a time.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

import asyncpg
import structlog

from domain.store import relays as store
from domain.store.log import EVERYTHING
from domain.store.relays import LoggedEvent
from resolvers.database import GONE, Connection, Database, Unavailable
from resolvers.feed import Feed
from resolvers.followers import FellBehind

log = structlog.get_logger()

BATCH = 200
POLL_SECONDS = 1.0
"""How long events may wait that the feed did not speak of, or that another process began to read and did not finish."""


@dataclass(frozen=True, slots=True)
class Relay:
    """What is made of events, in the transaction that moves the relay on: `pass_on` writes by the connection it gets."""

    name: str
    pass_on: Callable[[Connection, list[LoggedEvent]], Awaitable[None]]
    after: Callable[[], None] = lambda: None
    """Called once that is committed: to stir who does what was enqueued."""


async def run(relay: Relay, database: Database, feed: Feed) -> None:
    """Pass on what comes, until cancelled."""
    begun = False
    while True:
        try:
            if not begun:
                async with database.writes.acquire() as connection:
                    await store.begin(connection, relay.name)
                begun = True
            with feed.follow([EVERYTHING]) as follower:
                while True:
                    follower.start_again()  # from here on it tells what the steps below may have missed
                    while await step(relay, database):
                        relay.after()
                    with suppress(TimeoutError, FellBehind):
                        await asyncio.wait_for(follower.next(), POLL_SECONDS)
        except (*GONE, Unavailable, asyncpg.PostgresError) as error:
            log.warning("a relay waits", relay=relay.name, reason=str(error) or type(error).__name__)
        except Exception:
            log.exception("a relay failed", relay=relay.name)  # and tries again: what it reads is still there
        await asyncio.sleep(POLL_SECONDS)


async def step(relay: Relay, database: Database) -> bool:
    """Pass on one batch; whether there was any."""
    async with database.writes.acquire() as connection, connection.transaction():
        place = await store.lock(connection, relay.name)
        events = [] if place is None else await store.events_after(connection, place, BATCH)
        if not events:
            return False
        await relay.pass_on(connection, events)
        await store.move(connection, relay.name, events[-1])
        return True
