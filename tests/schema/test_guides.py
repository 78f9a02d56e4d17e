"""What the guides show of the graph is in the graph."""

import re
from pathlib import Path
from typing import Any

import pytest
from graphql import parse, validate

from domain.lifecycle import Lifecycle
from domain.purchases import PURCHASE_ORDER
from domain.transfers import TRANSFER
from schema.build import build, core_of

DOCS = Path(__file__).parent.parent.parent / "docs"
BLOCKS = [
    pytest.param(block, id=f"{path.name}-{number}")
    for path in (DOCS / "work.md", DOCS / "supply.md", DOCS / "routing.md")
    for number, block in enumerate(re.findall(r"^```graphql\n(.*?)^```$", path.read_text(), re.DOTALL | re.MULTILINE))
]


@pytest.mark.parametrize("block", BLOCKS)
def test_what_a_guide_sends_validates(block: str) -> None:
    assert validate(core_of(build()), parse(block)) == []


@pytest.mark.parametrize("lifecycle", [PURCHASE_ORDER, TRANSFER], ids=lambda each: each.noun)
def test_supply_is_drawn_as_its_tables_have_it(lifecycle: Lifecycle[Any, Any]) -> None:
    drawn = re.findall(r"^```mermaid\n(.*?)^```$", (DOCS / "supply.md").read_text(), re.DOTALL | re.MULTILINE)
    assert lifecycle.mermaid() in drawn
