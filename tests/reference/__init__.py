"""Every descriptor and functional of docs/descriptors.md in plain float64 NumPy, written from that page alone.

It shares no code and no shortcut with the native core, so that the two can only agree by both being right.
"""

from reference.framing import Config, Frames
from reference.functionals import FUNCTIONALS, functional
from reference.sets import ABSENT_IS_ZERO, LLD50, descriptor, frame_rows, segment_rows

__all__ = [
    "ABSENT_IS_ZERO",
    "FUNCTIONALS",
    "LLD50",
    "Config",
    "Frames",
    "descriptor",
    "frame_rows",
    "functional",
    "segment_rows",
]
