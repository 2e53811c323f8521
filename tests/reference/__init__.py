"""Every descriptor and functional of docs/descriptors.md in plain float64 NumPy, written from that page alone.

It shares no code and no shortcut with the native core, so that the two can only agree by both being right.
"""

from reference.framing import Config, Frames
from reference.functionals import FUNCTIONALS, functional
from reference.sets import (
    ABSENT_IS_ZERO,
    HARMONY,
    LLD50,
    LLD84,
    NEEDS_TONAL_FRAME,
    descriptor,
    frame_rows,
    segment_rows,
)

__all__ = [
    "ABSENT_IS_ZERO",
    "FUNCTIONALS",
    "HARMONY",
    "LLD50",
    "LLD84",
    "NEEDS_TONAL_FRAME",
    "Config",
    "Frames",
    "descriptor",
    "frame_rows",
    "functional",
    "segment_rows",
]
