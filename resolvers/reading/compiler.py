"""The read compiler: one GraphQL selection becomes one SQL expression that builds its JSON.

Each mapping (`resolvers.reading.mapping`) has one method here. Objects are `JSON_OBJECT(key VALUE value …)`: keys as
values, because PostgreSQL cuts identifiers at 63 bytes and two long aliases would merge. LIMIT, keyset and row scope
stand on the innermost scan; everything nested is a correlated subselect over the page that is left.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLBoolean,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    SelectionNode,
    Undefined,
    get_named_type,
)
from sqlalchemy import (
    JSON,
    Boolean,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    Text,
    case,
    column,
    func,
    literal,
    literal_column,
    null,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from domain import ids
from domain.viewer import Viewer
from resolvers.reading.arguments import Arguments, BadInput, Binder, Variables, page_size, reader
from resolvers.reading.cursors import cursor_of, unpack
from resolvers.reading.mapping import (
    READS,
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

DEFINITION = "strawberry-definition"
PAGE_SIZE = 20

CONDITIONS = {"include": True, "skip": False}
"""The directives that decide whether a selection counts, and the value of `if` with which it does."""

EMPTY_LIST: ColumnElement[Any] = literal_column("'[]'::json")

ONE_GROUP = literal_column("true", Boolean())
"""HAVING makes one row of a page also where nothing that was asked for aggregates, such as `totalCount` alone."""


class NotCompiled(Exception):
    """A selection that the compiler leaves to the ordinary executor."""


class JsonObject(ColumnElement[Any]):
    """`JSON_OBJECT('key' VALUE value, …)`: any number of keys of any length."""

    inherit_cache = False
    type = JSON()

    def __init__(self, pairs: list[tuple[str, ColumnElement[Any]]]) -> None:
        self.pairs = pairs


@compiles(JsonObject)
def _render_json_object(element: JsonObject, compiler: SQLCompiler, **options: Any) -> str:
    """Keys are GraphQL names or aliases (`[_A-Za-z0-9]`): safe inside quotes."""
    pairs = (f"'{key}' VALUE {compiler.process(value, **options)}" for key, value in element.pairs)
    return f"JSON_OBJECT({', '.join(pairs)} RETURNING json)"


def reads_of(type_: GraphQLNamedType, field_name: str) -> Reads | None:
    """The mapping declared beside a field, if it has one."""
    fields: Any = getattr(type_, "fields")  # noqa: B009 (not every named type has any)
    definition = fields[field_name].extensions.get(DEFINITION)
    return definition.metadata.get(READS) if definition else None


def entity_of(type_: GraphQLNamedType) -> Entity:
    """The table behind an object type."""
    return type_.extensions[DEFINITION].origin.__entity__  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Selected:
    """One response key: the nodes that ask for it (fragments may ask twice) and the field's name."""

    key: str
    nodes: list[FieldNode]

    @property
    def name(self) -> str:
        """The field's name in the schema."""
        return self.nodes[0].name.value

    def selections(self) -> Iterator[SelectionNode]:
        """What is selected under it, by all nodes together."""
        for node in self.nodes:
            if node.selection_set:
                yield from node.selection_set.selections


