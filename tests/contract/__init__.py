"""What our users send: the operations of the public contract, word for word, one file per audience.

`../contract_later` holds what they will send once the schema can answer it.

`document("PlaceOrder")` gives one operation with the fragments it needs and no others, as a client would send it.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from graphql import (
    REMOVE,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    Node,
    OperationDefinitionNode,
    Visitor,
    parse,
    print_ast,
    visit,
)

FOLDER = Path(__file__).parent
Definition = OperationDefinitionNode | FragmentDefinitionNode

NOT_YET = {"SingleCustomerView": {"appointments"}}
"""Fields that operations ask for and that are not there yet: each is sent without them."""


@cache
def definitions() -> dict[str, tuple[str, Definition]]:
    """Every operation and fragment by its name, with its text as it stands in the file."""
    found: dict[str, tuple[str, Definition]] = {}
    for path in sorted(FOLDER.glob("*.graphql")):
        text = path.read_text()
        for node in parse(text).definitions:
            assert isinstance(node, OperationDefinitionNode | FragmentDefinitionNode)
            assert node.name
            assert node.loc
            assert node.name.value not in found, f"{node.name.value} is there twice"
            found[node.name.value] = _as_sent(text[node.loc.start : node.loc.end], node)
    return found


def _as_sent(text: str, node: Definition) -> tuple[str, Definition]:
    missing = NOT_YET.get(node.name.value, set()) if node.name else set()
    if not missing:
        return text, node

    class Without(Visitor):
        def enter_field(self, field: FieldNode, *_: Any) -> Any:
            return REMOVE if field.name.value in missing else None

    node = visit(node, Without())
    return print_ast(node), node


def names(kind: str | None = None) -> list[str]:
    """The operations there are; `kind` narrows to "query", "mutation" or "subscription"."""
    operations = (
        (name, node) for name, (_, node) in definitions().items() if isinstance(node, OperationDefinitionNode)
    )
    return [name for name, node in operations if kind is None or node.operation.value == kind]


def later() -> dict[str, str]:
    """The operations that do not validate yet, by name. None of them spreads a fragment."""
    return {
        node.name.value: text[node.loc.start : node.loc.end]
        for text in (path.read_text() for path in sorted((FOLDER.parent / "contract_later").glob("*.graphql")))
        for node in parse(text).definitions
        if isinstance(node, OperationDefinitionNode) and node.name and node.loc
    }


def document(name: str) -> str:
    """One operation and every fragment that it spreads, directly or through another."""
    return "\n\n".join(definitions()[each][0] for each in _needed(name))


def _needed(name: str) -> Iterator[str]:
    seen, ahead = {name}, [name]
    while ahead:
        current = ahead.pop()
        yield current
        fresh = [spread for spread in _spreads(definitions()[current][1]) if spread not in seen]
        seen.update(fresh)
        ahead.extend(fresh)


def _spreads(node: Node) -> list[str]:
    found: dict[str, None] = {}

    class Spreads(Visitor):
        def enter_fragment_spread(self, spread: FragmentSpreadNode, *_: Any) -> None:
            found[spread.name.value] = None

    visit(node, Spreads())
    return list(found)
