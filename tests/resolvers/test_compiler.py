"""The read compiler against the ordinary executor: whatever is asked, by whomever, both give the same data."""

import asyncio
import base64
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from graphql import (
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

from domain import ids
from resolvers.database import Database
from resolvers.documents import RequestError
from resolvers.engine import Engine, Request
from resolvers.writing import World as Outside
from schema.build import build
from tests.contract import document, names
from tests.referee import ROLES, Referee, prepared, unordered
from tests.world import World, gid, rows_of

# -- the contract ------------------------------------------------------------------------------------------------------


THEN = ["1999-12-31T23:59:59Z", "2018-01-01T12:20:00Z", "2018-01-01T15:00:00Z", "2030-01-01T00:00:00Z"]


def asked_for(name: str, world: World) -> list[dict[str, Any]]:
    """What each query of the contract is asked with."""
    orders = world.rows["orders"]
    depot, shop = world.rows["locations"]
    told = ["100007", "ana@example.com", " BOB@example.com ", "+5511987654321", "BR100006", "nothing", ""]
    asked: dict[str, list[dict[str, Any]]] = {
        "FindOrderAtCounter": [{"query": text} for text in told],
        "FindCustomer": [{"query": text} for text in told],
        "SingleCustomerView": [{"id": gid("Customer", row)} for row in world.rows["customers"]],
        "OrderStatusById": [{"id": gid("Order", orders[n])} for n in (1, 6, 9, 10, 11, 13)],
        "OrderMoney": [{"id": gid("Order", orders[n])} for n in (1, 9)],
        "WhyRouted": [{"orderId": gid("Order", orders[n])} for n in (0, 6)],
        "Queue": [{"locationId": gid("Location", place)} for place in (depot, shop)],
        "PickupsWaiting": [{"locationId": gid("Location", place)} for place in (depot, shop)],
        "Work": [{"queue": queue} for queue in ("location:SAO1", "location:RIO1", "desk:RIO1", "call-center", "none")],
        "Deliveries": [{"endpointId": gid("WebhookEndpoint", row)} for row in world.rows["webhook_endpoints"]],
        "Availability": [
            {"skus": skus, "country": "BR", "postalCode": code}
            for skus in (["SHIRT", "CAP", "none"], [], ["SHOE", "SHOE"])
            for code in ("01304-001", "")
        ],
        "Ledger": [{"sku": sku, "at": at} for sku in ("SHIRT", "MUG") for at in THEN],
        "WhatIf": [{"ruleset": {"name": "as it is", "channel": "web", "rules": []}}],
        "FulfillmentOptions": [
            {"lines": [{"sku": sku, "quantity": 1}], "destination": {"country": "BR", "postalCode": "01304-001"}}
            for sku in ("SHIRT", "none")
        ],
        "StockOf": [{"sku": sku} for sku in ("SHIRT", "MUG", "none")],
    }
    return asked.get(name, [{}])


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", names("query"))
async def test_the_contracts_queries_read_the_same(name: str, role: str, referee: Referee) -> None:
    for variables in asked_for(name, referee.world):
        await referee.ask(document(name), role, **variables)


async def test_the_contracts_queries_find_what_is_there(referee: Referee) -> None:
    order = referee.world.rows["orders"][9]
    status = (await referee.ask(document("OrderStatusById"), "agent", id=gid("Order", order)))["order"]
    assert (status["status"], status["paymentStatus"], status["returnStatus"]) == (
        "COMPLETED", "PARTIALLY_REFUNDED", "PARTIALLY_RETURNED",
    )  # fmt: skip
    assert status["total"] == {"amount": "229.80", "currency": "BRL"}
    assert [line["quantities"]["returned"] for line in status["lines"]] == ["2", "0"]
    assert status["returns"][0]["refundTotal"]["amount"] == "99.80"
    found = await referee.ask(document("FindOrderAtCounter"), "store", query="100007")
    assert [edge["node"]["number"] for edge in found["orders"]["edges"]] == ["100007"]


# -- everything there is -----------------------------------------------------------------------------------------------


def everything(type_: GraphQLNamedType, depth: int, above: tuple[str, ...] = ()) -> str:
    """Every field without required arguments, `depth` objects deep, without going back where one came from."""
    if isinstance(type_, GraphQLInterfaceType):
        return "{ __typename id }"
    assert isinstance(type_, GraphQLObjectType)
    return "{ " + " ".join(["__typename", *_fields(type_, depth, (*above, type_.name))]) + " }"


def _fields(type_: GraphQLObjectType, depth: int, above: tuple[str, ...]) -> Iterator[str]:
    for name, field in type_.fields.items():
        inner = get_named_type(field.type)
        if is_leaf_type(inner):
            yield name
            continue
        flat = inner.name.endswith(("Connection", "Edge")) or inner.name in ("Money", "Address", "Actor", "DateRange")
        if (depth or flat) and inner.name not in above:
            yield f"{name} {everything(inner, depth if flat else depth - 1, above)}"


QUERY: Any = build()._schema.query_type
WORKED_OUT = {"routingSimulation", "routingShadowReport", "promiseReport", "fulfillmentOptions"}
"""What is worked out before it is read: other tests ask it."""
ROOTS = [name for name in QUERY.fields if name not in ("node", "nodes") and name not in WORKED_OUT]
NODE_TYPES = [type_.name for type_ in build()._schema.get_possible_types(build()._schema.type_map["Node"])]  # type: ignore[arg-type]


def root_query(name: str, world: World, depth: int, page: int | None = None) -> str:
    """A query for everything under one root field."""
    field = QUERY.fields[name]
    needed = [key for key, argument in field.args.items() if is_required_argument(argument)]
    required = [f"{key}: {json.dumps(_key(name, key, world))}" for key in needed]
    given = required + ([f"first: {page}"] if page is not None and "first" in field.args else [])
    return (
        f"{{ {name}{'(' + ', '.join(given) + ')' if given else ''} {everything(get_named_type(field.type), depth)} }}"
    )


FINDING = {"sku": "SHIRT", "skus": ["SHIRT", "CAP"], "channel": "web"}
"""What finds something, by the argument's name."""
CODES = {"channel": "web", "location": "SAO1", "product": "P-SHIRT", "supplier": "ACME"}


def _key(name: str, argument: str, world: World) -> Any:
    """What finds something under a root field."""
    if argument == "id":
        return _an_id(get_named_type(QUERY.fields[name].type).name, world)
    if argument == "endpointId":
        return gid("WebhookEndpoint", world.rows["webhook_endpoints"][0])
    if argument == "locationId":
        return gid("Location", world.rows["locations"][0])
    return FINDING.get(argument) or CODES[name]


def _an_id(typename: str, world: World) -> str:
    """The id of the last object of a type."""
    if typename == "Event":
        return ids.encode("Event", len(world.rows["events"]))
    rows = rows_of(typename, world)
    return gid(typename, rows[-1]) if rows else ids.encode(typename, world.rows["orders"][0]["id"])


@pytest.mark.parametrize("role", ["operations", "store", "customer", "guest", "shopper"])
@pytest.mark.parametrize("name", ROOTS)
async def test_everything_under_each_root_field_reads_the_same(name: str, role: str, referee: Referee) -> None:
    await referee.ask(root_query(name, referee.world, depth=1, page=60), role)


@pytest.mark.parametrize("typename", NODE_TYPES)
async def test_an_object_of_each_type_is_found_again_by_its_id(typename: str, referee: Referee) -> None:
    selection = everything(build()._schema.type_map[typename], depth=2)
    query = f"query ($id: ID!) {{ node(id: $id) {{ __typename id ... on {typename} {selection} }} }}"
    id_ = _an_id(typename, referee.world)
    for role in ("operations", "warehouse", "customer", "guest", "anonymous"):
        found = await referee.ask(query, role, id=id_)
        if role == "operations" and (rows_of(typename, referee.world) or typename == "Event"):
            assert found["node"]["id"] == id_


# -- what is selected --------------------------------------------------------------------------------------------------


async def test_long_aliases_that_differ_at_their_end_stay_apart(referee: Referee) -> None:
    long = "a" * 63
    query = f'{{ {long}1: channel(code: "web") {{ {long}1: code {long}2: name }} {long}2: channel(code: "phone") {{ code }} }}'
    assert await referee.ask(query) == {
        f"{long}1": {f"{long}1": "web", f"{long}2": "Web"}, f"{long}2": {"code": "phone"},
    }  # fmt: skip


async def test_fields_that_are_asked_for_twice_are_merged(referee: Referee) -> None:
    query = """query ($id: ID!) {
        order(id: $id) { lines { sku } number }
        order(id: $id) { lines { quantity variant { sku } } ...More }
    }
    fragment More on Order { number lines { variant { name } sku } }"""
    found = (await referee.ask(query, id=gid("Order", referee.world.rows["orders"][0])))["order"]
    assert list(found) == ["lines", "number"]
    assert list(found["lines"][0]) == ["sku", "quantity", "variant"]
    assert list(found["lines"][0]["variant"]) == ["sku", "name"]


async def test_fragments_in_fragments_and_on_interfaces(referee: Referee) -> None:
    query = """query ($id: ID!) { node(id: $id) { ...A ... { __typename } ... on Customer { email } } }
    fragment A on Node { id ...B ... on Order { ...C } }
    fragment B on Order { number ... on Node { again: id } }
    fragment C on Order { customer { ... on Node { id ... on Customer { displayName } } } }"""
    order = referee.world.rows["orders"][0]
    found = (await referee.ask(query, id=gid("Order", order)))["node"]
    assert list(found) == ["id", "number", "again", "customer", "__typename"]
    assert found["customer"]["displayName"] == "ana 丸山"


@pytest.mark.parametrize("skipped", [True, False])
@pytest.mark.parametrize("included", [True, False])
async def test_skip_and_include_by_variables(skipped: bool, included: bool, referee: Referee) -> None:
    query = """query ($s: Boolean!, $i: Boolean! = true) {
        channel(code: "web") { code @skip(if: $s) name @include(if: $i) id @skip(if: $s) @include(if: $i)
            ...F @include(if: $i) ... @skip(if: $s) { timeZone } }
        viewer @skip(if: true) { role } }
    fragment F on Channel { currency }"""
    found = await referee.ask(query, s=skipped, i=included)
    wanted = {"code": not skipped, "name": included, "id": included and not skipped, "currency": included,
              "timeZone": not skipped}  # fmt: skip
    assert list(found["channel"] or {}) == [name for name, there in wanted.items() if there]


async def test_an_object_with_nothing_selected_is_an_empty_object(referee: Referee) -> None:
    query = '{ channel(code: "web") { code @skip(if: true) } orders(first: 2) { nodes { id @include(if: false) } } }'
    assert await referee.ask(query) == {"channel": [], "orders": {"nodes": [[], []]}}


async def test_introspection_is_left_to_the_ordinary_executor(referee: Referee) -> None:
    viewer = referee.viewers["anonymous"]
    assert await referee.compiled("{ __schema { queryType { name } } }", viewer, {}) is None
    answer = unordered(await referee.ordinary('{ __type(name: "Order") { name } viewer { kind } }', viewer, {}))
    assert answer["data"] == {"__type": {"name": "Order"}, "viewer": {"kind": "ANONYMOUS"}}


# -- values ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("channel", "totals"),
    [("gulf", ["3704.701", "1.005"]), ("chile", ["370.4701", "0.1005"]), ("phone", ["5990"]), ("web", ["25.00"])],
)
async def test_amounts_have_their_currencys_digits(channel: str, totals: list[str], referee: Referee) -> None:
    query = """query ($c: String!) { orders(filter: {channel: $c}, sort: {by: PLACED_AT, direction: ASC}) {
        nodes { total { amount currency } balance { amount } adjustments { amount { amount } } } } }"""
    found = [node["total"]["amount"] for node in (await referee.ask(query, c=channel))["orders"]["nodes"]]
    assert found == totals if channel != "web" else found[-1] in ("25.00", "229.80")


