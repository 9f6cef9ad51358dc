"""Owner names of property records: detection of placeholders, deceased owners, and owners that are not persons.

Assessors and exports write more than names into these fields: `Unknown Owner`, `#N/A`, `ESTATE OF JOHN HOLT`,
`HOLT FAMILY TRUST`, `{{first}}`. ADR 26 says what follows from each. docs/owner-names.md has the table, which is a test.
"""

import operator
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from common.pii.person_names import greeting_name, is_placeholder_word, remove_titles, words_of
from common.vendors.text import has_link, has_markup

NAME_FIELDS = ("owner_first_name", "owner_last_name", "owner2_first_name", "owner2_last_name")
_FIELDS_OF_PERSONS = (NAME_FIELDS[:2], NAME_FIELDS[2:])
_ALL_FIELDS = (*NAME_FIELDS, "company_name")

_ALSO_REAL_NAMES = words_of(
    """an blank contact current do father friend guest head home house late lead na nan neighbor new nil no none null other
    owner person sold test tester to void x"""
)
"""Placeholders that are names of people too. They are kept if capitalised like a name and the other field has a name."""
_FILLERS = words_of(
    """a address and at be by contact current data dear entered field file for found given here in is it match name no not
    of on or our owner present record recorded same see the this to unknown valued yet your"""
)
_OTHER_PLACEHOLDERS = words_of(
    """#n/a #na #name? #null! #ref! #value! #div/0! n.a n.a. n/a n/d n\\a nil nan nd tba tbd tbc unk unkn unknwn x xx xxx
    multiple pending private protected restricted suppressed sold vacant blank empty guest friend error false true
    applicable available determined disclosed listed provided released shown specified undetermined unassigned unidentified
    unspecified deed desconocido propietario residente noname fname lname firstname lastname ditto"""
)
_FORBIDS = re.compile(
    r"""\b(?:do\ not|don'?t|never|no)\ (?:contact|call|calls|mail|email|e-mail|text|solicit|soliciting|disturb)\b
    |\bdnc\b|\bdo-not-\w+|\bopt(?:ed)?[-\ ]?out\b|\bunsubscribed?\b|\blitigators?\b|\btcpa\b|\bwrong\ (?:number|person|party)\b
    |\bdnd\b|\bdonot(?:call|contact)\b|\bunsub\b|\bwrong\ ?\#|\bnot\ interested\b|\bstop\ (?:call|contact|text|mail)\w*
    |\bno\ (?:more\ )?(?:phone\ )?calls\b|\bdo\ not\ (?:use|market|knock|visit)\b|\bremove\ (?:me|from)\b
    |\bcease\ and\ desist\b|\bblacklist(?:ed)?\b|\bblack\ list\b""",
    re.IGNORECASE | re.VERBOSE,
)

