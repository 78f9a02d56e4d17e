"""`ordergraph archive`: months go to files and out of the log, and nobody is left with a gap that they do not hear of."""

import asyncio
import gzip
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest

from app import archive as app
from app.archive import ArchiveError, Files, take_out
from app.settings import Settings
from domain import ids
from domain.store import archive, log, months, relays, replay
from domain.store.invariants.events import INVARIANTS
from domain.store.log import CursorExpired, Place
from domain.store.months import Month
from domain.store.verify import check
from domain.viewer import SCOPES, Role, Viewer, ViewerKind
from resolvers.database import open_database
from resolvers.documents import RequestError
from resolvers.engine import Engine, Request
from resolvers.feed import open_feed
from resolvers.reading.cursors import pack
from resolvers.subscriptions import Subscriptions
from resolvers.writing import World
from schema.build import build
from tests.conftest import settings_on
from tests.logbook import AGENT, BEGINNING, ORDER_LIVE, write_event, write_order

FAR = Month(2999, 1)
"""A month after all that is written here: the events are of now, and their partitions of another time."""
MONTHS = [Month(2020, 1), Month(2020, 2), Month(2020, 3)]
OPERATIONS = Viewer(ViewerKind.STAFF, Role.OPERATIONS, "staff:olga", "Olga", SCOPES[Role.OPERATIONS])
LOG = "query($after: String) { events(first: 50, after: $after) { nodes { id } } viewer { kind } orders { nodes { id } } }"


