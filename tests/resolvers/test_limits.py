"""Limits: what is just allowed passes, one more is refused with both numbers; nothing hostile gets through or echoes."""

import itertools
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from graphql import GraphQLError

from benchmarks.hostile import NoDatabase, catalogue, times
from domain.viewer import SCOPES, Role, Viewer, ViewerKind
from resolvers.documents import LONGEST_MESSAGE, Document, Documents, RequestError
from resolvers.engine import Engine, Request
from resolvers.limits import (
    CHARACTERS_LIMIT,
    DEPTH_LIMIT,
    FIELDS_LIMIT,
    LEVELS_LIMIT,
    LIMITS,
    PARTS_LIMIT,
    TOKENS_LIMIT,
    VALUES_LIMIT,
    Parts,
)
from resolvers.validation import ERRORS_LIMIT
from resolvers.writing import World
from schema.build import build, core_of

EVERYTHING = Viewer(ViewerKind.STAFF, Role.OPERATIONS, "x", "X", SCOPES[Role.OPERATIONS])


async def read(text: str, name: str | None = None) -> Document:
    """The document, read anew."""
    return await Documents(core_of(build())).get(text, name)


def spread(fields: int) -> str:
    """A small document that stands for as many fields."""
    rows = "fragment R on Viewer{" + "kind " * 99 + "}"
    whole, rest = divmod(fields, 100)
    return "{" + "viewer{...R}" * whole + "__typename " * rest + "}" + rows


def levels(count: int) -> str:
    """Selections that nest as deep, in inline fragments and fragments."""
    half = count // 2
    return (
        "{"
        + "...{" * (count - half - 1)
        + "...F0"
        + "}" * (count - half - 1)
        + "}"
        + "".join(
            f"fragment F{each} on Query{{{f'...F{each + 1}' if each < half - 1 else '__typename'}}}"
            for each in range(half)
        )
    )


CUSTOMER = "customer{orders{nodes{"

COUNTED: dict[str, tuple[int, Callable[[int], str]]] = {
    "characters": (CHARACTERS_LIMIT, "{__typename}".ljust),
    "fields": (FIELDS_LIMIT, spread),
    "operations": (LIMITS["operations"], lambda n: times(n, lambda i: f"query q{i}{{__typename}}")),
    "fragments": (
        LIMITS["fragments"],
        lambda n: "{" + times(n, lambda i: f"...F{i}") + "}" + times(n, lambda i: f"fragment F{i} on Query{{__typename}}"),
    ),
    "fragment spreads": (LIMITS["fragment spreads"], lambda n: "{" + "...F " * n + "}fragment F on Query{__typename}"),
    "inline fragments": (LIMITS["inline fragments"], lambda n: "{" + "...{__typename}" * n + "}"),
    "variables": (
        LIMITS["variables"],
        lambda n: f"query q0({times(n, lambda i: f'$v{i}:Boolean!')}){{{times(n, lambda i: f'a{i}:__typename@skip(if:$v{i})')}}}",
    ),
    "directives": (LIMITS["directives"], lambda n: "{" + "__typename@skip(if:true) " * n + "}"),
    "questions about the schema": (
        LIMITS["questions about the schema"], lambda n: "{" + times(n, lambda i: f"a{i}:__schema{{description}}") + "}"
    ),
    "aliases": (LIMITS["aliases"], lambda n: "{" + times(n, lambda i: f"a{i}:__typename") + "}"),
}  # fmt: skip


@pytest.mark.parametrize("what", COUNTED)
async def test_as_many_as_allowed_pass_and_one_more_is_refused_with_both_numbers(what: str) -> None:
    most, make = COUNTED[what]
    await read(make(most), "q0" if "query q0" in make(1) else None)
    with pytest.raises(RequestError, match=f"A document may have {most} {what}; this one has {most + 1}."):
        await read(make(most + 1))


async def test_fields_nest_as_deep_as_allowed_and_no_deeper() -> None:
    deepest = "{order(id:1){" + CUSTOMER * 6 + "id" + "}}}" * 6 + "}}"
    assert deepest.count("{") == DEPTH_LIMIT
    await read(deepest)
    with pytest.raises(RequestError, match=f"Fields may nest {DEPTH_LIMIT} deep; these nest {DEPTH_LIMIT + 1} deep."):
        await read("{order(id:1){" + CUSTOMER * 6 + "total{amount}" + "}}}" * 6 + "}}")


async def test_fragments_nest_as_deep_as_allowed_and_no_deeper() -> None:
    await read(levels(LEVELS_LIMIT))
    with pytest.raises(RequestError, match=f"may nest {LEVELS_LIMIT} deep; these nest {LEVELS_LIMIT + 1} deep"):
        await read(levels(LEVELS_LIMIT + 1))


async def test_a_fragment_that_was_measured_higher_up_counts_at_its_depth() -> None:
    chain = "".join(f"fragment F{n} on Query{{...F{n + 1}}}" for n in range(30)) + "fragment F30 on Query{__typename}"
    await read("{...F0}" + chain)
    with pytest.raises(RequestError, match=f"may nest {LEVELS_LIMIT} deep"):
        await read("{...F0" + "...{" * 30 + "...F0" + "}" * 30 + "}" + chain)


