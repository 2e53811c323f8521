"""Cut the excerpts in ``examples/music`` from freely licensed game music, and write their attribution.

Usage: ``python make_excerpts.py FOLDER [MUSIC]`` where FOLDER holds the Debian packages named below, each
unpacked into a folder of its name (``apt-get download PACKAGE && dpkg -x PACKAGE_*.deb FOLDER/PACKAGE``).
Needs NumPy and soundfile. The encoder numbers its streams at random, so that files differ in a few bytes
from run to run; their audio does not.
"""

from __future__ import annotations

import io
import re
import shutil
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

LENGTH_S = 34
FADE_S = 0.5
QUALITY = 0.0  # of Vorbis, 0 to 1; about 64 kbit/s

LICENCES = {
    "GPL-2+": "[GPL, version 2 or later](GPL-2.txt)",
    "GPL-3+": "[GPL, version 3 or later](GPL-3.txt)",
    "CC-BY-3.0": "[CC BY 3.0](https://creativecommons.org/licenses/by/3.0/)",
    "CC-BY-SA-3.0": "[CC BY-SA 3.0](https://creativecommons.org/licenses/by-sa/3.0/)",
}


@dataclass(frozen=True)
class Package:
    """A Debian package, the folder its music lies in (``archive.pk3!folder`` inside a zip), and its soundtrack."""

    name: str
    version: str
    folder: str
    album: str


WESNOTH = Package(
    "wesnoth-1.16-music",
    "1:1.16.9-1",
    "usr/share/games/wesnoth/1.16/data/core/music",
    "The Battle for Wesnoth OST",
)
UFOAI = Package("ufoai-music", "2.5-2", "usr/share/games/ufoai/base/0music.pk3!music", "UFO: Alien Invasion")
HYPERROGUE = Package("hyperrogue-music", "12.0q-1", "usr/share/hyperrogue/music", "HyperRogue")
SINGULARITY = Package(
    "singularity-music", "007-2", "usr/share/games/singularity/music", "Endgame: Singularity Original Soundtrack"
)
SUPERTUX = Package("supertux-data", "0.6.3-2", "usr/share/games/supertux2/music", "SuperTux Soundtrack")
COLOBOT = Package("colobot-common-sounds", "0.2.0-2", "usr/share/games/colobot/music", "CoLoBoT - Original Soundtrack")
WARZONE = Package("warzone2100-music", "4.3.3-3", "usr/share/games/warzone2100/music/albums", "Warzone 2100")


@dataclass(frozen=True)
class Excerpt:
    """One track: its file in the package, where the excerpt starts, and who made it (`author` where tags say less)."""

    package: Package
    file: str
    start_s: int
    title: str
    artist: str
    licence: str
    author: str = ""
    album: str = ""

    @property
    def name(self) -> str:
        """The excerpt's file name: ASCII, artist and title."""
        return (
            "_".join(re.sub("[^a-z0-9]+", "-", words.lower()).strip("-") for words in (self.artist, self.title))
            + ".ogg"
        )


