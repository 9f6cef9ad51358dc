"""Masked input for the model: at most 2,000 characters, without names, numbers, addresses, emails and links."""

import re
from collections.abc import Iterable

from replies.text.folding import drop_invisible, fold

MAX_MODEL_CHARACTERS = 2_000

_READ_CHARACTERS = 4 * MAX_MODEL_CHARACTERS
"""Characters that are masked before the text is cut, so that no value is cut in two and escapes."""
_MIN_NAME_LETTERS = 2

_AT = r"(?:@|\s?[(\[]at[)\]]\s?)"
_DOT = r"(?:\.|\s?[(\[]dot[)\]]\s?)"
_EMAIL = re.compile(rf"[^\s@<>()\[\],;:]{{1,64}}{_AT}[\w-]{{1,63}}(?:{_DOT}[\w-]{{1,63}}){{1,5}}", re.IGNORECASE)
_LINK = re.compile(
    r"\b(?:https?|ftp)://\S+|\bwww\.\S+|\b[\w-]{1,63}(?:\.[\w-]{1,63}){0,4}\.(?:com|net|org|info|biz|io|co|us|gov|edu|me|app|link|ly|mx|es)\b(?:/\S*)?",
    re.IGNORECASE,
)
_STREET_KINDS = (
    "street|st|avenue|ave|road|rd|drive|dr|lane|ln|court|ct|circle|cir|boulevard|blvd|way|place|pl|terrace|ter|trail|trl|parkway|pkwy"
    "|highway|hwy|loop|square|sq|cove|cv|run|point|pt|path|pike|row|crossing|xing"
)
_UNIT = r"(?:,?[ ]*(?:apt|apartment|unit|suite|ste|lot|#)\.?[ ]*[\w-]{1,8})?"
_CITY = r"(?:,[ ]*[A-Za-z .]{2,30},?[ ]+[A-Z]{2}\b(?:[ ]+\d{5}(?:-\d{4})?)?)?"
_STREET_WORD = r"(?!(?:at|in|on|of|and|per|for)\b)[\w.'-]{1,30}"
_ADDRESS = re.compile(
    rf"(?<![\d$.,])\b\d{{1,6}}[A-Za-z]?(?:[ ]+{_STREET_WORD}){{1,4}}?[ ]+(?:{_STREET_KINDS})\b\.?(?:[ ]+[NS]?[EW]?\b)?{_UNIT}{_CITY}"
    r"|\b(?:calle|avenida|av\.|carrera|camino|paseo|colonia)(?:[ ]+[\w.'-]{1,30}){1,4}?[ ]+(?:#|n[oú]m?\.?[ ]*)?\d{1,6}\b"
    r"|\bp\.?[ ]?o\.?[ ]?box[ ]+\d{1,8}\b",
    re.IGNORECASE,
)
_SSN = re.compile(r"(?<!\d)\d{3}[- .]\d{2}[- .]\d{4}(?!\d)")
_PHONE = re.compile(
    r"(?<![\d$])(?:\+?1[ .-]{0,2})?(?:\(\d{3}\)|\d{3})[ .-]{0,2}\d{3}[ .-]{0,2}\d{4}(?!\d)|(?<!\d)\d{3}[.-]\d{4}(?!\d)"
)
_NUMBER = re.compile(r"\d(?:[ ,.'/-]?\d){3,}")
_DIGIT_WORD = (
    "(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|cero|uno|dos|tres|cuatro|cinco|seis|siete|ocho|nueve)"
)
_SPELLED = re.compile(rf"\b(?:{_DIGIT_WORD}[ ,.-]+){{3,}}{_DIGIT_WORD}\b", re.IGNORECASE)


def mask_for_model(text: str, names: Iterable[str] = ()) -> str:
    """Return *text* for a model, with placeholders for values and at most MAX_MODEL_CHARACTERS characters.

    Placeholders are `[EMAIL]`, `[LINK]`, `[ADDRESS]`, `[SSN]`, `[PHONE]`, `[NUMBER]` (every other number of four digits or
    more) and `[NAME]`. *names* are those of the lead and the persona; each of their words is masked, in any case and with or
    without accents.
    """
    masked = _fold_digits(drop_invisible(text[:_READ_CHARACTERS]))
    for pattern, placeholder in (
        (_EMAIL, "[EMAIL]"), (_LINK, "[LINK]"), (_ADDRESS, "[ADDRESS]"), (_SSN, "[SSN]"), (_PHONE, "[PHONE]"),
        (_NUMBER, "[NUMBER]"), (_SPELLED, "[NUMBER]"),
    ):  # fmt: skip
        masked = pattern.sub(placeholder, masked)
    return _cut(_mask_names(masked, names))


def _fold_digits(text: str) -> str:
    """Return *text* with the digits of every script as 0 to 9."""
    return "".join(str(int(character)) if character.isdecimal() else character for character in text)


def _mask_names(text: str, names: Iterable[str]) -> str:
    hidden = {word for name in names for word in re.findall(r"\w+", fold(name)) if len(word) >= _MIN_NAME_LETTERS}
    return re.sub(r"[^\W\d_]+", lambda word: "[NAME]" if fold(word.group()) in hidden else word.group(), text)


def _cut(text: str) -> str:
    """Return the beginning of *text*, at most MAX_MODEL_CHARACTERS characters, without a cut placeholder at its end."""
    if len(text) <= MAX_MODEL_CHARACTERS:
        return text
    return re.sub(r"\[[A-Z]*$", "", text[:MAX_MODEL_CHARACTERS]).rstrip()