_DECEASED = re.compile(
    r"""\b(?:deceased|decedents?|decsd|dec'd|decd|devisees?|heirs?|herederos|sucesi[oó]n\ de|succession\ of|hrs\ of
    |fallecid[oa]|difunt[oa]|in\ memoriam|executors?|executrix|probate)\b
    |\bestates?\ of\b|\best\.?\ of\b|\bthe\ late\b|\bq\.?e\.?p\.?d\b\.?
    |\b(?:pers(?:onal)?|legal)\.?\ rep(?:resentative)?s?\b|\badministrat(?:or|rix)\b
    |\(\s*(?:dec|d|est|r\.?i\.?p|passed)\.?\s*\)|,\s*dec\.?$|\bdead\b|\bdied\b|\bpassed\ (?:away|on)\b|[\u2020\u271d\u2625\u2620\u26b0]""",
    re.IGNORECASE | re.VERBOSE,
)
_ESTATE = re.compile(r"(?<!\blife )(?<!\breal )\b(?:estate|est)\b\.?\)?$", re.IGNORECASE)
"""At the end of a name: `HOLT JOHN ESTATE`, `HOLT MARY EST`."""
_DEC = re.compile(r"\w\ dec\.?$", re.IGNORECASE)
"""At the end of one field: `Holt DEC`. A field that holds only `Dec` is a surname."""
_DECEASED_REMARK = re.compile(
    r"\s*[(\[,-]?\s*\b(?:deceased|decsd|dec'd|decd)\b\.?\s*[)\]]?\s*|\s*\(\s*(?:dec|d)\.?\s*\)\s*|\s*[\u2020\u271d\u2625]\s*",
    re.IGNORECASE,
)
_LIFE_ESTATE = re.compile(
    r"\blife\ (?:est(?:ate)?s?\b\.?|tenan(?:t|ts|cy)\b)|\blf\ est\b|\bremaindermen?\b|\bremainderman\b|\bl/e\b|\(\s*le\s*\)",
    re.IGNORECASE | re.VERBOSE,
)
_ENTITY = re.compile(
    r"""\b(?:llc|llp|lllp|pllc|plc|inc|incorporated|corp|corporation|ltd|gmbh|trusts?|trste?e?s?|ttees?|tte|trustees?|revocable
    |irrevocable|foundation|ministr(?:y|ies)|congregation|associations?|assn|condominiums?|partnerships?|partners
    |properties|investments?|investors|holdings|realty|enterprises|ventures|rentals|mortgage|lending|financial
    |management|mgmt|builders|developers|development|construction|authority|department|dept|district
    |universit(?:y|ies)|hospital|diocese|archdiocese|municipality|township|borough|commission|government|redevelopment
    |cooperative|apartments|401k|fbo|dba|custodian|bankruptcy|federal|fnma|fhlmc|usa|company|services|solutions
    |associates|capital|baptist|methodist|lutheran|catholic|presbyterian|evangelical|pentecostal|iglesia)\b
    |\bl\.?\ ?l\.?\ ?c\b|\bl\.\ ?p\b|\w\ lp$|&\ ?co$|\w\ \S+\ co$|\b(?:rev|irrev|fam|liv|living|family)\ tr\b|\w\ trs?$
    |\b(?:city|county|state|town|village|bank|housing|secretary|church|university|board|diocese)\ of\b|\w\ \S+\ hoa$
    |\bunited\ states\b|\bnational\ (?:bank|assoc)|\breal\ estate\b|\bsavings\ bank\b|\bschool\ (?:dist|board)
    |\bbank\ owned\b|\bsecretary\ (?:va|hud)\b|\bfannie\ mae\b|\bfreddie\ mac\b|\bhabitat\ for\b|\bdeutsche\ bank\b
    |\b(?:home|property)\ ?owners?\ assoc""",
    re.IGNORECASE | re.VERBOSE,
)
_ENTITY_OR_SURNAME = re.compile(
    r"\b(?:bank|church|temple|synagogue|mosque|school|college|club|lodge|group|fund|homes|land|farms?|ranch|society|county)\b",
    re.IGNORECASE,
)
"""Words of entities that are surnames too (`Charlotte Church`). They mean an entity only without a first name beside them."""
_ET_AL = re.compile(
    r"[\s,]*\b(?:et\.?\s*al\.?|et\.?\s*ux\.?|et\.?\s*vir\.?|etal|etux|etvir)(?=\s|$|[,;)])[\s,]*", re.IGNORECASE
)
"""Marks of further owners without names. The named owners are persons all the same (ADR 26)."""
_WORDS_OF_PHRASES = words_of(
    """united states national bank assoc school board fannie freddie mae mac deutsche savings real life home property tr trs
    stop wrong opt remove passed secretary owned mr mrs ms miss dr prof"""
)
"""Words that have a meaning for the reader only beside another word."""


class OwnerNames(NamedTuple):
    """Owner names of one record, and the facts that their fields state."""

    names: Mapping[str, str | None]
    """Names by field: NAME_FIELDS and `company_name`. None where there is no name."""
    deceased: bool = False
    """True: a field says that an owner died, or names an estate or heirs."""
    legal_entity: bool = False
    """True: a field names a trust, company, government or life estate, or only a company is named."""
    do_not_contact: bool = False
    """True: a field says that the owner must not be contacted."""
    dropped: tuple[str, ...] = ()
    """Fields with a text that is not a name."""


