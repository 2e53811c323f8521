"""The demo runs on any folder of at least six songs, and says so where there are fewer."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import audio_files
import pytest

DEMO = Path(__file__).parents[1] / "examples" / "demo.py"


def demo(folder: Path, where: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(DEMO), str(folder)]
    return subprocess.run(command, cwd=where, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("count", [6, 9])
def test_demo(tmp_path: Path, count: int) -> None:
    music = tmp_path / "music"
    music.mkdir()
    for number in range(count):
        audio_files.write_tone(music / f"song {number}.ogg", 5.0, seed=number, frequency_hz=200.0 + 10 * number)
    result = demo(music, tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    listed = result.stdout.split("The mood of each song")[1].split("Playing")[0]
    shares = [int(share) for share in re.findall(r"^  \w+ +(\d+)%  song \d", listed, re.MULTILINE)]
    unsure = re.findall(r"^  (\w+) +\d+%  song \d  \(unsure: (\w+) 0\.\d\d, \w+ 0\.\d\d\)$", listed, re.MULTILINE)
    assert len(shares) == count
    assert all(label == likeliest for label, likeliest in unsure)
    assert sum(share < 50 for share in shares) <= len(unsure) <= sum(share <= 50 for share in shares)
    played = int(re.search(r"Playing (\d+) of the \d+ \w+ songs", result.stdout)[1])  # type: ignore[index]
    assert 1 <= played <= count - 5
    assert re.search(r"The listener's mood: (\w+)\n-+\n  because \1: ", result.stdout)
    _, after = result.stdout.split("What to play next")
    assert after.count("similarity") == 5
    assert f"{count} known from before" in demo(music, tmp_path).stdout


def test_too_few_songs_or_no_folder(tmp_path: Path) -> None:
    audio_files.write_tone(tmp_path / "song.ogg", 5.0)
    few = demo(tmp_path, tmp_path)
    assert few.returncode == 1
    assert "at least 6" in few.stderr
    nowhere = demo(tmp_path / "nowhere", tmp_path)
    assert nowhere.returncode == 1
    assert nowhere.stderr.startswith("demo: ")
