"""`ordergraph worker`: reads the log for whoever must be told, and does the jobs that wait. Any number of them share it."""

import asyncio
import signal

from app.crew import working
from app.database import connected, running_database
from app.failure import Failure
from app.graph import open_engine
from app.migrate import current_revision, newest_revision
from app.settings import Settings
from app.terminal import err


class WorkerError(Failure):
    """The worker cannot begin; the message says why."""


async def run(settings: Settings) -> None:
    """Work until a signal ends it, then finish what is at hand."""
    ended = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, ended.set)
    async with running_database(settings) as url:
        await _refuse_another_shape(url)
        settings = settings.model_copy(update={"database_url": url})
        async with open_engine(settings) as (engine, feed), working(engine, feed):
            err.print("The worker is at work. Ctrl-C ends it.")
            await ended.wait()


async def _refuse_another_shape(url: str) -> None:
    async with connected(url) as connection:
        current, wanted = await current_revision(connection), newest_revision()
    if current != wanted:
        at = f"at step {current}" if current else "empty"
        raise WorkerError(f"the database is {at}, this release works with step {wanted}: run `ordergraph migrate`")
