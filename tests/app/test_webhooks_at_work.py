"""Workers that deliver: some are killed, some receivers hang, and what ended long ago is put away."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import asyncpg
import orjson
import pytest

from app.crew import working
from app.graph import open_engine
from domain.ids import new_id
from domain.store.invariants import webhooks as invariants
from domain.store.jobs import Job
from domain.store.verify import check
from domain.viewer import SCOPES, Role, Viewer, ViewerKind
from domain.webhooks import rights_of
from resolvers.database import open_database
from resolvers.delivering import AT_ONCE, KEPT_DAYS, SLOTS, forget_deliveries
from tests.conftest import SECRET, settings_on
from tests.logbook import write_event, write_order
from tests.receiver import Heard, Receiver, receiving

ORDERGRAPH = [sys.executable, "-c", "from app.cli import main; main()"]
OWNER = Viewer(ViewerKind.STAFF, Role.OPERATIONS, "operations:olga", "Olga", SCOPES[Role.OPERATIONS])
ORDERS, EVENTS, KILLS = 20, 600, 4

LISTEN = """
    INSERT INTO webhook_endpoints (id, url, secret, types, format, status, owner_subject, owner, created_at)
    VALUES ($1, $2, 'whsec_c2VjcmV0', '{ORDER_CONFIRMED}', 'STANDARD', 'ACTIVE', $3, $4, now())
