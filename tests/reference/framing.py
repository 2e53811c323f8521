"""Framing: which samples each frame covers, pre-emphasis, and the spectra that descriptors share."""

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from reference.formants import formants
from reference.mfcc import log_mel, mel_envelopes
from reference.pitch import LowRate, f0_and_hnr, frames_of
from reference.spectrum import band_levels, power_spectrum, window
from reference.tonal import TonalFrame, tonal_values


@dataclass(frozen=True)
class Config:
    """The defaults of ``em_config``. Floats are rounded to float32, since that is what the C struct holds."""

    sample_rate: int = 22050
    frame_length: int = 662
    hop_length: int = 551
    n_fft: int = 1024
    window: str = "hann"
    preemphasis: float = 0.97
    n_mels: int = 40
    mel_fmin_hz: float = 20.0
    mel_fmax_hz: float = 10000.0
    mel_edges: str = "exact"
    f0_min_hz: float = 55.0
    f0_max_hz: float = 1000.0
    voicing_threshold: float = 0.5
    lpc_order: int = 12
    lpc_fmax_hz: float = 5500.0
    segment_frames: int = 120
    segment_hop: int = 40

    def __post_init__(self):
        for field in fields(self):
            if field.type is float:
                object.__setattr__(self, field.name, float(np.float32(getattr(self, field.name))))

    @property
    def low_rate(self) -> LowRate:
        return LowRate(self.sample_rate, self.f0_min_hz, self.f0_max_hz)

    @property
    def tonal_frame(self) -> TonalFrame:
        return TonalFrame(self.low_rate)

    def span(self, pitch: bool, tonal: bool = False) -> int:
        """Samples from the first to the last that a frame looks at, if such columns are (not) asked for."""
        low = [self.low_rate.covered] * pitch + [self.tonal_frame.covered] * tonal
        return max([self.frame_length, *(covered + self.low_rate.decimation // 2 * 2 for covered in low)])


def preemphasise(x: np.ndarray, a: float) -> np.ndarray:
    return x - a * np.concatenate(([0.0], x[:-1])) if len(x) else x


def cut(x: np.ndarray, first: int, length: int, hop: int, count: int) -> np.ndarray:
    """`count` frames of `length` samples, the first at sample `first`, one every `hop`."""
    return x[first + hop * np.arange(count)[:, None] + np.arange(length)]


class Frames:
    """The frames of one signal. `pitch`, `tonal`: whether the span leaves room for these frames."""

    def __init__(self, x: np.ndarray, config: Config, pitch: bool, tonal: bool = False):
        self.config = config
        self.x = np.asarray(x, dtype=np.float64)
        self.span = config.span(pitch, tonal)
        self.count = max(0, (len(self.x) - self.span) // config.hop_length + 1)

    def _centred(self, x: np.ndarray, length: int) -> np.ndarray:
        return cut(x, (self.span - length) // 2, length, self.config.hop_length, self.count)

    @cached_property
    def short(self) -> np.ndarray:
        """[count, frame_length] samples of the short frames."""
        return self._centred(self.x, self.config.frame_length)

    @cached_property
    def pitch(self) -> np.ndarray:
        """[count, L] low-rate samples of the pitch frames."""
        low = self.config.low_rate
        starts = (self.span - low.covered) // 2 + self.config.hop_length * np.arange(self.count)
        return frames_of(self.x, low, starts, low.length)

    @cached_property
    def tonal(self) -> dict[str, np.ndarray]:
        frame = self.config.tonal_frame
        starts = (self.span - frame.covered) // 2 + self.config.hop_length * np.arange(self.count)
        return tonal_values(frames_of(self.x, frame.low, starts, frame.length), frame)

    @cached_property
    def window(self) -> np.ndarray:
        return window(self.config.window, self.config.frame_length)

    @cached_property
    def power(self) -> np.ndarray:
        """P: [count, n_fft/2 + 1] power spectra of the signal itself."""
        return power_spectrum(self.short * self.window, self.config.n_fft)

    @cached_property
    def emphasised_power(self) -> np.ndarray:
        """Q: the same of the pre-emphasised signal."""
        emphasised = preemphasise(self.x, self.config.preemphasis)
        return power_spectrum(self._centred(emphasised, self.config.frame_length) * self.window, self.config.n_fft)

    @cached_property
    def log_mel(self) -> np.ndarray:
        return log_mel(self.emphasised_power, self.config)

    @cached_property
    def mel_envelopes(self) -> np.ndarray:
        return mel_envelopes(self.log_mel)

    @cached_property
    def f0_and_hnr(self) -> tuple[np.ndarray, np.ndarray]:
        hop_s = self.config.hop_length / self.config.sample_rate
        return f0_and_hnr(self.pitch, self.config.low_rate, self.config.voicing_threshold, hop_s)

    @cached_property
    def band_levels(self) -> np.ndarray:
        return band_levels(self.power, self.frequencies_hz)

    @cached_property
    def formants(self) -> np.ndarray:
        return formants(self.emphasised_power, self.config)

    @cached_property
    def frequencies_hz(self) -> np.ndarray:
        return np.arange(self.config.n_fft // 2 + 1) * self.config.sample_rate / self.config.n_fft
