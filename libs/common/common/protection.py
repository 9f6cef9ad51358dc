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
    r"|removefromlist|takenoff|never(?:call|contact|text|email)|^dn[de]$|donotknock"
)
_HARMLESS = re.compile(
    r"(?:phone|email|owner|federal|state|national|litigator|tcpa)*(?:dnc|litigator|tcpa|deceased|suppression|optout)?"
    r"(?:last)?(?:date|time)?(?:last)?(?:checked|check|scrubbed|scrub|lookup|lookedup|source)(?:date|on|at|time|by)?"
)
_ABOUT = (
    r"(?:phones?|cellphone|cell|mobile|wireless|landline|telephone|tel|numbers?|email|emailaddress|address|e|contact|lead"
    r"|owners?|property|seller|person|row|primary|secondary|is|has|on|the|of|known|federal|national|state|internal|company"
    r"|global|registered|listed|flagged)*"
)
_END = (
    r"(?:status|flag|flags|list|listed|registry|registered|indicator|ind|yn|number|phones?|email|address|owner|contact|person"
    r"|date|on|at|reason|notes?|comments?|type|code|result|request|requested|warning|alert|hit|match|name)*"
)
_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(_ABOUT + f"(?:{core})" + _END))
    for kind, core in (
        ("do_not_mail", "donotmail|dontmail|nomail"),
        ("deceased_owner", "deceased|dead|dateofdeath|deathdate"),
        ("litigator", "(?:tcpa)?(?:serial|professional)?(?:litigators?|plaintiff)|tcpa|litigious"),
        ("registry", "dnc|donotcall|dontcall|nocall|nevercall|dnclitigator|litigatordnc"),
        (
            "number",
            "wrongnumber|badnumber|donottext|donotsms|dontsms|donttext|notext|nosms|(?:sms|text|texting)opt(?:ed)?out|dnt",
        ),
        ("email", "donotemail|dontemail|noemail|(?:hard|soft)?bounced?|emailopt(?:ed)?out"),
        (
            "row",
            (
                "donotcontact|dontcontact|nocontact|nevercontact|dn[de]|donotknock|donotsolicit|opt(?:ed)?out|unsubscribed?|suppress(?:ed|ion)?|blacklist(?:ed)?"
                "|blocklist(?:ed)?|blocked|wrongperson|stopped|stoplist|ceaseanddesist|complained|spamcomplaint"
            ),
        ),
    )
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
