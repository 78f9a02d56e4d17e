"""docs/clients.md shows what `make clients` runs, and nothing else."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CLIENTS = ROOT / "tests" / "clients"
PAGE = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```\w+\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def what_runs() -> str:
    """All that is run, file after file."""
    names = ("apollo", "ariadne", "codegen", "live", "relay")
    folders = (path for name in names for path in (CLIENTS / name).glob("*.*"))
    return "\n".join(path.read_text(encoding="utf-8") for path in (*folders, CLIENTS / "relay.config.json"))


def test_there_is_something_to_compare() -> None:
    assert len(BLOCKS) > 10


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.strip().partition("\n")[0])
def test_every_snippet_is_run(block: str) -> None:
    assert block in what_runs()


def test_the_lock_names_versions_and_hashes_but_no_address() -> None:
    lock = json.loads((CLIENTS / "package-lock.json").read_text())
    packages = [package for path, package in lock["packages"].items() if path]

    assert len(packages) > 100
    assert [package for package in packages if "resolved" in package or "integrity" not in package] == []
