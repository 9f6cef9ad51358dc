"""Automatic answers to replies: templates, the gate, and calls that are never made twice (docs/replies.md, Answers)."""
