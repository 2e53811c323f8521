"""What edgemood tells the player about songs: their moods and, if asked for, how often they were heard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from edgemood._sums import Counts
from edgemood.autodj.settings import Settings
from edgemood.domain import Mood, Track
from edgemood.engine import Engine
from edgemood.player import Annotation

SLICE = 50  # songs at a time at most: the player is listened to in between


class Notes:
    """Goes through the library some songs at a time, and makes the notes of each."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine, self._settings = engine, settings
        self._counts: Mapping[int, Counts] = {}
        self._counted: set[int] = set()  # songs whose counts were written
        self._after: int | None = None
        self._revision: int | None = None

    @property
    def wanted(self) -> bool:
        """Whether notes are to be written at all."""
        return self._settings.moods or self._settings.statistics

    @property
    def busy(self) -> bool:
        """Whether there is more to write."""
        return self._after is not None

    def begin(self) -> None:
        """Go through all songs, where they have changed since that was done."""
        revision = self._engine.store.revision
        if self.wanted and (revision != self._revision or self._forgotten):
            self._after, self._revision = 0, revision
            self._counts = self._all_counts() if self._settings.statistics else {}

    def _all_counts(self) -> dict[int, Counts]:
        """Count what was heard; zeros where that was forgotten since it was written."""
        counts = self._engine.store.counts(self._engine.listener)
        gone, self._counted = self._counted - counts.keys(), set(counts)
        return {**dict.fromkeys(gone, Counts(0, 0, 0.0)), **counts}

    @property
    def _forgotten(self) -> bool:
        """Whether all that was counted has been forgotten since; asked often, so nearly always of one event only."""
        store, listener = self._engine.store, self._engine.listener
        return bool(self._counted) and not store.events(listener, 1) and not store.counts(listener)

    def again(self) -> None:
        """Have the next `begin` go through all songs, changed or not."""
        self._revision = None

    def some(self, count: int = SLICE) -> list[Annotation]:
        """Give the notes of the next few songs."""
        if self._after is None:
            return []
        tracks = self._engine.store.tracks(limit=count, after=self._after)
        self._after = tracks[-1].id if tracks else None
        if not tracks:
            self._counts = {}
        return [note for track in tracks for note in self._of(track, self._counts.get(track.id))]

    def heard(self, track: Track) -> list[Annotation]:
        """Give the notes of a song that was just heard; none unless it is counted."""
        if not self._settings.statistics:
            return []
        self._counted.add(track.id)
        return list(self._of(track, self._engine.store.counts(self._engine.listener).get(track.id)))

    def _of(self, track: Track, counts: Counts | None) -> Iterator[Annotation]:
        """Give the notes of a song, for every place where it lies."""
        notes = {**(_mood(track.mood) if track.mood and self._settings.moods else {}), **_counts(counts)}
        if notes:
            named = {self._settings.prefix + name: note for name, note in notes.items()}
            yield from (Annotation(path, named) for path in self._engine.store.paths(track.id))


def _mood(mood: Mood) -> dict[str, str]:
    """Write a mood. Numbers are as wide as each other: players compare notes as texts."""
    notes = {"mood": mood.label, "unsure": str(int(mood.unsure))}
    for name, value in (("valence", mood.valence), ("arousal", mood.arousal)):
        if value is not None:
            notes[name] = f"{round(50 * (1 + value)):03}"
    return notes


def _counts(counts: Counts | None) -> dict[str, str]:
    """Write how often a song was heard, as beets' mpdstats names it."""
    if counts is None:
        return {}
    notes = {"play_count": str(counts.plays), "skip_count": str(counts.skips)}
    return notes if counts.last_play is None else {**notes, "last_played": str(round(counts.last_play))}