async def test_any_language_comes_back_as_it_went_in(referee: Referee) -> None:
    query = """query ($id: ID!, $sku: String!) {
        order(id: $id) { tags shippingAddress { line2 city } customer { displayName } }
        variant(sku: $sku) { name } }"""
    order = referee.world.rows["orders"][0]
    found = await referee.ask(query, id=gid("Order", order), sku="名前 “🏠” \\ \" ' $1 :p0 %s")
    assert found["order"]["shippingAddress"] == {"line2": "apto 7, “fundos” 🏠", "city": "São Paulo"}
    assert found["variant"] is None


@pytest.mark.parametrize("argument", ["variable", "literal"])
async def test_a_text_with_a_zero_byte_is_refused_or_found_nowhere(argument: str, referee: Referee) -> None:
    text, variables = (
        ("query ($c: String!) { channel(code: $c) { id } }", {"c": "a\0b"})
        if argument == "variable"
        else ('{ channel(code: "a\\u0000b") { id } }', {})
    )
    viewer = referee.viewers["operations"]
    found = unordered(await referee.ordinary(text, viewer, variables))
    compiled = await referee.compiled(text, viewer, variables)
    assert compiled is None or unordered(compiled) == found
    assert "INTERNAL_SERVER_ERROR" not in json.dumps(found)


