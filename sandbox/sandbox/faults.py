"""Faults that can be switched on, and the selection of the faults that hit a call."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

GENERAL_FAULTS: Mapping[str, str] = {
    "slow": "The correct response, `seconds` later.",
    "timeout": "No effect and no response: the connection closes after `seconds`.",
    "reset": "No effect: the connection closes immediately.",
    "lost_answer": "The effect remains, the response is lost: the connection closes after `seconds`.",
    "server_error": "No effect: `status`, with the vendor's error body.",
    "error_after_effect": "The effect remains, but a proxy answers `status`.",
    "rate_limited": "No effect: 429, with Retry-After only when `retry_after` is set.",
    "unauthorized": "No effect: 401, as if the key had been revoked.",
    "html": "No effect: 200 with an HTML login page.",
    "empty": "The effect remains: 200 with an empty body.",
    "broken_json": "The effect remains: the JSON ends in the middle.",
    "wrong_types": "The effect remains: numbers and flags come as text, lists as objects.",
    "duplicates": "The effect remains: the first entry of every list of objects comes twice.",
}
"""Faults that can hit any call of any vendor, each with its description."""

_MAX_NUMBER = 10**9
_HeaderText = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]*$")]
"""A header value that HTTP can carry."""


class Fault(BaseModel):
    """A fault as the control API takes it. Without `times` it stays until it is switched off."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    vendor: str
    kind: str
    operation: str | None = Field(None, description="One operation of the vendor; any operation when absent.")
    contains: str | None = Field(
        None, description="Only calls whose body has this text; faults of records hit only records with it."
    )
    rate: float = Field(1, gt=0, le=1, description="The share of calls that it hits, drawn from the seed.")
    after: int = Field(0, ge=0, le=_MAX_NUMBER, description="Number of calls that pass before the first hit.")
    times: int | None = Field(
        None, ge=1, le=_MAX_NUMBER, description="Number of calls that are hit; no limit if absent."
    )
    seconds: float = Field(0, ge=0, le=600)
    status: int | None = Field(None, ge=400, le=599, description="503 when absent; 502 for `error_after_effect`.")
    retry_after: Annotated[int, Field(ge=0, le=_MAX_NUMBER)] | _HeaderText | None = Field(
        None, description="Seconds, or the text of the header."
    )

    def matches_record(self, record: Any) -> bool:
        """Return whether a fault of records hits *record*: whether its JSON has the text of `contains`."""
        return self.contains is None or self.contains in orjson.dumps(record).decode()


@dataclass(slots=True)
class ActiveFault:
    """A fault that is switched on, with the number of calls that it saw and hit."""

    number: int
    fault: Fault
    random: Random
    seen: int = 0
    hits: int = field(default=0)

    def count_call(self, vendor: str, operation: str, body: str) -> bool:
        """Count a call that the fault applies to. Return whether the fault hits it."""
        fault = self.fault
        if fault.vendor != vendor or fault.operation not in (None, operation):
            return False
        if fault.contains is not None and fault.contains not in body:
            return False
        self.seen += 1
        if self.seen <= fault.after or (fault.times is not None and self.hits >= fault.times):
            return False
        if fault.rate < 1 and self.random.random() >= fault.rate:
            return False
        self.hits += 1
        return True


class FaultRegistry:
    """The faults that are switched on."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._numbers = count(1)
        self._active: dict[int, ActiveFault] = {}

    def add_fault(self, fault: Fault) -> ActiveFault:
        """Switch *fault* on."""
        number = next(self._numbers)
        random = Random(f"{self._seed}:{number}")  # noqa: S311 - repeatable on purpose
        self._active[number] = ActiveFault(number, fault, random)
        return self._active[number]

    def list_active(self) -> list[ActiveFault]:
        """Return all faults that are switched on, oldest first."""
        return list(self._active.values())

    def remove_fault(self, number: int) -> bool:
        """Switch one fault off. Return False if there is none with this number."""
        return self._active.pop(number, None) is not None

    def clear_faults(self) -> None:
        """Switch all faults off and number the next one 1."""
        self._active.clear()
        self._numbers = count(1)

    def select_faults(self, vendor: str, operation: str, kinds: Container[str], body: str) -> list[Fault]:
        """Return the faults of these *kinds* that hit this call, oldest first. Faults of other kinds do not count it."""
        return [
            active.fault
            for active in self._active.values()
            if active.fault.kind in kinds and active.count_call(vendor, operation, body)
        ]
