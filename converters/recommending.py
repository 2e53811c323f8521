"""How good the songs are that are offered next: lists for simulated listeners, by edgemood and by plainer ways.

The listeners are those of `converters.sessions`, the songs those of one fold of the judged set, which neither the mood
model nor what the listener's filter was learned from has heard. A list is good where its songs are of the listener's
hidden mood at the last play, though not all alike, nor by one artist, and where it follows when the mood has changed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters import datasets, listening, recommending_report
from converters.cache import FeatureCache
from converters.datasets import QUADRANT_LABELS, DataError
from converters.readers import Heard
from converters.sessions import USUAL, Sessions, simulate
from converters.songs import Songs
from edgemood import _belief, recommend, targets
from edgemood.domain import ListenerMood, Tags, Track
from edgemood.shelf import Shelf

Array = NDArray[np.float64]
Picks = NDArray[np.int64]
#: Songs of a list, plays that it is made from, plays of the new mood after a change.
LISTED, WINDOW, AFTER = 10, 10, 10
_BEFORE = 12  # plays of the old mood before a change
_OFFERED = 5  # songs of a list that have to be of the new mood for it to have followed
_BLISS = """
import json, sys, bliss_audio
for path in json.load(sys.stdin):
    print(json.dumps([float(v) for v in bliss_audio.Song(path).analysis]), flush=True)
"""


@dataclass(frozen=True)
class Pool:
    """The songs that can be offered, as edgemood and its peers see them; peer: what bliss makes of them, if asked."""

    songs: Songs
    peer: Array | None = None

    @cached_property
    def shelf(self) -> Shelf:
        """Song i has the id i + 1."""
        songs = self.songs
        ids, artists = np.arange(1, len(songs) + 1), [f"artist {number}" for number in songs.artists]
        edges = {"head": songs.head, "tail": songs.tail}
        return Shelf.of(ids, songs.vectors, songs.scores, QUADRANT_LABELS, "judged-1", artists=artists, **edges)

    def tracks(self, picks: Picks) -> list[Track]:
        """Songs as the library gives them."""
        tags = [Tags(artist=f"artist {self.songs.artists[i]}") for i in picks]
        return [Track(int(i) + 1, f"/{i}", tag, 200.0, None) for i, tag in zip(picks, tags, strict=True)]


#: What makes a list ``[sessions, LISTED]`` for each session, from its plays so far.
Way = Callable[[Pool, Sessions, np.random.Generator], Picks]


def ways(with_peer: bool) -> dict[str, Way]:
    """Every row of the table."""
    found: dict[str, Way] = {
        "edgemood": lambda pool, played, rng: _ranked(pool, played, _targets(pool, played)),
        "edgemood, nearness alone": lambda pool, played, rng: _ranked(pool, played, _targets(pool, played), **PLAIN),
        "edgemood, mean of the last ten": lambda pool, played, rng: _ranked(pool, played, _mean_targets(pool, played)),
        "edgemood, told the mood": lambda pool, played, rng: _ranked(pool, played, _told(pool, played)),
        "random": _random,
        "mean MFCC, nearest to the last song": _nearest(lambda pool: pool.songs.timbre, 1),
        "mean MFCC, nearest to the last ten": _nearest(lambda pool: pool.songs.timbre, WINDOW),
    }
    if with_peer:
        found["bliss, nearest to the last song"] = _nearest(_peer, 1, standardise=False)
        found["bliss, nearest to the last ten"] = _nearest(_peer, WINDOW, standardise=False)
    return found


#: `recommend.Request` without all that makes a list more than the nearest songs.
PLAIN: Mapping[str, Any] = {"variety": 0.0, "smoothness": 0.0, "artist_gap": 0, "album_gap": 0}


def _targets(pool: Pool, played: Sessions) -> list[targets.Target]:
    """What edgemood looks for: the listener's mood by its filter."""
    heard = Heard.of(pool.songs, played)
    belief, own = _belief.follow(heard.scores, heard.gap_s, heard.heard, QUADRANT_LABELS)
    own /= own.sum(axis=1, keepdims=True)
    return _aimed(pool, belief, np.einsum("nk,nkd->nd", own, heard.vectors))


def _mean_targets(pool: Pool, played: Sessions) -> list[targets.Target]:
    heard = Heard.of(pool.songs, played)
    return _aimed(pool, heard.scores.mean(axis=1), heard.vectors.mean(axis=1))


