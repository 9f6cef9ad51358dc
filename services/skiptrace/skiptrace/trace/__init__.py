"""Execution of the waterfall: load leads, ask providers, store responses, write results."""
