"""The facade: what a program that embeds edgemood calls, and all that the command line calls.

Library and model are opened on first use: a player that only notes plays and asks what is next never loads the model,
its interpreter or a decoder, and judging single files never touches the library.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from edgemood.advice import Advice
from edgemood.domain import Event, Failure, FilePath, ListenerMood, Listening, Mood, Pick, Play, SongAnalysis, Track
from edgemood.errors import ConfigError, NotYetError
from edgemood.library import DEFAULT_LISTENER, FileStamp, Library, require_name

if TYPE_CHECKING:
    from datetime import tzinfo

    from edgemood._governor import Governor
    from edgemood.budget import Budget
    from edgemood.importing import ImportReport
    from edgemood.mood import MoodModel
    from edgemood.pipeline import Progress, ScanReport
    from edgemood.tagging import How, Tagging
    from edgemood.wish import Wish


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
        self._listener = listener
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
    def listener(self) -> str:
        """Who listens."""
        return self._listener

    def of(self, listener: str) -> Engine:
        """Give an engine of another listener on this library, which is this engine's to close.

        Raises
        ------
        ConfigError
            `listener` is no name.

        """
        other = Engine(self._where, self._model_name, listener)
        other._kept = self._library
        return other

    @property
    def store(self) -> Library:
        """The library itself, for programs that need more of it than the engine offers."""
        return self._library

    @property
    def _library(self) -> Library:
        return self._opened()

    def _opened(self, create: bool = False) -> Library:
        """Open the library at its first use. Only a scan makes one: elsewhere a mistyped name is an error."""
        if self._kept is None:
            self._kept = self._resources.enter_context(Library.open(self._where, create))
        return self._kept

    @cached_property
    def _advice(self) -> Advice:
        return Advice(self._library, self.listener)

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
        budget: Budget | Governor | None = None,
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
        budget
            What the scan may take of the machine, and when it has to pause (`edgemood.budget.Budget`), or who watches
            over it already; anything if None.

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
            budget=budget,
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

    def played(self, song: int | FilePath, at: float | None = None, offered: bool = False) -> Play:
        """Note that a song was just played; it is on the disk when this returns.

        Parameters
        ----------
        song
            Its id, or a path where it lies.
        at
            When, in seconds since the epoch; now if None.
        offered
            Whether edgemood had chosen it and the listener only let it play: it says less of his mood than a song that
            he picked.

        Raises
        ------
        UnknownTrackError
            The library has no such song.
        ConfigError
            `song` is neither an id nor a path.

        """
        (play,) = self.played_each([song], at, offered)
        return play

    def played_each(
        self, songs: Iterable[int | FilePath], at: float | None = None, offered: bool = False
    ) -> list[Play]:
        """Note that songs were just played, in this order: all of them or, where one is not in the library, none.

        Parameters
        ----------
        songs
            Their ids, or paths where they lie.
        at
            When, in seconds since the epoch; now if None.
        offered
            As for `played`.

        Raises
        ------
        UnknownTrackError
            The library has no such song.
        ConfigError
            One is neither an id nor a path.

        """
        if isinstance(songs, (str, bytes)) or not isinstance(songs, Iterable):
            raise ConfigError(f"songs are given as a list, not as {songs!r}")
        return self._library.add_plays([self._library.find(song) for song in songs], at, self.listener, offered)

    def skipped(
        self, song: int | FilePath, heard: float | None = None, at: float | None = None, offered: bool = False
    ) -> Event:
        """Note that a song was skipped; it is on the disk when this returns. A skip is not a play.

        Parameters
        ----------
        song, at, offered
            As for `played`.
        heard
            The share of it that was heard, in [0, 1]; None: not known.

        Raises
        ------
        UnknownTrackError, ConfigError
            As for `played`; or there is no such share.

        """
        return self._library.add_event(self._library.find(song), "skip", at, heard, self.listener, offered)

    def liked(self, song: int | FilePath, at: float | None = None) -> Event:
        """Note that the listener likes a song, and bans it no longer; song, at and errors as for `played`."""
        return self._library.add_event(self._library.find(song), "like", at, listener=self.listener)

    def unliked(self, *songs: int | FilePath) -> int:
        """Take back that the listener likes songs, all of them or none; give of how many. A ban holds.

        Raises
        ------
        UnknownTrackError, ConfigError
            As for `played`.

        """
        return self._library.take_back_likes([self._library.find(song) for song in songs], self.listener)

    def banned(self, song: int | FilePath, at: float | None = None) -> Event:
        """Note that the listener wants a song never again, until he likes it; song, at, errors as for `played`."""
        return self._library.add_event(self._library.find(song), "ban", at, listener=self.listener)

    def liking(self, song: int | FilePath) -> str | None:
        """What the listener said last of a song: ``"like"``, ``"ban"``, or None if neither; errors as for `played`."""
        return self._library.liking(self._library.find(song), self.listener)

    def take_back(self, song: int | FilePath, kind: str, at: float) -> bool:
        """Forget one thing that the listener did, as if he had not: a wrong key was pressed.

        Parameters
        ----------
        song
            As for `played`.
        kind
            What he did: ``"play"``, ``"skip"``, ``"like"`` or ``"ban"``.
        at
            When, to the millisecond: as `played`, `skipped`, `liked` and `banned` told.

        Returns
        -------
        bool
            Whether he did so then.

        Raises
        ------
        UnknownTrackError, ConfigError, LibraryError
            As for `played`.

        """
        return self._library.take_back(self._library.find(song), kind, at, self.listener)

    def forget(self) -> int:
        """Remove all that the listener did, and so all that was learned from it; give how many plays and events."""
        return self._library.forget(self.listener)

    def import_history(self, *files: FilePath, zone: tzinfo | None = None, read_ids: bool = False) -> ImportReport:
        """Note what the listener heard elsewhere; the same again adds nothing.

        Parameters
        ----------
        files
            Logs of portable players (``.scrobbler.log``), ListenBrainz' export (zip, ``.jsonl``) or listens (JSON).
        zone
            Where the clock of a portable player stood that did not know its time zone; here if None.
        read_ids
            Read MusicBrainz' ids in the tags of all songs first, which finds songs whatever their names are, and takes
            time.

        Raises
        ------
        UnreadableError
            A file cannot be read; nothing is noted then.
        ConfigError
            A file holds no listens; nothing is noted then.

        """
        from edgemood.importing import Import

        return Import(self._library, self.listener, zone, read_ids).run(files)

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
            raise NotYetError(f"no model has judged {track.path} yet: edgemood scan FOLDER")
        known = tuple(track.mood.scores)
        if mood is not None and mood not in known:
            raise ConfigError(f"there is no mood {mood!r}: the model that judged the song knows {', '.join(known)}")
        self._library.set_label(track.id, mood)
        return self._library.track(track.id)

    def tag(self, *songs: int | FilePath, how: How | None = None) -> Iterator[Tagging]:
        """Write the moods of songs into the tags of their files, one after the other as the result is iterated over.

        Parameters
        ----------
        songs
            Ids, files or folders; all songs if none are named.
        how
            What to write where; see `tagging.How`.

        Raises
        ------
        UnknownTrackError
            The library has no such song. What befalls a single file is its outcome.

        """
        from edgemood.tagging import Tagger

        return Tagger(self._library, how).tag(songs)

    def untag(self, *songs: int | FilePath, how: How | None = None) -> Iterator[Tagging]:
        """Take back what `tag` wrote, where nobody changed it since; parameters and errors as for `tag`."""
        from edgemood.tagging import Tagger

        return Tagger(self._library, how).restore(songs)

    def tagged(self, *songs: int | FilePath) -> Iterator[Tagging]:
        """Tell what `tag` wrote and whether it is still there; parameters and errors as for `tag`."""
        from edgemood.tagging import Tagger

        return Tagger(self._library).status(songs)

    def now(self) -> ListenerMood:
        """Read the listener's present mood from the songs played last (see `listener.read`).

        Raises
        ------
        LibraryError
            Nothing has been played yet, or no song that was played last has a mood.

        """
        return self._advice.now()

    def history(self, hours: float = 6.0, points: int = 200) -> Listening:
        """Tell what the listener did in the last hours, and the mood that was read after each play and skip.

        Moods are as `now` would have told them then, in the mood space of the newest judged song.

        Parameters
        ----------
        hours
            How far to look back, longer than 0; there is nothing of an unknown listener or an idle time.
        points
            How many moods at most, at least 1; of more plays and skips some evenly, the last always.

        Raises
        ------
        ConfigError
            `hours` or `points` is out of range.

        """
        return self._advice.history(hours, points)

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
        return self._advice.next(n, exclude, wish)

    def similar(self, song: int | FilePath, n: int = 10) -> list[Pick]:
        """Find the songs nearest to a song, nearest first, whoever made them.

        What the listener banned is left out, and kinds of recordings that `next` does not offer either (spoken word,
        jingles, mixes, Christmas songs) unless the song is of that kind.

        Parameters
        ----------
        song
            Its id, or a path where it lies; it does not come itself.
        n
            How many at most, at least 1.

        Raises
        ------
        UnknownTrackError
            The library has no such song.
        NotYetError
            No model has judged it yet.
        ConfigError
            `n` is out of range.

        """
        return self._advice.similar(song, n)

    def path_between(self, start: int | FilePath, end: int | FilePath, n: int = 25) -> list[Pick]:
        """Find a way from one song to another over songs that lie between them, in small steps.

        From song to song the nearness to the first, which is each pick's similarity, never rises, and that to the last
        never falls. A song is not on it twice, nor one by an artist close to another, unless too few others are there.

        Parameters
        ----------
        start, end
            Ids, or paths where they lie; the first and the last of the way, which is only one song if they are the
            same.
        n
            How many songs at most, with both of these: at least 2. There are fewer where more would be a detour, and
            never over 100.

        Raises
        ------
        UnknownTrackError, NotYetError, ConfigError
            As for `similar`; or the two were judged by different models.

        """
        return self._advice.path_between(start, end, n)

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


def _stamp(path: FilePath) -> FileStamp:
    """Return the stamp of a file, an empty one where there is none: reading it will say what is wrong."""
    try:
        return FileStamp.of(Path(path).stat())
    except OSError:
        return FileStamp(0, 0)
