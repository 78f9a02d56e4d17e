"""GraphQL over HTTP, over real HTTP."""

import asyncio
import gzip
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
import pytest
from graphql import get_introspection_query

from app.graphql_http import LARGEST_BODY_BYTES, WORTH_A_THREAD_BYTES, GraphQLEndpoint
from app.lines import Lines
from app.tokens import sign
from domain.viewer import ANONYMOUS, Viewer
from tests.conftest import SECRET, serving, settings_on
from tests.logbook import AGENT
from tests.relay import relay_to

Bearer = Callable[[Viewer], dict[str, str]]

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"
TYPENAME = '{"query":"{__typename}"}'
AS_JSON = {"Content-Type": JSON}

MALFORMED: dict[str, bytes] = {
    "nothing": b"",
    "null": b"null",
    "a number": b"1",
    "text": b'"a"',
    "a list": b"[]",
    "a batch": b'[{"query":"{__typename}"}]',
    "no JSON": b"{query}",
    "bad UTF-8": b'{"query":"{__typename} # \xff"}',
    "UTF-16": '{"query":"{__typename}"}'.encode("utf-16"),
    "a lone surrogate": b'{"query":"{__typename} # \\ud800"}',
    "100,000 brackets": b"[" * 100_000,
    "100,000 nested objects": b'{"a":' * 40_000,
    "nested variables": b'{"query":"{__typename}","variables":' + b'{"a":' * 5_000 + b"1" + b"}" * 5_001,
    "an int of 6,000 digits": b'{"query":' + b"9" * 6_000 + b"}",
    "no query": b"{}",
    "query null": b'{"query":null}',
    "query a number": b'{"query":5}',
    "query an object": b'{"query":{}}',
    "query a list": b'{"query":["{__typename}"]}',
    "variables a list": b'{"query":"{__typename}","variables":[1]}',
    "variables text": b'{"query":"{__typename}","variables":"{}"}',
    "variables a number": b'{"query":"{__typename}","variables":0}',
    "operationName a number": b'{"query":"{__typename}","operationName":7}',
    "operationName an object": b'{"query":"{__typename}","operationName":{}}',
}

FAILING: dict[str, tuple[dict[str, Any], str]] = {
    "syntax": ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
    "an empty document": ({"query": ""}, "GRAPHQL_PARSE_FAILED"),
    "an unknown field": ({"query": "{ nothing }"}, "GRAPHQL_VALIDATION_FAILED"),
    "no such operation": ({"query": "query A { __typename }", "operationName": "B"}, "OPERATION_RESOLUTION_FAILURE"),
    "which operation": ({"query": "query A { __typename } query B { __typename }"}, "OPERATION_RESOLUTION_FAILURE"),
    "a missing variable": ({"query": "query ($id: ID!) { order(id: $id) { id } }"}, "BAD_USER_INPUT"),
    "a variable of another type": (
        {"query": "query ($id: ID!) { order(id: $id) { id } }", "variables": {"id": {"a": 1}}},
        "BAD_USER_INPUT",
    ),
    "a subscription": (
        {"query": 'subscription { orderEvents(orderId: "x") { id } }'},
        "BAD_REQUEST",
    ),
    "a deep document": ({"query": "{" + "order{" * 900 + "}" * 901}, "GRAPHQL_PARSE_FAILED"),
}


async def post(client: httpx.AsyncClient, body: bytes | str = TYPENAME, **headers: str) -> httpx.Response:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.post("/graphql", content=body, headers={**AS_JSON, "Accept": JSON, **given})


def data(answer: httpx.Response) -> Any:
    """The data of an answer that holds nothing else but its cost."""
    assert set(answer.json()) == {"data", "extensions"}
    return answer.json()["data"]


def code(answer: httpx.Response) -> str:
    """The only error's code, in an answer without data."""
    assert set(answer.json()) == {"errors"}
    return str(answer.json()["errors"][0]["extensions"]["code"])


# -- questions and answers ---------------------------------------------------------------------------------------------


