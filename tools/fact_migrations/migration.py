"""Next migration of the lead facts: columns and grants of new facts, and the functions that name every fact."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from common.lead_facts import LeadFact, MergeRule
from fact_migrations.series import GENERATED, MigrationSeries, read_series
from fact_migrations.upsert_sql import render_upsert_leads, wrap_list

_MAX_FACTS_IN_NAME = 3
_EXECUTE_GRANT = "grant execute on function app.upsert_leads, app.upsert_lead to svc_ingest;"


class TypeChangeError(ValueError):
    """A fact whose SQL type differs between the table and the migrations. A person decides how its values are converted."""


@dataclass(frozen=True, slots=True)
class FactMigration:
    """Migration and rollback, without the directory."""

    name: str
    text: str
    rollback: str

    def write(self, directory: Path) -> list[Path]:
        """Write both files to *directory*, and return their paths."""
        files = {directory / f"{self.name}.sql": self.text, directory / f"{self.name}.rollback.sql": self.rollback}
        for path, text in files.items():
            path.write_text(text)
        return list(files)


def plan_migration(directory: Path, facts: Sequence[LeadFact]) -> FactMigration | None:
    """Return the migration after which the database has *facts*, or None if the migrations in *directory* suffice.

    A fact that is no longer in the table disappears from the functions. Its column stays, so that no value is lost.
    Raises TypeChangeError.
    """
    series = read_series(directory)
    stored = sorted(
        (fact for fact in facts if fact.merge is not MergeRule.NOT_STORED),
        key=lambda fact: series.positions.get(fact.name, len(series.columns)),
    )
    _refuse_changed_types(series, stored)
    added = [fact for fact in stored if fact.name not in series.columns]
    functions = render_upsert_leads(stored)
    if not added and functions == series.functions:
        return None
    return FactMigration(
        f"{series.next_number:04d}.{_subject(added)}",
        _migration_text(added, functions, is_first=series.functions is None),
        _rollback_text(added, series.functions),
    )


def _refuse_changed_types(series: MigrationSeries, facts: Sequence[LeadFact]) -> None:
    for fact in facts:
        present = series.columns.get(fact.name, fact.sql_type)
        if present != fact.sql_type:
            raise TypeChangeError(
                f"{fact.name} is {present} in the migrations and {fact.sql_type} in the table. Write a migration that"
                f" alters the type of the column in app.leads and pipeline.leads_staging, then run this command again."
            )


def _subject(added: Sequence[LeadFact]) -> str:
    names = [fact.name.replace("_", "-") for fact in added]
    return "-".join(["lead-facts", *names]) if len(names) <= _MAX_FACTS_IN_NAME else "lead-facts"


def _migration_text(added: Sequence[LeadFact], functions: str, *, is_first: bool) -> str:
    purpose = "Columns, staging and upsert of the facts that records say about leads." if is_first else _purpose(added)
    parts = [f"-- {purpose}\n{GENERATED}\nset local role equity_owner;\n"]
    if added:
        parts += [
            _alter_table("app.leads", (f"add column {fact.name} {_column_type(fact)}" for fact in added)),
            _alter_table("pipeline.leads_staging", (f"add column {fact.name} {fact.sql_type}" for fact in added)),
            *_grants(added),
        ]
    ending = [_EXECUTE_GRANT] if is_first else []
    return "\n".join([*parts, functions, "\n".join([*ending, "reset role;"])]) + "\n"


def _purpose(added: Sequence[LeadFact]) -> str:
    if added:
        return f"New facts of leads: {', '.join(fact.name for fact in added)}."
    return "Upsert of leads after a change of the table of lead facts or of the template."


def _rollback_text(added: Sequence[LeadFact], former_functions: str | None) -> str:
    parts = ["set local role equity_owner;\n", former_functions or "drop function app.upsert_lead, app.upsert_leads;\n"]
    if added:
        drops = [f"drop column {fact.name}" for fact in added]
        parts += [_alter_table("pipeline.leads_staging", drops), _alter_table("app.leads", drops)]
    return "\n".join([*parts, "reset role;"]) + "\n"


def _alter_table(table: str, actions: Iterable[str]) -> str:
    return f"alter table {table}\n  " + ",\n  ".join(actions) + ";\n"


def _column_type(fact: LeadFact) -> str:
    return f"{fact.sql_type} not null default false" if fact.merge is MergeRule.STAYS_TRUE else fact.sql_type


def _grants(added: Sequence[LeadFact]) -> list[str]:
    """Return the statements that let each service write its facts, and brokers read the facts that they may see."""
    grants = []
    for service in dict.fromkeys(fact.written_by for fact in added):
        columns = _column_list(fact for fact in added if fact.written_by == service)
        grants.append(f"grant insert {columns}, update {columns} on app.leads to svc_{service};\n")
    if shown := [fact for fact in added if fact.is_shown_to_brokers]:
        grants.append(f"grant select {_column_list(shown)} on app.leads to authenticated;\n")
    return grants


def _column_list(facts: Iterable[LeadFact]) -> str:
    lines = wrap_list(fact.name for fact in facts)
    if "\n" not in lines:
        return f"({lines})"
    indented = lines.replace("\n", "\n  ")
    return f"(\n  {indented}\n)"
