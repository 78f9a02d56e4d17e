"""Deliveries over HTTP: one POST to an address that was looked at first, and the beginning of its answer.

A name is resolved once for each connection, and every socket is made for one of the addresses found, after a look at it:
what the name leads to a moment later makes no difference. Host, and the name that TLS asks for and checks, remain those
of the URL.
"""

import socket
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any, Self

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from domain.deliveries import EXCERPT_BYTES, Answer
from domain.webhooks import is_public

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 15.0
CONNECTIONS = 100
IDLE_SECONDS = 4.0
"""Many servers close a connection that was idle for 5: a POST must not meet that."""
LONGEST_ERROR = 300


class NotPublic(OSError):
    """A name leads where webhooks must not go."""


def public_socket(address: tuple[Any, ...]) -> socket.socket:
    """A socket for an address on the open internet, and for no other."""
    family, type_, proto, _, (host, *_rest) = address
    if not is_public(ip_address(host)):
        raise NotPublic(f"{host} is not on the open internet")
    return socket.socket(family, type_, proto)


class HttpCourier:
    """Takes bodies to URLs over connections that are kept for the next one."""

    def __init__(
        self, *, strict: bool, resolver: AbstractResolver | None = None, total_seconds: float = TOTAL_SECONDS
    ) -> None:
        self.total_seconds = total_seconds
        connector = aiohttp.TCPConnector(
            resolver=resolver,
            use_dns_cache=False,
            socket_factory=public_socket if strict else None,
            limit=CONNECTIONS,
            keepalive_timeout=IDLE_SECONDS,
        )
        self.session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=total_seconds, sock_connect=CONNECT_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("accept", "accept-encoding"),
        )

    async def __aenter__(self) -> Self:
        """Ready to go."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Hang up."""
        await self.session.close()

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """POST, follow nothing, and read no more of the answer than is kept."""
        try:
            return await self._post(url, headers, body)
        except TimeoutError as error:
            return Answer(error=str(error)[:LONGEST_ERROR] or f"no answer within {self.total_seconds:g} seconds")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            reason = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
            return Answer(error=(str(reason) or type(error).__name__)[:LONGEST_ERROR])

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        target = URL(url, encoded=True)
        async with self.session.post(target, headers=headers, data=body, allow_redirects=False) as response:
            excerpt = b""
            while len(excerpt) < EXCERPT_BYTES and (read := await response.content.read(EXCERPT_BYTES - len(excerpt))):
                excerpt += read
            text = excerpt.decode(errors="replace").replace("\0", "\ufffd")
            return Answer(response.status, text, retry_after=response.headers.get("retry-after"))
