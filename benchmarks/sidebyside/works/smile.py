"""Configurations of openSMILE that compute what is compared and nothing else.

Its own sets (IS09 and others) add delta regression and a thousand functionals, which would not be the same work.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..settings import BUILD, F0_MAX_HZ, FRAME, HOP, N_MELS, N_MFCC, PITCH_FRAME, PREEMPHASIS, RATE

_IO = r"""
\{\cm[source{?}:include external source]}
%s
[componentInstances:cComponentManager]
instance[lldconcat].type = cVectorConcat

[lldconcat:cVectorConcat]
reader.dmLevel = %s
writer.dmLevel = lld
includeSingleElementFields = 1

\{\cm[sink{?}:include external sink]}
"""


def _component(name: str, kind: str, reads: str, **options: object) -> str:
    """One component that writes to a level of its own name."""
    lines = [
        f"[componentInstances:cComponentManager]\ninstance[{name}].type = {kind}\n",
        f"[{name}:{kind}]\nreader.dmLevel = {reads}\nwriter.dmLevel = {name}\ncopyInputName = 1",
        *(f"{key} = {value}" for key, value in options.items()),
    ]
    return "\n".join(lines) + "\n"


def _frames(name: str, samples: int) -> str:
    sizes = {"frameSize": samples / RATE, "frameStep": HOP / RATE, "frameCenterSpecial": "left"}
    return _component(name, "cFramer", "wave", noPostEOIprocessing=1, frameMode="fixed", **sizes)


MFCC = "".join(
    (
        _frames("frames", FRAME),
        _component("emphasised", "cVectorPreemphasis", "frames", k=PREEMPHASIS),
        _component("windowed", "cWindower", "emphasised", winFunc="han"),
        _component("fft", "cTransformFFT", "windowed"),
        _component("magnitude", "cFFTmagphase", "fft", magnitude=1, phase=0),
        _component("mel", "cMelspec", "magnitude", nBands=N_MELS, lofreq=0, hifreq=RATE // 2, usePower=1),
        _component(
            "mfcc", "cMfcc", "mel", firstMfcc=0, lastMfcc=N_MFCC - 1, cepLifter=0, melfloor=1e-9, htkcompatible=0
        ),
    )
)

PITCH = "".join(
    (
        _frames("frames", PITCH_FRAME),
        _component("windowed", "cWindower", "frames", winFunc="han"),
        _component("fft", "cTransformFFT", "windowed"),
        _component("magnitude", "cFFTmagphase", "fft", magnitude=1, phase=0),
        _component("acf", "cAcf", "magnitude", usePower=1, cepstrum=0),
        _component("cepstrum", "cAcf", "magnitude", usePower=1, cepstrum=1),
        _component("pitch", "cPitchACF", "acf;cepstrum", maxPitch=F0_MAX_HZ, voiceProb=0, HNR=1, F0=1),
    )
)

_LAST = {"mfcc": "mfcc", "pitch": "pitch"}


def smile(name: str, components: str) -> Any:
    """An extractor of such a configuration."""
    return _extractor(name, _IO % (components, _LAST[name]))


def is09() -> Any:
    """The low-level descriptors of openSMILE's own IS09 emotion set, smoothed over three frames as it has them."""
    import opensmile

    lld = Path(opensmile.__file__).parent / "core" / "config" / "is09-13" / "IS09_emotion_core.lld.conf.inc"
    return _extractor("is09", _IO % (r"\{" + str(lld) + "}", "is09_lld"))


def _extractor(name: str, text: str) -> Any:
    import opensmile

    BUILD.mkdir(parents=True, exist_ok=True)
    path = BUILD / f"opensmile-{name}.conf"
    path.write_text("[componentInstances:cComponentManager]\ninstance[dataMemory].type = cDataMemory\n" + text)
    return opensmile.Smile(feature_set=str(path), feature_level="lld", num_workers=1)
