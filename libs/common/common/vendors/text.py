"""Plain text for vendors: one line without characters that a template, an email or a page would interpret.

A file may give any text as the name of a person or a street. Every text of a lead that is sent to a vendor passes
`plain_text`, in one place for each vendor (ADR 26).
"""

import re
import unicodedata

MAX_TEXT_LENGTH = 200
"""Most characters of one value, so that it fits into an email."""

_SYNTAX = frozenset("<>{}|\uff1c\uff1e\uff5b\uff5d\uff5c\ufe64\ufe65\ufe5b\ufe5c")
_MARKUP = _SYNTAX | frozenset("[]\\^`~$%*=\u2039\u203a\uff05\uff04\uff3b\uff3d\uff0a")
"""Characters of HTML, of templates (`{{x}}`, `{% %}`, `${x}`, `%x%`, `*|X|*`, `[[x]]`) and of spintax (`{a|b}`).

Their full-width forms count too: a vendor that normalises text turns them into these characters.
"""
_ENTITY = re.compile(r"&(?=#|\w+;)")
"""Start of an HTML entity: `&lt;` would become a removed character again."""
_TOP_LEVEL = "com|net|org|info|biz|io|co|us|me|ru|cn|xyz|top|link|click|site|online|shop|app|dev|ly|gl|gov|edu"
_LINK = re.compile(
    rf"\S*://\S*|\bwww\.\S*|\S*@\S*|\b(?:mailto|javascript|data|tel):\S*|\b[\w-]+(?:\.[\w-]+)*\.(?:{_TOP_LEVEL})\b(?:/\S*)?",
    re.IGNORECASE,
)


def has_markup(text: str) -> bool:
    """Return whether *text* holds characters that only markup and templates use."""
    return not _SYNTAX.isdisjoint(text) or bool(_ENTITY.search(text))


def has_link(text: str) -> bool:
    """Return whether *text* holds a web or email address. Mail programs turn both into links."""
    return bool(_LINK.search(text))


def plain_text(text: str | None, *, links: bool = False) -> str | None:
    """Return *text* in one line of at most MAX_TEXT_LENGTH characters without markup and, unless *links*, without links.

    None if no character remains. Characters are removed and never refused: one odd cell must not stop a lead's emails.
    """
    if text is None:
        return None
    plain = "".join(map(_plain_character, unicodedata.normalize("NFC", text)))
    if not links:
        plain = _LINK.sub(" ", plain)
    while _ENTITY.search(plain):
        plain = _ENTITY.sub(" ", plain)
    return " ".join(plain.split())[:MAX_TEXT_LENGTH].rstrip() or None


def _plain_character(character: str) -> str:
    if (
        character in _MARKUP
        or not character.isprintable()
        or unicodedata.category(character) in ("So", "Cs", "Co", "Cn")
    ):
        return " "
    return character
