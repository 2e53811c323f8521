"""Take the pictures of the page for the documentation: ``python -m tools.screenshots [FOLDER]``.

They show a made-up collection that somebody has listened to for six hours, in each size by day and by night, with a
few views.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Page, sync_playwright

from tools.load import serving
from tools.screenshots import collection

SIZES = {"phone": (360, 740), "unit": (800, 480), "desk": (1440, 900)}
THEMES = {"day": "light", "night": "dark"}
VIEWS = {"phone": ("map", "now", "next", "song"), "unit": ("map", "now", "next", "song"), "desk": ("now", "song")}
SETTLED_MS = 1500
_OPEN = "(v) => { location.hash = v == 'song' ? document.querySelector('#queue a.what').hash : `#/${v}`; }"


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", default="docs", type=Path)
    parser.add_argument("--at", metavar="ADDRESS", help="of a running server, whose library is to be shown")
    parser.add_argument("--music", metavar="DIR", type=Path, help="where the songs seem to lie: a folder to be made")
    asked = parser.parse_args()
    if asked.at:
        take(asked.at, asked.folder)
        return
    with TemporaryDirectory() as own:
        music = asked.music or Path(own) / "music"
        music.mkdir()
        try:
            collection.make(Path(own) / "library.db", music)
            collection.listen(Path(own) / "library.db")
            with serving("--library", f"{own}/library.db") as server:
                take(f"http://{server.host}:{server.port}/", asked.folder)
        finally:
            shutil.rmtree(music)


def take(address: str, folder: Path) -> None:
    """Take them all."""
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for size, (width, height) in SIZES.items():
            for theme, scheme in THEMES.items():
                view = {"width": width, "height": height}
                page = browser.new_page(viewport=view, color_scheme=scheme, has_touch=size != "desk")  # type: ignore[arg-type]
                page.goto(address)
                page.wait_for_timeout(2 * SETTLED_MS)
                shots = [_taken(page, view) for view in VIEWS[size]]
                _save(shots, folder / f"page-{size}-{theme}.png")
                page.close()
        browser.close()


def _taken(page: Page, view: str) -> bytes:
    page.evaluate(_OPEN, view)
    page.wait_for_timeout(SETTLED_MS)
    return page.screenshot()


def _save(shots: list[bytes], path: Path) -> None:
    """Put pictures side by side, two in a row of wide ones, in few colours: they are flat."""
    from io import BytesIO

    from PIL import Image

    images = [Image.open(BytesIO(shot)).convert("RGB") for shot in shots]
    width, height = images[0].size
    columns = len(images) if height > width else min(2, len(images))
    gap = 12
    rows = -(-len(images) // columns)
    whole = Image.new("RGB", (columns * (width + gap) - gap, rows * (height + gap) - gap), "#8a8a86")
    for number, image in enumerate(images):
        whole.paste(image, (number % columns * (width + gap), number // columns * (height + gap)))
    whole.quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main()
