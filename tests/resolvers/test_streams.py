"""What a subscription follows, told from news alone, and how the log is read again for it."""

import itertools
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from domain.store import log, replay
from domain.store.log import EVERYTHING, News, Place
from domain.store.visibility import bounds_of_events
from resolvers.holding import SESSION
from resolvers.streams import Watch, watch
from tests.referee import ROLES, Referee

BEGIN = Place(0, 0)


@pytest.fixture
async def reader(database_url: str, referee: Referee) -> AsyncIterator[asyncpg.Connection]:
    """A connection to the wide world's log, as the feed has it."""
    assert referee.world.rows["events"]
    connection = await asyncpg.connect(database_url, server_settings=SESSION)
    yield connection
    await connection.close()


async def everything(reader: asyncpg.Connection) -> list[News]:
    found = await log.news_after(reader, BEGIN, 10_000)
    assert len(found) > 100
    return found


def by_pages(column: str | None, ids: set[UUID], types: set[str] | None, size: int) -> Any:
    """Reads the log again to its end, so much at once."""

    async def read(reader: asyncpg.Connection) -> list[News]:
        found: list[News] = []
        while page := await replay.news_of(reader, column, ids, types, found[-1].place if found else BEGIN, size):
            found += page
        return found

    return read


@pytest.mark.parametrize("size", [1, 7, 1_000])
@pytest.mark.parametrize("column", [None, *log.TOPICS])
async def test_a_replay_by_pages_is_the_log_of_what_is_followed(
    reader: asyncpg.Connection, column: str | None, size: int
) -> None:
    whole = await everything(reader)
    ids = set(itertools.islice({getattr(each, column) for each in whole} - {None}, 3)) if column else set()
    for types in (None, {"ORDER_PLACED", "STOCK_MOVED", "RETURN_RECEIVED", "SHIPMENT_CREATED"}):
        followed = watch({column: frozenset(ids)} if column else {}, frozenset(types) if types else None)
        wanted = [news for news in whole if followed.wants(news)]
        found = await by_pages(column, ids, types, size)(reader)
        assert [news for news in found if followed.wants(news)] == wanted
        assert wanted


@pytest.mark.parametrize("by_type", [False, True])
@pytest.mark.parametrize("column", [None, *log.TOPICS])
async def test_a_replay_reads_the_log_by_its_indexes_alone(
    reader: asyncpg.Connection, column: str | None, by_type: bool
) -> None:
    question = replay.question(column, 100, by_type=by_type and column in replay.BY_TYPE)
    given = [*([[UUID(int=7)]] if column else []), *([["STOCK_MOVED"]] if by_type and column in replay.BY_TYPE else [])]
    rows = await reader.fetch(f"EXPLAIN {question}", 0, 0, *given)
    explained = "\n".join(row[0] for row in rows)
    assert "Seq Scan" not in explained
    assert re.findall(r"(?:using|Bitmap Index Scan on) (\w+)", explained), explained


def news(**ids: UUID) -> News:
    none = dict.fromkeys(log.TOPICS)
    return News(Place(1, 1), 1, "STOCK_MOVED", **{**none, **ids})


def test_what_has_the_fewest_ids_is_followed_and_the_rest_is_told_from_the_news() -> None:
    here, there, mug, cup = (UUID(int=number) for number in range(4))
    followed = watch({"location_id": frozenset({here}), "variant_id": frozenset({mug, cup})}, None)
    assert followed.topics == [("location_id", here)]
    assert followed.wants(news(location_id=here, variant_id=cup))
    assert not followed.wants(news(location_id=there, variant_id=cup))
    assert not followed.wants(news(location_id=here))
    assert not replace(followed, types=frozenset({"ORDER_PLACED"})).wants(news(location_id=here, variant_id=cup))
    narrow = watch({"location_id": frozenset({here}), "variant_id": frozenset({mug})}, None)
    assert narrow.topics == [("variant_id", mug)]
    assert watch({"location_id": frozenset()}, None).topics == []
    assert Watch().topics == [EVERYTHING]


@pytest.mark.parametrize("role", ROLES)
async def test_news_of_what_a_viewer_may_see_is_within_the_bounds_that_are_told_from_news(
    role: str, referee: Referee, reader: asyncpg.Connection
) -> None:
    viewer = referee.viewers[role]
    page = await referee.ask("{ events(first: 100) { nodes { id } } }", viewer)
    shown = {int(node["id"].removeprefix("evt_")) for node in page["events"]["nodes"]}
    ids, types = bounds_of_events(viewer)
    within = [news for news in await everything(reader) if watch(ids, types).wants(news)]
    assert shown <= {news.id for news in within}
    assert shown or role in {"shopper", "anonymous", "app without scopes", "unbound store"}
    assert within == [] or shown
