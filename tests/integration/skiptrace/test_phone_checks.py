"""Checks of verified phones against do-not-call lists and TCPA litigators, repeated before they are outdated."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from common.pii.keyring import Keyring
from support.installation import SECRETS
from support.providers import FakeProviders, Fault, first_calls, status

Running = Callable[..., AbstractAsyncContextManager[list[Any]]]
Home = dict[str, Any]
KEYS = Keyring({"k1": bytes.fromhex(SECRETS["ENCRYPTION_KEY"])}, "k1", bytes.fromhex(SECRETS["CONTACT_HASH_KEY"]))
CALLABLE = "app.lead_contacts where channel = 'phone' and verified and dnc is false and litigator is false"
VERIFIED = "app.leads where email_verified and phone_verified"
TWO_PHONES = {
    "phoneNumbers": [
        {"number": "7275550142", "type": "Land Line", "tested": True, "reachable": True},
        {"number": "7275550177", "type": "Mobile", "tested": True, "reachable": True},
    ],
    "emails": [{"email": "marjorie.holt@example.com", "tested": True}],
}


async def phones(funnel: Any) -> dict[str, tuple[Any, ...]]:
    rows = await funnel.db.fetch(
        "select value_hash, dnc, dnc_checked_at is not null, litigator, codes from app.lead_contacts where channel = 'phone'"
    )
    names = {KEYS.hash_contact(number): number for number in ("+17275550142", "+17275550177")}
    return {names[row["value_hash"]]: tuple(row)[1:] for row in rows}


async def reverify(service: Any) -> None:
    (work,) = [one.work for one in service.jobs._daily if one.name == "skiptrace.reverify"]
    await work()


async def age_checks(funnel: Any, days: int, *tables: str) -> None:
    """Make the checks and their calls *days* older, after all messages about leads are handled."""
    await funnel.until_quiet()
    ago = f"- interval '{days} days'"
    await funnel.db.execute(
        f"update app.lead_contacts set dnc_checked_at = dnc_checked_at {ago}, litigator_checked_at = litigator_checked_at {ago}"
    )
    await funnel.db.execute(f"update app.skip_trace_attempts set at = at {ago} where provider like 'batchdata%'")
    await funnel.db.execute(
        f"update app.skip_trace_requests set requested_at = requested_at {ago} where provider like 'batchdata%'"
    )


async def test_all_verified_phones_of_a_lead_are_checked_in_one_call_and_keep_their_codes(
    running: Running, funnel: Any, providers: FakeProviders, home: Home
) -> None:
    providers.people[home["property_address"]] = TWO_PHONES
    providers.check_fields = {"7275550142": {"dnc": True}, "7275550177": {"dnc": False}}
    async with running(
        "ingest", "skiptrace", **providers.settings(skiptrace_order="batchdata,batchdata_dnc,batchdata_tcpa")
    ):
        await funnel.send(home | {"phones": [], "emails": []})
        await funnel.until_count("app.lead_contacts where dnc_checked_at is not null", 2)
    assert await phones(funnel) == {
        "+17275550142": (True, True, False, ["landline", "reachable"]),
        "+17275550177": (False, True, False, ["mobile", "reachable"]),
    }
    assert [body["requests"] for body in providers.dnc.calls] == [["7275550142", "7275550177"]]
    chosen = await funnel.db.fetchval("select phone_hash from app.leads")
    assert chosen == KEYS.hash_contact("+17275550177"), "a callable phone comes before one on a list"


async def test_both_lists_are_asked_in_parallel_and_once_about_a_lead(
    running: Running, funnel: Any, providers: FakeProviders, many_homes: Callable[..., list[Home]]
) -> None:
    """Each call waits until the other has arrived."""
    arrived = {name: asyncio.Event() for name in ("dnc", "tcpa")}

    def wait_for_other(name: str, other: str) -> Fault:
        async def wait(_request: Any, _body: Any) -> None:
            arrived[name].set()
            await asyncio.wait_for(arrived[other].wait(), 10)

        return wait

    providers.dnc.fault, providers.tcpa.fault = wait_for_other("dnc", "tcpa"), wait_for_other("tcpa", "dnc")
    async with running("ingest", "skiptrace", **providers.settings()):
        await funnel.send(*many_homes(60))
        await funnel.until_count(CALLABLE, 60)
        await funnel.until(lambda: _count_verified(funnel), 60)
    assert set(providers.dnc.charged.values()) == set(providers.tcpa.charged.values()) == {1}
    assert await funnel.count("app.skip_trace_requests where outcome <> 'answered'") == 0


async def test_a_litigators_number_is_no_longer_a_phone_of_the_lead(
    running: Running, funnel: Any, providers: FakeProviders, home: Home
) -> None:
    providers.check_fields = {"7275550142": {"tcpa": True}}
    providers.people[home["property_address"]] = TWO_PHONES
    async with running("ingest", "skiptrace", **providers.settings()):
        await funnel.send(home)
        await funnel.until_count(CALLABLE, 1)
    assert {number: flags[2] for number, flags in (await phones(funnel)).items()} == {
        "+17275550142": True,
        "+17275550177": False,
    }
    assert await funnel.count("app.leads where not litigator and phone_verified") == 1


@pytest.mark.parametrize(
    "fields", [{"dnc": "false"}, {"dnc": None}, {"dnc": 0}, {"number": "8135550100"}, {"number": None}]
)
async def test_an_unreadable_flag_is_no_statement_and_is_not_requested_forever(
    running: Running, funnel: Any, providers: FakeProviders, home: Home, fields: dict[str, Any]
) -> None:
    providers.check_fields = {"7275550142": fields}
    async with running("ingest", "skiptrace", **providers.settings()) as services:
        await funnel.send(home)
        await funnel.until_count(VERIFIED, 1)
        await reverify(services[1])
    assert (await phones(funnel))["+17275550142"][:2] == (None, False)
    assert len(providers.dnc.calls) == 2  # SKIPTRACE_MAX_ATTEMPTS


@pytest.mark.parametrize("fault", [status(503), status(403), status(404), status(429, **{"Retry-After": "3600"})])
async def test_no_lead_waits_for_a_check_with_an_open_circuit_and_the_daily_job_repeats_it(
    running: Running, funnel: Any, providers: FakeProviders, many_homes: Callable[..., list[Home]], fault: Any
) -> None:
    providers.dnc.fault = fault
    settings = providers.settings(skiptrace_longest_backoff_seconds=2)
    async with running("ingest", "skiptrace", **settings) as services:
        await funnel.send(*many_homes(20))
        await funnel.until_count(VERIFIED, 20)
        await funnel.until(lambda: _count_verified(funnel), 20)
        assert await services[1].stuck_reasons() == []
        assert await funnel.count(CALLABLE) == 0
        providers.dnc.fault = None
        await funnel.db.execute("update pipeline.provider_states set failures = 0, backoff_until = null")
        await age_checks(funnel, 2)
        await reverify(services[1])
        assert await funnel.count(CALLABLE) == 20
    assert max(providers.dnc.charged.values()) == 1
    assert max(providers.tcpa.charged.values()) == 1
    assert await funnel.dead_letters() == 0
    assert await _count_verified(funnel) == 20, "a check that changes nothing emits no event"


async def test_a_lead_waits_for_a_check_during_a_backoff(
    running: Running, funnel: Any, providers: FakeProviders, home: Home
) -> None:
    providers.dnc.fault = first_calls(2, status(503))
    async with running("ingest", "skiptrace", **providers.settings()):
        await funnel.send(home)
        await funnel.until_count(CALLABLE, 1)


async def test_one_rejected_number_does_not_prevent_the_checks_of_others(
    running: Running, funnel: Any, providers: FakeProviders, many_homes: Callable[..., list[Home]]
) -> None:
    leads = many_homes(20)

    async def reject_one(_request: Any, body: dict[str, Any]) -> Any:
        refused = leads[7]["phones"][0] in body["requests"]
        return await status(400)(_request, body) if refused else None

    providers.dnc.fault = reject_one
    async with running("ingest", "skiptrace", **providers.settings()):
        await funnel.send(*leads)
        await funnel.until_count(VERIFIED, 20)
        await funnel.until_count(CALLABLE, 19)
        await funnel.until(lambda: _count_verified(funnel), 20)
    assert await funnel.dead_letters() == 0


async def test_outdated_checks_are_repeated_the_best_leads_first_and_nothing_else_is_requested(
    running: Running, funnel: Any, providers: FakeProviders, many_homes: Callable[..., list[Home]]
) -> None:
    async with running("ingest", "skiptrace", **providers.settings(skiptrace_recheck_per_day=2)) as services:
        await funnel.send(*many_homes(3))
        await funnel.until_count(CALLABLE, 3)
        await age_checks(funnel, 27)
        await reverify(services[1])
        assert len(providers.dnc.charged) == sum(providers.dnc.charged.values()) == 3, "27 days are not 28"
        await age_checks(funnel, 2)
        await funnel.db.execute(
            "update app.leads set consent = true, consented_at = now() where property_address like '102 %'"
        )
        providers.check_fields = {number: {"dnc": True} for number in providers.dnc.charged}
        await reverify(services[1])
    listed = await funnel.db.fetch(
        "select l.property_address from app.leads l join app.lead_contacts c on c.lead_id = l.id where c.dnc"
    )
    assert len(listed) == 2
    assert any(row["property_address"].startswith("102 ") for row in listed), "leads with consent to calls come first"
    assert sum(providers.melissa.charged.values()) == 3
    assert not providers.batchdata.calls


async def test_an_outdated_check_of_one_list_is_repeated_though_the_other_is_fresh(
    running: Running, funnel: Any, providers: FakeProviders, home: Home
) -> None:
    async with running("ingest", "skiptrace", **providers.settings()) as services:
        await funnel.send(home)
        await funnel.until_count(CALLABLE, 1)
        await funnel.until_quiet()
        await funnel.db.execute("update app.lead_contacts set dnc_checked_at = now() - interval '30 days'")
        await funnel.db.execute(
            "update app.skip_trace_attempts set at = at - interval '30 days' where provider like '%dnc'"
        )
        await funnel.db.execute(
            "update app.skip_trace_requests set requested_at = requested_at - interval '30 days' where provider like '%dnc'"
        )
        await reverify(services[1])
    assert (sum(providers.dnc.charged.values()), sum(providers.tcpa.charged.values())) == (2, 1)


@pytest.mark.parametrize("settings", [{"batchdata_token": None}, {"skiptrace_data_needs": "phone,email,mak"}])
async def test_without_a_check_provider_a_lead_is_still_count_verified(
    running: Running, funnel: Any, providers: FakeProviders, home: Home, settings: dict[str, Any]
) -> None:
    async with running("ingest", "skiptrace", **providers.settings(**settings)) as services:
        await funnel.send(home)
        await funnel.until_count(VERIFIED, 1)
        await reverify(services[1])
    assert (await phones(funnel))["+17275550142"][:3] == (None, False, None)
    assert not providers.dnc.calls


async def _count_verified(funnel: Any) -> int:
    return len(await funnel.events("lead_verified"))
