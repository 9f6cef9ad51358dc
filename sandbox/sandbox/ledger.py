"""What was called, and what had to be paid for, so that a test can count it."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any


class Ledger:
    """Counts calls by operation, answer and minute, and paid records by whom they were about."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self._minutes: dict[str, Counter[str]] = defaultdict(Counter)
        self._seconds: dict[str, Counter[int]] = defaultdict(Counter)
        self._paid: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self._open: Counter[str] = Counter()
        self._most_at_once: Counter[str] = Counter()
        self.era = 0
        """How often everything was forgotten: what began before is no longer counted."""

    def arrived(self, vendor: str, at: datetime) -> int:
        """Count a call when it comes in, whatever becomes of it; the era, for `answered`."""
        self._minutes[vendor][at.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")] += 1
        self._seconds[vendor][int(at.timestamp())] += 1
        self._open[vendor] += 1
        self._most_at_once[vendor] = max(self._most_at_once[vendor], self._open[vendor])
        return self.era

    def answered(self, vendor: str, operation: str, outcome: str, era: int) -> None:
        """Count what a call ended in: a status, or `dropped`."""
        self._open[vendor] -= 1
        if era == self.era:
            self._answers[vendor, operation][outcome] += 1

    def pay(self, vendor: str, operation: str, subjects: Iterable[str]) -> None:
        """Count records that this call is charged for; a *subject* says whom each is about."""
        self._paid[vendor, operation].update(subjects)

    def calls(self, vendor: str) -> dict[str, Any]:
        """`{total, busiest_second, most_at_once, minutes: {minute: calls}, operations: {operation: {outcome: calls}}}`."""
        return {
            "total": self._minutes[vendor].total(),
            "busiest_second": max(self._seconds[vendor].values(), default=0),
            "most_at_once": self._most_at_once[vendor],
            "minutes": dict(self._minutes[vendor]),
            "operations": {name: dict(found) for (of, name), found in self._answers.items() if of == vendor},
        }

    def paid(self, vendor: str) -> dict[str, Any]:
        """What was paid for: `{records, subjects, operations: {operation: records}, paid_again: {operation: {subject: times}}}`."""
        counters = {operation: counts for (of, operation), counts in self._paid.items() if of == vendor}
        again = {
            operation: {subject: times for subject, times in counts.items() if times > 1}
            for operation, counts in counters.items()
        }
        return {
            "records": sum(counts.total() for counts in counters.values()),
            "subjects": sum(len(counts) for counts in counters.values()),
            "operations": {operation: counts.total() for operation, counts in counters.items()},
            "paid_again": {operation: found for operation, found in again.items() if found},
        }

    def dump(self) -> list[tuple[str, str, dict[str, int]]]:
        """What was paid, for `load`: vendor, operation, times by subject."""
        return [(vendor, operation, dict(counts)) for (vendor, operation), counts in self._paid.items()]

    def load(self, dumped: Iterable[tuple[str, str, dict[str, int]]]) -> None:
        """Count on from what was paid before."""
        for vendor, operation, counts in dumped:
            self._paid[vendor, operation].update(counts)

    def clear(self) -> None:
        """Forget everything."""
        for counters in (self._answers, self._minutes, self._seconds, self._paid, self._most_at_once):
            counters.clear()  # calls that are open stay open
        self.era += 1
