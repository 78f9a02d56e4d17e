"""What a query asks that no statement can answer: worked out by Python first, and then read like everything else.

Whoever works something out does it elsewhere than on the loop. A caller who goes away calls it off.
"""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from graphql import GraphQLError

from domain.money import Money
from domain.refusals import Forbidden, Refused
from domain.viewer import Viewer
from resolvers.documents import Document
from resolvers.mutating import objects
from resolvers.reading.arguments import Arguments
from resolvers.reading.compiler import Compiler
from resolvers.reading.mapping import COMPUTED, DEFINITION, Computed, reads_of
from resolvers.writing import World, refuse_odd_values

T = TypeVar("T")

REFUSED = "@refused"
"""The name under which the errors of what was refused stand among the variables."""

INPUT = "input"
"""The argument whose fields are named by themselves where they are refused, as those of mutations are."""

Gone = Callable[[], Awaitable[object]]
"""Waits until the caller has gone away."""


class CallerLeft(Exception):
    """Nobody waits for the answer any more."""


async def computed(
    document: Document, variables: dict[str, Any], viewer: Viewer, world: World, gone: Gone | None
) -> dict[str, Any]:
    """The variables, with what is to be worked out for them; unless the caller goes away before (`CallerLeft`)."""
    if COMPUTED in variables:
        return variables
    return await _unless(gone, _computed(document, variables, viewer, world))


async def _computed(document: Document, variables: dict[str, Any], viewer: Viewer, world: World) -> dict[str, Any]:
    compiler = Compiler(document.schema, document.fragments, variables, viewer)
    answers: dict[str, Any] = {}
    errors: list[GraphQLError] = []
    for selected in compiler.collect(document.root, document.operation.selection_set.selections):
        mapping = None if selected.name.startswith("__") else reads_of(document.root, selected.name)
        if isinstance(mapping, Computed):
            field = document.root.fields[selected.name]
            given = Arguments(None, selected.nodes[0], field, variables)
            wanted = {_python_name(each): objects(given.get(name), each.type) for name, each in field.args.items()}
            try:
                for name in field.args:
                    refuse_odd_values(given.get(name), () if name == INPUT else (name,))
                if not viewer.may(mapping.needs):
                    raise Forbidden(mapping.needs.value)
                answers[selected.key] = await mapping.of(world, viewer, **wanted)
            except Refused as refusal:
                errors.append(_told(refusal, selected.key))
    return {**variables, COMPUTED: answers, REFUSED: errors}


def _python_name(argument: Any) -> str:
    return argument.extensions[DEFINITION].python_name  # type: ignore[no-any-return]


def _told(refusal: Refused, key: str) -> GraphQLError:
    """A refusal as an error of its field, with what a program needs to go on."""
    facts = {each.name: _shown(getattr(refusal, each.name)) for each in dataclasses.fields(refusal)}
    extensions = {"code": refusal.code, **facts, "field": list(refusal.field) or None}
    return GraphQLError(refusal.message, path=[key], extensions=extensions)


def _shown(value: Any) -> Any:
    return {"amount": value.amount, "currency": value.currency} if isinstance(value, Money) else value


async def _unless(gone: Gone | None, work: Coroutine[Any, Any, T]) -> T:
    """What comes of some work, called off as soon as nobody waits for it."""
    if gone is None:
        return await work
    leaving, working = asyncio.ensure_future(gone()), asyncio.ensure_future(work)
    try:
        await asyncio.wait({leaving, working}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise CallerLeft
        return working.result()
    finally:
        for each in (leaving, working):
            each.cancel()
        await asyncio.gather(leaving, working, return_exceptions=True)
