"""Every link, path and decision that code and documents cite can be opened."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from corpus.generate import corpus_files
from support.guides import read_guide

ROOT = Path(__file__).parents[3]
_TEXT = {".py", ".md", ".sql", ".toml", ".yaml", ".yml", ".sh", ".js", ".mjs", ""}
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_PAGE = re.compile(r"(?<![\w/.])docs/[\w./-]+?\.(?:md|yaml)(?:#[\w-]+)?")
_DECISION = re.compile(r"\bADRs? (\d+)(?:(?:, | and | to )(\d+))*")
_FILE = re.compile(r"`([\w./-]+\.(?:py|sql|md|toml|ya?ml|txt|sh|json))`")
_PARAGRAPH = re.compile(r"(?:design|contracts|hazards?|plan|documents?|papers?) ?,? ?§")


def _tracked_names() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return listed.splitlines()


def _files() -> list[Path]:
    paths = [ROOT / name for name in _tracked_names()]
    return [path for path in paths if path.suffix in _TEXT and path.is_file() and path != Path(__file__)]


def _files_of_guides() -> set[str]:
    """Return the files that the examples of the guides add."""
    pages = (ROOT / "docs" / "guides").glob("adding-*.md")
    return {step.file for page in pages for step in read_guide(page).steps}


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    named = set(re.findall(r'<a (?:id|name)="([^"]+)"', page.read_text()))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings} | named


def _missing(source: Path, target: str, base: Path) -> bool:
    name, _, anchor = target.partition("#")
    page = (base / name).resolve() if name else source
    if not page.exists():
        return True
    return bool(anchor) and page.suffix == ".md" and anchor not in _anchors(page)


def _broken_links(page: Path) -> Iterator[str]:
    for target in _LINK.findall(re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(), flags=re.DOTALL)):
        if not re.match(r"[a-z]+:", target) and _missing(page, target, page.parent):
            yield f"{page.relative_to(ROOT)}: {target}"


def test_links_of_pages_lead_somewhere() -> None:
    pages = [path for path in _files() if path.suffix == ".md"]
    assert [broken for page in pages for broken in _broken_links(page)] == []


def test_pages_that_code_cites_exist() -> None:
    broken = [
        f"{path.relative_to(ROOT)}: {target}"
        for path in _files()
        for target in set(_PAGE.findall(path.read_text())) - _files_of_guides()
        if _missing(path, target, ROOT)
    ]
    assert broken == []


NAMES_OF_OTHER_FILES = {
    "/openapi.json", ".rollback.sql", "pinellas.json", "openapi/apis/personator-consumer.yaml", "PostcardQueued.v2.json",
}  # fmt: skip
"""Addresses, endings, files of an operator, of a vendor, and of an example, which pages name."""


def test_files_that_pages_name_exist() -> None:
    """A page may leave out the first folders."""
    corpus = (file.name for file in corpus_files())
    files = [f"/{name}" for name in (*_tracked_names(), *_files_of_guides(), *corpus)]
    pages = [path for path in _files() if path.suffix == ".md" and path.name != "CHANGELOG.md"]
    broken = [
        f"{page.relative_to(ROOT)}: {name}"
        for page in pages
        for name in set(_FILE.findall(page.read_text())) - NAMES_OF_OTHER_FILES
        if not any(file.endswith(f"/{name}") for file in files)
    ]
    assert broken == []


def test_decisions_that_are_cited_exist() -> None:
    numbers = {path.name[:4] for path in (ROOT / "docs" / "adr").glob("[0-9]*.md")}
    broken = [
        f"{path.relative_to(ROOT)}: ADR {number}"
        for path in _files()
        for match in _DECISION.finditer(path.read_text())
        for number in re.findall(r"\d+", match.group())
        if f"{int(number):04}" not in numbers
    ]
    assert broken == []


def test_no_paragraph_of_a_document_outside_the_repository_is_cited() -> None:
    sources = [path for path in _files() if path.suffix in {".py", ".sql"}]
    assert [str(path.relative_to(ROOT)) for path in sources if _PARAGRAPH.search(path.read_text())] == []
