"""A pool's connections, lent in turn.

asyncpg's pool makes a task of every return and a timer of every statement, which together cost a fifth of a small read.
So connections are taken out of the pool once and lent from here; one that failed goes back to the pool, which knows how
to mend it. PostgreSQL itself ends a statement that takes too long; one watch, and no timer for each, ends a connection
that is out for so long that nothing can be heard on it any more.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy


class Lender:
    """Lends at most `size` connections of a pool, whoever asked first first."""

    def __init__(self, pool: asyncpg.Pool, size: int, longest_seconds: float) -> None:
        self.pool = pool
        self.size = size
        self.longest_seconds = longest_seconds
        self.loop = asyncio.get_running_loop()  # asked once: it looks up the process's id each time, a system call
        self.taken = 0
        self.idle: list[PoolConnectionProxy] = []
        self.lent: dict[PoolConnectionProxy, float] = {}
        self.waiting: deque[asyncio.Future[None]] = deque()

    async def fetchval(self, sql: str, *parameters: Any) -> Any:
        """The one value that a statement gives."""
        connection = await self._borrow()
        try:
            value = await connection.fetchval(sql, *parameters)
        except BaseException as error:
            await self._drop(connection, error)
            raise
        self._give_back(connection)
        return value

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[PoolConnectionProxy]:
        """A connection for as long as the block runs."""
        connection = await self._borrow()
        try:
            yield connection
        except BaseException as error:
            await self._take_back(connection, error)
            raise
        self._give_back(connection)

    def transaction(self) -> "Transaction":
        """The same, in a transaction."""
        return Transaction(self)

    def transaction_to_begin(self) -> "Transaction":
        """The same, where each statement stands alone until somebody says `begin`."""
        return Transaction(self, begins=False)

    async def _borrow(self) -> PoolConnectionProxy:
        while True:
            while self.idle:
                connection = self.idle.pop()
                if _is_open(connection):
                    self.lent[connection] = time.monotonic()
                    return connection
                await self._release(connection)
            if self.taken < self.size:
                return await self._take()
            await self._turn()

    async def _take(self) -> PoolConnectionProxy:
        self.taken += 1
        try:
            connection = await self.pool.acquire()
        except BaseException:
            self.taken -= 1
            self._wake()
            raise
        self.lent[connection] = time.monotonic()
        return connection

    async def _turn(self) -> None:
        """Wait until a connection may be free."""
        turn = self.loop.create_future()
        self.waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._wake()  # it was our turn, and is the next one's now
            raise

    def _wake(self) -> None:
        while self.waiting:
            turn = self.waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    def _give_back(self, connection: PoolConnectionProxy) -> None:
        del self.lent[connection]
        self.idle.append(connection)
        if self.waiting:
            self._wake()

    async def _take_back(self, connection: PoolConnectionProxy, error: BaseException) -> None:
        if _is_well(connection, error):
            self._give_back(connection)
        else:
            await self._drop(connection, error)

    async def _drop(self, connection: PoolConnectionProxy, error: BaseException) -> None:
        """Return it to the pool, which replaces what is broken.

        A value that cannot be encoded leaves a connection amid a message, and one who was called off, amid a statement.
        Nobody waits for what becomes of that: another connection is there in milliseconds.
        """
        del self.lent[connection]
        if isinstance(error, asyncpg.DataError) or not isinstance(error, Exception):
            with suppress(asyncpg.InterfaceError):  # the server has ended it already
                connection.terminate()
        await self._release(connection)

    async def _release(self, connection: PoolConnectionProxy) -> None:
        try:
            await self.pool.release(connection)
        finally:
            self.taken -= 1
            self._wake()

    async def watch(self) -> None:
        """End connections on which nothing is heard."""
        while True:
            await asyncio.sleep(self.longest_seconds / 4)
            late = time.monotonic() - self.longest_seconds
            for connection, began in list(self.lent.items()):
                if began < late:
                    with suppress(asyncpg.InterfaceError):  # it ended this moment by itself
                        connection.terminate()

    async def close(self) -> None:
        """Give all back: the pool waits for them when it closes."""
        self.size = 0
        while self.idle:
            await self._release(self.idle.pop())


class Transaction:
    """A connection for as long as a block runs, in a transaction: committed at its end, rolled back after an error.

    asyncpg's can be savepoints and have levels as well, and a generator around them has to be kept by the loop;
    that takes as long as the two statements.
    """

    __slots__ = ("begun", "connection", "lender")

    def __init__(self, lender: Lender, *, begins: bool = True) -> None:
        self.lender = lender
        self.begun = begins

    async def __aenter__(self) -> PoolConnectionProxy:
        self.connection = await self.lender._borrow()  # noqa: SLF001 - one of its two ways to lend
        if self.begun:
            await self._say("BEGIN")
        return self.connection

    async def begin(self) -> None:
        """Begin, where that was left to whoever is inside."""
        await self.connection.execute("BEGIN")
        self.begun = True

    async def __aexit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        if self.begun:
            await self._say("COMMIT" if error is None else "ROLLBACK")
        if error is None:
            self.lender._give_back(self.connection)  # noqa: SLF001
        else:
            await self.lender._take_back(self.connection, error)  # noqa: SLF001

    async def _say(self, word: str) -> None:
        try:
            await self.connection.execute(word)
        except BaseException as error:
            await self.lender._take_back(self.connection, error)  # noqa: SLF001
            raise


def _is_well(connection: PoolConnectionProxy, error: BaseException) -> bool:
    """Whether a connection may go on after an error: one that was raised beside it, such as a refusal."""
    harmed = isinstance(error, asyncpg.InterfaceError | asyncpg.DataError | OSError) or not isinstance(error, Exception)
    return not harmed and _is_open(connection) and not connection.is_in_transaction()


def _is_open(connection: PoolConnectionProxy) -> bool:
    try:
        return not connection.is_closed()
    except asyncpg.InterfaceError:  # the server ended it, and the pool has taken it back
        return False


@asynccontextmanager
async def lending(pool: asyncpg.Pool, size: int, longest_seconds: float) -> AsyncIterator[Lender]:
    """A pool's lender, for as long as the block runs."""
    lender = Lender(pool, size, longest_seconds)
    watch = asyncio.create_task(lender.watch())
    try:
        yield lender
    finally:
        watch.cancel()
        with suppress(asyncio.CancelledError):
            await watch
        await lender.close()
