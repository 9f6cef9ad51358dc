"""Brokers, territories, partners and keys, made and looked after by the command line."""

from pathlib import Path

import psycopg
import pytest

from common.contacts import Keyring
from common.settings import Settings
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
        assert "Dana Ruiz" in rival.err
    assert len(equity("brokers", "show", "Dana Ruiz", "--json").ok().json["territories"]) == 3
    equity("brokers", "territory", "remove", "Dana Ruiz", "FL", "--county", "PINELLAS").ok()
    equity("brokers", "territory", "add", "Lee Ash", "FL", "--county", "Pinellas County").ok()


def test_the_same_territory_twice_says_so(equity: Equity) -> None:
    equity("brokers", "add", "Dana Ruiz").ok()
    equity("brokers", "territory", "add", "Dana Ruiz", "FL").ok()
    again = equity("brokers", "territory", "add", "Dana Ruiz", "FL")
    assert again.code == 3
    assert "Traceback" not in again.err


@pytest.mark.parametrize(
    "area", [["Florida"], ["FL", "--zip", "3370"], ["FL", "--zip", "33701", "--county", "Pinellas"]]
)
def test_what_is_no_place_is_a_usage_error(equity: Equity, area: list[str]) -> None:
    equity("brokers", "add", "Dana Ruiz").ok()
    assert equity("brokers", "territory", "add", "Dana Ruiz", *area).code == 2


def test_a_key_is_sealed_and_its_secret_shown_once(equity: Equity, database: Database) -> None:
    equity("partners", "add", "Acme Data").ok()
    made = equity("keys", "add", "acme data", "--json").ok().json
    assert made["scheme"] == "v2"
    assert made["key_id"].startswith("acme-data-")
    assert len(made["secret"]) == 64
    with psycopg.connect(database.superuser_dsn) as connection:
        (sealed,) = connection.execute("select secret_sealed from app.partner_keys").fetchone() or ()
    assert KEYRING.unseal("partner-key", made["key_id"].encode(), sealed).decode() == made["secret"]
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
    assert equity("partners", "add", "Other", "--broker", "Nobody").code == 2


def test_without_the_master_key_no_key_is_made(equity: Equity) -> None:
    equity("partners", "add", "Acme Data").ok()
    refused = equity("keys", "add", "Acme Data", ENCRYPTION_KEY="not-hex")
    assert refused.code == 2
    assert "ENCRYPTION_KEY" in refused.err
    assert "not-hex" not in refused.err
    assert "Traceback" not in refused.err
