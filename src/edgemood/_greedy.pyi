import numpy as np
from numpy.typing import NDArray

def inverses(
    vectors: NDArray[np.int8], scale: NDArray[np.float32], middle: NDArray[np.float32]
) -> NDArray[np.float32]:
    """One through the distance of each vector ``[n, dims]`` from the middle, float32 ``[n]``; 0 for one that lies there."""

class Scorer:
    """Tells how near songs are to targets: the mean, by weight, of the cosine of vectors and the overlap of scores.

    vectors, scores: as on a `Shelf`; inverse: of `inverses`; labelled: uint8 ``[n]``, not 0 where a song's mood was set
    by hand. Of each target: directions int16 ``[targets, dims]`` and terms float32 ``[targets, 3]``, which are the weight
    of the cosine in [0, 1], and by what to multiply the product of vector and direction and what to take off it so that
    times `inverse` it is the cosine; shares int32 ``[targets, labels]``, probabilities times 255 * 128; of_labels float32
    ``[targets, labels]``, the cosine that songs whose label was set by hand have (above 1: their own). A product's sum
    has to fit 32 bits. Used by one thread at a time.
    """

    def __init__(
        self,
        vectors: NDArray[np.int8],
        inverse: NDArray[np.float32],
        scores: NDArray[np.uint8],
        labelled: NDArray[np.uint8],
        directions: NDArray[np.int16],
        terms: NDArray[np.float32],
        shares: NDArray[np.int32],
        of_labels: NDArray[np.float32],
    ) -> None: ...
    def at(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Nearness, in [-1, 1], of the songs at `rows` to each target: float32 ``[targets, rows]``."""

    def best(self, skip: NDArray[np.uint8], offsets: NDArray[np.float32] | None, size: int) -> NDArray[np.int64]:
        """Rows, ascending, of all songs among the `size` best of any target, those with `skip` left out.

        The best have the greatest nearness plus offset (float32 ``[n]``, finite where not skipped); of equals the first.
        """

def pick(
    near: NDArray[np.float32],
    steps: NDArray[np.int32],
    units: NDArray[np.float32],
    scores: NDArray[np.uint8],
    head: NDArray[np.uint8],
    tail: NDArray[np.uint8],
    before: NDArray[np.uint8] | None,
    artists: tuple[NDArray[np.int32], NDArray[np.int64], int],
    albums: tuple[NDArray[np.int32], NDArray[np.int64], int],
    variety: float,
    smoothness: float,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pick a song of a pool for each step, one after another, as long as there are any.

    A song's worth for a step is ``(1 - smoothness) * ((1 - variety) * near - variety * like) + smoothness * flow``.
    near: to the step's target; like: the mean of cosine and overlap with the likest song picked so far; flow: the
    overlap of its head with the tail of the song before. The rules come before the worth: of the songs after which
    both can be kept for as long as before, so far as there are any, the worthiest is picked; else the one that breaks
    the artists' rule least, of these the one that breaks the albums' least. Of equals the first.

    Parameters
    ----------
    near
        ``[targets, songs]``.
    steps
        For each pick, which target; ``[n]``.
    units
        Vectors from the middle, of length 1 and filled up with zeros to a multiple of 8, ``[songs, width]``.
    scores, head, tail
        ``[songs, labels]``, in 255ths.
    before
        The tail of the song before the first, ``[labels]``; None: there is none.
    artists, albums
        The two rules: of each song the number of its key, -1 for none; of each key when it came last (-1: right before
        the first pick, -2: before that and so on; long ago if it did not); how many others have to lie between.
    variety, smoothness
        In [0, 1].

    Returns
    -------
    order, missing
        The songs, and for each by how many songs the rules of artists and albums were broken ``[n, 2]``.

    """
