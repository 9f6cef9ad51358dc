"""Check of the legal rules: each was compared with its source in the last months."""

from datetime import date

from cli.diagnostics import Finding
from common.compliance.legal_rules import RULE_CHECK_INTERVAL_DAYS, legal_rules

CHECK = "legal rules"


def check_due_rules(today: date) -> Finding:
    """Return whether rules must be checked again."""
    if due := legal_rules().list_due(today):
        text = f"legal rules to check: {len(due)}, last compared with their sources over {RULE_CHECK_INTERVAL_DAYS} days ago"
        return Finding.warning(CHECK, text, "`equity legal due`; docs/runbooks/legal-rules-due.md")
    return Finding.ok(CHECK, f"all were checked in the last {RULE_CHECK_INTERVAL_DAYS} days")
