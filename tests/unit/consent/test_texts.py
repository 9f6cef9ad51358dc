"""Texts of the consent form: the shipped one, and each way in which a text may not be published."""

from importlib.resources import files
from typing import Any

import pytest
import yaml

from consent.texts import ELEMENTS, LANGUAGES, InvalidTextError, check_text, read_stored_text, read_text_file

SHIPPED = files("consent").joinpath("consent_text.yaml").read_text(encoding="utf-8")


def changed(path: str, value: Any) -> list[str]:
    """Return the faults of the shipped text with one value changed, or removed by None."""
    document = yaml.safe_load(SHIPPED)
    *parents, name = path.split(".")
    place = document[parents[0]] if parents else document
    if value is None:
        del place[name]
    else:
        place[name] = value
    with pytest.raises(InvalidTextError) as raised:
        check_text(document)
    return raised.value.faults


def test_the_shipped_text_may_be_published_and_reads_back_equal() -> None:
    text = read_text_file(SHIPPED)
    assert text.covers == ("calls", "texts")
    assert read_stored_text(text.to_json()) == text


def test_a_text_names_the_seller_the_number_and_the_button() -> None:
    values = {"seller": "Palmetto, LLC", "number": "the number", "button": "I sign"}
    for language in LANGUAGES:
        words = " ".join(read_text_file(SHIPPED).fill_in(language, values))
        assert all(value in words for value in values.values())
        assert "{{" not in words


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("element", list(ELEMENTS))
def test_a_missing_element_is_named(language: str, element: str) -> None:
    assert changed(f"{language}.{element}", None) == [f"{language}.{element}: the element is missing"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("element", list(ELEMENTS))
def test_an_element_that_says_nothing_of_its_subject_is_named_with_every_reason(language: str, element: str) -> None:
    faults = changed(f"{language}.{element}", "The weather is fine.")
    assert all(fault.startswith(f"{language}.{element}: it does not say ") for fault in faults)
    assert len(faults) >= len(ELEMENTS[element])


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        ("covers", ["texts"], "covers: it is [calls] or [calls, texts]"),
        ("covers", ["calls", "visits"], "covers: it is [calls] or [calls, texts]"),
        ("covers", [["calls"]], "covers: it is [calls] or [calls, texts]"),
        ("covers", "calls", "covers: it is [calls] or [calls, texts]"),
        ("es", None, "es: the language is missing"),
        ("fr", {}, "unknown key 'fr'"),
        ("en.weather", "fine", "en.weather: there is no such element"),
        ("en.recording", "Calls are recorded by {{recorder}}.", "en.recording: unknown placeholder {{recorder}}"),
        ("en.recording", "Calls are recorded {{seller.", "en.recording: a placeholder is not closed"),
        ("en.recording", "Calls are recorded. " * 200, "en.recording: it has more than 2,000 characters"),
        ("en.recording", "Calls are recorded.\x00", "en.recording: it has characters that cannot be printed"),
        ("en.seller", "{{seller}} may call me.", "en.seller: it does not say that the seller may send text messages"),
    ],
)
def test_each_other_fault_is_named(path: str, value: Any, fault: str) -> None:
    assert fault in changed(path, value)


@pytest.mark.parametrize("content", ["", "x", "- a", "a: [", "a: 1\na: 2", "!!python/object:x {}"])
def test_a_file_that_is_no_text_is_refused(content: str) -> None:
    with pytest.raises(InvalidTextError):
        read_text_file(content)


def test_a_stored_text_of_an_earlier_kind_is_not_offered() -> None:
    assert read_stored_text("I agree.") is None
