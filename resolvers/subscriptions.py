"""Subscriptions: join the feed, replay what came after the caller's cursor, go on live. Each event once, in order.

The payload is compiled once, like a query, and read anew at every event, so it is never older than the event; who may
see it stands in the statement, so a right that is lost is lost from the next event on.
"""

import asyncio
import base64
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import orjson
from graphql import GraphQLError, GraphQLField, OperationType, get_named_type
from sqlalchemy import BigInteger, Integer

from domain.store import log, replay, visibility
from domain.store.log import News, Place
from domain.viewer import Viewer
from resolvers.database import Unavailable
from resolvers.documents import Document, RequestError, refuse
from resolvers.engine import Engine, Request, envelope
from resolvers.feed import Feed
from resolvers.followers import FellBehind, Follower
from resolvers.holding import LOST
from resolvers.reading.arguments import Argument, Arguments, BadInput, Read, Variables, shape
from resolvers.reading.compiler import Compiler, NotCompiled, Selected
from resolvers.reading.cursors import unpack
from resolvers.reading.mapping import entity_of
from resolvers.reading.plans import Plan, plan
from resolvers.reading.scans import scan
from resolvers.reading.templates import Seat, place_of
from resolvers.reading.texts import exists, json_object, listed, subselect
from resolvers.streams import Named, Stream, Watch, given_in, stream_of, watch

T = TypeVar("T")

PAGE = 100
"""Events that a replay reads at once."""
LONGEST_DELAY_SECONDS = 2.0
THE_EVENT = " event"
"""Stands for the event's id among the variables of a payload; no GraphQL variable can be called so."""
LARGEST = Place(2**31 - 1, 2**63 - 1)


@dataclass(frozen=True, slots=True)
class Compiled:
    """One subscription for one shape of viewer and variables."""

    payload: Plan
    """Null where the viewer may not see the event, or it is none of those asked for."""
    opening: Plan
    """By argument: the ids to follow, of the rows that it names and the viewer may see."""
    named: Mapping[str, Read]
    """How the arguments that name rows are read."""
    types: Read | None
    after: Read
    stream: Stream


