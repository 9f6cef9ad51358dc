"""Version of the text to which people consent: its elements in English and Spanish, and the rules of each (docs/consent.md). Pure."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson
import yaml

from common.yaml_text import load_yaml_text

Language = Literal["en", "es"]
LANGUAGES: tuple[Language, ...] = ("en", "es")
MAX_ELEMENT_CHARACTERS = 2_000
PLACEHOLDERS = ("seller", "number", "button")
COVERS = ("calls", "texts")
_PLACEHOLDER = re.compile(r"\{\{([^{}]*)\}\}")


@dataclass(frozen=True, slots=True)
class Requirement:
    """Content that an element must have: a phrase for the report, and a pattern for each language."""

    meaning: str
    patterns: Mapping[Language, re.Pattern[str]]

    def is_met_by(self, text: str, language: Language) -> bool:
        """Return whether *text* has it."""
        return bool(self.patterns[language].search(text))


def _require(meaning: str, en: str, es: str) -> Requirement:
    return Requirement(meaning, {"en": re.compile(en, re.IGNORECASE), "es": re.compile(es, re.IGNORECASE)})


_SELLER = _require("the placeholder {{seller}}", r"\{\{seller\}\}", r"\{\{seller\}\}")
_CALLS = _require("that the seller may call", r"\bcalls?\b", r"\bllam")
_TEXTS = _require("that the seller may send text messages", r"\btext messages?\b", r"\bmensajes? de texto\b")

ELEMENTS: dict[str, tuple[Requirement, ...]] = {
    "seller": (_SELLER, _CALLS),
    "number": (_require("the placeholder {{number}}", r"\{\{number\}\}", r"\{\{number\}\}"),),
    "voice": (
        _require("that a voice may be artificial", r"\bartificial\b", r"\bartificial(es)?\b"),
        _require("that a voice may be prerecorded", r"\bpre-?recorded\b", r"\bpregrabad[ao]s?\b"),
    ),
    "not_a_condition": (
        _require(
            "that consent is not a condition",
            r"\b(condition|required|have to|must not|need not)\b",
            r"\b(condición|obligad|obligatori|requisito)",
        ),
        _require("of a purchase", r"\b(buy|buying|purchase)\b", r"\b(comprar?|compras)\b"),
    ),
    "signature": (
        _require("that the button signs: the placeholder {{button}}", r"\{\{button\}\}", r"\{\{button\}\}"),
        _require("that this is an electronic signature", r"\belectronic signature\b", r"\bfirma electrónica\b"),
    ),
    "recording": (_require("that calls may be recorded", r"\brecord(ed|ing|s)?\b", r"\bgraba"),),
    "withdrawal": (
        _require("how to withdraw", r"\b(withdraw|revoke)\b", r"\b(retir|revoc)"),
        _require("at any time", r"\bany time\b", r"\bcualquier momento\b"),
    ),
}  # fmt: skip
"""Elements in the order of the page. 47 CFR 64.1200(f)(9) asks for the first five; the others are ours and of state laws."""


class InvalidTextError(ValueError):
    """A text that may not be published. *faults* name the element, its language and the reason."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = list(faults)


@dataclass(frozen=True, slots=True)
class ConsentText:
    """Elements of one text by language, and what a person who signs it agrees to."""

    covers: tuple[str, ...]
    elements: Mapping[Language, Mapping[str, str]]

    def to_json(self) -> str:
        """Return the canonical form, which is stored and hashed. Equal texts have equal forms."""
        document: dict[str, object] = {"covers": self.covers, **{name: dict(self.elements[name]) for name in LANGUAGES}}
        return orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode()

    def fill_in(self, language: Language, values: Mapping[str, str]) -> list[str]:
        """Return the paragraphs in the order of the page, with the placeholders replaced by *values*."""
        paragraphs = self.elements[language]
        return [_PLACEHOLDER.sub(lambda match: values[match[1]], paragraphs[name]) for name in ELEMENTS]


def hash_text(text: str) -> bytes:
    """Return the hash of a stored text, as the proof of a signature carries it."""
    return hashlib.sha256(text.encode()).digest()


def read_text_file(content: str) -> ConsentText:
    """Return the text in the YAML *content*. Raises InvalidTextError with all faults."""
    try:
        document = load_yaml_text(content)
    except (yaml.YAMLError, ValueError, AttributeError, RecursionError) as error:
        raise InvalidTextError([f"the file is no YAML: {type(error).__name__}"]) from error
    return check_text(document)


def read_stored_text(text: str) -> ConsentText | None:
    """Return the text of a row of `app.consent_texts`; None for one that today's rules do not allow."""
    try:
        return check_text(orjson.loads(text))
    except (orjson.JSONDecodeError, InvalidTextError):
        return None


def check_text(document: Any) -> ConsentText:
    """Return the text that *document* describes. Raises InvalidTextError with all faults."""
    if not isinstance(document, dict):
        raise InvalidTextError([f"the file needs the keys covers, {', '.join(LANGUAGES)}"])
    faults = [f"unknown key {key!r}" for key in document if key not in ("covers", *LANGUAGES)]
    covers = document.get("covers")
    if covers not in (["calls"], ["calls", "texts"], ["texts", "calls"]):
        faults.append("covers: it is [calls] or [calls, texts]")
        covers = []
    for language in LANGUAGES:
        faults += _check_language(document.get(language), language, covers)
    if faults:
        raise InvalidTextError(faults)
    elements = {
        language: {name: " ".join(document[language][name].split()) for name in ELEMENTS} for language in LANGUAGES
    }
    return ConsentText(tuple(name for name in COVERS if name in covers), elements)


def _check_language(paragraphs: Any, language: Language, covers: Sequence[str]) -> list[str]:
    if not isinstance(paragraphs, dict):
        return [f"{language}: the language is missing"]
    faults = [f"{language}.{name}: there is no such element" for name in paragraphs if name not in ELEMENTS]
    for name, requirements in ELEMENTS.items():
        text = paragraphs.get(name)
        if not isinstance(text, str) or not text.strip():
            faults.append(f"{language}.{name}: the element is missing")
            continue
        wanted = (*requirements, _TEXTS) if name == "seller" and "texts" in covers else requirements
        faults += [
            f"{language}.{name}: {problem}" for problem in _check_element(" ".join(text.split()), language, wanted)
        ]
    return faults


def _check_element(text: str, language: Language, requirements: Sequence[Requirement]) -> list[str]:
    problems = [f"it does not say {one.meaning}" for one in requirements if not one.is_met_by(text, language)]
    unknown = {match[1] for match in _PLACEHOLDER.finditer(text)} - set(PLACEHOLDERS)
    problems += [f"unknown placeholder {{{{{name}}}}}" for name in sorted(unknown)]
    rest = _PLACEHOLDER.sub("", text)
    if "{{" in rest or "}}" in rest:
        problems.append("a placeholder is not closed")
    if len(text) > MAX_ELEMENT_CHARACTERS:
        problems.append(f"it has more than {MAX_ELEMENT_CHARACTERS:,} characters")
    if not text.isprintable():
        problems.append("it has characters that cannot be printed")
    return problems
