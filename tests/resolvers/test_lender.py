"""Read connections are lent in turn, and what becomes of one in use harms nobody after it."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from resolvers.database import READING, open_pool
from resolvers.lender import Lender, _is_open, lending

SIZE = 2
Lending = AsyncIterator[Lender]


@pytest.fixture
async def lender(database_url: str) -> Lending:
    """Two connections."""
    async with (
        open_pool(database_url, SIZE, READING, statement_seconds=None) as pool,
        lending(pool, SIZE, 60) as lender,
    ):
        yield lender


async def test_no_more_are_lent_than_there_are_and_everybody_gets_a_turn(lender: Lender) -> None:
    most = 0

    async def use(number: int) -> int:
        nonlocal most
        async with lender.acquire() as connection:
            most = max(most, len(lender.lent))
            return int(await connection.fetchval("SELECT $1::int", number))

    assert await asyncio.gather(*map(use, range(50))) == [*range(50)]
    assert most <= SIZE
    assert (len(lender.idle), lender.lent) == (lender.taken, {})


async def test_whoever_waits_is_served_in_the_order_of_coming(lender: Lender) -> None:
    served: list[int] = []

    async def use(number: int) -> None:
        async with lender.acquire():
            served.append(number)

    async with lender.acquire(), lender.acquire():
        waiting = [asyncio.create_task(use(number)) for number in range(5)]
        await asyncio.sleep(0)
    await asyncio.gather(*waiting)
    assert served == [*range(5)]


async def test_whoever_leaves_the_queue_leaves_their_turn_to_the_next(lender: Lender) -> None:
    async with lender.acquire():
        async with lender.acquire():
            gives_up, stays = (asyncio.create_task(lender.fetchval("SELECT 1")) for _ in range(2))
            await asyncio.sleep(0)
        gives_up.cancel()  # it was woken just now, and has not taken the connection yet
        assert await asyncio.wait_for(stays, 5) == 1
    assert gives_up.cancelled()


async def test_a_connection_that_the_server_ended_is_replaced(lender: Lender, connection: asyncpg.Connection) -> None:
    for pid in {await lender.fetchval("SELECT pg_backend_pid()") for _ in range(SIZE)}:
        await connection.execute("SELECT pg_terminate_backend($1, 5000)", pid)
    while any(map(_is_open, lender.idle)):  # the client hears of it by and by
        await asyncio.sleep(0.01)
    assert await asyncio.gather(*[lender.fetchval("SELECT 1") for _ in range(10)]) == [1] * 10


async def test_a_value_that_cannot_be_sent_does_not_harm_the_next_transaction(lender: Lender) -> None:
    for _ in range(SIZE * 2):
        with pytest.raises(asyncpg.DataError):
            await lender.fetchval("SELECT $1::int", 2**70)
    for _ in range(SIZE * 2):
        async with lender.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
            assert await connection.fetchval("SELECT 1") == 1


async def test_a_read_that_is_called_off_gives_its_connection_back(lender: Lender) -> None:
    slow = [asyncio.create_task(lender.fetchval("SELECT pg_sleep(60)")) for _ in range(SIZE)]
    while len(lender.lent) < SIZE:
        await asyncio.sleep(0.01)
    for each in slow:
        each.cancel()
    await asyncio.gather(*slow, return_exceptions=True)
    assert await asyncio.wait_for(lender.fetchval("SELECT 1"), 5) == 1


async def test_a_server_that_says_nothing_for_too_long_is_taken_for_gone(database_url: str) -> None:
    async with open_pool(database_url, 1, READING, statement_seconds=None) as pool, lending(pool, 1, 0.2) as lender:
        with pytest.raises(asyncpg.PostgresConnectionError):
            await asyncio.wait_for(lender.fetchval("SELECT pg_sleep(60)"), 20)
        assert await lender.fetchval("SELECT 1") == 1


async def test_a_statement_that_takes_too_long_is_ended_by_the_server(database_url: str) -> None:
    impatient = {**READING, "statement_timeout": "50ms"}
    async with open_pool(database_url, 1, impatient, statement_seconds=None) as pool, lending(pool, 1, 60) as lender:
        with pytest.raises(asyncpg.QueryCanceledError):
            await lender.fetchval("SELECT pg_sleep(60)")
        assert await lender.fetchval("SELECT 1") == 1


async def test_what_goes_wrong_beside_a_connection_leaves_it_in_use(lender: Lender) -> None:
    pids = set()

    async def refused() -> None:
        async with lender.acquire() as connection, connection.transaction():
            pids.add(await connection.fetchval("SELECT pg_backend_pid()"))
            raise LookupError("refused")

    for _ in range(SIZE * 3):
        with pytest.raises(LookupError):
            await refused()
    assert len(pids) == 1


async def test_a_transaction_that_was_left_open_is_not_lent_to_the_next(lender: Lender) -> None:
    async def lost() -> None:
        async with lender.acquire() as connection:
            await connection.execute("BEGIN")
            raise LookupError("lost")

    with pytest.raises(LookupError):
        await lost()
    async with lender.acquire() as connection:
        assert not connection.is_in_transaction()


async def test_what_a_transaction_did_stands_after_it_and_after_an_error_does_not(lender: Lender) -> None:
    async def note(what: str, *, fails: bool) -> None:
        async with lender.transaction() as lent:
            await lent.execute("SET TRANSACTION READ WRITE")
            await lent.execute("CREATE TABLE IF NOT EXISTS noted (what text)")
            await lent.execute("INSERT INTO noted VALUES ($1)", what)
            if fails:
                raise LookupError("refused")

    await note("kept", fails=False)
    with pytest.raises(LookupError):
        await note("given up", fails=True)

    assert await lender.fetchval("SELECT array_agg(what) FROM noted") == ["kept"]
    assert lender.lent == {}
    assert not any(each.is_in_transaction() for each in lender.idle)


async def test_a_transaction_that_cannot_send_a_value_leaves_a_connection_for_the_next(lender: Lender) -> None:
    for _ in range(SIZE * 2):
        with pytest.raises(asyncpg.DataError):
            async with lender.transaction() as lent:
                await lent.fetchval("SELECT $1::int", 2**70)
    async with lender.transaction() as lent:
        assert await lent.fetchval("SELECT 1") == 1
    assert lender.lent == {}


async def test_a_transaction_whose_connection_the_server_ended_fails_and_the_next_has_another(
    lender: Lender, connection: asyncpg.Connection
) -> None:
    async def ended() -> None:
        async with lender.transaction() as lent:
            await connection.execute("SELECT pg_terminate_backend($1, 5000)", lent.get_server_pid())
            await lent.fetchval("SELECT 1")

    with pytest.raises((asyncpg.PostgresConnectionError, asyncpg.InterfaceError)):
        await ended()
    async with lender.transaction() as lent:
        assert await lent.fetchval("SELECT 1") == 1
    assert lender.lent == {}
