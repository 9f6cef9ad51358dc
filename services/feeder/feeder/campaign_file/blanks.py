"""Blanks in the texts of campaigns, and the fallbacks that fill them for leads without a value."""

import re
from collections.abc import Iterable
from string import Template

from common.vendors.text import plain_text

FILE_BLANKS = frozenset({"persona_name", "persona_role", "opening", "closing", "postal_address"})
"""Blanks that are filled when the file is read."""

LEAD_BLANKS = frozenset(
    {"firstName", "lastName", "lead_id", "consent_link", "opt_out_link", "property_address", "property_city",
     "property_state", "est_value", "est_equity", "broker_name", "persona_name"}
)  # fmt: skip
"""Blanks that Instantly fills: its own fields, and the custom variables that the feeder sends."""

OPTIONAL_LEAD_BLANKS = frozenset({"firstName", "lastName", "property_address", "property_city", "property_state",
                                  "est_value", "est_equity"})  # fmt: skip
"""Blanks of LEAD_BLANKS that have no value for some leads, and so may have a fallback."""

_OFTEN_EMPTY_BLANKS = frozenset({"lastName", "est_value", "est_equity"})
_WRITTEN_LEAD_BLANKS = frozenset("{{" + name + "}}" for name in LEAD_BLANKS)
_LEAD_BLANK = re.compile(r"\{\{(\w+)\}\}")
_BLANK_WITH_FALLBACK = re.compile(r"\{\{(\w+)\s*\|([^{}|]*)\}\}")
_BRACES = re.compile(r"\{\{[^{}]*\}{0,2}|\}\}|(?<!\$)\{\w+\}")
"""A blank of Instantly, or text that was meant as one."""

_MAX_FALLBACK_CHARACTERS = 60


def read_file_blanks(text: str, allowed: frozenset[str] = frozenset()) -> frozenset[str]:
    """Return the names of the `$name` blanks in *text*. Raises ValueError for a blank of either kind without a value."""
    template = Template(text)
    if not template.is_valid():
        raise ValueError("a dollar sign is written $$")
    named = frozenset(template.get_identifiers())
    braces = set(_BRACES.findall(remove_fallbacks(text)))
    unknown = {f"${name}" for name in named - allowed} | {found[:40] for found in braces - _WRITTEN_LEAD_BLANKS}
    if unknown:
        raise ValueError(f"no value fills {', '.join(sorted(unknown))}")
    return named


def check_fallback(text: str) -> str:
    """Return the text of a fallback. It becomes a value, and values hold no markup. Raises ValueError."""
    if not text.strip() or plain_text(text) != " ".join(text.split()) or len(text) > _MAX_FALLBACK_CHARACTERS:
        raise ValueError(f"{text[:40]!r} is no fallback: up to {_MAX_FALLBACK_CHARACTERS} characters of plain text")
    return " ".join(text.split())


def find_fallbacks(texts: Iterable[str]) -> dict[str, str]:
    """Return the fallbacks in *texts*, by blank.

    Raises ValueError for two fallbacks of one blank, and for a fallback of a blank that takes none.
    """
    found: dict[str, str] = {}
    for name, written in (match for text in texts for match in _BLANK_WITH_FALLBACK.findall(text)):
        if name not in OPTIONAL_LEAD_BLANKS:
            raise ValueError(f"{{{{{name}}}}} takes no fallback: {', '.join(sorted(OPTIONAL_LEAD_BLANKS))} do")
        fallback = check_fallback(written)
        if found.setdefault(name, fallback) != fallback:
            raise ValueError(f"{{{{{name}}}}} has two fallbacks, {found[name]!r} and {fallback!r}: a campaign has one")
    return found


def remove_fallbacks(text: str) -> str:
    """Return *text* with its blanks as Instantly takes them: `{{firstName|there}}` becomes `{{firstName}}`."""
    return _BLANK_WITH_FALLBACK.sub(r"{{\1}}", text)


def find_often_empty_blanks(texts: Iterable[str]) -> set[str]:
    """Return the blanks in *texts* that have no value for many leads, and no fallback."""
    texts = list(texts)
    return set(_LEAD_BLANK.findall(" ".join(texts))) & _OFTEN_EMPTY_BLANKS - find_fallbacks(texts).keys()
