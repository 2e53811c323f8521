"""Tables of F0 and HNR agreement: ``python -m benchmarks.pitch [--long] [--root DIR] [--markdown FILE]``."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator
from pathlib import Path

from . import recordings
from .agreement import SETTINGS, against, against_judges, against_truth, hnr_errors, track
from .metrics import Agreement
from .recordings import Recording
from .signals import known_pitch
from .trackers import TRACKERS, Track, Tracker

MEASURES = "RPA, GPE (too high + too low), VR, VFA in %"


def main() -> None:
    """Print everything; with ``--markdown`` the short tables also go to a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", action="store_true", help="every kind of signal, every measure")
    parser.add_argument(
        "--trackers", nargs="+", default=["edgemood", "Praat"], choices=TRACKERS, help="of the first tables"
    )
    parser.add_argument("--root", type=Path, default=Path("/"), help="where Debian packages of recordings are unpacked")
    parser.add_argument("--markdown", type=Path, help="file for the report")
    options = parser.parse_args()
    if options.long:
        print_long(options.trackers)
    lines = list(report(options.trackers, options.root))
    print("\n".join(lines))
    if options.markdown:
        options.markdown.write_text("\n".join(lines) + "\n", encoding="utf-8")


def print_long(names: list[str]) -> None:
    """All measures for each signal by name."""
    for rate, hop in SETTINGS:
        signals = known_pitch(rate)
        for name in names:
            print(f"\n{name}, {rate} Hz, hop {hop}\n{'':34}{Agreement.HEADER}")
            for kind, found in against_truth(signals, TRACKERS[name], hop, by_name=True).items():
                print(f"{kind:34}{found}")


def report(names: list[str], root: Path) -> Iterator[str]:
    """The short tables, in Markdown."""
    for rate, hop in SETTINGS:
        yield from truth_table(names, rate, hop)
        yield from hnr_table(names, rate, hop)
    if absent := recordings.missing(root):
        print(f"NOT JUDGED, for want of these Debian packages: {', '.join(absent)}", file=sys.stderr)
    for rate, hop in SETTINGS:
        yield from recordings_table(rate, hop, root)


def truth_table(names: list[str], rate: int, hop: int) -> Iterator[str]:
    """F0 against known pitch."""
    yield f"\nF0 against known pitch, {rate} Hz, hop {hop}: {MEASURES}\n"
    signals = known_pitch(rate)
    tables = {name: against_truth(signals, TRACKERS[name], hop) for name in names}
    yield from _table("signals", names, [(kind, [_cell(tables[n][kind]) for n in names]) for kind in tables[names[0]]])


def hnr_table(names: list[str], rate: int, hop: int) -> Iterator[str]:
    """HNR against known signal-to-noise ratios."""
    errors = {name: hnr_errors(TRACKERS[name], rate, hop) for name in names if name != "pYIN"}
    yield f"\nHNR less the true ratio, dB, tones in noise below 2 kHz, {rate} Hz, hop {hop}\n"
    ratios = list(next(iter(errors.values())))
    rows = [(name, [f"{found[snr]:+.1f}" for snr in ratios]) for name, found in errors.items()]
    yield from _table("true ratio, dB", [f"{snr:.0f}" for snr in ratios], rows)


def recordings_table(rate: int, hop: int, root: Path) -> Iterator[str]:
    """F0 in recordings: against what Praat and pYIN agree on, and each judge against the other."""
    yield f"\nF0 in recordings, {rate} Hz, hop {hop}: {MEASURES}\n"
    sounds = [
        *recordings.synthetic_speech(rate), *recordings.recorded_speech(rate, root),
        *recordings.recorded_notes(rate, root), *recordings.music(rate),
    ]  # fmt: skip
    rows = []
    for kind in dict.fromkeys(sound.kind for sound in sounds):
        rows.append((kind, judged([sound for sound in sounds if sound.kind == kind], hop)))
    heads = ["edgemood, where Praat and pYIN agree", "Praat without its path, there",
             "edgemood against Praat", "pYIN against Praat"]  # fmt: skip
    yield from _table("recordings", heads, rows)


def judged(sounds: list[Recording], hop: int) -> list[str]:
    """The cells of one kind of recording."""

    def tracks(tracker: Tracker) -> list[Track]:
        return [track(tracker, sound, hop) for sound in sounds]

    praat, pyin, ours, pathless = (tracks(TRACKERS[n]) for n in ("Praat", "pYIN", "edgemood", "Praat, no path"))
    agreements = [
        against_judges(list(zip(praat, pyin, ours, strict=True))),
        against_judges(list(zip(praat, pyin, pathless, strict=True))),
        against(praat, ours),
        against(praat, pyin),
    ]
    return [_cell(found) for found in agreements]


def _cell(found: Agreement) -> str:
    shares = (found.raw_pitch, found.gross, found.too_high, found.too_low, found.voicing_recall,
              found.voicing_false_alarm)  # fmt: skip
    rpa, gross, high, low, recall, alarm = ("-" if math.isnan(s) else f"{100 * s:.1f}" for s in shares)
    return f"{rpa}, {gross} ({high} + {low}), {recall}, {alarm}"


def _table(corner: str, heads: list[str], rows: list[tuple[str, list[str]]]) -> Iterator[str]:
    yield f"| {corner} | {' | '.join(heads)} |"
    yield "|---" * (len(heads) + 1) + "|"
    for name, cells in rows:
        yield f"| {name} | {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
