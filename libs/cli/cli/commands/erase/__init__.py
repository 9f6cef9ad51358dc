"""Command `equity erase`: deletes what is known about a person (docs/runbooks/erase-request.md)."""
