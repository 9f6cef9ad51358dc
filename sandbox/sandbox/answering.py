"""How every call is answered: counted, hit by faults, admitted, and answered by its vendor."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import orjson
from aiohttp import web

from sandbox.faults import GENERAL, Fault
from sandbox.spoiling import mistype, repeat_first
from sandbox.vendor import Answer, Call, Operation, RefusedError, Vendor
from sandbox.world import World

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_LOGIN_PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><form></form></body></html>"


class DroppedError(ConnectionResetError):
    """The connection was closed on purpose."""


class Desk:
    """Answers the calls of all vendors."""

    def __init__(self, world: World) -> None:
        self._faults = world.faults
        self._ledger = world.ledger
        self._vendors = world.vendors
        self._kinds: dict[tuple[str, str], frozenset[str]] = {}
        """The faults that can hit an operation."""

    def handler(self, vendor: Vendor, operation: Operation) -> Handler:
        """The handler that aiohttp calls for *operation*."""
        self._kinds[vendor.name, operation.name] = vendor.targets()[operation.name] | GENERAL.keys()

        async def handle(request: web.Request) -> web.StreamResponse:
            era = self._ledger.arrived(vendor.name, datetime.now(UTC))
            outcome = "dropped"
            try:
                answer = await self._take(vendor, operation, request, era)
                outcome = str(answer.status)
            except ConnectionResetError:
                return web.Response()
            finally:
                self._ledger.answered(vendor.name, operation.name, outcome, era)
            return answer.response() if isinstance(answer, Answer) else answer

        return handle

    async def _take(
        self, vendor: Vendor, operation: Operation, request: web.Request, era: int
    ) -> Answer | web.StreamResponse:
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge as error:
            return vendor.error(error.status, error.reason)
        except web.RequestPayloadError:
            return vendor.error(400, "Body is not encoded as it says")
        text = f"{request.query_string}\n{body.decode(errors='replace')}"
        kinds = self._kinds[vendor.name, operation.name]
        call = Call(request, body, self._faults.hitting(vendor.name, operation.name, kinds, text))
        return await self._answer(vendor, operation, call, era)

    async def _answer(self, vendor: Vendor, operation: Operation, call: Call, era: int) -> Answer | web.StreamResponse:
        if slow := call.fault("slow"):
            await asyncio.sleep(slow.seconds)
            if era != self._ledger.era:
                return await _drop(call.request, 0)
        for fault in call.faults:
            if (instead := _INSTEAD.get(fault.kind)) is not None:
                return await instead(vendor, call.request, fault)
        try:
            vendor.admit(call)
            answer = await operation.answer(call)
        except RefusedError as refused:
            return refused.answer
        if not isinstance(answer, Answer):
            return answer
        for fault in call.faults:
            if (afterwards := _AFTERWARDS.get(fault.kind)) is not None:
                answer = await afterwards(vendor, call.request, fault, answer)
        return answer

    @web.middleware
    async def in_vendors_words(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer for a vendor's address or method that there is not as the vendor does."""
        try:
            return await handler(request)
        except (web.HTTPNotFound, web.HTTPMethodNotAllowed) as error:
            vendor = self._vendors.get(request.path.split("/")[1])
            if vendor is None:
                raise
            return vendor.error(error.status, error.reason).response()


async def _drop(request: web.Request, seconds: float) -> Answer:
    await asyncio.sleep(seconds)
    if request.transport is not None:
        request.transport.abort()
    raise DroppedError


async def _timeout(_vendor: Vendor, request: web.Request, fault: Fault) -> Answer:
    return await _drop(request, fault.seconds)


async def _reset(_vendor: Vendor, request: web.Request, _fault: Fault) -> Answer:
    return await _drop(request, 0)


async def _server_error(vendor: Vendor, _request: web.Request, fault: Fault) -> Answer:
    return vendor.error(fault.status or 503, "Something went wrong")


async def _rate_limited(vendor: Vendor, _request: web.Request, fault: Fault) -> Answer:
    refusal = vendor.error(429, "Rate limit exceeded")
    if fault.retry_after is None:
        return refusal
    return Answer(refusal.body, 429, {"Retry-After": str(fault.retry_after)}, refusal.content_type)


async def _unauthorized(vendor: Vendor, _request: web.Request, _fault: Fault) -> Answer:
    return vendor.error(401, "Unauthorized")


async def _html(_vendor: Vendor, _request: web.Request, _fault: Fault) -> Answer:
    return Answer(_LOGIN_PAGE, content_type="text/html")


async def _lost_answer(_vendor: Vendor, request: web.Request, fault: Fault, _answer: Answer) -> Answer:
    return await _drop(request, fault.seconds)


async def _error_after_effect(_vendor: Vendor, _request: web.Request, fault: Fault, _answer: Answer) -> Answer:
    return Answer(b"<html><body><h1>Bad Gateway</h1></body></html>", fault.status or 502, content_type="text/html")


async def _empty(_vendor: Vendor, _request: web.Request, _fault: Fault, answer: Answer) -> Answer:
    return Answer(b"", answer.status, answer.headers)


async def _broken_json(_vendor: Vendor, _request: web.Request, _fault: Fault, answer: Answer) -> Answer:
    whole = answer.body if isinstance(answer.body, bytes) else orjson.dumps(answer.body)
    return Answer(whole[: len(whole) // 2], answer.status, answer.headers, answer.content_type)


async def _wrong_types(_vendor: Vendor, _request: web.Request, _fault: Fault, answer: Answer) -> Answer:
    return Answer(mistype(answer.body), answer.status, answer.headers)


async def _duplicates(_vendor: Vendor, _request: web.Request, _fault: Fault, answer: Answer) -> Answer:
    return Answer(repeat_first(answer.body), answer.status, answer.headers)


_INSTEAD = {
    "timeout": _timeout,
    "reset": _reset,
    "server_error": _server_error,
    "rate_limited": _rate_limited,
    "unauthorized": _unauthorized,
    "html": _html,
}
"""Faults that keep the call from its effect."""

_AFTERWARDS = {
    "lost_answer": _lost_answer,
    "error_after_effect": _error_after_effect,
    "empty": _empty,
    "broken_json": _broken_json,
    "wrong_types": _wrong_types,
    "duplicates": _duplicates,
}
"""Faults that spoil the answer after the effect."""
