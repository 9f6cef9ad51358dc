"""Escaping of cells, so that no spreadsheet runs them as formulas."""

import re

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_INVISIBLE_START = re.compile(
    r"[\s\x00-\x20\x7f-\xa0\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0]+"
)
"""Characters that are invisible, and that a spreadsheet may drop before it looks for a formula."""
_PLAIN_NUMBER = re.compile(r"[+-]?[0-9][0-9,]*(?:\.[0-9]*)?%?")


def _looks_like_formula(value: str) -> bool:
    """Return whether a spreadsheet may run *value*: its start, or the text behind its invisible characters."""
    invisible = _INVISIBLE_START.match(value)
    rest = value[invisible.end() :] if invisible else value
    return value.startswith(_FORMULA_STARTS) or rest.startswith((*_FORMULA_STARTS, "'"))


def escape_cell(value: str) -> str:
    """Return *value* so that no spreadsheet runs it: with an apostrophe before text that looks like a formula.

    Plain numbers stay as they are. `+1 (727) 555-0142` is not one, because a spreadsheet would calculate it.
    `unescape_cell` removes exactly the apostrophe that was added.
    """
    if value.startswith("'") or (_looks_like_formula(value) and not _PLAIN_NUMBER.fullmatch(value)):
        return "'" + value
    return value


def unescape_cell(value: str) -> str:
    """Return the value before `escape_cell`, so that a corrected list of rejects is read as if it was never escaped."""
    if value.startswith("'") and (value[1:2] == "'" or _looks_like_formula(value[1:])):
        return value[1:]
    return value
