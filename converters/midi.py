"""Standard MIDI files with another instrument: just enough of the format for that."""

from __future__ import annotations

import struct

#: General MIDI keeps drums on this channel (the tenth); its programs are kits, not instruments.
DRUMS = 9
PROGRAMS = range(128)
_DATA_BYTES = {0x8: 2, 0x9: 2, 0xA: 2, 0xB: 2, 0xC: 1, 0xD: 1, 0xE: 2}
_PROGRAM_CHANGE = 0xC


class MidiError(ValueError):
    """Bytes that are no Standard MIDI File, and where."""


def with_program(content: bytes, program: int) -> bytes:
    """The same music on one General MIDI instrument.

    Parameters
    ----------
    content
        A Standard MIDI File.
    program
        0 (acoustic grand piano) to 127, as MIDI counts. It is set on every channel but the drums' at the start, and put
        into every later program change.

    Raises
    ------
    MidiError
        `content` is no Standard MIDI File.
    ValueError
        There is no such program.
    """
    if program not in PROGRAMS:
        raise ValueError(f"General MIDI programs are 0 to 127, not {program}")
    if content[:4] != b"MThd" or len(content) < 14:
        raise MidiError("no Standard MIDI File: it does not begin with MThd")
    at = 8 + int.from_bytes(content[4:8], "big")
    parts, first = [content[:at]], True
    while at < len(content):
        kind, size = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "big")
        body = content[at + 8 : at + 8 + size]
        if len(body) < size or len(kind) < 4:
            raise MidiError(f"the chunk at byte {at} is cut off")
        if kind == b"MTrk":
            body = (_everywhere(program) if first else b"") + _replaced(body, program, at + 8)
            first = False
        parts.append(kind + struct.pack(">I", len(body)) + body)
        at += 8 + size
    if first:
        raise MidiError("the file has no track")
    return b"".join(parts)


def _everywhere(program: int) -> bytes:
    """A program change on every channel but the drums', each at once."""
    channels = (channel for channel in range(16) if channel != DRUMS)
    return b"".join(bytes((0, _PROGRAM_CHANGE << 4 | channel, program)) for channel in channels)


def _replaced(track: bytes, program: int, start: int) -> bytes:
    """A track whose program changes, but the drums', ask for `program`; `start`: where in the file it begins."""
    changed = bytearray(track)
    at = status = 0
    try:
        while at < len(track):
            _, at = _number(track, at)
            if track[at] & 0x80:
                status, at = track[at], at + 1
            if status in (0xFF, 0xF0, 0xF7):  # meta event, system exclusive: a length says how long
                size, at = _number(track, at + (status == 0xFF))
                at += size
                status = 0
            elif status >> 4 not in _DATA_BYTES:
                raise MidiError(f"byte {start + at}: {status:#04x} is no event of a file")
            else:
                if status >> 4 == _PROGRAM_CHANGE and status & 0xF != DRUMS:
                    changed[at] = program
                at += _DATA_BYTES[status >> 4]
    except IndexError:
        raise MidiError(f"the track at byte {start} ends inside an event") from None
    if at > len(track):
        raise MidiError(f"the track at byte {start} ends inside an event")
    return bytes(changed)


def _number(track: bytes, at: int) -> tuple[int, int]:
    """A number of variable length, seven bits a byte, and where it ends."""
    value = 0
    for end in range(at, at + 4):
        value = value << 7 | track[end] & 0x7F
        if track[end] < 0x80:
            return value, end + 1
    raise MidiError("a number of more than four bytes")
