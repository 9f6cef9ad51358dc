"""Alert rules: PromQL on exported metrics, each with an existing runbook."""

import ast
import os
import re
import shutil
import subprocess
from functools import cache
from typing import Any

import pytest
import yaml

from local_services.debian import program_of
from support.alerts import ALERT_RULES_FILE, ROOT, load_rules, parse_selectors

RULES = load_rules()
SUFFIX = {"counter": "_total", "gauge": "", "histogram": "_seconds_bucket"}
WANTED = {
    "critical": {
        "SignatureFailures", "DuplicateSpike", "DeadLetters", "OutboxRejected", "RefreshFailed", "RefreshMissed",
        "PartitionStalled", "OffsetsLost",
        "FeedFailed", "FeedMissed", "DeadLinks", "SuppressedInCampaign", "ServiceSilent",
        "ClockSkew", "TimestampsRefused", "WebhookSubscriptionDisabled", "WebhookSubscriptionMissing", "OptOutLate",
        "InvariantBroken",
    },
    "warning": {
        "VerificationRate", "DuplicateUploads", "OldDeadLetter", "VendorDown", "UnknownPaidCalls", "ProviderBudget",
        "InstantlyBackingOff", "MembershipAuditBehind", "JobFailing", "JobOverdue", "UploadsUnfinished", "LeadsUnqueued",
        "WorkRecovered", "ConsumerWaits", "BatchUndecodable", "LegalRulesDue", "ReplyReconciliationBehind",
        "ReplyAnswersUnknown", "ReplyAnswersWaiting", "ReplyAnswersLost", "ClassifierDown", "ReplyRate",
        "MailsUnknown", "MailsWaiting",
    },
}  # fmt: skip


@cache
def exported_metrics() -> frozenset[str]:
    """Return the metrics that the code of the services creates, under their names in Prometheus."""
    names = set()
    for path in [*(ROOT / "services").rglob("*.py"), *(ROOT / "libs/common").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Attribute(attr=kind), args=[ast.Constant(value=str(name)), *_]):
                    if kind in SUFFIX:
                        names.add(name.replace(".", "_") + SUFFIX[kind])
    return frozenset(names)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_a_rule_reads_exported_metrics(rule: dict[str, Any]) -> None:
    wanted = {selector.metric for selector in parse_selectors(rule["expr"])}
    assert wanted
    assert wanted <= exported_metrics()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_a_rule_has_a_severity_and_a_runbook(rule: dict[str, Any]) -> None:
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert set(rule["labels"]) == {"severity"}
    assert set(rule["annotations"]) == {"summary", "runbook"}
    page, _, section = rule["annotations"]["runbook"].partition("#")
    text = (ROOT / page).read_text()
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert not section or section in anchors


def test_every_expected_alert_exists() -> None:
    for severity, alerts in WANTED.items():
        assert {rule["alert"] for rule in RULES if rule["labels"]["severity"] == severity} == alerts


def test_promtool_tests_use_existing_rules() -> None:
    tests = yaml.safe_load(ALERT_RULES_FILE.with_name("alerts.test.yaml").read_text())
    by_name = {rule["alert"]: rule for rule in RULES}
    for expected in (one for test in tests["tests"] for one in test["alert_rule_test"]):
        rule = by_name[expected["alertname"]]
        for alert in expected["exp_alerts"]:
            assert alert["exp_annotations"] == rule["annotations"]
            assert alert["exp_labels"].items() >= rule["labels"].items()


def test_promtool_accepts_the_rules() -> None:
    promtool = shutil.which("promtool") or (
        program_of("prometheus", "usr/bin/promtool") if "CI" in os.environ else None
    )
    if promtool is None:
        pytest.skip("promtool is not installed: Debian has it in the package prometheus")
    for arguments in (["check", "rules", "alerts.yaml"], ["test", "rules", "alerts.test.yaml"]):
        done = subprocess.run(
            [promtool, *arguments], cwd=ALERT_RULES_FILE.parent, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
