"""Subscriptions: join the feed, replay what came after the caller's cursor, go on live. Each event once, in order.

The payload is compiled once, like a query, and read anew at every event, so it is never older than the event; who may
see it stands in the statement, so a right that is lost is lost from the next event on.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from graphql import GraphQLError, OperationType, get_named_type
from sqlalchemy import BigInteger, Integer, Uuid

from domain import ids
from domain.store import log
from domain.store.log import News, Place, Topic
from domain.viewer import Viewer
from resolvers.database import Unavailable
from resolvers.documents import Document, RequestError, refuse
from resolvers.engine import Engine, Request, envelope
from resolvers.feed import Feed
from resolvers.followers import FellBehind, Follower
from resolvers.holding import LOST
from resolvers.reading.arguments import Arguments, BadInput, Read, Variables, shape
from resolvers.reading.compiler import Compiler, NotCompiled, Selected
from resolvers.reading.cursors import expired, pack, unpack
from resolvers.reading.mapping import entity_of
from resolvers.reading.plans import Plan, plan
from resolvers.reading.scans import scan
from resolvers.reading.templates import Seat, place_of
from resolvers.reading.texts import exists, json_object, subselect
from resolvers.streams import Stream, stream_of

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
    """Null where the viewer may not see the event."""
    visible: Plan
    """Whether the viewer may see the subject."""
    subject: Read
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
        subject = ids.decode(compiled.stream.typename, compiled.subject(variables))
        compiled.payload.parameters({**variables, THE_EVENT: 0}, viewer)  # refuses what makes no sense before it begins
        if subject is None or not await self._read(compiled.visible, variables, viewer):
            raise refuse("NOT_FOUND", f"There is no such {compiled.stream.typename}, or you may not see it.")
        if after is not None and after > await self._ask(log.head) and after > await self._head_in_this_cluster():
            raise BadInput("This cursor is ahead of the log.")
        with self.feed.follow([(compiled.stream.column, subject)]) as follower:
            async with aclosing(self._news(follower, subject, after, compiled.stream)) as news:
                async for each in news:
                    answer = await self._payload(compiled, each, variables, viewer)
                    if answer is not None:
                        yield answer

    # -- what is new -----------------------------------------------------------------------------------------------

    async def _news(
        self, follower: Follower, subject: UUID, after: Place | None, stream: Stream
    ) -> AsyncGenerator[News, None]:
        """First what the log has after the cursor, then what the feed says; what both tell is told once."""
        last = after or follower.since
        if after is not None:
            async with aclosing(self._replay(follower, (stream.column, subject), after)) as replayed:
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
                yield news

    async def _replay(self, follower: Follower, topic: Topic, last: Place) -> AsyncGenerator[News, None]:
        """All that the log has; more than once around if the feed told more meanwhile than there was room for."""
        while True:
            page = await patiently(partial(self._ask, log.news_of_one_after, topic, last, PAGE))
            for news in page:
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
    arguments = Arguments(compiler.binder, selected.nodes[0], field, compiler.variables)
    return Compiled(
        payload=_payload_plan(compiler, selected, get_named_type(field.type), stream),
        visible=_visible_plan(compiler, document, selected, stream),
        subject=arguments[stream.argument].read,
        after=arguments["after"].read,
        stream=stream,
    )


def _payload_plan(compiler: Compiler, selected: Selected, type_: Any, stream: Stream) -> Plan:
    """The event by its id, if the viewer may see it and its subject."""
    entity, event, subject = entity_of(type_), compiler.name(), compiler.name()
    built = json_object([(selected.key, compiler.object(type_, selected.selections(), Seat(place_of(entity), event)))])
    one = f"{event}.id = {compiler.parameter(lambda variables: variables[THE_EVENT], BigInteger())}"
    named = [f"{subject}.id = {event}.{stream.column}", *compiler.visible(stream.entity, subject)]
    seen = exists(scan(stream.entity, subject, named))
    found = scan(entity, event, [one, *compiler.visible(entity, event), seen])
    return plan(compiler.binder, subselect(built, found))


def _visible_plan(compiler: Compiler, document: Document, selected: Selected, stream: Stream) -> Plan:
    """Whether the subject exists for the viewer."""
    asked = Compiler(compiler.schema, compiler.fragments, compiler.variables, compiler.viewer)
    field = document.root.fields[selected.name]
    given = Arguments(asked.binder, selected.nodes[0], field, asked.variables)[stream.argument]
    key = asked.parameter(given.read, Uuid(), lambda id_: ids.decode(stream.typename, id_))
    subject = asked.name()
    found = scan(stream.entity, subject, [f"{subject}.id = {key}", *asked.visible(stream.entity, subject)])
    return plan(asked.binder, exists(found))


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
