"""What ARM is compared with is what this build computes: `tools/arm/golden.py` says how to make it anew."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from edgemood import features, mood
from tools.arm import golden


@pytest.fixture(scope="module")
def stored() -> golden.Heard:
    return golden.Heard.read(golden.GOLDEN)


def test_is_of_this_build(stored: golden.Heard) -> None:
    assert stored.version == features.VERSION, f"the golden file is of other descriptors; {golden.REMAKE}"
    assert set(stored.moods) == {bundle.name for bundle in mood.available()}


@pytest.mark.skipif(
    any(bundle.problem for bundle in mood.available()), reason="a shipped bundle does not run with this runtime"
)
def test_this_machine_hears_the_same(stored: golden.Heard) -> None:
    found, wrong = golden.compare(stored, golden.listen())
    assert wrong == []
    assert len(found) == len(stored.rows) + len(stored.moods) + 1


def test_sound_is_the_same_everywhere() -> None:
    x = golden.sound(2)
    whole = np.round(x * 32768).astype(np.int64)
    assert np.array_equal(whole / 32768, x)
    assert np.abs(x).max() < 1.0
    # sums that a change of the recipe would change
    assert int(whole.sum()) == -1_622_880
    assert int((whole * (1 + np.arange(len(whole)) % 7)).sum()) == -5_899_442


def test_differences_are_found(stored: golden.Heard) -> None:
    damaged = {key: rows.copy() for key, rows in stored.rows.items()}
    damaged["song"][3, 0] *= 1.01
    assert "mfcc_1_mean of segment 3" in golden.compare(stored, dataclasses.replace(stored, rows=damaged))[1][0]
    damaged["song"] = stored.rows["song"] * np.float32(1 + 3 * golden.USUAL_TOLERANCE)
    assert "more than 1 %" in golden.compare(stored, dataclasses.replace(stored, rows=damaged))[1][0]
    damaged["song"] = stored.rows["song"][:-1]
    assert "rows and columns" in golden.compare(stored, dataclasses.replace(stored, rows=damaged))[1][0]
    damaged["song"] = np.full_like(stored.rows["song"], np.nan)
    assert golden.compare(stored, dataclasses.replace(stored, rows=damaged))[1]


def test_other_moods_are_found(stored: golden.Heard) -> None:
    name, judged = next(iter(stored.moods.items()))
    scores = dict(judged["scores"])
    first, *_, last = sorted(scores, key=scores.__getitem__)
    scores[first], scores[last] = scores[last], scores[first]
    wrong = golden.compare(stored, dataclasses.replace(stored, moods={name: {**judged, "scores": scores}}))[1]
    assert f"the song is {first} here, {last} in" in wrong[0]
    assert "scores differ" in wrong[1]
    wrong = golden.compare(stored, dataclasses.replace(stored, moods={name: {**judged, "model": "0"}}))[1]
    assert "another model file" in wrong[0]


def test_other_picks_are_found(stored: golden.Heard) -> None:
    assert golden.picked() == stored.picks
    assert len(set(stored.picks)) == 60
    swapped = (*stored.picks[:-2], stored.picks[-1], stored.picks[-2])
    for picks, apart in ((swapped, 2), (stored.picks[:-1], 1), ((), 60)):
        wrong = golden.compare(stored, dataclasses.replace(stored, picks=picks))[1]
        assert f"picks: {apart} songs are not those in" in wrong[0]


def test_other_version_is_told_apart(stored: golden.Heard) -> None:
    _, wrong = golden.compare(stored, dataclasses.replace(stored, version="other"))
    assert len(wrong) == 1
    assert "version" in wrong[0]
    assert "--make" in wrong[0]


def test_file_round_trip(stored: golden.Heard, tmp_path: Path) -> None:
    stored.save(tmp_path / "g.npz")
    again = golden.Heard.read(tmp_path / "g.npz")
    assert golden.compare(stored, again)[1] == []
    assert again.moods == stored.moods
    assert again.picks == stored.picks
