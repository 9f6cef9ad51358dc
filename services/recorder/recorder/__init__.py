"""Recorder service: it copies events from the bus into PostgreSQL, and stores and replays dead letters."""
