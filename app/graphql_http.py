"""GraphQL over HTTP, as a bare ASGI application: what a request costs here, every request costs.

The status codes are those of the GraphQL-over-HTTP specification: with `application/graphql-response+json` a request
that was refused is a 400; with `application/json` it is a 200 as long as the JSON itself was in order.
"""

import asyncio
import gzip
import re
from dataclasses import dataclass
from functools import lru_cache, partial
from random import getrandbits
from typing import Any

from graphql import OperationType
from starlette.types import Receive, Scope, Send

from app.graphql_request import (
    NOBODY,
    Bearer,
    Verify,
    bearer_of,
    mark_of,
    read_json,
    request_of,
    request_of_url,
    token_in,
)
from app.lines import Lines, ends_by_itself
from app.logs import REQUEST_ID
from app.multipart import MULTIPART
from app.refusals import Header, Refused, tell
from app.sse import SERVER_SENT_EVENTS
from app.streaming import Framing, Line, stream
from domain.store.wal import Mark
from domain.viewer import ANONYMOUS, Viewer
from resolvers.computing import CallerLeft
from resolvers.consistency import token_of
from resolvers.documents import RequestError
from resolvers.engine import Engine, Request
from resolvers.subscriptions import Subscriptions

LARGEST_BODY_BYTES = 256 * 1024
WORTH_GZIP_BYTES = 8 * 1024
WORTH_A_THREAD_BYTES = 256 * 1024
GZIP_LEVEL = 1
"""The cheapest: JSON with its repeated keys shrinks to a tenth at any level."""

JSON = b"application/json"
GRAPHQL_JSON = b"application/graphql-response+json"
STREAMS = (SERVER_SENT_EVENTS, MULTIPART)
"""Of two that are as welcome the first is taken."""
ALLOW: Header = (b"allow", b"GET, POST")
NOT_KEPT: Header = (b"cache-control", b"no-store")

CONSISTENCY_TOKEN = b"x-consistency-token"
"""The same as `extensions.consistencyToken`, both ways, for clients that know headers better than bodies."""

SANE_ID = re.compile(rb"[\w.:/+=-]{1,128}", re.ASCII)
Headers = dict[bytes, bytes]


