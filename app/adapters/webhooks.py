"""Deliveries over HTTP: one POST to an address that was looked at first, and the beginning of its answer.

A name is resolved once for each connection, every address that it leads to is looked at, and the connection is made to
one of them and nothing else: what the name leads to a moment later makes no difference. Host, and the name that TLS
asks for and checks, remain those of the URL.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping
from ipaddress import ip_address
from typing import Any, Self

import httpcore

from domain.deliveries import EXCERPT_BYTES, Answer
from domain.webhooks import is_public

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 15.0
CONNECTIONS = 100
IDLE_SECONDS = 30.0
LONGEST_ERROR = 300

Resolve = Callable[[str, int], Awaitable[list[str]]]


class NotPublic(httpcore.ConnectError):
    """A name leads where webhooks must not go."""


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, as the system knows them."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Pinned(httpcore.AsyncNetworkBackend):
    """Connects to addresses that were looked at, not to names."""

    def __init__(self, *, strict: bool, resolve: Resolve = resolve) -> None:
        self.strict = strict
        self.resolve = resolve
        self.network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface has it
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address that answers; to none where one of them is not public, if we are strict."""
        try:
            addresses = await asyncio.wait_for(self.resolve(host, port), timeout)
        except (OSError, TimeoutError) as error:
            raise httpcore.ConnectError(f"{host} has no address: {error}") from error
        for address in addresses if self.strict else ():
            if not is_public(ip_address(address)):
                raise NotPublic(f"{host} leads to {address}, which is not on the open internet")
        failure = httpcore.ConnectError(f"{host} has no address")
        for address in addresses:
            try:
                return await self.network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = httpcore.ConnectError(f"{host} ({address}): {str(error) or type(error).__name__}")
        raise failure


class HttpCourier:
    """Takes bodies to URLs over connections that are kept for the next one."""

    def __init__(self, *, strict: bool, resolve: Resolve = resolve, total_seconds: float = TOTAL_SECONDS) -> None:
        self.total_seconds = total_seconds
        self.pool = httpcore.AsyncConnectionPool(
            max_connections=CONNECTIONS,
            max_keepalive_connections=CONNECTIONS,
            keepalive_expiry=IDLE_SECONDS,
            network_backend=Pinned(strict=strict, resolve=resolve),
        )

    async def __aenter__(self) -> Self:
        """Ready to go."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Hang up."""
        await self.pool.aclose()

    async def send(self, url: str, headers: Mapping[bytes | str, bytes | str], body: bytes) -> Answer:
        """POST, follow nothing, and read no more of the answer than is kept."""
        try:
            async with asyncio.timeout(self.total_seconds):
                return await self._post(url, headers, body)
        except TimeoutError:
            return Answer(error=f"no answer within {self.total_seconds:g} seconds")
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError, ValueError) as error:
            return Answer(error=f"{type(error).__name__}: {error}".removesuffix(": ")[:LONGEST_ERROR])

    async def _post(self, url: str, headers: Mapping[bytes | str, bytes | str], body: bytes) -> Answer:
        wait = {"timeout": {"connect": CONNECT_SECONDS}}
        async with self.pool.stream("POST", url, headers=headers, content=body, extensions=wait) as response:
            excerpt = b""
            async for chunk in response.aiter_stream():
                excerpt += chunk[: EXCERPT_BYTES - len(excerpt)]
                if len(excerpt) == EXCERPT_BYTES:
                    break
            text = excerpt.decode(errors="replace").replace("\0", "\ufffd")
            return Answer(response.status, text, retry_after=_retry_after(response.headers))


def _retry_after(headers: list[tuple[bytes, bytes]]) -> str | None:
    found = (value for name, value in headers if name.lower() == b"retry-after")
    return next((value.decode(errors="replace") for value in found), None)
