"""The document cache: a query's text is parsed, checked and validated once, and its plans are kept beside it."""

from collections import OrderedDict
from collections.abc import Hashable
from math import isfinite
from typing import Any, Generic, TypeVar, cast

from graphql import (
    DocumentNode,
    FloatValueNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLInputType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    Visitor,
    parse,
    type_from_ast,
    validate,
    visit,
)
from graphql.execution.values import get_variable_values

from resolvers.coercion import Odd, coercer

V = TypeVar("V")

TOKENS_LIMIT = 4_000
DEPTH_LIMIT = 20
FIELDS_LIMIT = 2_000
"""Fields of an operation with every fragment spread out: more than any screen asks for."""
DOCUMENTS_KEPT = 1_000
PLANS_KEPT = 50


class Lru(Generic[V]):
    """The last `size` values, by key."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.kept: OrderedDict[Hashable, V] = OrderedDict()

    def get(self, key: Hashable) -> V | None:
        """The value, which is now the youngest."""
        value = self.kept.get(key)
        if value is not None:
            self.kept.move_to_end(key)
        return value

    def put(self, key: Hashable, value: V) -> V:
        """Keep a value, and drop the oldest beyond the size."""
        self.kept[key] = value
        if len(self.kept) > self.size:
            self.kept.popitem(last=False)
        return value


class RequestError(Exception):
    """A request that is refused before it runs: its errors, and no data."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__(errors[0].message)
        self.errors = errors


def refuse(code: str, message: str) -> RequestError:
    """One error with its code."""
    return RequestError([GraphQLError(message, extensions={"code": code})])


class Document:
    """One operation of a valid document."""

    def __init__(self, schema: GraphQLSchema, ast: DocumentNode, operation: OperationDefinitionNode) -> None:
        self.schema = schema
        self.ast = ast
        self.operation = operation
        self.kind: OperationType = operation.operation
        self.root: GraphQLObjectType = schema.get_root_type(operation.operation)  # type: ignore[assignment]
        self.fragments = {node.name.value: node for node in ast.definitions if isinstance(node, FragmentDefinitionNode)}
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

    def coerce(self, given: dict[str, Any]) -> dict[str, Any]:
        """The variables as the schema wants them, or `RequestError`."""
        try:
            return self._coerced(given)
        except Odd:
            pass
        found = get_variable_values(self.schema, self.operation.variable_definitions or (), given, max_errors=20)
        if isinstance(found, list):
            for error in found:
                error.extensions = {"code": "BAD_USER_INPUT"}
            raise RequestError(found)
        return found.coerced

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

    def __init__(self, schema: GraphQLSchema) -> None:
        self.schema = schema
        self.kept: Lru[Document] = Lru(DOCUMENTS_KEPT)

    def get(self, text: str, operation_name: str | None) -> Document:
        """The operation, ready to run; `RequestError` when it cannot."""
        key = (text, operation_name)
        found = self.kept.get(key)
        if found is None:
            try:
                found = self.kept.put(key, self._read(text, operation_name))
            except RecursionError:
                raise refuse("GRAPHQL_PARSE_FAILED", "The document is nested too deeply.") from None
        return found

    def _read(self, text: str, operation_name: str | None) -> Document:
        ast = self._parse(text)
        operation = pick(ast, operation_name)
        limit(ast)
        errors = validate(self.schema, ast, max_errors=20)
        errors = errors or endless(ast)
        if errors:
            for error in errors:
                error.extensions = {"code": "GRAPHQL_VALIDATION_FAILED"}
            raise RequestError(errors)
        return Document(self.schema, ast, operation)

    def _parse(self, text: str) -> DocumentNode:
        try:
            return parse(text, max_tokens=TOKENS_LIMIT)
        except GraphQLSyntaxError as error:
            error.extensions = {"code": "GRAPHQL_PARSE_FAILED"}
            raise RequestError([error]) from None


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


def endless(ast: DocumentNode) -> list[GraphQLError]:
    """Numbers such as 1e400, which no float can hold: validation lets them pass and coercion then finds no value."""
    found: list[GraphQLError] = []

    class Endless(Visitor):
        def enter_float_value(self, node: FloatValueNode, *_: Any) -> None:
            if not isfinite(float(node.value)):
                found.append(GraphQLError(f"Float cannot represent {node.value}.", node))

    visit(ast, Endless())
    return found


def limit(ast: DocumentNode) -> None:
    """Refuse what nests too deeply or spreads out too far.

    Every fragment is measured once, so this is linear in the document, although what it stands for may not be.
    """
    fragments = {node.name.value: node for node in ast.definitions if isinstance(node, FragmentDefinitionNode)}
    measured: dict[str, tuple[int, int]] = {}

    def measure(node: Any) -> tuple[int, int]:
        """(how deep, how many fields)."""
        if node.kind == "fragment_spread":
            name = node.name.value
            if name not in measured:
                measured[name] = 0, 0  # a cycle adds nothing; validation refuses it
                if name in fragments:
                    measured[name] = measure(fragments[name])
            return measured[name]
        inner = [measure(child) for child in node.selection_set.selections] if node.selection_set else []
        own = 1 if node.kind == "field" else 0
        return max((depth for depth, _ in inner), default=0) + own, sum(size for _, size in inner) + own

    for node in ast.definitions:
        if hasattr(node, "selection_set"):
            deep, many = measure(node)
            if deep > DEPTH_LIMIT:
                raise refuse(
                    "GRAPHQL_VALIDATION_FAILED", f"Fields may nest {DEPTH_LIMIT} deep; these nest {deep} deep."
                )
            if many > FIELDS_LIMIT:
                raise refuse("GRAPHQL_VALIDATION_FAILED", f"At most {FIELDS_LIMIT} fields; these are {many}.")
