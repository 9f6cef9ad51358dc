"""Database schema of Equity Connect: numbered SQL migrations, each with its rollback."""
