"""Render the templates of every field before the first request, which would else wait for those that it selects."""

from functools import cache
from typing import Any

from graphql import GraphQLObjectType, GraphQLSchema, get_named_type, is_leaf_type, is_required_argument, parse

from domain.viewer import SCOPES, Role, Viewer, ViewerKind
from resolvers.reading.mapping import Aggregate, Elements, Inline, reads_of
from resolvers.reading.plans import compile_selection

SOMEBODY = Viewer(ViewerKind.STAFF, Role.OPERATIONS, "nobody", "Nobody", SCOPES[Role.OPERATIONS])
"""Sees everything. What depends on the viewer's scopes (few fields do) is rendered anew for others."""

INLINED = (Inline, Aggregate, Elements)


@cache
def warm(schema: GraphQLSchema) -> None:
    """Once for each schema in a process: about 0.2 s."""
    node: Any = schema.type_map["Node"]
    parts = [f"... on {type_.name} {{ {_fields(type_)} }}" for type_ in schema.get_possible_types(node)]
    operation: Any = parse(f'{{ node(id: "") {{ {" ".join(parts)} }} }}').definitions[0]
    assert schema.query_type is not None
    compile_selection(schema, {}, schema.query_type, operation.selection_set.selections, {}, SOMEBODY)


def _fields(type_: GraphQLObjectType) -> str:
    """Every field that needs no argument; of relations only that they lead somewhere."""
    return " ".join(_field(type_, name) for name, field in type_.fields.items() if not _needs_arguments(field.args))


def _field(type_: GraphQLObjectType, name: str) -> str:
    inner: Any = get_named_type(type_.fields[name].type)
    if is_leaf_type(inner):
        return name
    if isinstance(reads_of(type_, name), INLINED):
        return f"{name} {{ {_fields(inner)} }}"
    return f"{name} {{ __typename }}"


def _needs_arguments(arguments: dict[str, Any]) -> bool:
    return any(is_required_argument(argument) for argument in arguments.values())
