"""A dry run and the upload agree on every file of the corpus, and the leads are those of the expectation."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from corpus.generate import corpus_files
from support.partner import Partner

DRY_RUN = [("dry_run", "true")]
FILES = {file.name: file for file in corpus_files()}


@pytest.fixture
async def busy_partner(
    running: Callable[..., AbstractAsyncContextManager[list[Any]]], session: aiohttp.ClientSession
) -> AsyncIterator[Partner]:
    """Return a partner of a gateway that takes any number of uploads, beside ingest."""
    async with running("gateway", "ingest", gateway_port=0, gateway_uploads_per_minute=1_000) as (gateway, _):
        yield Partner(f"http://127.0.0.1:{gateway.parts[-1].port}", session, uuid4())


async def test_the_dry_run_of_each_file_says_what_the_upload_does(busy_partner: Partner, db: Any) -> None:
    leads = 0
    for name, file in FILES.items():
        expected, content = file.expected(), file.content()
        status, check = await busy_partner.upload(content, DRY_RUN)
        if expected.refusal:
            assert check["code"] == expected.refusal.code, name
            again, refused = await busy_partner.upload(content)
            assert (again, {**refused, "instance": None}) == (status, {**check, "instance": None}), name
            continue
        assert status == 200, (name, check)
        status, upload = await busy_partner.upload(content)
        assert status == 202, (name, upload)
        report = await busy_partner.wait_for_state(upload["upload_id"], "done")
        _assert_equal(name, check, report)
        assert check["profile"] == expected.profile, name
        leads += check["estimate"]["new"]
        assert await db.fetchval("select count(*) from app.leads") == leads, name
    assert leads > len(FILES)


def _assert_equal(name: str, check: dict[str, Any], report: dict[str, Any]) -> None:
    assert (check["rows"], check["skipped_rows"]) == (report["rows_total"], report["rows_skipped"]), name
    assert (check["rejected"], check["reasons"]) == (report["rejected"], report["reasons"]), name
    assert (check["profile"], check["ignored_columns"]) == (report["profile"], report["ignored_columns"]), name
    estimate = check["estimate"]
    assert estimate["new"] == report["inserted"], (name, report)
    assert estimate["known"] + estimate["repeated"] == report["updated"] + report["duplicate"], (name, report)
    unread = sum(column["unreadable"] for column in check["columns"])
    assert unread == sum(one["values"] for one in report["unread_values"]), (name, report["unread_values"])
    assert [(one["column"], bool(one["field"])) for one in check["columns"]] == [
        (one["column"], bool(one["field"])) for one in report["columns"] if one["column"]
    ], name
