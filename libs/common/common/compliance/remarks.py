"""Remarks beside a phone or an email, such as `DNC` or `wrong number`, that forbid its use.

docs/protective-columns.md describes which texts forbid and which allow.
"""

import re
from functools import lru_cache
from typing import NamedTuple

_FORBIDS = re.compile(
    r"\bdnc\b|\bd n c\b|\bdn[td]\b|\bdo\s*n[o']?t\b|\bdonot|\bdon'?t\b|\bnever\b|\bstop\b|\bquit\b|\bcease|\bdesist|\bopt(?:ed|s|ing)?[\s-]*out"
    r"|\bno\s+(?:more\s+)?(?:calls?|calling|contacts?|texts?|sms|e-?mails?|longer|good|service|solicit\w*|consent|owner)\b"
    r"|\bunsub|\bremoved?\b|litigat|plaintiff|\btcpa\b|\bsue[sd]?\b|\bsuing\b|lawsuit|attorney|lawyer|\blegal\b"
    r"|\bwrong\b|\bincorrect\b|\bbad\b|\binvalid\b|\bnot\s+(?:\w+\s+){0,3}(?:number|owner|person|service|working|valid|interested|call|contact)\b"
    r"|\bnot\s+(?:his|hers?|him|them|theirs|mine)\b|disconnect|out\s+of\s+(?:service|order)|\bdecea?s|\bdead\b|\bdied\b|passed\s+away"
    r"|\bestate\s+of\b|\bblack\s*list|\bblock|\brestrict|\bregist(?:ered|ry)\b|\bfederal\b|\bnational\b|\brevok|withdr[ae]w|complain|\brefuse"
    r"|suppress|\bharass|\bthreat|\bhostile\b|bounce|undeliver|\bspam|\babuse\b|quarantin|\binactive\b|\bfax\b|\bscam|\bstranger\b|\bnot?\s+same\b"
    r"|\bwn\b|\bdisco?\b|\bdisconn|\breassigned\b|\bsome(?:one|body)\s+else\b|\bdec'?d\b|\bfallecid|\bno\s+(?:llam|contact)ar\b"
)
_ABOUT_THE_VALUE = re.compile(
    r"\bwrong\b|\bincorrect\b|\bbad\b|\binvalid\b|disconnect|out\s+of\s+(?:service|order)|\bno\s+(?:longer|good|service)\b"
    r"|\bnot\s+(?:\w+\s+){0,3}(?:number|owner|person|service|working|valid)\b|\binactive\b|\bfax\b|bounce|undeliver"
    r"|\bwn\b|\bdisco?\b|\breassigned\b|\bsome(?:one|body)\s+else\b"
)
_ALLOWS = re.compile(
    r"\b(?:dnc|tcpa|litigator|do\s*not\s*call)\s*[:=-]?\s*(?:(?:clean|clear|safe|free|scrubbed)\b|(?:no|n|none|false|0)"
    r"(?=\s*(?:$|[,;|)\]\n]|\.(?!\d)|\b(?:dnc|tcpa|litigator|deceased)\b)))"
    r"|\bscrub(?:bed)?\s+(?:for|against|of|from)\s+(?:the\s+)?(?:dnc|tcpa|litigators?)\b"
    r"|\b(?:not|non)[\s-]*(?:on\s+)?(?:the\s+)?(?:dnc|tcpa)\b(?:\s+list\b)?"
    r"|\bno\s+dnc\b|\bnot\s+(?:a\s+)?litigator\b|\bnot\s+deceased\b|\bnot\s+(?:blocked|disconnected|registered)\b"
)
"""A clear no with nothing behind it. `DNC National`, `DNC 05/03/2021` and `DNC, no contact` allow nothing."""
_DECEASED = re.compile(r"\bdecea?s|\bdec'?d\b|\bfallecid|\bdead\b|\bdied\b|passed\s+away|\bestate\s+of\b")
_LITIGATOR = re.compile(r"litigat|plaintiff|\btcpa\b|\bsue[sd]?\b|\bsuing\b|lawsuit")
_ACT = r"(?:call|dial|phone|ring|contact|text|sms|e\s?mail|market|solicit|disturb|bother|reach|knock|use)"
_NOTE_FORBIDS = re.compile(
    rf"\bdnc\b|\bdo\s*n[o']?t\s+{_ACT}|\bdon'?t\s+{_ACT}|\bnever\s+{_ACT}|\bstop\s+{_ACT}|\bno\s+(?:more\s+)?(?:calls|contact|texts|emails)\b"
    r"|\bopt(?:ed|s|ing)?\s*out|\bunsubscri|\blitigat(?:or|ious)|\bplaintiff|\btcpa\b|\bcease\s+(?:and\s+)?desist|\bspam\s+complain"
    r"|\bremoved?\s+(?:me|him|her|us)\b|\b(?:remove|take)\s+\w*\s*(?:from|off)\s+(?:the\s+|your\s+|our\s+)?list|\bdo\s*not\s*call|\bdonotcall"
    r"|\bwrong\s+(?:number|person|phone|email|owner|contact|party)\b|\bdeceased\b|\bpassed\s+away|\bowner\s+(?:is\s+)?(?:dead|died)\b"
    r"|\bblack\s*listed|\bsuppressed\b|\brevoked\b|\bdnd\b|\bdonot(?:call|contact|text|e?mail)|\b(?:not|no\s+longer)\s+interested\b"
    rf"|\bnot\s+to\s+(?:be\s+)?{_ACT}|\bto\s+be\s+removed\b|\btake\s+(?:me|him|her|us)\s+off\b|\bleave\s+(?:me|us|them|him|her)\s+alone\b"
    r"|\bno\s+solicit|\bharass|\bthreaten|\bno\s+(?:llam|contact)ar\b|\bfallecid"
)
_STATUS = re.compile(
    r"stop|quit|removed?|refused?|blocked|banned|hostile|wrong(?:\s+(?:no|num|nbr))?|bad\s+(?:phone|number|no|num)"
    r"|(?:(?:phone|number|line)\s+)?(?:disconnected|not\s+(?:in\s+service|working))(?:\s+(?:phone|number|line))?|invalid\s+(?:phone|number)"
)
"""Whole statuses or tags that forbid. Inside a sentence these words may be about anything."""
_BETWEEN_TAGS = re.compile(r"[,;|/\n\r]+")
_SIGNS = str.maketrans(
    dict.fromkeys("\u2020\u2620\u26b0\u271d\U0001f480", " deceased ")
    | dict.fromkeys("\u274c\u2716\u2717\u2718\u26d4\U0001f6ab\U0001f4f5\U0001f6d1", " stop ")
)
"""Signs as words: daggers and skulls mean deceased; crosses and prohibition signs forbid."""
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
    """Meaning of a remark."""

    forbids: bool = False
    """True: the value beside the remark must not be used."""
    forbids_person: bool = False
    """True: the remark forbids contact with the person, not only use of the value."""
    deceased: bool = False
    litigator: bool = False
    unread: bool = False
    """True: the remark holds words or digits that are not understood: no known label, and nothing that forbids."""
    line_type: str | None = None
    """Kind of line that the remark names, as `common.pii.contact_values.line_type` accepts it."""


