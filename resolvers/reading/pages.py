"""Connections: the rows of one page, and what is read off them."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from graphql import GraphQLObjectType, VariableNode, get_named_type
from sqlalchemy import Integer

from domain.viewer import Viewer
from resolvers.reading.arguments import PAGE_LIMIT, Argument, Arguments, BadInput, page_size
from resolvers.reading.cursors import cursor_of, unpack
from resolvers.reading.mapping import Condition, Pages, Sort, entity_of
from resolvers.reading.scans import OrderedScan, scan
from resolvers.reading.templates import NOWHERE, Seat, place_of
from resolvers.reading.texts import EMPTY_LIST, columns_read, json_object, listed, subselect, text_literal

if TYPE_CHECKING:
    from resolvers.reading.compiler import Compiler, Selected

PAGE_SIZE = 20
NUMBERS = ("row_number", "last_number")
"""What numbered rows have besides their columns."""


class Page:
    """The rows of one connection, numbered where a part of the answer needs their number."""

    def __init__(
        self, compiler: "Compiler", mapping: Pages, type_: GraphQLObjectType, seat: Seat, arguments: Arguments
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
        self.place = place_of(self.entity)
        self.order, self.sort, self.descending = sorting(mapping, arguments)
        self.keys = self.place.keys(self.sort)
        self.scanned, self.rows = compiler.name(), compiler.name()
        self.is_nested = seat.place is not NOWHERE
        self.conditions = self._conditions(seat)
        self.size = size_of(compiler, arguments, "last" if self.backwards else "first")
        self.beyond = [*self._beyond("after", onwards=True), *self._beyond("before", onwards=False)]

    def _conditions(self, seat: Seat) -> list[str]:
        mapping, compiler, arguments = self.mapping, self.compiler, self.arguments
        conditions = [compiler.joined(mapping, seat, self.entity, self.scanned, arguments)] if mapping.joined else []
        if not opened(mapping, compiler.viewer, arguments):
            conditions += compiler.scope(self.entity, self.scanned, mapping)
        for condition, given in narrowed(mapping, arguments):
            conditions.append(compiler.condition(self.entity, condition, given, arguments, self.scanned))
        return conditions

    def _beyond(self, name: str, *, onwards: bool) -> list[str]:
        """A row-wise comparison, which PostgreSQL answers from the index."""
        if self.arguments.get(name) is None:
            return []
        types = [type_ for _, type_ in self.keys]

        def value(position: int) -> Callable[[Any], Any]:
            return lambda cursor: unpack(cursor, self.order, types)[position]

        bounds = [
            self.compiler.parameter(self.arguments[name].read, type_, value(at)) for at, type_ in enumerate(types)
        ]
        sign = ">" if self.descending != onwards else "<"
        return [f"({', '.join(self._keys(self.scanned))}) {sign} ({', '.join(bounds)})"]

    def _keys(self, alias: str) -> list[str]:
        return [key.at(alias) for key, _ in self.keys]

    # -- the statement ---------------------------------------------------------------------------------------------

    def answer(self, wanted: list["Selected"]) -> str:
        """The connection's JSON."""
        names = {one.name for one in wanted}
        numbered = self.backwards or "pageInfo" in names
        built = json_object([(one.key, self._part(one, numbered=numbered)) for one in wanted])
        if names <= {"totalCount", "__typename"}:
            return built
        read = [name for name in columns_read(self.rows, built) if name not in NUMBERS]
        return subselect(built, f"{self._numbered(read) if numbered else self._plain(read)} HAVING true")

    def _scan(self, read: Sequence[str], *, ahead: int) -> str:
        """The rows in order. The outer LIMIT may be a parameter; the inner one tells the planner that it is small."""
        way = "DESC" if self.descending != self.backwards else "ASC"
        order = ", ".join(f"{key} {way}" for key in self._keys(self.scanned))
        by = self.mapping.reread_by(self.arguments)
        read = read if by is None else [column.name for column in self.entity.table.columns]
        found = OrderedScan(self.entity, self.scanned, self.conditions, self.beyond, self._keys(self.scanned), read)
        most = int(self.size) if self.size.isdigit() else PAGE_LIMIT
        limit = f"ORDER BY {order} LIMIT {most + ahead}"
        rows = found.whole(limit) if self.is_nested else found.by_value(limit, self.compiler.name)
        if not self.size.isdigit():
            rows = f"SELECT * FROM ({rows}) AS {self.scanned} LIMIT {self.size} + {ahead}"
        return rows if by is None else self._reread(rows, by)

    def _reread(self, rows: str, by: str) -> str:
        """The rows with those columns that an argument has read otherwise."""
        read, given, alias = self.mapping.reread[by], self.arguments[by], self.compiler.name()

        def column(name: str) -> str:
            if name not in read:
                return f"{alias}.{name}"
            return f"{self.compiler.condition(self.entity, read[name], given, self.arguments, alias)} AS {name}"

        columns = ", ".join(column(each.name) for each in self.entity.table.columns)
        return f"SELECT {columns} FROM ({rows}) AS {alias}"

    def _plain(self, read: Sequence[str]) -> str:
        return f"({self._scan(read, ahead=0)}) AS {self.rows}"

    def _numbered(self, read: Sequence[str]) -> str:
        """Each row with its number, and one row more than asked for, to know whether there are more."""
        inner = self.compiler.name()
        numbers = f"row_number() OVER () AS row_number, least(count(*) OVER (), {self.size}) AS last_number"
        return f"(SELECT {inner}.*, {numbers} FROM ({self._scan(read, ahead=1)}) AS {inner}) AS {self.rows}"

    # -- parts of the answer ---------------------------------------------------------------------------------------

    def _part(self, selected: "Selected", *, numbered: bool) -> str:
        """edges, nodes, pageInfo, totalCount or __typename."""
        match selected.name:
            case "__typename":
                return text_literal(self.type.name)
            case "totalCount":
                return subselect("count(*)", scan(self.entity, self.scanned, self.conditions))
            case "pageInfo":
                return self._page_info(selected)
            case "edges":
                return self._listed(self._edge(selected), numbered=numbered)
            case _:
                return self._listed(self._node(selected), numbered=numbered)

    def _edge(self, selected: "Selected") -> str:
        edge: Any = get_named_type(self.type.fields["edges"].type)
        parts = {
            "__typename": lambda _: text_literal(edge.name),
            "cursor": lambda _: self._cursor(),
            "node": self._node,
        }
        wanted = self.compiler.collect(edge, selected.selections())
        return json_object([(one.key, parts[one.name](one)) for one in wanted])

    def _node(self, selected: "Selected") -> str:
        return self.compiler.object(self.node_type, selected.selections(), Seat(self.place, self.rows))

    def _listed(self, item: str, *, numbered: bool) -> str:
        """FILTER is looked at before the item is built, so the row ahead costs nothing more than its scan."""
        if not numbered:
            return listed(item)
        number = f"{self.rows}.row_number"
        order = f" ORDER BY {number} DESC" if self.backwards else ""
        return f"coalesce(json_agg({item}{order}) FILTER (WHERE {number} <= {self.size}), {EMPTY_LIST})"

    def _page_info(self, selected: "Selected") -> str:
        info: Any = get_named_type(self.type.fields["pageInfo"].type)
        wanted = self.compiler.collect(info, selected.selections())
        return json_object([(one.key, self._info(info, one.name)) for one in wanted])

    def _info(self, info: GraphQLObjectType, name: str) -> str:
        if name == "__typename":
            return text_literal(info.name)
        more = f"count(*) > {self.size}"
        if name == "hasNextPage":
            return str(self.has_before).lower() if self.backwards else more
        if name == "hasPreviousPage":
            return more if self.backwards else str(self.has_after).lower()
        at = "1" if (name == "startCursor") != self.backwards else f"{self.rows}.last_number"
        number = f"{self.rows}.row_number"  # on a page of none, the first row is the one ahead
        return f"max({self._cursor()}) FILTER (WHERE {number} = {at} AND {number} <= {self.size})"

    def _cursor(self) -> str:
        """The cursor of a row of the page."""
        place, order, sort = self.place, self.order, self.sort
        template = place.template(("cursor", order, sort), lambda _: cursor_of(order, [*sort(place.row)]))
        return template.at(self.rows)


