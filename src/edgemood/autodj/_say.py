"""What the daemon says: one line for each thing it does, and what lasts is said once and not every minute."""

from __future__ import annotations

import logging

log = logging.getLogger("edgemood.autodj")


class Say:
    """Says things that last when they begin, and again when they end."""

    def __init__(self) -> None:
        self._said: dict[str, tuple[str, str]] = {}
        self._aloud: set[str] = set()

    def once(self, topic: str, what: str, why: str = "", level: int = logging.WARNING, aloud: bool = False) -> None:
        """Say something about a topic unless it was said of it last; what has the reason of another topic is detail.

        aloud: say it whatever was said of others.
        """
        if self._said.get(topic) == (what, why):
            return
        known = why and not aloud and any(why == reason for _, reason in self._said.values())
        self._said[topic] = what, why
        log.log(logging.DEBUG if known else level, "%s", f"{what}: {why}" if why else what)
        if not known:
            self._aloud.add(topic)

    def over(self, topic: str, message: str = "") -> None:
        """Let a topic be over; says the message where something was said of it."""
        self._said.pop(topic, None)
        if topic in self._aloud:
            self._aloud.discard(topic)
            if message:
                log.info("%s", message)
