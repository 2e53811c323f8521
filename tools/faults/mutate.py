"""Ways to damage a music file, as cards, cables and bad programs do, and as nobody but a foe would. All seeded."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable

_EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x00FF_FFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFF0, 0xFFFF_FFFF)
_LONGEST = 30_000  # bytes that are moved, removed or made up at a time


def _span(data: bytes, rng: random.Random, longest: int = _LONGEST) -> slice:
    """Pick a stretch: half of the time close to the begin, where headers are."""
    at = rng.randrange(max(1, len(data) if rng.random() < 0.5 else min(len(data), 400)))
    return slice(at, at + rng.randrange(1, longest))


def flip_bits(data: bytes, rng: random.Random) -> bytes:
    """Turn some bits over: bad memory, a dying card."""
    damaged = bytearray(data)
    reach = len(damaged) if rng.random() < 0.5 else min(len(damaged), 400)
    for _ in range(rng.choice((1, 3, 30, 300))):
        damaged[rng.randrange(reach)] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def overwrite(data: bytes, rng: random.Random) -> bytes:
    """Put noise, zeros or ones over a stretch."""
    where = _span(data, rng)
    length = len(data[where])
    return (
        data[: where.start] + rng.choice((rng.randbytes(length), bytes(length), b"\xff" * length)) + data[where.stop :]
    )


def cut_off(data: bytes, rng: random.Random) -> bytes:
    """End early: a copy that was interrupted."""
    return data[: rng.randrange(len(data) if rng.random() < 0.7 else min(len(data), 400))]


def take_out(data: bytes, rng: random.Random) -> bytes:
    """Leave a stretch out, the begin perhaps."""
    where = _span(data, rng)
    return data[: where.start] + data[where.stop :]


def put_in(data: bytes, rng: random.Random) -> bytes:
    """Put noise or a piece of the file itself between two bytes."""
    where = _span(data, rng)
    piece = rng.choice((rng.randbytes(where.stop - where.start), data[_span(data, rng)]))
    return data[: where.start] + piece * rng.choice((1, 1, 1, 20)) + data[where.start :]


def swap_blocks(data: bytes, rng: random.Random) -> bytes:
    """Exchange blocks: a file system that has lost its way."""
    size = rng.choice((64, 512, 4096, 16_384))
    blocks = [data[at : at + size] for at in range(0, len(data), size)]
    for _ in range(rng.randrange(1, 6)):
        a, b = rng.randrange(len(blocks)), rng.randrange(len(blocks))
        blocks[a], blocks[b] = blocks[b], blocks[a]
    return b"".join(blocks)


def lie_in_numbers(data: bytes, rng: random.Random) -> bytes:
    """Write extreme numbers where headers have sizes, counts and rates."""
    damaged = bytearray(data)
    for _ in range(rng.randrange(1, 4)):
        form = rng.choice("<>") + rng.choice("HIIQ")
        at = rng.randrange(max(1, min(len(damaged), rng.choice((64, 64, 400, 4000))) - 8))
        number = rng.choice(_EXTREMES) & (1 << 8 * struct.calcsize(form)) - 1
        struct.pack_into(form, damaged, at, number)
    return bytes(damaged)


def lie_at_the_end(data: bytes, rng: random.Random) -> bytes:
    """Write extreme numbers close to the end, where some formats have their tables."""
    return lie_in_numbers(data[::-1], rng)[::-1]


def head_of_another(data: bytes, rng: random.Random) -> bytes:
    """Begin as another format does."""
    heads = (
        b"RIFF\xff\xff\xff\xffWAVEfmt ", b"fLaC\0\0\0\x22", b"OggS\0\2", b"ID3\4\0\0\0\0\0\0", b"\xff\xfb\x90\x64",
        b"\0\0\0\x20ftypM4A ", b"FORM\0\0\0\0AIFF", b"wvpk", b"MAC \x96\x0f", b"MPCK", b"TTA1", b".snd", b"caff\0\1",
        bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"), b"\x1aE\xdf\xa3", b"DSD ", b"#!AMR\n", b"\x0b\x77",
    )  # fmt: skip
    head = rng.choice(heads)
    return head + data[0 if rng.random() < 0.3 else len(head) :]


def bomb_of_tags(data: bytes, rng: random.Random) -> bytes:
    """Add tags that are endless, nested, compressed, or say they are."""
    return rng.choice(_BOMBS)(data, rng)


def _id3(body: bytes, size: int | None = None) -> bytes:
    size = len(body) if size is None else size
    return b"ID3\4\0\0" + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0)) + body


def _frame(name: bytes, body: bytes, flags: bytes = b"\0\0") -> bytes:
    return name + bytes(len(body) >> shift & 0x7F for shift in (21, 14, 7, 0)) + flags + body


def _huge_id3(data: bytes, rng: random.Random) -> bytes:
    return _id3(b"TIT2", rng.choice((0x0FFF_FFFF, len(data), 1 << 20))) + data


def _many_frames(data: bytes, rng: random.Random) -> bytes:
    return _id3(_frame(b"TXXX", b"\3a\0b") * rng.choice((1000, 30_000))) + data


def _many_tags(data: bytes, rng: random.Random) -> bytes:
    return _id3(_frame(b"TIT2", b"\3x")) * rng.choice((50, 3000)) + data


def _zip_bomb(data: bytes, rng: random.Random) -> bytes:
    unpacked = rng.choice((20, 400)) << 20
    pack = zlib.compressobj(9)
    body = b"".join([*(pack.compress(bytes(1 << 20)) for _ in range(unpacked >> 20)), pack.flush()])
    length = bytes(unpacked >> shift & 0x7F for shift in (21, 14, 7, 0))
    return _id3(_frame(b"TIT2", length + body, b"\0\x09")) + data


def _ape_bomb(data: bytes, rng: random.Random) -> bytes:
    item = struct.pack("<II", rng.choice((0xFFFF_FFFF, 5)), 0) + b"Title\0hello"
    items = item * rng.choice((1, 20_000))
    footer = b"APETAGEX" + struct.pack("<IIII8x", 2000, (len(items) + 32) & 0xFFFF_FFFF, rng.choice(_EXTREMES), 0)
    return data + items + footer


def _nested_atoms(data: bytes, rng: random.Random) -> bytes:
    inner = b""
    for _ in range(rng.choice((100, 5000))):
        inner = struct.pack(">I4s", len(inner) + 8, b"moov") + inner
    return data + inner if rng.random() < 0.5 else b"\0\0\0\x14ftypM4A \0\0\0\0M4A " + inner + data


def _comment_count(data: bytes, rng: random.Random) -> bytes:
    """Say, where a Vorbis comment begins, that it is endless."""
    for mark in (b"\x03vorbis", b"OpusTags"):
        at = data.find(mark)
        if at >= 0:
            at += len(mark)
            return data[:at] + struct.pack("<I", rng.choice(_EXTREMES)) + data[at + 4 :]
    if data[:4] == b"fLaC":
        blocks = b"".join(bytes([rng.choice((1, 4, 6))]) + b"\xff\xff\xff" for _ in range(rng.choice((1, 2000))))
        return data[:42] + blocks + data[42:]
    return data + b"LIST" + struct.pack("<I", rng.choice(_EXTREMES)) + b"INFOINAM\xff\xff\xff\xffx"


_BOMBS = (_huge_id3, _many_frames, _many_tags, _zip_bomb, _ape_bomb, _nested_atoms, _comment_count)

#: All ways; `mutated` takes one after the other, so that each format meets each of them.
WAYS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    flip_bits, overwrite, cut_off, take_out, put_in, swap_blocks, lie_in_numbers, lie_at_the_end, head_of_another,
    bomb_of_tags, lie_in_numbers, flip_bits,
)  # fmt: skip


def mutated(data: bytes, number: int, rng: random.Random) -> tuple[str, bytes]:
    """Damage a file in the way of this number, sometimes in one more; give what was done, too."""
    ways = [WAYS[number % len(WAYS)]]
    if rng.random() < 0.25:
        ways.append(rng.choice(WAYS))
    for way in ways:
        data = way(data, rng) if data else data
    return " and ".join(way.__name__ for way in ways), data
