"""The schema, put together."""

from functools import cache
from typing import Any

import strawberry
from graphql import GraphQLInputObjectType, GraphQLObjectType, GraphQLSchema, Undefined
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
    without_null_defaults(core_of(schema))
    attach(core_of(schema))
    return schema


def core_of(schema: strawberry.Schema) -> GraphQLSchema:
    """The graphql-core schema inside, which is what runs."""
    return schema._schema  # noqa: SLF001 (strawberry has no public way to it)


def without_null_defaults(schema: GraphQLSchema) -> None:
    """Whatever may be left out simply may be: `= null` on each of them says nothing."""
    for type_ in schema.type_map.values():
        given: list[Any] = []
        if isinstance(type_, GraphQLInputObjectType):
            given = list(type_.fields.values())
        elif isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__"):
            given = [argument for field in type_.fields.values() for argument in field.args.values()]
        for each in given:
            if each.default_value is None:
                each.default_value = Undefined
