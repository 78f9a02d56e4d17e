"""A shop to look around in: invented people, goods and places, and some three hundred orders in every state.

All of it goes through the public mutations, with moments of the last sixty days. Every draw is seeded and every key
derived, so a load that was broken off goes on where it was when it is called again.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

from app.database import connected, running_database
from app.demo.carriers import set_rates
from app.demo.fates import ORDERS, Fate, stories
from app.demo.goods import CHANNELS, PLACES, SET_UP_NAME, VARIANTS, opening_stock
from app.demo.people import BRAZILIANS, people
from app.demo.pickups import PICKUPS, sell_for_pickup
from app.demo.shop import DemoError, Shop
from app.demo.story import Story
from app.demo.supply import supply
from app.demo.work import give_work
from app.failure import Failure
from app.graph import open_engine
from app.migrate import upgrade
from app.settings import Settings
from app.terminal import Report, out, progress_bar
from domain.exceptions import RULES
from domain.store import log
from domain.store.setup import channel_names
from resolvers.engine import Engine
from resolvers.exceptions import watch
from resolvers.feed import Feed

AT_ONCE = 12
"""Stories that are told side by side: enough to keep the writers' pool busy."""
PAUSE_SECONDS = 0.05
OPENED = timedelta(days=61)
"""How long ago the first count was."""
NOTES = (
    (0, "Prefers evening delivery.", True),
    (0, "Asked whether the blue one comes back; promised to call.", False),
    (1, "The doorbell is broken: the carrier should call.", True),
    (2, "Collects for the whole office; wants one parcel.", False),
    (BRAZILIANS, "Writes in English.", False),
)
"""What the call center knows of some customers: which of the people, what, whether it is pinned."""
BY_EMAIL = "query ($email: String!) { customers(first: 1, query: $email) { nodes { id } } }"
EARLIEST = "{ stockMovements(last: 1) { nodes { occurredAt } } }"


class State(Enum):
    """What a database holds of the demo."""

    NOTHING = "nothing at all"
    BEGUN = "a demo that was broken off"
    SOMETHING = "a demo, or anything else"


async def state(url: str) -> State:
    """How far the demo has come, told by what its first channel is called."""
    async with connected(url) as connection:
        names = await channel_names(connection)
    if not names:
        return State.NOTHING
    return State.BEGUN if names.get(CHANNELS[0]["code"]) == SET_UP_NAME else State.SOMETHING


async def run(settings: Settings) -> None:
    """`ordergraph demo`: load it into the configured database, or say why not."""
    async with running_database(settings) as url:
        settings = settings.model_copy(update={"database_url": url})
        await upgrade(url)
        if not await fill(settings):
            raise DemoError("there are channels already: the demo is for an empty database")
    out.print(f"{ORDERS + PICKUPS} orders of {len(CHANNELS)} channels are there; `ordergraph serve` shows them.")


async def fill(settings: Settings) -> bool:
    """Load the demo where nothing is, or finish a load that was broken off; whether there was anything to do."""
    if await state(settings.database_url or "") is State.SOMETHING:
        return False
    with progress_bar() as report:
        await load(settings, report)
    return True


async def load(settings: Settings, report: Report) -> None:
    """Load the demo, or what is missing of it, into a database that has the shape of this release."""
    async with open_engine(settings) as (engine, feed):
        shop = Shop(engine)
        report("Setting up channels and goods", 0, 1)
        await _set_up(shop)
        now = await _count_stock(shop)
        await _tell(stories(shop, now), report)
        await _note(shop)
        await give_work(shop)
        await supply(shop, now)
        await set_rates(shop)
        await sell_for_pickup(shop)
        await _look_for_trouble(engine, feed)
        await _name_first_channel(shop, CHANNELS[0]["name"], "done")


async def _look_for_trouble(engine: Engine, feed: Feed) -> None:
    """Raise what is wrong with these orders before any worker reads the log: else it would write to half the customers."""
    for rule in RULES:
        await watch(engine.world, rule)
    feed.stamp_soon()
    while await engine.database.ask(log.has_unstamped):  # noqa: ASYNC110 - nobody tells us
        await asyncio.sleep(PAUSE_SECONDS)


async def _set_up(shop: Shop) -> None:
    await _name_first_channel(shop, SET_UP_NAME, "begun")
    for channel in CHANNELS[1:]:
        await _by_owner(shop, "channelSet", channel["code"], channel)
    for place in PLACES:
        made = await _by_owner(shop, "locationSet", place.code, place.as_input())
        shop.locations[place.code] = made["location"]["id"]
    await _by_owner(shop, "variantsSet", "all", {"variants": [variant.as_input() for variant in VARIANTS]})


async def _name_first_channel(shop: Shop, name: str, when: str) -> None:
    await _by_owner(shop, "channelSet", f"web:{when}", {**CHANNELS[0], "name": name})


async def _by_owner(shop: Shop, mutation: str, key: str, given: dict[str, Any]) -> dict[str, Any]:
    return await shop.do(shop.owner, mutation, {"idempotencyKey": f"demo:{key}", **given})


async def _count_stock(shop: Shop) -> datetime:
    """Count what every location has; the present as all stories know it, however often the load is broken off."""
    counted = await _first_count(shop) or datetime.now(UTC) - OPENED
    for place in PLACES:
        given = {"locationId": shop.locations[place.code], "reason": "CYCLE_COUNT", "occurredAt": counted.isoformat()}
        await _by_owner(shop, "stockAdjust", place.code, {**given, "lines": opening_stock(place)})
    return counted + OPENED


async def _first_count(shop: Shop) -> datetime | None:
    found = (await shop.ask(shop.owner, EARLIEST))["stockMovements"]["nodes"]
    return datetime.fromisoformat(found[0]["occurredAt"]) if found else None


async def _tell(told: list[tuple[Story, Fate]], report: Report) -> None:
    """Orders begin one after the other, so that their numbers follow their moments; then they live side by side."""
    gate, done = asyncio.Semaphore(AT_ONCE), 0

    async def live(story: Story, fate: Fate) -> None:
        nonlocal done
        try:
            await fate.life(story)
        finally:
            gate.release()
        done += 1
        report("Telling the orders' stories", done, len(told))

    try:
        async with asyncio.TaskGroup() as lives:
            for story, fate in told:
                await gate.acquire()
                await fate.begin(story)
                lives.create_task(live(story, fate))
    except* Failure as failures:
        raise failures.exceptions[0] from None


async def _note(shop: Shop) -> None:
    everybody = people()
    for number, (whom, body, pinned) in enumerate(NOTES):
        found = await shop.ask(shop.agent, BY_EMAIL, {"email": everybody[whom].email})
        about = {"customerId": found["customers"]["nodes"][0]["id"], "body": body, "pinned": pinned}
        await shop.do(shop.agent, "customerNoteAdd", {"idempotencyKey": f"demo:note:{number}", **about})
