"""What a server is told at its start."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgemood.budget import read_cpu, read_size
from edgemood.errors import ConfigError
from edgemood.library import DEFAULT_LISTENER, default_path, require_name
from edgemood.server.forwarded import Proxies

#: Where it listens unless told otherwise.
HOST, PORT = "127.0.0.1", 6680
#: The fewest characters of a token: shorter ones can be guessed.
SHORTEST_TOKEN = 16
#: The fewest characters of an OpenSubsonic password where others can reach the server.
SHORTEST_PASSWORD = 8

_LONGEST_TOKEN = 1000
_LEAST_MEMORY = 64 << 20  # bytes; how much it takes a scan tells itself
_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]{0,251}[a-z0-9])?")


@dataclass(frozen=True)
class Settings:
    """What a server is told at its start; all of it is checked.

    Attributes
    ----------
    library
        The library file; None: the usual one.
    model, listener
        As for `edgemood.open`; the listener is who is meant where a request names nobody.
    host, port
        Where to listen: an address or a name; port 0: any that is free.
    token
        What clients have to know; needed unless `host` is this machine alone. At least `SHORTEST_TOKEN` characters.
    allowed_hosts
        Names that clients call this machine by, besides addresses, ``localhost`` and `host`.
    proxies
        Addresses or networks of proxies, which are believed for whom they ask; see `forwarded`.
    folders
        What may be scanned by request, with all below it; folders that hold songs of the library may be anyway.
    cpu, memory
        What a scan may take, as `edgemood scan` is told: ``25%``, ``200M``; None: anything.
    subsonic_user, subsonic_password
        What OpenSubsonic clients log in with; without a password those have to know the token. At least
        `SHORTEST_PASSWORD` characters unless `host` is this machine alone, without proxies.

    """

    library: str | None = None
    model: str = "default"
    listener: str = DEFAULT_LISTENER
    host: str = HOST
    port: int = PORT
    token: str | None = None
    allowed_hosts: Sequence[str] = ()
    proxies: Sequence[str] = ()
    folders: Sequence[str] = ()
    cpu: str | None = None
    memory: str | None = None
    subsonic_user: str = "edgemood"
    subsonic_password: str | None = None

    def __post_init__(self) -> None:
        require_name(self.listener, "a listener")
        if not 0 <= self.port < 1 << 16:
            raise ConfigError(f"a port is 0 to 65535, not {self.port}")
        if not self.host:
            raise ConfigError("the host to listen on is empty: 127.0.0.1 is this machine alone, 0.0.0.0 all networks")
        self._check_token()
        self._check_subsonic()
        if self.library:  # a scan runs in another folder
            object.__setattr__(self, "library", os.path.abspath(self.library))  # noqa: PTH100 - links stay
        object.__setattr__(self, "model", _model(self.model))
        names = tuple(name.lower().rstrip(".") for name in self.allowed_hosts)
        if odd := [name for name in names if not _NAME.fullmatch(name)]:
            raise ConfigError(f"{odd[0]!r} is no name of a host: give it as in car.local, without a port")
        object.__setattr__(self, "allowed_hosts", names)
        object.__setattr__(self, "folders", tuple(self.folders))
        Proxies(self.proxies)  # which says what is wrong with them
        if self.cpu:
            read_cpu(self.cpu)
        if self.memory and read_size(self.memory) < _LEAST_MEMORY:
            raise ConfigError(f"--memory {self.memory}: no scan does with less than {_LEAST_MEMORY >> 20}M")

    @property
    def library_path(self) -> str:
        """Where the library lies, or will."""
        return self.library or default_path()

    @property
    def is_local(self) -> bool:
        """Whether only programs on this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def _check_token(self) -> None:
        if self.token is None:
            if not self.is_local:
                raise ConfigError(
                    f"others can reach {self.host}, so clients have to know a token: make one with "
                    "`(umask 077; head -c 24 /dev/urandom | base64 > token)` and give it by --token-file token"
                )
        elif not (SHORTEST_TOKEN <= len(self.token) <= _LONGEST_TOKEN):
            raise ConfigError(
                f"a token has at least {SHORTEST_TOKEN} characters, not {len(self.token)}: others guess it"
            )
        elif not (self.token.isascii() and self.token.isprintable() and " " not in self.token):
            raise ConfigError(
                "a token has only letters, digits and signs of ASCII, and no space: others cannot be sent"
            )

    def _check_subsonic(self) -> None:
        if not self.subsonic_user:
            raise ConfigError("--subsonic-user: the name is empty")
        if self.subsonic_password is None:
            return
        if (self.proxies or not self.is_local) and len(self.subsonic_password) < SHORTEST_PASSWORD:
            raise ConfigError(
                f"others can reach the server, so the password of --subsonic-password-file has to have at least "
                f"{SHORTEST_PASSWORD} characters, not {len(self.subsonic_password)}: they would guess it"
            )


def _model(name: str) -> str:
    """Give a bundle's name, or its folder wherever one stands."""
    if name == "default":
        return name
    from edgemood.mood import MODELS

    ships = Path(name).name == name and (MODELS / name).is_dir()
    return name if ships or not Path(name).is_dir() else str(Path(name).absolute())
