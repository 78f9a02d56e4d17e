"""Arguments of a field as a mapping sees them: what is known when compiling, and what is bound per request.

Only the *shape* of variables (null or not, which keys, which enum value, true or false) may change the SQL; every
other value is bound. `shape` says what a plan's key must hold.
"""

from collections.abc import Callable, Iterator
from enum import Enum
from functools import partial, reduce
from typing import Any
from uuid import UUID

from asyncpg.pgproto import pgproto
from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    ListValueNode,
    ObjectValueNode,
    Undefined,
    ValueNode,
    VariableNode,
    get_nullable_type,
    value_from_ast,
)
from sqlalchemy import ARRAY, BindParameter, Text, Uuid, bindparam
from sqlalchemy.types import TypeEngine

from domain import ids

Variables = dict[str, Any]
Read = Callable[[Variables], Any]
Via = Callable[[Any], Any]
Path = tuple[str, ...]

PAGE_LIMIT = 100


class BadInput(GraphQLError):
    """An argument that is well typed and yet makes no sense; the caller can mend it."""

    def __init__(self, message: str, **options: Any) -> None:
        super().__init__(message, extensions={"code": "BAD_USER_INPUT"}, **options)


def shape(value: Any) -> Any:
    """What of a variable's value may change the statement."""
    if value is None or value is Undefined or isinstance(value, (bool, Enum)):
        return value
    if isinstance(value, dict):
        return tuple((key, shape(inner)) for key, inner in sorted(value.items()))
    return 1


class Binder:
    """Collects the parameters of one statement: each a name, and how to read its value from a request."""

    def __init__(self) -> None:
        self.readers: dict[str, Read] = {}

    def add(self, read: Read, type_: TypeEngine[Any], via: Via | None = None) -> str:
        """The name of a parameter whose value `read` finds in the variables, put through `via`."""
        name = f"p{len(self.readers)}"
        found = read if via is None else lambda variables: via(read(variables))
        self.readers[name] = _storable(found) if _holds_text(type_) else found
        return name

    def bind(
        self, read: Read, type_: TypeEngine[Any], via: Via | None = None, _path: Path | None = None
    ) -> BindParameter[Any]:
        """A parameter in an expression. Where the value lies matters to a template alone."""
        return bindparam(self.add(read, type_, via), type_=type_)


def _holds_text(type_: TypeEngine[Any]) -> bool:
    return isinstance(type_.item_type if isinstance(type_, ARRAY) else type_, Text)


def _storable(read: Read) -> Read:
    """PostgreSQL's text holds any character but one."""

    def text(variables: Variables) -> Any:
        value = read(variables)
        if any("\0" in each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)):
            raise BadInput("Text cannot hold the character U+0000.")
        return value

    return text


class Argument:
    """One argument's (or input field's) value: `value` as it is now, `bind` as it will be in each request.

    `path` leads to it from where a template's arguments begin.
    """

    def __init__(self, binder: Any, read: Read, now: Variables, path: Path = ()) -> None:
        self.binder = binder
        self.read = read
        self.now = now
        self.path = path

    @property
    def value(self) -> Any:
        """The value in the request that is being compiled: look at its shape only."""
        return self.read(self.now)

    @property
    def shape(self) -> Any:
        """What of the value may change the statement."""
        return shape(self.value)

    def bind(self, type_: TypeEngine[Any], via: Via | None = None) -> BindParameter[Any]:
        """The value as a parameter, put through `via` first."""
        found: BindParameter[Any] = self.binder.bind(self.read, type_, via, self.path)
        return found

    def key(self, typename: str) -> BindParameter[UUID]:
        """The key inside an id of `typename`; an id of anything else matches no row."""
        return self.bind(Uuid(), partial(_key, f"{ids.PREFIXES[typename]}_"))

    def parts(self) -> Iterator[tuple[str, "Argument"]]:
        """The fields of an input object that were given and are not null."""
        for name, inner in (self.value or {}).items():
            if inner is not None:
                yield name, Argument(self.binder, part(self.read, name), self.now, (*self.path, name))


def _key(prefix: str, id_: str | None) -> UUID | None:
    """As `ids.decode`, with asyncpg's own UUID: it is made for every request, and takes a tenth of the time."""
    if id_ is None or not id_.startswith(prefix) or len(id_) != len(prefix) + 36:
        return None
    try:
        return pgproto.UUID(id_[len(prefix) :])
    except ValueError:
        return None


def part(read: Read, name: str) -> Read:
    """How to read one field of an input object."""
    return lambda variables: read(variables)[name]


class Arguments:
    """The arguments of one field; those left out and null read as None."""

    def __init__(self, binder: Any, node: FieldNode | None, field: GraphQLField | None, now: Variables) -> None:
        self.binder = binder
        self.now = now
        self.given = given = (
            {argument.name.value: argument.value for argument in (node.arguments or ())} if node else {}
        )
        self.readers = {
            name: reader(given.get(name), argument.type, argument.default_value)
            for name, argument in (field.args if field else {}).items()
        }

    def __getitem__(self, name: str) -> Argument:
        return Argument(self.binder, self.readers[name], self.now, (name,))

    def get(self, name: str) -> Any:
        """The value of an argument now, or None where the field has no such argument."""
        return self.readers[name](self.now) if name in self.readers else None

    def under(self, binder: Any) -> "Arguments":
        """The same arguments, bound by another."""
        same = Arguments(binder, None, None, self.now)
        same.readers = self.readers
        return same

    def read_at(self, path: Path) -> Read:
        """How to read what lies at a path."""
        name, *inner = path
        return reduce(part, inner, self.readers[name])

    def shape(self) -> tuple[Any, ...]:
        """What of all of them may change the statement."""
        return tuple(shape(read(self.now)) for read in self.readers.values())


def page_size(size: int) -> int:
    """A page size that we serve, or a clear refusal."""
    if not 0 <= size <= PAGE_LIMIT:
        raise BadInput(f"A page has 0 to {PAGE_LIMIT} items; {size} were asked for.")
    return size


def reader(node: ValueNode | None, type_: GraphQLInputType, default: Any) -> Read:
    """How to read an argument from a request's variables; constants are folded."""
    otherwise = None if default is Undefined else default
    if node is None:
        return lambda _variables: otherwise
    if isinstance(node, VariableNode):
        return _variable_reader(node.name.value, otherwise, required=isinstance(type_, GraphQLNonNull))
    inner = get_nullable_type(type_)
    if isinstance(node, ObjectValueNode) and isinstance(inner, GraphQLInputObjectType):
        return _object_reader(node, inner)
    if isinstance(node, ListValueNode) and isinstance(inner, GraphQLList):
        readers = [reader(each, inner.of_type, Undefined) for each in node.values]
        return lambda variables: [read(variables) for read in readers]
    constant = value_from_ast(node, type_)
    return lambda _variables: constant


def _variable_reader(name: str, otherwise: Any, *, required: bool) -> Read:
    """A variable that may be null may stand where null may not if it has a default: sent as null, it makes no sense."""

    def read(variables: Variables) -> Any:
        value = variables.get(name, otherwise)
        if required and value is None:
            raise BadInput(f"${name} must not be null here.")
        return value

    return read


def _object_reader(node: ObjectValueNode, type_: GraphQLInputObjectType) -> Read:
    given = {field.name.value: field.value for field in node.fields}
    readers = {
        name: reader(given.get(name), field.type, field.default_value)
        for name, field in type_.fields.items()
        if name in given or field.default_value is not Undefined
    }
    return lambda variables: {name: read(variables) for name, read in readers.items()}