class GraphQLEndpoint:
    """Answers `/graphql` over HTTP."""

    def __init__(self, engine: Engine, subscriptions: Subscriptions, verify: Verify, lines: Lines) -> None:
        self.engine = engine
        self.subscriptions = subscriptions
        self.verify = verify
        self.lines = lines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One exchange."""
        headers: Headers = dict(scope["headers"])
        request_id = _request_id(headers.get(b"x-request-id"))
        REQUEST_ID.set(request_id)
        reply = Reply(send, request_id, headers.get(b"accept-encoding", b""), frank=self.engine.frank)
        try:
            await self._answer(scope, headers, receive, reply)
        except (_ClientLeft, CallerLeft):
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an answer and the log the rest
            await reply.refuse(error)

    async def _answer(self, scope: Scope, headers: Headers, receive: Receive, reply: "Reply") -> None:
        """The one busy path: POST, JSON, one query or mutation."""
        reply.accepts = accepts = _accepted(headers.get(b"accept", b"*/*"))
        if scope["method"] == "POST":
            _must_be_json(headers.get(b"content-type", b""), headers.get(b"content-encoding", b""))
            viewer = self._viewer(headers)
            request = request_of(read_json(await _body(headers, receive)))
        else:
            viewer = self._viewer(headers)
            request = await self._read_url(scope)
        if (token := headers.get(CONSISTENCY_TOKEN)) is not None:
            request = _no_earlier(request, token)
        if accepts.stream and (accepts.media is None or await self._is_subscription(request)):
            bearer, ends = self._bearer(headers), await ends_by_itself(self.engine, request)
            await reply.begin_stream(accepts.stream)
            line = Line(receive, reply.transport, accepts.stream, self.lines, ends, self.engine.frank)
            await stream(self.subscriptions.run(request, viewer), bearer, line)
        else:
            marks: list[Mark] = []
            body = await self.engine.answer(request, viewer, marks=marks, gone=partial(_gone, receive))
            await reply.send(200, body, ((CONSISTENCY_TOKEN, token_of(max(marks)).encode()),) if marks else ())

    def _viewer(self, headers: Headers) -> Viewer:
        authorization = headers.get(b"authorization")
        return ANONYMOUS if authorization is None else self.verify(token_in(authorization))

    def _bearer(self, headers: Headers) -> Bearer:
        authorization = headers.get(b"authorization")
        return NOBODY if authorization is None else bearer_of(token_in(authorization), self.verify)

    async def _read_url(self, scope: Scope) -> Request:
        """A GET may be repeated and cached by anyone on the way, so it changes nothing."""
        if scope["method"] != "GET":
            raise Refused(405, "GraphQL is asked by POST, or by GET for queries.", headers=(ALLOW,))
        request = request_of_url(scope["query_string"])
        if (await self.engine.document(request)).kind is OperationType.MUTATION:
            raise Refused(405, "Mutations are sent by POST.", headers=((b"allow", b"POST"),))
        return request

    async def _is_subscription(self, request: Request) -> bool:
        return (await self.engine.document(request)).kind is OperationType.SUBSCRIPTION


# -- what was sent -----------------------------------------------------------------------------------------------------


class _ClientLeft(Exception):
    """The connection ended before the request did."""


async def _gone(receive: Receive) -> None:
    """Wait until the client has gone away. The whole request is here: nothing else can come."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _request_id(given: bytes | None) -> bytes:
    """The client's own id where it is one that can stand in a log; else a new one."""
    return given if given and SANE_ID.fullmatch(given) else b"%016x" % getrandbits(64)


def _no_earlier(request: Request, token: bytes) -> Request:
    """With the token of the header as well; of two, both have to be seen."""
    mark = mark_of(token.decode("latin-1"))
    return request._replace(after=max(mark, request.after or mark))


@lru_cache(64)
def _must_be_json(content_type: bytes, encoding: bytes) -> None:
    media, _, parameters = content_type.lower().partition(b";")
    charset = parameters.partition(b"charset=")[2].strip(b' "')
    if media.strip() != JSON or charset not in {b"", b"utf-8", b"utf8"}:
        raise Refused(415, "The body must be application/json in UTF-8.", headers=((b"accept-post", JSON),))
    if encoding not in {b"", b"identity"}:
        raise Refused(415, "The body must not be compressed.", headers=((b"accept-encoding", b"identity"),))


async def _body(headers: Headers, receive: Receive) -> bytes:
    """The body, refused as soon as it is known to be too long."""
    length = headers.get(b"content-length", b"0")
    if len(length) > 10 or int(length) > LARGEST_BODY_BYTES:
        raise _too_long()
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return _whole(message, body)
    return await _rest(bytearray(body), receive)


async def _rest(body: bytearray, receive: Receive) -> bytes:
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > LARGEST_BODY_BYTES:
            raise _too_long()
        if not message.get("more_body"):
            return _whole(message, bytes(body))


def _whole(message: Any, body: bytes) -> bytes:
    if message["type"] == "http.disconnect":
        raise _ClientLeft
    return body


def _too_long() -> Refused:
    return Refused(413, f"A request may have {LARGEST_BODY_BYTES // 1024} KiB.", headers=((b"connection", b"close"),))


# -- what is accepted --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Accepts:
    """What the client wants to read: a JSON media type, or a stream, or either."""

    media: bytes | None
    stream: Framing | None


PLAIN = Accepts(JSON, stream=None)
SUBSCRIPTION_SPEC = b"subscriptionspec=1.0"


