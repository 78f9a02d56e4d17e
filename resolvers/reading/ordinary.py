"""The ordinary executor: graphql-core, field by field, over the same mappings.

It answers what the compiler leaves (introspection), and it is the compiler's referee: it walks the document by
graphql-core's rules and asks for every field by itself, so the two share the mappings and nothing of the walk. One
request runs in one REPEATABLE READ READ ONLY transaction: still one snapshot. Fields of the same kind on many objects
are asked for together (DataLoader), so the number of statements does not grow with the number of objects.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

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
from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Text,
    func,
    literal_column,
    select,
    tuple_,
)

from domain.viewer import Viewer
from resolvers.database import NOT_HERE, Connection
from resolvers.documents import Document
from resolvers.reading.arguments import Arguments, BadInput, page_size
from resolvers.reading.asking import ROOT, Asking, Finding, Opened, Place, Record, Rereading, Session, texts_of
from resolvers.reading.compiler import parsed_ids
from resolvers.reading.cursors import cursor_of, unpack
from resolvers.reading.mapping import (
    COMPUTED,
    Aggregate,
    Computed,
    Elements,
    Inline,
    Many,
    Nodes,
    One,
    Pages,
    Reads,
    Rows,
    Scalar,
    Subject,
    entity_of,
    reads_of,
)
from resolvers.reading.pages import PAGE_SIZE, narrowed, node_type, opened, sorting

Info = GraphQLResolveInfo[Any]


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

    def arguments(self, asking: Asking | None, info: Info) -> Arguments:
        """The field's arguments in this request."""
        binder = asking.binder if asking else None
        return Arguments(binder, info.field_nodes[0], self.field, info.context.variables)

    def loader_name(self, record: Record, info: Info) -> Any:
        """Fields that may be asked for together: same field, same place, same arguments."""
        given = ",".join(sorted(print_ast(argument) for argument in info.field_nodes[0].arguments or ()))
        return (self.name, record.place, given, self.arguments(None, info).shape())

    async def scalar(self, record: Record, info: Info) -> Any:
        """A leaf."""
        mapping, viewer = self.mapping, info.context.viewer
        assert isinstance(mapping, Scalar)
        if mapping.needs and not viewer.may(mapping.needs):
            return None

        def write(asking: Asking) -> Select[Any]:
            here = record.place.open(asking)
            value = mapping.of(here.row, viewer, self.arguments(asking, info))
            return asking.among(select(*texts_of(here), value.label("value")), here)

        rows = await info.context.load(self.loader_name(record, info), record.key, write)
        return self._as_member(rows[0][0])

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

        def write(asking: Asking) -> Select[Any]:
            here = record.place.open(asking)
            there = present(here.row).is_not(None).label("there")
            return asking.among(select(*texts_of(here), there), here)

        rows = await info.context.load(self.loader_name(record, info), record.key, write)
        return part if rows[0][0] else None

    async def aggregate(self, record: Record, info: Info) -> Record | None:
        """An object out of one row of aggregates."""
        mapping = self.mapping
        assert isinstance(mapping, Aggregate)
        if mapping.needs and not info.context.viewer.may(mapping.needs):
            return None
        return Record(self.target.name, Place(parent=record.place, mapping=mapping), record.key)

    async def joined(self, record: Record, info: Info) -> list[Record]:
        """The rows that `One` or `Many` joins to, in order."""
        mapping = self.mapping
        assert isinstance(mapping, One | Many)
        entity = entity_of(self.target)

        def write(asking: Asking) -> Select[Any]:
            here = record.place.open(asking)
            other = asking.alias(entity)
            own = [other.c[each.name].cast(Text) for each in entity.table.primary_key]
            on = mapping.joined(here.row, other, self.arguments(asking, info))
            found = select(*texts_of(here), *own).where(on, *asking.scope(entity, other, mapping))
            found = asking.among(found.select_from(other), here)
            return found.order_by(*mapping.order_by(other)) if isinstance(mapping, Many) else found

        rows = await info.context.load(self.loader_name(record, info), record.key, write)
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
        return await self._opened(record, info, Place(parent=record.place, mapping=mapping))

    async def found(self, record: Record, info: Info) -> list[Record]:
        """A list out of a statement of its own."""
        mapping = self.mapping
        assert isinstance(mapping, Rows)
        if mapping.needs and not info.context.viewer.may(mapping.needs):
            return []
        given = f"{self.name} {self.loader_name(record, info)[2:]}"
        finding = Finding(mapping, given, lambda asking: self.arguments(asking, info))
        return await self._opened(record, info, Place(parent=record.place, mapping=finding))

    async def _opened(self, record: Record, info: Info, place: Place) -> list[Record]:
        def write(asking: Asking) -> Select[Any]:
            here = place.open(asking)
            above = Opened(here.scan, None, here.keys[:-1])
            return asking.among(select(*texts_of(here)).order_by(here.keys[-1]), above)

        rows = await info.context.load(self.loader_name(record, info), record.key, write)
        given = self.arguments(None, info)
        if "first" in given.readers:
            first = given.get("first")
            rows = rows[: PAGE_SIZE if first is None else page_size(first)]
        return [Record(self.target.name, place, (*record.key, *row)) for row in rows]

    async def computed(self, _record: Record, info: Info) -> Record | list[Record] | None:
        """An object, or a list of them, that was worked out for this request."""
        key = str(info.path.key)
        found = info.context.variables[COMPUTED].get(key)
        if isinstance(found, list):
            return [Record(self.target.name, Place(computed=key, element=place), ()) for place in range(len(found))]
        return Record(self.target.name, Place(computed=key), ()) if found is not None else None

    async def subject(self, record: Record, info: Info) -> Record | None:
        """An object of any of several types."""
        mapping = self.mapping
        assert isinstance(mapping, Subject)

        def write(asking: Asking) -> Select[Any]:
            here, given = record.place.open(asking), self.arguments(asking, info)
            named = [mapping.typename(here.row, given), mapping.key(here.row, given).cast(Text)]
            return asking.among(select(*texts_of(here), *named), here)

        rows = await info.context.load(self.loader_name(record, info), record.key, write)
        return await _visible(info, *rows[0])

    async def nodes(self, _record: Record, info: Info) -> list[Record | None]:
        """Objects by their ids."""
        assert isinstance(self.mapping, Nodes)
        asked = self.arguments(None, info).get("ids")
        return [await _visible(info, one["typename"], one["key"]) for one in parsed_ids(asked, self.mapping.limit)]

    async def pages(self, record: Record, info: Info) -> Any:
        """A connection; not gathered over parents, because each has its own page."""
        session: Session = info.context
        assert isinstance(self.mapping, Pages)
        given = self.arguments(None, info)
        backwards, size = _direction(given)
        entity = entity_of(node_type(self.target))

        def write(asking: Asking) -> Select[Any]:
            page = Page(self, asking, record, info)
            own = [page.source.c[each.name].cast(Text) for each in entity.table.primary_key]
            return page.ahead(size + 1, [page.cursor(), *own], backwards=backwards)

        rows = await session.rows((self.loader_name(record, info), size), write, [record.key])
        more, rows = len(rows) > size, rows[:size]
        if backwards:
            rows.reverse()
        place = Place(entity, rereading=self._rereading(given, info))
        nodes = [Record(node_type(self.target).name, place, tuple(row[1:])) for row in rows]
        edges = [SimpleNamespace(cursor=row[0], node=node) for row, node in zip(rows, nodes, strict=True)]
        page_info = SimpleNamespace(
            has_next_page=given.get("before") is not None if backwards else more,
            has_previous_page=more if backwards else given.get("after") is not None,
            start_cursor=rows[0][0] if rows else None,
            end_cursor=rows[-1][0] if rows else None,
        )
        return Listed(edges, nodes, page_info, lambda: self._count(record, info))

    def _rereading(self, given: Arguments, info: Info) -> Rereading | None:
        assert isinstance(self.mapping, Pages)
        by = self.mapping.reread_by(given)
        if by is None:
            return None
        (written,) = (each for each in info.field_nodes[0].arguments or () if each.name.value == by)
        return Rereading(self.mapping, by, print_ast(written), lambda asking: self.arguments(asking, info))

    async def _count(self, record: Record, info: Info) -> int:
        session: Session = info.context
        rows = await session.rows(
            (self.loader_name(record, info), "count"), lambda asking: Page(self, asking, record, info).count(),
            [record.key],
        )  # fmt: skip
        return int(rows[0][0])


