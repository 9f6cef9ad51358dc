"""Command line of the generated documents: `write` writes them, `check` names those that are not current."""

import sys

from documents.generated import DOCUMENTS, ROOT, database_documents
from support.databases import create_database_of_new_run


def main(command: str) -> int:
    """Run *command* and return the exit code."""
    if command == "write":
        with create_database_of_new_run() as database:
            for document in (DOCUMENTS | database_documents(database.superuser_dsn)).values():
                document.path.write_text(document.render())
        return 0
    outdated = [document.path for document in DOCUMENTS.values() if not document.is_current()]
    for path in outdated:
        sys.stderr.write(f"{path.relative_to(ROOT)} differs from its sources. Run ./dev docs\n")
    return 1 if outdated else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
