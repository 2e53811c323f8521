"""Simulated sessions keep their promises, readers learn from them, and the evaluation writes its report."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="TensorFlow (extra: train) is not installed")
pytest.importorskip("sklearn", reason="scikit-learn (extra: train) is not installed")

from converters import (
    evaluate,
    listener_network,
    listening,
    listening_logs,
    listening_report,
    readers,
    recommending,
    synth,
)
from converters.datasets import DataError
from converters.fit import Recipe
from converters.listener_network import ListenerConfig
from converters.network import NetworkConfig
from converters.readers import Heard
from converters.sessions import OTHERS, USUAL, Sessions, simulate
from converters.songs import Songs, joined, of

MOODS = ("happy", "angry", "sad", "calm")


def made_up(seed: int = 0, each: int = 30, sure: float = 4.0) -> Songs:
    """Songs whose scores are a noisy but calibrated opinion: a Gaussian each around its mood's corner."""
    rng = np.random.default_rng(seed)
    truth = np.repeat(np.arange(4), each)
    seen = np.eye(4)[truth] * sure**0.5 + rng.standard_normal((len(truth), 4))
    powers = np.exp(seen * sure**0.5)
    scores = powers / powers.sum(axis=1, keepdims=True)
    artists = truth * each + rng.integers(0, each, len(truth))
    return Songs(truth, artists, scores, scores, scores, seen, seen)


@pytest.fixture(scope="module")
def songs() -> Songs:
    return made_up()


def test_listeners_have_the_habits_they_are_given(songs):
    habits = replace(USUAL, shares=1e6, liking=0.0)
    found = simulate(songs, habits, 3000, 40, np.random.default_rng(1))
    mood, picked = found.moods, songs.truth[found.picks]
    off = picked != mood
    assert np.mean(off) == pytest.approx(habits.off_mood, abs=0.01)
    opposite = (np.abs(mood - picked) == 2)[off]  # happy - sad, angry - calm
    assert np.mean(opposite) == pytest.approx(habits.opposite, abs=0.02)
    assert np.mean(found.skipped[off]) == pytest.approx(habits.skip_off, abs=0.02)
    assert np.mean(found.skipped[~off]) == pytest.approx(habits.skip_on, abs=0.02)
    assert np.mean(found.heard[off & found.skipped]) == pytest.approx(1 / 3, abs=0.02)
    assert np.mean(found.heard[~off & found.skipped]) == pytest.approx(1 / 2, abs=0.02)
    assert (found.heard[~found.skipped] == 1).all()
    paused = found.gap_s[:, 1:] > habits.song_s
    assert np.mean(paused) == pytest.approx(habits.pause, abs=0.01)
    assert np.bincount(mood[:, 0]) / len(mood) == pytest.approx(0.25, abs=0.03)


def test_moods_hold_and_long_pauses_end_them(songs):
    habits = replace(USUAL, shares=1e6, pause=0.5, pause_s=1e6, pause_spread=0.0)
    found = simulate(songs, habits, 3000, 20, np.random.default_rng(2))
    moved, paused = found.moods[:, 1:] != found.moods[:, :-1], found.gap_s[:, 1:] > habits.song_s
    assert np.mean(moved[paused]) == pytest.approx(0.75, abs=0.02)
    stays = np.array([1.0, (1 - habits.opposite) / 2])  # to stay is as near as a neighbour
    again = stays[1] / (stays.sum() + stays[1] + habits.opposite - 1 + stays[1])
    expected = (1 - np.exp(-found.gap_s[:, 1:][~paused] / habits.dwell_s)) * (1 - again)
    assert np.mean(moved[~paused]) == pytest.approx(np.mean(expected), rel=0.1)


