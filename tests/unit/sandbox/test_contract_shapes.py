"""Shapes of tests/contracts: they fit the vendors' own examples, and no corrupted ones."""

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from contracts import conform, instantly
from contracts.examples import EXAMPLES
from sandbox.corrupt_response import change_types

each_example = pytest.mark.parametrize(
    ("shape", "example"), EXAMPLES.items(), ids=lambda value: getattr(value, "__qualname__", "")
)


@each_example
def test_the_vendors_own_example_fits(shape: type[BaseModel], example: Any) -> None:
    conform(shape, example)


@each_example
def test_wrong_types_do_not_fit(shape: type[BaseModel], example: Any) -> None:
    with pytest.raises(ValidationError):
        conform(shape, change_types(example))


def test_a_lead_with_an_undocumented_property_does_not_fit() -> None:
    with pytest.raises(ValidationError):
        conform(instantly.Lead, {**EXAMPLES[instantly.Lead], "lead_id": "ld_1"})


def test_counts_that_do_not_add_up_do_not_fit() -> None:
    with pytest.raises(ValidationError):
        conform(instantly.BulkAdded, {**EXAMPLES[instantly.BulkAdded], "total_sent": 4})


@pytest.mark.parametrize("zone", ["America/New_York", "America/Los_Angeles"])
def test_zones_that_instantly_does_not_list_do_not_fit(zone: str) -> None:
    schedule = {"name": "x", "timing": {"from": "09:00", "to": "17:00"}, "days": {"1": True}, "timezone": zone}
    with pytest.raises(ValidationError):
        conform(instantly.Schedule, schedule)
