"""Timers: what happens by the clock alone, done by the same functions as when somebody asks for it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog

from domain import ids
from domain.exceptions import ASKED_FOR
from domain.store import jobs, timers
from domain.store.jobs import Job, NewJob
from domain.store.reservations import over
from domain.viewer import SYSTEM
from resolvers import orders, reservations
from resolvers.database import Connection
from resolvers.jobs import Again, Done, Kind, retry_seconds
from resolvers.jobs import Outcome as Ended
from resolvers.payments import settle
from resolvers.writing import Outcome, World, perform

log = structlog.get_logger()

EVERY_SECONDS = 30.0
CHUNK = 200
LONG_AGO = timedelta(days=365)
"""No hold is looked for that should have ended before: whoever starts a worker after a year wants to look at them first."""

BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
"""What is held for a cart is given back however long it is over."""

FIRST_ASKED = timedelta(minutes=1)
"""Whoever asked first has given up by then, and the same entry is never asked about twice at once."""
FIRST_RETRY_SECONDS = 30.0

Falling = tuple[UUID, UUID, datetime]
"""(order, what fell due, when)."""


# -- holds -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Release:
    """The input of `orderHoldRelease`, as a timer gives it."""

    order_id: str
    hold_id: str
    idempotency_key: str
    expected_version: int | None = None


def release_holds(world: World) -> Kind:
    """Take off holds whose time is over, each as somebody would."""

    async def handle(_: Job) -> Ended:
        now = world.now()
        await _through(world, timers.holds_expired, now, now - LONG_AGO, lambda due: _release(world, due))
        return Done()

    return Kind("RELEASE_HOLDS", handle, every_seconds=EVERY_SECONDS)


async def _release(world: World, due: list[Falling]) -> None:
    for order_id, hold_id, _ in due:
        hold = ids.encode("OrderHold", hold_id)
        input = Release(ids.encode("Order", order_id), hold, f"expired:{hold}")
        outcome = await perform(world, orders.release, input, {"hold": hold}, SYSTEM)
        for refusal in outcome.errors:  # somebody was quicker
            log.info("a hold that expired stays", hold=hold, reason=refusal.message)


# -- reservations ----------------------------------------------------------------------------------------------------

CARTS_EVERY_SECONDS = 5.0
"""Others wait for the units."""


def expire_reservations(world: World) -> Kind:
    """Give back what is held for carts whose time is over, each as somebody would."""

    async def handle(_: Job) -> Ended:
        now = world.now()
        await _through(world, over, now, BEGINNING, lambda due: _expire(world, due))
        return Done()

    return Kind("EXPIRE_RESERVATIONS", handle, every_seconds=CARTS_EVERY_SECONDS)


async def _expire(world: World, due: list[Falling]) -> None:
    for key, _, at in due:
        reservation = ids.encode("Reservation", key)
        input = reservations.Expiry(reservation, f"expired:{reservation}:{at.isoformat()}")
        outcome = await perform(world, reservations.expire, input, {"reservation": reservation}, SYSTEM)
        for refusal in outcome.errors:  # somebody was quicker
            log.info("a reservation that was to expire stays", reservation=reservation, reason=refusal.message)


# -- payments --------------------------------------------------------------------------------------------------------


def find_unanswered(world: World) -> Kind:
    """Have asked again what providers have not answered."""

    async def handle(_: Job) -> Ended:
        now = world.now()
        await _through(world, timers.unanswered, now - FIRST_ASKED, now - ASKED_FOR, lambda due: _enqueue(world, due))
        return Done()

    return Kind("FIND_UNANSWERED_PAYMENTS", handle, every_seconds=EVERY_SECONDS)


async def _enqueue(world: World, due: list[Falling]) -> None:
    async with world.database.writes.acquire() as connection:
        await jobs.enqueue(
            connection,
            [
                NewJob(
                    "ASK_PAYMENT",
                    {"order": str(order_id), "request": str(request_id), "until": (at + ASKED_FOR).isoformat()},
                    key=str(request_id),
                )
                for order_id, request_id, at in due
            ],
        )


def ask_payment(world: World) -> Kind:
    """Ask a provider what came of a request: the entry's id is the key of the call, so it acts once however often asked.

    With a growing delay, for as long as anybody may hope for an answer; then it is an exception, and people's.
    """

    async def handle(job: Job) -> Ended:
        request_id, order_id = UUID(job.payload["request"]), UUID(job.payload["order"])
        outcome = await settle(world, SYSTEM, None, Outcome(asks=(request_id,), order_id=order_id))
        if not await _waits(world, request_id) or world.now() > datetime.fromisoformat(job.payload["until"]):
            return Done()
        reason = outcome.errors[0].message if outcome.errors else "the buyer has not proved themselves yet"
        return Again(retry_seconds(job.attempts, first=FIRST_RETRY_SECONDS), reason)

    return Kind("ASK_PAYMENT", handle, slots=4)


async def _waits(world: World, request_id: UUID) -> bool:
    async with world.database.writes.acquire() as connection:
        return await timers.waits(connection, request_id)


# -- whatever fell due -----------------------------------------------------------------------------------------------

Find = Callable[[Connection, datetime, tuple[datetime, UUID], int], Awaitable[list[Falling]]]


async def _through(
    world: World, find: Find, until: datetime, since: datetime, see_to: Callable[[list[Falling]], Awaitable[None]]
) -> None:
    """See to everything that fell due between two moments, some at a time."""
    start = since, UUID(int=0)
    due: list[Falling] = []
    while not due or len(due) == CHUNK:
        async with world.database.writes.acquire() as connection:
            due = await find(connection, until, start, CHUNK)
        if not due:
            return
        await see_to(due)
        start = due[-1][2], due[-1][1]
