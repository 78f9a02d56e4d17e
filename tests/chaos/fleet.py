"""The processes of a shop: two API servers and two workers, each started again whenever it ends, as an init would."""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Self

from benchmarks.harness import free_port
from tests.conftest import SECRET

AGAIN_SECONDS = 0.3
START_SECONDS = 60
ORDERGRAPH = [sys.executable, "-c", "from app.cli import main; main()"]


class Fleet:
    """Runs for as long as its block does."""

    def __init__(self, database_url: str, redis_url: str, folder: Path) -> None:
        self.ports = [free_port(), free_port()]
        self.log = folder / "log"
        self._environment = {
            **os.environ, "DATABASE_URL": database_url, "REDIS_URL": redis_url, "ORDERGRAPH_SECRET": SECRET,
            "ORDERGRAPH_HOME": str(folder / "home"),
        }  # fmt: skip
        self._commands = {f"api {port}": ["serve", "--port", str(port)] for port in self.ports}
        self._commands |= {"worker 1": ["worker"], "worker 2": ["worker"]}
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._keepers: list[asyncio.Task[None]] = []

    @property
    def names(self) -> list[str]:
        """Who can be killed."""
        return list(self._commands)

    @property
    def urls(self) -> list[str]:
        """The API, behind no load balancer: clients choose."""
        return [f"http://127.0.0.1:{port}" for port in self.ports]

    def kill(self, name: str) -> None:
        """SIGKILL, if it runs just now."""
        if name in self._running:
            with suppress(ProcessLookupError):
                self._running[name].kill()

    def kill_pid(self, pid: int | None) -> None:
        """The same for somebody else."""
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    async def _keep(self, name: str) -> None:
        with self.log.open("ab") as log:
            while True:
                process = await asyncio.create_subprocess_exec(
                    *ORDERGRAPH, *self._commands[name], env=self._environment, stdout=log, stderr=log
                )
                self._running[name] = process
                try:
                    await process.wait()
                finally:
                    if process.returncode is None:
                        process.kill()
                        await process.wait()
                await asyncio.sleep(AGAIN_SECONDS)

    async def __aenter__(self) -> Self:
        """Start all of them, and wait until the servers listen."""
        self._keepers = [asyncio.create_task(self._keep(name)) for name in self._commands]
        async with asyncio.timeout(START_SECONDS):
            for port in self.ports:
                while not await listens(port):
                    await asyncio.sleep(0.1)
        return self

    async def __aexit__(self, *_: object) -> None:
        """End all of them."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)


async def listens(port: int) -> bool:
    """Whether anybody listens on a port."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
