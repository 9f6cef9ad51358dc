"""First names as a greeting writes them: `MARY ANN` is "Mary Ann", and a text that is hardly a person's name is None.

A greeting is the first line that a person reads. A wrong one ("Hello Unknown Owner,") costs more than a neutral one. So every
doubt gives None, and the sender writes its fallback. docs/owner-names.md has the table, which is a test.
"""

import re
import unicodedata
from collections.abc import Sequence

MAX_GREETING_LENGTH = 40
_MAX_WORDS = 4
_CONNECTIVES = re.compile(r"\s*[&+/]\s*|\s+(?:and|or)\s+", re.IGNORECASE)
"""Words and signs that join the first names of two owners: `Jose & Maria`, `JOHN OR JANE`."""


def words_of(text: str) -> frozenset[str]:
    """Return the set of words in *text*."""
    return frozenset(text.split())


_TITLES = frozenset({"mr", "mrs", "ms", "miss", "mx", "dr", "prof", "rev", "hon", "fr", "sr", "sra", "señor", "señora"})
_TITLE = r"(?:(?:mr|mrs|ms|miss|dr|prof)\b\.?|(?:rev|hon)\.)"
_TITLES_BEFORE = re.compile(rf"^\s*(?:{_TITLE}(?:\s*(?:&|\band\b|[/+,])\s*|\s+|(?<=\.)))+(?=\w)", re.IGNORECASE)
_TITLES_BEHIND = re.compile(r"(?<=\w)(?:[\s,]+(?:(?:&|and|/)\s*)?(?:mr|mrs|dr)\b\.?)+\s*$", re.IGNORECASE)
_SUFFIXES = frozenset(
    {"jr", "sr", "ii", "iii", "iv", "md", "phd", "esq", "dds", "cpa", "jd", "ret", "2nd", "3rd", "4th"}
)
_JOINS = frozenset({"and", "or", "of"})
"""Words in which no name ends: `JOHN AND` is truncated."""
_PARTICLES = frozenset({"de", "del", "la", "las", "los", "da", "do", "dos", "van", "von", "der", "den", "y", "e"})
"""Words inside a name that people write in lower case, and upper-case sources do not."""

_NOT_NAMES = words_of(
    """a account addressee also an anonymous applicant asdf borrower buyer client co confidential consumer contact current
    customer deceased decd dear default dnc do dummy estate fake father first foo full given head home homeowner
    homeowners house household info investor landlord last late lead lender lessee mail mailbox middle missing mother
    mortgagor n/a na name neighbor neighbour new no none not null occupant occupants office only other owner owners person
    postal present previous primary property prospect qwerty record redacted renter resident residents secondary seller
    sold spouse tenant tenants test tester the to unavailable undisclosed undefined unknown unlisted unnamed
    user vacant valued various void withheld wife husband xyz your"""
) - {"an", "do", "to", "no", "co"}  # fmt: skip
"""Words in place of a missing name. `An`, `Do`, `To` and `No` are names of people too."""

_NOT_GREETED = _NOT_NAMES | words_of(
    """above admin administrator apartment attorney beneficiary conservator dad data daughter dept department family fha
    foreclosure guardian hud info manager management minor mom notes note poa reo rip same sales taxpayer they unit we widow
    widower"""
)
"""Words that no greeting may hold, though some are names of people: a neutral greeting costs less than a wrong one."""

_ABBREVIATED = frozenset({"st", "ste"})
"""Words that may end in a dot: `St. John`."""
_VOWELS = frozenset("aeiouyw")
_MAX_LETTERS_WITHOUT_VOWEL = 3
_WORD = re.compile(r"[^\W\d_]+(?:[-'][^\W\d_]+)*\.?")
_TRIPLE_LETTER = re.compile(r"(.)\1\1", re.IGNORECASE)
_MC_PREFIX = re.compile(r"Mc(\w)(?=\w\w)")


