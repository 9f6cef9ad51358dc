"""Faults that can be switched on, and which calls they hit."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

GENERAL: Mapping[str, str] = {
    "slow": "The right answer, `seconds` later.",
    "timeout": "No effect and no answer: the connection closes after `seconds`.",
    "reset": "No effect: the connection closes at once.",
    "lost_answer": "The effect stands, the answer is lost: the connection closes after `seconds`.",
    "server_error": "No effect: `status`, with the vendor's body of an error.",
    "error_after_effect": "The effect stands, but a proxy answers `status`.",
    "rate_limited": "No effect: 429, with Retry-After only when `retry_after` is set.",
    "unauthorized": "No effect: 401, as if the key had been revoked.",
    "html": "No effect: 200 with an HTML login page.",
    "empty": "The effect stands: 200 with an empty body.",
    "broken_json": "The effect stands: the JSON breaks off in the middle.",
    "wrong_types": "The effect stands: numbers and flags come as text, lists as objects.",
    "duplicates": "The effect stands: the first entry of every list of objects comes twice.",
}
"""What may happen to any call of any vendor."""

_MOST = 10**9
_Header = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]*$")]
"""What HTTP can carry."""


class Fault(BaseModel):
    """A fault as the control API takes it. Without `times` it stays until it is switched off."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    vendor: str
    kind: str
    operation: str | None = Field(None, description="One operation of the vendor; any when absent.")
    contains: str | None = Field(
        None, description="Only calls whose body has this text; faults of records hit only such records."
    )
    rate: float = Field(1, gt=0, le=1, description="The share of calls that it hits, drawn from the seed.")
    after: int = Field(0, ge=0, le=_MOST, description="So many calls pass first.")
    times: int | None = Field(None, ge=1, le=_MOST, description="So many calls are hit, then no more.")
    seconds: float = Field(0, ge=0, le=600)
    status: int | None = Field(None, ge=400, le=599, description="503 when absent; of `error_after_effect` 502.")
    retry_after: Annotated[int, Field(ge=0, le=_MOST)] | _Header | None = Field(
        None, description="Seconds, or the header as it is."
    )

    def touches(self, record: Any) -> bool:
        """Whether a fault of records hits *record*, which is looked at as JSON."""
        return self.contains is None or self.contains in orjson.dumps(record).decode()


@dataclass(slots=True)
class Standing:
    """A fault that was switched on, and how often it came up."""

    number: int
    fault: Fault
    dice: Random
    seen: int = 0
    hits: int = field(default=0)

    def hits_call(self, vendor: str, operation: str, body: str) -> bool:
        """Whether this call is hit; counts it."""
        fault = self.fault
        if fault.vendor != vendor or fault.operation not in (None, operation):
            return False
        if fault.contains is not None and fault.contains not in body:
            return False
        self.seen += 1
        if self.seen <= fault.after or (fault.times is not None and self.hits >= fault.times):
            return False
        if fault.rate < 1 and self.dice.random() >= fault.rate:
            return False
        self.hits += 1
        return True


class Faults:
    """The faults that are switched on."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._numbers = count(1)
        self._standing: dict[int, Standing] = {}

    def add(self, fault: Fault) -> Standing:
        """Switch *fault* on."""
        number = next(self._numbers)
        self._standing[number] = Standing(number, fault, Random(f"{self._seed}:{number}"))  # noqa: S311 - repeatable on purpose
        return self._standing[number]

    def all(self) -> list[Standing]:
        """Every fault that is on, oldest first."""
        return list(self._standing.values())

    def remove(self, number: int) -> bool:
        """Switch one off; False when there is none of this number."""
        return self._standing.pop(number, None) is not None

    def clear(self) -> None:
        """Switch all off."""
        self._standing.clear()
        self._numbers = count(1)

    def hitting(self, vendor: str, operation: str, kinds: Container[str], body: str) -> list[Fault]:
        """The faults of these *kinds* that hit this call, oldest first; others do not count it."""
        return [
            entry.fault
            for entry in self._standing.values()
            if entry.fault.kind in kinds and entry.hits_call(vendor, operation, body)
        ]
