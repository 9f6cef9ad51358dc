"""Base class of the vendor servers: operations, access check, error bodies and state."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

import orjson
from aiohttp import web
from pydantic import BaseModel, ValidationError

from sandbox.faults import GENERAL_FAULTS, Fault

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class VendorResponse:
    """A response to a call. `body` is sent as JSON, unless it is bytes."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"

    def to_http(self) -> web.Response:
        """Return the aiohttp response."""
        body = self.body if isinstance(self.body, bytes) else orjson.dumps(self.body)
        return web.Response(body=body, status=self.status, headers=dict(self.headers), content_type=self.content_type)


class VendorRefusalError(Exception):
    """A call that the vendor refuses; `response` is the refusal that the caller gets."""

    def __init__(self, response: VendorResponse) -> None:
        super().__init__(f"refused with {response.status}")
        self.response = response


@dataclass(frozen=True, slots=True)
class VendorCall:
    """One request to a vendor's operation with its body, and the faults that hit it."""

    request: web.Request
    body: bytes
    faults: Sequence[Fault] = ()

    def find_fault(self, kind: str) -> Fault | None:
        """Return the first fault of this kind that hits the call."""
        return next((fault for fault in self.faults if fault.kind == kind), None)

    def is_record_hit(self, kind: str, record: Any) -> bool:
        """Return whether a fault of this kind hits this record of the call."""
        fault = self.find_fault(kind)
        return fault is not None and fault.matches_record(record)


@dataclass(frozen=True, slots=True)
class VendorOperation:
    """One path and method of a vendor."""

    name: str
    method: str
    path: str
    respond: Callable[[VendorCall], Awaitable[VendorResponse | web.StreamResponse]]
    faults: tuple[str, ...] = ()
    """Vendor-specific faults that can hit this operation, in addition to `VendorServer.faults_of_every_operation`."""


class FaultTarget(ABC):
    """A server that the control API can give faults."""

    name: ClassVar[str]
    fault_descriptions: ClassVar[Mapping[str, str]]
    """The faults of this server only, each with its description."""

    general_faults: ClassVar[Collection[str]] = GENERAL_FAULTS.keys()
    """The general faults that can hit it."""

    @abstractmethod
    def faults_by_operation(self) -> dict[str, frozenset[str]]:
        """Return, for each name that a fault can give as `operation`, the specific faults that can hit it."""

    @abstractmethod
    def clear_state(self) -> None:
        """Delete all state of the server."""


class VendorServer(FaultTarget):
    """The stand-in of one vendor that has an HTTP API."""

    faults_of_every_operation: ClassVar[frozenset[str]] = frozenset()
    """The vendor-specific faults that can hit any operation of the vendor."""

    operations: Sequence[VendorOperation]

    def faults_by_operation(self) -> dict[str, frozenset[str]]:
        """Return, for each name that a fault can give as `operation`, the vendor-specific faults that can hit it."""
        return {operation.name: self.faults_of_every_operation | set(operation.faults) for operation in self.operations}

    @abstractmethod
    def check_access(self, call: VendorCall) -> None:
        """Raise VendorRefusalError if the key is wrong or the vendor's rate limit is reached."""

    @abstractmethod
    def error_response(self, status: int, message: str) -> VendorResponse:
        """Return an error in the vendor's format."""


def parse_request(vendor: VendorServer, model: type[M], body: bytes) -> M:
    """Return *body* as *model*. Raise VendorRefusalError (400, in the vendor's format) if it does not fit."""
    try:
        return model.model_validate(parse_json_object(vendor, body))
    except ValidationError as error:
        raise VendorRefusalError(vendor.error_response(400, describe_first_error(error))) from error


def describe_first_error(error: ValidationError) -> str:
    """Return the location and the message of the first validation error."""
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"


def parse_json_object(vendor: VendorServer, body: bytes) -> dict[str, Any]:
    """Return the JSON object in *body*. Raise VendorRefusalError (400, in the vendor's format) if there is none."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise VendorRefusalError(vendor.error_response(400, "Body is not valid JSON")) from error
    if not isinstance(document, dict):
        raise VendorRefusalError(vendor.error_response(400, "body must be object"))
    return document
