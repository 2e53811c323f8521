"""The side-by-side benchmarks themselves: they notice a peer that computes something else, and report all they ran."""

from __future__ import annotations

import importlib
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from sidebyside import chart, music, ours, report, rows
from sidebyside.agreement import agreement
from sidebyside.settings import BENCHES, MUSIC, RATE, Audio
from sidebyside.table import PACKAGES, PEERS, Peer
from sidebyside.timing import Spread, take_turns
from sidebyside.works import arrays, spectral


@pytest.fixture(scope="session")
def signal() -> Audio:
    """Twenty seconds of music."""
    return music.load(MUSIC, RATE, 20)


def bench_sung_vowel_is_what_it_says() -> None:
    """The check signal's F0 glides between 90 and 200 Hz, and we find it."""
    f0 = ours.rows(music.voice(RATE), ("f0",))[50:-50, 0]
    assert 85 < f0[f0 > 0].min() < 100
    assert 185 < f0.max() < 210


@pytest.mark.parametrize("function", ["numpy_mfcc", "scipy_mfcc"])
def bench_hand_written_are_right(signal: Any, function: str) -> None:
    """The pipelines that set the bar give our numbers, not only correlated ones."""
    theirs = getattr(arrays, function)(signal)()
    np.testing.assert_allclose(theirs, ours.rows(signal, BENCHES["mfcc"].columns), atol=2e-2)


def bench_a_wrong_peer_is_noticed(signal: Any) -> None:
    """Right: agrees. Frames in another order, or another descriptor: does not."""
    peer = next(p for p in PEERS if p.function == "spectral:numpy_spectral")
    good = rows.check(peer, spectral.numpy_spectral, signal, RATE)
    assert min(good.values()) > 0.99

    def shuffled(x: Audio) -> Any:
        return lambda: np.random.default_rng(1).permutation(np.asarray(spectral.numpy_spectral(x)()))

    bad = rows.check(peer, shuffled, signal, RATE)
    assert max(bad.values()) < 0.5
    found = report.disagreeing({"peers": {peer.key: {"agreement": bad}}})
    assert len(found) == 1
    assert peer.key in found[0]
    with pytest.raises(ValueError, match="expected 4 columns"):
        rows.check(peer, spectral.numpy_zcr, signal, RATE)


def bench_shifted_frames_still_agree() -> None:
    """Libraries differ in where a frame's time is."""
    values = np.random.default_rng(2).normal(size=(500, 1)).cumsum(axis=0)
    voice = np.ones(500, bool)
    for shift in (-7, 0, 9):
        moved = np.roll(values, shift, axis=0)
        assert agreement(values, moved, ("zcr",), voice)["zcr"] > 0.999


def bench_table_is_whole() -> None:
    """Every function is there, every package has a row, every key is its own."""
    for peer in PEERS:
        module, name = peer.function.split(":")
        assert callable(getattr(importlib.import_module(f"sidebyside.works.{module}"), name))
        assert peer.package in PACKAGES
    assert {peer.package for peer in PEERS} == set(PACKAGES)
    assert len({peer.key for peer in PEERS}) == len(PEERS)


def bench_ratios_are_per_round() -> None:
    """A work that does twice the yardstick's takes twice as long."""
    data = np.random.default_rng(3).normal(size=200_000)

    def once() -> None:
        np.sort(data)

    def twice() -> None:
        once(), once()

    spread = Spread.of(take_turns(once, [twice], 9)[0])
    assert 1.5 < spread.median < 2.7
    assert spread.least <= spread.lower <= spread.median <= spread.upper


def bench_report_drops_nobody() -> None:
    """Every peer is in the page: measured, or with the reason why not; the picture is XML."""
    spread = {"median": 12.0, "least": 10.0, "lower": 11.0, "upper": 13.0, "rounds": 3}
    measured = {
        "ratio": spread,
        "ours": spread,
        "over_ours": spread,
        "seconds": 10.0,
        "agreement": {"zcr": 1.0},
        "version": "9.8.7",
    }
    done: dict[str, Any] = {
        peer.key: {"error": "does not install: no wheel"} if _odd(peer) else measured for peer in PEERS
    }
    results = {
        "quick": False,
        "date": "2000-01-01",
        "machine": "m",
        "yardstick": "FFTW",
        "effort": {"music_s": 600},
        "peers": done,
    }
    page = report.markdown(results)
    for peer in PEERS:
        assert f"| {peer.name} |" in page or f"- {peer.name}: not measured" in page
    assert "no wheel" in page
    picture = ElementTree.fromstring(chart.svg(results))
    assert "edgemood" in {text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")}


def _odd(peer: Peer) -> bool:
    return peer.package in ("essentia", "WORLD")
