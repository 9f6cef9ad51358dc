"""`equity demo` does the main job on the shipped sample, and shows how a repeat is refused."""

import re
from pathlib import Path

from support.commandline import Equity
from support.installation import Installation


async def test_the_sample_becomes_leads_and_a_second_time_a_repeat(installation: Installation) -> None:
    services = await installation.spawn("gateway", "ingest", "recorder")
    equity = Equity(services.environment)

    first = (await equity.soon("demo", "--json")).ok().json
    report, funnel = first["report"], {row["event_type"]: row for row in first["funnel"]}
    assert not first["repeats"]
    assert report["state"] == "done"
    assert report["rows_total"] == 1000
    assert sum(report[verdict] for verdict in ("inserted", "updated", "duplicate", "rejected")) == 1000
    assert sum(report["reasons"].values()) == report["rejected"] > 0
    assert funnel["upload_received"]["count"] == 1
    assert funnel["dedupe_success"]["outcomes"] == {name: report[name] for name in ("inserted", "updated")}
    assert funnel["lead_rejected"]["count"] == report["rejected"]

    quick_start = (Path(__file__).parents[2] / "docs" / "quick-start.md").read_text()
    for verdict in ("inserted", "rejected"):  # the others depend on which rows meet in one batch
        assert re.search(rf"^{verdict} +{report[verdict]} ", quick_start, re.MULTILINE), f"the quick start on {verdict}"

    second = (await equity.soon("demo")).ok()
    assert "409" in second.err
    assert report["upload_id"] in second.err
    assert f"equity uploads rejects {report['upload_id']}" in second.out
    assert (await equity.soon("uploads", "rejects", report["upload_id"])).ok().out.count("\n") > report["rejected"]
    (broker,) = (await equity.soon("brokers", "list", "--json")).ok().json
    assert broker["leads"] == report["inserted"]
    services.stop()
