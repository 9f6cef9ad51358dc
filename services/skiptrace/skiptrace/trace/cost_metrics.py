"""Metrics of records and money, by provider and outcome."""

from decimal import Decimal

from common import telemetry


def count_records(provider: str, outcome: str, records: int, cents: Decimal) -> None:
    """Count *records* and *cents* of a finished request."""
    labels = {"provider": provider, "outcome": outcome}
    telemetry.counter("equity_skiptrace_records", "Records in provider requests, by outcome").add(records, labels)
    telemetry.counter(
        "equity_skiptrace_cents",
        "Cost of provider responses in US cents; for unknown outcomes the most that they can cost",
    ).add(float(cents), labels)


def start_counters(provider: str) -> None:
    """Start the counters of *provider* at zero, so that the first unknown outcome is visible as an increase."""
    for outcome in ("answered", "unknown"):
        count_records(provider, outcome, 0, Decimal(0))
