"""F0 and harmonics-to-noise ratio: window-corrected autocorrelation at a low rate, and a path through its peaks."""

from dataclasses import dataclass
from math import ceil, floor, log, pi

import numpy as np

from reference.spectrum import window

OCTAVE_COST = 0.03
JUMP_COST = 0.0035  # an octave in a second
KEPT = 0.8  # of a path's score from frame to frame
CANDIDATES = 4
TAPS = 8  # of the decimation filter, a low-rate sample
LOW_PASS = 0.36  # of the low rate
KAISER_BETA = 3.4
QUIET = 1e-6  # mean square below which nothing is voiced
SILENT = 1e-12  # mean square below which there is no autocorrelation to speak of
SILENT_HNR_DB = -40.0


@dataclass(frozen=True)
class LowRate:
    """What follows from sample rate and F0 range."""

    sample_rate: int
    f0_min_hz: float
    f0_max_hz: float

    @property
    def decimation(self) -> int:
        return max(1, floor(self.sample_rate / (7 * self.f0_max_hz)))

    @property
    def rate_hz(self) -> float:
        return self.sample_rate / self.decimation

    @property
    def lag_rate_hz(self) -> float:
        return 2 * self.rate_hz

    @property
    def length(self) -> int:
        """L: samples of a frame at the low rate."""
        return ceil(3 * self.rate_hz / self.f0_min_hz)

    @property
    def taps(self) -> np.ndarray:
        """[K] the low-pass before decimation."""
        if self.decimation == 1:
            return np.ones(1)
        count = TAPS * self.decimation
        centred = np.arange(count) - (count - 1) / 2
        h = np.sinc(2 * LOW_PASS * centred / self.decimation) * np.i0(
            KAISER_BETA * np.sqrt(1 - (2 * centred / count) ** 2)
        )
        return h / h.sum()

    @property
    def covered(self) -> int:
        """Samples of the signal that a frame depends on."""
        return (self.length - 1) * self.decimation + len(self.taps)

    @property
    def lags(self) -> np.ndarray:
        """The lags searched, with three more at either end, in half low-rate samples."""
        return np.arange(
            floor(self.lag_rate_hz / self.f0_max_hz) - 3, ceil(self.lag_rate_hz / self.f0_min_hz) + 4, dtype=int
        )

    @property
    def n_fft(self) -> int:
        least = max(128, self.length * 4 // 5 + (int(self.lags[-1]) - 3) // 2 + 2)
        return 1 << (least - 1).bit_length()


def frames_of(x: np.ndarray, low: LowRate, starts: np.ndarray, length: int) -> np.ndarray:
    """[frames, length]: decimated frames, each from the low-rate sample nearest to its start in the signal."""
    first = (starts + low.decimation // 2) // low.decimation
    samples, place = np.unique(first[:, None] + np.arange(length), return_inverse=True)
    windows = np.lib.stride_tricks.sliding_window_view(x, len(low.taps))
    return (windows[samples * low.decimation] @ low.taps)[place].reshape(-1, length)


def window_autocorrelation(share: np.ndarray) -> np.ndarray:
    """Of a Hann window, normalised, at lags given as shares of its length (Boersma 1993, eq. 8)."""
    rho = (1 - share) * (2 / 3 + np.cos(2 * pi * share) / 3) + np.sin(2 * pi * share) / (2 * pi)
    return np.where(share < 1, rho, 0.0)


def normalised(frames: np.ndarray, low: LowRate) -> np.ndarray:
    """[frames, lags] r: autocorrelation of the windowed frames over that of the window, both 1 at lag 0."""
    spectrum = np.abs(np.fft.rfft(frames * window("hann", low.length), low.n_fft, axis=1)) ** 2
    r_a = np.fft.irfft(spectrum, 2 * low.n_fft, axis=1)
    share = low.lags / 2 / low.length
    r_w = window_autocorrelation(share) + window_autocorrelation(low.n_fft / low.length - share)
    return r_a[:, low.lags] / r_a[:, :1] / r_w


@dataclass
class Candidate:
    lag: float  # half low-rate samples
    height: float
    score: float


def parabola(left: float, middle: float, right: float) -> tuple[float, float]:
    """(shift from the middle in steps, height) of the peak through three points."""
    shift = 0.5 * (left - right) / (left - 2 * middle + right)
    return shift, middle - 0.25 * (left - right) * shift


def refined(r: np.ndarray, i: int) -> tuple[float, float]:
    """(shift in lags, height) of the peak at i, on a grid twice as fine by Lagrange's six points."""
    early, late = (
        (75 * (r[j] + r[j + 1]) / 128 - 25 * (r[j - 1] + r[j + 2]) / 256 + 3 * (r[j - 2] + r[j + 3]) / 256)
        for j in (i - 1, i)
    )
    fine = [r[i - 1], early, r[i], late, r[i + 1]]
    top = max((2, 1, 3), key=lambda place: fine[place])
    shift, height = parabola(*fine[top - 1 : top + 2])
    return (top - 2 + shift) / 2, height


def candidates(r: np.ndarray, low: LowRate) -> list[Candidate]:
    """The strongest peaks of one frame's r, refined."""
    bonus = -OCTAVE_COST * np.log2(low.f0_min_hz * np.maximum(low.lags, 1) / low.lag_rate_hz)
    peaks = [i for i in range(3, len(r) - 3) if r[i] > r[i - 1] and r[i] >= r[i + 1]]
    peaks.sort(key=lambda i: -(parabola(*r[i - 1 : i + 2])[1] + bonus[i]))
    found = []
    for i in peaks[:CANDIDATES]:
        shift, height = refined(r, i)
        if low.lags[i] + shift >= 0.999 * low.lag_rate_hz / low.f0_max_hz:
            found.append(Candidate(low.lags[i] + shift, height, height + bonus[i]))
    return found


@dataclass
class Reached:
    """A candidate of the frame before and the score of the best path to it."""

    candidate: Candidate
    total: float


def follow(found: list[Candidate], before: list[Reached], threshold: float, hop_s: float) -> list[Reached]:
    """The best paths to each of a frame's candidates."""
    octave = JUMP_COST / hop_s

    def step(one: Reached, to: Candidate) -> float:
        weight = min(1.0, max(0.0, one.candidate.height / (threshold or 1.0)))
        return KEPT * one.total - octave * weight * abs(log(to.lag / one.candidate.lag)) / log(2)

    reached = [Reached(c, c.score + max((step(one, c) for one in before), default=0.0)) for c in found]
    best = max((one.total for one in reached), default=0.0)
    return [Reached(one.candidate, one.total - best) for one in reached]


def f0_and_hnr(frames: np.ndarray, low: LowRate, threshold: float, hop_s: float) -> tuple[np.ndarray, np.ndarray]:
    """F0 in Hz (0 where unvoiced) and HNR in dB of the frames ``[frames, L]``."""
    f0, hnr = np.zeros(len(frames)), np.full(len(frames), SILENT_HNR_DB)
    frames = frames - frames.mean(1, keepdims=True)
    weights = window("hann", low.length) ** 2
    mean_square = frames**2 @ weights / weights.sum()
    sounding = mean_square >= SILENT
    r = normalised(np.where(sounding[:, None], frames, 1.0), low)
    reached: list[Reached] = []
    for t in range(len(frames)):
        reached = follow(candidates(r[t], low) if sounding[t] else [], reached, threshold, hop_s)
        if not reached:
            continue
        chosen = max(reached, key=lambda one: one.total).candidate
        height = np.clip(chosen.height, 1e-4, 1 - 1e-4)
        hnr[t] = 10 * np.log10(height / (1 - height))
        if height >= threshold and mean_square[t] >= QUIET:
            f0[t] = np.clip(low.lag_rate_hz / chosen.lag, low.f0_min_hz, low.f0_max_hz)
    return f0, hnr
