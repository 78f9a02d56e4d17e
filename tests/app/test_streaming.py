"""What a stream says when it cannot go on, in the words of each protocol."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import orjson
import pytest

from app.graphql_request import NOBODY
from app.lines import Lines
from app.multipart import MULTIPART
from app.sse import SERVER_SENT_EVENTS
from app.streaming import Framing, Line, stream
from resolvers.documents import refuse

ANSWER = b'{"data":{"a":1},\n "b":2}'
TOO_SLOW = orjson.dumps({"errors": [{"message": "Go on later.", "extensions": {"code": "SUBSCRIBER_TOO_SLOW"}}]})


class Client:
    """The other end of a line: it listens, and never leaves by itself."""

    def __init__(self) -> None:
        self.heard = b""
        self.ended = False

    async def receive(self) -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(self, message: Any) -> None:
        assert not self.ended
        self.heard += message["body"]
        self.ended = not message.get("more_body")


async def heard_of(answers: AsyncGenerator[bytes, None], framing: Framing) -> bytes:
    client, lines = Client(), Lines()
    await stream(answers, NOBODY, Line(client.receive, client.send, framing, lines, ends=False, frank=False))
    assert client.ended
    assert lines.open == set()
    return client.heard


async def failing(after: int) -> AsyncGenerator[bytes, None]:
    for _ in range(after):
        yield ANSWER
    raise refuse("SUBSCRIBER_TOO_SLOW", "Go on later.")


PART = b"\r\ncontent-type: application/json\r\n\r\n%s\r\n--graphql"


async def test_what_is_refused_from_the_start_is_graphqls_answer() -> None:
    heard = await heard_of(failing(0), MULTIPART)
    assert heard == b"\r\n--graphql" + PART % (b'{"payload":' + TOO_SLOW + b"}") + b"--\r\n"


async def test_what_ends_a_line_that_had_begun_is_the_transports_error() -> None:
    heard = await heard_of(failing(1), MULTIPART)
    first = PART % (b'{"payload":' + ANSWER + b"}")
    last = PART % (b'{"payload":null,' + TOO_SLOW[1:])
    assert heard == b"\r\n--graphql" + first + last + b"--\r\n"


@pytest.mark.parametrize("after", [0, 1])
async def test_server_sent_events_know_no_difference(after: int) -> None:
    heard = await heard_of(failing(after), SERVER_SENT_EVENTS)
    first = b'event: next\ndata: {"data":{"a":1},\ndata:  "b":2}\n\n'
    assert heard == first * after + b"event: next\ndata: " + TOO_SLOW + b"\n\nevent: complete\ndata:\n\n"
