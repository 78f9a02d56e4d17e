"""GraphQL over WebSocket, by the protocol `graphql-transport-ws`: many operations on one socket, each under its id.

What a client may send wrong ends the socket with the close code that the protocol gives it; what is wrong with one
document ends that operation alone.
"""

import asyncio
import time
from contextlib import aclosing
from functools import partial
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

from app.frames import EXTENSION, FramesProtocol
from app.graphql_request import NOBODY, Bearer, Verify, bearer_of, request_of, token_in
from app.lines import Lines, ends_by_itself
from app.refusals import Refused, tell
from app.tokens import ExpiredToken, InvalidToken
from resolvers.documents import refuse
from resolvers.engine import Request
from resolvers.groups import Member
from resolvers.subscriptions import Subscriptions

PROTOCOL = "graphql-transport-ws"
INIT_SECONDS = 10.0
MOST_OPERATIONS = 100
LONGEST_ID = 256
LONGEST_REASON = 120
"""Bytes: a close frame carries 123."""
SERVICE_RESTART = 1012
"""To the clients that we know, the server's end and no fault of theirs: they come back. 1011 would tell them to give up."""

Message = dict[str, Any]


class _Closing(Exception):
    """We end the socket, with a code and a reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason.encode()[:LONGEST_REASON].decode(errors="ignore")


class _ClientLeft(Exception):
    """The client, or the server as a whole, ended the socket."""


class WebSocketEndpoint:
    """Answers `/graphql` over WebSocket."""

    def __init__(self, subscriptions: Subscriptions, verify: Verify, lines: Lines) -> None:
        self.subscriptions = subscriptions
        self.verify = verify
        self.lines = lines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One socket's life."""
        await receive()  # websocket.connect
        spoken = PROTOCOL in scope["subprotocols"]
        await send({"type": "websocket.accept", "subprotocol": PROTOCOL if spoken else None})
        if not spoken:
            await send({"type": "websocket.close", "code": 4406, "reason": "Subprotocol not acceptable"})
            return
        authorization = dict(scope["headers"]).get(b"authorization")
        await Socket(self, authorization, receive, send, scope["extensions"][EXTENSION]["frames"]).live()


class Socket:
    """One client and its operations."""

    def __init__(
        self,
        endpoint: WebSocketEndpoint,
        authorization: bytes | None,
        receive: Receive,
        send: Send,
        frames: FramesProtocol,
    ) -> None:
        self.endpoint = endpoint
        self.authorization = authorization
        self.receive = receive
        self.transport = send
        self.frames = frames
        self.bearer = NOBODY
        self.time_is_up = _Closing(4408, "Connection initialisation timeout")
        self.running: dict[str, Operation] = {}
        self.tasks: dict[asyncio.Task[None], Request] = {}

    async def live(self) -> None:
        """From the greeting to the end, whoever ends it."""
        try:
            await self._talk()
        except _Closing as closing:
            if closing.code == SERVICE_RESTART:
                await self._answer_what_ends()
            await self._cancel_all()
            await self._transmit({"type": "websocket.close", "code": closing.code, "reason": closing.reason})
        except _ClientLeft:
            pass
        finally:
            await self._cancel_all()

    async def _talk(self) -> None:
        """The greeting, then every message, until time is up: the greeting's, the token's, the server's."""
        try:
            async with asyncio.timeout(INIT_SECONDS) as left:
                with self.endpoint.lines.holding(partial(self._leave, left)):
                    self.bearer = await self._greeted()
                    self._may_stay(left)
                    while True:
                        await self._obey(await self._next_message())
        except TimeoutError:
            raise self.time_is_up from None

    def _may_stay(self, left: asyncio.Timeout) -> None:
        """For as long as the token is good."""
        if self.time_is_up.code == SERVICE_RESTART:
            return
        self.time_is_up = _Closing(4403, "Token expired")
        expires_at = self.bearer.expires_at
        left.reschedule(None if expires_at is None else asyncio.get_running_loop().time() + expires_at - time.time())

    def _leave(self, left: asyncio.Timeout) -> None:
        """The server ends."""
        if not left.expired():
            self.time_is_up = _Closing(SERVICE_RESTART, "Service restart")
            left.reschedule(asyncio.get_running_loop().time())

    async def _greeted(self) -> Bearer:
        """Who it is, once the client has introduced itself."""
        while (message := await self._next_message())["type"] != "connection_init":
            await self._before_greeting(message)
        bearer = self._bearer(message.get("payload") or {})
        await self._send(b'{"type":"connection_ack"}')
        return bearer

    async def _before_greeting(self, message: Message) -> None:
        if message["type"] == "subscribe":
            raise _Closing(4401, "Unauthorized")
        await self._answer_ping(message)

    def _bearer(self, payload: Message) -> Bearer:
        """By the greeting, where it names a token; else by the header of the upgrade."""
        token = payload.get("token")
        authorization = payload.get("authorization") or payload.get("Authorization") or self.authorization
        if token is None and authorization is None:
            return NOBODY
        try:
            return bearer_of(token_in(authorization) if token is None else token, self.endpoint.verify)
        except ExpiredToken:
            raise _Closing(4403, "Token expired") from None
        except InvalidToken as error:
            raise _Closing(4403, f"Forbidden: {error}") from None

    async def _obey(self, message: Message) -> None:
        match message["type"]:
            case "subscribe":
                await self._start(_id(message), _request(message))
            case "complete":
                self._stop(_id(message))
            case "connection_init":
                raise _Closing(4429, "Too many initialisation requests")
            case _:
                await self._answer_ping(message)

    # -- operations ------------------------------------------------------------------------------------------------

    async def _start(self, id_: str, request: Request) -> None:
        await self.frames.drained()  # who does not read begins nothing more
        if id_ in self.running:
            raise _Closing(4409, f"Subscriber for {id_} already exists")
        if len(self.running) >= MOST_OPERATIONS:
            error = refuse("TOO_MANY_OPERATIONS", f"A socket carries {MOST_OPERATIONS} operations at once.")
            await self._send(_frame(id_, b"error", orjson.dumps(tell(error).errors)))
            return
        operation = self.running[id_] = Operation(self, id_)
        task = operation.task = asyncio.create_task(operation.begin(request))
        self.tasks[task] = request
        task.add_done_callback(self.tasks.pop)

    def _stop(self, id_: str) -> None:
        """The client has heard enough; an id that is not running has just ended by itself."""
        operation = self.running.pop(id_, None)
        if operation is not None:
            operation.stop()

    async def _answer_what_ends(self) -> None:
        """Wait for queries and mutations to be answered; subscriptions would go on for ever."""
        engine = self.endpoint.subscriptions.engine
        ending = [task for task, request in list(self.tasks.items()) if await ends_by_itself(engine, request)]
        if ending:
            await asyncio.wait(ending)

    async def _cancel_all(self) -> None:
        for id_ in list(self.running):
            self._stop(id_)
        await asyncio.gather(*self.tasks, return_exceptions=True)

    # -- messages --------------------------------------------------------------------------------------------------

    async def _next_message(self) -> Message:
        """The next message that makes sense, `_ClientLeft`, or the end of the socket."""
        event = await self.receive()
        if event["type"] == "websocket.disconnect":
            raise _ClientLeft
        return _message(event.get("text"))

    async def _answer_ping(self, message: Message) -> None:
        if message["type"] == "ping":
            echoed = {} if message.get("payload") is None else {"payload": message["payload"]}
            await self._send(orjson.dumps({"type": "pong", **echoed}))

    async def _send(self, frame: bytes) -> None:
        await self.frames.drained()
        self.frames.push(frame)

    async def _transmit(self, event: Message) -> None:
        try:
            await self.transport(event)
        except OSError:
            raise _ClientLeft from None


