"""Who uses the shop meanwhile: customers who buy and repeat what got no answer, and subscribers who come back."""

import asyncio
import random
from dataclasses import dataclass, field
from typing import Any, Self
from uuid import uuid4

import asyncpg
import httpx
import orjson
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from app.tokens import sign
from benchmarks import operations
from domain.viewer import SCOPES, Role, Viewer, ViewerKind
from tests.chaos.fleet import Fleet
from tests.conftest import SECRET
from tests.logbook import BEGINNING

OWNER = Viewer(ViewerKind.STAFF, Role.OPERATIONS, "operations:olga", "Olga", SCOPES[Role.OPERATIONS])
TOKEN = sign(OWNER, SECRET, 36_000)
PASSING = {"SERVICE_UNAVAILABLE"}
"""What an answer may say while the database is killed. Anything else is a bug."""
AGAIN_SECONDS = 0.2
ANSWER_SECONDS = 15
STAY_SECONDS = (2.0, 10.0)
"""How long a subscriber stays before it goes and comes back by itself."""

FOLLOW = """
    subscription($after: String) {
      events(filter: { channel: "bench" }, after: $after) { id cursor sequence subject { id } }
    }
"""
LISTEN = """
    mutation($key: String!, $url: URL!) {
      webhookEndpointCreate(input: { idempotencyKey: $key, url: $url }) { endpoint { id } userErrors { message } }
    }
"""
HOLD = """
    mutation($key: String!, $id: ID!) {
      orderHold(input: { idempotencyKey: $key, id: $id, kind: MANUAL, reason: "a look" }) {
        order { holds { id } } userErrors { message }
      }
    }
"""
RELEASE = """
    mutation($key: String!, $id: ID!, $hold: ID!) {
      orderHoldRelease(input: { idempotencyKey: $key, orderId: $id, holdId: $hold }) {
        order { id } userErrors { message }
      }
    }
"""
CONFIRM = """
    mutation($key: String!, $id: ID!) {
      orderConfirm(input: { idempotencyKey: $key, id: $id }) { order { id } userErrors { message } }
    }
"""
CANCEL = """
    mutation($key: String!, $id: ID!) {
      orderCancel(input: { idempotencyKey: $key, id: $id, reason: CUSTOMER_REQUEST }) { order { id } userErrors { message } }
    }
"""
RELAY_IS_THERE = "SELECT EXISTS (SELECT FROM relays WHERE name = 'webhooks')"


class Shop:
    """Sends what is asked to any of the servers until one answers."""

    def __init__(self, fleet: Fleet, dice: random.Random) -> None:
        self.fleet = fleet
        self.dice = dice
        self.client = httpx.AsyncClient(timeout=ANSWER_SECONDS, headers={"Authorization": f"Bearer {TOKEN}"})
        self.repeated = 0

    async def __aenter__(self) -> Self:
        """Open the client."""
        await self.client.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        await self.client.aclose()

    async def send(self, body: dict[str, Any]) -> dict[str, Any]:
        """The payload of one mutation, sent again under its key as long as nobody answers."""
        while True:
            try:
                answer = (await self.client.post(f"{self.dice.choice(self.fleet.urls)}/graphql", json=body)).json()
            except (httpx.HTTPError, ValueError):
                answer = {}
            if answer.get("data") and "errors" not in answer:
                (payload,) = answer["data"].values()
                assert payload["userErrors"] == [], (body, payload)
                return payload  # type: ignore[no-any-return]
            codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
            assert codes <= PASSING, (body, answer)
            self.repeated += 1
            await asyncio.sleep(AGAIN_SECONDS)

    async def do(self, query: str, **variables: Any) -> dict[str, Any]:
        """The same of a document, under a fresh key."""
        return await self.send({"query": query, "variables": {"key": str(uuid4()), **variables}})

    async def set_up(self, receiver_url: str, database_url: str) -> None:
        """A channel, a location, goods, and an endpoint that is told everything from here on."""
        await self.send(operations.channel())
        location = (await self.send(operations.location("BENCH", "bench")))["location"]["id"]
        for body in operations.catalog(location):
            await self.send(body)
        connection = await asyncpg.connect(database_url)
        while not await connection.fetchval(RELAY_IS_THERE):
            await asyncio.sleep(0.1)
        await connection.close()
        await self.do(LISTEN, url=receiver_url)


class Customers:
    """Buy, and have their orders looked at, confirmed or canceled."""

    def __init__(self, shop: Shop, dice: random.Random) -> None:
        self.shop = shop
        self.dice = dice
        self.enough = False
        self.orders: list[str] = []

    async def buy(self) -> None:
        """One order after another."""
        while not self.enough:
            placed = await self.shop.send(operations.place(f"buyer{self.dice.randrange(20)}@example.com"))
            id_ = placed["order"]["id"]
            self.orders.append(id_)
            for _ in range(self.dice.randrange(3)):
                held = await self.shop.do(HOLD, id=id_)
                await self.shop.do(RELEASE, id=id_, hold=held["order"]["holds"][0]["id"])
            await self.shop.do(self.dice.choice([CONFIRM, CONFIRM, CANCEL]), id=id_)


@dataclass
class Subscriber:
    """Follows the channel from the beginning of the log, and comes back by cursor whenever it is cut off."""

    fleet: Fleet
    dice: random.Random
    by_socket: bool
    heard: list[dict[str, Any]] = field(default_factory=list)
    begun: int = 0

    async def listen(self) -> None:
        """For ever."""
        while True:
            self.begun += 1
            try:
                async with asyncio.timeout(self.dice.uniform(*STAY_SECONDS)):
                    await (self._by_socket() if self.by_socket else self._by_stream())
            except (OSError, TimeoutError, WebSocketException, httpx.HTTPError, EOFError):
                await asyncio.sleep(AGAIN_SECONDS)

    @property
    def _asked(self) -> dict[str, Any]:
        return {"query": FOLLOW, "variables": {"after": self.heard[-1]["cursor"] if self.heard else BEGINNING}}

    async def _by_socket(self) -> None:
        url = self.dice.choice(self.fleet.urls).replace("http", "ws", 1) + "/graphql"
        async with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")], close_timeout=1) as socket:
            await socket.send(orjson.dumps({"type": "connection_init", "payload": {"token": TOKEN}}).decode())
            await socket.recv()
            await socket.send(orjson.dumps({"type": "subscribe", "id": "1", "payload": self._asked}).decode())
            while (message := orjson.loads(await socket.recv()))["type"] == "next":
                self._take(message["payload"])

    async def _by_stream(self) -> None:
        url = f"{self.dice.choice(self.fleet.urls)}/graphql"
        headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {TOKEN}"}
        async with (
            httpx.AsyncClient(timeout=60, headers=headers) as client,
            client.stream("POST", url, json=self._asked) as answer,
        ):
            kept: list[str] = []
            async for line in answer.aiter_lines():
                if line.startswith("data: "):
                    kept.append(line.removeprefix("data: "))
                elif not line and kept:
                    self._take(orjson.loads("\n".join(kept)))
                    kept = []

    def _take(self, answer: dict[str, Any]) -> None:
        """An answer with errors ends the subscription; it is asked again."""
        if answer.get("errors") or not answer.get("data"):
            raise EOFError(answer)
        self.heard.append(answer["data"]["events"])
