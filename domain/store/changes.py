"""Storing a decision: the difference between two orders becomes one data-modifying statement.

Every table's new rows and every kind of update is one CTE of it, so a mutation writes with one round trip however
many rows it touches. An update names the version and the state it comes from; whatever it does not meet is an error,
because the rows were locked before the decision was taken.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from operator import attrgetter
from typing import Any

import orjson
from sqlalchemy import Column
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from domain.acts import Act
from domain.events import Event
from domain.model import PARTS, Package, PackageLine, ReservationLine, StockMovement
from domain.store.sql import DIALECT
from domain.store.tables import metadata

OPENED = (Package, PackageLine, ReservationLine)
"""The only rows that ever go: a parcel is packed again when units in it are called off, and a cart changes.

All others are facts.
"""

WAS = ("status", "version")
"""Columns whose old value an update names."""


class LostUpdate(Exception):
    """A locked row was not as it was read: a bug, and nothing is written."""


@cache
def columns_of(class_: Any) -> tuple[str, ...]:
    """The columns of a row class."""
    return tuple(each.name for each in fields(class_) if each.name not in PARTS.get(class_, ()))


@cache
def _values_of(class_: Any) -> Any:
    return attrgetter(*columns_of(class_))


def _class(row: Any) -> Any:
    return type(row)


@dataclass(slots=True)
class Changes:
    """Rows to insert by table, and rows to update by table and by which columns change."""

    inserts: dict[tuple[str, tuple[str, ...]], list[tuple[Any, ...]]] = field(default_factory=lambda: defaultdict(list))
    updates: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[tuple[Any, ...]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    taken: list[tuple[Any, ...]] = field(default_factory=list)
    """(level, units) of levels that nobody has locked yet."""
    taking: dict[tuple[str, tuple[str, ...]], list[tuple[Any, ...]]] = field(default_factory=dict)
    """The rows that tell of it, by table: what follows from the level as it is then is filled in by the statement."""

    def insert(self, table: str, **values: Any) -> None:
        """One new row by its columns."""
        self.inserts[table, tuple(values)].append(tuple(values.values()))

    def add(self, row: Any) -> None:
        """One new row, and the rows that hang on it."""
        self._put(row, {})

    def update(self, table: str, was: dict[str, Any], becomes: dict[str, Any]) -> None:
        """One row found by all of `was` (its key, and what it must still be)."""
        self.updates[table, tuple(was), tuple(becomes)].append((*was.values(), *becomes.values()))

    def delete(self, table: str, **was: Any) -> None:
        """One row found by all of `was`: an update that leaves nothing."""
        self.updates[table, tuple(was), ()].append(tuple(was.values()))

    def turn(self, before: Any, after: Any) -> None:
        """Whatever differs between two versions of a row and of the rows that hang on it.

        A row that hangs somewhere else than before (a parcel that went with the rest of the work) has moved: it is
        looked for in all of `before`. A parcel, or a part of one, that is nowhere any more was opened again.
        """
        known = dict(_tree(before)) if before is not None else {}
        self._put(after, known)
        if any(class_ in OPENED for class_, _ in known):
            kept = {place for place, _ in _tree(after)}
            for class_, id_ in known.keys() - kept:
                if class_ in OPENED:
                    self.delete(class_.table, id=id_)

    def _put(self, after: Any, known: dict[tuple[type, Any], Any]) -> bool:
        """Insert or update one row and what hangs on it; whether anything differs."""
        class_: Any = type(after)
        before = known.get((class_, after.id))
        if before is after:
            return False
        if before is None:
            self.inserts[class_.table, columns_of(class_)].append(_values_of(class_)(after))
        inner_differs = False
        for part in PARTS.get(class_, ()):
            for row in getattr(after, part):
                inner_differs |= self._put(row, known)
        return before is None or self._differs(before, after, inner_differs=inner_differs)

    def _differs(self, before: Any, after: Any, *, inner_differs: bool) -> bool:
        changed = self._changed(before, after)
        if "version" in columns_of(_class(after)) and (changed or inner_differs) and "version" not in changed:
            changed["version"] = before.version + 1
        if changed:
            was = {"id": before.id} | {name: getattr(before, name) for name in WAS if name in changed}
            self.update(type(after).table, was, changed)
        return bool(changed) or inner_differs

    def _changed(self, before: Any, after: Any) -> dict[str, Any]:
        old, new = before.__dict__, after.__dict__
        return {
            name: new[name]
            for name in columns_of(_class(after))
            if new[name] is not old[name] and new[name] != old[name]
        }

    def take(self, act: Act, entries: Sequence[StockMovement], told: Iterable[Event]) -> None:
        """Allocate units of levels that nobody has locked, of each level once, and tell of it."""
        movements, values_of = columns_of(StockMovement), _values_of(StockMovement)
        self.taken = [(entry.stock_level_id, entry.quantity) for entry in entries]
        self.taking = {
            ("stock_movements", movements): [values_of(entry) for entry in entries],
            ("events", EVENT_COLUMNS): [(*_of_event(event), *_of_act(act)) for event in told],
        }

    def log(self, act: Act, events: Iterable[Event]) -> None:
        """The events of an act, in their order."""
        told = _of_act(act)
        rows = [(*_of_event(event), *told) for event in events]
        if rows:
            self.inserts["events", EVENT_COLUMNS].extend(rows)


OF_EVENT = (
    "type",
    "subject_type",
    "subject_id",
    "sequence",
    "customer_id",
    "order_id",
    "location_id",
    "channel_id",
    "variant_id",
    "message",
    "data",
)
OF_ACT = {
    "actor_kind": "actor_kind",
    "actor_id": "actor_id",
    "actor_name": "actor_name",
    "occurred_at": "at",
    "recorded_at": "recorded_at",
}
"""Columns of the log, and which attribute of an act each holds."""
EVENT_COLUMNS = (*OF_EVENT, *OF_ACT)

_of_event = attrgetter(*OF_EVENT)
_of_act = attrgetter(*OF_ACT.values())


def _tree(row: Any) -> Iterator[tuple[tuple[type, Any], Any]]:
    """A row and all rows that hang on it, by class and id."""
    yield (type(row), row.id), row
    for part in PARTS.get(type(row), ()):
        for inner in getattr(row, part):
            yield from _tree(inner)


async def write(connection: Any, changes: Changes) -> None:
    """Everything in one statement."""
    inserts, taking = _shape(changes.inserts), _shape(changes.taking) if changes.taken else ()
    updates = tuple(
        (table, was, becomes, _few(table, (*was, *becomes), rows))
        for (table, was, becomes), rows in changes.updates.items()
    )
    if not inserts and not updates:
        return
    parameters: list[Any] = []
    for (table, columns), rows in changes.inserts.items():
        _fill(parameters, table, columns, rows)
    for (table, was, becomes), rows in changes.updates.items():
        _fill(parameters, table, (*was, *becomes), rows)
    if taking:
        parameters.extend(zip(*changes.taken, strict=True))
        for (table, columns), rows in changes.taking.items():
            _fill(parameters, table, columns, rows)
    met = await connection.fetchval(_statement(inserts, updates, taking), *parameters)
    expected = [len(rows) for rows in changes.updates.values()]
    if list(met) != expected:
        raise LostUpdate(f"{expected} rows were to change, {list(met)} did: {list(changes.updates)}")


def _shape(rows: Mapping[tuple[str, tuple[str, ...]], list[tuple[Any, ...]]]) -> tuple[Any, ...]:
    return tuple((table, columns, _few(table, columns, some)) for (table, columns), some in rows.items())


FEW = 12
"""Up to so many rows travel as values, each a parameter: asyncpg encodes an array's elements four times slower."""