EXCERPTS = [
    # bright and quick
    Excerpt(WESNOTH, "traveling_minstrels.ogg", 72, "Traveling Minstrels", "Mattias Westlund", "GPL-2+"),
    Excerpt(HYPERROGUE, "hr-savino-caribbean.ogg", 13, "Caribbean", "Will Savino", "CC-BY-SA-3.0"),
    Excerpt(
        HYPERROGUE,
        "hr3-motion.ogg",
        41,
        "Land of Eternal Motion",
        "NeonCorridor",
        "CC-BY-SA-3.0",
        author="Shawn Parrotte (NeonCorridor)",
    ),
    Excerpt(
        SUPERTUX,
        "misc/theme.ogg",
        51,
        "SuperTux Theme (Milestone 2 Version)",
        "Wansti",
        "GPL-2+",
        author="Marek Moeckel (Wansti)",
    ),
    Excerpt(COLOBOT, "music013.ogg", 151, "Jazz Buzzing EasterEgg", "Daniel Roux", "GPL-3+"),
    Excerpt(
        SINGULARITY,
        "Through Space.ogg",
        78,
        "Through Space",
        "Maxstack",
        "CC-BY-SA-3.0",
        author="Max McCracken (Maxstack)",
        album="Endgame: Singularity (Advanced Research)",
    ),
    # battles and pursuits
    Excerpt(WESNOTH, "siege_of_laurelmor.ogg", 88, "Siege of Laurelmor", "Doug Kaufman", "GPL-2+"),
    Excerpt(WESNOTH, "vengeful.ogg", 310, "Vengeful Pursuit", "Jeremy Nicoll", "GPL-2+"),
    Excerpt(UFOAI, "David02.ogg", 126, "David02", "David Reeves", "CC-BY-3.0", author="David Reeves (Destructavator)"),
    Excerpt(
        UFOAI, "MarineFireFight.ogg", 86, "Fire Fight", "Marine Baklund", "CC-BY-SA-3.0", author='"Marine" Baklund'
    ),
    Excerpt(
        SINGULARITY,
        "Enemy Unknown.ogg",
        69,
        "Enemy Unknown",
        "Maxstack",
        "CC-BY-SA-3.0",
        author="Max McCracken (Maxstack)",
        album="Endgame: Singularity (Advanced Research)",
    ),
    Excerpt(
        SUPERTUX, "antarctic/bossattack.ogg", 35, "Boss Attack", "Wansti", "GPL-2+", author="Marek Moeckel (Wansti)"
    ),
    Excerpt(
        WARZONE,
        "aftermath_soundtrack/track22.opus",
        346,
        "Aftermath Track 22",
        "LupusMechanicus",
        "CC-BY-SA-3.0",
        album="Warzone 2100 - Aftermath Soundtrack",
    ),
    # laments
    Excerpt(WESNOTH, "sad.ogg", 5, "Sad", "Tyler Johnson", "GPL-2+"),
    Excerpt(WESNOTH, "love_theme.ogg", 40, "Love Theme", "Ryan Reilly", "GPL-2+"),
    Excerpt(WESNOTH, "the_king_is_dead.ogg", 74, "The King is Dead", "Mattias Westlund", "GPL-2+"),
    Excerpt(
        UFOAI,
        "Crystan-IntroSad.ogg",
        40,
        "Intro Sad",
        "Crystan",
        "CC-BY-SA-3.0",
        author="Christian Hoffmann (Crystan)",
    ),
    Excerpt(COLOBOT, "music007.ogg", 49, "Centaury - The Lost Hope", "Daniel Roux", "GPL-3+"),
    # woods, water and space
    Excerpt(WESNOTH, "silvan_sanctuary.ogg", 72, "Silvan Sanctuary", "Mattias Westlund", "GPL-2+"),
    Excerpt(WESNOTH, "elvish-theme.ogg", 37, "Elvish theme", "Doug Kaufman", "GPL-2+"),
    Excerpt(UFOAI, "karlmacklin_geoscape.ogg", 136, "Geoscape theme #1", "Karl Macklin", "CC-BY-3.0"),
    Excerpt(HYPERROGUE, "hr-savino-ocean.ogg", 16, "Ocean", "Will Savino", "CC-BY-SA-3.0"),
    Excerpt(
        SINGULARITY,
        "Advanced Simulacra.ogg",
        107,
        "Advanced Simulacra",
        "Maxstack",
        "CC-BY-SA-3.0",
        author="Max McCracken (Maxstack)",
    ),
    Excerpt(
        WARZONE,
        "aftermath_soundtrack/menu_enhanced.opus",
        127,
        "Aftermath Menu",
        "LupusMechanicus",
        "CC-BY-SA-3.0",
        album="Warzone 2100 - Aftermath Soundtrack",
    ),
]

