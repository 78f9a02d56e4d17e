"""How what people say is compared with what is stored: names, phone numbers and postal codes, in SQL and in Python.

Each SQL expression here is an index's (`domain.store.tables`); the function beside it does the same to what is asked.
No PostgreSQL extension is needed. Texts stand in the statement as they are, because an index is only used for the
very expression that it was made of.
"""

import re
import string
import unicodedata
from typing import Any

from sqlalchemy import ColumnElement, TextClause, func, literal_column

Text = ColumnElement[Any] | TextClause

WHOLE_LETTERS = "øØłŁđĐħĦı", "oOlLdDhHi"
"""Letters that Unicode does not take apart, and what people type for them."""

BETWEEN_WORDS = string.punctuation + "‘’“”–—·・"

FOLDED = str.maketrans(WHOLE_LETTERS[0] + BETWEEN_WORDS, WHOLE_LETTERS[1] + " " * len(BETWEEN_WORDS))
MARKS = "[\\u0300-\\u036f]"
"""Combining accents; the regular expressions of PostgreSQL and of Python read this alike."""

PREFIX_BYTES = 3
"""A shorter word has to be whole: half of all names begin with any given letter or two. One ideograph has three."""

PHONE_DIGITS = 7
"""The digits of a phone number that everybody says, with or without the codes before them."""

POSTAL_CODE = re.compile(r"(?=.*[0-9])[0-9A-Za-z\s-]{3,12}", re.ASCII)
PHONE = re.compile(r"[0-9\s+()./-]+", re.ASCII)


def _sql(text: str) -> ColumnElement[str]:
    return literal_column("'" + text.replace("'", "''") + "'")


# -- names -------------------------------------------------------------------------------------------------------------


def words_of(name: Text) -> ColumnElement[Any]:
    """A name's words without accents and punctuation; the dictionary `simple` writes them small."""
    letters = _sql("".join(map(chr, FOLDED))), _sql("".join(map(chr, FOLDED.values())))
    folded = func.translate(func.normalize(name, literal_column("NFKD")), *letters)
    return func.to_tsvector(_sql("simple"), func.regexp_replace(folded, _sql(MARKS), _sql(""), _sql("g")))


def words_asked(said: str) -> str | None:
    """What is said as a text search: every word, or the beginning of one, in any order; None where it is no name."""
    if "@" in said or not any(map(str.isalpha, said)):
        return None
    folded = re.sub(MARKS, "", unicodedata.normalize("NFKD", said).translate(FOLDED))
    return " & ".join(_word(word) for word in folded.split()) or None


def _word(word: str) -> str:
    return f"'{word}':*" if len(word.encode()) >= PREFIX_BYTES else f"'{word}'"


# -- phone numbers -----------------------------------------------------------------------------------------------------


def digits_of(phone: Text) -> ColumnElement[str]:
    """All digits of a phone number, zeros before it aside: they are dialed from one place and not from another."""
    return func.ltrim(_only(phone, "0-9"), _sql("0"))


def last_digits_of(phone: Text) -> ColumnElement[str]:
    """What of a phone number is looked up; whether the rest agrees is compared then."""
    return func.right(_only(phone, "0-9"), literal_column(str(PHONE_DIGITS)))


def digits_asked(said: str) -> str | None:
    """The digits of a phone number that was said; None where it is none."""
    digits = re.sub("[^0-9]", "", said).lstrip("0")
    return digits if PHONE.fullmatch(said) and len(digits) >= PHONE_DIGITS else None


# -- postal codes ------------------------------------------------------------------------------------------------------


def letters_and_digits_of(postal_code: Text) -> ColumnElement[str]:
    """A postal code without what countries put between its parts."""
    return func.upper(_only(postal_code, "0-9A-Za-z"))


def postal_code_asked(said: str) -> str | None:
    """A postal code that was said; None where it is none."""
    said = said.removeprefix("〒").strip()
    return re.sub("[^0-9A-Z]", "", said.upper()) if POSTAL_CODE.fullmatch(said) else None


def _only(text: Text, kept: str) -> ColumnElement[str]:
    return func.regexp_replace(text, _sql(f"[^{kept}]"), _sql(""), _sql("g"))