def test_no_song_comes_again_soon_and_the_seed_decides(songs):
    first, again, other = (simulate(songs, USUAL, 50, 30, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert np.array_equal(first.picks, again.picks)
    assert not np.array_equal(first.picks, other.picks)
    for picks in first.picks:
        for place in range(30):
            assert picks[place] not in picks[max(0, place - USUAL.no_repeat) : place]
    assert first.last(10).picks.shape == (50, 10)


def test_a_mood_without_songs_is_an_error(songs):
    with pytest.raises(ValueError, match=r"no songs of the moods \[2\]"):
        simulate(of(songs, songs.truth != 2), USUAL, 5, 5, np.random.default_rng(0))


@pytest.fixture(scope="module")
def heard(songs) -> dict[str, Heard]:
    pools = {"learn": made_up(seed=9), "test": songs}
    return {
        name: Heard.of(pool, simulate(pool, USUAL, 1500, 20, np.random.default_rng(len(name))))
        for name, pool in pools.items()
    }


def test_the_filter_beats_means_and_learns_what_the_listeners_do(heard):
    learn, test = heard["learn"].last(10), heard["test"].last(10)
    decay, _ = readers.fit_decay(learn)
    untimed, _ = readers.fit_filter(learn.untimed())
    full, learned = readers.fit_filter(learn)
    right = {name: readers.accuracy(test.truth, read(test)) for name, read in {"d": decay, "f": full}.items()}
    plain = readers.accuracy(test.truth, readers.mean(test))
    ordered = readers.accuracy(test.truth, untimed(test.untimed()))
    assert right["f"] > max(plain, right["d"]) + 0.02
    assert right["f"] > ordered
    assert learned["off_mood"] == pytest.approx(USUAL.off_mood, abs=0.1)
    assert learned["skip_off"] > 2 * learned["skip_on"]


def test_more_songs_tell_more(heard):
    learn, test = heard["learn"], heard["test"]
    read, _ = readers.fit_filter(learn.last(10))
    right = [readers.accuracy(test.truth, read(test.last(k))) for k in (1, 3, 10)]
    assert right[0] < right[1] < right[2]


def test_concentration_and_coherence_of_logs():
    even = listening_logs.Log([np.full(50, 7)] * 3, [np.arange(50) % 4] * 3)
    assert listening_logs.statistics(even)["gini"] == pytest.approx(0)
    assert listening_logs.statistics(even)["top10"] == pytest.approx(0.2)
    assert listening_logs.statistics(even)["coherence"] == pytest.approx(0, abs=0.05)
    lopsided = listening_logs.Log([np.array([10_000] + [1] * 49)] * 4, [np.full(50, k) for k in range(4)])
    found = listening_logs.statistics(lopsided)
    assert found["gini"] > 0.9
    assert found["coherence"] == pytest.approx(1)


def test_likings_concentrate_plays_and_leanings_make_artists_alike(songs):
    def log(**habits: float) -> dict[str, float]:
        pool = joined([songs, made_up(seed=3, each=60)])
        return listening_logs.statistics(
            listening_logs.simulated(pool, replace(USUAL, **habits), 60, 400, np.random.default_rng(0))
        )

    assert log(liking=0.5)["gini"] + 0.1 < log(liking=2.0)["gini"]
    assert log(shares=50.0)["coherence"] + 0.03 < log(shares=0.5)["coherence"]


def logs(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "tags.dat").write_text("tagID\ttagValue\n1\tCalm\n2\tsad\n3\trock\n", encoding="latin-1")
    tagged = "".join(f"1\t{artist}\t{1 + artist % 2}\t1\t1\t2009\n" for artist in range(60)) + "1\t7\t3\t1\t1\t2009\n"
    (folder / "user_taggedartists.dat").write_text(f"userID\tartistID\ttagID\tday\tmonth\tyear\n{tagged}")
    rows = "".join(f"{user}\t{2 * i + user % 2}\t{5 + i}\n" for user in range(4) for i in range(30))
    (folder / "user_artists.dat").write_text(f"userID\tartistID\tweight\n{rows}")


def test_real_logs_are_read(tmp_path):
    logs(tmp_path / "logs")
    found = listening_logs.real(tmp_path / "logs")
    assert [counts.max() for counts in found.counts] == [34] * 4
    assert [set(moods.tolist()) for moods in found.moods] == [{3}, {2}, {3}, {2}]
    assert listening_logs.statistics(found)["coherence"] == pytest.approx(1, abs=0.05)
    (tmp_path / "logs/tags.dat").unlink()
    with pytest.raises(DataError, match=r"tags\.dat is missing"):
        listening_logs.real(tmp_path / "logs")


def test_a_network_learns_from_sessions(heard):
    config = ListenerConfig(told=("scores", "events"), song_units=16, units=8, layers=1, epochs=8)
    for k, least in ((1, 0.4), (3, 0.5)):
        read, settings = listener_network.fit(heard["learn"].last(k), config, 0)
        probs = read(heard["test"].last(k))
        assert probs.sum(axis=1) == pytest.approx(1)
        assert readers.accuracy(heard["test"].truth, probs) > least
    assert settings["units"] == 8


@pytest.fixture
def small(monkeypatch):
    """A mood model of one epoch, and of the readers those that learn quickly."""
    recipe = Recipe(network=NetworkConfig(layers=0), epochs=1, variants=0)
    monkeypatch.setattr(listening.recipes, "of", lambda columns, **asked: recipe)
    known = listening.fits(1)
    monkeypatch.setattr(listening, "fits", lambda epochs: {key: known[key] for key in ("mean", "decay", "shipped")})
    monkeypatch.setattr(listening, "WINDOWS", (1, 3))
    monkeypatch.setattr(listening, "LOG_SIZE", (20, 100))
    monkeypatch.setattr(listening_report, "PAPER", {"1": 60.2, "3": 64.3})


@pytest.mark.usefixtures("small")
def test_the_command_writes_its_report_and_keeps_judgements(tmp_path, capsys):
    synth.write(tmp_path / "data", MOODS, 5, seconds=6.0)
    logs(tmp_path / "data/lastfm2k")
    where = ["--data", str(tmp_path / "data"), "--cache", str(tmp_path / "cache"), "--reports", str(tmp_path)]
    evaluate.main(["listener", *where, "--sessions", "40", "--seeds", "1", "--epochs", "1"])
    found = json.loads((tmp_path / "listener.json").read_text())
    assert list(found["rows"]) == ["mean", "decay", "shipped"]
    for row in found["rows"].values():
        assert set(row["by"]) == {"1", "3", *OTHERS}
        assert all(0 <= figure["accuracy"] <= 1 and len(figure["folds"]) == 5 for figure in row["by"].values())
    assert found["rows"]["shipped"]["less_than_shipped"]["mean"] == 0
    assert set(found["logs"]) == {"simulated", "real"}
    page = (tmp_path / "listener.md").read_text()
    assert "60.2" in page
    assert "the filter that ships" in page
    assert (tmp_path / "listener.png").stat().st_size > 1000
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache/songs").glob("*.npz")}
    assert len(kept) == 5
    evaluate.main(["listener", *where, "--sessions", "40", "--seeds", "1", "--epochs", "1"])
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "cache/songs").glob("*.npz")} == kept
    assert json.loads((tmp_path / "listener.json").read_text()) == found