ATTRIBUTION = f"""\
# Where this music comes from

Excerpts of {LENGTH_S} s from free game soundtracks, cut from Debian packages for trying edgemood. They are the work of
the authors below and stay under their licences, which are not that of edgemood; they are no part of its packages
(neither the source distribution nor the wheel). Title, artist and album are kept in the tags.

**Changed in every file:** cut to the excerpt given (start in the original), faded in and out over {FADE_S} s,
re-encoded as Ogg Vorbis. The originals, in the form their authors released, are in the Debian packages (and their
sources) named here. Written by `examples/make_excerpts.py`.

| File | Title | Author | Source package (Debian) | Original file | From | Licence |
|---|---|---|---|---|---|---|
"""


def read(folder: Path, excerpt: Excerpt) -> tuple[np.ndarray, int]:
    """Read the excerpt's samples ``[n, channels]`` and their rate."""
    inside = excerpt.package.folder
    root = folder / excerpt.package.name
    source: Path | io.BytesIO
    if "!" in inside:
        archive, inner = inside.split("!")
        with zipfile.ZipFile(root / archive) as packed:
            source = io.BytesIO(packed.read(f"{inner}/{excerpt.file}"))
    else:
        source = root / inside / excerpt.file
    with soundfile.SoundFile(source) as file:
        file.seek(excerpt.start_s * file.samplerate)
        samples = file.read(LENGTH_S * file.samplerate, dtype="float32", always_2d=True)
        if len(samples) < LENGTH_S * file.samplerate:
            raise SystemExit(f"{excerpt.file} ends {len(samples) / file.samplerate:.1f} s after {excerpt.start_s} s")
        return samples, file.samplerate


def write(path: Path, excerpt: Excerpt, samples: np.ndarray, sample_rate: int) -> None:
    """Fade and encode one excerpt, with its tags."""
    ramp = np.linspace(0, 1, round(FADE_S * sample_rate), dtype=np.float32)[:, np.newaxis]
    samples[: len(ramp)] *= ramp
    samples[-len(ramp) :] *= ramp[::-1]
    with soundfile.SoundFile(
        path, "w", sample_rate, samples.shape[1], "VORBIS", format="OGG", compression_level=1 - QUALITY
    ) as file:
        file.title, file.artist = excerpt.title, excerpt.artist
        file.album = excerpt.album or excerpt.package.album
        file.license = excerpt.licence
        file.copyright = excerpt.author or excerpt.artist
        file.comment = f"Excerpt; from Debian's {excerpt.package.name} {excerpt.package.version}, {excerpt.file}"
        for start in range(0, len(samples), 1 << 14):
            file.write(samples[start : start + (1 << 14)])


def row(excerpt: Excerpt) -> str:
    """One line of the attribution table."""
    package = excerpt.package
    cells = (
        f"`{excerpt.name}`",
        excerpt.title,
        excerpt.author or excerpt.artist,
        f"{package.name} {package.version}",
        f"`{package.folder}/{excerpt.file}`",
        f"{excerpt.start_s} s",
        LICENCES[excerpt.licence],
    )
    return "| " + " | ".join(cells) + " |\n"


def main() -> None:
    """Write all excerpts, the attribution and the texts of the licences that must lie beside them."""
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    folder = Path(sys.argv[1])
    music = Path(sys.argv[2]) if len(sys.argv) == 3 else Path(__file__).parent / "music"
    music.mkdir(exist_ok=True)
    for excerpt in EXCERPTS:
        write(music / excerpt.name, excerpt, *read(folder, excerpt))
    ordered = sorted(EXCERPTS, key=lambda excerpt: excerpt.name)
    (music / "ATTRIBUTION.md").write_text(ATTRIBUTION + "".join(map(row, ordered)), encoding="utf-8")
    for licence in ("GPL-2", "GPL-3"):
        shutil.copyfile(Path("/usr/share/common-licenses") / licence, music / f"{licence}.txt")


if __name__ == "__main__":
    main()
