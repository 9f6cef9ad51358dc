"""Project rules on names: unique class names, docstrings without question words, unique migration numbers."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PRODUCT = ("libs", "sandbox", "schema", "services", "tools")
ALL_TREES = (*PRODUCT, "bench", "deploy", "tests")
QUESTION_WORD = re.compile(r"(What|Who|Whose|Whom|Where)\b")


@cache
def parse_modules(trees: tuple[str, ...]) -> dict[str, ast.Module]:
    """Return the syntax tree of every module in *trees*, by its path."""
    files = sorted(file for tree in trees for file in (ROOT / tree).rglob("*.py"))
    return {str(file.relative_to(ROOT)): ast.parse(file.read_text()) for file in files}


def find_docstrings(module: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and text of each docstring: of the module, of classes, functions and assignments."""
    for node in ast.walk(module):
        match node:
            case ast.Expr(value=ast.Constant(value=str(text)), lineno=line):
                yield line, text.strip()


def test_modules_exist() -> None:
    assert len(parse_modules(PRODUCT)) > 100


def test_class_names_are_unique() -> None:
    modules_by_name: dict[str, list[str]] = defaultdict(list)
    for path, module in parse_modules(PRODUCT).items():
        for node in ast.walk(module):
            if isinstance(node, ast.ClassDef):
                modules_by_name[node.name].append(path)
    shared = {name: paths for name, paths in modules_by_name.items() if len(paths) > 1}
    assert shared == {}


def test_no_docstring_begins_with_a_question_word() -> None:
    found = [
        f"{path}:{line} {text[:60]}"
        for path, module in parse_modules(ALL_TREES).items()
        for line, text in find_docstrings(module)
        if QUESTION_WORD.match(text)
    ]
    assert found == []


@pytest.mark.parametrize("suffix", [".sql", ".rollback.sql"])
def test_migration_numbers_are_unique(suffix: str) -> None:
    files = (ROOT / "schema/schema/migrations").glob("*.sql")
    names = [file.name for file in files if file.name.endswith(".rollback.sql") == (suffix == ".rollback.sql")]
    numbers = [name.partition(".")[0] for name in names]
    assert "0001" in numbers
    assert sorted(numbers) == sorted({f"{int(number):04}" for number in numbers})
