"""What a document costs: the most fields that its answer can hold, known before anything runs.

A field costs 1 and what is selected under it. A list multiplies what is under it by its maximum: a connection's `nodes`
and `edges` by the page asked for, `nodes(ids:)` by the number of ids, any other list by the number that its description
states or `first` asks for. A field of a mutation costs 10 more, and one that has to be worked out as much as it says.
Everything that is written counts: what an interface's object types ask for is summed, and `@skip` and `@include` change
nothing, so a document costs the same whoever is found.

A document's cost is worked out once, as a number and as terms for the page sizes that come in variables.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_list_type,
)

from domain.viewer import Role
from resolvers.reading.arguments import PAGE_LIMIT, Variables
from resolvers.reading.mapping import Computed, Elements, Many, Nodes, Pages, Rows, reads_of
from resolvers.reading.pages import PAGE_SIZE

MUTATION_COST = 10
LARGEST = 2**31 - 1
"""What nests a hundred hundreds deep is told as this: more than anyone may ask, and still an Int."""

STATED = re.compile(r"at most ([\d,]+)")

LIMITS: dict[Role | None, int] = {
    None: 2_000,
    Role.SHOPPER: 100_000,
    Role.GUEST: 500_000,
    Role.CUSTOMER: 500_000,
    Role.AGENT: 1_000_000,
    Role.STORE: 1_000_000,
    Role.WAREHOUSE: 1_000_000,
    Role.OPERATIONS: 2_000_000,
    Role.APP: 2_000_000,
}
"""What one request of each role may cost; None stands for a caller without a token."""

Size = int | Callable[[Variables], int]


class Cost:
    """A number, and terms that depend on variables: a size, and what it multiplies."""

    __slots__ = ("constant", "terms")

    def __init__(self, constant: int, terms: "tuple[tuple[Size, Cost], ...]" = ()) -> None:
        self.constant = constant
        self.terms = terms

    def of(self, variables: Variables) -> int:
        """The cost of one request."""
        if not self.terms:
            return self.constant
        found = self.constant
        for size, inner in self.terms:
            found += (size if isinstance(size, int) else size(variables)) * inner.of(variables)
        return min(found, LARGEST)

    def times(self, size: Size) -> "Cost":
        """This as often as a list is long."""
        if isinstance(size, int) and not self.terms:
            return Cost(min(self.constant * size, LARGEST))
        return Cost(0, ((size, self),))


def total(costs: Iterable[Cost]) -> Cost:
    """All of them together."""
    constant = 0
    terms: list[tuple[Size, Cost]] = []
    for each in costs:
        constant += each.constant
        terms += each.terms
    return Cost(min(constant, LARGEST), tuple(terms))


def cost_of(
    schema: GraphQLSchema, operation: OperationDefinitionNode, fragments: dict[str, FragmentDefinitionNode]
) -> Cost:
    """What an operation of a valid document costs."""
    root: Any = schema.get_root_type(operation.operation)
    return Meter(schema, fragments).selections(root, operation.selection_set.selections)


class Meter:
    """Adds up one document. A fragment is added up once, wherever it is spread."""

    def __init__(self, schema: GraphQLSchema, fragments: dict[str, FragmentDefinitionNode]) -> None:
        self.schema = schema
        self.fragments = fragments
        self.known: dict[tuple[str, Size | None], Cost] = {}

    def selections(
        self, type_: GraphQLNamedType, selections: Iterable[SelectionNode], page: Size | None = None
    ) -> Cost:
        """What is selected on a type; `page` is the connection's, where it is one."""
        return total(self._selection(type_, node, page) for node in selections)

    def _selection(self, type_: GraphQLNamedType, node: SelectionNode, page: Size | None) -> Cost:
        if isinstance(node, FieldNode):
            return self._field(type_, node, page)
        if isinstance(node, InlineFragmentNode):
            return self.selections(self._condition(node, type_), node.selection_set.selections, page)
        assert isinstance(node, FragmentSpreadNode)
        key = node.name.value, page
        if key not in self.known:
            fragment = self.fragments[node.name.value]
            on = self._condition(fragment, type_)
            self.known[key] = self.selections(on, fragment.selection_set.selections, page)
        return self.known[key]

    def _condition(
        self, fragment: InlineFragmentNode | FragmentDefinitionNode, around: GraphQLNamedType
    ) -> GraphQLNamedType:
        return self.schema.type_map[fragment.type_condition.name.value] if fragment.type_condition else around

    def _field(self, type_: Any, node: FieldNode, page: Size | None) -> Cost:
        own = Cost(1 + MUTATION_COST * (type_ is self.schema.mutation_type))
        if not node.selection_set:
            return own
        name = node.name.value
        field = self.schema.get_field(type_, name)
        assert field is not None, "validation refuses unknown fields"
        mapping = None if name.startswith("__") else reads_of(type_, name)
        if isinstance(mapping, Computed):
            own = Cost(1 + mapping.cost)
        page_here = _page(node) if isinstance(mapping, Pages) else None
        inner = self.selections(get_named_type(field.type), node.selection_set.selections, page_here)
        size = page if page is not None and name in ("edges", "nodes") else _length(field, node, mapping)
        return total([own, inner.times(size)])


# -- how long a list is ------------------------------------------------------------------------------------------------


def _length(field: GraphQLField, node: FieldNode, mapping: Any) -> Size:
    """How many things a field may hold: one, where it is no list."""
    if not is_list_type(get_nullable_type(field.type)):
        return 1
    if isinstance(mapping, Nodes):
        return _ids(_argument(node, "ids"), mapping.limit)
    if isinstance(mapping, Elements) and "first" in field.args:
        return _page(node)
    if isinstance(mapping, Many | Elements | Rows):
        return mapping.limit
    return stated_maximum(field) or 1


def stated_maximum(field: GraphQLField) -> int | None:
    """The number of things that a list's description promises not to exceed."""
    found = STATED.search(field.description or "")
    return int(found[1].replace(",", "")) if found else None


def _ids(given: ValueNode | None, most: int) -> Size:
    if isinstance(given, VariableNode):
        name = given.name.value
        return lambda variables: min(len(variables.get(name) or ()), most)
    return min(len(given.values), most) if isinstance(given, ListValueNode) else 1


def _page(node: FieldNode) -> Size:
    """The page that `first` or `last` ask for, as the compiler reads them."""
    asked = [_size(_argument(node, name)) for name in ("first", "last")]
    if any(callable(each) for each in asked):
        return lambda variables: _page_now(asked, variables)
    return _page_now(asked, {})


def _page_now(asked: list[Any], variables: Variables) -> int:
    for each in asked:
        size: int | None = each(variables) if callable(each) else each
        if size is not None:
            return min(max(size, 0), PAGE_LIMIT)
    return PAGE_SIZE


def _argument(node: FieldNode, name: str) -> ValueNode | None:
    return next((each.value for each in node.arguments or () if each.name.value == name), None)


def _size(value: ValueNode | None) -> Any:
    if isinstance(value, VariableNode):
        name = value.name.value
        return lambda variables: variables.get(name)
    return int(value.value) if isinstance(value, IntValueNode) else None
