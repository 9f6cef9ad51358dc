"""Blanks in the texts of campaigns: which there are, who fills them, and what stands in them for leads without a value."""

import re
from collections.abc import Iterable
from string import Template

from common.vendor_text import plain_text

OURS = frozenset({"persona_name", "persona_role", "opening", "closing", "postal_address"})
"""Blanks that are filled when the file is read."""

THEIRS = frozenset(
    {"firstName", "lastName", "lead_id", "consent_link", "opt_out_link", "property_address", "property_city",
     "property_state", "est_value", "est_equity", "broker_name", "persona_name"}
)  # fmt: skip
"""Blanks that Instantly fills: its own fields, and the custom variables that the feeder sends."""

MAY_BE_EMPTY = frozenset({"firstName", "lastName", "property_address", "property_city", "property_state", "est_value",
                          "est_equity"})  # fmt: skip
"""Blanks of THEIRS that have no value for some leads, and so may have a fallback."""

_FILLED = frozenset("{{" + name + "}}" for name in THEIRS)
_SELDOM_THERE = frozenset({"lastName", "est_value", "est_equity"})
_NAMED = re.compile(r"\{\{(\w+)\}\}")
_WITH_FALLBACK = re.compile(r"\{\{(\w+)\s*\|([^{}|]*)\}\}")
_BRACES = re.compile(r"\{\{[^{}]*\}{0,2}|\}\}|(?<!\$)\{\w+\}")
"""What is a blank of Instantly's, or was meant as one."""

_LONGEST_FALLBACK = 60


def read_blanks(text: str, ours: frozenset[str] = frozenset()) -> frozenset[str]:
    """Return those of *ours* that *text* leaves blank. Raises ValueError for a blank that has no value."""
    template = Template(text)
    if not template.is_valid():
        raise ValueError("a dollar sign is written $$")
    named = frozenset(template.get_identifiers())
    plain = without_fallbacks(text)
    nobodys = {f"${name}" for name in named - ours} | {found[:40] for found in _BRACES.findall(plain)} - _FILLED
    if nobodys:
        raise ValueError(f"nobody fills {', '.join(sorted(nobodys))}")
    return named


def fallback(text: str) -> str:
    """Check the text of a fallback: it becomes a value, and values hold no markup. Raises ValueError."""
    if not text.strip() or plain_text(text) != " ".join(text.split()) or len(text) > _LONGEST_FALLBACK:
        raise ValueError(f"{text[:40]!r} is no fallback: up to {_LONGEST_FALLBACK} characters of plain text")
    return " ".join(text.split())


def fallbacks_in(texts: Iterable[str]) -> dict[str, str]:
    """Return the fallbacks that *texts* give, by blank. Raises ValueError for two of one blank, and where none may be."""
    found: dict[str, str] = {}
    for name, written in (match for one in texts for match in _WITH_FALLBACK.findall(one)):
        if name not in MAY_BE_EMPTY:
            raise ValueError(f"{{{{{name}}}}} takes no fallback: {', '.join(sorted(MAY_BE_EMPTY))} do")
        text = fallback(written)
        if found.setdefault(name, text) != text:
            raise ValueError(f"{{{{{name}}}}} has two fallbacks, {found[name]!r} and {text!r}: a campaign has one")
    return found


def without_fallbacks(text: str) -> str:
    """Return *text* with its blanks as Instantly takes them: `{{firstName|there}}` becomes `{{firstName}}`."""
    return _WITH_FALLBACK.sub(r"{{\1}}", text)


def used_without_fallback(texts: Iterable[str]) -> set[str]:
    """Return the blanks in *texts* that many leads have no value for and that have no fallback."""
    texts = list(texts)
    return set(_NAMED.findall(" ".join(texts))) & _SELDOM_THERE - fallbacks_in(texts).keys()
