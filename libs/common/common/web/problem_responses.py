"""Middleware and hooks of every application: problem responses, standard headers, and `Expect: 100-continue`."""

import structlog
from aiohttp import HttpVersion11, web

from common.bus.failures import FailureKind, classify_error, error_code
from common.web.problems import INTERNAL, ProblemError, problem_from_http_error, unavailable_problem
from common.web.request_metrics import Handler, count_refusal, route_template

log = structlog.get_logger()

_TEMPORARY_FAILURES = {
    FailureKind.INFRASTRUCTURE_UNAVAILABLE,
    FailureKind.TRANSIENT_CONFLICT,
    FailureKind.DEPLOYMENT_ERROR,
}


class IncompleteResponseError(ConnectionResetError):
    """A response that failed in the middle. Its connection is closed, so that the response does not look complete."""


@web.middleware
async def respond_with_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every failure into a problem response (RFC 9457) and count it. The response shows nothing internal."""
    try:
        return await handler(request)
    except ProblemError as problem:
        count_refusal(problem.code)
        return problem.to_response()
    except web.HTTPException as error:
        refusal = problem_from_http_error(error)
        count_refusal(refusal.code)
        return refusal.to_response()
    except IncompleteResponseError:
        raise
    except Exception as error:
        kind = classify_error(error)
        if kind in _TEMPORARY_FAILURES:
            write_log = log.error if kind is FailureKind.DEPLOYMENT_ERROR else log.warning
            write_log("request_postponed", path=route_template(request), error=error_code(error), kind=kind)
            return unavailable_problem("Try again in a moment.").to_response()
        log.exception("request_failed", path=route_template(request), error=error_code(error))
        return ProblemError(
            INTERNAL, "The error is in our log. Try again, or tell support the time of the request."
        ).to_response()


async def send_continue(request: web.Request) -> None:
    """Send `100 Continue` to a client that waits for it before it sends its body. Ignore any other expectation."""
    if request.version >= HttpVersion11 and request.headers["Expect"].lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the final response has not begun


async def add_standard_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Add the headers of every response. `Server` names no software and no version."""
    response.headers.update({"Server": "equity", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"})
