"""`ordergraph archive`: whole months of the log go to files, and then out of the database.

A month's file is written, read back, and only then is the month let go. Broken off anywhere, the command is run again:
what is on disk and sound is not written anew, and what is half taken out is finished.
"""

import asyncio
import gzip
import hashlib
import io
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import orjson

from app.database import connected, running_database
from app.failure import Failure
from app.migrate import current_revision, newest_revision
from app.settings import Settings
from app.terminal import err, out
from domain.store import archive as store
from domain.store.archive import Contents, Partition
from domain.store.log import Place
from domain.store.months import Month

PAUSE_SECONDS = 0.1
FORMAT = 1


class ArchiveError(Failure):
    """A month cannot be taken out; the message says why. Those before it were."""


@dataclass(frozen=True, slots=True)
class Files:
    """A month's two files: its events, one to a line, and what is to be known of them."""

    folder: Path
    name: str

    @property
    def events(self) -> Path:
        """The events, as gzip JSON lines."""
        return self.folder / f"{self.name}.jsonl.gz"

    @property
    def manifest(self) -> Path:
        """How many there are, from where to where, and the checksum."""
        return self.folder / f"{self.name}.json"


async def run(settings: Settings, before: Month, folder: Path) -> None:
    """Take out every month before one."""
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - nobody else waits on this loop
    async with running_database(settings) as url, connected(url) as connection:
        await _refuse_another_shape(connection)
        if not await store.lock(connection):
            raise ArchiveError("another process is archiving; try again when it has ended")
        taken = 0
        for partition in await store.partitions(connection):
            if partition.month is None or partition.month < before:
                await take_out(connection, partition, before, folder)
                taken += 1
    out.print(f"{taken} partitions archived to {folder}." if taken else "Nothing lies before that month.")


async def take_out(connection: asyncpg.Connection, partition: Partition, before: Month, folder: Path) -> None:
    """One month: refuse, write, read back, let go."""
    contents = await store.contents(connection, partition)
    await _refuse(connection, partition, contents, before)

    files = Files(folder, partition.name)
    if not files.manifest.exists():
        await write(connection, partition, contents, files)
    read_back(files, contents)

    xid = await store.raise_floor(connection, contents)
    await _wait_for_older_snapshots(connection, xid)
    await store.drop(connection, partition)
    err.print(f"{partition.name}: {contents.events} events")


async def _wait_for_older_snapshots(connection: asyncpg.Connection, xid: int) -> None:
    if await store.has_older_snapshot(connection, xid):
        err.print("Waiting for transactions that began before …")
    while await store.has_older_snapshot(connection, xid):  # noqa: ASYNC110 - the database has no event to wait for
        await asyncio.sleep(PAUSE_SECONDS)


async def _refuse_another_shape(connection: asyncpg.Connection) -> None:
    if (current := await current_revision(connection)) != (wanted := newest_revision()):
        raise ArchiveError(f"the database is at step {current}, this release archives step {wanted}")


async def _refuse(connection: asyncpg.Connection, partition: Partition, contents: Contents, before: Month) -> None:
    name = partition.name
    if not await store.is_closed(connection, partition):
        raise ArchiveError(f"{name} is still written to: a worker begins the month after it")
    if contents.unstamped:
        raise ArchiveError(f"{name} holds {contents.unstamped} events without a place: let a server or a worker run")
    if contents.last_recorded_at is not None:
        latest = Month(contents.last_recorded_at.year, contents.last_recorded_at.month)
        if latest >= before:
            raise ArchiveError(f"{name} holds events as late as {latest}: archive before {latest.next}, or later")
    if contents.last is not None and (behind := await store.relays_behind(connection, contents.last)):
        raise ArchiveError(f"{name} holds events that were not passed on yet by: {', '.join(behind)}")


# -- files ---------------------------------------------------------------------------------------------------------------


async def write(connection: asyncpg.Connection, partition: Partition, contents: Contents, files: Files) -> None:
    """The events, and when they are on the disk the manifest: where there is a manifest, the events are whole."""
    with _durable(files.events) as raw:
        await _write_lines(store.rows(connection, partition), raw)
    told = {"format": FORMAT, "table": partition.name, **_as_json(contents), "sha256": _checksum(files.events)}
    with _durable(files.manifest) as raw:
        raw.write(orjson.dumps(told, option=orjson.OPT_INDENT_2) + b"\n")


async def _write_lines(lines: AsyncIterator[str], raw: io.BufferedWriter) -> None:
    with gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as file:
        async for line in lines:
            file.write(line.encode() + b"\n")


@contextmanager
def _durable(path: Path) -> Iterator[io.BufferedWriter]:
    """A file that appears under its name when all of it is on the disk."""
    draft = path.with_name(f"{path.name}.part")
    with draft.open("wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_back(files: Files, contents: Contents) -> None:
    """Refuse what is on disk unless it is what the partition holds, whole and readable."""
    try:
        told = orjson.loads(files.manifest.read_bytes())
        found = _lines_of(files.events)
        is_whole = told["sha256"] == _checksum(files.events)
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise ArchiveError(f"{files.manifest} cannot be read back: {error}") from error
    if not is_whole:
        raise ArchiveError(f"{files.events} is not as it was written: its checksum is another. Move it away.")
    expected = _as_json(contents)
    if {name: told.get(name) for name in expected} != expected or found != (contents.events, contents.last_id):
        raise ArchiveError(f"{files.manifest} tells of other events than this database's. Choose another folder.")


def _lines_of(path: Path) -> tuple[int, int | None]:
    """How many events a file holds, and the last one's id."""
    number, last = 0, b""
    with gzip.open(path) as lines:
        for line in lines:
            number, last = number + 1, line
    return number, orjson.loads(last)["id"] if last else None


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _as_json(contents: Contents) -> dict[str, Any]:
    """What a manifest says of a partition, as it is read back."""
    return orjson.loads(orjson.dumps(contents, default=Place._asdict))  # type: ignore[no-any-return]
