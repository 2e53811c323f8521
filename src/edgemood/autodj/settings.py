"""What a person can set of the auto-DJ, and the TOML file that it is read from."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from edgemood.budget import read_cpu, read_size
from edgemood.errors import ConfigError
from edgemood.library import require_name
from edgemood.wish import KINDS, Wish

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: When songs are queued: always as many as `ahead`, or only where the queue would run out.
ALWAYS, AT_END = "always", "end"
_MOST_AHEAD = 30  # songs; players tell of some more that come
_LARGEST_FILE = 1 << 20
#: What a wish is aimed at: each of these says it anew.
_AIMS: Mapping[str, Any] = {"mood": None, "toward": None, "seeds": ()}


@dataclass(frozen=True)
class Settings:
    """What a person can set.

    Attributes
    ----------
    host, port, password, music : str, int, str, str or None
        How to reach the player, and where its music lies on this machine; None: what the player's own rules say.
    listener : str or None
        Who listens; None: whom the engine was opened for.
    ahead : int
        How many songs are kept in the queue after the present one, 1 to 30.
    when : str
        "always", or "end": songs are queued only when the last of those that people queued is on.
    refresh : bool
        Whether what edgemood queued is chosen anew after a skip, like or ban.
    start : str or None
        The mood to begin with while nothing has been heard and nothing plays.
    over : int
        In how many songs the mood of ``wish.toward`` is reached.
    wish : Wish
        What to look for.
    moods, statistics : bool
        Whether moods, and how often each song was played and skipped, are written to the player as notes.
    prefix : str
        Put before the names of these notes.
    scan : bool
        Whether new music is scanned.
    cpu, memory : str or None
        What a scan may take, as its options say it ("25%", "200M"); None: any.
    pause_while_playing : bool
        Whether a scan waits while a sound card plays.

    """

    host: str | None = None
    port: int | None = None
    password: str | None = field(default=None, repr=False)
    music: str | None = None
    listener: str | None = None
    ahead: int = 3
    when: str = ALWAYS
    refresh: bool = True
    start: str | None = None
    over: int = 10
    wish: Wish = field(default_factory=Wish)
    moods: bool = True
    statistics: bool = False
    prefix: str = ""
    scan: bool = True
    cpu: str | None = "25%"
    memory: str | None = "200M"
    pause_while_playing: bool = False

    def __post_init__(self) -> None:
        _Check.count(1, _MOST_AHEAD)("ahead", self.ahead)
        _Check.count(1, 1000)("over", self.over)
        _Check.one_of(ALWAYS, AT_END)("when", self.when)
        if self.listener is not None:
            require_name(self.listener, "a listener")

    def having(self, **changes: Any) -> Settings:
        """Give these settings with those changed that are neither None nor (); names of `Wish` change the wish."""
        given = {name: value for name, value in changes.items() if value is not None and value != ()}
        own = {name: value for name, value in given.items() if name in Settings.__dataclass_fields__}
        asked = {name: value for name, value in given.items() if name not in own}
        if _AIMS.keys() & asked.keys():
            asked = {**_AIMS, **asked}  # one is asked for in place of another
        return replace(self, **own, wish=replace(self.wish, **asked))


def read(file: str | os.PathLike[str]) -> Settings:
    """Read settings from a TOML file; what it does not name is as `Settings` has it.

    Raises
    ------
    ConfigError
        There is no such file, it is no TOML, or has a key or value that cannot be used; the message names both.

    """
    path = Path(file)
    try:
        with path.open("rb") as stream:
            text = stream.read(_LARGEST_FILE + 1)
        if len(text) > _LARGEST_FILE:
            raise ConfigError(f"{path}: this is no settings file: it is larger than 1 MB")
        tables = tomllib.loads(text.decode("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except ValueError as error:  # TOMLDecodeError, UnicodeDecodeError
        raise ConfigError(f"{path}: {error}") from error
    try:
        return _settings(tables, path.absolute().parent)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def _settings(tables: Mapping[str, Any], folder: Path) -> Settings:
    """Make settings of what a file in `folder` says."""
    given: dict[str, Any] = {}
    for table, content in tables.items():
        if table not in _KEYS:
            raise ConfigError(f"there is no [{table}]: there are {', '.join(f'[{name}]' for name in _KEYS)}")
        if not isinstance(content, Mapping):
            raise ConfigError(f"{table} is a table: write [{table}]")
        for key, value in content.items():
            if key not in _KEYS[table]:
                raise ConfigError(f"[{table}] has no {key!r}: it has {', '.join(_KEYS[table])}")
            given[key] = _KEYS[table][key](f"[{table}] {key}", value)
    return _made_of(given, folder)


def _made_of(given: dict[str, Any], folder: Path) -> Settings:
    """Translate keys whose name or unit is for people."""
    if "password_file" in given:
        if "password" in given:
            raise ConfigError("[player] has both password and password_file: give one of them")
        given["password"] = secret(folder / given.pop("password_file"))
    if "repeat_after_h" in given:
        given["repeat_after_s"] = 3600 * given.pop("repeat_after_h")
    if "like" in given:
        given["seeds"] = tuple(one if isinstance(one, int) else str(folder / one) for one in given.pop("like"))
    if "without_folders" in given:
        given["without_folders"] = tuple(str(folder / one) for one in given["without_folders"])
    if "music" in given:
        given["music"] = str(folder / given["music"])
    settings = Settings().having(**given)
    return replace(settings, cpu=settings.cpu or None, memory=settings.memory or None)  # "" is any


def secret(file: str | os.PathLike[str]) -> str:
    """Read a password: the first line of a file.

    Raises
    ------
    ConfigError
        There is no such file, or nothing in it.

    """
    path = Path(file).expanduser()
    try:
        with path.open(encoding="utf-8") as stream:
            word = stream.readline(1000).rstrip("\r\n")
    except OSError as error:
        raise ConfigError(f"the password cannot be read from {path}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"the password cannot be read from {path}: it is no UTF-8 text") from error
    if not word:
        raise ConfigError(f"there is no password in {path}")
    return word


def check_amounts(cpu: str | None, memory: str | None) -> None:
    """Raise ConfigError unless these can be limits of a scan; None and "" are none."""
    _Check.amount(read_cpu)("cpu", cpu or "")
    _Check.amount(read_size)("memory", memory or "")


class _Check:
    """Checks of a value: each is called with the name to complain about and the value, and gives the value to use."""

    @staticmethod
    def text(name: str, value: object) -> str:
        if not isinstance(value, str) or not value.strip() or "\0" in value:
            raise ConfigError(f"{name} is a text, not {value!r}")
        return value

    @staticmethod
    def maybe(name: str, value: object) -> str:
        return "" if value == "" else _Check.text(name, value)

    @staticmethod
    def part(name: str, value: object) -> str:
        text = _Check.maybe(name, value)
        if not text.isprintable():
            raise ConfigError(f"{name} is text of one line without control characters, not {value!r}")
        return text

    @staticmethod
    def truth(name: str, value: object) -> bool:
        if not isinstance(value, bool):
            raise ConfigError(f"{name} is true or false, not {value!r}")
        return value

    @staticmethod
    def texts(name: str, value: object) -> tuple[str, ...]:
        if not isinstance(value, list):
            raise ConfigError(f'{name} is a list such as ["one", "two"], not {value!r}')
        return tuple(_Check.text(name, one) for one in value)

    @staticmethod
    def folder(name: str, value: object) -> str:
        return str(Path(_Check.text(name, value)).expanduser())

    @staticmethod
    def paths(name: str, value: object) -> tuple[str, ...]:
        return tuple(str(Path(one).expanduser()) for one in _Check.texts(name, value))

    @staticmethod
    def songs(name: str, value: object) -> tuple[str | int, ...]:
        if not isinstance(value, list):
            raise ConfigError(f"{name} is a list of paths or ids, not {value!r}")
        return tuple(
            one if isinstance(one, int) and not isinstance(one, bool) else _Check.folder(name, one) for one in value
        )

    @staticmethod
    def count(low: int, high: int) -> Callable[[str, object], int]:
        def check(name: str, value: object) -> int:
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise ConfigError(f"{name} is a whole number from {low} to {high}, not {value!r}")
            return value

        return check

    @staticmethod
    def number(low: float, high: float) -> Callable[[str, object], float]:
        def check(name: str, value: object) -> float:
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
                raise ConfigError(f"{name} is a number from {low:g} to {high:g}, not {value!r}")
            return float(value)

        return check

    @staticmethod
    def one_of(*words: str) -> Callable[[str, object], str]:
        def check(name: str, value: object) -> str:
            if value not in words:
                raise ConfigError(f"{name} is one of {', '.join(words)}, not {value!r}")
            return str(value)

        return check

    @staticmethod
    def some_of(*words: str) -> Callable[[str, object], tuple[str, ...]]:
        return lambda name, value: tuple(_Check.one_of(*words)(name, one) for one in _Check.texts(name, value))

    @staticmethod
    def amount(reads: Callable[[str], float]) -> Callable[[str, object], str]:
        def check(name: str, value: object) -> str:
            text = _Check.maybe(name, value)
            try:
                if text:
                    reads(text)
            except ConfigError as error:
                raise ConfigError(f"{name}: {error}") from error
            return text

        return check


#: The tables of the file and their keys.
_KEYS: Mapping[str, Mapping[str, Callable[[str, object], Any]]] = {
    "player": {
        "host": _Check.text,
        "port": _Check.count(1, 65535),
        "password": _Check.text,
        "password_file": _Check.folder,
        "music": _Check.folder,
    },
    "queue": {
        "listener": _Check.text,
        "ahead": _Check.count(1, _MOST_AHEAD),
        "when": _Check.one_of(ALWAYS, AT_END),
        "refresh": _Check.truth,
        "start": _Check.text,
    },
    "songs": {
        "mood": _Check.text,
        "toward": _Check.text,
        "over": _Check.count(1, 1000),
        "like": _Check.songs,
        "variety": _Check.number(0, 1),
        "smoothness": _Check.number(0, 1),
        "artist_gap": _Check.count(0, 1000),
        "album_gap": _Check.count(0, 1000),
        "without_genres": _Check.texts,
        "without_tags": _Check.texts,
        "without_folders": _Check.paths,
        "include": _Check.some_of(*KINDS),
        "repeat_after_h": _Check.number(0, 1e6),
    },
    "notes": {"moods": _Check.truth, "statistics": _Check.truth, "prefix": _Check.part},
    "scan": {
        "scan": _Check.truth,
        "cpu": _Check.amount(read_cpu),
        "memory": _Check.amount(read_size),
        "pause_while_playing": _Check.truth,
    },
}
