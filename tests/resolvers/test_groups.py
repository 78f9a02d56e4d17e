"""Groups: one reading for all members, and no event skipped or doubled where one of them joins, whatever crosses.

The database is a list here, and answers when the test says so: each interleaving is fixed.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Sequence
from contextlib import ExitStack, aclosing
from typing import Any

import pytest

from domain.store.log import EVERYTHING, News, Place
from resolvers import followers, groups
from resolvers.followers import Follower, Followers
from resolvers.groups import Group, Member

ODD, EVEN = "STOCK_MOVED", "ORDER_PLACED"


def place(number: int) -> Place:
    return Place(1, number)


def news(number: int) -> News:
    return News(place(number), number, ODD if number % 2 else EVEN, None, None, None, None, None)


class Log:
    """A log in memory. Whoever reads of it what the test holds back waits until it is let go."""

    def __init__(self) -> None:
        self.beginning = asyncio.Semaphore(10)
        self.entries: list[News] = []
        self.answered: list[int] = []
        self.reads = 0
        self.gates: dict[Any, asyncio.Event] = {}
        self.reached: dict[Any, asyncio.Event] = {}

    def hold(self, question: Any) -> None:
        """Hold back ("page", place) after it was read, or ("answer", number) before."""
        self.gates[question], self.reached[question] = asyncio.Event(), asyncio.Event()

    def let_go(self, question: Any) -> None:
        self.gates.pop(question).set()

    async def _pass(self, question: Any) -> None:
        if question in self.gates:
            self.reached[question].set()
            await self.gates[question].wait()

    async def page(self, after: Place) -> list[News]:
        found = [each for each in self.entries if each.place > after][: groups.PAGE]
        await self._pass(("page", after.position))
        return found

    async def answers(self, of: Sequence[News]) -> list[bytes | None]:
        await self._pass(("answer", of[0].id))
        self.reads += 1
        self.answered += [each.id for each in of]
        return [str(each.id).encode() for each in of]

    def too_slow(self, told: Place) -> Exception:
        return LookupError(told.position)

    def failed(self, error: Exception) -> Exception:
        return error


class Reader:
    """A sink that remembers, and takes so much and no more."""

    def __init__(self, room: int = 1_000) -> None:
        self.room = room
        self.told: list[int] = []
        self.ended: list[Exception] = []

    def tell(self, place: Place, answer: bytes) -> bool:
        assert place.position == int(answer)
        if len(self.told) < self.room:
            self.told.append(int(answer))
            return True
        return False

    def end(self, error: Exception) -> None:
        self.ended.append(error)


class Scene:
    """A feed, a log and a group over both."""

    def __init__(self) -> None:
        self.log, self.followers, self.closing = Log(), Followers(), ExitStack()
        self.group = self.grouped()

    def grouped(self, wants: Any = lambda _: True) -> Group:
        since = self.log.entries[-1].place if self.log.entries else place(0)
        follower = self.closing.enter_context(self.followers.joined([EVERYTHING], Follower(since)))
        return Group(self.log, follower, wants, self.closing)

    async def happen(self, *numbers: int, settle: bool = True) -> None:
        """Events are committed, and the feed tells them."""
        for number in numbers:
            self.log.entries.append(news(number))
        for number in numbers:
            self.followers.tell(news(number))
        if settle:
            await settled()


async def settled() -> None:
    """Everything has run that can."""
    for _ in range(50):
        await asyncio.sleep(0)


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def replaying(member: Member, reader: Reader) -> None:
    async with aclosing(member.replay()) as replayed:
        async for at, answer in replayed:
            assert reader.tell(at, answer)


# -- one group -------------------------------------------------------------------------------------------------------


async def test_an_event_is_read_once_however_many_hear_of_it(scene: Scene) -> None:
    readers = [Reader() for _ in range(1_000)]
    for reader in readers:
        scene.group.join(None, reader)
    await scene.happen(1, 2, 3)
    assert scene.log.answered == [1, 2, 3]
    assert all(reader.told == [1, 2, 3] for reader in readers)


async def test_events_that_wait_are_read_together_and_told_one_by_one(scene: Scene) -> None:
    reader = Reader()
    scene.group.join(None, reader)
    scene.log.hold(("answer", 1))
    await scene.happen(1)
    await scene.happen(*range(2, 40))
    scene.log.let_go(("answer", 1))
    await settled()
    assert reader.told == scene.log.answered == list(range(1, 40))
    assert scene.log.reads == 3  # one, twenty, and eighteen


async def test_nothing_runs_while_nothing_happens(scene: Scene) -> None:
    before = len(asyncio.all_tasks())
    for _ in range(100):
        scene.group.join(None, Reader())
    await scene.happen(1)
    assert len(asyncio.all_tasks()) == before


async def test_what_cannot_concern_a_group_is_not_read_for_it(scene: Scene) -> None:
    reader = Reader()
    scene.grouped(lambda each: each.type == EVEN).join(None, reader)
    await scene.happen(1, 2, 3, 4)
    assert scene.log.answered == [2, 4]
    assert reader.told == [2, 4]


async def test_who_leaves_while_others_are_told_hears_no_more(scene: Scene) -> None:
    readers = [Reader() for _ in range(groups.TOLD_AT_ONCE + 1)]
    members = [scene.group.join(None, reader) for reader in readers]
    scene.log.hold(("answer", 1))
    await scene.happen(1)
    members[-1].leave()
    scene.log.let_go(("answer", 1))
    await settled()
    assert [len(reader.told) for reader in readers] == [1] * groups.TOLD_AT_ONCE + [0]


async def test_a_group_without_members_follows_nothing(scene: Scene) -> None:
    member = scene.group.join(None, Reader())
    assert scene.followers
    member.leave()
    assert not scene.followers


# -- joining ---------------------------------------------------------------------------------------------------------


async def test_who_begins_now_hears_nothing_of_what_the_group_is_still_busy_with(scene: Scene) -> None:
    early, late = Reader(), Reader()
    scene.group.join(None, early)
    scene.log.hold(("answer", 1))
    await scene.happen(1, 2)
    scene.group.join(None, late)
    scene.log.let_go(("answer", 1))
    await scene.happen(3)
    assert early.told == [1, 2, 3]
    assert late.told == [3]


async def test_who_missed_nothing_has_nothing_to_replay(scene: Scene) -> None:
    scene.group.join(None, Reader())
    await scene.happen(1, 2)
    reader = Reader()
    scene.log.hold(("page", 2))  # and it would wait for ever
    await replaying(scene.group.join(place(2), reader), reader)
    await scene.happen(3)
    assert reader.told == [3]


async def test_what_comes_after_the_last_page_was_read_is_held_and_told_next(scene: Scene) -> None:
    reader = Reader()
    await scene.happen(1, 2)
    member = scene.group.join(place(0), reader)
    scene.log.hold(("page", 0))
    replay = asyncio.create_task(replaying(member, reader))
    await scene.log.reached[("page", 0)].wait()  # it has read that there is no more
    await scene.happen(3, 4)
    assert reader.told == []
    scene.log.let_go(("page", 0))
    await replay
    await scene.happen(5)
    assert reader.told == [1, 2, 3, 4, 5]


async def test_what_both_the_log_and_the_group_tell_is_told_once(scene: Scene) -> None:
    other, reader = Reader(), Reader()
    scene.group.join(None, other)
    await scene.happen(1)
    member = scene.group.join(place(0), reader)
    scene.log.hold(("page", 0))
    replay = asyncio.create_task(replaying(member, reader))
    await scene.log.reached[("page", 0)].wait()
    await scene.happen(2, 3)
    scene.log.let_go(("page", 0))
    await replay
    assert reader.told == other.told == [1, 2, 3]


async def test_what_the_group_was_busy_with_when_a_member_caught_up_is_told_once(scene: Scene) -> None:
    other, reader = Reader(), Reader()
    scene.group.join(None, other)
    scene.log.hold(("answer", 1))
    await scene.happen(1)
    member = scene.group.join(place(1), reader)  # it had the first event elsewhere
    await replaying(member, reader)
    await scene.happen(2)
    scene.log.let_go(("answer", 1))
    await settled()
    assert other.told == [1, 2]
    assert reader.told == [2]


async def test_a_member_that_catches_up_between_two_that_are_told_hears_once(scene: Scene) -> None:
    crowd = [Reader() for _ in range(groups.TOLD_AT_ONCE)]
    for each in crowd:
        scene.group.join(None, each)
    await scene.happen(1)
    reader = Reader()
    member = scene.group.join(place(0), reader)
    scene.log.hold(("page", 0))
    replay = asyncio.create_task(replaying(member, reader))
    await scene.log.reached[("page", 0)].wait()
    await scene.happen(2, settle=False)
    while crowd[-1].told != [1, 2]:
        await asyncio.sleep(0)
    assert reader.told == []  # the crowd has heard, the member's turn comes next
    scene.log.let_go(("page", 0))
    await replay
    await scene.happen(3)
    assert reader.told == [1, 2, 3]


async def test_more_than_can_be_held_is_read_from_the_log_again(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "HELD_BYTES", 3)
    reader = Reader()
    await scene.happen(1, 2)
    member = scene.group.join(place(0), reader)
    scene.log.hold(("page", 0))
    replay = asyncio.create_task(replaying(member, reader))
    await scene.log.reached[("page", 0)].wait()
    await scene.happen(*range(3, 10))
    scene.log.let_go(("page", 0))
    await replay
    await scene.happen(10)
    assert reader.told == list(range(1, 11))


async def test_a_replay_goes_page_by_page_while_more_happens(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "PAGE", 3)
    await scene.happen(*range(1, 9))
    reader = Reader()
    member = scene.group.join(place(1), reader)
    async with aclosing(member.replay()) as replayed:
        async for at, answer in replayed:
            reader.tell(at, answer)
            if len(reader.told) in {2, 3, 7}:
                last = scene.log.entries[-1].id
                await scene.happen(last + 1, last + 2)
    await scene.happen(15)
    assert reader.told == list(range(2, 16))


# -- more than there is room for -------------------------------------------------------------------------------------


async def test_a_group_that_falls_behind_tells_every_event_all_the_same(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(followers, "WAITING_LIMIT", 4)
    monkeypatch.setattr(groups, "PAGE", 5)
    reader = Reader()
    scene.group.join(None, reader)
    scene.log.hold(("answer", 1))
    await scene.happen(1)
    await scene.happen(*range(2, 30))
    late = Reader()
    scene.group.join(None, late)
    scene.log.hold(("page", 1))
    scene.log.let_go(("answer", 1))
    await scene.log.reached[("page", 1)].wait()
    await scene.happen(30)  # both a later page and the feed have it
    scene.log.let_go(("page", 1))
    await settled()
    await scene.happen(31)
    await settled()
    assert reader.told == scene.log.answered == list(range(1, 32))
    assert late.told == [30, 31]


async def test_who_is_too_slow_ends_alone_and_knows_where_to_go_on(scene: Scene) -> None:
    slow, quick = Reader(room=2), Reader()
    scene.group.join(None, slow)
    scene.group.join(None, quick)
    await scene.happen(1, 2, 3, 4)
    assert quick.told == [1, 2, 3, 4]
    assert slow.told == [1, 2]
    assert [error.args for error in slow.ended] == [(2,)]


async def test_what_goes_wrong_is_told_to_all(scene: Scene) -> None:
    class Broken(Log):
        async def answers(self, of: Sequence[News]) -> list[bytes | None]:
            raise ZeroDivisionError(of[0].id)

    scene.log = Broken()
    readers = [Reader(), Reader()]
    group = scene.grouped()
    for reader in readers:
        group.join(None, reader)
    await scene.happen(1)
    assert all(isinstance(reader.ended[0], ZeroDivisionError) for reader in readers)
    assert not scene.followers


async def test_a_sink_that_fails_is_nobody_elses_trouble(scene: Scene) -> None:
    class Broken(Reader):
        def tell(self, place: Place, answer: bytes) -> bool:
            raise BrokenPipeError(place, answer)

    before, after = Reader(), Reader()
    for reader in (before, Broken(), after):
        scene.group.join(None, reader)
    await scene.happen(1, 2)
    assert before.told == after.told == [1, 2]
    assert len(scene.group.members) == 2


async def test_however_many_begin_others_hear_what_is_new(scene: Scene) -> None:
    other = Reader()
    scene.group.join(None, other)
    await scene.happen(1)
    scene.log.beginning = asyncio.Semaphore(1)
    scene.log.hold(("page", 0))
    readers = [Reader() for _ in range(50)]
    replays = [asyncio.create_task(replaying(scene.group.join(place(0), reader), reader)) for reader in readers]
    await scene.log.reached[("page", 0)].wait()
    await scene.happen(2)
    assert other.told == [1, 2]
    scene.log.let_go(("page", 0))
    await asyncio.gather(*replays)
    assert all(reader.told == [1, 2] for reader in readers)


async def test_a_replay_that_is_left_reads_no_further(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "READ_AT_ONCE", 2)
    await scene.happen(*range(1, 10))
    member = scene.group.join(place(0), Reader())
    replayed: AsyncGenerator[Any, None] = member.replay()
    await anext(replayed)
    member.leave()
    assert [each async for each in replayed] == []
    assert scene.log.answered == [1, 2]


# -- whatever crosses ------------------------------------------------------------------------------------------------


class Restless(Log):
    """A log that takes its time with every answer."""

    def __init__(self, dice: random.Random) -> None:
        super().__init__()
        self.dice = dice

    async def _pass(self, _question: Any) -> None:
        for _ in range(self.dice.randrange(12)):
            await asyncio.sleep(0)


class Crowd(Scene):
    """Subscribers who come as they like, while events are committed, and told by a feed that is a little late."""

    def __init__(self, dice: random.Random) -> None:
        super().__init__()
        self.dice, self.fed = dice, 0
        self.log = Restless(dice)
        self.group = self.grouped()
        self.readers: list[tuple[int, Reader]] = []
        self.strolls: list[asyncio.Task[None]] = []
        self.group.join(None, Reader())

    def commit(self) -> None:
        self.log.entries.append(news(len(self.log.entries) + 1))

    def tell(self) -> None:
        if self.fed < len(self.log.entries):
            self.fed += 1
            self.followers.tell(news(self.fed))

    def burst(self) -> None:
        for _ in range(8):
            self.commit()
        while self.fed < len(self.log.entries):
            self.tell()

    def begin(self) -> None:
        self.readers.append((self.group.latest.position, Reader()))
        self.group.join(None, self.readers[-1][1])

    def go_on(self) -> None:
        after, reader = self.dice.randint(0, len(self.log.entries)), Reader()
        self.readers.append((after, reader))
        self.strolls.append(asyncio.create_task(self.stroll(self.group.join(place(after), reader), reader)))

    async def stroll(self, member: Member, reader: Reader) -> None:
        """Reads a replay, and stops to look around."""
        async with aclosing(member.replay()) as replayed:
            async for at, answer in replayed:
                assert reader.tell(at, answer)
                for _ in range(self.dice.choice((0, 0, 0, 30))):
                    await asyncio.sleep(0)


@pytest.mark.parametrize("seed", range(60))
async def test_everyone_hears_each_event_once_and_in_order_in_any_interleaving(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = {"PAGE": 5, "READ_AT_ONCE": 3, "HELD_BYTES": 9, "TOLD_AT_ONCE": 2}
    for name, limit in limits.items():
        monkeypatch.setattr(groups, name, limit)
    monkeypatch.setattr(followers, "WAITING_LIMIT", 4)
    crowd = Crowd(random.Random(seed))
    steps = [crowd.commit, crowd.tell, crowd.tell, crowd.begin, crowd.go_on, crowd.go_on]
    for _ in range(200):
        crowd.dice.choice(steps)()
        for _ in range(crowd.dice.choice((0, 0, 1, 5))):
            await asyncio.sleep(0)
        if crowd.dice.random() < 0.02:
            crowd.burst()
    crowd.burst()
    await asyncio.gather(*crowd.strolls)
    for _ in range(1_000):
        await settled()
    assert len(crowd.readers) > 20
    for after, reader in crowd.readers:
        assert reader.told == list(range(after + 1, len(crowd.log.entries) + 1))
