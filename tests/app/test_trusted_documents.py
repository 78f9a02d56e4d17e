"""Trusted documents: what a client's build wrote is known by its id, and may be all that is accepted."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from app.serve import serve
from app.settings import Settings
from app.trusted_documents import ManifestError, read_manifest, texts_of
from resolvers.documents import Documents
from resolvers.trusted import hash_of
from schema.build import build, core_of
from tests.app.test_http import code, data
from tests.conftest import serving

WHO = "query Who { viewer { kind } }"
TWO = "query A { __typename } query B { b: __typename }"
ELSE = "{ __typename }"

APOLLO = {
    "format": "apollo-persisted-query-manifest",
    "version": 1,
    "operations": [
        {"id": "who", "name": "Who", "type": "query", "body": WHO},
        {"id": "two", "name": "A", "type": "query", "body": TWO},
    ],
}
RELAY = {"who": WHO, "two": TWO}


def manifest(folder: Path, content: Any) -> Path:
    """A manifest's file."""
    path = folder / "documents.json"
    path.write_bytes(content if isinstance(content, bytes) else orjson.dumps(content))
    return path


@pytest.fixture(scope="module", params=[True, False], ids=["alone", "beside others"])
async def trusting(
    request: pytest.FixtureRequest, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server that trusts two documents, and perhaps nothing else."""
    given = {
        "trusted_documents": manifest(tmp_path_factory.mktemp("manifest"), APOLLO),
        "trusted_documents_only": request.param,
    }
    async with serving(settings.model_copy(update=given)) as url, httpx.AsyncClient(base_url=url) as client:
        client.only = request.param  # type: ignore[attr-defined]
        yield client


def by_hash(text: str) -> dict[str, Any]:
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hash_of(text)}}}


@pytest.mark.parametrize(
    "body", [{"documentId": "who"}, {"documentId": f"sha256:{hash_of(WHO)}"}, by_hash(WHO), {"query": WHO}]
)
async def test_a_trusted_document_runs_however_it_is_named(trusting: httpx.AsyncClient, body: dict[str, Any]) -> None:
    assert data(await trusting.post("/graphql", json=body)) == {"viewer": {"kind": "ANONYMOUS"}}


async def test_a_trusted_document_may_be_named_in_a_url(trusting: httpx.AsyncClient) -> None:
    answer = await trusting.get("/graphql", params={"documentId": "two", "operationName": "B"})
    assert data(answer) == {"b": "Query"}


@pytest.mark.parametrize("body", [{"query": ELSE}, {"query": ELSE, **by_hash(ELSE)}])
async def test_another_document_runs_where_others_may(trusting: httpx.AsyncClient, body: dict[str, Any]) -> None:
    answer = await trusting.post("/graphql", json=body)
    if trusting.only:  # type: ignore[attr-defined]
        assert code(answer) == "DOCUMENT_NOT_TRUSTED"
    else:
        assert data(answer) == {"__typename": "Query"}


@pytest.mark.parametrize("body", [{"documentId": "nobody"}, by_hash("{ unheard: __typename }")])
async def test_an_unknown_id_is_refused(trusting: httpx.AsyncClient, body: dict[str, Any]) -> None:
    only = trusting.only  # type: ignore[attr-defined]
    assert code(await trusting.post("/graphql", json=body)) == (
        "DOCUMENT_NOT_TRUSTED" if only else "PERSISTED_QUERY_NOT_FOUND"
    )


@pytest.mark.parametrize("content", [APOLLO, RELAY], ids=["Apollo", "Relay and codegen"])
def test_both_kinds_of_manifest_are_understood(tmp_path: Path, content: Any) -> None:
    assert read_manifest(manifest(tmp_path, content)) == RELAY


@pytest.mark.parametrize("content", [
    b"", b"{", b"[]", b"null", {"who": 7}, {**APOLLO, "operations": [{"id": "x"}]}, {**APOLLO, "operations": ["x"]},
    {**APOLLO, "operations": {}},
])  # fmt: skip
def test_what_is_no_manifest_is_told(tmp_path: Path, content: Any) -> None:
    with pytest.raises(ManifestError, match=r"documents\.json"):
        read_manifest(manifest(tmp_path, content))


def test_a_manifest_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"nowhere\.json cannot be read"):
        read_manifest(tmp_path / "nowhere.json")


BROKEN = {
    "good": WHO,
    "syntax": "query Cut {",
    "field": "query Old { nothing } query Fine { __typename }",
    "deep": "{" + "...{" * 60 + "__typename" + "}" * 61,
}


async def test_every_document_that_cannot_run_is_named(settings: Settings, tmp_path: Path) -> None:
    given = settings.model_copy(update={"trusted_documents": manifest(tmp_path, BROKEN)})
    with pytest.raises(ManifestError) as refused:
        await texts_of(given, Documents(core_of(build())))
    told = str(refused.value).splitlines()[1:]
    assert [line.partition(": ")[0] for line in told] == ["syntax", "field", "field", "deep"]
    assert "Old: Cannot query field 'nothing'" in told[1]


async def test_the_server_does_not_start_with_a_document_that_cannot_run(settings: Settings, tmp_path: Path) -> None:
    given = settings.model_copy(update={"trusted_documents": manifest(tmp_path, BROKEN)})
    with pytest.raises(ManifestError, match="documents that cannot run"):
        async with asyncio.timeout(30):
            await serve(given, None)
