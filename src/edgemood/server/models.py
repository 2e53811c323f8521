"""What requests hold and answers look like: for checks of what comes in, and for OpenAPI.

Answers are the shapes of `edgemood.shapes`; they are made there and not checked again here, as a list may be long.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

Unit = Annotated[float, Field(ge=0, le=1)]
Place = Annotated[float, Field(ge=-1, le=1)]
SongId = Annotated[int, Field(ge=1, le=(1 << 63) - 1)]
Text = Annotated[str, Field(max_length=1000)]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Time = Annotated[float, Field(ge=0, le=1e11, allow_inf_nan=False, description="Seconds since the epoch.")]


class Asked(BaseModel):
    """The parameters of a question: none but what is named here."""

    model_config = ConfigDict(extra="forbid")


class Given(BaseModel):
    """What a body holds: nothing but what is named here, and no text for a number."""

    model_config = ConfigDict(extra="forbid", strict=True)


# ------------------------------------------------------------------------------------------------------------ answers


class Fault(BaseModel):
    """An error: the name of the Python exception, and what is wrong and where."""

    type: str
    message: str


class Problem(BaseModel):
    """How every error is answered."""

    error: Fault


class Scored(BaseModel):
    """Probabilities of moods, and the place on the plane that they imply; null where nothing is known."""

    scores: dict[str, Unit] | None
    valence: Place | None
    arousal: Place | None


class Song(Scored):
    """A song of the library; its mood is null where no model has judged it yet."""

    id: SongId
    path: str
    path_b64: str | None = Field(None, description="The exact bytes, where the name is not UTF-8.")
    title: str
    artist: str
    album: str
    genre: str
    duration_s: float
    mood: str | None
    unsure: bool | None
    model: str | None
    missing: bool
    labelled: str | None = Field(description="The mood that a person gave it.")


class Span(Scored):
    """The mood of one stretch of a song; attention: its share of what decided."""

    start_s: float
    end_s: float
    unsure: bool
    attention: Unit


class SongWithCurve(Song):
    """A song with the course of its mood, and what the listener said of it last."""

    liking: Literal["like", "ban"] | None
    timeline: list[Span]


class Curve(BaseModel):
    """The course of a song's mood."""

    id: SongId
    duration_s: float
    timeline: list[Span]


class Songs(BaseModel):
    """One page of a list; total: of all pages."""

    songs: list[Song]
    next_cursor: str | None
    total: int


class Artist(BaseModel):
    """An artist and how many songs of theirs there are."""

    name: str
    songs: int


class Artists(BaseModel):
    """Artists by name."""

    artists: list[Artist]
    total: int


class FailedFile(BaseModel):
    """A file that could not be analysed: the exception's name, and why."""

    path: str
    path_b64: str | None = None
    kind: str
    error: str


class Failures(BaseModel):
    """One page of failures."""

    failures: list[FailedFile]
    next_cursor: str | None


class ListenerNow(Scored):
    """A listener's present mood, read from so many plays, and why."""

    mood: str
    plays: int
    reason: str
    model: str


class MoodPoint(Scored):
    """The mood as it was read at a moment."""

    at: float
    mood: str
    reason: str


class Heard(BaseModel):
    """What was done about a song; heard: the share of it before a skip."""

    at: float
    id: SongId
    path: str
    path_b64: str | None = None
    title: str
    artist: str
    event: Literal["play", "skip", "like", "ban"]
    heard: Unit | None


class History(BaseModel):
    """A stretch of a listener's time, oldest first."""

    since: float
    until: float
    points: list[MoodPoint]
    plays: list[Heard]


class Listeners(BaseModel):
    """All listeners, and who is meant where a request names nobody."""

    listeners: list[str]
    default: str


class Pick(Song):
    """A song to play next, how near it is, why, and which rules could not be kept for it."""

    similarity: float
    reason: str
    broken: list[str]


class Picks(BaseModel):
    """Songs to play next, in their order."""

    picks: list[Pick]


class Played(BaseModel):
    """A play that was noted."""

    id: SongId
    path: str
    path_b64: str | None = None
    at: float


class Done(Played):
    """Something that was noted about a song."""

    event: Literal["skip", "like", "ban"]
    heard: Unit | None


class Forgotten(BaseModel):
    """How many plays and other events were removed."""

    removed: int


class LibraryState(BaseModel):
    """What is in the library; null where it cannot be read."""

    path: str
    songs: int | None
    judged: int | None
    missing: int | None
    failed: int | None


