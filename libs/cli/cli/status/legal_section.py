"""Section of the legal rules that must be compared with their sources again."""

from datetime import date

from cli.diagnostics import Matter, StatusSection
from common.compliance.legal_rules import RULE_CHECK_INTERVAL_DAYS, legal_rules

_COLUMNS = {"rule": "rule", "checked_on": "checked", "source": "source"}


def describe_due_rules(today: date) -> StatusSection:
    """Return the rules that are due on *today*."""
    due = legal_rules().list_due(today)
    rows = [{"rule": rule.id, "checked_on": rule.checked_on, "source": rule.source} for rule in due]
    matters = [Matter(f"legal rules to check: {len(due)}", "`equity legal due`; docs/runbooks/legal-rules-due.md")]
    nothing = f"all were checked in the last {RULE_CHECK_INTERVAL_DAYS} days"
    return StatusSection("legal rules", rows, _COLUMNS, nothing, matters if due else [])
