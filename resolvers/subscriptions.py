"""Subscriptions: join a group, replay what came after the caller's cursor, go on live. Each event once, in order.

The payload is compiled once, like a query, and read anew at every event, so it is never older than the event; who may
see it stands in the statement, so a right that is lost is lost from the next event on.
"""

import asyncio
import re
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Mapping, Sequence
from contextlib import ExitStack, aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import orjson
from graphql import GraphQLError, GraphQLField, OperationType, get_named_type
from sqlalchemy import BigInteger, Integer

from domain.store import log, replay, visibility
from domain.store.log import Connection, News, Place
from domain.viewer import Viewer
from resolvers import followers
from resolvers.database import Unavailable
from resolvers.documents import Document, RequestError, refuse
from resolvers.engine import Engine, Request, envelope, unexpected
from resolvers.feed import Feed
from resolvers.groups import PAGE, Group, Member, Sink
from resolvers.holding import LOST
from resolvers.reading.arguments import Argument, Arguments, BadInput, Read, Variables, shape
from resolvers.reading.compiler import Compiler, NotCompiled, Selected
from resolvers.reading.cursors import expired, pack, unpack
from resolvers.reading.mapping import entity_of
from resolvers.reading.plans import Plan, plan
from resolvers.reading.scans import scan
from resolvers.reading.templates import Seat, place_of
from resolvers.reading.texts import exists, json_object, listed, subselect
from resolvers.streams import Named, Stream, Watch, given_in, stream_of, watch

T = TypeVar("T")

WAITING_BYTES = 1024 * 1024
"""What may wait for a reader; beyond that it is too slow."""
CONNECTIONS_LEFT = 2
"""Of those to read with: for queries, when many wait for the same event."""
LONGEST_DELAY_SECONDS = 2.0
THE_EVENT = " event"
"""Stands for the event's id among the variables of a payload; no GraphQL variable can be called so."""
LARGEST = Place(2**31 - 1, 2**63 - 1)


@dataclass(frozen=True, slots=True)
class Compiled:
    """One subscription for one shape of viewer and variables."""

    payload: Plan
    """Null where the viewer may not see the event, or it is none of those asked for."""
    payload_of_many: str
    """The same of several events at once, in their order: a row for each, and the parameter is the list of their ids."""
    opening: Plan
    """By argument: the ids to follow, of the rows that it names and the viewer may see."""
    named: Mapping[str, Read]
    """How the arguments that name rows are read."""
    types: Read | None
    after: Read
    stream: Stream


class Asked:
    """A subscription with its values: all that decides what its subscribers are told. Whose are equal are one group."""

    def __init__(
        self, subscriptions: "Subscriptions", compiled: Compiled, watched: Watch, parameters: list[Any], cost: bytes
    ) -> None:
        self.subscriptions = subscriptions
        self.beginning = subscriptions.beginning
        self.sql = compiled.payload.sql
        self.sql_of_many = compiled.payload_of_many
        self.order = compiled.stream.order
        self.watched = watched
        self.parameters = parameters
        self.event_at = next(at for at, value in enumerate(parameters) if value is THE_EVENT)
        self.cost = cost

    @property
    def key(self) -> Hashable:
        """What subscribers have in common who are told the same, word for word."""
        return self.sql, self.watched, self.cost, frozen(self.parameters)

    async def page(self, after: Place) -> list[News]:
        """The next of what is followed in the log."""
        watched = self.watched
        followed = watched.column, watched.followed, watched.types
        return await patiently(
            lambda: self.subscriptions.ask(lambda connection: replay.news_of(connection, *followed, after, PAGE))
        )

    async def answers(self, news: Sequence[News]) -> list[bytes | None]:
        """The payload of each event, all read at once; None where the viewers may not see it."""
        payloads = await patiently(partial(self._payloads, [each.id for each in news]))
        return [None if payload is None else envelope(payload, self.cost) for payload in payloads]

    async def _payloads(self, events: list[int]) -> list[bytes | None]:
        given = self.parameters.copy()
        if len(events) == 1:
            given[self.event_at] = events[0]
            return [await self.subscriptions.read(self.sql, given)]
        given[self.event_at] = events
        rows = await self.subscriptions.ask(lambda connection: connection.fetch(self.sql_of_many, *given))
        return [row[0] for row in rows]

    def too_slow(self, told: Place) -> RequestError:
        """Where to go on."""
        said = {"code": "SUBSCRIBER_TOO_SLOW", "cursor": cursor_at(told, self.order)}
        message = "You read too slowly; go on after the last event you have."
        return RequestError([GraphQLError(message, extensions=said)])

    def failed(self, error: Exception) -> RequestError:
        """What went wrong, logged once and not for every subscriber."""
        if isinstance(error, RequestError):
            return error
        said = unexpected(error, frank=self.subscriptions.engine.frank)
        return RequestError([GraphQLError(said["message"], extensions=said["extensions"])])


