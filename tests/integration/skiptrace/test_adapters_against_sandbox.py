"""The adapters against the sandbox, which was built from the vendors' documentation and shares no code with them."""

from dataclasses import replace
from decimal import Decimal
from uuid import UUID

import pytest

from common.ids import LeadId
from common.vendors.http_client import VendorHttpClient
from sandbox.app import Sandbox
from skiptrace.rules.lead import DataNeed, LeadPerson, LookupRequest
from skiptrace.trace.provider import MAX_PHONES_PER_LEAD, Provider, read_response
from skiptrace.vendors.batchdata import BatchDataAdapter
from skiptrace.vendors.batchdata_phones import BatchDataPhonesAdapter
from skiptrace.vendors.melissa import MelissaAdapter
from support.vendors import SETTINGS

LOOKUPS = [
    LookupRequest(
        LeadId(UUID(int=number)),
        LeadPerson("Marjorie", "Holt", None, f"{number} Palmetto Ave", None, "Dunedin", "FL", "34698", None, None),
        f"+1727555{number:04d}",
        f"owner{number}@example.com",
    )
    for number in range(1, 101)
]


def adapters_at(url: str) -> dict[str, Provider]:
    token = SETTINGS.sandbox_batchdata_token.get_secret_value()
    licence = SETTINGS.sandbox_melissa_license.get_secret_value()
    return {
        "melissa": MelissaAdapter(f"{url}/melissa", licence, "Check,Verify", Decimal(3), 200, 100),
        "v1": BatchDataAdapter(f"{url}/batchdata", token, "v1", Decimal(10), 3_000, 100),
        "v3": BatchDataAdapter(f"{url}/batchdata", token, "v3", Decimal(10), 3_000, 100),
    }


@pytest.mark.parametrize("check", ["dnc", "tcpa"])
async def test_a_full_phone_check_is_read(sandbox: Sandbox, check: str) -> None:
    token = SETTINGS.sandbox_batchdata_token.get_secret_value()
    provider = BatchDataPhonesAdapter(f"{sandbox.url}/batchdata", token, DataNeed(check), Decimal(1), 3_000)
    asked = [
        replace(lookup, phones=tuple(f"+1727555{4 * number + more:04d}" for more in range(MAX_PHONES_PER_LEAD)))
        for number, lookup in enumerate(LOOKUPS[: provider.max_records])
    ]
    client = VendorHttpClient(5)
    await client.start()
    try:
        response = await client.send_request(provider.build_request(asked))
    finally:
        await client.stop()
    results = read_response(provider, asked, response)
    codes = [found.codes for result in results for found in result.contacts]
    assert len(codes) == sandbox.state.statistics.summarize_charges("batchdata")["operations"][f"phone_{check}"] == 100
    assert set(codes) == {(check,), (f"not_{check}",)}
    assert provider.calculate_cents(results) == 100


@pytest.mark.parametrize("name", ["melissa", "v1", "v3"])
async def test_a_full_request_is_read(sandbox: Sandbox, name: str) -> None:
    provider = adapters_at(sandbox.url)[name]
    client = VendorHttpClient(5)
    await client.start()
    try:
        response = await client.send_request(provider.build_request(LOOKUPS))
    finally:
        await client.stop()
    results = read_response(provider, LOOKUPS, response)
    assert [result.lead_id for result in results] == [lookup.lead_id for lookup in LOOKUPS]
    assert sum(result.matched for result in results) >= 50
    assert sum(bool(result.contacts) for result in results) >= 50
    assert any("PS01" in found.codes or "reachable" in found.codes for f in results for found in f.contacts)
    if name == "melissa":
        assert sum(result.mak is not None for result in results) >= 50
