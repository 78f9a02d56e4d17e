"""Fan-out: subscribers who ask the same, and may see the same, are one group. Each event is read once for all of them.

A group follows the feed for as long as it has members. Nothing runs while nothing happens: news wakes the group, which
works until it has caught up. A member that begins after a cursor reads the log alone (`Member.replay`); it has joined
before, so that what the group is told meanwhile is held for it, and no event lies between.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, aclosing
from typing import Protocol

import structlog

from domain.store.log import News, Place
from resolvers.followers import Follower

log = structlog.get_logger()

END = Place(2**31, 0)
"""Beyond the last place."""

PAGE = 100
"""Events that are read of the log at once. A page that is not full is its end."""
READ_AT_ONCE = 20
"""Events whose answers are read together, where several wait."""
HELD_BYTES = 256 * 1024
"""What is held for a member that replays; what came after is in the log as well."""
TOLD_AT_ONCE = 200
"""Members that are told before others get their turn."""


class Source(Protocol):
    """What a group asks of the database. Both wait for as long as the database is away."""

    beginning: asyncio.Semaphore
    """The turns of those who begin: however many do, they do not keep others from what is new."""

    async def page(self, after: Place) -> list[News]:
        """The next `PAGE` events that may be followed in the log, in order; fewer at its end."""

    async def answers(self, news: Sequence[News]) -> list[bytes | None]:
        """What members are told of each event, as of that event or later; None where they are told nothing."""

    def too_slow(self, told: Place) -> Exception:
        """What to tell a member that takes answers more slowly than they come, and has all up to a place."""

    def failed(self, error: Exception) -> Exception:
        """What to tell all members of what we did not foresee."""


class Sink(Protocol):
    """Where a member's answers go."""

    def tell(self, place: Place, answer: bytes) -> bool:
        """Take an answer without waiting; False where too much waits already."""

    def end(self, error: Exception) -> None:
        """Nothing more comes."""


class Member:
    """One subscriber in a group: holds what comes until its replay is over, then passes it on."""

    __slots__ = ("group", "held", "held_bytes", "missed", "since", "sink")

    def __init__(self, group: "Group", since: Place, sink: Sink, *, replays: bool) -> None:
        self.group = group
        self.since = since
        """Up to where it was told everything."""
        self.sink = sink
        self.held: deque[tuple[Place, bytes]] | None = deque() if replays else None
        self.held_bytes = 0
        self.missed = False
        """Whether more came than could be held."""

    def hear(self, place: Place, answer: bytes) -> None:
        """Pass on an answer, or hold it."""
        if self.held is not None:
            self._hold(place, answer)
        elif self.sink.tell(place, answer):
            self.since = place
        else:
            self.end(self.group.source.too_slow(self.since))

    def _hold(self, place: Place, answer: bytes) -> None:
        assert self.held is not None
        self.missed = self.missed or self.held_bytes + len(answer) > HELD_BYTES
        if self.missed:
            self._drop()
        else:
            self.held.append((place, answer))
            self.held_bytes += len(answer)

    def _drop(self) -> None:
        assert self.held is not None
        self.held.clear()
        self.held_bytes = 0

    async def replay(self) -> AsyncGenerator[tuple[Place, bytes], None]:
        """All until it has caught up: the log after its place, then what was held. From then on its sink is told.

        The reader may take its time: what there is no room for is read from the log again.
        """
        while self.held is not None:
            async with aclosing(self._logged()) as logged:
                async for several in logged:
                    async with self.group.source.beginning:
                        answers = await self.group.source.answers(several)
                    for news, answer in zip(several, answers, strict=True):
                        if answer is not None and self.since < news.place:  # it may have left
                            yield news.place, answer
                        self.since = max(self.since, news.place)
            while self.held and not self.missed:
                place, answer = self.held.popleft()
                self.held_bytes -= len(answer)
                if place > self.since:
                    yield place, answer
                    self.since = max(self.since, place)
            if not self.missed:
                self.held = None
            self.missed = False

    async def _logged(self) -> AsyncGenerator[Sequence[News], None]:
        while self.held is not None:
            async with self.group.source.beginning:
                page = await self.group.source.page(self.since)
            for several in by_several(filter(self.group.wants, page)):
                if self.since < several[0].place:  # it may have left
                    yield several
            if len(page) < PAGE:
                return
            self.since = max(self.since, page[-1].place)

    def leave(self) -> None:
        """Hear no more."""
        self.since = END
        self.held = None
        self.group.forget(self)

    def end(self, error: Exception) -> None:
        """Hear no more, and say why."""
        self.leave()
        self.sink.end(error)


