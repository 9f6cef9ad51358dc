"""Generator of invented property records in the form of a full PropStream export with skip trace columns.

    python samples/generate.py --rows 1000 --out samples/propstream-1000.csv

The same rows and seed give the same file, and two homes never share an address or a parcel number. The towns are real;
people, parcels and loans are invented, phones are in exchange 555, which no household has, and emails end in
example.com, .net or .org. Three rows in a hundred repeat an earlier home in another spelling; one in fifty is broken.
"""

import argparse
import csv
import random
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

LOANS = ",".join(
    f"Loan {n} {part}" for n in "1234" for part in ("Date", "Balance", "Type", "Lender", "Rate", "Rate Type")
)
PHONES = ",".join(f"Phone {n},Phone {n} Type,Phone {n} DNC" for n in "12345")
HEADER = (
    "Address,Unit #,City,State,Zip,Zip+4,Carrier Route,County,FIPS,APN,Owner Occupied,Owner 1 First Name,"
    "Owner 1 Last Name,Owner 2 First Name,Owner 2 Last Name,Mailing Care of Name,Mailing Address,Mailing Unit #,"
    "Mailing City,Mailing State,Mailing Zip,Mailing Zip+4,Mailing Carrier Route,Mailing County,Mailing FIPS,"
    "Do Not Mail,Deceased Owner,Property Class,Property Type,Bedrooms,Total Bathrooms,Building Sqft,"
    "Lot Size Sqft,Year Built,Effective Year Built,Pool Type,Vacant,HOA Present,Number of Stories,"
    "Total Assessed Value,Assessed Land Value,Assessed Improvement Value,Improvement to Tax Value %,"
    "Last Sale Date,Last Sale Recording Date,Last Sale Amount,Last Cash Buyer,Last Sale Buyer Name 1,"
    "Last Sale Buyer Name 2,Prior Sale Date,Prior Sale Recordng Date,Prior Sale Amount,Prior Sale Cash Buyer,"
    f"Prior Sale Buyer Name 1,Prior Sale Buyer Name 2,{LOANS},Total Open Loans,"
    "Est. Remaining balance of Open Loans,Est. Value,Est. Loan-to-Value,Est. Equity,Monthly Rent,Gross Yield %,"
    "Est. Total Monthly Payments,Total Condition,Interior Condition,Exterior Condition,Bathroom Condition,"
    "Kitchen Condition,Foreclosure Factor,MLS Status,MLS Date,MLS Amount,MLS Agent Name,MLS Agent Phone,"
    "MLS Agent E-Mail,MLS Brokerage Name,MLS Brokerage Phone,Lien Type,Lien Date,Lien Amount,BK Date,"
    "Divorce Date,Pre-FC Recording Date,Pre-FC Record Type,Pre-FC Lender,Pre-FC Doc Number,Pre-FC Unpaid Balance,"
    "Pre-FC Default Amount,Pre-FC Auction Date,Pre-FC Auction Time,Pre-FC Auction Location,"
    "Pre-FC Auction Opening Bid,Pre-FC Trustee-Attorney Name,Pre-FC Trustee Ref Number,"
    "Pre-FC Attorney Case Number,Pre-FC Trustee-Attorney Address,Pre-FC Borrower 1 Name,Date Added to List,"
    f"Method of Add,{PHONES},Email 1,Email 2,Email 3,Email 4,Litigator"
).split(",")


class Place(NamedTuple):
    """Town with its location, area code and price of a home in thousands."""

    city: str
    state: str
    zip: str
    county: str
    fips: str
    area: str
    price: int


