"""Invented property records in the shape of PropStream's full export with skip-trace columns.

    python samples/generate.py --rows 1000 --out samples/propstream-1000.csv

The same seed gives the same file. People, parcels and numbers are made up: phones are 555-01xx, emails end in example.com.
Some rows repeat a home in another writing, and about two in a hundred are broken in the ways that real exports are.
"""

import argparse
import csv
import random
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

HEADER = (
    "Address,Unit #,City,State,Zip,Zip+4,Carrier Route,County,FIPS,APN,Owner Occupied,Owner 1 First Name,Owner 1 Last Name,"
    "Owner 2 First Name,Owner 2 Last Name,Mailing Care of Name,Mailing Address,Mailing Unit #,Mailing City,Mailing State,Mailing Zip,"
    "Mailing Zip+4,Mailing Carrier Route,Mailing County,Mailing FIPS,Do Not Mail,Deceased Owner,Property Class,Property Type,Bedrooms,"
    "Total Bathrooms,Building Sqft,Lot Size Sqft,Year Built,Effective Year Built,Pool Type,Vacant,HOA Present,Number of Stories,"
    "Total Assessed Value,Assessed Land Value,Assessed Improvement Value,Improvement to Tax Value %,Last Sale Date,"
    "Last Sale Recording Date,Last Sale Amount,Last Cash Buyer,Last Sale Buyer Name 1,Last Sale Buyer Name 2,Prior Sale Date,"
    "Prior Sale Recordng Date,Prior Sale Amount,Prior Sale Cash Buyer,Prior Sale Buyer Name 1,Prior Sale Buyer Name 2,"
    "Loan 1 Date,Loan 1 Balance,Loan 1 Type,Loan 1 Lender,Loan 1 Rate,Loan 1 Rate Type,Loan 2 Date,Loan 2 Balance,Loan 2 Type,"
    "Loan 2 Lender,Loan 2 Rate,Loan 2 Rate Type,Loan 3 Date,Loan 3 Balance,Loan 3 Type,Loan 3 Lender,Loan 3 Rate,Loan 3 Rate Type,"
    "Loan 4 Date,Loan 4 Balance,Loan 4 Type,Loan 4 Lender,Loan 4 Rate,Loan 4 Rate Type,Total Open Loans,"
    "Est. Remaining balance of Open Loans,Est. Value,Est. Loan-to-Value,Est. Equity,Monthly Rent,Gross Yield %,"
    "Est. Total Monthly Payments,Total Condition,Interior Condition,Exterior Condition,Bathroom Condition,Kitchen Condition,"
    "Foreclosure Factor,MLS Status,MLS Date,MLS Amount,MLS Agent Name,MLS Agent Phone,MLS Agent E-Mail,MLS Brokerage Name,"
    "MLS Brokerage Phone,Lien Type,Lien Date,Lien Amount,BK Date,Divorce Date,Pre-FC Recording Date,Pre-FC Record Type,Pre-FC Lender,"
    "Pre-FC Doc Number,Pre-FC Unpaid Balance,Pre-FC Default Amount,Pre-FC Auction Date,Pre-FC Auction Time,Pre-FC Auction Location,"
    "Pre-FC Auction Opening Bid,Pre-FC Trustee-Attorney Name,Pre-FC Trustee Ref Number,Pre-FC Attorney Case Number,"
    "Pre-FC Trustee-Attorney Address,Pre-FC Borrower 1 Name,Date Added to List,Method of Add,Phone 1,Phone 1 Type,Phone 1 DNC,"
    "Phone 2,Phone 2 Type,Phone 2 DNC,Phone 3,Phone 3 Type,Phone 3 DNC,Phone 4,Phone 4 Type,Phone 4 DNC,Phone 5,Phone 5 Type,"
    "Phone 5 DNC,Email 1,Email 2,Email 3,Email 4,Litigator"
).split(",")

