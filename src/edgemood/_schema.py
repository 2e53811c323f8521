"""The tables of the library file, one script for every version of them.

A script is never changed once it has been released: a new version adds one. ``PRAGMA user_version`` says how many of
them a file has had.
"""

from __future__ import annotations

#: Marks a SQLite file as a library of edgemood ("edMd" in ASCII).
APPLICATION_ID = 0x65644D64
_FIRST = """
-- A song, whatever the number of places it lies at. Ids are never used twice: they are shown to people.
CREATE TABLE tracks (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    content    BLOB NOT NULL UNIQUE CHECK (length(content) = 16),  -- hash of the encoded audio without tags
    last_path  BLOB NOT NULL,  -- where it lay last, for a track that has no row in files any more
    title      TEXT NOT NULL,
    artist     TEXT NOT NULL,
    album      TEXT NOT NULL,
    duration_s REAL NOT NULL
);
-- Where the songs lie: absolute paths, as the bytes that the file system knows.
CREATE TABLE files (
    path     BLOB NOT NULL PRIMARY KEY,
    track_id INTEGER NOT NULL REFERENCES tracks (id) ON DELETE CASCADE,
    size     INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    missing  INTEGER NOT NULL DEFAULT 0 CHECK (missing IN (0, 1))  -- 1: this content is not there now
) WITHOUT ROWID;
CREATE INDEX files_by_track ON files (track_id, missing);
-- What descriptors were made with: JSON of the feature version, the configuration and the names.
CREATE TABLE feature_sets (
    id       INTEGER PRIMARY KEY,
    identity TEXT NOT NULL UNIQUE
);
CREATE TABLE features (
    track_id INTEGER PRIMARY KEY REFERENCES tracks (id) ON DELETE CASCADE,
    set_id   INTEGER NOT NULL REFERENCES feature_sets (id),
    data     BLOB NOT NULL
);
CREATE TABLE models (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE  -- of the bundle, with its version
);
-- Timelines have a table of their own, so that reading all mood vectors does not drag them through memory.
CREATE TABLE moods (
    id       INTEGER PRIMARY KEY,  -- grows: the greatest one of a track is its latest judgement
    track_id INTEGER NOT NULL REFERENCES tracks (id) ON DELETE CASCADE,
    model_id INTEGER NOT NULL REFERENCES models (id),
    set_id   INTEGER NOT NULL REFERENCES feature_sets (id),
    scores   TEXT NOT NULL,  -- JSON object, label to probability
    vector   BLOB NOT NULL,  -- little-endian float32
    UNIQUE (track_id, model_id)
);
CREATE TABLE timelines (
    mood_id INTEGER PRIMARY KEY REFERENCES moods (id) ON DELETE CASCADE,
    data    BLOB NOT NULL
);
-- Plays name the content, not the track: the history outlives a track that was pruned, and counts again if it returns.
CREATE TABLE plays (
    id      INTEGER PRIMARY KEY,
    content BLOB NOT NULL CHECK (length(content) = 16),
    at      REAL NOT NULL  -- seconds since the epoch
);
CREATE INDEX plays_by_time ON plays (at, id);
-- One row that counts the changes of songs, so that what was derived from them can be kept while only plays are added.
CREATE TABLE revision (songs INTEGER NOT NULL);
INSERT INTO revision VALUES (0);
-- Files that could not be analysed. ctime is there because a change of permissions leaves mtime as it was.
CREATE TABLE failures (
    path     BLOB NOT NULL PRIMARY KEY,
    size     INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL,
    kind     TEXT NOT NULL,
    error    TEXT NOT NULL,
    versions TEXT NOT NULL  -- of what failed; another version tries again
) WITHOUT ROWID;
"""