def _few(table: str, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> int:
    """How many rows, where they are few, or hold lists, which no array of arrays can; 0 for many."""
    return len(rows) if len(rows) <= FEW or _hold_lists(table, columns) else 0


def _fill(parameters: list[Any], table: str, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    """Few rows as their values; many as one array for each column, in which JSON travels as text."""
    if _few(table, columns, rows):
        for row in rows:
            parameters.extend(row)
        return
    for is_json, values in zip(_are_json(table, columns), zip(*rows, strict=True), strict=True):
        parameters.append([orjson.dumps(value, default=str).decode() for value in values] if is_json else values)


@cache
def _hold_lists(table: str, columns: tuple[str, ...]) -> bool:
    return any(isinstance(_column(table, name).type, ARRAY) for name in columns)


@cache
def _are_json(table: str, columns: tuple[str, ...]) -> tuple[bool, ...]:
    return tuple(isinstance(_column(table, name).type, JSONB) for name in columns)


@cache
def _statement(inserts: tuple[Any, ...], updates: tuple[Any, ...], taking: tuple[Any, ...] = ()) -> str:
    numbers = iter(range(1, 10_000))
    parts = [_insert(table, columns, few, numbers) for table, columns, few in inserts]
    parts += [_update(table, was, becomes, few, numbers) for table, was, becomes, few in updates]
    named = [f"w{position} as ({part} returning 1)" for position, part in enumerate(parts)]
    met = [f"(select count(*) from w{position})" for position in range(len(named))]
    if taking:
        named.append(TAKE.format(next(numbers), next(numbers), " + ".join(met)))
        named += [f"t{table} as ({_tell(table, columns, few, numbers)})" for table, columns, few in taking]
    return f"with {', '.join(named)} select array[{', '.join(met[len(inserts) :])}]::bigint[]"


TAKE = """
    wanted as materialized (
        select * from unnest(${}::uuid[], ${}::integer[]) as wanted (id, units) where ({}) > 0
    ),
    locked as materialized (
        select level.id from stock_levels level where level.id in (select id from wanted)
        order by level.variant_id, level.location_id for no key update
    ),
    taken as (
        update stock_levels level
        set available = available - units, allocated = allocated + units, version = version + 1
        from wanted join locked using (id) where level.id = wanted.id
        returning level.id, available, allocated, on_hand, version, clock_timestamp() as at
    )
"""
"""Takes units of levels that nobody has locked, after all that goes before has been written: whoever waits for a level waits
only for what comes from here on. Where there are fewer units, a constraint refuses all of it.
"""

THEN = {
    "stock_movements": {"from_balance_after": "available", "to_balance_after": "allocated", "recorded_at": "at"},
    "events": {
        "sequence": "version",
        "data": "v.data::jsonb || jsonb_build_object('available', available, 'onHand', on_hand)",
        "recorded_at": "at",
    },
}
"""What is told of a level as it is once its units are taken."""

WHOSE = {"stock_movements": "stock_level_id", "events": "subject_id"}


def _tell(table: str, columns: tuple[str, ...], few: int, numbers: Iterator[int]) -> str:
    """New rows that tell of taken units."""
    given = ", ".join(THEN[table].get(name) or f"v.{name}{_cast(table, name)}" for name in columns)
    source = _rows(table, columns, few, numbers) if few else _unnest(table, columns, numbers)
    return f"insert into {table} ({', '.join(columns)}) select {given} from {source} join taken on taken.id = v.{WHOSE[table]}"


def _insert(table: str, columns: tuple[str, ...], few: int, numbers: Iterator[int]) -> str:
    names = ", ".join(columns)
    if few:
        return f"insert into {table} ({names}) values {_values(table, columns, few, numbers)}"
    given = ", ".join(f"v.{name}{_cast(table, name)}" for name in columns)
    return f"insert into {table} ({names}) select {given} from {_unnest(table, columns, numbers)}"


def _update(table: str, was: tuple[str, ...], becomes: tuple[str, ...], few: int, numbers: Iterator[int]) -> str:
    old, new = [f"was_{name}" for name in was], [f"new_{name}" for name in becomes]
    names = ", ".join(old + new)
    found = " and ".join(f"t.{name} = v.was_{name}" for name in was)
    if few:
        source = f"(values {_values(table, (*was, *becomes), few, numbers)}) as v ({names})"
        sets = ", ".join(f"{name} = v.new_{name}" for name in becomes)
    else:
        arrays = ", ".join(f"${next(numbers)}::{_array(table, name)}" for name in (*was, *becomes))
        source = f"unnest({arrays}) as v ({names})"
        sets = ", ".join(f"{name} = v.new_{name}{_cast(table, name)}" for name in becomes)
    done = f"update {table} as t set {sets} from" if becomes else f"delete from {table} as t using"
    return f"{done} {source} where {found}"


def _values(table: str, columns: tuple[str, ...], rows: int, numbers: Iterator[int]) -> str:
    one = [_type(table, name) for name in columns]
    return ", ".join(f"({', '.join(f'${next(numbers)}::{type_}' for type_ in one)})" for _ in range(rows))


def _rows(table: str, columns: tuple[str, ...], few: int, numbers: Iterator[int]) -> str:
    return f"(values {_values(table, columns, few, numbers)}) as v ({', '.join(columns)})"


def _unnest(table: str, columns: tuple[str, ...], numbers: Iterator[int]) -> str:
    arrays = ", ".join(f"${next(numbers)}::{_array(table, name)}" for name in columns)
    return f"unnest({arrays}) as v ({', '.join(columns)})"


def _column(table: str, name: str) -> Column[Any]:
    return metadata.tables[table].c[name]


def _type(table: str, name: str) -> str:
    return str(_column(table, name).type.compile(dialect=DIALECT))


def _array(table: str, name: str) -> str:
    kind = _column(table, name).type
    assert not isinstance(kind, ARRAY), f"{table}.{name}: unnest would flatten it"
    return "text[]" if isinstance(kind, JSONB) else f"{_type(table, name)}[]"


def _cast(table: str, name: str) -> str:
    return "::jsonb" if isinstance(_column(table, name).type, JSONB) else ""
