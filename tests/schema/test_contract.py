"""The contract and the schema: what validates is sent by a test, what does not is named."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import parse, validate

from schema.build import build, core_of
from tests.contract import document, later, names

STORIES = Path(__file__).parent.parent / "api"
SCHEMA = core_of(build())


def sent() -> Iterator[str]:
    """The operations that tests of the API name where they send one."""
    for path in STORIES.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and _called(node.func) in {"contract", "document"}:
                yield from (str(each.value) for each in node.args if isinstance(each, ast.Constant))


def _called(function: ast.expr) -> str | None:
    return getattr(function, "attr", None) or getattr(function, "id", None)


@pytest.mark.parametrize("name", names())
def test_every_operation_validates(name: str) -> None:
    assert validate(SCHEMA, parse(document(name))) == []


def test_every_operation_is_sent_by_a_test() -> None:
    assert set(names()) - set(sent()) == set()


@pytest.mark.parametrize("name", later())
def test_what_comes_later_does_not_validate_yet(name: str) -> None:
    assert validate(SCHEMA, parse(later()[name])), f"{name} validates: move it to tests/contract, and send it in a test"


def test_nothing_is_there_both_now_and_later() -> None:
    assert set(names()) & set(later()) == set()
