"""Jobs and relays on real PostgreSQL: nothing lost and nothing done twice, whoever dies and however many there are."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import asyncpg
import orjson
import pytest

from domain.ids import new_id
from domain.store import jobs as store
from domain.store import log
from domain.store import relays as stored_relays
from domain.store.jobs import Ended, Job, NewJob
from domain.store.relays import LoggedEvent
from resolvers import jobs, relays
from resolvers.database import Connection, Database, open_database
from resolvers.feed import LogFeed, open_feed
from resolvers.housekeeping import forget_claims
from resolvers.jobs import Again, Crew, Dead, Done, Kind, Outcome
from resolvers.relays import Relay
from tests.logbook import write_event, write_order


@pytest.fixture
async def database(fresh_database_url: str) -> AsyncIterator[Database]:
    async with open_database(fresh_database_url, reads=2, writes=6) as database:
        yield database


@pytest.fixture
async def connection(fresh_database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await connected(fresh_database_url)
    yield connection
    await connection.close()


async def connected(url: str) -> asyncpg.Connection:
    connection: asyncpg.Connection = await asyncpg.connect(url)
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=orjson.dumps, decoder=orjson.loads)
    return connection


@asynccontextmanager
async def crew_of(database: Database, *kinds: Kind) -> AsyncIterator[Crew]:
    """A worker at work."""
    crew = Crew(database, kinds)
    task = asyncio.create_task(crew.run())
    try:
        yield crew
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await holds():
            await asyncio.sleep(0.01)


def emptied(connection: asyncpg.Connection) -> Callable[[], Awaitable[bool]]:
    async def holds() -> bool:
        return bool(await connection.fetchval("SELECT count(*) = 0 FROM jobs WHERE dead_at IS NULL"))

    return holds


def quick(seconds: float = 0.0) -> Again:
    return Again(seconds, "not yet")


# -- taking and ending -------------------------------------------------------------------------------------------------


async def test_two_who_ask_at_once_never_get_the_same_job(
    connection: asyncpg.Connection, fresh_database_url: str
) -> None:
    other = await connected(fresh_database_url)
    await store.enqueue(connection, [NewJob("A") for _ in range(10)])
    async with connection.transaction():
        mine = await store.take(connection, "A", 6, new_id(), 60)
        theirs = await store.take(other, "A", 6, new_id(), 60)  # while the first has not committed
    await other.close()
    assert len(mine) == 6
    assert len(theirs) == 4
    assert not {job.id for job in mine} & {job.id for job in theirs}


async def test_a_lease_that_ran_out_lets_another_in_and_the_first_has_no_say_any_more(
    connection: asyncpg.Connection,
) -> None:
    await store.enqueue(connection, [NewJob("A")])
    (first,) = await store.take(connection, "A", 1, new_id(), 0.01)
    await asyncio.sleep(0.05)
    (second,) = await store.take(connection, "A", 1, new_id(), 60)
    assert (second.id, second.attempts) == (first.id, 2)
    await store.end(connection, [Ended(first)])
    assert await connection.fetchval("SELECT count(*) FROM jobs") == 1
    await store.end(connection, [Ended(second)])
    assert await connection.fetchval("SELECT count(*) FROM jobs") == 0


async def test_a_lane_is_worked_off_in_order_and_waits_for_its_first(connection: asyncpg.Connection) -> None:
    await store.enqueue(connection, [NewJob("A", {"n": n}, lane=lane) for n in range(2) for lane in "xy"])
    lease = new_id()
    firsts = await store.take(connection, "A", 10, lease, 60)
    assert [job.payload["n"] for job in firsts] == [0, 0]
    assert await store.take(connection, "A", 10, lease, 60) == []
    x, y = firsts
    await store.end(connection, [Ended(x), Ended(y, seconds=60, error="later")])
    assert [job.payload["n"] for job in await store.take(connection, "A", 10, lease, 60)] == [1]
    await store.end(connection, [Ended(y, dead=True, error="never")])  # no longer ours to end
    assert await store.take(connection, "A", 10, lease, 60) == []


async def test_two_living_jobs_of_a_kind_never_have_the_same_key(connection: asyncpg.Connection) -> None:
    await store.enqueue(connection, [NewJob("A", key="k"), NewJob("A", key="k"), NewJob("B", key="k")])
    assert await connection.fetchval("SELECT count(*) FROM jobs") == 2
    (job,) = await store.take(connection, "A", 1, new_id(), 60)
    await store.end(connection, [Ended(job, dead=True, error="no")])
    await store.enqueue(connection, [NewJob("A", key="k")])
    assert await connection.fetchval("SELECT count(*) FROM jobs WHERE kind = 'A'") == 2


# -- a crew ------------------------------------------------------------------------------------------------------------


async def test_workers_share_the_jobs_and_do_each_once(database: Database, connection: asyncpg.Connection) -> None:
    seen: list[int] = []

    async def handle(job: Job) -> Outcome:
        seen.append(job.payload["n"])
        await asyncio.sleep(0.001)
        return Done()

    kind = Kind("COUNT", handle, slots=8)
    await store.enqueue(connection, [NewJob("COUNT", {"n": n}) for n in range(200)])
    async with crew_of(database, kind), crew_of(database, kind):
        await until(emptied(connection))
    assert sorted(seen) == list(range(200))


async def test_what_fails_is_tried_again_later_and_is_dead_after_its_last_attempt(
    database: Database, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "FIRST_RETRY_SECONDS", 0.01)
    attempts: list[int] = []

    async def handle(job: Job) -> Outcome:
        attempts.append(job.attempts)
        if job.attempts < 2:
            return quick()
        raise ValueError("broken")

    await store.enqueue(connection, [NewJob("FAIL")])
    async with crew_of(database, Kind("FAIL", handle, attempts=3)):
        await until(emptied(connection))
    assert attempts == [1, 2, 3]
    assert await connection.fetchval("SELECT error FROM jobs") == "ValueError: broken"


async def test_a_handler_may_give_up_at_once(database: Database, connection: asyncpg.Connection) -> None:
    async def handle(_: Job) -> Outcome:
        return Dead("no such endpoint")

    await store.enqueue(connection, [NewJob("GIVE_UP")])
    async with crew_of(database, Kind("GIVE_UP", handle)):
        await until(emptied(connection))
    assert await connection.fetchval("SELECT error FROM jobs WHERE dead_at IS NOT NULL") == "no such endpoint"


async def test_a_long_job_keeps_its_lease(database: Database, connection: asyncpg.Connection) -> None:
    begun = 0

    async def handle(_: Job) -> Outcome:
        nonlocal begun
        begun += 1
        await asyncio.sleep(1)
        return Done()

    await store.enqueue(connection, [NewJob("LONG")])
    kind = Kind("LONG", handle, lease_seconds=0.3)
    async with crew_of(database, kind), crew_of(database, kind):
        await until(emptied(connection))
    assert begun == 1


async def test_a_worker_that_is_killed_leaves_its_job_to_another(
    database: Database, connection: asyncpg.Connection
) -> None:
    done: list[int] = []

    async def handle(job: Job) -> Outcome:
        done.append(job.attempts)
        return Done()

    await store.enqueue(connection, [NewJob("LEFT")])
    await store.take(connection, "LEFT", 1, new_id(), 0.2)  # and nothing more is heard of who took it
    async with crew_of(database, Kind("LEFT", handle)):
        await until(emptied(connection))
    assert done == [2]


async def test_a_worker_that_ends_finishes_what_is_at_hand(database: Database, connection: asyncpg.Connection) -> None:
    begun, done = asyncio.Event(), []

    async def handle(_: Job) -> Outcome:
        begun.set()
        await asyncio.sleep(0.2)
        done.append(1)
        return Done()

    await store.enqueue(connection, [NewJob("FINISH"), NewJob("FINISH")])
    async with crew_of(database, Kind("FINISH", handle)):
        await begun.wait()
    assert done == [1]
    assert await connection.fetchval("SELECT count(*) FROM jobs WHERE lease IS NULL") == 1


async def test_a_worker_that_ends_gives_back_what_takes_too_long(
    database: Database, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "PATIENCE_SECONDS", 0.1)
    begun = asyncio.Event()

    async def handle(_: Job) -> Outcome:
        begun.set()
        await asyncio.Event().wait()
        return Done()

    await store.enqueue(connection, [NewJob("ENDLESS")])
    async with crew_of(database, Kind("ENDLESS", handle)):
        await begun.wait()
    assert len(await store.take(connection, "ENDLESS", 1, new_id(), 60)) == 1


async def test_one_job_of_a_recurring_kind_comes_again_and_again(
    database: Database, connection: asyncpg.Connection
) -> None:
    times = 0

    async def handle(_: Job) -> Outcome:
        nonlocal times
        times += 1
        return Done()

    kind = Kind("TICK", handle, every_seconds=0.05)

    async def thrice() -> bool:
        return times >= 3

    async with crew_of(database, kind), crew_of(database, kind):
        await until(thrice)
    assert await connection.fetchval("SELECT count(*) FROM jobs") == 1


async def test_only_old_idempotency_keys_are_forgotten(database: Database, connection: asyncpg.Connection) -> None:
    await connection.execute("""
        INSERT INTO idempotency_claims (actor, mutation, key, digest, claimed_at)
        VALUES ('a', 'm', 'old', '', now() - interval '31 days'), ('a', 'm', 'new', '', now() - interval '29 days')
    """)
    await forget_claims(database).handle(
        Job(1, "FORGET_CLAIMS", {}, 1, new_id(), await connection.fetchval("SELECT now()"))
    )
    assert [row["key"] for row in await connection.fetch("SELECT key FROM idempotency_claims")] == ["new"]


# -- relays ------------------------------------------------------------------------------------------------------------


@pytest.fixture
async def feed(fresh_database_url: str, database: Database) -> AsyncIterator[LogFeed]:
    async with open_feed(fresh_database_url) as feed:
        yield feed


def jobs_of_events(name: str, *, fails: list[int] | None = None) -> Relay:
    """Makes a job of each event."""

    async def pass_on(connection: Connection, events: list[LoggedEvent]) -> None:
        await store.enqueue(connection, [NewJob("TOLD", {"event": event.id}) for event in events])
        if fails and fails.pop():
            raise ValueError("after it wrote")

    return Relay(name, pass_on)


async def test_relays_pass_on_each_event_once_however_many_run_them_and_whoever_fails(
    database: Database, connection: asyncpg.Connection, feed: LogFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relays, "POLL_SECONDS", 0.05)
    order_id = await write_order(connection)
    old = await write_event(connection, order_id)
    feed.stamp_soon()
    while await log.has_unstamped(connection):
        await asyncio.sleep(0.01)
    await stored_relays.begin(connection, "test")
    relay = jobs_of_events("test", fails=[1, 0, 1])
    running = [asyncio.create_task(relays.run(relay, database, feed)) for _ in range(3)]
    written = []
    for n in range(300):
        written.append(await write_event(connection, order_id))
        if n % 30 == 0:
            feed.stamp_soon()
            await asyncio.sleep(0.02)
    feed.stamp_soon()

    async def all_told() -> bool:
        return bool(await connection.fetchval("SELECT count(*) >= 300 FROM jobs"))

    await until(all_told)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    rows = await connection.fetch("SELECT payload FROM jobs ORDER BY id")
    told = [row["payload"]["event"] for row in rows]
    assert told == written  # in order, none twice, and nothing from before the relay began
    assert old not in told
