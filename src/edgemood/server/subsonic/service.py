"""What the API tells of the server itself."""

from __future__ import annotations

from collections.abc import Callable

from edgemood.server.desk import Desk
from edgemood.server.kept import Kept
from edgemood.server.settings import Settings
from edgemood.server.subsonic import collection
from edgemood.server.subsonic.answers import FORBIDDEN, MISSING, SubsonicError
from edgemood.server.subsonic.parameters import Parameters
from edgemood.server.subsonic.shapes import Shape

_EXTENSIONS = {"formPost": [1], "sonicSimilarity": [1]}


class Base:
    """What all methods share."""

    def __init__(self, desk: Desk, settings: Settings, has_key: bool, scanning: Callable[[], bool]) -> None:
        self._desk, self._settings, self._has_key, self._scanning = desk, settings, has_key, scanning
        self._collections = Kept(desk, collection.make)


class Service(Base):
    """Methods about the server and its user."""

    async def ping(self, asked: Parameters) -> Shape:
        """Tell that the server is there."""
        return {}

    async def license(self, asked: Parameters) -> Shape:
        """Tell that nobody has to pay."""
        return {"license": {"valid": True}}

    async def extensions(self, asked: Parameters) -> Shape:
        """Tell which extensions of the API there are."""
        known = {**_EXTENSIONS, **({"apiKeyAuthentication": [1]} if self._has_key else {})}
        return {"openSubsonicExtensions": [{"name": name, "versions": known[name]} for name in sorted(known)]}

    async def token_info(self, asked: Parameters) -> Shape:
        """Tell whose the API key is."""
        if not asked.given("apiKey"):
            raise SubsonicError(MISSING, "the required parameter apiKey is missing")
        return {"tokenInfo": {"username": self._settings.subsonic_user}}

    async def user(self, asked: Parameters) -> Shape:
        """Tell what the user may do."""
        if asked.needed("username") != self._settings.subsonic_user:
            raise SubsonicError(FORBIDDEN, "a user is told of himself only")
        roles = ("admin", "settings", "download", "upload", "playlist", "coverArt", "comment", "podcast", "stream")
        refused = {f"{role}Role": False for role in (*roles, "jukebox", "share", "videoConversion")}
        return {"user": {"username": self._settings.subsonic_user, "scrobblingEnabled": True, **refused, "folder": [0]}}

    async def scan_status(self, asked: Parameters) -> Shape:
        """Tell whether the server scans, and how many songs there are."""
        count = len((await self._collections.get()).song_ids)
        return {"scanStatus": {"scanning": self._scanning(), "count": count}}

    async def music_folders(self, asked: Parameters) -> Shape:
        """Tell the one folder that is all of the library."""
        return {"musicFolders": {"musicFolder": [{"id": 0, "name": "Music"}]}}