class Group:
    """Members who are told the same, and the feed's news for them."""

    def __init__(self, source: Source, follower: Follower, wants: Callable[[News], bool], closing: ExitStack) -> None:
        self.source = source
        self.wants = wants
        self.members: dict[Member, None] = {}
        self.closing = closing
        """What to undo when the last member has left."""
        self._follower = follower
        self._at = follower.since
        self._work: asyncio.Task[None] | None = None
        follower.wants = wants
        follower.wakes = self._wake

    @property
    def latest(self) -> Place:
        """How far the feed has told it of the log: all that comes is after this."""
        return self._follower.latest

    def join(self, after: Place | None, sink: Sink) -> Member:
        """A new member. One that has a place has to replay, unless nothing has happened since."""
        since = self.latest if after is None else after
        member = Member(self, since, sink, replays=since < self.latest)
        self.members[member] = None
        return member

    def forget(self, member: Member) -> None:
        """One member fewer; without any, nothing is followed."""
        self.members.pop(member, None)
        if not self.members:
            self.closing.close()
            if self._work is not None and self._work is not asyncio.current_task():
                self._work.cancel()

    # -- what is new -----------------------------------------------------------------------------------------------

    def _wake(self) -> None:
        if self._work is None:
            self._work = asyncio.create_task(self._catch_up())

    async def _catch_up(self) -> None:
        """Tell what is new until nothing is."""
        try:
            async with aclosing(self._news()) as fresh:
                async for several in fresh:
                    for news, answer in zip(several, await self.source.answers(several), strict=True):
                        if answer is not None:
                            await self._tell(news.place, answer)
        except Exception as error:  # noqa: BLE001 - whatever it is, members are told and the log has the rest
            told = self.source.failed(error)
            for member in list(self.members):
                member.end(told)
        finally:
            self._work = None

    async def _news(self) -> AsyncGenerator[Sequence[News], None]:
        """As the feed told it, and from the log where that was more than there is room for."""
        while self.members:
            several = [news for news in self._follower.take(READ_AT_ONCE) if news.place > self._at]
            if several:
                self._at = several[-1].place
                yield several
            elif self._follower.fell_behind:
                self._follower.start_again()
                async with aclosing(self._logged()) as logged:
                    async for each in logged:
                        yield each
            elif not self._follower.has_news:
                return

    async def _logged(self) -> AsyncGenerator[Sequence[News], None]:
        while self.members:
            page = await self.source.page(self._at)
            for several in by_several(filter(self.wants, page)):
                if self.members:
                    yield several
            if page:
                self._at = page[-1].place
            if len(page) < PAGE:
                return

    async def _tell(self, place: Place, answer: bytes) -> None:
        """Tell everyone who was there when it was read and does not know it yet."""
        members = list(self.members)
        for first in range(0, len(members), TOLD_AT_ONCE):
            for member in members[first : first + TOLD_AT_ONCE]:
                if member.since < place:
                    self._tell_one(member, place, answer)
            if len(members) >= TOLD_AT_ONCE:
                await asyncio.sleep(0)

    def _tell_one(self, member: Member, place: Place, answer: bytes) -> None:
        """A sink that fails is nobody else's trouble."""
        try:
            member.hear(place, answer)
        except Exception:
            log.exception("an answer could not be sent")
            member.leave()


def by_several(news: Iterable[News]) -> Iterator[Sequence[News]]:
    """As many at once as are read together."""
    ahead = list(news)
    for first in range(0, len(ahead), READ_AT_ONCE):
        yield ahead[first : first + READ_AT_ONCE]