PLACED_FROM = "query ($at: DateTime!) { orders(filter: {placedFrom: $at}, first: 1) { nodes { id } } }"


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "2018-01-01T00:00:00-03:00"])
async def test_the_first_and_the_last_moment_are_moments(moment: str, referee: Referee) -> None:
    await referee.ask(PLACED_FROM, at=moment)


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2018-01-01T00:00:00", ""]
)
async def test_what_is_no_moment_in_utc_is_refused(moment: str, referee: Referee) -> None:
    with pytest.raises(RequestError, match=r"\$at"):
        await referee.ask(PLACED_FROM, at=moment)


# -- pages -------------------------------------------------------------------------------------------------------------

PAGE = """query ($first: Int, $after: String, $last: Int, $before: String) {
    orders(first: $first, after: $after, last: $last, before: $before) {
        edges { cursor node { id placedAt } } nodes { number }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor __typename } totalCount } }"""


@pytest.mark.parametrize("size", [1, 7, 20, 100])
@pytest.mark.parametrize("backwards", [False, True])
async def test_a_walk_over_pages_meets_every_order_once(size: int, backwards: bool, referee: Referee) -> None:
    seen: list[str] = []
    cursor, more = None, True
    while more:
        turn = {"last": size, "before": cursor} if backwards else {"first": size, "after": cursor}
        page = (await referee.ask(PAGE, **{name: value for name, value in turn.items() if value}))["orders"]
        met = [edge["node"]["id"] for edge in page["edges"]]
        seen += reversed(met) if backwards else met
        info = page["pageInfo"]
        more, cursor = (
            (info["hasPreviousPage"], info["startCursor"]) if backwards else (info["hasNextPage"], info["endCursor"])
        )
    rows = sorted(referee.world.rows["orders"], key=lambda row: (row["placed_at"], row["id"]), reverse=not backwards)
    assert seen == [gid("Order", row) for row in rows]


