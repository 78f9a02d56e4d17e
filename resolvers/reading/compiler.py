"""The read compiler: one GraphQL selection becomes one SQL expression that builds its JSON.

Each mapping (`resolvers.reading.mapping`) has one method here, which puts the mapping's template (`templates`) into the
statement under the alias at hand: compiling is joining texts. Objects are `JSON_OBJECT(key VALUE value …)`: keys as
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
from sqlalchemy import JSON
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from domain import ids
from domain.viewer import Viewer
from resolvers.reading.arguments import (
    Argument,
    Arguments,
    BadInput,
    Binder,
    Read,
    Variables,
    Via,
    reader,
)
from resolvers.reading.mapping import (
    COMPUTED,
    Aggregate,
    Computed,
    Condition,
    Elements,
    Entity,
    Inline,
    Many,
    Nodes,
    One,
    Pages,
    Reread,
    Row,
    Rows,
    Scalar,
    Subject,
    entity_of,
    reads_of,
)
from resolvers.reading.pages import Page, size_of
from resolvers.reading.scans import scan
from resolvers.reading.templates import (
    DOCUMENT,
    NOWHERE,
    OTHER,
    Seat,
    Template,
    marked,
    other_of,
    place_of,
    type_name,
)
from resolvers.reading.texts import EMPTY_LIST, columns_of, columns_read, json_object, listed, subselect, text_literal

CONDITIONS = {"include": True, "skip": False}
"""The directives that decide whether a selection counts, and the value of `if` with which it does."""


class NotCompiled(Exception):
    """A selection that the compiler leaves to the ordinary executor."""


ROOT = Seat(NOWHERE)


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
        self.sight = viewer.role, viewer.scopes
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

    def object(self, type_: GraphQLObjectType, selections: Iterable[SelectionNode], seat: Seat) -> str:
        """The JSON of one object of `type_` that the row at `seat` holds."""
        return json_object([(one.key, self.field(type_, one, seat)) for one in self.collect(type_, selections)])

    def field(self, type_: GraphQLObjectType, selected: Selected, seat: Seat) -> str:
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
        return METHODS[type(mapping)](self, mapping, get_named_type(field.type), selected, seat, arguments)

    def scalar(
        self, mapping: Scalar, _type: GraphQLNamedType, _selected: Selected, seat: Seat, arguments: Arguments
    ) -> str:
        """A leaf."""
        if mapping.needs and not self.viewer.may(mapping.needs):
            return "NULL"
        return self.asked(seat, (mapping, self.sight if mapping.by_viewer else None), mapping.of, arguments)

    def inline(
        self, mapping: Inline, type_: GraphQLObjectType, selected: Selected, seat: Seat, arguments: Arguments
    ) -> str:
        """An object out of the same row."""
        if mapping.needs and not self.viewer.may(mapping.needs):
            return "NULL"
        built = self.object(type_, selected.selections(), Seat(seat.place.part(mapping), seat.alias))
        if mapping.present is None:
            return built
        present = mapping.present
        there = self.asked(seat, (mapping, "present"), lambda row, *_: present(row).is_not(None), arguments)
        return f"CASE WHEN {there} THEN {built} END"

    def aggregate(
        self, mapping: Aggregate, type_: GraphQLObjectType, selected: Selected, seat: Seat, _arguments: Arguments
    ) -> str:
        """An object out of one row of aggregates."""
        if mapping.needs and not self.viewer.may(mapping.needs):
            return "NULL"
        alias = self.name()
        built = self.object(type_, selected.selections(), Seat(seat.place.within(mapping), alias))
        return subselect(built, seat.place.opened(mapping).at(seat.alias, alias))

    def one(self, mapping: One, type_: GraphQLObjectType, selected: Selected, seat: Seat, arguments: Arguments) -> str:
        """Another row, as a scalar subselect."""
        entity = entity_of(type_)
        alias = self.name()
        built = self.object(type_, selected.selections(), Seat(place_of(entity), alias))
        conditions = [self.joined(mapping, seat, entity, alias, arguments), *self.scope(entity, alias, mapping)]
        return subselect(built, scan(entity, alias, conditions))

    def many(
        self, mapping: Many, type_: GraphQLObjectType, selected: Selected, seat: Seat, arguments: Arguments
    ) -> str:
        """A bounded list of rows; an empty one without the scope that it needs, as for any rows out of sight."""
        if mapping.needs and not self.viewer.may(mapping.needs):
            return EMPTY_LIST
        entity = entity_of(type_)
        alias = self.name()
        conditions = [self.joined(mapping, seat, entity, alias, arguments), *self.scope(entity, alias, mapping)]
        order = ", ".join(key.at(alias) for key, _ in place_of(entity).keys(mapping.order_by))
        page = self.name()
        built = self.object(type_, selected.selections(), Seat(place_of(entity), page))
        read = columns_of(alias, columns_read(page, built))
        rows = f"SELECT {read} FROM {scan(entity, alias, conditions)} ORDER BY {order} LIMIT {mapping.limit}"
        return subselect(listed(built), f"({rows}) AS {page}")

    def elements(
        self, mapping: Elements, type_: GraphQLObjectType, selected: Selected, seat: Seat, arguments: Arguments
    ) -> str:
        """A list out of the row's own JSON array."""
        if mapping.needs and not self.viewer.may(mapping.needs):
            return "NULL"
        alias = self.name()
        built = self.object(type_, selected.selections(), Seat(seat.place.within(mapping), alias))
        source = seat.place.opened(mapping).at(seat.alias, alias)
        if "first" in arguments.readers:
            source = f"(SELECT * FROM {source} LIMIT {size_of(self, arguments, 'first')}) AS {alias}"
        return subselect(listed(built), source)

    def computed(
        self, mapping: Computed, type_: GraphQLObjectType, selected: Selected, _seat: Seat, _arguments: Arguments
    ) -> str:
        """An object, or a list of them, that was worked out for this request; null where that was refused."""
        alias, key = self.name(), selected.key
        document = self.parameter(lambda variables: variables[COMPUTED].get(key), JSONB())
        built = self.object(type_, selected.selections(), Seat(DOCUMENT, alias))
        if mapping.is_list:
            found = subselect(listed(built), f"jsonb_array_elements({document}) AS {alias} (doc)")
            return f"CASE WHEN {document} IS NOT NULL THEN {found} END"
        return subselect(built, f"(SELECT {document} AS doc) AS {alias} WHERE {alias}.doc IS NOT NULL")

    def rows(
        self, mapping: Rows, type_: GraphQLObjectType, selected: Selected, seat: Seat, arguments: Arguments
    ) -> str:
        """A list out of a statement of its own; an empty one without the scope that it needs."""
        if mapping.needs and not self.viewer.may(mapping.needs):
            return EMPTY_LIST
        alias = self.name()
        built = self.object(
            type_, selected.selections(), Seat(seat.place.found(mapping, self.viewer, arguments), alias)
        )
        opened = seat.place.template(
            (mapping, "opened", self.sight, arguments.shape()),
            lambda binder: mapping.under(seat.place.row, OTHER, self.viewer, arguments.under(binder)),
        )
        return subselect(listed(built), self.fill(opened, arguments, seat.alias, alias))

    # -- objects of several types ----------------------------------------------------------------------------------

    def subject(
        self, mapping: Subject, type_: GraphQLInterfaceType, selected: Selected, seat: Seat, arguments: Arguments
    ) -> str:
        """An object known by its type's name and key."""
        typename = self.asked(
            seat, (mapping, "typename"), lambda row, _, given: mapping.typename(row, given), arguments
        )
        key = self.asked(seat, (mapping, "key"), lambda row, _, given: mapping.key(row, given), arguments)
        return self.any_of(type_, selected, typename, key)

    def any_of(self, type_: GraphQLInterfaceType, selected: Selected, typename: str, key: str) -> str:
        """The row of whichever type it is, if the viewer may see it; PostgreSQL runs only that branch."""
        branches = []
        for possible in sorted(self.schema.get_possible_types(type_), key=lambda each: each.name):
            entity = entity_of(possible)
            alias = self.name()
            built = self.object(possible, selected.selections(), Seat(place_of(entity), alias))
            named = f"{typename} = {text_literal(possible.name)}"
            # Asked again where it is cast: partitions are chosen before any branch is, and a UUID is no number.
            same = f"CASE WHEN {named} THEN CAST(CAST({key} AS TEXT) AS {type_name(entity.table.c.id.type)}) END"
            found = scan(entity, alias, [f"{alias}.id = {same}", *self.visible(entity, alias)])
            branches.append(f"WHEN {named} THEN {subselect(built, found)}")
        return f"CASE {' '.join(branches)} END"

    def nodes(
        self, mapping: Nodes, type_: GraphQLInterfaceType, selected: Selected, _seat: Seat, arguments: Arguments
    ) -> str:
        """One object or null for each id, in their order."""
        asked = self.parameter(arguments["ids"].read, JSON(), lambda given: parsed_ids(given, mapping.limit))
        alias = self.name()
        found = self.any_of(type_, selected, f"{alias}.typename", f"{alias}.key")
        return subselect(listed(found), f"json_to_recordset({asked}) AS {alias}(typename TEXT, key TEXT)")

    # -- connections -----------------------------------------------------------------------------------------------

    def pages(
        self, mapping: Pages, type_: GraphQLObjectType, selected: Selected, seat: Seat, arguments: Arguments
    ) -> str:
        """A connection: its rows once, then edges, nodes, pageInfo and totalCount read off them."""
        return Page(self, mapping, type_, seat, arguments).answer(self.collect(type_, selected.selections()))

    # -- templates in the statement --------------------------------------------------------------------------------

    def name(self) -> str:
        """A fresh alias."""
        self.aliases += 1
        return f"t{self.aliases}"

    def parameter(self, read: Read, type_: TypeEngine[Any], via: Via | None = None) -> str:
        """A value of the request as a parameter, with its type, which PostgreSQL could not always tell."""
        return f"{marked(self.binder.add(read, type_, via))}::{type_name(type_)}"

    def fill(self, template: Template, arguments: Arguments, row: str, other: str = "") -> str:
        """A template under the aliases at hand, its parameters bound."""
        text = template.at(row, other)
        for number, slot in enumerate(template.slots):
            read = slot.read if slot.path is None else arguments.read_at(slot.path)
            text = text.replace(marked(f"slot {number}"), marked(self.binder.add(read, slot.type, slot.via)))
        return text

    def asked(
        self, seat: Seat, key: tuple[Any, ...], of: Callable[[Row, Viewer, Arguments], Any], arguments: Arguments
    ) -> str:
        """What a mapping says of the row."""
        template = seat.place.template(
            (*key, arguments.shape()), lambda binder: of(seat.place.row, self.viewer, arguments.under(binder))
        )
        return self.fill(template, arguments, seat.alias)

    def joined(self, mapping: One | Many | Pages, seat: Seat, entity: Entity, other: str, arguments: Arguments) -> str:
        """The condition that joins the row to another."""
        assert mapping.joined is not None
        joined, row = mapping.joined, other_of(entity)
        template = seat.place.template(
            (mapping, "joined", arguments.shape()),
            lambda binder: joined(seat.place.row, row, arguments.under(binder)),
            row,
        )
        return self.fill(template, arguments, seat.alias, other)

    def condition(
        self, entity: Entity, condition: Condition | Reread, given: Argument, arguments: Arguments, alias: str
    ) -> str:
        """A filter's condition, or another expression that an argument has read."""
        place = place_of(entity)
        template = place.template(
            (condition, given.path, given.shape),
            lambda binder: condition(place.row, Argument(binder, given.read, given.now, given.path)),
        )
        return self.fill(template, arguments, alias)

    def visible(self, entity: Entity, alias: str) -> list[str]:
        """The viewer's row scope; no condition where they see every row."""
        place = place_of(entity)
        template = place.template(("visible", entity, self.sight), lambda _: entity.visible(self.viewer, place.row))
        return [] if template.text == "true" else [self.fill(template, NO_ARGUMENTS, alias)]

    def scope(self, entity: Entity, alias: str, mapping: One | Many | Pages) -> list[str]:
        """The row scope, unless seeing the parent was enough."""
        return [] if self.viewer.role in mapping.follows else self.visible(entity, alias)


NO_ARGUMENTS = Arguments(None, None, None, {})


def parsed_ids(given: list[str], limit: int) -> list[dict[str, str | None]]:
    """Ids as (type, key) pairs for `json_to_recordset`; what is no id of ours has neither."""
    if len(given) > limit:
        raise BadInput(f"At most {limit} ids at once; {len(given)} were given.")
    return [dict(zip(("typename", "key"), ids.split(id_), strict=True)) for id_ in given]


METHODS: dict[type, Callable[..., str]] = {
    Scalar: Compiler.scalar,
    Inline: Compiler.inline,
    Aggregate: Compiler.aggregate,
    One: Compiler.one,
    Many: Compiler.many,
    Elements: Compiler.elements,
    Computed: Compiler.computed,
    Rows: Compiler.rows,
    Pages: Compiler.pages,
    Subject: Compiler.subject,
    Nodes: Compiler.nodes,
}
