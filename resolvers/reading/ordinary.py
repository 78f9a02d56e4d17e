"""The ordinary executor: graphql-core, field by field, over the same mappings.

It answers what the compiler leaves (introspection), and it is the compiler's referee: it walks the document by
graphql-core's rules and asks for every field by itself, so the two share the mappings and nothing of the walk. One
request runs in one REPEATABLE READ READ ONLY transaction: still one snapshot. Fields of the same kind on many objects
are asked for together (DataLoader), so the number of statements does not grow with the number of objects.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import orjson
from graphql import (
    ExecutionResult,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    execute,
    get_named_type,
    print_ast,
)
from sqlalchemy import ColumnElement, Select, Text, func, select, true, tuple_
from strawberry.dataloader import DataLoader

from domain.viewer import Viewer
from resolvers.database import Connection
from resolvers.documents import Document
from resolvers.reading.arguments import Arguments
from resolvers.reading.compiler import Compiler, Page, entity_of, parsed_ids, reads_of
from resolvers.reading.mapping import (
    Elements,
    Entity,
    Inline,
    Many,
    Nodes,
    One,
    Pages,
    Reads,
    Row,
    Scalar,
    Subject,
)
from resolvers.reading.plans import plan

Key = tuple[Any, ...]
Info = GraphQLResolveInfo[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A place in a statement: what to select from, the row, and the columns that tell its rows apart."""

    scan: Any
    row: Row
    keys: list[ColumnElement[Any]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where objects of one kind are read: a table, or a part of another place."""

    entity: Entity | None = None
    parent: "Place | None" = None
    mapping: Inline | Elements | None = None

    def open(self, compiler: Compiler) -> Opened:
        """This place under fresh names."""
        if self.entity:
            row = compiler.alias(self.entity)
            return Opened(row, row, [row.c[column.name] for column in self.entity.table.primary_key])
        if self.parent is None:
            return Opened(None, None, [])
        above = self.parent.open(compiler)
        if isinstance(self.mapping, Inline):
            return Opened(above.scan, self.mapping.of(above.row), above.keys)
        assert self.mapping is not None
        element = self.mapping.of(above.row).render_derived(name=compiler.name(), with_types=True)
        numbered = select(element, func.row_number().over().label("ordinal")).lateral(compiler.name())
        return Opened(above.scan.join(numbered, true()), numbered, [*above.keys, numbered.c.ordinal])


ROOT = Place()


@dataclass(frozen=True, slots=True)
class Record:
    """One object while it is being executed: its type, its place and its key there."""

    typename: str
    place: Place
    key: Key


class Session:
    """One request: its snapshot, its viewer, and the loaders that gather what fields ask for."""

    def __init__(
        self, connection: Connection, viewer: Viewer, variables: dict[str, Any], schema: GraphQLSchema
    ) -> None:
        self.connection = connection
        self.viewer = viewer
        self.variables = variables
        self.schema = schema
        self.turn = asyncio.Lock()
        self.loaders: dict[Any, DataLoader[Key, Any]] = {}

    def compiler(self) -> Compiler:
        """A compiler for one small statement."""
        return Compiler(self.schema, {}, self.variables, self.viewer)

    async def rows(self, compiler: Compiler, wanted: Select[Any]) -> list[list[Any]]:
        """The rows of a statement as JSON values."""
        named = (each.label(f"v{position}") for position, each in enumerate(wanted.selected_columns))
        row = wanted.with_only_columns(*named, maintain_column_froms=True).subquery()
        listed = select(func.coalesce(func.json_agg(func.json_build_array(*row.c)), func.json_build_array()))
        found = plan(compiler.binder, listed.select_from(row).scalar_subquery())
        async with self.turn:
            answer = await self.connection.fetchval(found.sql, *found.parameters(self.variables, self.viewer))
        return orjson.loads(answer)  # type: ignore[no-any-return]

    async def load(self, name: Any, key: Key, ask: Callable[[Compiler, Sequence[Key]], Any]) -> Any:
        """What `ask` finds for `key`, asked once for all keys that are wanted under `name`."""
        if name not in self.loaders:

            async def batch(keys: list[Key]) -> list[Any]:
                compiler = self.compiler()
                found: dict[Key, Any] = await ask(compiler, keys)
                return [found.get(each) for each in keys]

            self.loaders[name] = DataLoader(load_fn=batch)
        return await self.loaders[name].load(key)


def among(wanted: Select[Any], opened: Opened, keys: Sequence[Key]) -> Select[Any]:
    """Narrow a statement to the rows with these keys. Keys are compared as text: they come out of JSON."""
    if opened.scan is not None:
        wanted = wanted.select_from(opened.scan)
    if not opened.keys:
        return wanted
    return wanted.where(tuple_(*_texts(opened)).in_([tuple(map(str, key)) for key in keys]))


def _texts(opened: Opened) -> list[ColumnElement[Any]]:
    return [key.cast(Text) for key in opened.keys]


def _group(opened: Opened, rows: list[list[Any]]) -> dict[Key, list[list[Any]]]:
    """Rows that begin with a parent's key, by that key."""
    grouped: dict[Key, list[list[Any]]] = {}
    width = len(opened.keys)
    for row in rows:
        grouped.setdefault(tuple(row[:width]), []).append(row[width:])
    return grouped


@dataclass(frozen=True, slots=True)
class Listed:
    """A connection's page, which counts the whole list only when somebody looks."""

    edges: list[SimpleNamespace]
    nodes: list[Record]
    page_info: SimpleNamespace
    count: Callable[[], Awaitable[int]]

    @property
    def total_count(self) -> Awaitable[int]:
        """How many rows the whole list has."""
        return self.count()


class Field:
    """The ordinary resolver of one mapped field."""

    def __init__(self, type_: GraphQLObjectType, name: str, mapping: Reads) -> None:
        self.name = f"{type_.name}.{name}"
        self.field: GraphQLField = type_.fields[name]
        self.target: Any = get_named_type(self.field.type)
        self.mapping = mapping
        self.method = METHODS[type(mapping)]

    async def __call__(self, source: Record | None, info: Info, **_given: Any) -> Any:
        """Resolve the field of one object."""
        record = source or Record("Query", ROOT, ())
        return await self.method(self, record, info)

    def arguments(self, compiler: Compiler, info: Info) -> Arguments:
        """The field's arguments in this request."""
        return Arguments(compiler.binder, info.field_nodes[0], self.field, info.context.variables)

    def loader_name(self, record: Record, info: Info) -> Any:
        """Fields that may be asked for together: same field, same place, same arguments."""
        given = ",".join(sorted(print_ast(argument) for argument in info.field_nodes[0].arguments or ()))
        return (self.name, record.place, given)

    async def scalar(self, record: Record, info: Info) -> Any:
        """A leaf."""
        mapping, viewer = self.mapping, info.context.viewer
        assert isinstance(mapping, Scalar)
        if mapping.needs and not viewer.may(mapping.needs):
            return None

        async def ask(compiler: Compiler, keys: Sequence[Key]) -> dict[Key, Any]:
            opened = record.place.open(compiler)
            value = mapping.of(opened.row, viewer, self.arguments(compiler, info))
            rows = await info.context.rows(compiler, among(select(*_texts(opened), value.label("value")), opened, keys))
            return {key: found[0][0] for key, found in _group(opened, rows).items()}

        value = await info.context.load(self.loader_name(record, info), record.key, ask)
        return self._as_member(value)

    def _as_member(self, value: Any) -> Any:
        if not isinstance(self.target, GraphQLEnumType) or value is None:
            return value
        if isinstance(value, list):
            return [self.target.values[each].value for each in value]
        return self.target.values[value].value

    async def inline(self, record: Record, info: Info) -> Any:
        """An object out of the same row."""
        mapping = self.mapping
        assert isinstance(mapping, Inline)
        if mapping.needs and not info.context.viewer.may(mapping.needs):
            return None
        part = Record(self.target.name, Place(parent=record.place, mapping=mapping), record.key)
        if mapping.present is None:
            return part
        present = mapping.present

        async def ask(compiler: Compiler, keys: Sequence[Key]) -> dict[Key, Any]:
            opened = record.place.open(compiler)
            there = present(opened.row).is_not(None).label("there")
            rows = await info.context.rows(compiler, among(select(*_texts(opened), there), opened, keys))
            return {key: found[0][0] for key, found in _group(opened, rows).items()}

        return part if await info.context.load(self.loader_name(record, info), record.key, ask) else None

    async def joined(self, record: Record, info: Info) -> list[Record]:
        """The rows that `One` or `Many` joins to, in order."""
        mapping = self.mapping
        assert isinstance(mapping, One | Many)
        entity = entity_of(self.target)

        async def ask(compiler: Compiler, keys: Sequence[Key]) -> dict[Key, Any]:
            opened = record.place.open(compiler)
            other = compiler.alias(entity)
            own = [other.c[column.name].cast(Text) for column in entity.table.primary_key]
            on = mapping.joined(opened.row, other, self.arguments(compiler, info))
            found = select(*_texts(opened), *own).where(on, *compiler.scope(entity, other, mapping))
            found = among(found.select_from(other), opened, keys)
            if isinstance(mapping, Many):
                found = found.order_by(*mapping.order_by(other))
            return _group(opened, await info.context.rows(compiler, found))

        rows = await info.context.load(self.loader_name(record, info), record.key, ask) or []
        limit = mapping.limit if isinstance(mapping, Many) else 1
        return [Record(self.target.name, Place(entity), tuple(row)) for row in rows[:limit]]

    async def one(self, record: Record, info: Info) -> Record | None:
        """Another row."""
        found = await self.joined(record, info)
        return found[0] if found else None

    async def many(self, record: Record, info: Info) -> list[Record] | None:
        """A list of rows."""
        assert isinstance(self.mapping, Many)
        if self.mapping.needs and not info.context.viewer.may(self.mapping.needs):
            return []
        return await self.joined(record, info)

    async def elements(self, record: Record, info: Info) -> list[Record] | None:
        """A list out of the row's own JSON."""
        mapping = self.mapping
        assert isinstance(mapping, Elements)
        if mapping.needs and not info.context.viewer.may(mapping.needs):
            return None
        place = Place(parent=record.place, mapping=mapping)

        async def ask(compiler: Compiler, keys: Sequence[Key]) -> dict[Key, Any]:
            opened = place.open(compiler)
            above = Opened(opened.scan, None, opened.keys[:-1])
            wanted = select(*_texts(opened)).order_by(opened.keys[-1])
            return _group(above, await info.context.rows(compiler, among(wanted, above, keys)))

        rows = await info.context.load(self.loader_name(record, info), record.key, ask) or []
        return [Record(self.target.name, place, (*record.key, *row)) for row in rows]

    async def subject(self, record: Record, info: Info) -> Record | None:
        """An object of any of several types."""
        mapping = self.mapping
        assert isinstance(mapping, Subject)

        async def ask(compiler: Compiler, keys: Sequence[Key]) -> dict[Key, Any]:
            opened, given = record.place.open(compiler), self.arguments(compiler, info)
            named = [mapping.typename(opened.row, given), mapping.key(opened.row, given).cast(Text)]
            rows = await info.context.rows(compiler, among(select(*_texts(opened), *named), opened, keys))
            return {key: found[0] for key, found in _group(opened, rows).items()}

        typename, key = await info.context.load(self.loader_name(record, info), record.key, ask) or (None, None)
        return await _visible(info, typename, key)

    async def nodes(self, _record: Record, info: Info) -> list[Record | None]:
        """Objects by their ids."""
        assert isinstance(self.mapping, Nodes)
        asked = self.arguments(info.context.compiler(), info).get("ids")
        return [await _visible(info, one["typename"], one["key"]) for one in parsed_ids(asked, self.mapping.limit)]

    async def pages(self, record: Record, info: Info) -> Any:
        """A connection; not gathered over parents, because each has its own page."""
        session: Session = info.context
        assert isinstance(self.mapping, Pages)
        compiler = session.compiler()
        opened = record.place.open(compiler)
        page = Page(compiler, self.mapping, self.target, opened.row, self.arguments(compiler, info))
        own = [page.rows.c[column.name].cast(Text) for column in page.entity.table.primary_key]
        size = page.size_now()
        wanted = among(select(page.rows.c.row_number, page.cursor(), *own), opened, [record.key])
        # The page names columns of the row around it, so it has to stand after it in FROM.
        rows = sorted(await session.rows(compiler, wanted.select_from(page.rows)))
        more, rows = len(rows) > size, rows[:size]
        if page.backwards:
            rows.reverse()
        nodes = [Record(page.node_type.name, Place(page.entity), tuple(row[2:])) for row in rows]
        edges = [SimpleNamespace(cursor=row[1], node=node) for row, node in zip(rows, nodes, strict=True)]
        page_info = SimpleNamespace(
            has_next_page=page.has_before if page.backwards else more,
            has_previous_page=more if page.backwards else page.has_after,
            start_cursor=rows[0][1] if rows else None,
            end_cursor=rows[-1][1] if rows else None,
        )
        return Listed(edges, nodes, page_info, lambda: self._count(record, info))

    async def _count(self, record: Record, info: Info) -> int:
        session: Session = info.context
        assert isinstance(self.mapping, Pages)
        compiler = session.compiler()
        opened = record.place.open(compiler)
        page = Page(compiler, self.mapping, self.target, opened.row, self.arguments(compiler, info))
        rows = await session.rows(compiler, among(select(page.count().label("count")), opened, [record.key]))
        return int(rows[0][0])


def _abstract(info: Info) -> GraphQLInterfaceType:
    return get_named_type(info.return_type)  # type: ignore[return-value]


async def _visible(info: Info, typename: str | None, key: str | None) -> Record | None:
    type_ = info.schema.type_map.get(typename or "")
    if not isinstance(type_, GraphQLObjectType) or type_ not in info.schema.get_possible_types(_abstract(info)):
        return None  # such as an act that no object stands for
    session: Session = info.context
    entity = entity_of(type_)
    compiler = session.compiler()
    row = compiler.alias(entity)
    found = select(row.c.id.cast(Text)).where(row.c.id.cast(Text) == key, entity.visible(session.viewer, row))
    rows = await session.rows(compiler, found)
    return Record(type_.name, Place(entity), (key,)) if rows else None


METHODS: dict[type, Callable[[Field, Record, Info], Any]] = {
    Scalar: Field.scalar,
    Inline: Field.inline,
    One: Field.one,
    Many: Field.many,
    Elements: Field.elements,
    Pages: Field.pages,
    Subject: Field.subject,
    Nodes: Field.nodes,
}


def attach(schema: GraphQLSchema) -> None:
    """Give every mapped field its ordinary resolver, and let objects tell their own type."""
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLInterfaceType):
            type_.resolve_type = lambda record, _info, _type: record.typename
        if not isinstance(type_, GraphQLObjectType) or type_.name.startswith("__"):
            continue
        type_.is_type_of = None
        for name, field in type_.fields.items():
            mapping = reads_of(type_, name)
            if mapping is not None:
                field.resolve = Field(type_, name, mapping)


async def answer(
    document: Document, connection: Connection, given: dict[str, Any], variables: dict[str, Any], viewer: Viewer
) -> ExecutionResult:
    """Execute a query's document in one snapshot. `given` are the variables as sent, `variables` as coerced."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        session = Session(connection, viewer, variables, document.schema)
        name = document.operation.name.value if document.operation.name else None
        result = execute(
            document.schema, document.ast, context_value=session, variable_values=given, operation_name=name
        )
        return result if isinstance(result, ExecutionResult) else await result