async def test_the_work_of_a_location_is_walked_through_too(referee: Referee) -> None:
    query = """query ($l: ID!, $after: String) { fulfillmentOrders(first: 9, after: $after, filter: {locationId: $l}) {
        nodes { id dueAt } pageInfo { hasNextPage endCursor } totalCount } }"""
    depot = referee.world.rows["locations"][0]
    work = [row for row in referee.world.rows["fulfillment_orders"] if row["location_id"] == depot["id"]]
    seen: list[str] = []
    cursor, more = None, True
    while more:
        page = (await referee.ask(query, "warehouse", l=gid("Location", depot), after=cursor))["fulfillmentOrders"]
        seen += [node["id"] for node in page["nodes"]]
        more, cursor = page["pageInfo"]["hasNextPage"], page["pageInfo"]["endCursor"]
        assert int(page["totalCount"]) == len(work)
    assert sorted(seen) == sorted(gid("FulfillmentOrder", row) for row in work)


async def test_pages_between_two_cursors(referee: Referee) -> None:
    edges = (await referee.ask(PAGE, first=10))["orders"]["edges"]
    between = (await referee.ask(PAGE, after=edges[2]["cursor"], before=edges[7]["cursor"], first=100))["orders"]
    assert [edge["node"]["id"] for edge in between["edges"]] == [edge["node"]["id"] for edge in edges[3:7]]
    last = (await referee.ask(PAGE, after=edges[2]["cursor"], before=edges[7]["cursor"], last=2))["orders"]
    assert [edge["node"]["id"] for edge in last["edges"]] == [edge["node"]["id"] for edge in edges[5:7]]


