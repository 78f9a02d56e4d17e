"""The log's months: ids go on and never back, whoever moves them on, and whatever writers do meanwhile."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest

from domain.ids import new_id
from domain.store import log, months, replay
from domain.store.invariants import events as invariants
from domain.store.jobs import Job
from domain.store.months import FIRST_MONTH, IDS, Month
from domain.store.verify import check
from resolvers.database import open_database
from resolvers.housekeeping import begin_months
from tests.conftest import Connect
from tests.logbook import write_event, write_foreign_event, write_order

DECEMBER, JANUARY, FEBRUARY = Month(2026, 12), Month(2027, 1), Month(2027, 2)
LEAVES = "SELECT id, tableoid::regclass::text AS leaf FROM events ORDER BY id"

SOUND = (
    invariants.EVENTS_ARE_NUMBERED_WITHOUT_GAPS,
    invariants.POSITIONS_HAVE_NO_GAPS,
    invariants.POSITIONS_KEEP_EACH_SUBJECTS_ORDER,
)


@pytest.fixture
async def order(writer: asyncpg.Connection) -> UUID:
    return await write_order(writer)


async def leaves(connection: asyncpg.Connection) -> list[str]:
    return [row["leaf"] for row in await connection.fetch(LEAVES)]


@pytest.mark.parametrize("written", ["2026-13", "2026-00", "2026-1", "26-01", "0000-01", "2026-01-01", "", "²026-01"])
def test_what_is_no_month_is_none(written: str) -> None:
    assert Month.read(written) is None


def test_months_follow_each_other_and_so_do_their_ids() -> None:
    assert Month.read("2026-12") == DECEMBER
    assert DECEMBER.next == JANUARY
    assert JANUARY.first_id - DECEMBER.first_id == IDS
    assert str(JANUARY) == "2027-01"
    assert Month(9999, 12).first_id < 2**53


async def test_the_first_partition_ends_where_the_first_month_begins(writer: asyncpg.Connection) -> None:
    bound = await writer.fetchval(
        "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE oid = 'events_first'::regclass"
    )
    assert bound == f"FOR VALUES FROM (MINVALUE) TO ('{FIRST_MONTH.first_id}')"


async def test_what_is_written_before_a_month_begins_goes_to_the_one_before(
    writer: asyncpg.Connection, order: UUID
) -> None:
    await write_event(writer, order)
    assert await months.make(writer, DECEMBER)
    await write_event(writer, order)
    assert await months.begin(writer, DECEMBER)
    assert await write_event(writer, order) == DECEMBER.first_id
    assert await leaves(writer) == ["events_first", "events_first", "events_2026_12"]


async def test_ids_never_go_back(writer: asyncpg.Connection, order: UUID) -> None:
    for month in (DECEMBER, JANUARY):
        await months.make(writer, month)
    assert await months.begin(writer, JANUARY)
    first = await write_event(writer, order)
    assert await months.begin(writer, DECEMBER)  # the clock was set back
    assert await months.begin(writer, JANUARY)
    assert await write_event(writer, order) == first + 1


async def test_no_month_is_made_that_ids_have_passed(writer: asyncpg.Connection) -> None:
    """It was archived, and the clock was set back."""
    await months.make(writer, JANUARY)
    assert await months.begin(writer, JANUARY)
    assert not await months.make(writer, DECEMBER)
    assert await months.make(writer, FEBRUARY)


async def test_no_month_begins_that_has_no_partition(writer: asyncpg.Connection, order: UUID) -> None:
    first = await write_event(writer, order)
    await months.begin(writer, DECEMBER)
    assert await write_event(writer, order) == first + 1


async def test_a_writer_that_is_slow_keeps_the_month_from_beginning_and_nobody_waits_for_long(
    connect: Connect, order: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(months, "LOCK_MILLISECONDS", 50)
    slow, quick, worker = await connect(), await connect(), await connect()
    await months.make(worker, DECEMBER)
    transaction = slow.transaction()
    await transaction.start()
    await write_foreign_event(slow, order, 1)
    assert not await months.begin(worker, DECEMBER)
    await write_foreign_event(quick, order, 1)
    await transaction.commit()
    assert await months.begin(worker, DECEMBER)
    await write_foreign_event(quick, order, 1)
    assert await leaves(worker) == ["events_first", "events_first", "events_2026_12"]


async def test_many_may_begin_months_while_others_write_and_stamp(connect: Connect) -> None:
    """Ids are drawn while the order is locked, so whoever went back would show in the order of its numbers."""

    async def work(connection: asyncpg.Connection) -> None:
        for month in (DECEMBER, JANUARY, FEBRUARY):
            await months.make(connection, month)
            while not await months.begin(connection, month):
                pass

    async def write(connection: asyncpg.Connection) -> None:
        order = await write_order(connection)
        for _ in range(40):
            async with connection.transaction():
                await write_event(connection, order)
                await asyncio.sleep(0.002)

    async def stamp(connection: asyncpg.Connection) -> None:
        while True:
            await log.stamp(connection, 3)

    connections = [await connect() for _ in range(9)]
    stamping = [asyncio.create_task(stamp(each)) for each in connections[:2]]
    await asyncio.gather(*map(work, connections[2:5]), *map(write, connections[5:]))
    for task in stamping:
        task.cancel()
    await asyncio.gather(*stamping, return_exceptions=True)

    admin = await connect()
    while await log.stamp(admin, 500):
        pass
    assert await check(admin, SOUND) == []
    assert await admin.fetchval("SELECT last_value FROM events_id_seq") >= FEBRUARY.first_id
    spans = await admin.fetch("SELECT min(position), max(position) FROM events GROUP BY tableoid ORDER BY min(id)")
    edges = [position for span in spans for position in span]
    assert edges == sorted(edges)
    assert (edges[0], edges[-1]) == (1, 160)


@pytest.mark.parametrize("column", ["sequence", "position"])
async def test_a_partition_holds_no_number_and_no_place_twice(
    writer: asyncpg.Connection, order: UUID, column: str
) -> None:
    await months.make(writer, DECEMBER)
    await months.begin(writer, DECEMBER)
    for _ in range(2):
        await write_event(writer, order)
    await log.stamp(writer, 10)
    with pytest.raises(asyncpg.UniqueViolationError, match=f"uq_events_2026_12_.*{column}"):
        await writer.execute(f"UPDATE events SET {column} = 1")


async def test_events_of_several_months_are_stamped_and_read_in_their_order(
    writer: asyncpg.Connection, order: UUID
) -> None:
    written = [await write_event(writer, order)]
    for month in (DECEMBER, JANUARY):
        await months.make(writer, month)
        await months.begin(writer, month)
        written.append(await write_event(writer, order))
    await log.stamp(writer, 10)
    assert [news.id for news in await log.news_after(writer, log.Place(0, 0), 10)] == written
    [last] = await replay.news_of(writer, "order_id", [order], None, log.Place(1, 2), 10)
    assert last.id == written[2]


async def test_workers_make_this_month_and_the_next_two_and_begin_this_one(fresh_database_url: str) -> None:
    async with open_database(fresh_database_url, reads=1, writes=2) as database:
        kind = begin_months(database)
        job = Job(1, kind.name, {}, 1, new_id(), datetime.now(UTC))
        await asyncio.gather(*[kind.handle(job) for _ in range(3)])
        async with database.writes.acquire() as connection:
            this = await months.now(connection)
            wanted = {"events_first", this.table, this.next.table, this.next.next.table}
            found = await connection.fetch(
                "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'events'::regclass"
            )
            assert {row[0] for row in found} == wanted
            assert await connection.fetchval("SELECT last_value FROM events_id_seq") == this.first_id
