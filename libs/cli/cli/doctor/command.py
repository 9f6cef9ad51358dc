"""`equity doctor`: checks of settings, keys, connections, clock, topics, grants, migrations, vendors and links."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cli.diagnostics import Finding, Severity
from cli.doctor.examination import examine
from cli.shell import errors
from cli.shell.app import new_app
from cli.shell.output import AsJson, new_console, print_json, print_message, to_fields
from cli.shell.service_settings import log_to_stderr
from cli.shell.typed_commands import as_typed
from cli.shell.values import escape_control_characters

app = new_app(panel="Running it", summary="Check this installation, and say what to do about each problem.", order=5)

_STYLES = {Severity.OK: "green", Severity.WARNING: "yellow", Severity.PROBLEM: "bold red"}


@app.command()
def examine_installation(
    *,
    online: Annotated[
        bool, typer.Option("--online", help="Also make one read-only, free call to each vendor that has one.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check settings, keys, connections, clock, topics, grants, migrations, vendor keys and links.

    Exit code 1 when there is a problem. It changes nothing, shows no secret, and calls no vendor without `--online`.
    """
    log_to_stderr()
    findings = asyncio.run(examine(online=online))
    if as_json:
        print_json([to_fields(finding) for finding in findings])
    else:
        console = new_console()
        console.print(render_findings(findings))
        print_message(summarize_findings(findings))
    has_problem = any(finding.severity is Severity.PROBLEM for finding in findings)
    raise typer.Exit(errors.FAILED if has_problem else errors.OK)


def render_findings(findings: Sequence[Finding]) -> RenderableType:
    """Return one line for each finding, and what to do below it."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for finding in findings:
        text = Text(escape_control_characters(as_typed(finding.text)))
        if finding.advice:
            text.append(f"\n→ {escape_control_characters(as_typed(finding.advice))}", style="dim")
        grid.add_row(Text(finding.severity, style=_STYLES[finding.severity]), finding.check, text)
    return grid


def summarize_findings(findings: Sequence[Finding]) -> str:
    """Return the numbers of problems and warnings in a sentence."""
    counts = Counter(finding.severity for finding in findings)
    if not counts[Severity.PROBLEM] and not counts[Severity.WARNING]:
        return f"No problem: {len(findings)} checks."
    return f"Problems: {counts[Severity.PROBLEM]}, warnings: {counts[Severity.WARNING]}, of {len(findings)} checks."
