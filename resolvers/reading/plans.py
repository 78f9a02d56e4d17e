"""Plans: a compiled selection as SQL text and how to fill its parameters, kept per shape of viewer and variables."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from graphql import FragmentDefinitionNode, GraphQLObjectType, GraphQLSchema, SelectionNode

from domain.store.visibility import VIEWER_PARAMETERS
from domain.viewer import Viewer
from resolvers.reading.arguments import Binder, Read, Variables
from resolvers.reading.compiler import ROOT, Compiler
from resolvers.reading.templates import MARKED

Fill = Callable[[Variables, Viewer], Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """One statement whose only column is the JSON that was asked for."""

    sql: str
    fills: tuple[Fill, ...]
    checks: tuple[Read, ...] = ()
    """Values that the statement does not need and that must make sense all the same."""

    def parameters(self, variables: Variables, viewer: Viewer) -> list[Any]:
        """The statement's parameters for one request; `BadInput` when a value makes no sense."""
        for check in self.checks:
            check(variables)
        return [fill(variables, viewer) for fill in self.fills]


def plan(binder: Binder, answer: str) -> Plan:
    """The plan of a compiled expression: its parameters get their numbers."""
    numbers: dict[str, int] = {}
    sql = MARKED.sub(lambda found: f"${numbers.setdefault(found[1], len(numbers) + 1)}", f"SELECT {answer}")
    checks = tuple(read for name, read in binder.readers.items() if name not in numbers)
    return Plan(sql, tuple(filled(name, binder) for name in numbers), checks)


def filled(name: str, binder: Binder) -> Fill:
    """How a statement's parameter gets its value: from the variables, or from who asks."""
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
    return plan(compiler.binder, compiler.object(type_, selections, ROOT))
