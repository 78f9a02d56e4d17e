"""The courier, with real sockets: to which addresses it goes, how long it waits, how much it reads."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from app.adapters.webhooks import HttpCourier
from domain.deliveries import Answer
from tests.receiver import Receiver, receiving

BODY = b'{"type":"PING"}'
HEADERS = {"content-type": "application/json", "webhook-id": "whd_1"}
CERTIFICATE = Path(__file__).parent / "receiver.test.pem"
"""Of nobody but this test, signed by itself."""
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Names(AbstractResolver):
    """Leads every name to the next address in the list, and counts who asks."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """One address."""
        self.asked.append(host)
        found = self.addresses[min(len(self.asked), len(self.addresses)) - 1]
        family = socket.AF_INET6 if ":" in found else socket.AF_INET
        return [
            ResolveResult(hostname=host, host=found, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST)
        ]

    async def close(self) -> None:
        """Nothing to close."""


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


async def sent(
    url: str, *, strict: bool = False, names: Names | None = None, times: int = 1, total_seconds: float = 5
) -> Answer:
    """The last of so many answers."""
    async with HttpCourier(strict=strict, resolver=names, total_seconds=total_seconds) as courier:
        answers = [await courier.send(url, HEADERS, BODY) for _ in range(times)]
    return answers[-1]


@asynccontextmanager
async def talking(talk: Talk, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server that says what it likes; its port."""
    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_a_body_goes_out_as_it_is_and_the_answer_comes_back(receiver: Receiver) -> None:
    receiver.answers = lambda _: (202, {"retry-after": "7", "set-cookie": "a=b"}, b"thanks")

    answer = await sent(receiver.url + "/hook%2F?q=%20", times=2)

    assert answer == Answer(202, "thanks", retry_after="7")
    first, second = receiver.heard
    assert first.raw == second.raw == BODY
    assert first.headers["webhook-id"] == "whd_1"
    assert set(second.headers) == {"host", "content-type", "content-length", "webhook-id", "user-agent"}


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", None), ("localhost", None), ("127.1", None), ("2130706433", None), ("[::1]", None),
        ("receiver.test", "127.0.0.1"), ("receiver.test", "10.1.2.3"), ("receiver.test", "::ffff:127.0.0.1"),
        ("receiver.test", "169.254.169.254"),
    ],
)  # fmt: skip
async def test_in_production_nothing_inside_is_reached_by_any_name(
    receiver: Receiver, host: str, address: str | None
) -> None:
    port = receiver.url.rpartition(":")[2]

    answer = await sent(f"http://{host}:{port}/", strict=True, names=Names(address) if address else None)

    assert answer.status is None
    assert "not on the open internet" in (answer.error or "") or "not a canonical IPv4" in (answer.error or "")
    assert receiver.heard == []


async def test_a_name_is_asked_once_and_what_it_leads_to_later_makes_no_difference(receiver: Receiver) -> None:
    names, port = Names("127.0.0.1", "10.1.2.3"), receiver.url.rpartition(":")[2]

    answer = await sent(f"http://receiver.test:{port}/", names=names, times=3)

    assert answer.status == 200
    assert names.asked == ["receiver.test"]
    assert [each.headers["host"] for each in receiver.heard] == [f"receiver.test:{port}"] * 3


async def test_tls_asks_for_the_name_and_trusts_no_stranger() -> None:
    asked: list[str | None] = []
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(CERTIFICATE)
    tls.sni_callback = lambda _socket, name, _context: asked.append(name)

    async with talking(_nothing, tls) as port:
        answer = await sent(f"https://receiver.test:{port}/", names=Names("127.0.0.1"))

    assert asked == ["receiver.test"]
    assert answer.status is None
    assert "certificate" in (answer.error or "").lower()


async def test_a_redirect_is_an_answer_and_not_followed(receiver: Receiver) -> None:
    receiver.answers = lambda _: (307, {"location": receiver.url + "/elsewhere"}, b"")

    assert (await sent(receiver.url)).status == 307
    assert [each.path for each in receiver.heard] == ["/"]


async def test_no_more_is_read_than_is_kept() -> None:
    told = 0

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal told
        await reader.readuntil(BODY)
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        try:
            while True:
                writer.write(b"400\r\n" + b"x" * 1_024 + b"\r\n")
                told += 1
                await writer.drain()
        except ConnectionError:
            writer.close()

    async with talking(endless) as port:
        answer = await sent(f"http://127.0.0.1:{port}/")

    assert answer == Answer(200, "x" * 1_000)
    assert told < 100_000


async def _nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def _nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(BODY)
    writer.write(b"220 mail.example.com ESMTP\r\n")
    writer.close()


async def _hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(BODY)
    writer.close()


async def _trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(BODY)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n")
    while not writer.is_closing():
        writer.write(b".")
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("talk", [_nothing, _nonsense, _hang_up, _trickle])
async def test_whatever_a_receiver_does_is_an_answer(talk: Talk) -> None:
    async with talking(talk) as port:
        answer = await sent(f"http://127.0.0.1:{port}/", total_seconds=0.3)

    assert answer.status is None
    assert answer.error
    assert (talk in (_nothing, _trickle)) == (answer.error == "no answer within 0.3 seconds")


async def test_nobody_listening_is_an_answer_too() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    for url in (f"http://127.0.0.1:{port}/", "http://nowhere.invalid/"):
        answer = await sent(url)
        assert answer.status is None
        assert answer.error
