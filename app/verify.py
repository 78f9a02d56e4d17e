"""`ordergraph verify`: asks the database whether everything holds, and tells a person what does not."""

import asyncpg
from rich.table import Table

from app.database import DatabaseError, connected, running_database
from app.failure import Failure
from app.migrate import current_revision, newest_revision
from app.settings import Settings
from app.terminal import out, progress_bar
from domain.store.verify import INVARIANTS, Violation, verify
from resolvers.database import GONE


class InvariantsBroken(Failure):
    """The database contradicts the design; the message names each invariant that does not hold."""


async def run(settings: Settings) -> None:
    """Print that all invariants hold, or what contradicts them and raise `InvariantsBroken`."""
    violations = await find_violations(settings)
    if not violations:
        out.print(f"{len(INVARIANTS)} invariants hold.")
        return
    out.print(table_of(violations))
    names = ", ".join(violation.invariant.name for violation in violations)
    raise InvariantsBroken(f"{len(violations)} of {len(INVARIANTS)} invariants do not hold: {names}")


async def find_violations(settings: Settings) -> list[Violation]:
    """Every invariant that does not hold, with a bar while it looks."""
    async with running_database(settings) as url, connected(url) as connection:
        await refuse_another_shape(connection)
        try:
            with progress_bar() as report:
                return await verify(connection, report)
        except GONE as error:
            raise DatabaseError(f"the database went away: {str(error) or type(error).__name__}") from error


async def refuse_another_shape(connection: asyncpg.Connection) -> None:
    """What is looked for is not there in a database of another release."""
    current, wanted = await current_revision(connection), newest_revision()
    if current != wanted:
        at = f"at step {current}" if current else "empty"
        raise DatabaseError(f"the database is {at}, this release verifies step {wanted}: run `ordergraph migrate`")


def table_of(violations: list[Violation]) -> Table:
    """What contradicts each invariant, the first of many."""
    table = Table("Invariant", "Subject", "Expected", "Found", show_lines=False)
    for violation in violations:
        table.add_section()
        table.add_row(f"[bold red]{violation.invariant.name}[/]", violation.invariant.sentence)
        for offender in violation.offenders:
            table.add_row("", f"{offender.subject} {offender.id}", offender.expected, offender.found)
        if more := violation.count - len(violation.offenders):
            table.add_row("", f"… and {more} more")
    return table
