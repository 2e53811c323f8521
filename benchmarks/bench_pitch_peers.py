"""F0 beside Praat and pYIN on music and speech whose pitch no one has written down.

Praat comes with ``edgemood[bench]`` on x86-64, the one machine that PyPI has it for; there its absence is a failure.
"""

from __future__ import annotations

import platform
from functools import cache
from importlib.util import find_spec

import pytest
from pitch import recordings
from pitch.agreement import SETTINGS, against, against_judges, track
from pitch.metrics import Agreement
from pitch.recordings import Recording
from pitch.trackers import TRACKERS, Track

RATE, HOP = SETTINGS[1]  # the shipped configuration: pYIN takes a minute at 10 ms
MUSIC_S = 6.0


@pytest.fixture(autouse=True, scope="module")
def praat_is_here() -> None:
    if find_spec("parselmouth") is None:
        if platform.machine() != "x86_64":
            pytest.skip("NOT JUDGED: Praat is on PyPI for x86-64 only")
        pytest.fail("Praat is missing: pip install praat-parselmouth", pytrace=False)


@cache
def sounds(kind: str) -> list[Recording]:
    if kind == "music":
        found = recordings.music(RATE, MUSIC_S)
        assert len(found) >= 20, "examples/music is not complete"
        return found
    if not (found := recordings.synthetic_speech(RATE)):
        pytest.skip("NOT JUDGED on speech: apt install espeak-ng")
    return found


@cache
def tracks(kind: str, tracker: str) -> list[Track]:
    return [track(TRACKERS[tracker], sound, HOP) for sound in sounds(kind)]


def where_judges_agree(kind: str, tracker: str) -> Agreement:
    cases = zip(tracks(kind, "Praat"), tracks(kind, "pYIN"), tracks(kind, tracker), strict=True)
    found = against_judges(list(cases))
    print(f"\n{kind}, where Praat and pYIN agree: {tracker}\n{Agreement.HEADER}\n{found}")
    assert found.frames > 1000, "the judges agree on too little"
    return found


@pytest.mark.parametrize(
    ("kind", "raw_pitch", "gross", "recall"), [("music", 0.86, 0.1, 0.94), ("speech", 0.96, 0.02, 0.97)]
)
def bench_f0_where_judges_agree(kind: str, raw_pitch: float, gross: float, recall: float) -> None:
    """What both judges say, and no worse than Praat does without the path that it looks back along."""
    ours, theirs = where_judges_agree(kind, "edgemood"), where_judges_agree(kind, "Praat, no path")
    assert ours.raw_pitch >= raw_pitch
    assert ours.gross <= min(gross, theirs.gross + 0.02)
    assert ours.voicing_recall >= recall


@pytest.mark.parametrize(("kind", "gross"), [("music", 0.2), ("speech", 0.02)])
def bench_f0_against_praat_alone(kind: str, gross: float) -> None:
    """On all that Praat calls voiced: few gross errors, and more frames right, voicing included, than pYIN has."""
    ours = against(tracks(kind, "Praat"), tracks(kind, "edgemood"))
    pyin = against(tracks(kind, "Praat"), tracks(kind, "pYIN"))
    print(f"\n{kind}, against Praat: edgemood, pYIN\n{Agreement.HEADER}\n{ours}\n{pyin}")
    assert ours.gross <= gross
    assert ours.raw_pitch >= pyin.raw_pitch
