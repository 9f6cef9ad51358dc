"""First names as a greeting writes them: `MARY ANN` is "Mary Ann", and what is not plausibly a person's name is None.

A greeting is the first line that a person reads. A wrong one ("Hello Unknown Owner,") costs more than a neutral one, so every
doubt ends in None and the sender writes its fallback (docs/owner-names.md has the table, which is a test).
"""

import re
import unicodedata
from collections.abc import Sequence

MAX_GREETING_LENGTH = 40
_MOST_WORDS = 4
_CONNECTIVES = re.compile(r"\s*[&+/]\s*|\s+(?:and|or)\s+", re.IGNORECASE)
"""Join the first names of two owners: `Jose & Maria`, `JOHN OR JANE`."""


def words_of(text: str) -> frozenset[str]:
    """Return the words of a list that is written as a text."""
    return frozenset(text.split())


_TITLES = frozenset({"mr", "mrs", "ms", "miss", "mx", "dr", "prof", "rev", "hon", "fr", "sr", "sra", "señor", "señora"})
_SUFFIXES = frozenset(
    {"jr", "sr", "ii", "iii", "iv", "md", "phd", "esq", "dds", "cpa", "jd", "ret", "2nd", "3rd", "4th"}
)
_JOINS = frozenset({"and", "or", "of"})
"""Words that no name ends in: `JOHN AND` is cut off."""
_PARTICLES = frozenset({"de", "del", "la", "las", "los", "da", "do", "dos", "van", "von", "der", "den", "y", "e"})
"""Words inside a name that upper-case sources capitalise and people do not."""

_NOT_NAMES = words_of(
    """a account addressee also an anonymous applicant asdf borrower buyer client co confidential consumer contact current
    customer deceased decd dear default dnc do dummy estate fake father first foo full given head home homeowner
    homeowners house household info investor landlord last late lead lender lessee mail mailbox middle missing mother
    mortgagor n/a na name neighbor neighbour new no none not null occupant occupants office only other owner owners person
    postal present previous primary property prospect qwerty record redacted renter resident residents secondary seller
    sold spouse tenant tenants test tester the to unavailable undisclosed undefined unknown unlisted unnamed
    user vacant valued various void withheld wife husband xyz your"""
) - {"an", "do", "to", "no", "co"}  # fmt: skip
"""Words that stand where a name is missing. `An`, `Do`, `To` and `No` are names of people too."""

_NOT_GREETED = _NOT_NAMES | words_of(
    """above admin administrator apartment attorney beneficiary conservator dad data daughter dept department family fha
    foreclosure guardian hud info manager management minor mom notes note poa reo rip same sales taxpayer they unit we widow
    widower"""
)
"""Words that no greeting holds, though some are names of people: a neutral greeting costs less than a wrong one."""

_ABBREVIATED = frozenset({"st", "ste"})
"""Words that keep a dot: `St. John`."""
_VOWELS = frozenset("aeiouyw")
_LONGEST_WITHOUT_VOWEL = 3
_WORD = re.compile(r"[^\W\d_]+(?:[-'][^\W\d_]+)*\.?")
_THRICE = re.compile(r"(.)\1\1", re.IGNORECASE)
_MC = re.compile(r"Mc(\w)(?=\w\w)")


def greeting_name(first_name: str | None) -> str | None:
    """Return *first_name* as a greeting writes it, or None where it is not plausibly the first name of one or two persons.

    Middle initials, titles and suffixes are left out (`JOHN Q` is "John"); two persons are both greeted ("Jose and Maria"). A
    name in capitals or in small letters is capitalised; a mixed one (`DeShawn`) is left as it is written.
    """
    text = _plain(first_name or "")
    persons = _CONNECTIVES.split(text) if text else []
    if not 1 <= len(persons) <= 2:  # noqa: PLR2004 - one person or two
        return None
    names = [_one_person(part) for part in persons]
    if any(name is None for name in names):
        return None
    greeting = " and ".join(name for name in names if name)
    return greeting if len(greeting) <= MAX_GREETING_LENGTH else None


