"""Command that writes the next migration of the lead facts, if their table needs one: `./dev schema`."""

import sys
from pathlib import Path

from common.lead_facts import LEAD_FACTS
from fact_migrations.migration import TypeChangeError, plan_migration

ROOT = Path(__file__).parents[2]
MIGRATIONS = ROOT / "schema/schema/migrations"


def main() -> None:
    """Write the migration and its rollback, and report what was written."""
    try:
        migration = plan_migration(MIGRATIONS, LEAD_FACTS)
    except TypeChangeError as error:
        sys.exit(f"Error: {error}")
    if migration is None:
        sys.stdout.write("Nothing changed: the migrations have every fact of libs/common/common/lead_facts.py.\n")
        return
    for path in migration.write(MIGRATIONS):
        sys.stdout.write(f"wrote {path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
