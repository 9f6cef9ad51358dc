"""Templates of automatic answers: versioned texts in English and Spanish, filled in for one answer.

Each has the sender's postal address and an opt-out (15 U.S.C. 7704(a)(5)), and says that it was written automatically (Cal.
Bus. & Prof. Code 17941). The texts are in `answer_texts.yaml`.
"""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

from common.yaml_text import load_yaml_text

Language = Literal["en", "es"]
LANGUAGES: tuple[Language, ...] = ("en", "es")
BLANKS = frozenset({"broker_name", "consent_link", "opt_out_link", "postal_address", "reference"})
"""Values that a text may name as `{{name}}`."""
REQUIRED_BLANKS = frozenset({"opt_out_link", "postal_address", "reference"})

_BLANK = re.compile(r"\{\{(\w+)\}\}")
_LINK = re.compile(r'<a href="([^"]*)">([^<]*)</a>')


class UnknownTemplateError(LookupError):
    """Name or version that no template has."""


@dataclass(frozen=True, slots=True)
class AnswerTemplate:
    """One version of the text of an answer, in every language."""

    name: str
    version: int
    bodies: Mapping[Language, str]


@dataclass(frozen=True, slots=True)
class AnswerBody:
    """Both parts of an answer, with the same words."""

    text: str = field(repr=False)
    html: str = field(repr=False)


def find_template(name: str, version: int) -> AnswerTemplate:
    """Return a version of a template. Raises UnknownTemplateError."""
    try:
        return _load_templates()[name][version]
    except KeyError as error:
        raise UnknownTemplateError(f"there is no version {version} of the template {name}") from error


def has_template(name: str, version: int) -> bool:
    """Return whether this version of a template exists."""
    return version in _load_templates().get(name, {})


def latest_version(name: str) -> int:
    """Return the newest version of the template *name*. Raises UnknownTemplateError."""
    versions = _load_templates().get(name)
    if versions is None:
        raise UnknownTemplateError(f"there is no template {name}")
    return max(versions)


def list_templates() -> list[AnswerTemplate]:
    """Return every version of every template."""
    return [template for versions in _load_templates().values() for template in versions.values()]


def list_answer_bodies(postal_address: str | None) -> list[str]:
    """Return the bodies of all answers that can have been sent, as `OwnSentences.of` takes them.

    Other blanks stay. The postal address is filled in: a sentence of blanks alone would not be recognised.
    """
    filled = postal_address or ""
    return [
        body.replace("{{postal_address}}", filled) for template in list_templates() for body in template.bodies.values()
    ]


def fill_template(template: AnswerTemplate, language: Language, values: Mapping[str, str]) -> AnswerBody:
    """Return the text with *values*, as plain text and as HTML. Raises KeyError for a blank without a value.

    Values are escaped in HTML. In plain text a link follows its words.
    """
    body = template.bodies[language].strip()
    plain = _LINK.sub(lambda link: f"{link[2].rstrip('.')}: {link[1]}", body)
    escaped = {name: html.escape(value) for name, value in values.items()}
    return AnswerBody(
        text=_BLANK.sub(lambda blank: values[blank[1]], plain),
        html=_BLANK.sub(lambda blank: escaped[blank[1]], body).replace("\n", "<br/>"),
    )


@cache
def _load_templates() -> Mapping[str, Mapping[int, AnswerTemplate]]:
    content = load_yaml_text(Path(__file__).with_name("answer_texts.yaml").read_text(encoding="utf-8"))
    return {
        name: {int(entry["version"]): _read_template(name, entry) for entry in entries}
        for name, entries in content.items()
    }


def _read_template(name: str, entry: Mapping[str, str]) -> AnswerTemplate:
    bodies: dict[Language, str] = {language: entry[language] for language in LANGUAGES}
    for language, body in bodies.items():
        blanks = set(_BLANK.findall(body))
        if not REQUIRED_BLANKS <= blanks <= BLANKS:
            raise ValueError(f"{name} {entry['version']} {language}: wrong blanks, {sorted(blanks ^ REQUIRED_BLANKS)}")
    return AnswerTemplate(name, int(entry["version"]), bodies)