"""
READ_ON = "INSERT INTO relays SELECT 'webhooks', epoch, position FROM event_head"
ARRIVED = "SELECT count(*) FROM webhook_deliveries WHERE status = 'DELIVERED'"
WHY = "SELECT error FROM webhook_attempts WHERE error IS NOT NULL"
LET_LEASES_END = "UPDATE jobs SET ready_at = now() WHERE lease IS NOT NULL"
"""Those of a worker that was killed would last for some seconds more."""


@pytest.fixture
async def connection(fresh_database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(fresh_database_url)
    yield connection
    await connection.close()


def worker(url: str, home: Path) -> subprocess.Popen[bytes]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ}
    given = {"DATABASE_URL": url, "ORDERGRAPH_HOME": str(home), "ORDERGRAPH_SECRET": SECRET}
    return subprocess.Popen(
        [*ORDERGRAPH, "worker"], env=kept | given, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


async def listen(connection: asyncpg.Connection, receiver: Receiver, path: str = "/") -> UUID:
    rights, id_ = rights_of(OWNER), new_id()
    owner = orjson.dumps(rights["owner"]).decode()
    await connection.execute(LISTEN, id_, receiver.url + path, rights["owner_subject"], owner)
    return id_


def sound(receiver: Receiver) -> None:
    """Every event came, under one id, and those of a subject in their order once repeats are dropped."""
    ids_of_events: dict[str, set[str]] = defaultdict(set)
    first: dict[str, list[int]] = defaultdict(list)
    for heard in receiver.heard:
        if not ids_of_events[heard.data["id"]]:
            first[heard.data["subject"]["id"]].append(heard.data["sequence"])
        ids_of_events[heard.data["id"]].add(heard.id)
    assert len(ids_of_events) == EVENTS
    assert all(len(ids) == 1 for ids in ids_of_events.values())
    assert all(sequences == list(range(1, len(sequences) + 1)) for sequences in first.values()), "each subject in order"
    assert len(receiver.heard) < EVENTS * 2


async def test_whoever_is_killed_nothing_is_lost_and_what_comes_again_comes_under_the_same_id(
    fresh_database_url: str, connection: asyncpg.Connection, tmp_path: Path
) -> None:
    chance = random.Random(4)
    orders = [await write_order(connection) for _ in range(ORDERS)]
    await connection.execute(READ_ON)
    async with receiving() as receiver:
        await listen(connection, receiver)

        async def answers(_: object) -> int:
            await asyncio.sleep(chance.random() / 50)
            return 200

        receiver.answers = answers
        for _ in range(EVENTS):
            await write_event(connection, chance.choice(orders))
        for kill in range(1, KILLS + 1):
            working = worker(fresh_database_url, tmp_path)
            await receiver.until(EVENTS * kill // (KILLS + 2))
            working.send_signal(signal.SIGKILL)
            await asyncio.to_thread(working.wait)
            await connection.execute(LET_LEASES_END)
        working = worker(fresh_database_url, tmp_path)
        async with asyncio.timeout(60):
            while await connection.fetchval(ARRIVED) < EVENTS:
                await asyncio.sleep(0.05)
        working.terminate()
        await asyncio.to_thread(working.wait)

    sound(receiver)
    assert await check(connection, invariants.INVARIANTS) == []


DROP = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


async def test_a_database_that_drops_every_connection_costs_repeats_and_nothing_else(
    fresh_database_url: str, connection: asyncpg.Connection, tmp_path: Path
) -> None:
    chance = random.Random(4)
    orders = [await write_order(connection) for _ in range(ORDERS)]
    await connection.execute(READ_ON)
    async with receiving() as receiver:
        await listen(connection, receiver)
        for _ in range(EVENTS):
            await write_event(connection, chance.choice(orders))
        async with at_work(fresh_database_url, tmp_path):
            for drop in range(1, KILLS + 1):
                await receiver.until(EVENTS * drop // (KILLS + 2))
                await connection.execute(DROP)
                await connection.execute(LET_LEASES_END)
            async with asyncio.timeout(60):
                while await connection.fetchval(ARRIVED) < EVENTS:
                    await asyncio.sleep(0.05)

    sound(receiver)
    assert await check(connection, invariants.INVARIANTS) == []


@asynccontextmanager
async def at_work(url: str, home: Path) -> AsyncIterator[None]:
    """A worker in this process."""
    settings = settings_on(url, home)
    async with open_engine(settings) as (engine, feed), working(engine, feed, settings):
        yield


async def test_a_receiver_that_hangs_keeps_nobody_else_waiting(
    fresh_database_url: str, connection: asyncpg.Connection, tmp_path: Path
) -> None:
    await connection.execute(READ_ON)
    goes_on, hanging, most = asyncio.Event(), 0, 0

    async def answers(heard: Heard) -> int:
        nonlocal hanging, most
        if heard.path == "/hangs":
            hanging, most = hanging + 1, max(most, hanging + 1)
            await goes_on.wait()
            hanging -= 1
        return 200

    async with receiving() as receiver, at_work(fresh_database_url, tmp_path):
        receiver.answers = answers
        await listen(connection, receiver, "/hangs")
        await listen(connection, receiver, "/quick")
        for _ in range(SLOTS + 20):
            await write_event(connection, await write_order(connection))

        await receiver.until(SLOTS + 20, path="/quick")
        assert len(receiver.of(path="/hangs")) == most == AT_ONCE
        goes_on.set()
        await receiver.until(SLOTS + 20, path="/hangs")


async def test_a_query_that_no_longer_fits_is_told_of_in_the_payload_and_stops_nothing(
    fresh_database_url: str, connection: asyncpg.Connection, tmp_path: Path
) -> None:
    await connection.execute(READ_ON)
    async with receiving() as receiver, at_work(fresh_database_url, tmp_path):
        await listen(connection, receiver)
        await connection.execute("UPDATE webhook_endpoints SET query = '{ nothing }'")
        await write_event(connection, await write_order(connection))

        (heard,) = await receiver.until(1)
        async with asyncio.timeout(20):
            while await connection.fetchval("SELECT status FROM webhook_deliveries") != "DELIVERED":
                await asyncio.sleep(0.01)

    assert heard.data["result"] is None
    assert heard.data["errors"][0]["message"].startswith("Cannot query field")
    assert (await connection.fetchval("SELECT error FROM webhook_attempts")).startswith("the query: Cannot query field")


async def test_what_cannot_be_written_down_is_a_failure_on_record_and_keeps_no_other_subject_waiting(
    fresh_database_url: str, connection: asyncpg.Connection, tmp_path: Path
) -> None:
    await connection.execute(READ_ON)
    odd, other = [await write_order(connection) for _ in range(2)]
    await write_event(connection, odd)
    await connection.execute("UPDATE events SET subject_type = 'Riddle'")
    await write_event(connection, other)
    async with receiving() as receiver:
        await listen(connection, receiver)
        async with at_work(fresh_database_url, tmp_path), asyncio.timeout(20):
            (heard,) = await receiver.until(1)
            while not (error := await connection.fetchval(WHY)):
                await asyncio.sleep(0.01)

    assert heard.data["subject"]["id"] == f"ord_{other}"
    assert error == "the payload could not be made: KeyError: 'Riddle'"
    assert len(receiver.heard) == 1


async def test_only_what_ended_long_ago_is_put_away(fresh_database_url: str, connection: asyncpg.Connection) -> None:
    receiver = Receiver("http://127.0.0.1:9")
    kept, deleted, emptied = [await listen(connection, receiver) for _ in range(3)]
    await connection.execute(
        """
        INSERT INTO webhook_deliveries (id, endpoint_id, event_id, type, status, queued_at, ended_at)
        SELECT gen_random_uuid(), endpoint, row_number() OVER (), 'ORDER_PLACED', status, now() - make_interval(days => days),
               CASE WHEN status <> 'PENDING' THEN now() END
        FROM (VALUES ($1::uuid, 'DELIVERED', $4::integer + 1), ($1, 'DEAD', $4 + 1), ($1, 'PENDING', $4 + 1),
                     ($1, 'DELIVERED', $4 - 1), ($2, 'DEAD', $4 - 1), ($3, 'DEAD', $4 + 1)) AS v (endpoint, status, days)
        """,
        kept, deleted, emptied, KEPT_DAYS,
    )  # fmt: skip
    await connection.execute(
        "INSERT INTO webhook_attempts SELECT id, 1, now(), 1, 200, '', NULL FROM webhook_deliveries"
    )
    long_ago = f"now() - interval '{KEPT_DAYS + 1} days'"
    await connection.execute(
        f"UPDATE webhook_endpoints SET status = 'DELETED', disabled_at = {long_ago} WHERE id <> $1", kept
    )

    async with open_database(fresh_database_url, reads=1, writes=1) as database:
        moment = await connection.fetchval("SELECT now()")
        await forget_deliveries(database).handle(Job(1, "FORGET_DELIVERIES", {}, 1, new_id(), moment))

    left = await connection.fetch("SELECT endpoint_id, status FROM webhook_deliveries ORDER BY event_id")
    assert [tuple(row) for row in left] == [(kept, "PENDING"), (kept, "DELIVERED"), (deleted, "DEAD")]
    assert await connection.fetchval("SELECT count(*) FROM webhook_attempts") == 3
    assert {row["id"] for row in await connection.fetch("SELECT id FROM webhook_endpoints")} == {kept, deleted}
