"""Benchmark of the normal forms of addresses: microseconds per address, without and with cached streets.

./dev bench addresses
"""

import csv
import sys
import time
from collections.abc import Callable
from pathlib import Path

from common.records.addresses import normal_form
from harness import report

SAMPLE = Path(__file__).parents[1] / "samples" / "propstream-1000.csv"
MIXED = (
    "{n} N Palmetto Ave Apt 4", "{n} State Highway {k}", "{n} Farm to Market {k}", "{n} {k}th St, 2nd Floor", "{n}-{k} Northern Blvd",
    "N{k}W{n} Main St", "RR {k} Box {n}", "{n} 1/2 Forty-Second St", "{n} Camino {w} Real", "{n} {w} Creek Rd, Dunedin, FL 34698",
    "{n} {w} Ave Bldg {k} Unit {n}", "{n} Saint {w} Blvd SW", "{n} I-{k} Frontage Rd", "{n} US Hwy {k} N", "One {w} Plaza",
)  # fmt: skip
WORDS = (
    "Alder",
    "Birch",
    "Cedar",
    "Dogwood",
    "Elder",
    "Fern",
    "Gale",
    "Hazel",
    "Iris",
    "Jasmine",
    "Kestrel",
    "Laurel",
    "Maple",
    "Nettle",
)
CACHED_ROUNDS = 20


def main() -> None:
    """Print the cost of the shipped sample and of a mixture of all kinds of addresses."""
    with SAMPLE.open(encoding="utf-8-sig", newline="") as text:
        sample = [(row["Address"] or "", row["Unit #"] or "", row["City"] or "") for row in csv.DictReader(text)]
    mixed = [
        (kind.format(n=100 + n, k=n % 89 + 1, w=f"{WORDS[n % len(WORDS)]}{'abcdefghij'[n % 10]}"), "", "Dunedin")
        for n in range(200)
        for kind in MIXED
    ]
    measured = []
    for name, rows in (("sample", sample), ("mixed", mixed)):
        clear_caches()
        first = measure_cost(rows)
        again = min(measure_cost(rows) for _ in range(CACHED_ROUNDS))
        measured.append({"what": name, "addresses": len(rows), "first time us": first, "again us": again})
    report("normal forms of addresses", measured)


def clear_caches() -> None:
    """Clear the caches of ingest."""
    for module in [module for name, module in sys.modules.items() if name.startswith("ingest")]:
        for value in vars(module).values():
            if hasattr(value, "cache_clear"):
                value.cache_clear()


def measure_cost(rows: list[tuple[str, str, str]]) -> float:
    """Return the microseconds per address."""
    read: Callable[..., object] = normal_form.normalise_street
    begin = time.perf_counter()
    for street, unit, city in rows:
        try:
            read(street, unit, city)
        except (normal_form.PoBoxError, normal_form.UnreadableAddressError):
            continue
    return (time.perf_counter() - begin) / len(rows) * 1e6


if __name__ == "__main__":
    main()
