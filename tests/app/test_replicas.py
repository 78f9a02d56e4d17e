"""Read replicas, with a real one: what it answers, what the primary answers, and what a token makes of it."""

import asyncio
import itertools
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from app.migrate import upgrade
from app.postgres import EmbeddedPostgres
from app.tokens import sign
from domain import ids
from domain.store import wal
from domain.store.wal import Mark
from resolvers import replicas
from resolvers.consistency import mark_in, token_of
from resolvers.database import Connection, Database, Unavailable, open_database
from resolvers.engine import Engine, Request
from resolvers.replicas import with_replicas
from resolvers.writing import World
from schema.build import build
from tests.api.shop import OPERATIONS
from tests.api.test_statements import Counted, raw
from tests.conftest import SECRET, reachable_folder, serving, settings_on
from tests.logbook import AGENT, ORDER_LIVE, write_event, write_order
from tests.replica import connected, copied, paused, value

PRIMARY, REPLICA = "primary", "replica"
HEADER = "x-consistency-token"
SECONDS = 60.0
"""How long to wait for what must come; nothing waits longer than it takes."""

numbers = itertools.count(1)


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(SECONDS):
        while not await holds():
            await asyncio.sleep(0.01)


# -- the servers -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with reachable_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
async def primary(folder: Path) -> AsyncIterator[EmbeddedPostgres]:
    async with EmbeddedPostgres(folder / PRIMARY) as server:
        await upgrade(server.url)
        async with connected(server) as connection:  # what is set here, replicas have as well
            await connection.execute("ALTER DATABASE ordergraph SET log_statement = 'all'")
            await connection.execute("ALTER SYSTEM SET fsync = off")
            await connection.execute("ALTER SYSTEM SET wal_retrieve_retry_interval = '50ms'")
            # Making a replica begins a new segment and a checkpoint: one that was down meanwhile must find the old ones.
            await connection.execute("ALTER SYSTEM SET wal_keep_size = '512MB'")
            await connection.execute("SELECT pg_reload_conf()")
        yield server


@pytest.fixture(scope="module")
async def replica(primary: EmbeddedPostgres, folder: Path) -> AsyncIterator[EmbeddedPostgres]:
    """One that follows whenever no test has it stopped or paused."""
    async with copied(primary, folder / REPLICA) as server:
        yield server


@pytest.fixture(scope="module")
async def second(primary: EmbeddedPostgres, folder: Path) -> AsyncIterator[EmbeddedPostgres]:
    """Another one."""
    async with copied(primary, folder / "second") as server:
        yield server


@pytest.fixture
async def doomed(primary: EmbeddedPostgres, folder: Path) -> AsyncIterator[EmbeddedPostgres]:
    """One that the test may spoil for good."""
    async with copied(primary, folder / f"doomed-{next(numbers)}") as server:
        yield server


