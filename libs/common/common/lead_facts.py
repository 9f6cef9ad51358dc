"""Table of lead facts: one line for each value that a property record says about a home and its owner.

From this table derive the headers that a file may use, the fields of `LeadRecord`, the parsers of ingest, and the choice
between two records. `./dev schema` writes from it the columns of `app.leads` and `pipeline.leads_staging`, their grants,
and `app.upsert_leads` (docs/guides/adding-a-column.md). Facts are matched by name, so their order does not matter.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class ValueKind(StrEnum):
    """Kind of a value: which parser of ingest reads it."""

    TEXT = "text"
    """One line of text; a placeholder such as `n/a` counts as no value."""
    TEXT_AS_WRITTEN = "text_as_written"
    """One line of text; a rule for this fact alone decides which texts are placeholders."""
    ZIP_CODE = "zip_code"
    COUNT = "count"
    DECIMAL = "decimal"
    AREA = "area"
    MONEY = "money"
    YEAR_BUILT = "year_built"
    YES_OR_NO = "yes_or_no"
    PAST_DATE = "past_date"
    PROHIBITION = "prohibition"
    """Flag that forbids contact unless its value is a clear no (docs/protective-columns.md)."""
    COMBINED = "combined"
    """Value that is read together with other fields, by code for this fact alone."""
    DERIVED = "derived"
    """Value that ingest computes from other facts. No record has a field for it."""


@dataclass(frozen=True, slots=True)
class ValueFormat:
    """Kind of a value and, for a number, its smallest and largest value."""

    kind: ValueKind
    minimum: int = 0
    maximum: int = 0


class MergeRule(StrEnum):
    """Choice between the values of two records of one lead."""

    LATEST = "latest"
    """The later observation, then the higher source rank, then the larger value (ADR 3)."""
    PARCEL = "parcel"
    ADDRESS = "address"
    COUNTY = "county"
    """The facts of a group come from one record (ADR 31). The first fact of a group in the table is its key."""
    STAYS_TRUE = "stays_true"
    """True once any record says so."""
    FIRST = "first"
    """The first value stays. A lead keeps its Melissa address key."""
    NOT_STORED = "not_stored"
    """The value takes effect when the record is read, and no column stores it."""


@dataclass(frozen=True, slots=True)
class LeadFact:
    """One fact: its column and field, the form of its value, its merge rule, its headers, and who may use its column."""

    name: str
    sql_type: str
    value: ValueFormat
    merge: MergeRule
    headers: tuple[str, ...] = ()
    """Headers of a file by precedence: where a file has several, the first one with a value counts.
    The name itself, with underscores or spaces, is accepted after them."""
    written_by: str = "ingest"
    """Service that may insert and update the column."""
    is_shown_to_brokers: bool = True
    """Whether a broker may read the column, for the leads assigned to it."""

    @property
    def is_record_field(self) -> bool:
        """Whether a record has a field for this fact."""
        return self.value.kind is not ValueKind.DERIVED

    @property
    def is_grouped(self) -> bool:
        """Whether a merge chooses the value together with the other facts of its group."""
        return self.merge in _GROUP_RULES

    @property
    def is_stamped(self) -> bool:
        """Whether a merge compares when the value was observed."""
        return self.is_grouped or self.merge is MergeRule.LATEST


_GROUP_RULES = (MergeRule.PARCEL, MergeRule.ADDRESS, MergeRule.COUNTY)

_TEXT = ValueFormat(ValueKind.TEXT)
_AS_WRITTEN = ValueFormat(ValueKind.TEXT_AS_WRITTEN)
_ZIP_CODE = ValueFormat(ValueKind.ZIP_CODE)
_YEAR_BUILT = ValueFormat(ValueKind.YEAR_BUILT)
_YES_OR_NO = ValueFormat(ValueKind.YES_OR_NO)
_PAST_DATE = ValueFormat(ValueKind.PAST_DATE)
_PROHIBITION = ValueFormat(ValueKind.PROHIBITION)
_COMBINED = ValueFormat(ValueKind.COMBINED)
_DERIVED = ValueFormat(ValueKind.DERIVED)


def _count(minimum: int, maximum: int) -> ValueFormat:
    return ValueFormat(ValueKind.COUNT, minimum, maximum)


def _decimal(minimum: int, maximum: int) -> ValueFormat:
    return ValueFormat(ValueKind.DECIMAL, minimum, maximum)


def _area(minimum: int, maximum: int) -> ValueFormat:
    return ValueFormat(ValueKind.AREA, minimum, maximum)


def _money(minimum: int, maximum: int) -> ValueFormat:
    return ValueFormat(ValueKind.MONEY, minimum, maximum)


_LATEST, _PARCEL, _ADDRESS, _COUNTY = MergeRule.LATEST, MergeRule.PARCEL, MergeRule.ADDRESS, MergeRule.COUNTY
_STAYS_TRUE, _FIRST, _NOT_STORED = MergeRule.STAYS_TRUE, MergeRule.FIRST, MergeRule.NOT_STORED

# fmt: off
LEAD_FACTS: tuple[LeadFact, ...] = (
    # name, SQL type, value, merge rule, headers
    LeadFact("mak", "text", _COMBINED, _FIRST, ("MAK", "Melissa Address Key")),
    LeadFact("apn_key", "text", _DERIVED, _PARCEL, is_shown_to_brokers=False),
    LeadFact("apn", "text", _TEXT, _PARCEL, (
        "APN", "Parcel Number", "Assessor Parcel Number", "Formatted APN", "APN Formatted", "Parcel ID", "Parcel No", "Parcel #",
        "Parcel ID Number", "Assessors Parcel Number", "APN/Parcel ID", "APN Unformatted", "Unformatted APN")),
    LeadFact("addr_hash", "bytea", _DERIVED, _ADDRESS, is_shown_to_brokers=False),
    LeadFact("property_address", "text", _AS_WRITTEN, _ADDRESS, (
        "Address", "Property Address", "Street Address", "Property Street Address", "Site Address", "Situs Address",
        "Property Address Line 1", "Property Address 1", "Property Street", "Site Street Address", "Situs Street Address",
        "Situs Addr", "Site Addr", "Property Addr", "Prop Address", "Physical Address", "Address Line 1", "Address 1",
        "Location Address", "Phy Addr", "Loc Addr", "Prop Addr", "Property Street 1", "Site Address 1", "Situs Address 1",
        "Situs Street", "Site Street", "Property Address Street", "Street")),
    LeadFact("property_unit", "text", _AS_WRITTEN, _ADDRESS, (
        "Unit #", "Property Unit", "Unit Number", "Property Unit Number", "Property Address Line 2", "Property Address 2",
        "Site Unit", "Situs Unit", "Situs Unit Number", "Unit No", "Unit Nbr", "Suite", "Apt Number", "Property Street 2", "Apt",
        "Apt No", "Apartment", "Apartment Number", "Apt/Unit", "Unit/Apt", "Apt/Suite", "Suite/Apt", "Apt/Unit Number", "Unit/Suite",
        "Apt/Ste", "Site Apt", "Situs Apt", "Property Apt", "Address Line 2", "Address 2")),
    LeadFact("property_city", "text", _TEXT, _ADDRESS, (
        "City", "Property City", "Site City", "Situs City", "Property Address City", "Prop City", "Physical City",
        "Site Address City", "Situs Address City", "Location City", "Loc City", "Phy City")),
    LeadFact("property_state", "text", _COMBINED, _ADDRESS, (
        "State", "Property State", "Site State", "Situs State", "Property Address State", "Prop State", "Physical State",
        "State/Region", "Site Address State", "Situs Address State", "Location State", "Loc State", "Phy State", "ST")),
    LeadFact("property_zip", "text", _COMBINED, _ADDRESS, (
        "Zip", "Zip Code", "Property Zip", "Property Zip Code", "Postal Code", "Site Zip", "Situs Zip", "Property Zip/Zip+4",
        "Property Postal Code", "Property Zip5", "Property Address Zip", "Property Address Zip Code", "Site Zip Code",
        "Situs Zip Code", "Situs Zip/Zip+4", "Prop Zip", "Physical Zip", "Zip5", "Zip Code 5", "Site Address Zip",
        "Situs Address Zip", "Location Zip", "Location Zip Code", "Loc Zip", "Phy Zip")),
    LeadFact("fips", "text", _COMBINED, _COUNTY, ("FIPS", "FIPS Code", "County FIPS", "County FIPS Code"), is_shown_to_brokers=False),
    LeadFact("county", "text", _COMBINED, _COUNTY, (
        "County", "Property County", "County Name", "Situs County", "Site County", "Property Address County")),
    LeadFact("owner_first_name", "text", _AS_WRITTEN, _LATEST, (
        "Owner 1 First Name", "First Name", "Owner First Name", "Owner First", "Owner 1 First",
        "Owner Name First", "Seller First Name", "First")),
    LeadFact("owner_last_name", "text", _AS_WRITTEN, _LATEST, (
        "Owner 1 Last Name", "Last Name", "Owner Last Name", "Owner Last", "Owner 1 Last",
        "Owner Name Last", "Seller Last Name", "Last")),
    LeadFact("owner2_first_name", "text", _AS_WRITTEN, _LATEST, ("Owner 2 First Name", "Owner 2 First")),
    LeadFact("owner2_last_name", "text", _AS_WRITTEN, _LATEST, ("Owner 2 Last Name", "Owner 2 Last")),
    LeadFact("company_name", "text", _AS_WRITTEN, _LATEST, (
        "Company Name", "Company", "Business Name", "Owner Company Name", "Entity Name", "Trust Name")),
    LeadFact("mailing_address", "text", _TEXT, _LATEST, (
        "Mailing Address", "Mail Street Address", "Mail Address", "Owner Address", "Owner Mailing Address", "Mailing Street Address",
        "Mailing Street", "Mailing Address Line 1", "Mailing Address 1", "Owner Address Line 1", "Owner Street Address", "Mail Addr",
        "Mailing Addr", "Mail Addr 1", "Mailing Street 1", "Mail Add", "Owner Addr 1", "Owner Address 1",
        "Owner Mailing Address Street", "Mailing Address Street")),
    LeadFact("mailing_unit", "text", _TEXT, _LATEST, (
        "Mailing Unit #", "Mail Unit #", "Mailing Unit Number", "Mail Unit Number", "Mailing Address Line 2", "Mailing Address 2",
        "Owner Address Line 2", "Owner Unit", "Mailing Street 2", "Mail Addr 2", "Mailing Addr 2", "Mail Add 2", "Mail Address 2",
        "Owner Addr 2", "Owner Address 2", "Owner Mailing Unit", "Owner Mailing Unit Number")),
    LeadFact("mailing_city", "text", _TEXT, _LATEST, (
        "Mailing City", "Mail City", "Owner City", "Owner Mailing City", "Owner Address City", "Mailing Address City",
        "Owner Mailing Address City")),
    LeadFact("mailing_state", "text", _TEXT, _LATEST, (
        "Mailing State", "Mail State", "Owner State", "Owner Mailing State", "Owner Address State", "Mailing Address State",
        "Owner Mailing Address State")),
    LeadFact("mailing_zip", "text", _ZIP_CODE, _LATEST, (
        "Mailing Zip", "Mail Zip", "Owner Zip", "Mailing Zip Code", "Mail Zip Code", "Mail Zip/Zip+4", "Mailing Zip/Zip+4",
        "Mailing Zip5", "Mailing Postal Code", "Owner Mailing Zip", "Owner Mailing Zip Code", "Owner Zip Code", "Owner Address Zip",
        "Owner Address Zip Code", "Mailing Address Zip", "Mail Zip5", "Owner Mailing Address Zip")),
    LeadFact("property_type", "text", _TEXT, _LATEST, ("Property Type", "Property Type Detail")),
    LeadFact("bedrooms", "smallint", _count(0, 200), _LATEST, (
        "Bedrooms", "Beds", "Bedroom Count", "Bedrooms Count", "Total Bedrooms", "Number of Bedrooms", "Num Bedrooms", "Bed")),
    LeadFact("bathrooms", "numeric(5,2)", _decimal(0, 200), _LATEST, (
        "Total Bathrooms", "Bathrooms", "Baths", "Bathroom Count", "Bath Count", "Total Baths", "Number of Bathrooms",
        "Num Bathrooms", "Bath")),
    LeadFact("building_sqft", "integer", _area(1, 10**7), _LATEST, (
        "Building Sqft", "Building Square Feet", "Living Area", "Total Building Area Square Feet", "Living Area Square Feet",
        "Living Area Sqft", "Living Square Feet", "Living Sqft", "Building Area", "Sqft", "Square Feet", "Square Footage",
        "Bldg Sqft", "Bldg Square Feet", "Building Size")),
    LeadFact("lot_sqft", "bigint", _area(1, 10**11), _LATEST, (
        "Lot Size Sqft", "Lot Size", "Lot Size Square Feet", "Lot Square Feet", "Lot Sqft", "Lot Area")),
    LeadFact("year_built", "smallint", _YEAR_BUILT, _LATEST, ("Year Built", "Yr Built", "Actual Year Built", "Yr Blt")),
    LeadFact("owner_occupied", "boolean", _YES_OR_NO, _LATEST, ("Owner Occupied", "Owner Occ", "Is Owner Occupied")),
    LeadFact("vacant", "boolean", _YES_OR_NO, _LATEST, ("Vacant", "Is Vacant", "Property Vacant")),
    LeadFact("est_value", "bigint", _money(1, 10**9), _LATEST, (
        "Est. Value", "Estimated Value", "Estimated Market Value", "AVM", "AVM Value")),
    LeadFact("est_equity", "bigint", _money(-(10**9), 10**9), _LATEST, (
        "Est. Equity", "Estimated Equity", "Equity Amount", "Equity Current Estimated Balance")),
    LeadFact("est_ltv", "numeric(7,2)", _COMBINED, _LATEST, (
        "Est. Loan-to-Value", "Estimated Loan-to-Value", "Est LTV", "LTV", "Loan-to-Value", "Estimated LTV",
        "LTV Current Estimated Combined", "LTV %")),
    LeadFact("open_loans", "smallint", _count(0, 100), _LATEST, (
        "Total Open Loans", "Open Loans", "Open Loan Count", "Number of Open Loans", "Open Mortgages", "Number of Mortgages")),
    LeadFact("open_loan_balance", "bigint", _money(0, 10**9), _LATEST, (
        "Est. Remaining balance of Open Loans", "Open Loan Balance", "Total Loan Balance", "Total Open Loan Balance",
        "Est. Mortgage Balance", "Estimated Mortgage Balance", "Open Mortgage Balance", "Total Mortgage Balance")),
    LeadFact("last_sale_date", "date", _PAST_DATE, _LATEST, (
        "Last Sale Date", "Last Sale Recording Date", "Last Sold", "Last Sold Date", "Sale Date", "Purchase Date", "Last Sales Date",
        "Sales Date", "Last Market Sale Date")),
    LeadFact("last_sale_amount", "bigint", _money(0, 10**9), _LATEST, (
        "Last Sale Amount", "Last Sale Price", "Last Sold Price", "Sale Price", "Sale Amount", "Purchase Price", "Last Sales Price",
        "Sales Price", "Last Market Sale Price")),
    LeadFact("deceased_owner", "boolean", _PROHIBITION, _STAYS_TRUE, ("Deceased Owner", "Deceased")),
    LeadFact("do_not_mail", "boolean", _PROHIBITION, _STAYS_TRUE, ("Do Not Mail",)),
    LeadFact("litigator", "boolean", _PROHIBITION, _STAYS_TRUE, ("Litigator",)),
    LeadFact("do_not_contact", "boolean", _PROHIBITION, _NOT_STORED, ("Do Not Contact",)),
)
# fmt: on

RECORD_FIELDS: tuple[str, ...] = tuple(fact.name for fact in LEAD_FACTS if fact.is_record_field)
"""Names of the facts that a record may carry."""

REQUIRED_FIELDS = ("property_address", "property_city", "property_state", "property_zip")
"""Fields without which no record can become a lead."""

STAMPED_FACTS: tuple[str, ...] = tuple(fact.name for fact in LEAD_FACTS if fact.is_stamped)
"""Names of the facts between which a merge chooses by the time of observation."""

FACT_GROUPS: Mapping[MergeRule, tuple[str, ...]] = {
    rule: tuple(fact.name for fact in LEAD_FACTS if fact.merge is rule) for rule in _GROUP_RULES
}
"""Names of the facts that come from one record: a key, and the values that are shown for it (ADR 31)."""

FLAGS: tuple[str, ...] = tuple(fact.name for fact in LEAD_FACTS if fact.merge is MergeRule.STAYS_TRUE)
"""Names of the facts that stay true once any record says so."""

PROHIBITIONS: tuple[str, ...] = tuple(fact.name for fact in LEAD_FACTS if fact.value.kind is ValueKind.PROHIBITION)
"""Names of the facts that forbid contact with the owner of the lead."""
