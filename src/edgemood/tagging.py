"""Moods written into the tags of music files, where other players find them, and taken back.

The audio is never touched: its hash is the same before and after, or the file stays as it was. A file is replaced by a
changed copy in one step, so a power cut leaves the old one or the new one; what was written, and what was there before,
is on the disk first.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from edgemood import _tagfields
from edgemood._containers import open_regular
from edgemood._moods import Moods
from edgemood._replacing import Replacement, alone_with, clear_left, require_replaceable
from edgemood._tagged import Written
from edgemood._tagplaces import files, wanted
from edgemood.domain import FilePath, Mood
from edgemood.errors import (
    ConfigError,
    EdgemoodError,
    LibraryError,
    TagError,
    UnknownTrackError,
    UnsupportedFormatError,
)
from edgemood.identity import content_hash
from edgemood.library import FileStamp, Library

#: How a mood is written unless told otherwise.
TEMPLATE = "{mood}"

_LONGEST = 100  # characters of a value


@dataclass(frozen=True)
class Tagging:
    """What came of one file.

    what: ``written``; ``unchanged``: it said so already; ``kept``: it names a mood of somebody else; ``unsure`` or
    ``unjudged``: there is nothing to write; ``restored``; ``changed``: somebody else changed what was written, so that
    it is not taken back; ``missing``; ``unsupported``: its format has no place for a mood; ``failed``.
    moods: what the file names now (of a rehearsal: would name); before: what it named until then; why: of a failure.
    """

    path: str
    what: str
    moods: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class How:
    """How moods are written.

    template: the value, see `value`; overwrite: replace moods that others wrote; unsure: write moods that the model is
    not sure of; touch: let the time of the file's last change be now, rather than what it was; dry_run: only tell what
    would be done.
    """

    template: str = TEMPLATE
    overwrite: bool = False
    unsure: bool = False
    touch: bool = False
    dry_run: bool = False

    def __post_init__(self) -> None:
        value(self.template, None)


def value(template: str, mood: Mood | None) -> str:
    """Write a mood as a template says: a text with ``{mood}``, ``{Mood}``, ``{probability}``, ``{valence}`` ... in it.

    Raises
    ------
    ConfigError
        It is empty, too long or not printable, or names something else; of no mood, only this is found out.

    """
    named = _parts(mood)
    for name in re.findall(r"\{([^{}]*)\}", template):
        if name not in named:
            raise ConfigError(f"{{{name}}} is nothing that can be written of a mood: {', '.join(named)} are")
    text = re.sub(r"\{([^{}]*)\}", lambda found: named[found[1]], template)
    if not template.strip() or not template.isprintable() or len(text) > _LONGEST:
        raise ConfigError(f"a mood is written in 1 to {_LONGEST} printable characters, not as {template!r}")
    return text


def _parts(mood: Mood | None) -> Mapping[str, str]:
    if mood is None:
        return dict.fromkeys(("mood", "Mood", "probability", "valence", "arousal", "model"), "")
    plane = {"valence": mood.valence, "arousal": mood.arousal}
    return {
        "mood": mood.label,
        "Mood": mood.label.capitalize(),
        "probability": f"{max(mood.scores.values()):.2f}",
        **{name: "" if place is None else f"{place:+.2f}" for name, place in plane.items()},
        "model": mood.model,
    }


class Tagger:
    """Writes moods of a library's songs into their files, and takes them back."""

    def __init__(self, library: Library, how: How | None = None) -> None:
        self._library = library
        self._how = How() if how is None else how
        self._cleared: set[str] = set()

    def tag(self, songs: Iterable[int | FilePath]) -> Iterator[Tagging]:
        """Write the moods of songs (of all, if none are named) into all their files that are there.

        Raises
        ------
        UnknownTrackError
            The library has no such song, or none in that folder.

        """
        self._require_writable()
        wrote = False
        for path, track_id in files(self._library, list(songs)):
            with self._failing(path) as outcome, nullcontext() if self._how.dry_run else alone_with(path):
                outcome.append(self._tag(path, track_id))
            wrote = wrote or outcome[0].what == "written"
            yield outcome[0]
        if wrote and not self._how.dry_run and (model := self._library.latest_model()):
            self._library.pack_shelf(model)

    def restore(self, songs: Iterable[int | FilePath]) -> Iterator[Tagging]:
        """Take back what was written into files of songs (into all files, if none are named)."""
        self._require_writable()
        for note in self._notes(list(songs)):
            with self._failing(note.path) as outcome:
                outcome.append(self._restore(note))
            yield outcome[0]

    def status(self, songs: Iterable[int | FilePath]) -> Iterator[Tagging]:
        """Tell what was written into files of songs (into all files, if none are named), and whether it is there."""
        for note in self._notes(list(songs)):
            with self._failing(note.path) as outcome:
                moods = _look(note.path)[1] if Path(note.path).exists() else None
                what = "missing" if moods is None else "written" if note.wrote(moods) else "changed"
                what = "unchanged" if moods == note.before else what
                outcome.append(Tagging(note.path, what, _values(moods or ()), _values(note.before)))
            yield outcome[0]

    # -------------------------------------------------------------------------------------------------------- one file

    def _tag(self, path: str, track_id: int) -> Tagging:
        mood = self._library.track(track_id).mood
        if mood is None:
            return Tagging(path, "unjudged")
        if mood.unsure and not self._how.unsure:
            return Tagging(path, "unsure")
        text = value(self._how.template, mood)
        key, moods = _look(path)
        after = ((key, (text,)),)
        content = self._library.content_of(track_id)
        note = self._library.written_into(path) or self._moved_here(content, moods)
        ours = note is not None and note.wrote(moods)
        if _values(moods) == (text,):
            return Tagging(path, "unchanged", (text,))
        if moods and not ours and not self._how.overwrite:
            return Tagging(path, "kept", _values(moods))
        before = note.before if note is not None and ours else moods
        self._write(Written(path, content, before, after, moods if ours else None), note)
        return Tagging(path, "written", (text,), _values(moods))

    def _restore(self, note: Written) -> Tagging:
        path = self._home(note)
        if path is None:
            return Tagging(note.path, "missing")
        with nullcontext() if self._how.dry_run else alone_with(path):
            return self._restore_at(path, self._library.written_into(note.path) or note)

    def _restore_at(self, path: str, note: Written) -> Tagging:
        moods = _look(path)[1]
        if moods != note.before and not note.wrote(moods):
            return Tagging(path, "changed", _values(moods))
        if self._how.dry_run:
            require_replaceable(path)
        elif moods == note.before:  # the power went before it was written, or right after it was taken back
            self._library.note_restored(note, FileStamp(0, 0), FileStamp(0, 0))
        else:
            with self._changed_copy(path, note.content, note.before) as (copy, old, new):
                copy.put()
                self._library.note_restored(replace(note, path=path), old, new)
                self._library.note_restored(note, old, new)
        what = "unchanged" if moods == note.before else "restored"
        return Tagging(path, what, _values(note.before), _values(moods))

    def _write(self, note: Written, known: Written | None) -> None:
        """Write what `note` says; known: what the library knew of the file."""
        if self._how.dry_run:
            require_replaceable(note.path)
            return
        moved_from = known.path if known is not None and known.path != note.path else None
        with self._changed_copy(note.path, note.content, note.after) as (copy, old, new):
            self._library.note_written(note, old, new, moved_from)
            try:
                copy.put()
            finally:
                if not copy.placed:
                    self._take_back(note, known, old, new)

    def _take_back(self, note: Written, known: Written | None, old: FileStamp, new: FileStamp) -> None:
        """Let the library know what it knew before: the file could not be replaced.

        Unless another run wrote the same where the file system knows no locks: the note is that run's by now.
        """
        with suppress(OSError, EdgemoodError):
            if _look(note.path)[1] == note.after:
                return
        with suppress(LibraryError):  # harmless where that fails too: the file names what it named before
            self._library.note_restored(note, new, old)
            if known is not None:
                self._library.note_written(known, old, old)

    @contextmanager
    def _changed_copy(
        self, path: str, content: bytes, moods: Moods
    ) -> Iterator[tuple[Replacement, FileStamp, FileStamp]]:
        """Make a copy of a file that names these moods, and whose audio is the same; give it with both stamps."""
        folder = os.path.dirname(os.path.realpath(path))  # noqa: PTH120
        if folder not in self._cleared:
            self._cleared.add(folder)
            clear_left(folder)
        old = FileStamp.of(Path(path).stat())
        with Replacement(path) as copy:
            if content_hash(copy.path) != content:
                raise TagError("its audio is not what the library knows: scan it first")
            with open(copy.path, "r+b") as file:  # noqa: PTH123
                field = _tagfields.of(file)
                others = field.rest()
                field.write(moods)
            with open(copy.path, "rb") as file:  # noqa: PTH123
                written = _tagfields.of(file)
                if sorted(written.moods) != sorted(moods) or written.rest() != others:
                    raise TagError("its other tags would not survive")
            if content_hash(copy.path) != content:
                raise TagError("its audio would not stay the same")
            yield copy, old, copy.settle(self._how.touch)

    # ------------------------------------------------------------------------------------------------- what is known

    @cached_property
    def _by_content(self) -> Mapping[bytes, list[Written]]:
        notes: dict[bytes, list[Written]] = {}
        for note in self._library.written():
            notes.setdefault(note.content, []).append(note)
        return notes

    def _moved_here(self, content: bytes, moods: Moods) -> Written | None:
        """Find what was written into a file that names these moods and has been moved since."""
        if not moods:
            return None
        notes = (note for note in self._by_content.get(content, ()) if note.wrote(moods))
        return next((note for note in notes if not os.path.lexists(note.path)), None)

    def _home(self, note: Written) -> str | None:
        """Where a file lies that was written into: where it was, or where it has been moved to."""
        if os.path.lexists(note.path):
            return note.path
        for path in self._library.paths_with(note.content):
            if Path(path).is_file() and self._library.written_into(path) is None and note.wrote(_look(path)[1]):
                return path
        return None

    def _notes(self, songs: list[int | FilePath]) -> list[Written]:
        notes = self._library.written()
        if not songs:
            return notes
        asked = [wanted(self._library, song) for song in songs]
        return [note for note in notes if any(is_it(note) for is_it in asked)]

    def _require_writable(self) -> None:
        if not self._how.dry_run:
            self._library.require_writable()

    @contextmanager
    def _failing(self, path: str) -> Iterator[list[Tagging]]:
        """Take what befalls one file as its outcome; where the library fails, all ends."""
        outcome: list[Tagging] = []
        try:
            yield outcome
        except UnknownTrackError:
            outcome.append(Tagging(path, "failed", why="it was pruned just now"))
        except LibraryError:
            raise
        except OSError as error:
            outcome.append(Tagging(path, "failed", why=error.strerror or type(error).__name__))
        except UnsupportedFormatError as error:
            outcome.append(Tagging(path, "unsupported", why=str(error)))
        except EdgemoodError as error:
            outcome.append(Tagging(path, "failed", why=str(error)))
        except Exception as error:  # there is no telling what a damaged file makes parsers raise
            outcome.append(Tagging(path, "failed", why=f"its tags are damaged ({type(error).__name__}: {error})"))


def _look(path: str) -> tuple[str, Moods]:
    """Read what a file's format calls a mood, and what the file names."""
    with open_regular(path) as (fd, _), open(fd, "rb", closefd=False) as file:
        field = _tagfields.of(file)
        return field.key, field.moods


def _values(moods: Moods) -> tuple[str, ...]:
    return tuple(value for _, values in moods for value in values)
