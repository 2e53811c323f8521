"""The facade: what a program that embeds edgemood calls, and all that the command line calls.

Library and model are opened on first use: a player that only notes plays and asks what is next never loads the model,
its interpreter or a decoder, and judging single files never touches the library.
"""

from __future__ import annotations

import operator
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, SupportsIndex

from edgemood import listener
from edgemood.domain import Event, Failure, FilePath, ListenerMood, Mood, Pick, Play, SongAnalysis, Track
from edgemood.errors import ConfigError, LibraryError
from edgemood.library import DEFAULT_LISTENER, FileStamp, Library, require_name

if TYPE_CHECKING:
    from edgemood.mood import MoodModel
    from edgemood.pipeline import Progress, ScanReport
    from edgemood.wish import Learned, Present, Wish


def open(library: FilePath | None = None, model: str = "default", listener: str = DEFAULT_LISTENER) -> Engine:
    """Open edgemood.

    Parameters
    ----------
    library
        The library file; if None, what ``EDGEMOOD_LIBRARY`` names, else ``$XDG_DATA_HOME/edgemood/library.db``.
        Where there is none, `scan` makes it, and all else that needs it raises LibraryError.
    model
        A model bundle: the name of a shipped one, or its folder.
    listener
        Who listens; a new name is a new listener from its first play on.

    Returns
    -------
    Engine
        Use it as a context manager, in one thread.

    """
    return Engine(library, model, listener)


