"""Audio of EMOPIA's MIDI clips: ``python -m converters.render --data DIR --out DIR``.

DIR/emopia of ``--data`` holds ``midis.zip`` and the three tables of the official split; ``--out``, which may be the
same folder, gets ``emopia/`` with the tables and ``audio/*.flac``, ready to be a ``--data`` folder itself. Needs
fluidsynth and a General MIDI soundfont (Debian: fluidsynth and fluid-soundfont-gm or timgm6mb-soundfont).

Clips are kept as FLAC: less than half the size of WAV, by the library that is there anyway, and without the marks of a
lossy codec, which augmentation can add but nothing can take away. What is already rendered is not rendered again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soundfile
from tqdm import tqdm

from converters import datasets, midi

#: Where Debian's packages put their soundfonts; the first that is there is taken.
SOUNDFONTS = tuple(
    Path("/usr/share/sounds") / name
    for name in ("sf2/FluidR3_GM.sf2", "sf2/TimGM6mb.sf2", "sf2/default-GM.sf2", "sf3/default-GM.sf3")
)
TIMEOUT_S = 600
#: A rendering whose peak is below this is silence: the soundfont could not be read, or has no such instrument.
SILENCE = 1e-3


class RenderError(RuntimeError):
    """What keeps clips from being rendered."""


@dataclass(frozen=True)
class Settings:
    """Everything that decides the audio of a folder, besides the MIDI files. soundfont: its name and a digest."""

    soundfont: str
    program: int | None
    gain: float
    sample_rate: int


def command(fluidsynth: str, soundfont: Path, settings: Settings, source: Path, target: Path) -> list[str]:
    """The command that renders the MIDI file `source` to the WAV file `target`, without sound card or shell."""
    how = ["-g", str(settings.gain), "-r", str(settings.sample_rate), "-F", str(target)]
    return [fluidsynth, "-ni", "-q", *how, str(soundfont), str(source)]


def render(command_for: Sequence[str], wav: Path, target: Path) -> None:
    """Run a command that writes `wav` and keep what it wrote, mixed down, as FLAC at `target`.

    Raises
    ------
    RenderError
        The command fails, takes longer than `TIMEOUT_S`, or writes nothing that can be heard.
    """
    try:
        done = subprocess.run(command_for, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise RenderError(f"{target.stem}: fluidsynth did not end within {TIMEOUT_S} s") from None
    said = (done.stderr.strip() or done.stdout.strip() or "nothing")[-300:]
    if done.returncode or not wav.is_file():
        raise RenderError(f"{target.stem}: fluidsynth ended with status {done.returncode} and said: {said}")
    samples, sample_rate = soundfile.read(wav, dtype="float32", always_2d=True)
    if not len(samples) or np.abs(samples).max() < SILENCE:
        raise RenderError(f"{target.stem}: the rendering is silent; fluidsynth said: {said}")
    draft = target.with_suffix(".part")
    soundfile.write(draft, samples.mean(1), sample_rate, format="FLAC", subtype="PCM_16")
    draft.replace(target)


def render_all(source: Path, target: Path, settings: Settings, tools: tuple[str, Path], jobs: int = 1) -> int:
    """Render what is missing of EMOPIA; how many clips that was.

    Parameters
    ----------
    source
        Holds ``midis.zip``, ``train.csv``, ``val.csv`` and ``test.csv``.
    target
        Gets the tables and the folder of the audio.
    settings
        How to render. Audio in `target` must be of the same settings.
    tools
        The fluidsynth command and the soundfont.
    jobs
        Clips rendered at the same time.

    Raises
    ------
    RenderError, DataError, MidiError
        Something is missing or unusable; what was rendered before stays.
    """
    pieces = datasets.emopia_pieces(source)
    archive_file = source / "midis.zip"
    if not zipfile.is_zipfile(archive_file):
        raise RenderError(f"{archive_file} is missing or no zip archive")
    folder = target / datasets.emopia_names(settings.program)[1]
    _claim(folder, settings)
    for split in datasets.SPLITS:
        if source.resolve() != target.resolve():
            shutil.copyfile(source / f"{split}.csv", target / f"{split}.csv")
    with zipfile.ZipFile(archive_file) as archive:
        members = {Path(name).stem: name for name in archive.namelist() if name.endswith(".mid")}
        if absent := [piece.name for piece in pieces if piece.name not in members]:
            raise RenderError(f"{archive_file} lacks {len(absent)} clips of the tables, the first {absent[0]}")
        missing = [piece.name for piece in pieces if not (folder / f"{piece.name}.flac").is_file()]
        contents = {name: archive.read(members[name]) for name in missing}

    program = settings.program

    def one(name: str) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            score, wav = Path(scratch) / "clip.mid", Path(scratch) / "clip.wav"
            try:
                score.write_bytes(contents[name] if program is None else midi.with_program(contents[name], program))
            except midi.MidiError as error:
                raise RenderError(f"{name}.mid: {error}") from None
            render(command(*tools, settings, score, wav), wav, folder / f"{name}.flac")

    with ThreadPoolExecutor(jobs) as pool:
        waiting = [pool.submit(one, name) for name in missing]
        try:
            for future in tqdm(waiting, desc="clips", disable=None):
                future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return len(missing)


def _claim(folder: Path, settings: Settings) -> None:
    """Make the folder of the audio, or see that what is in it was rendered alike."""
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / "render.json"
    begun = note.is_file() and any(folder.glob("*.flac"))
    if begun and json.loads(note.read_text(encoding="utf-8")) != asdict(settings):
        raise RenderError(f"{folder} holds audio of other settings (see {note}): remove it or choose another --out")
    note.write_text(json.dumps(asdict(settings), indent=1) + "\n", encoding="utf-8")


def find_tools(soundfont: Path | None) -> tuple[str, Path]:
    """The fluidsynth command and the soundfont: the one given, or the first of `SOUNDFONTS` that is there.

    Raises
    ------
    RenderError
        One of them is missing.
    """
    fluidsynth = shutil.which("fluidsynth")
    if fluidsynth is None:
        raise RenderError("fluidsynth is not installed (Debian: apt install fluidsynth)")
    found = soundfont or next((path for path in SOUNDFONTS if path.is_file()), None)
    if found is None:
        raise RenderError("no soundfont: apt install fluid-soundfont-gm, or name one with --soundfont")
    if not found.is_file():
        raise RenderError(f"there is no soundfont {found}")
    return fluidsynth, found


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and render."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds emopia/")
    parser.add_argument("--out", type=Path, required=True, help="where emopia/ with the audio goes")
    parser.add_argument("--soundfont", type=Path, help="an SF2 or SF3 file, if not one of Debian's")
    parser.add_argument(
        "--program",
        type=int,
        choices=midi.PROGRAMS,
        metavar="0-127",
        help="General MIDI program that plays all (0 grand piano, 48 strings, ...); goes into a folder of its own. "
        "Without it the files' own instrument plays",
    )
    parser.add_argument("--gain", type=float, default=0.6, help="of the synthesizer")
    parser.add_argument("--sample-rate", type=int, default=22_050, help="in Hz")
    parser.add_argument("--jobs", type=int, default=1, help="clips rendered at the same time")
    options = parser.parse_args(arguments)
    try:
        tools = find_tools(options.soundfont)
        name = f"{tools[1].name} {hashlib.sha256(tools[1].read_bytes()).hexdigest()[:12]}"
        settings = Settings(name, options.program, options.gain, options.sample_rate)
        target = options.out / "emopia"
        count = render_all(options.data / "emopia", target, settings, tools, options.jobs)
    except (RenderError, datasets.DataError) as error:
        parser.error(str(error))
    print(f"{count} clips rendered to {target / datasets.emopia_names(options.program)[1]}")


if __name__ == "__main__":
    main()