def is_placeholder_word(word: str) -> bool:
    """Return whether *word* stands where a name is missing, such as `unknown` or `resident`."""
    return word.casefold() in _NOT_NAMES


def _plain(text: str) -> str:
    text = unicodedata.normalize("NFC", text)
    for quote in "\u2018\u2019\u02bc\u0060\u00b4":
        text = text.replace(quote, "'")
    for dash in "\u2010\u2011\u2012\u2013":
        text = text.replace(dash, "-")
    return " ".join(text.split()).rstrip(",;")


def _one_person(text: str) -> str | None:
    words = _without_trimmings(text.split())
    if not 1 <= len(words) <= _MOST_WORDS or not all(map(_is_plausible, words)):
        return None
    if any(word.rstrip(".").casefold() in _NOT_GREETED for word in words):
        return None
    if len(words) > 1 and _bare(words[-1]) in _JOINS:
        return None
    return " ".join(_cased(word, place, among=words) for place, word in enumerate(words))


def _without_trimmings(words: Sequence[str]) -> list[str]:
    """Leave out leading titles, and suffixes and middle initials at the end."""
    kept = list(words)
    while len(kept) > 1 and _bare(kept[0]) in _TITLES:
        kept.pop(0)
    while len(kept) > 1 and (_bare(kept[-1]) in _SUFFIXES or _is_initial(kept[-1])):
        kept.pop()
    return [] if len(kept) == 1 and _bare(kept[0]) in (_TITLES | _SUFFIXES) else kept


def _bare(word: str) -> str:
    return word.strip(".,").casefold()


def _is_initial(word: str) -> bool:
    letters = word.replace(".", "")
    dotted = "." in word.rstrip(".") or (word.endswith(".") and len(letters) == 1)
    return dotted or (len(letters) == 1 and not _is_ideograph(letters))


def _is_ideograph(letters: str) -> bool:
    """Return whether one character may be a whole name: Chinese, Japanese, Korean."""
    return unicodedata.category(letters[0]) == "Lo"


def _is_plausible(word: str) -> bool:
    composed = all(unicodedata.category(letter)[0] in "LM" or letter in "-'." for letter in word)
    if not composed or not _WORD.fullmatch(_without_marks(word)) or _is_initial(word):
        return False
    if word.endswith(".") and _bare(word) not in _ABBREVIATED:
        return False
    if _THRICE.search(word):
        return False
    plain = _without_marks(word).casefold()
    is_latin = plain.replace("-", "").replace("'", "").replace(".", "").isascii()
    parts = re.split("[-'.]", plain)
    return not is_latin or all(len(part) <= _LONGEST_WITHOUT_VOWEL or not _VOWELS.isdisjoint(part) for part in parts)


def _without_marks(word: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))


def _cased(word: str, place: int, among: Sequence[str]) -> str:
    is_shouted = word.isupper() and "".join(among).isupper()
    if not (is_shouted or word.islower()):
        return word
    if place and word.casefold() in _PARTICLES:
        return word.lower()
    if is_shouted and 1 < len(word) <= _LONGEST_WITHOUT_VOWEL and _is_nickname_of_initials(word):
        return word
    pieces = re.split("([-'])", word.lower())
    shown = []
    for number, piece in enumerate(pieces):
        behind_prefix = number >= 2 and pieces[number - 1] == "'" and len(pieces[number - 2]) > 2  # noqa: PLR2004 - O', D', De'
        shown.append(piece if behind_prefix else piece[:1].upper() + piece[1:])
    return _MC.sub(lambda found: "Mc" + found[1].upper(), "".join(shown))


def _is_nickname_of_initials(word: str) -> bool:
    """`TJ` and `JD` are written in capitals; `NG` is a name without a vowel."""
    return _VOWELS.isdisjoint(_without_marks(word).casefold()) and word != "NG"
