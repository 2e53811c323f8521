"""Kills and power cuts while moods are written into files: each file is whole, as it was or as it should be."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import mutagen

import edgemood
from edgemood.errors import EdgemoodError
from edgemood.identity import content_hash
from edgemood.library import Library
from tools.faults import actors, corpus
from tools.faults.disks import Card, in_own_namespace
from tools.faults.powercut import cut_while
from tools.faults.report import CannotRunError, Tally

_FORMATS = (".flac", ".ogg", ".mp3", ".m4a", ".wav", ".wv", ".opus", ".wma")
_COMMAND = [sys.executable, "-m", "edgemood.cli", "tag"]


class _Music(NamedTuple):
    """Songs, and the library that has judged them."""

    folder: Path

    @property
    def library(self) -> Path:
        return self.folder / "library.db"

    @property
    def songs(self) -> list[Path]:
        return sorted(path for path in self.folder.iterdir() if path.suffix in _FORMATS)

    def hashes(self) -> dict[str, bytes]:
        """Hash the audio of each song."""
        return {song.name: content_hash(song) for song in self.songs}


def main(rounds: int, seed: int) -> list[Tally]:
    """Kill so often, and cut the power as often where that can be done."""
    in_own_namespace()
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="edgemood-faults-") as work:
        model = _made(Path(work) / "model")
        return [_kills(model, Path(work) / "kills", rounds, rng), _cuts(model, Path(work), rounds, rng)]


def _made(folder: Path) -> _Music:
    folder.mkdir()
    forms = [form for form in corpus.FORMATS if form.suffix in _FORMATS]
    for number in range(3 * len(forms)):
        corpus.write(folder, forms[number % len(forms)], number, 4.0)
    return _Music(folder)


def _scanned(music: _Music) -> _Music:
    with edgemood.open(music.library) as engine:
        report = engine.scan(music.folder, jobs=1)
    if report.failed or report.analysed != len(music.songs):
        raise CannotRunError(f"the music cannot be scanned: {report.failures}")
    return music


def _kills(model: _Music, folder: Path, rounds: int, rng: random.Random) -> Tally:
    tally = Tally("kill -9 of `edgemood tag`")
    shutil.copytree(model.folder, folder)
    music = _scanned(_Music(folder))
    before, audio = {song.name: _moods(song) for song in music.songs}, music.hashes()
    words = set(map(str, before.values()))
    for number in range(rounds):
        word = f"mood of round {number}"
        words.add(str([word]))
        program = subprocess.Popen(_command(music, word), stdout=subprocess.PIPE, text=True)
        time.sleep(rng.uniform(0.2, 0.8))
        program.kill()
        said = _written(program.communicate()[0].splitlines())
        tally.lost += [f"round {number}: {line}" for line in _wrong(music, audio, words, said, word)]
        tally.acknowledged += len(said)
        tally.rounds += 1
    subprocess.run([*_COMMAND, "--undo", "--library", music.library], check=True, stdout=subprocess.DEVNULL)
    if {song.name: _moods(song) for song in music.songs} != before:
        tally.lost.append("not all was taken back")
    tally.lost += [f"{file.name} was left" for file in folder.iterdir() if file.suffix == ".part"]
    return tally


def _cuts(model: _Music, work: Path, rounds: int, rng: random.Random) -> Tally:
    tally = Tally("power cuts while moods are written into files")
    card = Card(work)
    with card.prepared() as disk:
        shutil.copytree(model.folder, disk / "music")
        music = _scanned(_Music(disk / "music"))
        audio, words = music.hashes(), {str(_moods(song)) for song in music.songs}
    for number in range(rounds):
        word = f"mood of round {number}"
        with card.fresh() as disk:
            command = _command(_Music(disk / "music"), word)
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as program:
                said = _written(cut_while(program, card, rng, 0.2))
        try:
            with card.after() as disk:
                wrong = _wrong(_Music(disk / "music"), audio, {*words, str([word])}, said, word)
        except CannotRunError as error:
            wrong = [str(error)]
        tally.lost += [f"round {number}: {line}" for line in wrong]
        tally.acknowledged += len(said)
        tally.rounds += 1
    return tally


def _command(music: _Music, word: str) -> list[str]:
    return [*_COMMAND, "--all", "--overwrite", "--unsure", "--json", "--format", word, "--library", str(music.library)]


def _written(lines: Sequence[str]) -> list[str]:
    """Names of the files that were said to be written; what was cut off in the middle of a line was not said."""
    done = (json.loads(line) for line in lines if line.endswith("}"))
    return [Path(one["path"]).name for one in done if one["result"] == "written"]


def _wrong(music: _Music, audio: dict[str, bytes], words: set[str], said: Sequence[str], word: str) -> list[str]:
    """Say what is not as it was, as it should be, or as was promised."""
    wrong = []
    found = {song.name: str(_moods(song)) for song in music.songs}
    for name, digest in audio.items():
        if name not in found:
            wrong.append(f"{name} is gone")
        elif content_hash(music.folder / name) != digest:
            wrong.append(f"the audio of {name} was changed")
        elif found[name] not in words:
            wrong.append(f"{name} says {found[name]}")
        elif name in said and found[name] != str([word]):
            wrong.append(f"{name} was said to be written, and says {found[name]}")
    try:
        with Library.open(music.library, create=False) as library:
            return wrong + actors.whole_file(library)
    except EdgemoodError as error:
        return [*wrong, str(error)]


def _moods(song: Path) -> list[str]:
    """Read the mood out of a file as mutagen finds it, whatever the format."""
    tags = mutagen.File(song).tags or {}
    for name in ("TMOO", "MOOD", "mood", "Mood", "WM/Mood", "----:com.apple.iTunes:MOOD"):
        if name in tags:
            values = tags[name] if isinstance(tags[name], list) else getattr(tags[name], "text", None) or [tags[name]]
            return [bytes(value).decode() if isinstance(value, bytes) else str(value) for value in values]
    return []
