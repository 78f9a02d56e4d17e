"""Mutations in the engine: the input as objects, the verb, and the payload, read by the compiler in one statement."""

from collections.abc import Callable, Iterable
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Annotated, Any

import strawberry
from graphql import (
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    Undefined,
    get_named_type,
    is_leaf_type,
)
from sqlalchemy import JSON, BindParameter
from sqlalchemy.types import TypeEngine

from domain.refusals import Refused
from resolvers.documents import Document
from resolvers.reading.arguments import Arguments, reader
from resolvers.reading.compiler import ROOT, Compiler, Selected
from resolvers.reading.mapping import DEFINITION, reads_of
from resolvers.reading.texts import json_object
from resolvers.writing import Outcome, Verb

VERB = "verb"
SUBJECTS = "@subjects"
VALUES = "@values"
"""Names under which a payload's plan finds the outcome among the variables; no GraphQL name has an @."""


def mutation(verb: Verb, input_type: type, payload_type: type, description: str) -> Any:
    """One line of `schema/mutation.py`: a verb with what it takes and what it answers."""

    def field(input: Any) -> Any:
        """The engine performs the verb; this signature only declares it."""
        raise NotImplementedError(verb.name)

    told = strawberry.argument(description=input_type.__strawberry_definition__.description)  # type: ignore[attr-defined]
    field.__annotations__ = {"input": Annotated[input_type, told], "return": payload_type | None}
    return strawberry.field(field, name=verb.name, description=description, metadata={VERB: verb})


def verb_of(root: GraphQLObjectType, name: str) -> Verb:
    """The verb behind a root field."""
    return root.fields[name].extensions[DEFINITION].metadata[VERB]  # type: ignore[no-any-return]


def made(arguments: Arguments, subject: str, type_: TypeEngine[Any]) -> BindParameter[Any]:
    """What a verb made or touched, as a parameter of its payload."""
    found: BindParameter[Any] = arguments.binder.bind(lambda variables: variables[SUBJECTS].get(subject), type_)
    return found


# -- the input -----------------------------------------------------------------------------------------------------


def input_of(document: Document, selected: Selected, variables: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """A root field's input as the schema's object, and as it was coerced."""
    type_ = document.root.fields[selected.name].args["input"].type
    read = document.readers.get(selected.key)
    if read is None:
        read = reader((selected.nodes[0].arguments or ())[0].value, type_, Undefined)
        document.readers[selected.key] = read
    given = read(variables)
    return objects(given, type_), given


def objects(value: Any, type_: GraphQLInputType) -> Any:
    """A coerced value with every input object as an instance of its class."""
    return maker(type_)(value)


@cache
def maker(type_: GraphQLInputType) -> Callable[[Any], Any]:
    """How values of a type become instances; leaves stay as they are."""
    if isinstance(type_, GraphQLNonNull):
        return maker(type_.of_type)
    if isinstance(type_, GraphQLList):
        inner = maker(type_.of_type)
        return lambda values: None if values is None else [inner(value) for value in values]
    if not isinstance(type_, GraphQLInputObjectType):
        return lambda value: value
    class_ = type_.extensions[DEFINITION].origin
    parts = [
        (name, field.extensions[DEFINITION].python_name, maker(field.type)) for name, field in type_.fields.items()
    ]

    def make(value: Any) -> Any:
        if value is None:
            return None
        return class_(**{python_name: inner(value[name]) for name, python_name, inner in parts if name in value})

    return make


# -- the payload ---------------------------------------------------------------------------------------------------


def payload(compiler: Compiler, type_: GraphQLObjectType, selected: Selected) -> str:
    """The JSON of a payload: what is mapped is read, the rest is passed in, so that the keys keep their order."""
    wanted = compiler.collect(type_, selected.selections())
    return json_object([(one.key, _part(compiler, type_, one)) for one in wanted])


def _part(compiler: Compiler, type_: GraphQLObjectType, selected: Selected) -> str:
    if selected.name == "__typename" or reads_of(type_, selected.name) is not None:
        return compiler.field(type_, selected, ROOT)
    key = selected.key
    return compiler.parameter(lambda variables: variables[VALUES].get(key), JSON())


def reads_rows(compiler: Compiler, type_: GraphQLObjectType, selected: Selected) -> bool:
    """Whether anything of a payload is to be read: a client that only asks for `userErrors` costs no statement."""
    wanted = compiler.collect(type_, selected.selections())
    return any(one.name != "__typename" and reads_of(type_, one.name) is not None for one in wanted)


def values_of(compiler: Compiler, type_: GraphQLObjectType, selected: Selected, outcome: Outcome) -> dict[str, Any]:
    """The parts of a payload that Python knows, by response key."""
    found = {**outcome.values, "user_errors": outcome.errors}
    return {
        one.key: shown(
            compiler, found.get(_python_name(type_, one.name)), get_named_type(type_.fields[one.name].type), one
        )
        for one in compiler.collect(type_, selected.selections())
        if one.name != "__typename" and reads_of(type_, one.name) is None
    }


def without_rows(compiler: Compiler, type_: GraphQLObjectType, selected: Selected, outcome: Outcome) -> dict[str, Any]:
    """A payload for which nothing has to be read: everything that is mapped is null."""
    values = values_of(compiler, type_, selected, outcome)
    wanted = compiler.collect(type_, selected.selections())
    return {one.key: type_.name if one.name == "__typename" else values.get(one.key) for one in wanted}


def shown(compiler: Compiler, value: Any, type_: Any, selected: Selected) -> Any:
    """A Python value as the selection asks for it."""
    if value is None:
        return None
    if isinstance(value, (list, tuple)):
        return [shown(compiler, each, type_, selected) for each in value]
    if is_leaf_type(type_):
        return _leaf(value)
    concrete: Any = compiler.schema.type_map[type(value).__name__] if isinstance(value, Refused) else type_
    wanted: Iterable[Selected] = compiler.collect(concrete, selected.selections())
    return {one.key: _shown_field(compiler, value, concrete, one) for one in wanted}


def _shown_field(compiler: Compiler, value: Any, type_: GraphQLObjectType, selected: Selected) -> Any:
    if selected.name == "__typename":
        return type_.name
    part = getattr(value, _python_name(type_, selected.name))
    if selected.name == "field" and not part:
        return None
    return shown(compiler, part, get_named_type(type_.fields[selected.name].type), selected)


def _leaf(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    return value.isoformat() if isinstance(value, datetime) else value


def _python_name(type_: GraphQLObjectType, name: str) -> str:
    return type_.fields[name].extensions[DEFINITION].python_name  # type: ignore[no-any-return]
