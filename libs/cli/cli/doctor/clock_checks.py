"""Check of the file that moves the business clock in a demonstration."""

from cli.commands.clock import describe_clock
from cli.diagnostics import Finding
from cli.shell.settings import CliSettings
from common.calendar.clock import ClockFileError, clock_offset
from common.vendors.public_urls import is_sandbox_url

CHECK = "clock"
_PAGE = "docs/runbooks/moving-the-clock.md"


def check_clock_file(settings: CliSettings) -> Finding:
    """Return whether the business clock is the machine's, or may be moved here."""
    if settings.clock_file is None:
        return Finding.ok(CHECK, "CLOCK_FILE is not set: services use the machine's time")
    if settings.instantly_api_key and not is_sandbox_url(settings.instantly_base_url or ""):
        advice = f"Unset CLOCK_FILE where real people are contacted: {_PAGE}."
        return Finding.problem(CHECK, "CLOCK_FILE is set, and Instantly is not the sandbox", advice)
    try:
        ahead = clock_offset(settings.clock_file)
    except ClockFileError as error:
        return Finding.problem(CHECK, f"{error}", "`equity clock set` or `equity clock reset`")
    if ahead:
        return Finding.warning(CHECK, f"the services' clock is moved: {describe_clock(ahead)}", "`equity clock reset`")
    return Finding.ok(CHECK, "CLOCK_FILE is set, and shows the machine's time")