@pytest.fixture
async def connection(fresh_database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(fresh_database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def order(connection: asyncpg.Connection) -> UUID:
    """An order with two events in each of three months and two before, all in their places: 1:1 to 1:8."""
    order = await write_order(connection)
    for month in (None, *MONTHS):
        if month is not None:
            await months.make(connection, month)
            await months.begin(connection, month)
        for _ in range(2):
            await write_event(connection, order)
        await log.stamp(connection, 10)
    await connection.execute(
        "UPDATE relays SET (epoch, position) = (SELECT epoch, position FROM event_head)"
    )  # as workers do
    return order


@pytest.fixture
def settings(fresh_database_url: str, tmp_path: Path) -> Settings:
    return settings_on(fresh_database_url, tmp_path / "home")


async def left(connection: asyncpg.Connection) -> list[int]:
    """The positions in the log."""
    return [row["position"] for row in await connection.fetch("SELECT position FROM events ORDER BY epoch, position")]


async def first_two(connection: asyncpg.Connection) -> list[archive.Partition]:
    return (await archive.partitions(connection))[:2]


async def take(connection: asyncpg.Connection, partitions: list[archive.Partition], folder: Path) -> None:
    for partition in partitions:
        await take_out(connection, partition, FAR, folder)


def lines_of(folder: Path, name: str) -> list[str]:
    with gzip.open(folder / f"{name}.jsonl.gz", "rt") as lines:
        return list(lines)


# -- what is taken, and how --------------------------------------------------------------------------------------------


async def test_months_go_to_files_and_the_rest_stays_sound(
    connection: asyncpg.Connection, order: UUID, tmp_path: Path
) -> None:
    rows = [dict(row) for row in await connection.fetch("SELECT * FROM events WHERE position <= 4 ORDER BY id")]
    await take(connection, await first_two(connection), tmp_path)
    assert await left(connection) == [5, 6, 7, 8]
    assert [each.name for each in await archive.partitions(connection)] == ["events_2020_02", "events_2020_03"]
    assert await check(connection, INVARIANTS) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "events_2020_01.json", "events_2020_01.jsonl.gz", "events_first.json", "events_first.jsonl.gz",
    ]  # fmt: skip
    manifest = orjson.loads((tmp_path / "events_2020_01.json").read_bytes())
    assert (manifest["events"], manifest["first"], manifest["last"]) == (
        2, {"epoch": 1, "position": 3}, {"epoch": 1, "position": 4},
    )  # fmt: skip
    lines = lines_of(tmp_path, "events_first") + lines_of(tmp_path, "events_2020_01")
    again = "SELECT event.* FROM unnest($1::text[]) AS line, json_populate_record(NULL::events, line::json) AS event"
    assert [dict(row) for row in await connection.fetch(again, lines)] == rows


async def test_the_log_goes_on_after_an_archive(connection: asyncpg.Connection, order: UUID, tmp_path: Path) -> None:
    await take(connection, (await archive.partitions(connection))[:3], tmp_path)
    await write_event(connection, order)
    await log.stamp(connection, 10)
    assert await left(connection) == [7, 8, 9]
    assert await check(connection, INVARIANTS) == []


async def test_a_subject_may_have_all_of_its_events_archived(
    connection: asyncpg.Connection, order: UUID, tmp_path: Path
) -> None:
    await months.make(connection, Month(2020, 4))
    await months.begin(connection, Month(2020, 4))
    await take(connection, (await archive.partitions(connection))[:4], tmp_path)
    assert await left(connection) == []
    assert await check(connection, INVARIANTS) == []


async def test_verify_still_finds_what_is_missing_after_an_archive(
    connection: asyncpg.Connection, order: UUID, tmp_path: Path
) -> None:
    await take(connection, await first_two(connection), tmp_path)
    await connection.execute("DELETE FROM events WHERE position = 5")
    assert [each.invariant.name for each in await check(connection, INVARIANTS)] == ["positions_have_no_gaps"]
    await connection.execute("DELETE FROM events WHERE position = 7")
    assert "events_are_numbered_without_gaps" in [each.invariant.name for each in await check(connection, INVARIANTS)]


# -- what is not ---------------------------------------------------------------------------------------------------------


async def test_the_month_that_is_written_to_stays(connection: asyncpg.Connection, order: UUID, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="events_2020_03 is still written to"):
        await take(connection, await archive.partitions(connection), tmp_path)
    assert await left(connection) == [7, 8]


async def test_what_has_no_place_yet_stays(connection: asyncpg.Connection, order: UUID, tmp_path: Path) -> None:
    await write_event(connection, order)
    await months.make(connection, Month(2020, 4))
    await months.begin(connection, Month(2020, 4))
    with pytest.raises(ArchiveError, match="events_2020_03 holds 1 events without a place"):
        await take(connection, await archive.partitions(connection), tmp_path)
    assert await left(connection) == [7, 8, None]


async def test_what_a_relay_has_not_read_stays(connection: asyncpg.Connection, order: UUID, tmp_path: Path) -> None:
    await connection.execute("INSERT INTO relays VALUES ('webhooks', 1, 3), ('messages', 1, 4)")
    with pytest.raises(ArchiveError, match=r"events_2020_01 holds events that were not passed on yet by: webhooks$"):
        await take(connection, await first_two(connection), tmp_path)
    assert await left(connection) == [3, 4, 5, 6, 7, 8]


async def test_what_was_recorded_in_a_month_that_is_to_stay_stays(
    connection: asyncpg.Connection, order: UUID, tmp_path: Path, settings: Settings
) -> None:
    """No worker had begun that month, so its events are in the partition of an earlier one."""
    with pytest.raises(ArchiveError, match=r"events_first holds events as late as 20.*: archive before 20.*, or later"):
        await app.run(settings, Month(2020, 2), tmp_path)
    assert len(await left(connection)) == 8


# -- broken off ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["write", "read_back", "raise_floor", "has_older_snapshot", "drop"])
async def test_it_may_be_broken_off_before_any_step_and_repeated(
    connection: asyncpg.Connection, order: UUID, tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(app if step in {"write", "read_back"} else archive, step, broken)
        with pytest.raises(KeyboardInterrupt):
            await take(connection, await first_two(connection), tmp_path)
    assert len(await left(connection)) == 8
    await take(connection, await first_two(connection), tmp_path)
    assert await left(connection) == [5, 6, 7, 8]
    assert await check(connection, INVARIANTS) == []


async def test_it_may_be_broken_off_while_a_partition_goes(
    connection: asyncpg.Connection, order: UUID, tmp_path: Path, fresh_database_url: str
) -> None:
    """Detaching waits for who reads the partition, and is killed meanwhile: half detached."""
    reader, killed = [await asyncpg.connect(fresh_database_url) for _ in range(2)]
    reading = reader.transaction()
    await reading.start()
    await reader.execute("SELECT id FROM events LIMIT 1")
    taking = asyncio.create_task(take(killed, await first_two(connection), tmp_path))
    while not (await archive.partitions(connection))[0].is_detaching:
        await asyncio.sleep(0.01)
    killed.terminate()
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await taking
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'ALTER TABLE events%'"
    )
    await reading.rollback()
    await reader.close()
    await take(connection, await first_two(connection), tmp_path)
    assert await left(connection) == [5, 6, 7, 8]


async def test_it_may_be_broken_off_between_detaching_and_dropping(
    connection: asyncpg.Connection, order: UUID, tmp_path: Path
) -> None:
    await connection.execute("ALTER TABLE events DETACH PARTITION events_first CONCURRENTLY")
    await take(connection, await first_two(connection), tmp_path)
    assert [each.name for each in await archive.partitions(connection)] == ["events_2020_02", "events_2020_03"]
    assert len(lines_of(tmp_path, "events_first")) == 2


@pytest.mark.parametrize("damage", [b"", b"not gzip at all", None])
async def test_nothing_goes_whose_file_cannot_be_read_back(
    connection: asyncpg.Connection, order: UUID, tmp_path: Path, damage: bytes | None
) -> None:
    [first, _] = await first_two(connection)
    files = Files(tmp_path, first.name)
    await app.write(connection, first, await archive.contents(connection, first), files)
    whole = files.events.read_bytes()
    files.events.write_bytes(whole[:-9] if damage is None else damage)
    with pytest.raises(ArchiveError):
        await take(connection, [first], tmp_path)
    assert len(await left(connection)) == 8


async def test_another_databases_archive_is_not_taken_for_ours(
    connection: asyncpg.Connection, order: UUID, tmp_path: Path
) -> None:
    [first, second] = await first_two(connection)
    await app.write(connection, second, await archive.contents(connection, second), Files(tmp_path, first.name))
    with pytest.raises(ArchiveError, match="tells of other events"):
        await take(connection, [first], tmp_path)
    assert len(await left(connection)) == 8


async def test_a_snapshot_from_before_is_waited_for(
    connection: asyncpg.Connection, order: UUID, tmp_path: Path, fresh_database_url: str
) -> None:
    """It would find neither the events nor a floor."""
    reader = await asyncpg.connect(fresh_database_url)
    async with reader.transaction(isolation="repeatable_read", readonly=True):
        await reader.fetchval("SELECT 1")
        taking = asyncio.create_task(take(connection, await first_two(connection), tmp_path))
        await asyncio.sleep(0.5)
        assert len(await log.news_after(reader, Place(0, 0), 10)) == 8
    await taking
    await reader.close()


# -- who reads on --------------------------------------------------------------------------------------------------------


async def test_a_cursor_from_before_is_refused_by_every_reader(
    connection: asyncpg.Connection, order: UUID, tmp_path: Path
) -> None:
    await take(connection, await first_two(connection), tmp_path)
    for read in (
        log.news_after(connection, Place(1, 3), 10),
        replay.news_of(connection, "order_id", [order], None, Place(1, 3), 10),
        replay.news_of(connection, None, [], None, Place(1, 3), 10),
        relays.events_after(connection, Place(1, 3), 10),
    ):
        with pytest.raises(CursorExpired) as refused:
            await read
        assert refused.value.earliest == Place(1, 4)
    assert [news.place.position for news in await log.news_after(connection, Place(1, 4), 10)] == [5, 6, 7, 8]


async def test_the_log_says_from_where_it_goes_on(
    connection: asyncpg.Connection, order: UUID, tmp_path: Path, fresh_database_url: str
) -> None:
    await take(connection, await first_two(connection), tmp_path)
    async with open_database(fresh_database_url, reads=2, writes=1) as database:
        engine = Engine(build()._schema, World(database))
        answer = orjson.loads(await engine.answer(Request(LOG, None, {"after": BEGINNING}), OPERATIONS))
        earliest = pack("POSITION", (1, 4))
        told = {"code": "CURSOR_EXPIRED", "earliest": earliest}
        assert [(error["path"], error["extensions"]) for error in answer["errors"]] == [(["events"], told)]
        for after in (earliest, None):
            answer = orjson.loads(await engine.answer(Request(LOG, None, {"after": after}), OPERATIONS))
            assert len(answer["data"]["events"]["nodes"]) == 4


async def test_a_subscriber_with_a_cursor_from_before_hears_of_it(
    connection: asyncpg.Connection, order: UUID, tmp_path: Path, fresh_database_url: str
) -> None:
    await take(connection, await first_two(connection), tmp_path)
    given = {"orderId": ids.encode("Order", order), "after": BEGINNING}
    async with open_database(fresh_database_url, reads=2, writes=1) as database, open_feed(fresh_database_url) as feed:
        subscriptions = Subscriptions(Engine(build()._schema, World(database)), feed)
        with pytest.raises(RequestError) as refused:
            await anext(subscriptions.run(Request(ORDER_LIVE, None, given), AGENT))
        [error] = refused.value.errors
        earliest = pack("POSITION", (1, 4))
        assert error.extensions == {"code": "CURSOR_EXPIRED", "earliest": earliest}
        async with aclosing(
            subscriptions.run(Request(ORDER_LIVE, None, {**given, "after": earliest}), AGENT)
        ) as events:
            assert orjson.loads(await anext(events))["data"]["orderEvents"]["sequence"] == 5


# -- the command ---------------------------------------------------------------------------------------------------------


def archived(url: str, home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "DATABASE_URL": url, "ORDERGRAPH_HOME": str(home), "COLUMNS": "200"}
    program = [sys.executable, "-c", "from app.cli import main; main()", "archive", *arguments]
    return subprocess.run(program, env=environment, capture_output=True, text=True, check=False, timeout=60)


async def test_a_person_archives_and_archives_again(
    connection: asyncpg.Connection, order: UUID, tmp_path: Path, fresh_database_url: str
) -> None:
    await connection.execute("UPDATE events SET recorded_at = '2020-01-15'")
    given = ("--before", "2020-03", "--to", str(tmp_path / "deep" / "down"))
    done = archived(fresh_database_url, tmp_path, *given)
    assert (done.returncode, done.stdout) == (0, f"3 partitions archived to {given[3]}.\n")
    assert await left(connection) == [7, 8]
    done = archived(fresh_database_url, tmp_path, *given)
    assert (done.returncode, done.stdout) == (0, "Nothing lies before that month.\n")


def test_what_is_no_month_is_wrong_usage(fresh_database_url: str, tmp_path: Path) -> None:
    done = archived(fresh_database_url, tmp_path, "--before", "2020-13", "--to", str(tmp_path))
    assert done.returncode == 2
    assert "no month such as" in done.stderr


async def test_two_do_not_archive_at_once(
    connection: asyncpg.Connection, order: UUID, tmp_path: Path, settings: Settings
) -> None:
    assert await archive.lock(connection)
    with pytest.raises(ArchiveError, match="another process"):
        await app.run(settings, FAR, tmp_path)
