"""Generator of the typed modules beside the `.sql` files; see docs/guides/adding-a-statement.md."""
