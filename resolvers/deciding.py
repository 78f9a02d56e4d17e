"""Decisions of the router beside the event loop, where they take longer than others should wait."""

import asyncio
import gc
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from domain.model import replace
from domain.placing import Catalog
from domain.routing.problem import TakesLong

T = TypeVar("T")

SWITCHING_SECONDS = 0.0005
"""How long the thread may keep the interpreter once the loop wants it; Python's own 5 ms would be felt by everybody."""

THREAD = ThreadPoolExecutor(1, thread_name_prefix="routing")
"""One, for two of them would keep the loop waiting twice as long."""


async def patiently(decide: Callable[[Catalog], T], offered: Catalog) -> T:
    """What a decision about what is offered comes to: at once, as nearly always, or on a thread of its own.

    The decision is pure, and is begun again there; what is locked stays locked meanwhile, as it would if the loop waited.
    """
    try:
        return decide(offered)
    except TakesLong:
        sys.setswitchinterval(SWITCHING_SECONDS)
        patient = replace(offered, is_patient=True)
        return await asyncio.get_running_loop().run_in_executor(THREAD, _undisturbed, decide, patient)


def _undisturbed(decide: Callable[[Catalog], T], offered: Catalog) -> T:
    """Decide. Of a thousand stores so much is kept that a collection of garbage would stop the loop for 20 ms."""
    gc.disable()
    try:
        return decide(offered)
    finally:
        gc.enable()
