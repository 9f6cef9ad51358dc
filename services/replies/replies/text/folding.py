"""Folding of text for comparison: invisible characters, look-alikes, accents, case and quote marks make no difference."""

import unicodedata

_LOOK_ALIKES = str.maketrans(
    "абвгдеєзіїјкмнопрстухѕԁԛԝһɡαβεικνορτυχօոʀꜱᴛᴏᴘᴜɴᴇʙᴄɪıøłđ\u2019\u2018\u02bc`\xb4\u201c\u201d\u201e",
    "a6brdee3iijkmhonpctyxsdqwhgabeikvoptuxonrstopunebciiold'''''\"\"\"",
)
"""Letters of other scripts that look like Latin ones, and forms of quote marks."""


def drop_invisible(text: str) -> str:
    """Return *text* without characters that readers cannot see: zero-width characters, direction marks, soft hyphens."""
    return "".join(character for character in text if unicodedata.category(character) not in ("Cf", "Cs", "Co"))


def fold(text: str) -> str:
    """Return *text* for comparison: without invisible characters and accents, in lower case, look-alikes as Latin letters.

    Lines stay lines. The result is never shown or sent to anyone.
    """
    compatible = unicodedata.normalize("NFKC", drop_invisible(text)).casefold()
    decomposed = unicodedata.normalize("NFD", compatible.translate(_LOOK_ALIKES))
    return "".join(character for character in decomposed if unicodedata.category(character) != "Mn")
