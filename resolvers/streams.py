"""What a subscription follows: the word that `schema/subscription.py` puts beside each field."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import strawberry
from graphql import GraphQLObjectType

from domain.events import EventType
from domain.store.log import EVERYTHING, News, Topic
from domain.viewer import Scope
from resolvers.reading.arguments import Argument, Arguments
from resolvers.reading.mapping import DEFINITION, Condition, Entity

STREAMS = "streams"
"""The key under which a stream stands in a strawberry field's metadata."""

NARROWEST_FIRST = ("order_id", "customer_id", "variant_id", "location_id", "channel_id")
"""The log's columns by how few events bear one id."""


@dataclass(frozen=True, slots=True, eq=False)
class Named:
    """Rows that an argument names by their ids, and the column of the log in which the events of those rows are found.

    All of them must be there for the viewer when a subscription starts, and the event's own at every event. `key` is
    the row's own column that the log's column holds.
    """

    entity: Entity
    matches: Condition
    column: str
    key: str = "id"


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """Which events a subscription tells, given its arguments (a plain one or a field of `filter`, by its name).

    `named` says which rows an argument names, `conditions` what else must hold for the event. Of `types`, an argument
    of that name leaves some. `needs` is the scope without which nobody may ask; `order` the name that cursors bear.
    """

    order: str
    named: Mapping[str, Named] = field(default_factory=dict)
    conditions: Mapping[str, Condition] = field(default_factory=dict)
    types: frozenset[EventType] | None = None
    needs: Scope | None = None
    at_least_one: bool = False
    """Whether one of the arguments that name rows must be given."""

    def names(self, arguments: Arguments) -> Iterator[tuple[str, Named, Argument]]:
        """The arguments that name rows, as far as they are given."""
        yield from ((name, self.named[name], given) for name, given in given_in(arguments) if name in self.named)

    def narrows(self, arguments: Arguments) -> Iterator[tuple[Condition, Argument]]:
        """The other conditions that were asked for."""
        yield from ((self.conditions[name], given) for name, given in given_in(arguments) if name in self.conditions)


def given_in(arguments: Arguments) -> Iterator[tuple[str, Argument]]:
    """Arguments that are given and not null, and in the place of a filter its fields."""
    for name in arguments.readers:
        if name != "filter" and arguments.get(name) is not None:
            yield name, arguments[name]
    if arguments.get("filter") is not None:
        yield from arguments["filter"].parts()


@dataclass(frozen=True, slots=True)
class Watch:
    """What one subscription follows in the log, all of which can be told from news alone."""

    ids: tuple[tuple[str, frozenset[UUID]], ...] = ()
    """By column, the narrowest first: the ids of which an event must bear one."""
    types: frozenset[str] | None = None

    def wants(self, news: News) -> bool:
        """Whether the event may concern it: if not, there is nothing to ask the database."""
        if self.types is not None and news.type not in self.types:
            return False
        return all(getattr(news, column) in ids for column, ids in self.ids)

    @property
    def is_vain(self) -> bool:
        """Whether no event can ever be what it wants."""
        return self.types == frozenset() or any(not ids for _, ids in self.ids)

    @property
    def column(self) -> str | None:
        """The column that it follows in the log; None for the whole log."""
        return self.ids[0][0] if self.ids else None

    @property
    def followed(self) -> frozenset[UUID]:
        """The ids in that column."""
        return self.ids[0][1] if self.ids else frozenset()

    @property
    def topics(self) -> list[Topic]:
        """What the feed has to tell it of."""
        return [(self.column, id_) for id_ in self.followed] if self.column else [EVERYTHING]


def watch(ids: Mapping[str, frozenset[UUID]], types: frozenset[str] | None) -> Watch:
    """What is followed by the column that has the fewest ids, and of several such by the narrowest."""
    by_number = sorted(ids.items(), key=lambda each: (len(each[1]), NARROWEST_FIRST.index(each[0])))
    return Watch(tuple(by_number), types)


def follows(stream: Stream, description: str, *, name: str | None = None) -> Callable[[Callable[..., Any]], Any]:
    """A subscription's field: the decorated function's signature declares its arguments, its body is never run."""
    return lambda signature: strawberry.field(signature, name=name, description=description, metadata={STREAMS: stream})


def stream_of(type_: GraphQLObjectType, field_name: str) -> Stream:
    """The stream declared beside a field of the subscription root."""
    definition = type_.fields[field_name].extensions[DEFINITION]
    return definition.metadata[STREAMS]  # type: ignore[no-any-return]
