"""`equity uploads resend` sets uploads to be published again, or names who has to send which file."""

from uuid import UUID, uuid4

import asyncpg
import pytest

from support.commandline import Equity
from support.installation import Installation


@pytest.fixture
def equity(installation: Installation) -> Equity:
    return Equity(installation.environment())


async def add_upload(installation: Installation, state: str, filename: str) -> UUID:
    db = await asyncpg.connect(installation.database.superuser_dsn)
    partner, upload = uuid4(), uuid4()
    await db.execute("insert into app.partners (id, name) values ($1, $2)", partner, f"Partner of {filename}")
    await db.execute(
        "insert into app.uploads (id, partner_id, key_id, sha256, size, filename, spool_disk_id, state, rows_total,"
        " rows_published, published_at, received_at) values ($1, $2, 'k', sha256($3::text::bytea), 1, $3, 'disk', $4, 7, 7,"
        " now() - interval '1 hour', now() - interval '2 hours')",
        upload, partner, filename, state,
    )  # fmt: skip
    await db.close()
    return upload


async def read_progress(installation: Installation, upload: UUID) -> tuple[str, int]:
    db = await asyncpg.connect(installation.database.superuser_dsn)
    row = await db.fetchrow("select state::text, rows_published from app.uploads where id = $1", upload)
    await db.close()
    assert row is not None
    return row["state"], row["rows_published"]


async def test_all_stuck_uploads_are_sent_again_once_and_files_are_asked_for_by_name(
    equity: Equity, installation: Installation
) -> None:
    stalled = await add_upload(installation, "accounted", "stalled.csv")
    lost = await add_upload(installation, "needs_resend", "lost.csv")
    done = await add_upload(installation, "done", "done.csv")
    ran = equity("uploads", "resend", "--all-stuck")
    assert ran.code == 3
    assert "Partner of lost.csv has to send lost.csv again" in " ".join(ran.out.split())
    assert await read_progress(installation, stalled) == ("received", 0)
    assert await read_progress(installation, lost) == ("needs_resend", 0), "all rows are sent when the file comes"
    assert await read_progress(installation, done) == ("done", 7)
    (row,) = equity("uploads", "resend", stalled, "--json").ok().json
    assert row["action"] == "under_way", "a second time changes nothing"


async def test_an_unknown_upload_or_no_choice_is_an_error_that_says_so(equity: Equity) -> None:
    unknown = equity("uploads", "resend", uuid4())
    assert unknown.code == 3
    assert "There is no upload" in unknown.err
    assert equity("uploads", "resend").code == 2
    assert equity("uploads", "resend", uuid4(), "--all-stuck").code == 2
