"""Scheduled work: schedules, the scheduler, the rows that record runs."""
