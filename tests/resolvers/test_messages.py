"""Messages made of the log and sent by jobs, with everything real but the one who carries them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest

from app.crew import TEMPLATES
from domain.ids import new_id
from domain.messages import Letter, MessageGateway, MessageKind, MessageMedium, NotNow, Undeliverable
from domain.store import jobs, log
from domain.store import relays as stored_relays
from domain.store.messages import Sender
from domain.store.verify import verify
from resolvers import messages, relays
from resolvers.database import Database, open_database
from resolvers.engine import Engine, Request
from resolvers.jobs import Crew
from resolvers.messages import Post
from resolvers.relays import Relay
from resolvers.wording import Wording
from resolvers.writing import World
from schema.build import build
from tests.logbook import write_event, write_order


@dataclass
class Carrier:
    """A gateway that keeps what it is given, and fails as often as it is told to."""

    letters: list[Letter] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    async def send(self, letter: Letter) -> str:
        """Keep a letter."""
        if self.failures:
            raise self.failures.pop(0)
        self.letters.append(letter)
        return "kept"


@pytest.fixture
async def database(fresh_database_url: str) -> AsyncIterator[Database]:
    async with open_database(fresh_database_url, reads=2, writes=6) as database:
        yield database


@pytest.fixture
async def connection(fresh_database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(fresh_database_url)
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=_json, decoder=orjson.loads)
    await stored_relays.begin(connection, "messages")
    yield connection
    await connection.close()


def _json(value: object) -> str:
    return orjson.dumps(value, default=str).decode()


class Office:
    """A post and what it works on: each step is taken when the test says."""

    def __init__(
        self, database: Database, connection: asyncpg.Connection, folders: tuple[Path, ...], **post: Any
    ) -> None:
        self.database = database
        self.connection = connection
        self.carrier = Carrier()
        given: dict[MessageMedium, MessageGateway] = {MessageMedium.EMAIL: self.carrier}
        schema = build()._schema
        engine = Engine(schema, World(database=database))
        self.post = Post(engine, Wording(folders), **{"gateways": given, **post})
        self.relay: Relay = messages.announcing(self.post, lambda: None)
        self.kind = messages.sending(self.post)

    async def order(self, email: str | None = "ana@example.com") -> UUID:
        """An order of somebody."""
        order_id = await write_order(self.connection, new_id())
        await self.connection.execute("UPDATE orders SET email = $2 WHERE id = $1", order_id, email)
        return order_id

    async def read(self) -> None:
        """Have what was written stamped, and read it."""
        await stamp_all(self.connection)
        while await relays.step(self.relay, self.database):
            pass

    async def work(self, *, workers: int = 1) -> None:
        """Let workers do what is ready, until nothing is left to do."""
        tasks = [asyncio.create_task(Crew(self.database, [self.kind]).run()) for _ in range(workers)]
        async with asyncio.timeout(20):
            while await self.connection.fetchval("SELECT count(*) FROM jobs WHERE dead_at IS NULL"):
                await asyncio.sleep(0.02)
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def attempt(self) -> None:
        """One attempt at the only job there is, and its end on record."""
        crew = Crew(self.database, [self.kind])
        task = asyncio.create_task(crew.run())
        async with asyncio.timeout(20):
            while not await self.connection.fetchval("SELECT count(*) FROM jobs WHERE error IS NOT NULL"):
                await asyncio.sleep(0.01)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def rows(self) -> list[tuple[str, str, str | None]]:
        """Messages by when they were made: (kind, status, reason)."""
        rows = await self.connection.fetch("SELECT kind, status, reason FROM messages ORDER BY id")
        return [tuple(row) for row in rows]


async def stamp_all(connection: asyncpg.Connection) -> None:
    while await log.stamp(connection, 1_000):
        pass


@pytest.fixture
def office(database: Database, connection: asyncpg.Connection) -> Office:
    return Office(database, connection, (TEMPLATES,))


async def test_a_broken_template_fails_its_message_and_no_other(
    database: Database, connection: asyncpg.Connection, tmp_path: Path
) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "shipped.txt").write_text("Subject: x\n\n{{ order.numbr }}")
    office = Office(database, connection, (tmp_path, TEMPLATES))
    order_id = await office.order()
    for type_ in ("ORDER_CONFIRMED", "SHIPMENT_HANDED_OVER", "RETURN_RECEIVED"):
        await write_event(connection, order_id, type_)
    await write_event(connection, await office.order(), "ORDER_CONFIRMED")
    await office.read()
    await office.work()
    told = await office.rows()
    assert told[0] == ("ORDER_CONFIRMED", "SENT", None)
    assert told[1][1:] == ("FAILED", "shipped.txt, line 3: 'dict object' has no attribute 'numbr'")
    assert told[2][1] == "FAILED"  # there is no such return
    assert told[3] == ("ORDER_CONFIRMED", "SENT", None)
    types = await connection.fetch("SELECT type FROM events WHERE subject_type = 'Message' ORDER BY id")
    assert sorted(row["type"] for row in types) == ["MESSAGE_FAILED"] * 2 + ["MESSAGE_SENT"] * 2


async def test_a_log_that_is_read_again_tells_nothing_again(office: Office) -> None:
    order_id = await office.order()
    for _ in range(2):
        await write_event(office.connection, order_id, "ORDER_CONFIRMED")  # twins, in one batch
    await office.read()
    await write_event(office.connection, order_id, "ORDER_CONFIRMED")  # and in another
    await office.read()
    await office.work()
    await office.connection.execute("UPDATE relays SET position = 0")
    await office.read()
    assert await office.rows() == [("ORDER_CONFIRMED", "SENT", None)]
    assert await office.connection.fetchval("SELECT count(*) FROM jobs") == 0
    assert len(office.carrier.letters) == 1


async def test_many_workers_send_each_message_once(office: Office) -> None:
    for _ in range(30):
        await write_event(office.connection, await office.order(), "ORDER_CONFIRMED")
    await office.read()
    await office.work(workers=3)
    assert len({letter.id for letter in office.carrier.letters}) == len(office.carrier.letters) == 30


async def test_a_message_is_tried_until_it_is_no_news_any_more(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.carrier.failures = [NotNow("451 later\0")]
    await write_event(office.connection, await office.order(), "ORDER_CONFIRMED")
    await office.read()
    await office.attempt()
    assert await office.rows() == [("ORDER_CONFIRMED", "PENDING", "451 later")]
    assert await verify_messages(office.connection) == []
    await office.connection.execute("UPDATE messages SET created_at = now() - interval '49 hours'")
    await office.connection.execute("UPDATE jobs SET ready_at = now()")
    await office.work()
    assert await office.rows() == [("ORDER_CONFIRMED", "FAILED", "too late: 451 later")]
    assert office.carrier.letters == []


async def verify_messages(connection: asyncpg.Connection) -> list[str]:
    return [each.invariant.name for each in await verify(connection) if "message" in each.invariant.name]


async def test_what_a_gateway_did_not_foresee_is_tried_again(office: Office) -> None:
    office.carrier.failures = [RuntimeError("who knows")]
    await write_event(office.connection, await office.order(), "ORDER_CONFIRMED")
    await office.read()
    await office.work()
    assert await office.rows() == [("ORDER_CONFIRMED", "SENT", None)]


async def test_a_refused_address_does_not_hold_up_what_comes_after_it(office: Office) -> None:
    office.carrier.failures = [Undeliverable("550 no such user")]
    order_id = await office.order()
    await write_event(office.connection, order_id, "ORDER_CONFIRMED")
    await write_event(office.connection, await office.order(), "ORDER_CONFIRMED")
    await office.read()
    await office.work()
    assert sorted(status for _, status, _ in await office.rows()) == ["FAILED", "SENT"]


async def test_a_medium_that_nothing_carries_any_more_waits(office: Office) -> None:
    await write_event(office.connection, await office.order(), "ORDER_CONFIRMED")
    await office.read()
    bare = Office(office.database, office.connection, (TEMPLATES,), gateways={})
    await bare.attempt()
    assert await office.rows() == [("ORDER_CONFIRMED", "PENDING", "no gateway carries EMAIL")]


async def test_whose_lease_ran_out_has_no_say_about_a_message_that_was_sent_meanwhile(office: Office) -> None:
    await write_event(office.connection, await office.order(), "ORDER_CONFIRMED")
    await office.read()
    released = asyncio.Event()

    class Slow(Carrier):
        async def send(self, letter: Letter) -> str:
            await released.wait()
            return await super().send(letter)

    slow = Office(office.database, office.connection, (TEMPLATES,), gateways={MessageMedium.EMAIL: Slow()})
    job = await take(office)
    late = asyncio.ensure_future(slow.kind.handle(job))
    await asyncio.sleep(0)
    await office.kind.handle(job)
    released.set()
    await late
    assert await office.rows() == [("ORDER_CONFIRMED", "SENT", None)]
    told = await office.connection.fetchval("SELECT count(*) FROM events WHERE type = 'MESSAGE_SENT'")
    assert told == 1


async def take(office: Office) -> Any:
    async with office.database.writes.acquire() as connection:
        (job,) = await jobs.take(connection, messages.SEND_MESSAGE, 1, new_id(), 60)
    return job


@pytest.mark.parametrize("kind", MessageKind)
async def test_what_a_template_is_told_is_read_by_one_statement(office: Office, kind: MessageKind) -> None:
    engine = office.post.engine
    text = office.post.wording.document(kind, Sender("web", "Web", "UTC"))
    document = await engine.document(Request(text))
    variables = {name: f"{prefix}_{new_id()}" for name, prefix in (("orderId", "ord"), ("causeId", "pay"))}
    assert engine.plan(document, document.coerce(variables), messages.WRITER) is not None
