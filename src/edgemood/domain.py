"""The values that edgemood's modules hand to each other: frozen, validated, free of I/O.

Paths are ``str`` as ``os.fsdecode`` makes them: bytes that are not UTF-8 are kept as surrogates, so that
``os.fsencode`` gives the exact file name back.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

#: How files are named to edgemood: absolute, or from the current folder.
FilePath = str | os.PathLike[str]

#: Moods of the four quadrants of Russell's plane, and the sign of (valence, arousal) of each.
QUADRANTS: Mapping[str, tuple[int, int]] = {
    "happy": (1, 1),
    "angry": (-1, 1),
    "sad": (-1, -1),
    "calm": (1, -1),
}

#: A judgement whose likeliest mood has a calibrated probability below this is unsure: more likely wrong than right.
UNSURE_BELOW = 0.5


def plane_position(scores: Mapping[str, float]) -> tuple[float, float] | tuple[None, None]:
    """Valence and arousal, each in [-1, 1], that quadrant probabilities imply.

    Valence is ``happy + calm - angry - sad``, arousal ``happy + angry - sad - calm``. Both are None for a
    label set that is not the four quadrants.
    """
    if set(scores) != set(QUADRANTS):
        return None, None
    valence = sum(QUADRANTS[mood][0] * p for mood, p in scores.items())
    arousal = sum(QUADRANTS[mood][1] * p for mood, p in scores.items())
    return float(min(max(valence, -1), 1)), float(min(max(arousal, -1), 1))


class _Scored:
    """What follows from mood scores."""

    scores: Mapping[str, float]

    @property
    def label(self) -> str:
        """The most probable mood."""
        return max(self.scores, key=lambda mood: self.scores[mood])

    @property
    def valence(self) -> float | None:
        """-1 (negative) to 1 (positive); None where the labels are not the four quadrants."""
        return plane_position(self.scores)[0]

    @property
    def arousal(self) -> float | None:
        """-1 (quiet) to 1 (energetic); None where the labels are not the four quadrants."""
        return plane_position(self.scores)[1]


class _Judged:
    """What follows from what a model says of sound."""

    scores: Mapping[str, float]

    @property
    def unsure(self) -> bool:
        """Whether the likeliest mood's probability is below `UNSURE_BELOW`: it is then more likely wrong than right."""
        return bool(max(self.scores.values()) < UNSURE_BELOW)


@dataclass(frozen=True)
class FeatureSequence:
    """Descriptor vectors over time.

    values: float32 ``[rows, dims]``; start_s, end_s: float64 ``[rows]``, seconds from the start of the audio;
    names: ``dims`` descriptor names; version: the feature version that made them (see ``features.VERSION``).
    """

    values: NDArray[np.float32]
    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    names: tuple[str, ...]
    version: str

    def __post_init__(self) -> None:
        rows, dims = self.values.shape
        if len(self.names) != dims:
            raise ValueError(f"{dims} columns but {len(self.names)} names")
        if self.start_s.shape != (rows,) or self.end_s.shape != (rows,):
            raise ValueError(f"{rows} rows but {self.start_s.shape} start and {self.end_s.shape} end times")


@dataclass(frozen=True)
class MoodSpan(_Judged):
    """The mood of one stretch of a song. `attention` is its share, in [0, 1], of the song's attention."""

    start_s: float
    end_s: float
    scores: Mapping[str, float]
    valence: float | None
    arousal: float | None
    attention: float


@dataclass(frozen=True)
class Mood(_Scored, _Judged):
    """The mood of a whole song.

    scores: label -> probability, summing to 1; vector: the attention-pooled network output (float32
    ``[dims]``); timeline: spans in order, without gaps, whose attention sums to 1; model: the bundle that
    judged, as ``name-version``.
    """

    scores: Mapping[str, float]
    vector: NDArray[np.float32]
    timeline: Sequence[MoodSpan]
    model: str


@dataclass(frozen=True)
class Tags:
    """What the file's own tags say; empty strings where they say nothing."""

    title: str = ""
    artist: str = ""
    album: str = ""
    genre: str = ""  # all that the file names, joined by "; "


@dataclass(frozen=True)
class SongAnalysis:
    """All that analysing one file gives. content: 16-byte hash of the encoded audio without its tags."""

    content: bytes
    tags: Tags
    duration_s: float
    features: FeatureSequence
    mood: Mood
    seconds: Mapping[str, float] = field(default_factory=dict)  # CPU time by stage
    speech: float | None = None  # probability that it is speech rather than music; None: not known


@dataclass(frozen=True)
class Track:
    """One song of the library. `path` is one of the places it lies at; `missing` where none is there now.

    labelled: the mood that a person gave it, which the scores of `mood` then say; None where nobody did.
    """

    id: int
    path: str
    tags: Tags
    duration_s: float
    mood: Mood | None
    missing: bool = False
    labelled: str | None = None


@dataclass(frozen=True)
class Failure:
    """A file that could not be analysed, and why. `kind` is the exception's name."""

    path: str
    kind: str
    error: str


@dataclass(frozen=True)
class Play:
    """One song played: the track and when (seconds since the epoch).

    offered: edgemood had chosen it, the listener only let it play; False where he picked it, or nobody knows.
    """

    track_id: int
    at: float
    offered: bool = False


#: What a listener can do about a song.
EVENTS = ("play", "skip", "like", "ban")


@dataclass(frozen=True)
class Event:
    """Something that a listener did about a song, one of `EVENTS`, and when (seconds since the epoch).

    heard: the share of the song that was heard before a skip, in [0, 1]; None where it is not known. offered: of plays
    and skips, as for `Play`.
    """

    track_id: int
    kind: str
    at: float
    heard: float | None = None
    offered: bool = False

    def __post_init__(self) -> None:
        if self.kind not in EVENTS:
            raise ValueError(f"an event is one of {', '.join(EVENTS)}, not {self.kind!r}")
        if self.heard is not None and not 0 <= self.heard <= 1:
            raise ValueError(f"the share of a song that was heard lies in [0, 1], not at {self.heard}")


@dataclass(frozen=True)
class ListenerMood(_Scored):
    """The listener's present mood, read from the last songs played.

    plays: how many songs it was read from; reason: a sentence for a person; model: the bundle whose mood
    space `vector` lies in, as ``name-version``.
    """

    scores: Mapping[str, float]
    vector: NDArray[np.float32]
    plays: int
    reason: str
    model: str


@dataclass(frozen=True)
class MoodAt:
    """The listener's mood as it was read at a moment (seconds since the epoch)."""

    at: float
    mood: ListenerMood


@dataclass(frozen=True)
class Listening:
    """A stretch of a listener's history, oldest first.

    since, until: where it begins and ends (seconds since the epoch); events: all that was done about songs, with the
    songs; points: the mood as it was read after plays and skips.
    """

    since: float
    until: float
    events: Sequence[tuple[Track, Event]]
    points: Sequence[MoodAt]


@dataclass(frozen=True)
class Pick:
    """A song recommended: how close it is (-1 to 1, see `recommend.similarities`) and a reason for a person.

    broken: the rules that could not be kept for it, in words.
    """

    track: Track
    similarity: float
    reason: str
    broken: tuple[str, ...] = ()
