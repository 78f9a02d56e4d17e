"""The engine: one request in, the bytes of its answer out.

Queries run as their compiled plan; what does not compile, or holds a value that makes no sense, runs on the ordinary
executor, which finds the right words and paths for errors.
"""

import asyncio
from dataclasses import dataclass
from typing import Any, NamedTuple

import asyncpg
import orjson
import structlog
from graphql import ExecutionResult, GraphQLError, GraphQLSchema, OperationType, execute, get_named_type

from domain.ids import new_id
from domain.refusals import NotFound
from domain.store.log import CursorExpired
from domain.store.wal import Mark
from domain.viewer import Viewer
from resolvers.computing import REFUSED, Gone, computed
from resolvers.consistency import token_of
from resolvers.cost import LIMITS
from resolvers.documents import Document, Documents, Lru, RequestError, refuse
from resolvers.mutating import SUBJECTS, VALUES, input_of, payload, reads_rows, values_of, verb_of, without_rows
from resolvers.reading import ordinary
from resolvers.reading.arguments import BadInput, shape
from resolvers.reading.compiler import Compiler, NotCompiled, Selected
from resolvers.reading.cursors import expired
from resolvers.reading.plans import Plan, compile_selection, plan
from resolvers.trusted import Texts
from resolvers.writing import Outcome, World, perform

log = structlog.get_logger()

SCHEMA_BYTES_KEPT = 2_000_000
"""Of answers about the schema: tools ask one or two questions, each answered in 300 KB."""

FALLBACK = object()
"""Stands in a document's plans for a shape that the compiler leaves to the ordinary executor."""


class Request(NamedTuple):
    """What a client sends: a document, or what names one (its SHA-256, the id of a trusted document), or both.

    One is made for every request, and a tuple takes a quarter of the time that a frozen dataclass does.
    """

    query: str | None
    operation_name: str | None = None
    variables: dict[str, Any] | None = None
    sha256: str | None = None
    document_id: str | None = None
    after: Mark | None = None
    """What a query has to see."""


@dataclass(slots=True)
class Counts:
    """How requests were answered since the start."""

    compiled: int = 0
    ordinary: int = 0


