"""The document cache: a query's text is parsed, checked and validated once, and its plans are kept beside it.

What is new is read in slices with a pause after each, so that a large document keeps nobody waiting for long.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, Generic, TypeVar, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLInputType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSyntaxError,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    parse,
    type_from_ast,
)
from graphql.execution.values import get_variable_values

from resolvers.coercion import Odd, coercer
from resolvers.cost import cost_of
from resolvers.limits import TOKENS_LIMIT, TooMuch, check_characters, check_document, check_parts, check_values
from resolvers.reading.mapping import Computed, reads_of
from resolvers.validation import ERRORS_LIMIT, Validation

V = TypeVar("V")

TOKENS_KEPT = 50_000
"""Of all documents in the cache together: 10 MB, and a full garbage collection in 20 ms."""
LEAST_TOKENS = 50
"""What any document counts for at least: its plans and its place weigh something too."""
PLANS_KEPT = 16
LONGEST_MESSAGE = 500


class Lru(Generic[V]):
    """The last values by key, as many as weigh no more than `most` together."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.weight = 0
        self.kept: OrderedDict[Hashable, tuple[V, int]] = OrderedDict()

    def get(self, key: Hashable) -> V | None:
        """The value, which is now the youngest."""
        found = self.kept.get(key)
        if found is None:
            return None
        self.kept.move_to_end(key)
        return found[0]

    def put(self, key: Hashable, value: V, weight: int = 1) -> V:
        """Keep a value, and drop the oldest beyond the weight."""
        self.weight += weight - self.kept.pop(key, (value, 0))[1]
        self.kept[key] = value, weight
        while self.weight > self.most:
            _, (_, freed) = self.kept.popitem(last=False)
            self.weight -= freed
        return value


class RequestError(Exception):
    """A request that is refused before it runs: its errors, and no data. `extensions` stand beside them."""

    def __init__(self, errors: Sequence[GraphQLError], extensions: dict[str, Any] | None = None) -> None:
        super().__init__(errors[0].message)
        self.errors = errors
        self.extensions = extensions


def refuse(code: str, message: str) -> RequestError:
    """One error with its code."""
    return RequestError([GraphQLError(message, extensions={"code": code})])


def refuse_all(code: str, errors: Sequence[GraphQLError]) -> RequestError:
    """Errors of one kind. They repeat what was sent, but not all of it."""
    for error in errors:
        error.extensions = {"code": code}
        error.original_error = None  # what a scalar raised about a value is what we mean to say, and no bug
        if len(error.message) > LONGEST_MESSAGE:
            error.message = error.message[:LONGEST_MESSAGE] + "…"
    return RequestError(errors)


class Document:
    """One operation of a valid document. Its nodes do not know where they stand: that would double their weight."""

    def __init__(self, schema: GraphQLSchema, text: str, operation_name: str | None, *, hints: bool = True) -> None:
        self.schema = schema
        self.text = text
        self.hints = hints
        ast = parse(text, no_location=True)
        self.operation = operation = pick(ast, operation_name)
        self.kind: OperationType = operation.operation
        self.root: GraphQLObjectType = schema.get_root_type(operation.operation)  # type: ignore[assignment]
        self.fragments = {node.name.value: node for node in ast.definitions if isinstance(node, FragmentDefinitionNode)}
        self.cost = cost_of(schema, operation, self.fragments)
        roots = [*self._fields(self.operation.selection_set)]
        self.asks_of_schema_only = all(node.name.value.startswith("__") for node in roots)
        self.lists_types = any(self._lists_types(node) for node in roots)
        self.computes = any(self._computes(node.name.value) for node in roots)
        self.plans: Lru[Any] = Lru(PLANS_KEPT)
        self.readers: dict[str, Any] = {}
        """How each root field's input is read, by response key."""
        self.variable_names = tuple(node.variable.name.value for node in operation.variable_definitions or ())
        self.coercers = [
            (
                node.variable.name.value,
                coercer(cast("GraphQLInputType", type_from_ast(schema, node.type))),
                node.default_value is not None,
            )
            for node in operation.variable_definitions or ()
        ]

    def _lists_types(self, root: FieldNode) -> bool:
        """Whether a root field describes every type: that takes as long as it may, and is done off the loop."""
        return root.name.value == "__schema" and any(
            node.name.value == "types" for node in self._fields(root.selection_set)
        )

    def _computes(self, root: str) -> bool:
        """Whether a root field is worked out by Python before it is read."""
        return not root.startswith("__") and isinstance(reads_of(self.root, root), Computed)

    def _fields(self, selection_set: SelectionSetNode | None) -> Iterator[FieldNode]:
        """The fields of a selection, those of its fragments among them."""
        spread: set[str] = set()
        ahead = [selection_set] if selection_set else []
        while ahead:
            for node in ahead.pop().selections:
                if isinstance(node, FieldNode):
                    yield node
                elif isinstance(node, InlineFragmentNode):
                    ahead.append(node.selection_set)
                elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
                    spread.add(node.name.value)
                    ahead.append(self.fragments[node.name.value].selection_set)

    @property
    def ast(self) -> DocumentNode:
        """The whole document, with every node's place: for errors that tell it. Made anew each time."""
        return parse(self.text)

    def coerce(self, given: dict[str, Any]) -> dict[str, Any]:
        """The variables as the schema wants them, or `RequestError`."""
        try:
            return self._coerced(given)
        except Odd:
            pass
        self.check_width(given)
        definitions = self.operation.variable_definitions or ()
        found = get_variable_values(self.schema, definitions, given, ERRORS_LIMIT, not self.hints)
        if isinstance(found, list):
            raise refuse_all("BAD_USER_INPUT", found)
        return found.coerced

    def check_width(self, given: dict[str, Any]) -> None:
        """Refuse variables that are too many for graphql-core to look at: it takes a hundred times as long as we do."""
        try:
            check_values(given)
        except TooMuch as error:
            raise refuse("BAD_USER_INPUT", str(error)) from None

    def _coerced(self, given: dict[str, Any]) -> dict[str, Any]:
        coerced = {}
        for name, coerce, has_default in self.coercers:
            if name in given:
                coerced[name] = coerce(given[name])
            elif has_default:
                raise Odd
            else:
                coerce(None)  # refused where it is required; left out where it is not
        return coerced


