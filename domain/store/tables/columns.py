"""What tables are made of: the metadata that all of them stand in, and the columns and checks that many of them have."""

from collections.abc import Iterable

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, ForeignKey, Integer, MetaData, Text, Uuid
from sqlalchemy import text as sql

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def id() -> Column[object]:
    """Whatever has a row of its own is named by a UUIDv7."""
    return Column("id", Uuid, primary_key=True)


def of(name: str, target: str, *, nullable: bool = False, **options: object) -> Column[object]:
    """The id of a row of another table."""
    return Column(name, Uuid, ForeignKey(f"{target}.id"), nullable=nullable, **options)  # type: ignore[arg-type]


def copy(name: str) -> Column[object]:
    """An id that a referenced row already holds, copied for the reader's sake: no second foreign key to check."""
    return Column(name, Uuid, nullable=False)


def text(name: str, *, nullable: bool = False) -> Column[object]:
    """Words, of any length: how long they may be is the schema's to say."""
    return Column(name, Text, nullable=nullable)


def minor(name: str, *, nullable: bool = False) -> Column[object]:
    """An amount of money in integer minor units; its currency is a column beside it."""
    return Column(name, BigInteger, nullable=nullable)


def at(name: str, *, nullable: bool = True) -> Column[object]:
    """When something happened or is due; null as long as it has not, or is not."""
    return Column(name, DateTime(timezone=True), nullable=nullable)


def count(name: str) -> Column[object]:
    """A number of units, from none upwards."""
    return Column(name, Integer, nullable=False, server_default=sql("0"))


def address() -> list[Column[object]]:
    """Where something is sent, as far as it is known."""
    return [text(part, nullable=True) for part in ("line1", "line2", "city", "region", "postal_code", "country")]


def one_of(column: str, words: Iterable[str]) -> CheckConstraint:
    """The column holds one of these words: those of the rules' own enumeration."""
    return CheckConstraint(among(column, words), name=column)


def among(column: str, words: Iterable[str]) -> str:
    """The same as SQL, for conditions of indexes and of other checks."""
    listed = ", ".join(f"'{word}'" for word in words)
    return f"{column} in ({listed})"


def never_negative(*columns: str) -> list[CheckConstraint]:
    """Whatever goes wrong above, the database refuses to count below nothing."""
    return [CheckConstraint(f"{column} >= 0", name=f"{column}_never_negative") for column in columns]