def _aimed(pool: Pool, scores: Array, vectors: Array) -> list[targets.Target]:
    moods = [
        ListenerMood(dict(zip(QUADRANT_LABELS, own.tolist(), strict=True)), vector.astype(np.float32), WINDOW, "", "")
        for own, vector in zip(scores, vectors, strict=True)
    ]
    return [targets.of_listener(mood, pool.shelf) for mood in moods]


def _told(pool: Pool, played: Sessions) -> list[targets.Target]:
    of_mood = [targets.of_mood(label, pool.shelf) for label in QUADRANT_LABELS]
    return [of_mood[mood] for mood in played.moods[:, -1]]


def _ranked(pool: Pool, played: Sessions, aims: Sequence[targets.Target], **asked: Any) -> Picks:
    lists = []
    for aim, picks in zip(aims, played.picks, strict=True):
        recent = pool.tracks(picks[::-1][:WINDOW])
        request = recommend.Request([aim], LISTED, recent, [track.id for track in recent], **asked)
        lists.append([choice.row for choice in recommend.rank(request, pool.shelf)])
    return np.array(lists)


def _random(pool: Pool, played: Sessions, rng: np.random.Generator) -> Picks:
    return _best(rng.random((len(played.picks), len(pool.songs))), played)


def _nearest(space: Callable[[Pool], Array], plays: int, standardise: bool = True) -> Way:
    """Songs nearest (Euclidean) to the mean of the last plays, as players do that know sound and not moods."""

    def offer(pool: Pool, played: Sessions, rng: np.random.Generator) -> Picks:
        points = space(pool)
        if standardise:
            points = (points - points.mean(axis=0)) / points.std(axis=0)
        wanted = points[played.picks[:, -plays:]].mean(axis=1)
        return _best(-np.linalg.norm(points[None] - wanted[:, None], axis=2), played)

    return offer


def _peer(pool: Pool) -> Array:
    assert pool.peer is not None
    return pool.peer


def _best(worth: Array, played: Sessions) -> Picks:
    """The songs of the highest worth ``[sessions, songs]`` that were not among the last plays."""
    for picks in played.picks[:, -WINDOW:].T:
        worth[np.arange(len(worth)), picks] = -np.inf
    return np.argsort(-worth, axis=1, kind="stable")[:, :LISTED]


def figures(pool: Pool, played: Sessions, lists: Picks) -> dict[str, Array]:
    """What each list is worth ``[sessions]``, by name (see `recommending_report.COLUMNS`)."""
    songs, hit = pool.songs, pool.songs.truth[lists] == played.moods[:, -1:]
    discount = 1 / np.log2(np.arange(LISTED) + 2)
    before = np.concatenate([played.picks[:, -1:], lists[:, :-1]], axis=1)
    flow = 2 * np.minimum(songs.tail[before], songs.head[lists]).sum(axis=2) - 1
    timbre = (songs.timbre - songs.timbre.mean(axis=0)) / songs.timbre.std(axis=0)
    apart = np.linalg.norm(timbre[:, None] - timbre[None], axis=2)
    usual = apart.sum() / (len(songs) * (len(songs) - 1))
    own = apart[lists[:, :, None], lists[:, None, :]].sum(axis=(1, 2)) / (LISTED * (LISTED - 1))
    line = songs.artists[np.concatenate([played.picks[:, -3:], lists], axis=1)]
    again = np.any([line[:, 3:] == line[:, 3 - k : -k] for k in (1, 2, 3)], axis=0)
    return {
        "precision": hit.mean(axis=1),
        "ndcg": (hit * discount).sum(axis=1) / discount.sum(),
        "diversity": own / usual,
        "artists": np.array([len(set(own)) for own in songs.artists[lists].tolist()], float),
        "clumps": again.mean(axis=1),
        "flow": flow.mean(axis=1),
    }