_SECOND = """
ALTER TABLE tracks ADD COLUMN genre TEXT NOT NULL DEFAULT '';  -- all that the file names, joined by "; "
ALTER TABLE tracks ADD COLUMN speech REAL;  -- probability that it is speech; NULL: not known
CREATE INDEX tracks_by_genre ON tracks (genre) WHERE genre != '';
-- Scores of the first and the last 20 s, a byte for each label in the order of `scores`: see `shelf.edges`.
-- NULL in rows that are older than these columns: the timeline tells.
ALTER TABLE moods ADD COLUMN head BLOB;
ALTER TABLE moods ADD COLUMN tail BLOB;
CREATE TABLE listeners (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);
INSERT INTO listeners VALUES (1, 'default');
ALTER TABLE plays ADD COLUMN listener_id INTEGER NOT NULL DEFAULT 1;
DROP INDEX plays_by_time;
CREATE INDEX plays_by_listener ON plays (listener_id, at, id);
-- What else listeners did. Like plays they name the content.
CREATE TABLE events (
    id          INTEGER PRIMARY KEY,
    listener_id INTEGER NOT NULL,
    content     BLOB NOT NULL CHECK (length(content) = 16),
    kind        TEXT NOT NULL CHECK (kind IN ('skip', 'like', 'ban')),
    at          REAL NOT NULL,  -- seconds since the epoch
    heard       REAL CHECK (heard BETWEEN 0 AND 1)  -- share of the song before a skip; NULL: not known
);
CREATE INDEX events_by_listener ON events (listener_id, at, id);
-- Moods set by hand. They name the content: they outlive a new analysis, and a track that was pruned and comes back.
CREATE TABLE labels (
    content BLOB NOT NULL PRIMARY KEY CHECK (length(content) = 16),
    label   TEXT NOT NULL,
    at      REAL NOT NULL
) WITHOUT ROWID;
-- The shelf as it is packed: see `_shelf`. All of this is derived from the tables above. At most one row in packs.
CREATE TABLE shelf_packs (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    model_id INTEGER NOT NULL REFERENCES models (id),
    recipe   TEXT NOT NULL,  -- JSON of all that a block depends on but the songs
    songs    INTEGER NOT NULL,  -- how many there were when the scale was chosen
    scale    BLOB NOT NULL  -- little-endian float32
);
CREATE TABLE shelf_blocks (
    block    INTEGER PRIMARY KEY,  -- of the ids of tracks, divided by the songs of a block
    revision INTEGER NOT NULL,  -- of the songs that were packed
    checksum INTEGER NOT NULL,
    data     BLOB NOT NULL
);
-- Songs that changed since a shelf is packed, and in which revision they did so last.
CREATE TABLE shelf_stale (
    track_id INTEGER PRIMARY KEY,
    revision INTEGER NOT NULL
);
""" + "".join(
    f"""
CREATE TRIGGER {name} AFTER {event} WHEN EXISTS (SELECT 1 FROM shelf_packs) BEGIN
    DELETE FROM shelf_stale WHERE track_id = {song};
    INSERT INTO shelf_stale SELECT {song}, songs + 1 FROM revision WHERE {song} IS NOT NULL;
END;"""
    for name, event, song in (
        ("track_changed", "UPDATE ON tracks", "NEW.id"),
        ("mood_stored", "INSERT ON moods", "NEW.track_id"),
        ("mood_removed", "DELETE ON moods", "OLD.track_id"),
        ("file_stored", "INSERT ON files", "NEW.track_id"),
        ("file_changed", "UPDATE ON files", "NEW.track_id"),
        ("file_changed_hands", "UPDATE OF track_id ON files", "OLD.track_id"),
        ("file_removed", "DELETE ON files", "OLD.track_id"),
        ("label_set", "INSERT ON labels", "(SELECT id FROM tracks WHERE content = NEW.content)"),
        ("label_removed", "DELETE ON labels", "(SELECT id FROM tracks WHERE content = OLD.content)"),
    )
)

_THIRD = """
-- Plays and skips that lie so far back that they are only counted: see `_sums`.
CREATE TABLE sums (
    listener_id INTEGER NOT NULL,
    content     BLOB NOT NULL CHECK (length(content) = 16),
    plays       INTEGER NOT NULL,
    skips       INTEGER NOT NULL,
    last_play   REAL,  -- seconds since the epoch; NULL: never played
    PRIMARY KEY (listener_id, content)
) WITHOUT ROWID;
-- 1: edgemood had offered the song, and nobody picked it.
ALTER TABLE plays ADD COLUMN offered INTEGER NOT NULL DEFAULT 0 CHECK (offered IN (0, 1));
ALTER TABLE events ADD COLUMN offered INTEGER NOT NULL DEFAULT 0 CHECK (offered IN (0, 1));
-- What is banned is found without a look at all skips.
CREATE INDEX events_of_taste ON events (listener_id, content, at, id) WHERE kind IN ('like', 'ban');
-- What `edgemood tag` wrote into files, and what was there before.
CREATE TABLE written_tags (
    path    BLOB NOT NULL PRIMARY KEY,
    content BLOB NOT NULL CHECK (length(content) = 16),
    before  TEXT NOT NULL,  -- JSON
    after   TEXT NOT NULL,  -- JSON
    at      REAL NOT NULL  -- seconds since the epoch
) WITHOUT ROWID;
-- What integrations have to know again when they come back.
CREATE TABLE notes (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
"""

#: One script for every version of the tables, oldest first.
MIGRATIONS: tuple[str, ...] = (_FIRST, _SECOND, _THIRD)
