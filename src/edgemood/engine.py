"""The facade: what a program that embeds edgemood calls, and all that the command line calls.

Library and model are opened on first use: a player that only notes plays and asks what is next never loads the model,
its interpreter or a decoder, and judging single files never touches the library.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from edgemood import _nearest as recommend
from edgemood import listener
from edgemood.domain import Failure, ListenerMood, Mood, Pick, Play, SongAnalysis, Track
from edgemood.errors import LibraryError
from edgemood.library import FileStamp, Library

if TYPE_CHECKING:
    from edgemood.mood import MoodModel
    from edgemood.pipeline import Progress, ScanReport

#: How files are named to edgemood: absolute, or from the current folder.
FilePath = str | os.PathLike[str]


def open(library: FilePath | None = None, model: str = "default") -> Engine:
    """Open edgemood.

    Parameters
    ----------
    library
        The library file; if None, what ``EDGEMOOD_LIBRARY`` names, else ``$XDG_DATA_HOME/edgemood/library.db``.
        Where there is none, `scan` makes it, and all else that needs it raises LibraryError.
    model
        A model bundle: the name of a shipped one, or its folder.

    Returns
    -------
    Engine
        Use it as a context manager, in one thread.

    """
    return Engine(library, model)


class Engine:
    """A music library that knows moods. See `open`.

    Every method may raise LibraryError where the library cannot be opened, read or written, and BundleError where it
    needs the model and that cannot be used.
    """

    def __init__(self, library: FilePath | None = None, model: str = "default") -> None:
        self._where = library
        self._model_name = model
        self._resources = ExitStack()
        self._kept: Library | None = None

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
        return self._library.add_plays([self._library.find(song) for song in songs], at)

    def now(self) -> ListenerMood:
        """Read the listener's present mood from the songs played last (see `listener.read`).

        Raises
        ------
        LibraryError
            Nothing has been played yet, or no song that was played last has a mood.

        """
        return listener.read(self._last_played())

    def next(self, n: int = 10, exclude: Iterable[int] = ()) -> list[Pick]:
        """Recommend `n` songs to play next, nearest to the listener's mood first (see `recommend.rank`).

        Parameters
        ----------
        n
            How many, at least 1; there are fewer where the library has no more. A song that lies at several places
            comes with a path where it is now, and one that is nowhere now does not come.
        exclude
            Ids of songs not to offer, besides those played last.

        Raises
        ------
        LibraryError
            As `now`.

        """
        heard = self._last_played()
        mood = listener.read(heard)
        recent = [track for track, _ in heard]
        candidates = self._candidates(mood)
        left_out, look_at = set(exclude), n
        while True:  # a drive may have been unplugged since the last scan; the further one looks, the fewer rounds
            picks = recommend.rank(recommend.Request(mood, look_at, recent, left_out), candidates)
            found = {pick.track.id: self._find(pick.track) for pick in picks}
            present = [replace(pick, track=track) for pick in picks[:n] if (track := found[pick.track.id])]
            if len(present) == len(picks[:n]):
                return present
            left_out |= {track_id for track_id, track in found.items() if track is None}
            look_at *= 2

    def _candidates(self, mood: ListenerMood) -> recommend.Candidates:
        matrix = self._library.matrix(mood.model)
        scores = matrix.scores
        if set(matrix.labels) != set(mood.scores) and matrix.labels:
            raise LibraryError(f"the library's moods by {mood.model} do not have the same labels: scan it again")
        if matrix.labels:
            scores = scores[:, [matrix.labels.index(label) for label in mood.scores]]
        return recommend.Candidates(
            matrix.ids,
            matrix.vectors,
            scores,
            matrix.artists,
            lambda track_id: self._library.track(track_id, mood.model),
        )

    def _find(self, track: Track) -> Track | None:
        """Give the track with a path where it lies right now; None where it lies nowhere."""
        if _is_there(track.path):
            return track
        elsewhere = (path for path in self._library.paths(track.id) if _is_there(path))
        path = next(elsewhere, None)
        return replace(track, path=path) if path is not None else None

    def _last_played(self) -> listener.Heard:
        """Return the listener's window, all judged by the model of the newest judged song where it has judged them."""
        heard = self._library.plays(listener.WINDOW)
        models = [track.mood.model for track, _ in heard if track.mood]
        return self._library.plays(listener.WINDOW, models[0]) if len(set(models)) > 1 else heard

    def library(self) -> list[Track]:
        """All songs of the library by id, missing ones too, each with its latest mood (without timeline)."""
        return self._library.tracks()

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


def _is_there(path: str) -> bool:
    try:
        return Path(path).is_file()
    except OSError:  # a folder on the way that may not be entered, say
        return False


def _stamp(path: FilePath) -> FileStamp:
    """Return the stamp of a file, an empty one where there is none: reading it will say what is wrong."""
    try:
        return FileStamp.of(Path(path).stat())
    except OSError:
        return FileStamp(0, 0)
