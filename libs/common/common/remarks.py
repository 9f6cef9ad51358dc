"""Remarks that people and programs write beside a phone or an email, and what they say against using it."""

import re
from functools import lru_cache
from typing import NamedTuple

_FORBIDS = re.compile(
    r"\bdnc\b|\bd n c\b|\bdnt\b|\bdo\s*n[o']?t\b|\bdon'?t\b|\bnever\b|\bstop\b|\bquit\b|\bcease|\bdesist|\bopt(?:ed|s|ing)?[\s-]*out"
    r"|\bno\s+(?:more\s+)?(?:calls?|calling|contacts?|texts?|sms|e-?mails?|longer|good|service|solicit\w*|consent|owner)\b"
    r"|unsubscri|\bremoved?\b|litigat|plaintiff|\btcpa\b|\bsue[sd]?\b|\bsuing\b|lawsuit|attorney|lawyer|\blegal\b"
    r"|\bwrong\b|\bincorrect\b|\bbad\b|\binvalid\b|\bnot\s+(?:\w+\s+){0,3}(?:number|owner|person|service|working|valid|interested|call|contact)\b"
    r"|\bnot\s+(?:his|hers?|him|them|theirs|mine)\b|disconnect|out\s+of\s+(?:service|order)|\bdecea?s|\bdead\b|\bdied\b|passed\s+away"
    r"|\bestate\s+of\b|\bblack\s*list|\bblock|\brestrict|\bregist(?:ered|ry)\b|\bfederal\b|\bnational\b|\brevok|withdr[ae]w|complain|\brefuse"
    r"|suppress|\bharass|\bthreat|\bhostile\b|bounce|undeliver|\bspam\b|\binactive\b|\bfax\b|\bscam|\bstranger\b|\bnot?\s+same\b"
)
_ABOUT_THE_VALUE = re.compile(
    r"\bwrong\b|\bincorrect\b|\bbad\b|\binvalid\b|disconnect|out\s+of\s+(?:service|order)|\bno\s+(?:longer|good|service)\b"
    r"|\bnot\s+(?:\w+\s+){0,3}(?:number|owner|person|service|working|valid)\b|\binactive\b|\bfax\b|bounce|undeliver"
)
_ALLOWS = re.compile(
    r"(?:dnc|tcpa|litigator|do\s*not\s*call)\s*[:=-]?\s*(?:no|n|false|0|clean|clear|none|safe)|(?:not|non)[\s-]*(?:on\s+)?(?:the\s+)?(?:dnc|tcpa)(?:\s+list)?"
    r"|no\s+dnc|not\s+(?:a\s+)?litigator|not\s+deceased|not\s+(?:blocked|disconnected|registered)"
)
_DECEASED = re.compile(r"\bdecea?s|\bdead\b|\bdied\b|passed\s+away|\bestate\s+of\b")
_LITIGATOR = re.compile(r"litigat|plaintiff|\btcpa\b|\bsue[sd]?\b|\bsuing\b|lawsuit")
_HARMLESS = frozenset(
    {
        "cell", "cellular", "mobile", "cellphone", "wireless", "home", "work", "land", "line", "landline", "voip", "residential",
        "residence", "house", "primary", "secondary", "main", "office", "business", "personal", "private", "phone", "phones", "tel",
        "telephone", "number", "numbers", "num", "alt", "alternate", "other", "direct", "owner", "owners", "spouse", "wife", "husband", "son",
        "daughter", "mother", "father", "best", "preferred", "current", "active", "valid", "verified", "confirmed", "good", "day",
        "daytime", "evening", "night", "email", "emails", "e", "mail", "mailto", "or", "and", "his", "her", "text", "ok",
    }
)  # fmt: skip
_LINES = {"cell": "MOBILE", "cellular": "MOBILE", "mobile": "MOBILE", "wireless": "MOBILE", "landline": "LANDLINE",
          "land": "LANDLINE", "residential": "LANDLINE", "voip": "VOIP"}  # fmt: skip
_WORDS = re.compile(r"[^\W_]+(?:'[^\W_]+)?")


class Remark(NamedTuple):
    """What a remark says."""

    forbids: bool = False
    """The value it stands beside must not be used."""
    refuses: bool = False
    """It says so of the person, and not only of the value."""
    deceased: bool = False
    litigator: bool = False
    unread: bool = False
    """It holds words or digits that are neither a known label nor forbid anything."""
    line_type: str | None = None
    """The kind of line that it names, as `line_type` takes it."""


SILENT = Remark()
_LONGEST_REMEMBERED = 200


def read_remark(text: str) -> Remark:
    """What *text* says; a clear no (`DNC: No`) and known labels (`cell`, `home`, `verified`) say nothing against a value."""
    return _remembered(text) if len(text) <= _LONGEST_REMEMBERED else _read(text)


def _read(text: str) -> Remark:
    words = _WORDS.findall(_ALLOWS.sub(" ", text.replace("\u2019", "'").lower()))
    if not words:
        return SILENT
    said = " ".join(words)
    return Remark(
        forbids=_FORBIDS.search(said) is not None,
        refuses=_FORBIDS.search(_ABOUT_THE_VALUE.sub(" ", said)) is not None,
        deceased=_DECEASED.search(said) is not None,
        litigator=_LITIGATOR.search(said) is not None,
        unread=not _HARMLESS.issuperset(words),
        line_type=next((_LINES[word] for word in words if word in _LINES), None),
    )


_remembered = lru_cache(maxsize=4_096)(_read)
