"""What a field reads: the words that `schema/` puts beside each field, in terms of SQLAlchemy Core.

A *row* is anything with columns in `.c`: an aliased table, a page of one, an element of a JSON array, or `Values`.
A mapping never names an alias; it is given its row, so that one declaration serves every place the field appears.
Mappings and entities are known by identity: what was made of one is kept under it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeAlias

import strawberry
from graphql import GraphQLNamedType
from sqlalchemy import ColumnElement, FromClause, Select, Table

from domain.store.visibility import Rule
from domain.viewer import Role, Scope, Viewer

if TYPE_CHECKING:
    from resolvers.reading.arguments import Arguments

DEFINITION = "strawberry-definition"
"""The key under which strawberry's own definition stands in graphql-core's extensions."""
READS = "reads"
"""The key under which a mapping stands in a strawberry field's metadata."""


class Values:
    """Named expressions that stand in for a row: the parts of an object that has no table of its own."""

    def __init__(self, **expressions: Any) -> None:
        self.c = SimpleNamespace(**expressions)


Row: TypeAlias = Any
Joined = Callable[[Row, FromClause, "Arguments"], ColumnElement[bool]]
Condition = Callable[[FromClause, Any], ColumnElement[bool]]
Sort = Callable[[FromClause], Sequence[ColumnElement[Any]]]
Reread = Callable[[Row, Any], ColumnElement[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Entity:
    """A type whose objects are rows of a table: its name, its table, who may see which rows."""

    typename: str
    table: Table
    visible: Rule


@dataclass(frozen=True, slots=True, eq=False)
class Scalar:
    """A leaf: an expression over the row; null without the scope that it needs.

    `by_viewer` says that the expression depends on the viewer's role and scopes.
    """

    of: Callable[[Row, Viewer, "Arguments"], ColumnElement[Any]]
    needs: Scope | None = None
    by_viewer: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Inline:
    """An object out of the same row; null where `present` is null."""

    of: Callable[[Row], Values]
    present: Callable[[Row], ColumnElement[Any]] | None = None
    needs: Scope | None = None


@dataclass(frozen=True, slots=True, eq=False)
class One:
    """Another row, at most one. `follows`: roles for whom seeing the parent is enough to see it."""

    joined: Joined
    follows: frozenset[Role] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Many:
    """A plain list of rows, bounded by `limit`, in the order given."""

    joined: Joined
    order_by: Sort
    limit: int
    follows: frozenset[Role] = frozenset()
    needs: Scope | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Elements:
    """A plain list out of the row's own JSON array; `of` gives it as a table-valued expression.

    `limit` is what its description states: no longer array is ever written, and it is the list's cost. A field with an
    argument `first` gives so many of them, and costs as many.
    """

    of: Callable[[Row], Any]
    needs: Scope | None = None
    limit: int = 100

    def under(self, row: Row, name: str) -> Any:
        """The elements as rows under a name."""
        return self.of(row).render_derived(name=name, with_types=True)


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """A plain list of what a statement of its own finds for the field's arguments, at most `limit`, in its order.

    `of` selects them with labelled columns, ordered and limited. They are rows of no table: whose they are to see is
    said there, by the viewer's role and scopes.
    """

    of: Callable[[Row, Viewer, "Arguments"], Select[Any]]
    limit: int
    needs: Scope | None = None

    def under(self, row: Row, name: str, viewer: Viewer, arguments: "Arguments") -> Any:
        """The rows under a name."""
        return self.of(row, viewer, arguments).lateral(name)


@dataclass(frozen=True, slots=True, eq=False)
class Aggregate:
    """An object whose fields are read off one row of aggregates; `of` selects exactly one row, its columns labelled.

    One scan serves all its fields, and PostgreSQL works out only those that are asked for.
    """

    of: Callable[[Row], Select[Any]]
    needs: Scope | None = None

    def under(self, row: Row, name: str) -> Any:
        """The one row under a name."""
        return self.of(row).lateral(name)


@dataclass(frozen=True, slots=True, eq=False)
class Pages:
    """A connection: rows behind keyset cursors.

    `sorts` names each order as (row → keys, descending); `filters` gives the condition of each field of the filter
    argument, and of each plain argument that narrows.
    """

    joined: Joined | None
    sorts: Mapping[str, tuple[Sort, bool]]
    default_sort: str
    filters: Mapping[str, Condition] = field(default_factory=dict)
    follows: frozenset[Role] = frozenset()
    opened: Mapping[str, frozenset[Role]] = field(default_factory=dict)
    """Roles for whom an argument that finds exactly one thing opens all rows: who can name it has it in hand."""
    reread: Mapping[str, Mapping[str, Reread]] = field(default_factory=dict)
    """By argument: the columns of the page's rows that it has read otherwise, as they were at another moment."""

    def reread_by(self, arguments: "Arguments") -> str | None:
        """The argument that has columns read otherwise in this request; a field has at most one such."""
        return next((name for name in self.reread if arguments.get(name) is not None), None)


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """An object of any of several types, by its type's name and its key; null where the viewer may not see it."""

    typename: Callable[[Row, "Arguments"], ColumnElement[Any]]
    key: Callable[[Row, "Arguments"], ColumnElement[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Nodes:
    """Objects of any of several types, in the order of the ids asked for; null where there is none."""

    limit: int


@dataclass(frozen=True, slots=True, eq=False)
class Computed:
    """A root object that Python works out before the statement runs, which then reads it: a row of one column, `doc`.

    `of` is given the world, the viewer and the field's arguments, and gives JSON. Where it refuses, or the viewer lacks the
    scope, the field is null and an error says why. `cost` comes on top of what is selected. Where `is_list`, it is a list
    of such objects, each with a row of its own.
    """

    of: Callable[..., Awaitable[Any]]
    needs: Scope
    cost: int
    is_list: bool = False


COMPUTED = "@computed"
"""The name under which a statement finds what was worked out, by response key, among the variables."""

Reads: TypeAlias = Scalar | Inline | Aggregate | Rows | One | Many | Elements | Pages | Subject | Nodes | Computed

EVERYONE = frozenset(Role)


def reads(mapping: Reads, description: str, **options: Any) -> Any:
    """A strawberry field that reads `mapping`; the ordinary executor's resolver is attached with the schema."""
    return strawberry.field(description=description, metadata={READS: mapping}, **options)


def column(of: str | Callable[[Row], ColumnElement[Any]], description: str, *, needs: Scope | None = None) -> Any:
    """A leaf that reads one column of the row, or an expression over it."""
    if isinstance(of, str):
        name = of
        return reads(Scalar(lambda row, _viewer, _arguments: getattr(row.c, name), needs), description)
    expression = of
    return reads(Scalar(lambda row, _viewer, _arguments: expression(row), needs), description)


def by_viewer(of: Callable[[Row, Viewer], ColumnElement[Any]], description: str) -> Any:
    """A leaf whose expression depends on who asks (their role and scopes, never their ids)."""
    return reads(Scalar(lambda row, viewer, _arguments: of(row, viewer), by_viewer=True), description)


def inline(
    of: Callable[[Row], Values],
    description: str,
    *,
    present: Callable[[Row], ColumnElement[Any]] | None = None,
    needs: Scope | None = None,
) -> Any:
    """An object out of the same row."""
    return reads(Inline(of, present, needs), description)


def aggregate(of: Callable[[Row], Select[Any]], description: str, *, needs: Scope | None = None) -> Any:
    """An object out of aggregates over rows that hang on this one."""
    return reads(Aggregate(of, needs), description)


def one(
    joined: Callable[[Row, FromClause], ColumnElement[bool]],
    description: str,
    *,
    follows: frozenset[Role] = EVERYONE,
    name: str | None = None,
) -> Any:
    """Another row; by default whoever sees the parent sees it."""
    return reads(One(lambda row, other, _arguments: joined(row, other), follows), description, name=name)


def many(
    joined: Callable[[Row, FromClause], ColumnElement[bool]],
    order_by: Sort,
    description: str,
    *,
    limit: int,
    follows: frozenset[Role] = EVERYONE,
    needs: Scope | None = None,
    name: str | None = None,
) -> Any:
    """A plain list of rows. Its description must state the limit: it is also the list's cost."""
    found = Many(lambda row, other, _arguments: joined(row, other), order_by, limit, follows, needs)
    return reads(found, description, name=name)


def asks(mapping: Reads, description: str, *, name: str | None = None) -> Callable[[Callable[..., Any]], Any]:
    """A field with arguments: the decorated function's signature declares them, its body is never run."""
    return lambda signature: strawberry.field(signature, name=name, description=description, metadata={READS: mapping})


def reads_of(type_: GraphQLNamedType, field_name: str) -> Reads | None:
    """The mapping declared beside a field, if it has one."""
    fields: Any = getattr(type_, "fields")  # noqa: B009 (not every named type has any)
    definition = fields[field_name].extensions.get(DEFINITION)
    return definition.metadata.get(READS) if definition else None


def entity_of(type_: GraphQLNamedType) -> Entity:
    """The table behind an object type."""
    return type_.extensions[DEFINITION].origin.__entity__  # type: ignore[no-any-return]
