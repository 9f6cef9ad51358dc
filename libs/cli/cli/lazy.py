"""A command group that imports a command's module only when that command is run, so that `--help` is quick."""

import importlib
from dataclasses import dataclass
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command


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
