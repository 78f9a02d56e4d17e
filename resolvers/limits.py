"""What a document may hold. Each limit is checked before the step that it protects.

The numbers are measured (`python -m benchmarks.hostile`): with them no step takes more than 50 ms. They leave room for
ten times what any screen asks for.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    get_named_type,
    is_abstract_type,
)

CHARACTERS_LIMIT = 50_000
"""The lexer looks at every character of a comment or a string: this many take it 10 ms."""
TOKENS_LIMIT = 4_000
DEPTH_LIMIT = 20
LEVELS_LIMIT = 50
"""Like the depth, but inline fragments and spreads count too: whoever walks a document does so by recursion."""
FIELDS_LIMIT = 2_000
"""Fields of all operations with every fragment spread out."""
PARTS_LIMIT = 2_000
"""Fields as the compiler builds them: a field of an interface stands for one in each of its types."""
VALUES_LIMIT = 5_000
"""Values inside `variables`, where any of them is not plainly right: graphql-core then explains each."""

LIMITS = {
    "operations": 20,
    "fragments": 200,
    "fragment spreads": 500,
    "inline fragments": 200,
    "variables": 200,
    "directives": 200,
    "aliases": 500,
    "questions about the schema": 3,
}
"""How many of each a document may hold."""


class TooMuch(Exception):
    """A limit is exceeded; the message says which, and by how much."""


class Extent(NamedTuple):
    """How far a selection reaches."""

    depth: int
    levels: int
    fields: int


NOTHING = Extent(0, 0, 0)


def check_characters(text: str) -> None:
    """Refuse a document that is too long to read."""
    _refuse_beyond(CHARACTERS_LIMIT, len(text), "characters")


def check_document(ast: DocumentNode) -> None:
    """Refuse what holds too much of anything, nests too deeply or spreads out too far.

    Every fragment is measured once, so this is linear in the document, although what it stands for may not be.
    """
    measure = Measure(ast)
    reach = [measure.definition(node) for node in ast.definitions if isinstance(node, OperationDefinitionNode)]
    for name in measure.fragments:
        measure.fragment(name, 0)
    for what, most in LIMITS.items():
        _refuse_beyond(most, measure.counts[what], what)
    deepest = max((each.depth for each in reach), default=0)
    if deepest > DEPTH_LIMIT:
        raise TooMuch(f"Fields may nest {DEPTH_LIMIT} deep; these nest {deepest} deep.")
    _refuse_levels(max((each.levels for each in reach), default=0))
    _refuse_beyond(FIELDS_LIMIT, sum(each.fields for each in reach), "fields")


def check_parts(
    schema: GraphQLSchema, operation: OperationDefinitionNode, fragments: dict[str, FragmentDefinitionNode]
) -> None:
    """Refuse an operation of a valid document that stands for too much once interfaces are spread out too."""
    root: Any = schema.get_root_type(operation.operation)
    found = Parts(schema, fragments).selections(root, operation.selection_set.selections)
    if found > PARTS_LIMIT:
        raise TooMuch(
            f"A document may have {PARTS_LIMIT} fields, counted in every type of an interface; this one has {found}."
        )


def check_values(variables: Any) -> None:
    """Refuse variables that hold more values than can be explained in time."""
    found, ahead = 0, [variables]
    while ahead:
        value = ahead.pop()
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        found += len(inner)
        if found > VALUES_LIMIT:
            raise TooMuch(f"Variables that are not plainly right may hold {VALUES_LIMIT} values; these hold more.")
        ahead.extend(inner)


class Measure:
    """One walk over a document: counts what there is, and how far each definition reaches."""

    def __init__(self, ast: DocumentNode) -> None:
        self.fragments = {node.name.value: node for node in ast.definitions if isinstance(node, FragmentDefinitionNode)}
        self.measured: dict[str, Extent] = {}
        self.counts: Counter[str] = Counter()
        for node in ast.definitions:
            self.counts["operations"] += isinstance(node, OperationDefinitionNode)
            self.counts["fragments"] += isinstance(node, FragmentDefinitionNode)

    def definition(self, node: OperationDefinitionNode | FragmentDefinitionNode, level: int = 0) -> Extent:
        """How far an operation or a fragment reaches."""
        self.counts["directives"] += len(node.directives or ())
        for variable in node.variable_definitions or ():
            self.counts["variables"] += 1
            self.counts["directives"] += len(variable.directives or ())
        return self._selections(node, level)

    def fragment(self, name: str, level: int) -> Extent:
        """How far a fragment reaches. A cycle adds nothing: validation refuses it."""
        if name not in self.measured:
            self.measured[name] = NOTHING
            if name in self.fragments:
                self.measured[name] = self.definition(self.fragments[name], level)
        return self.measured[name]

    def _selections(self, node: Any, level: int) -> Extent:
        if level > LEVELS_LIMIT:
            _refuse_levels(level)
        depth = levels = fields = 0
        for each in node.selection_set.selections if node.selection_set else ():
            self.counts["directives"] += len(each.directives or ())
            inner = self._selection(each, level + 1)
            depth, levels, fields = max(depth, inner.depth), max(levels, inner.levels + 1), fields + inner.fields
        return Extent(depth, levels, fields)

    def _selection(self, node: Any, level: int) -> Extent:
        if isinstance(node, FragmentSpreadNode):
            self.counts["fragment spreads"] += 1
            return self.fragment(node.name.value, level)
        if isinstance(node, InlineFragmentNode):
            self.counts["inline fragments"] += 1
            return self._selections(node, level)
        assert isinstance(node, FieldNode)
        self.counts["aliases"] += node.alias is not None
        self.counts["questions about the schema"] += node.name.value in ("__schema", "__type")
        inner = self._selections(node, level)
        return Extent(inner.depth + 1, inner.levels, inner.fields + 1)


class Parts:
    """Counts what the compiler would build. What a fragment holds is counted once for each type it is spread in."""

    def __init__(self, schema: GraphQLSchema, fragments: dict[str, FragmentDefinitionNode]) -> None:
        self.schema = schema
        self.fragments = fragments
        self.known: dict[tuple[str, str], int] = {}

    def selections(self, type_: Any, selections: Iterable[SelectionNode]) -> int:
        """The fields of a selection, in every object type that its static type may be."""
        return sum(self._selection(type_, node) for node in selections)

    def _selection(self, type_: Any, node: SelectionNode) -> int:
        if isinstance(node, FieldNode):
            return self._types(type_) * (1 + self._below(type_, node))
        if isinstance(node, InlineFragmentNode):
            return self.selections(self._narrowed(type_, node), node.selection_set.selections)
        assert isinstance(node, FragmentSpreadNode)
        fragment = self.fragments[node.name.value]
        narrowed = self._narrowed(type_, fragment)
        key = node.name.value, narrowed.name
        if key not in self.known:
            self.known[key] = self.selections(narrowed, fragment.selection_set.selections)
        return self.known[key]

    def _below(self, type_: Any, node: FieldNode) -> int:
        if not node.selection_set:
            return 0
        field = self.schema.get_field(type_, node.name.value)
        assert field is not None, "validation refuses unknown fields"
        inner = get_named_type(field.type)
        branches = self._types(inner) if is_abstract_type(inner) else 0
        return branches + self.selections(inner, node.selection_set.selections)

    def _types(self, type_: Any) -> int:
        return len(self.schema.get_possible_types(type_)) if is_abstract_type(type_) else 1

    def _narrowed(self, type_: Any, fragment: InlineFragmentNode | FragmentDefinitionNode) -> Any:
        if fragment.type_condition is None or not is_abstract_type(type_):
            return type_
        return self.schema.type_map[fragment.type_condition.name.value]


def _refuse_levels(levels: int) -> None:
    if levels > LEVELS_LIMIT:
        raise TooMuch(f"Selections and fragments may nest {LEVELS_LIMIT} deep; these nest {levels} deep or more.")


def _refuse_beyond(most: int, found: int, what: str) -> None:
    if found > most:
        raise TooMuch(f"A document may have {most} {what}; this one has {found}.")
