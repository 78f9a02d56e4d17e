"""What takes long to work out is done by a process of its own, for one question each, and never on the event loop.

The process gets its question on standard input and gives its answer on standard output. It reads the database by itself,
so that nothing large ever passes through the loop. Whoever waits no longer kills it; and should this process die, it
finds its standard input closed and ends as well.
"""

import asyncio
import os
import resource
import sys
import threading
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from typing import Any

import asyncpg
import orjson

from app.failure import Failure
from resolvers.database import as_bytes

SLOTS = 2
"""So many at once in one process of ours; who comes later waits."""
LARGEST_BYTES = 4 * 1024**3
"""Of memory that one may take: whatever is larger ends alone."""
NICE = 10
"""Those who wait for an order to be placed come first."""
SESSION = {"TimeZone": "UTC", "jit": "off", "application_name": "ordergraph aside"}


class AsideError(Failure):
    """A process beside this one failed; what it had to say stands on standard error."""


class Asides:
    """Asks questions of processes beside this one."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.free = asyncio.Semaphore(SLOTS)

    async def __call__(self, task: str, given: dict[str, Any]) -> Any:
        """What a task answers; `AsideError` when its process failed. To be cancelled is to kill it."""
        async with self.free:
            # Never broken off half way: asyncio would wait for ever for the pipes of a process that was begun.
            begun = asyncio.create_task(
                asyncio.create_subprocess_exec(sys.executable, "-m", "app.aside", stdin=PIPE, stdout=PIPE, limit=2**20)
            )
            try:
                process = await asyncio.shield(begun)
                return await _asked(process, orjson.dumps({"url": self.url, "task": task, "given": given}, default=str))
            finally:
                await asyncio.shield(_ended(await asyncio.shield(begun)))


async def _ended(process: Process) -> None:
    """Kill it, and read what it had to say: a pipe that is full would keep us waiting for its end."""
    with suppress(ProcessLookupError):
        process.kill()
    await process.communicate()


async def _asked(process: Process, question: bytes) -> Any:
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(BrokenPipeError, ConnectionResetError):  # it ended before it read that; its exit says so
        process.stdin.write(b"%d\n" % len(question) + question)
        await process.stdin.drain()
    answer = await process.stdout.read()
    code = await process.wait()
    if code:
        raise AsideError(f"the process that worked it out ended with {code}")
    return orjson.loads(answer)


# -- in the process beside ---------------------------------------------------------------------------------------------


def main() -> None:
    """Answer one question."""
    _be_modest()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what libraries print is no answer, and banners no news
    question = orjson.loads(sys.stdin.buffer.read(int(sys.stdin.buffer.readline())))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    answer = asyncio.run(_answer(question["url"], question["task"], question["given"]))
    answers.write(orjson.dumps(answer, default=str))
    answers.close()


def _be_modest() -> None:
    os.nice(NICE)
    with suppress(ValueError, OSError):  # not every system lets a process bound itself
        resource.setrlimit(resource.RLIMIT_AS, (LARGEST_BYTES, LARGEST_BYTES))


def _end_with_parent() -> None:
    """Nothing more comes on standard input until it is closed. Not by Python's own: its lock would be held to the end."""
    while os.read(0, 1):
        pass
    os._exit(3)


async def _answer(url: str, task: str, given: dict[str, Any]) -> Any:
    from resolvers.asides import TASKS  # noqa: PLC0415 - whoever asks needs none of it

    connection = await asyncpg.connect(url, server_settings=SESSION)
    try:
        await as_bytes(connection)
        return await TASKS[task](connection, **given)
    finally:
        await connection.close()


if __name__ == "__main__":
    main()
