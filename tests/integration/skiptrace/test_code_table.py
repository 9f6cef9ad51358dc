"""The code table: versions, families, and the statements of the shipped codes."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from common.database import Database
from skiptrace.settings import SkiptraceSettings
from skiptrace.trace.code_table import CodeTable
from support import databases


@pytest.fixture
async def own(database: databases.Database) -> AsyncIterator[Database]:
    one = Database(SkiptraceSettings(database_url=database.dsn("skiptrace")), "test")
    await one.start()
    yield one
    await one.stop()


async def test_the_highest_version_of_a_code_counts(own: Database, database: databases.Database) -> None:
    codes = await CodeTable(own).load_map()
    assert codes.combine_flags("melissa", "phone", ["PS01", "PS07"]).line_type == "mobile"
    assert codes.combine_flags("melissa", "email", ["ES01"]).verified is True
    assert codes.combine_flags("batchdata", "phone", ["reachable", "not_dnc"]).dnc is False
    superuser = await asyncpg.connect(database.superuser_dsn)
    await superuser.execute(
        "insert into app.verification_code_map (provider, channel, code, version, is_verified) values ('melissa', 'email', 'ES01', 2, null)"
    )
    await superuser.close()
    assert (await CodeTable(own).load_map()).combine_flags("melissa", "email", ["ES01"]).verified is None


@pytest.mark.parametrize(
    ("channel", "codes", "verified"),
    [
        ("phone", "PS01,PS08", True),
        ("phone", "PS07", None),
        ("phone", "PS01,PE01", False),
        ("phone", "PS01,PE11", False),
        ("phone", "PS99", None),
        ("email", "ES01", True),
        ("email", "ES01,ES21", True),
        ("email", "ES01,ES07", True),
        ("email", "ES03", None),
        ("email", "ES01,ES03", True),
        ("email", "ES21,EE04", False),
        ("email", "ES21,EE77", False),
        ("email", "ES99", None),
        *[("email", f"ES01,ES21,ES{code}", False) for code in ("02", "05", "06", "32", "33", "34", "35", "36", "37")],
    ],
)
async def test_melissas_codes_combine(own: Database, channel: str, codes: str, verified: bool | None) -> None:
    assert (await CodeTable(own).load_map()).combine_flags("melissa", channel, codes.split(",")).verified is verified


@pytest.mark.parametrize("provider", ["batchdata", "batchdata_dnc", "batchdata_tcpa"])
async def test_every_code_of_a_check_is_in_the_table(own: Database, provider: str) -> None:
    flags = (await CodeTable(own).load_map()).combine_flags
    if provider != "batchdata_tcpa":
        assert [flags(provider, "phone", [code]).dnc for code in ("dnc", "not_dnc")] == [True, False]
        assert flags(provider, "phone", ["not_dnc", "dnc"]).dnc is True
    if provider != "batchdata_dnc":
        assert [flags(provider, "phone", [code]).litigator for code in ("tcpa", "not_tcpa")] == [True, False]
    assert flags(provider, "phone", ["not_dnc", "not_tcpa"]).verified is None
