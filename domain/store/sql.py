"""Core statements as text for asyncpg: compiled once, constants inside, parameters by name."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, ClauseElement
from sqlalchemy.dialects.postgresql.asyncpg import PGCompiler_asyncpg, PGDialect_asyncpg


class InlineConstants(PGCompiler_asyncpg):
    """Writes what a statement holds fixed into the text: only a request's own values are parameters.

    A money field alone compares against some twenty currencies; as parameters they would travel with every request.
    """

    def visit_bindparam(self, bindparam: BindParameter[Any], *args: Any, **options: Any) -> str:
        """A constant as a literal, anything else as `$n`."""
        if not bindparam.required:
            options["literal_binds"] = True
        return str(super().visit_bindparam(bindparam, *args, **options))  # type: ignore[no-untyped-call]


DIALECT = PGDialect_asyncpg()  # type: ignore[no-untyped-call]
DIALECT.statement_compiler = InlineConstants


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement's text and the names of its parameters, in order."""

    sql: str
    names: tuple[str, ...]

    def values(self, **given: Any) -> list[Any]:
        """The parameters in order."""
        return [given[name] for name in self.names]


def compiled(statement: ClauseElement) -> Statement:
    """A Core statement, ready for asyncpg."""
    done = statement.compile(dialect=DIALECT)
    return Statement(str(done), tuple(done.positiontup or ()))  # type: ignore[attr-defined]
