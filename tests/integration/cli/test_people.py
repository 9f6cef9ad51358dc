"""Brokers, territories, partners and keys, created and changed by the command line."""

import shlex
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from common.bus.dead_letter_message import pack_message, unpack_message
from common.csv.rejects import decrypt_row, encrypt_row
from common.pii.keyring import Keyring
from common.settings import Settings
from pull.page_log import REJECT_PURPOSE as PULL_REJECT
from skiptrace.trace.request_codec import LOOKUPS_PURPOSE, RESPONSE_PURPOSE
from support.commandline import Equity
from support.databases import Database
from support.installation import SECRETS

KEYRING = Keyring.from_settings(Settings(encryption_key=SECRETS["ENCRYPTION_KEY"]))


def test_a_broker_is_added_shown_and_disabled(equity: Equity) -> None:
    added = equity("brokers", "add", "Dana Ruiz", "--email", "dana@example.com", "--json").ok().json
    assert added["daily_limit"] == 250
    assert added["active"] is True
    equity("brokers", "disable", "dana ruiz").ok()
    assert equity("brokers", "list", "--json").ok().json == []
    (listed,) = equity("brokers", "list", "--all", "--json").ok().json
    assert (listed["id"], listed["active"], listed["leads"]) == (added["id"], False, 0)
    equity("brokers", "enable", added["id"]).ok()
    assert equity("brokers", "show", added["id"], "--json").ok().json["active"] is True


def test_a_broker_has_a_legal_name_and_limits_of_calls(equity: Equity) -> None:
    equity("brokers", "add", "Dana Ruiz").ok()
    shown = equity("brokers", "show", "Dana Ruiz", "--json").ok().json
    assert (shown["legal_name"], shown["daily_calls"], shown["calls_per_hour"]) == (None, 250, 500)
    options = ["--legal-name", "Ruiz Home Equity LLC", "--daily-calls", "40", "--calls-per-hour", "10"]
    changed = equity("brokers", "set", "Dana Ruiz", *options, "--json").ok().json
    assert (changed["legal_name"], changed["daily_calls"], changed["calls_per_hour"]) == (
        "Ruiz Home Equity LLC",
        40,
        10,
    )
    assert equity("brokers", "set", "Dana Ruiz", "--daily-calls", "-1").code == 2


def test_a_broker_keeps_the_id_of_the_user_who_signs_in(equity: Equity) -> None:
    user = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
    assert equity("brokers", "add", "Dana Ruiz", "--id", user, "--json").ok().json["id"] == user


def test_two_brokers_of_one_name_are_refused(equity: Equity) -> None:
    equity("brokers", "add", "Dana Ruiz").ok()
    again = equity("brokers", "add", "DANA RUIZ")
    assert again.code == 3
    assert "already" in again.err


def test_a_territory_has_one_broker(equity: Equity) -> None:
    for name in ("Dana Ruiz", "Lee Ash"):
        equity("brokers", "add", name).ok()
    for area in (["fl"], ["FL", "--county", "Pinellas"], ["FL", "--zip", "33701"]):
        equity("brokers", "territory", "add", "Dana Ruiz", *area).ok()
        rival = equity("brokers", "territory", "add", "Lee Ash", *area)
        assert rival.code == 3
        way_out = rival.err.partition("Take it away first: equity ")[2].splitlines()[0]
        assert shlex.split(way_out)[:4] == ["brokers", "territory", "remove", "Dana Ruiz"]
        equity(*shlex.split(way_out)).ok()
        equity("brokers", "territory", "add", "Dana Ruiz", *area).ok()
    assert len(equity("brokers", "show", "Dana Ruiz", "--json").ok().json["territories"]) == 3
    equity("brokers", "territory", "remove", "Dana Ruiz", "FL", "--county", "PINELLAS").ok()
    equity("brokers", "territory", "add", "Lee Ash", "FL", "--county", "Pinellas County").ok()


def test_leads_without_a_broker_in_a_new_territory_are_counted(equity: Equity, database: Database) -> None:
    for name in ("Dana Ruiz", "Lee Ash"):
        equity("brokers", "add", name).ok()
    equity("brokers", "territory", "add", "Lee Ash", "FL", "--zip", "33702").ok()
    with psycopg.connect(database.superuser_dsn, autocommit=True) as connection:
        for county, zip_code in (("PINELLAS", "33701"), ("PINELLAS", "33702"), (None, "33601")):
            connection.execute(
                """insert into app.leads (id, property_state, county, property_zip, observed, source)
                values (gen_random_uuid(), 'FL', %s, %s, '{}', 'test')""",
                (county, zip_code),
            )
    added = equity("brokers", "territory", "add", "Dana Ruiz", "FL", "--json").ok()
    assert added.json["waiting_leads"] == 2
    equity("brokers", "territory", "remove", "Dana Ruiz", "FL").ok()
    added = equity("brokers", "territory", "add", "Dana Ruiz", "FL", "--county", "Pinellas").ok()
    assert "Leads without a broker there: 1." in added.out + added.err


