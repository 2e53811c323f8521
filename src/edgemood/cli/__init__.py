"""The command ``edgemood``. Thin: it asks the engine and prints, for a person or (``--json``) for a program.

Exit codes: 0 all went well; 1 a file could not be read or written (of a scan: no file could be analysed), or there is
nothing to tell (nothing played, nothing to offer, an empty library, no such song, no usable library or model); 2 the
command was not used as its help says; 130 interrupted; 141 the reader of the output went away.
"""

from __future__ import annotations

import os
import signal
import sys

from edgemood.cli.start import SlowImports, share_in

TYPE_CHECKING = False  # see edgemood/__init__.py
if TYPE_CHECKING:
    from typing import NoReturn


def main() -> NoReturn:
    """Run the command that the program's arguments name, and exit.

    All else is imported here: who interrupts the program while it loads gets no traceback. It ends there and then, as
    native modules make an ImportError of a KeyboardInterrupt.
    """
    try:
        heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # not so in the background of a script
        if heard:
            signal.signal(signal.SIGINT, lambda *_: os._exit(130))
        _open_standard_streams()
        with SlowImports(share_in(sys.argv[1:])):
            from edgemood.cli.commands import edgemood

        if heard:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        edgemood.main()
    except KeyboardInterrupt:
        sys.exit(130)


def _open_standard_streams() -> None:
    """Have what was started without stdout or stderr (``>&-``) print into the void.

    The descriptors are taken first: else the next file opened, the library perhaps, would be stdout to a library that
    prints.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # it gets the lowest number free: this one
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - open until the end
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
