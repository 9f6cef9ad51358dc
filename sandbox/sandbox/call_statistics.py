"""Statistics of calls and paid records, from which a test can tell what was called and what was charged."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any


class CallStatistics:
    """Counts of calls by operation, outcome and minute, and of paid records by subject."""

    def __init__(self) -> None:
        self._outcomes: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self._minutes: dict[str, Counter[str]] = defaultdict(Counter)
        self._seconds: dict[str, Counter[int]] = defaultdict(Counter)
        self._paid_records: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self._open_calls: Counter[str] = Counter()
        self._most_open_calls: Counter[str] = Counter()
        self.epoch = 0
        """Number of resets. The outcome of a call that arrived in an earlier epoch is not counted."""

    def record_arrival(self, vendor: str, at: datetime) -> int:
        """Count a call at its arrival, whatever its outcome. Return the epoch for `record_outcome`."""
        self._minutes[vendor][at.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")] += 1
        self._seconds[vendor][int(at.timestamp())] += 1
        self._open_calls[vendor] += 1
        self._most_open_calls[vendor] = max(self._most_open_calls[vendor], self._open_calls[vendor])
        return self.epoch

    def record_outcome(self, vendor: str, operation: str, outcome: str, epoch: int) -> None:
        """Count the outcome of a call: an HTTP status, or `dropped`."""
        self._open_calls[vendor] -= 1
        if epoch == self.epoch:
            self._outcomes[vendor, operation][outcome] += 1

    def record_charges(self, vendor: str, operation: str, subjects: Iterable[str]) -> None:
        """Count the records that a call is charged for. A *subject* identifies the person or number of a record."""
        self._paid_records[vendor, operation].update(subjects)

    def summarize_calls(self, vendor: str) -> dict[str, Any]:
        """Return `{total, busiest_second, max_concurrent, minutes: {minute: calls}, operations: {operation: {outcome: calls}}}`."""
        return {
            "total": self._minutes[vendor].total(),
            "busiest_second": max(self._seconds[vendor].values(), default=0),
            "max_concurrent": self._most_open_calls[vendor],
            "minutes": dict(self._minutes[vendor]),
            "operations": {name: dict(counts) for (of, name), counts in self._outcomes.items() if of == vendor},
        }

    def summarize_charges(self, vendor: str) -> dict[str, Any]:
        """Return `{records, subjects, operations: {operation: records}, charged_twice: {operation: {subject: times}}}`."""
        counters = {operation: counts for (of, operation), counts in self._paid_records.items() if of == vendor}
        repeats = {
            operation: {subject: times for subject, times in counts.items() if times > 1}
            for operation, counts in counters.items()
        }
        return {
            "records": sum(counts.total() for counts in counters.values()),
            "subjects": sum(len(counts) for counts in counters.values()),
            "operations": {operation: counts.total() for operation, counts in counters.items()},
            "charged_twice": {operation: subjects for operation, subjects in repeats.items() if subjects},
        }

    def export_paid_records(self) -> list[tuple[str, str, dict[str, int]]]:
        """Return vendor, operation and count by subject, for `import_paid_records`."""
        return [(vendor, operation, dict(counts)) for (vendor, operation), counts in self._paid_records.items()]

    def import_paid_records(self, exported: Iterable[tuple[str, str, dict[str, int]]]) -> None:
        """Add the counts that `export_paid_records` returned."""
        for vendor, operation, counts in exported:
            self._paid_records[vendor, operation].update(counts)

    def clear_counts(self) -> None:
        """Set all counts to zero and begin a new epoch. Calls that are open stay open."""
        for counters in (
            self._outcomes,
            self._minutes,
            self._seconds,
            self._paid_records,
            self._most_open_calls,
        ):
            counters.clear()
        self.epoch += 1
