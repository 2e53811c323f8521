"""Names of files that the command line is given, and what is written to them."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

STDOUT = "standard output"


class Given(click.Path):
    """A name that is not empty, as it is where a shell's variable was not set."""

    def __init__(self, **checks: Any) -> None:
        super().__init__(readable=False, **checks)  # who reads the file says better what is wrong with it

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the name as it was given."""
        if not value:
            self.fail("the name is empty", param, ctx)
        return super().convert(value, param, ctx)


class OutFile(Given):
    """A file to write: ``-`` for stdout only where `dash` says so, and with one of `suffixes` where there are any."""

    def __init__(self, dash: bool = False, suffixes: tuple[str, ...] = ()) -> None:
        super().__init__(dir_okay=False, allow_dash=dash)
        self.suffixes = suffixes

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the name as it was given."""
        if value == "-" and not self.allow_dash:
            self.fail("this cannot be written to stdout: name a file", param, ctx)
        if value and self.suffixes and Path(value).suffix.lower() not in self.suffixes:
            self.fail(f"{value!r} has to end in one of {' '.join(self.suffixes)}", param, ctx)
        return super().convert(value, param, ctx)


@contextmanager
def naming(file: str) -> Iterator[None]:
    """Have an OSError name `file`: what fails while it is being written knows only a descriptor."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), file) from error


def replace(file: str, content: bytes) -> None:
    """Write all of a file or nothing: somebody may be reading the one that is there, which also keeps its mode."""
    with naming(file):
        target = Path(os.path.realpath(file))
        if target.exists() and not target.is_file():  # a pipe or device
            target.write_bytes(content)
            return
        part = target.with_name(f".{secrets.token_hex(4)}")  # short: the target's name may be as long as names can be
        try:
            with part.open("xb") as stream:
                stream.write(content)
            if target.exists():
                part.chmod(target.stat().st_mode & 0o7777)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