async def test_a_page_of_nothing(referee: Referee) -> None:
    page = (await referee.ask(PAGE, first=0))["orders"]
    assert (page["edges"], page["nodes"], int(page["totalCount"])) == ([], [], len(referee.world.rows["orders"]))
    assert (page["pageInfo"]["hasNextPage"], page["pageInfo"]["endCursor"]) == (True, None)
    empty = """{ orders(filter: {channel: "none"}) { edges { cursor } nodes { id } totalCount
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""
    assert (await referee.ask(empty))["orders"] == {
        "edges": [], "nodes": [], "totalCount": "0",
        "pageInfo": {"hasNextPage": False, "hasPreviousPage": False, "startCursor": None, "endCursor": None},
    }  # fmt: skip


async def test_a_list_starts_with_twenty(referee: Referee) -> None:
    assert len((await referee.ask("{ orders { nodes { id } } }"))["orders"]["nodes"]) == 20


@pytest.mark.parametrize("size", [{"first": -1}, {"first": 101}, {"last": -1}, {"last": 101}, {"first": 2**31 - 1}])
async def test_a_page_that_is_no_page_is_refused(size: dict[str, int], referee: Referee) -> None:
    assert "0 to 100" in await referee.refuse(PAGE, **size)


async def test_both_ends_at_once_are_refused(referee: Referee) -> None:
    assert "first or for last" in await referee.refuse(PAGE, first=1, last=1)


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "!!!", "W10=", "bnVsbA==", "MQ==", "WyJQTEFDRURfQVQiXQ==", "WyJQTEFDRURfQVQiLDEsMl0=", "é", "W" * 5_000],
)
async def test_a_cursor_that_is_none_is_refused(cursor: str, referee: Referee) -> None:
    for name in ("after", "before"):
        assert "malformed" in await referee.refuse(PAGE, **{name: cursor})


async def test_a_cursor_of_another_list_is_refused(referee: Referee) -> None:
    event = await referee.ask("{ events(first: 1) { edges { cursor } } }")
    assert "another list" in await referee.refuse(PAGE, after=event["events"]["edges"][0]["cursor"])


FORGED: dict[str, list[list[Any]]] = {
    "orders": [
        ["PLACED_AT", "0001-01-01T00:00:00+14:00", "01610000-0000-7000-8000-00000000039f"],
        ["PLACED_AT", "9999-12-31T23:59:59-12:00", "01610000-0000-7000-8000-00000000039f"],
    ],
    "events": [["POSITION", 2**31, 2], ["POSITION", 1, 2**63], ["POSITION", 10**30, 2], ["POSITION", True, 2]],
}  # fmt: skip


@pytest.mark.parametrize(("name", "keys"), [(name, keys) for name, forged in FORGED.items() for keys in forged])
async def test_a_cursor_with_keys_that_nothing_holds_is_refused(name: str, keys: list[Any], referee: Referee) -> None:
    query = f"query ($after: String) {{ {name}(after: $after) {{ nodes {{ id }} }} }}"
    assert "malformed" in await referee.refuse(query, after=base64.b64encode(json.dumps(keys).encode()).decode())


async def test_cursors_are_good_for_the_other_direction_of_the_same_sort(referee: Referee) -> None:
    query = """query ($after: String, $d: SortDirection) {
        orders(first: 3, after: $after, sort: {by: PLACED_AT, direction: $d}) { edges { cursor node { id } } } }"""
    third = (await referee.ask(query, d="ASC"))["orders"]["edges"][2]
    back = (await referee.ask(query, d="DESC", after=third["cursor"]))["orders"]["edges"]
    assert len(back) == 2


NULL_WHERE_NONE_MAY_BE = [
    "query ($a: [ID!] = []) { nodes(ids: $a) { id } }",
    'query ($a: ID = "x") { nodes(ids: [$a]) { id } }',
    'query ($a: ID = "x") { order(id: $a) { id } }',
    "query ($a: OrderSortKey = PLACED_AT) { orders(sort: {by: $a}) { totalCount } }",
    "query ($a: OrderStatus = PENDING) { orders(filter: {status: [$a]}) { totalCount } }",
    'query ($a: Boolean = true) { channel(code: "web") { id code @include(if: $a) } }',
    'query ($a: Boolean = true) { channel(code: "web") { id code @skip(if: $a) } }',
]


@pytest.mark.parametrize("query", NULL_WHERE_NONE_MAY_BE)
async def test_a_variables_default_is_no_leave_to_send_null(query: str, referee: Referee) -> None:
    await referee.ask(query)
    assert "non-null type" in await referee.refuse(query, a=None)


FILTERS: list[dict[str, Any] | None] = [
    None,
    {},
    {"channel": None},
    {"status": []},
    {"status": None, "onHold": None},
    {"status": ["PENDING", "CANCELED"]},
    {"onHold": True},
    {"onHold": False, "tag": "vip"},
    {"tag": "none"},
    {"placedFrom": "2018-01-01T12:10:00-03:00", "placedTo": "2030-01-01T00:00:00Z"},
    {"channel": "gulf", "status": ["PENDING"], "onHold": False, "tag": "vip"},
]


@pytest.mark.parametrize("given", FILTERS, ids=str)
async def test_filters_narrow_alike(given: dict[str, Any] | None, referee: Referee) -> None:
    query = "query ($f: OrderFilter) { orders(filter: $f, first: 100) { totalCount nodes { number } } }"
    found = (await referee.ask(query, f=given))["orders"]
    assert int(found["totalCount"]) == len(found["nodes"])
    if given == {"status": []}:
        assert found["nodes"] == []
    if not given or all(value is None for value in given.values()):
        assert len(found["nodes"]) == len(referee.world.rows["orders"])


async def test_a_filter_of_literals_and_variables_together(referee: Referee) -> None:
    query = """query ($s: OrderStatus!, $hold: Boolean, $f: OrderFilter) {
        mixed: orders(filter: {status: [$s, CANCELED], onHold: $hold}) { totalCount }
        none: orders(filter: null) { totalCount }
        given: orders(filter: $f, sort: null) { totalCount } }"""
    for variables in ({"s": "PENDING"}, {"s": "CONFIRMED", "hold": True}, {"s": "CANCELED", "hold": None, "f": None}):
        found = await referee.ask(query, **variables)
        assert found["none"] == found["given"]


# -- many ids ----------------------------------------------------------------------------------------------------------


async def test_nodes_come_in_the_order_of_their_ids_with_gaps_where_there_is_none(referee: Referee) -> None:
    world = referee.world
    order, customer = world.rows["orders"][0], world.rows["customers"][0]
    asked = [
        gid("Customer", customer), "nonsense", gid("Order", order), "ord_", "ord_123", "", "evt_1", "evt_99999999999999999999",
        ids.encode("Order", customer["id"]), ids.encode("Customer", order["id"]), "zzz_1", gid("Order", order),
        f"ord_{str(order['id']).upper()}", f"ord_{order['id'].hex}", f" {gid('Order', order)}", "evt_-1", "evt_0x1", "evt_1 ", "evt_\u0661",
    ]  # fmt: skip
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Order { number } ... on Event { type } } }"
    found = (await referee.ask(query, ids=asked))["nodes"]
    there = [node and node["__typename"] for node in found]
    assert there[:12] == ["Customer", None, "Order", None, None, None, "Event", None, None, None, None, "Order"]
    for id_ in asked:
        one = await referee.ask("query ($id: ID!) { node(id: $id) { id } }", id=id_)
        assert (one["node"] is None) == (found[asked.index(id_)] is None)


async def test_no_ids_give_no_nodes_and_too_many_are_refused(referee: Referee) -> None:
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    assert await referee.ask(query, ids=[]) == {"nodes": []}
    assert "At most 100" in await referee.refuse(query, ids=["x"] * 101)
    assert len((await referee.ask(query, ids=["x"] * 100))["nodes"]) == 100


# -- one statement -----------------------------------------------------------------------------------------------------


class OneConnection:
    """A pool of one connection, so that everything that is sent can be seen."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Any]:
        """The connection."""
        yield self.connection

    async def fetchval(self, sql: str, *parameters: Any) -> Any:
        """One value, over the connection."""
        return await self.connection.fetchval(sql, *parameters)


