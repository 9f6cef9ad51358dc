"""Control API under `/_sandbox/`: switch faults on and off, and read what the vendors store and counted (sandbox/README.md)."""

from typing import Any

from aiohttp import web

from sandbox.control_http import json_response, parse_body, unprocessable_error
from sandbox.faults import GENERAL_FAULTS, ActiveFault, Fault
from sandbox.instantly_control import InstantlyControl
from sandbox.openrouter_control import OpenRouterControl
from sandbox.people import PostalAddress
from sandbox.smtp_control import SmtpControl
from sandbox.state import SandboxState


class ControlApi:
    """The handlers of the control API."""

    def __init__(self, state: SandboxState) -> None:
        self._state = state

    def list_routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/_sandbox/faults", self._list_faults),
            web.post("/_sandbox/faults", self._add_fault),
            web.delete("/_sandbox/faults", self._clear_faults),
            web.delete("/_sandbox/faults/{number:[0-9]{1,9}}", self._remove_fault),
            web.get("/_sandbox/fault-kinds", self._list_fault_kinds),
            web.get("/_sandbox/calls/{vendor}", self._show_calls),
            web.get("/_sandbox/paid/{vendor}", self._show_paid_records),
            web.get("/_sandbox/people", self._show_person),
            web.post("/_sandbox/reset", self._reset),
            *InstantlyControl(self._state).list_routes(),
            *OpenRouterControl(self._state).list_routes(),
            *SmtpControl(self._state).list_routes(),
        ]

    async def _list_faults(self, _request: web.Request) -> web.Response:
        return json_response([_describe_fault(active) for active in self._state.faults.list_active()])

    async def _add_fault(self, request: web.Request) -> web.Response:
        fault = await parse_body(Fault, request)
        self._check_fault(fault)
        return json_response(_describe_fault(self._state.faults.add_fault(fault)), 201)

    def _check_fault(self, fault: Fault) -> None:
        """Raise HTTPUnprocessableEntity if *fault* could never hit a call."""
        vendor = self._state.fault_targets.get(fault.vendor)
        if vendor is None:
            names = ", ".join(self._state.fault_targets)
            raise unprocessable_error(f"There is no vendor {fault.vendor!r}. Use one of: {names}.")
        is_vendor_specific = fault.kind in vendor.fault_descriptions
        if fault.kind not in vendor.general_faults and not is_vendor_specific:
            raise unprocessable_error(
                f"{fault.vendor} has no fault {fault.kind!r}. GET /_sandbox/fault-kinds lists them."
            )
        if fault.operation is None:
            return
        kinds_by_operation = vendor.faults_by_operation()
        if fault.operation not in kinds_by_operation:
            names = ", ".join(sorted(kinds_by_operation))
            raise unprocessable_error(f"{fault.vendor} has no operation {fault.operation!r}. Use one of: {names}.")
        if fault.operation and is_vendor_specific and fault.kind not in kinds_by_operation[fault.operation]:
            names = ", ".join(sorted(name for name, kinds in kinds_by_operation.items() if fault.kind in kinds))
            raise unprocessable_error(f"{fault.kind} cannot hit {fault.operation}. It can hit: {names}.")

    async def _clear_faults(self, _request: web.Request) -> web.Response:
        self._state.faults.clear_faults()
        return web.Response(status=204)

    async def _remove_fault(self, request: web.Request) -> web.Response:
        if not self._state.faults.remove_fault(int(request.match_info["number"])):
            raise web.HTTPNotFound(text="There is no fault with this number.")
        return web.Response(status=204)

    async def _list_fault_kinds(self, _request: web.Request) -> web.Response:
        vendor_specific = {name: dict(vendor.fault_descriptions) for name, vendor in self._state.fault_targets.items()}
        return json_response({"every vendor": dict(GENERAL_FAULTS), **vendor_specific})

    async def _show_calls(self, request: web.Request) -> web.Response:
        return json_response(self._state.statistics.summarize_calls(self._vendor_name(request)))

    async def _show_paid_records(self, request: web.Request) -> web.Response:
        return json_response(self._state.statistics.summarize_charges(self._vendor_name(request)))

    async def _show_person(self, request: web.Request) -> web.Response:
        query = request.query
        address = PostalAddress(*(query.get(name, "") for name in ("street", "city", "state", "zip")))
        return json_response(self._state.people.person_at(address, query.get("first", ""), query.get("last", "")))

    async def _reset(self, _request: web.Request) -> web.Response:
        self._state.reset_everything()
        return web.Response(status=204)

    def _vendor_name(self, request: web.Request) -> str:
        """Return the vendor in the path. Raise HTTPNotFound if there is none of this name."""
        name = request.match_info["vendor"]
        if name not in self._state.fault_targets:
            raise web.HTTPNotFound(text=f"There is no such vendor. Use one of: {', '.join(self._state.fault_targets)}.")
        return name


def _describe_fault(active: ActiveFault) -> dict[str, Any]:
    return {"number": active.number, "seen": active.seen, "hits": active.hits, **active.fault.model_dump()}