def followed(pool: Pool, way: Way, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """After a change of mood, how much of the list is of the new one ``[sessions, AFTER]``, and the regret.

    The regret ``[sessions]`` is how many songs have to be played since the change until at least half of the list is of
    the new mood, and stays so for the rest of `AFTER` songs; one more than those where that does not come.
    """
    habits = replace(USUAL, dwell_s=np.inf, pause=0.0)
    played = simulate(pool.songs, habits, count, _BEFORE + AFTER, rng, change_at=_BEFORE)
    new = played.moods[:, -1:]
    shares = []
    for k in range(1, AFTER + 1):
        fields = {name: getattr(played, name)[:, : _BEFORE + k][:, -WINDOW:] for name in asdict(played)}
        shares.append((pool.songs.truth[way(pool, Sessions(**fields), rng)] == new).mean(axis=1))
    share = np.stack(shares, axis=1)
    missing = share < _OFFERED / LISTED
    return share, np.where(missing, np.arange(1, AFTER + 1), 0).max(axis=1) + 1.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of ``evaluate recommend`` that other evaluations do not have."""
    parser.add_argument("--sessions", type=int, default=500, help="sessions of each test fold")
    parser.add_argument("--members", type=int, help="networks of the mood models, if not the recipe's")
    parser.add_argument("--bliss", type=Path, help="a Python with bliss-audio in it, to have its distance as a peer")


def command(options: argparse.Namespace, cache: FeatureCache) -> None:
    """Judge every way and write the report ``recommend``."""
    pairs = listening.judged_pairs(options, cache)
    peers: list[Array | None] = [None] * len(pairs)
    if options.bliss:
        peers = [_analysed(options.bliss, pair.test.paths, options.cache / "bliss.json") for pair in pairs]
    pools = [Pool(pair.test, peer) for pair, peer in zip(pairs, peers, strict=True)]
    contents = {
        "title": f"Lists of the next songs for simulated listeners over {datasets.load(options.data)[0].name}",
        "songs": [len(pool.songs) for pool in pools],
        "sessions": options.sessions,
        "habits": asdict(USUAL),
        "rows": judge(pools, ways(options.bliss is not None), options.sessions, options.seed),
    }
    recommending_report.write(options.reports / "recommend.json", contents)


def judge(pools: Sequence[Pool], rows: Mapping[str, Way], sessions: int, seed: int) -> dict[str, Any]:
    """The figures of each way: means over all pools' sessions, with intervals, and by pool."""
    found = {}
    for name, way in rows.items():
        values: dict[str, list[Array]] = {}
        shares = []
        for number, pool in enumerate(pools):
            rng = np.random.default_rng([seed, number])  # the same sessions for every way
            played = simulate(pool.songs, USUAL, sessions, 30, rng).last(WINDOW)
            for key, each in figures(pool, played, way(pool, played, rng)).items():
                values.setdefault(key, []).append(each)
            share, regret = followed(pool, way, max(1, sessions // 4), np.random.default_rng([seed, number, 1]))
            shares.append(share)
            values.setdefault("regret", []).append(regret)
        found[name] = {key: _figure(each) for key, each in values.items()}
        found[name]["after_change"] = np.concatenate(shares).mean(axis=0).round(4).tolist()
        print(f"{name}: precision {found[name]['precision']['mean']:.3f}", flush=True)
    return found


def _figure(found: Sequence[Array]) -> dict[str, Any]:
    everything = np.concatenate(found)
    half = 1.96 * everything.std() / np.sqrt(len(everything))
    return {
        "mean": round(float(everything.mean()), 4),
        "half_interval": round(float(half), 4),
        "folds": [round(float(each.mean()), 4) for each in found],
    }


def _analysed(python: Path, paths: Sequence[Path], kept: Path) -> Array:
    """What bliss-audio makes of files, by another Python; kept in a file by their names.

    Raises
    ------
    DataError
        It cannot be run, or not on these files.
    """
    known: dict[str, list[float]] = json.loads(kept.read_text()) if kept.is_file() else {}
    if missing := [str(path) for path in paths if path.name not in known]:
        try:
            done = subprocess.run(
                [python, "-c", _BLISS], input=json.dumps(missing), capture_output=True, text=True, check=True
            )
        except (OSError, subprocess.CalledProcessError) as error:
            said = getattr(error, "stderr", None) or str(error)
            raise DataError(f"bliss-audio by {python}: {said.strip().splitlines()[-1]}") from None
        rows = map(json.loads, done.stdout.splitlines())
        known |= {Path(path).name: row for path, row in zip(missing, rows, strict=True)}
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(known))
    return np.array([known[path.name] for path in paths])
