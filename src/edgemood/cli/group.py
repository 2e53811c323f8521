"""What all commands share: options, how errors and interruptions end, and where the engine comes from."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from edgemood.cli.files import STDOUT, Given, naming
from edgemood.errors import ConfigError, EdgemoodError
from edgemood.shapes import shown

if TYPE_CHECKING:
    from edgemood.engine import Engine

F = TypeVar("F", bound=Callable[..., Any])

EXIT_FAILED = 1  # some files failed, or there is nothing to tell
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130  # as a shell reports SIGINT
EXIT_PIPE_CLOSED = 141  # as a shell reports SIGPIPE: the reader (head, less) has gone


class Group(click.Group):
    """Commands whose errors end in one line on stderr and a documented exit code, never in a traceback."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> NoReturn:
        """Run a command and exit."""
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):  # a terminal that cannot show a character gets it escaped
                stream.reconfigure(errors="backslashreplace")
        code = self._run(args, complete_var, **extra)
        _drop_what_cannot_be_written()
        sys.exit(code)

    def _run(self, args: Sequence[str] | None, complete_var: str | None, **extra: Any) -> int:
        try:
            code = super().main(args, "edgemood", complete_var, standalone_mode=False, **extra)
        except Exception as error:
            if _interrupted(error):
                return complain("interrupted", EXIT_INTERRUPTED)
            if not isinstance(error, (click.ClickException, EdgemoodError, OSError)):
                raise
            return complain(*_explained(error))
        return code if isinstance(code, int) else 0

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; end quietly where the reader of its output goes away."""
        try:
            result = super().invoke(ctx)
            with naming(STDOUT):
                sys.stdout.flush()
        except BrokenPipeError:
            return EXIT_PIPE_CLOSED
        return result


def _drop_what_cannot_be_written() -> None:
    """Send what is still in the buffers of a full disk or closed pipe nowhere: the flush at exit must not fail too."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _interrupted(error: BaseException | None) -> bool:
    """Whether it comes of KeyboardInterrupt: click makes an Abort of it, a native module being loaded ImportError."""
    while error and not isinstance(error, (click.Abort, KeyboardInterrupt)):
        error = error.__cause__ or error.__context__
    return error is not None


def _explained(error: Exception) -> tuple[str, int]:
    """Return what to say about an error, and the exit code."""
    if isinstance(error, click.ClickException):
        context = error.ctx if isinstance(error, click.UsageError) else None
        hint = f" (see {context.command_path} --help)" if context else ""
        return error.format_message().rstrip(".") + hint, error.exit_code
    if isinstance(error, OSError):
        where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, (str, bytes)) else ""
        return where + (error.strerror or str(error)), EXIT_FAILED
    return str(error), EXIT_USAGE if isinstance(error, ConfigError) else EXIT_FAILED


def say(text: str) -> None:
    """Print on stdout."""
    with naming(STDOUT):
        click.echo(text)


def complain(message: str, code: int = EXIT_FAILED) -> int:
    """Print one line on stderr and return the exit code."""
    _tell("error", message)
    return code


def warn(message: str) -> None:
    """Print one line on stderr about what does not change the exit code."""
    _tell("warning", message)


def _tell(kind: str, message: str) -> None:
    with suppress(OSError):  # where nobody hears it the exit code still says it
        click.echo(f"edgemood: {kind}: {printable(message)}", err=True)


def printable(text: str) -> str:
    """Return text that is safe on a terminal: one line, no control characters, odd bytes escaped."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in shown(text))


def example(*lines: str) -> str:
    """Return the examples that end a command's help."""
    return "\n".join(["\b", "Example:" if len(lines) == 1 else "Examples:", *(f"  {line}" for line in lines)])


def _remember(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    """Keep an option for `engine`; given to the command it wins over the same one given before the command."""
    if value is not None:
        ctx.obj = {**(ctx.obj or {}), param.name: value}


def library_option(command: F) -> F:
    """Add ``--library FILE``."""
    kind = Given(dir_okay=False)
    text = "Library file [default: EDGEMOOD_LIBRARY, or in the user's data folder]."
    return click.option("--library", type=kind, expose_value=False, callback=_remember, help=text)(command)


def model_option(command: F) -> F:
    """Add ``--model NAME``."""
    text = "Model bundle: a name that `edgemood models` lists, or a folder."
    return click.option("--model", metavar="NAME", type=Given(), expose_value=False, callback=_remember, help=text)(
        command
    )


def listener_option(command: F) -> F:
    """Add ``--listener NAME``."""
    text = "Who listens: each listener has a history and likings of their own."
    return click.option("--listener", metavar="NAME", expose_value=False, callback=_remember, help=text)(command)


offered_option = click.option(
    "--offered", is_flag=True, help="edgemood had chosen it: it says less of your mood than a song you picked."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")


def engine() -> Engine:
    """Open the engine on the library and model that the options name."""
    import edgemood

    settings = click.get_current_context().obj or {}
    who = {"listener": settings["listener"]} if "listener" in settings else {}
    return edgemood.open(settings.get("library"), settings.get("model", "default"), **who)
