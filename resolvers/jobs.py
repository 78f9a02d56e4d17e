"""How jobs are done: taken with a lease, a few of each kind at a time, and put on record in batches.

A worker that is killed leaves leases behind that run out; another then does the same job again, under the same id. What
a job's handler does is therefore repeatable, or says what it did in the transaction of its own making.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import uniform
from uuid import UUID

import asyncpg
import structlog

from domain.ids import new_id
from domain.store import jobs as store
from domain.store.jobs import Ended, Job, NewJob
from resolvers.database import GONE, Database

log = structlog.get_logger()

POLL_SECONDS = 0.5
"""How late a job may begin that nobody announced: enqueued by another process, or ready by the clock."""
TOGETHER_SECONDS = 0.005
"""Jobs that end within so long of each other are put on record in one transaction."""
PATIENCE_SECONDS = 10.0
"""How long a worker that is asked to end waits for the jobs at hand."""
FIRST_RETRY_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 3_600.0


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing is left to do."""


@dataclass(frozen=True, slots=True)
class Again:
    """To be done again so many seconds from now; with an error, because this attempt failed."""

    seconds: float
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Dead:
    """Not to be tried again; a person will look at it."""

    error: str


Outcome = Done | Again | Dead


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of job: who does it, how many at once in one process, and how long one may take before another tries.

    A handler that raises has failed: it is called again after a growing delay, `attempts` times in all. A kind with
    `every_seconds` has one job that comes again by itself, begun by whichever worker starts first.
    """

    name: str
    handle: Callable[[Job], Awaitable[Outcome]]
    slots: int = 1
    lease_seconds: float = 60
    attempts: int = 20
    every_seconds: float | None = None


def retry_seconds(
    attempts: int, *, first: float = FIRST_RETRY_SECONDS, longest: float = LONGEST_RETRY_SECONDS
) -> float:
    """Twice as long each time, up to an hour, and never at the same moment as others: half of it is chance."""
    delay = min(first * 2 ** min(attempts - 1, 30), longest)
    return uniform(delay / 2, delay)  # noqa: S311 - spread, not secrecy


class Crew:
    """Everything that one worker process does of the jobs there are."""

    def __init__(self, database: Database, kinds: Iterable[Kind]) -> None:
        self.database = database
        self.kinds = {kind.name: kind for kind in kinds}
        self.lease: UUID = new_id()
        """This process's mark: an id for each would tell no more."""
        self.at_hand: dict[int, tuple[Job, asyncio.Task[None]]] = {}
        self.ended: list[Ended] = []
        self._something_ended = asyncio.Event()
        self._stirred = {name: asyncio.Event() for name in self.kinds}

    def stir(self, kind: str | None = None) -> None:
        """Jobs were enqueued: look at once."""
        for name in self.kinds if kind is None else (kind,):
            self._stirred[name].set()

    async def run(self) -> None:
        """Work until cancelled; then finish what is at hand, and give back what cannot be finished in time."""
        tasks = [
            asyncio.create_task(each)
            for each in (
                self._watch(),
                self._keep_leases(),
                self._keep_records(),
                *map(self._work, self.kinds.values()),
            )
        ]
        try:
            await patiently(self._begin_recurring)
            self.stir()
            await asyncio.gather(*tasks)
        finally:
            await self._stop(tasks)

    async def _stop(self, tasks: list[asyncio.Task[None]]) -> None:
        await _cancel(tasks)
        running = [task for _, task in self.at_hand.values()]
        if running:
            await asyncio.wait(running, timeout=PATIENCE_SECONDS)
            await _cancel([task for task in running if not task.done()])
        try:
            async with self.database.writes.acquire() as connection:
                await store.end(connection, self._gather())
                await store.JOBS.give_back(connection, list(self.at_hand), self.lease)
        except (*GONE, asyncpg.PostgresError):
            log.warning("leases are left to run out", jobs=len(self.at_hand))

    async def _begin_recurring(self) -> None:
        async with self.database.writes.acquire() as connection:
            recurring = [kind.name for kind in self.kinds.values() if kind.every_seconds is not None]
            await store.enqueue(connection, [NewJob(name, key=name) for name in recurring])

    # -- taking ----------------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        """Stir what has become ready by the clock, or was enqueued elsewhere."""
        while True:
            await asyncio.sleep(uniform(POLL_SECONDS / 2, POLL_SECONDS))  # noqa: S311 - spread, not secrecy
            async with _forgiving("looking for jobs"), self.database.writes.acquire() as connection:
                for kind in await store.ready_kinds(connection, self.kinds):
                    self.stir(kind)

    async def _work(self, kind: Kind) -> None:
        """Take jobs of a kind whenever there are any and a slot is free."""
        free = asyncio.Semaphore(kind.slots)
        stirred = self._stirred[kind.name]
        while True:
            await stirred.wait()
            stirred.clear()
            await self._take_all(kind, free)

    async def _take_all(self, kind: Kind, free: asyncio.Semaphore) -> None:
        while True:
            slots = await _acquire_some(free, kind.slots)
            jobs: list[Job] = []
            async with _forgiving("taking jobs"), self.database.writes.acquire() as connection:
                jobs = await store.take(connection, kind.name, slots, self.lease, kind.lease_seconds)
            for _ in range(slots - len(jobs)):
                free.release()
            for job in jobs:
                self._begin(kind, job, free)
            if not jobs:
                return

    def _begin(self, kind: Kind, job: Job, free: asyncio.Semaphore) -> None:
        task = asyncio.create_task(self._do(kind, job))
        self.at_hand[job.id] = job, task
        task.add_done_callback(lambda _: free.release())

    # -- doing -----------------------------------------------------------------------------------------------------

    async def _do(self, kind: Kind, job: Job) -> None:
        try:
            outcome = await kind.handle(job)
        except Exception as error:
            log.warning("a job failed", kind=job.kind, job=job.id, attempts=job.attempts, exc_info=error)
            reason = f"{type(error).__name__}: {error}"
            worn_out = job.attempts >= kind.attempts and kind.every_seconds is None
            outcome = Dead(reason) if worn_out else Again(retry_seconds(job.attempts), reason)
        self.ended.append(_ended(kind, job, outcome))
        self._something_ended.set()

    async def _keep_records(self) -> None:
        """Put on record what has ended, many at once; what cannot be recorded now is recorded later."""
        while True:
            await self._something_ended.wait()
            await asyncio.sleep(TOGETHER_SECONDS)
            self._something_ended.clear()
            ended = self._gather()
            try:
                async with self.database.writes.acquire() as connection, connection.transaction():
                    await store.end(connection, ended)
            except (*GONE, asyncpg.PostgresError) as error:
                log.warning("what has ended is not on record yet", jobs=len(ended), reason=str(error))
                self.ended = ended + self.ended
                await asyncio.sleep(POLL_SECONDS)
                self._something_ended.set()
            else:
                for each in ended:  # the next of its lane may be ready now, and one that is to come again at once
                    self.at_hand.pop(each.job.id, None)
                    self._stirred[each.job.kind].set()

    def _gather(self) -> list[Ended]:
        ended, self.ended = self.ended, []
        return ended

    async def _keep_leases(self) -> None:
        """Extend what takes longer than its lease, kind by kind."""
        shortest = min((kind.lease_seconds for kind in self.kinds.values()), default=60.0)
        while True:
            await asyncio.sleep(shortest / 3)
            for kind in self.kinds.values():
                mine = [id_ for id_, (job, _) in self.at_hand.items() if job.kind == kind.name]
                if mine:
                    async with _forgiving("extending leases"), self.database.writes.acquire() as connection:
                        await store.JOBS.extend(connection, mine, self.lease, kind.lease_seconds)


def _ended(kind: Kind, job: Job, outcome: Outcome) -> Ended:
    if isinstance(outcome, Dead):
        return Ended(job, error=outcome.error, dead=True)
    if isinstance(outcome, Again):
        return Ended(job, seconds=outcome.seconds, error=outcome.error, fresh=outcome.error is None)
    return Ended(job, seconds=kind.every_seconds, fresh=True)


async def _acquire_some(free: asyncio.Semaphore, most: int) -> int:
    """At least one slot, and as many more as are free."""
    await free.acquire()
    slots = 1
    while slots < most and not free.locked():
        await free.acquire()
        slots += 1
    return slots


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def _forgiving(doing: str) -> AsyncIterator[None]:
    """A database that is away is no reason to end: the next look finds it again."""
    try:
        yield
    except (*GONE, asyncpg.PostgresError) as error:
        log.warning("the database did not answer", doing=doing, reason=str(error) or type(error).__name__)
        await asyncio.sleep(POLL_SECONDS)


async def patiently(ask: Callable[[], Awaitable[None]]) -> None:
    """Ask until the database answers."""
    asked = False
    while not asked:
        async with _forgiving("beginning"):
            await ask()
            asked = True