def _direction(given: Arguments) -> tuple[bool, int]:
    """Whether the page is counted from the end, and how many items it may have."""
    first, last = given.get("first"), given.get("last")
    if first is not None and last is not None:
        raise BadInput("Ask for first or for last, not for both.")
    asked = first if last is None else last
    return last is not None, PAGE_SIZE if asked is None else page_size(asked)


class Page:
    """A connection's rows: those that its conditions let through, joined to the object that they hang on."""

    def __init__(self, field: Field, asking: Asking, record: Record, info: Info) -> None:
        assert isinstance(field.mapping, Pages)
        self.asking = asking
        self.mapping: Pages = field.mapping
        self.given = field.arguments(asking, info)
        self.entity = entity_of(node_type(field.target))
        self.here = record.place.open(asking)
        self.source = asking.alias(self.entity)
        self.order, sort, self.descending = sorting(self.mapping, self.given)
        self.keys = [*sort(self.source)]

    def ahead(self, limit: int, wanted: list[ColumnElement[Any]], *, backwards: bool) -> Select[Any]:
        """The first rows from one end."""
        down = self.descending != backwards
        found = self._narrowed(select(*wanted)).where(*self._beyond())
        return found.order_by(*(key.desc() if down else key.asc() for key in self.keys)).limit(
            literal_column(str(limit), Integer)
        )

    def count(self) -> Select[Any]:
        """How many rows the whole list has."""
        return self._narrowed(select(func.count().label("count")))

    def cursor(self) -> ColumnElement[str]:
        """A row's cursor."""
        return cursor_of(self.order, self.keys)

    def _narrowed(self, wanted: Select[Any]) -> Select[Any]:
        mapping, given, asking = self.mapping, self.given, self.asking
        conditions = [mapping.joined(self.here.row, self.source, given)] if mapping.joined else []
        if not opened(mapping, asking.viewer, given):
            conditions += asking.scope(self.entity, self.source, mapping)
        conditions += [condition(self.source, value) for condition, value in narrowed(mapping, given)]
        return asking.among(wanted.select_from(self.source).where(*conditions), self.here)

    def _beyond(self) -> list[ColumnElement[bool]]:
        found, here = [], tuple_(*self.keys)
        for name, onwards in (("after", True), ("before", False)):
            if self.given.get(name) is not None:
                bounds = tuple_(*[self._bound(name, position) for position in range(len(self.keys))])
                found.append(here > bounds if self.descending != onwards else here < bounds)
        return found

    def _bound(self, name: str, position: int) -> ColumnElement[Any]:
        types = [key.type for key in self.keys]
        return self.given[name].bind(types[position], lambda cursor: unpack(cursor, self.order, types)[position])


