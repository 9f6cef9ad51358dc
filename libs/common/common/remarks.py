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
_ACT = r"(?:call|dial|phone|ring|contact|text|sms|e\s?mail|market|solicit|disturb|knock|use)"
_NOTE_FORBIDS = re.compile(
    rf"\bdnc\b|\bdo\s*n[o']?t\s+{_ACT}|\bdon'?t\s+{_ACT}|\bnever\s+{_ACT}|\bstop\s+{_ACT}|\bno\s+(?:more\s+)?(?:calls|contact|texts|emails)\b"
    r"|\bopt(?:ed|s|ing)?\s*out|\bunsubscri|\blitigat(?:or|ious)|\bplaintiff|\btcpa\b|\bcease\s+(?:and\s+)?desist|\bspam\s+complain"
    r"|\bremoved?\s+(?:me|him|her|us)\b|\b(?:remove|take)\s+\w*\s*(?:from|off)\s+(?:the\s+|your\s+|our\s+)?list|\bdo\s*not\s*call|\bdonotcall"
    r"|\bwrong\s+(?:number|person|phone|email|owner|contact|party)\b|\bdeceased\b|\bpassed\s+away|\bowner\s+(?:is\s+)?(?:dead|died)\b"
    r"|\bblack\s*listed|\bsuppressed\b|\brevoked\b"
)
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
_LONGEST_NOTE = 20_000


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


@lru_cache(maxsize=4_096)
def read_note(text: str) -> Remark:
    """What free text about a person, such as a status, tags or notes, says against contact; what else it says is not judged."""
    said = " ".join(
        _WORDS.findall(_ALLOWS.sub(" ", text[:_LONGEST_NOTE].replace("\u2019", "'").replace("_", " ").lower()))
    )
    if not _NOTE_FORBIDS.search(said):
        return SILENT
    return Remark(
        forbids=True,
        refuses=_NOTE_FORBIDS.search(_ABOUT_THE_VALUE.sub(" ", said)) is not None,
        deceased=_DECEASED.search(said) is not None,
        litigator=_LITIGATOR.search(said) is not None,
    )


_remembered = lru_cache(maxsize=4_096)(_read)
