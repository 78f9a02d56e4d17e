"""The README says what is so: its diagrams are the lifecycles', its commands and links exist."""

import re
from pathlib import Path

import pytest

from app.cli import cli
from app.settings import Settings
from domain.fulfillment import FULFILLMENT_ORDER
from domain.lifecycle import Lifecycle
from domain.orders import ORDER
from domain.reservations import RESERVATION
from domain.returns import RETURN
from domain.shipments import SHIPMENT
from domain.viewer import Role
from domain.work import WORK_ITEM

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """What stands between fences of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize(
    "lifecycle", [ORDER, FULFILLMENT_ORDER, SHIPMENT, RETURN, WORK_ITEM, RESERVATION], ids=lambda each: each.noun
)
def test_every_lifecycle_is_drawn_as_its_table_has_it(lifecycle: Lifecycle) -> None:  # type: ignore[type-arg]
    assert lifecycle.mermaid() in blocks("mermaid")


def test_nothing_else_is_drawn() -> None:
    assert len(blocks("mermaid")) == 6


def test_every_command_is_named_and_no_other() -> None:
    told = set(re.findall(r"^\| `([a-z]+)[^|]*` \|", README, re.MULTILINE))
    commands = {command.name or getattr(command.callback, "__name__", "") for command in cli.registered_commands}
    assert told == commands | {str(group.name) for group in cli.registered_groups}


def test_every_setting_is_named() -> None:
    names = {str(field.validation_alias or name).upper() for name, field in Settings.model_fields.items()}
    assert {name for name in names if f"`{name}`" not in README} == set()


def test_every_role_is_told_of() -> None:
    told = set(re.findall(r"^\| ([a-z]+) \|", README, re.MULTILINE))
    assert {role.value.lower() for role in Role} <= told


def test_every_file_that_it_links_to_is_there() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
    assert [link for link in links if not (ROOT / link).exists()] == []
