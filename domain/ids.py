"""Identifiers: UUIDv7 inside, `<prefix>_<uuid>` outside.

A UUIDv7 (RFC 9562 §5.7) sorts by the moment it was drawn, so indexes grow at their right edge, and the process that
inserts can draw it without asking the database.
"""

import os
import time
from datetime import UTC, datetime
from uuid import UUID

from asyncpg.pgproto.pgproto import UUID as FastUUID  # noqa: N811 - a uuid.UUID that is made, hashed and sent faster

PREFIXES: dict[str, str] = {
    "Channel": "chn",
    "Product": "prd",
    "Variant": "var",
    "Location": "loc",
    "StockLevel": "stk",
    "StockMovement": "mov",
    "Incoming": "inc",
    "Reservation": "rsv",
    "Customer": "cus",
    "CustomerAddress": "adr",
    "CustomerNote": "nte",
    "Order": "ord",
    "OrderLine": "lin",
    "OrderHold": "hld",
    "OrderAdjustment": "adj",
    "Payment": "pay",
    "Refund": "rfd",
    "RoutingDecision": "rtd",
    "RoutingRuleset": "rls",
    "CarrierRate": "crt",
    "RoutingSimulationJob": "sim",
    "FulfillmentOrder": "ful",
    "FulfillmentOrderLine": "fln",
    "Allocation": "alc",
    "Shipment": "shp",
    "Package": "pkg",
    "TrackingEvent": "trk",
    "Pickup": "pku",
    "Return": "ret",
    "ReturnLine": "rln",
    "Invoice": "inv",
    "Message": "msg",
    "Supplier": "spl",
    "PurchaseOrder": "pur",
    "PurchaseOrderLine": "pln",
    "Transfer": "trf",
    "TransferLine": "tln",
    "GoodsReceipt": "rcp",
    "StockCount": "cnt",
    "StockCountLine": "cln",
    "BackorderFill": "bof",
    "WorkItem": "wrk",
    "Exception": "exc",
    "Event": "evt",
    "WebhookEndpoint": "whe",
    "WebhookDelivery": "whd",
}
"""The prefix of every type's ids; a client may log it, never parse it."""

NUMBERED = frozenset({"Event"})
"""Types whose keys are numbers drawn by the database, not UUIDs."""

TYPES = {prefix: name for name, prefix in PREFIXES.items()}


def new_id() -> UUID:
    """A fresh UUIDv7: milliseconds, their fraction in 12 bits, 62 random bits.

    The fraction (RFC 9562 §6.2, method 3) keeps ids that one process draws in the order they were drawn: a step is 244
    nanoseconds, and drawing one takes longer.
    """
    millis, rest = divmod(time.time_ns(), 1_000_000)
    fraction = rest * 4_096 // 1_000_000
    random = int.from_bytes(os.urandom(8), "big") & 0x3FFFFFFFFFFFFFFF
    bits = (millis << 80) | (0x7 << 76) | (fraction << 64) | (0b10 << 62) | random
    made: UUID = FastUUID(bits.to_bytes(16, "big"))
    return made


def drawn_at(key: UUID) -> datetime:
    """When an id was drawn, to the millisecond."""
    return datetime.fromtimestamp((key.int >> 80) / 1000, UTC)


def encode(typename: str, key: UUID | int) -> str:
    """The id that clients see."""
    return f"{PREFIXES[typename]}_{key}"


def split(id_: str) -> tuple[str, str] | tuple[None, None]:
    """(type, key) of any id of ours, the key as text; (None, None) when it is none."""
    typename = TYPES.get(id_.partition("_")[0])
    if typename is None:
        return None, None
    key = decode_number(typename, id_) if typename in NUMBERED else decode(typename, id_)
    return (None, None) if key is None else (typename, str(key))


def key_of(id_: str) -> UUID | None:
    """The UUID inside any id of ours that holds one."""
    typename, key = split(id_)
    return None if typename is None or typename in NUMBERED else UUID(key)


def decode(typename: str, id_: str) -> UUID | None:
    """The key inside an id of `typename`; None when the id is malformed or another type's."""
    prefix, _, text = id_.partition("_")
    if prefix != PREFIXES[typename] or len(text) != 36:
        return None
    try:
        return UUID(text)
    except ValueError:
        return None


def decode_number(typename: str, id_: str) -> int | None:
    """The key inside an id of a type that is numbered (events)."""
    prefix, _, text = id_.partition("_")
    if prefix != PREFIXES[typename] or not (text.isascii() and text.isdigit()) or len(text) > 18:
        return None
    return int(text)