async def test_a_query_is_answered(client: httpx.AsyncClient) -> None:
    answer = await post(client)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.json() == {"data": {"__typename": "Query"}, "extensions": {"cost": {"requested": 1, "limit": 2000}}}


async def test_unknown_members_and_extensions_are_ignored(client: httpx.AsyncClient) -> None:
    body = {"query": "query A{__typename}", "operationName": "", "variables": None, "extensions": {"a": 1}, "id": 1}
    assert data(await post(client, orjson.dumps(body))) == {"__typename": "Query"}


async def test_variables_are_understood(client: httpx.AsyncClient, bearer: Bearer) -> None:
    body = {"query": "query ($id: ID!) { order(id: $id) { id } }", "variables": {"id": "ord_x"}}
    assert data(await post(client, orjson.dumps(body), **bearer(AGENT))) == {"order": None}


@pytest.mark.parametrize("accept", [JSON, GRAPHQL_JSON])
@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
async def test_a_malformed_body_is_a_400_without_data(client: httpx.AsyncClient, body: bytes, accept: str) -> None:
    answer = await post(client, body, accept=accept)
    assert (answer.status_code, code(answer)) == (400, "BAD_REQUEST")


@pytest.mark.parametrize(("body", "expected"), FAILING.values(), ids=FAILING)
async def test_a_document_that_fails_is_a_200_or_400_without_data(
    client: httpx.AsyncClient, body: dict[str, Any], expected: str
) -> None:
    plain = await post(client, orjson.dumps(body), accept=JSON)
    typed = await post(client, orjson.dumps(body), accept=GRAPHQL_JSON)
    assert (plain.status_code, code(plain)) == (200, expected)
    assert (typed.status_code, code(typed)) == (400, expected)
    assert typed.headers["content-type"] == "application/graphql-response+json; charset=utf-8"


@pytest.mark.parametrize("accept", [JSON, GRAPHQL_JSON])
async def test_many_broken_pieces_are_told_in_few_words(client: httpx.AsyncClient, accept: str) -> None:
    answer = await post(client, orjson.dumps({"query": "{" + " a b c" * 300 + "}"}), accept=accept)
    assert len(answer.json()["errors"]) <= 21


# -- by URL ------------------------------------------------------------------------------------------------------------


async def test_a_query_may_stand_in_the_url(client: httpx.AsyncClient, bearer: Bearer) -> None:
    given = {
        "query": "query A($id: ID!) { order(id: $id) { id } }",
        "operationName": "A",
        "variables": '{"id":"ord_x"}',
    }
    answer = await client.get("/graphql", params=given, headers=bearer(AGENT))
    assert (answer.status_code, data(answer)) == (200, {"order": None})


async def test_a_mutation_may_not_stand_in_the_url(client: httpx.AsyncClient) -> None:
    answer = await client.get("/graphql", params={"query": "mutation { __typename }"})
    assert (answer.status_code, code(answer)) == (405, "BAD_REQUEST")
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize(
    "query",
    ["", "query=", "a=1", "query=%ff", "query={__typename}&variables=[1]", "query={__typename}&variables={",
     "query={__typename}&variables=1", "&".join(f"a{n}=1" for n in range(1_000))],
)  # fmt: skip
async def test_a_url_that_makes_no_sense_is_a_400(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"/graphql?{query}", headers={"Accept": GRAPHQL_JSON})
    assert (answer.status_code, set(answer.json())) == (400, {"errors"})


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
async def test_other_methods_are_refused(client: httpx.AsyncClient, method: str) -> None:
    answer = await client.request(method, "/graphql", headers={"Accept": JSON})
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


