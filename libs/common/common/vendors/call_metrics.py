"""Metrics of calls to vendors, in one form for all of them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from common import telemetry
from common.vendors.errors import VendorCallError


@dataclass(slots=True)
class CallMeasurement:
    """Measurement of a call in progress."""

    outcome: str = "cancelled"
    """Outcome that is counted: the status of the response, which the caller sets, or the code of the failure."""


@contextmanager
def measure_call(vendor: str, operation: str) -> Iterator[CallMeasurement]:
    """Count one call and its duration when the block ends, however it ends."""
    call, started = CallMeasurement(), time.perf_counter()
    try:
        yield call
    except VendorCallError as error:
        call.outcome = error.code
        raise
    finally:
        labels = {"vendor": vendor, "operation": operation}
        responses = telemetry.counter("equity_vendor_responses", "Calls to vendors by operation and outcome")
        responses.add(1, labels | {"outcome": call.outcome})
        duration = telemetry.histogram("equity_vendor_call_seconds", "Duration of one call to a vendor")
        duration.record(time.perf_counter() - started, labels)
