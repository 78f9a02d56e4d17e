"""GraphiQL from our own origin: the page is ours, its scripts come from an installed package. No internet needed."""

import base64
import hashlib
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

PACKAGE = "graphene_django_graphiql_static"


@cache
def static_folder() -> Path:
    """Where the package keeps GraphiQL and React. It is found, not imported: its Python wants another framework."""
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError(f"{PACKAGE} is not installed: install what requirements.lock pins")
    return Path(next(iter(spec.submodule_search_locations))) / "static" / PACKAGE


async def page(_: Request) -> Response:
    """The page itself."""
    return HTMLResponse(_html(), headers=_headers())


@cache
def _html() -> str:
    return Path(__file__).with_suffix(".html").read_text(encoding="utf-8")


@cache
def _headers() -> dict[str, str]:
    """Only our own files and our own script may run, and nobody may frame the page."""
    policy = {
        "default-src": "'self'",
        "script-src": f"'self' '{_script_hash()}'",
        "style-src": "'self' 'unsafe-inline'",  # the editor styles its lines one by one
        "font-src": "'self' data:",
        "img-src": "'self' data:",
        "connect-src": "'self' ws: wss:",
        "frame-ancestors": "'none'",
    }
    text = "; ".join(f"{name} {value}" for name, value in policy.items())
    return {"Content-Security-Policy": text, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}


def _script_hash() -> str:
    found = re.search(r"<script>(.*?)</script>", _html(), re.DOTALL)
    script = found.group(1) if found else ""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
