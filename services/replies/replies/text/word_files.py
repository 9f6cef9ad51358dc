"""Reader of the files of words and patterns beside this module."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from common.yaml_text import load_yaml_text

_SET_NAME = re.compile(r"\{([a-z_]+)\}")


def read_word_file(name: str) -> dict[str, Any]:
    """Return the content of the file *name*."""
    content: dict[str, Any] = load_yaml_text(Path(__file__).with_name(name).read_text(encoding="utf-8"))
    return content


def insert_sets(pattern: str, sets: Mapping[str, str]) -> str:
    """Return *pattern* with `{name}` replaced by the set of that name. Raises KeyError for an unknown name."""
    return _SET_NAME.sub(lambda name: sets[name.group(1)], pattern)


def compile_patterns(patterns: Iterable[str], sets: Mapping[str, str] | None = None) -> list[re.Pattern[str]]:
    """Return *patterns*, each compiled with its sets; `^` and `$` match at lines. Raises re.error for a wrong one."""
    return [re.compile(insert_sets(pattern, sets or {}), re.MULTILINE) for pattern in patterns]
