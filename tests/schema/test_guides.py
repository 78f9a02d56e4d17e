"""What the guides show of the graph is in the graph."""

import re
from pathlib import Path

import pytest
from graphql import parse, validate

from schema.build import build, core_of

DOCS = Path(__file__).parent.parent.parent / "docs"
BLOCKS = [
    pytest.param(block, id=f"{path.name}-{number}")
    for path in (DOCS / "work.md", DOCS / "routing.md")
    for number, block in enumerate(re.findall(r"^```graphql\n(.*?)^```$", path.read_text(), re.DOTALL | re.MULTILINE))
]


@pytest.mark.parametrize("block", BLOCKS)
def test_what_a_guide_sends_validates(block: str) -> None:
    assert validate(core_of(build()), parse(block)) == []
