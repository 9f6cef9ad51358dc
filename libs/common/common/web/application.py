"""Web application of a service: its routes, with problem responses, request metrics and standard headers for all of them."""

from collections.abc import Iterable

from aiohttp import web

from common.web.problem_responses import add_standard_headers, respond_with_problems, send_continue
from common.web.problems import ProblemKind
from common.web.request_metrics import Handler, count_refusal, measure_requests

Route = tuple[str, str, Handler]
"""HTTP method, path and handler."""


def build_application(routes: Iterable[Route], problem_kinds: Iterable[ProblemKind]) -> web.Application:
    """Return the application. The counters of *problem_kinds* start at zero, so that alerts see the first refusal."""
    app = web.Application(
        middlewares=[measure_requests, respond_with_problems], handler_args={"auto_decompress": False}
    )
    for method, path, handler in routes:
        app.router.add_route(method, path, handler, expect_handler=send_continue)
    app.on_response_prepare.append(add_standard_headers)

    async def start_counters(_app: web.Application) -> None:
        for kind in problem_kinds:
            count_refusal(kind.code, times=0)

    app.on_startup.append(start_counters)
    return app
