"""The ordinary executor's small statements: each asks one field of many objects, and is written once.

They are SQLAlchemy's, built from the same mappings as the compiler's templates and joined in another way.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import ARRAY, ColumnElement, FromClause, Select, Text, column, func, select, true, tuple_
from sqlalchemy.dialects.postgresql import JSONB
from strawberry.dataloader import DataLoader

from domain.store.sql import compiled
from domain.viewer import Viewer
from resolvers.database import Connection
from resolvers.reading.arguments import Arguments, Binder
from resolvers.reading.mapping import (
    COMPUTED,
    Aggregate,
    Elements,
    Entity,
    Inline,
    Many,
    One,
    Pages,
    Row,
    Rows,
    Values,
)
from resolvers.reading.plans import Plan, filled

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A place in a statement: what to select from, the row, and the columns that tell its rows apart."""

    scan: Any
    row: Row
    keys: list[ColumnElement[Any]]


@dataclass(frozen=True, slots=True)
class Rereading:
    """That a page's argument has columns of its rows read otherwise. `given` is the argument as it was written."""

    pages: Pages
    argument: str
    given: str
    arguments: Callable[["Asking"], Arguments] = field(compare=False)

    def row(self, row: FromClause, asking: "Asking") -> Row:
        """The row as it reads then."""
        given = self.arguments(asking)[self.argument]
        otherwise = {name: read(row, given) for name, read in self.pages.reread[self.argument].items()}
        return Values(**{column.name: column for column in row.c} | otherwise)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a statement of its own finds, for arguments as they were written."""

    mapping: Rows
    given: str
    arguments: Callable[["Asking"], Arguments] = field(compare=False)

    def under(self, row: Row, asking: "Asking") -> Any:
        """The rows under a fresh name."""
        return self.mapping.under(row, asking.name(), asking.viewer, self.arguments(asking))


@dataclass(frozen=True, slots=True)
class Place:
    """Where objects of one kind are read: a table, or a part of another place."""

    entity: Entity | None = None
    parent: "Place | None" = None
    mapping: Inline | Elements | Aggregate | Finding | None = None
    rereading: Rereading | None = None
    computed: str | None = None
    """The response key of what was worked out for this request."""
    element: int | None = None
    """Its place, where that is a list."""

    def open(self, asking: "Asking") -> Opened:
        """This place under fresh names."""
        if self.entity:
            row = asking.alias(self.entity)
            shown = self.rereading.row(row, asking) if self.rereading else row
            return Opened(row, shown, [row.c[column.name] for column in self.entity.table.primary_key])
        if self.computed is not None:
            document = asking.binder.bind(self._worked_out, JSONB())
            row = select(document.label("doc")).subquery(asking.name())
            return Opened(row, row, [])
        if self.parent is None:
            return Opened(None, None, [])
        above = self.parent.open(asking)
        if isinstance(self.mapping, Inline):
            return Opened(above.scan, self.mapping.of(above.row), above.keys)
        assert self.mapping is not None
        if isinstance(self.mapping, Finding):
            element = self.mapping.under(above.row, asking)
        else:
            element = self.mapping.under(above.row, asking.name())
        if isinstance(self.mapping, Aggregate):
            return Opened(above.scan.join(element, true()), element, above.keys)
        numbered = select(element, func.row_number().over().label("ordinal")).lateral(asking.name())
        scan = numbered if above.scan is None else above.scan.join(numbered, true())
        return Opened(scan, numbered, [*above.keys, numbered.c.ordinal])

    def _worked_out(self, variables: Any) -> Any:
        found = variables[COMPUTED][self.computed]
        return found if self.element is None else found[self.element]


ROOT = Place()


@dataclass(frozen=True, slots=True)
class Record:
    """One object while it is being executed: its type, its place and its key there."""

    typename: str
    place: Place
    key: Key


KEYS = "@keys"
"""The name under which a statement finds the keys that are wanted among the variables; no GraphQL name has an @."""

MOST_STATEMENTS = 5_000
_statements: dict[Any, Plan] = {}
"""Statements by what they ask; emptied when there are too many, for arguments come in any number of forms."""


class Asking:
    """One small statement while it is being written."""

    def __init__(self, viewer: Viewer) -> None:
        self.viewer = viewer
        self.binder = Binder()
        self.aliases = 0

    def name(self) -> str:
        """A fresh alias."""
        self.aliases += 1
        return f"t{self.aliases}"

    def alias(self, entity: Entity) -> FromClause:
        """A fresh alias of an entity's table."""
        return entity.table.alias(self.name())

    def scope(self, entity: Entity, row: FromClause, mapping: One | Many | Pages) -> list[ColumnElement[bool]]:
        """The row scope, unless seeing the parent was enough."""
        return [] if self.viewer.role in mapping.follows else [entity.visible(self.viewer, row)]

    def among(self, wanted: Select[Any], opened_: Opened) -> Select[Any]:
        """Narrow a statement to the rows with the wanted keys. They are compared as text: they come out of JSON."""
        if opened_.scan is not None:
            wanted = wanted.select_from(opened_.scan)
        if not opened_.keys:
            return wanted
        lists = [
            self.binder.bind(lambda variables, at=at: [str(key[at]) for key in variables[KEYS]], ARRAY(Text))  # type: ignore[misc]
            for at in range(len(opened_.keys))
        ]
        names = [column(f"key_{at}", Text) for at in range(len(lists))]
        keys = func.unnest(*lists).table_valued(*names).render_derived(name=self.name())
        return wanted.where(tuple_(*texts_of(opened_)).in_(select(*keys.c)))

    def plan(self, wanted: Select[Any]) -> Plan:
        """The statement, whose answer is a JSON list of its rows."""
        named = (each.label(f"v{position}") for position, each in enumerate(wanted.selected_columns))
        row = wanted.with_only_columns(*named, maintain_column_froms=True).subquery()
        listed = select(func.coalesce(func.json_agg(func.json_build_array(*row.c)), func.json_build_array()))
        done = compiled(listed.select_from(row))
        return Plan(done.sql, tuple(filled(name, self.binder) for name in done.names))


