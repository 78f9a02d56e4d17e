"""The frame that the compiler puts around templates: objects, lists and subselects of JSON, as text."""

import re
from collections.abc import Iterable

EMPTY_LIST = "'[]'::json"


def json_object(pairs: Iterable[tuple[str, str]]) -> str:
    """Any number of keys of any length. They are GraphQL names (`[_A-Za-z0-9]`): safe inside quotes."""
    listed_pairs = ", ".join([f"'{key}' VALUE {value}" for key, value in pairs])
    return f"JSON_OBJECT({listed_pairs} RETURNING json)"


def subselect(built: str, source: str) -> str:
    """A scalar subselect; it may name every row around it."""
    return f"(SELECT {built} FROM {source})"


def exists(source: str) -> str:
    """Whether there is such a row."""
    return f"EXISTS (SELECT 1 FROM {source})"


def columns_read(alias: str, text: str) -> list[str]:
    """The columns of a row that a text names."""
    return list(dict.fromkeys(re.findall(rf'\b{alias}\.(\w+|"[^"]+")', text)))


def columns_of(alias: str, names: Iterable[str]) -> str:
    """What a subselect gives of its rows: what is read of them alone.

    PostgreSQL would put a NULL in the place of every other column, row by row: an order line has thirty.
    """
    return ", ".join(f"{alias}.{name}" for name in names)


def listed(item: str) -> str:
    """All items as a JSON list, which may be empty."""
    return f"coalesce(json_agg({item}), {EMPTY_LIST})"


def text_literal(value: str) -> str:
    """A constant that needs no parameter: type names, which are `[_A-Za-z0-9]`."""
    return f"'{value}'::text"
