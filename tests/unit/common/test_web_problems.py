"""Problem responses and the application that every service with HTTP uses."""

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from common.web.application import build_application
from common.web.problems import GENERAL_PROBLEM_KINDS, ProblemError, ProblemKind, unavailable_problem
from common.web.request_metrics import Handler

TEAPOT = ProblemKind("teapot", 418, "This is a teapot")


async def fetch(handler: Handler) -> tuple[int, str, dict[str, object], dict[str, str]]:
    app = build_application([("GET", "/tea", handler)], [*GENERAL_PROBLEM_KINDS, TEAPOT])
    async with TestClient(TestServer(app)) as client, client.get("/tea") as response:
        return response.status, response.content_type, orjson.loads(await response.read()), dict(response.headers)


async def test_a_service_responds_with_a_problem_kind_that_it_declares() -> None:
    async def refuse(_request: web.Request) -> web.Response:
        raise ProblemError(TEAPOT, "Ask the coffee machine.", {"volume": 3})

    status, content_type, body, headers = await fetch(refuse)
    assert (status, content_type, headers["Server"]) == (418, "application/problem+json", "equity")
    assert body == {
        "type": "urn:equity-connect:problem:teapot",
        "title": "This is a teapot",
        "status": 418,
        "code": "teapot",
        "detail": "Ask the coffee machine.",
        "volume": 3,
    }


async def test_an_unexpected_error_shows_nothing_internal() -> None:
    async def fail(_request: web.Request) -> web.Response:
        raise LookupError("the secret recipe")

    status, _, body, _ = await fetch(fail)
    assert (status, body["code"]) == (500, "internal")
    assert "secret" not in str(body)


async def test_an_unreachable_database_is_a_temporary_problem() -> None:
    async def fail(_request: web.Request) -> web.Response:
        raise ConnectionRefusedError

    status, _, body, headers = await fetch(fail)
    assert (status, body["code"], headers["Retry-After"]) == (503, "unavailable", "5")


@pytest.mark.parametrize(
    ("path", "method", "code"), [("/", "GET", "not_found"), ("/tea", "POST", "method_not_allowed")]
)
async def test_the_frameworks_errors_are_problems_too(path: str, method: str, code: str) -> None:
    async def serve(_request: web.Request) -> web.Response:
        return web.Response()

    app = build_application([("GET", "/tea", serve)], GENERAL_PROBLEM_KINDS)
    async with TestClient(TestServer(app)) as client, client.request(method, path) as response:
        assert (await response.json(content_type="application/problem+json"))["code"] == code


def test_a_temporary_problem_may_have_a_kind_of_the_service() -> None:
    problem = unavailable_problem("Later.", retry_after=60, kind=TEAPOT)
    assert (problem.code, problem.headers) == ("teapot", {"Retry-After": "60"})