class Waiting:
    """A sink whose answers wait to be read one by one."""

    def __init__(self) -> None:
        self.answers: deque[tuple[Place, bytes]] = deque()
        self.bytes = 0
        self.overflowed = False
        self.error: Exception | None = None
        self.more = asyncio.Event()

    def tell(self, place: Place, answer: bytes) -> bool:
        """Keep an answer; False, and none is kept, where that would be too much."""
        self.answers.append((place, answer))
        self.bytes += len(answer)
        self.more.set()
        if len(self.answers) > followers.WAITING_LIMIT or self.bytes > WAITING_BYTES + len(answer):
            self.overflowed = True
            self.answers.clear()
        return not self.overflowed

    def end(self, error: Exception) -> None:
        """Nothing more comes."""
        self.error = error
        self.more.set()

    async def next(self) -> tuple[Place, bytes]:
        """The next answer, as soon as there is any."""
        while not self.answers:
            if self.error is not None:
                raise self.error
            self.more.clear()
            await self.more.wait()
        place, answer = self.answers.popleft()
        self.bytes -= len(answer)
        return place, answer


class Subscriptions:
    """Runs operations of any kind as a series of answers."""

    def __init__(self, engine: Engine, feed: Feed) -> None:
        self.engine = engine
        self.feed = feed
        self.groups: dict[Hashable, Group] = {}
        most = max(1, engine.database.reads.size - CONNECTIONS_LEFT)
        self.turns, self.beginning = asyncio.Semaphore(most), asyncio.Semaphore(max(1, most // 2))

    async def run(self, request: Request, viewer: Viewer) -> AsyncGenerator[bytes, None]:
        """A subscription's answers as they come; the one answer of anything else.

        What was begun as a mutation is finished, though nobody may be left to hear of it.
        """
        waiting = Waiting()
        member = await self.join(request, viewer, waiting)
        if member is None:
            gone = asyncio.Event()
            try:
                answer = await asyncio.shield(self.engine.answer(request, viewer, gone=gone.wait))
            finally:
                gone.set()
            yield answer
            return
        told = member.since
        try:
            async with aclosing(member.replay()) as replayed:
                async for place, answer in replayed:
                    told = place
                    yield answer
            while True:
                told, answer = await waiting.next()
                yield answer
        except RequestError as error:
            raise member.group.source.too_slow(told) if waiting.overflowed else error from None
        finally:
            member.leave()

    async def join(self, request: Request, viewer: Viewer, sink: Sink) -> Member | None:
        """Begin a subscription: its member of a group, to be replayed before the sink is told; None of anything else.

        `RequestError` where it is refused.
        """
        document = await self.engine.document(request)
        if document.kind is not OperationType.SUBSCRIPTION:
            return None
        try:
            variables = document.coerce(request.variables or {})
            cost = self.engine.charge(document, variables, viewer)
            compiled = self._compiled(document, variables, viewer)
            after = log_place_of(compiled.after(variables), compiled.stream.order)
            parameters = compiled.payload.parameters({**variables, THE_EVENT: THE_EVENT}, viewer)
            async with self.beginning:
                watched = await self._opened(compiled, variables, viewer)
                asked = Asked(self, compiled, watched, parameters, cost)
                await self._check(after, self.groups.get(asked.key))
        except BadInput as error:
            raise RequestError([error]) from None
        return self._group(asked).join(after, sink)

    async def _check(self, after: Place | None, group: Group | None) -> None:
        """Refuse a cursor that nobody was given."""
        known = group is not None and after is not None and after <= group.latest
        if (
            after is not None
            and not known
            and after > await self.ask(log.head)
            and after > await self._head_in_this_cluster()
        ):
            raise BadInput("This cursor is ahead of the log.")

    def _group(self, asked: Asked) -> Group:
        """Those who ask the same."""
        key = asked.key
        if key not in self.groups:
            closing = ExitStack()
            follower = closing.enter_context(self.feed.follow(asked.watched.topics))
            closing.callback(self.groups.pop, key)
            self.groups[key] = Group(asked, follower, asked.watched.wants, closing)
        return self.groups[key]

    async def _opened(self, compiled: Compiled, variables: Variables, viewer: Viewer) -> Watch:
        """What to follow; `RequestError` where an argument names what is not there for the viewer."""
        found, shown = visibility.bounds_of_events(viewer)
        if compiled.named:
            opening = compiled.opening
            rows = orjson.loads(await self.read(opening.sql, opening.parameters(variables, viewer)))
            for name, read in compiled.named.items():
                if len(rows[name]) < number_of(read(variables)):
                    typename = compiled.stream.named[name].entity.typename
                    raise refuse("NOT_FOUND", f"There is no such {typename}, or you may not see it.")
                column = compiled.stream.named[name].column
                bound = frozenset(map(UUID, rows[name]))
                found[column] = found.get(column, bound) & bound
        watched = watch(found, common(shown, compiled.stream.types, _types(compiled, variables)))
        if watched.is_vain:
            raise refuse("FORBIDDEN", "You may see none of these events.")
        return watched

    # -- asking the database ---------------------------------------------------------------------------------------

    async def ask(self, question: Callable[[Connection], Awaitable[T]]) -> T:
        """What the log says."""
        try:
            async with self.turns, self.engine.database.reads.acquire() as connection:
                return await question(connection)
        except log.CursorExpired as error:
            raise RequestError([expired(error)]) from None
        except LOST as error:
            raise Unavailable(str(error)) from error

    async def _head_in_this_cluster(self) -> Place:
        """The log's head, certainly in the epoch of the cluster that answers: it may have been restored just now."""
        try:
            async with self.engine.database.writes.acquire() as connection:
                await log.enter_cluster(connection)
                return await log.head(connection)
        except LOST as error:
            raise Unavailable(str(error)) from error

    async def read(self, sql: str, parameters: list[Any]) -> Any:
        """The JSON that a statement builds. However many subscribers wait for an event, queries have their turn."""
        try:
            async with self.turns:
                return await self.engine.database.read_own(sql, *parameters)
        except LOST as error:
            raise Unavailable(str(error)) from error

    # -- compiling -------------------------------------------------------------------------------------------------

    def _compiled(self, document: Document, variables: Variables, viewer: Viewer) -> Compiled:
        key = (viewer.role, viewer.scopes, *[shape(variables.get(name)) for name in document.variable_names])
        found: Compiled | None = document.plans.get(key)
        return found or document.plans.put(key, self._compile(document, variables, viewer))

    def _compile(self, document: Document, variables: Variables, viewer: Viewer) -> Compiled:
        compiler = Compiler(self.engine.schema, document.fragments, variables, viewer)
        selected = compiler.collect(document.root, document.operation.selection_set.selections)
        if len(selected) != 1:
            raise refuse("GRAPHQL_VALIDATION_FAILED", "A subscription selects exactly one field.")
        try:
            return _compile_field(compiler, document, selected[0])
        except NotCompiled as error:
            raise refuse("GRAPHQL_VALIDATION_FAILED", f"{error} cannot be selected in a subscription.") from None


def _compile_field(compiler: Compiler, document: Document, selected: Selected) -> Compiled:
    field = document.root.fields[selected.name]
    stream = stream_of(document.root, selected.name)
    if stream.needs is not None and not compiler.viewer.may(stream.needs):
        raise refuse("FORBIDDEN", f"{selected.name} needs the scope {stream.needs}.")
    arguments = Arguments(compiler.binder, selected.nodes[0], field, compiler.variables)
    event = compiler.name()
    payload = _payload_plan(compiler, selected, get_named_type(field.type), stream, arguments, event)
    given = dict(given_in(arguments))
    named = {name: each.read for name, each in given.items() if name in stream.named}
    if stream.at_least_one and not named:
        raise BadInput(f"Give at least one of {', '.join(stream.named)}.")
    return Compiled(
        payload=payload,
        payload_of_many=_of_many(payload, event),
        opening=_opening_plan(compiler, selected, field, stream),
        named=named,
        types=given["types"].read if "types" in given else None,
        after=arguments["after"].read,
        stream=stream,
    )


def _payload_plan(
    compiler: Compiler, selected: Selected, type_: Any, stream: Stream, arguments: Arguments, event: str
) -> Plan:
    """The event by its id, if the viewer may see it and what the arguments name, and it is one of those asked for."""
    entity = entity_of(type_)
    built = json_object([(selected.key, compiler.object(type_, selected.selections(), Seat(place_of(entity), event)))])
    conditions = [
        f"{event}.id = {compiler.parameter(lambda variables: variables[THE_EVENT], BigInteger())}",
        *compiler.visible(entity, event),
    ]
    for _, named, given in stream.names(arguments):
        row = compiler.name()
        same = f"{row}.{named.key} = {event}.{named.column}"
        conditions.append(exists(_rows(compiler, named, given, arguments, row, same)))
    for condition, given in stream.narrows(arguments):
        conditions.append(compiler.condition(entity, condition, given, arguments, event))
    return plan(compiler.binder, subselect(built, scan(entity, event, conditions)))


def _of_many(payload: Plan, event: str) -> str:
    """The payload's statement for several events: its one id becomes each of a list."""
    one = re.search(rf"\b{event}\.id = (\$\d+)::BIGINT", payload.sql)
    assert one, "the event is found by its id"
    of_each = payload.sql.replace(one[0], f"{event}.id = wanted.id")
    return f"{of_each} FROM unnest({one[1]}::bigint[]) WITH ORDINALITY AS wanted (id, place) ORDER BY wanted.place"


def _opening_plan(compiler: Compiler, selected: Selected, field: GraphQLField, stream: Stream) -> Plan:
    """By argument: the ids to follow."""
    asked = Compiler(compiler.schema, compiler.fragments, compiler.variables, compiler.viewer)
    arguments = Arguments(asked.binder, selected.nodes[0], field, asked.variables)
    found = []
    for name, named, given in stream.names(arguments):
        row = asked.name()
        found.append((name, subselect(listed(f"{row}.{named.key}"), _rows(asked, named, given, arguments, row))))
    return plan(asked.binder, json_object(found) if found else "NULL")


def _rows(compiler: Compiler, named: Named, given: Argument, arguments: Arguments, row: str, *also: str) -> str:
    """The rows that an argument names, as far as the viewer may see them."""
    matches = compiler.condition(named.entity, named.matches, given, arguments, row)
    return scan(named.entity, row, [*also, matches, *compiler.visible(named.entity, row)])


def _types(compiled: Compiled, variables: Variables) -> frozenset[str] | None:
    """The types that were asked for; None for all."""
    if compiled.types is None:
        return None
    asked = frozenset(compiled.types(variables))
    if not asked:
        raise BadInput("Name at least one type, or leave the types out.")
    return asked


def common(*sets: frozenset[str] | None) -> frozenset[str] | None:
    """What all of them have; None is everything."""
    given = [each for each in sets if each is not None]
    return frozenset.intersection(*given) if given else None


def number_of(given: Any) -> int:
    """How many things an argument names."""
    return len(set(given)) if isinstance(given, list) else 1


def log_place_of(cursor: str | None, order: str) -> Place | None:
    """The place in a cursor, or `BadInput`."""
    if cursor is None:
        return None
    epoch, position = unpack(cursor, order, [Integer(), BigInteger()])
    if not (0 <= epoch <= LARGEST.epoch and 0 <= position <= LARGEST.position):
        raise BadInput("This cursor is malformed.")
    return Place(epoch, position)


def cursor_at(place: Place, order: str) -> str:
    """A place as the cursor that the events there carry."""
    return pack(order, place)


def frozen(value: Any) -> Hashable:
    """A statement's parameter as something that can be compared."""
    if isinstance(value, list | tuple):
        return tuple(frozen(each) for each in value)
    if isinstance(value, dict):
        return tuple((key, frozen(each)) for key, each in sorted(value.items()))
    return value  # type: ignore[no-any-return]


async def patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask until the database answers: it comes back, and a subscriber would rather wait than miss anything."""
    delay = 0.1
    while True:
        try:
            return await ask()
        except Unavailable:
            await asyncio.sleep(delay)
            delay = min(delay * 2, LONGEST_DELAY_SECONDS)
