"""What a newcomer reads when the server has started: the address, a token for each kind of user, what to try."""

import shlex
import sys
from collections.abc import Iterator

from app.database import connected
from app.settings import Settings
from app.sign_in import Request, token_for
from app.terminal import out
from domain.store.sign_in import Examples, examples
from domain.viewer import Role, Scope

TTL_SECONDS = 30 * 24 * 3600

FIRST_STEPS = """\
[bold]Try first[/]
  1. Open the address in a browser: it is GraphiQL, with a first query ready.
  2. Put a token under "Headers": {{"Authorization": "Bearer <token>"}}
  3. Run NewestOrders as agent, then WhoAmI as each of the others.
  From a terminal:
    curl {address} -H 'Content-Type: application/json' \\
      -H "Authorization: Bearer $({command} token --role agent)" \\
      -d '{{"query": "{{ orders(first: 3) {{ edges {{ node {{ number status }} }} }} }}"}}'
"""


async def welcome(settings: Settings, port: int) -> None:
    """Print it. In production only the address: tokens are not for logs."""
    address = f"http://{_public(settings.host)}:{port}/graphql"
    out.print(f"\n[bold green]Ordergraph is ready:[/] {address}\n")
    if settings.development:
        await _print_tokens(settings)
        out.print(FIRST_STEPS.format(address=address, command=_command()), highlight=False)
        out.print("Ctrl-C stops everything.")


def _command() -> str:
    """How this command was called: it need not be on the PATH."""
    return shlex.quote(sys.argv[0])


def _public(host: str) -> str:
    """What to type for `host`."""
    if host in {"127.0.0.1", "0.0.0.0", "::", "::1"}:  # noqa: S104 - compared, not bound
        return "localhost"
    return f"[{host}]" if ":" in host else host


async def _print_tokens(settings: Settings) -> None:
    out.print(f"[bold]Tokens[/] (good for 30 days; `{_command()} token` makes others)")
    async with connected(settings.database_url or "") as connection:
        for label, request in _requests(await examples(connection)):
            token = await token_for(request, connection, settings.secret, TTL_SECONDS)
            out.print(f"  [bold]{label}[/]")
            out.print(f"  {token}\n", markup=False)


def _requests(found: Examples) -> Iterator[tuple[str, Request]]:
    """One request for each kind of user that the data has an example of."""
    yield "agent (call centre)", Request(Role.AGENT)
    yield "operations", Request(Role.OPERATIONS)
    if found.store:
        yield f"store {found.store}", Request(Role.STORE, locations=(found.store,))
    if found.warehouse:
        yield f"warehouse {found.warehouse}", Request(Role.WAREHOUSE, locations=(found.warehouse,))
    if found.customer_email:
        yield f"customer {found.customer_email}", Request(Role.CUSTOMER, email=found.customer_email)
    if found.order_number:
        yield f"guest of order {found.order_number}", Request(Role.GUEST, order=found.order_number)
    if found.channel:
        yield f"shopper in channel {found.channel}", Request(Role.SHOPPER, channels=(found.channel,))
    scopes = frozenset({Scope.ORDERS_READ, Scope.EVENTS_READ})
    yield "app (orders:read, events:read)", Request(Role.APP, name="demo", scopes=scopes)
