"""What answers `/graphql`: the pools, the schema, the engine and the feed behind it, opened and closed together."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from functools import partial

from starlette.types import Receive, Scope, Send

from app.adapters.payments import providers
from app.aside import Asides
from app.crew import working
from app.graphql_http import GraphQLEndpoint
from app.graphql_request import Verify
from app.lines import Lines
from app.settings import Settings
from app.tokens import seal, sign, unseal, verify
from app.trusted_documents import texts_of
from app.websocket import WebSocketEndpoint
from resolvers.backorders import fill
from resolvers.database import open_database
from resolvers.documents import Documents
from resolvers.engine import Engine
from resolvers.feed import LogFeed, open_feed
from resolvers.reading.warm import warm
from resolvers.replicas import with_replicas
from resolvers.subscriptions import Subscriptions
from resolvers.writing import World
from schema.build import build


class Graph:
    """Dispatches to HTTP or WebSocket."""

    def __init__(self, engine: Engine, subscriptions: Subscriptions, verify: Verify) -> None:
        self.lines = Lines()
        self.http = GraphQLEndpoint(engine, subscriptions, verify, self.lines)
        self.websocket = WebSocketEndpoint(subscriptions, verify, self.lines)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One exchange, or one socket's life."""
        answer = self.http if scope["type"] == "http" else self.websocket
        await answer(scope, receive, send)


@asynccontextmanager
async def open_engine(settings: Settings, replicas: Sequence[str] = ()) -> AsyncIterator[tuple[Engine, LogFeed]]:
    """The engine and its feed, for as long as the block runs. With replicas, reads may be a moment late."""
    url = settings.database_url
    if url is None:
        raise ValueError("open_engine needs a database_url")
    reads, lag = settings.read_pool_size, settings.replica_lag_seconds
    async with (
        open_database(url, reads=reads, writes=settings.write_pool_size) as primary,
        with_replicas(primary, replicas, reads=reads, longest_lag_seconds=lag) as database,
        open_feed(url, settings.redis_url) as feed,
    ):
        schema = build()._schema  # noqa: SLF001 - graphql-core's schema is what we run
        world = World(
            database=database,
            providers=providers(),
            sign=lambda viewer, seconds: sign(viewer, settings.secret, seconds),
            seal=lambda claims: seal(claims, settings.secret),
            unseal=lambda token: unseal(token, settings.secret),
            stamp_soon=feed.stamp_soon,
            aside=Asides(url),
            document=Documents(schema, introspection=False, hints=settings.development).get,
            fill=fill,
            webhooks_strict=settings.webhooks_strict,
        )
        yield Engine(schema, world, introspection=settings.introspects, frank=settings.development), feed


@asynccontextmanager
async def open_graph(settings: Settings) -> AsyncIterator[Graph]:
    """The graph, for as long as the block runs."""
    async with open_engine(settings, settings.database_replica_urls) as (engine, feed):
        engine.texts = await texts_of(settings, engine.documents)
        warm(engine.schema)
        subscriptions = Subscriptions(engine, feed)
        async with working(engine, feed, settings) if settings.with_worker else nullcontext():
            yield Graph(engine, subscriptions, partial(verify, secret=settings.secret))
