"""The embedded PostgreSQL: started as our child, watched while we run, stopped when we end.

`async with EmbeddedPostgres(data_dir) as server: server.url`. Data outlives the process. A second process on
the same data attaches to the first one's server, and takes over when that one goes.

The wheel's own interface is not used: it cannot restart a server whose zombie nobody reaped, and it leaves
the server running when its owner dies.
"""

import asyncio
import ctypes
import fcntl
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import asyncpg
import psutil
import structlog

from app.postgres_home import (
    PostgresError,
    account_for,
    binaries_for,
    prepare,
    private_folder,
    socket_dir_for,
)

__all__ = ["EmbeddedPostgres", "PostgresError", "running_postgres"]

DATABASE = "ordergraph"
USER = "ordergraph"

ATTEMPTS = 30
"""After a kill -9 of the postmaster its backends need a moment to let go of the shared memory; until then
every start is refused. With the pauses below that makes about ten seconds of patience."""
LONGEST_PAUSE_SECONDS = 0.5
START_SECONDS = 120.0
"""Crash recovery replays what the last checkpoint had not: minutes at worst."""
STOP_SECONDS = 15.0
WATCH_SECONDS = 0.25
LARGEST_LOG_BYTES = 10_000_000

SERVER_OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "log_checkpoints": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
THROWAWAY_OPTIONS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}
"""For tests: a crash of the machine may lose everything, and everything is several times quicker."""

ENVIRONMENT = {"LC_ALL": "C", "PATH": os.defpath}
"""The server sees none of ours: PGDATA and its like would change what it does."""

log = structlog.get_logger("postgres")