PLACES = (
    ("Dunedin", "FL", "34698", "Pinellas", "12103", "727"),
    ("Clearwater", "FL", "33755", "Pinellas", "12103", "727"),
    ("Tampa", "FL", "33609", "Hillsborough", "12057", "813"),
    ("Orlando", "FL", "32801", "Orange", "12095", "407"),
    ("Anaheim", "CA", "92801", "Orange", "06059", "714"),
    ("Sacramento", "CA", "95814", "Sacramento", "06067", "916"),
    ("Phoenix", "AZ", "85004", "Maricopa", "04013", "602"),
    ("Boston", "MA", "02108", "Suffolk", "25025", "617"),
    ("Worcester", "MA", "01602", "Worcester", "25027", "508"),
    ("Denver", "CO", "80203", "Denver", "08031", "303"),
)
STREETS = (
    "Palmetto", "Magnolia", "Cypress", "Juniper", "Hawthorne", "Sycamore", "Bayshore", "Lakeview", "Sunset", "Meadow", "Willow",
    "Chestnut", "Highland", "Jefferson", "Madison", "Lincoln", "Monroe", "Harrison", "Douglas", "Franklin", "Sheridan", "Garfield",
    "Heron", "Pelican", "Osprey", "Dolphin", "Coral", "Seminole", "Cherokee", "Arlington", "Belmont", "Carlton", "Dorchester",
    "Edgewater", "Fairmont", "Glenwood", "Hillcrest", "Ironwood", "Kensington", "Lexington",
)  # fmt: skip
SUFFIXES = ("Ave", "St", "Rd", "Dr", "Ln", "Ct", "Blvd", "Pl", "Way", "Cir", "Ter")
LONG = {"Ave": "Avenue", "St": "Street", "Rd": "Road", "Dr": "Drive", "Ln": "Lane", "Ct": "Court", "Blvd": "Boulevard"}
FIRST = ("Marjorie", "Walter", "Dolores", "Harold", "Evelyn", "Raymond", "Gloria", "Eugene", "Beverly", "Stanley", "Rosa", "Luis",
         "Carmen", "Hector", "Agnes", "Norman", "Yvonne", "Clifford", "Bernice", "Leroy")  # fmt: skip
LAST = ("Holt", "Ruiz", "Okafor", "Lindqvist", "Marchetti", "Abernathy", "Castellano", "Dubois", "Eriksen", "Fontaine", "Gallagher",
        "Hargrove", "Ibarra", "Jankowski", "Kowalczyk", "Lombardi", "McAllister", "Novak", "Ortega", "Pemberton")  # fmt: skip
TODAY = date(2026, 11, 1)


def rows(count: int, seed: int = 7, *, flaws: bool = True) -> Iterator[dict[str, str]]:
    """*count* records; with *flaws* some repeat an earlier home and some are broken."""
    chance = random.Random(seed)
    recent: list[dict[str, str]] = []
    for number in range(count):
        if flaws and recent and chance.random() < 0.03:
            yield _again(chance, chance.choice(recent))
            continue
        record = _record(chance, number, seed)
        if flaws and chance.random() < 0.02:
            yield _broken(chance, record)
            continue
        recent = [*recent[-49:], record]
        yield record


