"""The engine: one request in, the bytes of its answer out.

Queries run as their compiled plan; what does not compile, or holds a value that makes no sense, runs on the ordinary
executor, which finds the right words and paths for errors.
"""

from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from graphql import GraphQLError, GraphQLSchema, OperationType, get_named_type

from domain.ids import new_id
from domain.store.wal import Mark
from domain.viewer import Viewer
from resolvers.consistency import token_of
from resolvers.documents import Document, Documents, refuse
from resolvers.mutating import SUBJECTS, VALUES, input_of, payload, reads_rows, values_of, verb_of, without_rows
from resolvers.reading import ordinary
from resolvers.reading.arguments import BadInput, shape
from resolvers.reading.compiler import Compiler, NotCompiled, Selected
from resolvers.reading.plans import Plan, compile_selection, plan
from resolvers.writing import Outcome, World, perform

log = structlog.get_logger()

FALLBACK = object()
"""Stands in a document's plans for a shape that the compiler leaves to the ordinary executor."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a client sends."""

    query: str
    operation_name: str | None = None
    variables: dict[str, Any] | None = None
    after: Mark | None = None
    """What a query has to see."""


@dataclass(slots=True)
class Counts:
    """How requests were answered since the start."""

    compiled: int = 0
    ordinary: int = 0


class Engine:
    """Answers GraphQL requests over a schema and a database."""

    def __init__(self, schema: GraphQLSchema, world: World) -> None:
        self.schema = schema
        self.world = world
        self.database = world.database
        self.documents = Documents(schema)
        self.counts = Counts()

    async def answer(
        self, request: Request, viewer: Viewer, *, may_mutate: bool = True, marks: list[Mark] | None = None
    ) -> bytes:
        """The answer's body; `RequestError` when the request was refused before it ran.

        `marks` is given what later reads have to see, where there are replicas.
        """
        document = self.documents.get(request.query, request.operation_name)
        given = request.variables or {}
        variables = document.coerce(given)
        if document.kind is OperationType.QUERY:
            return await self.read(document, given, variables, viewer, request.after)
        if document.kind is OperationType.MUTATION:
            if not may_mutate:
                raise refuse("BAD_REQUEST", "Mutations are sent by POST.")
            return await self.mutate(document, variables, viewer, [] if marks is None else marks)
        raise refuse("BAD_REQUEST", "Subscriptions run over WebSocket or server-sent events.")

    # -- queries ---------------------------------------------------------------------------------------------------

    async def read(
        self,
        document: Document,
        given: dict[str, Any],
        variables: dict[str, Any],
        viewer: Viewer,
        after: Mark | None = None,
    ) -> bytes:
        """A query's answer: the compiled statement's JSON, as PostgreSQL built it."""
        found = self.plan(document, variables, viewer)
        if found is not None:
            try:
                parameters = found.parameters(variables, viewer)
            except BadInput:
                return await self.read_ordinarily(document, given, variables, viewer, after)
            self.counts.compiled += 1
            return b'{"data":' + await self.database.read(found.sql, *parameters, after=after) + b"}"
        return await self.read_ordinarily(document, given, variables, viewer, after)

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
        after: Mark | None = None,
    ) -> bytes:
        """A query's answer by the ordinary executor."""
        self.counts.ordinary += 1
        result = await self.database.ask_any(
            lambda connection: ordinary.answer(document, connection, given, variables, viewer), after
        )
        body: dict[str, Any] = {"data": result.data}
        if result.errors:
            body["errors"] = [told(error) for error in result.errors]
        return orjson.dumps(body)

    # -- mutations -------------------------------------------------------------------------------------------------

    async def mutate(self, document: Document, variables: dict[str, Any], viewer: Viewer, marks: list[Mark]) -> bytes:
        """A mutation's answer: its root fields one after the other, each its own transaction, each read anew."""
        compiler = Compiler(self.schema, document.fragments, variables, viewer)
        wanted = compiler.collect(document.root, document.operation.selection_set.selections)
        answers = [(each.key, await self._perform(document, each, variables, viewer, marks)) for each in wanted]
        data = b",".join(orjson.dumps(key) + b":" + answer for key, answer in answers)
        return b'{"data":{' + data + b"}" + consistency(marks) + b"}"

    async def _perform(
        self, document: Document, selected: Selected, variables: dict[str, Any], viewer: Viewer, marks: list[Mark]
    ) -> bytes:
        if selected.name == "__typename":
            return orjson.dumps(document.root.name)
        verb = verb_of(document.root, selected.name)
        input_, given = input_of(document, selected, variables)
        outcome = await perform(self.world, verb, input_, given, viewer)
        answer, mark = await self._payload(document, selected, variables, viewer, outcome)
        if mark is not None:
            marks.append(mark)
        return answer

    async def _payload(
        self, document: Document, selected: Selected, variables: dict[str, Any], viewer: Viewer, outcome: Outcome
    ) -> tuple[bytes, Mark | None]:
        compiler = Compiler(self.schema, document.fragments, variables, viewer)
        type_ = get_named_type(document.root.fields[selected.name].type)
        if not outcome.subjects or not reads_rows(compiler, type_, selected):
            return orjson.dumps(without_rows(compiler, type_, selected, outcome)), await self.database.mark()
        key = (
            selected.key,
            viewer.role,
            viewer.scopes,
            *[shape(variables.get(name)) for name in document.variable_names],
        )
        found = document.plans.get(key)
        if found is None:
            found = document.plans.put(key, plan(compiler.binder, payload(compiler, type_, selected)))
        values = values_of(compiler, type_, selected, outcome)
        filled = {**variables, SUBJECTS: outcome.subjects, VALUES: values}
        return await self.database.read_marked(found.sql, *found.parameters(filled, viewer))


def consistency(marks: list[Mark]) -> bytes:
    """A mutation's token as the answer's `extensions`; nothing without replicas."""
    return b',"extensions":{"consistencyToken":"%b"}' % token_of(max(marks)).encode() if marks else b""


def told(error: GraphQLError) -> dict[str, Any]:
    """An error as the client sees it: what we meant to say as it is, anything else masked under an id."""
    if error.original_error is None or isinstance(error.original_error, GraphQLError):
        meant = error.original_error or error
        code = (meant.extensions or {}).get("code", "BAD_USER_INPUT")
        return {**error.formatted, "extensions": {**(error.extensions or {}), "code": code}}
    id_ = str(new_id())
    log.error("unexpected", error_id=id_, exc_info=error.original_error)
    extensions = {"code": "INTERNAL_SERVER_ERROR", "errorId": id_}
    return {**error.formatted, "message": "Something went wrong on our side.", "extensions": extensions}
