"""Make a failing document smaller, as long as it fails: whoever reads it should see the one thing that is wrong."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from tests.fuzz.tree import Field, Inline, Selection, Spread, Tree, Use

ATTEMPTS = 600


async def smallest(tree: Tree, fails: Callable[[Tree], Awaitable[bool]]) -> Tree:
    """The smallest document found that still fails: each smaller one that does is the next to start from."""
    left, smaller = ATTEMPTS, True
    while smaller and left > 0:
        smaller = False
        for candidate in _smaller(tree):
            left -= 1
            if await fails(candidate):
                tree, smaller = candidate, True
                break
            if left <= 0:
                break
    return tree


def _smaller(tree: Tree) -> Iterator[Tree]:
    """Documents with one thing less."""
    for which, (_, selections) in enumerate(tree.lists()):
        for position, selection in enumerate(selections):
            for change in _changes(selection, tree, alone=len(selections) == 1):
                candidate = tree.copy()
                spot = [*candidate.lists()][which][1]
                spot[position : position + 1] = change(spot[position], candidate)
                candidate.tidy()
                yield candidate
    for name, variable in tree.variables.items():
        for value in [*variable.values, *([variable.default] if variable.default is not ... else [])]:
            if value is not ...:
                candidate = tree.copy()
                _inline(candidate, name, value)
                candidate.tidy()
                yield candidate


Change = Callable[[Any, Tree], list[Selection]]


def _changes(selection: Selection, tree: Tree, *, alone: bool) -> Iterator[Change]:
    if not alone:
        yield lambda _each, _tree: []
    if isinstance(selection, Inline):
        yield lambda each, _tree: each.selections
    if isinstance(selection, Spread):
        yield lambda each, whole: [Inline(whole.fragments[each.name].on, whole.copy().fragments[each.name].selections)]
    if isinstance(selection, Field):
        for name in selection.arguments:
            yield lambda each, _tree, name=name: [_without(each, name)]  # type: ignore[misc]
        if selection.key:
            yield lambda each, _tree: [_set(each, key=None)]
    if selection.directives:
        yield lambda each, _tree: [_set(each, directives=[])]


def _set(selection: Any, **changes: Any) -> Any:
    for name, value in changes.items():
        setattr(selection, name, value)
    return selection


def _without(field: Field, argument: str) -> Field:
    del field.arguments[argument]
    return field


def _inline(tree: Tree, name: str, value: Any) -> None:
    def replaced(given: Any) -> Any:
        if isinstance(given, Use):
            return value if given.name == name else given
        if isinstance(given, dict):
            return {key: replaced(inner) for key, inner in given.items()}
        return [replaced(inner) for inner in given] if isinstance(given, list) else given

    for each in tree.every():
        each.directives = [(which, replaced(condition)) for which, condition in each.directives]
        if isinstance(each, Field):
            each.arguments = {key: replaced(given) for key, given in each.arguments.items()}
