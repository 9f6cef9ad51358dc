"""Nonsense is refused in the vendor's words, never with a crash of the stand-in."""

from typing import Any

import pytest

from contracts import batchdata, conform, instantly
from support.vendors import BATCHDATA

ODD: tuple[Any, ...] = (
    [],
    "text",
    7,
    None,
    {},
    {"requests": 7},
    {"requests": [[]]},
    {"leads": {}},
    {"searchCriteria": []},
)
ODDER: tuple[Any, ...] = (
    {"searchCriteria": {"query": 7}},
    {"searchCriteria": {"valuation": {"ltv": 9}}},
    {"searchCriteria": {}, "options": {"skip": "x"}},
    {"requests": [{"address": "1 Elm St"}], "options": []},
)


@pytest.mark.parametrize(
    "path", ["/api/v1/property/skip-trace", "/api/v1/property/search", "/api/v1/property/lookup/all-attributes"]
)
async def test_batchdata_refuses_with_400(call: Any, path: str) -> None:
    for body in (*ODD, *ODDER):
        reply = await call("POST", f"/batchdata{path}", body, BATCHDATA)
        assert reply.status == 400 or reply.json["status"]["code"] == 200, body
        if reply.status == 400:
            conform(batchdata.Failure, reply.json)


@pytest.mark.parametrize(
    "path", ["/campaigns", "/leads", "/leads/add", "/leads/list", "/webhooks", "/block-lists-entries"]
)
async def test_instantly_refuses_with_400(call: Any, path: str) -> None:
    for body in ODD:
        reply = await call.instantly("POST", path, body)
        assert reply.status == 400 or (path == "/leads/list" and isinstance(body, dict)), body
        if reply.status == 400:
            conform(instantly.Failure, reply.json)


async def test_melissa_refuses_records_that_are_none(call: Any) -> None:
    assert (await call.verify("no record")).status == 400
    assert (await call.verify({"AddressLine1": 7, "FullName": ["x"]})).status == 200
