"""Headers of columns that say that a person, a phone or an email must not be contacted (docs/protective-columns.md).

A header is read without regard to case, separators and numbers. One that looks protective and is not understood is
`UNREADABLE`: its file is refused, since a guess could have the wrong polarity.
"""

import re
from functools import lru_cache
from typing import Literal, NamedTuple

Subject = Literal["row", "phones", "emails", "litigator", "deceased_owner", "do_not_mail", "unreadable"]


class Protection(NamedTuple):
    """The subject that a column protects; *number* is that of the phone or email, 0 for all of the row."""

    subject: Subject
    number: int = 0
    is_registry: bool = False
    """Whether a clear no says that the number is on no do-not-call list."""


UNREADABLE = Protection("unreadable")

_LOOKS_PROTECTIVE = re.compile(
    r"dnc|dnt(?![a-z])|donot|dont|opt(?:ed)?out|optedin|^optin|unsub|litigator|litigious|tcpa|plaintiff|deceased|(?:^|is|owner)dead(?!line)"
    r"|dateofdeath|deathdate|suppress|blacklist|blocklist|blocked|wrongnumber|badnumber|wrongperson|bounce[ds]?(?![a-z])"
    r"|nocall|notext|nosms|nocontact|noemail|nomail(?!ing)|callable|textable|emailable|contactable|mailable"
    r"|(?:ok|okay|safe|permission|allowed|consent)(?:to|for)(?:call|text|contact|email|mail|sms)"
    r"|(?:can|may|cannot)(?:be)?(?:call|text|contact|email)|stopped|stoplist|ceaseanddesist|spamcomplain|complained"
    r"|removefrom|^removed?$|takenoff|never(?:call|contact|text|email)|donotknock|nosolicit|nomarketing|offlimits|notto(?:be)?call"
    r"|(?:^|phone|email|owner|contact|is|on)dn[dekm](?:mail)?$|decedent|^(?:owner|is|date)*(?:died|death)(?:record|indicator|flag|date|on)*$"
    r"|^dod$|passedaway|^(?:is|in)?probate(?:flag|status|date)?$|(?:call|contact)restrict|ceasedesist|notinterested|nolongerinterested"
    r"|^(?:wrong|bad|invalid|disconnected|reassigned)(?:phone|number|no|cell|mobile|email|line)s?(?:flag)?$|^wrong$|^disconnected$"
    r"|(?:phone|number|cell|mobile|email)(?:is)?(?:wrong|bad|invalid|disconnected|reassigned|undeliverable|notinservice)"
    r"|^stop(?:call|calls|calling|contact|text|texts)?$|complaints?$|^excluded?$|excludedfrom|banned$|^(?:prohibited|forbidden|revoked)$"
    r"|consent(?!decree)|(?:allow(?:s|ed)?|permission|permitted)(?:to)?(?:calls?|contact|texts?|emails?|marketing)|^permission$"
    r"|(?:call|contact|text|email)(?:s|ing)?(?:allowed|permission|permitted)|maywe(?:call|contact)"
)
_HARMLESS = re.compile(
    r"(?:phone|email|owner|federal|state|national|litigator|tcpa)*(?:dnc|litigator|tcpa|deceased|suppression|optout)?"
    r"(?:last)?(?:date|time)?(?:last)?(?:checked|scrubbed|lookedup|source|(?:check|scrub|lookup)(?:date|on|at|time|by))(?:date|on|at|time|by)?"
)
_ABOUT = (
    r"(?:phones?|cellphone|cell|mobile|wireless|landline|telephone|tel|numbers?|email|emailaddress|address|e|contact|lead"
    r"|owners?|property|seller|person|row|primary|secondary|is|has|in|on|the|of|known|federal|fed|ftc|fcc|national|natl|nat|state|internal"
    r"|company|global|registered|listed|flagged)*"
)
_END = (
    r"(?:status|flag|flags|list|listed|registry|registered|indicator|ind|yn|number|phones?|email|address|owner|contact|person"
    r"|date|on|at|reason|notes?|comments?|type|code|result|request|requested|warning|alert|hit|match|name)*"
)
_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(_ABOUT + f"(?:{core})" + _END))
    for kind, core in (
        ("do_not_mail", "donotmail|dontmail|nomail|dnm(?:ail)?"),
        (
            "deceased_owner",
            "deceased|decedent|dead|dateofdeath|death(?:date|record)?|died|dod|passedaway|(?:is|in)?probate",
        ),
        ("litigator", "(?:tcpa)?(?:serial|professional)?(?:litigators?|plaintiff)|tcpa|litigious"),
        ("registry", "dnc|donotcall|dontcall|nocalls?|nevercall|notto(?:be)?call(?:ed)?|dnclitigator|litigatordnc"),
        (
            "number",
            (
                "(?:wrong|bad|invalid|disconnected|reassigned|notinservice)(?:phone|number|no|line)?s?"
                "|donottext|donotsms|dontsms|donttext|notext|nosms|(?:sms|text|texting)opt(?:ed)?out|dnt"
            ),
        ),
        (
            "email",
            (
                "donotemail|dontemail|noemails?|(?:hard|soft)?bounced?|emailopt(?:ed)?out|emaildne"
                "|(?:wrong|bad|invalid)email|email(?:is)?(?:wrong|bad|invalid|undeliverable)"
            ),
        ),
        (
            "row",
            (
                "donotcontact|dontcontact|nocontact|nevercontact|dn[dek]|donotknock|donotsolicit|nosolicit(?:ation|ing)?|opt(?:ed)?outs?|unsubscribed?|suppress(?:ed|ion)?|blacklist(?:ed)?"
                "|blocklist(?:ed)?|blocked|wrongperson|stop(?:ped|list|calls?|calling|contact|texts?)?|cease(?:and)?desist|complained"
                "|(?:spam)?complaints?|(?:call|contact)restrict(?:ed|ion)s?|removefrom(?:the|our|my)?list|nomarketing|donotmarket|offlimits"
                "|(?:not|nolonger)interested|banned|prohibited|forbidden|excluded?(?:from(?:list|campaigns?|marketing))?|(?:consent)?revoked"
            ),
        ),
    )
)
_REMARKS = re.compile(
    r"(?:phones?|cell|mobile|landline|emails?|contact|lead|owner|list|call|campaign|marketing|internal|skip|trace|sms|text|custom|private"
    r"|last|current|prospect|client|customer|seller|general|other|additional|scrub|my|our)*"
    r"(?:status(?:es)?|tags?|notes?|remarks?|comments?|dispositions?|results?|outcomes?|flags?|labels?|response|reason|feedback|memo|warnings?)"
)
_SEPARATORS = re.compile(r"[^a-z0-9]+")


