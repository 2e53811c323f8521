"""A scan that says what it has done: ``python -m tools.faults.scanner LIBRARY FOLDER MEMORY_MB STALL_S``.

Each line is ``stored PATH`` or ``failed PATH``, with the path as Python's ascii() writes it, once it is in the library.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import edgemood
from edgemood.errors import EdgemoodError
from edgemood.pipeline import Progress


def main(library: str, folder: str, memory_mb: str = "512", stall_s: str = "60") -> None:
    """Scan once."""
    failed = 0

    def tell(progress: Progress) -> None:
        nonlocal failed
        if progress.total is not None and progress.current:
            print("failed" if progress.failed > failed else "stored", ascii(progress.current), flush=True)
        failed = progress.failed

    with edgemood.open(library) as engine:
        report = engine.scan(folder, jobs=1, memory_mb=int(memory_mb), stall_s=float(stall_s), on_progress=tell)
        print("ends", report.analysed, report.failed, flush=True)


def children_of(process: int) -> Iterator[int]:
    """List the processes that one has started, and those that they have."""
    try:
        with open(f"/proc/{process}/task/{process}/children") as file:  # noqa: PTH123
            children = [int(word) for word in file.read().split()]
    except OSError:
        return
    for child in children:
        yield child
        yield from children_of(child)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except EdgemoodError as error:
        print("refused", error)
        sys.exit(1)
