"""Tables of accepted columns and of the profiles of the product, generated from the code that reads files."""

from collections.abc import Iterator

from common.lead_facts import LEAD_FACTS, REQUIRED_FIELDS, LeadFact, ValueKind
from common.records.file_profile import GENERIC, FileProfile, built_in_profiles
from common.records.headers import COMBINED_HEADERS
from documents.markdown import build_table, list_names

_FORMS = {
    ValueKind.TEXT: "text",
    ValueKind.TEXT_AS_WRITTEN: "text",
    ValueKind.ZIP_CODE: "ZIP code",
    ValueKind.COUNT: "whole number",
    ValueKind.DECIMAL: "number",
    ValueKind.AREA: "square feet, or acres with their unit",
    ValueKind.MONEY: "dollars",
    ValueKind.YEAR_BUILT: "year",
    ValueKind.YES_OR_NO: "yes or no",
    ValueKind.PAST_DATE: "date",
    ValueKind.PROHIBITION: "forbids contact unless it is a clear no",
    ValueKind.COMBINED: "text",
}
_COMBINED = {
    "address_line": "the property's whole address, with commas or line breaks between its parts",
    "place": "city, state and ZIP code of the property",
    "mailing_line": "the owner's whole address",
    "mailing_line_3": "third line of the owner's street",
    "mailing_place": "city, state and ZIP code of the owner",
    "owner_names": "whole names of all owners",
    "owner2_name": "whole name of the second owner",
    "owner_middle_name": "middle name or initial",
    "owner_suffix": "suffix of the name",
    "owner2_middle_name": "middle name of the second owner",
    "owner2_suffix": "suffix of the second owner's name",
    "lot_acres": "size of the lot in acres",
    "street_number_prefix": "before the house number",
    "street_number": "house number",
    "street_number_suffix": "letter or fraction behind the house number",
    "street_number_2": "last house number of a range",
    "street_direction": "direction before the street's name",
    "street_name": "name of the street",
    "street_suffix": "kind of the street",
    "street_post_direction": "direction behind the street's name",
    "scrub": "result of a scrub: `DNC` closes the lead, `Litigator` sets that flag",
}


def build_accepted_columns() -> str:
    """Return the table of facts and that of combined columns, each with its accepted headers in order."""
    facts = build_table(("field", "accepted headers, in order", "value"), map(_build_fact, _record_facts()))
    combined = build_table(
        ("cell", "accepted headers, in order"),
        ((_COMBINED[name], list_names(headers)) for name, headers in COMBINED_HEADERS.items()),
    )
    return f"## Facts\n\n{facts}\n\n## Cells with several facts, or a part of one\n\n{combined}"


def build_profile_table() -> str:
    """Return the table of the profiles of the product."""
    profiles = (profile for name, profile in built_in_profiles().items() if name != GENERIC)
    return build_table(("profile", "files", "recognised by", "rules"), map(_build_profile, profiles))


def _record_facts() -> Iterator[LeadFact]:
    return (fact for fact in LEAD_FACTS if fact.is_record_field)


def _build_fact(fact: LeadFact) -> tuple[str, str, str]:
    mark = " (required)" if fact.name in REQUIRED_FIELDS else ""
    return f"`{fact.name}`{mark}", list_names(fact.headers), _FORMS[fact.value.kind]


def _build_profile(profile: FileProfile) -> tuple[str, str, str, str]:
    rules = profile.rules
    named = [
        f"names: {rules.name_order.replace('_', ' ')}" if rules.name_order else "",
        f"state: {rules.state.replace('_', ' ')}" if rules.state else "",
        "dates with dashes: month first" if rules.month_first else "",
        f"values of {list_names(rules.values)}" if rules.values else "",
    ]
    return (
        f"`{profile.name}`",
        profile.title,
        "; or ".join(profile.describe_recognition()),
        ", ".join(filter(None, named)),
    )