@asynccontextmanager
async def counting(referee: Referee) -> AsyncIterator[tuple[Engine, list[str]]]:
    """An engine, and the statements that it sends."""
    sent: list[str] = []
    async with referee.engine.database.reads.acquire() as connection:
        await connection.fetchval(
            "SELECT $1::uuid[]", []
        )  # asyncpg asks once for a type that a connection does not know
        pool: Any = OneConnection(connection)
        with connection.query_logger(lambda record: sent.append(record.query)):
            yield Engine(build()._schema, Outside(Database(pool, pool))), sent
            await asyncio.sleep(0)  # a logger hears of a statement a moment later


@pytest.mark.parametrize("page", [1, 50])
@pytest.mark.parametrize("name", ROOTS)
async def test_every_root_query_is_one_statement_for_one_parent_and_for_fifty(
    name: str, page: int, referee: Referee
) -> None:
    async with counting(referee) as (engine, sent):
        asked, _ = await prepared(engine, root_query(name, referee.world, depth=2, page=page), {})
        await engine.read(asked, {}, {}, referee.viewers["operations"])
    assert len(sent) == 1, sent


@pytest.mark.parametrize("asked", ["jose", "example.com"])
async def test_a_search_is_one_statement_for_one_that_is_found_and_for_many(asked: str, referee: Referee) -> None:
    async with counting(referee) as (engine, sent):
        for name in ("FindCustomer", "FindOrderAtCounter"):
            await engine.answer(Request(document(name), None, {"query": asked}), referee.viewers["agent"])
    assert (len(sent), engine.counts.compiled) == (2, 2)


