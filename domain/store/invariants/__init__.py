"""What must hold over the whole database, one file per noun. Each is a question whose answer should be empty."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Invariant:
    """A sentence that must be true, and the query that finds what contradicts it.

    The query gives one row for each offender: the type of the thing, its key, and as text what was expected and what
    was found.
    """

    name: str
    sentence: str
    offenders: str