async def _visible(info: Info, typename: str | None, key: str | None) -> Record | None:
    type_ = info.schema.type_map.get(typename or "")
    interface: Any = get_named_type(info.return_type)
    if key is None or type_ not in info.schema.get_possible_types(interface):
        return None  # such as an act that no object stands for
    assert type_ is not None
    session: Session = info.context
    entity = entity_of(type_)

    def write(asking: Asking) -> Select[Any]:
        row = asking.alias(entity)
        here = Opened(row, row, [row.c.id])
        return asking.among(select(row.c.id.cast(Text)).where(entity.visible(session.viewer, row)), here)

    rows = await session.rows(("visible", type_.name), write, [(key,)])
    return Record(type_.name, Place(entity), (key,)) if rows else None


METHODS: dict[type, Callable[[Field, Record, Info], Any]] = {
    Scalar: Field.scalar,
    Inline: Field.inline,
    Aggregate: Field.aggregate,
    One: Field.one,
    Many: Field.many,
    Elements: Field.elements,
    Computed: Field.computed,
    Rows: Field.found,
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
    ast = document.ast  # parsed anew, so before the wait for the transaction and not after it
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        session = Session(connection, viewer, variables)
        name = document.operation.name.value if document.operation.name else None
        result = execute(
            document.schema,
            ast,
            context_value=session,
            variable_values=given,
            operation_name=name,
            hide_suggestions=not document.hints,
        )
        try:
            result = result if isinstance(result, ExecutionResult) else await result
        finally:
            await session.end()
        for error in result.errors or ():
            if isinstance(error.original_error, NOT_HERE):  # no field's error: another server may have the answer
                raise error.original_error
        return result
