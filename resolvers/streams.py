"""What a subscription follows: the word that `schema/subscription.py` puts beside each field."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import strawberry
from graphql import GraphQLObjectType
from sqlalchemy import Table

from domain.store.visibility import Rule
from resolvers.reading.mapping import DEFINITION, Entity

STREAMS = "streams"
"""The key under which a stream stands in a strawberry field's metadata."""


@dataclass(frozen=True)
class Stream:
    """The events that name one subject: the column that names it, the argument that gives its id.

    `table` and `visible` say who may see the subject: asked when a subscription starts and again at every event.
    `order` is the name that the events' cursors bear.
    """

    column: str
    argument: str
    typename: str
    table: Table
    visible: Rule
    order: str

    @cached_property
    def entity(self) -> Entity:
        """The subject's rows."""
        return Entity(self.typename, self.table, self.visible)


def follows(stream: Stream, description: str) -> Callable[[Callable[..., Any]], Any]:
    """A subscription's field: the decorated function's signature declares its arguments, its body is never run."""
    return lambda signature: strawberry.field(signature, description=description, metadata={STREAMS: stream})


def stream_of(type_: GraphQLObjectType, field_name: str) -> Stream:
    """The stream declared beside a field of the subscription root."""
    definition = type_.fields[field_name].extensions[DEFINITION]
    return definition.metadata[STREAMS]  # type: ignore[no-any-return]