@lru_cache(maxsize=4_096)
def protection_of(header: str) -> Protection | None:
    """The protection that *header* stands for, UNREADABLE, or None where it does not look protective."""
    plain = _SEPARATORS.sub("", header.lower())
    numbers = re.findall(r"[0-9]+", plain)
    letters = re.sub(r"[0-9]+", "", plain)
    if not _LOOKS_PROTECTIVE.search(letters) or _HARMLESS.fullmatch(letters):
        return None
    kind = next((kind for kind, form in _KINDS if form.fullmatch(letters)), None)
    if kind is None:
        return UNREADABLE
    return _placed(kind, letters, [int(number) for number in numbers])


@lru_cache(maxsize=4_096)
def remarks_of(header: str) -> Protection | None:
    """The part of the row that a column of free text, such as `Phone 1 Status` or `Tags`, may speak against."""
    plain = _SEPARATORS.sub("", header.lower())
    letters = re.sub(r"[0-9]+", "", plain)
    if protection_of(header) is not None or not _REMARKS.fullmatch(letters):
        return None
    return _placed("remarks", letters, [int(number) for number in re.findall(r"[0-9]+", plain)])


def _placed(kind: str, letters: str, numbers: list[int]) -> Protection:
    """The protection of *kind* by what else the header names: a phone, an email, or neither."""
    numbered = numbers[0] if len(numbers) == 1 and 0 < numbers[0] < 100 else 0  # noqa: PLR2004 - two digits
    if kind in ("deceased_owner", "do_not_mail"):
        return Protection("deceased_owner" if kind == "deceased_owner" else "do_not_mail")
    if "email" in letters or kind == "email":
        return Protection("emails", numbered)
    is_registry = kind == "registry"
    other_line = re.search(r"cell|mobile|wireless|landline|tel(?!l)", letters)
    if "phone" in letters or kind == "number" or other_line:
        return Protection("phones", 0 if other_line else numbered, is_registry)
    if is_registry and numbered and "owner" not in letters:
        return Protection("phones", numbered, is_registry)
    return Protection("litigator") if kind == "litigator" else Protection("row")
