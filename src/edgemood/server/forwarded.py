"""Whom a proxy speaks for. It is believed where the server was told of it, and what others say of themselves is not."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.types import Scope

from edgemood.errors import ConfigError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_MOST = 16  # proxies in a row that are looked behind
_PORT = re.compile(r"\[([0-9a-fA-F:.]+)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}")


def network(text: str) -> Network:
    """Read where a proxy is: an address, or a network of them.

    Raises
    ------
    ConfigError
        It is neither, or everywhere.

    """
    try:
        found = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        raise ConfigError(f"--proxy {text}: this is no address, as 127.0.0.1 or 10.0.0.0/24 is") from None
    if not found.prefixlen:
        raise ConfigError(f"--proxy {text}: this would have everybody believed, whoever he says he is")
    return found


class Proxies:
    """The proxies that are believed.

    Parameters
    ----------
    known
        Where they are; see `network`.

    """

    def __init__(self, known: Sequence[str]) -> None:
        self._known = [network(one) for one in known]

    def seen(self, scope: Scope) -> Scope:
        """Give a request as the proxy has seen it, if one that is believed has sent it."""
        client = scope.get("client")
        if not self._known or client is None or not self._has(_address(client[0])):
            return scope
        given = Headers(scope=scope)
        found = dict(scope)
        if (sender := self._sender(given.getlist("x-forwarded-for"))) is not None:
            found["client"] = (str(sender), 0)
        if (schemes := given.getlist("x-forwarded-proto")) in (["http"], ["https"]):
            found["scheme"] = schemes[0]
        return found

    def _sender(self, lines: Sequence[str]) -> Address | None:
        """Give the address nearest to us that is no proxy of ours: what stands before it anybody may have written."""
        last = None
        for text in reversed(",".join(lines).split(",")[-_MOST:]):
            address = _address(text.strip())
            if address is None:
                return last
            last = address
            if not self._has(address):
                return last
        return last

    def _has(self, address: Address | None) -> bool:
        return address is not None and any(address in one for one in self._known)


def _address(text: str) -> Address | None:
    """Read an address, behind which there may be a port; one of IPv4 in the clothes of IPv6 as what it is."""
    if (found := _PORT.fullmatch(text)) is not None:
        text = found[1] or found[2]
    with suppress(ValueError):
        address = ipaddress.ip_address(text)
        return getattr(address, "ipv4_mapped", None) or address
    return None
