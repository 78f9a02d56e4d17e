"""Templates: a mapping's SQL, rendered once and used wherever its field is selected.

SQLAlchemy writes the SQL of an expression in a millisecond, which is fine once and too slow for each field of each new
document. So a mapping is asked with a row under a stand-in name, rendered, and kept as text; a statement is then put
together from such texts, with real aliases in the place of the stand-ins.
"""

import re
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, FromClause, bindparam, column, select, table
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import quoted_name
from sqlalchemy.types import TypeEngine

from domain.store.sql import DIALECT, compiled
from domain.viewer import Viewer
from resolvers.reading.arguments import Arguments, Path, Read
from resolvers.reading.mapping import Aggregate, Elements, Entity, Inline, Row, Rows, Sort

ROW, OTHER = quoted_name("\x02", quote=False), quoted_name("\x03", quote=False)
"""Stand-ins for the aliases of a mapping's row, and of the row that it joins to or opens."""
_PARAMETER = "\x01"
_CUT = "\x04"
"""Control characters: no SQL of ours holds any, and text that callers send never gets into a statement."""

MARKED = re.compile(f"{_PARAMETER}([^{_PARAMETER}]+){_PARAMETER}")
"""A parameter in a template: its name between two marks."""

MOST_KEPT = 2_000
"""Templates of one place. Arguments come in few shapes; whoever finds more makes us render anew, not remember more."""


def marked(name: str) -> str:
    """A parameter by its name, until a finished statement gives it a number."""
    return f"{_PARAMETER}{name}{_PARAMETER}"


@cache
def type_name(type_: TypeEngine[Any]) -> str:
    """A type as SQL casts to it."""
    return str(type_.compile(DIALECT))


@dataclass(frozen=True, slots=True)
class Slot:
    """A parameter of a template: where its value is found among the arguments, or how to read it from the request."""

    path: Path | None
    read: Read
    type: TypeEngine[Any]
    via: Callable[[Any], Any] | None


class Recorder:
    """Stands in for a statement's binder while a template is rendered."""

    def __init__(self) -> None:
        self.slots: list[Slot] = []

    def bind(
        self, read: Read, type_: TypeEngine[Any], via: Callable[[Any], Any] | None = None, path: Path | None = None
    ) -> BindParameter[Any]:
        """A parameter that each use of the template fills anew."""
        self.slots.append(Slot(path, read, type_, via))
        return bindparam(f"slot {len(self.slots) - 1}", type_=type_)


@dataclass(frozen=True, slots=True)
class Template:
    """SQL with stand-ins for aliases, and the parameters that it wants bound."""

    text: str
    slots: tuple[Slot, ...] = ()

    def at(self, row: str, other: str = "") -> str:
        """The SQL with its aliases; parameters are still slots."""
        return self.text.replace(ROW, row).replace(OTHER, other)


class Cut(ColumnElement[Any]):
    """Marks where an expression begins and ends in a rendered statement."""

    inherit_cache = False

    def __init__(self, inner: Any) -> None:
        self.inner = inner


@compiles(Cut)
def _render_cut(element: Cut, compiler: SQLCompiler, **_: Any) -> str:
    return f"{_CUT}{compiler.process(element.inner, asfrom=isinstance(element.inner, FromClause))}{_CUT}"


def rendered(expression: Any, froms: tuple[FromClause, ...]) -> str:
    """An expression's SQL. It stands in a SELECT from its rows, or else its subselects would scan them themselves."""
    statement = compiled(select(Cut(expression)).select_from(*froms))
    text = statement.sql.split(_CUT)[1]
    return re.sub(r"\$(\d+)", lambda found: marked(statement.names[int(found[1]) - 1]), text)


Ask = Callable[[Recorder], Any]


class Place:
    """A row under a stand-in name, as mappings are asked with it, and the templates that came of it."""

    def __init__(self, row: Row, *froms: FromClause) -> None:
        self.row = row
        self.froms = froms
        self.kept: dict[Hashable, Any] = {}

    def template(self, key: Hashable, ask: Ask, *others: FromClause) -> Template:
        """The template of what `ask` answers, under a key that tells it from all others of this place."""
        found: Template | None = self.kept.get(key)
        if found is None:
            recorder = Recorder()
            text = rendered(ask(recorder), (*self.froms, *others))
            found = self._keep(key, Template(text, tuple(recorder.slots)))
        return found

    def keys(self, sort: Sort) -> tuple[tuple[Template, TypeEngine[Any]], ...]:
        """The keys of an order, each with its type."""
        found: tuple[tuple[Template, TypeEngine[Any]], ...] | None = self.kept.get(sort)
        if found is None:
            keys = sort(self.row)
            found = self._keep(sort, tuple((Template(rendered(key, self.froms)), key.type) for key in keys))
        return found

    def part(self, mapping: Inline) -> "Place":
        """The place of an object out of the same row."""
        found: Place | None = self.kept.get(mapping)
        return found or self._keep(mapping, Place(mapping.of(self.row), *self.froms))

    def within(self, mapping: Elements | Aggregate) -> "Place":
        """The place of a row that is opened out of this one: an element of its JSON, or its aggregates."""
        found: Place | None = self.kept.get(mapping)
        if found is None:
            row = mapping.under(self.row, ROW)
            found = self._keep(mapping, Place(row, row))
        return found

    def found(self, mapping: Rows, viewer: Viewer, arguments: Arguments) -> "Place":
        """The place of what a statement of its own finds: of that only the names and types of its columns count."""
        found: Place | None = self.kept.get(mapping)
        if found is None:
            columns = mapping.of(self.row, viewer, arguments.under(Recorder())).selected_columns
            row = table(ROW, *(column(each.name, each.type) for each in columns))
            found = self._keep(mapping, Place(row, row))
        return found

    def opened(self, mapping: Elements | Aggregate) -> Template:
        """What stands in FROM to open these rows, as the other row."""
        return self.template((mapping, "opened"), lambda _: mapping.under(self.row, OTHER))

    def _keep(self, key: Hashable, made: Any) -> Any:
        if len(self.kept) >= MOST_KEPT:
            self.kept.clear()
        self.kept[key] = made
        return made


@cache
def place_of(entity: Entity) -> Place:
    """The place of an entity's rows."""
    row = entity.table.alias(ROW)
    return Place(row, row)


@cache
def other_of(entity: Entity) -> FromClause:
    """An entity's row as the one that is joined to."""
    return entity.table.alias(OTHER)


NOWHERE = Place(None)
"""The root of a query: there is no row."""

_DOCUMENT = table(ROW, column("doc", JSONB))
DOCUMENT = Place(_DOCUMENT, _DOCUMENT)
"""What was worked out for a request: one row of one column."""


@dataclass(frozen=True, slots=True)
class Seat:
    """A row in the statement: the place that its mappings are asked at, and its alias."""

    place: Place
    alias: str = ""


def forget() -> None:
    """Drop every template: the next document is compiled as the first of a process is."""
    place_of.cache_clear()
    other_of.cache_clear()
    NOWHERE.kept.clear()
    DOCUMENT.kept.clear()
