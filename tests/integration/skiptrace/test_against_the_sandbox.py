"""The adapters talk to the sandbox, which was built against the vendors' documents without knowing of them."""

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

import pytest

from sandbox.app import Sandbox, build
from skiptrace.lead import Person, Question, Want
from skiptrace.provider import MOST_PHONES, Provider, check_status
from skiptrace.sending import Sender
from skiptrace.vendors.batchdata import BatchData
from skiptrace.vendors.batchdata_phones import BatchDataPhones
from skiptrace.vendors.melissa import Melissa
from support.vendors import SETTINGS

QUESTIONS = [
    Question(
        UUID(int=number),
        Person("Marjorie", "Holt", None, f"{number} Palmetto Ave", None, "Dunedin", "FL", "34698", None, None),
        f"+1727555{number:04d}",
        f"owner{number}@example.com",
    )
    for number in range(1, 101)
]


@pytest.fixture
async def stand_in() -> AsyncIterator[Sandbox]:
    found = build(SETTINGS)
    await found.start()
    yield found
    await found.stop()


def providers(url: str) -> dict[str, Provider]:
    token = SETTINGS.sandbox_batchdata_token.get_secret_value()
    licence = SETTINGS.sandbox_melissa_license.get_secret_value()
    return {
        "melissa": Melissa(f"{url}/melissa", licence, "Check,Verify", Decimal(3), 200, 100),
        "v1": BatchData(f"{url}/batchdata", token, "v1", Decimal(10), 3_000, 100),
        "v3": BatchData(f"{url}/batchdata", token, "v3", Decimal(10), 3_000, 100),
    }


@pytest.mark.parametrize("check", ["dnc", "tcpa"])
async def test_a_full_check_is_understood(stand_in: Sandbox, check: str) -> None:
    token = SETTINGS.sandbox_batchdata_token.get_secret_value()
    provider = BatchDataPhones(f"{stand_in.url}/batchdata", token, Want(check), Decimal(1), 3_000)
    asked = [
        replace(question, phones=tuple(f"+1727555{4 * number + more:04d}" for more in range(MOST_PHONES)))
        for number, question in enumerate(QUESTIONS[: provider.max_records])
    ]
    sender = Sender(5)
    await sender.start()
    try:
        reply = await sender.send(provider.request(asked))
    finally:
        await sender.stop()
    check_status(reply)
    findings = provider.read(asked, reply)
    codes = [found.codes for finding in findings for found in finding.contacts]
    assert len(codes) == stand_in.state.statistics.summarize_charges("batchdata")["operations"][f"phone_{check}"] == 100
    assert set(codes) == {(check,), (f"not_{check}",)}
    assert provider.cost_cents(findings) == 100


@pytest.mark.parametrize("name", ["melissa", "v1", "v3"])
async def test_a_full_batch_is_understood(stand_in: Sandbox, name: str) -> None:
    provider = providers(stand_in.url)[name]
    sender = Sender(5)
    await sender.start()
    try:
        reply = await sender.send(provider.request(QUESTIONS))
    finally:
        await sender.stop()
    check_status(reply)
    findings = provider.read(QUESTIONS, reply)
    assert [finding.lead_id for finding in findings] == [question.lead_id for question in QUESTIONS]
    assert sum(finding.matched for finding in findings) >= 50
    assert sum(bool(finding.contacts) for finding in findings) >= 50
    assert any("PS01" in found.codes or "reachable" in found.codes for f in findings for found in f.contacts)
    if name == "melissa":
        assert sum(finding.mak is not None for finding in findings) >= 50