class Documents:
    """Documents by their text and the operation asked for."""

    def __init__(self, schema: GraphQLSchema, *, introspection: bool = True, hints: bool = True) -> None:
        self.schema = schema
        self.hints = hints
        self.validation = Validation(schema, introspection=introspection, hints=hints)
        self.kept: Lru[Document] = Lru(TOKENS_KEPT)

    def known(self, text: str, operation_name: str | None) -> Document | None:
        """The operation, if it was asked for before."""
        return self.kept.get((text, operation_name))

    async def get(self, text: str, operation_name: str | None) -> Document:
        """The operation, ready to run; `RequestError` when it cannot."""
        return self.known(text, operation_name) or await self._read(text, operation_name)

    async def _read(self, text: str, operation_name: str | None) -> Document:
        """Two callers at once may both do this."""
        ast = _parsed(text)
        await asyncio.sleep(0)
        _check(check_document, ast)
        pick(ast, operation_name)
        await asyncio.sleep(0)
        tokens = _tokens(ast)
        errors = await self.validation.errors(ast, tokens)
        if errors:
            raise refuse_all("GRAPHQL_VALIDATION_FAILED", errors)
        await asyncio.sleep(0)
        document = Document(self.schema, text, operation_name, hints=self.hints)
        _check(check_parts, self.schema, document.operation, document.fragments)
        if document.lists_types and not document.asks_of_schema_only:
            raise refuse("GRAPHQL_VALIDATION_FAILED", "All types are listed by an operation that asks for no data.")
        await asyncio.sleep(0)
        return self.kept.put((text, operation_name), document, max(tokens, LEAST_TOKENS))


def _parsed(text: str) -> DocumentNode:
    _check(check_characters, text)
    try:
        return parse(text, max_tokens=TOKENS_LIMIT)
    except GraphQLSyntaxError as error:
        raise refuse_all("GRAPHQL_PARSE_FAILED", [error]) from None


def _check(check: Callable[..., None], *what: Any) -> None:
    try:
        check(*what)
    except TooMuch as error:
        raise refuse("GRAPHQL_VALIDATION_FAILED", str(error)) from None


def _tokens(ast: DocumentNode) -> int:
    token = ast.loc.start_token if ast.loc else None
    found = 0
    while token is not None:
        found, token = found + 1, token.next
    return found


def pick(ast: DocumentNode, operation_name: str | None) -> OperationDefinitionNode:
    """The operation to run."""
    operations = [node for node in ast.definitions if isinstance(node, OperationDefinitionNode)]
    if operation_name is not None:
        operations = [node for node in operations if node.name and node.name.value == operation_name]
    if len(operations) != 1:
        asked = f"No operation is named {operation_name}." if operation_name else "Name one of the operations."
        raise refuse(
            "OPERATION_RESOLUTION_FAILURE", asked if operations or operation_name else "There is no operation."
        )
    return operations[0]
