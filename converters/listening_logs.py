"""Real listening beside simulated: how plays concentrate on artists, and how alike in mood one listener's artists are.

Real logs are HetRec 2011's of Last.fm (``lastfm2k``): play counts of users and artists, and users' tags. Tags that name
a mood give an artist a quadrant. There are no times, so how long moods hold cannot be checked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from converters.datasets import QUADRANT_LABELS, DataError
from converters.sessions import Habits, simulate
from converters.songs import Songs

#: Tags that name a mood, by the quadrant that it lies in.
MOOD_TAGS = {
    "happy": "happy,cheerful,joyful,fun,upbeat,party,feelgood,feel-good,feel good,good mood,uplifting,energetic,summer",
    "angry": "angry,aggressive,rage,anger,brutal,intense,tense,angst,powerful,epic,evil,violent",
    "sad": "sad,melancholy,melancholic,depressing,depressive,gloomy,sadness,dark,heartbreak,sad songs",
    "calm": "calm,relaxing,relax,chill,chillout,chill out,mellow,peaceful,soft,soothing,gentle,easy listening",
}
#: Artists of a listener that are looked at: real logs list no more.
TOP = 50
#: Artists with a mood that a listener needs to say how alike they are.
ENOUGH = 10


@dataclass(frozen=True)
class Log:
    """What each of a number of listeners played: counts by artist, and the artists' moods (-1 where unknown)."""

    counts: Sequence[NDArray[np.int64]]
    moods: Sequence[NDArray[np.int64]]


def real(folder: Path) -> Log:
    """The logs in `folder`.

    Raises
    ------
    DataError
        A file is missing.
    """
    names = {number: name.strip().lower() for number, name in _rows(folder / "tags.dat")}
    quadrant = {tag: k for k, label in enumerate(QUADRANT_LABELS) for tag in MOOD_TAGS[label].split(",")}
    votes: dict[str, list[int]] = defaultdict(lambda: [0] * len(QUADRANT_LABELS))
    for _, artist, tag, *_ in _rows(folder / "user_taggedartists.dat"):
        if (k := quadrant.get(names.get(tag, ""))) is not None:
            votes[artist][k] += 1
    mood = {artist: int(np.argmax(v)) for artist, v in votes.items() if 2 * max(v) > sum(v)}
    plays: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for user, artist, count in _rows(folder / "user_artists.dat"):
        plays[user].append((int(count), mood.get(artist, -1)))
    found = [np.array(sorted(listed, reverse=True)[:TOP]) for listed in plays.values()]
    return Log([rows[:, 0] for rows in found], [rows[:, 1] for rows in found])


def simulated(songs: Songs, habits: Habits, listeners: int, plays: int, rng: np.random.Generator) -> Log:
    """The log of simulated listeners; an artist's mood is that of most of his songs."""
    picks = simulate(songs, habits, listeners, plays, rng).picks
    artists = int(songs.artists.max()) + 1
    votes = np.zeros((artists, songs.labels), np.int64)
    np.add.at(votes, (songs.artists, songs.truth), 1)
    counts, moods = [], []
    for own in picks:
        count = np.bincount(songs.artists[own], minlength=artists)
        top = np.argsort(-count, kind="stable")[:TOP]
        top = top[count[top] > 0]
        counts.append(count[top])
        moods.append(votes[top].argmax(axis=1))
    return Log(counts, moods)


def statistics(log: Log) -> dict[str, float]:
    """Medians over listeners of how plays concentrate, and how alike the moods of a listener's artists are.

    ``gini`` and ``top10`` (the share of the ten artists played most) are of the `TOP` artists of listeners with that
    many. ``coherence`` is the intraclass correlation of the artists' moods: 0 where a listener's artists are a draw
    from all listeners', 1 where they are all of one mood.
    """
    full = [np.asarray(counts, float) for counts in log.counts if len(counts) >= 0.9 * TOP]
    found = {"listeners": float(len(log.counts))}
    if full:
        found["gini"] = float(np.median([_gini(counts) for counts in full]))
        found["top10"] = float(np.median([np.sort(counts)[-10:].sum() / counts.sum() for counts in full]))
    known = [moods[moods >= 0] for moods in log.moods]
    table = np.array([np.bincount(m, minlength=len(QUADRANT_LABELS)) for m in known if len(m) >= ENOUGH])
    if len(table):
        found["coherence"] = _coherence(table)
    return {key: round(value, 4) for key, value in found.items()}


def _gini(counts: NDArray[np.float64]) -> float:
    rank = np.arange(1, len(counts) + 1)
    return float(2 * (rank * np.sort(counts)).sum() / (len(counts) * counts.sum()) - (len(counts) + 1) / len(counts))


def _coherence(table: NDArray[np.int64]) -> float:
    """By how much more often two artists of a listener share a mood than two of all listeners' do."""
    pairs = (table.sum(axis=1) * (table.sum(axis=1) - 1)).sum()
    same = (table * (table - 1)).sum() / pairs
    chance = float(((table.sum(axis=0) / table.sum()) ** 2).sum())
    return float((same - chance) / (1 - chance))


def _rows(path: Path) -> list[list[str]]:
    if not path.is_file():
        raise DataError(f"{path} is missing")
    return [line.split("\t") for line in path.read_text(encoding="latin-1").splitlines()[1:]]
