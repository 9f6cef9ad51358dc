"""Tables of all settings, generated from the settings classes of the product."""

import types
from collections.abc import Iterator
from decimal import Decimal
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import AliasChoices, SecretStr
from pydantic.fields import FieldInfo

from cli.shell.settings import CliSettings
from common.mail.settings import MailSettings
from common.settings import Settings
from common.vendors.instantly import InstantlySettings
from documents.markdown import build_table, list_names
from sandbox.settings import SandboxSettings

ROOT = Path(__file__).parents[2]
TYPE_WORDS: dict[Any, str] = {
    bool: "`true` or `false`",
    int: "integer",
    float: "number",
    Decimal: "number",
    str: "text",
    Path: "path",
    SecretStr: "**secret**",
}


class UndescribedSettingError(ValueError):
    """A setting without a description."""


def find_settings_classes() -> dict[str, type[Settings]]:
    """Return the settings classes by title: the shared ones, that of each service, the command line's, the sandbox's."""
    services = sorted(file.parent.name for file in ROOT.glob("services/*/*/settings.py"))
    modules = (import_module(f"{service}.settings") for service in services)
    own = {service: _find_class(module) for service, module in zip(services, modules, strict=True)}
    return {
        "All services": Settings,
        "Services that call Instantly": InstantlySettings,
        "Services that send mails": MailSettings,
        **own,
        "Command line": CliSettings,
        "Sandbox": SandboxSettings,
    }


def build_settings_tables() -> str:
    """Return one section for each class, with a table of the settings that it declares itself."""
    return "\n\n".join(_build_section(title, found) for title, found in find_settings_classes().items())


def _find_class(module: types.ModuleType) -> type[Settings]:
    [found] = [value for value in vars(module).values() if _is_settings_class(value, module)]
    return found  # type: ignore[no-any-return]


def _is_settings_class(value: object, module: types.ModuleType) -> bool:
    return isinstance(value, type) and issubclass(value, Settings) and value.__module__ == module.__name__


def _build_section(title: str, settings: type[Settings]) -> str:
    heading = title if title[0].isupper() else f"Service {title}"
    rows = (_build_row(name, settings.model_fields[name]) for name in _own_fields(settings))
    return f"## {heading}\n\n{build_table(('variable', 'type', 'default', 'meaning'), rows)}"


def _own_fields(settings: type[Settings]) -> Iterator[str]:
    return (name for name in settings.model_fields if name in settings.__annotations__)


def _build_row(name: str, field: FieldInfo) -> tuple[str, ...]:
    if not field.description:
        raise UndescribedSettingError(f"the setting {name} needs a description in its class")
    return f"`{variable_name(name, field)}`", describe_type(field), describe_default(field), field.description


def variable_name(name: str, field: FieldInfo) -> str:
    """Return the environment variable of a field."""
    alias = field.validation_alias
    return str(alias.choices[0] if isinstance(alias, AliasChoices) else alias or name).upper()


def describe_type(field: FieldInfo) -> str:
    """Return the type of a setting and its limits in words."""
    kind = _without_none(field.annotation)
    if get_origin(kind) is Literal:
        return list_names(get_args(kind))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return list_names([member.value for member in kind])
    if _is_url(field):
        return "URL"
    return ", ".join([TYPE_WORDS[kind], *_describe_limits(field)])


def describe_default(field: FieldInfo) -> str:
    """Return the default of a setting as one would write it in the environment, or "none"."""
    value = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
    match value:
        case None | "":
            return "none"
        case bool():
            return f"`{str(value).lower()}`"
        case Enum():
            return f"`{value.value}`"
        case _:
            return f"`{value}`"


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, types.UnionType):
        [annotation] = [part for part in get_args(annotation) if part is not types.NoneType]
    if get_origin(annotation) is not None and hasattr(annotation, "__metadata__"):
        return annotation.__origin__
    return annotation


def _is_url(field: FieldInfo) -> bool:
    return any(str(getattr(rule, "pattern", None)).startswith("^https?://") for rule in field.metadata)


def _describe_limits(field: FieldInfo) -> Iterator[str]:
    for rule in field.metadata:
        match rule:
            case annotated_types.Ge(ge=low):
                yield f"at least {low}"
            case annotated_types.Gt(gt=low):
                yield f"above {low}"
            case annotated_types.Le(le=high):
                yield f"at most {high}"