Write = Callable[[Asking], Select[Any]]


class Session:
    """One request: its snapshot, its viewer, and the loaders that gather what fields ask for."""

    def __init__(self, connection: Connection, viewer: Viewer, variables: dict[str, Any]) -> None:
        self.connection = connection
        self.viewer = viewer
        self.variables = variables
        self.turn = asyncio.Lock()
        self.is_over = False
        self.loaders: dict[Any, DataLoader[Key, Any]] = {}

    async def rows(self, name: Any, write: Write, keys: Sequence[Key] = ()) -> list[list[Any]]:
        """The rows of a statement as JSON values. `name` tells what it asks, and so whether it is written already."""
        known = (name, self.viewer.role, self.viewer.scopes)
        found = _statements.get(known)
        if found is None:
            asking = Asking(self.viewer)
            if len(_statements) >= MOST_STATEMENTS:
                _statements.clear()
            found = _statements[known] = asking.plan(write(asking))
        parameters = found.parameters({**self.variables, KEYS: keys}, self.viewer)
        answer = await asyncio.shield(self._answer(found.sql, parameters))
        return orjson.loads(answer)  # type: ignore[no-any-return]

    async def _answer(self, sql: str, parameters: list[Any]) -> bytes:
        """One statement at a time, each to its end: to call one off would disturb the connection for the others."""
        async with self.turn:
            if self.is_over:
                raise asyncio.CancelledError
            answer: bytes = await self.connection.fetchval(sql, *parameters)
            return answer

    async def end(self) -> None:
        """Let the statement that runs finish, and no other begin: an error may end a request amid its other fields."""
        self.is_over = True
        async with self.turn:
            pass

    async def load(self, name: Any, key: Key, write: Write) -> list[list[Any]]:
        """The rows whose first columns are `key`, without these; asked once for all keys wanted under `name`."""
        if name not in self.loaders:

            async def batch(keys: list[Key]) -> list[Any]:
                found = _group(len(key), await self.rows(name, write, keys))
                return [found.get(each, []) for each in keys]

            self.loaders[name] = DataLoader(load_fn=batch)
        # Two fields may wait for the same rows, and one be called off by an error beside it.
        rows: list[list[Any]] = await asyncio.shield(self.loaders[name].load(key))
        return rows


def texts_of(opened: Opened) -> list[ColumnElement[Any]]:
    """The keys of a place as text, for they are compared with what came out of JSON."""
    return [key.cast(Text) for key in opened.keys]


def _group(width: int, rows: list[list[Any]]) -> dict[Key, list[list[Any]]]:
    """Rows that begin with a parent's key, by that key."""
    grouped: dict[Key, list[list[Any]]] = {}
    for row in rows:
        grouped.setdefault(tuple(row[:width]), []).append(row[width:])
    return grouped
