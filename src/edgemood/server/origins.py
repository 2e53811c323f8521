"""Whom a request comes from and whom it is meant for: pages of other sites may neither ask nor tell anything.

A page elsewhere can have a browser send requests here. It cannot forge what the browser says of it (Origin,
Sec-Fetch-Site); and where it had its own name lead here (DNS rebinding), that name is in Host.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from edgemood.server.settings import Settings

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?")
_OWN = (b"same-origin", b"none")

Headers = Sequence[tuple[bytes, bytes]]


class Refused(NamedTuple):
    """Why a request is not answered."""

    status: int
    message: str


def refusal(method: str, path: str, headers: Headers, allowed: Collection[str]) -> Refused | None:
    """Tell why a request is to be refused, by where it comes from; None if it is not.

    Parameters
    ----------
    method, path, headers
        Of the request; names of headers in lower case.
    allowed
        Names that this machine may be called by, besides addresses and ``localhost``.

    """
    hosts = [value.decode("latin-1").lower() for name, value in headers if name == b"host"]
    if len(hosts) != 1 or not _is_ours(hosts[0], allowed):
        return Refused(421, "this server has another name: ask for it by its address, or start it with --allow-host")
    sites = [value for name, value in headers if name == b"sec-fetch-site"]
    origins = [value.decode("latin-1").lower() for name, value in headers if name == b"origin"]
    foreign = any(site not in _OWN for site in sites) or any(not _same(origin, hosts[0]) for origin in origins)
    modes = [value for name, value in headers if name == b"sec-fetch-mode"]
    if not foreign or (method in {"GET", "HEAD"} and modes == [b"navigate"] and not is_data(path)):
        return None  # a link elsewhere may lead to the page
    return Refused(403, f"pages of other sites may not {'ask' if method in {'GET', 'HEAD'} else 'tell'} this server")


def is_data(path: str) -> bool:
    """Whether a path leads to what the library knows, and not to the page that shows it."""
    return path.startswith(("/api", "/rest"))


def names(settings: Settings) -> frozenset[str]:
    """Give the names that a server may be called by."""
    return frozenset((*settings.allowed_hosts, settings.host.lower()))


def _is_ours(host: str, allowed: Collection[str]) -> bool:
    """Whether a Host is an address or a name of ours: a name of somebody else's could lead anywhere."""
    found = _HOST.fullmatch(host)
    if found is None or (found[2] and int(found[2][1:]) > 0xFFFF):
        return False
    name = found[1].strip("[]").rstrip(".")
    if name == "localhost" or name.endswith(".localhost") or name in allowed:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _same(origin: str, host: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and parts.netloc == host and not (parts.path or parts.query)
