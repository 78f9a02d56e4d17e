"""What a newcomer reads when the server has started: the address, a token for each kind of user, what to try."""

import shlex
import sys
from collections.abc import Iterator
from typing import NamedTuple

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
  3. Paste one of these. Ids in an answer open what it names: {{ node(id: "...") {{ __typename id }} }}
"""

FROM_A_TERMINAL = """\
  From a terminal:
    curl {address} -H 'Content-Type: application/json' \\
      -H "Authorization: Bearer $({command} token --role agent)" \\
      -d '{{"query": "{{ orders(first: 3) {{ nodes {{ number status }} }} }}"}}'
"""

NOTHING_THERE = "The database is empty: `{command} demo` loads a shop to look around in.\n"


class Trial(NamedTuple):
    """An operation worth trying, and whose token it wants."""

    who: str
    what: str
    document: str


HELD = Trial(
    "agent",
    "the orders that something holds up, and what may be done about it",
    """\
{ orders(first: 5, filter: { onHold: true }) {
    nodes { number status paymentStatus holds { kind reason } availableActions } } }""",
)
BUY = Trial(
    "shopper",
    "place an order (send it twice: it is done once)",
    """\
mutation { orderPlace(input: {
    idempotencyKey: "my-first-order", channel: "CHANNEL", lines: [{ sku: "SKU", quantity: 2 }]
    customer: { email: "you@example.com", firstName: "You" }
    shippingAddress: { line1: "Rua do Sol 1", city: "São Paulo", country: BR, latitude: -23.55, longitude: -46.63 }
    paymentMethod: { provider: "test", token: "tok_visa" } }) {
  order { id number status paymentStatus total { amount currency } }
  guestAccess { accessToken } userErrors { code message field } } }""",
)
MINE = Trial(
    "customer",
    "where my orders are, and what I may do with them",
    """\
{ viewer { customer { displayName orders(first: 5) { nodes {
    number status total { amount currency } availableActions
    shipments { status carrier trackingEvents { code message occurredAt } } } } } } }""",
)
WORK = Trial(
    "warehouse",
    "what was given to us to do, the most urgent first",
    """\
{ fulfillmentOrders(first: 5, filter: { status: [OPEN] }) { nodes {
    id status dueAt order { number } lines { sku name quantity } availableActions } } }""",
)
TRIALS = (HELD, BUY, MINE, WORK)


async def welcome(settings: Settings, port: int) -> None:
    """Print it. In production only the address: tokens are not for logs."""
    address = f"http://{_public(settings.host)}:{port}/graphql"
    out.print(f"\n[bold green]Ordergraph is ready:[/] {address}\n")
    if not settings.development:
        return
    async with connected(settings.database_url or "") as connection:
        found = await examples(connection)
        out.print(f"[bold]Tokens[/] (good for 30 days; `{_command()} token` makes others)")
        for label, request in requests(found):
            token = await token_for(request, connection, settings.secret, TTL_SECONDS)
            out.print(f"  [bold]{label}[/]")
            out.print(f"  {token}\n", markup=False)
    _print_steps(found, address)
    out.print("Ctrl-C stops everything.")


def _print_steps(found: Examples, address: str) -> None:
    if not found.sku:
        out.print(NOTHING_THERE.format(command=_command()), markup=False)
        return
    out.print(FIRST_STEPS.format(), highlight=False)
    for trial in TRIALS:
        out.print(f"  [bold]{trial.who}:[/] {trial.what}")
        document = filled(trial, found).replace("\n", "\n    ")
        out.print(f"    {document}\n", markup=False)
    out.print(FROM_A_TERMINAL.format(address=address, command=_command()), markup=False)


def filled(trial: Trial, found: Examples) -> str:
    """The document with what the database has in it."""
    return trial.document.replace('"CHANNEL"', f'"{found.channel}"').replace('"SKU"', f'"{found.sku}"')


def _command() -> str:
    """How this command was called: it need not be on the PATH."""
    return shlex.quote(sys.argv[0])


def _public(host: str) -> str:
    """What to type for `host`."""
    if host in {"127.0.0.1", "0.0.0.0", "::", "::1"}:  # noqa: S104 - compared, not bound
        return "localhost"
    return f"[{host}]" if ":" in host else host


def requests(found: Examples) -> Iterator[tuple[str, Request]]:
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
