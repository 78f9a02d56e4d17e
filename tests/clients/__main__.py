"""`make clients`: audits, linters, code generators and clients that others wrote, against a running server.

One line per check and a count at the end; the exit code is 1 where one failed. A name runs what it begins:
`python -m tests.clients apollo relay`.
"""

import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE, STDOUT

from tests.clients.server import demo_shop
from tests.contract import definitions

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
MADE = HERE / "made"
NODE = HERE / "node_modules" / ".bin"
PYTHON = HERE / ".venv" / "bin"
SECONDS = 120


@dataclass(frozen=True, slots=True)
class Check:
    """A command: it tells of each of its checks by a line, `ok NAME` or `FAIL NAME: why`, or else is one check itself."""

    name: str
    command: tuple[str | Path, ...]
    folder: Path = HERE


CHECKS = (
    Check("graphql-http", ("node", "audits.js")),
    Check("graphql-schema-linter", (NODE / "graphql-schema-linter", "-c", "lint", ROOT / "schema" / "schema.graphql")),
    Check(
        "@graphql-eslint",
        (
            *(NODE / "eslint", "-c", HERE / "lint" / "eslint.config.js"),
            *("--suppressions-location", HERE / "lint" / "suppressions.json", "schema/schema.graphql"),
        ),
        ROOT,
    ),
    Check("relay-compiler", (NODE / "relay-compiler",)),
    Check("relay-compiler: types of what it made", (NODE / "tsc", "-p", "relay/tsconfig.json")),
    Check("relay-runtime", ("node", "relay/checks.mjs")),
    Check("graphql-codegen", (NODE / "graphql-codegen", "--config", "codegen/codegen.yml")),
    Check("graphql-codegen: types of what it made", (NODE / "tsc", "-p", "codegen/tsconfig.json")),
    Check("Apollo Client", ("node", "apollo/checks.js")),
    Check("subscriptions", ("node", "live/checks.js")),
    Check("ariadne-codegen", (PYTHON / "ariadne-codegen", "--config", "ariadne/pyproject.toml")),
    Check("ariadne client", (PYTHON / "python", "ariadne/checks.py")),
)


def main(wanted: list[str]) -> int:
    """Run all, or those whose names begin with one of `wanted`."""
    checks = [each for each in CHECKS if not wanted or each.name.startswith(tuple(wanted))]
    _empty()
    began, held = time.monotonic(), []
    with demo_shop() as environment:
        for check in checks:
            held += run(check, environment | {"PYTHONPATH": str(MADE)})
    print(f"\nIn {time.monotonic() - began:.0f} s:\n{sum(held)} passed, {len(held) - sum(held)} failed")
    return 0 if held and all(held) else 1


def _empty() -> None:
    """Make everything anew: Relay's folder, which it wants to be there, and the contract as it is sent today."""
    shutil.rmtree(MADE, ignore_errors=True)
    (MADE / "relay").mkdir(parents=True)
    (MADE / "package.json").write_text('{ "type": "commonjs" }\n')
    (MADE / "contract.graphql").write_text("\n\n".join(text for text, _ in definitions().values()))


def run(check: Check, environment: dict[str, str]) -> list[bool]:
    """Whether each of its checks held. What a command said is shown where its lines don't say what went wrong."""
    well, said = outcome(check, environment)
    lines = [line.split(maxsplit=1) for line in said.splitlines() if line.startswith(("ok ", "FAIL "))]
    told = [(mark == "ok", f"{check.name}: {name}") for mark, name in lines] or [(well, check.name)]
    if not well and all(held for held, _ in told):
        told.append((False, f"{check.name}: ended before it was done"))
    for held, name in told:
        print(f"{'ok  ' if held else 'FAIL'} {name}", flush=True)
    if len(told) > len(lines) and not well:
        print(said)
    return [held for held, _ in told]


def outcome(check: Check, environment: dict[str, str]) -> tuple[bool, str]:
    """Whether the command ended well, and what it said."""
    try:
        done = subprocess.run(
            check.command,
            check=False,
            cwd=check.folder,
            env=environment,
            stdout=PIPE,
            stderr=STDOUT,
            text=True,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        said = error.stdout.decode() if isinstance(error.stdout, bytes) else error.stdout
        return False, f"{said or ''}\nIt took longer than {SECONDS} seconds."
    return done.returncode == 0, done.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
