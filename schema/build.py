"""The schema, put together."""

from functools import cache

import strawberry
from strawberry.schema.config import StrawberryConfig

from resolvers.reading.ordinary import attach
from schema.common import SCALARS
from schema.errors import MEMBERS
from schema.mutation import Mutation
from schema.query import Query
from schema.subscription import Subscription


@cache
def build() -> strawberry.Schema:
    """The whole schema, with the ordinary executor's resolvers attached."""
    config = StrawberryConfig(scalar_map=SCALARS)
    schema = strawberry.Schema(Query, Mutation, Subscription, types=MEMBERS, config=config)
    attach(schema._schema)
    return schema
