"""Writes: one mutation field, one transaction. Rows, events and the idempotent answer commit together or not at all.

A verb is a function that loads and locks, lets the domain decide, and stores. Around it stand, once for all: the
permission, the transaction, the claim of the idempotency key, refusals, retries, and what follows the commit: asking
payment providers (never inside a transaction) and having the log's new events stamped.
"""

import hashlib
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from domain import ids, refusals
from domain.acts import Act
from domain.events import EventType
from domain.ids import new_id
from domain.model import Decided, Order, StockLevel, StockMovement, replace
from domain.payments import PaymentProvider
from domain.refusals import Forbidden, IdempotencyKeyReused, InvalidInput, NotFound, Refused, VersionConflict
from domain.stock import Bucket
from domain.store import claims, stock
from domain.store import orders as stored_orders
from domain.store.changes import Changes, write
from domain.store.claims import Claim, Claimed
from domain.viewer import Role, Scope, Viewer
from resolvers.database import GONE, Connection, Database, Unavailable
from resolvers.documents import Document
from resolvers.network import Networks
from resolvers.promised import Promises

ATTEMPTS = 3
RETRIED = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
KEY_LIMIT = 200
ENDS_OF_TIME: frozenset[date] = frozenset(
    {date.min, date.max, datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)}
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a verb came to: the objects it touched by payload field, other values, and why it could not do more."""

    subjects: dict[str, Any] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    errors: tuple[Refused, ...] = ()
    asks: tuple[UUID, ...] = ()
    """Requested payment entries whose providers are to be asked after the commit."""
    order_id: UUID | None = None
    order: Order | None = None
    """The order as it was stored, where the verb has just done so: it saves the next step a look."""


async def _nobody_waits(_work: "Work", outcome: Outcome) -> Outcome:
    return outcome


class Overtaken(Exception):
    """Somebody was faster, and what is to be locked instead would be out of order: begin again, and lock it all at once."""


async def _no_asides(_task: str, _given: dict[str, Any]) -> Any:
    raise NotImplementedError("this world has nobody beside it")


async def _no_documents(_text: str, _operation_name: str | None) -> Document:
    raise NotImplementedError("this world reads no documents")


@dataclass(frozen=True, slots=True)
class World:
    """What verbs reach outside the transaction: providers, the signer of tokens and links, the log's stamper."""

    database: Database
    providers: Mapping[str, PaymentProvider] = field(default_factory=dict)
    sign: Callable[[Viewer, int], str] | None = None
    seal: Callable[[dict[str, str]], str] | None = None
    unseal: Callable[[str], dict[str, str] | None] | None = None
    """The same of what a link in a message says; None where it was not sealed by us."""
    stamp_soon: Callable[[], None] = lambda: None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    aside: Callable[[str, dict[str, Any]], Awaitable[Any]] = _no_asides
    """Has one of `resolvers.asides.TASKS` done by a process of its own."""
    document: Callable[[str, str | None], Awaitable[Document]] = _no_documents
    """Reads a document that callers store for later."""
    networks: Networks = field(default_factory=Networks)
    """The networks that orders are routed over, kept in memory."""
    promises: Promises = field(default_factory=Promises)
    """What was learned of how long parcels take, kept in memory."""
    fill: Callable[["Work", Outcome], Awaitable[Outcome]] = _nobody_waits
    """Gives what an act made available to whoever waits for it, and says to whom."""
    webhooks_strict: bool = False
    """Whether webhooks go to the open internet alone."""


