"""The command that listens: live."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from types import FrameType
from typing import cast

import click

from edgemood import shapes
from edgemood.cli import text
from edgemood.cli.files import Given, naming
from edgemood.cli.group import EXIT_INTERRUPTED, engine, example, json_option, model_option, say, warn
from edgemood.errors import AudioError

_ENCODINGS = ("u8", "s16le", "s24le", "s32le", "f32le", "f64le")  # of `edgemood._pcm`, which --help need not load


@click.command(
    epilog=example(
        "edgemood live song.wav",
        "arecord -t raw -f S16_LE -r 48000 -c 2 | edgemood live --raw --rate 48000",
        "ffmpeg -i http://radio/stream -f wav - | edgemood live --json",
    )
)
@model_option
@json_option
@click.option("--raw", is_flag=True, help="Read bare samples without a WAV header.")
@click.option("--rate", type=click.IntRange(1_000, 1_000_000), help="Sample rate of --raw, in Hz.")
@click.option("--channels", type=click.IntRange(1, 64), help="Channels of --raw, interleaved [default: 2].")
@click.option("--format", "encoding", type=click.Choice(_ENCODINGS), help="Samples of --raw [default: s16le].")
@click.option(
    "--silence",
    type=float,
    default=-80.0,
    show_default=True,
    help="Peaks below this, in dB of full scale, are silence.",
)
@click.argument("file", metavar="[FILE]", type=Given(allow_dash=True), default="-")
@click.pass_context
def live(  # noqa: PLR0913 - options, all by name
    ctx: click.Context,
    *,
    file: str,
    as_json: bool,
    raw: bool,
    rate: int | None,
    channels: int | None,
    encoding: str | None,
    silence: float,
) -> None:
    """Tell the mood of sound while it plays, once a second.

    FILE, or standard input, is a WAV or (--raw) bare samples. The first score comes after 3 s; each is judged by what
    was heard up to then, at most half a minute (its context). Its latency runs from the arrival of the last sample it
    covers. Three seconds of silence have no mood, and what follows starts afresh. It ends with the stream, or at
    Ctrl-C with what it has.
    """
    if not raw and (rate, channels, encoding) != (None, None, None):
        raise click.UsageError("--rate, --channels and --format are for --raw: a WAV says them itself")
    if raw and rate is None:
        raise click.UsageError("--raw needs --rate")
    if not silence <= 0:  # as NaN is not
        raise click.BadParameter(f"{silence:g} is more than full scale, 0 dB", param_hint="'--silence'")
    if file == "-" and sys.stdin.isatty():
        raise click.UsageError("give a FILE, or pipe audio in")
    with engine() as judge, _opened(file) as stream:
        from edgemood._pcm import PcmFormat
        from edgemood.live import listen

        pcm = PcmFormat(rate, channels or 2, encoding or "s16le") if rate is not None else None
        model, heading = judge.model, not as_json
        with stream:
            try:
                for score in listen(stream, model, pcm, silence):
                    if heading:
                        say(text.live_heading(model.labels))
                        heading = False
                    say(shapes.line(shapes.live(score, model.id)) if as_json else text.live(score))
            except AudioError as error:
                if not stream.interrupted:  # else it is no wonder that something is missing
                    raise click.ClickException(f"{stream.name}: {error}") from error
    if stream.interrupted:
        ctx.exit(EXIT_INTERRUPTED)
    if pcm and (rest := stream.count % pcm.frame_bytes):
        needed = text.number(pcm.frame_bytes, "byte")
        warn(f"{stream.name}: ends in {text.number(rest, 'byte')} of a sample that takes {needed}: dropped")


@contextmanager
def _opened(file: str) -> Iterator[_Interruptible]:
    if file == "-":
        yield _Interruptible(cast(BufferedReader, sys.stdin.buffer), "standard input")
        return
    with Path(file).open("rb") as stream:
        yield _Interruptible(stream, file)


class _Interruptible:
    """A stream that ends where Ctrl-C is pressed, between two pieces of work; pressed again, it ends the program.

    Use it as a context manager, which takes SIGINT over.
    """

    def __init__(self, stream: BufferedReader, name: str) -> None:
        self.name = name
        self.interrupted = False
        self.count = 0  # bytes read so far
        self._stream, self._reading = stream, False

    def __enter__(self) -> _Interruptible:
        self._before = signal.signal(signal.SIGINT, self._interrupt)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def read1(self, size: int, /) -> bytes:
        """Return what there is; nothing once interrupted."""
        try:
            self._reading = True
            with naming(self.name):
                data = b"" if self.interrupted else self._stream.read1(size)
            self._reading = False
        except KeyboardInterrupt:
            self._reading = False
            return b""
        self.count += len(data)
        return data

    def _interrupt(self, signum: int, frame: FrameType | None) -> None:
        again, self.interrupted = self.interrupted, True
        if again or self._reading:
            raise KeyboardInterrupt
