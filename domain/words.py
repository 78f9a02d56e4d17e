"""The enum all public vocabularies are made of: every member says what it means, once, for code and schema alike."""

from enum import StrEnum
from operator import attrgetter
from typing import TYPE_CHECKING, Self


class Word(StrEnum):
    """A closed vocabulary whose members are written `NAME = "NAME", "what it means"`.

    The value stays the plain name (so it travels through SQL and JSON as it is); the GraphQL schema and
    the guides take their wording from `description`.
    """

    description: str

    if not TYPE_CHECKING:
        value = property(attrgetter("_value_"))
        """As every enum has it, without the detour by which members may be called `value`: a decision asks often."""

    def __new__(cls, value: str, description: str = "") -> Self:
        """Keep the name as the value and the description beside it. The default is for `OrderStatus("DRAFT")`."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.description = description
        return member
