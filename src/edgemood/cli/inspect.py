"""Commands that look at files without the library: mood, features, models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO

import click
import numpy as np

from edgemood import shapes
from edgemood.cli import text
from edgemood.cli.files import STDOUT, Given, OutFile, naming
from edgemood.cli.files import replace as write
from edgemood.cli.group import EXIT_FAILED, complain, engine, example, json_option, model_option, say
from edgemood.domain import FeatureSequence, SongAnalysis
from edgemood.errors import AudioError, BundleError, TooShortError
from edgemood.plot import SUFFIXES


@click.command(
    epilog=example(
        "edgemood mood song.flac --timeline",
        "edgemood mood song.ogg --plot mood.png",
        "edgemood mood --json ~/Music/*.mp3",
    )
)
@model_option
@json_option
@click.option("--timeline", is_flag=True, help="Show how the mood moves through the song.")
@click.option("--plot", type=OutFile(suffixes=SUFFIXES), metavar="PNG", help="Draw one song (.png, .svg or .pdf).")
@click.argument("files", metavar="FILE...", type=Given(), nargs=-1, required=True)
@click.pass_context
def mood(ctx: click.Context, files: tuple[str, ...], as_json: bool, timeline: bool, plot: str | None) -> None:
    """Tell the mood of songs, without keeping it.

    Files that cannot be read are named and the others go on; the exit code is then 1. With --json each file has its
    line, in the order given, always with its timeline. A mood that is more likely wrong than right (the best below 0.5)
    is called unsure.
    """
    if plot and len(files) > 1:
        raise click.UsageError("--plot draws one song: give one FILE")
    failures = 0
    with engine() as judge:
        for file, found in judge.analyse_each(files):
            if isinstance(found, SongAnalysis):
                lines = [shapes.line(shapes.song(file, found))] if as_json else text.song(file, found, timeline)
                say("\n".join(lines))
                if plot:
                    _plot(found, file, plot)
                continue
            failures += 1
            if as_json:
                say(shapes.line(shapes.failure(found)))
            else:
                complain(f"{file}: {found.error}")
    if failures:
        ctx.exit(EXIT_FAILED)


def _plot(analysis: SongAnalysis, file: str, out: str) -> None:
    from edgemood import plot

    title = analysis.tags.title or Path(file).name
    write(out, plot.song(analysis.mood, title, Path(out).suffix).content)


@click.command(
    epilog=example(
        "edgemood features song.wav --csv segments.csv", "edgemood features song.wav --frames --npz frames.npz"
    )
)
@click.option("--set", "set_name", default="lld50", show_default=True, help="Named set: lld50, lld84 or harmony.")
@click.option("--frames", is_flag=True, help="The set's descriptors frame by frame, instead of segments.")
@click.option("--csv", "csv_out", type=OutFile(dash=True), help="Write CSV [default: stdout].")
@click.option("--npz", "npz_out", type=OutFile(), help="Write NumPy arrays: values, names, start_s, end_s, ...")
@click.argument("file", metavar="FILE", type=Given())
def features(set_name: str, frames: bool, csv_out: str | None, npz_out: str | None, file: str) -> None:
    """Compute the descriptors of a file.

    There is one row a segment, or with --frames one a frame. CSV has a heading: start_s, end_s, then the names of the
    descriptors.
    """
    from edgemood import audio
    from edgemood import features as core

    if csv_out and npz_out:
        raise click.UsageError("give --csv or --npz, not both")
    names, config = core.set_names(set_name), core.set_config(set_name)
    if frames:
        names, config = _descriptors(names, core.functionals()), replace(config, output="frames")
    try:
        sequence = core.extract(audio.blocks(file, config.sample_rate), config, names)
        if not len(sequence.values):
            raise TooShortError(f"shorter than one {'frame' if frames else 'segment'}")
    except AudioError as error:
        raise click.ClickException(f"{file}: {error}") from error
    if npz_out:
        with naming(npz_out), Path(npz_out).open("wb") as out:
            np.savez(
                out,
                values=sequence.values,
                names=sequence.names,
                start_s=sequence.start_s,
                end_s=sequence.end_s,
                version=sequence.version,
                config=json.dumps(config.to_dict()),
            )
    else:
        csv_out = csv_out or "-"
        with naming(STDOUT if csv_out == "-" else csv_out), click.open_file(csv_out, "w") as stream:
            _write_csv(sequence, stream)


def _descriptors(columns: tuple[str, ...], functionals: tuple[str, ...]) -> tuple[str, ...]:
    """Return the descriptors under the columns of a segment set, each once: ``zcr`` of ``zcr_mean``, ``zcr_sd``."""

    def bare(column: str) -> str:
        ends = [name for name in functionals if column.endswith(f"_{name}")]
        return column.removesuffix(f"_{max(ends, key=len)}") if ends else ""  # a segment's own: no frame has it

    return tuple(name for name in dict.fromkeys(map(bare, columns)) if name)


def _write_csv(sequence: FeatureSequence, stream: IO[str]) -> None:
    def lines() -> Iterator[str]:
        yield ",".join(["start_s", "end_s", *sequence.names])
        for start, end, row in zip(sequence.start_s, sequence.end_s, sequence.values, strict=True):
            # 9 digits give every float32 back exactly.
            yield ",".join([f"{start:.6f}", f"{end:.6f}", *(f"{value:.9g}" for value in row)])

    stream.writelines(f"{line}\n" for line in lines())


@click.command(epilog=example("edgemood models", "edgemood models --json"))
@json_option
def models(as_json: bool) -> None:
    """List the model bundles.

    These ship with edgemood. Each is shown with its moods, size, measured accuracy, and whether it can be used here.
    """
    from edgemood.bundle import read_manifest
    from edgemood.mood import MODELS, available

    found = available()
    default = next((info.name for info in found if info.problem is None), None)
    for info in found:
        # A bundle without a version is one whose manifest could not be read.
        accuracy = read_manifest(MODELS / info.name).accuracy if info.version else {}
        described = (info, info.name == default, accuracy)
        say(shapes.line(shapes.model(*described)) if as_json else "\n".join(text.model(*described)))
    if default is None:
        raise BundleError("no model bundle can be used here" if found else "no model bundle is installed")
