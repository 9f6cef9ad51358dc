"""Metrics of calls to vendors, in one form for all of them."""

from common import telemetry


def record_call(vendor: str, operation: str, outcome: str, seconds: float) -> None:
    """Count one call and its duration. *outcome* is the status of the response, or the code of the failure."""
    labels = {"vendor": vendor, "operation": operation}
    telemetry.counter("equity_vendor_responses", "Calls to vendors by operation and outcome").add(
        1, labels | {"outcome": outcome}
    )
    telemetry.histogram("equity_vendor_call_seconds", "Duration of one call to a vendor").record(seconds, labels)
