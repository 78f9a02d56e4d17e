"""What is done by a process beside this one (`app.aside`), by name: each reads the database for itself."""

from collections.abc import Awaitable, Callable
from typing import Any

TASKS: dict[str, Callable[..., Awaitable[Any]]] = {}
"""What can be asked: a function of a connection and what is given, whose answer is JSON."""


class AsideError(Exception):
    """A process beside this one failed; what it had to say stands in the log."""
