"""Guides of docs/guides, followed to the letter in a copy of the repository."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_NAMED_FILE = re.compile(r"`([\w./-]+\.(?:py|typed|sql|toml|ya?ml|json|md))`")
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
GENERATORS = ("./dev docs", "./dev queries")
_LINT, _TEST = "./dev lint", "./dev test "
_PROGRAMS = {
    "test": ("-m", "pytest", "-q", "-p", "no:cacheprovider"),
    "docs": ("-m", "documents", "write"),
    "queries": ("-m", "typed_queries"),
    "equity": ("-c", "from cli.main import main; main()"),
}
_LINT_PROGRAMS = [
    [sys.executable, "-m", "ruff", "check", "."],
    [sys.executable, "-m", "ruff", "format", "--check", "."],
    [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"],
]
_NEW_FILE, _CHANGE, _COMMANDS = "file", "change", "commands"


class GuideError(AssertionError):
    """A guide that does not fit the repository."""


@dataclass(frozen=True, slots=True)
class GuideStep:
    """A new file, a change of a file, or shell commands."""

    kind: str
    text: str
    file: str = ""


@dataclass(frozen=True, slots=True)
class Guide:
    """Steps of a guide, and the commands of its section "Check"."""

    steps: tuple[GuideStep, ...]
    checks: tuple[str, ...]


def read_guide(page: Path) -> Guide:
    """Return the guide on *page*."""
    steps, _, rest = page.read_text().partition("\n## Check\n")
    checks = _FENCE.search(rest)
    return Guide(tuple(_read_steps(steps)), tuple(checks[2].splitlines()) if checks else ())


def _read_steps(text: str) -> Iterator[GuideStep]:
    """Yield the steps of *text*. A block belongs to the file named last in the paragraph before it, or to that of the block before."""
    file, end = "", 0
    for block in _FENCE.finditer(text):
        paragraph = text[end : block.start()].strip().split("\n\n")[-1]
        if named := _NAMED_FILE.findall(paragraph):
            file = named[-1]
        end = block.end()
        if block[1] == "sh":
            yield GuideStep(_COMMANDS, block[2])
        else:
            yield GuideStep(_CHANGE if block[1] == "diff" else _NEW_FILE, block[2], file)


class GuidedCopy:
    """Copy of the repository in which guides are followed. Its packages come before the installed ones."""

    def __init__(self, directory: Path, environment: dict[str, str]) -> None:
        self.directory = directory
        self._given_environment = environment
        listed = subprocess.check_output(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, text=True)
        for name in listed.splitlines():
            if (ROOT / name).is_file():
                (directory / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, directory / name)
        subprocess.run(["git", "init", "--quiet"], cwd=directory, check=True)
        subprocess.run(["git", "add", "--all"], cwd=directory, check=True)
        self._migrations: dict[str, int] = {}

    def follow(self, *names: str) -> None:
        """Take all steps of the guides *names*, and then run their checks. Raises GuideError where one fails.

        Generators, tests and lint run once for all of these guides, because each start takes seconds.
        """
        guides = [read_guide(ROOT / "docs" / "guides" / name) for name in names]
        commands = [command for guide in guides for step in guide.steps for command in self._take(step)]
        for command in dict.fromkeys(commands):
            self.run(command)
        subprocess.run(["git", "add", "--all"], cwd=self.directory, check=True)
        for command in _merge_checks([command for guide in guides for command in guide.checks]):
            self.run(command)

    def _take(self, step: GuideStep) -> list[str]:
        """Take *step*. Return the generators that it names, which may run later."""
        if step.kind == _COMMANDS:
            commands = re.sub(r"\\\n\s*", "", step.text).splitlines()
            generators = [command for command in commands if command in GENERATORS]
            for command in commands:
                if command not in GENERATORS:
                    self.run(command)
            return generators
        file = self._find_file(step.file)
        if step.kind == _CHANGE:
            file.write_text(apply_change(file.read_text(), step.text))
        elif file.exists():
            raise GuideError(f"{step.file} exists already: choose another example for the guide")
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(step.text)
        return []

    def _find_file(self, name: str) -> Path:
        """Return the file *name*. `NNNN` is the next free number of a migration, the same for its rollback."""
        if "NNNN" in name:
            subject = name.split(".")[1]
            existing = (self.directory / "schema/schema/migrations").glob("*.sql")
            free = max(int(file.name[:4]) for file in existing) + 1
            name = name.replace("NNNN", f"{self._migrations.setdefault(subject, free):04}")
        return self.directory / name

    def run(self, command: str) -> None:
        """Run one command of a guide. `./dev` is translated, because it would create another `.venv`."""
        words = shlex.split(command)
        for arguments in _translate(words):
            done = subprocess.run(
                arguments, cwd=self.directory, env=self._environment(), capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise GuideError(f"{command} failed:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")

    def _environment(self) -> dict[str, str]:
        places = ("libs/*", "services/*", "schema", "sandbox", "tests", "deploy/local", "tools")
        paths = [str(path) for place in places for path in sorted(self.directory.glob(place))]
        return os.environ | self._given_environment | {"PYTHONPATH": os.pathsep.join([*self._metadata(), *paths])}

    def _metadata(self) -> list[str]:
        """Write the metadata of packages that are not installed, as `./dev setup` would, and return their folder."""
        site = self.directory / ".site"
        for file in self.directory.glob("services/*/pyproject.toml"):
            if (ROOT / file.relative_to(self.directory)).exists():
                continue
            project = tomllib.loads(file.read_text())["project"]
            folder = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "METADATA").write_text(
                f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
            )
            groups = project.get("entry-points", {})
            lines = [f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in groups[group].items()) for group in groups]
            (folder / "entry_points.txt").write_text("\n".join(lines))
        return [str(site)]


def apply_change(text: str, change: str) -> str:
    """Return *text* with *change*: lines that begin with a space stay, those with - go, those with + come.

    Raises GuideError unless the place of the change occurs exactly once.
    """
    lines = change.splitlines(keepends=True)
    before = "".join(line[1:] or "\n" for line in lines if line[0] in " -\n")
    after = "".join(line[1:] or "\n" for line in lines if line[0] in " +\n")
    if text.count(before) != 1:
        raise GuideError(f"this place occurs {text.count(before)} times:\n{before}")
    return text.replace(before, after)


def _merge_checks(commands: Sequence[str]) -> list[str]:
    """Return *commands* with all tests in one run, and lint once."""
    tests = [command.removeprefix(_TEST) for command in commands if command.startswith(_TEST)]
    others = [command for command in commands if not command.startswith((_TEST, _LINT))]
    return [_LINT, *([_TEST + " ".join(tests)] if tests else []), *others]


def _translate(words: list[str]) -> list[list[str]]:
    """Return the programs behind a command of `./dev`, or the command itself.

    Lint is without mypy, which takes a minute, and without generated documents, because guides generate them. A service is
    not run, because it would not end.
    """
    match words:
        case ["./dev", "lint"]:
            return _LINT_PROGRAMS
        case ["./dev", "equity", "run", *_]:
            return []
        case ["./dev", name, *arguments]:
            return [[sys.executable, *_PROGRAMS[name], *arguments]]
    return [words]