PLACES = (
    Place("Clearwater", "FL", "33755", "Pinellas", "12103", "727", 340),
    Place("Dunedin", "FL", "34698", "Pinellas", "12103", "727", 390),
    Place("St. Petersburg", "FL", "33704", "Pinellas", "12103", "727", 610),
    Place("Tampa", "FL", "33609", "Hillsborough", "12057", "813", 590),
    Place("Orlando", "FL", "32803", "Orange", "12095", "407", 470),
    Place("Sarasota", "FL", "34236", "Sarasota", "12115", "941", 720),
    Place("Miami", "FL", "33133", "Miami-Dade", "12086", "305", 980),
    Place("Jacksonville", "FL", "32205", "Duval", "12031", "904", 330),
    Place("Anaheim", "CA", "92801", "Orange", "06059", "714", 820),
    Place("Pasadena", "CA", "91104", "Los Angeles", "06037", "626", 1050),
    Place("Long Beach", "CA", "90808", "Los Angeles", "06037", "562", 910),
    Place("San Diego", "CA", "92104", "San Diego", "06073", "619", 990),
    Place("Sacramento", "CA", "95819", "Sacramento", "06067", "916", 690),
    Place("Oakland", "CA", "94602", "Alameda", "06001", "510", 1010),
    Place("Phoenix", "AZ", "85016", "Maricopa", "04013", "602", 560),
    Place("Mesa", "AZ", "85203", "Maricopa", "04013", "480", 450),
    Place("Tucson", "AZ", "85716", "Pima", "04019", "520", 340),
    Place("Denver", "CO", "80210", "Denver", "08031", "303", 830),
    Place("Austin", "TX", "78704", "Travis", "48453", "512", 780),
    Place("Dallas", "TX", "75214", "Dallas", "48113", "214", 690),
    Place("San Antonio", "TX", "78209", "Bexar", "48029", "210", 480),
    Place("Henderson", "NV", "89014", "Clark", "32003", "702", 450),
    Place("Newton", "MA", "02458", "Middlesex", "25017", "617", 1150),
    Place("Quincy", "MA", "02169", "Norfolk", "25021", "617", 640),
    Place("Worcester", "MA", "01602", "Worcester", "25027", "508", 440),
    Place("Montclair", "NJ", "07042", "Essex", "34013", "973", 860),
    Place("Fairfield", "CT", "06824", "Fairfield", "09001", "203", 870),
    Place("Nashua", "NH", "03060", "Hillsborough", "33011", "603", 450),
    Place("Decatur", "GA", "30030", "DeKalb", "13089", "404", 620),
    Place("Raleigh", "NC", "27608", "Wake", "37183", "919", 680),
    Place("Seattle", "WA", "98117", "King", "53033", "206", 940),
    Place("Portland", "OR", "97214", "Multnomah", "41051", "503", 640),
)
STREETS = (
    "Palmetto", "Magnolia", "Cypress", "Juniper", "Hawthorne", "Sycamore", "Bayshore", "Lakeview", "Sunset",
    "Meadow", "Willow", "Chestnut", "Highland", "Jefferson", "Madison", "Lincoln", "Monroe", "Harrison", "Douglas",
    "Franklin", "Sheridan", "Garfield", "Heron", "Pelican", "Osprey", "Dolphin", "Coral", "Seminole", "Cherokee",
    "Arlington", "Belmont", "Carlton", "Dorchester", "Edgewater", "Fairmont", "Glenwood", "Hillcrest", "Ironwood",
    "Kensington", "Lexington", "Live Oak", "Orange Grove", "Indian Rocks", "Mill Creek", "Stone Ridge",
    "Quail Hollow", "Cedar Point", "Silver Lake", "Martin Luther King Jr", "O'Neill", "4th", "9th", "12th", "21st",
    "22nd", "33rd", "47th", "Oak", "Elm", "Bay", "St. Johns", "La Paloma",
)  # fmt: skip
SUFFIXES = ("Ave", "St", "Dr", "Rd", "Ln", "Ct", "Blvd", "Way", "Pl", "Cir", "Ter", "Trl")
LONG = {
    "Ave": "Avenue", "St": "Street", "Rd": "Road", "Dr": "Drive", "Ln": "Lane", "Ct": "Court", "Blvd": "Boulevard",
    "Pl": "Place", "Cir": "Circle", "Ter": "Terrace", "Trl": "Trail", "N": "North", "S": "South", "E": "East",
    "W": "West",
}  # fmt: skip
FIRST = (
    "Marjorie", "Walter", "Dolores", "Harold", "Evelyn", "Raymond", "Gloria", "Eugene", "Beverly", "Stanley",
    "Rosa", "Luis", "Carmen", "Héctor", "Agnes", "Norman", "Yvonne", "Clifford", "Bernice", "Leroy", "Priya",
    "Anil", "Mei", "Chidi", "Ngozi", "Tadeusz", "Ingrid", "Søren", "Fatima", "Omar", "Renée", "Marcel", "Winifred",
    "Cornelius", "Odessa", "Thaddeus", "Lucille", "Everett", "Consuelo", "Barnaby",
)  # fmt: skip
LAST = (
    "Holt", "Ruiz", "Okafor", "Lindqvist", "Marchetti", "Abernathy", "Castellano", "Dubois", "Eriksen", "Fontaine",
    "Gallagher", "Hargrove", "Ibarra", "Jankowski", "Kowalczyk", "Lombardi", "McAllister", "Novak", "Ortega",
    "Pemberton", "O'Dwyer", "Núñez", "De La Cruz", "Van Houten", "Smythe-Jones", "Thistlewood", "Umarov",
    "Vanterpool", "Whitlock", "Yarborough", "Zielinski", "Achebe", "Brannigan", "Cavendish", "Delacroix",
    "Featherstone", "Grimaldi", "Hollingsworth",
)  # fmt: skip
LENDERS = (
    "First Harbor Bank",
    "Palm Coast Credit Union",
    "Meridian Home Loans",
    "Keystone Mortgage Co",
    "Blue Ridge Savings",
)
TYPES = ("Single Family Residential", "Condominium (Residential)", "Townhouse (Residential)", "Duplex (2 units)")
UNITS = ("Apt {}", "#{}", "Unit {}", "# {}", "{}")
AS_OF = date(2026, 11, 1)
HOUSES = 2_000
SMALL_FILE_ROWS = 20_000
"""Files up to this size use phones 555-0100 to 555-0199, as films do. Larger files use the whole exchange."""
HOUSE_STEP = 1_000_003
"""Prime step, so that the sequence visits every house of every street of every town before it repeats."""

