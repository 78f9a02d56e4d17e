"""A document as a tree that is cheap to change: what is drawn, varied and made smaller.

Values are Python's own; enum members and variables have a class each, so that a value can be written as a literal or
be sent as JSON.
"""

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    ValueNode,
    get_named_type,
)

from schema.build import build

SCHEMA: GraphQLSchema = build()._schema

INCLUDE, SKIP = "include", "skip"


class Member(str):
    """A member of an enum."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Use:
    """A variable where it is used."""

    name: str


Directives: TypeAlias = list[tuple[str, Any]]
"""What decides whether a selection counts: (`include` or `skip`, its `if`)."""


@dataclass(slots=True)
class Field:
    """A field and the type that has it; `key` is its alias."""

    of: str
    name: str
    key: str | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    directives: Directives = field(default_factory=list)
    selections: "list[Selection]" = field(default_factory=list)


@dataclass(slots=True)
class Inline:
    """An inline fragment, with or without a type condition."""

    on: str | None
    selections: "list[Selection]"
    directives: Directives = field(default_factory=list)


@dataclass(slots=True)
class Spread:
    """A fragment where it is spread."""

    name: str
    directives: Directives = field(default_factory=list)


Selection: TypeAlias = Field | Inline | Spread


@dataclass(slots=True)
class Variable:
    """A declared variable: its type as it is written, its default, and the values it is sent with, one per asking."""

    type: str
    values: list[Any]
    default: Any = ...


@dataclass(slots=True)
class Fragment:
    """A named fragment."""

    on: str
    selections: list[Selection]


@dataclass(slots=True)
class Tree:
    """One query. Where a variable's value or default is `...`, there is none."""

    selections: list[Selection]
    fragments: dict[str, Fragment] = field(default_factory=dict)
    variables: dict[str, Variable] = field(default_factory=dict)

    def copy(self) -> "Tree":
        """A tree that shares nothing with this one."""
        return deepcopy(self)

    def given(self, asking: int) -> dict[str, Any]:
        """The variables as they are sent the first, second, … time."""
        sent = {name: variable.values[asking] for name, variable in self.variables.items()}
        sent = {name: value for name, value in sent.items() if value is not ...}
        return json.loads(json.dumps(sent))  # type: ignore[no-any-return]

    def lists(self) -> "Iterator[tuple[str, list[Selection]]]":
        """Every list of selections, with the name of the type that it selects from."""
        yield from _lists("Query", self.selections)
        for fragment in self.fragments.values():
            yield from _lists(fragment.on, fragment.selections)

    def every(self) -> Iterator[Selection]:
        """Every selection."""
        for _, selections in self.lists():
            yield from selections

    def fields(self) -> Iterator[Field]:
        """Every field."""
        for each in self.every():
            if isinstance(each, Field):
                yield each

    def tidy(self) -> None:
        """Drop the fragments and variables that nothing uses any more."""
        reached: set[str] = set()
        ahead = [Tree(self.selections)]
        while ahead:
            fresh = {each.name for each in ahead.pop().every() if isinstance(each, Spread)} - reached
            reached |= fresh
            ahead += [Tree(self.fragments[name].selections) for name in fresh]
        self.fragments = {name: each for name, each in self.fragments.items() if name in reached}
        used = {name for each in self.every() for value in _values(each) for name in _uses(value)}
        self.variables = {name: each for name, each in self.variables.items() if name in used}

    def __str__(self) -> str:
        """The document's text."""
        declared = ", ".join(
            f"${name}: {each.type}" + ("" if each.default is ... else f" = {written(each.default)}")
            for name, each in self.variables.items()
        )
        text = f"query({declared}) " if declared else ""
        text += _selected(self.selections, "")
        for name, fragment in self.fragments.items():
            text += f"\nfragment {name} on {fragment.on} {_selected(fragment.selections, '')}"
        return text


def _lists(type_: str, selections: list[Selection]) -> Iterator[tuple[str, list[Selection]]]:
    yield type_, selections
    for each in selections:
        if isinstance(each, Inline):
            yield from _lists(each.on or type_, each.selections)
        elif isinstance(each, Field) and each.selections:
            yield from _lists(target(each).name, each.selections)


def _values(selection: Selection) -> Iterator[Any]:
    yield from (value for _, value in selection.directives)
    if isinstance(selection, Field):
        yield from selection.arguments.values()


def _uses(value: Any) -> Iterator[str]:
    """The variables inside a value."""
    if isinstance(value, Use):
        yield value.name
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _uses(inner)


def target(of: Field) -> Any:
    """The named type of a field."""
    return get_named_type(field_of(of).type)


def field_of(of: Field) -> Any:
    """A field's definition."""
    type_: Any = SCHEMA.type_map[of.of]
    return type_.fields[of.name]


# -- writing -----------------------------------------------------------------------------------------------------------


def _selected(selections: list[Selection], indent: str) -> str:
    inner = indent + "  "
    return "{\n" + "".join(f"{inner}{_written(each, inner)}\n" for each in selections) + indent + "}"


def _written(selection: Selection, indent: str) -> str:
    conditions = "".join(f" @{name}(if: {written(value)})" for name, value in selection.directives)
    if isinstance(selection, Spread):
        return f"...{selection.name}{conditions}"
    if isinstance(selection, Inline):
        on = f" on {selection.on}" if selection.on else ""
        return f"...{on}{conditions} {_selected(selection.selections, indent)}"
    key = f"{selection.key}: " if selection.key else ""
    given = ", ".join(f"{name}: {written(value)}" for name, value in selection.arguments.items())
    text = f"{key}{selection.name}" + (f"({given})" if given else "") + conditions
    return f"{text} {_selected(selection.selections, indent)}" if selection.selections else text


def written(value: Any) -> str:
    """A value as a literal."""
    if isinstance(value, Use):
        return f"${value.name}"
    if isinstance(value, Member):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {written(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


# -- reading -----------------------------------------------------------------------------------------------------------


def tree_of(document: DocumentNode) -> Tree:
    """The tree of a generated document: one operation, no fragments and no variables."""
    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    return Tree([_read(each, SCHEMA.type_map["Query"]) for each in operation.selection_set.selections])


def _read(node: SelectionNode, type_: GraphQLNamedType) -> Selection:
    if isinstance(node, InlineFragmentNode):
        assert node.type_condition
        on = SCHEMA.type_map[node.type_condition.name.value]
        return Inline(on.name, [_read(each, on) for each in node.selection_set.selections])
    assert isinstance(node, FieldNode)
    found = Field(type_.name, node.name.value, node.alias.value if node.alias else None)
    found.arguments = {each.name.value: literal(each.value) for each in node.arguments or ()}
    if node.selection_set:
        found.selections = [_read(each, target(found)) for each in node.selection_set.selections]
    return found


def literal(node: ValueNode) -> Any:
    """The value that a literal stands for."""
    kinds: dict[str, Any] = {
        "null_value": lambda _: None,
        "int_value": lambda each: int(each.value),
        "float_value": lambda each: float(each.value),
        "enum_value": lambda each: Member(each.value),
        "list_value": lambda each: [literal(inner) for inner in each.values],
        "object_value": lambda each: {inner.name.value: literal(inner.value) for inner in each.fields},
    }
    return kinds.get(node.kind, lambda each: each.value)(node)