class Compiler:
    """Compiles selections of one operation for one shape of viewer and variables."""

    def __init__(
        self, schema: GraphQLSchema, fragments: dict[str, FragmentDefinitionNode], variables: Variables, viewer: Viewer
    ) -> None:
        self.schema = schema
        self.fragments = fragments
        self.variables = variables
        self.viewer = viewer
        self.binder = Binder()
        self.aliases = 0

    # -- what is selected ------------------------------------------------------------------------------------------

    def collect(self, type_: GraphQLObjectType, selections: Iterable[SelectionNode]) -> list[Selected]:
        """The fields that apply to `type_`, by response key, in document order."""
        found: dict[str, Selected] = {}
        self._collect(type_, selections, found, set())
        return list(found.values())

    def _collect(
        self,
        type_: GraphQLObjectType,
        selections: Iterable[SelectionNode],
        found: dict[str, Selected],
        visited: set[str],
    ) -> None:
        """As the specification's CollectFields: a fragment counts once, however often it is spread."""
        for node in selections:
            if not self._included(node):
                continue
            if isinstance(node, FieldNode):
                key = node.alias.value if node.alias else node.name.value
                found.setdefault(key, Selected(key, [])).nodes.append(node)
                continue
            fragment = self._fragment(node, visited)
            if fragment is not None and self._applies(fragment, type_):
                self._collect(type_, fragment.selection_set.selections, found, visited)

    def _fragment(self, node: SelectionNode, visited: set[str]) -> InlineFragmentNode | FragmentDefinitionNode | None:
        """What an inline fragment or a spread stands for; None for a spread that was followed already."""
        if isinstance(node, InlineFragmentNode):
            return node
        assert isinstance(node, FragmentSpreadNode)
        name = node.name.value
        if name in visited:
            return None
        visited.add(name)
        return self.fragments[name]

    def _included(self, node: SelectionNode) -> bool:
        for directive in node.directives or ():
            if directive.name.value in CONDITIONS:
                condition = reader((directive.arguments or ())[0].value, GraphQLNonNull(GraphQLBoolean), Undefined)
                if condition(self.variables) is not CONDITIONS[directive.name.value]:
                    return False
        return True

    def _applies(self, fragment: InlineFragmentNode | FragmentDefinitionNode, type_: GraphQLObjectType) -> bool:
        if fragment.type_condition is None:
            return True
        condition = self.schema.type_map[fragment.type_condition.name.value]
        return condition is type_ or (
            isinstance(condition, GraphQLInterfaceType) and self.schema.is_sub_type(condition, type_)
        )

    # -- objects and fields ----------------------------------------------------------------------------------------

    def object(self, type_: GraphQLObjectType, selections: Iterable[SelectionNode], row: Row) -> JsonObject:
        """The JSON of one object of `type_` that `row` holds."""
        return JsonObject([(one.key, self.field(type_, one, row)) for one in self.collect(type_, selections)])

    def field(self, type_: GraphQLObjectType, selected: Selected, row: Row) -> ColumnElement[Any]:
        """The JSON of one field."""
        if selected.name == "__typename":
            return text_literal(type_.name)
        if selected.name.startswith("__"):
            raise NotCompiled(selected.name)
        mapping = reads_of(type_, selected.name)
        if mapping is None:
            raise NotCompiled(f"{type_.name}.{selected.name}")
        field = type_.fields[selected.name]
        arguments = Arguments(self.binder, selected.nodes[0], field, self.variables)
        return METHODS[type(mapping)](self, mapping, get_named_type(field.type), selected, row, arguments)

    def scalar(
        self, mapping: Scalar, _type: GraphQLNamedType, _selected: Selected, row: Row, arguments: Arguments
    ) -> ColumnElement[Any]:
        """A leaf."""
        if mapping.needs and not self.viewer.may(mapping.needs):
            return null()
        return mapping.of(row, self.viewer, arguments)

    def inline(
        self, mapping: Inline, type_: GraphQLObjectType, selected: Selected, row: Row, _arguments: Arguments
    ) -> ColumnElement[Any]:
        """An object out of the same row."""
        if mapping.needs and not self.viewer.may(mapping.needs):
            return null()
        built = self.object(type_, selected.selections(), mapping.of(row))
        return case((mapping.present(row).is_not(None), built)) if mapping.present else built

    def one(
        self, mapping: One, type_: GraphQLObjectType, selected: Selected, row: Row, arguments: Arguments
    ) -> ColumnElement[Any]:
        """Another row, as a scalar subselect."""
        entity = entity_of(type_)
        other = self.alias(entity)
        found = select(self.object(type_, selected.selections(), other)).select_from(other)
        return subselect(found.where(mapping.joined(row, other, arguments), *self.scope(entity, other, mapping)), other)

    def many(
        self, mapping: Many, type_: GraphQLObjectType, selected: Selected, row: Row, arguments: Arguments
    ) -> ColumnElement[Any]:
        """A bounded list of rows; an empty one without the scope that it needs, as for any rows out of sight."""
        if mapping.needs and not self.viewer.may(mapping.needs):
            return EMPTY_LIST
        entity = entity_of(type_)
        other = self.alias(entity)
        rows = select(other).where(mapping.joined(row, other, arguments), *self.scope(entity, other, mapping))
        page = self.derived(rows.order_by(*mapping.order_by(other)).limit(literal_column(str(mapping.limit))), other)
        listed = func.coalesce(func.json_agg(self.object(type_, selected.selections(), page)), EMPTY_LIST)
        return subselect(select(listed).select_from(page), page)

    def elements(
        self, mapping: Elements, type_: GraphQLObjectType, selected: Selected, row: Row, _arguments: Arguments
    ) -> ColumnElement[Any]:
        """A list out of the row's own JSON array."""
        if mapping.needs and not self.viewer.may(mapping.needs):
            return null()
        element = mapping.of(row).render_derived(name=self.name(), with_types=True)
        listed = func.coalesce(func.json_agg(self.object(type_, selected.selections(), element)), EMPTY_LIST)
        return subselect(select(listed).select_from(element), element)

    # -- objects of several types ----------------------------------------------------------------------------------

    def subject(
        self, mapping: Subject, type_: GraphQLInterfaceType, selected: Selected, row: Row, arguments: Arguments
    ) -> ColumnElement[Any]:
        """An object known by its type's name and key."""
        return self.any_of(type_, selected, mapping.typename(row, arguments), mapping.key(row, arguments))

    def any_of(
        self, type_: GraphQLInterfaceType, selected: Selected, typename: ColumnElement[Any], key: ColumnElement[Any]
    ) -> ColumnElement[Any]:
        """The row of whichever type it is, if the viewer may see it; PostgreSQL runs only that branch."""
        branches = []
        for possible in sorted(self.schema.get_possible_types(type_), key=lambda each: each.name):
            entity = entity_of(possible)
            row = self.alias(entity)
            found = select(self.object(possible, selected.selections(), row)).select_from(row)
            found = found.where(row.c.id == key.cast(Text).cast(row.c.id.type), entity.visible(self.viewer, row))
            branches.append((typename == text_literal(possible.name), subselect(found, row)))
        return case(*branches)

    def nodes(
        self, mapping: Nodes, type_: GraphQLInterfaceType, selected: Selected, _row: Row, arguments: Arguments
    ) -> ColumnElement[Any]:
        """One object or null for each id, in their order."""
        asked = arguments["ids"].bind(JSON(), lambda given: parsed_ids(given, mapping.limit))
        element = (
            func.json_to_recordset(asked)
            .table_valued(column("typename", Text()), column("key", Text()))
            .render_derived(name=self.name(), with_types=True)
        )
        found = self.any_of(type_, selected, element.c.typename, element.c.key)
        return subselect(select(func.coalesce(func.json_agg(found), EMPTY_LIST)).select_from(element), element)

    # -- connections -----------------------------------------------------------------------------------------------

    def pages(
        self, mapping: Pages, type_: GraphQLObjectType, selected: Selected, row: Row, arguments: Arguments
    ) -> ColumnElement[Any]:
        """A connection: its rows once, then edges, nodes, pageInfo and totalCount read off them."""
        page = Page(self, mapping, type_, row, arguments)
        wanted = self.collect(type_, selected.selections())
        built = JsonObject([(one.key, page.part(one)) for one in wanted])
        return subselect(select(built).select_from(page.rows).having(ONE_GROUP), page.rows)

    # -- small tools -----------------------------------------------------------------------------------------------

    def name(self) -> str:
        """A fresh alias."""
        self.aliases += 1
        return f"t{self.aliases}"

    def alias(self, entity: Entity) -> FromClause:
        """A fresh alias of an entity's table."""
        return entity.table.alias(self.name())

    def derived(self, rows: Select[Any], _of: FromClause) -> FromClause:
        """A subselect of rows under a fresh name; the row around it may be named inside."""
        return rows.correlate_except(_of).lateral(self.name())

    def scope(self, entity: Entity, row: FromClause, mapping: One | Many | Pages) -> list[ColumnElement[bool]]:
        """The row scope, unless seeing the parent was enough."""
        if self.viewer.role in mapping.follows:
            return []
        condition = entity.visible(self.viewer, row)
        return [] if condition is true() else [condition]


