"""The frames of an MPEG audio file (MP3, MP2): where they lie, how many there are, how many were promised.

libsndfile believes the first frame's bit rate where a variable-rate file has no Xing header (and then reads
a quarter of the song), stops at junk between frames, and takes some text for MPEG audio. Counting the frames
first costs a few milliseconds a song and removes all three: `MpegIndex.open` hands the decoder only frames,
behind a header that says how many.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from edgemood._containers import Span, SpanFile, id3v2_end, tail_tags_start

_KBPS = {  # (MPEG version 1, layer) -> bit rates of header values 1..14
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES_HZ = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}  # by version bits
_PIECE = 1 << 17
_MAX_LEAD = 1 << 16  # junk that may precede the first frame, bytes
_MAX_GAP = 1 << 20  # junk that may lie between two frames, bytes
_CONFIRM = 3  # consecutive frames that make a sync word believable


class _Layout(NamedTuple):
    """What all frames of one stream share; `sizes` gives a frame's length in bytes by its third byte, 0 if bad."""

    second_byte: int  # with the protection bit set
    mono: bool
    layer: int
    rate_hz: int
    samples: int  # a frame
    sizes: tuple[int, ...]

    def frame_size(self, header: bytes) -> int:
        """Tell the length of the frame with this 4-byte header; 0 where it is none of this stream."""
        fits = (
            len(header) == 4
            and header[0] == 0xFF
            and header[1] | 1 == self.second_byte
            and (header[3] >> 6 == 3) == self.mono
        )
        return self.sizes[header[2]] if fits else 0


@lru_cache(maxsize=64)
def _layout(header: bytes) -> _Layout | None:
    """Read the layout that one 4-byte frame header implies; None if it is no frame header."""
    if len(header) < 4 or header[0] != 0xFF or header[1] < 0xE0:
        return None
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    rate_index = header[2] >> 2 & 3
    if version == 1 or layer not in (2, 3) or rate_index == 3:
        return None
    rate_hz = _RATES_HZ[version][rate_index]
    samples = 576 if layer == 3 and version != 3 else 1152
    sizes = [0] * 256
    for index, kbps in enumerate(_KBPS[version == 3, layer], start=1):
        for padding in (0, 1):
            size = samples // 8 * kbps * 1000 // rate_hz + padding
            for private in (0, 1):
                sizes[index << 4 | rate_index << 2 | padding << 1 | private] = size
    if not sizes[header[2]]:
        return None
    return _Layout(header[1] | 1, header[3] >> 6 == 3, layer, rate_hz, samples, tuple(sizes))


@dataclass(frozen=True)
class MpegIndex:
    """The frames of one file. frames: how many are there; lost_bytes: junk between them, first at lost_at_s.

    announced_frames: what the Xing, Info or VBRI header promises (None without one).
    """

    rate_hz: int
    frames: int
    samples_per_frame: int
    announced_frames: int | None
    lost_bytes: int
    lost_at_s: float
    spans: tuple[Span, ...]
    header: bytes

    @property
    def duration_s(self) -> float:
        """The length of the frames that are there."""
        return self.frames * self.samples_per_frame / self.rate_hz

    @property
    def expected_s(self) -> float:
        """The length the file should have: as announced, and never less than what is there and what junk replaced."""
        held = sum(end - start for start, end in self.spans)
        expected = self.frames * (1 + self.lost_bytes / held)
        return max(expected, self.announced_frames or 0) * self.samples_per_frame / self.rate_hz

    def open(self, fd: int) -> SpanFile:
        """Give the frames as one file, behind a header that counts them."""
        return SpanFile(fd, self.spans, self.header)


def first_frame(fd: int, size: int) -> int | None:
    """Where the first MPEG audio frame lies, behind ID3v2 tags and little junk; None if there is none."""
    start = id3v2_end(fd)
    end = tail_tags_start(fd, start, size)
    window = os.pread(fd, _MAX_LEAD, start)
    at = window.find(b"\xff")
    while at >= 0:
        layout = _layout(window[at : at + 4] if at + 4 <= len(window) else os.pread(fd, 4, start + at))
        if layout and _confirmed(fd, start + at, end, layout):
            return start + at
        at = window.find(b"\xff", at + 1)
    return None


def _confirmed(fd: int, at: int, end: int, layout: _Layout) -> bool:
    """Whether three frames follow each other at `at`, or fewer that reach the end exactly."""
    for _ in range(_CONFIRM):
        frame_size = layout.frame_size(os.pread(fd, 4, at))
        if not frame_size:
            return False
        at += frame_size
        if at == end:
            return True
    return True


