"""`ordergraph serve`: the database, the schema's steps, demo data if wanted, the HTTP server. One Ctrl-C ends all."""

import asyncio
import gc
import os
import resource
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.asgi import create_app
from app.database import running_database
from app.failure import Failure
from app.frames import FramesProtocol
from app.graph import Graph, open_graph
from app.migrate import upgrade
from app.settings import Settings
from app.terminal import err
from app.trusted_documents import texts_of
from app.welcome import welcome
from resolvers.documents import Documents
from schema.build import build, core_of

LARGEST_FRAME_BYTES = 256 * 1024
"""A WebSocket frame holds one operation; the endpoint caps a request's body alike."""
PING_SECONDS = 20.0
"""Between a pong and the next ping of a WebSocket, and the longest that a pong may take: proxies end what is silent for
a minute, and who is gone has to be noticed."""
UNHEARD_SECONDS = 40
"""After which who acknowledges nothing of what we send, or takes nothing in, is taken for gone."""
ANSWERING_SECONDS = 5.0
"""For what is being answered when the server is asked to end."""

COLLECTED_AFTER = (10_000, 50, 50)
"""How much more is alive when garbage is looked for than when it was last, and after how many times the older as well.
Requests leave hardly any that is not freed at once: with Python's own 700, a profile shows 1.5 % of the CPU in looking."""

MOST_FILES = 1_048_576
"""No process of ours needs more, and some children look at every number below their limit."""

Load = Callable[[Settings], Awaitable[object]]


class ServeError(Failure):
    """The server cannot start as asked; the message says why."""


async def serve(settings: Settings, load_demo: Load | None) -> None:
    """Run until a signal ends it. `load_demo` fills a database that is empty, and leaves any other alone."""
    await _check_trusted(settings)
    _allow_many_sockets()
    with bound(settings) as listener:
        async with running_database(settings) as url:
            settings = settings.model_copy(update={"database_url": url})
            if await upgrade(url):
                err.print("The database has the shape of this release now.")
            if load_demo is not None:
                await load_demo(settings)
            await _run(settings, listener)


def _allow_many_sockets() -> None:
    """As many open files as the system lets a process have: many begin with 1,024, and each subscriber is one."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if most == resource.RLIM_INFINITY else min(most, MOST_FILES)
    if now != resource.RLIM_INFINITY and now < wanted:
        with suppress(ValueError, OSError):  # macOS says that it has no limit, and has one
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


async def _check_trusted(settings: Settings) -> None:
    """Say what is wrong with the trusted documents before anything is started."""
    if settings.trusted_documents is not None:
        await texts_of(settings, Documents(core_of(build()), introspection=settings.introspects))


@contextmanager
def bound(settings: Settings) -> Iterator[socket.socket]:
    """The address, claimed before anything is started; connections are refused until the server listens."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; connections inherit it
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNHEARD_SECONDS * 1000)
        try:
            listener.bind((settings.host, settings.port))
        except OSError as error:
            raise ServeError(
                f"cannot listen on {settings.host}:{settings.port}: {os.strerror(error.errno or 0)}. Set PORT or HOST."
            ) from error
        yield listener


async def _run(settings: Settings, listener: socket.socket) -> None:
    server = Server(configuration(settings))
    greeting = asyncio.create_task(_greet(server, settings, listener.getsockname()[1]))
    try:
        await server.serve(sockets=[listener])
    except SystemExit:
        raise ServeError("the application did not start; the reason is above") from None
    finally:
        greeting.cancel()


def configuration(settings: Settings) -> uvicorn.Config:
    """How uvicorn runs the application; the tests run it the same way."""
    return uvicorn.Config(
        create_app(settings, open_graph),
        http="httptools",
        ws=WebSockets,
        lifespan="on",
        ws_max_size=LARGEST_FRAME_BYTES,
        ws_per_message_deflate=False,
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=PING_SECONDS,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_keep_alive=75,  # longer than a load balancer's minute, so that it never meets a closed connection
        timeout_graceful_shutdown=1,  # for the rest: `Server.shutdown` has waited before
    )


class WebSockets(FramesProtocol):
    """Cuts the line to a client that does not answer pings.

    uvicorn would close with 1011, which clients that only slept take for the end: to one that was cut they come back.
    Nor would a close get past what still waits to be sent.
    """

    def keepalive_timeout(self) -> None:
        """No pong came."""
        self.transport.abort()


class Server(uvicorn.Server):
    """Takes signals until the process ends.

    uvicorn would raise them again when it is done, and end the process before PostgreSQL has stopped.
    """

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Ctrl-C and SIGTERM ask the server to finish; what comes after it then runs undisturbed."""
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, self.handle_exit)
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """What is there once the application has started stays: the collector, which takes 40 ms for it, may skip it."""
        await super().startup(sockets)
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECTED_AFTER)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let nobody in, let go of sockets and streams one after another, answer what was asked; then end the rest."""
        self._let_nobody_in()
        graph = getattr(self.config.app, "graph", None)
        if isinstance(graph, Graph):
            await graph.lines.let_go(lambda: self.force_exit)
        await self._answer()
        await super().shutdown(sockets)

    def _let_nobody_in(self) -> None:
        """Neither by a new connection nor by one that is open: clients whose stream ends would come back by it."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            if isinstance(connection, HttpToolsProtocol):
                connection.shutdown()

    async def _answer(self) -> None:
        """Wait until nothing is asked any more, or for as long as we may."""
        late = asyncio.get_running_loop().time() + ANSWERING_SECONDS
        while self.server_state.tasks and not self.force_exit and asyncio.get_running_loop().time() < late:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def _greet(server: Server, settings: Settings, port: int) -> None:
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event to wait for
        await asyncio.sleep(0.01)
    await welcome(settings, port)
