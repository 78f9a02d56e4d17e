"""Documents that are named instead of sent, by Apollo's automatic persisted queries, over HTTP."""

import itertools
from typing import Any

import httpx
import orjson
import pytest

from resolvers.documents import Lru
from resolvers.engine import Request
from resolvers.trusted import LEAST_CHARACTERS, PERSISTED_CHARACTERS_KEPT, Texts, hash_of
from tests.app.test_http import GRAPHQL_JSON, JSON, post

_numbers = itertools.count(1)


def fresh() -> str:
    """A document that nobody has sent yet."""
    return f"{{ a{next(_numbers)}: __typename }}"


def named(hash_: str, **more: Any) -> dict[str, Any]:
    """A request by hash."""
    return {**more, "extensions": {"persistedQuery": {"version": 1, "sha256Hash": hash_}}}


def only_error(answer: httpx.Response) -> dict[str, Any]:
    """The error of an answer that is nothing else."""
    assert set(answer.json()) == {"errors"}
    (error,) = answer.json()["errors"]
    return error  # type: ignore[no-any-return]


@pytest.mark.parametrize("accept", [JSON, GRAPHQL_JSON])
async def test_a_hash_is_unknown_until_its_document_came_with_it(client: httpx.AsyncClient, accept: str) -> None:
    text = fresh()
    unknown = await post(client, orjson.dumps(named(hash_of(text))), accept=accept)
    assert unknown.status_code == 200
    assert only_error(unknown) == {
        "message": "PersistedQueryNotFound",
        "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"},
    }
    assert "no-store" in unknown.headers["cache-control"]

    both = await post(client, orjson.dumps(named(hash_of(text), query=text)), accept=accept)
    alone = await post(client, orjson.dumps(named(hash_of(text))), accept=accept)
    assert both.json() == alone.json()
    assert set(alone.json()) == {"data", "extensions"}


async def test_a_document_that_was_sent_without_its_hash_is_not_known_by_it(client: httpx.AsyncClient) -> None:
    text = fresh()
    assert (await post(client, orjson.dumps({"query": text}))).status_code == 200
    assert only_error(await post(client, orjson.dumps(named(hash_of(text)))))["message"] == "PersistedQueryNotFound"


async def test_a_document_that_is_not_valid_is_not_kept(client: httpx.AsyncClient) -> None:
    text = "{ nothing }"
    refused = await post(client, orjson.dumps(named(hash_of(text), query=text)))
    assert only_error(refused)["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert only_error(await post(client, orjson.dumps(named(hash_of(text)))))["message"] == "PersistedQueryNotFound"


async def test_a_hash_of_something_else_is_refused(client: httpx.AsyncClient) -> None:
    text = fresh()
    refused = await post(client, orjson.dumps(named(hash_of("{ a }"), query=text)), accept=GRAPHQL_JSON)
    assert refused.status_code == 400
    assert only_error(refused) == {
        "message": "provided sha does not match query",
        "extensions": {"code": "BAD_REQUEST"},
    }


@pytest.mark.parametrize("extensions", [
    {"persistedQuery": {"version": 2, "sha256Hash": "x"}}, {"persistedQuery": {"version": True, "sha256Hash": "x"}},
    {"persistedQuery": {"sha256Hash": "x"}}, {"persistedQuery": {"version": 1}}, {"persistedQuery": "x"},
    {"persistedQuery": {"version": 1, "sha256Hash": 7}}, [], "x", 1, True,
])  # fmt: skip
@pytest.mark.parametrize("query", [None, "{ __typename }"])
async def test_extensions_that_make_no_sense_are_a_400(
    client: httpx.AsyncClient, extensions: Any, query: str | None
) -> None:
    body = {"query": query, "extensions": extensions}
    assert (await post(client, orjson.dumps(body))).status_code == 400


async def test_variables_and_an_operation_go_with_a_hash(client: httpx.AsyncClient) -> None:
    text = "query A($s: Boolean!) { x: __typename @skip(if: $s) y: __typename } query B { __typename }"
    given = {"operationName": "A", "variables": {"s": True}}
    await post(client, orjson.dumps(named(hash_of(text), query=text, **given)))
    answer = await post(client, orjson.dumps(named(hash_of(text), **given)))
    assert answer.json()["data"] == {"y": "Query"}


async def test_a_hash_may_stand_in_the_url(client: httpx.AsyncClient) -> None:
    text = fresh()
    given = {"extensions": orjson.dumps(named(hash_of(text))["extensions"]).decode()}
    unknown = await client.get("/graphql", params=given)
    assert (unknown.status_code, only_error(unknown)["message"]) == (200, "PersistedQueryNotFound")
    assert "data" in (await client.get("/graphql", params={**given, "query": text})).json()
    assert "data" in (await client.get("/graphql", params=given)).json()


async def test_a_browser_that_asks_by_hash_gets_an_answer_and_no_page(client: httpx.AsyncClient) -> None:
    given = {"extensions": orjson.dumps(named("x")["extensions"]).decode()}
    answer = await client.get("/graphql", params=given, headers={"Accept": "text/html, */*"})
    assert only_error(answer)["message"] == "PersistedQueryNotFound"


async def test_a_mutation_by_hash_may_not_stand_in_the_url(client: httpx.AsyncClient) -> None:
    text = "mutation { __typename }"
    await post(client, orjson.dumps(named(hash_of(text), query=text)))
    given = {"extensions": orjson.dumps(named(hash_of(text))["extensions"]).decode()}
    assert (await client.get("/graphql", params=given)).status_code == 405


async def test_the_specifications_ids_are_hashes_too(client: httpx.AsyncClient) -> None:
    text = fresh()
    id_ = f"sha256:{hash_of(text)}"
    assert only_error(await post(client, orjson.dumps({"documentId": id_})))["message"] == "PersistedQueryNotFound"
    assert "data" in (await post(client, orjson.dumps({"documentId": id_, "query": text}))).json()
    assert "data" in (await post(client, orjson.dumps({"documentId": id_}))).json()
    assert "data" in (await client.get("/graphql", params={"documentId": id_})).json()


@pytest.mark.parametrize("body", [{"documentId": 7}, {"documentId": ""}, {"documentId": "x", "query": "{__typename}"}])
async def test_ids_that_make_no_sense_are_a_400(client: httpx.AsyncClient, body: dict[str, Any]) -> None:
    assert (await post(client, orjson.dumps(body))).status_code == 400


def test_what_clients_persist_is_bounded_and_the_oldest_goes_first() -> None:
    texts = Texts()
    long = "x" * (PERSISTED_CHARACTERS_KEPT // 4)
    for number in range(4):
        texts.persist(str(number), long)
    assert texts.text_of(Request(None, sha256="0")) == long  # now the youngest
    texts.persist("4", "short")
    assert texts.persisted.get("1") is None
    assert texts.persisted.get("0") == long
    assert texts.persisted.weight == 3 * len(long) + LEAST_CHARACTERS


def test_a_value_that_is_put_again_weighs_once() -> None:
    kept = Lru[str](10)
    for _ in range(3):
        kept.put("a", "x", 4)
    kept.put("b", "y", 6)
    assert (kept.get("a"), kept.get("b"), kept.weight) == ("x", "y", 10)