class Page:
    """The rows of one connection, numbered where a part of the answer needs their number."""

    def __init__(
        self, compiler: Compiler, mapping: Pages, type_: GraphQLObjectType, row: Row, arguments: Arguments
    ) -> None:
        self.compiler = compiler
        self.mapping = mapping
        self.type = type_
        self.arguments = arguments
        self.backwards = arguments.get("last") is not None
        if self.backwards and arguments.get("first") is not None:
            raise BadInput("Ask for first or for last, not for both.")
        self.has_after = arguments.get("after") is not None
        self.has_before = arguments.get("before") is not None
        self.node_type = node_type(type_)
        self.entity = entity_of(self.node_type)
        self.source = compiler.alias(self.entity)
        self.conditions = self._conditions(row)
        self.order, self.keys, self.descending = self._sorted(self.source)
        self.rows = self._rows()

    def _conditions(self, row: Row) -> list[ColumnElement[bool]]:
        mapping, compiler = self.mapping, self.compiler
        conditions = [mapping.joined(row, self.source, self.arguments)] if mapping.joined else []
        if not self._opened():
            conditions += compiler.scope(self.entity, self.source, mapping)
        for name, condition in mapping.filters.items():
            if name == "filter":
                continue
            if self.arguments.get(name) is not None:
                conditions.append(condition(self.source, self.arguments[name]))
        if self.arguments.get("filter") is not None:
            conditions += [mapping.filters[name](self.source, part) for name, part in self.arguments["filter"].parts()]
        return conditions

    def _opened(self) -> bool:
        opened = self.mapping.opened.items()
        return any(
            self.compiler.viewer.role in roles and self.arguments.get(name) is not None for name, roles in opened
        )

    def _sorted(self, row: FromClause) -> tuple[str, list[ColumnElement[Any]], bool]:
        asked = self.arguments.get("sort")
        name = asked["by"].value if asked else self.mapping.default_sort
        keys, descending = self.mapping.sorts[name]
        if asked and asked.get("direction") is not None:
            descending = asked["direction"].value == "DESC"
        return name, [*keys(row)], descending

    def _rows(self) -> FromClause:
        """The page's rows in order, each with its number; one more than asked for, to know whether there are more."""
        named = [key.label(f"sort_{position}") for position, key in enumerate(self.keys)]
        rows = select(self.source, *named).where(*self.conditions, *self._keyset())
        down = self.descending != self.backwards
        rows = rows.order_by(*(key.desc() if down else key.asc() for key in self.keys)).limit(self._size(extra=1))
        page = rows.correlate_except(self.source).lateral(self.compiler.name())
        number = func.row_number().over().label("row_number")
        last = func.least(func.count().over(), self._size()).label("last_number")
        return select(page, number, last).correlate_except(page).lateral(self.compiler.name())

    def _size(self, *, extra: int = 0) -> ColumnElement[int]:
        name = "last" if self.backwards else "first"
        if self.arguments.get(name) is None:
            return literal_column(str(PAGE_SIZE + extra), Integer)
        return self.arguments.bind_size(name, extra=extra)

    def size_now(self) -> int:
        """The page's size in the request at hand."""
        asked = self.arguments.get("last" if self.backwards else "first")
        return PAGE_SIZE if asked is None else page_size(asked)

    def _keyset(self) -> list[ColumnElement[bool]]:
        found = []
        for name, onwards in (("after", True), ("before", False)):
            if self.arguments.get(name) is not None:
                found.append(self._beyond(name, greater=self.descending != onwards))
        return found

    def _beyond(self, name: str, *, greater: bool) -> ColumnElement[bool]:
        """A row-wise comparison, which PostgreSQL answers from the index."""
        order, types = self.order, [key.type for key in self.keys]

        def value(position: int) -> Callable[[Any], Any]:
            return lambda cursor: unpack(cursor, order, types)[position]

        bounds = [self.arguments[name].bind(type_, value(position)) for position, type_ in enumerate(types)]
        here = tuple_(*self.keys)
        return here > tuple_(*bounds) if greater else here < tuple_(*bounds)

    # -- parts of the answer ---------------------------------------------------------------------------------------

    def part(self, selected: Selected) -> ColumnElement[Any]:
        """edges, nodes, pageInfo, totalCount or __typename."""
        if selected.name == "__typename":
            return text_literal(self.type.name)
        return getattr(self, f"_{selected.name}")(selected)  # type: ignore[no-any-return]

    def _edges(self, selected: Selected) -> ColumnElement[Any]:
        edge = get_named_type(self.type.fields["edges"].type)
        wanted = self.compiler.collect(edge, selected.selections())
        return self._listed(JsonObject([(one.key, self._edge(edge, one)) for one in wanted]))

    def _edge(self, edge: GraphQLObjectType, selected: Selected) -> ColumnElement[Any]:
        if selected.name == "__typename":
            return text_literal(edge.name)
        if selected.name == "cursor":
            return self.cursor()
        return self.compiler.object(self.node_type, selected.selections(), self.rows)

    def _nodes(self, selected: Selected) -> ColumnElement[Any]:
        return self._listed(self.compiler.object(self.node_type, selected.selections(), self.rows))

    def _listed(self, item: ColumnElement[Any]) -> ColumnElement[Any]:
        """FILTER is looked at before the item is built, so the row ahead costs nothing more than its scan."""
        number = self.rows.c.row_number
        listed = func.json_agg(aggregate_order_by(item, number.desc())) if self.backwards else func.json_agg(item)
        return func.coalesce(listed.filter(number <= self._size()), EMPTY_LIST)

    def _totalCount(self, _selected: Selected) -> ColumnElement[Any]:  # noqa: N802 (the field's own name)
        return self.count()

    def count(self) -> ColumnElement[int]:
        """How many rows the whole list has."""
        counted = select(func.count()).select_from(self.source).where(*self.conditions)
        return subselect(counted, self.source)

    def _pageInfo(self, selected: Selected) -> ColumnElement[Any]:  # noqa: N802
        info = get_named_type(self.type.fields["pageInfo"].type)
        wanted = self.compiler.collect(info, selected.selections())
        return JsonObject([(one.key, self._info(info, one.name)) for one in wanted])

    def _info(self, info: GraphQLObjectType, name: str) -> ColumnElement[Any]:
        if name == "__typename":
            return text_literal(info.name)
        more = func.count() > self._size()
        if name == "hasNextPage":
            return literal(self.has_before) if self.backwards else more
        if name == "hasPreviousPage":
            return more if self.backwards else literal(self.has_after)
        at = literal_column("1") if (name == "startCursor") != self.backwards else self.rows.c.last_number
        number = self.rows.c.row_number  # on a page of none, the first row is the one ahead
        return func.max(self.cursor()).filter(number == at, number <= self._size())

    def cursor(self) -> ColumnElement[str]:
        """The cursor of a row of the page."""
        keys = [getattr(self.rows.c, f"sort_{position}") for position in range(len(self.keys))]
        return cursor_of(self.order, keys)


