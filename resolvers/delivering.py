"""Webhooks on their way: events become deliveries, deliveries are tried, and how each attempt ended is put on record.

A delivery is sent before it is on record that it was, so whoever is killed in between sends it again, under the same id.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from random import uniform
from typing import Any, Generic, TypeVar
from uuid import UUID

import asyncpg
import orjson
import structlog
from standardwebhooks import Webhook
from strawberry.dataloader import DataLoader

from domain import deliveries, ids
from domain.deliveries import CONTENT_TYPES, PROBE_SECONDS, Answer, Courier, Meaning, Told, Verdict
from domain.store import webhooks as stored
from domain.store.jobs import Job
from domain.store.relays import LoggedEvent
from domain.store.webhooks import KIND, Attempt, Due
from domain.viewer import Scope
from domain.webhooks import DeliveryStatus, EndpointStatus, WebhookFormat, owner_of
from resolvers.database import GONE, Connection, Database, Unavailable
from resolvers.documents import RequestError
from resolvers.engine import Engine, Request
from resolvers.jobs import Again, Crew, Done, Kind, Outcome
from resolvers.relays import Relay
from resolvers.webhooks import ENDPOINTS_LIMIT

log = structlog.get_logger()
T = TypeVar("T")

SLOTS = 100
AT_ONCE = 50
"""Deliveries to one endpoint at once, in one process: the other slots are for others."""
LEASE_SECONDS = 20.0
"""A little longer than an attempt may take: as long as deliveries wait whose worker was killed."""
PATIENCE_SECONDS = 0.1
"""How long a delivery waits, with a slot in its hand, until its endpoint has one less."""
LONGEST_DEFERRAL_SECONDS = 60.0
TOGETHER_SECONDS = 0.005
"""Attempts that end within so long of each other are put on record in one transaction."""
TRIES = 3
KEPT_DAYS = 30
CHUNK = 2_000
FOR_EVER = 10**9
"""Attempts of the job, which fails where the database is away; the delivery's own are counted elsewhere."""
USER_AGENT = "Ordergraph-Webhooks/1"


# -- events become deliveries ------------------------------------------------------------------------------------------


def queue_deliveries(crew: Crew) -> Relay:
    """Each event, for each endpoint that wants it."""
    return Relay("webhooks", _queue, after=lambda: crew.stir(KIND))


async def _queue(connection: Connection, events: list[LoggedEvent]) -> None:
    endpoints = await stored.listening(connection, 2 * ENDPOINTS_LIMIT)  # two may be the last one at once
    rows = []
    for endpoint in endpoints:
        rows += [stored.row_of(endpoint, event) for event in await stored.wanted(connection, endpoint, events)]
    await stored.queue(connection, rows, held={endpoint.id: endpoint.held_until for endpoint in endpoints})


# -- deliveries are tried ----------------------------------------------------------------------------------------------


def deliver(engine: Engine, courier: Courier) -> Kind:
    """Deliveries, one after another for each subject and endpoint."""
    return Kind(KIND, Postman(engine, courier).deliver, slots=SLOTS, lease_seconds=LEASE_SECONDS, attempts=FOR_EVER)


