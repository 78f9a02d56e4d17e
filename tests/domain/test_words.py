"""Every public vocabulary says what its words mean, and its values stay plain names."""

import copy
import pickle

import pytest

from domain import fulfillment, orders, payments, returns, shipments, stock
from domain.routing import model
from domain.words import Word

MODULES = (fulfillment, orders, payments, returns, shipments, stock, model)
WORDS = sorted(
    {
        vocabulary
        for module in MODULES
        for vocabulary in vars(module).values()
        if isinstance(vocabulary, type) and issubclass(vocabulary, Word) and vocabulary is not Word
    },
    key=lambda vocabulary: vocabulary.__name__,
)


@pytest.mark.parametrize("vocabulary", WORDS)
def test_a_words_value_is_its_name(vocabulary: type[Word]) -> None:
    assert [word.value for word in vocabulary] == [word.name for word in vocabulary]


@pytest.mark.parametrize("vocabulary", WORDS)
def test_a_description_is_a_sentence_that_adds_something_to_the_name(vocabulary: type[Word]) -> None:
    for word in vocabulary:
        assert word.description.endswith(".")
        assert word.description.rstrip(".").upper().replace(" ", "_") != word.name


@pytest.mark.parametrize("vocabulary", WORDS)
def test_a_vocabulary_says_what_it_is_about(vocabulary: type[Word]) -> None:
    assert vocabulary.__doc__
    assert vocabulary.__doc__ != Word.__doc__


def test_a_word_is_looked_up_by_its_value_and_travels_as_text() -> None:
    word = orders.OrderStatus("DRAFT")

    assert word is orders.OrderStatus.DRAFT
    assert f"{word}" == "DRAFT"
    assert word == "DRAFT"


def test_a_copy_of_a_word_is_the_word() -> None:
    assert copy.deepcopy(orders.OrderStatus.DRAFT) is orders.OrderStatus.DRAFT
    assert pickle.loads(pickle.dumps(orders.OrderStatus.DRAFT)) is orders.OrderStatus.DRAFT  # noqa: S301 (our own bytes)


def test_no_two_vocabularies_share_a_name() -> None:
    names = [vocabulary.__name__ for vocabulary in WORDS]

    assert len(set(names)) == len(names)
