"""One row: a peer is checked against our numbers, then takes turns with the yardstick and with us."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from . import music, ours, yardstick
from .agreement import agreement
from .settings import BENCHES, HOP, N_FFT, RATE, Audio, Rows
from .table import PACKAGES, PEERS, Peer
from .timing import Spread, Work, cpu_s

_LEAST_S, _PROBE_S, _SHARE = 10.0, 5.0, 0.75
_LEAST_ROUNDS, _MOST_ROUNDS = 3, 25


def measure(key: str, path: str, budget_s: float) -> dict[str, Any]:
    """Measure the row `key` of the table on the signal in the file `path`, spending about `budget_s` on the peer.

    A slow peer gets a shorter part of the signal, ten seconds at least; all costs are per frame.
    """
    peer = next(p for p in PEERS if p.key == key)
    bench = BENCHES[peer.bench]
    rate, hop, n_fft = (22050, 551, 1024) if bench.shipped else (RATE, HOP, N_FFT)
    signal: Audio = np.fromfile(path, np.float32)
    prepare: Callable[[Audio], Work] = _function(peer.function)
    agrees = check(peer, prepare, signal, rate)
    probe = prepare(np.ascontiguousarray(signal[: round(_PROBE_S * rate)]))
    probe()
    per_s = cpu_s(probe) / _PROBE_S
    seconds = min(len(signal) / rate, max(_LEAST_S, _SHARE * budget_s / max(per_s, 1e-9)))
    part = np.ascontiguousarray(signal[: round(seconds * rate)])
    rounds = min(_MOST_ROUNDS, max(_LEAST_ROUNDS, int(budget_s / (per_s * seconds + 1e-9))))
    stick = yardstick.make(signal, n_fft, hop)
    own = ours.work_of(peer.bench, signal)
    work = prepare(part)
    work(), own(), stick.work()
    theirs, mine = stick.turns([work, own], rounds)
    scale = len(signal) / len(part)
    return {
        "seconds": seconds,
        "ratio": asdict(Spread.of([r * scale for r in theirs])),
        "ours": asdict(Spread.of(mine)),
        "over_ours": asdict(Spread.of([scale * t / m for t, m in zip(theirs, mine, strict=True)])),
        "agreement": agrees,
        "version": _version(peer),
    }


def check(peer: Peer, prepare: Callable[[Audio], Work], signal: Audio, rate: int) -> dict[str, float]:
    """Agreement of a peer's columns with ours, with the better of our two kinds of mel edges."""
    names = peer.names()
    checked, voice = music.check_signal(signal, rate)
    theirs: Rows = np.asarray(prepare(checked)())
    config = ours.config_of(BENCHES[peer.bench])
    known = [name for name in names if name]
    best: dict[str, float] = {}
    for edges in ("bins", "exact"):
        own = ours.rows(checked, known, replace(config, mel_edges=edges))
        mine = np.zeros((len(own), len(names)), np.float32)
        mine[:, [i for i, name in enumerate(names) if name]] = own
        starts = np.arange(len(own)) * config.hop_length
        found = agreement(mine, theirs, names, voice[starts])
        if not best or sum(found.values()) > sum(best.values()):
            best = found
    return best


def _function(path: str) -> Callable[[Audio], Work]:
    module, name = path.split(":")
    found: Callable[[Audio], Work] = getattr(importlib.import_module(f".works.{module}", __package__), name)
    return found


def _version(peer: Peer) -> str:
    package = PACKAGES[peer.package]
    try:
        return version(package.distribution or package.name)
    except PackageNotFoundError:
        return "?"
