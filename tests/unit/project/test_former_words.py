"""Project rule on words: no file uses a word that `docs/glossary.md` lists as a former word."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
GLOSSARY = ROOT / "docs" / "glossary.md"
TREES = ("bench", "deploy", "docs", "libs", "sandbox", "schema", "services", "tests", "tools")
SUFFIXES = {".py", ".sql", ".md", ".toml", ".yaml"}
EXEMPT = {GLOSSARY, ROOT / "CHANGELOG.md"}

EXCEPTIONS = {
    "forget": {
        "services/replies/replies/text/instruction_words.yaml",
        "services/replies/replies/text/opt_out_words.yaml",
        "tests/corpus/replies/instructions.yaml",
    },
    "lane": {
        "services/replies/replies/text/masking.py",
        "libs/common/common/geography/placeholders.py",
        "libs/common/common/records/addresses/postal_words.py",
        "tests/unit/records/test_address.py",
    },
    "nobody": {"libs/common/common/geography/placeholders.py", "tests/unit/common/test_placeholders.py"},
    "stale": {"deploy/prometheus/alerts.test.yaml"},
}
"""Files by the former word that they may contain: words of replies, a street suffix, a placeholder in real files, promtool's notation."""


@cache
def read_former_words() -> tuple[str, ...]:
    """Return the words of the first column of the first table below the heading."""
    section = GLOSSARY.read_text().partition("\n## Former words\n")[2]
    table = section[section.index("|") :].partition("\n\n")[0]
    cells = [line.split("|")[1] for line in table.splitlines()[2:]]
    return tuple(word.strip() for cell in cells for word in cell.split(","))


def split_into_words(text: str) -> str:
    """Return *text* as lower-case words with one space between them; identifiers are split too."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text)
    return re.sub(r"[^a-z0-9]+", " ", apart.lower())


def find_former_words(text: str) -> Iterator[str]:
    """Yield the former words in *text*, also where they are inflected."""
    pattern = rf"\b({'|'.join(read_former_words())})(?:s|n|d|ed|ing)?\b"
    for match in re.finditer(pattern, split_into_words(text)):
        yield match.group(1)


def test_the_glossary_lists_former_words() -> None:
    assert {"redrive", "take turn", "somebody"} <= set(read_former_words())


def test_a_former_word_is_found_in_identifiers_and_sentences() -> None:
    found = list(find_former_words("CallLedger, RECORDER_REDRIVE_LIMIT, a sign\nof life. It was sealed; two strangers"))
    assert found == ["ledger", "redrive", "sign of life", "seal", "stranger"]


def test_no_file_uses_a_former_word() -> None:
    """Settings are fields of classes in `.py` files, so they are covered too."""
    files = {file for tree in TREES for file in (ROOT / tree).rglob("*") if file.suffix in SUFFIXES}
    files |= {file for file in ROOT.glob("*") if file.suffix in SUFFIXES}
    names = {file: str(file.relative_to(ROOT)) for file in files - EXEMPT - {Path(__file__).resolve()}}
    found = [
        f"{name}: {word}"
        for file, name in sorted(names.items())
        for word in find_former_words(f"{name}\n{file.read_text()}")
        if name not in EXCEPTIONS.get(word, ())
    ]
    assert found == []
