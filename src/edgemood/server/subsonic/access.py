"""Who may ask: by password, by token and salt, or by API key, as the API has it.

A token is a hash of the password with a salt of the client's choice, so the server has to know the password itself.
"""

from __future__ import annotations

import hashlib
import hmac

from edgemood.server.brake import Brake
from edgemood.server.settings import Settings
from edgemood.server.subsonic.answers import (
    CONFLICT,
    GENERIC,
    MISSING,
    NO_SUCH_WAY,
    NO_TOKENS,
    WRONG_KEY,
    WRONG_LOGIN,
    SubsonicError,
)
from edgemood.server.subsonic.parameters import Parameters

_NO_PASSWORD = "this server was started without a password: edgemood serve --subsonic-password-file FILE"


class Access:
    """Knows who may ask.

    Parameters
    ----------
    settings
        With the password, and the server's token, which is the API key; either may be missing.

    """

    def __init__(self, settings: Settings) -> None:
        self._user, self._password, self._key = settings.subsonic_user, settings.subsonic_password, settings.token
        self._brake = Brake()

    @property
    def has_key(self) -> bool:
        """Whether there is an API key."""
        return self._key is not None

    async def check(self, asked: Parameters, address: str) -> None:
        """Raise SubsonicError unless a request may be answered. Who is wrong waits, so that few can be tried."""
        way = self._way(asked)
        if self._brake.full(address):
            raise SubsonicError(GENERIC, "too many wrong passwords are being tried: wait a moment", 429)
        wrong = self._wrong_key(asked) if way == "apiKey" else self._wrong_login(asked, way)
        if wrong is not None:
            await self._brake.hold(address)
            raise wrong

    def _way(self, asked: Parameters) -> str:
        """Tell how a request wants to be let in: ``apiKey``, ``p`` or ``t``; SubsonicError where that cannot be."""
        given = [name for name in ("apiKey", "p", "t") if asked.given(name)]
        if len(given) > 1 or (given == ["apiKey"] and (asked.given("u") or asked.given("s"))):
            raise SubsonicError(CONFLICT, "several ways to log in at once: give apiKey, or u with p, or u with t and s")
        if not given:
            what = "t" if asked.given("s") else "u" if not asked.given("u") else "p, or t and s"
            raise SubsonicError(MISSING, f"the required parameter {what} is missing")
        for name in {"apiKey": (), "p": ("u",), "t": ("u", "s")}[given[0]]:
            asked.needed(name)
        if given == ["apiKey"] and self._key is None:
            raise SubsonicError(
                NO_SUCH_WAY, "this server has no API key: edgemood serve --token-file FILE makes it one"
            )
        if given != ["apiKey"] and self._password is None:
            raise SubsonicError(NO_TOKENS if given == ["t"] else NO_SUCH_WAY, _NO_PASSWORD)
        return given[0]

    def _wrong_key(self, asked: Parameters) -> SubsonicError | None:
        assert self._key is not None
        return None if _same(asked.needed("apiKey"), self._key) else SubsonicError(WRONG_KEY, "invalid API key")

    def _wrong_login(self, asked: Parameters, way: str) -> SubsonicError | None:
        assert self._password is not None
        right_user = _same(asked.needed("u"), self._user)
        if way == "t":
            expected = hashlib.md5((self._password + asked.needed("s")).encode(), usedforsecurity=False).hexdigest()
            right = _same(asked.needed("t").lower(), expected)
        else:
            right = _same(_plain(asked.needed("p")), self._password)
        return None if right_user & right else SubsonicError(WRONG_LOGIN, "wrong username or password")


def _plain(password: str) -> str:
    """Give a password that may come in hexadecimal digits behind ``enc:``."""
    if not password.startswith("enc:"):
        return password
    try:
        return bytes.fromhex(password[4:]).decode("utf-8")
    except ValueError:
        return ""


def _same(given: str, known: str) -> bool:
    """Compare in a time that tells nothing of what is known."""
    hashes = (hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in (given, known))
    return hmac.compare_digest(*hashes)