async def test_the_whole_customer_is_one_statement_with_one_order_and_with_fifty(referee: Referee) -> None:
    orders = Counter(row["customer_id"] for row in referee.world.rows["orders"])
    (most, many), (least, one) = orders.most_common(1)[0], orders.most_common()[-1]
    assert (one, many >= 50) == (1, True)
    async with counting(referee) as (engine, sent):
        for id_ in (most, least):
            request = Request(document("SingleCustomerView"), None, {"id": ids.encode("Customer", id_)})
            await engine.answer(request, referee.viewers["agent"])
    assert (len(sent), engine.counts.compiled) == (2, 2)


async def test_the_ordinary_executor_asks_no_more_for_fifty_parents_than_for_two(referee: Referee) -> None:
    counts = []
    for page in (2, 50):
        async with counting(referee) as (engine, sent):
            query = f"{{ orders(first: {page}) {{ nodes {{ number lines {{ sku variant {{ name }} }} }} }} }}"
            asked, _ = await prepared(engine, query, {})
            await engine.read_ordinarily(asked, {}, {}, referee.viewers["operations"])
        counts.append(len(sent))
    assert counts[0] == counts[1]


async def test_a_plan_is_made_once_for_all_values(referee: Referee) -> None:
    asked, _ = await prepared(referee.engine, document("OrderStatusById"), {"id": ""})
    viewer = referee.viewers["agent"]
    plans = {id(referee.engine.plan(asked, {"id": gid("Order", row)}, viewer)) for row in referee.world.rows["orders"]}
    assert len(plans) == 1


@pytest.mark.parametrize("wanted", ["totalCount", "__typename", "pageInfo { hasPreviousPage }", "edges { __typename }"])
async def test_a_connection_may_be_asked_for_any_part_alone(wanted: str, referee: Referee) -> None:
    for filter_ in ("null", '{channel: "none"}'):
        found = await referee.ask(f"{{ orders(filter: {filter_}) {{ {wanted} }} }}")
        assert found["orders"] is not None


async def test_connections_inside_connections_have_pages_of_their_own(referee: Referee) -> None:
    query = """{ orders(first: 3) { nodes { number customer { orders(first: 2, filter: {onHold: false}) {
        edges { cursor node { number } } totalCount pageInfo { hasNextPage startCursor endCursor } } } } }
        variants { nodes { inventory { levels(first: 1) { nodes { onHand } totalCount pageInfo { hasNextPage } } } } } }"""
    await referee.ask(query)
    await referee.ask(query, "customer")


async def test_an_error_that_ends_a_request_amid_its_other_fields_leaves_the_connection_in_order(
    referee: Referee,
) -> None:
    query = 'query ($a: [ID!] = []) { product(code: "P-SHIRT") { code name } nodes(ids: $a) { id } }'
    for _ in range(20):
        answer = unordered(await referee.ordinary(query, referee.viewers["agent"], {"a": None}))
        assert answer["data"] is None
        assert [error["path"] for error in answer["errors"]] == [["nodes"]]
    await referee.ask("{ channels { nodes { code } } }")


async def test_an_error_beside_them_calls_off_no_others_who_wait_for_the_same_rows(referee: Referee) -> None:
    query = """query ($a: String = "web", $b: String = "web") {
        one: orders(first: 5) { nodes { channel { code } customer { displayName } } }
        two: orders(first: 5) { nodes { channel { code name } customer { displayName orders(first: 1) { totalCount } } } }
        variant(sku: "SHIRT") { prices { channel { code name } } }
        channel(code: $a) { code name } other: channel(code: $b) { code name }
    }"""
    for _ in range(20):
        answer = unordered(await referee.ordinary(query, referee.viewers["agent"], {"a": None, "b": "web"}))
        assert [error["path"] for error in answer["errors"]] == [["channel"]]
        assert (answer["data"]["channel"], answer["data"]["other"]["code"]) == (None, "web")
