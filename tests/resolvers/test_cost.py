"""Cost: what an answer can hold at most, worked out by hand here."""

from typing import Any

import pytest
from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    get_introspection_query,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
)

from domain.viewer import ANONYMOUS, SCOPES, Role, Viewer, ViewerKind
from resolvers.cost import LARGEST, LIMITS, STATED, stated_maximum
from resolvers.documents import Documents, RequestError
from resolvers.engine import Engine, Request
from resolvers.reading.mapping import reads_of
from schema.build import build, core_of
from tests.contract import document, names
from tests.referee import Referee

SCHEMA = core_of(build())

COSTS: dict[str, tuple[str, dict[str, Any], int]] = {
    "a field": ("{ __typename }", {}, 1),
    "an object": ("{ viewer { kind role } }", {}, 3),
    "an alias": ("{ a: viewer { kind } b: viewer { kind } }", {}, 4),
    "a list that states its maximum": ("{ viewer { channels { code } } }", {}, 1 + 1 + 100),
    "a list of leaves": ("{ viewer { scopes } }", {}, 2),
    "a list out of a row": ('{ order(id: "x") { routing { candidates { feasible } } } }', {}, 1 + 1 + 20 * (1 + 40)),
    "a page that was not told": ("{ orders { nodes { id } } }", {}, 1 + 1 + 20),
    "a page": ("{ orders(first: 7) { nodes { id number } } }", {}, 1 + 1 + 7 * 2),
    "a page from the end": ("{ orders(last: 3) { nodes { id } } }", {}, 1 + 1 + 3),
    "no page": ("{ orders(first: 0) { nodes { id } } }", {}, 1 + 1),
    "edges": ("{ orders(first: 5) { edges { cursor node { id } } } }", {}, 1 + 1 + 5 * (1 + 1 + 1)),
    "edges and nodes": ("{ orders(first: 5) { edges { cursor } nodes { id } } }", {}, 1 + 1 + 5 + 1 + 5),
    "what stands beside a page": ("{ orders(first: 5) { totalCount pageInfo { endCursor } } }", {}, 1 + 1 + 2),
    "a page in pages": (
        "{ orders(first: 10) { nodes { customer { orders(first: 5) { nodes { id } } } } } }", {}, 1 + 1 + 10 * (1 + 1 + 1 + 5)
    ),
    "a page of one": ("{ orders(first: 1) { nodes { id } edges { cursor } } }", {}, 1 + 1 + 1 + 1 + 1),
    "a page in a variable": ("query ($n: Int) { orders(first: $n) { nodes { id } } }", {"n": 9}, 1 + 1 + 9),
    "a page in a variable that was left out": ("query ($n: Int) { orders(first: $n) { nodes { id } } }", {}, 22),
    "a page in a variable with a default": ("query ($n: Int = 4) { orders(first: $n) { nodes { id } } }", {}, 1 + 1 + 4),
    "a page larger than any": ("query ($n: Int) { orders(first: $n) { nodes { id } } }", {"n": 5_000}, 1 + 1 + 100),
    "a page below none": ("query ($n: Int) { orders(first: $n) { nodes { id } } }", {"n": -5}, 1 + 1),
    "either end in a variable": (
        "query ($n: Int, $m: Int) { orders(first: $n, last: $m) { nodes { id } } }", {"n": None, "m": 6}, 1 + 1 + 6
    ),
    "pages in variables in pages": (
        "query ($n: Int, $m: Int) { orders(first: $n) { nodes { customer { orders(first: $m) { nodes { id } } } } } }",
        {"n": 10, "m": 5}, 1 + 1 + 10 * (1 + 1 + 1 + 5),
    ),
    "ids": ('{ nodes(ids: ["a", "b", "c"]) { id } }', {}, 1 + 3),
    "one id where many may be": ('{ nodes(ids: "a") { id } }', {}, 1 + 1),
    "ids in a variable": ("query ($i: [ID!]!) { nodes(ids: $i) { id } }", {"i": ["a", "b"]}, 1 + 2),
    "more ids than are served": ("query ($i: [ID!]!) { nodes(ids: $i) { id } }", {"i": ["a"] * 500}, 1 + 100),
    "branches of an interface": (
        '{ node(id: "x") { id ... on Order { number } ... on Customer { email } } }', {}, 1 + 1 + 1 + 1
    ),
    "what is skipped": ("query ($s: Boolean!) { viewer @skip(if: $s) { kind } }", {"s": True}, 2),
    "a fragment, each time it is spread": (
        "{ a: viewer { ...F } b: viewer { ...F } } fragment F on Viewer { kind role }", {}, 6
    ),
    "a fragment on connections of two sizes": (
        "{ a: orders(first: 2) { ...F } b: orders(first: 3) { ...F } } fragment F on OrderConnection { nodes { id } }",
        {}, (1 + 1 + 2) + (1 + 1 + 3),
    ),
    "a mutation": (
        "mutation ($i: OrderConfirmInput!) { orderConfirm(input: $i) { order { id } userErrors { code } } }",
        {"i": {"id": "x", "idempotencyKey": "k"}}, 10 + 1 + 2 + 1 + 20,
    ),
    "mutations": (
        """mutation ($i: OrderConfirmInput!) { ...M } fragment M on Mutation {
            a: orderConfirm(input: $i) { __typename } b: orderConfirm(input: $i) { __typename } }""",
        {"i": {"id": "x", "idempotencyKey": "k"}}, 2 * (10 + 1 + 1),
    ),
    "a subscription": ('subscription { orderEvents(orderId: "x") { id type } }', {}, 3),
    "hundreds of hundreds": (
        "{ " + "orders(first: 100) { nodes { customer { " * 6 + "id" + " } } }" * 6 + " }", {}, LARGEST,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", COSTS)
async def test_a_document_costs_what_its_answer_can_hold(name: str) -> None:
    text, variables, expected = COSTS[name]
    document = await Documents(SCHEMA).get(text, None)
    assert document.cost.of(document.coerce(variables)) == expected


def test_every_list_of_objects_states_its_maximum_and_costs_it() -> None:
    for type_ in SCHEMA.type_map.values():
        if not isinstance(type_, GraphQLObjectType | GraphQLInterfaceType) or type_.name.startswith("__"):
            continue
        for name, field in type_.fields.items():
            if not is_list_type(get_nullable_type(field.type)) or is_leaf_type(get_named_type(field.type)):
                continue
            limit = getattr(reads_of(type_, name), "limit", None)
            if type_.name.endswith("Connection"):
                continue
            stated = stated_maximum(field)
            assert stated, f"{type_.name}.{name} states no maximum as {STATED.pattern}"
            assert limit in (None, stated), f"{type_.name}.{name} states {stated} and has {limit}"


@pytest.mark.parametrize("role", [*Role, None])
def test_every_caller_has_a_limit(role: Role | None) -> None:
    assert LIMITS[role] >= LIMITS[None]


SENT_BY = {
    "PlaceOrder": Role.SHOPPER,
    "OrderStatusById": Role.GUEST,
    "OrderLive": Role.GUEST,
    "GuestSignIn": None,
    "MyOrders": Role.CUSTOMER,
    "CustomerCancels": Role.CUSTOMER,
    "CustomerRequestsReturn": Role.CUSTOMER,
    "WhoAmI": None,
    "WhyRouted": Role.AGENT,
    "Queue": Role.STORE,
    "Pick": Role.WAREHOUSE,
}
"""Who sends what, by the least of those that may; staff send the rest."""


@pytest.mark.parametrize("name", names())
async def test_what_our_users_send_costs_no_more_than_they_may_ask_for(name: str) -> None:
    found = await Documents(SCHEMA).get(document(name), name)
    assert found.cost.of({}) <= LIMITS[SENT_BY.get(name, Role.AGENT)]


async def test_tools_may_ask_for_the_schema_without_a_token() -> None:
    found = await Documents(SCHEMA).get(get_introspection_query(descriptions=True), None)
    assert found.cost.of({}) <= LIMITS[None]


AGENT = Viewer(ViewerKind.STAFF, Role.AGENT, "a", "A", SCOPES[Role.AGENT])
DEAR = (
    "query ($n: Int) { orders(first: 100) { nodes { customer { orders(first: $n) { nodes { lines { id sku } } } } } } }"
)


async def test_what_costs_too_much_is_refused_before_anything_runs(referee: Referee) -> None:
    before = referee.engine.counts.compiled, referee.engine.counts.ordinary
    with pytest.raises(RequestError) as refused:
        await referee.engine.answer(Request(DEAR, None, {"n": 100}), AGENT)
    told = {"requested": 1 + 1 + 100 * (1 + 1 + 1 + 100 * (1 + 100 * 2)), "limit": LIMITS[Role.AGENT]}
    assert refused.value.errors[0].extensions == {"code": "COST_LIMIT_EXCEEDED", "cost": told}
    assert refused.value.extensions == {"cost": told}
    assert (referee.engine.counts.compiled, referee.engine.counts.ordinary) == before
    assert b'"data"' in await referee.engine.answer(Request(DEAR, None, {"n": 10}), AGENT)


async def test_the_same_document_may_be_too_dear_for_one_and_not_for_another(referee: Referee) -> None:
    query = "{ orders(first: 100) { nodes { " + " ".join(f"a{number}: number" for number in range(20)) + " } } }"
    assert await referee.engine.answer(Request(query), AGENT)
    with pytest.raises(RequestError, match="This costs 2002; you may ask for 2000 at once"):
        await referee.engine.answer(Request(query), ANONYMOUS)


@pytest.mark.parametrize(
    "query", ["{ viewer { kind } }", "{ __schema { description } }", "{ orders(first: -1) { totalCount } }"]
)
async def test_every_answer_tells_its_cost_whoever_made_it(referee: Referee, query: str) -> None:
    engine: Engine = referee.engine
    answer = await engine.answer(Request(query), ANONYMOUS)
    assert answer.endswith(b',"extensions":{"cost":{"requested":2,"limit":2000}}}')
