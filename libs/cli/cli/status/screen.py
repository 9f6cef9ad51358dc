"""Screen of `equity status`: things that need a person first, then one section below the other, at any width."""

from collections.abc import Iterator
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.shell.errors import CliError
from cli.shell.output import to_fields
from cli.shell.tables import fit_table
from cli.shell.typed_commands import as_typed
from cli.shell.values import escape_control_characters
from cli.status.report import StatusReport
from common.calendar.business_date import BUSINESS_ZONE

_NAME_CELLS = 14


def render_report(report: StatusReport, width: int) -> RenderableType:
    """Return the screen of *report*, at most *width* cells wide."""
    return Group(*_render_parts(report, width))


def list_fields(report: StatusReport) -> dict[str, Any]:
    """Return *report* for programs."""
    return {
        "at": report.at,
        "exit_code": report.exit_code,
        "needs_a_person": [to_fields(matter) for matter in report.matters],
        "missing": [{"problem": failure.problem, "advice": failure.advice} for failure in report.failures],
        **{section.name.replace(" ", "_"): [to_fields(row) for row in section.rows] for section in report.sections},
    }


def _render_parts(report: StatusReport, width: int) -> Iterator[RenderableType]:
    local = report.at.astimezone(BUSINESS_ZONE)
    yield Text(f"{local:%A, %d %B %Y, %H:%M} in Los Angeles", style="bold")
    for failure in report.failures:
        yield _render_failure(failure)
    if not report.failures and not report.matters:
        yield Text("All is well.", style="green")
    for matter in report.matters:
        yield _render_advice(matter.text, matter.advice)
    for section in report.sections:
        if section.rows:
            heading = Text(f"\n{section.name}", style="bold")
            yield heading.append(f"  {section.source}" if section.source else "", style="not bold dim")
            yield fit_table([to_fields(row) for row in section.rows], section.columns, width)
    yield Text()
    for section in report.sections:
        if not section.rows:
            yield Text(as_typed(f"{section.name:<{_NAME_CELLS}}{section.empty}"))


def _render_failure(failure: CliError) -> RenderableType:
    return _render_advice(f"{failure.problem.rstrip('.')}, so a part is missing here", failure.advice)


def _render_advice(text: str, advice: str) -> RenderableType:
    """Return a fact that needs a person, and what helps, which is indented on every line."""
    lines = Table.grid(padding=(0, 1, 0, 0), pad_edge=False)
    lines.add_row(Text("!", style="bold red"), Text(escape_control_characters(as_typed(text)), style="bold"))
    if advice:
        lines.add_row("", Text(escape_control_characters(as_typed(advice))))
    return lines