class Subscriptions:
    """Runs operations of any kind as a series of answers."""

    def __init__(self, engine: Engine, feed: Feed) -> None:
        self.engine = engine
        self.feed = feed

    async def run(self, request: Request, viewer: Viewer) -> AsyncGenerator[bytes, None]:
        """A subscription's answers as they come; the one answer of anything else.

        What was begun as a mutation is finished, though nobody may be left to hear of it.
        """
        document = await self.engine.document(request)
        if document.kind is not OperationType.SUBSCRIPTION:
            yield await asyncio.shield(self.engine.answer(request, viewer))
            return
        try:
            variables = document.coerce(request.variables or {})
            cost = self.engine.charge(document, variables, viewer)
            async with aclosing(self._follow(document, variables, viewer)) as answers:
                async for answer in answers:
                    yield envelope(answer, cost)
        except BadInput as error:
            raise RequestError([error]) from None

    async def _follow(self, document: Document, variables: Variables, viewer: Viewer) -> AsyncGenerator[bytes, None]:
        compiled = self._compiled(document, variables, viewer)
        after = log_place_of(compiled.after(variables), compiled.stream.order)
        compiled.payload.parameters({**variables, THE_EVENT: 0}, viewer)  # refuses what makes no sense before it begins
        watched = await self._opened(compiled, variables, viewer)
        if after is not None and after > await self._ask(log.head):
            raise BadInput("This cursor is ahead of the log.")
        with self.feed.follow(watched.topics) as follower:
            async with aclosing(self._news(follower, watched, after, compiled.stream)) as news:
                async for each in news:
                    answer = await self._payload(compiled, each, variables, viewer)
                    if answer is not None:
                        yield answer

    async def _opened(self, compiled: Compiled, variables: Variables, viewer: Viewer) -> Watch:
        """What to follow; `RequestError` where an argument names what is not there for the viewer."""
        found: dict[str, frozenset[UUID]] = {}
        if compiled.named:
            rows = orjson.loads(await self._read(compiled.opening, variables, viewer))
            for name, read in compiled.named.items():
                if len(rows[name]) < number_of(read(variables)):
                    typename = compiled.stream.named[name].entity.typename
                    raise refuse("NOT_FOUND", f"There is no such {typename}, or you may not see it.")
                column = compiled.stream.named[name].column
                bound = frozenset(map(UUID, rows[name]))
                found[column] = found.get(column, bound) & bound
        if (bounds := visibility.locations_of_events(viewer)) is not None:
            found["location_id"] = found.get("location_id", bounds) & bounds
        return watch(found, _types(compiled, variables))

    # -- what is new -----------------------------------------------------------------------------------------------

    async def _news(
        self, follower: Follower, watched: Watch, after: Place | None, stream: Stream
    ) -> AsyncGenerator[News, None]:
        """First what the log has after the cursor, then what the feed says; what both tell is told once."""
        last = after or follower.since
        if after is not None:
            async with aclosing(self._replay(follower, watched, after)) as replayed:
                async for news in replayed:
                    last = news.place
                    yield news
        while True:
            try:
                news = await follower.next()
            except FellBehind:
                raise _too_slow(last, stream) from None
            if news.place > last:
                last = news.place
                if watched.wants(news):
                    yield news

    async def _replay(self, follower: Follower, watched: Watch, last: Place) -> AsyncGenerator[News, None]:
        """All that the log has; more than once around if the feed told more meanwhile than there was room for."""
        while True:
            ask = partial(self._ask, replay.news_of, watched.column, watched.followed, watched.types, last, PAGE)
            page = await patiently(ask)
            for news in page:
                if watched.wants(news):
                    yield news
            if page:
                last = page[-1].place
            elif follower.fell_behind:
                follower.start_again()
            else:
                return

    async def _ask(self, question: Callable[..., Awaitable[T]], *given: Any) -> T:
        try:
            async with self.engine.database.reads.acquire() as connection:
                return await question(connection, *given)
        except LOST as error:
            raise Unavailable(str(error)) from error

    # -- what is told of it ----------------------------------------------------------------------------------------

    async def _payload(self, compiled: Compiled, news: News, variables: Variables, viewer: Viewer) -> bytes | None:
        """The payload, however long the database is away; None where the viewer may not see the event."""
        variables = {**variables, THE_EVENT: news.id}
        found: bytes | None = await patiently(partial(self._read, compiled.payload, variables, viewer))
        return found

    async def _read(self, plan: Plan, variables: Variables, viewer: Viewer) -> Any:
        try:
            return await self.engine.database.read_own(plan.sql, *plan.parameters(variables, viewer))
        except LOST as error:
            raise Unavailable(str(error)) from error

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
    given = dict(given_in(arguments))
    named = {name: each.read for name, each in given.items() if name in stream.named}
    if stream.at_least_one and not named:
        raise BadInput(f"Give at least one of {', '.join(stream.named)}.")
    return Compiled(
        payload=_payload_plan(compiler, selected, get_named_type(field.type), stream, arguments),
        opening=_opening_plan(compiler, selected, field, stream),
        named=named,
        types=given["types"].read if "types" in given else None,
        after=arguments["after"].read,
        stream=stream,
    )


def _payload_plan(compiler: Compiler, selected: Selected, type_: Any, stream: Stream, arguments: Arguments) -> Plan:
    """The event by its id, if the viewer may see it and what the arguments name, and it is one of those asked for."""
    entity, event = entity_of(type_), compiler.name()
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
    """The types that are followed; None for all."""
    if compiled.types is None:
        return compiled.stream.types
    asked = frozenset(compiled.types(variables))
    if not asked:
        raise BadInput("Name at least one type, or leave the types out.")
    return asked if compiled.stream.types is None else asked & compiled.stream.types


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
    return base64.b64encode(orjson.dumps([order, *place])).decode()


def _too_slow(last: Place, stream: Stream) -> RequestError:
    told = {"code": "SUBSCRIBER_TOO_SLOW", "cursor": cursor_at(last, stream.order)}
    return RequestError([GraphQLError("You read too slowly; go on after the last event you have.", extensions=told)])


async def patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask until the database answers: it comes back, and a subscriber would rather wait than miss anything."""
    delay = 0.1
    while True:
        try:
            return await ask()
        except Unavailable:
            await asyncio.sleep(delay)
            delay = min(delay * 2, LONGEST_DELAY_SECONDS)
