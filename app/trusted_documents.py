"""The manifest of trusted documents: what a client's build wrote, read and checked before the server starts.

Understood are Apollo's manifest (`{"format": "apollo-persisted-query-manifest", "version": 1, "operations": [{"id",
"name", "body"}]}`) and what Relay's compiler and GraphQL Code Generator write: one object from each id to its document.
"""

from pathlib import Path
from typing import Any

import orjson
from graphql import GraphQLError, OperationDefinitionNode, parse

from app.failure import Failure
from app.settings import Settings
from resolvers.documents import Documents, RequestError
from resolvers.trusted import Texts

APOLLO = "apollo-persisted-query-manifest"


class ManifestError(Failure):
    """The manifest cannot be used; the message names what is wrong with which document."""


async def texts_of(settings: Settings, documents: Documents) -> Texts:
    """What the settings say is trusted, every document of it checked; `ManifestError` when one would not run."""
    if settings.trusted_documents is None:
        return Texts()
    manifest = read_manifest(settings.trusted_documents)
    broken = [f"{id_}: {error}" for id_, text in manifest.items() for error in await _errors(documents, text)]
    if broken:
        raise ManifestError("\n".join([f"{settings.trusted_documents} holds documents that cannot run:", *broken]))
    return Texts(manifest, trusted_only=settings.trusted_documents_only)


def read_manifest(path: Path) -> dict[str, str]:
    """The documents of a manifest by their ids."""
    try:
        given = orjson.loads(path.read_bytes())
    except OSError as error:
        raise ManifestError(f"{path} cannot be read: {error.strerror}") from None
    except orjson.JSONDecodeError as error:
        raise ManifestError(f"{path} is not JSON: {error}") from None
    found = _documents(given)
    if not all(isinstance(id_, str) and isinstance(text, str) for id_, text in found.items()):
        raise ManifestError(f"{path} is no manifest: it maps no ids to documents")
    return found


def _documents(given: Any) -> dict[Any, Any]:
    if isinstance(given, dict) and given.get("format") == APOLLO and isinstance(given.get("operations"), list):
        return dict(_operation(each) for each in given["operations"])
    return given if isinstance(given, dict) else {None: None}


def _operation(given: Any) -> tuple[Any, Any]:
    return (given.get("id"), given.get("body")) if isinstance(given, dict) else (None, None)


async def _errors(documents: Documents, text: str) -> list[str]:
    """What is wrong with a document, by the names of its operations."""
    found = []
    for name in _operation_names(text):
        try:
            await documents.get(text, name)
        except RequestError as error:
            found.append(f"{name or 'unnamed'}: {error.errors[0].message}")
    return found


def _operation_names(text: str) -> list[str | None]:
    try:
        definitions = parse(text, no_location=True).definitions
    except GraphQLError:
        return [None]
    named = [
        each.name.value if each.name else None for each in definitions if isinstance(each, OperationDefinitionNode)
    ]
    return named or [None]