@dataclass(frozen=True, slots=True)
class Postmaster:
    """What a server says of itself in its data: who it is, where its socket lies, whether it takes connections."""

    pid: int
    socket_dir: Path
    ready: bool

    @classmethod
    def of(cls, data_dir: Path) -> Self | None:
        """The server that last wrote `postmaster.pid` in `data_dir`; it may be dead."""
        try:
            lines = (data_dir / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return None
        if len(lines) < 5 or not lines[0].strip().isdigit():
            return None
        ready = len(lines) >= 8 and lines[7].strip() == "ready"
        return cls(int(lines[0]), Path(lines[4]), ready)

    def is_alive_at(self, data_dir: Path) -> bool:
        """Whether that very server runs: not a zombie, not another program that was given its number."""
        try:
            process = psutil.Process(self.pid)
            return process.status() != psutil.STATUS_ZOMBIE and _works_in(process, data_dir)
        except psutil.NoSuchProcess:
            return False


def _works_in(process: psutil.Process, data_dir: Path) -> bool:
    try:
        return process.name().startswith("postgres") and Path(process.cwd()).samefile(data_dir)
    except psutil.AccessDenied:
        return True  # someone else's; PostgreSQL itself will say if it is in the way


class EmbeddedPostgres:
    """One PostgreSQL on one folder, for as long as the `async with` block runs."""

    def __init__(self, data_dir: Path, *, durable: bool = True) -> None:
        self.data_dir = data_dir.absolute()
        self.durable = durable
        self.account = account_for(self.data_dir)
        self._child: subprocess.Popen[bytes] | None = None
        self._socket_dir: Path | None = None
        self._watch: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Where to connect, in the form that asyncpg takes."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """The same for another database of this server."""
        assert self._socket_dir is not None, "not started"
        return f"postgresql://{USER}@/{database}?host={quote(str(self._socket_dir))}"

    @property
    def pid(self) -> int | None:
        """The server's process, whoever started it."""
        postmaster = Postmaster.of(self.data_dir)
        return postmaster.pid if postmaster else None

    @property
    def is_ours(self) -> bool:
        """Whether this process started the server (else it is attached to another's)."""
        return self._child is not None

    async def __aenter__(self) -> Self:
        """Start the server, or attach to the one that runs."""
        try:
            await self.ensure_running()
        except BaseException:
            await self._stop()
            raise
        self._watch = asyncio.create_task(self._keep_running(), name="postgres supervisor")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop what we started."""
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch
        await self._stop()

    async def ensure_running(self) -> None:
        """Attach to a living server on our data, or start one. Safe to call at any time, by many processes."""
        prepare(self.data_dir, self.account)
        async with _locked(self.data_dir.with_name(self.data_dir.name + ".lock")):
            for _ in range(ATTEMPTS):
                if not await self._attach():
                    await self._create_if_missing()
                    await self._start()
                if await self._answers():
                    return
                await asyncio.sleep(LONGEST_PAUSE_SECONDS)  # it was about to stop: see what it leaves
        raise PostgresError(f"PostgreSQL runs on {self.data_dir}, but does not answer; see {self._log_path}")

    # ── Attaching ──

    async def _attach(self) -> bool:
        """Whether a server runs on our data; if so, wait until it takes connections."""
        deadline = _now() + START_SECONDS
        while (postmaster := Postmaster.of(self.data_dir)) and postmaster.is_alive_at(self.data_dir):
            if postmaster.ready:
                self._socket_dir = postmaster.socket_dir
                return True
            if _now() > deadline:
                raise PostgresError(f"Process {postmaster.pid} holds {self.data_dir}, but takes no connections.")
            await asyncio.sleep(0.05)
        return False

    # ── Starting ──

    async def _create_if_missing(self) -> None:
        """Make the cluster beside its place and move it in whole: a killed initdb leaves nothing half done."""
        if (self.data_dir / "PG_VERSION").exists():
            return
        draft = self.data_dir.with_name(self.data_dir.name + ".new")
        await asyncio.to_thread(shutil.rmtree, draft, ignore_errors=True)
        private_folder(draft, self.account)
        await asyncio.to_thread(self._initdb, draft)
        if self.data_dir.exists():
            self.data_dir.rmdir()  # empty: anything else was refused
        draft.rename(self.data_dir)

    def _initdb(self, folder: Path) -> None:
        options = ["--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--encoding=UTF8"]
        options += [f"--username={USER}", "--auth=trust", "--no-instructions", *([] if self.durable else ["--no-sync"])]
        done = subprocess.run(  # noqa: S603 - our own binary, our own arguments
            [binaries_for(self.account) / "initdb", *options, "-D", folder],
            **self._identity(),
            check=False,
            capture_output=True,
            cwd="/",
            env=ENVIRONMENT,
        )
        if done.returncode:
            raise PostgresError(f"initdb failed:\n{done.stderr.decode(errors='replace').strip()}")

    async def _start(self) -> None:
        self._forget_dead_server()
        self._tidy_socket_dir()
        self._socket_dir = socket_dir_for(self.data_dir, self.account)
        mark = self._log_size()
        for attempt in range(1, ATTEMPTS + 1):
            mark = self._log_size()
            self._child = self._spawn()
            if await self._becomes_ready():
                return
            await asyncio.sleep(min(LONGEST_PAUSE_SECONDS, 0.05 * attempt))
            if not self._may_pass(mark):
                break
        self._child = None
        raise PostgresError(f"PostgreSQL does not start on {self.data_dir}:\n{self._log_since(mark)}")

    def _forget_dead_server(self) -> None:
        """Drop the pid file and the socket's lock of a server known dead.

        PostgreSQL would take a zombie that nobody reaps, or a program that got the old number, for itself and
        refuse for ever. It still refuses by itself while old backends hold the shared memory.
        """
        if dead := Postmaster.of(self.data_dir):
            socket_lock = dead.socket_dir / ".s.PGSQL.5432.lock"
            if socket_lock.exists() and socket_lock.read_text().split("\n", 1)[0] == str(dead.pid):
                socket_lock.unlink()
            (self.data_dir / "postmaster.pid").unlink(missing_ok=True)

    def _spawn(self) -> "subprocess.Popen[bytes]":
        """Run `postgres` as our child. Called on the main thread: the death signal follows the thread that forks."""
        options = SERVER_OPTIONS | ({} if self.durable else THROWAWAY_OPTIONS)
        options["unix_socket_directories"] = f'"{self._socket_dir}"'
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        self._shorten_log()
        with open(self._log_path, "ab", opener=_privately) as output:
            return subprocess.Popen(  # noqa: S603 - our own binary, our own arguments
                [binaries_for(self.account) / "postgres", "-D", self.data_dir, *arguments],
                **self._identity(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env=ENVIRONMENT,
                start_new_session=True,  # Ctrl-C in the terminal is ours to pass on, in our order
                preexec_fn=die_with_parent(os.getpid()),  # noqa: PLW1509 - one system call, no lock taken
            )

    def _identity(self) -> dict[str, Any]:
        """How to become the account; empty when we are it."""
        if not self.account.is_other:
            return {}
        return {"user": self.account.uid, "group": self.account.gid, "extra_groups": []}

    async def _becomes_ready(self) -> bool:
        """Wait for our child to say so in its pid file. A probe by connecting once found somebody else's server."""
        assert self._child is not None
        deadline = _now() + START_SECONDS
        while self._child.poll() is None:
            postmaster = Postmaster.of(self.data_dir)
            if postmaster and postmaster.pid == self._child.pid and postmaster.ready:
                return True
            if _now() > deadline:
                await self._stop()
                raise PostgresError(f"PostgreSQL took longer than {START_SECONDS:.0f} s to start; see {self._log_path}")
            await asyncio.sleep(0.01)
        return False

    def _may_pass(self, mark: int) -> bool:
        """Whether the refusal logged since `mark` is one that goes away by itself."""
        text = self._log_since(mark)
        return any(sign in text for sign in ("shared memory block", "lock file", "Address already in use"))

    async def _answers(self) -> bool:
        try:
            await self._create_database()
        except (OSError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError):
            return False
        return True

    async def _create_database(self) -> None:
        """Make ours where only initdb's exist."""
        connection = await asyncpg.connect(self.url_of("postgres"))
        try:
            if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", DATABASE):
                await connection.execute(f"CREATE DATABASE {DATABASE}")
        finally:
            await connection.close()

    # ── Watching ──

    async def _keep_running(self) -> None:
        """Bring the server back whenever it goes; clients see refused connections until then."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            if self._is_running():
                continue
            log.warning("postgres is gone, starting it again", data_dir=str(self.data_dir))
            try:
                await self.ensure_running()
                log.info("postgres is back", pid=self.pid)
            except (PostgresError, OSError, asyncpg.PostgresError) as error:
                log.error("postgres does not come back, trying again", reason=str(error))  # noqa: TRY400 - no bug of ours

    def _is_running(self) -> bool:
        if self._child is not None:
            return self._child.poll() is None
        postmaster = Postmaster.of(self.data_dir)
        return postmaster is not None and postmaster.is_alive_at(self.data_dir)

    # ── Stopping ──

    async def _stop(self) -> None:
        """End our child: politely, then firmly. Another process's server is left alone."""
        child, self._child = self._child, None
        if child is not None:
            for signal_, patience in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
                if await _ends(child, signal_, patience):
                    break
        self._tidy_socket_dir()

    def _tidy_socket_dir(self) -> None:
        """Remove the folder made for the socket. It is not empty, and stays, while another server uses it."""
        if self._socket_dir is not None and self._socket_dir != self.data_dir:
            with suppress(OSError):
                self._socket_dir.rmdir()

    # ── The server's log ──

    @property
    def _log_path(self) -> Path:
        return self.data_dir.with_name(self.data_dir.name + ".log")

    def _log_size(self) -> int:
        return self._log_path.stat().st_size if self._log_path.exists() else 0

    def _log_since(self, mark: int) -> str:
        with self._log_path.open("rb") as file:
            file.seek(mark)
            return file.read(4000).decode(errors="replace").strip()

    def _shorten_log(self) -> None:
        if self._log_size() > LARGEST_LOG_BYTES:
            self._log_path.replace(self._log_path.with_suffix(".log.old"))


@contextmanager
def running_postgres(data_dir: Path, *, durable: bool = True) -> Iterator[EmbeddedPostgres]:
    """The same for callers without an event loop. The server is not watched meanwhile."""
    server = EmbeddedPostgres(data_dir, durable=durable)
    with asyncio.Runner() as runner:
        runner.run(server.__aenter__())
        try:
            yield server
        finally:
            runner.run(server.__aexit__())


async def _ends(child: "subprocess.Popen[bytes]", how: signal.Signals, patience_seconds: float) -> bool:
    child.send_signal(how)
    deadline = _now() + patience_seconds
    while child.poll() is None:
        if _now() > deadline:
            return False
        await asyncio.sleep(0.01)
    return True


@asynccontextmanager
async def _locked(path: Path) -> AsyncIterator[None]:
    """Hold the lock file at `path` without blocking the loop: one process at a time starts a server."""
    with path.open("a") as file:
        while not _try_lock(file.fileno()):  # noqa: ASYNC110 - another process's lock rings no bell
            await asyncio.sleep(0.02)
        yield


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def die_with_parent(parent: int) -> Callable[[], None] | None:
    """What the child does before it becomes `postgres`: ask the kernel for a signal when we die, however we die.

    Only Linux has it. Elsewhere a killed owner leaves the server running, and the next start attaches to it.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl

    def ask_for_death_signal() -> None:
        prctl(1, signal.SIGINT)  # PR_SET_PDEATHSIG; SIGINT is PostgreSQL's fast shutdown
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return ask_for_death_signal


def _privately(path: str, flags: int) -> int:
    """Open a file that only we may read: the log quotes statements that failed."""
    return os.open(path, flags, 0o600)


def _now() -> float:
    return asyncio.get_running_loop().time()