class _OwnerReading(NamedTuple):
    """Names of one owner, and the facts that its fields state."""

    names: tuple[str | None, ...]
    deceased: bool = False
    legal_entity: bool = False
    do_not_contact: bool = False
    dropped: tuple[str, ...] = ()


_NO_COMPANY = _OwnerReading((None,))


def read_owner_names(raw: Mapping[str, Any]) -> OwnerNames:
    """Read the owner names of a record or of a row of `leads`: one-line texts by field. Never raise."""
    texts = [raw.get(field) or "" for field in _ALL_FIELDS]
    owner = _read_person(texts[0], texts[1], _FIELDS_OF_PERSONS[0])
    second = _read_person(texts[2], texts[3], _FIELDS_OF_PERSONS[1])
    company = _read_company(texts[4]) if texts[4] else _NO_COMPANY
    has_company_only = company.names != _NO_COMPANY.names and not any(owner.names)
    return OwnerNames(
        dict(zip(_ALL_FIELDS, (*owner.names, *second.names, *company.names), strict=True)),
        deceased=owner.deceased or second.deceased or company.deceased,
        legal_entity=owner.legal_entity or second.legal_entity or has_company_only,
        do_not_contact=owner.do_not_contact or second.do_not_contact or company.do_not_contact,
        dropped=owner.dropped + second.dropped + company.dropped,
    )


def greeting_of(first_name: str | None, last_name: str | None) -> str | None:
    """Return the first name that a greeting may use, or None where the name of the owner is not plausibly a person's."""
    read = read_owner_names({"owner_first_name": first_name, "owner_last_name": last_name})
    if read.legal_entity or read.deceased or read.do_not_contact:
        return None
    return greeting_name(read.names["owner_first_name"])


def _read_person(first: str, last: str, fields: tuple[str, ...]) -> _OwnerReading:
    """Read the names in the two *fields* of one person. Most names take a fast path."""
    if (not first or _is_ordinary(first)) and (not last or _is_ordinary(last)):
        return _OwnerReading((first or None, last or None))
    return _read_cached_names(first, last, fields)


def _read_names(first: str, last: str, fields: tuple[str, ...]) -> _OwnerReading:
    texts = dict(zip(fields, (first, last), strict=True))
    dropped = [field for field, text in texts.items() if text and not _may_hold_a_name(field, text)]
    kept_first, kept_last = ("" if field in dropped else text for field, text in texts.items())
    dropped += _placeholder_fields(kept_first, kept_last, fields)
    whole_name = " ".join(filter(None, (first, last)))
    return _OwnerReading(
        tuple(None if field in dropped else _remove_remarks(text) for field, text in texts.items()),
        deceased=_says_deceased(whole_name) or _ends_with_deceased(first) or _ends_with_deceased(last),
        legal_entity=_names_entity(first, last),
        do_not_contact=_FORBIDS.search(whole_name) is not None,
        dropped=tuple(dropped),
    )


_read_cached_names = lru_cache(maxsize=16_384)(_read_names)


def _read_company(text: str) -> _OwnerReading:
    is_dropped = not _may_hold_a_name("company_name", text) or _is_placeholder(text)
    return _OwnerReading(
        (None if is_dropped else text,),
        deceased=_says_deceased(text),
        do_not_contact=_FORBIDS.search(text) is not None,
        dropped=("company_name",) if is_dropped else (),
    )