# -- the application ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class App:
    """The running application, its servers, and one fact that every test changes: a channel's name."""

    client: httpx.AsyncClient
    servers: dict[str, EmbeddedPostgres]
    headers: dict[str, str]

    async def post(self, query: str, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        body = orjson.dumps({"query": query, **more})
        return await self.client.post("/graphql", content=body, headers={**self.headers, **(headers or {})})

    async def rename(self, name: str, selection: str = "channel { name }") -> httpx.Response:
        """Give the channel a name; the answer to the mutation."""
        answer = await self.post(
            f"mutation ($input: ChannelSetInput!) {{ channelSet(input: $input) {{ {selection} userErrors {{ code }} }} }}",
            variables={
                "input": {
                    "idempotencyKey": f"{self.client.base_url} {next(numbers)}",
                    "code": "web",
                    "name": name,
                    "currency": "BRL",
                    "timeZone": "America/Sao_Paulo",
                }
            },
        )
        assert answer.json()["data"]["channelSet"]["userErrors"] == [], answer.text
        return answer

    async def named(self, token: str | None = None) -> str:
        """The channel's name, as a read finds it."""
        return (await self.read(token))[0]

    async def read(self, token: str | None = None) -> tuple[str, str]:
        """The channel's name, and which server said so: the one that was sent an alias that nothing else has."""
        alias = f"probe{next(numbers)}"
        query = f'{{ channel(code: "web") {{ {alias}: name }} }}'
        answer = await self.post(query, {HEADER: token} if token else None)
        assert (answer.status_code, set(answer.json())) == (200, {"data", "extensions"}), answer.text
        channel = answer.json()["data"]["channel"] or {alias: "not there yet"}
        return channel[alias], self.server_asked(alias)

    async def status(self) -> int:
        """Whether a read is answered at all."""
        return (await self.post('{ channel(code: "web") { name } }')).status_code

    def server_asked(self, alias: str) -> str:
        """The only server that has a word in its log."""
        (name,) = [name for name, server in self.servers.items() if alias in server._log_path.read_text()]
        return name

    async def uses(self, name: str) -> None:
        """Wait until reads go to a server."""

        async def asked() -> bool:
            return (await self.read())[1] == name

        await eventually(asked)

    async def settles(self) -> None:
        """Wait until the replica is used and has replayed what was there at first."""
        await eventually(lambda: _is(self.read(), ("at first", REPLICA)))


@asynccontextmanager
async def running(lag_seconds: float = 3600, **servers: EmbeddedPostgres) -> AsyncIterator[App]:
    """The application on a primary and its replicas; all other settings are those of any test."""
    urls = tuple(server.url for name, server in servers.items() if name != PRIMARY)
    settings = settings_on(servers[PRIMARY].url, servers[PRIMARY].data_dir.parent)
    settings = settings.model_copy(update={"database_replica_urls": urls, "replica_lag_seconds": lag_seconds})
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {sign(OPERATIONS, SECRET, 3600)}"}
    async with serving(settings) as url, httpx.AsyncClient(base_url=url, timeout=SECONDS) as client:
        app = App(client, servers, headers)
        await app.rename("at first")
        yield app


@pytest.fixture
async def app(primary: EmbeddedPostgres, replica: EmbeddedPostgres) -> AsyncIterator[App]:
    """The application, with its replica in use and up to date."""
    async with running(primary=primary, replica=replica) as app:
        await app.settles()
        yield app


async def _is(found: Awaitable[Any], expected: Any) -> bool:
    return bool(await found == expected)


# -- who answers -------------------------------------------------------------------------------------------------------


async def test_reads_go_to_the_replica_and_what_a_mutation_answers_comes_from_the_primary(app: App) -> None:
    alias = f"probe{next(numbers)}"
    answer = await app.rename("new", f"channel {{ {alias}: name }}")

    assert answer.json()["data"]["channelSet"]["channel"] == {alias: "new"}
    assert app.server_asked(alias) == PRIMARY
    assert (await app.read())[1] == REPLICA


@pytest.mark.parametrize("also", ["", "__schema { queryType { name } }"], ids=["compiled", "ordinary"])
async def test_a_read_without_a_token_may_be_late_and_with_one_it_never_is(
    app: App, replica: EmbeddedPostgres, also: str
) -> None:
    query = f'{{ channel(code: "web") {{ name }} {also} }}'

    async def name(**headers: str) -> str:
        answer = await app.post(query, {each.replace("_", "-"): text for each, text in headers.items()})
        return str(answer.json()["data"]["channel"]["name"])

    async with paused(replica):
        token = (await app.rename("new")).headers[HEADER]
        assert await name() == "at first"
        assert await name(x_consistency_token=token) == "new"
    await eventually(lambda: _is(name(), "new"))


async def test_who_has_a_token_is_answered_by_the_replica_once_that_has_come_so_far(
    app: App, replica: EmbeddedPostgres
) -> None:
    token = (await app.rename("new")).headers[HEADER]

    async def answered_by_replica() -> bool:
        return await app.read(token) == ("new", REPLICA)

    await eventually(answered_by_replica)
    async with paused(replica):
        await app.rename("newer")
        assert await app.read(token) == ("new", REPLICA)


async def test_a_replica_that_is_a_moment_late_is_waited_for(
    app: App, replica: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replicas, "PATIENCE_SECONDS", SECONDS)
    async with paused(replica):
        token = (await app.rename("new")).headers[HEADER]
        reading = asyncio.create_task(app.read(token))
        await _asked_again_and_again(replica)
        assert not reading.done()
    assert await reading == ("new", REPLICA)


async def _asked_again_and_again(replica: EmbeddedPostgres) -> None:
    """Somebody waits: the watch asks more often than it does by itself."""
    asked = "SELECT query_start FROM pg_stat_activity WHERE application_name = 'ordergraph watch'"
    async with connected(replica) as connection:

        async def often() -> bool:
            first = await connection.fetchval(asked)
            await asyncio.sleep(replicas.WATCH_SECONDS / 5)
            return bool(await connection.fetchval(asked) != first)

        await eventually(often)


async def test_a_subscription_is_told_from_the_primary(
    app: App, replica: EmbeddedPostgres, primary: EmbeddedPostgres
) -> None:
    async with connected(primary) as connection:
        order_id = await write_order(connection)
        async with paused(replica), _stream(app, ids.encode("Order", order_id)) as lines:
            await write_event(connection, order_id, message="As late as can be.")
            async with asyncio.timeout(SECONDS):
                async for line in lines:
                    if line.startswith("data: {"):
                        assert orjson.loads(line[6:])["data"]["orderEvents"]["message"] == "As late as can be."
                        return


@asynccontextmanager
async def _stream(app: App, order_id: str) -> AsyncIterator[AsyncIterator[str]]:
    body = orjson.dumps({"query": ORDER_LIVE, "variables": {"orderId": order_id}})
    headers = {**app.headers, "Authorization": f"Bearer {sign(AGENT, SECRET, 3600)}", "Accept": "text/event-stream"}
    async with app.client.stream("POST", "/graphql", content=body, headers=headers) as answer:
        yield answer.aiter_lines()


# -- tokens ------------------------------------------------------------------------------------------------------------


async def test_a_mutation_tells_its_token_in_the_answer_and_in_a_header(app: App) -> None:
    answer = await app.rename("new")
    token = answer.headers[HEADER]
    assert answer.json()["extensions"]["consistencyToken"] == token
    assert (len(token), token.replace("-", "").replace("_", "").isalnum()) == (16, True)
    assert HEADER not in (await app.post("{ __typename }")).headers


async def test_a_mutation_of_which_nothing_is_read_has_its_token_too(app: App, replica: EmbeddedPostgres) -> None:
    async with paused(replica):
        token = (await app.rename("new", "")).headers[HEADER]
        assert await app.named(token) == "new"


async def test_a_refused_mutation_has_a_token_because_it_speaks_of_what_was_there(
    app: App, replica: EmbeddedPostgres
) -> None:
    async with paused(replica):
        await app.rename("new")
        refused = await app.post(
            'mutation { orderConfirm(input: {idempotencyKey: "x", id: "ord_x"}) { userErrors { code } } }'
        )
        assert refused.json()["data"]["orderConfirm"]["userErrors"] == [{"code": "NOT_FOUND"}]
        assert await app.named(refused.headers[HEADER]) == "new"


async def test_a_token_may_be_sent_in_the_body_in_the_url_or_in_a_header_and_the_latest_counts(
    app: App, replica: EmbeddedPostgres
) -> None:
    query = '{ channel(code: "web") { name } }'
    early = (await app.rename("early")).headers[HEADER]
    await eventually(lambda: _is(app.named(), "early"))
    async with paused(replica):
        late = (await app.rename("late")).headers[HEADER]
        extensions = {"consistencyToken": late}
        in_url = {"query": query, "extensions": orjson.dumps(extensions).decode()}
        answers = [
            await app.post(query, extensions=extensions),
            await app.post(query, {HEADER: early}, extensions=extensions),
            await app.post(query, {HEADER: late}, extensions={"consistencyToken": early}),
            await app.client.get("/graphql", params=in_url, headers=app.headers),
        ]
    assert [answer.json()["data"]["channel"]["name"] for answer in answers] == ["late"] * 4


@pytest.mark.parametrize("token", ["", "x", "*" * 16, "A" * 15, "A" * 17, "ä" * 16, 5, True, [], {}])
async def test_a_malformed_token_is_a_400(app: App, token: Any) -> None:
    in_body = await app.post("{ __typename }", extensions={"consistencyToken": token})
    extensions = orjson.dumps({"consistencyToken": token}).decode()
    in_url = await app.client.get("/graphql", params={"query": "{ __typename }", "extensions": extensions})
    answers = [in_body, in_url]
    if isinstance(token, str):
        given = {HEADER.encode(): token.encode(), b"content-type": b"application/json"}
        answers.append(await app.client.post("/graphql", content=b'{"query":"{ __typename }"}', headers=given))
    told = [(answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) for answer in answers]
    assert set(told) == {(400, "BAD_REQUEST")}


@pytest.mark.parametrize("foreign", [Mark(1, 2**64 - 1), Mark(2**32 - 1, 0)], ids=["far ahead", "of a later epoch"])
async def test_a_token_of_another_database_leads_to_the_primary(app: App, foreign: Mark) -> None:
    assert await app.read(token_of(foreign)) == ("at first", PRIMARY)


async def test_what_an_earlier_epoch_left_is_there_in_a_later_one(app: App) -> None:
    assert await app.read(token_of(Mark(0, 2**64 - 1))) == ("at first", REPLICA)


async def test_without_replicas_there_are_no_tokens_and_given_ones_change_nothing(primary: EmbeddedPostgres) -> None:
    async with running(primary=primary) as app:
        answer = await app.rename("new")
        assert (HEADER in answer.headers, set(answer.json())) == (False, {"data", "extensions"})
        assert await app.read(token_of(Mark(1, 2**64 - 1))) == ("new", PRIMARY)


# -- what goes wrong ---------------------------------------------------------------------------------------------------


async def test_a_replica_that_is_killed_is_missed_by_nobody_and_used_again_when_it_is_back(
    app: App, replica: EmbeddedPostgres
) -> None:
    killed = replica.pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    async with asyncio.timeout(SECONDS):
        while replica.pid in {killed, None} or (await app.read())[1] != REPLICA:
            assert await app.named() == "at first"


async def test_a_replica_that_is_not_there_at_the_start_is_used_once_it_is(
    primary: EmbeddedPostgres, replica: EmbeddedPostgres
) -> None:
    await replica.__aexit__()
    try:
        async with running(primary=primary, replica=replica) as app:
            assert await app.named() == "at first"
            await replica.__aenter__()
            await app.uses(REPLICA)
    finally:
        await replica.ensure_running()


async def test_reads_are_spread_and_a_replica_takes_the_turns_of_one_that_is_gone(
    primary: EmbeddedPostgres, replica: EmbeddedPostgres, second: EmbeddedPostgres
) -> None:
    async with running(primary=primary, replica=replica, second=second) as app:
        for name in (REPLICA, "second"):
            await app.uses(name)
        assert {(await app.read())[1] for _ in range(2)} == {REPLICA, "second"}
        await second.__aexit__()
        try:
            assert {(await app.read())[1] for _ in range(4)} == {REPLICA}
        finally:
            await second.__aenter__()


async def test_while_the_primary_is_away_replicas_answer_however_late(
    primary: EmbeddedPostgres, replica: EmbeddedPostgres
) -> None:
    async with running(0.1, primary=primary, replica=replica) as app:
        await app.settles()
        async with paused(replica):
            await app.rename("new")
            await app.uses(PRIMARY)
            await primary.__aexit__()
            try:
                await eventually(lambda: _is(app.status(), 200))
                assert await app.read() == ("at first", REPLICA)
            finally:
                await primary.__aenter__()


async def test_a_replica_that_was_promoted_is_a_replica_no_more(
    primary: EmbeddedPostgres, doomed: EmbeddedPostgres
) -> None:
    async with running(primary=primary, doomed=doomed) as app:
        await app.uses("doomed")
        assert await value(doomed, "SELECT pg_promote()")
        await app.uses(PRIMARY)
        await app.rename("after the promotion")
        assert [await app.read() for _ in range(3)] == [("after the promotion", PRIMARY)] * 3


async def test_tokens_outlive_a_failover_also_those_of_writes_that_were_lost(
    primary: EmbeddedPostgres, doomed: EmbeddedPostgres, folder: Path
) -> None:
    async with running(primary=primary, doomed=doomed) as app:
        kept = (await app.rename("kept")).headers[HEADER]
        await eventually(lambda: _is(app.read(kept), ("kept", "doomed")))
        assert await value(doomed, "SELECT pg_promote()")
        lost = (await app.rename("lost")).headers[HEADER]
    with_follower = copied(doomed, folder / f"follower-{next(numbers)}")
    async with with_follower as follower, running(primary=doomed, follower=follower) as app:
        for token in (kept, lost):
            await eventually(lambda token=token: _is(app.read(token), ("at first", "follower")))  # type: ignore[misc]
        new = (await app.rename("new")).headers[HEADER]
        assert mark_in(new) > mark_in(lost) > mark_in(kept)


async def test_a_replica_that_is_too_far_behind_is_not_used_until_it_has_caught_up(
    primary: EmbeddedPostgres, replica: EmbeddedPostgres
) -> None:
    async with running(0.1, primary=primary, replica=replica) as app:
        await app.uses(REPLICA)
        async with paused(replica):
            await app.rename("new")
            await app.uses(PRIMARY)
            assert await app.named() == "new"
        await app.uses(REPLICA)


@pytest.mark.parametrize("also", ["", "__schema { queryType { name } }"], ids=["compiled", "ordinary"])
async def test_a_read_that_stands_in_the_way_of_the_replay_is_answered_by_the_primary(
    primary: EmbeddedPostgres, second: EmbeddedPostgres, also: str
) -> None:
    """The read has orders and waits for lines; the replay wants orders for itself, and waits for nobody."""
    blocked = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ordergraph' AND wait_event_type = 'Lock'"
    async with AsyncExitStack() as stack:
        app = await stack.enter_async_context(running(primary=primary, second=second))
        one, other = [await stack.enter_async_context(connected(primary)) for _ in range(2)]
        watcher = await stack.enter_async_context(connected(second))
        await watcher.execute("ALTER SYSTEM SET max_standby_streaming_delay = 0")
        await watcher.execute("SELECT pg_reload_conf()")
        stack.push_async_callback(waits_again, second)
        await eventually(
            lambda: watcher.fetchval("SELECT EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming')")
        )
        await write_order(one)
        await app.uses("second")
        async with one.transaction():
            await one.execute("LOCK TABLE order_lines IN ACCESS EXCLUSIVE MODE")
            await app.rename("flushes the log, so that the lock is sent")
            locked = "SELECT EXISTS (SELECT FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted)"
            await eventually(lambda: watcher.fetchval(locked))
            query = f"{{ orders(first: 1) {{ nodes {{ number lines {{ sku }} }} }} {also} }}"
            reading = asyncio.create_task(app.post(query))
            await eventually(lambda: watcher.fetchval(blocked))
            async with other.transaction():
                await other.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
            await app.rename("flushes the log once more")
            await eventually(lambda: _is(watcher.fetchval(blocked), 0))
            assert not reading.done()  # the primary has the lock on lines as well
        answer = await reading
        assert (answer.status_code, set(answer.json())) == (200, {"data", "extensions"})
        assert len(answer.json()["data"]["orders"]["nodes"]) == 1
        assert "canceling statement due to conflict with recovery" in second._log_path.read_text()


async def waits_again(second: EmbeddedPostgres) -> None:
    async with connected(second) as connection:
        await connection.execute("ALTER SYSTEM RESET max_standby_streaming_delay")
        await connection.execute("SELECT pg_reload_conf()")


@asynccontextmanager
async def database_of(primary: EmbeddedPostgres, replica: EmbeddedPostgres) -> AsyncIterator[Database]:
    """The pools alone, with the replica in service."""
    async with (
        open_database(primary.url, reads=1, writes=1) as alone,
        with_replicas(alone, [replica.url], reads=1, longest_lag_seconds=3600) as database,
    ):
        await eventually(lambda: database.ask_any(in_recovery, None))
        yield database


async def in_recovery(connection: Connection) -> bool:
    return bool(await connection.fetchval("SELECT pg_is_in_recovery()"))


async def test_what_has_not_arrived_at_the_replica_is_read_from_the_primary(
    primary: EmbeddedPostgres, replica: EmbeddedPostgres
) -> None:
    async with database_of(primary, replica) as database, paused(replica), connected(primary) as connection:
        await connection.execute("CREATE TABLE arrived AS SELECT 1 AS one")
        assert await database.ask_any(lambda asked: asked.fetchval("SELECT one FROM arrived"), None) == 1
        await connection.execute("DROP TABLE arrived")


async def test_a_read_that_took_too_long_is_not_asked_again_elsewhere(
    primary: EmbeddedPostgres, replica: EmbeddedPostgres
) -> None:
    asked: list[bool] = []

    async def slow(connection: Connection) -> None:
        asked.append(await in_recovery(connection))
        await connection.fetchval("SELECT pg_sleep(60)", timeout=0.01)

    async with database_of(primary, replica) as database:
        with pytest.raises(Unavailable):
            await database.ask_any(slow, None)
        assert asked == [True]
        assert await database.ask_any(in_recovery, None)


# -- what it costs -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("selection", "more"), [("channel { name }", 0), ("", 1)])
async def test_a_token_costs_a_statement_only_where_nothing_is_read(
    primary: EmbeddedPostgres, replica: EmbeddedPostgres, selection: str, more: int
) -> None:
    async with database_of(primary, replica) as database:
        alone = await statements(Database(database.reads, database.writes), selection)
        beside = await statements(database, selection)
    assert beside == alone + more


async def statements(database: Database, selection: str) -> int:
    """How many statements a mutation takes on the primary."""
    engine = Engine(build()._schema, World(database))
    node = Counted(engine, [await raw(database, "reads"), await raw(database, "writes")])
    input_ = f'{{idempotencyKey: "{next(numbers)} counted", code: "web", name: "x", currency: "BRL", timeZone: "UTC"}}'
    query = f"mutation {{ channelSet(input: {input_}) {{ {selection} userErrors {{ code }} }} }}"
    await engine.answer(Request(query.replace(" counted", " first")), OPERATIONS)  # learns PostgreSQL's types
    with node.counting() as asked:
        await engine.answer(Request(query), OPERATIONS)
        await asyncio.sleep(0)  # a logger hears of a statement a moment later
    return len([statement for statement in asked if statement != wal.SENT])
