"""A command group that imports a command's module only when that command is run, so that `--help` is quick."""

import importlib
from dataclasses import dataclass
from typing import Any, ClassVar

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.main import get_command


def _value_in_words(self: TyperArgument | TyperOption, ctx: Any) -> str:
    """What to write behind an option, such as `BROKER`; a flag takes nothing, and an argument is named already."""
    if isinstance(self, TyperArgument) or self.is_flag:
        return ""
    if self.metavar is not None:
        return self.metavar
    kind = self.type_descriptor
    if kind.is_choice:
        return self.display_type(ctx).strip("<>")
    return "NUMBER" if kind.is_ranged or kind.annotation in (int, float) else "TEXT"


# Typer shows the types of Python there (`<int range>`, `<list[datetime]>`) and has no setting for it.
for _parameter in (TyperArgument, TyperOption):
    _parameter.display_type_rich = _value_in_words  # type: ignore[method-assign]


@dataclass(frozen=True, slots=True)
class Entry:
    """One command as the overview shows it."""

    panel: str
    summary: str


def new_app(help_text: str | None = None) -> typer.Typer:
    """The app of one command, or with *help_text* of a group of commands."""
    return typer.Typer(
        help=help_text, no_args_is_help=help_text is not None, add_completion=False, rich_markup_mode="markdown"
    )


class LazyGroup(TyperGroup):
    """A group whose commands stand in `entries`; command `x` is `cli.commands.x.app`."""

    entries: ClassVar[dict[str, Entry]] = {}

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {
            name: TyperCommand(name, help=entry.summary, rich_help_panel=entry.panel)
            for name, entry in self.entries.items()
        }

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The real command: called only when one was named."""
        name, stub, rest = super().resolve_command(ctx, args)
        return name, self._load(name) if stub is not None and name else stub, rest

    @staticmethod
    def _load(name: str) -> Any:
        app: typer.Typer = importlib.import_module(f"cli.commands.{name}").app
        command = get_command(app)
        command.name = name
        return command
