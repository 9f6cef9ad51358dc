"""Offset between the clock of this machine and the clock of PostgreSQL."""

LOGGED_OFFSET_SECONDS = 30.0
"""Offset from which it is reported: a tenth of the signatures' tolerance, and far above the time of a query."""


def database_clock_offset(asked_at: float, database_time: float, answered_at: float) -> float:
    """Return the seconds by which this clock is ahead of the database's; negative: behind. All are Unix times.

    The database read its clock at some moment between request and response. A difference that this interval explains
    counts as no offset.
    """
    if asked_at <= database_time <= answered_at:
        return 0.0
    return asked_at - database_time if database_time < asked_at else answered_at - database_time
