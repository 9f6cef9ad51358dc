"""Checks of settings: values that cannot be read, variables that no class reads, and files with secrets that others can read."""

import difflib
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import AliasChoices, ValidationError
from pydantic.fields import FieldInfo

from cli.diagnostics import Finding, S, ServiceDiagnostics
from cli.shell.settings import CliSettings
from common.settings import Settings

CHECK = "settings"
SECRET_FILES = (Path(".env"), Path(".local/env"))
"""Files of this directory that hold secrets, where they exist."""
_SIMILARITY = 0.88
"""Similarity, from 0 to 1, from which an unknown variable is taken for a misspelt one."""
_FURTHER_VARIABLES = {"SECRETS_DIR", "EQUITY_DEBUG", "EQUITY_COMMAND"}
_OTHERS_CAN_READ = 0o077


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """Settings that could be read, and a finding for each value that could not."""

    command_line: CliSettings | None
    services: Mapping[str, Settings]
    findings: Sequence[Finding]


def load_settings(diagnostics: Mapping[str, ServiceDiagnostics[Any]]) -> LoadedSettings:
    """Read the settings of the command line and of each service."""
    findings = dict[str, Finding]()

    def attempt(read: Callable[[], S]) -> S | None:
        try:
            return read()
        except ValidationError as error:
            findings.update({finding.text: finding for finding in _list_unreadable(error)})
            return None

    command_line = attempt(CliSettings)
    services = {name: attempt(partial(parts.settings.for_service, name)) for name, parts in diagnostics.items()}
    readable = {name: settings for name, settings in services.items() if settings is not None}
    return LoadedSettings(command_line, readable, list(findings.values()))


def _list_unreadable(error: ValidationError) -> Iterator[Finding]:
    """Yield one finding for each value, with its name and the rule, never with the value."""
    for problem in error.errors(include_input=False, include_context=False):
        name = "_".join(map(str, problem["loc"])).upper()
        yield Finding.problem(CHECK, f"{name}: {problem['msg']}", f"Correct {name}; docs/settings.md lists its values.")


def check_variables(diagnostics: Mapping[str, ServiceDiagnostics[Any]], services: Iterable[str]) -> Iterator[Finding]:
    """Yield findings about the variables of this process, and the services that declare none."""
    for service in services:
        if service not in diagnostics:
            advice = "Install it again; docs/guides/adding-a-command.md says how a service declares its diagnostics."
            yield Finding.warning(CHECK, f"{service} declares no diagnostics, so its settings are not checked", advice)
    kinds: list[type[Settings]] = [*(parts.settings for parts in diagnostics.values()), CliSettings]
    known = {name for kind in kinds for name in list_variables(kind)} | _FURTHER_VARIABLES
    yield from find_unknown_variables(_list_given_names(), known, tuple(diagnostics))


def list_variables(kind: type[Settings]) -> Iterator[str]:
    """Yield the names of the variables that *kind* reads."""
    for name, field in kind.model_fields.items():
        yield from (str(variable).upper() for variable in (name, *_aliases(field)))


def _aliases(field: FieldInfo) -> Collection[object]:
    alias = field.validation_alias
    return alias.choices if isinstance(alias, AliasChoices) else (alias,) if alias else ()


def _list_given_names() -> list[str]:
    """Return the names of environment variables, and of files in SECRETS_DIR."""
    directory = os.environ.get("SECRETS_DIR")
    files = [file.name for file in Path(directory).iterdir()] if directory and Path(directory).is_dir() else []
    return sorted({name.upper() for name in (*os.environ, *files)})


def find_unknown_variables(given: Iterable[str], known: Collection[str], services: Iterable[str]) -> Iterator[Finding]:
    """Yield a warning for each variable that resembles a setting, or has a service's prefix, and that no class reads."""
    prefixes = tuple(f"{service.upper()}_" for service in services)
    logins = {f"{prefix}DATABASE_{part}" for prefix in prefixes for part in ("URL", "PASSWORD")}
    for name in given:
        if name in known or name in logins or name.startswith("SANDBOX_"):
            continue
        similar = difflib.get_close_matches(name, known, 1, _SIMILARITY)
        if similar:
            yield Finding.warning(CHECK, f"{name} is no setting", f"Did you mean {similar[0]}?")
        elif name.startswith(prefixes):
            yield Finding.warning(CHECK, f"{name} is no setting", "Remove it, or correct its name: docs/settings.md.")


def check_secret_files(files: Iterable[Path] = SECRET_FILES) -> Iterator[Finding]:
    """Yield a finding for each file with secrets: whether only its owner can read it."""
    for file in files:
        if not file.is_file():
            continue
        mode = file.stat().st_mode & 0o777
        if mode & _OTHERS_CAN_READ:
            yield Finding.problem("secrets", f"other users can use {file} (mode {mode:o})", f"chmod 600 {file}")
        else:
            yield Finding.ok("secrets", f"only its owner can read {file}")
