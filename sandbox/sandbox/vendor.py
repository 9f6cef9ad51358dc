"""What a vendor is to the sandbox: operations that answer calls, a rule who may call, and its words for errors."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

import orjson
from aiohttp import web
from pydantic import BaseModel, ValidationError

from sandbox.faults import Fault

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: *body* becomes JSON, unless it is bytes."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"

    def response(self) -> web.Response:
        """As HTTP has it."""
        body = self.body if isinstance(self.body, bytes) else orjson.dumps(self.body)
        return web.Response(body=body, status=self.status, headers=dict(self.headers), content_type=self.content_type)


class RefusedError(Exception):
    """The vendor refuses the call; *answer* says how."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"refused with {answer.status}")
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a vendor's operation, its body read, and the faults that hit it."""

    request: web.Request
    body: bytes
    faults: Sequence[Fault] = ()

    def fault(self, kind: str) -> Fault | None:
        """The fault of this kind that hits the call."""
        return next((fault for fault in self.faults if fault.kind == kind), None)

    def hits(self, kind: str, record: Any) -> bool:
        """Whether a fault of this kind hits this record of the call."""
        fault = self.fault(kind)
        return fault is not None and fault.touches(record)


@dataclass(frozen=True, slots=True)
class Operation:
    """One address and method of a vendor."""

    name: str
    method: str
    path: str
    answer: Callable[[Call], Awaitable[Answer | web.StreamResponse]]
    faults: tuple[str, ...] = ()
    """The vendor's own faults that can hit it, besides those `everywhere`."""


class Vendor(ABC):
    """A vendor's stand-in."""

    name: ClassVar[str]
    faults: ClassVar[Mapping[str, str]]
    """The faults of this vendor's own, and what each does."""

    everywhere: ClassVar[frozenset[str]] = frozenset()
    """Those of its own that can hit any operation."""

    operations: Sequence[Operation]

    def targets(self) -> dict[str, frozenset[str]]:
        """What a fault can name as its operation, and which of the vendor's own faults can hit it."""
        return {operation.name: self.everywhere | set(operation.faults) for operation in self.operations}

    @abstractmethod
    def admit(self, call: Call) -> None:
        """Let the call in. Raises RefusedError without a good key or over the vendor's limit."""

    @abstractmethod
    def error(self, status: int, message: str) -> Answer:
        """An error in the vendor's words."""

    @abstractmethod
    def clear(self) -> None:
        """Forget all state."""


def read(vendor: Vendor, model: type[M], body: bytes) -> M:
    """The request that *body* holds. Raises RefusedError (400, in the vendor's words)."""
    try:
        return model.model_validate(json_object(vendor, body))
    except ValidationError as error:
        raise RefusedError(vendor.error(400, first_fault(error))) from error


def first_fault(error: ValidationError) -> str:
    """Where the first thing is wrong, and what."""
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"


def json_object(vendor: Vendor, body: bytes) -> dict[str, Any]:
    """The object that *body* holds. Raises RefusedError (400, in the vendor's words)."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RefusedError(vendor.error(400, "Body is not valid JSON")) from error
    if not isinstance(found, dict):
        raise RefusedError(vendor.error(400, "body must be object"))
    return found
