"""The session's D-Bus as `edgemood.players.mpris` needs it, on jeepney."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence, Set
from typing import Any

from jeepney import (
    DBusAddress,
    DBusErrorResponse,
    HeaderFields,
    MatchRule,
    Message,
    Properties,
    message_bus,
    new_method_call,
)
from jeepney.io.blocking import DBusConnection, open_dbus_connection
from jeepney.wrappers import unwrap_msg

PREFIX, OBJECT = "org.mpris.MediaPlayer2.", "/org/mpris/MediaPlayer2"
#: Errors of the bus that say that nobody is there any more.
GONE = ("NameHasNoOwner", "ServiceUnknown", "NoReply", "Disconnected")
_SIGNALS_KEPT = 100


class Refused(Exception):  # noqa: N818 - it is what the player says
    """The player, or the bus for it, says no; `gone`: there is no player."""

    def __init__(self, message: str, gone: bool = False) -> None:
        super().__init__(message)
        self.gone = gone


class Session:
    """A connection to the bus, and one player there."""

    def __init__(self, connection: DBusConnection, timeout_s: float) -> None:
        self._connection, self._timeout_s = connection, timeout_s
        self._owner = ""
        self._signals: deque[Message] = deque(maxlen=_SIGNALS_KEPT)

    @classmethod
    def open(cls, timeout_s: float) -> Session:
        """Connect to the bus of the environment; raises OSError, KeyError or ValueError."""
        return cls(open_dbus_connection("SESSION"), timeout_s)

    def close(self) -> None:
        """Leave the bus."""
        self._connection.close()

    def choose(self, wanted: str) -> str:
        """Pick the player: by its name, else the one that plays, else the first; give its name."""
        names = sorted(name for name in self._bus("ListNames")[0] if name.startswith(PREFIX))
        if wanted:
            names = [name for name in names if (name + ".").startswith(f"{PREFIX}{wanted}.")]
        if not names:
            raise Refused("not found" if wanted else "none is on the session's D-Bus", gone=True)
        chosen = names[0]
        for name in names:
            self._owner = name
            if self.properties("org.mpris.MediaPlayer2.Player").get("PlaybackStatus") == "Playing":
                chosen = name
                break
        self._owner = self._bus("GetNameOwner", chosen)[0]
        for rule in (
            MatchRule(type="signal", sender=self._owner, path=OBJECT),
            MatchRule(type="signal", sender="org.freedesktop.DBus", member="NameOwnerChanged"),
        ):
            self._connection.filter(rule, queue=self._signals)
            self._bus("AddMatch", rule)
        return str(chosen).removeprefix(PREFIX)

    def properties(self, interface: str) -> dict[str, Any]:
        """Read all properties of an interface."""
        address = DBusAddress(OBJECT, bus_name=self._owner, interface=interface)
        (found,) = self._answer(Properties(address).get_all())
        return {name: _plain(value) for name, (_, value) in found.items()}

    def metadata(self, tracks: Sequence[str]) -> list[dict[str, Any]]:
        """Read what the player knows about tracks."""
        if not tracks:
            return []
        (found,) = self.call("org.mpris.MediaPlayer2.TrackList", "GetTracksMetadata", "ao", list(tracks))
        return [_plain(each) for each in found]

    def call(self, interface: str, method: str, signature: str, *arguments: object) -> tuple[Any, ...]:
        """Call a method of the player."""
        address = DBusAddress(OBJECT, bus_name=self._owner, interface=interface)
        return self._answer(new_method_call(address, method, signature, arguments))

    def wait(self, timeout_s: float, told: Set[str]) -> bool:
        """Wait for a signal about one of these properties or the list of tracks; raises where the player has gone."""
        end = time.monotonic() + timeout_s
        while True:
            news = [self._is_news(self._signals.popleft(), told) for _ in range(len(self._signals))]
            if any(news):
                return True
            left = end - time.monotonic()
            try:
                self._connection.recv_messages(timeout=max(left, 0.0))
            except TimeoutError:
                return False

    def _is_news(self, signal: Message, told: Set[str]) -> bool:
        member = signal.header.fields[HeaderFields.member]
        if member == "NameOwnerChanged":
            name, _, new = signal.body
            if name == self._owner and not new:
                raise Refused("has gone", gone=True)
            return False
        if member == "PropertiesChanged":
            _, changed, invalidated = signal.body
            return not told.isdisjoint([*changed, *invalidated])
        return True  # Seeked, and what the list of tracks says

    def _bus(self, method: str, *arguments: object) -> tuple[Any, ...]:
        return self._answer(getattr(message_bus, method)(*arguments))

    def _answer(self, message: Message) -> tuple[Any, ...]:
        try:
            answer: tuple[Any, ...] = unwrap_msg(self._connection.send_and_get_reply(message, timeout=self._timeout_s))
        except DBusErrorResponse as error:
            gone = error.name.rsplit(".", 1)[-1] in GONE
            said = error.data[0] if error.data else error.name
            raise Refused("has gone" if gone else f"refuses: {said}", gone) from error
        return answer


def _plain(values: Any) -> Any:
    """Take the D-Bus types off a dictionary of variants, and leave anything else."""
    return {name: value for name, (_, value) in values.items()} if isinstance(values, dict) else values
