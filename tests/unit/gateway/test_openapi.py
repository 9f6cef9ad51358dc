"""The document names every address and every refusal."""

from gateway.openapi import document
from gateway.problems import KINDS
from gateway.web import OPERATIONS, Routes


def test_every_operation_has_a_handler() -> None:
    assert all(callable(getattr(Routes, operation.name)) for operation in OPERATIONS)


def test_every_problem_of_the_catalogue_is_told_somewhere() -> None:
    told = {code for operation in OPERATIONS for code in operation.problems} | {"internal", "unavailable"}
    assert told == set(KINDS) - {"method_not_allowed"}


def test_the_document_is_openapi_3_1() -> None:
    made = document(OPERATIONS)
    assert made["openapi"] == "3.1.0"
    upload = made["paths"]["/v1/uploads"]["post"]
    assert set(upload["responses"]) == {
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