Record = dict[str, str]


def rows(count: int, seed: int = 7, *, flaws: bool = True) -> Iterator[list[str]]:
    """Yield *count* rows with cells in the order of `HEADER`. With *flaws* some repeat an earlier home and some are broken."""
    seeded_random = random.Random(seed)
    lines = 100 if count <= SMALL_FILE_ROWS else 10_000
    recent: list[Record] = []
    for number in range(count):
        if flaws and number % 50 == 31:
            record = _record(seeded_random, number, seed, lines)
            yield FLAWS[number // 50 % len(FLAWS)](record)
        elif flaws and recent and seeded_random.random() < 0.03:
            yield _cells(_respell(seeded_random, seeded_random.choice(recent)))
        else:
            record = _record(seeded_random, number, seed, lines)
            recent = [*recent[-199:], record]
            yield _cells(record)


def write(out: Path, count: int, seed: int = 7, *, flaws: bool = True) -> Path:
    """Write *count* rows to *out* as PropStream does: UTF-8 with a byte order mark, CRLF."""
    with out.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(rows(count, seed, flaws=flaws))
    return out


def _cells(record: Record) -> list[str]:
    get = record.get
    return [get(name, "") for name in HEADER]


def _record(seeded_random: random.Random, number: int, seed: int, lines: int) -> Record:
    home = (number * HOUSE_STEP + seed * 77_777) % (len(PLACES) * len(STREETS) * len(SUFFIXES) * HOUSES)
    place, home_of_town = PLACES[home % len(PLACES)], home // len(PLACES)
    record = {
        "City": place.city,
        "State": place.state,
        "Zip": place.zip.lstrip("0") if seeded_random.random() < 0.5 else place.zip,
        "County": place.county if seeded_random.random() < 0.7 else f"{place.county} County",
        "FIPS": place.fips.lstrip("0") if seeded_random.random() < 0.2 else place.fips,
        "APN": "" if seeded_random.random() < 0.05 else _parcel(home, number),
        "Do Not Mail": "Yes" if seeded_random.random() < 0.02 else "No",
        "Deceased Owner": "Yes" if seeded_random.random() < 0.01 else "No",
        "Litigator": "Yes" if seeded_random.random() < 0.005 else "No",
        "Vacant": "Yes" if seeded_random.random() < 0.03 else "No",
        "Date Added to List": "10/28/2026",
        "Method of Add": "List Import",
    }
    record["Address"], record["Unit #"] = _address(seeded_random, home_of_town)
    _owners(seeded_random, record, place)
    _building(seeded_random, record)
    _money(seeded_random, record, place)
    _contacts(seeded_random, record, place, home_of_town % lines, lines)
    return record


def _parcel(home: int, number: int) -> str:
    digits = f"{home:09d}"
    return (
        f"{digits[:3]}-{digits[3:6]}-{digits[6:]}"
        if number % 3
        else f"{digits[:2]}-{digits[2:4]}-{digits[4:]}-000-0{home % 7}"
    )


def _address(seeded_random: random.Random, home: int) -> tuple[str, str]:
    street, house = home % (len(STREETS) * len(SUFFIXES)), home // (len(STREETS) * len(SUFFIXES))
    name, suffix = STREETS[street % len(STREETS)], SUFFIXES[street // len(STREETS)]
    direction = ("", "", "", "N", "S", "E", "W")[street % 7]
    parts = (name, suffix, direction) if street % 3 == 0 else (direction, name, suffix)
    address = " ".join(filter(None, (str(101 + 4 * house + street % 3), *parts)))
    if home % 8:
        return address, ""
    unit = seeded_random.choice(UNITS).format(f"{home % 19 + 1}{'ABCD'[home % 4] if home % 3 else ''}")
    if unit[0].isdigit() or seeded_random.random() < 0.6:
        return address, unit
    return f"{address} {unit}", ""


def _owners(seeded_random: random.Random, record: Record, place: Place) -> None:
    last = seeded_random.choice(LAST)
    occupied = seeded_random.random() < 0.8
    record["Owner Occupied"] = "Yes" if occupied else "No"
    if seeded_random.random() < 0.03:
        record["Owner 1 Last Name"] = f"{last} Family Trust"
    else:
        record["Owner 1 First Name"], record["Owner 1 Last Name"] = seeded_random.choice(FIRST), last
        if seeded_random.random() < 0.4:
            record["Owner 2 First Name"], record["Owner 2 Last Name"] = seeded_random.choice(FIRST), last
    home = place if occupied else seeded_random.choice(PLACES)
    record |= {
        "Mailing Address": record["Address"] if occupied else f"PO Box {seeded_random.randint(10, 9_999)}",
        "Mailing Unit #": record["Unit #"] if occupied else "",
        "Mailing City": home.city, "Mailing State": home.state, "Mailing Zip": home.zip, "Mailing County": home.county,
        "Mailing FIPS": home.fips,
    }  # fmt: skip


def _building(seeded_random: random.Random, record: Record) -> None:
    built = seeded_random.randint(1925, 2018)
    record |= {
        "Property Class": "Residential",
        "Property Type": seeded_random.choice(TYPES),
        "Bedrooms": str(seeded_random.randint(1, 5)),
        "Total Bathrooms": seeded_random.choice(("1", "2", "2.5", "3", "2.00")),
        "Building Sqft": f"{seeded_random.randint(700, 4_200):,}",
        "Lot Size Sqft": str(seeded_random.randint(2_000, 40_000)),
        "Year Built": "1066" if seeded_random.random() < 0.002 else str(built),
        "Effective Year Built": str(built + 8),
        "HOA Present": seeded_random.choice(("Yes", "No")),
        "Number of Stories": seeded_random.choice("12"),
        "Total Condition": seeded_random.choice(("Good", "Average", "Excellent", "Fair")),
    }


def _money(seeded_random: random.Random, record: Record, place: Place) -> None:
    value = int(place.price * 1_000 * (0.55 + 1.1 * seeded_random.random()))
    sold = AS_OF - timedelta(days=seeded_random.randint(120, 15_000))
    loans = seeded_random.choice((0, 0, 1, 1, 1, 2))
    balance = int(value * seeded_random.random() * 0.9) if loans else 0
    money, share = ("${:,}", "{:.1f}%") if seeded_random.random() < 0.2 else ("{}", "{:.1f}")
    record |= {
        "Est. Value": money.format(value), "Est. Equity": money.format(value - balance),
        "Est. Loan-to-Value": "9000" if seeded_random.random() < 0.002 else share.format(100 * balance / value),
        "Total Open Loans": str(loans), "Est. Remaining balance of Open Loans": money.format(balance),
        "Total Assessed Value": money.format(value * 4 // 5), "Assessed Land Value": money.format(value // 4),
        "Assessed Improvement Value": money.format(value * 11 // 20), "Improvement to Tax Value %": share.format(68.8),
        "Last Sale Date": sold.isoformat() if loans % 2 else f"{sold.month}/{sold.day}/{sold.year}",
        "Last Sale Recording Date": (sold + timedelta(days=9)).isoformat(),
        "Last Sale Amount": money.format(value * 9 // 20), "Last Cash Buyer": "No" if loans else "Yes",
        "Monthly Rent": money.format(value // 220), "Gross Yield %": share.format(5.5), "Foreclosure Factor": "Low",
    }  # fmt: skip
    for number in range(1, loans + 1):
        record |= {
            f"Loan {number} Date": sold.isoformat(),
            f"Loan {number} Balance": money.format(balance // loans),
            f"Loan {number} Type": "Conventional",
            f"Loan {number} Lender": seeded_random.choice(LENDERS),
            f"Loan {number} Rate": "4.25",
            f"Loan {number} Rate Type": "Fixed",
        }


def _contacts(seeded_random: random.Random, record: Record, place: Place, line: int, lines: int) -> None:
    for number in range(1, seeded_random.choice((0, 1, 1, 2, 2, 2, 3, 5)) + 1):
        last_four = (line + 37 * number) % lines + (100 if lines == 100 else 0)
        writing = seeded_random.choice(
            ("({}) 555-{:04d}", "{}-555-{:04d}", "{}555{:04d}", "1-{}-555-{:04d}", "{}.555.{:04d}")
        )
        record[f"Phone {number}"] = writing.format(place.area, last_four)
        record[f"Phone {number} Type"] = seeded_random.choice(("Mobile", "Landline", "VoIP"))
        record[f"Phone {number} DNC"] = "Yes" if seeded_random.random() < 0.25 else "No"
    if seeded_random.random() < 0.01:
        record["Phone 1"] = f"({place.area}) 555-01"
    name = f"{record.get('Owner 1 First Name', 'office')}.{record['Owner 1 Last Name']}"
    plain = "".join(letter for letter in name.lower() if letter.isascii() and (letter.isalnum() or letter == "."))
    for number in range(1, seeded_random.choice((0, 1, 1, 1, 2)) + 1):
        record[f"Email {number}"] = f"{plain}{line}@example.{('com', 'net', 'org')[number % 3]}"
    if seeded_random.random() < 0.01:
        record["Email 1"] = "none@none.com"


def _respell(seeded_random: random.Random, record: Record) -> Record:
    """Return the same home in the spelling of another list."""
    words = [LONG.get(word, word) for word in record["Address"].split()]
    address, unit = " ".join(words), record["Unit #"].removeprefix("Apt ").removeprefix("Unit ").lstrip("# ")
    spellings = [
        (address.upper(), unit),
        (f"{record['Address']}.", record["Unit #"]),
        (record["Address"].lower(), unit),
    ]
    if unit:
        spellings.append((f"{address} Apt {unit}", ""))
    address, unit = seeded_random.choice(spellings)
    added = {
        "Address": address,
        "Unit #": unit,
        "APN": record["APN"].replace("-", ""),
        "Date Added to List": "10/29/2026",
    }
    return record | added | {"Email 4": f"second.list@{record['State'].lower()}.example.org"}


def _with_cells(**cells: str) -> Callable[[Record], list[str]]:
    return lambda record: _cells(record | {name.replace("_", " "): cell for name, cell in cells.items()})


FLAWS: tuple[Callable[[Record], list[str]], ...] = (
    _with_cells(Zip=""),
    _with_cells(Address=""),
    _with_cells(City=""),
    _with_cells(State=""),
    _with_cells(Zip="ABCDE"),
    _with_cells(State="Floridia"),
    _with_cells(Address="PO Box 118"),
    _with_cells(Address="Vacant land off the county road"),
    lambda record: _cells(record)[:40],
    lambda record: [*_cells(record), "one cell too many"],
    lambda record: _cells(record | {"Owner 1 Last Name": "Bell\x07ringer"}),
    lambda record: _cells(record | {"Mailing Address": "9 Harbor Pl " * 30}),
    lambda record: _cells(record | {"Zip": "", "Mailing Care of Name": '=HYPERLINK("http://example.com","see")'}),
    lambda record: _cells(record | {"Zip": "", "State": "", "Mailing Care of Name": "+1+1"}),
)
"""Flaws of real exports, used in turn."""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("propstream-1000.csv"))
    parser.add_argument("--clean", action="store_true", help="no repeated homes and no broken rows")
    chosen = parser.parse_args()
    began = time.perf_counter()
    write(chosen.out, chosen.rows, chosen.seed, flaws=not chosen.clean)
    print(f"{chosen.rows:,} rows in {time.perf_counter() - began:.1f} s: {chosen.out}")