def index(fd: int, size: int) -> MpegIndex | None:
    """Count the frames of an MPEG audio file, reading all of it once; None if it is not one."""
    start = first_frame(fd, size)
    if start is None:
        return None
    end = tail_tags_start(fd, start, size)
    head = os.pread(fd, 4096, start)
    layout = _layout(head[:4])
    assert layout is not None  # first_frame saw it
    announced, patched = _promise(head[: layout.frame_size(head[:4])], layout)
    if announced is not None:
        start += layout.frame_size(head[:4])
    spans, frames, lost_at = _walk(fd, start, end, layout)
    if not frames:
        return None
    held = sum(stop - begin for begin, stop in spans)
    lost = spans[-1][1] - spans[0][0] - held
    return MpegIndex(
        rate_hz=layout.rate_hz,
        frames=frames,
        samples_per_frame=layout.samples,
        announced_frames=announced or None,
        lost_bytes=lost,
        lost_at_s=lost_at * layout.samples / layout.rate_hz,
        spans=tuple(spans),
        header=_counting_header(patched, frames, held, layout, head),
    )


def _walk(fd: int, start: int, end: int, layout: _Layout) -> tuple[list[Span], int, int]:
    """Walk from frame to frame: the spans of whole frames, their number, and how many lie before the first gap."""
    spans: list[Span] = []
    frames, lost_at, at, span_start = 0, 0, start, start
    base, piece = 0, b""
    sizes: dict[bytes, int] = {}  # of the headers met: this loop runs ten thousand times a song
    while at + 4 <= end:
        here = at - base
        if here + 4 > len(piece):
            base, piece, here = at, os.pread(fd, min(_PIECE, end - at), at), 0
            if len(piece) < 4:
                break
        header = piece[here : here + 4]
        size = sizes.get(header)
        if size is None:
            size = sizes[header] = layout.frame_size(header)
        if size:
            if at + size > end:
                break
            at += size
            frames += 1
            continue
        if at > span_start:
            spans.append((span_start, at))
        lost_at = lost_at or frames
        found = _resync(fd, at + 1, end, layout)
        if found is None:
            return spans, frames, lost_at
        at = span_start = found
    if at > span_start:
        spans.append((span_start, at))
    return spans, frames, lost_at


def _resync(fd: int, start: int, end: int, layout: _Layout) -> int | None:
    """Find the next frame of this stream within a megabyte; None if there is none."""
    window = os.pread(fd, min(_MAX_GAP, max(0, end - start)), start)
    at = window.find(b"\xff")
    while at >= 0:
        if layout.frame_size(window[at : at + 4]) and _confirmed(fd, start + at, end, layout):
            return start + at
        at = window.find(b"\xff", at + 1)
    return None


def _promise(frame: bytes, layout: _Layout) -> tuple[int | None, bytes]:
    """Read what a Xing, Info or VBRI header promises.

    Gives the number of frames (0: the header does not say; None: `frame` is no such header but music), and
    the frame itself if its count can be patched in place, which keeps its encoder delay.
    """
    if layout.layer != 3:
        return None, b""
    at = _xing_offset(layout)
    if frame[at : at + 4] in (b"Xing", b"Info"):
        flags = int.from_bytes(frame[at + 4 : at + 8], "big")
        if flags & 3 == 3 and len(frame) >= at + 16:
            return int.from_bytes(frame[at + 8 : at + 12], "big"), frame
        return (int.from_bytes(frame[at + 8 : at + 12], "big") if flags & 1 else 0), b""
    if frame[36:40] == b"VBRI":
        return int.from_bytes(frame[50:54], "big"), b""
    return None, b""


def _xing_offset(layout: _Layout) -> int:
    if layout.samples == 1152:
        return 21 if layout.mono else 36
    return 13 if layout.mono else 21


def _counting_header(frame: bytes, frames: int, held: int, layout: _Layout, head: bytes) -> bytes:
    """Make a Xing header that says how many frames and bytes follow: the file's own, corrected, or a new one."""
    if layout.layer != 3:
        return b""
    at = _xing_offset(layout)
    if not frame:
        header = bytes((0xFF, layout.second_byte, 0x90 | head[2] & 0x0C, head[3]))
        frame = (header + bytes(at - 4) + b"Xing" + b"\0\0\0\3").ljust(layout.frame_size(header), b"\0")
    count = frames.to_bytes(4, "big") + min(held + len(frame), 0xFFFFFFFF).to_bytes(4, "big")
    return frame[: at + 8] + count + frame[at + 16 :]