def size_of(compiler: "Compiler", arguments: Arguments, name: str) -> str:
    """The size that an argument asks for. A literal stays one: the planner then knows how few rows are wanted."""
    size = arguments.get(name)
    if size is None:
        return str(PAGE_SIZE)
    if not isinstance(arguments.given.get(name), VariableNode):
        return str(page_size(size))
    return compiler.parameter(arguments[name].read, Integer(), page_size)


def opened(mapping: Pages, viewer: Viewer, arguments: Arguments) -> bool:
    """Whether an argument that finds exactly one thing opens all rows to the viewer."""
    return any(viewer.role in roles and arguments.get(name) is not None for name, roles in mapping.opened.items())


def narrowed(mapping: Pages, arguments: Arguments) -> Iterator[tuple[Condition, Argument]]:
    """The conditions that were asked for: of plain arguments, and of the filter's fields."""
    for name, condition in mapping.filters.items():
        if name != "filter" and arguments.get(name) is not None:
            yield condition, arguments[name]
    if arguments.get("filter") is not None:
        for name, given in arguments["filter"].parts():
            yield mapping.filters[name], given


def sorting(mapping: Pages, arguments: Arguments) -> tuple[str, Sort, bool]:
    """An order's name, its keys, and whether they descend."""
    asked = arguments.get("sort")
    name = asked["by"].value if asked else mapping.default_sort
    sort, descending = mapping.sorts[name]
    if asked and asked.get("direction") is not None:
        descending = asked["direction"].value == "DESC"
    return name, sort, descending


def node_type(connection: GraphQLObjectType) -> GraphQLObjectType:
    """The type of a connection's nodes."""
    found: Any = get_named_type(connection.fields["nodes"].type)
    return found  # type: ignore[no-any-return]
