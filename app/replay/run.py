"""The command: read, set the scene, tell every story with many at once, read back, report."""

import asyncio
import gc
import signal
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from app import verify
from app.failure import Failure
from app.replay import documents, setting
from app.replay import recordings as recorded
from app.replay.client import Caller, Endpoint, one_failure
from app.replay.disturbance import disturbance
from app.replay.evidence import found_orders
from app.replay.figures import Figures
from app.replay.mishaps import Mishaps, UnluckyPlayer, aftermath
from app.replay.player import Player, Tally
from app.replay.recordings import Recordings, Window
from app.replay.report import Disturbed, Report, as_json, compare, shown
from app.replay.server import own_server
from app.replay.story import Story, story_of
from app.settings import Settings
from app.sign_in import Request, token_for
from app.terminal import Report as Progress
from app.terminal import err, out, progress_bar
from domain.viewer import Role, Scope

NEEDED = frozenset(
    {
        Scope.ORDERS_PLACE,
        Scope.ORDERS_READ,
        Scope.ORDERS_WRITE,
        Scope.ORDERS_CANCEL,
        Scope.FULFILLMENT_WRITE,
        Scope.TRACKING_WRITE,
        Scope.PAYMENTS_WRITE,
        Scope.PAYMENTS_RECORD,
        Scope.ROUTING_READ,
        Scope.ROUTING_WRITE,
        Scope.STOCK_READ,
        Scope.STOCK_WRITE,
        Scope.SUPPLY_WRITE,
        Scope.CATALOG_WRITE,
        Scope.HISTORY_WRITE,
    }
)
TOKEN_SECONDS = 24 * 3600
GLANCE_SECONDS = 0.25
"""How often the bar moves."""
NOTE_SECONDS = 10.0
"""How often a line is printed where there is no bar."""


class ReplayDiffers(Failure):
    """What the API says is not what was recorded; the report said what."""


class Stopped(Exception):
    """Somebody stopped the replay; the message says how far it was."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for on the command line."""

    folder: Path
    window: Window
    url: str | None
    concurrency: int
    report: Path | None
    disturb: int | None = None
    """The seed of what goes wrong, and of what goes on beside the orders; None: nothing does."""


async def run(settings: Settings, wish: Wish) -> None:
    """Replay and print the report; `ReplayDiffers` when it does not agree. What went wrong has to add up as well."""
    recordings = await asyncio.to_thread(recorded.read, wish.folder, wish.window)
    try:
        report = await replay(settings, wish, recordings)
    except Stopped as stopped:
        err.print(str(stopped))
        raise KeyboardInterrupt from None
    out.print(shown(report))
    if wish.report:
        wish.report.write_bytes(orjson.dumps(as_json(report), option=orjson.OPT_INDENT_2))
    if report.disturbed and wish.url:
        out.print("Whether all that went wrong adds up, `ordergraph verify` tells where the database is.")
    elif report.disturbed:
        await verify.run(settings)
    if not report.agrees:
        raise ReplayDiffers("the replay does not agree with the recordings")


async def replay(settings: Settings, wish: Wish, recordings: Recordings) -> Report:
    """Tell every story and compare."""

    def player() -> Player:
        return Player(Caller(endpoint), setting.CHANNEL, tally)

    stories, tally = [story_of(each) for each in recordings.orders], Tally()
    async with nullcontext(wish.url) if wish.url else own_server(settings) as url:
        endpoint = Endpoint(url, await token_for(_request(), None, settings.secret, TOKEN_SECONDS))
        await greet(endpoint)
        with progress_bar() as progress:
            if wish.disturb is not None:
                return await _disturbed_replay(endpoint, wish, recordings, Mishaps(wish.disturb), progress)
            needed = setting.needs(stories, await setting.begin(endpoint, wish.window))
            await setting.prepare(endpoint, recordings, needed, wish.window, progress)
            began = time.perf_counter()
            await tell_all(player, stories, wish.concurrency, tally, progress)
            seconds = time.perf_counter() - began
        found = await _found(endpoint, wish.window)
    return compare(wish.window, stories, found, tally, seconds)


async def _found(endpoint: Endpoint, window: Window) -> dict[str, Figures]:
    caller = Caller(endpoint)
    found = await found_orders(caller, window)
    caller.close()
    return found


# -- when things go wrong ----------------------------------------------------------------------------------------------


