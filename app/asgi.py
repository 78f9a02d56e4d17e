"""The ASGI application: `/graphql` goes straight to its endpoint, everything else through Starlette.

Starlette's Request and Response cost a quarter of a small query's time, so the one busy path never meets them.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext

import asyncpg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from app import graphiql
from app.settings import Settings

PROBE_SECONDS = 2.0

OpenGraph = Callable[[Settings], AbstractAsyncContextManager[ASGIApp]]
"""Opens what answers `/graphql` (its pools, its feed), for as long as the application runs."""


def create_app(settings: Settings, open_graph: OpenGraph | None = None) -> ASGIApp:
    """The application. `open_graph` is what answers `/graphql`; without it there are only the pages and probes."""
    if settings.database_url is None:
        raise ValueError("create_app needs a database_url")
    front = FrontDoor(has_page=settings.development)
    front.site = Starlette(
        routes=[Route("/healthz", healthz), Route("/readyz", readyz), *(_pages() if settings.development else ())],
        lifespan=_lifespan(settings, front, open_graph),
    )
    return front


def _pages() -> list[BaseRoute]:
    """GraphiQL, for who develops against us."""
    return [
        Route("/", lambda _: RedirectResponse("/graphql")),
        Route("/graphql", graphiql.page, methods=["GET"]),
        Mount("/graphiql", StaticFiles(directory=graphiql.static_folder())),
    ]


class FrontDoor:
    """Sends a request to the graph or to the site."""

    def __init__(self, *, has_page: bool) -> None:
        self.has_page = has_page
        self.site: ASGIApp = PlainTextResponse("Starting", 503)
        self.graph: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Dispatch before any routing."""
        if self.graph is not None and scope.get("path") == "/graphql" and not (self.has_page and _wants_page(scope)):
            await self.graph(scope, receive, send)
        else:
            await self.site(scope, receive, send)


def _wants_page(scope: Scope) -> bool:
    """Whether a browser asks to see GraphiQL: a GET of HTML that carries no document and names none."""
    return (
        scope["type"] == "http"
        and scope["method"] in {"GET", "HEAD"}
        and any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])
        and not any(name in scope["query_string"] for name in (b"query=", b"documentId=", b"extensions="))
    )


def _lifespan(
    settings: Settings, front: FrontDoor, open_graph: OpenGraph | None
) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(site: Starlette) -> AsyncIterator[None]:
        graph = open_graph(settings) if open_graph else nullcontext(None)
        async with asyncpg.create_pool(settings.database_url, min_size=0, max_size=1) as probe, graph as front.graph:
            site.state.probe = probe
            yield

    return lifespan


async def healthz(_: Request) -> Response:
    """Whether the process is alive: it answers, so it is."""
    return PlainTextResponse("ok")


async def readyz(request: Request) -> Response:
    """Whether requests can be answered: the database did, just now."""
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            await _ask(request.app.state.probe)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        return PlainTextResponse(f"database: {type(error).__name__}", 503, {"Retry-After": "1"})
    return PlainTextResponse("ok")


async def _ask(probe: asyncpg.Pool) -> None:
    async with probe.acquire() as connection:
        await connection.fetchval("SELECT 1")
