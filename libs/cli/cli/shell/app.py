"""Apps of commands, as every `commands.py` makes them."""

from typing import Any

import typer
from typer.core import TyperArgument, TyperOption


def new_app(help_text: str | None = None, *, panel: str, summary: str, order: int = 100) -> typer.Typer:
    """Return the app of one command, or with *help_text* of a group of commands.

    `equity --help` shows *summary* in the section *panel*; commands with a lower *order* come first. It reads the three from
    the source (`cli.registry`), so each must be a literal.
    """
    del panel, summary, order
    return new_subgroup(help_text)


def new_subgroup(help_text: str | None = None) -> typer.Typer:
    """Return an app that another app adds as a group of commands."""
    return typer.Typer(
        help=help_text, no_args_is_help=help_text is not None, add_completion=False, rich_markup_mode="markdown"
    )


def _option_value_name(self: TyperArgument | TyperOption, ctx: Any) -> str:
    """Return the word behind an option, such as `BROKER`. A flag takes no value, and an argument has a name already."""
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
    _parameter.display_type_rich = _option_value_name  # type: ignore[method-assign]
