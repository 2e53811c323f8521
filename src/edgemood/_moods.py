"""What a file's tags say about its mood."""

from __future__ import annotations

#: Fields that name moods, as ``(key, values)`` in the order in which they are written; keys as the format calls them.
Moods = tuple[tuple[str, tuple[str, ...]], ...]


def is_mood(name: str) -> bool:
    """Whether a field of this name holds a mood; cases differ from program to program."""
    return name.strip().casefold() == "mood"