# -- headers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/json", JSON),
        ("APPLICATION/JSON; charset=utf-8", JSON),
        (GRAPHQL_JSON, GRAPHQL_JSON),
        (f"{GRAPHQL_JSON}, {JSON};q=0.9", GRAPHQL_JSON),
        (f"{GRAPHQL_JSON};q=0.5, {JSON}", JSON),
        (f"{GRAPHQL_JSON};q=0, */*", JSON),
        (f"text/html, {GRAPHQL_JSON}, */*;q=0.1", GRAPHQL_JSON),
        (f"{GRAPHQL_JSON}, application/graphql+json, {JSON}, text/event-stream, multipart/mixed", GRAPHQL_JSON),
    ],
)
async def test_the_answer_comes_as_what_is_accepted(client: httpx.AsyncClient, accept: str, expected: str) -> None:
    answer = await post(client, accept=accept)
    assert (answer.status_code, answer.headers["content-type"]) == (200, f"{expected}; charset=utf-8")


@pytest.mark.parametrize("accept", ["text/html", "image/*", "application/json;q=0", "application/xml, text/plain", ""])
async def test_an_answer_that_nobody_accepts_is_a_406(client: httpx.AsyncClient, accept: str) -> None:
    assert (await post(client, accept=accept)).status_code == 406


@pytest.mark.parametrize("content_type", ["application/json;charset=UTF-8", 'APPLICATION/JSON; charset="utf-8"'])
async def test_json_is_json_however_it_is_spelled(client: httpx.AsyncClient, content_type: str) -> None:
    assert (await post(client, content_type=content_type)).status_code == 200


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/graphql", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
     "application/json; charset=iso-8859-1", "application/jsonp"],
)  # fmt: skip
async def test_other_content_is_a_415(client: httpx.AsyncClient, content_type: str) -> None:
    assert (await post(client, content_type=content_type)).status_code == 415


async def test_a_compressed_body_is_a_415(client: httpx.AsyncClient) -> None:
    assert (await post(client, gzip.compress(TYPENAME.encode()), content_encoding="gzip")).status_code == 415


async def test_every_answer_bears_an_id(client: httpx.AsyncClient) -> None:
    assert (await post(client, x_request_id="req-1.a/b:c")).headers["x-request-id"] == "req-1.a/b:c"
    for insane in ("", "a b", "x" * 129, "<script>"):
        assert len((await post(client, x_request_id=insane)).headers["x-request-id"]) == 16
    ids = {(await post(client, body)).headers["x-request-id"] for body in (b"", TYPENAME, TYPENAME)}
    assert len(ids) == 3


async def test_only_long_answers_are_compressed_and_only_for_who_can_read_them(client: httpx.AsyncClient) -> None:
    long = orjson.dumps({"query": "{__typename " + " ".join(f"a{n}:__typename" for n in range(500)) + "}"})
    assert "content-encoding" not in (await post(client, accept_encoding="gzip")).headers
    assert "content-encoding" not in (await post(client, long, accept_encoding="br, gzip;q=0")).headers
    squeezed = await post(client, long, accept_encoding="br, gzip")
    assert squeezed.headers["content-encoding"] == "gzip"
    assert int(squeezed.headers["content-length"]) < 3_000
    assert len(squeezed.json()["data"]) == 501


async def test_the_longest_answers_are_compressed_as_well(client: httpx.AsyncClient) -> None:
    asked = orjson.dumps({"query": get_introspection_query()})
    plain, squeezed = [await post(client, asked, accept_encoding=coding) for coding in ("identity", "gzip")]
    assert len(plain.content) > WORTH_A_THREAD_BYTES
    assert squeezed.headers["content-encoding"] == "gzip"
    assert squeezed.content == plain.content


# -- who asks ----------------------------------------------------------------------------------------------------------

WHO = '{"query":"{viewer{kind role}}"}'


async def test_without_a_token_the_caller_is_nobody(client: httpx.AsyncClient) -> None:
    assert (await post(client, WHO)).json()["data"]["viewer"] == {"kind": "ANONYMOUS", "role": None}


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_a_token_says_who_asks(client: httpx.AsyncClient, scheme: str) -> None:
    answer = await post(client, WHO, authorization=f"{scheme} {sign(AGENT, SECRET, 60)}")
    assert answer.json()["data"]["viewer"] == {"kind": "STAFF", "role": "AGENT"}


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Basic YTpi", "Bearer x", "Bearer a.b.c", "Bearer " + "x" * 10_000, "Bearer é",
     f"Bearer {sign(AGENT, 'another secret that is long enough', 60)}"],
)  # fmt: skip
async def test_a_broken_token_is_a_401(client: httpx.AsyncClient, authorization: str) -> None:
    headers = {**AS_JSON, "Authorization": authorization.encode("latin-1")}
    answer = await client.post("/graphql", content=WHO, headers=headers)  # type: ignore[arg-type]
    assert (answer.status_code, code(answer)) == (401, "UNAUTHENTICATED")
    assert answer.headers["www-authenticate"].startswith('Bearer error="invalid_token"')