class Engine:
    """Answers GraphQL requests over a schema and a database."""

    def __init__(
        self,
        schema: GraphQLSchema,
        world: World,
        *,
        texts: Texts | None = None,
        introspection: bool = True,
        frank: bool = True,
    ) -> None:
        """`frank`: whether callers are told what misspelled names may have meant, and what a bug said."""
        self.schema = schema
        self.world = world
        self.database = world.database
        self.texts = texts or Texts()
        self.documents = Documents(schema, introspection=introspection, hints=frank)
        self.schema_answers: Lru[bytes] = Lru(SCHEMA_BYTES_KEPT)
        self.frank = frank
        self.counts = Counts()

    async def answer(
        self,
        request: Request,
        viewer: Viewer,
        *,
        may_mutate: bool = True,
        marks: list[Mark] | None = None,
        gone: Gone | None = None,
    ) -> bytes:
        """The answer's body; `RequestError` when the request was refused before it ran.

        `marks` is given what later reads have to see, where there are replicas. What takes long to work out is called off
        once the caller is `gone`.
        """
        document = self.documents.known(self.texts.text_of(request), request.operation_name)
        if document is None or request.sha256 is not None:
            document = await self.document(request)
        given = request.variables or {}
        variables = document.coerce(given)
        cost = self.charge(document, variables, viewer)
        if document.kind is OperationType.QUERY:
            if document.computes:
                variables = await computed(document, variables, viewer, self.world, gone)
            return await self.read(document, given, variables, viewer, cost, request.after)
        if document.kind is OperationType.MUTATION:
            if not may_mutate:
                raise refuse("BAD_REQUEST", "Mutations are sent by POST.")
            return await self.mutate(document, variables, viewer, cost, [] if marks is None else marks)
        raise refuse("BAD_REQUEST", "Subscriptions run over WebSocket or server-sent events.")

    async def document(self, request: Request) -> Document:
        """The operation that is asked for; `RequestError` when it cannot run."""
        text = self.texts.text_of(request)
        document = await self.documents.get(text, request.operation_name)
        if request.sha256 is not None:
            self.texts.persist(request.sha256, text)
        return document

    # -- what it costs ---------------------------------------------------------------------------------------------

    def charge(self, document: Document, variables: dict[str, Any], viewer: Viewer) -> bytes:
        """The extension that tells the cost; `RequestError` when it is more than the viewer may ask for."""
        requested, limit = document.cost.of(variables), LIMITS[viewer.role]
        if requested > limit:
            told = {"cost": {"requested": requested, "limit": limit}}
            message = f"This costs {requested}; you may ask for {limit} at once."
            error = GraphQLError(message, extensions={"code": "COST_LIMIT_EXCEEDED", **told})
            raise RequestError([error], told)
        return b'"cost":{"requested":%d,"limit":%d}' % (requested, limit)

    # -- queries ---------------------------------------------------------------------------------------------------

    async def read(
        self,
        document: Document,
        given: dict[str, Any],
        variables: dict[str, Any],
        viewer: Viewer,
        cost: bytes = b"",
        after: Mark | None = None,
    ) -> bytes:
        """A query's answer: the compiled statement's JSON, as PostgreSQL built it."""
        if document.computes:
            variables = await computed(document, variables, viewer, self.world, None)
        found = self.plan(document, variables, viewer)
        if found is not None:
            try:
                parameters = found.parameters(variables, viewer)
            except BadInput:
                return await self.read_ordinarily(document, given, variables, viewer, cost, after)
            self.counts.compiled += 1
            try:
                data = await self.database.read(found.sql, *parameters, after=after)
                return envelope(data, cost, [told(error) for error in variables.get(REFUSED, ())])
            except asyncpg.NoDataFoundError:  # archived, or never there: the ordinary executor says where it was asked
                pass
        if document.asks_of_schema_only:
            return await self.read_schema(document, given, cost)
        return await self.read_ordinarily(document, given, variables, viewer, cost, after)

    def plan(self, document: Document, variables: dict[str, Any], viewer: Viewer) -> Plan | None:
        """The plan for this shape of viewer and variables; None when it does not compile."""
        key = (viewer.role, viewer.scopes, *[shape(variables.get(name)) for name in document.variable_names])
        found = document.plans.get(key)
        if found is None:
            found = document.plans.put(key, self._compile(document, variables, viewer))
        return None if found is FALLBACK else found

    def _compile(self, document: Document, variables: dict[str, Any], viewer: Viewer) -> Any:
        selections = document.operation.selection_set.selections
        try:
            return compile_selection(self.schema, document.fragments, document.root, selections, variables, viewer)
        except (NotCompiled, BadInput):
            return FALLBACK

    async def read_ordinarily(
        self,
        document: Document,
        given: dict[str, Any],
        variables: dict[str, Any],
        viewer: Viewer,
        cost: bytes = b"",
        after: Mark | None = None,
    ) -> bytes:
        """A query's answer by the ordinary executor."""
        self.counts.ordinary += 1
        document.check_width(given)
        if document.computes:
            variables = await computed(document, variables, viewer, self.world, None)
        await asyncio.sleep(0)
        result = await self.database.ask_any(
            lambda connection: ordinary.answer(document, connection, given, variables, viewer), after
        )
        errors = [told(error, frank=self.frank) for error in (*variables.get(REFUSED, ()), *(result.errors or ()))]
        return envelope(orjson.dumps(result.data), cost, errors)

    async def read_schema(self, document: Document, given: dict[str, Any], cost: bytes) -> bytes:
        """The schema's description of itself: worked out once, off the loop, and without a connection."""
        name = document.operation.name.value if document.operation.name else None
        given = {each: given[each] for each in document.variable_names if each in given}
        key = (document.text, name, orjson.dumps(given))
        found = self.schema_answers.get(key)
        if found is None:
            result = await asyncio.to_thread(self._describe, document, given, name)
            found, errors = orjson.dumps(result.data), [told(error) for error in result.errors or ()]
            if errors:
                return envelope(found, cost, errors)
            self.schema_answers.put(key, found, len(found))
        return envelope(found, cost)

    def _describe(self, document: Document, given: dict[str, Any], name: str | None) -> ExecutionResult:
        hidden = not document.hints
        result = execute(self.schema, document.ast, variable_values=given, operation_name=name, hide_suggestions=hidden)
        assert isinstance(result, ExecutionResult), "nothing in a schema waits"
        return result

    # -- mutations -------------------------------------------------------------------------------------------------

    async def mutate(
        self, document: Document, variables: dict[str, Any], viewer: Viewer, cost: bytes, marks: list[Mark]
    ) -> bytes:
        """A mutation's answer: its root fields one after the other, each its own transaction, each read anew."""
        compiler = Compiler(self.schema, document.fragments, variables, viewer)
        wanted = compiler.collect(document.root, document.operation.selection_set.selections)
        plans = [self._checked_payload(document, each, variables, viewer) for each in wanted]
        answers = [
            (each.key, await self._perform(document, each, found, variables, viewer, marks))
            for each, found in zip(wanted, plans, strict=True)
        ]
        data = b"{" + b",".join(orjson.dumps(key) + b":" + answer for key, answer in answers) + b"}"
        return envelope(data, cost + consistency(marks))

    async def _perform(
        self,
        document: Document,
        selected: Selected,
        found: Plan | None,
        variables: dict[str, Any],
        viewer: Viewer,
        marks: list[Mark],
    ) -> bytes:
        if selected.name == "__typename":
            return orjson.dumps(document.root.name)
        verb = verb_of(document.root, selected.name)
        input_, given = input_of(document, selected, variables)
        outcome = await perform(self.world, verb, input_, given, viewer)
        answer, mark = await self._payload(document, selected, found, variables, viewer, outcome)
        if mark is not None:
            marks.append(mark)
        return answer

    def _checked_payload(
        self, document: Document, selected: Selected, variables: dict[str, Any], viewer: Viewer
    ) -> Plan | None:
        """The payload's plan. A selection that makes no sense is refused now: once it is done, nobody could be told."""
        if selected.name == "__typename":
            return None
        try:
            found = self._payload_plan(document, selected, variables, viewer)
            if found is not None:
                found.parameters({**variables, SUBJECTS: {}, VALUES: {}}, viewer)
        except BadInput as error:
            raise RequestError([error]) from None
        return found

    def _payload_plan(
        self, document: Document, selected: Selected, variables: dict[str, Any], viewer: Viewer
    ) -> Plan | None:
        """How a payload is read; None where nothing of it has to be."""
        key = (
            selected.key,
            viewer.role,
            viewer.scopes,
            *[shape(variables.get(name)) for name in document.variable_names],
        )
        found = document.plans.get(key)
        if found is None:
            compiler = Compiler(self.schema, document.fragments, variables, viewer)
            type_ = get_named_type(document.root.fields[selected.name].type)
            reads = reads_rows(compiler, type_, selected)
            made = plan(compiler.binder, payload(compiler, type_, selected)) if reads else FALLBACK
            found = document.plans.put(key, made)
        return None if found is FALLBACK else found

    async def _payload(
        self,
        document: Document,
        selected: Selected,
        found: Plan | None,
        variables: dict[str, Any],
        viewer: Viewer,
        outcome: Outcome,
    ) -> tuple[bytes, Mark | None]:
        compiler = Compiler(self.schema, document.fragments, variables, viewer)
        type_ = get_named_type(document.root.fields[selected.name].type)
        if not outcome.subjects or found is None:
            return orjson.dumps(without_rows(compiler, type_, selected, outcome)), await self.database.mark()
        values = values_of(compiler, type_, selected, outcome)
        filled = {**variables, SUBJECTS: outcome.subjects, VALUES: values}
        return await self.database.read_marked(found.sql, *found.parameters(filled, viewer))


