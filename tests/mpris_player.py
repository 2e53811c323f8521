"""A made-up MPRIS player on a D-Bus of its own, for tests: it has tracks and a clock, and plays nothing."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import needs
from jeepney import (
    DBusAddress,
    HeaderFields,
    Message,
    MessageType,
    message_bus,
    new_error,
    new_method_return,
    new_signal,
)
from jeepney.io.blocking import DBusConnection, open_dbus_connection

ROOT, PLAYER, TRACKS = (f"org.mpris.MediaPlayer2{name}" for name in ("", ".Player", ".TrackList"))
OBJECT = "/org/mpris/MediaPlayer2"


@contextmanager
def bus() -> Iterator[str]:
    """A D-Bus daemon; gives its address."""
    command = [needs.program("dbus-daemon"), "--session", "--nofork", "--nopidfile", "--print-address=1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as daemon:
        assert daemon.stdout is not None
        try:
            yield daemon.stdout.readline().strip()
        finally:
            daemon.terminate()


class FakePlayer:
    """A player with songs of 10 s; `edits`: whether its list of tracks can be changed by others."""

    def __init__(self, address: str, name: str = "fake", edits: bool = True) -> None:
        self.edits, self.status, self.place, self.began = edits, "Stopped", 0, time.monotonic()
        self.tracks: list[tuple[str, str]] = []  # id, URI
        self.length_s, self.opened, self.hangs = 10.0, list[str](), False
        self.forgets = False  # to say that it plays what it was given when it had nothing left, as mpv does
        self._made, self._open = 0, True
        os.environ["DBUS_SESSION_BUS_ADDRESS"] = address
        self._connection: DBusConnection = open_dbus_connection("SESSION")
        self._connection.send_and_get_reply(message_bus.RequestName(f"org.mpris.MediaPlayer2.{name}"))
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Leave the bus."""
        self._open = False
        self._thread.join()
        self._connection.close()

    def add(self, uri: str, after: str | None = None) -> str:
        """Put a song into the list of tracks: at its end, or after another."""
        self._made += 1
        track = f"{OBJECT}/{self._made}"
        at = next((i + 1 for i, (known, _) in enumerate(self.tracks) if known == after), len(self.tracks))
        self.tracks.insert(at, (track, uri))
        return track

    def play(self, place: int, elapsed_s: float = 0.0) -> None:
        """Play a track from some place on, and tell."""
        self.place, self.status, self.began = place, "Playing", time.monotonic() - elapsed_s
        self.tell("PlaybackStatus")

    def stop(self) -> None:
        """Stop, and tell."""
        self.status = "Stopped"
        self.tell("PlaybackStatus")

    def tell(self, name: str) -> None:
        """Send the signal that a property changed."""
        self._signal("org.freedesktop.DBus.Properties", "PropertiesChanged", "sa{sv}as", (PLAYER, {}, [name]))

    def seeked(self) -> None:
        """Send the signal of a jump."""
        self._signal(PLAYER, "Seeked", "x", (0,))

    def _signal(self, interface: str, member: str, signature: str, body: tuple[Any, ...]) -> None:
        address = DBusAddress(OBJECT, interface=interface)
        with self._lock:
            self._connection.send(new_signal(address, member, signature, body))

    def _serve(self) -> None:
        while self._open:
            with suppress(TimeoutError):
                message = self._connection.receive(timeout=0.02)
                if message.header.message_type == MessageType.method_call and not self.hangs:
                    answer = self._answer(message)
                    with self._lock:
                        self._connection.send(answer)

    def _answer(self, message: Message) -> Message:
        fields, body = message.header.fields, message.body
        interface, member = fields[HeaderFields.interface], fields[HeaderFields.member]
        if member == "GetAll":
            return new_method_return(message, "a{sv}", (self._properties(body[0]),))
        if interface == PLAYER and member == "OpenUri":
            self.opened.append(body[0])
            self.tracks = []
            self.add(body[0])
            self.play(0)
            return new_method_return(message)
        if interface == TRACKS and self.edits and member == "GetTracksMetadata":
            return new_method_return(message, "aa{sv}", ([self._metadata(t) for t in self.tracks if t[0] in body[0]],))
        if interface == TRACKS and self.edits and member in ("AddTrack", "RemoveTrack"):
            if member == "RemoveTrack":
                self.tracks = [track for track in self.tracks if track[0] != body[0]]
            elif not body[0].endswith(".txt"):  # takes those too, but shows nothing
                self.add(body[0], body[1])
            return new_method_return(message)
        return new_error(message, "org.freedesktop.DBus.Error.UnknownMethod", "s", ("no such method",))

    def _properties(self, interface: str) -> dict[str, tuple[str, Any]]:
        if interface == ROOT:
            return {"HasTrackList": ("b", self.edits)}
        if interface == TRACKS:
            return {"CanEditTracks": ("b", True), "Tracks": ("ao", [track for track, _ in self.tracks])}
        return {
            "PlaybackStatus": ("s", "Stopped" if self.forgets and self.opened else self.status),
            "Metadata": ("a{sv}", self._metadata(self.tracks[self.place]) if self.place < len(self.tracks) else {}),
            "Position": ("x", 0 if self.status == "Stopped" else round((time.monotonic() - self.began) * 1e6)),
            "LoopStatus": ("s", "None"),
        }

    def _metadata(self, track: tuple[str, str]) -> dict[str, tuple[str, Any]]:
        length = {"mpris:length": ("x", round(self.length_s * 1e6))} if self.length_s else {}
        return {"mpris:trackid": ("o", track[0]), "xesam:url": ("s", track[1]), **length}
