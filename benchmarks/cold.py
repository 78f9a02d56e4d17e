"""What a document costs that was never seen before: CPU of this thread from its text to its statement."""

import asyncio
import statistics
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from benchmarks import operations
from domain.viewer import SCOPES, Role, Viewer, ViewerKind
from resolvers.engine import Engine
from resolvers.reading import templates
from resolvers.reading.warm import warm
from resolvers.writing import World
from schema.build import build

ROUNDS = 30
WANTED_MS = 5.0
OPERATIONS = Viewer(ViewerKind.STAFF, Role.OPERATIONS, "bench", "Bench", SCOPES[Role.OPERATIONS])
DOCUMENTS = {
    "order status": operations.ORDER_STATUS,
    "one customer with 10 orders": operations.CUSTOMER,
    "50 newest orders": operations.NEWEST,
    "one SKU at 10 locations": operations.SKU,
}


def milliseconds(step: Callable[[], Any]) -> float:
    """CPU of one step."""
    start = time.thread_time()
    step()
    return (time.thread_time() - start) * 1_000


def cold(text: str) -> tuple[float, float, float]:
    """(parse, limits and validation; compiling it in a server that has just started; compiling it once more)."""
    database: Any = SimpleNamespace(reads=None, writes=None)
    engine = Engine(build()._schema, World(database))  # noqa: SLF001
    read = milliseconds(lambda: asyncio.run(engine.documents.get(text, None)))
    document = asyncio.run(engine.documents.get(text, None))
    given = dict.fromkeys(document.variable_names, "x")
    templates.forget()
    warm.__wrapped__(engine.schema)
    first = milliseconds(lambda: engine.plan(document, given, OPERATIONS))
    document.plans.kept.clear()
    again = milliseconds(lambda: engine.plan(document, given, OPERATIONS))
    return read, first, again


def main() -> list[dict[str, Any]]:
    """Print and return the medians."""
    build()
    rows = []
    print(
        f"\n{'a document never seen before':34} {'read':>7} {'compile':>8} {'again':>8} {'both':>7} {'below':>6}  ms of CPU"
    )
    for name, text in DOCUMENTS.items():
        read, first, again = (
            statistics.median(each) for each in zip(*[cold(text) for _ in range(ROUNDS)], strict=True)
        )
        rows.append({"operation": name, "read_ms": read, "compile_ms": first, "compile_again_ms": again})
        print(f"{name:34} {read:7.2f} {first:8.2f} {again:8.2f} {read + first:7.2f} {WANTED_MS:6}", flush=True)
    return rows
