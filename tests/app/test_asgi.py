"""The site around the graph: probes and GraphiQL, over real HTTP."""

import re

import asyncpg
import httpx
import pytest

from app.asgi import create_app
from app.settings import Settings

BROWSER = {"Accept": "text/html,application/xhtml+xml"}


async def test_the_process_says_that_it_lives(client: httpx.AsyncClient) -> None:
    answer = await client.get("/healthz")
    assert (answer.status_code, answer.text) == (200, "ok")


async def test_it_is_ready_while_the_database_answers(client: httpx.AsyncClient) -> None:
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.text) == (200, "ok")


async def test_it_becomes_ready_again_after_the_database_cut_its_connections(
    client: httpx.AsyncClient, connection: asyncpg.Connection
) -> None:
    assert (await client.get("/readyz")).status_code == 200
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    answers = [(await client.get("/readyz")).status_code for _ in range(3)]
    assert answers[-1] == 200


async def test_a_browser_gets_graphiql_with_nothing_from_elsewhere(client: httpx.AsyncClient) -> None:
    page = await client.get("/graphql", headers=BROWSER)
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    for url in re.findall(r'(?:src|href)="(.*?)"', page.text):
        assert url == "data:," or url.startswith("graphiql/"), url
    assert "script-src 'self' 'sha256-" in page.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["graphiql.min.js", "graphiql.min.css", "react.production.min.js"])
async def test_graphiql_files_come_from_our_own_origin(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(f"/graphiql/{path}")
    assert answer.status_code == 200
    assert len(answer.content) > 10_000


@pytest.mark.parametrize("path", ["/graphiql/../apps.py", "/graphiql/%2e%2e/apps.py", "/graphiql/none.js", "/nowhere"])
async def test_nothing_else_is_served(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


async def test_the_root_leads_to_the_graph(client: httpx.AsyncClient) -> None:
    answer = await client.get("/")
    assert answer.headers["location"] == "/graphql"


def test_an_application_without_a_database_is_refused(settings: Settings) -> None:
    with pytest.raises(ValueError, match="database_url"):
        create_app(settings.model_copy(update={"database_url": None}))
