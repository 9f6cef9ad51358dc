"""The OpenAPI document lists every route and every problem."""

from common.web.problems import GENERAL_PROBLEM_KINDS
from gateway.openapi import build_openapi_document
from gateway.problems import PROBLEM_KINDS, UPLOAD_AND_WEBHOOK_KINDS
from gateway.routes import OPERATIONS, GatewayRoutes


def test_every_operation_has_a_handler() -> None:
    assert all(callable(getattr(GatewayRoutes, operation.name)) for operation in OPERATIONS)


def test_every_problem_of_the_catalogue_is_documented() -> None:
    documented = {code for operation in OPERATIONS for code in operation.problems} | {"internal", "unavailable"}
    assert documented == set(PROBLEM_KINDS) - {"method_not_allowed"}


def test_the_document_is_openapi_3_1() -> None:
    document = build_openapi_document(OPERATIONS)
    assert document["openapi"] == "3.1.0"
    upload = document["paths"]["/v1/uploads"]["post"]
    assert set(upload["responses"]) == {
        "200",
        "202",
        "400",
        "401",
        "403",
        "408",
        "409",
        "413",
        "415",
        "422",
        "429",
        "500",
        "503",
    }


def test_codes_of_problems_are_unique() -> None:
    assert len(PROBLEM_KINDS) == len(GENERAL_PROBLEM_KINDS) + len(UPLOAD_AND_WEBHOOK_KINDS)