@lru_cache(256)
def _accepted(accept: bytes) -> Accepts:
    """Wildcards mean `application/json`: that is what clients expect that never heard of the other."""
    weights = {_named(part): _weighed(part)[1] for part in accept.lower().split(b",")}
    anything = weights.get(b"application/*", weights.get(b"*/*", 0.0))
    plain, graphql = weights.get(JSON, anything), weights.get(GRAPHQL_JSON, 0.0)
    streams = [each for each in STREAMS if weights.get(each.accept, 0.0) > 0]
    if not (plain or graphql or streams):
        raise Refused(406, "Answers are application/json or application/graphql-response+json.")
    media = GRAPHQL_JSON if graphql and graphql >= weights.get(JSON, 0.0) else JSON if plain else None
    return Accepts(media, max(streams, key=lambda each: weights[each.accept], default=None))


def _named(part: bytes) -> bytes:
    """A media type without its parameters; the one for subscriptions keeps what tells it from others."""
    media, *parameters = (each.strip() for each in part.replace(b'"', b"").split(b";"))
    return MULTIPART.accept if media == b"multipart/mixed" and SUBSCRIPTION_SPEC in parameters else media


def _weighed(part: bytes) -> tuple[bytes, float]:
    media, *parameters = (each.strip() for each in part.split(b";"))
    weight = next((each[2:] for each in parameters if each.startswith(b"q=")), b"1")
    try:
        return media, float(weight)
    except ValueError:
        return media, 0.0


async def _gzipped(body: bytes) -> bytes:
    """What is large is compressed off the loop, which it would hold for a second for each 100 MB."""
    if len(body) < WORTH_A_THREAD_BYTES:
        return gzip.compress(body, GZIP_LEVEL, mtime=0)
    return await asyncio.to_thread(gzip.compress, body, GZIP_LEVEL, mtime=0)


@lru_cache(256)
def _takes_gzip(accept_encoding: bytes) -> bool:
    weights = dict(_weighed(part) for part in accept_encoding.lower().split(b","))
    return weights.get(b"gzip", weights.get(b"*", 0.0)) > 0


# -- what is answered --------------------------------------------------------------------------------------------------


class Reply:
    """The answer to one request."""

    __slots__ = ("accept_encoding", "accepts", "frank", "request_id", "transport")

    def __init__(self, send: Send, request_id: bytes, accept_encoding: bytes, *, frank: bool) -> None:
        self.transport = send
        self.request_id = request_id
        self.accept_encoding = accept_encoding
        self.accepts = PLAIN
        self.frank = frank

    async def send(self, status: int, body: bytes, extra: tuple[Header, ...] = ()) -> None:
        """A whole answer."""
        headers = [
            (b"content-type", (self.accepts.media or JSON) + b"; charset=utf-8"),
            (b"x-request-id", self.request_id),
            NOT_KEPT,
            *extra,
        ]
        if len(body) > WORTH_GZIP_BYTES and _takes_gzip(self.accept_encoding):
            body = await _gzipped(body)
            headers.append((b"content-encoding", b"gzip"))
        headers.append((b"content-length", b"%d" % len(body)))
        await self.transport({"type": "http.response.start", "status": status, "headers": headers})
        await self.transport({"type": "http.response.body", "body": body})

    async def refuse(self, error: Exception) -> None:
        """An answer without data."""
        told = tell(error, frank=self.frank)
        in_order = isinstance(error, RequestError) and self.accepts.media != GRAPHQL_JSON
        await self.send(200 if in_order else told.status, told.body, told.headers)

    async def begin_stream(self, framing: Framing) -> None:
        """Begin answers as they come. Proxies must neither keep nor gather them."""
        headers = [
            (b"content-type", framing.content_type),
            (b"x-request-id", self.request_id),
            (b"x-accel-buffering", b"no"),
            NOT_KEPT,
        ]
        await self.transport({"type": "http.response.start", "status": 200, "headers": headers})
