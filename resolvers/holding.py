"""Connections of their own for what runs as long as the process does: the feed's ear, the stamper, a relay."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from random import uniform

import asyncpg
import structlog

from resolvers.database import CONNECT_SECONDS, GONE, STATEMENT_SECONDS

log = structlog.get_logger()

FIRST_DELAY_SECONDS = 0.1
LONGEST_DELAY_SECONDS = 2.0

LOST = (*GONE, asyncpg.InternalClientError)
"""How asyncpg tells that a connection ended; the last where the server's farewell crossed the next question."""

SESSION = {"TimeZone": "UTC", "jit": "off", "enable_seqscan": "off", "plan_cache_mode": "force_generic_plan"}
"""The log is read by its indexes alone, whatever the planner believes of a table that nobody has analyzed yet.

To plan over many months takes ten times as long as to read: once must do.
"""


async def hold(url: str, name: str, live: Callable[[asyncpg.Connection], Awaitable[None]]) -> None:
    """Run `live` on a connection of its own, and again on another whenever that one is lost."""
    delay = FIRST_DELAY_SECONDS
    while True:
        began = asyncio.get_running_loop().time()
        try:
            async with connected(url, name) as connection:
                await live(connection)
        except (*LOST, asyncpg.PostgresError) as error:
            log.warning("a connection was lost", connection=name, reason=str(error) or type(error).__name__)
        except Exception:
            log.exception(
                "what ran on a connection failed", connection=name
            )  # and goes on: without it nobody would hear of anything
        lasted = asyncio.get_running_loop().time() - began
        delay = FIRST_DELAY_SECONDS if lasted > LONGEST_DELAY_SECONDS else min(delay * 2, LONGEST_DELAY_SECONDS)
        await asyncio.sleep(uniform(delay / 2, delay))  # noqa: S311 - spread, not secrecy


@asynccontextmanager
async def connected(url: str, name: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection outside the pools, dropped at the end of the block."""
    settings = {"application_name": name, **SESSION}
    connection = await asyncpg.connect(
        url, timeout=CONNECT_SECONDS, command_timeout=STATEMENT_SECONDS, server_settings=settings
    )
    try:
        yield connection
    finally:
        connection.terminate()


async def set_within(event: asyncio.Event, seconds: float) -> bool:
    """Whether the event is set by then."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()
