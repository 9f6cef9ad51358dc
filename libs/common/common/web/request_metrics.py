"""Span and duration of each request. Labels use the route and never the path, because paths hold ids."""

import time
from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web
from opentelemetry.trace import SpanKind

from common import telemetry

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_FIRST_SERVER_ERROR = 500


@web.middleware
async def measure_requests(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Measure a request by OpenTelemetry's conventions for HTTP servers."""
    route = route_template(request)
    method = request.method if request.method in hdrs.METH_ALL else "_OTHER"  # a sender may invent methods
    labels: dict[str, str | int] = {"http.request.method": method, "http.route": route}
    started = time.perf_counter()
    with telemetry.open_span(f"{method} {route}", SpanKind.SERVER, attributes=labels) as span:
        try:
            response = await handler(request)
            labels["http.response.status_code"] = response.status
            span.set_attribute("http.response.status_code", response.status)
            if response.status >= _FIRST_SERVER_ERROR:
                telemetry.mark_span_failed(span, str(response.status))
        except Exception as error:
            labels["error.type"] = telemetry.error_type(error)
            raise
        finally:
            telemetry.histogram("http.server.request.duration", "Time of one request").record(
                time.perf_counter() - started, labels
            )
    return response


def count_refusal(reason: str, times: int = 1) -> None:
    """Count a refused request by the code of its problem. The catalogue has a fixed number of codes."""
    telemetry.counter("equity_requests_refused", "Refused requests by reason").add(times, {"reason": reason})


def route_template(request: web.Request) -> str:
    """Return the route's template, such as `/v1/uploads/{upload_id}`."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else "unknown"
