"""Everything that is done outside of requests: which kinds of jobs there are, and who reads the log."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import structlog

from app.adapters.mail import gateways
from app.adapters.webhooks import HttpCourier
from app.settings import Settings
from resolvers import demand, messages, relays, shadows, simulations
from resolvers.backorders import fill_backorders, find_backorders
from resolvers.delivering import deliver, forget_deliveries, queue_deliveries
from resolvers.engine import Engine
from resolvers.exceptions import watches
from resolvers.feed import Feed
from resolvers.holidays import list_holidays
from resolvers.housekeeping import begin_months, forget_claims, forget_demand
from resolvers.jobs import Crew, Kind
from resolvers.messages import Post
from resolvers.promises import learning
from resolvers.relays import Relay
from resolvers.scarcity import solving
from resolvers.timers import ask_payment, expire_reservations, find_unanswered, release_holds
from resolvers.unrouted import noticing_supply, route_unrouted, route_what_waited
from resolvers.waves import route_in_waves
from resolvers.wording import Wording
from resolvers.work import return_work

TEMPLATES = Path(__file__).parent / "templates"

log = structlog.get_logger()

PAUSE_SECONDS = 1.0


def post_of(engine: Engine, settings: Settings) -> Post:
    """What it takes to write to customers, as it is set up."""
    given = settings.message_templates
    wording = Wording(
        (given, TEMPLATES) if given else (TEMPLATES,),
        locale=settings.message_locale,
        storefront_url=settings.storefront_url,
    )
    return Post(engine, wording, gateways(settings), settings.unsubscribe_url)


def kinds(engine: Engine, post: Post, courier: HttpCourier) -> list[Kind]:
    """Every kind of job that a worker does."""
    world = engine.world
    return [
        forget_claims(engine.database),
        forget_demand(engine.database),
        begin_months(engine.database),
        list_holidays(engine.database),
        messages.sending(post),
        deliver(engine, courier),
        forget_deliveries(engine.database),
        return_work(world),
        *watches(world),
        release_holds(world),
        expire_reservations(world),
        find_unanswered(world),
        ask_payment(world),
        route_unrouted(world),
        route_what_waited(world),
        route_in_waves(world),
        simulations.simulating(world),
        shadows.deciding(world),
        fill_backorders(world),
        find_backorders(world),
        learning(world),
        solving(world),
    ]


def readers(post: Post, crew: Crew) -> list[Relay]:
    """Everyone who reads the log. No customer is told anything where nothing carries messages."""
    telling = [messages.announcing(post, partial(crew.stir, messages.SEND_MESSAGE))] if post.gateways else []
    return [queue_deliveries(crew), noticing_supply(crew), demand.counting(), *telling, shadows.noting()]


@asynccontextmanager
async def working(engine: Engine, feed: Feed, settings: Settings) -> AsyncIterator[None]:
    """Work beside the block, for as long as it runs."""
    post = post_of(engine, settings)
    async with HttpCourier(strict=engine.world.webhooks_strict) as courier:
        crew = Crew(engine.database, kinds(engine, post, courier))
        reading = [relays.run(relay, engine.database, feed) for relay in readers(post, crew)]
        tasks = [asyncio.create_task(each) for each in (_always("jobs", crew.run), *reading)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _always(doing: str, run: Callable[[], Awaitable[None]]) -> None:
    """Begin again after a bug: what was at hand is still there, and its lease runs out."""
    while True:
        try:
            await run()
        except Exception:
            log.exception("a worker's task failed", doing=doing)
        await asyncio.sleep(PAUSE_SECONDS)
