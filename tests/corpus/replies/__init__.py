"""Corpus of replies. README.md describes it."""