class Work:
    """The unit of work of one mutation: its connection, its act, and what it stores."""

    def __init__(
        self,
        world: World,
        connection: Connection,
        viewer: Viewer,
        act: Act,
        *,
        is_again: bool = False,
        begin: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.is_again = is_again
        """Whether somebody was faster the first time: then what might be needed is locked before it is chosen."""
        self.begin = begin
        """Begins the transaction, where there is none yet: what is asked once and written at once needs none."""
        self.has_looked = False
        self.world = world
        self.connection = connection
        self.viewer = viewer
        self.act = act
        self.changes = Changes()
        self.claim: Claim | None = None
        """The key that is still to be claimed."""
        self.currencies: list[tuple[str, tuple[str, ...]]] = []
        """Currencies that the input names, and where: to be compared with the order's once it is known."""
        self.freed: set[UUID] = set()
        """Variants that units became available of: somebody may wait for them."""
        self._moved: dict[UUID, tuple[StockLevel | None, StockLevel]] = {}
        """Levels as they were locked and as they are: several decisions of one act may move the same."""

    async def ask(self, question: str, *parameters: Any) -> Any:
        """The one value that a question gives; where the key is still to be claimed, both with one statement.

        Before the transaction is begun, the first question only looks whether the key was answered: in that snapshot a twin
        has changed nothing either. Whatever is asked later might see what a twin did, and so the key is claimed before.
        """
        if self.claim is None:
            return await self.connection.fetchval(question, *parameters)
        if self.begin is not None and not self.has_looked:
            self.has_looked = True
            return await claims.look(self.connection, self.claim, question, parameters)
        await self._begun()
        wanted, self.claim = self.claim, None
        return await claims.claim(self.connection, wanted, question, parameters)

    async def claimed(self) -> None:
        """Claim the key, if that is still to be done; nothing may be read or locked before."""
        if self.claim is not None:
            await self._begun()
            await self.ask("select null")

    async def _begun(self) -> None:
        if self.begin is not None:
            begin, self.begin = self.begin, None
            await begin()

    async def order(
        self, by: str, id_: str, *, expected_version: int | None = None, field: tuple[str, ...] = ("id",)
    ) -> Order:
        """The order that `id_` is, or hangs on, locked and loaded; refused where the viewer may not see it.

        `by` names one of the store's handles: a type, or what it is wanted for.
        """
        typename = stored_orders.BY[by].typename
        key = ids.decode(typename, id_)
        found = await stored_orders.lock(self.connection, by, key, self.viewer) if key else None
        if found is None:
            raise NotFound(typename, id_, field=field)
        order = await stored_orders.load(self.connection, found)
        if expected_version is not None and expected_version != order.version:
            raise VersionConflict(expected_version, order.version, field=("expectedVersion",))
        return order

    async def orders(
        self, typename: str, keys: Mapping[UUID, str], *, field: tuple[str, ...]
    ) -> list[tuple[Order, list[UUID]]]:
        """The orders that things hang on, locked in the order of their ids, each with the keys that hang on it."""
        if len(keys) == 1:
            (key, id_), *_ = keys.items()
            return [(await self.order(typename, id_, field=field), [key])]
        found: dict[UUID, list[UUID]] = {}
        for key, id_ in keys.items():
            order_id = await stored_orders.order_id_of(self.connection, typename, key)
            if order_id is None:
                raise NotFound(typename, id_, field=field)
            found.setdefault(order_id, []).append(key)
        locked = []
        for _, hanging in sorted(found.items()):
            order = await self.order(typename, keys[hanging[0]], field=field)
            for key in hanging[1:]:  # to see one is not to see all: another location may ship the rest
                if await stored_orders.lock(self.connection, typename, key, self.viewer) is None:
                    raise NotFound(typename, keys[key], field=field)
            locked.append((order, hanging))
        return locked

    async def levels(self, level_ids: Iterable[UUID]) -> dict[UUID, StockLevel]:
        """Stock levels, locked; always after the order."""
        await self.claimed()
        wanted = set(level_ids)
        found, moment = await stock.lock_levels(self.connection, wanted) if wanted else ({}, None)
        self.hear(moment)
        return found

    async def levels_at(self, places: Collection[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], StockLevel]:
        """Stock levels by (variant, location), locked; one that does not exist yet is begun empty."""
        found, moment = await stock.lock_levels_at(self.connection, places, [new_id() for _ in places])
        self.hear(moment)
        return found

    async def levels_and_places(
        self, level_ids: Iterable[UUID], places: Collection[tuple[UUID, UUID]]
    ) -> dict[UUID, StockLevel]:
        """Stock levels by id and by (variant, location), locked together; always after the orders."""
        found, moment = await stock.lock_levels_and_places(
            self.connection, level_ids, places, [new_id() for _ in places]
        )
        self.hear(moment)
        return found

    def hear(self, moment: datetime | None) -> None:
        """We are told then: who waited for a lock must not be on record before whom they waited for."""
        if moment is not None:
            self.act = replace(self.act, recorded_at=moment)

    def store(self, before: Order | None, decided: Decided, levels: Mapping[UUID, StockLevel] | None = None) -> None:
        """Note the difference that a decision makes; it is written when the verb is done. `levels` are as locked."""
        for row in decided.records:
            self.changes.add(row)
            if isinstance(row, StockMovement) and row.to_bucket == Bucket.AVAILABLE:
                self.freed.add(row.variant_id)
        if decided.order is not None:
            self.changes.turn(before, decided.order)
        for level in decided.levels:
            locked, _ = self._moved.get(level.id, ((levels or {}).get(level.id), None))
            self._moved[level.id] = locked, level
        self.changes.log(self.act, decided.events)

    def store_and_take(self, decided: Decided) -> None:
        """The same of a new order whose levels nobody has locked: what writes it locks them, and takes its units."""
        entries = [row for row in decided.records if isinstance(row, StockMovement)]
        told = [event for event in decided.events if event.type is EventType.STOCK_MOVED]
        self.changes.take(self.act, entries, told)
        records = tuple(row for row in decided.records if not isinstance(row, StockMovement))
        events = tuple(event for event in decided.events if event.type is not EventType.STOCK_MOVED)
        self.store(None, replace(decided, levels=(), records=records, events=events))

    def keep(self, key: Claim, outcome: Outcome) -> None:
        """Note what was answered to a key, which is claimed with it if it is not yet."""
        answer = forgotten(outcome)
        if self.claim is None:
            claimed = {"actor": key.actor, "mutation": key.mutation, "key": key.key}
            self.changes.update("idempotency_claims", claimed, {"answer": answer})
        else:
            self.changes.insert("idempotency_claims", **key._asdict(), answer=answer)

    async def flush(self) -> None:
        """Write what was noted, in one statement."""
        for locked, level in self._moved.values():
            self.changes.turn(locked, level)
        if self.changes.updates:
            await self._begun()  # an update that does not meet its row is known afterwards
        try:
            await write(self.connection, self.changes)
        except asyncpg.CheckViolationError as error:
            if error.constraint_name != SOLD_OUT:
                raise
            raise Overtaken from error
        self.changes, self._moved = Changes(), {}


Function = Callable[[Work, Any], Awaitable[Outcome]]
Finish = Callable[[World, Viewer, Any, Outcome], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True)
class Verb:
    """A mutation: its name in the graph, the scope it needs, the function that does it in a transaction.

    `finish` is what follows the commit, for twins as well: foreign calls, and tokens that are not stored.
    """

    name: str
    scope: Scope
    function: Function
    finish: Finish | None = None
    past: Scope = Scope.HISTORY_WRITE
    """Who may say that it happened at another moment than now."""
    asks_first: bool = False
    """Whether `work.ask` or `work.claimed` is the first that the function calls: then no statement claims the key alone,
    and what is written at once needs no transaction around it.
    """


def verb(
    name: str,
    scope: Scope,
    *,
    finish: Finish | None = None,
    past: Scope = Scope.HISTORY_WRITE,
    asks_first: bool = False,
) -> Callable[[Function], Verb]:
    """Declare a mutation."""
    return lambda function: Verb(name, scope, function, finish, past, asks_first)


async def perform(world: World, verb: Verb, input: Any, given: dict[str, Any], viewer: Viewer) -> Outcome:
    """Do what a mutation asks. `given` is the input as it was sent, for the digest."""
    try:
        outcome = await _in_transaction(world, verb, input, given, viewer)
    except Refused as refusal:
        return Outcome(errors=(refusal,))
    except GONE as error:
        raise Unavailable(str(error)) from error
    world.stamp_soon()
    try:
        return await verb.finish(world, viewer, input, outcome) if verb.finish else outcome
    except GONE as error:
        raise Unavailable(str(error)) from error


async def _in_transaction(world: World, verb: Verb, input: Any, given: dict[str, Any], viewer: Viewer) -> Outcome:
    if not viewer.may(verb.scope):
        raise Forbidden(verb.scope.value)
    refuse_odd_values(given)
    act = act_of(viewer, input, world.now(), verb.past)
    for attempt in range(1, ATTEMPTS + 1):
        is_again = attempt > 1
        is_begun = is_again or not verb.asks_first
        writes = world.database.writes
        transaction = writes.transaction() if is_begun else writes.transaction_to_begin()
        try:
            async with transaction as connection:
                begin = None if is_begun else transaction.begin
                work = Work(world, connection, viewer, act, is_again=is_again, begin=begin)
                return await _once(work, verb, input, given)
        except Overtaken:
            continue
        except asyncpg.UniqueViolationError as error:
            if attempt == ATTEMPTS or (is_begun and error.constraint_name not in RACES):
                raise named(error, input) from error  # unless no key was claimed: then it may be a twin's
        except RETRIED as error:
            if attempt == ATTEMPTS:
                raise Unavailable(str(error)) from error
    raise AssertionError("unreachable")


RACES = {"uq_customers_email", "uq_reservations_active"}
"""Two at once began what only one can be; the second attempt finds it."""

SOLD_OUT = "ck_stock_levels_available_never_negative"
"""What refuses to take more units of a level than there are."""

CONSTRAINTS: dict[str, Callable[[Any], Refused]] = {
    "uq_orders_channel_id_external_reference": lambda input: refusals.DuplicateReference(
        input.external_reference or "", field=("externalReference",)
    ),
    "uq_packages_tracking_number_carrier": lambda _input: InvalidInput(
        "the carrier's tracking number is on another parcel already", field=("packages", "trackingNumber")
    ),
}


def named(error: asyncpg.UniqueViolationError, input: Any) -> Exception:
    """What a violated constraint means to the caller, where it means anything."""
    found = CONSTRAINTS.get(error.constraint_name or "")
    return found(input) if found else error


TEXT_LIMIT = 2_000
"""Characters: more than anybody says in a note."""

TEXT_LIMITS = {
    "token": 10_000,  # some providers put a signed document in it
    "query": 20_000,
    "fulfillmentOptionId": 8_000,  # a signed quote names its parcels
    **dict.fromkeys(("carrier", "code", "email", "externalReference", "number", "phone", "productCode", "sku"), 200),
    **dict.fromkeys(("trackingNumber",), 200),
}
"""Characters by field, where not `TEXT_LIMIT`: what is indexed is short, because an index's row is."""


SHORT = min(TEXT_LIMIT, *TEXT_LIMITS.values())
"""So many characters may stand anywhere."""


def refuse_odd_values(value: Any, place: tuple[str, ...] = ()) -> None:
    """Refuse what cannot be kept: PostgreSQL's text holds any character but U+0000, and nothing may be endless.

    The very first and last moments and days would be kept as infinite ones, which nobody could read any more.
    """
    if isinstance(value, str):
        if len(value) > SHORT or "\0" in value:
            _refuse_odd_text(value, place)
    elif isinstance(value, dict):
        for name, inner in value.items():
            refuse_odd_values(inner, (*place, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            refuse_odd_values(inner, (*place, str(index)))
    elif isinstance(value, date) and value in ENDS_OF_TIME:
        raise InvalidInput(f"nothing is kept of {value.isoformat()}", field=place)


def _refuse_odd_text(value: str, place: tuple[str, ...]) -> None:
    name = next(part for part in reversed(place) if not part.isdecimal())
    if "\0" in value:
        raise InvalidInput("text cannot hold the character U+0000", field=place)
    if len(value) > (most := TEXT_LIMITS.get(name, TEXT_LIMIT)):
        raise InvalidInput(f"this text has at most {most} characters", field=place)


async def _once(work: Work, verb: Verb, input: Any, given: dict[str, Any]) -> Outcome:
    """Claim the key, act, and keep the answer; a twin waits on the claim and gets the same subjects."""
    key = getattr(input, "idempotency_key", None)
    if key is None:  # a look-up that changes nothing
        return await verb.function(work, input)
    if not key.strip() or len(key) > KEY_LIMIT:
        raise InvalidInput(f"an idempotency key has 1 to {KEY_LIMIT} characters", field=("idempotencyKey",))
    mine = Claim(claimant(work.viewer, input), verb.name, key, digest_of(given), work.act.recorded_at)
    work.claim = mine
    try:
        if not verb.asks_first:
            await work.claimed()
        outcome = await verb.function(work, input)
        if work.freed:
            outcome = await work.world.fill(work, outcome)
    except Claimed as twin:
        if twin.digest != mine.digest:
            raise IdempotencyKeyReused(field=("idempotencyKey",)) from None
        return remembered(orjson.loads(twin.answer))
    work.keep(mine, outcome)
    await work.flush()
    return outcome


def claimant(viewer: Viewer, input: Any) -> str:
    """Whose key it is. All shoppers of a channel share one token, so theirs are told apart by their e-mail address."""
    customer = getattr(input, "customer", None)
    if viewer.role is not Role.SHOPPER or customer is None or customer.email is None:
        return viewer.subject
    return f"{viewer.subject}:{customer.email.lower()}"


def digest_of(given: dict[str, Any]) -> str:
    """SHA-256 of an input, its key aside."""
    rest = {name: value for name, value in given.items() if name != "idempotencyKey"}
    return hashlib.sha256(orjson.dumps(rest, option=orjson.OPT_SORT_KEYS, default=str)).hexdigest()


def forgotten(outcome: Outcome) -> dict[str, Any]:
    """What of an outcome is kept: the subjects' ids and the payments to ask for."""
    return {
        "subjects": outcome.subjects,
        "asks": [str(id_) for id_ in outcome.asks],
        "order": outcome.order_id and str(outcome.order_id),
    }


def remembered(kept: dict[str, Any]) -> Outcome:
    """The outcome for a twin: the same subjects, read anew."""
    subjects = {
        name: [UUID(id_) for id_ in value] if isinstance(value, list) else value and UUID(value)
        for name, value in kept["subjects"].items()
    }
    order = kept["order"]
    return Outcome(subjects, asks=tuple(map(UUID, kept["asks"])), order_id=UUID(order) if order else None)


def act_of(viewer: Viewer, input: Any, now: datetime, past: Scope = Scope.HISTORY_WRITE) -> Act:
    """The act behind a mutation. Who holds the scope `past` may give its moment; it cannot lie in the future."""
    at = getattr(input, "occurred_at", None) or getattr(input, "placed_at", None)
    if at is not None:
        place = ("placedAt" if hasattr(input, "placed_at") else "occurredAt",)
        if not viewer.may(past):
            raise Forbidden(past.value, field=place)
        if at > now:
            raise InvalidInput("what occurred lies in the past", field=place)
    kind = viewer.kind.value if viewer.role is not Role.SHOPPER else "CUSTOMER"
    return Act(new_id(), at or now, now, kind, viewer.subject, viewer.display_name)