class Operation:
    """One operation of a socket. A task begins it; a subscription then goes on without one, as a group's sink."""

    __slots__ = ("head", "id", "member", "socket", "task")

    def __init__(self, socket: Socket, id_: str) -> None:
        self.socket = socket
        self.id = id_
        self.head = b'{"id":' + orjson.dumps(id_) + b',"type":"next","payload":'
        self.member: Member | None = None
        self.task: asyncio.Task[None] | None = None

    async def begin(self, request: Request) -> None:
        """Answer it, or take a subscription to where its group goes on."""
        subscriptions, viewer = self.socket.endpoint.subscriptions, self.socket.bearer.viewer
        try:
            self.member = await subscriptions.join(request, viewer, self)
            if self.member is not None:
                await self._replay(self.member)
                return
            async with aclosing(subscriptions.run(request, viewer)) as answers:
                async for answer in answers:
                    await self._next(answer)
            self._last(_frame(self.id, b"complete"))
        except Exception as error:  # noqa: BLE001 - whatever it is, the client is told and the log has the rest
            self.end(error)
        finally:
            self.task = None

    async def _replay(self, member: Member) -> None:
        async with aclosing(member.replay()) as replayed:
            async for _, answer in replayed:
                await self._next(answer)

    async def _next(self, answer: bytes) -> None:
        await self.socket.frames.drained()
        self.socket.frames.push(self.head, answer, b"}")

    def tell(self, _place: object, answer: bytes) -> bool:
        """Send an answer that its group has for it, if the client takes them."""
        frames = self.socket.frames
        if frames.is_full:
            return False
        frames.push(self.head, answer, b"}")
        return True

    def end(self, error: Exception) -> None:
        """Say why it is over."""
        told = tell(error, frank=self.socket.endpoint.subscriptions.engine.frank)
        self.stop()
        self._last(_frame(self.id, b"error", orjson.dumps(told.errors)))

    def _last(self, frame: bytes) -> None:
        """The id is free again before the client hears that it is over."""
        if self.socket.running.get(self.id) is self:
            del self.socket.running[self.id]
            self.socket.frames.push(frame)

    def stop(self) -> None:
        """Hear and say no more."""
        if self.member is not None:
            self.member.leave()
        if self.task is not None and self.task is not asyncio.current_task():
            self.task.cancel()


def _frame(id_: str, type_: bytes, payload: bytes | None = None) -> bytes:
    """A message about one operation, with its payload as it is."""
    told = b"" if payload is None else b',"payload":' + payload
    return b'{"id":' + orjson.dumps(id_) + b',"type":"' + type_ + b'"' + told + b"}"


# -- what a client may send --------------------------------------------------------------------------------------------

TYPES = frozenset({"connection_init", "ping", "pong", "subscribe", "complete"})


def _message(text: str | None) -> Message:
    if text is None:
        raise _malformed("Binary frames are not understood")
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise _malformed("A message is JSON") from None
    if type(message) is not dict:
        raise _malformed("A message is a JSON object")
    if type(message.get("type")) is not str or message["type"] not in TYPES:
        raise _malformed("A message names its type")
    if not isinstance(message.get("payload"), dict | None):
        raise _malformed("A payload is a JSON object")
    return message


def _id(message: Message) -> str:
    id_ = message.get("id")
    if type(id_) is not str or not 0 < len(id_) <= LONGEST_ID:
        raise _malformed(f"An id is text of 1 to {LONGEST_ID} characters")
    return id_


def _request(message: Message) -> Request:
    try:
        return request_of(message.get("payload"))
    except Refused as error:
        raise _malformed(str(error)) from None


def _malformed(reason: str) -> _Closing:
    return _Closing(4400, f"Invalid message: {reason}")
