"""What every benchmark needs: servers as child processes, load from another process, CPU and memory of each."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

HERE = Path(__file__).parent
CONNECTIONS = 16


@dataclass(frozen=True, slots=True)
class Target:
    """A running server: where it listens, who asks it, and its process."""

    port: int
    token: str
    pid: int = 0


@contextmanager
def server(command: list[str], port: int, **environment: str) -> Iterator[int]:
    """A server as a child process, once it listens; yields its process id."""
    child = subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL)
    try:
        for _ in range(400):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        else:
            raise SystemExit(f"{command} does not listen on {port}")
        yield child.pid
    finally:
        child.terminate()
        child.wait()


@contextmanager
def started(command: list[str], **environment: str) -> Iterator[int]:
    """A child process that listens nowhere; yields its process id."""
    child = subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL)
    try:
        yield child.pid
    finally:
        child.terminate()
        child.wait()


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def reachable_folder() -> Iterator[Path]:
    """A folder that PostgreSQL's account can enter too."""
    folder = Path(tempfile.mkdtemp(prefix="ordergraph-bench-"))
    if os.geteuid() == 0:
        folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def load(
    target: Target, path: str, seconds: float, bodies: list[bytes], *, cycle: bool = True, rate: float = 0
) -> dict[str, Any]:
    """What a load process tells: requests, seconds, p50, p99; anything but success ends the run."""
    words = [str(target.port), path, target.token, str(CONNECTIONS), str(seconds), "cycle" if cycle else "once"]
    command = [sys.executable, "-m", "benchmarks.load", *words, *([str(rate)] if rate else [])]
    done = subprocess.run(command, input=b"\n".join(bodies), stdout=subprocess.PIPE, check=True)
    tally: dict[str, Any] = json.loads(done.stdout)
    if tally["failures"]:
        raise SystemExit(f"{tally['failures']} of {tally['requests']} requests to {path} failed")
    return tally


def cpu_seconds(pid: int) -> float:
    """CPU that a process and its children have used so far. Those that ended are in their parent's account."""
    root = psutil.Process(pid)
    used = 0.0
    for process in [root, *root.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            used += times.user + times.system
    return used


def resident_mib(pid: int) -> float:
    """Memory of a process."""
    return float(psutil.Process(pid).memory_info().rss / 2**20)
