"""Dispatcher of vendor calls: counts a call, applies faults, checks access and calls the vendor's operation."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from aiohttp import web

from sandbox.fault_effects import CORRUPTING_EFFECTS, REPLACING_EFFECTS, drop_connection
from sandbox.faults import GENERAL_FAULTS
from sandbox.state import SandboxState
from sandbox.vendor_server import VendorCall, VendorOperation, VendorRefusalError, VendorResponse, VendorServer

RequestHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class CallDispatcher:
    """Dispatches the calls to all vendors."""

    def __init__(self, state: SandboxState) -> None:
        self._faults = state.faults
        self._statistics = state.statistics
        self._vendors = state.vendors
        self._kinds: dict[tuple[str, str], frozenset[str]] = {}
        """By vendor and operation: the kinds of faults that can hit the operation."""

    def handler_of(self, vendor: VendorServer, operation: VendorOperation) -> RequestHandler:
        """Return the aiohttp handler of *operation*."""
        self._kinds[vendor.name, operation.name] = vendor.faults_by_operation()[operation.name] | GENERAL_FAULTS.keys()

        async def handle(request: web.Request) -> web.StreamResponse:
            epoch = self._statistics.record_arrival(vendor.name, datetime.now(UTC))
            outcome = "dropped"
            try:
                response = await self._read_and_dispatch(vendor, operation, request, epoch)
                outcome = str(response.status)
            except ConnectionResetError:
                return web.Response()
            finally:
                self._statistics.record_outcome(vendor.name, operation.name, outcome, epoch)
            return response.to_http() if isinstance(response, VendorResponse) else response

        return handle

    async def _read_and_dispatch(
        self, vendor: VendorServer, operation: VendorOperation, request: web.Request, epoch: int
    ) -> VendorResponse | web.StreamResponse:
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge as error:
            return vendor.error_response(error.status, error.reason)
        except web.RequestPayloadError:
            return vendor.error_response(400, "Body is not encoded as it says")
        text = f"{request.query_string}\n{body.decode(errors='replace')}"
        kinds = self._kinds[vendor.name, operation.name]
        faults = self._faults.select_faults(vendor.name, operation.name, kinds, text)
        return await self._dispatch(vendor, operation, VendorCall(request, body, faults), epoch)

    async def _dispatch(
        self, vendor: VendorServer, operation: VendorOperation, call: VendorCall, epoch: int
    ) -> VendorResponse | web.StreamResponse:
        if slow := call.find_fault("slow"):
            await asyncio.sleep(slow.seconds)
            if epoch != self._statistics.epoch:  # the sandbox was reset while the call waited
                return await drop_connection(call.request, 0)
        for fault in call.faults:
            if (replace_response := REPLACING_EFFECTS.get(fault.kind)) is not None:
                return await replace_response(vendor, call.request, fault)
        try:
            vendor.check_access(call)
            response = await operation.respond(call)
        except VendorRefusalError as refusal:
            return refusal.response
        if not isinstance(response, VendorResponse):
            return response
        for fault in call.faults:
            if (corrupt_response := CORRUPTING_EFFECTS.get(fault.kind)) is not None:
                response = await corrupt_response(vendor, call.request, fault, response)
        return response

    @web.middleware
    async def answer_unknown_routes(self, request: web.Request, handler: RequestHandler) -> web.StreamResponse:
        """Answer a path or method that a vendor does not have with an error in the vendor's format."""
        try:
            return await handler(request)
        except (web.HTTPNotFound, web.HTTPMethodNotAllowed) as error:
            vendor = self._vendors.get(request.path.split("/")[1])
            if vendor is None:
                raise
            return vendor.error_response(error.status, error.reason).to_http()