async def _disturbed_replay(
    endpoint: Endpoint, wish: Wish, recordings: Recordings, mishaps: Mishaps, progress: Progress
) -> Report:
    """Tell stories in which things go wrong, and compare the orders that nothing happened to.

    An order that is there already is left as it is: what went wrong in it cannot be told in the same words again.
    """
    stories, window, tally = [story_of(each) for each in recordings.orders], wish.window, Tally()
    before = await setting.begin(endpoint, window)
    fresh = [story for story in stories if story.recorded.id not in before]
    needed = setting.needs(fresh, before)
    needed.update(mishaps.spare(needed, recordings.sellers))
    await setting.prepare(endpoint, recordings, needed, window, progress)

    def player() -> UnluckyPlayer:
        return UnluckyPlayer(Caller(endpoint), setting.CHANNEL, tally, mishaps)

    began = time.perf_counter()
    async with _beside(endpoint, mishaps, recordings, window):
        await tell_all(player, fresh, wish.concurrency, tally, progress)
    last = player()
    after = {reference: each async for reference, each in aftermath(last.caller, window)}
    await last.finish(fresh, after)
    seconds = time.perf_counter() - began
    after = {reference: each async for reference, each in aftermath(last.caller, window)}
    last.caller.close()

    found = await _found(endpoint, window)
    aside = before | mishaps.touched | {reference for reference, each in after.items() if each.touched}
    calm = [story for story in stories if story.recorded.id not in aside]
    report = compare(window, calm, {id_: each for id_, each in found.items() if id_ not in aside}, tally, seconds)
    waiting = sum(each.waiting for each in after.values())
    return replace(report, disturbed=Disturbed(mishaps.happened, len(aside - before), waiting, len(before)))


@asynccontextmanager
async def _beside(endpoint: Endpoint, mishaps: Mishaps, recordings: Recordings, window: Window) -> AsyncIterator[None]:
    """Let goods be bought and moved beside the orders; what is on its way arrives at the end."""
    beside = disturbance(endpoint, mishaps.seed, list(recordings.products), window.begins_at)
    stop = asyncio.Event()
    stopped: Stopped | None = None
    with one_failure():
        async with asyncio.TaskGroup() as group:
            group.create_task(beside.run(stop))
            try:
                yield
            except Stopped as said:  # not the group's failure: what is on its way still arrives
                stopped = said
            finally:
                stop.set()
    if stopped:
        raise stopped
    for act, times in beside.acts.items():
        mishaps.happened[f"{act} beside the orders"] += times


async def greet(endpoint: Endpoint) -> None:
    """Whether anybody is there, and knows us: a wrong address or secret should not take a minute to be told."""
    caller = Caller(endpoint, patience_seconds=0)
    await caller.ask(documents.HELLO, {})
    caller.close()


def _request() -> Request:
    return Request(Role.APP, name="replay", scopes=NEEDED)


async def tell_all(
    player_of: Callable[[], Player], stories: Sequence[Story], concurrency: int, tally: Tally, progress: Progress
) -> None:
    """Tell the stories, `concurrency` at once. Ctrl-C lets those in flight finish; a second one does not."""
    to_tell = [story for story in stories if story.placed]
    left = iter(to_tell)
    stop = asyncio.Event()

    async def work() -> None:
        player = player_of()
        try:
            for story in left:
                await player.tell(story)
                if stop.is_set():
                    return
        finally:
            player.caller.close()

    with _stopping(stop), _without_garbage_collection(), one_failure():
        async with _watched(tally, len(to_tell), progress), asyncio.TaskGroup() as group:
            for _ in range(min(concurrency, len(to_tell))):
                group.create_task(work())
    if next(left, None) is not None:
        raise Stopped(f"stopped after {tally.told:,} of {len(to_tell):,} orders; the same command goes on from here")


@contextmanager
def _stopping(stop: asyncio.Event) -> Any:
    """The first Ctrl-C asks to stop; the next does what it always does."""
    loop = asyncio.get_running_loop()

    def ask() -> None:
        err.print("Finishing the orders in flight; Ctrl-C again leaves them where they are.")
        stop.set()
        loop.remove_signal_handler(signal.SIGINT)

    with suppress(NotImplementedError, ValueError, RuntimeError):  # Windows; not the main thread
        loop.add_signal_handler(signal.SIGINT, ask)
    try:
        yield
    finally:
        with suppress(NotImplementedError, ValueError, RuntimeError):
            loop.remove_signal_handler(signal.SIGINT)


@contextmanager
def _without_garbage_collection() -> Any:
    """The recordings are many objects that live to the end: looking through them again and again finds nothing."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@asynccontextmanager
async def _watched(tally: Tally, total: int, progress: Progress) -> AsyncIterator[None]:
    """Show how far the telling is."""
    watching = asyncio.create_task(_watch(tally, total, progress))
    try:
        yield
    finally:
        watching.cancel()


async def _watch(tally: Tally, total: int, progress: Progress) -> None:
    began = time.perf_counter()
    while True:
        await asyncio.sleep(GLANCE_SECONDS if err.is_terminal else NOTE_SECONDS)
        rate = tally.told / (time.perf_counter() - began)
        counted = "" if err.is_terminal else f" {tally.told:,} of {total:,}"
        progress(f"Orders{counted}, {rate:,.0f}/s", tally.told, total)