def greeting_name(first_name: str | None) -> str | None:
    """Return *first_name* as a greeting writes it, or None where it is not plausibly the first name of one or two persons.

    Middle initials, titles and suffixes are removed (`JOHN Q` is "John"). Two persons are both greeted ("Jose and Maria"). A
    name in upper or lower case is capitalised. A mixed one (`DeShawn`) stays as it is written.
    """
    text = _normalise(first_name or "")
    persons = _CONNECTIVES.split(text) if text else []
    if not 1 <= len(persons) <= 2:  # noqa: PLR2004 - one person or two
        return None
    names = [_name_of_one_person(part) for part in persons]
    if any(name is None for name in names):
        return None
    greeting = " and ".join(name for name in names if name)
    return greeting if len(greeting) <= MAX_GREETING_LENGTH else None


def starts_with_title(text: str) -> bool:
    """Return whether *text* is a name behind a title, so that the first name goes first."""
    return _TITLES_BEFORE.match(text) is not None


def remove_titles(text: str) -> str:
    """Return the name in *text* without titles before or behind it: `Mr & Mrs John Holt` is `John Holt`."""
    return _TITLES_BEHIND.sub("", _TITLES_BEFORE.sub("", text))


def is_placeholder_word(word: str) -> bool:
    """Return whether *word* is written in place of a missing name, such as `unknown` or `resident`."""
    return word.casefold() in _NOT_NAMES


def _normalise(text: str) -> str:
    text = unicodedata.normalize("NFC", text)
    for quote in "\u2018\u2019\u02bc\u0060\u00b4":
        text = text.replace(quote, "'")
    for dash in "\u2010\u2011\u2012\u2013":
        text = text.replace(dash, "-")
    return " ".join(text.split()).rstrip(",;")


def _name_of_one_person(text: str) -> str | None:
    words = _remove_titles_and_initials(text.split())
    if not 1 <= len(words) <= _MAX_WORDS or not all(map(_is_plausible, words)):
        return None
    if any(word.rstrip(".").casefold() in _NOT_GREETED for word in words):
        return None
    if len(words) > 1 and _bare(words[-1]) in _JOINS:
        return None
    return " ".join(_in_case_of_names(word, index, words) for index, word in enumerate(words))


def _remove_titles_and_initials(words: Sequence[str]) -> list[str]:
    """Return *words* without leading titles, and without suffixes and middle initials at the end."""
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
    has_only_letters = all(unicodedata.category(letter)[0] in "LM" or letter in "-'." for letter in word)
    if not has_only_letters or not _WORD.fullmatch(_remove_accents(word)) or _is_initial(word):
        return False
    if word.endswith(".") and _bare(word) not in _ABBREVIATED:
        return False
    if _TRIPLE_LETTER.search(word):
        return False
    plain = _remove_accents(word).casefold()
    is_latin = plain.replace("-", "").replace("'", "").replace(".", "").isascii()
    return not is_latin or all(map(_may_be_pronounced, re.split("[-'.]", plain)))


def _may_be_pronounced(part: str) -> bool:
    return len(part) <= _MAX_LETTERS_WITHOUT_VOWEL or not _VOWELS.isdisjoint(part)


def _remove_accents(word: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))


def _in_case_of_names(word: str, index: int, words: Sequence[str]) -> str:
    """Return *word*, at *index* among the *words* of a name, in the case in which people write it."""
    is_all_upper = word.isupper() and "".join(words).isupper()
    if not (is_all_upper or word.islower()):
        return word
    if index and word.casefold() in _PARTICLES:
        return word.lower()
    if is_all_upper and 1 < len(word) <= _MAX_LETTERS_WITHOUT_VOWEL and _is_nickname_of_initials(word):
        return word
    return _capitalise(word)


def _capitalise(word: str) -> str:
    """Return *word* capitalised like a name, also behind hyphens and prefixes: `O'Neil`, `McKenzie`."""
    pieces = re.split("([-'])", word.lower())
    capitalised = []
    for index, piece in enumerate(pieces):
        follows_long_part = index >= 2 and pieces[index - 1] == "'" and len(pieces[index - 2]) > 2  # noqa: PLR2004 - O', D', De'
        capitalised.append(piece if follows_long_part else piece[:1].upper() + piece[1:])
    return _MC_PREFIX.sub(lambda match: "Mc" + match[1].upper(), "".join(capitalised))


def _is_nickname_of_initials(word: str) -> bool:
    """Return whether *word* is written in capitals like `TJ` and `JD`. `NG` is a name without a vowel."""
    return _VOWELS.isdisjoint(_remove_accents(word).casefold()) and word != "NG"
