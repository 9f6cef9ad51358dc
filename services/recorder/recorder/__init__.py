"""The recorder: what happened goes from the bus into PostgreSQL, and dead letters come back from there."""
