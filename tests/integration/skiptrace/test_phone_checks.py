"""Verified phones are checked against do-not-call lists and the list of those who sue, and again before that grows old."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from common.contacts import Keyring
from support.installation import SECRETS
from support.providers import Fault, Providers, status, times

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


async def grow_old(funnel: Any, days: int, *tables: str) -> None:
    """As if the checks, and the calls for them, were *days* older; whoever still hears of a lead would ask again."""
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
    running: Running, funnel: Any, world: Providers, home: Home
) -> None:
    world.people[home["property_address"]] = TWO_PHONES
    world.verdicts = {"7275550142": {"dnc": True}, "7275550177": {"dnc": False}}
    async with running(
        "ingest", "skiptrace", **world.settings(skiptrace_order="batchdata,batchdata_dnc,batchdata_tcpa")
    ):
        await funnel.send(home | {"phones": [], "emails": []})
        await funnel.until_count("app.lead_contacts where dnc_checked_at is not null", 2)
    assert await phones(funnel) == {
        "+17275550142": (True, True, False, ["landline", "reachable"]),
        "+17275550177": (False, True, False, ["mobile", "reachable"]),
    }
    assert [body["requests"] for body in world.dnc.calls] == [["7275550142", "7275550177"]]
    chosen = await funnel.db.fetchval("select phone_hash from app.leads")
    assert chosen == KEYS.hash_contact("+17275550177"), "one that may be called comes before one that may not"


async def test_both_lists_are_asked_at_once_and_each_once_about_a_lead(
    running: Running, funnel: Any, world: Providers, many_homes: Callable[..., list[Home]]
) -> None:
    """Each call waits for the other to come."""
    here = {name: asyncio.Event() for name in ("dnc", "tcpa")}

    def until_comes(name: str, other: str) -> Fault:
        async def wait(_request: Any, _body: Any) -> None:
            here[name].set()
            await asyncio.wait_for(here[other].wait(), 10)

        return wait

    world.dnc.fault, world.tcpa.fault = until_comes("dnc", "tcpa"), until_comes("tcpa", "dnc")
    async with running("ingest", "skiptrace", **world.settings()):
        await funnel.send(*many_homes(60))
        await funnel.until_count(CALLABLE, 60)
        await funnel.until(lambda: _verified(funnel), 60)
    assert set(world.dnc.asked.values()) == set(world.tcpa.asked.values()) == {1}
    assert await funnel.count("app.skip_trace_requests where outcome <> 'answered'") == 0


async def test_a_number_on_the_list_of_those_who_sue_is_no_phone_of_the_lead_any_more(
    running: Running, funnel: Any, world: Providers, home: Home
) -> None:
    world.verdicts = {"7275550142": {"tcpa": True}}
    world.people[home["property_address"]] = TWO_PHONES
    async with running("ingest", "skiptrace", **world.settings()):
        await funnel.send(home)
        await funnel.until_count(CALLABLE, 1)
    assert {number: said[2] for number, said in (await phones(funnel)).items()} == {
        "+17275550142": True,
        "+17275550177": False,
    }
    assert await funnel.count("app.leads where not litigator and phone_verified") == 1


@pytest.mark.parametrize(
    "verdict", [{"dnc": "false"}, {"dnc": None}, {"dnc": 0}, {"number": "8135550100"}, {"number": None}]
)
async def test_what_cannot_be_read_is_not_a_no_and_is_not_asked_for_ever(
    running: Running, funnel: Any, world: Providers, home: Home, verdict: dict[str, Any]
) -> None:
    world.verdicts = {"7275550142": verdict}
    async with running("ingest", "skiptrace", **world.settings()) as services:
        await funnel.send(home)
        await funnel.until_count(VERIFIED, 1)
        await reverify(services[1])
    assert (await phones(funnel))["+17275550142"][:2] == (None, False)
    assert len(world.dnc.calls) == 2  # SKIPTRACE_ASKS


@pytest.mark.parametrize("fault", [status(503), status(403), status(404), status(429, **{"Retry-After": "3600"})])
async def test_nobody_waits_for_a_check_whose_provider_is_down_and_the_daily_job_makes_up_for_it(
    running: Running, funnel: Any, world: Providers, many_homes: Callable[..., list[Home]], fault: Any
) -> None:
    world.dnc.fault = fault
    settings = world.settings(skiptrace_longest_pause_seconds=2)
    async with running("ingest", "skiptrace", **settings) as services:
        await funnel.send(*many_homes(20))
        await funnel.until_count(VERIFIED, 20)
        await funnel.until(lambda: _verified(funnel), 20)
        assert await services[1].problems() == []
        assert await funnel.count(CALLABLE) == 0
        world.dnc.fault = None
        await funnel.db.execute("update pipeline.provider_states set failures = 0, paused_until = null")
        await grow_old(funnel, 2)
        await reverify(services[1])
        assert await funnel.count(CALLABLE) == 20
    assert max(world.dnc.asked.values()) == 1
    assert max(world.tcpa.asked.values()) == 1
    assert await funnel.dead_letters() == 0
    assert await _verified(funnel) == 20, "a check that changes nothing is nobody's news"


async def test_a_pause_is_waited_for(running: Running, funnel: Any, world: Providers, home: Home) -> None:
    world.dnc.fault = times(2, status(503))
    async with running("ingest", "skiptrace", **world.settings()):
        await funnel.send(home)
        await funnel.until_count(CALLABLE, 1)


async def test_one_number_that_is_refused_does_not_keep_the_others_from_their_check(
    running: Running, funnel: Any, world: Providers, many_homes: Callable[..., list[Home]]
) -> None:
    leads = many_homes(20)

    async def picky(_request: Any, body: dict[str, Any]) -> Any:
        refused = leads[7]["phones"][0] in body["requests"]
        return await status(400)(_request, body) if refused else None

    world.dnc.fault = picky
    async with running("ingest", "skiptrace", **world.settings()):
        await funnel.send(*leads)
        await funnel.until_count(VERIFIED, 20)
        await funnel.until_count(CALLABLE, 19)
        await funnel.until(lambda: _verified(funnel), 20)
    assert await funnel.dead_letters() == 0


async def test_stale_checks_are_made_again_the_best_first_and_nothing_else_is_asked(
    running: Running, funnel: Any, world: Providers, many_homes: Callable[..., list[Home]]
) -> None:
    async with running("ingest", "skiptrace", **world.settings(skiptrace_recheck_per_day=2)) as services:
        await funnel.send(*many_homes(3))
        await funnel.until_count(CALLABLE, 3)
        await grow_old(funnel, 27)
        await reverify(services[1])
        assert len(world.dnc.asked) == sum(world.dnc.asked.values()) == 3, "27 days are not 28"
        await grow_old(funnel, 2)
        await funnel.db.execute(
            "update app.leads set consent = true, consented_at = now() where property_address like '102 %'"
        )
        world.verdicts = {number: {"dnc": True} for number in world.dnc.asked}
        await reverify(services[1])
    listed = await funnel.db.fetch(
        "select l.property_address from app.leads l join app.lead_contacts c on c.lead_id = l.id where c.dnc"
    )
    assert len(listed) == 2
    assert any(row["property_address"].startswith("102 ") for row in listed), "who consented to calls comes first"
    assert sum(world.melissa.asked.values()) == 3
    assert not world.batchdata.calls


async def test_a_stale_check_by_one_list_is_made_again_though_the_other_is_fresh(
    running: Running, funnel: Any, world: Providers, home: Home
) -> None:
    async with running("ingest", "skiptrace", **world.settings()) as services:
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
    assert (sum(world.dnc.asked.values()), sum(world.tcpa.asked.values())) == (2, 1)


@pytest.mark.parametrize("settings", [{"batchdata_token": None}, {"skiptrace_wants": "phone,email,mak"}])
async def test_with_nobody_to_ask_a_lead_is_verified_all_the_same(
    running: Running, funnel: Any, world: Providers, home: Home, settings: dict[str, Any]
) -> None:
    async with running("ingest", "skiptrace", **world.settings(**settings)) as services:
        await funnel.send(home)
        await funnel.until_count(VERIFIED, 1)
        await reverify(services[1])
    assert (await phones(funnel))["+17275550142"][:3] == (None, False, None)
    assert not world.dnc.calls


async def _verified(funnel: Any) -> int:
    return len(await funnel.events("lead_verified"))
