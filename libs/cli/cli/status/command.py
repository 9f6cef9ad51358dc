"""`equity status`: services, backlogs, uploads, feed, jobs and vendors on one screen, and what needs a person."""

import asyncio

import typer

from cli.shell.app import new_app
from cli.shell.output import AsJson, new_console, print_json
from cli.shell.service_settings import log_to_stderr
from cli.shell.settings import CliSettings
from cli.status.report import build_report
from cli.status.screen import list_fields, render_report

app = new_app(panel="Watching", summary="How things are, on one screen, and what needs a person.", order=5)


@app.command()
def show_status(*, as_json: AsJson = False) -> None:
    """Show services, backlogs, dead letters, uploads, feed, jobs and vendors, and first what needs a person.

    Exit codes: 0 all is well, 1 something needs a person, 4 PostgreSQL or Kafka does not answer. It takes a few seconds at
    most, shows the parts that can be read, and changes nothing.
    """
    log_to_stderr()
    report = asyncio.run(build_report(CliSettings()))
    if as_json:
        print_json(list_fields(report))
    else:
        console = new_console()
        console.print(render_report(report, console.width))
    raise typer.Exit(report.exit_code)