def _record(chance: random.Random, number: int, seed: int) -> dict[str, str]:
    city, state, zip_code, county, fips, area = PLACES[number % len(PLACES)]
    suffix = chance.choice(SUFFIXES)
    direction = chance.choice(("", "", "", "N ", "S ", "E ", "W "))
    house = 100 + number // 7
    address = f"{house} {direction}{chance.choice(STREETS)} {chance.choice(STREETS)} {suffix}"
    unit = chance.choice(("", "", "", "", f"Apt {chance.randint(1, 40)}", f"#{chance.randint(1, 40)}", f"Unit {chance.randint(1, 9)}B"))
    last, first = chance.choice(LAST), chance.choice(FIRST)
    value = chance.randrange(180_000, 1_400_000, 1_000)
    balance = chance.choice((0, 0, chance.randrange(0, value, 500)))
    equity = value - balance
    sold = TODAY - timedelta(days=chance.randint(400, 16_000))
    money = chance.choice(("{}", "${:,}"))
    occupied = chance.random() < 0.8
    record = {
        "Address": address, "Unit #": unit, "City": city, "State": state,
        "Zip": zip_code.lstrip("0") if chance.random() < 0.5 else zip_code,
        "County": chance.choice((county, f"{county} County")), "FIPS": fips,
        "APN": "" if chance.random() < 0.05 else f"{seed % 90 + 10:02d}-{number // 10_000:03d}-{number % 10_000:04d}-{house % 1_000:03d}",
        "Owner Occupied": "Yes" if occupied else "No", "Owner 1 First Name": first, "Owner 1 Last Name": last,
        "Owner 2 First Name": chance.choice(("", "", chance.choice(FIRST))), "Mailing Address": address if occupied else "9 Harbor Pl",
        "Mailing City": city, "Mailing State": state, "Mailing Zip": zip_code, "Do Not Mail": "No",
        "Deceased Owner": "Yes" if chance.random() < 0.01 else "No", "Property Class": "Residential",
        "Property Type": chance.choice(("Single Family Residential", "Condominium (Residential)", "Townhouse (Residential)")),
        "Bedrooms": str(chance.randint(1, 5)), "Total Bathrooms": chance.choice(("1", "2", "2.5", "3")),
        "Building Sqft": f"{chance.randint(700, 4_200):,}", "Lot Size Sqft": str(chance.randint(2_000, 40_000)),
        "Year Built": str(chance.randint(1925, 2018)), "Vacant": "Yes" if chance.random() < 0.03 else "No", "HOA Present": "No",
        "Total Assessed Value": str(int(value * 0.8)), "Last Sale Date": sold.isoformat(),
        "Last Sale Recording Date": (sold + timedelta(days=9)).strftime("%-m/%-d/%Y"), "Last Sale Amount": money.format(value // 3),
        "Total Open Loans": "0" if not balance else "1", "Est. Remaining balance of Open Loans": money.format(balance),
        "Est. Value": money.format(value), "Est. Loan-to-Value": f"{100 * balance / value:.1f}", "Est. Equity": money.format(equity),
        "Monthly Rent": str(value // 220), "MLS Status": "", "Date Added to List": "10/28/2026", "Method of Add": "List Import",
        "Litigator": "Yes" if chance.random() < 0.005 else "No",
    }  # fmt: skip
    for place in range(1, chance.choice((0, 1, 2, 2, 3)) + 1):
        line = 100 + (number * 3 + place) % 100
        exchange = 201 + (number * 3 + place) // 100 % 790
        record[f"Phone {place}"] = f"({area}) {exchange}-0{line}"
        record[f"Phone {place} Type"] = chance.choice(("Mobile", "Landline"))
        record[f"Phone {place} DNC"] = chance.choice(("Yes", "No", "No"))
    if chance.random() < 0.7:
        record["Email 1"] = f"{first}.{last}{number}@example.com".lower()
    return record


def _again(chance: random.Random, record: dict[str, str]) -> dict[str, str]:
    """The same home as another list writes it."""
    words = record["Address"].split()
    words[-1] = LONG.get(words[-1], words[-1])
    address = " ".join(words)
    return record | {
        "Address": chance.choice((address.upper(), address, record["Address"] + ".")),
        "Unit #": record["Unit #"].replace("Apt ", "#"),
        "APN": record["APN"].replace("-", ""),
        "Email 2": record.get("Email 1", "").replace("@", "+2@"),
    }


def _broken(chance: random.Random, record: dict[str, str]) -> dict[str, str]:
    return record | chance.choice(
        (
            {"Zip": ""}, {"Zip": "ABCDE"}, {"Address": ""}, {"Address": "PO Box 118"}, {"City": ""}, {"State": "Floridia"},
            {"Address": "no number known"}, {"Owner 1 Last Name": "=HYPERLINK(\"x\")", "Zip": ""},
        )  # fmt: skip
    )


def write(out: Path, count: int, seed: int = 7, *, flaws: bool = True) -> Path:
    """Write *count* records to *out* as PropStream does: UTF-8 with a byte order mark, CRLF."""
    with out.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, HEADER, restval="")
        writer.writeheader()
        writer.writerows(rows(count, seed, flaws=flaws))
    return out


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("propstream-1000.csv"))
    chosen = parser.parse_args()
    write(chosen.out, chosen.rows, chosen.seed)
