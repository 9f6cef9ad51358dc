"""Generator of the migrations that follow from the table of lead facts; see docs/guides/adding-a-column.md."""
