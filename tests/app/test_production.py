"""In production a server tells nothing of itself: no schema, no page, no hints, whatever the transport."""

from collections.abc import AsyncIterator

import httpx
import orjson
import pytest
from graphql import build_client_schema, get_introspection_query
from websockets.asyncio.client import connect

from app.settings import Mode, Settings
from domain.viewer import ANONYMOUS
from resolvers.engine import Engine, Request
from resolvers.writing import World
from schema.build import build, core_of
from tests.app.test_asgi import BROWSER
from tests.app.test_http import code, data
from tests.app.test_sse import AS_STREAM, events_of
from tests.app.test_websocket import PROTOCOL, Client
from tests.conftest import serving

INTROSPECTION = get_introspection_query(descriptions=True, input_value_deprecation=True)


@pytest.fixture(scope="module")
async def production(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server in production."""
    async with (
        serving(settings.model_copy(update={"mode": Mode.PRODUCTION})) as url,
        httpx.AsyncClient(base_url=url) as client,
    ):
        yield client


async def ask(client: httpx.AsyncClient, query: str) -> httpx.Response:
    return await client.post("/graphql", json={"query": query})


@pytest.mark.parametrize("query", [
    INTROSPECTION, '{ __type(name: "Order") { name } }', "{ ...F } fragment F on Query { s: __schema { description } }",
])  # fmt: skip
async def test_the_schema_is_told_in_development_alone(
    client: httpx.AsyncClient, production: httpx.AsyncClient, query: str
) -> None:
    assert data(await ask(client, query))
    assert code(await ask(production, query)) == "GRAPHQL_VALIDATION_FAILED"


async def test_typenames_are_told_everywhere(production: httpx.AsyncClient) -> None:
    assert data(await ask(production, "{ __typename viewer { __typename } }"))["__typename"] == "Query"


async def test_introspection_may_be_left_on(settings: Settings) -> None:
    given = settings.model_copy(update={"mode": Mode.PRODUCTION, "introspection": True})
    async with serving(given) as url, httpx.AsyncClient(base_url=url) as client:
        assert data(await ask(client, INTROSPECTION))


async def test_tools_can_build_the_schema_from_what_is_told(client: httpx.AsyncClient) -> None:
    first, again = data(await ask(client, INTROSPECTION)), data(await ask(client, INTROSPECTION))
    assert first == again
    assert {"Order", "Query"} <= build_client_schema(first).type_map.keys()


async def test_the_schema_is_told_without_a_database() -> None:
    engine = Engine(core_of(build()), World(object()))  # type: ignore[arg-type]
    answer = await engine.answer(Request('{ t: __type(name: "Query") { kind } }'), ANONYMOUS)
    assert orjson.loads(answer)["data"] == {"t": {"kind": "OBJECT"}}


MISSPELLED = ["{ ordr { id } }", "{ order(idd: 1) { id } }", "{ ...on Ordr { id } }",
              "{ orders(filter: { statu: [] }) { totalCount } }", "{ orders(filter: { status: [CONFIRME] }) { totalCount } }"]  # fmt: skip


@pytest.mark.parametrize("query", MISSPELLED)
async def test_misspelled_names_get_hints_in_development_alone(
    client: httpx.AsyncClient, production: httpx.AsyncClient, query: str
) -> None:
    assert "Did you mean" in (await ask(client, query)).text
    masked = await ask(production, query)
    assert masked.json()["errors"]
    assert "Did you mean" not in masked.text


async def test_misspelled_values_get_hints_in_development_alone(
    client: httpx.AsyncClient, production: httpx.AsyncClient
) -> None:
    body = {"query": "query ($f: OrderFilter) { orders(filter: $f) { totalCount } }", "variables": {"f": {"statu": 1}}}
    assert "Did you mean" in (await client.post("/graphql", json=body)).text
    masked = await production.post("/graphql", json=body)
    assert (code(masked), "Did you mean" in masked.text) == ("BAD_USER_INPUT", False)


async def test_there_is_no_page(production: httpx.AsyncClient) -> None:
    assert (await production.get("/graphql", headers=BROWSER)).status_code in {400, 406}
    assert (await production.get("/graphiql/graphiql.min.js")).status_code == 404
    assert (await production.get("/")).status_code == 404
    assert (await production.get("/healthz")).status_code == 200


async def test_streams_and_sockets_tell_no_more(production: httpx.AsyncClient) -> None:
    for query in ("{ __schema { description } }", "{ ordr { id } }"):
        streamed = await production.post("/graphql", json={"query": query}, headers=AS_STREAM)
        told = [event async for event in events_of(streamed)]
        assert told[0][1]["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
        assert b"Did you mean" not in orjson.dumps(told)
        async with connect(
            str(production.base_url).replace("http", "ws", 1) + "/graphql", subprotocols=[PROTOCOL]
        ) as socket:
            spoken = Client(socket)
            await spoken.greet()
            await spoken.send({"type": "subscribe", "id": "1", "payload": {"query": query}})
            message = await spoken.next()
            assert (message["type"], "Did you mean" in str(message)) == ("error", False)
