"""What a request asks for: parameters of the query and of a form, which may say anything."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import unquote_to_bytes

from edgemood.server.subsonic.answers import CLIENT_OLD, GENERIC, MISSING, SERVER_OLD, VERSION, SubsonicError

#: The most values of a parameter that may be given more than once.
MOST_VALUES = 500

_MOST_PAIRS = 2000
_LONGEST = 4096  # bytes of a value
_FORMS = ("xml", "json")
_VERSION = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})(\.[0-9]{1,4})?")
_NUMBER = re.compile("[0-9]+")
_BIG = 18  # digits of a number that still fits 64 bits


class Parameters:
    """The parameters of a request, each as it was sent until it is asked for.

    Parameters
    ----------
    sources
        The query, and the body where that is a form.

    """

    def __init__(self, *sources: bytes) -> None:
        self._given: dict[bytes, list[bytes]] = {}
        pairs = [pair for source in sources for pair in source.split(b"&") if pair]
        self._too_many = len(pairs) > _MOST_PAIRS
        for pair in pairs[:_MOST_PAIRS]:
            name, _, value = pair.replace(b"+", b" ").partition(b"=")
            self._given.setdefault(unquote_to_bytes(name), []).append(unquote_to_bytes(value))

    @property
    def form(self) -> str:
        """``xml`` or ``json``; XML where it is not said, or what is said makes no sense."""
        found = self._given.get(b"f", [])
        return found[0].decode() if len(set(found)) == 1 and found[0] in (b"xml", b"json") else "xml"

    def check(self) -> None:
        """Raise SubsonicError unless the format can be had, and the client says who it is and speaks this version."""
        if self._too_many:
            raise SubsonicError(GENERIC, f"a request has at most {_MOST_PAIRS} parameters")
        if (form := self.text("f", "xml")) not in _FORMS:
            raise SubsonicError(
                GENERIC, f"f is xml or json, not {form[:40]!r}; jsonp has pages of other sites run the answer"
            )
        self.needed("c")
        asked = self.needed("v")
        if (found := _VERSION.fullmatch(asked)) is None:
            raise SubsonicError(GENERIC, f"v is a version of the protocol as {VERSION}, not {asked[:40]!r}")
        major, minor = (int(part) for part in VERSION.split(".")[:2])
        if int(found[1]) < major:
            raise SubsonicError(CLIENT_OLD, f"this server speaks {VERSION} of the protocol, which needs a newer client")
        if (int(found[1]), int(found[2])) > (major, minor):
            raise SubsonicError(SERVER_OLD, f"this server speaks {VERSION} of the protocol, older than the client's")

    def given(self, name: str) -> bool:
        """Whether there is such a parameter with something in it."""
        return any(self._given.get(name.encode(), ()))

    def has(self, name: str) -> bool:
        """Whether there is such a parameter, be it empty."""
        return name.encode() in self._given

    def text(self, name: str, default: str = "") -> str:
        """Give a parameter as it was sent; `default` where it is not there."""
        values = list(dict.fromkeys(self._given.get(name.encode(), ())))
        if len(values) > 1:
            raise SubsonicError(GENERIC, f"{name} is given more than once, with different values")
        return self._decoded(name, values[0]) if values else default

    def needed(self, name: str) -> str:
        """Give a parameter that has to be there, and not empty."""
        if not (value := self.text(name)):
            raise SubsonicError(MISSING, f"the required parameter {name} is missing")
        return value

    def several(self, name: str) -> Sequence[str]:
        """Give all values of a parameter."""
        values = self._given.get(name.encode(), ())
        if len(values) > MOST_VALUES:
            raise SubsonicError(GENERIC, f"{name} is given more than {MOST_VALUES} times: send them in parts")
        return [self._decoded(name, value) for value in values]

    def number(self, name: str, default: int, least: int = 0, most: int = MOST_VALUES) -> int:
        """Give a whole number; one beyond `most` as `most`."""
        value = self.text(name)
        if not value:
            return default
        number = whole(name, value)
        if number < least:
            raise SubsonicError(GENERIC, f"{name} has to be at least {least}, not {number}")
        return min(number, most)

    @staticmethod
    def _decoded(name: str, value: bytes) -> str:
        if len(value) > _LONGEST:
            raise SubsonicError(GENERIC, f"{name} is longer than {_LONGEST} bytes")
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            raise SubsonicError(GENERIC, f"{name} is not UTF-8") from None


def whole(name: str, value: str) -> int:
    """Read a whole number of digits; a very large one as the largest."""
    if not _NUMBER.fullmatch(value):
        raise SubsonicError(GENERIC, f"{name} has to be a whole number, not {value[:40]!r}")
    return int(value) if len(value) <= _BIG else 10**_BIG
