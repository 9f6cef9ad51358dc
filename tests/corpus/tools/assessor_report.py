"""Printed reports of county assessors: titles, footers and repeated headers around the table, and merged cells."""

from corpus.columns import OWNERS, ExportColumn, assessor_names, columns_of, composed, told, told_all
from corpus.export import ExportFile
from corpus.forms import FileForm
from corpus.homes import HomeMaker


def files(make: HomeMaker) -> list[ExportFile]:
    """Return the reports of county assessors."""
    return [_titles_and_footer(make), _merged_places(make), _merged_owners(make)]


def _roll_columns() -> list[ExportColumn]:
    return columns_of(
        "Parcel Number,Owner,Site Address,Site City,Site State,Site Zip,County,Year Built",
        told("Parcel Number", "apn"),
        composed("Owner", assessor_names, *OWNERS),
        *told_all(
            "Site Address=street | Site City=city | Site State=state | Site Zip=zip | County=county | "
            "Year Built=value.year_built"
        ),
    )


def _titles_and_footer(make: HomeMaker) -> ExportFile:
    before = (
        "Pinellas County Property Appraiser,,,,,,,",
        '"Parcels by owner, all districts",,,,,,,',
        "Printed 10/12/2026,,,,,,Page 1,",
        "",
    )
    file = ExportFile(
        "assessor-titles-and-footer.csv",
        "County assessor",
        "Printed report: title lines and a blank line before the header, the header again on each page, blank lines, a footer.",
        _roll_columns(),
        profile="assessor",
        form=FileForm(before=before),
        decisions=["lines-around-the-table", "name-order"],
    )
    file.add_all(make.home("person", town="Dunedin"), make.home("couple", town="Clearwater"))
    file.add_line()
    file.add_skipped("repeated_header")
    file.add_all(make.home("person", town="Clearwater"), make.home("trust", town="Dunedin"))
    file.add_line()
    file.add_skipped("footer", ["Total: 4 records", *[""] * 7])
    return file


def _merged_places(make: HomeMaker) -> ExportFile:
    file = ExportFile(
        "assessor-merged-places.csv",
        "County assessor",
        "City, state, ZIP code and county were merged cells, empty where the value above holds: such rows are rejected.",
        _roll_columns(),
        profile="assessor",
        decisions=["merged-cells", "name-order"],
    )
    empty = dict.fromkeys(("Site City", "Site State", "Site Zip", "County"), "")
    for town in ("Dunedin", "Tampa"):
        file.add(make.home("person", town=town))
        for owner in ("couple", "person"):
            reasons = ["missing_city", "missing_state", "missing_zip"]
            file.add(make.home(owner, town=town), respell=empty, reject=reasons)
    return file


def _merged_owners(make: HomeMaker) -> ExportFile:
    columns = columns_of(
        "Owner,Do Not Mail,Mailing Address,Mailing City,Mailing State,Mailing Zip,Phone,Parcel Number,Site Address,Site City,"
        "Site State,Site Zip,County",
        composed("Owner", assessor_names, *OWNERS),
        told("Do Not Mail", "flag.do_not_mail", lambda flag: "X" if flag == "yes" else ""),
        *told_all(
            "Mailing Address=mail.street | Mailing City=mail.city | Mailing State=mail.state | Mailing Zip=mail.zip | "
            "Phone=phone1.number | Parcel Number=apn | Site Address=street | Site City=city | Site State=state | "
            "Site Zip=zip | County=county"
        ),
    )
    file = ExportFile(
        "assessor-merged-owners.csv",
        "County assessor",
        "An owner of two homes stands once, in merged cells: the row below has no owner, mailing address or flag.",
        columns,
        profile="assessor",
        decisions=["merged-cells", "name-order"],
    )
    owner = make.home("person", absentee=True, dnc="-", more={"flag.do_not_mail": "yes"})
    other_home = {path: fact for path, fact in make.home("person").items() if not path.startswith(("owner", "mail."))}
    no_owner = {
        "owner1.last": "",
        "owner1.first": "",
        "mail.street": "",
        "mail.city": "",
        "mail.state": "",
        "mail.zip": "",
    }
    file.add(owner)
    file.add(other_home | no_owner, respell={"Owner": "", "Do Not Mail": ""})
    file.add(make.home("couple", absentee=True, dnc="-", more={"flag.do_not_mail": "no"}))
    without_owner = {
        path: fact for path, fact in make.home("person").items() if not path.startswith(("owner", "mail."))
    }
    file.add(without_owner | {"mail.city": "Tampa", "mail.state": "FL", "mail.zip": "33609"})
    return file
