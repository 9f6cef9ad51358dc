"""A command group that imports a command's module only when that command is run, so that `--help` is quick."""

from typing import Any

from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

import cli.shell.app  # noqa: F401 - it sets how Typer shows the values of options
from cli import registry


class LazyCommandGroup(TyperGroup):
    """Group of all installed commands (`cli.registry`). A stub with its summary represents each until it is run."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {name: TyperCommand(name) for name in registry.command_names()}

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the commands in the order of `equity --help`."""
        del ctx
        return sorted(self.commands, key=lambda name: registry.summarize_command(name).position)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a stub of the command with its summary; None where there is no such command."""
        del ctx
        if cmd_name not in self.commands:
            return None
        shown = registry.summarize_command(cmd_name)
        return TyperCommand(cmd_name, help=shown.summary, rich_help_panel=shown.panel)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Replace the stub of the command that was named by the command itself."""
        name, stub, rest = super().resolve_command(ctx, args)
        return name, load_command(name) if stub is not None and name else stub, rest


def load_command(name: str) -> Any:
    """Import the command *name* and return it, ready to run."""
    command = get_command(registry.load_command_app(name))
    command.name = name
    return command
