"""Corpus of files as property-data tools export them, and the result that is expected of each. README.md describes it."""
