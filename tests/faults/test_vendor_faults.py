"""Every fault of the vendors (docs/vendors/) and of the sandbox, on running verification: outcomes and cost are as expected."""

from dataclasses import dataclass
from typing import Any

import pytest

from support.installation import Installation, Spawned
from support.verification import SkipTraceScenario, VerificationPipeline, home, providers_at, url_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

VARIANTS = {
    "melissa": {"SKIPTRACE_ORDER": "melissa"},
    "batchdata v1": {"SKIPTRACE_ORDER": "batchdata"},
    "batchdata v3": {"SKIPTRACE_ORDER": "batchdata", "BATCHDATA_VERSION": "v3"},
}
"""One provider alone, with `pay_again`: so every lead has the same outcome as without the fault."""
ROLES = {
    "melissa": {"reachable": 24, "deceased": 2, "unknown": 2},
    "batchdata v1": {"reachable": 24, "deceased": 2, "litigator": 2, "unknown": 2},
    "batchdata v3": {"reachable": 24, "deceased": 2, "litigator": 2, "unknown": 2},
}
WITHOUT_EFFECT: list[tuple[str, dict[str, Any]]] = [
    ("reset", {}), ("timeout", {"seconds": 0.2}), ("server_error", {"status": 503}), ("server_error", {"status": 502}),
    ("rate_limited", {}), ("rate_limited", {"retry_after": 1}), ("unauthorized", {}), ("html", {}),
]  # fmt: skip
AFTER_EFFECT: list[tuple[str, dict[str, Any]]] = [
    ("slow", {"seconds": 0.3}), ("lost_answer", {"seconds": 0.2}), ("lost_answer", {"seconds": 4}),
    ("error_after_effect", {"status": 502}), ("empty", {}), ("broken_json", {}), ("wrong_types", {}), ("duplicates", {}),
]  # fmt: skip
OWN_FAULTS = {"melissa": ["invalid_key", "product_disabled", "out_of_credits"], "batchdata": ["no_balance"]}
SAME_IN_V3 = {"reset", "timeout", "server_error", "rate_limited", "slow", "error_after_effect"}
"""Faults below the shape of a response are only tested on v1."""


def cases() -> list[Any]:
    """Return each fault on each variant, ordered by variant."""
    return [
        pytest.param(variant, kind, options, id=" ".join([variant, kind, *(f"{k}={v}" for k, v in options.items())]))
        for variant in VARIANTS
        for kind, options in [*WITHOUT_EFFECT, *((own, {}) for own in OWN_FAULTS[variant.split()[0]]), *AFTER_EFFECT]
        if variant != "batchdata v3" or kind not in SAME_IN_V3
    ]


@dataclass
class RunningVariant:
    """Ingest, recorder and skiptrace in one process, with one of VARIANTS."""

    shared_installation: Installation
    sandbox: Spawned
    now: str = ""
    running: Spawned | None = None

    async def start_variant(self, variant: str, **more: str) -> Spawned:
        if self.running is None or self.now != variant:
            if self.running:
                assert self.running.stop() == 0
            settings = providers_at(url_of(self.sandbox), SKIPTRACE_UNKNOWN="pay_again", **VARIANTS[variant], **more)
            self.now, self.running = (
                variant,
                await self.shared_installation.spawn("ingest", "recorder", "skiptrace", **settings),
            )
        return self.running


@pytest.fixture(scope="module")
def running_variant(shared_installation: Installation, sandbox: Spawned) -> RunningVariant:
    return RunningVariant(shared_installation, sandbox)


def count_charged_without_faults(pipeline: VerificationPipeline, vendor: str) -> int:
    """Return the records that are charged without faults: each at Melissa, matches at BatchData."""
    return sum(1 for role, _ in pipeline.households.values() if vendor == "melissa" or role != "unknown")


@pytest.mark.parametrize(("variant", "kind", "options"), cases())
async def test_leads_have_the_same_outcome_and_the_extra_cost_is_at_most_the_unknown_records(
    pipeline: VerificationPipeline,
    running_variant: RunningVariant,
    scenario: SkipTraceScenario,
    variant: str,
    kind: str,
    options: dict[str, Any],
) -> None:
    await running_variant.start_variant(variant)
    vendor = variant.split(maxsplit=1)[0]
    await pipeline.vendors.add_fault(vendor, kind, times=2, **options)
    await pipeline.vendors.add_fault(vendor, kind, rate=0.5, after=4, times=2, **options)
    await pipeline.send(scenario.pick_households(**ROLES[variant]))
    await pipeline.wait_for_expected_outcomes()
    needed, paid, unknown = (
        count_charged_without_faults(pipeline, vendor),
        await pipeline.count_charged(vendor),
        await pipeline.count_unknown(vendor),
    )
    if kind in dict(AFTER_EFFECT):
        assert needed <= paid <= needed + unknown
        assert (unknown == 0) is (kind in {"slow", "duplicates"})
    else:
        assert paid == needed


UNUSUAL: dict[str, dict[str, Any]] = {
    "a company": {"owner_first_name": None, "owner_last_name": None, "company_name": 'Holt & Söhne "Trust" LLC'},
    "a post office box for mail": {"mailing_address": "PO Box 4711"},
    "no name": {"owner_first_name": None, "owner_last_name": None},
    "a long name": {"owner_first_name": "M" * 200, "owner_last_name": "H" * 200},
    "all scripts": {"owner_first_name": "Zoë 李 \u202e", "owner_last_name": "Ångström-Ó’Ñ🏠"},
    "a unit in the street": {"property_address": "900 Palmetto Ave Apt 12B"},
    "a unit twice": {"property_address": "901 Palmetto Ave Unit 7", "property_unit": "Unit 7"},
    "no contacts": {"phones": [], "emails": []},
    "invalid contacts": {
        "phones": ["call me", "000", "+44 20 7946 0000"],
        "emails": ["none@none.com", "@", "a b@c"],
    },
    "code for a name": {"owner_last_name": "'); drop table app.leads; --", "owner_first_name": "{{7*7}}<script>"},
}


@pytest.mark.parametrize("variant", list(reversed(VARIANTS)))
async def test_unusual_leads_are_verified_like_others_and_cause_no_errors(
    pipeline: VerificationPipeline, running_variant: RunningVariant, variant: str
) -> None:
    await running_variant.start_variant(variant)
    zips = iter(range(33_000 + 100 * list(VARIANTS).index(variant), 34_000))
    records = [home(5, property_zip=f"{next(zips)}") | unusual for unusual in UNUSUAL.values()]
    no_properties = [home(6, property_address="PO Box 4711"), home(7, property_zip=None)]
    await pipeline.send_records([*records, *no_properties])
    ended = """
        select count(*) = $1 from (
          select e.lead_id
          from app.pipeline_events e
          join app.leads l on l.id = e.lead_id
          where e.event_type in ('lead_verified', 'lead_unverifiable') and l.property_zip = any ($2)
          group by e.lead_id
          having count(*) = 1
        ) once"""
    await pipeline.until(ended, len(records), [record["property_zip"] for record in records], seconds=20)
    assert sorted(reason for reason, _ in await pipeline.dead_letters()) == ["missing_zip", "po_box"], (
        "ingest rejects both"
    )
    assert await pipeline.count("app.skip_trace_requests where outcome <> 'answered'") == 0
