"""Every fault of the vendors' contracts (§12) and of the sandbox, on verification as it runs: ends known, bounds held."""

from dataclasses import dataclass
from typing import Any

import pytest

from support.installation import Installation, Spawned
from support.verification import Casting, Line, home, providers_at, url_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

WAYS = {
    "melissa": {"SKIPTRACE_ORDER": "melissa"},
    "batchdata v1": {"SKIPTRACE_ORDER": "batchdata"},
    "batchdata v3": {"SKIPTRACE_ORDER": "batchdata", "BATCHDATA_VERSION": "v3"},
}
"""One provider alone, which is paid again for what may be lost: so every lead ends as without the fault."""
ROLES = {
    "melissa": {"good": 24, "dead": 2, "nobody": 2},
    "batchdata v1": {"good": 24, "dead": 2, "suing": 2, "nobody": 2},
    "batchdata v3": {"good": 24, "dead": 2, "suing": 2, "nobody": 2},
}
WITHOUT_EFFECT: list[tuple[str, dict[str, Any]]] = [
    ("reset", {}), ("timeout", {"seconds": 0.2}), ("server_error", {"status": 503}), ("server_error", {"status": 502}),
    ("rate_limited", {}), ("rate_limited", {"retry_after": 1}), ("unauthorized", {}), ("html", {}),
]  # fmt: skip
AFTER_EFFECT: list[tuple[str, dict[str, Any]]] = [
    ("slow", {"seconds": 0.3}), ("lost_answer", {"seconds": 0.2}), ("lost_answer", {"seconds": 4}),
    ("error_after_effect", {"status": 502}), ("empty", {}), ("broken_json", {}), ("wrong_types", {}), ("duplicates", {}),
]  # fmt: skip
OWN = {"melissa": ["invalid_key", "product_disabled", "out_of_credits"], "batchdata": ["no_balance"]}
SAME_IN_V3 = {"reset", "timeout", "server_error", "rate_limited", "slow", "error_after_effect"}
"""What happens below the shape of an answer is tried on v1."""


def cases() -> list[Any]:
    """Each fault on each way, way by way."""
    return [
        pytest.param(way, kind, options, id=" ".join([way, kind, *(f"{k}={v}" for k, v in options.items())]))
        for way in WAYS
        for kind, options in [*WITHOUT_EFFECT, *((own, {}) for own in OWN[way.split()[0]]), *AFTER_EFFECT]
        if way != "batchdata v3" or kind not in SAME_IN_V3
    ]


@dataclass
class Ways:
    """Ingest, recorder and skiptrace in one process, which asks as WAYS says."""

    place: Installation
    sandbox: Spawned
    now: str = ""
    running: Spawned | None = None

    async def go(self, way: str, **more: str) -> Spawned:
        if self.running is None or self.now != way:
            if self.running:
                assert self.running.stop() == 0
            settings = providers_at(url_of(self.sandbox), SKIPTRACE_UNKNOWN="pay_again", **WAYS[way], **more)
            self.now, self.running = way, await self.place.spawn("ingest", "recorder", "skiptrace", **settings)
        return self.running


@pytest.fixture(scope="module")
def ways(place: Installation, sandbox: Spawned) -> Ways:
    return Ways(place, sandbox)


def matched(line: Line, vendor: str) -> int:
    """Records to pay for where nothing goes wrong: each at Melissa, matches at BatchData."""
    return sum(1 for role, _ in line.cast.values() if vendor == "melissa" or role != "nobody")


@pytest.mark.parametrize(("way", "kind", "options"), cases())
async def test_leads_end_as_without_the_fault_and_it_costs_no_more_than_is_called_unknown(
    line: Line, ways: Ways, casting: Casting, way: str, kind: str, options: dict[str, Any]
) -> None:
    await ways.go(way)
    vendor = way.split(maxsplit=1)[0]
    await line.vendors.add_fault(vendor, kind, times=2, **options)
    await line.vendors.add_fault(vendor, kind, rate=0.5, after=4, times=2, **options)
    await line.send(casting.cast(**ROLES[way]))
    await line.all_end_well()
    needed, paid, unknown = matched(line, vendor), await line.paid(vendor), await line.unknown(vendor)
    if kind in dict(AFTER_EFFECT):
        assert needed <= paid <= needed + unknown
        assert (unknown == 0) is (kind in {"slow", "duplicates"})
    else:
        assert paid == needed


STRANGE: dict[str, dict[str, Any]] = {
    "a company": {"owner_first_name": None, "owner_last_name": None, "company_name": 'Holt & Söhne "Trust" LLC'},
    "a post office box for mail": {"mailing_address": "PO Box 4711"},
    "nobody by name": {"owner_first_name": None, "owner_last_name": None},
    "a long name": {"owner_first_name": "M" * 200, "owner_last_name": "H" * 200},
    "all scripts": {"owner_first_name": "Zoë 李 \u202e", "owner_last_name": "Ångström-Ó’Ñ🏠"},
    "a unit in the street": {"property_address": "900 Palmetto Ave Apt 12B"},
    "a unit twice": {"property_address": "901 Palmetto Ave Unit 7", "property_unit": "Unit 7"},
    "no contacts": {"phones": [], "emails": []},
    "contacts that are none": {
        "phones": ["call me", "000", "+44 20 7946 0000"],
        "emails": ["none@none.com", "@", "a b@c"],
    },
    "code for a name": {"owner_last_name": "'); drop table app.leads; --", "owner_first_name": "{{7*7}}<script>"},
}


@pytest.mark.parametrize("way", list(reversed(WAYS)))
async def test_strange_leads_end_like_any_other_and_kill_nothing(line: Line, ways: Ways, way: str) -> None:
    await ways.go(way)
    zips = iter(range(33_000 + 100 * list(WAYS).index(way), 34_000))
    records = [home(5, property_zip=f"{next(zips)}") | strange for strange in STRANGE.values()]
    no_properties = [home(6, property_address="PO Box 4711"), home(7, property_zip=None)]
    await line.send_records([*records, *no_properties])
    ended = """
        select count(*) = $1 from (
          select e.lead_id
          from app.pipeline_events e
          join app.leads l on l.id = e.lead_id
          where e.event_type in ('lead_verified', 'lead_unverifiable') and l.property_zip = any ($2)
          group by e.lead_id
          having count(*) = 1
        ) once"""
    await line.until(ended, len(records), [record["property_zip"] for record in records], seconds=20)
    assert sorted(reason for reason, _ in await line.dead_letters()) == ["missing_zip", "po_box"], (
        "ingest takes neither"
    )
    assert await line.count("app.skip_trace_requests where outcome <> 'answered'") == 0
