"""Text of `app.upsert_leads`: the template upsert_leads.sql with a list of facts in the place of each mark."""

import re
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

from common.lead_facts import LeadFact, MergeRule

LINE_WIDTH = 120
_TEMPLATE = Path(__file__).with_name("upsert_leads.sql")
_MARK = re.compile(r"^( *)\{\{(\w+)\}\}", re.MULTILINE)
_UNIQUE_KEYS = ("mak", "apn_key", "addr_hash")
"""Facts that at most one lead has. The template calculates the keys that are free, as `free_mak` and so on."""


def render_upsert_leads(facts: Sequence[LeadFact]) -> str:
    """Return the statement that creates `app.upsert_leads` for *facts*, all of which are columns of `app.leads`."""
    lists = _lists_of_columns(facts) | _lists_of_stamps([fact for fact in facts if fact.is_stamped])

    def fill_mark(mark: re.Match[str]) -> str:
        indent, name = mark.groups()
        return textwrap.indent(lists[name], indent)

    return _MARK.sub(fill_mark, _TEMPLATE.read_text())


def wrap_list(items: Iterable[str], width: int = LINE_WIDTH - 10) -> str:
    """Return *items* with commas between them, as many on each line as fit."""
    lines = [""]
    for item in items:
        line = f"{lines[-1]} {item}," if lines[-1] else f"{item},"
        if len(line) > width and lines[-1]:
            lines.append(f"{item},")
        else:
            lines[-1] = line
    return "\n".join(lines).removesuffix(",")


def _lists_of_columns(facts: Sequence[LeadFact]) -> dict[str, str]:
    names = [fact.name for fact in facts]
    return {
        "columns": wrap_list(names),
        "inserted_values": wrap_list(_offered_value(fact) for fact in facts),
        "merged_values": _one_a_line(f"{_merged_value(fact)} as {fact.name}" for fact in facts),
        "lead_columns": wrap_list(f"l.{name}" for name in names),
        "merged_columns": wrap_list(f"m.{name}" for name in names),
        "touched_columns": wrap_list(f"t.{name}" for name in names),
    }


def _lists_of_stamps(facts: Sequence[LeadFact]) -> dict[str, str]:
    """Return the lists of the facts between which the time of observation decides."""
    groups = dict.fromkeys(fact.merge for fact in facts if fact.is_grouped)
    alone = [fact for fact in facts if not fact.is_grouped]
    return {
        "record_stamps": _one_a_line(_stamp(fact, "i", _offered_value(fact)) for fact in facts),
        "lead_stamps": _one_a_line(_stamp(fact, "l", f"l.{fact.name}") for fact in facts),
        "wins": _one_a_line(
            [
                *(_group_wins(rule, [fact for fact in facts if fact.merge is rule]) for rule in groups),
                *(f"{_wins(fact)} as {fact.name}" for fact in alone),
            ]
        ),
        "merged_stamps": _one_a_line(
            f"case when w.{_chosen_by(fact)} then r.{fact.name} else h.{fact.name} end as {fact.name}" for fact in facts
        ),
        "all_stamps": wrap_list(f"s.{fact.name}" for fact in facts),
        "older_stamps": _one_a_line(f"'{fact.name}', nullif(s.{fact.name}, n.stamp)" for fact in facts),
    }


def _one_a_line(items: Iterable[str]) -> str:
    return ",\n".join(items)


def _offered_value(fact: LeadFact) -> str:
    """Return the value that a record offers for a fact: a key only if it is free."""
    if fact.name in _UNIQUE_KEYS:
        return f"i.free_{fact.name}"
    return f"coalesce(i.{fact.name}, false)" if fact.merge is MergeRule.STAYS_TRUE else f"i.{fact.name}"


def _merged_value(fact: LeadFact) -> str:
    offered = _offered_value(fact)
    if fact.merge is MergeRule.FIRST:
        return f"coalesce(l.{fact.name}, {offered})"
    if fact.merge is MergeRule.STAYS_TRUE:
        return f"l.{fact.name} or {offered}"
    return f"case when w.{_chosen_by(fact)} then {offered} else l.{fact.name} end"


def _chosen_by(fact: LeadFact) -> str:
    """Return the name of the decision about a fact: that of its group, else its own."""
    return str(fact.merge) if fact.is_grouped else fact.name


def _stamp(fact: LeadFact, row: str, value: str) -> str:
    return f"pipeline.stamp_of('{fact.name}', {value}, {row}.stamp, {row}.observed) as {fact.name}"


def _wins(fact: LeadFact) -> str:
    function = "wins_text" if fact.sql_type == "text" else "wins"
    return f"pipeline.{function}(r.{fact.name}, i.{fact.name}, h.{fact.name}, l.{fact.name})"


def _group_wins(rule: MergeRule, facts: Sequence[LeadFact]) -> str:
    """Return the comparison of a group: first whether it has its key, then the latest stamp, then the values."""
    key = facts[0]
    record = _group_rank(
        f"{_offered_value(key)} is not null",
        _latest("r", facts),
        [_sort_key(_offered_value(fact), fact) for fact in facts],
    )
    lead = _group_rank(
        f"l.{key.name} is not null",
        f"coalesce({_latest('h', facts)}, 0)",
        [_sort_key(f"l.{fact.name}", fact) for fact in facts],
    )
    return f"(\n{textwrap.indent(record, '  ')}\n) > (\n{textwrap.indent(lead, '  ')}\n) as {rule}"


def _group_rank(has_key: str, latest_stamp: str, values: Sequence[str]) -> str:
    return f"{has_key},\n{latest_stamp},\n{wrap_list(values)}"


def _latest(row: str, facts: Sequence[LeadFact]) -> str:
    return f"greatest({', '.join(f'{row}.{fact.name}' for fact in facts)})"


def _sort_key(value: str, fact: LeadFact) -> str:
    return f"coalesce({value}, '')" + (' collate "C"' if fact.sql_type == "text" else "")
