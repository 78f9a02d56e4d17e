"""Variables as the schema wants them, without graphql-core's walk: one function per type, made once.

It accepts what is plainly right and gives exactly what graphql-core would; whatever looks odd raises `Odd`, and
graphql-core then says precisely what is wrong, or accepts it after all.
"""

from collections.abc import Callable
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    Undefined,
)

Coerce = Callable[[Any], Any]

INT_LIMIT = 2**31


class Odd(Exception):
    """A value that graphql-core should look at."""


def coercer(type_: GraphQLInputType) -> Coerce:
    """How values of a type are coerced."""
    if isinstance(type_, GraphQLNonNull):
        return _required(coercer(type_.of_type))
    return _nullable(_of_named(type_))


def _required(inner: Coerce) -> Coerce:
    def coerce(value: Any) -> Any:
        if value is None:
            raise Odd
        return inner(value)

    return coerce


def _nullable(inner: Coerce) -> Coerce:
    return lambda value: None if value is None else inner(value)


def _of_named(type_: Any) -> Coerce:
    if isinstance(type_, GraphQLList):
        return _list(coercer(type_.of_type))
    if isinstance(type_, GraphQLEnumType):
        return _looked_up({name: type_.parse_value(name) for name in type_.values})
    if isinstance(type_, GraphQLScalarType):
        return _scalar(type_)
    return _object(type_)


def _list(inner: Coerce) -> Coerce:
    def coerce(values: Any) -> Any:
        if type(values) is not list:
            raise Odd
        return [inner(value) for value in values]

    return coerce


def _looked_up(members: dict[str, Any]) -> Coerce:
    def coerce(name: Any) -> Any:
        if type(name) is not str or name not in members:
            raise Odd
        return members[name]

    return coerce


def _scalar(type_: GraphQLScalarType) -> Coerce:
    if type_.name in ("String", "ID"):
        return _exactly(str)
    if type_.name == "Boolean":
        return _exactly(bool)
    if type_.name == "Int":
        return _int
    return _parsed(type_.parse_value)


def _exactly(kind: type) -> Coerce:
    def coerce(value: Any) -> Any:
        if type(value) is not kind:
            raise Odd
        return value

    return coerce


def _int(value: Any) -> Any:
    if type(value) is not int or not -INT_LIMIT <= value < INT_LIMIT:
        raise Odd
    return value


def _parsed(parse: Coerce) -> Coerce:
    def coerce(value: Any) -> Any:
        try:
            return parse(value)
        except Exception as error:  # a scalar says no in its own way; graphql-core knows how to tell
            raise Odd from error

    return coerce


def _object(type_: GraphQLInputObjectType) -> Coerce:
    fields: list[tuple[str, Coerce, Any, bool]] = []

    def coerce(value: Any) -> Any:
        if type(value) is not dict:
            raise Odd
        if not fields:  # input types may hold themselves, so their fields are looked at on first use
            fields.extend(_fields(type_))
        coerced = {}
        for name, inner, default, required in fields:
            if name in value:
                coerced[name] = inner(value[name])
            elif default is not Undefined:
                coerced[name] = default
            elif required:
                raise Odd
        if len(value) > len(coerced) or not value.keys() <= type_.fields.keys() or type_.is_one_of:
            raise Odd
        return coerced

    return coerce


def _fields(type_: GraphQLInputObjectType) -> list[tuple[str, Coerce, Any, bool]]:
    return [
        (name, coercer(field.type), field.default_value, isinstance(field.type, GraphQLNonNull))
        for name, field in type_.fields.items()
    ]