def test_the_same_territory_twice_is_refused(equity: Equity) -> None:
    equity("brokers", "add", "Dana Ruiz").ok()
    equity("brokers", "territory", "add", "Dana Ruiz", "FL").ok()
    again = equity("brokers", "territory", "add", "Dana Ruiz", "FL")
    assert again.code == 3
    assert "Traceback" not in again.err


@pytest.mark.parametrize(
    "area", [["Atlantis"], ["FL", "--zip", "3370"], ["FL", "--zip", "33701", "--county", "Pinellas"]]
)
def test_text_that_is_no_place_is_a_usage_error(equity: Equity, area: list[str]) -> None:
    equity("brokers", "add", "Dana Ruiz").ok()
    assert equity("brokers", "territory", "add", "Dana Ruiz", *area).code == 2


def test_a_key_is_encrypted_and_its_secret_shown_once(equity: Equity, database: Database) -> None:
    equity("partners", "add", "Acme Data").ok()
    made = equity("keys", "add", "acme data", "--json").ok().json
    assert made["scheme"] == "v2"
    assert made["key_id"].startswith("acme-data-")
    assert len(made["secret"]) == 64
    with psycopg.connect(database.superuser_dsn) as connection:
        (encrypted,) = connection.execute("select secret_encrypted from app.partner_keys").fetchone() or ()
    assert KEYRING.decrypt("partner-key", made["key_id"].encode(), encrypted).decode() == made["secret"]
    assert made["secret"] not in equity("keys", "list", "--json").ok().out


def test_a_secret_goes_into_a_file_of_its_owner_alone(equity: Equity, tmp_path: Path) -> None:
    equity("partners", "add", "Acme Data").ok()
    file = tmp_path / "acme.secret"
    made = equity("keys", "add", "Acme Data", "--out", file).ok()
    secret = file.read_text().strip()
    assert len(secret) == 64
    assert secret not in made.out + made.err
    assert file.stat().st_mode & 0o777 == 0o600
    again = equity("keys", "add", "Acme Data", "--out", file)
    assert again.code == 3
    assert file.read_text().strip() == secret
    assert len(equity("keys", "list", "--json").ok().json) == 1


def test_a_rotated_key_and_its_successor_both_work_until_one_is_revoked(equity: Equity) -> None:
    equity("partners", "add", "Acme Data").ok()
    old = equity("keys", "add", "Acme Data", "--scheme", "body", "--json").ok().json
    new = equity("keys", "rotate", old["key_id"], "--json").ok().json
    assert new["scheme"] == "body"
    assert new["secret"] != old["secret"]
    assert {key["key_id"] for key in equity("keys", "list", "--json").ok().json} == {old["key_id"], new["key_id"]}
    equity("keys", "revoke", old["key_id"]).ok()
    (left,) = equity("keys", "list", "--partner", "Acme Data", "--json").ok().json
    assert left["key_id"] == new["key_id"]
    assert equity("keys", "revoke", old["key_id"]).code == 3


def test_the_last_key_is_not_revoked_by_accident(equity: Equity) -> None:
    equity("partners", "add", "Acme Data").ok()
    key = equity("keys", "add", "Acme Data", "--json").ok().json["key_id"]
    assert equity("keys", "revoke", key).code == 3
    equity("keys", "revoke", key, "--yes").ok()


def test_a_partner_is_bounded_to_its_brokers(equity: Equity) -> None:
    dana = equity("brokers", "add", "Dana Ruiz", "--json").ok().json["id"]
    lee = equity("brokers", "add", "Lee Ash", "--json").ok().json["id"]
    partner = (
        equity("partners", "add", "Acme", "--broker", "Dana Ruiz", "--default-broker", "Lee Ash", "--json").ok().json
    )
    assert set(partner["broker_ids"]) == {dana, lee}
    assert partner["default_broker_id"] == lee
    (listed,) = equity("partners", "list", "--json").ok().json
    assert listed["brokers"] == ["Dana Ruiz", "Lee Ash"]
    assert equity("partners", "add", "Other", "--broker", "Ann Poe").code == 2


def test_without_the_master_key_no_key_is_made(equity: Equity) -> None:
    equity("partners", "add", "Acme Data").ok()
    refused = equity("keys", "add", "Acme Data", ENCRYPTION_KEY="not-hex")
    assert refused.code == 2
    assert "ENCRYPTION_KEY" in refused.err
    assert "not-hex" not in refused.err
    assert "Traceback" not in refused.err


