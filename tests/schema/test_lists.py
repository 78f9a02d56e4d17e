"""Every list says how long it can get: a client can plan for it, and it is what the list costs."""

import re
from collections.abc import Iterator

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
)

from domain.viewer import Scope
from resolvers.reading.arguments import PAGE_LIMIT
from resolvers.reading.mapping import Many, Nodes, Rows, reads_of
from schema.build import build, core_of

SCHEMA = core_of(build())


def lists() -> Iterator[tuple[str, GraphQLObjectType | GraphQLInterfaceType, GraphQLField]]:
    """Every field that gives a list, by its coordinate."""
    for type_ in SCHEMA.type_map.values():
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType) and not type_.name.startswith("__"):
            for name, field in type_.fields.items():
                if isinstance(get_nullable_type(field.type), GraphQLList):
                    yield f"{type_.name}.{name}", type_, field


LISTS = {coordinate: (type_, field) for coordinate, type_, field in lists()}


def stated(field: GraphQLField) -> list[int]:
    """The maxima that a description names."""
    return [int(found) for found in re.findall(r"\bat most (\d+)\b", field.description or "")]


@pytest.mark.parametrize("coordinate", LISTS)
def test_every_list_states_its_maximum(coordinate: str) -> None:
    _, field = LISTS[coordinate]
    assert len(stated(field)) == 1, f"{coordinate} must say 'at most N': {field.description!r}"


def test_what_it_states_is_what_is_read_at_most() -> None:
    mapped = {coordinate: reads_of(type_, coordinate.partition(".")[2]) for coordinate, (type_, _) in LISTS.items()}
    bounded = {
        coordinate: [found.limit] for coordinate, found in mapped.items() if isinstance(found, Many | Nodes | Rows)
    }

    assert len(bounded) > 30
    assert {coordinate: stated(LISTS[coordinate][1]) for coordinate in bounded} == bounded


def test_a_page_states_the_most_that_can_be_asked_for() -> None:
    pages = [field for coordinate, (type_, field) in LISTS.items() if type_.name.endswith("Connection")]

    assert len(pages) >= 18
    assert {tuple(stated(field)) for field in pages} == {(PAGE_LIMIT,)}
    descriptions = [SCHEMA.query_type.fields["orders"].args[name].description for name in ("first", "last")]  # type: ignore[union-attr]
    assert all(f"0 to {PAGE_LIMIT}" in (description or "") for description in descriptions)


def test_lists_of_words_have_room_for_every_word() -> None:
    words = {
        coordinate: (len(named.values), stated(field)[0])
        for coordinate, (_, field) in LISTS.items()
        if isinstance(named := get_named_type(field.type), GraphQLEnumType)
    }

    assert len(words) >= 3
    assert {coordinate for coordinate, (there_are, room) in words.items() if there_are > room} == set()
    assert len(Scope) <= stated(LISTS["Viewer.scopes"][1])[0]
