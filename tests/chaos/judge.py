"""What must be so once everything has come to rest."""

import asyncio
from typing import Any

import asyncpg

from tests.chaos.crowd import Customers, Subscriber
from tests.receiver import Receiver

QUIET_SECONDS = 3.0
PATIENCE_SECONDS = 240

LOG = """
    SELECT 'evt_' || id AS id, sequence, subject_type, subject_id::text AS subject,
           channel_id = (SELECT id FROM channels WHERE code = 'bench') AS followed
    FROM events ORDER BY epoch, position
"""
UNREST = """
    SELECT (SELECT count(*) FROM events WHERE position IS NULL)
         + (SELECT count(*) FROM jobs WHERE dead_at IS NULL AND kind IN ('WEBHOOK_DELIVERY', 'SEND_MESSAGE'))
         + (SELECT count(*) FROM relays, event_head WHERE (relays.epoch, relays.position) < (event_head.epoch, event_head.position))
"""
GIVEN_UP = "SELECT kind || ': ' || coalesce(error, '') FROM jobs WHERE dead_at IS NOT NULL"
ORDERS = "SELECT 'ord_' || id FROM orders"


class Judge:
    """Compares the log with what everyone heard."""

    def __init__(
        self, connection: asyncpg.Connection, subscribers: list[Subscriber], receiver: Receiver, customers: Customers
    ) -> None:
        self.connection = connection
        self.subscribers = subscribers
        self.receiver = receiver
        self.customers = customers
        self.summary = ""

    async def wait_until_quiet(self) -> None:
        """Until nothing is on its way and no event comes any more; not for ever."""
        deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        seen, since = -1, 0.0
        while (now := asyncio.get_running_loop().time()) < deadline:
            number = await self.connection.fetchval("SELECT count(*) FROM events")
            if number != seen or await self.connection.fetchval(UNREST) or not await self._all_heard():
                seen, since = number, now
            elif now - since > QUIET_SECONDS:
                return
            await asyncio.sleep(0.2)

    async def _all_heard(self) -> bool:
        followed = sum(row["followed"] or False for row in await self.connection.fetch(LOG))
        return all(len(each.heard) >= followed for each in self.subscribers)

    async def complaints(self) -> list[str]:
        """Everything that is not as it must be."""
        log = await self.connection.fetch(LOG)
        followed = [(row["id"], row["sequence"]) for row in log if row["followed"]]
        found = [f"given up, {row[0]}" for row in await self.connection.fetch(GIVEN_UP)]
        for number, each in enumerate(self.subscribers):
            heard = [(event["id"], event["sequence"]) for event in each.heard]
            if heard != followed:
                found.append(
                    f"subscriber {number} heard {len(heard)} of {len(followed)}, {_difference(followed, heard)}"
                )
        found += self._of_webhooks(log)
        placed = sorted(row[0] for row in await self.connection.fetch(ORDERS))
        if placed != sorted(self.customers.orders):
            found.append(f"{len(placed)} orders are there, customers know of {len(self.customers.orders)}")
        self.summary = (
            f"{len(placed)} orders, {len(log)} events; {len(self.subscribers)} subscribers began "
            f"{sum(each.begun for each in self.subscribers)} times and heard {len(followed)} events each; "
            f"{len(self.receiver.heard)} webhooks came, {self.repeats} of them again; "
            f"{self.customers.shop.repeated} requests were repeated"
        )
        return found

    def _of_webhooks(self, log: list[Any]) -> list[str]:
        """Once repeats are dropped by their id: each event once, and each subject's in order."""
        first = {heard.id: heard for heard in reversed(self.receiver.heard)}
        self.repeats = len(self.receiver.heard) - len(first)
        seen: set[str] = set()
        events = [heard.data for heard in self.receiver.heard if not (heard.id in seen or seen.add(heard.id))]  # type: ignore[func-returns-value]
        came = [event["id"] for event in events]
        found = [] if len(came) == len(set(came)) else ["an event came under two ids"]
        # The endpoint was there before the first order was placed, so before the channel's first event.
        begun = next((place for place, row in enumerate(log) if row["followed"]), len(log))
        missed = {row["id"] for row in log[begun:]} - set(came)
        if missed:
            found.append(f"{len(missed)} events of {len(log) - begun} never came, such as {sorted(missed)[:3]}")
        last: dict[str, int] = {}
        for event in events:
            subject = event["subject"]["id"]
            if event["sequence"] <= last.get(subject, 0):
                found.append(f"{event['id']} came late among those of {subject}")
            last[subject] = event["sequence"]
        return found


def _difference(wanted: list[Any], heard: list[Any]) -> str:
    missed, extra = set(wanted) - set(heard), len(heard) - len(set(heard))
    place = next((at for at, (one, other) in enumerate(zip(wanted, heard, strict=False)) if one != other), None)
    return f"missed {len(missed)}, {extra} twice, first difference at {place}"
