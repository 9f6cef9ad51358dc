"""`equity replies subscribe`: Instantly delivers to the gateway, with a secret that the gateway accepts."""

import json

import pytest

from cli.shell.errors import CommandRefusedError, UnreachableError, UsageError
from common.vendors.instantly import INSTANTLY_PAGE_SIZE, WEBHOOK_SECRET_HEADER
from replies.subscribing import subscribe_gateway
from sandbox.app import Sandbox
from support.commandline import Equity

SECRETS = "s" * 64
HOOK = "http://127.0.0.1:8080/v1/webhooks/instantly"


@pytest.fixture(autouse=True)
def settings(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "INSTANTLY_BASE_URL": f"{sandbox.url}/instantly",
        "INSTANTLY_API_KEY": "sandbox-instantly-key",
        "INSTANTLY_WEBHOOK_SECRETS": f"{SECRETS}, old",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("gateway", ["http://127.0.0.1:8080", "http://127.0.0.1:8080/", HOOK])
async def test_the_gateway_is_subscribed_once_to_all_events(sandbox: Sandbox, gateway: str) -> None:
    assert await subscribe_gateway(gateway)
    assert not await subscribe_gateway(gateway)
    [subscription] = sandbox.state.instantly.workspace.webhooks.values()
    assert (subscription["target_hook_url"], subscription["event_type"]) == (HOOK, "all_events")
    assert subscription["headers"] == {WEBHOOK_SECRET_HEADER: SECRETS}


async def test_a_subscription_behind_a_page_of_others_is_found(sandbox: Sandbox) -> None:
    await subscribe_gateway("http://127.0.0.1:1")
    workspace = sandbox.state.instantly.workspace
    [other] = workspace.webhooks.values()
    ids = [workspace.create_id() for _ in range(INSTANTLY_PAGE_SIZE)]
    workspace.webhooks.update({new: other | {"id": new} for new in ids})
    assert await subscribe_gateway(HOOK)
    assert not await subscribe_gateway(HOOK)


async def test_a_former_secret_is_kept_while_the_gateway_accepts_it(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    await subscribe_gateway(HOOK)
    monkeypatch.setenv("INSTANTLY_WEBHOOK_SECRETS", f"new,{SECRETS}")
    assert not await subscribe_gateway(HOOK)
    monkeypatch.setenv("INSTANTLY_WEBHOOK_SECRETS", "new")
    with pytest.raises(CommandRefusedError, match="another secret"):
        await subscribe_gateway(HOOK)
    assert len(sandbox.state.instantly.workspace.webhooks) == 1


async def test_a_disabled_subscription_is_resumed_if_its_secret_is_known(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    await subscribe_gateway(HOOK)
    [subscription] = sandbox.state.instantly.workspace.webhooks.values()
    subscription["status"] = -1
    monkeypatch.setenv("INSTANTLY_WEBHOOK_SECRETS", "new")
    with pytest.raises(CommandRefusedError, match="another secret"):
        await subscribe_gateway(HOOK)
    assert subscription["status"] == -1
    monkeypatch.setenv("INSTANTLY_WEBHOOK_SECRETS", SECRETS)
    assert not await subscribe_gateway(HOOK)
    assert subscription["status"] == 1


@pytest.mark.parametrize(
    ("setting", "value", "error"),
    [
        ("INSTANTLY_WEBHOOK_SECRETS", "", UsageError),
        ("INSTANTLY_API_KEY", "wrong", CommandRefusedError),
        ("INSTANTLY_BASE_URL", "http://127.0.0.1:1", UnreachableError),
        ("INSTANTLY_BASE_URL", "https://api.instantly.ai", UsageError),
    ],
)
async def test_what_is_wrong_is_said_and_nothing_is_subscribed(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, setting: str, value: str, error: type[Exception]
) -> None:
    monkeypatch.setenv(setting, value)
    with pytest.raises(error):
        await subscribe_gateway(HOOK)
    assert not sandbox.state.instantly.workspace.webhooks


async def test_the_command_says_whether_the_subscription_is_new(sandbox: Sandbox) -> None:
    environment = {
        "INSTANTLY_BASE_URL": f"{sandbox.url}/instantly",
        "INSTANTLY_API_KEY": "sandbox-instantly-key",
        "INSTANTLY_WEBHOOK_SECRETS": SECRETS,
    }
    equity = Equity(environment)
    assert (await equity.soon("replies", "subscribe", "http://127.0.0.1:8080", "--json")).ok().json == {"is_new": True}
    again = (await equity.soon("replies", "subscribe", "http://127.0.0.1:8080")).ok()
    assert "subscribed before" in again.out + again.err
    assert SECRETS not in json.dumps([again.out, again.err])
