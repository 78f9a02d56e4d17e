"""The innermost scan of a connection: its rows in order, read off an index whatever narrows them.

An index that begins with a column gives the rows of one value in order, and never those of several. So where a column
must be in a list (statuses, event types, a viewer's locations), the rows are read once for each value, each time no more
than a page of them, and merged. Conditions are known by their form: every one of them is a text that a template of ours
rendered.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from resolvers.reading.mapping import Entity
from resolvers.reading.texts import columns_of, columns_read

IN_LIST = re.compile(r"= ANY \(([^()]+)\)")
OWN_LIST = re.compile(r"\w+\.(\w+) = ANY \([^()]+\)")
"""A condition that a column is in a list of the request's."""
OWN_VALUE = re.compile(r"\w+\.(\w+) = (?!ANY |').+", re.DOTALL)
"""A condition that a column equals a value of the request's; what equals a constant has its partial index."""
ELSEWHERE = re.compile(r"EXISTS \((?!.*\) OR )", re.DOTALL)
"""A condition on rows that lead to those of the list, in the list's order."""


def scan(entity: Entity, alias: str, conditions: Sequence[str]) -> str:
    """FROM and WHERE of an entity's rows."""
    where = " AND ".join(f"({condition})" for condition in conditions)
    return f"{entity.table.name} AS {alias}" + (f" WHERE {where}" if conditions else "")


@dataclass(frozen=True, slots=True)
class OrderedScan:
    """Rows of an entity under conditions, in the order of `keys` (expressions over the alias)."""

    entity: Entity
    alias: str
    conditions: Sequence[str]
    beyond: Sequence[str]
    """The keyset: conditions on the keys alone."""
    keys: Sequence[str]
    read: Sequence[str]
    """The columns that are read of them."""

    def whole(self, limit: str) -> str:
        """All of them by one scan: few rows, which a parent's index finds."""
        found = scan(self.entity, self.alias, [*self.conditions, *self.beyond])
        return f"SELECT {columns_of(self.alias, self.read)} FROM {found} {limit}"

    def by_value(self, limit: str, name: Callable[[], str]) -> str:
        """Read once for each value of the lists that something must be in, where an index serves that."""
        conditions = [self._carried(condition) for condition in (*self.conditions, *self.beyond)]
        values, lists = [], [self._carried(condition) for condition in self._lists()]
        for condition in lists:
            value = name()
            values.append(f"(SELECT DISTINCT unnest({IN_LIST.findall(condition)[0]})) AS {value} (value)")
            conditions[conditions.index(condition)] = IN_LIST.sub(f"= {value}.value", condition, count=1)
        merged_by = columns_read(self.alias, " ".join(self.keys)) if values else ()
        read = columns_of(self.alias, dict.fromkeys((*self.read, *merged_by)))
        rows = f"SELECT {read} FROM {scan(self.entity, self.alias, conditions)} {limit}"
        if not values:
            return rows
        # What is found by way of other rows may be found by several values.
        distinct = f"DISTINCT ON ({', '.join(self.keys)}) " if ELSEWHERE.match(lists[0]) else ""
        return f"SELECT {distinct}{self.alias}.* FROM {', '.join(values)}, LATERAL ({rows}) AS {self.alias} {limit}"

    def _lists(self) -> list[str]:
        """Conditions with a list whose values an index gives one by one in order: as many as have an index together."""
        elsewhere = [condition for condition in self.conditions if ELSEWHERE.match(condition)]
        if elsewhere:
            return [condition for condition in elsewhere if len(IN_LIST.findall(condition)) == 1][:1]
        lists = {found[1]: found[0] for found in self._matching(OWN_LIST)}
        equal = {found[1] for found in self._matching(OWN_VALUE)}
        for others in (equal, ()):
            for number in range(len(lists), 0, -1):
                for columns in combinations(lists, number):
                    if self._is_indexed({*others, *columns}):
                        return [lists[column] for column in columns]
        return []

    def _carried(self, condition: str) -> str:
        """A condition on rows that lead to those of the list, with what must hold for the columns that both share.

        PostgreSQL carries values over from a column to one that equals it, but no ranges: it would begin at the start.
        """
        if not ELSEWHERE.match(condition):
            return condition
        same = {own: other for other, own in re.findall(rf"(\w+\.\w+) = ({self.alias}\.\w+)", condition)}
        carried = []
        for range_ in (*self.conditions, *self.beyond):
            columns = set(re.findall(rf"\b{self.alias}\.\w+", range_))
            if columns and columns <= same.keys() and "SELECT" not in range_:
                carried.append(re.sub(rf"\b{self.alias}\.\w+", lambda found: same[found[0]], range_))
        return condition.removesuffix(")") + "".join(f" AND ({range_})" for range_ in carried) + ")"

    def _matching(self, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
        """Conditions on a column of the rows themselves; group 1 is the column."""
        for condition in self.conditions:
            if condition.startswith(f"{self.alias}.") and (found := pattern.fullmatch(condition)):
                yield found

    def _is_indexed(self, columns: set[str]) -> bool:
        """Whether an index gives the rows that are equal in `columns` in the list's order."""
        keys = [key.partition(".")[2] for key in self.keys]
        indexes = [[column.name for column in index.columns] for index in self.entity.table.indexes]
        size = len(columns)
        return any(set(names[:size]) == columns and names[size:][: len(keys)] == keys for names in indexes)
