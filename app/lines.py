"""Lines that have no end of their own: sockets and streams. A server that ends lets go of them one after another.

All at once, clients would all be back at once, and whoever is left would begin all their subscriptions in one moment.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from graphql import OperationType

from resolvers.documents import RequestError
from resolvers.engine import Engine, Request

SPREAD_SECONDS = 3.0
"""Over which many lines end. With what a server waits for beside it, it is gone before who stopped it loses patience."""
LONGEST_PAUSE_SECONDS = 0.1
"""Between one line and the next: few lines need not take long."""
SHORTEST_PAUSE_SECONDS = 0.01

Leave = Callable[[], None]


class Lines:
    """The lines that are open in this process."""

    def __init__(self) -> None:
        self.open: set[Leave] = set()

    @contextmanager
    def holding(self, leave: Leave) -> Iterator[None]:
        """A line that is open for as long as the block runs; `leave` begins its end, and does not wait for it."""
        self.open.add(leave)
        try:
            yield
        finally:
            self.open.discard(leave)

    async def let_go(self, is_hurried: Callable[[], bool]) -> None:
        """Begin the end of each line, evenly in time; at once as soon as somebody is in a hurry."""
        waiting = list(self.open)
        pause = min(LONGEST_PAUSE_SECONDS, SPREAD_SECONDS / max(len(waiting), 1))
        due = asyncio.get_running_loop().time()
        for leave in waiting:
            if leave in self.open:
                leave()
            due += pause
            early = due - asyncio.get_running_loop().time()
            if early > SHORTEST_PAUSE_SECONDS and not is_hurried():
                await asyncio.sleep(early)


async def ends_by_itself(engine: Engine, request: Request) -> bool:
    """Whether there is no need to end it: a query, a mutation, and what is refused in a moment."""
    try:
        document = await engine.document(request)
    except RequestError:
        return True
    return document.kind is not OperationType.SUBSCRIPTION