def test_labels_that_are_no_quadrants_are_refused(tmp_path, capsys):
    synth.write(tmp_path / "data", ("happy", "solemn"), 5, seconds=4.0)
    with pytest.raises(SystemExit):
        evaluate.main(["listener", "--data", str(tmp_path / "data"), "--cache", str(tmp_path / "cache")])
    assert "four quadrants" in capsys.readouterr().err


# ---------------------------------------------------------------------------------------------------- recommendations


@pytest.fixture(scope="module")
def pool(songs) -> recommending.Pool:
    return recommending.Pool(songs, songs.vectors)


def test_all_moods_move_where_they_are_told_to(songs):
    habits = replace(USUAL, dwell_s=np.inf, pause=0.0)
    moods = simulate(songs, habits, 200, 12, np.random.default_rng(0), change_at=5).moods
    assert (moods[:, :5] == moods[:, :1]).all()
    assert (moods[:, 5:] == moods[:, 5:6]).all()
    assert (moods[:, 4] != moods[:, 5]).all()


def test_lists_are_of_ten_songs_that_were_not_just_played(pool):
    rng = np.random.default_rng(0)
    played = simulate(pool.songs, USUAL, 20, 15, rng).last(10)
    for name, way in recommending.ways(with_peer=True).items():
        lists = way(pool, played, rng)
        assert lists.shape == (20, 10), name
        for own, before in zip(lists, played.picks, strict=True):
            assert len(set(own)) == 10, name
            assert not set(own) & set(before), name


def test_figures_of_a_list_made_by_hand(pool):
    songs, truth = pool.songs, pool.songs.truth
    mood = np.flatnonzero(truth == 1)
    other = np.flatnonzero(truth == 3)
    played = Sessions(np.ones((1, 3), int), mood[None, :3], *(np.zeros((1, 3)) for _ in range(3)))
    good = recommending.figures(pool, played, mood[None, 3:13])
    half = recommending.figures(pool, played, np.concatenate([mood[3:8], other[:5]])[None])
    late = recommending.figures(pool, played, np.concatenate([other[:5], mood[3:8]])[None])
    assert (good["precision"], good["ndcg"]) == (1, 1)
    assert half["precision"] == late["precision"] == 0.5
    assert half["ndcg"] > 0.5 > late["ndcg"]
    assert half["artists"] == len(set(songs.artists[mood[3:8]])) + len(set(songs.artists[other[:5]]))
    of_one = recommending.figures(
        recommending.Pool(replace(songs, artists=np.zeros_like(songs.artists))), played, mood[None, 3:13]
    )
    assert (of_one["artists"], of_one["clumps"]) == (1, 1)