def test_after_the_master_key_changed_everything_is_encrypted_under_the_new_one(
    equity: Equity, database: Database
) -> None:
    equity("partners", "add", "Acme Data").ok()
    made = equity("keys", "add", "Acme Data", "--json").ok().json
    lead, upload, event, request, reject = uuid4(), uuid4(), uuid4(), uuid4(), uuid4()
    data_key, wrapped = KEYRING.create_data_key(lead)
    phone = data_key.encrypt("phone", "+17275550142")
    with psycopg.connect(database.superuser_dsn) as connection:
        connection.execute(
            "insert into app.leads (id, observed, source, data_key) values (%s, '{}', 'test', %s)",
            (lead, wrapped),
        )
        connection.execute(
            "insert into app.upload_rejects (upload_id, row, reasons, row_encrypted) values (%s, 3, '{missing_zip}', %s)",
            (upload, encrypt_row(KEYRING, upload, 3, {"City": "Dunedin"})),
        )
        connection.execute(
            "insert into pipeline.pipeline_dlq (source, payload, consumer, event_id) "
            "values ('ingest.leads', %s, 'x.y', %s)",
            (KEYRING.encrypt("dead-letter", event.bytes, pack_message(b"k", [], b"{}")), event),
        )
        connection.execute(
            "insert into app.skip_trace_requests (id, provider, requested_at, outcome, records, lookups_encrypted, response_encrypted) "
            "values (%s, 'melissa', now(), 'answered', 1, %s, %s)",
            (
                request,
                KEYRING.encrypt(LOOKUPS_PURPOSE, request.bytes, b"who?"),
                KEYRING.encrypt(RESPONSE_PURPOSE, request.bytes, b"she"),
            ),
        )
        connection.execute(
            "with search as (insert into pipeline.saved_searches (name, criteria) values ('pinellas', '{\"query\": {}}') returning id), "
            "run as (insert into pipeline.pull_rounds (id, search_id, started_on) "
            "select gen_random_uuid(), id, current_date from search returning id) "
            "insert into pipeline.pull_rejects (id, round_id, reason, row_encrypted) select %s, id, 'no_address', %s from run",
            (reject, KEYRING.encrypt(PULL_REJECT, reject.bytes, b"odd")),
        )
    changed = {
        "ENCRYPTION_KEY": "8" * 64,
        "ENCRYPTION_KEY_ID": "k2",
        "ENCRYPTION_KEYS_RETIRED": f"k1:{SECRETS['ENCRYPTION_KEY']}",
    }
    kinds = "data_keys_of_leads partner_keys rejected_rows dead_letters lookups responses unreadable_pulled_records"
    counts = dict.fromkeys(kinds.split(), 1)
    without_the_old = equity("keys", "rewrap", **{**changed, "ENCRYPTION_KEYS_RETIRED": ""})
    assert without_the_old.code == 3
    assert "ENCRYPTION_KEYS_RETIRED" in without_the_old.err
    assert equity("keys", "rewrap", "--json", **changed).ok().json == counts
    assert equity("keys", "rewrap", "--json", **changed).ok().json == dict.fromkeys(counts, 0)

    new = Keyring.from_settings(Settings(encryption_key="8" * 64, encryption_key_id="k2"))
    with psycopg.connect(database.superuser_dsn) as connection:
        (rewrapped,) = connection.execute("select data_key from app.leads").fetchone() or ()
        (secret,) = connection.execute("select secret_encrypted from app.partner_keys").fetchone() or ()
        (row,) = connection.execute("select row_encrypted from app.upload_rejects").fetchone() or ()
        (payload,) = connection.execute("select payload from pipeline.pipeline_dlq").fetchone() or ()
        [asked] = connection.execute(
            "select lookups_encrypted, response_encrypted from app.skip_trace_requests"
        ).fetchall()
        (odd,) = connection.execute("select row_encrypted from pipeline.pull_rejects").fetchone() or ()
    assert new.unwrap_data_key(lead, rewrapped).decrypt("phone", phone) == "+17275550142"
    assert new.decrypt("partner-key", made["key_id"].encode(), secret).decode() == made["secret"]
    assert decrypt_row(new, upload, 3, row) == {"City": "Dunedin"}
    assert unpack_message(new.decrypt("dead-letter", event.bytes, payload)) == (b"k", [], b"{}")
    assert [
        new.decrypt(purpose, request.bytes, one)
        for purpose, one in zip((LOOKUPS_PURPOSE, RESPONSE_PURPOSE), asked, strict=True)
    ] == [
        b"who?",
        b"she",
    ]
    assert new.decrypt(PULL_REJECT, reject.bytes, odd) == b"odd"
