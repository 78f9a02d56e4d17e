"""What the guides show of the graph is in the graph, and where they lead to is there."""

import re
from pathlib import Path
from typing import Any

import pytest
from graphql import parse, validate

from domain.lifecycle import Lifecycle
from domain.purchases import PURCHASE_ORDER
from domain.transfers import TRANSFER
from schema.build import build, core_of

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
PAGES = [*sorted(DOCS.rglob("*.md")), *sorted(ROOT.glob("*.md"))]
RELAYS_OWN = DOCS / "clients.md"
"""Its documents have directives that Relay takes out before it sends them; `tests/test_clients_page.py` has them run."""
BLOCKS = [
    pytest.param(block, id=f"{path.name}-{number}")
    for path in PAGES
    if path != RELAYS_OWN
    for number, block in enumerate(re.findall(r"^```graphql\n(.*?)^```$", path.read_text(), re.DOTALL | re.MULTILINE))
]


@pytest.mark.parametrize("block", BLOCKS)
def test_what_a_guide_sends_validates(block: str) -> None:
    assert validate(core_of(build()), parse(block)) == []


def heading(line: str) -> str:
    """What a link calls a heading."""
    return re.sub(r"[^\w -]", "", line.lower()).strip().replace(" ", "-")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_link_leads_somewhere(path: Path) -> None:
    lost = []
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        file, _, part = link.partition("#")
        target = path.parent / file if file else path
        headings = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE) if part and target.exists() else []
        if "://" not in link and (not target.exists() or (part and part not in map(heading, headings))):
            lost.append(link)
    assert lost == []


@pytest.mark.parametrize("lifecycle", [PURCHASE_ORDER, TRANSFER], ids=lambda each: each.noun)
def test_supply_is_drawn_as_its_tables_have_it(lifecycle: Lifecycle[Any, Any]) -> None:
    drawn = re.findall(r"^```mermaid\n(.*?)^```$", (DOCS / "supply.md").read_text(), re.DOTALL | re.MULTILINE)
    assert lifecycle.mermaid() in drawn
