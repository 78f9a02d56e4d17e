"""Keyset cursors: the sort keys of a row, with the name of the order they belong to, as opaque text."""

import base64
import binascii
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from graphql import GraphQLError
from sqlalchemy import BigInteger, ColumnElement, DateTime, Text, Uuid, func, literal, literal_column
from sqlalchemy.types import TypeEngine

from domain.store.log import ORDER, CursorExpired
from resolvers.reading.arguments import BadInput


def cursor_of(order: str, keys: list[ColumnElement[Any]]) -> ColumnElement[str]:
    """The cursor of a row in SQL: base64 of `[order, key, …]`. PostgreSQL breaks base64 every 76 characters."""
    packed = func.convert_to(func.json_build_array(literal(order, Text), *keys).cast(Text), "UTF8")
    return func.translate(func.encode(packed, "base64"), literal_column(r"E'\n'"), "")


def pack(order: str, keys: Iterable[int]) -> str:
    """The same cursor out of keys that are at hand."""
    return base64.b64encode(orjson.dumps([order, *keys])).decode()


def expired(error: CursorExpired) -> GraphQLError:
    """What a client is told whose cursor of the log lies before what was archived."""
    told = {"code": "CURSOR_EXPIRED", "earliest": pack(ORDER, error.earliest)}
    return GraphQLError("What came after this cursor was archived; the log goes on from `earliest`.", extensions=told)


def unpack(cursor: str, order: str, types: list[TypeEngine[Any]]) -> list[Any]:
    """The keys inside a cursor, or `BadInput` when it is malformed or belongs to another order."""
    try:
        name, *keys = orjson.loads(base64.b64decode(cursor, validate=True))
        if name != order:
            keys = []  # of another list: as good as none
        return [_typed(key, type_) for key, type_ in zip(keys, types, strict=True)]
    except (ValueError, TypeError, AttributeError, OverflowError, binascii.Error) as reason:
        raise BadInput("This cursor is malformed, or belongs to another list or order.") from reason


def _typed(key: Any, type_: TypeEngine[Any]) -> Any:
    if isinstance(type_, DateTime):
        return datetime.fromisoformat(key).astimezone(UTC)
    if isinstance(type_, Uuid):
        return UUID(key)
    if isinstance(key, bool) or not isinstance(key, type_.python_type):
        raise TypeError(key)
    if isinstance(key, int):
        key.to_bytes(
            8 if isinstance(type_, BigInteger) else 4, signed=True
        )  # what PostgreSQL can hold, or OverflowError
    return key
