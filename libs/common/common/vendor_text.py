"""Texts on their way to a vendor: one line, without what a template, an email or a page takes for more than text.

Whatever a file calls a person or a street, a vendor gets it as text. Every text of a lead that is sent to a vendor goes through
`plain_text`, in one place for each vendor (ADR 26).
"""

import re
import unicodedata

MAX_TEXT_LENGTH = 200
"""Characters of one value: an email has to hold it, whatever a file says."""

_SYNTAX = frozenset("<>{}|\uff1c\uff1e\uff5b\uff5d\uff5c\ufe64\ufe65\ufe5b\ufe5c")
_MARKUP = _SYNTAX | frozenset("[]\\^`~$%*=\u2039\u203a\uff05\uff04\uff3b\uff3d\uff0a")
"""Characters of HTML, of templates (`{{x}}`, `{% %}`, `${x}`, `%x%`, `*|X|*`, `[[x]]`) and of spintax (`{a|b}`).

Their full-width forms count: a vendor that normalises text makes the others of them.
"""
_ENTITY = re.compile(r"&(?=#|\w+;)")
"""The start of an HTML entity: `&lt;` would come out as what was taken away."""
_TOP_LEVEL = "com|net|org|info|biz|io|co|us|me|ru|cn|xyz|top|link|click|site|online|shop|app|dev|ly|gl|gov|edu"
_LINK = re.compile(
    rf"\S*://\S*|\bwww\.\S*|\S*@\S*|\b(?:mailto|javascript|data|tel):\S*|\b[\w-]+(?:\.[\w-]+)*\.(?:{_TOP_LEVEL})\b(?:/\S*)?",
    re.IGNORECASE,
)


def has_markup(text: str) -> bool:
    """Return whether *text* holds what only markup and templates are written with."""
    return not _SYNTAX.isdisjoint(text) or bool(_ENTITY.search(text))


def has_link(text: str) -> bool:
    """Return whether *text* holds an address of the web or of email: mail programs make links of both."""
    return bool(_LINK.search(text))


def plain_text(text: str | None, *, links: bool = False) -> str | None:
    """Return *text* in one line of at most MAX_TEXT_LENGTH characters without markup and, unless *links*, without links.

    None where nothing is left. Characters are taken away and never refused: one odd cell must not cost a lead its emails.
    """
    if text is None:
        return None
    shown = "".join(map(_shown, unicodedata.normalize("NFC", text)))
    if not links:
        shown = _LINK.sub(" ", shown)
    while _ENTITY.search(shown):
        shown = _ENTITY.sub(" ", shown)
    return " ".join(shown.split())[:MAX_TEXT_LENGTH].rstrip() or None


def _shown(character: str) -> str:
    if (
        character in _MARKUP
        or not character.isprintable()
        or unicodedata.category(character) in ("So", "Cs", "Co", "Cn")
    ):
        return " "
    return character