def test_diversity_is_1_for_songs_at_random_and_flow_1_for_equal_edges(pool):
    rng = np.random.default_rng(0)
    played = simulate(pool.songs, USUAL, 400, 15, rng).last(10)
    lists = recommending.ways(False)["random"](pool, played, rng)
    assert recommending.figures(pool, played, lists)["diversity"].mean() == pytest.approx(1, abs=0.02)
    even = np.full_like(pool.songs.scores, 0.25)
    flat = recommending.Pool(replace(pool.songs, head=even, tail=even))
    assert recommending.figures(flat, played, lists)["flow"] == pytest.approx(1)


def test_regret_counts_songs_until_the_list_has_followed(pool):
    truth = pool.songs.truth

    def after(songs: int) -> recommending.Way:
        """A list that goes by the mood of so many songs ago."""

        def offer(_, played: Sessions, rng: np.random.Generator) -> np.ndarray:
            return np.array([np.flatnonzero(truth == mood)[:10] for mood in played.moods[:, -1 - songs]])

        return offer

    for late in (0, 4, 9):
        share, regret = recommending.followed(pool, after(late), 20, np.random.default_rng(0))
        assert (regret == late + 1).all()
        assert (share[:, late:] == 1).all()
        assert (share[:, :late] == 0).all()
    stuck = np.tile(np.flatnonzero(truth == 0)[:10], (20, 1))
    share, regret = recommending.followed(pool, lambda *_: stuck, 20, np.random.default_rng(0))
    assert set(zip(share[:, 0].tolist(), regret.tolist(), strict=True)) == {(0.0, 11.0), (1.0, 1.0)}


def test_edgemood_offers_more_of_the_mood_than_plainer_ways(pool):
    known = recommending.ways(with_peer=False)
    rows = recommending.judge(
        [pool], {name: known[name] for name in ("edgemood", "edgemood, told the mood", "random")}, 40, 0
    )
    precision = {name: row["precision"]["mean"] for name, row in rows.items()}
    assert precision["edgemood, told the mood"] > precision["edgemood"] > precision["random"] + 0.2
    assert rows["edgemood"]["clumps"]["mean"] == 0
    assert rows["edgemood, told the mood"]["regret"]["mean"] < rows["random"]["regret"]["mean"]


def test_the_peer_is_asked_once_for_each_file(tmp_path, monkeypatch):
    monkeypatch.setattr(recommending, "_BLISS", _FAKE_BLISS)
    paths = [tmp_path / "a.wav", tmp_path / "b.wav"]
    found = recommending._analysed(Path(sys.executable), paths, tmp_path / "kept.json")
    assert found.tolist() == [[5.0, 1.0], [5.0, 1.0]]
    again = recommending._analysed(tmp_path / "no python", paths[::-1], tmp_path / "kept.json")
    assert again.tolist() == found.tolist()
    with pytest.raises(DataError, match="bliss-audio by"):
        recommending._analysed(tmp_path / "no python", [tmp_path / "c.wav"], tmp_path / "kept.json")
    monkeypatch.setattr(recommending, "_BLISS", "raise SystemExit('cannot decode c.wav')")
    with pytest.raises(DataError, match=r"cannot decode c\.wav"):
        recommending._analysed(Path(sys.executable), [tmp_path / "c.wav"], tmp_path / "kept.json")


_FAKE_BLISS = """
import json, sys
from pathlib import Path
for path in json.load(sys.stdin):
    print(json.dumps([len(Path(path).name), 1]))
"""


@pytest.mark.usefixtures("small")
def test_the_command_writes_the_quality_table(tmp_path, monkeypatch):
    synth.write(tmp_path / "data", MOODS, 40, seconds=4.0)
    monkeypatch.setattr(recommending, "_BLISS", _FAKE_BLISS)
    where = ["--data", str(tmp_path / "data"), "--cache", str(tmp_path / "cache"), "--reports", str(tmp_path)]
    evaluate.main(["recommend", *where, "--sessions", "8", "--bliss", sys.executable])
    found = json.loads((tmp_path / "recommend.json").read_text())
    assert list(found["rows"]) == list(recommending.ways(with_peer=True))
    page = (tmp_path / "recommend.md").read_text()
    assert all(name in page for name in found["rows"])
    assert (tmp_path / "recommend.png").stat().st_size > 1000
