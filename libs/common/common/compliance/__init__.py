"""Law and policy about contacting people: the gate, its reasons and log, calling hours, time zones, protective columns."""
