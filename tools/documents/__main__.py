"""Command line of the generated documents: `write` writes them, `check` names those that are not current."""

import sys

from documents.generated import DOCUMENTS, ROOT, SCHEMA_PAGE


def main(command: str) -> int:
    """Run *command* and return the exit code."""
    if command == "write":
        for document in (*DOCUMENTS.values(), SCHEMA_PAGE):
            document.path.write_text(document.render())
        return 0
    outdated = [document.path for document in DOCUMENTS.values() if not document.is_current()]
    for path in outdated:
        sys.stderr.write(f"{path.relative_to(ROOT)} differs from its sources. Run ./dev docs\n")
    return 1 if outdated else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
