"""Headers of protective columns: they say that a person, a phone or an email must not be contacted.

Case, separators and numbers of a header do not count. A header that looks protective and is not understood is `UNREADABLE_PROTECTION`.
Its file is refused, since a guess could have the wrong polarity. docs/protective-columns.md has the table, which is a test.
"""

import re
from functools import lru_cache
from typing import Literal, NamedTuple

ProtectedSubject = Literal["row", "phones", "emails", "litigator", "deceased_owner", "do_not_mail", "unreadable"]


class ColumnProtection(NamedTuple):
    """Subject that a column protects. *number* is that of the phone or email, or 0 for all of the row."""

    subject: ProtectedSubject
    number: int = 0
    is_registry: bool = False
    """True: a clear no in the column says that the number is on no do-not-call list."""


UNREADABLE_PROTECTION = ColumnProtection("unreadable")

_LOOKS_PROTECTIVE = re.compile(
    r"dnc|dnt(?![a-z])|donot|dont|opt(?:ed)?out|optedin|(?:^|sms|text|e?mail|phone|call|cell|mobile|marketing|contact|owner|is|has)optin"
    r"|unsub|litigator|litigious|litigant|^litigation(?:flag|status|risk|alert|history|indicator|yn)*$"
    r"|tcpa|plaintiff|deceased|(?:^|is|owner)dead(?!line|end|equity|trees?)"
    r"|dateofdeath|deathdate|suppress|blacklist|blocklist|denylist|blocked(?!street|drain|drive)|(?:call|phone|sms|text)block|blockcalls?"
    r"|wrongnumber|badnumber|wrongperson|verifiedwrong|bounce(?!house)|quarantine"
    r"|nocall|nophonecall|notext|nosms|nocontact|noemail|nomail(?!ing)|callable|textable|emailable|contactable|mailable"
    r"|(?:ok|okay|safe|permission|allowed|consent)(?:to|for)(?:call|text|contact|email|mail|sms)"
    r"|(?:can|may|cannot)(?:be)?(?:call|text|contact|email)|stopped|stoplist|ceaseanddesist|spamcomplain|complained"
    r"|(?:marked|reported|flagged)(?:as)?spam|^(?:is)?spam(?:report|flag)?(?:ed)?$"
    r"|remove[ds]?from(?!(?:the)?(?:mls|market))|^removed?(?:me|flag|yn)?$|removalrequest|requestedremoval|toberemoved|takemeoff|take(?:n)?off(?:the|our|my|call|mailing)*list"
    r"|takenoff|exclude[ds]?from|^refused$|refuse[sd]?(?:all)?(?:contact|calls?)"
    r"|never(?:call|contact|text|email)|nosolicit|nomarketing|offlimits|notto(?:be)?(?:call|contact|text|email)|noknock|pander"
    r"|(?:^|phone|email|owner|contact|is|on)dn[dekm](?:mail|all|sms|text|calls?|emails?|status|flag|list|date|reason|active|enabled|yn)*$"
    r"|decedent|^(?:owner|is|date)*(?:died|death)(?:record|indicator|flag|certificate|index|match|year|date|on)*$"
    r"|^dod(?:date)?$|passedaway|^obit(?:uary)?(?:date|link|url|flag|found)*$|^(?:is|in|owner)+estate$|^(?:is|owner)*estate(?:of|flag)$"
    r"|^(?:is|in|has|dateof)*probate(?:open|opened|filing|filed|recording|record|file|case|number|flag|status|type|date|on|yn)*$"
    r"|^(?:is|owner)*alive(?:flag|status|yn)*$|^(?:is|owner)+living(?:flag|status|yn)*$"
    r"|(?:call|contact)(?:restrict|prohibit|forbid)|(?:restrict|prohibit|forbid)(?:ed|den)?(?:contact|call)|notinterested|nolongerinterested|uninterested"
    r"|cease(?:all)?(?:desist|contact|communications?|calls?)|(?:text|texted|replied|said|sent)stop|wants?(?:to)?(?:be)?(?:removed|off)"
    r"|^remove(?:phone|number|email|contact|lead|request)s?$|(?:delete|deletion)request|^not(?:the)?owner(?:flag)?$|wrong(?:contact|owner|party)"
    r"|outofservice|notworking|undeliverableemail|nollamar|nocontactar|nomolestar|fallecid[oa]|difunt[oa]"
    r"|^ok(?:ay)?(?:call|contact|text|email)$|(?:call|contact|text|email)(?:is)?ok(?:ay)?$|(?:call|contact)authori[sz]|^permissionstatus$"
    r"|authori[sz](?:ed|ation)(?:to)?(?:call|contact|text|email)"
    r"|^(?:wrong|bad|invalid|disconnected|reassigned)(?:phone|number|no|cell|mobile|email|line|contact)+s?(?:address(?:es)?)?(?:flag)?$"
    r"|^(?:wrong|bad|disconnected)(?:date|on|flag|yn)?$"
    r"|(?:phone|number|cell|mobile|email)(?:is)?(?:wrong|bad|invalid|disconnected|reassigned|undeliverable|notinservice)|reassigned"
    r"|^stop(?:calls?|calling|contact|texts?|communications?|marketing|emails?|mail|mailing|keyword|request|requested|reply|received|date|flag)?$|^(?:spam|tcpa|call|contact|e?mail|text|sms|owner|consumer|customer|has|is)*complaints?$"
    r"|^excluded?(?:flag|yn)?$|banned$|^(?:prohibited|forbidden|revoked)$"
    r"|consent(?!decree|judge?ment|order)|(?:allow(?:s|ed)?|permission|permitted)(?:to)?(?:calls?|contact|texts?|emails?|marketing)|^permission$"
    r"|(?:call|contact|text|email)(?:s|ing)?(?:allowed|permission|permitted)|maywe(?:call|contact)"
)
_HARMLESS = re.compile(
    r"(?:(?:idx|avm|vow)optouts?|optouts?(?:idx|avm|vow))|(?:phone|email|owner|federal|state|national|litigator|tcpa)*(?:dnc|litigator|tcpa|deceased|suppression|optout)?"
    r"(?:last)?(?:date|time)?(?:last)?(?:checked|scrubbed|lookedup|source|(?:check|scrub|lookup)(?:date|on|at|time|by))(?:date|on|at|time|by)?"
)
_PLAINTIFF_OF_A_FORECLOSURE = re.compile(
    r"(?:final|foreclosure|lispendens|case|court|lawsuit|judge?ment|lien|bankruptcy)+plaintiffs?(?:name|attorney)?"
    r"|plaintiffs?(?:first|last|full|name|attorney|lawyer|lawfirm|firm|address|city|state|zip|phone|email)+"
)
"""Headers about the plaintiff of a foreclosure, which is the lender and not the owner.

`Plaintiff` alone may be either, so its file is refused.
"""
# No word around a core is made of other such words. Otherwise a header that repeats them would take exponential time.
_WORDS_BEFORE_CORE = (
    r"(?:st|nd|rd|ph)?(?:phones?|cell|mobile|wireless|landline|telephone|tel|numbers?|emails?|address|contact|lead"
    r"|owners?|property|seller|prospect|customer|client|person|subject|row|primary|secondary|is|has|in|on|the|of|all|any|our|known"
    r"|home|work|office|main|best|alternate|alternative|alt|other|first|second|third|one|two|three|four|five|campaign|marketing|possible|possibly|likely"
    r"|suspected|federal|fed|ftc|fcc|national|natl|nat|state|internal|direct|dma|rnd|company|global|registered|listed|flagged)*"
)
_WORDS_AFTER_CORE = (
    r"(?:status|flag|flags|list|listed|registry|registered|database|indicator|ind|yn|truefalse|numbers?|phones?|email|address|owner"
    r"|contact|person|federal|national|natl|state|internal|date|on|at|reason|notes?|comments?|details?|description|type|code|result"
    r"|request|requested|warning|alert|hit|match|firstname|lastname|name)*"
)
_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(_WORDS_BEFORE_CORE + f"(?:{core})" + _WORDS_AFTER_CORE))
    for kind, core in (
        (
            "do_not_mail",
            "donotmail|stopmail(?:ing)?|pander(?:ing)?|dontmail|nomail|dnm(?:ail)?|(?<!e)mailsuppress(?:ion|ed)?|suppressmail(?:ing)?|dmasuppress(?:ion)?",
        ),
        (
            "deceased_owner",
            (
                "(?:date)?deceased(?:suppress(?:ion)?)?|decedent|dead|dateofdeath|death(?:date|record|certificate|index|year)*|died|dod"
                "|passedaway|(?:is|in|has|dateof)*probate(?:open|opened|filing|filed|recording|record|file|case)*"
                "|obit(?:uary)?(?:link|url|found)?|estate(?:of)?|fallecid[oa]s?|difunt[oa]s?"
            ),
        ),
        (
            "litigator",
            (
                "(?:tcpa)?(?:serial|professional|frequent)?(?:litigators?|litigants?)|(?:tcpa|serial|professional|frequent|is|known)plaintiff"
                "|plaintiff(?:flag|indicator|yn)|tcpa(?:blacklist(?:ed)?|risk|troll)?|litigious|litigation(?:risk|history)?"
            ),
        ),
        (
            "registry",
            (
                "(?:phone(?:no|nos))?(?:dnc|donotcall|dontcall|donotcalldnc|dncdonotcall|nocalls?|nevercall|notto(?:be)?call(?:ed)?"
                "|dnclitigator|litigatordnc)"
            ),
        ),
        (
            "number",
            (
                "(?:wrong|bad|invalid|disconnected|reassigned|notinservice|outofservice|notworking)(?:phone|number|no|line)?s?|verifiedwrong|nophonecalls?"
                "|donottext|donotsms|dontsms|donttext|notext(?:s|ing)?|nosms|(?:sms|text|texting|whatsapp)(?:opt(?:ed)?out|unsub(?:scribed?)?)|dnt"
                "|opt(?:ed)?out(?:of)?(?:sms|texts?|texting|calls?|calling|phone)"
                "|(?:phone|sms|text)block(?:ed)?"
            ),
        ),
        (
            "email",
            (
                "donotemail|dontemail|noemails?|(?:hard|soft)?bounce(?:d|s)?(?:count)?|emailopt(?:ed)?out|emaildne|quarantined?|undeliverableemail|stopemails?"
                "|(?:wrong|bad|invalid)email|email(?:is)?(?:wrong|bad|invalid|undeliverable)"
                "|(?:optedoutof|optoutof|unsubscribed?from)(?:all|any|marketing|our|the)*e?mails?[a-z]*"
            ),
        ),
        (
            "row",
            (
                "donot(?:contact|knock|solicit|market|disturb|phone|dial|pursue)|dontcontact|nocontact|nevercontact|notto(?:be)?contact(?:ed)?|noknock"
                "|dn[dek](?:all|sms|text|calls?|active|enabled)?|nosolicit(?:ation|ing)?|opt(?:ed)?outs?|unsub(?:scribed?)?|suppress(?:ed|ion)?"
                "|(?:fax|ccpa)opt(?:ed)?out|optedoutoffax|blacklist(?:ed)?|blocklist(?:ed)?|denylist(?:ed)?|blocked|callblock(?:ed)?|blockcalls?"
                "|(?:wrong|bad)(?:person|contact|owner|party)|not(?:the)?owner|stop(?:ped|list|calls?|calling|contact|texts?|communications?|marketing|keyword|reply|received)?"
                "|(?:text|texted|replied|said|sent)stop|cease(?:and|all)?(?:desist|contact|communications?|calls?)|complained|(?:spam)?complaints?"
                "|(?:marked|reported|flagged)(?:as)?spam|spam(?:report|reported)?|(?:call|contact)(?:restrict(?:ed|ion)s?|prohibit(?:ed)?|forbid(?:den)?)"
                "|(?:restrict|prohibit|forbid)(?:ed|den)?(?:contact|calls?)"
                "|remove(?:me|flag|phones?|numbers?|emails?|contact|lead|request)|wants?(?:to)?(?:be)?(?:removed|off)(?:the|our|my|call|mailing)*(?:list)?|(?:delete|deletion)request|removefrom(?:the|our|my)?list|removalrequest(?:ed)?|requestedremoval|(?:asked|wants|requested)toberemoved"
                "|takemeoff(?:the|our|my|your)?(?:list)?|taken?off(?:the|our|my|call|mailing)*list|refused|refuse[sd]?(?:all)?(?:contact|calls?)"
                "|nomarketing|nollamar|nocontactar|nomolestar|offlimits|(?:not|nolonger|un)interested|banned|prohibited|forbidden"
                "|excluded?(?:from(?:the|our|my|all|lists?|campaigns?|marketing|calls?|calling|outreach)*)?|(?:consent)?revoked"
            ),
        ),
    )
)
_FREE_TEXT_HEADER = re.compile(
    r"(?:phones?|cell|mobile|landline|emails?|contact|lead|owner|list|call|campaign|marketing|internal|skip|trace|sms|text|custom"
    r"|private|last|current|prospect|client|customer|seller|general|other|additional|scrub|my|our|primary|secondary|activity|message"
    r"|home|work|main|best|alternate|alt|personal|tele|tel|wireless|voip|ph|nums?|nos?"
    r"|delivery|verification|verified|subscription|subscriber|mailchimp|numbers?|validation|followup|final|agent|dialer|mojo|system|deal|pipeline)*"
    r"(?:status(?:es)?|(?:property)?tags?|tagnames?|propertynotes?|lists?|listnames?|notes?|remarks?|comments?|dispos?|dispositions?(?:code)?|repl(?:y|ies)|stage|categor(?:y|ies)|groups?|segments?|alerts?|instructions?|details?|results?|outcomes?|flags?|labels?"
    r"|response|reason|feedback|memo|warnings?)"
)
_SEPARATORS = re.compile(r"[^a-z0-9]+")


