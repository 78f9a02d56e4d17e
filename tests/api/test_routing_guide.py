"""What the routing guide tells people to send does what it says, and it explains every word of an explanation."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import OperationDefinitionNode, parse

from domain.routing.model import Rejection, UnfilledReason
from domain.rulesets import GIVEN
from schema.inputs.routing import RoutingRulesetInput, RoutingRuleWhereInput
from tests.api.shop import OPERATIONS, Shop

GUIDE = (Path(__file__).parent.parent.parent / "docs" / "routing.md").read_text()


def mutations() -> Iterator[tuple[str, str]]:
    """The mutations that it shows, by name."""
    for block in re.findall(r"^```graphql\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE):
        (node,) = parse(block).definitions
        assert isinstance(node, OperationDefinitionNode)
        assert node.name
        if node.operation.value == "mutation" and node.name.value != "EndShadow":
            yield node.name.value, block


@pytest.mark.parametrize(("name", "text"), list(mutations()), ids=[name for name, _ in mutations()])
async def test_whatever_the_guide_shows_is_done(shop: Shop, name: str, text: str) -> None:
    tags = {"tags": ["online"], "latitude": -25.4, "longitude": -49.3}
    await shop.do(OPERATIONS, "locationSet", code="CWB1", name="CWB1", kind="WAREHOUSE", channels=["web"], **tags)

    (payload,) = (await shop.ask(OPERATIONS, text, key=shop.new(name))).values()

    assert payload["userErrors"] == []


@pytest.mark.parametrize(
    "word",
    [
        *(f"`{word.value}`" for word in Rejection),
        *(f"`{word.value}`" for word in UnfilledReason),
        *(f"`{name}`" for name in GIVEN.values()),
    ],
)
def test_every_word_is_explained(word: str) -> None:
    assert word in GUIDE


def names_of(input_: type) -> list[str]:
    """The fields of an input as the graph names them."""
    fields = input_.__strawberry_definition__.fields  # type: ignore[attr-defined]
    return [re.sub(r"_(.)", lambda found: found[1].upper(), field.python_name) for field in fields]


@pytest.mark.parametrize("name", [*names_of(RoutingRuleWhereInput), *names_of(RoutingRulesetInput)])
def test_every_condition_and_setting_is_explained(name: str) -> None:
    assert re.search(rf"\b{name}\b", GUIDE)
