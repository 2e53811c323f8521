"""The shelf: what is packed comes back nearly as it was, and belongs together."""

from __future__ import annotations

import numpy as np
import pytest

from edgemood import shelf
from edgemood.shelf import Shelf

LABELS = ("happy", "angry", "sad", "calm")


def made(n: int = 50, dims: int = 8, seed: int = 0) -> Shelf:
    rng = np.random.default_rng(seed)
    return Shelf.of(
        np.cumsum(rng.integers(1, 5, n)),
        rng.normal(size=(n, dims)) * np.arange(1, dims + 1),
        rng.dirichlet(np.ones(4), n),
        LABELS,
        "test-1",
        artists=[f"Artist {i % 7}" for i in range(n)],
    )


def test_what_is_packed_comes_back_to_half_a_step() -> None:
    rng = np.random.default_rng(1)
    vectors, scores = rng.normal(size=(40, 5)) * [1, 10, 0.1, 1e-6, 0], rng.dirichlet(np.ones(4), 40)
    packed = Shelf.of(np.arange(40), vectors, scores, LABELS, "test-1")
    rows = np.arange(40)
    assert (np.abs(packed.vectors_of(rows) - vectors) <= packed.scale * 0.501).all()
    assert np.abs(packed.vectors).max(axis=0).tolist() == [127, 127, 127, 127, 0]
    assert np.abs(packed.scores_of(rows) - scores).max() <= 0.501 / 255
    assert packed.head is packed.scores


def test_the_middle_is_the_mean_drawn_to_zero() -> None:
    packed = made(n=70_000, dims=3)
    mean = packed.vectors_of(np.arange(70_000)).astype(np.float64).sum(axis=0) / (70_000 + shelf.PRIOR_SONGS)
    np.testing.assert_allclose(packed.middle, mean, rtol=1e-4)
    assert packed.middle is packed.middle
    assert shelf.empty("m-1").middle.shape == (0,)


def test_rows_of_ids() -> None:
    packed = Shelf.of([2, 5, 9], np.eye(3), np.full((3, 4), 0.25), LABELS, "test-1")
    assert packed.rows([9, 2, 3, 10, 1, 5]).tolist() == [2, 0, -1, -1, -1, 1]
    assert packed.rows([]).tolist() == []
    assert shelf.empty("m-1").rows([1]).tolist() == [-1]


def test_spellings_of_an_artist_are_one_and_nobody_is_zero() -> None:
    names = ["The  Cure", "the cure ", "Various Artists", "", "Björk", "BJÖRK", "Straße", "STRASSE"]
    cure, same, various, nobody, bjork, loud, street, upper = (shelf.artist_hash(name) for name in names)
    assert cure == same != bjork == loud
    assert various == nobody == 0
    assert street == upper
    assert shelf.text_hash("\udce4") > 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ids": [1, 1, 2]}, "ascend"),
        ({"ids": [3, 2, 1]}, "ascend"),
        ({"vectors": np.full((3, 2), np.nan)}, "finite"),
        ({"scores": np.full((3, 4), np.inf)}, "finite"),
        ({"scores": np.full((3, 3), 0.3)}, "scores"),
        ({"flags": [1]}, "flags"),
        ({"artists": ["one"]}, "artist"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict, message: str) -> None:
    values = {"ids": [1, 2, 3], "vectors": np.ones((3, 2)), "scores": np.full((3, 4), 0.25)} | change
    with pytest.raises(ValueError, match=message):
        Shelf.of(labels=LABELS, model="test-1", **values)


def test_a_vector_beyond_the_scale_is_drawn_in() -> None:
    packed = shelf.pack_vectors([[300, -300, 1]], np.ones(3, np.float32))
    assert packed.tolist() == [[127, -127, 1]]