NODE_TYPES = len(core_of(build()).get_possible_types(core_of(build()).type_map["Node"]))  # type: ignore[arg-type]
IN_EVERY_TYPE: dict[str, tuple[str, int]] = {
    "no interface": ("{ viewer { kind role } }", 3),
    "a field of an interface": ('{ node(id: "x") { id } }', 1 + 2 * NODE_TYPES),
    "two types of it": ('{ node(id: "x") { ... on Order { id number } ... on Customer { id } } }', 1 + NODE_TYPES + 3),
    "a fragment in each type": (
        '{ node(id: "x") { ...F } } fragment F on Node { id ...G } fragment G on Node { __typename }',
        1 + 3 * NODE_TYPES,
    ),
    "an interface's fragment in one type": ('{ order(id: "x") { ...F } } fragment F on Node { id }', 2),
    "below an object of one type": (
        '{ node(id: "x") { ... on Order { customer { id email } } } }', 1 + NODE_TYPES + 3
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", IN_EVERY_TYPE)
async def test_a_field_of_an_interface_counts_in_each_of_its_types(what: str) -> None:
    text, expected = IN_EVERY_TYPE[what]
    document = await read(text)
    parts = Parts(core_of(build()), document.fragments)
    assert parts.selections(document.root, document.operation.selection_set.selections) == expected


async def test_interfaces_that_stand_for_too_much_are_refused() -> None:
    each, most = 1 + 2 * NODE_TYPES, PARTS_LIMIT // (1 + 2 * NODE_TYPES)
    await read("{" + times(most, lambda i: f'a{i}:node(id:"x"){{id}}') + "}")
    with pytest.raises(RequestError, match=f"{PARTS_LIMIT} fields, .* this one has {(most + 1) * each}"):
        await read("{" + times(most + 1, lambda i: f'a{i}:node(id:"x"){{id}}') + "}")


async def test_every_type_is_told_of_only_where_no_data_is_asked_for() -> None:
    await read("{ __schema { ...S } __typename } fragment S on __Schema { types { name } }")
    await read('{ __schema { queryType { name } } __type(name: "Order") { name } viewer { kind } }')
    with pytest.raises(RequestError, match="All types are listed by an operation that asks for no data"):
        await read("{ __schema { ...S } viewer { kind } } fragment S on __Schema { types { name } }")


async def test_more_tokens_than_allowed_are_not_even_parsed() -> None:
    await read("{" + "viewer{kind}" * ((TOKENS_LIMIT - 2) // 4) + "}")
    with pytest.raises(RequestError, match=f"more than {TOKENS_LIMIT} tokens") as refused:
        await read("{" + "a " * TOKENS_LIMIT + "}")
    assert (refused.value.errors[0].extensions or {})["code"] == "GRAPHQL_PARSE_FAILED"


async def test_variables_with_something_wrong_are_explained_only_where_they_are_few() -> None:
    document = await read("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }")
    assert document.coerce({"ids": ["x"] * VALUES_LIMIT})
    with pytest.raises(RequestError, match="ID cannot represent"):
        document.coerce({"ids": [1.5] * (VALUES_LIMIT - 1)})
    with pytest.raises(RequestError, match=f"may hold {VALUES_LIMIT} values"):
        document.coerce({"ids": [1.5] * VALUES_LIMIT})


HOSTILE = dict(catalogue())


@pytest.mark.parametrize("name", HOSTILE)
async def test_whatever_is_sent_the_answer_is_short_and_coded(name: str) -> None:
    text, variables = HOSTILE[name]
    engine = Engine(core_of(build()), World(NoDatabase()))  # type: ignore[arg-type]
    told: list[GraphQLError] = []
    try:
        document = await engine.document(Request(text))
        engine.charge(document, document.coerce(variables), EVERYTHING)
    except RequestError as refused:
        told += refused.errors
    assert len(told) <= ERRORS_LIMIT + 1
    assert all(len(error.message) <= LONGEST_MESSAGE + 1 for error in told)
    assert {(error.extensions or {})["code"] for error in told} <= CODES


CODES = {
    "BAD_USER_INPUT",
    "COST_LIMIT_EXCEEDED",
    "GRAPHQL_PARSE_FAILED",
    "GRAPHQL_VALIDATION_FAILED",
    "OPERATION_RESOLUTION_FAILURE",
}
REFUSED = {name for name in HOSTILE if any(word in name for word in ("unknown", "unused", "circle", "other arguments"))}


@pytest.mark.parametrize("name", sorted(REFUSED))
async def test_what_is_wrong_stays_refused_however_much_of_it_there_is(name: str) -> None:
    text, variables = HOSTILE[name]
    with pytest.raises(RequestError):
        (await read(text)).coerce(variables)


def pauses(work: Coroutine[Any, Any, Any]) -> int:
    """How often a coroutine lets others run."""
    for count in itertools.count():
        try:
            work.send(None)
        except (RequestError, StopIteration):
            return count
    raise AssertionError


def test_a_new_document_is_read_in_slices_and_a_known_one_at_once() -> None:
    documents = Documents(core_of(build()))
    small, large = "{ viewer { kind } }", "{" + " viewer { kind }" * 200 + "}"
    assert pauses(documents.get(small, None)) == 5  # after parsing, limits, rules, merging, making
    assert pauses(documents.get(large, None)) == 8  # the rules in four groups
    assert pauses(documents.get(large, None)) == 0


@pytest.mark.parametrize(
    ("refused", "expected"), [("{" * 30_000 * 2, 0), ("{", 0), ("{" + "a:__typename " * 501 + "}", 1)]
)
def test_what_is_refused_early_is_not_looked_at_any_further(refused: str, expected: int) -> None:
    assert pauses(Documents(core_of(build())).get(refused, None)) == expected


async def test_a_document_is_read_once_and_forgotten_when_others_need_the_room() -> None:
    documents = Documents(core_of(build()))
    documents.kept.most = 200
    first = await documents.get("{__typename}", None)
    assert documents.known("{__typename}", None) is first
    for number in range(4):
        await documents.get(f"{{a{number}:__typename}}", None)
    assert documents.known("{__typename}", None) is None
    assert documents.kept.weight == 200