class Postman:
    """Delivers."""

    def __init__(self, engine: Engine, courier: Courier) -> None:
        self.database = replace(engine.database, replicas=None)
        """Never a replica's answer: it could be older than the event."""
        self.engine = Engine(
            engine.schema, replace(engine.world, database=self.database), introspection=False, frank=False
        )
        self.courier = courier
        self.doors: dict[UUID, Door] = {}
        self.due: DataLoader[UUID, Due | None] = DataLoader(self._due, cache=False)
        self.ended = Together(self._record)

    async def _due(self, keys: list[UUID]) -> list[Due | None]:
        async with self.database.writes.acquire() as connection:
            return await stored.due(connection, keys)

    async def _record(self, attempts: list[Attempt]) -> None:
        async with self.database.writes.acquire() as connection, connection.transaction():
            await stored.record(connection, attempts)

    async def deliver(self, job: Job) -> Outcome:
        """One attempt, if its time has come."""
        due = await self.due.load(UUID(job.payload["delivery"]))
        if due is None or due.status != DeliveryStatus.PENDING:
            return Done()
        failing = due.endpoint.status == EndpointStatus.FAILING and not due.is_ping
        if not due.is_ping and (reason := _moot(due)):
            return await self._end(due, *reason)
        if failing and not await self._may_probe(due):
            held = due.held_seconds if due.held_seconds > 0 else PROBE_SECONDS
            return Again(uniform(held, held * 1.1))  # noqa: S311 - spread, not secrecy
        door = self.doors.setdefault(due.endpoint.id, Door())
        deferred = await door.enter()
        if deferred:
            return Again(deferred)
        try:
            return await self._try(due, probed=failing)
        finally:
            door.leave()

    async def _may_probe(self, due: Due) -> bool:
        if due.held_seconds > 0:
            return False
        async with self.database.writes.acquire() as connection:
            return await stored.may_probe(connection, due.endpoint.id)

    async def _end(self, due: Due, status: DeliveryStatus, reason: str) -> Outcome:
        async with self.database.writes.acquire() as connection:
            await stored.end(connection, due.id, status, reason)
        return Done()

    async def _try(self, due: Due, *, probed: bool) -> Outcome:
        began_at, began = datetime.now(UTC), asyncio.get_running_loop().time()
        answer, complaint = await self._send(due)
        taken = asyncio.get_running_loop().time() - began
        self.doors[due.endpoint.id].took(taken)
        now = datetime.now(UTC)
        verdict = deliveries.judge(answer, tries=due.tries + 1, queued_at=due.queued_at, now=now, once=due.is_ping)
        verdict = replace(verdict, error=verdict.error or complaint)
        await self.ended.put(_attempt(due, answer, verdict, began_at, taken, probed=probed))
        return Done() if verdict.seconds is None else Again(verdict.seconds, verdict.error)

    # -- what is sent ----------------------------------------------------------------------------------------------

    async def _send(self, due: Due) -> tuple[Answer, str | None]:
        """The answer, and what the endpoint's query could not tell. What we cannot even write down is a failure too."""
        try:
            body, complaint = await self._body(due)
            headers = _headers(due, body, datetime.now(UTC))
        except (Unavailable, *GONE, asyncpg.PostgresError):
            raise  # nothing is wrong with the delivery: its job is done again when the database is back
        except Exception as error:
            log.exception("a webhook's payload could not be made", delivery=str(due.id))
            return Answer(error=f"the payload could not be made: {type(error).__name__}: {error}"), None
        return await self.courier.send(due.endpoint.url, headers, body), complaint

    async def _body(self, due: Due) -> tuple[bytes, str | None]:
        """The body, and what the endpoint's query could not tell."""
        data, complaint = {}, None
        if due.told is not None:
            owner = owner_of(due.endpoint)
            asked = due.endpoint.query
            data = deliveries.data_of(due.told, particulars=asked is None and owner.may(Scope.EVENTS_READ))
            if asked is not None:
                answer = await self._ask(asked, due, due.told)
                data["result"] = answer.get("data")
                if answer.get("errors"):
                    data["errors"] = answer["errors"]
                    complaint = f"the query: {answer['errors'][0]['message']}"
        body = deliveries.body_of(due.endpoint.format, due.id, due.told, data, datetime.now(UTC))
        return orjson.dumps(body, option=orjson.OPT_UTC_Z), complaint

    async def _ask(self, text: str, due: Due, told: Told) -> dict[str, Any]:
        """What the endpoint's query finds, with its owner's rights; an error in it is an answer too."""
        variables = {"id": told.subject, "eventId": ids.encode("Event", told.id)}
        try:
            names = (await self.engine.document(Request(text))).variable_names
            asked = Request(text, variables={name: variables[name] for name in names if name in variables})
            answered = await self.engine.answer(asked, owner_of(due.endpoint), may_mutate=False)
        except RequestError as error:
            return {"data": None, "errors": [each.formatted for each in error.errors]}
        found: dict[str, Any] = orjson.loads(answered)
        return found


def _moot(due: Due) -> tuple[DeliveryStatus, str] | None:
    """Why a delivery is not to be tried any more."""
    if not due.endpoint.listens:
        return DeliveryStatus.CANCELED, due.endpoint.disabled_reason or "The endpoint was disabled."
    if due.told is None:
        return DeliveryStatus.DEAD, "The event is no longer in the log."
    if due.endpoint.status == EndpointStatus.FAILING and deliveries.expired(due.queued_at, datetime.now(UTC)):
        return DeliveryStatus.DEAD, "The endpoint failed for three days."
    return None


