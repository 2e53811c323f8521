"""Who may come in: whoever knows the token, or has a cookie that says he knew it."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from hashlib import sha256

from edgemood.server.brake import Brake

_COOKIE = "edgemood"
_COOKIE_S = 365 * 86_400

Headers = Sequence[tuple[bytes, bytes]]


class Gate:
    """Knows the token. Without one everybody may come in.

    Parameters
    ----------
    token
        What to know.

    """

    def __init__(self, token: str | None) -> None:
        self._token = None if token is None else _hash(token)
        self._pass = "" if token is None else hmac.new(token.encode(), b"edgemood page", sha256).hexdigest()
        self._brake = Brake()

    @property
    def closed(self) -> bool:
        """Whether a token is needed."""
        return self._token is not None

    def has_pass(self, headers: Headers) -> bool:
        """Whether a request shows the cookie of who knew the token."""
        if self._token is None:
            return True
        given = [value for name, value in headers if name == b"cookie"]
        passes = [word.strip() for line in given for word in line.split(b";")]
        own = f"{_COOKIE}={self._pass}".encode()
        return any(hmac.compare_digest(one, own) for one in passes)

    async def admits(self, token: str, address: str) -> bool | None:
        """Whether this is the token; None where too many wrong ones of this address are waiting, and nobody looked.

        A wrong one waits a moment, so that not many can be tried.
        """
        if self._token is None:
            return True
        if self._brake.full(address):
            return None
        if hmac.compare_digest(_hash(token), self._token):
            return True
        await self._brake.hold(address)
        return False

    def cookie(self, secure: bool) -> str:
        """Give the header that sets the cookie."""
        return self._set(self._pass, _COOKIE_S, secure)

    def no_cookie(self, secure: bool) -> str:
        """Give the header that takes it away."""
        return self._set("", 0, secure)

    @staticmethod
    def _set(value: str, age_s: int, secure: bool) -> str:
        end = "; Secure" if secure else ""
        return f"{_COOKIE}={value}; Path=/; Max-Age={age_s}; HttpOnly; SameSite=Strict{end}"


def bearer(headers: Headers) -> str | None:
    """Give the token that a request brings."""
    for name, value in headers:
        if name == b"authorization":
            scheme, _, token = value.decode("latin-1").partition(" ")
            return token.strip() if scheme.lower() == "bearer" else ""
    return None


def _hash(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogateescape")).digest()
