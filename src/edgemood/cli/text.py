"""What commands print for a person."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from edgemood.cli.group import printable
from edgemood.domain import ListenerMood, Mood, SongAnalysis, Track

if TYPE_CHECKING:
    from edgemood.live import LiveScore
    from edgemood.mood import BundleInfo
    from edgemood.pipeline import ScanReport

_BAR_WIDTH = 30
_TIMELINE_WIDTH = 60
_UNSURE = "unsure"


def song(file: str, analysis: SongAnalysis, timeline: bool) -> Iterator[str]:
    """Describe a song: its mood, how sure, and with `timeline` how it moves."""
    mood = analysis.mood
    yield printable(file)
    verdict = unsure(mood) or printable(mood.label)
    yield f"  {verdict}{_place(mood)}, {clock(analysis.duration_s)} long, judged by {mood.model}"
    yield from scores(mood.scores)
    if timeline:
        yield from _timeline(mood)


def listener(mood: ListenerMood) -> Iterator[str]:
    """Describe the listener's mood, the reason first."""
    yield printable(mood.reason)
    yield from scores(mood.scores)


def scores(shares: Mapping[str, float]) -> Iterator[str]:
    """Yield a line with a bar for each label."""
    width = max(map(len, shares))
    for label, share in shares.items():
        bar = _glyphs()[-1] * round(share * _BAR_WIDTH)
        yield f"  {label:{width}}  {share:4.2f}  {bar}".rstrip()


def unsure(mood: Mood) -> str:
    """``unsure: happy 0.41, calm 0.38`` with the two likeliest moods; nothing where the model is sure."""
    if not mood.unsure:
        return ""
    likeliest = sorted(mood.scores.items(), key=lambda score: score[1], reverse=True)[:2]
    return f"{_UNSURE}: " + ", ".join(f"{printable(label)} {share:.2f}" for label, share in likeliest)


def track(known: Track) -> str:
    """Describe a track on one line: id, mood, place on the plane, length, name; whether unsure, or missing."""
    mood = known.mood
    place = f"{_signed(mood.valence)} {_signed(mood.arousal)}" if mood else f"{'-':>5} {'-':>5}"
    line = f"{known.id:>6}  {mood.label if mood else '-':8}  {place}  {clock(known.duration_s):>7}  {name(known)}"
    notes = [unsure(mood) if mood else "", "missing" if known.missing else ""]
    return line + "".join(f"  ({note})" for note in notes if note)


#: The heading of lines made by `track`.
TRACK_HEADING = f"{'id':>6}  {'mood':8}  {'val.':>5} {'ar.':>5}  {'length':>7}  song"


def scan(report: ScanReport) -> Iterator[str]:
    """Sum up a scan."""
    analysed = f"{number(report.analysed, 'song')} analysed in {clock(report.wall_s)}"
    yield analysed + (f" ({report.songs_per_min:.0f} songs/min)" if report.analysed else "")
    others = {
        "judged anew by another model": report.rejudged,
        "moved, copied or retagged": report.moved,
        "unchanged": report.unchanged,
        "of the library not there now": report.missing,
    }
    yield from (f"{number(count, 'song')} {what}" for what, count in others.items() if count)
    failures = report.failed + report.failed_before
    if failures:
        again = f", {report.failed_before:,} of them before and not tried again" if report.failed_before else ""
        retry = ", edgemood scan --retry-failed tries again" if report.failed_before else ""
        yield f"{number(failures, 'file')} failed{again}: edgemood library --failed says why{retry}"


def model(info: BundleInfo, default: bool, accuracy: Mapping[str, Any]) -> Iterator[str]:
    """Describe a model bundle."""
    yield f"{printable(info.name)} {printable(info.version)}{' (default)' if default else ''}".rstrip()
    if info.labels:
        yield f"  moods     {', '.join(map(printable, info.labels))}"
        yield f"  size      {info.size_bytes / 1000:.0f} kB, {printable(info.quantisation)}"
    measured = accuracy.get("model")
    if isinstance(measured, Mapping) and {"macro_f1", "accuracy", "clips"} <= set(measured):
        yield (
            f"  measured  macro F1 {measured['macro_f1']:.2f}, accuracy {measured['accuracy']:.2f} on"
            f" {measured['clips']} clips ({printable(str(accuracy.get('title', 'protocol not named')))})"
        )
    yield "  runs here" if info.problem is None else f"  cannot be used here: {printable(info.problem)}"


def live_heading(labels: Sequence[str]) -> str:
    """Head lines made by `live`."""
    shares = "  ".join(f"{printable(label):>5}" for label in labels)
    return f"{'time':>7}  {'mood':8}  {'val.':>5} {'ar.':>5}  {shares}  context  latency"


def live(score: LiveScore) -> str:
    """Describe a score of a stream on a line: when, mood, place on the plane, each share, heard how long, if unsure."""
    mood = score.mood
    if mood is None:
        return f"{clock(score.time_s):>7}  silence"
    shares = "  ".join(f"{share:{max(5, len(printable(label)))}.2f}" for label, share in mood.scores.items())
    place = f"{_signed(mood.valence)} {_signed(mood.arousal)}"
    heard = f"{score.context_s:5.1f} s  {1000 * score.latency_s:4.0f} ms" + (f"  {_UNSURE}" if mood.unsure else "")
    return f"{clock(score.time_s):>7}  {printable(mood.label):8}  {place}  {shares}  {heard}"


def name(known: Track) -> str:
    """``Artist - Title``, or the file's name where the tags do not say."""
    title = known.tags.title or PurePath(known.path).name
    return printable(f"{known.tags.artist} - {title}" if known.tags.artist else title)


def clock(seconds: float) -> str:
    """``3:25``, ``1:02:03``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def number(count: int, noun: str) -> str:
    """``1 song``, ``2 songs``."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def _timeline(mood: Mood) -> Iterator[str]:
    """Draw each label's share over time, and the attention, as lines of small bars."""
    spans = mood.timeline
    end = clock(spans[-1].end_s)
    columns = min(_TIMELINE_WIDTH, max(len(spans), len(end) + 6))
    width = max(len("attention"), *map(len, mood.scores))
    yield f"  {'':{width}}  {clock(spans[0].start_s):<{columns - len(end)}}{end}"
    # The span that each column's middle lies in: spans need not be equally long.
    middles = np.linspace(spans[0].start_s, spans[-1].end_s, 2 * columns + 1)[1::2]
    shown = np.minimum(np.searchsorted([span.end_s for span in spans], middles), len(spans) - 1)
    for label in mood.scores:
        yield f"  {label:{width}}  {_curve([spans[i].scores[label] for i in shown], 1.0)}"
    density = [spans[i].attention / max(spans[i].end_s - spans[i].start_s, 1e-9) for i in shown]
    yield f"  {'attention':{width}}  {_curve(density, max(density))}"


def _curve(values: Sequence[float], top: float) -> str:
    glyphs = _glyphs()
    return "".join(glyphs[min(int(value / (top or 1.0) * len(glyphs)), len(glyphs) - 1)] for value in values)


def _glyphs() -> str:
    """Return bars of growing height, in what the terminal can show."""
    return "▁▂▃▄▅▆▇█" if (sys.stdout.encoding or "").lower().startswith("utf") else " .:-=+*#"


def _place(mood: Mood) -> str:
    if mood.valence is None:
        return ""
    return f", valence {_signed(mood.valence)}, arousal {_signed(mood.arousal)}"


def _signed(value: float | None) -> str:
    return f"{'-':>5}" if value is None else f"{value:+5.2f}"
