"""`ordergraph …`: each command here is thin; what it does stands in the module that it names.

Exit codes: 0 done, 1 refused or failed (standard error says why), 2 wrong usage.
"""

import asyncio
import re
import sys
from collections.abc import Coroutine
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from app import logs
from app.database import connected, running_database
from app.failure import Failure
from app.settings import Settings, read_settings
from app.sign_in import Request, needs_database, refuse_misfits, token_for
from app.terminal import complain, out
from domain.messages import LOCALE, MessageKind, MessageMedium
from domain.viewer import Role, Scope

cli = typer.Typer(
    help="Ordergraph: one GraphQL API in front of everything an order touches.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
TTL = re.compile(r"(\d{1,6})([smhd])")
DAY = "%Y-%m-%d"
UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@cli.command()
def serve(
    *,
    with_demo: Annotated[bool, typer.Option("--with-demo", help="Fill an empty database with demo data.")] = False,
    with_worker: Annotated[
        bool, typer.Option("--with-worker", help="Also do what `worker` does; WITH_WORKER.")
    ] = False,
    host: Annotated[str | None, typer.Option(help="Address to listen on; HOST, else 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; PORT, else 8000.", min=0, max=65535)] = None,
) -> None:
    """Start everything: database, schema, API.

    Without DATABASE_URL the embedded PostgreSQL is started too. Ctrl-C stops all of it.
    """
    from app.demo import fill  # noqa: PLC0415 - other commands need no HTTP server
    from app.serve import serve as run_server  # noqa: PLC0415 - the same

    given = {"host": host, "port": port, "with_worker": with_worker or None}
    chosen = {name: value for name, value in given.items() if value is not None}
    settings = _settings().model_copy(update=chosen)
    _run(run_server(settings, fill if with_demo else None))


@cli.command()
def worker() -> None:
    """Do what waits to be done outside of requests: deliveries, messages, what falls due. As many as you like.

    Works on DATABASE_URL, or beside a `serve` of yours on the embedded PostgreSQL.
    """
    from app.worker import run  # noqa: PLC0415 - other commands need none of it

    _run(run(_settings()))


@cli.command()
def demo() -> None:
    """Load the demo: a shop with goods, customers and orders in every state.

    The database must be empty; a load that was broken off is finished.
    """
    from app.demo import run  # noqa: PLC0415 - other commands need none of it

    _run(run(_settings()))


@cli.command()
def migrate() -> None:
    """Bring the database to the shape that this release expects."""
    _run(_migrate(_settings()))


@cli.command()
def token(
    *,
    role: Annotated[Role, typer.Option(help="Whom the token is for.", case_sensitive=False)],
    channel: Annotated[list[str] | None, typer.Option(help="Code of a shopper's channel; repeatable.")] = None,
    location: Annotated[list[str] | None, typer.Option(help="Code of a store or warehouse; repeatable.")] = None,
    email: Annotated[str | None, typer.Option(help="A customer's e-mail address.")] = None,
    order: Annotated[str | None, typer.Option(help="Number of a guest's order.")] = None,
    scope: Annotated[list[str] | None, typer.Option(help="What an app may do, or others beside; repeatable.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the person or app.")] = None,
    ttl: Annotated[str, typer.Option(help="How long it is good: 90s, 30m, 12h, 30d.")] = "30d",
) -> None:
    """Print a signed token, and nothing else.

    ordergraph token --role agent

    ordergraph token --role store --location CODE

    ordergraph token --role customer --email ADDRESS
    """
    request = Request(
        role=role,
        name=name,
        channels=tuple(channel or ()),
        locations=tuple(location or ()),
        email=email,
        order=order,
        scopes=_scopes(scope or []),
    )
    print(_run(_token(_settings(), request, _seconds(ttl))))  # noqa: T201 - the one answer, bare


@cli.command()
def verify(
    *,
    repair_plan: Annotated[
        bool, typer.Option("--repair-plan", help="Show where stock records drifted apart, and what would mend them.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The repair plan as JSON.")] = False,
    apply: Annotated[
        str | None,
        typer.Option(metavar="REASON", help="Write the repair plan's entries, with this reason in the ledger."),
    ] = None,
) -> None:
    """Check every invariant over the whole database.

    Exit code 1, and the name of each that does not hold, when one does not. Nothing is changed, unless --apply says why.
    """
    from app import repair_plan as planning  # noqa: PLC0415 - other commands need none of it
    from app import verify as verifying  # noqa: PLC0415 - as above

    if (as_json or apply is not None) and not repair_plan:
        raise typer.BadParameter("is about a --repair-plan", param_hint="--json" if as_json else "--apply")
    if apply is not None and not apply.strip():
        raise typer.BadParameter("needs a reason", param_hint="--apply")
    _run(planning.run(_settings(), as_json=as_json, apply=apply) if repair_plan else verifying.run(_settings()))


@cli.command()
def archive(
    *,
    before: Annotated[str, typer.Option(metavar="YYYY-MM", help="The first month to stay.")],
    folder: Annotated[Path, typer.Option("--to", metavar="DIR", help="Where the files go; made if it is not there.")],
) -> None:
    """Take old months of the log out of the database, each to a file that is read back first.

    A cursor from before what is left is refused as CURSOR_EXPIRED. Can be stopped and run again.
    """
    from app.archive import run  # noqa: PLC0415 - other commands need none of it
    from domain.store.months import Month  # noqa: PLC0415 - as above

    month = Month.read(before)
    if month is None:
        raise typer.BadParameter(f"'{before}' is no month such as 2026-01", param_hint="--before")
    _run(run(_settings(), month, folder))


@cli.command()
def replay(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder with the recordings, as gzip CSVs.")],
    *,
    first: Annotated[datetime, typer.Option("--from", formats=[DAY], help="First day of purchase.")],
    end: Annotated[datetime, typer.Option("--to", formats=[DAY], help="The day after the last.")],
    url: Annotated[str | None, typer.Option(help="A server's /graphql; without it, one is started.")] = None,
    concurrency: Annotated[int, typer.Option(help="Orders in flight.", min=1, max=1000)] = 32,
    report: Annotated[Path | None, typer.Option(help="Also write the report here, as JSON.")] = None,
    disturb: Annotated[
        int | None, typer.Option(metavar="SEED", help="Let things go wrong as this seed has it, then verify.")
    ] = None,
) -> None:
    """Let recorded orders of a marketplace live again, through the API.

    Compares what the API then says with the recordings; exit code 1 when they do not agree. Can be stopped
    (Ctrl-C) and run again: nothing is done twice.

    With --disturb, work is declined, shelves are short or counted anew, goods are bought, moved, late and damaged; the
    orders that nothing happened to are compared, and every invariant is checked over the whole database.
    """
    from app.replay.recordings import Window  # noqa: PLC0415 - other commands need none of it
    from app.replay.run import Wish, run  # noqa: PLC0415 - as above

    if first >= end:
        raise typer.BadParameter("must be after --from", param_hint="--to")
    _run(run(_settings(), Wish(folder, Window(first.date(), end.date()), url, concurrency, report, disturb)))


messages = typer.Typer(no_args_is_help=True, help="See what customers are told, and try it.")
cli.add_typer(messages, name="message")

Kind = Annotated[MessageKind, typer.Argument(metavar="KIND", help="What is told.", case_sensitive=False)]
Number = Annotated[str, typer.Option("--order", help="Number of the order that it is about.")]
Language = Annotated[str | None, typer.Option("--locale", help="The language, such as pt-BR; the customer's if none.")]
Medium = Annotated[MessageMedium, typer.Option(help="Which way.", case_sensitive=False)]


@messages.command()
def preview(
    kind: Kind,
    *,
    order: Number,
    locale: Language = None,
    medium: Medium = MessageMedium.EMAIL,
    html: Annotated[bool, typer.Option("--html/--text", help="As HTML, or as plain text.")] = False,
) -> None:
    """Print a message about an order, as it would be sent now."""
    from app.messages import Wish, preview  # noqa: PLC0415 - other commands need none of it

    _run(preview(_settings(), Wish(kind, order, medium, _locale(locale)), html=html))


@messages.command()
def send(
    kind: Kind,
    *,
    order: Number,
    to: Annotated[str, typer.Option(help="The address to send it to.")],
    locale: Language = None,
    medium: Medium = MessageMedium.EMAIL,
) -> None:
    """Send a message about an order to an address of yours. It goes on no record."""
    from app.messages import Wish, send  # noqa: PLC0415 - other commands need none of it

    _run(send(_settings(), Wish(kind, order, medium, _locale(locale)), to))


promises = typer.Typer(no_args_is_help=True, help="See to the delivery promises that are made to buyers.")
cli.add_typer(promises, name="promise")


@promises.command()
def train(
    *, channel: Annotated[str | None, typer.Option(help="Code of the channel; all of them if none.")] = None
) -> None:
    """Learn anew from past deliveries how long parcels take. Workers do the same every night.

    Promises are made by it from the next order on.
    """
    from app.promises import run  # noqa: PLC0415 - other commands need none of it

    _run(run(_settings(), channel))


routing = typer.Typer(no_args_is_help=True, help="See to where orders ship from.")
cli.add_typer(routing, name="routing")


@routing.command()
def solve(
    *, channel: Annotated[str | None, typer.Option(help="Code of the channel; all of them if none.")] = None
) -> None:
    """Price scarce stock anew by what the orders of four weeks wanted. Workers do the same every night.

    Orders are routed by these prices from the next one on.
    """
    from app.routing import solve  # noqa: PLC0415 - other commands need none of it

    _run(solve(_settings(), channel))


@routing.command()
def wave(*, channel: Annotated[str, typer.Option(help="Code of the channel.")]) -> None:
    """Decide anew from where orders ship that nobody has accepted, with today's stock.

    Work moves only where that saves as much as the channel says.
    """
    from app.routing import send_wave  # noqa: PLC0415 - other commands need none of it

    _run(send_wave(_settings(), channel))


@cli.command()
def schema() -> None:
    """Print the GraphQL schema (SDL)."""
    from schema.build import build  # noqa: PLC0415 - building the graph takes a moment

    print(build().as_str())  # noqa: T201 - the one answer, bare


async def _migrate(settings: Settings) -> None:
    from app.migrate import newest_revision, upgrade  # noqa: PLC0415 - as above

    async with running_database(settings) as url:
        changed = await upgrade(url)
    out.print(f"{'Migrated to' if changed else 'Already at'} step {newest_revision()}.")


async def _token(settings: Settings, request: Request, ttl_seconds: int) -> str:
    refuse_misfits(request)
    if not needs_database(request):
        return await token_for(request, None, settings.secret, ttl_seconds)
    async with running_database(settings) as url, connected(url) as connection:
        return await token_for(request, connection, settings.secret, ttl_seconds)


def _scopes(names: list[str]) -> frozenset[Scope]:
    try:
        return frozenset(Scope(name) for name in names)
    except ValueError as error:
        known = ", ".join(scope.value for scope in Scope)
        raise typer.BadParameter(f"{error}; there are: {known}", param_hint="--scope") from None


def _locale(locale: str | None) -> str | None:
    if locale is not None and not LOCALE.fullmatch(locale):
        raise typer.BadParameter(f"'{locale}' is no language such as en or pt-BR", param_hint="--locale")
    return locale


def _seconds(ttl: str) -> int:
    found = TTL.fullmatch(ttl)
    if not found or not int(found[1]):
        raise typer.BadParameter(f"'{ttl}' is no duration such as 90s, 30m, 12h or 30d", param_hint="--ttl")
    return int(found[1]) * UNIT_SECONDS[found[2]]


def _settings() -> Settings:
    settings = read_settings()
    logs.configure(settings)
    return settings


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run `work` on the quickest loop there is."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(work)


def _loop_factory() -> Any:
    if sys.platform == "win32":
        return None
    import uvloop  # noqa: PLC0415 - not for Windows

    return uvloop.new_event_loop


def main() -> None:
    """Run the command; foreseen failures become one clear line and exit code 1."""
    try:
        cli()
    except Failure as error:
        complain(str(error))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
