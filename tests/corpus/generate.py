"""Generator of the corpus: writes each file, and beside it the result that is expected of it.

    PYTHONPATH=tests python -m corpus.generate FOLDER

The same seed gives the same bytes.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import yaml

from corpus.expected import ExpectedResult
from corpus.export import ExportFile
from corpus.homes import HomeMaker
from corpus.tools import (
    appraisal,
    assessor,
    assessor_report,
    batch,
    broken,
    crm,
    datatree,
    dealmachine,
    generic,
    listsource,
    melissa,
    parcels,
    propertyradar,
    propstream,
    reisift,
    skip_trace,
)

SEED = 12
_TOOLS = (
    propstream, batch, propertyradar, dealmachine, reisift, listsource, melissa, datatree, assessor, assessor_report, crm,
    skip_trace, generic, broken, parcels, appraisal,
)  # fmt: skip
_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def corpus_files(seed: int = SEED) -> Iterator[ExportFile]:
    """Yield the files of the corpus, always in the same order."""
    make = HomeMaker(seed)
    for tool in _TOOLS:
        yield from tool.files(make)


def expectation_path(file: Path) -> Path:
    """Return the path of the expected result of *file*."""
    return file.with_name(f"{file.name}.expected.yaml")


def write_corpus(folder: Path, seed: int = SEED) -> list[Path]:
    """Write the corpus to *folder*, and return the paths of its files without those of the expectations."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for file in corpus_files(seed):
        path = folder / file.name
        path.write_bytes(file.content())
        expectation_path(path).write_text(_as_yaml(file.expected()), encoding="utf-8")
        paths.append(path)
    return paths


def read_expectation(file: Path) -> ExpectedResult:
    """Return the expected result of *file*, checked."""
    return ExpectedResult.model_validate(yaml.safe_load(expectation_path(file).read_text(encoding="utf-8")))


def _as_yaml(result: ExpectedResult) -> str:
    shown = result.model_dump(exclude_defaults=True)
    return str(yaml.dump(shown, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=140))


def main() -> None:
    """Write the corpus to the folder that the command line names."""
    parser = argparse.ArgumentParser(description="Write the corpus of files and expected results.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    write_corpus(arguments.folder, arguments.seed)


if __name__ == "__main__":
    main()