@lru_cache(maxsize=50_000)
def _is_ordinary(text: str) -> bool:
    """Return whether *text* is one word, perhaps with a middle initial, that states no fact beside any other such word.

    Most names are ordinary, and the cache decides each of them once.
    """
    if len(text) > 3 and text[-2] == " " and text[-1].isalpha():  # noqa: PLR2004 - two letters, a blank and the initial
        text = text[:-2]
        if _ENTITY_OR_SURNAME.search(text):
            return False
    if not (text.isascii() and text.isalpha() and len(text) > 1) or text.lower() in (_WORDS_OF_PHRASES | _FILLERS):
        return False
    forms, others = (text, f"{text} L"), ("", "Aa", "Aa L")  # `L`, as it may begin an `LLC`
    pairs = [pair for form in forms for other in others for pair in ((form, other), (other, form))]
    return all(_states_nothing(_read_names(first, last, _FIELDS_OF_PERSONS[0])) for first, last in pairs)


def _states_nothing(owner: _OwnerReading) -> bool:
    return not (owner.deceased or owner.legal_entity or owner.do_not_contact or owner.dropped)


def _may_hold_a_name(field: str, text: str) -> bool:
    """Return whether *text* has letters and neither markup nor, in a person's name, a link."""
    has_letters = any(letter.isalpha() for letter in text)
    return has_letters and not has_markup(text) and (field == "company_name" or not has_link(text))


def _placeholder_fields(first: str, last: str, fields: tuple[str, ...]) -> list[str]:
    """Return which of the two *fields* of one person hold no name.

    `Null`, `Nan` and similar words are names if they are capitalised like one and another name is beside them.
    """
    if first and last and _are_placeholder_together(first, last):
        return list(fields)
    return [
        field
        for field, text, other in ((fields[0], first, last), (fields[1], last, first))
        if text and not (_may_be_a_name(text) and other and greeting_name(other))
        if _FORBIDS.search(text) or _is_placeholder(text)
    ]


def _are_placeholder_together(first: str, last: str) -> bool:
    """Return whether both fields together are a placeholder: `Current` and `Owner`, `N` and `A`, `Do Not` and `Contact`."""
    whole = f"{first} {last}"
    forbids_together = _FORBIDS.search(whole) and not (_FORBIDS.search(first) or _FORBIDS.search(last))
    return bool(forbids_together) or _is_placeholder(whole) or (first + last).casefold() == "na"


def _is_placeholder(text: str) -> bool:
    """Return whether every word of *text* is a placeholder or a filler, and at least one is a placeholder."""
    words = [word for word in re.split(r"[\s,;:_]+|(?<=\w)[-.](?=\w{2})", text.casefold()) if word]
    bare_words = [word.strip(".*?!()[]'\"-") for word in words]
    are_placeholders = [
        is_placeholder_word(bare) or bare in _OTHER_PLACEHOLDERS or word in _OTHER_PLACEHOLDERS
        for bare, word in zip(bare_words, words, strict=True)
    ]
    are_fillers = [not bare or bare in _FILLERS for bare in bare_words]
    return any(are_placeholders) and all(map(operator.or_, are_placeholders, are_fillers))


def _may_be_a_name(text: str) -> bool:
    return text.casefold() in _ALSO_REAL_NAMES and text == text.capitalize()


def _says_deceased(text: str) -> bool:
    without_life_estate = _LIFE_ESTATE.sub(" ", text)
    return bool(_DECEASED.search(without_life_estate) or _ESTATE.search(without_life_estate.rstrip()))


def _ends_with_deceased(text: str) -> bool:
    return " " in text and bool(_DEC.search(text) or _ESTATE.search(_LIFE_ESTATE.sub(" ", text).rstrip()))


def _names_entity(first: str, last: str) -> bool:
    text = " ".join(filter(None, (first, last)))
    without_dots = " ".join(re.sub(r"[.,]+(?=\s|$)", "", text).split())
    if _ENTITY.search(without_dots) or _LIFE_ESTATE.search(text):
        return True
    field = first or last
    return len(field.split()) > 1 and bool(_ENTITY_OR_SURNAME.search(field))


def _remove_remarks(text: str) -> str | None:
    """Return a person's name without titles, and without remarks such as `(Deceased)` and `et al`."""
    name = remove_titles(_ET_AL.sub(" ", _DECEASED_REMARK.sub(" ", text)))
    return " ".join(name.split()).strip(" ,;-()") or None
