"""`python -m tests.listener DATABASE_URL [REDIS_URL]`: a process that stamps, follows everything and says what it hears."""

import asyncio
import sys

import structlog

from domain.store.log import EVERYTHING, Place
from resolvers.feed import open_feed


async def listen(url: str, redis_url: str | None) -> None:
    """One line with the place from which it hears everything, then one for each event: its place."""
    async with open_feed(url, redis_url) as feed:
        with feed.follow([EVERYTHING]) as follower:
            say(follower.since)
            while True:
                say((await follower.next()).place)


def say(place: Place) -> None:
    """One line, at once."""
    sys.stdout.write(f"{place.epoch} {place.position}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(listen(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None))
