"""From folders of music to a library of moods: the scan, by worker processes.

A scan can be ended at any instant and begun again: a file is either stored as a whole or not at all. Of a file that
the library knows by size and time, nothing is read; of one whose content it knows, nothing is decoded.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import soundfile

from edgemood import features, mood
from edgemood._analysis import (
    KNOWN,
    LATER,
    STORE,
    Clock,
    FileJob,
    FilePath,
    Known,
    Packed,
    SongJob,
    analyse,
    set_up_worker,
)
from edgemood._governor import Governor
from edgemood._ionice import io_class
from edgemood._walk import Entry, walk
from edgemood.budget import Budget, room
from edgemood.domain import Failure
from edgemood.errors import ConfigError, UnknownTrackError, UnreadableError
from edgemood.library import FileStamp, Library, Recipe, State
from edgemood.workers import Outcome, Pool

__all__ = ["Progress", "ScanReport", "analyse", "scan"]

_ONCE = "; worker killed once"  # added to the versions of a failure that is to be tried again
_REPORT_S = 0.1  # how often files only looked at are reported


@dataclass(frozen=True)
class Progress:
    """How far a scan is.

    done of total: songs to work on (total is None while they are still being counted); failed: of those done;
    skipped: files that need no work; songs_per_min: done so far; eta_s: seconds left, None as long as nobody can
    tell; current: the file that was finished last.
    """

    done: int
    total: int | None
    failed: int
    skipped: int
    songs_per_min: float
    eta_s: float | None
    current: str


@dataclass(frozen=True)
class ScanReport:
    """What a scan did.

    analysed: songs decoded and stored; moved: files whose content was known (moved, copied or retagged), not decoded;
    rejudged: songs whose stored descriptors a new model has read; unchanged: files not even opened; failed: files
    that could not be analysed (see `failures`); failed_before: files not tried again; missing: songs of the library
    that lie nowhere at present; cpu_s: CPU time by stage in seconds (identify, decode, features, model, pack: in
    the workers; database: here).
    """

    analysed: int
    moved: int
    rejudged: int
    unchanged: int
    failed: int
    failed_before: int
    missing: int
    wall_s: float
    cpu_s: Mapping[str, float]
    failures: tuple[Failure, ...]

    @property
    def songs_per_min(self) -> float:
        """Songs decoded in a minute of the scan."""
        return 60 * self.analysed / self.wall_s if self.wall_s > 0 else 0.0


def scan(  # noqa: PLR0913 - options, all by name
    library: Library,
    folders: FilePath | Iterable[FilePath],
    *,
    model: str = "default",
    jobs: int | None = None,
    retry_failed: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
    memory_mb: int | None = 512,
    stall_s: float = 60.0,
    nice: int = 10,
    budget: Budget | Governor | None = None,
) -> ScanReport:
    """Bring the library up to date with the music in folders.

    Every finished file is stored at once: an interrupted scan loses what was in flight, and the next one goes on.

    Parameters
    ----------
    library
        Where the results go.
    folders
        Folders, searched as deep as they are, and files, tried whatever their names. One that is not there (an
        unplugged drive) is no error if the library knows files below it: those become missing.
    model
        The bundle that judges, for `mood.load`.
    jobs
        How many worker processes; one less than there are processor cores, but at least one, if None.
    retry_failed
        Try files again that failed before and have not changed since. (One whose worker was killed by a signal is
        tried once more in any case.)
    on_progress
        Called when a song is done, and now and then while files are counted.
    memory_mb
        How much memory, in MB, a song may take in a worker beyond what the worker has at its start; None: any.
    stall_s
        After how many seconds without progress a worker is given up.
    nice
        By how much workers are nicer to other programs than this process, 0 to 19.
    budget
        What the scan may take of the machine, and when it has to pause; anything if None. (`memory_mb` is about one
        song, this about all processes.) Or who watches over it already: then the start of a program counts as well.

    Raises
    ------
    ConfigError
        There is no such folder, or an option is out of range.
    BundleError, LibraryError, WorkerError
        The model, the library or the worker processes cannot be used at all. What befalls a single file is listed.

    """
    if jobs is None:
        jobs = max(1, len(os.sched_getaffinity(0)) - 1)
    if jobs < 1:
        raise ConfigError(f"jobs has to be at least 1, not {jobs}")
    if memory_mb is not None and memory_mb < 1:
        raise ConfigError(f"memory_mb has to be at least 1, not {memory_mb}")
    if not stall_s > 0:
        raise ConfigError(f"stall_s has to be more than 0, not {stall_s}")
    if not 0 <= nice <= 19:
        raise ConfigError(f"nice has to be 0 to 19, not {nice}")
    governor = budget if isinstance(budget, Governor) else None
    limits = governor.budget if governor else budget if isinstance(budget, Budget) else Budget()
    library.require_writable()
    library.require_sound()
    roots = _roots(library, folders)
    with io_class(limits.ionice), ExitStack() as stack:
        if limits.governs and not governor:
            governor = stack.enter_context(Governor(limits))
        recipe = _recipe(model)
        pool = Pool(
            f"{set_up_worker.__module__}:{set_up_worker.__name__}",
            (model, recipe.model),
            jobs=jobs,
            memory_mb=memory_mb,
            stall_s=stall_s,
            nice=nice,
            room=None if limits.memory is None else room(limits.memory, jobs),
            governor=governor,
        )
        pace = governor.pace if governor else _go_on
        work = _Scan(
            library=library,
            roots=roots,
            recipe=recipe,
            retry_failed=retry_failed,
            on_progress=on_progress or _go_on,
            pace=pace,
        )
        return work.run(stack.enter_context(pool))


def _recipe(model: str) -> Recipe:
    """Tell what a model makes of a song, without making it ready to do so."""
    found = mood.outline(model)
    found.require(features.VERSION)
    parts = [{"config": dict(part.config), "names": part.names} for part in found.parts]
    config = found.config if len(parts) == 1 else {"parts": parts}
    return Recipe.of(found.id, found.feature_version, found.names, config)


def _go_on(*_: object) -> None:
    """Neither say nor wait for anything."""


def _roots(library: Library, folders: FilePath | Iterable[FilePath]) -> list[str]:
    """Make the folders absolute, and refuse those that neither the machine nor the library knows."""
    named = [folders] if isinstance(folders, str | os.PathLike) else list(folders)
    if not named:
        raise ConfigError("no folder was given to scan")
    roots = [os.path.normpath(Path(folder).absolute()) for folder in named]
    for root in roots:
        if not Path(root).exists() and not library.knows_under(root):
            raise ConfigError(f"there is no {root}")
    return roots


def _versions(recipe: Recipe) -> str:
    """Say what the outcome of analysing a file depends on; a failure is not repeated until this is another text."""
    try:
        av = importlib.metadata.version("av")
    except importlib.metadata.PackageNotFoundError:
        av = "none"
    descriptors = hashlib.blake2b(recipe.features.encode(), digest_size=8).hexdigest()
    return f"{recipe.model}; features {descriptors}; libsndfile {soundfile.__libsndfile_version__}; av {av}"


class _Scan:
    """One run of `scan`."""

    def __init__(  # noqa: PLR0913 - all by name
        self,
        *,
        library: Library,
        roots: list[str],
        recipe: Recipe,
        retry_failed: bool,
        on_progress: Callable[[Progress], None],
        pace: Callable[[], None],
    ) -> None:
        self._library, self._roots, self._recipe = library, roots, recipe
        self._retry_failed, self._on_progress, self._pace = retry_failed, on_progress, pace
        self._versions = _versions(recipe)
        self._begin = self._work_begin = self._reported = time.monotonic()
        self._clock = Clock()  # of this process; the workers' is added as results come
        self._counts: Counter[str] = Counter()
        self._total: int | None = None
        self._failures: list[Failure] = []
        self._in_flight: dict[str, bytes] = {}  # path -> content of the files being decoded
        self._deferred: list[FileJob] = []

    def run(self, pool: Pool) -> ScanReport:
        """Do it."""
        library = self._library
        with self._clock("database"):
            library.mark_missing(self._roots, self._pace)
            for failure in library.failures():
                if Path(failure.path).is_dir():  # if it still cannot be listed, it will be noted again
                    library.forgive(failure.path)
            unjudged = library.unjudged(self._recipe)
        todo = sum(1 for _ in self._files(note=True))
        self._total, self._work_begin = todo + len(unjudged), time.monotonic()
        self._report("")
        self._do(pool, self._songs(unjudged))
        if todo:
            self._do(pool, self._files())
        while self._deferred:
            again, self._deferred = self._deferred, []
            self._do(pool, again)
        self._do(pool, self._songs(library.unjudged(self._recipe)))  # songs that were missing and came back
        with self._clock("database"):
            library.pack_shelf(self._recipe.model, self._pace)
        counts = self._counts
        return ScanReport(
            counts["analysed"],
            counts["moved"],
            counts["rejudged"],
            counts["unchanged"],
            len(self._failures),
            counts["failed before"],
            library.stats().missing,
            time.monotonic() - self._begin,
            dict(self._clock.seconds),
            tuple(self._failures),
        )

    def _files(self, note: bool = False) -> Iterator[FileJob]:
        """Yield files to be opened. The first of two passes over the folders counts them and notes all others."""
        for entry in walk([root for root in self._roots if Path(root).exists()]):
            self._pace()
            if entry.stamp is None:
                if note:
                    self._fail(entry.path, FileStamp(0, 0), UnreadableError.__name__, entry.problem)
                continue
            with self._clock("database"):
                state = self._library.state(entry.path, entry.stamp, self._recipe, self._versions)
            if state in (State.NEW, State.UNREAD) or (state is State.FAILED and self._retry_failed):
                yield FileJob(entry.path, entry.stamp)
            elif note:
                self._note(entry, state)

    def _note(self, entry: Entry, state: State) -> None:
        if state is State.FAILED:
            self._counts["failed before"] += 1
        elif state is State.DONE:
            self._counts["unchanged"] += 1
        now = time.monotonic()
        if now - self._reported > _REPORT_S:
            self._reported = now
            self._report(entry.path)

    def _songs(self, track_ids: Iterable[int]) -> Iterator[SongJob]:
        """Songs to be judged anew; one that was pruned meanwhile is passed over."""
        jobs: list[SongJob] = []
        for track_id in track_ids:
            self._pace()
            with self._clock("database"), suppress(UnknownTrackError):
                track = self._library.track(track_id)
                jobs.append(SongJob(track.path, track_id, track.duration_s, self._library.features(track_id)))
            while jobs:
                yield jobs.pop()

    def _do(self, pool: Pool, jobs: Iterable[FileJob | SongJob]) -> None:
        for outcome in pool.run(jobs, self._answer):
            self._in_flight.pop(outcome.task.path, None)
            self._pace()
            with self._clock("database"):
                finished = self._keep(outcome)
            if finished:
                self._counts["done"] += 1
                self._report(outcome.task.path)

    def _answer(self, job: FileJob | SongJob, content: bytes) -> str:
        """Tell a worker what to do about a file with this content."""
        with self._clock("database"):
            state = self._library.content_state(content, self._recipe)
        if state in (State.UNJUDGED, State.DONE):
            return KNOWN
        if content in self._in_flight.values():
            return LATER
        self._in_flight[job.path] = content
        return STORE

    def _keep(self, outcome: Outcome[FileJob | SongJob]) -> bool:
        """Store one outcome; whether that settles it."""
        job, value = outcome.task, outcome.value
        if outcome.failed:
            stamp = job.stamp if isinstance(job, FileJob) else None
            self._fail(job.path, stamp, outcome.kind, outcome.error, outcome.killed)
        elif isinstance(job, SongJob):
            with suppress(UnknownTrackError):  # pruned meanwhile
                self._library.store_mood(job.track_id, value.mood, self._recipe, value.speech)
            self._counts["rejudged"] += 1
        elif isinstance(value, Packed):
            self._library.store(job.path, job.stamp, value.analysis, self._recipe, value.features)
            self._counts["analysed"] += 1
        elif value is None or not self._place(job, value):
            self._deferred.append(job)
            return False
        if value is not None:
            self._clock.add(value.analysis.seconds if isinstance(value, Packed) else value.seconds)
        return True

    def _place(self, job: FileJob, known: Known) -> bool:
        try:
            self._library.place(job.path, job.stamp, known.content, known.tags)
        except UnknownTrackError:  # pruned between question and now
            return False
        self._counts["moved"] += 1
        return True

    def _fail(self, path: str, stamp: FileStamp | None, kind: str, error: str, killed: bool = False) -> None:
        """Note a failure; one without a stamp (of descriptors, not of a file) is only reported.

        A file whose worker was killed is tried again by the next scan: the machine may have been short of memory for
        reasons of its own. Where that happens to it again, it is the file's fault.
        """
        failure = Failure(path, kind, error)
        self._failures.append(failure)
        if stamp is None:
            return
        versions = self._versions
        if killed and self._library.state(path, stamp, self._recipe, versions + _ONCE) is not State.FAILED:
            versions += _ONCE
        self._library.fail(failure, stamp, versions)

    def _report(self, current: str) -> None:
        done, counts = self._counts["done"], self._counts
        per_s = done / max(time.monotonic() - self._work_begin, 1e-9)
        eta_s = None
        if self._total is not None:
            self._total = max(self._total, done)  # files may have come while we worked
            eta_s = (self._total - done) / per_s if done else None
        skipped = counts["unchanged"] + counts["failed before"]
        self._on_progress(
            Progress(done, self._total, len(self._failures), skipped, 60 * per_s, eta_s, current),
        )
