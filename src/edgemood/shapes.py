r"""The JSON that commands print, one object a line, and that the server answers with.

Other programs read these shapes: add to them, never change them.

Every object that has a ``path`` has it in readable form, and where the file's name is not UTF-8 (its odd bytes are
then shown as ``\xNN``) the exact bytes as ``path_b64``.
"""

from __future__ import annotations

import json
import os
from base64 import b64encode
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from edgemood.domain import Event, Failure, ListenerMood, Mood, MoodAt, MoodSpan, Pick, Play, SongAnalysis, Track

if TYPE_CHECKING:
    from edgemood.importing import ImportReport
    from edgemood.live import LiveScore
    from edgemood.mood import BundleInfo
    from edgemood.pipeline import Progress, ScanReport
    from edgemood.tagging import Tagging

Shape = dict[str, Any]


def line(shape: Shape) -> str:
    """Return one line of strict JSON: ASCII, and never NaN."""
    return json.dumps(shape, allow_nan=False)


def shown(text: str) -> str:
    r"""Return a path, or a message with one in it, as text; bytes that are not UTF-8 as ``\xNN``."""
    try:
        return os.fsencode(text).decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # no path: characters that the file system's encoding lacks
        return text.encode("utf-8", "backslashreplace").decode("utf-8")


def path(exact: str) -> Shape:
    """Return ``path``, and ``path_b64`` where the name is not UTF-8."""
    raw = os.fsencode(exact)
    try:
        return {"path": raw.decode("utf-8")}
    except UnicodeDecodeError:
        return {"path": shown(exact), "path_b64": b64encode(raw).decode("ascii")}


def song(file: str, analysis: SongAnalysis) -> Shape:
    """Return one line of ``edgemood mood``."""
    return {
        **path(file),
        **_mood(analysis.mood),
        "duration_s": round(analysis.duration_s, 3),
        "model": analysis.mood.model,
        "timeline": [span(part) for part in analysis.mood.timeline],
    }


def failure(found: Failure) -> Shape:
    """Return one line of ``edgemood mood`` or ``edgemood library`` for a file that cannot be analysed."""
    return {**path(found.path), "error": shown(found.error)}


def scan(report: ScanReport) -> Shape:
    """Return what ``edgemood scan`` prints; the failures themselves are in ``edgemood library --failed``."""
    return {
        "analysed": report.analysed,
        "moved": report.moved,
        "rejudged": report.rejudged,
        "unchanged": report.unchanged,
        "failed": report.failed,
        "failed_before": report.failed_before,
        "missing": report.missing,
        "wall_s": round(report.wall_s, 3),
        "songs_per_min": round(report.songs_per_min, 3),
        "cpu_s": {stage: round(spent, 3) for stage, spent in report.cpu_s.items()},
    }


def track(known: Track) -> Shape:
    """Return one line of ``edgemood library`` for a song; its mood is null where no model has judged it yet."""
    mood = known.mood
    return {
        "id": known.id,
        **path(known.path),
        "title": known.tags.title,
        "artist": known.tags.artist,
        "album": known.tags.album,
        "duration_s": round(known.duration_s, 3),
        **_mood_or_null(mood),
        "model": mood.model if mood else None,
        "missing": known.missing,
        "genre": known.tags.genre,
        "labelled": known.labelled,
    }


def pick(chosen: Pick) -> Shape:
    """Return one line of ``edgemood next``."""
    shape = {**track(chosen.track), "similarity": round(chosen.similarity, 6), "reason": chosen.reason}
    return {**shape, "broken": list(chosen.broken)}


def listener(mood: ListenerMood) -> Shape:
    """Return what ``edgemood now`` prints."""
    return {"mood": mood.label, **_where(mood), "plays": mood.plays, "reason": mood.reason, "model": mood.model}


def mood_at(point: MoodAt) -> Shape:
    """Return the listener's mood as it was read at a moment; ``at`` is in seconds since the epoch."""
    mood = point.mood
    return {"at": round(point.at, 3), "mood": mood.label, **_where(mood), "reason": mood.reason}


def progress(how_far: Progress) -> Shape:
    """Return how far a scan is; ``total`` is null while files are still being counted."""
    return {
        "done": how_far.done,
        "total": how_far.total,
        "failed": how_far.failed,
        "skipped": how_far.skipped,
        "songs_per_min": round(how_far.songs_per_min, 3),
        "left_s": None if how_far.eta_s is None else round(how_far.eta_s, 1),
        "current": shown(how_far.current),
    }


def played(play: Play, known: Track) -> Shape:
    """Return what ``edgemood played`` prints; ``at`` is in seconds since the epoch."""
    return {"id": play.track_id, **path(known.path), "at": round(play.at, 3)}


def event(done: Event, known: Track) -> Shape:
    """Return what ``edgemood skipped``, ``like`` and ``ban`` print; ``heard`` is null where it is not known."""
    return {"id": done.track_id, **path(known.path), "event": done.kind, "at": round(done.at, 3), "heard": done.heard}


def tagging(done: Tagging) -> Shape:
    """Return one line of ``edgemood tag``; ``error`` is null where the file did not fail."""
    shape = {**path(done.path), "result": done.what, "moods": list(done.moods), "before": list(done.before)}
    return {**shape, "error": shown(done.why) if done.why else None}


def imported(report: ImportReport, unmatched: bool) -> Shape:
    """Return what ``edgemood import`` prints; ``songs`` is there only where it was asked for."""
    shape = {
        "plays": report.plays,
        "skips": report.skips,
        "known": report.known,
        "old": report.old,
        "unmatched": report.unmatched,
        "malformed": report.malformed,
        "problems": [{"where": shown(problem.where), "error": problem.why} for problem in report.problems],
    }
    songs = [{"artist": s.artist, "title": s.title, "album": s.album, "times": s.times} for s in report.songs]
    return {**shape, "songs": songs} if unmatched else shape


def live(score: LiveScore, model_id: str) -> Shape:
    """Return one line of ``edgemood live``; the mood is null where ``silence`` is true."""
    return {
        "time_s": round(score.time_s, 3),
        "context_s": round(score.context_s, 3),
        "silence": score.mood is None,
        **_mood_or_null(score.mood),
        "latency_s": round(score.latency_s, 6),
        "model": model_id,
    }


def model(info: BundleInfo, default: bool, accuracy: Mapping[str, Any]) -> Shape:
    """Return one line of ``edgemood models``; ``problem`` is null where the bundle can be used here."""
    return {
        "name": info.name,
        "version": info.version,
        "default": default,
        "labels": list(info.labels),
        "size_bytes": info.size_bytes,
        "quantisation": info.quantisation,
        "accuracy": accuracy,
        "problem": info.problem,
    }


def _mood(mood: Mood) -> Shape:
    return {"mood": mood.label, **_where(mood), "unsure": mood.unsure}


def _mood_or_null(mood: Mood | None) -> Shape:
    return _mood(mood) if mood else {"mood": None, "scores": None, "valence": None, "arousal": None, "unsure": None}


def span(part: MoodSpan) -> Shape:
    """Return one stretch of a song's timeline."""
    return {
        "start_s": round(part.start_s, 3),
        "end_s": round(part.end_s, 3),
        **_where(part),
        "unsure": part.unsure,
        "attention": round(part.attention, 6),
    }


def _where(mood: Mood | ListenerMood | MoodSpan) -> Shape:
    """Scores and the place on the plane."""
    return {
        "scores": {label: round(score, 6) for label, score in mood.scores.items()},
        "valence": None if mood.valence is None else round(mood.valence, 6),
        "arousal": None if mood.arousal is None else round(mood.arousal, 6),
    }
