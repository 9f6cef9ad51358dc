"""Table of all legal rules, generated from `rules.yaml`."""

from common.compliance.legal_rules import legal_rules
from common.compliance.rule_kinds import AnyRule
from common.compliance.rule_texts import describe_states, describe_value
from documents.markdown import build_table


def build_legal_rules_table() -> str:
    """Return the table of the rules, in the order of the file."""
    headings = ("kind", "states", "rule", "in force", "source", "checked")
    return build_table(headings, map(_build_rule, legal_rules().rules))


def _build_rule(rule: AnyRule) -> tuple[str, str, str, str, str, str]:
    text = "; ".join(filter(None, (describe_value(rule), rule.note)))
    dates = f"from {rule.effective_from}" + (f" to {rule.effective_to}" if rule.effective_to else "")
    checked = f"{rule.checked_on}, {rule.checked_by}"
    return f"`{rule.kind}`", describe_states(rule), text, dates, rule.source, checked