class Engine:
    """A music library that knows moods. See `open`.

    Every method may raise LibraryError where the library cannot be opened, read or written, and BundleError where it
    needs the model and that cannot be used.
    """

    def __init__(
        self, library: FilePath | None = None, model: str = "default", listener: str = DEFAULT_LISTENER
    ) -> None:
        require_name(listener, "a listener")
        self.listener = listener
        self._where = library
        self._model_name = model
        self._resources = ExitStack()
        self._kept: Library | None = None
        self._learned: Learned | None = None

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the library; the engine cannot be used any more."""
        self._resources.close()

    @property
    def _library(self) -> Library:
        return self._opened()

    def _opened(self, create: bool = False) -> Library:
        """Open the library at its first use. Only a scan makes one: elsewhere a mistyped name is an error."""
        if self._kept is None:
            self._kept = self._resources.enter_context(Library.open(self._where, create))
        return self._kept

    @cached_property
    def model(self) -> MoodModel:
        """The model that judges songs."""
        from edgemood import mood

        return mood.load(self._model_name)

    # ------------------------------------------------------------------------------------------------------- sound

    def scan(  # noqa: PLR0913 - options, all by name
        self,
        *folders: FilePath,
        jobs: int | None = None,
        retry_failed: bool = False,
        on_progress: Callable[[Progress], None] | None = None,
        memory_mb: int | None = 512,
        stall_s: float = 60.0,
        nice: int = 10,
    ) -> ScanReport:
        """Bring the library up to date with the music in `folders` (see `pipeline.scan`).

        Parameters
        ----------
        folders
            Folders, searched as deep as they are, or files.
        jobs
            How many worker processes; one less than there are cores, but at least one, if None.
        retry_failed
            Try files again that failed before and have not changed since.
        on_progress
            Called when a song is done.
        memory_mb
            How much memory, in MB, a song may take in a worker beyond what the worker has at its start; None: any.
        stall_s
            After how many seconds without progress a worker is given up.
        nice
            By how much workers are nicer to other programs than this process, 0 to 19.

        Raises
        ------
        ConfigError
            There is no such folder, or an option is out of range.

        """
        from edgemood import pipeline

        return pipeline.scan(
            self._opened(create=True),
            folders,
            model=self._model_name,
            jobs=jobs,
            retry_failed=retry_failed,
            on_progress=on_progress,
            memory_mb=memory_mb,
            stall_s=stall_s,
            nice=nice,
        )

    def mood(self, path: FilePath) -> Mood:
        """Judge one file without keeping the result. See `analyse`, which also gives tags and descriptors."""
        return self.analyse(path).mood

    def analyse(self, path: FilePath) -> SongAnalysis:
        """Analyse one file in this process, without keeping the result.

        Raises
        ------
        AudioError
            The file cannot be read, or has nothing to judge; the message says why.

        """
        from edgemood import pipeline

        return pipeline.analyse(path, self.model)

    def analyse_each(self, paths: Iterable[FilePath]) -> Iterator[tuple[str, SongAnalysis | Failure]]:
        """Analyse files in a process of their own, in their order, without keeping the results.

        A file that cannot be read gives its Failure and the others go on; so does one that crashes its decoder, hangs
        or takes all memory.
        """
        from edgemood._analysis import GO_ON, FileJob, set_up_worker
        from edgemood.workers import Pool

        jobs = (FileJob(os.fspath(path), _stamp(path)) for path in paths)
        function = f"{set_up_worker.__module__}:{set_up_worker.__name__}"
        with Pool(function, (self._model_name, self.model.id)) as pool:  # of one process: it keeps the order
            for outcome in pool.run(jobs, lambda job, content: GO_ON):
                path = outcome.task.path
                yield path, Failure(path, outcome.kind, outcome.error) if outcome.failed else outcome.value

    # ------------------------------------------------------------------------------------------------------ library

    def played(self, song: int | FilePath, at: float | None = None) -> Play:
        """Note that a song was just played; it is on the disk when this returns.

        Parameters
        ----------
        song
            Its id, or a path where it lies.
        at
            When, in seconds since the epoch; now if None.

        Raises
        ------
        UnknownTrackError
            The library has no such song.
        ConfigError
            `song` is neither an id nor a path.

        """
        (play,) = self.played_each([song], at)
        return play

    def played_each(self, songs: Iterable[int | FilePath], at: float | None = None) -> list[Play]:
        """Note that songs were just played, in this order: all of them or, where one is not in the library, none.

        Parameters
        ----------
        songs
            Their ids, or paths where they lie.
        at
            When, in seconds since the epoch; now if None.

        Raises
        ------
        UnknownTrackError
            The library has no such song.
        ConfigError
            One is neither an id nor a path.

        """
        if isinstance(songs, (str, bytes)) or not isinstance(songs, Iterable):
            raise ConfigError(f"songs are given as a list, not as {songs!r}")
        return self._library.add_plays([self._library.find(song) for song in songs], at, self.listener)

    def skipped(self, song: int | FilePath, heard: float | None = None, at: float | None = None) -> Event:
        """Note that a song was skipped; it is on the disk when this returns. A skip is not a play.

        Parameters
        ----------
        song, at
            As for `played`.
        heard
            The share of it that was heard, in [0, 1]; None: not known.

        Raises
        ------
        UnknownTrackError, ConfigError
            As for `played`; or there is no such share.

        """
        return self._library.add_event(self._library.find(song), "skip", at, heard, self.listener)

    def liked(self, song: int | FilePath, at: float | None = None) -> Event:
        """Note that the listener likes a song, and bans it no longer; song, at and errors as for `played`."""
        return self._library.add_event(self._library.find(song), "like", at, listener=self.listener)

    def banned(self, song: int | FilePath, at: float | None = None) -> Event:
        """Note that the listener wants a song never again, until he likes it; song, at, errors as for `played`."""
        return self._library.add_event(self._library.find(song), "ban", at, listener=self.listener)

    def forget(self) -> int:
        """Remove all that the listener did, and so all that was learned from it; give how many plays and events."""
        return self._library.forget(self.listener)

    def listeners(self) -> list[str]:
        """The names of all listeners, in the order in which they came."""
        return self._library.listeners()

    def label(self, song: int | FilePath, mood: str | None) -> Track:
        """Set the mood of a song by hand, or, with None, leave it to the model again; give the song as it is then.

        It holds whatever models say of the song later.

        Raises
        ------
        UnknownTrackError
            The library has no such song.
        ConfigError
            The model that judged it knows no such mood.
        LibraryError
            No model has judged it yet.

        """
        track = self._library.track(song)
        if track.mood is None:
            raise LibraryError(f"no model has judged {track.path} yet: edgemood scan FOLDER")
        known = tuple(track.mood.scores)
        if mood is not None and mood not in known:
            raise ConfigError(f"there is no mood {mood!r}: the model that judged the song knows {', '.join(known)}")
        self._library.set_label(track.id, mood)
        return self._library.track(track.id)

    def now(self) -> ListenerMood:
        """Read the listener's present mood from the songs played last (see `listener.read`).

        Raises
        ------
        LibraryError
            Nothing has been played yet, or no song that was played last has a mood.

        """
        return listener.read(self._last_heard())

    def next(self, n: int = 10, exclude: Iterable[int] = (), wish: Wish | None = None) -> list[Pick]:
        """Recommend `n` songs to play next, in the order to play them (see `recommend.rank`).

        Parameters
        ----------
        n
            How many, at least 1; there are fewer where the library has no more. A song that lies at several places
            comes with a path where it is now, and one that is nowhere now does not come.
        exclude
            Ids of songs not to offer, besides those played not long ago.
        wish
            What to look for; songs for the listener's present mood if None.

        Raises
        ------
        LibraryError
            As `now`, where the wish needs the listener's mood; or a song to find others like has no mood.
        ConfigError
            Something asked for is out of range, or no model knows that mood.
        UnknownTrackError
            The library has no such song to find others like.

        """
        from edgemood.wish import Learned, Offer, Wish

        wish = Wish() if wish is None else wish
        if not isinstance(wish, Wish):
            raise ConfigError(f"a wish is an edgemood.Wish, not {wish!r}")
        left_out = _ids(exclude)
        present, seeds = self._present(wish.needs_listener), [self._seed(seed) for seed in wish.seeds]
        model = self._model_to_rank_by(present, seeds)
        shelf = self._library.shelf(model)
        seeds = [self._library.track(seed.id, model) for seed in seeds]
        events = self._library.events(self.listener)
        self._learned = Learned.of(events, shelf, present.now, self._learned)
        offer = Offer(self._library, self.listener, wish, present, seeds, shelf, self._learned)
        look_at = steps = min(_count(n), max(1, len(shelf)))
        while True:  # a drive may have been unplugged since the last scan; the further one looks, the fewer rounds
            picks = offer.picks(look_at, left_out, steps)
            found = {pick.track.id: self._find(pick.track) for pick in picks}
            first = picks[:steps]
            there = [replace(pick, track=track) for pick in first if (track := found[pick.track.id])]
            if len(there) == len(first):
                return there
            for pick in picks:
                if found[pick.track.id] is None and pick.track.id not in left_out:
                    left_out |= {pick.track.id, *self._gone_with(pick.track.path)}
            look_at = min(2 * look_at, len(shelf))

    def _present(self, needs_mood: bool) -> Present:
        from edgemood.wish import Present

        heard = self._last_heard()
        try:
            mood = listener.read(heard)
        except LibraryError:
            if needs_mood:
                raise
            mood = None
        recent = list({track.id: track for track, _ in heard}.values())  # newest first, each once
        return Present(mood, recent[: listener.WINDOW], time.time())

    def _seed(self, song: int | FilePath) -> Track:
        track = self._library.track(song)
        if track.mood is None:
            raise LibraryError(f"{track.path} has no mood yet to find others like it: edgemood scan FOLDER")
        return track

    def _model_to_rank_by(self, present: Present, seeds: Sequence[Track]) -> str:
        for mood in (present.mood, *(seed.mood for seed in seeds)):
            if mood is not None:
                return mood.model
        if (latest := self._library.latest_model()) is None:
            raise LibraryError("no song of the library has a mood yet: edgemood scan FOLDER")
        return latest

    def _find(self, track: Track) -> Track | None:
        """Give the track with a path where it lies right now; None where it lies nowhere."""
        if _is_there(track.path):
            return track
        elsewhere = (path for path in self._library.paths(track.id) if _is_there(path))
        path = next(elsewhere, None)
        return replace(track, path=path) if path is not None else None

    def _gone_with(self, path: str) -> Iterable[int]:
        """Ids of the songs that lie only below the uppermost folder, on the way to a missing file, that is gone too."""
        gone = [folder for folder in Path(path).parents if not _is_there(str(folder), os.path.isdir)]
        return self._library.ids_only_under(gone[-1]).tolist() if gone else ()

    def _last_heard(self) -> listener.Heard:
        """Return what was played and skipped last, newest first, all judged by the model of the newest judged song."""
        events = self._library.events(self.listener, 2 * listener.WINDOW, ("play", "skip"))
        tracks = {event.track_id: self._library.track(event.track_id) for event in events}
        heard = [(tracks[event.track_id], event) for event in events]
        models = [track.mood.model for track, _ in heard if track.mood]
        if len(set(models)) < 2:
            return heard
        again = {track_id: self._library.track(track_id, models[0]) for track_id in tracks}
        return [(again[event.track_id], event) for _, event in heard]

    def library(self, limit: int | None = None) -> list[Track]:
        """All songs of the library by id, or the first `limit`, missing ones too, each with its latest mood.

        The moods come without their timelines.
        """
        return self._library.tracks(limit=limit)

    def track(self, song: int | FilePath) -> Track:
        """One song of the library with its timeline, by id or by a path where it lies.

        Raises
        ------
        UnknownTrackError
            The library has no such song.

        """
        return self._library.track(song)

    def failures(self) -> list[Failure]:
        """List the files that could not be analysed, by path."""
        return self._library.failures()

    def prune(self) -> int:
        """Remove songs whose files are gone, and give their number; the history of plays stays."""
        return self._library.prune()


def _count(n: object) -> int:
    """Check a number of songs."""
    if isinstance(n, bool) or not isinstance(n, SupportsIndex) or operator.index(n) < 1:
        raise ConfigError(f"the number of songs has to be a whole number of at least 1, not {n!r}")
    return operator.index(n)


def _ids(given: Iterable[int]) -> set[int]:
    """Check ids of songs."""
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise ConfigError(f"ids of songs are given as a list, not as {given!r}")
    ids = list(given)
    if odd := [
        i for i in ids if isinstance(i, bool) or not isinstance(i, SupportsIndex) or abs(operator.index(i)) >> 63
    ]:
        raise ConfigError(f"{odd[0]!r} is no id of a song")
    return {operator.index(i) for i in ids}


def _is_there(path: str, is_so: Callable[[str], bool] = os.path.isfile) -> bool:
    try:
        return is_so(path)
    except OSError:  # a folder on the way that may not be entered, say
        return False


def _stamp(path: FilePath) -> FileStamp:
    """Return the stamp of a file, an empty one where there is none: reading it will say what is wrong."""
    try:
        return FileStamp.of(Path(path).stat())
    except OSError:
        return FileStamp(0, 0)
