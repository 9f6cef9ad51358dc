"""Legal rules: list them, check a file of them, and list those that must be compared with their sources again."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.shell import errors, inputs
from cli.shell.app import new_app
from cli.shell.errors import UsageError
from cli.shell.output import AsJson, print_done, print_message, print_rows
from cli.shell.settings import CliSettings
from common.calendar.business_date import business_date
from common.calendar.clock import utc_now
from common.compliance.legal_rules import RULE_CHECK_INTERVAL_DAYS, RULES_FILE, legal_rules
from common.compliance.rule_file import RULE_KINDS, LegalRulesError, RuleProblem, parse_rules
from common.compliance.rule_kinds import EVERYWHERE, AnyRule
from common.compliance.rule_texts import describe_states, describe_value

app = new_app(
    "The law on contacts, as the product reads it: rules with dates and sources (docs/compliance.md).",
    panel="Compliance",
    summary="Legal rules: list, check a file, and list those to check again.",
    order=10,
)

GUIDE = "docs/guides/checking-legal-rules.md"
_COLUMNS = {"id": "rule", "states_shown": "states", "kind": "kind", "value_shown": "value", "effective_from": "from",
            "effective_to": "to", "source": "source", "checked_on": "checked"}  # fmt: skip
_DUE_COLUMNS = {"id": "rule", "checked_on": "checked", "age_days": "days ago", "checked_by": "by", "source": "source"}
_PROBLEM_COLUMNS = {"rule": "rule", "problem": "problem", "advice": "what to do"}


@app.command("list")
def list_rules(
    state: Annotated[
        str | None,
        typer.Option(
            "--state",
            metavar="STATE",
            parser=inputs.parse_state,
            help="Only rules that apply in this state, such as TX.",
        ),
    ] = None,
    kind: Annotated[
        str | None, typer.Option("--kind", metavar="KIND", help="Only rules of this kind, such as registration.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List the rules. Where several of a kind apply, the strictest counts."""
    if kind is not None and kind not in RULE_KINDS:
        raise UsageError(f"There is no kind of rules {kind!r}.", f"One of: {', '.join(RULE_KINDS)}.")
    rules = [
        to_rule_fields(rule)
        for rule in legal_rules().rules
        if (state is None or rule.states == EVERYWHERE or state in rule.states) and kind in (None, rule.kind)
    ]
    print_rows(
        rules,
        _COLUMNS,
        as_json=as_json,
        empty="No rule of this kind applies there.",
        first=("id", "states_shown", "value_shown"),
    )


@app.command("check")
def check_rules(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="[FILE]", parser=inputs.parse_readable_file, help="A file of rules; default: the product's."
        ),
    ] = RULES_FILE,
    *,
    as_json: AsJson = False,
) -> None:
    """Check rules, and name the first problem of each. Exit code 1 when there is one."""
    rules, problems = _read_rules(file)
    if as_json or not problems:
        fields = {"file": str(file), "rules": rules, "problems": problems}
        print_done(f"{rules} rules are valid.", fields, as_json=as_json)
    else:
        print_rows(problems, _PROBLEM_COLUMNS, as_json=False, empty="", first=("rule", "problem", "advice"))
        print_message(f"Correct the rules, and check again. {GUIDE} explains each key.")
    raise typer.Exit(errors.FAILED if problems else errors.OK)


@app.command("due")
def list_due_rules(
    days: Annotated[
        int, typer.Option(min=0, max=36_500, help="Days after which a rule must be checked again.")
    ] = RULE_CHECK_INTERVAL_DAYS,
    *,
    as_json: AsJson = False,
) -> None:
    """List the rules that were last checked too long ago. Exit code 1 when there is one."""
    today = business_date(CliSettings().now)
    due = legal_rules().list_due(today, after_days=days)
    rows = [to_rule_fields(rule) | {"age_days": (today - rule.checked_on).days} for rule in due]
    print_rows(rows, _DUE_COLUMNS, as_json=as_json, empty=f"All rules were checked in the last {days} days.")
    if due:
        print_message(f"Compare each rule with its source: {GUIDE}.")
    raise typer.Exit(errors.FAILED if due else errors.OK)


def to_rule_fields(rule: AnyRule) -> dict[str, Any]:
    """Return the fields of *rule*, and its states and value in words."""
    return rule.model_dump(mode="json") | {"states_shown": describe_states(rule), "value_shown": describe_value(rule)}


def _read_rules(file: Path) -> tuple[int, list[RuleProblem]]:
    """Return the number of rules in *file*, and the problems."""
    try:
        rules = parse_rules(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        return 0, [RuleProblem("file", "it is no UTF-8 text", "Save it as UTF-8.")]
    except LegalRulesError as error:
        return 0, list(error.problems)
    return len(rules), list(_find_future_checks(rules))


def _find_future_checks(rules: Sequence[AnyRule]) -> Iterator[RuleProblem]:
    """Yield the rules that claim a check on a later day: they would not be due in time."""
    last_possible = utc_now().date() + timedelta(days=1)  # it is tomorrow already in some time zones
    for rule in rules:
        if rule.checked_on > last_possible:
            problem = f"checked_on: {rule.checked_on} lies in the future"
            yield RuleProblem(rule.id, problem, "Write the day on which the rule was compared with its source.")