def consistency(marks: list[Mark]) -> bytes:
    """The extension that tells a mutation's token; nothing without replicas."""
    return b',"consistencyToken":"%b"' % token_of(max(marks)).encode() if marks else b""


def envelope(data: bytes, extensions: bytes, errors: list[dict[str, Any]] | None = None) -> bytes:
    """An answer out of its parts, which are JSON already: `extensions` as members of an object, without its braces."""
    if errors:
        data += b',"errors":' + orjson.dumps(errors)
    return b'{"data":' + data + b',"extensions":{' + extensions + b"}}"


def told(error: GraphQLError, *, frank: bool = False) -> dict[str, Any]:
    """An error as the client sees it: what we meant to say as it is, anything else under an id."""
    if isinstance(error.original_error, asyncpg.NoDataFoundError):
        return {**error.formatted, **_missing(error.original_error).formatted}
    if error.original_error is None or isinstance(error.original_error, GraphQLError):
        meant = error.original_error or error
        code = (meant.extensions or {}).get("code", "BAD_USER_INPUT")
        return {**error.formatted, "extensions": {**(error.extensions or {}), "code": code}}
    return {**error.formatted, **unexpected(error.original_error, frank=frank)}


def _missing(error: asyncpg.NoDataFoundError) -> GraphQLError:
    """What a statement asked for and there is not: a channel, or what came after a cursor."""
    if error.table_name == "channels":  # `known_channel` raised it
        refusal = NotFound("Channel", str(error.detail))
        return GraphQLError(refusal.message, extensions={"code": refusal.code, "noun": refusal.noun, "id": refusal.id})
    return expired(CursorExpired.of(error))


def unexpected(error: BaseException, *, frank: bool = False) -> dict[str, Any]:
    """What we did not foresee: the log has it under an id, and a client gets the id; a frank answer says what it was."""
    id_ = str(new_id())
    log.error("unexpected", error_id=id_, exc_info=error)
    message = f"{type(error).__name__}: {error}" if frank else "Something went wrong on our side."
    return {"message": message, "extensions": {"code": "INTERNAL_SERVER_ERROR", "errorId": id_}}
