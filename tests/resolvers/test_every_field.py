"""Every field of every type, asked of every object there is: both executors say the same, and none is always null."""

from collections.abc import Iterator
from typing import Any

import pytest
from graphql import get_nullable_type, is_leaf_type, is_list_type, is_required_argument

from domain import ids
from tests.fuzz.tree import SCHEMA, Field, Inline, Selection, Tree, target
from tests.fuzz.values import NAMED_OTHERWISE, NODE_TYPES, TEXTS
from tests.referee import ROLES, Referee
from tests.world import World, gid, rows_of

PAGE = 100

NOT_STORED = {
    "FulfillmentOrderLine.bin", "Returnability.fee",
    "Query.fulfillmentOptions",
}  # fmt: skip
"""Fields that are always null: nothing is stored yet that they could tell."""

BESIDES: dict[str, dict[str, Any]] = {
    "availability": {"destination": {"country": "BR", "latitude": -22.5, "longitude": -43.25}},
    "stockSuggestions": {"leadTimeDays": 90},
}
"""Arguments that a root field can do without, and that some of its fields need to have anything to tell."""

ELSEWHERE = ("FulfillmentOption.", "FulfillmentOptionParcel.")
"""Fields of types that this world's rules leave nothing of: `tests/api/test_options.py` asks both executors for them."""

VIEWER: Any = SCHEMA.type_map["Viewer"]
"""A customer's account, a place of work and the code of a pickup are seen by those alone whose they are."""


def every_field(type_: Any) -> list[Selection]:
    """All fields of a type and of the objects inside of it; of other nodes just who they are."""
    found: list[Selection] = [Field(type_.name, "__typename")]
    for name, definition in type_.fields.items():
        if any(is_required_argument(argument) for argument in definition.args.values()):
            continue
        field = Field(type_.name, name)
        inner = target(field)
        if inner.name in (*NODE_TYPES, "Node"):
            field.selections = identity(inner)
        elif not is_leaf_type(inner):
            field.selections = every_field(inner)
        found.append(field)
    return found


def ids_of(typename: str, world: World) -> list[str]:
    """Objects of a type: the first and the last of them, which is all where there are not many."""
    if typename == "Event":
        count = len(world.rows["events"])
        numbers = [*range(1, PAGE // 2 + 1), *range(count - PAGE // 2 + 1, count + 1)]
        return [ids.encode("Event", number) for number in numbers]
    rows = rows_of(typename, world)
    return [gid(typename, row) for row in (rows if len(rows) <= PAGE else rows[: PAGE // 2] + rows[-PAGE // 2 :])]


def documents(typename: str, world: World) -> Iterator[Tree]:
    """Queries for the objects of a node type, or for every root field."""
    type_: Any = SCHEMA.type_map[typename]
    if typename == "Query":
        yield from (Tree([root(name, definition, world)]) for name, definition in type_.fields.items())
    else:
        asked = {"ids": ids_of(typename, world)}
        yield Tree([Field("Query", "nodes", None, asked, [], [Inline(typename, every_field(type_))])])


def root(name: str, definition: Any, world: World) -> Field:
    """A root field with the arguments that it needs."""
    field = Field("Query", name)
    type_ = target(field)
    node = type_.name if type_.name != "Node" else "Order"
    for key, argument in definition.args.items():
        if is_required_argument(argument):
            named = NAMED_OTHERWISE.get(key, node)
            known = (
                ids_of(named, world)
                if key in ("id", "ids", *NAMED_OTHERWISE)
                else TEXTS.get(f"{type_.name}.{key}", TEXTS.get(key))
            )
            assert known, f"{name} needs a {key}"
            field.arguments[key] = known if is_list_type(get_nullable_type(argument.type)) else known[0]
    field.arguments |= BESIDES.get(name, {})
    field.selections = every_field(type_) if node not in NODE_TYPES else identity(type_)
    return field


def identity(type_: Any) -> list[Selection]:
    """Who an object is."""
    return [Field(type_.name, "__typename"), Field(type_.name, "id")]


def told(selections: list[Selection], of: str, answer: Any) -> Iterator[tuple[str, bool]]:
    """Each field that was answered, and whether with something."""
    for each in selections:
        if isinstance(each, Inline):
            yield from told(each.selections, each.on or of, answer)
        elif isinstance(each, Field):
            given = answer[each.name]
            yield f"{of}.{each.name}", given not in (None, [])
            for inner in given if isinstance(given, list) else [given]:
                if each.selections and inner is not None:
                    yield from told(each.selections, target(each).name, inner)


@pytest.mark.parametrize("typename", ["Query", *NODE_TYPES])
async def test_every_field_reads_the_same_for_every_role(typename: str, referee: Referee) -> None:
    for tree in documents(typename, referee.world):
        for role in ROLES:
            await referee.ask(str(tree), role)


async def test_every_field_has_a_value_somewhere(referee: Referee) -> None:
    asked = [(tree, "operations") for typename in ["Query", *NODE_TYPES] for tree in documents(typename, referee.world)]
    asked += [(tree, "customer") for tree in documents("Pickup", referee.world)]
    asked += [
        (Tree([Field("Query", "viewer", selections=every_field(VIEWER))]), role) for role in ("customer", "store")
    ]
    answered: dict[str, bool] = {}
    for tree, role in asked:
        for name, something in told(tree.selections, "Query", await referee.ask(str(tree), role)):
            answered[name] = answered.get(name, False) or something
    assert sorted(name for name, something in answered.items() if not something) == sorted(NOT_STORED)
    unasked = {*declared()} - answered.keys()
    assert sorted(name for name in unasked if not name.startswith(ELSEWHERE)) == []


def declared() -> Iterator[str]:
    """Every field of every type that can be read."""
    ahead, seen = ["Query"], {"Query"}
    while ahead:
        type_: Any = SCHEMA.type_map[ahead.pop()]
        for name in type_.fields:
            inner = target(Field(type_.name, name))
            yield f"{type_.name}.{name}"
            fresh = [*NODE_TYPES] if inner.name == "Node" else [] if is_leaf_type(inner) else [inner.name]
            ahead += [each for each in fresh if each not in seen]
            seen.update(fresh)
