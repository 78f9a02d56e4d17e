"""Messages to customers: announced with the event's place in the log, loaded to be sent, and what nobody wants to get."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from domain.ids import new_id
from domain.messages import OVERTAKEN_BY, Announcement, MessageMedium, MessageTopic
from domain.model import Message
from domain.store.changes import columns_of

# A push service knows the customer by the id that the graph gives them.
RECIPIENT = """
    CASE v.medium WHEN 'EMAIL' THEN orders.email WHEN 'SMS' THEN orders.phone ELSE 'cus_' || orders.customer_id END
"""

ANNOUNCE = f"""
    INSERT INTO messages (
        id, kind, medium, status, cause_type, cause_id, order_id, customer_id, channel_id, recipient, created_at
    )
    SELECT v.id, v.kind, v.medium, 'PENDING', v.cause_type, v.cause_id, orders.id, orders.customer_id,
        orders.channel_id, {RECIPIENT}, v.created_at
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::uuid[], $7::timestamptz[])
        AS v (id, kind, medium, cause_type, cause_id, order_id, created_at)
    JOIN orders ON orders.id = v.order_id
    WHERE NOT EXISTS (
        SELECT FROM unnest($8::text[], $9::text[]) AS later (kind, by)
        JOIN messages AS told ON told.cause_id = v.cause_id AND told.kind = later.by WHERE later.kind = v.kind
    )
    ORDER BY v.id
    ON CONFLICT DO NOTHING
    RETURNING id, medium, order_id
"""

OF_MESSAGE = ", ".join(f"message.{name}" for name in columns_of(Message))

LOAD = f"""
    SELECT {OF_MESSAGE}, channel.code, channel.name, channel.time_zone,
        array_remove(ARRAY[customer.locale, orders.locale, channel.locale], NULL),
        now(), EXISTS (
            SELECT FROM message_opt_outs AS opt_out
            WHERE opt_out.customer_id = message.customer_id AND opt_out.medium = message.medium
                AND opt_out.topic = ($2::jsonb ->> message.kind)
        )
    FROM messages AS message
    JOIN orders ON orders.id = message.order_id
    JOIN channels AS channel ON channel.id = message.channel_id
    LEFT JOIN customers AS customer ON customer.id = message.customer_id
    WHERE message.id = $1
"""

NOTE = "UPDATE messages SET reason = $2 WHERE id = $1 AND status = 'PENDING'"

_LATEST = "(SELECT id FROM {} WHERE order_id = orders.id ORDER BY id DESC LIMIT 1)"

CAUSES = {
    "Order": "orders.id",
    "Shipment": _LATEST.format("shipments"),
    "FulfillmentOrder": _LATEST.format("fulfillment_orders"),
    "Return": _LATEST.format("returns"),
    "Payment": """(
        SELECT id FROM payments WHERE order_id = orders.id AND kind = 'REFUND' AND status = 'SUCCEEDED'
        ORDER BY id DESC LIMIT 1
    )""",
}
"""The latest thing of an order that a message may be about."""

SAMPLE = """
    SELECT orders.id, {cause}, channel.code, channel.name, channel.time_zone,
        array_remove(ARRAY[customer.locale, orders.locale, channel.locale], NULL)
    FROM orders
    JOIN channels AS channel ON channel.id = orders.channel_id
    LEFT JOIN customers AS customer ON customer.id = orders.customer_id
    WHERE orders.number = $1
"""

CHOOSE = """
    UPDATE customers SET locale = coalesce($2, locale), event_sequence = event_sequence + 1 WHERE id = $1
    RETURNING event_sequence
"""

TAKE_BACK = """
    DELETE FROM message_opt_outs WHERE customer_id = $1
        AND (topic, medium) NOT IN (SELECT * FROM unnest($2::text[], $3::text[]))
"""

OPT_OUT = """
    INSERT INTO message_opt_outs (customer_id, topic, medium, opted_out_at)
    SELECT $1, topic, medium, $4 FROM unnest($2::text[], $3::text[]) AS v (topic, medium)
    ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Sender:
    """The channel in whose name a message is written."""

    code: str
    name: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that may have to be sent, and what decides whether and how."""

    message: Message
    sender: Sender
    locales: tuple[str, ...]
    """The customer's, the order's and the channel's, as far as they have one: the first of them is meant."""
    now: datetime
    opted_out: bool

    @property
    def age(self) -> timedelta:
        """For how long it has been due."""
        return self.now - self.message.created_at


@dataclass(frozen=True, slots=True)
class Sample:
    """What a message about an order would be about, for whoever tries a template."""

    order_id: UUID
    cause_id: UUID | None
    sender: Sender
    locales: tuple[str, ...]


async def announce(
    connection: Any, announcements: Iterable[Announcement], media: Sequence[MessageMedium]
) -> list[tuple[UUID, str, UUID]]:
    """Put messages on record, in their order; (id, medium, order) of those that are new and not overtaken."""
    rows = [
        (new_id(), each.kind.value, medium.value, each.cause_type, each.cause_id, each.order_id, each.told_at)
        for each in announcements
        for medium in media
    ]
    if not rows:
        return []
    overtaken = [(kind.value, by.value) for kind, later in OVERTAKEN_BY.items() for by in later]
    columns = [list(column) for column in (*zip(*rows, strict=True), *zip(*overtaken, strict=True))]
    made = [tuple(row) for row in await connection.fetch(ANNOUNCE, *columns)]
    return sorted(made)


async def load(connection: Any, id_: UUID, topics: dict[str, str]) -> Waiting | None:
    """A message with what decides about it. `topics`: of each kind."""
    row = await connection.fetchrow(LOAD, id_, topics)
    if row is None:
        return None
    *own, code, name, time_zone, locales, now, opted_out = row
    return Waiting(Message(*own), Sender(code, name, time_zone), tuple(locales), now, opted_out)


async def note(connection: Any, id_: UUID, reason: str) -> None:
    """Why a message is not sent yet."""
    await connection.execute(NOTE, id_, reason)


async def sample(connection: Any, number: str, cause_type: str) -> Sample | None:
    """What a message about the order of this number would be about."""
    row = await connection.fetchrow(SAMPLE.format(cause=CAUSES[cause_type]), number)
    if row is None:
        return None
    order_id, cause_id, code, name, time_zone, locales = row
    return Sample(order_id, cause_id, Sender(code, name, time_zone), tuple(locales))


async def choose(connection: Any, customer_id: UUID, locale: str | None) -> int | None:
    """Set a customer's language, if one is given; the number of the customer's next event, None if there is nobody."""
    number: int | None = await connection.fetchval(CHOOSE, customer_id, locale)
    return number


async def opt_out(
    connection: Any,
    customer_id: UUID,
    left: Iterable[tuple[MessageTopic, MessageMedium]],
    at: datetime,
    *,
    of_nothing_else: bool,
) -> None:
    """Note what a customer does not want to be told; `of_nothing_else`: they want everything else again."""
    pairs = [(topic.value, medium.value) for topic, medium in left]
    topics, media = ([pair[n] for pair in pairs] for n in (0, 1))
    if of_nothing_else:
        await connection.execute(TAKE_BACK, customer_id, topics, media)
    await connection.execute(OPT_OUT, customer_id, topics, media, at)
