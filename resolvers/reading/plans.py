"""Plans: a compiled selection as SQL text and how to fill its parameters, kept per shape of viewer and variables."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from graphql import FragmentDefinitionNode, GraphQLObjectType, GraphQLSchema, SelectionNode
from sqlalchemy import ColumnElement, select

from domain.store.sql import compiled
from domain.store.visibility import VIEWER_PARAMETERS
from domain.viewer import Viewer
from resolvers.reading.arguments import Binder, Variables
from resolvers.reading.compiler import Compiler

Fill = Callable[[Variables, Viewer], Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """One statement whose only column is the JSON that was asked for."""

    sql: str
    fills: tuple[Fill, ...]

    def parameters(self, variables: Variables, viewer: Viewer) -> list[Any]:
        """The statement's parameters for one request; `BadInput` when a value makes no sense."""
        return [fill(variables, viewer) for fill in self.fills]


def plan(binder: Binder, answer: ColumnElement[Any]) -> Plan:
    """The plan of a compiled expression."""
    statement = compiled(select(answer))
    return Plan(statement.sql, tuple(_fill(name, binder) for name in statement.names))


def _fill(name: str, binder: Binder) -> Fill:
    if name in binder.readers:
        read = binder.readers[name]
        return lambda variables, _viewer: read(variables)
    bound = VIEWER_PARAMETERS[name]
    return lambda _variables, viewer: bound(viewer)


def compile_selection(
    schema: GraphQLSchema,
    fragments: dict[str, FragmentDefinitionNode],
    type_: GraphQLObjectType,
    selections: Iterable[SelectionNode],
    variables: Variables,
    viewer: Viewer,
) -> Plan:
    """The plan of a whole operation: one statement for all its root fields, so one snapshot."""
    compiler = Compiler(schema, fragments, variables, viewer)
    return plan(compiler.binder, compiler.object(type_, selections, None))
