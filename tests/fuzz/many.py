"""`python -m tests.fuzz`: many random documents on both executors, spread over processes.

Every document has a number, and a seed and a number always give the same one: `1 --seed 7 --start 4711` asks one again.
A process ends with the batch in which the executors differ. Exits with 1 if they do, or if fewer than nine in ten
documents ran compiled.
"""

import argparse
import asyncio
import multiprocessing
import queue
import time
from collections.abc import Sequence
from multiprocessing.process import BaseProcess
from typing import Any

from tests.conftest import _clone, _server
from tests.fuzz.judge import Tally
from tests.fuzz.run import ask_all, drawn
from tests.fuzz.values import values_of
from tests.referee import refereeing

DOCUMENTS = 100_000
BATCH = 50
TELL_SECONDS = 10


def main() -> int:
    """Ask, tell, and judge the whole."""
    given = _arguments()
    print(f"{given.documents} documents of seed {given.seed} in {given.processes} processes", flush=True)
    with _server() as server:
        whole = _run(server, given)
    print(whole)
    return 0 if whole.sound and whole.documents + whole.refused == given.documents else 1


def _arguments() -> argparse.Namespace:
    asks = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    asks.add_argument("documents", type=int, nargs="?", default=DOCUMENTS)
    asks.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    asks.add_argument("--start", type=int, default=0, help="the number of the first document")
    asks.add_argument("--processes", type=int, default=2)
    return asks.parse_args()


def _run(server: str, given: argparse.Namespace) -> Tally:
    context = multiprocessing.get_context("spawn")
    tallies: Any = context.Queue()
    numbers = range(given.start, given.start + given.documents)
    workers = [
        context.Process(
            target=_work, args=(server, given.seed, numbers[share :: given.processes], share, tallies), daemon=True
        )
        for share in range(given.processes)
    ]
    for worker in workers:
        worker.start()
    return _gathered(workers, tallies)


def _gathered(workers: Sequence[BaseProcess], tallies: Any) -> Tally:
    """Everything that the workers find, told as it comes."""
    whole, begun, told = Tally(), time.monotonic(), 0.0
    while any(worker.is_alive() for worker in workers) or not tallies.empty():
        try:
            found: Tally = tallies.get(timeout=1)
        except queue.Empty:
            continue
        whole.add(found)
        for each in found.differences:
            print(f"\n{each}\n", flush=True)
        if time.monotonic() > told + TELL_SECONDS:
            told = time.monotonic()
            print(f"{told - begun:6.0f} s  {whole}", flush=True)
    return whole


def _work(server: str, seed: int, numbers: range, share: int, tallies: Any) -> None:
    asyncio.run(_ask(server, seed, numbers, share, tallies))


async def _ask(server: str, seed: int, numbers: range, share: int, tallies: Any) -> None:
    async with _clone(server, f"fuzz{share}") as url, refereeing(url) as referee:
        values = await values_of(referee)
        for start in range(0, len(numbers), BATCH):
            batch = ((number, *drawn(seed, number, values)) for number in numbers[start : start + BATCH])
            found = await ask_all(referee, batch, f"seed {seed}")
            tallies.put(found)
            if found.differences:
                return
