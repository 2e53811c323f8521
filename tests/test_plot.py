"""The picture of a song's mood."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import shelf

from edgemood import plot
from edgemood.errors import ConfigError


def test_draws_a_png_and_an_svg(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    plot.save(shelf.mood("sad"), "a $ title $", str(tmp_path / "mood.png"))
    assert (tmp_path / "mood.png").read_bytes().startswith(b"\x89PNG")
    plot.save(shelf.mood("sad"), "title", str(tmp_path / "mood.svg"))
    drawn = (tmp_path / "mood.svg").read_text()
    assert "<svg" in drawn
    for colour in plot.COLOURS.values():
        assert colour in drawn


def test_other_labels_have_no_plane(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    scores = {"up": 0.6, "down": 0.4}
    quadrants = shelf.mood("sad")
    spans = [replace(span, scores=scores, valence=None, arousal=None) for span in quadrants.timeline]
    plot.save(replace(quadrants, scores=scores, timeline=spans), "t", str(tmp_path / "mood.png"))
    assert (tmp_path / "mood.png").stat().st_size > 1000


@pytest.mark.parametrize("name", ["mood.xyz", "mood", "-", ".png"])
def test_a_name_without_a_known_suffix_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=rf"{name}'.*\.png \.svg \.pdf"):
        plot.save(shelf.mood("sad"), "t", str(tmp_path / name))
    assert not list(tmp_path.iterdir())


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ConfigError, match=r"edgemood\[plot\]"):
        plot.save(shelf.mood("sad"), "t", str(tmp_path / "mood.png"))