def _headers(due: Due, body: bytes, now: datetime) -> dict[str, str]:
    """As Standard Webhooks has them; the id is the same at every attempt."""
    id_, text = ids.encode("WebhookDelivery", due.id), body.decode()
    return {
        "content-type": CONTENT_TYPES[WebhookFormat(due.endpoint.format)],
        "user-agent": USER_AGENT,
        "webhook-id": id_,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(Webhook(key).sign(id_, now, text) for key in due.endpoint.secrets(now)),
    }


def _attempt(due: Due, answer: Answer, verdict: Verdict, began_at: datetime, taken: float, *, probed: bool) -> Attempt:
    return Attempt(
        delivery_id=due.id,
        endpoint_id=due.endpoint.id,
        status=verdict.status.value,
        seconds=verdict.seconds,
        began_at=began_at,
        duration_ms=round(taken * 1_000),
        response_status=answer.status,
        response_body=answer.excerpt,
        error=verdict.error,
        probed=probed,
        unwanted=verdict.meaning is Meaning.UNWANTED,
    )


class Door:
    """An endpoint, as one process sees it: so many enter at once, the others come again when their turn may be.

    A slow endpoint with a long queue thus holds few of the slots that all endpoints share.
    """

    def __init__(self) -> None:
        self.free = asyncio.Semaphore(AT_ONCE)
        self.pace = PATIENCE_SECONDS
        self.next_turn = 0.0

    async def enter(self) -> float:
        """0 to whoever may go in; to others how many seconds from now their turn may be."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS if self.free.locked() else None):
                await self.free.acquire()
            return 0.0
        except TimeoutError:
            now = asyncio.get_running_loop().time()
            self.next_turn = max(self.next_turn, now) + self.pace / AT_ONCE
            return min(max(self.next_turn - now, PATIENCE_SECONDS), LONGEST_DEFERRAL_SECONDS)

    def leave(self) -> None:
        """Make room."""
        self.free.release()

    def took(self, seconds: float) -> None:
        """How long an attempt took: the latest count most."""
        self.pace += (seconds - self.pace) / 10


class Together(Generic[T]):
    """Gathers what comes within a moment, and writes it at once. Whoever puts something waits until it is written."""

    def __init__(self, write: Callable[[list[T]], Awaitable[None]]) -> None:
        self.write = write
        self.waiting: list[tuple[T, asyncio.Future[None]]] = []
        self.writing: asyncio.Task[None] | None = None

    async def put(self, item: T) -> None:
        """Write this with what else there is."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.append((item, written))
        if self.writing is None:
            self.writing = asyncio.create_task(self._write_all())
        await written

    async def _write_all(self) -> None:
        try:
            while self.waiting:
                await asyncio.sleep(TOGETHER_SECONDS)
                batch, self.waiting = self.waiting, []
                await self._write(batch)
        finally:
            self.writing = None

    async def _write(self, batch: list[tuple[T, asyncio.Future[None]]]) -> None:
        error: Exception | None = None
        for _ in range(TRIES):
            try:
                await self.write([item for item, _ in batch])
            except asyncpg.DeadlockDetectedError as reason:
                error = reason
                continue
            except Exception as reason:  # noqa: BLE001 - it is raised where each item was put
                error = reason
            else:
                error = None
            break
        for _, written in batch:
            if written.done():
                continue  # its job was given up meanwhile
            if error is None:
                written.set_result(None)
            else:
                written.set_exception(error)


# -- putting away ------------------------------------------------------------------------------------------------------


def forget_deliveries(database: Database) -> Kind:
    """Every hour, deliveries that ended long ago, and endpoints that were deleted long ago."""

    async def handle(_: Job) -> Outcome:
        forgotten = CHUNK
        while forgotten == CHUNK:
            async with database.writes.acquire() as connection:
                forgotten = await stored.forget(connection, KEPT_DAYS, CHUNK)
        async with database.writes.acquire() as connection:
            await stored.forget_endpoints(connection, KEPT_DAYS)
        return Done()

    return Kind("FORGET_DELIVERIES", handle, every_seconds=3_600)
