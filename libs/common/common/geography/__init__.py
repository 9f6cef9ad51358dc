"""States, counties, ZIP codes, and values that only stand in for one."""