class Health(BaseModel):
    """Whether all is well, and what is not."""

    status: Literal["ok", "degraded"]
    version: str
    library: LibraryState
    scanning: bool
    problem: str | None


class ScanState(BaseModel):
    """How far a scan is. done of total: songs to work on (total is null while they are still being counted)."""

    state: Literal["idle", "running", "ended", "failed", "stopped"]
    done: int
    total: int | None
    failed: int
    skipped: int
    songs_per_min: float
    left_s: float | None
    current: str | None
    folders: list[str]
    problem: str | None
    report: dict[str, object] | None = Field(description="As `edgemood scan --json` prints it, once it has ended.")


# ----------------------------------------------------------------------------------------------------------- requests


_ONE_NAME: JsonDict = {
    "oneOf": [
        {"required": ["id"], "properties": {"id": {"type": "integer"}, "path": {"type": "null"}}},
        {"required": ["path"], "properties": {"path": {"type": "string"}, "id": {"type": "null"}}},
    ]
}


class SongNamed(Given):
    """A song, by its id or by a path where it lies: one of both."""

    model_config = ConfigDict(json_schema_extra=_ONE_NAME)

    id: SongId | None = None
    path: Annotated[str, Field(min_length=1, max_length=4096)] | None = None
    at: Time | None = None


class PlayGiven(SongNamed):
    """A song that was just played, or at that time; offered: `next` had chosen it, the listener only let it play."""

    offered: bool = False


class EventGiven(SongNamed):
    """What was done about a song; of a skip, heard: the share of it that was heard; offered: as of a play."""

    event: Literal["skip", "like", "ban"]
    heard: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    offered: bool = False


class TakenBack(SongNamed):
    """Something that was done about a song, and when: as the answer to it or the history tells."""

    event: Literal["play", "skip", "like", "ban"]
    at: Time


class LabelGiven(Given):
    """A mood set by hand; null leaves it to the model again."""

    mood: Name | None


class ForgetGiven(Given):
    """Whose history to remove: his name again, as it cannot be brought back."""

    confirm: Name


class ScanGiven(Given):
    """What to scan; all that may be scanned where nothing is named."""

    folders: (
        Annotated[list[Annotated[str, Field(min_length=1, max_length=4096)]], Field(min_length=1, max_length=100)]
        | None
    ) = None


class LoginGiven(Given):
    """The token that the server was started with."""

    token: Annotated[str, Field(min_length=1, max_length=1000)]


class Whose(Asked):
    """Whose question it is."""

    listener: Name | None = Field(None, description="The server's own listener if none is named.")


class Which(Asked):
    """Which songs; see `catalogue.Sieve`."""

    search: Text = Field("", description="Beginnings of words in title, artist, album, genre or path.")
    mood: Name | None = Field(None, description="A mood, or none: songs that no model has judged.")
    artist: Text | None = Field(
        None,
        description="The whole name, or where nobody has that, how its words begin; case and accents do not matter.",
    )
    genre: Text | None = Field(None, description="Any part of it.")
    missing: bool | None = None
    unsure: bool | None = None


class Listed(Which):
    """Which songs, in which order, and which page."""

    sort: Literal["id", "title", "artist", "album", "duration", "valence", "arousal"] = "id"
    order: Literal["asc", "desc"] = "asc"
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=500)] | None = None


class ArtistsAsked(Asked):
    """Which artists, and how many."""

    search: Text = ""
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class FailuresAsked(Asked):
    """Which page of failures."""

    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=10_000)] | None = None


class HistoryAsked(Whose):
    """How far to look back."""

    hours: Annotated[float, Field(gt=0, le=24 * 31, allow_inf_nan=False)] = 6.0


Few = Annotated[list[Annotated[str, Field(min_length=1, max_length=300)]], Field(max_length=20)]
Gap = Annotated[int, Field(ge=0, le=10_000)]


class NextAsked(Whose):
    """What is asked of the next songs; see `edgemood.Wish`."""

    n: Annotated[int, Field(ge=1, le=200)] = 10
    mood: Name | None = None
    toward: Name | None = None
    like: Annotated[list[SongId], Field(max_length=50)] = []
    exclude: Annotated[list[SongId], Field(max_length=1000)] = []
    variety: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    smoothness: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    artist_gap: Gap | None = None
    album_gap: Gap | None = None
    without_genre: Few = []
    without_tag: Few = []
    without_folder: Few = []
    include: Annotated[list[Literal["speech", "short", "long", "christmas"]], Field(max_length=4)] = []
    repeat_after: Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)] | None = Field(
        None, description="Hours until a song may come again."
    )
