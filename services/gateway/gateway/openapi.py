"""OpenAPI document, built from the table of operations, the catalogue of problems and the models of the responses."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

import common
from common.web.problems import CONTENT_TYPE, TYPE_PREFIX
from gateway.problems import PROBLEM_KINDS
from gateway.webhooks.vendors import VENDORS

COMMON_PROBLEMS = ("unavailable", "internal")
"""Problems that every operation may return."""

_HEX64 = "^[0-9a-fA-F]{64}$"
_RFC3339 = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$"


@dataclass(frozen=True, slots=True)
class QueryParameter:
    """Optional parameter in the query of a request."""

    name: str
    description: str
    is_repeatable: bool = False
    type: Literal["string", "boolean"] = "string"


@dataclass(frozen=True, slots=True)
class ApiOperation:
    """One address and method, with the name of its handler and all its responses."""

    method: str
    path: str
    name: str
    summary: str
    success: tuple[int, type[BaseModel] | None]
    problems: Sequence[str] = ()
    signed: Literal["upload", "read"] | None = None
    body: Literal["csv", "webhook"] | None = None
    other_success: tuple[int, type[BaseModel]] | None = None
    query: Sequence[QueryParameter] = ()


def build_openapi_document(operations: Iterable[ApiOperation]) -> dict[str, Any]:
    """Return the document."""
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    schemas: dict[str, Any] = {"Problem": _PROBLEM}
    for operation in operations:
        for _, model in filter(None, (operation.success, operation.other_success)):
            if model is not None:
                schemas |= _describe_model(model)
        paths[operation.path][operation.method] = _describe_operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Equity Connect gateway",
            "version": common.__version__,
            "description": "Signed CSV uploads of property records, their reports, and vendors' webhooks.",
        },
        "paths": dict(paths),
        "components": {"schemas": schemas},
    }


def _describe_operation(operation: ApiOperation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": [
            *_describe_path_parameters(operation.path),
            *_describe_signature_headers(operation.signed),
            *map(_describe_query_parameter, operation.query),
        ],
        "responses": {
            str(status): _describe_success(operation, model)
            for status, model in filter(None, (operation.success, operation.other_success))
        }
        | {
            **_describe_problems(operation.problems),
        },
    }
    if operation.body is not None:
        described["requestBody"] = {"required": True, "content": _BODIES[operation.body]}
    return described


def _describe_path_parameters(path: str) -> list[dict[str, Any]]:
    schemas = {
        "upload_id": {"type": "string", "format": "uuid"},
        "vendor": {"type": "string", "enum": sorted(VENDORS)},
    }
    return [
        {"name": name, "in": "path", "required": True, "schema": schema}
        for name, schema in schemas.items()
        if f"{{{name}}}" in path
    ]


def _describe_signature_headers(signed: str | None) -> list[dict[str, Any]]:
    if signed is None:
        return []
    pattern = "^(v2|sha256)=[0-9a-fA-F]{64}$" if signed == "upload" else "^v2=[0-9a-fA-F]{64}$"
    text = "`<timestamp>.<body>` (v2) or the body (sha256)" if signed == "upload" else "`<timestamp>.GET <path>`"
    headers = [
        _describe_header("X-Signature", f"HMAC-SHA256 over {text}, in hex.", pattern),
        _describe_header("X-Signature-Timestamp", "RFC 3339, within five minutes of now.", _RFC3339),
        _describe_header(
            "X-Key-Id", "May be left out by a partner with one key.", "^[A-Za-z0-9_.-]{1,64}$", required=False
        ),
    ]
    if signed == "upload":
        headers.append(_describe_header("X-Content-SHA256", "SHA-256 of the body, in hex.", _HEX64))
        headers.append(_describe_broker("X-Broker-Id", "header"))
        headers.append(_describe_broker("broker_id", "query"))
    return headers


def _describe_header(name: str, description: str, pattern: str, *, required: bool = True) -> dict[str, Any]:
    schema = {"type": "string", "pattern": pattern}
    return {"name": name, "in": "header", "required": required, "description": description, "schema": schema}


def _describe_broker(name: str, place: str) -> dict[str, Any]:
    text = "The broker whose leads these are; default: the partner's, or by territory."
    schema = {"type": "string", "format": "uuid"}
    return {"name": name, "in": place, "required": False, "description": text, "schema": schema}


def _describe_model(model: type[BaseModel]) -> dict[str, Any]:
    """Return the schema of *model* and of the models in it, by name."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**schema.pop("$defs", {}), model.__name__: schema}


def _describe_query_parameter(parameter: QueryParameter) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": parameter.type}
    if parameter.is_repeatable:
        schema = {"type": "array", "items": schema}
    return {
        "name": parameter.name, "in": "query", "required": False, "description": parameter.description, "schema": schema,
    }  # fmt: skip


def _describe_success(operation: ApiOperation, model: type[BaseModel] | None) -> dict[str, Any]:
    if model is not None:
        content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}}
    elif operation.path.endswith(".csv"):
        content = {"text/csv": {"schema": {"type": "string"}}}
    else:
        content = {"application/json": {"schema": {"type": "object"}}}
    return {"description": operation.summary, "content": content}


def _describe_problems(codes: Iterable[str]) -> dict[str, Any]:
    by_status: dict[int, list[str]] = defaultdict(list)
    for code in (*codes, *COMMON_PROBLEMS):
        by_status[PROBLEM_KINDS[code].status].append(code)
    return {
        str(status): {
            "description": "; ".join(f"`{code}`: {PROBLEM_KINDS[code].title}" for code in found),
            "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, found in sorted(by_status.items())
    }


_PROBLEM = {
    "type": "object",
    "description": "RFC 9457. `code` is stable; the texts are for people.",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri", "enum": [TYPE_PREFIX + code for code in PROBLEM_KINDS]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "enum": list(PROBLEM_KINDS)},
        "detail": {"type": "string"},
        "upload_id": {"type": "string", "format": "uuid", "description": "`already_uploaded`: the upload it repeats."},
        "missing": {"type": "array", "items": {"type": "string"}, "description": "`missing_columns`: which."},
        "found": {"type": "array", "items": {"type": "string"}, "description": "`missing_columns`: the file's header."},
        "header": {"type": "string", "description": "`missing_header`: its name."},
        "limit": {"type": "integer", "description": "`too_large`: the most bytes."},
    },
}

_BODIES: dict[str, Any] = {
    "csv": {
        "text/csv": {"schema": {"type": "string", "description": "A header row and rows; any common encoding."}},
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": {"type": "string", "contentMediaType": "text/csv"}},
            }
        },
    },
    "webhook": {"application/json": {"schema": {"type": "object"}}},
}
