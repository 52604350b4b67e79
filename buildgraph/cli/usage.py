"""Mistakes on the command line, said in the same shape as every other error."""

from __future__ import annotations

import click

from buildgraph.errors import UsageError, nearest


def as_usage_error(error: click.ClickException) -> UsageError:
    """What click found wrong, with the nearest right word."""
    context = getattr(error, "ctx", None)
    where = context.command_path if context is not None else "buildgraph"
    fix = f"see `{where} --help`"
    if isinstance(error, click.exceptions.NoSuchOption):
        options = [name for param in context.command.params for name in param.opts] if context is not None else []
        return UsageError(f"there is no option '{error.option_name}' of `{where}`", code="BG001", why="options are those of --help", fix=nearest(error.option_name, options) or fix)
    if isinstance(error, click.BadParameter) and not isinstance(error, click.MissingParameter):
        name = error.param.opts[0] if error.param is not None and error.param.opts else "an argument"
        problem = error.message.rstrip(".").replace("is not a valid integer range", "is not a whole number")
        return UsageError(f"'{name}' of `{where}`: {problem}", code="BG003", why="each option takes values of one kind", fix=fix)
    return UsageError(error.format_message().rstrip("."), code="BG004", where=f"`{where}`", why="the command line is read from left to right", fix=fix)


class SuggestingGroup(click.Group):
    """A group of commands that knows what was probably meant."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            raise UsageError(
                f"there is no command '{name}'", code="BG002", why=f"commands: {', '.join(self.list_commands(ctx))}", fix=nearest(name, self.list_commands(ctx)) or f"see `{ctx.command_path} --help`",
            )  # fmt: skip
        return super().resolve_command(ctx, args)
