"""Whether the fields of a selection can be merged: the specification's "Field Selection Merging".

Read word for word, every field is compared with every other of the same response key, through all levels. Here the
fields of one key form a group, and each is compared with the group's first alone: both "same shape" and "same field
with the same arguments" are equivalences. What is selected under a group is then merged and looked at as a whole.
"""

from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
    ValueNode,
    VariableNode,
    get_named_type,
    is_leaf_type,
)

STEPS_LIMIT = 10_000
"""Fields looked at. Object types that share much through an interface multiply them, in documents made for it."""


class Asked(NamedTuple):
    """A field where it is asked for."""

    parent: GraphQLNamedType
    node: FieldNode
    field: GraphQLField


Group = list[Asked]
Grouping = Callable[[Group], Iterable[Group]]
Comparison = Callable[[Asked, Asked], None]
Scope = Iterable[tuple[GraphQLNamedType, SelectionSetNode]]
"""Selections whose results share one place in the answer, each with the type that it is made on."""


def conflicts(schema: GraphQLSchema, ast: DocumentNode) -> list[GraphQLError]:
    """The first two fields that cannot be merged, if any, of a document that is valid otherwise."""
    merging = Merging(schema, ast)
    try:
        for node in ast.definitions:
            if isinstance(node, OperationDefinitionNode):
                root: Any = schema.get_root_type(node.operation)
                merging.check([(root, node.selection_set)])
    except GraphQLError as error:
        return [error]
    return []


class Merging:
    """Checks the operations of one document."""

    def __init__(self, schema: GraphQLSchema, ast: DocumentNode) -> None:
        self.schema = schema
        self.fragments = {node.name.value: node for node in ast.definitions if isinstance(node, FragmentDefinitionNode)}
        self.steps = 0
        self.arguments: dict[int, Any] = {}
        """What each field's arguments mean, by its node: the first of a group is compared with all others."""

    def check(self, scope: Scope) -> None:
        """Raise the first conflict."""
        self._walk(scope, _by_common_parent, self._same_question)
        self._walk(scope, _by_key, _same_shape)

    def _walk(self, scope: Scope, group: Grouping, compare: Comparison) -> None:
        """Compare the members of every group, then merge what is selected under it. No recursion: it may be deep."""
        seen: set[tuple[int, ...]] = set()
        ahead = [scope]
        while ahead:
            for members in group(self._fields(ahead.pop())):
                first = members[0]
                for other in members[1:]:
                    compare(first, other)
                inner = [
                    (get_named_type(one.field.type), one.node.selection_set)
                    for one in members
                    if one.node.selection_set is not None
                ]
                mark = tuple(id(selections) for _, selections in inner)
                if inner and mark not in seen:
                    seen.add(mark)
                    ahead.append(inner)

    def _fields(self, scope: Scope) -> list[Asked]:
        """The fields of a scope with every fragment spread out, each fragment once."""
        found: list[Asked] = []
        visited: set[str] = set()
        ahead: list[tuple[GraphQLNamedType, Any]] = [*scope]
        while ahead:
            type_, selection_set = ahead.pop()
            for node in selection_set.selections:
                if isinstance(node, FieldNode):
                    found.append(self._asked(type_, node))
                elif isinstance(node, InlineFragmentNode):
                    ahead.append((self._condition(node, type_), node.selection_set))
                elif isinstance(node, FragmentSpreadNode) and node.name.value not in visited:
                    visited.add(node.name.value)
                    fragment = self.fragments[node.name.value]
                    ahead.append((self._condition(fragment, type_), fragment.selection_set))
        return found

    def _asked(self, type_: Any, node: FieldNode) -> Asked:
        self.steps += 1
        if self.steps > STEPS_LIMIT:
            raise GraphQLError("The document merges too many fields of too many types.", node)
        field = self.schema.get_field(type_, node.name.value)
        assert field is not None, "other rules refuse unknown fields"
        return Asked(type_, node, field)

    def _condition(
        self, fragment: InlineFragmentNode | FragmentDefinitionNode, around: GraphQLNamedType
    ) -> GraphQLNamedType:
        return self.schema.type_map[fragment.type_condition.name.value] if fragment.type_condition else around

    def _same_question(self, one: Asked, other: Asked) -> None:
        if one.node.name.value != other.node.name.value:
            raise _conflict(one, other, f"'{one.node.name.value}' and '{other.node.name.value}' are different fields")
        if self._arguments(one.node) != self._arguments(other.node):
            raise _conflict(one, other, "they have different arguments")

    def _arguments(self, node: FieldNode) -> Any:
        if not node.arguments:
            return []
        if id(node) not in self.arguments:
            self.arguments[id(node)] = _by_name((each.name.value, _meaning(each.value)) for each in node.arguments)
        return self.arguments[id(node)]


def _by_key(fields: Group) -> Iterable[Group]:
    groups: dict[str, Group] = {}
    for one in fields:
        groups.setdefault(_key(one.node), []).append(one)
    return groups.values()


def _by_common_parent(fields: Group) -> Iterator[Group]:
    """Fields of two object types never meet in one object; those of an interface meet either's."""
    for group in _by_key(fields):
        objects = {one.parent for one in group if isinstance(one.parent, GraphQLObjectType)}
        if len(objects) < 2:
            yield group
            continue
        for type_ in objects:
            yield [one for one in group if one.parent is type_ or not isinstance(one.parent, GraphQLObjectType)]


def _key(node: FieldNode) -> str:
    return node.alias.value if node.alias else node.name.value


def _same_shape(one: Asked, other: Asked) -> None:
    if not _alike(one.field.type, other.field.type):
        raise _conflict(one, other, f"they return the types '{one.field.type}' and '{other.field.type}'")


def _alike(one: GraphQLOutputType, other: GraphQLOutputType) -> bool:
    """Whether values of both types look the same from outside, whatever objects hold."""
    while isinstance(one, GraphQLList | GraphQLNonNull) or isinstance(other, GraphQLList | GraphQLNonNull):
        if type(one) is not type(other):
            return False
        one, other = one.of_type, other.of_type  # type: ignore[union-attr]
    return one is other or not (is_leaf_type(one) or is_leaf_type(other))


def _by_name(parts: Iterable[tuple[str, Any]]) -> list[tuple[str, Any]]:
    return sorted(parts, key=itemgetter(0))


def _meaning(node: ValueNode) -> tuple[Any, ...]:
    """A literal so that equal ones compare equal: the order of an object's fields says nothing."""
    if isinstance(node, VariableNode):
        return node.kind, node.name.value
    if isinstance(node, ListValueNode):
        return node.kind, *(_meaning(each) for each in node.values)
    if isinstance(node, ObjectValueNode):
        return node.kind, *_by_name((field.name.value, _meaning(field.value)) for field in node.fields)
    if isinstance(node, StringValueNode):
        return node.kind, node.value, bool(node.block)
    if isinstance(node, NullValueNode):
        return (node.kind,)
    return node.kind, node.value  # type: ignore[attr-defined]


def _conflict(one: Asked, other: Asked, reason: str) -> GraphQLError:
    return GraphQLError(
        f"Fields '{_key(one.node)}' conflict because {reason}."
        " Use different aliases on the fields to fetch both if this was intentional.",
        [one.node, other.node],
    )