EMPTY_REMARK = Remark()
"""Remark that says nothing."""

_MAX_CACHED_CHARACTERS = 200
_MAX_NOTE_CHARACTERS = 20_000


def read_remark(text: str) -> Remark:
    """Return the meaning of *text*. A clear no (`DNC: No`) and known labels (`cell`, `home`, `verified`) forbid nothing."""
    return _read_cached_remark(text) if len(text) <= _MAX_CACHED_CHARACTERS else _read_remark(text)


def _read_remark(text: str) -> Remark:
    words = _words(text if text.isascii() else text.translate(_SIGNS))
    if not words:
        return EMPTY_REMARK
    plain = " ".join(words)
    return Remark(
        forbids=_FORBIDS.search(plain) is not None,
        forbids_person=_FORBIDS.search(_ABOUT_THE_VALUE.sub(" ", plain)) is not None,
        deceased=_DECEASED.search(plain) is not None,
        litigator=_LITIGATOR.search(plain) is not None,
        unread=not _HARMLESS.issuperset(words),
        line_type=next((_LINES[word] for word in words if word in _LINES), None),
    )


def _words(text: str) -> list[str]:
    """Return the words of *text* in lower case, without words that clearly allow contact."""
    return _WORDS.findall(_ALLOWS.sub(" ", text.replace("\u2019", "'").replace("_", " ").lower()))


@lru_cache(maxsize=4_096)
def read_note(text: str) -> Remark:
    """Return the meaning of free text about a person, such as a status, tags or notes. Only words that forbid contact count."""
    text = text[:_MAX_NOTE_CHARACTERS]
    plain = " ".join(_words(text))
    parts = [" ".join(_words(part)) for part in _BETWEEN_TAGS.split(text)]
    tags = [part for part in parts if _STATUS.fullmatch(part)]
    if not (tags or _NOTE_FORBIDS.search(plain)):
        return EMPTY_REMARK
    about_the_person = [_ABOUT_THE_VALUE.sub(" ", part) for part in (plain, *tags)]
    return Remark(
        forbids=True,
        forbids_person=any(_NOTE_FORBIDS.search(part) or _STATUS.fullmatch(part.strip()) for part in about_the_person),
        deceased=_DECEASED.search(plain) is not None,
        litigator=_LITIGATOR.search(plain) is not None,
    )


def read_status(text: str) -> Remark:
    """Return the meaning of the status or notes of one phone or email. `Dead` and `Bad` are about the value there."""
    note = read_note(text)
    return note if note.forbids else Remark(forbids=read_remark(text).forbids)


_read_cached_remark = lru_cache(maxsize=4_096)(_read_remark)