async def test_an_expired_token_is_a_401_that_says_so(client: httpx.AsyncClient) -> None:
    answer = await post(client, WHO, authorization=f"Bearer {sign(AGENT, SECRET, -1)}")
    assert (answer.status_code, code(answer)) == (401, "TOKEN_EXPIRED")


# -- too much ----------------------------------------------------------------------------------------------------------


def of_size(size: int) -> bytes:
    return TYPENAME.encode() + b" " * (size - len(TYPENAME))


async def test_a_body_may_be_as_long_as_the_cap(client: httpx.AsyncClient) -> None:
    assert (await post(client, of_size(LARGEST_BODY_BYTES))).status_code == 200


async def test_a_longer_body_is_a_413_before_it_is_read(base_url: str) -> None:
    where = urlsplit(base_url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    writer.write(
        b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 262145\r\n\r\n"
    )
    assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
    writer.close()


async def test_a_body_that_does_not_tell_its_length_is_a_413_as_soon_as_it_is_too_long(base_url: str) -> None:
    where = urlsplit(base_url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    writer.write(
        b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    for _ in range(5):
        writer.write(b"10000\r\n" + b" " * 65_536 + b"\r\n")
        await writer.drain()
    assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
    writer.close()


async def test_a_client_that_leaves_halfway_disturbs_nobody(base_url: str, client: httpx.AsyncClient) -> None:
    where = urlsplit(base_url)
    _, writer = await asyncio.open_connection(where.hostname, where.port)
    writer.write(b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
    await writer.drain()
    writer.close()
    assert (await post(client)).status_code == 200


# -- when things go wrong ----------------------------------------------------------------------------------------------


async def test_while_the_database_is_away_it_is_a_503_and_afterwards_all_is_well(
    database_url: str, tmp_path_factory: pytest.TempPathFactory, bearer: Bearer
) -> None:
    async with relay_to(database_url) as relay:
        settings = settings_on(relay.url, tmp_path_factory.mktemp("home"))
        async with serving(settings) as url, httpx.AsyncClient(base_url=url) as client:
            body = '{"query":"{ orders { nodes { id } } }"}'
            assert (await post(client, body, **bearer(AGENT))).status_code == 200
            relay.cut()
            for _ in range(3):
                answer = await post(client, body, **bearer(AGENT))
                assert (answer.status_code, code(answer)) == (503, "SERVICE_UNAVAILABLE")
                assert answer.headers["retry-after"] == "1"
            relay.mend()
            assert data(await post(client, body, **bearer(AGENT))) == {"orders": {"nodes": []}}


class Broken:
    """An engine with a bug, that keeps it to itself or not."""

    def __init__(self, *, frank: bool) -> None:
        self.frank = frank

    async def answer(self, *_: Any, **__: Any) -> bytes:
        raise KeyError("the password is hunter2")


@pytest.mark.parametrize("frank", [True, False])
async def test_a_bug_is_told_under_an_id_and_masked_in_production(*, frank: bool) -> None:
    endpoint = GraphQLEndpoint(Broken(frank=frank), None, lambda _: ANONYMOUS, Lines())  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(endpoint), base_url="http://x") as client:
        answer = await post(client)
    assert (answer.status_code, code(answer)) == (500, "INTERNAL_SERVER_ERROR")
    assert len(answer.json()["errors"][0]["extensions"]["errorId"]) == 36
    assert ("hunter2" in answer.text) is frank