@lru_cache(maxsize=4_096)
def protection_of(header: str) -> ColumnProtection | None:
    """Return the protection that *header* names, UNREADABLE, or None where it does not look protective."""
    letters, numbers = _letters_and_numbers(header)
    is_harmless = _HARMLESS.fullmatch(letters) or _PLAINTIFF_OF_A_FORECLOSURE.fullmatch(letters)
    if is_harmless or not _LOOKS_PROTECTIVE.search(letters):
        return None
    kind = next((kind for kind, pattern in _KINDS if pattern.fullmatch(letters)), None)
    if kind is None:
        return UNREADABLE_PROTECTION
    return _protection_of_kind(kind, letters, numbers)


@lru_cache(maxsize=4_096)
def remarks_of(header: str) -> ColumnProtection | None:
    """Return the part of the row that a column of free text may forbid, such as `Phone 1 Status` or `Tags`."""
    letters, numbers = _letters_and_numbers(header)
    if protection_of(header) is not None or not _FREE_TEXT_HEADER.fullmatch(letters):
        return None
    return _protection_of_kind("remarks", letters, numbers)


def _letters_and_numbers(header: str) -> tuple[str, list[int]]:
    """Return the letters of *header* in lower case, without separators, and its numbers."""
    plain = _SEPARATORS.sub("", header.lower())
    return re.sub(r"[0-9]+", "", plain), [int(number) for number in re.findall(r"[0-9]+", plain)]


def _protection_of_kind(kind: str, letters: str, numbers: list[int]) -> ColumnProtection:
    """Return the protection of *kind* for the subject that the header names: a phone, an email, or neither."""
    number = numbers[0] if len(numbers) == 1 and 0 < numbers[0] < 100 else 0  # noqa: PLR2004 - two digits
    if kind in ("deceased_owner", "do_not_mail"):
        return ColumnProtection("deceased_owner" if kind == "deceased_owner" else "do_not_mail")
    if "email" in letters or kind == "email":
        return ColumnProtection("emails", number)
    is_registry = kind == "registry"
    names_line_type = re.search(r"cell|mobile|wireless|landline|tel(?!l)", letters)
    if "phone" in letters or kind == "number" or names_line_type:
        return ColumnProtection("phones", 0 if names_line_type else number, is_registry)
    if is_registry and number and "owner" not in letters:
        return ColumnProtection("phones", number, is_registry)
    return ColumnProtection("litigator") if kind == "litigator" else ColumnProtection("row")
