"""Random valid documents read the same on both executors, and nearly all of them run compiled."""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from graphql import (
    REMOVE,
    ArgumentNode,
    DocumentNode,
    FieldNode,
    IntValueNode,
    ListValueNode,
    StringValueNode,
    TypeInfo,
    TypeInfoVisitor,
    ValueNode,
    Visitor,
    get_named_type,
    print_ast,
    visit,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import queries

from domain import ids
from schema.build import build
from tests.referee import ROLES, Referee, wide_world
from tests.world import gid

EXAMPLES = 200
LEAST_COMPILED = 0.9

SCHEMA = build()._schema
WORLD = wide_world()

MOMENTS = ["2018-01-01T12:00:00Z", "2018-01-01T09:30:00-03:00", "2030-01-01T00:00:00Z", "1999-12-31T23:59:59.5Z"]
WORDS = [
    "web",
    "phone",
    "SAO1",
    "RIO1",
    "SHIRT",
    "P-SHIRT",
    "MUG",
    "vip",
    "ana@example.com",
    "100007",
    "BR100006",
    "jose souza",
    "+55 11 98765-4321",
    "01304001",
    "名",
]
IDS = [
    *(gid("Order", row) for row in WORLD.rows["orders"][:12]),
    *(gid("Customer", row) for row in WORLD.rows["customers"]),
    *(gid("Location", row) for row in WORLD.rows["locations"]),
    *(gid("FulfillmentOrder", row) for row in WORLD.rows["fulfillment_orders"][:8]),
    *(gid("Shipment", row) for row in WORLD.rows["shipments"]),
    *(gid("Return", row) for row in WORLD.rows["returns"]),
    *(gid("Payment", row) for row in WORLD.rows["payments"][:4]),
    *(ids.encode("Event", number) for number in (1, 2, 10_000)),
    "nonsense",
]
"""Values that mean something here: what a generator makes up by itself finds nothing."""

HANDFULS = [IDS[start::12] for start in range(12)]

SIZES = [0, 1, 2, 3, 5]


def one_of(choices: Sequence[Any], node: ValueNode) -> Any:
    """A choice that depends on what was generated, and on nothing else."""
    number = int.from_bytes(hashlib.sha256(print_ast(node).encode()).digest()[:4])
    return choices[number % len(choices)]


class Meaningful(Visitor):
    """Gives arguments values that mean something, so that documents find rows instead of refusals."""

    def __init__(self, types: TypeInfo, cursors: dict[str, list[str]]) -> None:
        super().__init__()
        self.types = types
        self.cursors = cursors
        self.given = {*MOMENTS, *IDS, *(cursor for known in cursors.values() for cursor in known)}

    def enter_argument(self, node: ArgumentNode, *_: Any) -> Any:
        """Page sizes that are sizes, cursors of the very list, and the keys of objects."""
        name = node.name.value
        if node.value.kind == "null_value":
            return None
        if name in ("first", "last"):
            return _with(node, IntValueNode(value=str(one_of(SIZES, node.value))))
        if name in ("after", "before"):
            known = self.cursors.get(get_named_type(self.types.get_type()).name)  # type: ignore[union-attr]
            return _with(node, _text(one_of(known, node.value))) if known else REMOVE
        if name == "ids":
            return _with(node, ListValueNode(values=tuple(map(_text, one_of(HANDFULS, node.value)))))
        return None

    def leave_string_value(self, node: StringValueNode, *_: Any) -> Any:
        """Half of the other texts become ids or words that are known."""
        type_ = self.types.get_input_type()
        named = get_named_type(type_).name if type_ else ""
        if node.value in self.given or named not in ("ID", "String"):
            return None
        return _text(one_of([*IDS, node.value] if named == "ID" else [*WORDS, node.value], node))

    def leave_int_value(self, node: IntValueNode, *_: Any) -> Any:
        """Numbers may stand for ids too."""
        type_ = self.types.get_input_type()
        return _text(one_of(IDS, node)) if type_ and get_named_type(type_).name == "ID" else None


def _with(node: ArgumentNode, value: ValueNode) -> ArgumentNode:
    return ArgumentNode(name=node.name, value=value)


def _text(value: str) -> StringValueNode:
    return StringValueNode(value=value, block=False)


class OneEnd(Visitor):
    """Lists are asked for from one end."""

    def enter_field(self, node: FieldNode, *_: Any) -> Any:
        """`last` goes where `first` is."""
        given_ = [argument.name.value for argument in node.arguments or () if argument.value.kind != "null_value"]
        if not {"first", "last"} <= set(given_):
            return None
        kept = tuple(argument for argument in node.arguments or () if argument.name.value != "last")
        return FieldNode(
            alias=node.alias, name=node.name, arguments=kept, directives=node.directives,
            selection_set=node.selection_set,
        )  # fmt: skip


def meaningful(cursors: dict[str, list[str]]) -> Callable[[DocumentNode], str]:
    """Print a generated document after giving its arguments meaning."""

    def printed(document: DocumentNode) -> str:
        types = TypeInfo(SCHEMA)
        changed = visit(document, TypeInfoVisitor(types, Meaningful(types, cursors)))
        return print_ast(visit(changed, OneEnd()))

    return printed


CURSORS = """{
    orders(first: 60) { edges { cursor } __typename } events(first: 60) { edges { cursor } __typename }
    stockMovements(first: 60) { edges { cursor } __typename } channels { edges { cursor } __typename }
    fulfillmentOrders(first: 60) { edges { cursor } __typename } locations { edges { cursor } __typename }
    products { edges { cursor } __typename } customers { edges { cursor } __typename } variants { edges { cursor } __typename }
    variant(sku: "SHIRT") { inventory { levels { edges { cursor } __typename } } }
}"""


async def cursors_of(referee: Referee) -> dict[str, list[str]]:
    """Cursors of every list, by the name of its type."""
    found = await referee.ask(CURSORS)
    lists = [*found.values(), found["variant"]["inventory"]["levels"]]
    return {each["__typename"]: [edge["cursor"] for edge in each["edges"]] for each in lists if "edges" in each}


@pytest.mark.slow
async def test_random_documents_read_the_same_and_nearly_all_compiled(referee: Referee) -> None:
    loop, ran = asyncio.get_running_loop(), []
    moments = st.sampled_from(MOMENTS).map(_text)
    printed = meaningful(await cursors_of(referee))
    documents = queries(SCHEMA, custom_scalars={"DateTime": moments}, allow_x00=False, print_ast=printed)

    async def compare(text: str, role: str) -> None:
        viewer = referee.viewers[role]
        compiled, ordinary = await referee.compiled(text, viewer, {}), await referee.ordinary(text, viewer, {})
        ran.append(compiled is not None)
        assert compiled in (None, ordinary)

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(documents, st.sampled_from(ROLES))
    def read_alike(text: str, role: str) -> None:
        asyncio.run_coroutine_threadsafe(compare(text, role), loop).result(60)

    await asyncio.to_thread(read_alike)
    assert len(ran) >= EXAMPLES
    assert sum(ran) >= LEAST_COMPILED * len(ran), f"{sum(ran)} of {len(ran)} ran compiled"
