"""What the last release promised to clients, compared with the schema as it is: no break comes unannounced.

`schema/promised.graphql` is the schema of the last release; `make promise` renews it with the next one. A change that
may break a client is announced in CHANGELOG.md, under Unreleased, by its schema coordinate in backticks.
"""

import re
import sys
from pathlib import Path

from graphql import GraphQLSchema, build_schema
from graphql.utilities import BreakingChange, BreakingChangeType, find_schema_changes

ROOT = Path(__file__).parent.parent
COORDINATE = re.compile(r"@?\w+\.\w+(?:\(\w+:\))?|@\w+(?:\(\w+:\))?")
UNRELEASED = re.compile(r"^## \[Unreleased\]\n(.*?)(?=^## |\Z)", re.DOTALL | re.MULTILINE)


def unannounced(promised: GraphQLSchema, now: GraphQLSchema, changelog: str) -> list[str]:
    """A sentence for each change that may break a client and is not announced."""
    found = UNRELEASED.search(changelog)
    announced = found[1] if found else ""
    return [
        f"{change.description} Announce it: write `{coordinate(change)}` under Unreleased in CHANGELOG.md."
        for change in find_schema_changes(promised, now)
        if isinstance(change, BreakingChange) and f"`{coordinate(change)}`" not in announced
    ]


def coordinate(change: BreakingChange) -> str:
    """What changed, as the GraphQL specification writes it: `Order.total`, `Query.node(id:)`, `Money`."""
    if change.type is BreakingChangeType.TYPE_REMOVED_FROM_UNION:
        return change.description.rstrip(".").rpartition(" ")[2]
    found = COORDINATE.search(change.description)
    return found[0] if found else change.description.removeprefix("Standard scalar ").partition(" ")[0]


def main() -> None:
    """Exit code 1, and what to write, where a break is not announced."""
    promised, now = (
        build_schema((ROOT / "schema" / name).read_text()) for name in ("promised.graphql", "schema.graphql")
    )
    found = unannounced(promised, now, (ROOT / "CHANGELOG.md").read_text())
    if found:
        sys.exit("\n".join(found))


if __name__ == "__main__":
    main()
