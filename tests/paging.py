"""What tests of the page share: a library of forty songs, and what one does with a page on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import shelf
from chromium import Page
from serving import Server

from edgemood.domain import Tags
from edgemood.library import FileStamp, Library

LABELS = ("happy", "angry", "sad", "calm")
HOSTILE = "<script>document.title='taken'</script><img src=x onerror=document.title='taken'>"
RIGHT_TO_LEFT = "שיר לילה — אהבה"
ENDLESS = "Anunbrokentitle" * 20


def forty(path: Path) -> Path:
    """Forty songs of all moods, three of them with odd titles, and a file that failed."""
    titles = {0: HOSTILE, 1: RIGHT_TO_LEFT, 2: ENDLESS}
    with Library.open(path) as library:
        for number in range(40):
            file = f"{shelf.MUSIC}/page {number}.ogg"
            Path(file).touch()
            label = LABELS[number % 4]
            done = shelf.analysis(file, label, f"Artist {number % 9}", titles.get(number, f"Song {number}"), number)
            done = replace(done, tags=Tags(done.tags.title, done.tags.artist, HOSTILE if number == 1 else "", "Rock"))
            library.store(file, FileStamp(1, 1), done, shelf.RECIPE)
    shelf.fail(path, f"{shelf.MUSIC}/<b>broken</b>.ogg", f"{shelf.MUSIC}/<b>broken</b>.ogg: no audio in it")
    return path


def address(server: Server, more: str = "") -> str:
    return f"http://127.0.0.1:{server.port}/{more}"


def play(server: Server, *ids: int) -> None:
    for number in ids:
        server.json("POST", "/api/plays", {"id": number})


def drawn(page: Page) -> None:
    page.until("globalThis.edgemoodMap?.now().count > 0")


def queue(page: Page) -> list[str]:
    return [str(link.get_attribute("href")) for link in page.tab.query_selector_all("#queue a.what")]


def followed(server: Server, *headers: str) -> int:
    """Count the streams of events that the server has open."""
    lines = server.ask("GET", "/api/metrics", *headers)[1].decode().splitlines()
    return next(int(float(line.split()[1])) for line in lines if line.startswith("edgemood_event_streams "))
