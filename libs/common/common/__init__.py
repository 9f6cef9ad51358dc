"""What every Equity Connect service needs: events, bus, database, contacts, jobs, telemetry."""

__version__ = "0.1.0"
