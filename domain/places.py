"""Places: where a postal code is, as far as past orders tell."""

PREFIXES = (2, 3, 4, 5)
"""How many of a code's first characters are looked at, besides all of them: areas of some 100 km down to some streets."""


def normal(postal_code: str) -> str:
    """A postal code without what people write differently."""
    return "".join(each for each in postal_code.upper() if each.isalnum())[:12]


def prefixes(postal_code: str) -> list[str]:
    """The areas that a postal code lies in, the narrowest first."""
    code = normal(postal_code)
    return [code, *(code[:size] for size in reversed(PREFIXES) if size < len(code))] if len(code) > 1 else []