def text_literal(value: str) -> ColumnElement[str]:
    """A constant that needs no parameter: type names, which are `[_A-Za-z0-9]`."""
    return literal_column(f"'{value}'::text", Text())


def subselect(found: Select[Any], own: FromClause) -> ColumnElement[Any]:
    """A scalar subselect that may name every row around it and scans only its own."""
    return found.correlate_except(own).scalar_subquery()


def node_type(connection: GraphQLObjectType) -> GraphQLObjectType:
    """The type of a connection's nodes."""
    found: Any = get_named_type(connection.fields["nodes"].type)
    return found  # type: ignore[no-any-return]


def parsed_ids(given: list[str], limit: int) -> list[dict[str, str | None]]:
    """Ids as (type, key) pairs for `json_to_recordset`; what is no id of ours has neither."""
    if len(given) > limit:
        raise BadInput(f"At most {limit} ids at once; {len(given)} were given.")
    return [dict(zip(("typename", "key"), ids.split(id_), strict=True)) for id_ in given]


METHODS: dict[type, Callable[..., ColumnElement[Any]]] = {
    Scalar: Compiler.scalar,
    Inline: Compiler.inline,
    One: Compiler.one,
    Many: Compiler.many,
    Elements: Compiler.elements,
    Pages: Compiler.pages,
    Subject: Compiler.subject,
    Nodes: Compiler.nodes,
}
