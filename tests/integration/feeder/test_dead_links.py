"""Dead links: at a real vendor no lead is fed or added while a link in the emails is dead (ADR 27).

The real vendor is a local server under a public name: the tests' resolver resolves every name to loopback.
"""

import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from feeder.campaign_sync import link_check
from feeder.campaign_sync.link_check import DeadLinksError, LinkCheck, Network
from feeder.campaign_sync.template_variables import EmailLinks
from feeder.settings import FeederSettings
from support.certificates import create_tls_contexts
from support.databases import Database
from support.feeding import Feeder, FeedFixture, make_feeder_settings
from support.instantly import FakeWorkspace

FORM_HOST = "forms.equity-connect.com"


class LoopbackResolver(AbstractResolver):
    """Resolver that resolves every name to this machine."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        result = ResolveResult(hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0)
        return [result]

    async def close(self) -> None:
        pass


@dataclass
class FormPage:
    """Page behind the links, with its statuses or redirects by path."""

    network: Network
    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"https://{FORM_HOST}:{self.port}/consent"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        status = self.answers.get(request.path, 200)
        if isinstance(status, str):
            return web.Response(status=302, headers={"Location": status})
        return web.Response(status=status)


@pytest.fixture
async def form(tmp_path: Path) -> AsyncIterator[FormPage]:
    server_tls, tls = create_tls_contexts(tmp_path, FORM_HOST)
    form = FormPage(Network(LoopbackResolver, lambda address: address == "127.0.0.1", tls))
    app = web.Application()
    app.router.add_get("/{path:.*}", form.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server_tls)
    await site.start()
    form.port = runner.addresses[0][1]
    yield form
    await runner.cleanup()


def real_vendor_settings(database: Database, workspace: FakeWorkspace, **more: Any) -> FeederSettings:
    """Return the settings of a feeder whose Instantly has the address of a real vendor."""
    port = urlsplit(workspace.url).port
    return make_feeder_settings(database, workspace, instantly_base_url=f"http://api.vendor.com:{port}", **more)


async def test_with_the_default_links_no_lead_is_added_and_no_slot_is_used(
    database: Database, workspace: FakeWorkspace, feed_data: FeedFixture, form: FormPage
) -> None:
    broker = await feed_data.add_broker(limit=2)
    await feed_data.add_leads(broker, 2)
    async with Feeder(real_vendor_settings(database, workspace), feed_data.clock, form.network) as feeder:
        with pytest.raises(DeadLinksError, match="not https"):
            await feeder.run_jobs("feed")
        await feeder.run_jobs("reconcile")
    assert await feed_data.count_slots(broker) == {}
    assert not workspace.members
    assert await feed_data.select_column("select count(*) from app.leads where campaign_status = 'queued'") == [2]


async def test_slots_taken_before_the_links_died_wait_and_are_added_when_they_answer_again(
    database: Database,
    workspace: FakeWorkspace,
    feed_data: FeedFixture,
    form: FormPage,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(link_check, "GOOD_RESULT_SECONDS", 0)
    monkeypatch.setattr(link_check, "BAD_RESULT_SECONDS", 0)
    broker = await feed_data.add_broker(limit=1)
    await feed_data.add_leads(broker, 1)
    async with Feeder(
        real_vendor_settings(database, workspace, consent_form_url=form.url), feed_data.clock, form.network
    ) as feeder:
        await feeder.run_jobs("feed")
        form.answers["/consent/opt-out"] = 404
        await feeder.run_jobs("reconcile")
        assert not workspace.members
        assert await feed_data.count_slots(broker) == {"reserved": 1}
        form.answers.clear()
        await feeder.run_jobs("reconcile")
    assert len(workspace.members) == 1
    assert await feed_data.count_slots(broker) == {"added": 1}


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        ({}, None),
        ({"/consent": 422}, None),
        ({"/consent": "/form", "/form": 200}, None),
        ({"/consent": 404}, "the consent link answers with status 404"),
        ({"/consent": 401}, "status 401"),
        ({"/consent": 503}, "status 503"),
        ({"/consent/opt-out": 410}, "the opt_out link answers with status 410"),
        ({"/consent": "/consent"}, "redirects more than 5 times"),
        ({"/consent": "http://forms.equity-connect.com/"}, "not https"),
        ({"/consent": "https://10.0.0.1/"}, "private address"),
        ({"/consent": "https://localhost/"}, "not public"),
    ],
)
async def test_the_links_are_followed_to_their_end(
    form: FormPage, answers: dict[str, Any], problem: str | None
) -> None:
    form.answers = answers
    found = await find_problem(form, form.url)
    assert (found is None) if problem is None else problem in (found or "")


async def test_a_public_name_on_a_private_address_is_refused_without_a_call(form: FormPage) -> None:
    form.network = Network(LoopbackResolver, tls=form.network.tls)
    assert "private address" in (await find_problem(form, form.url) or "")
    assert form.asked == []


async def test_an_untrusted_certificate_and_a_closed_port_are_no_answer(form: FormPage) -> None:
    trusted, form.network = form.network, Network(LoopbackResolver, form.network.is_public)
    assert "ClientConnectorCertificateError" in (await find_problem(form, form.url) or "")
    form.network = trusted
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert "does not answer" in (await find_problem(form, f"https://{FORM_HOST}:{taken.getsockname()[1]}/") or "")


async def test_a_result_stays_valid_for_some_time(form: FormPage) -> None:
    check = build_link_check(form, form.url)
    assert await check.find_problem() is None
    form.answers = {"/consent": 404}
    assert await check.find_problem() is None
    assert len(form.asked) == 2


async def find_problem(form: FormPage, url: str) -> str | None:
    return await build_link_check(form, url).find_problem()


def build_link_check(form: FormPage, url: str) -> LinkCheck:
    settings = FeederSettings(instantly_base_url="https://api.instantly.ai")
    return LinkCheck(settings, EmailLinks(url, f"{url.rstrip('/')}/opt-out", b"s"), form.network)
