"""The page as files: small, without anything from elsewhere, nothing inline, the same colours as the pictures."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import edgemood
from edgemood import palette
from edgemood.errors import ConfigError
from edgemood.server.models import LoginGiven
from edgemood.server.settings import Settings

PAGE = Path(edgemood.__file__).parent / "server" / "page"
FILES = sorted(file for file in PAGE.iterdir() if file.is_file())
MOST_BYTES = 200_000
CSS = (PAGE / "style.css").read_text()


class Seen(HTMLParser):
    """What a document refers to, and what is inline in it."""

    def __init__(self) -> None:
        super().__init__()
        self.refers: list[str] = []
        self.inline: list[str] = []
        self.ids: list[str] = []
        self._script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.refers += [str(given[name]) for name in ("src", "href") if given.get(name)]
        self.ids += [str(given["id"])] if "id" in given else []
        self.inline += [name for name in given if name.startswith("on") or name == "style"]
        self._script = tag in {"script", "style"}

    def handle_data(self, data: str) -> None:
        if self._script and data.strip():
            self.inline.append(data.strip()[:80])
        self._script = False


@pytest.fixture(scope="module")
def index() -> Seen:
    seen = Seen()
    seen.feed((PAGE / "index.html").read_text())
    return seen


def test_all_of_it_is_small() -> None:
    assert 10_000 < sum(file.stat().st_size for file in FILES) < MOST_BYTES


def test_nothing_is_inline(index: Seen) -> None:
    assert index.inline == []


def test_what_the_document_refers_to_is_there(index: Seen) -> None:
    names = {file.name for file in FILES}
    for where in index.refers:
        name, _, part = where.partition("#")
        assert not name or name in names, where
        if not name and not part.startswith("/"):
            assert part in index.ids, where


def test_every_module_imports_what_is_there() -> None:
    for file in FILES:
        if file.suffix != ".js":
            continue
        text = file.read_text()
        for names, module in re.findall(r'^import (?:\* as \w+|\{([^}]*)\}) from "\./([\w.]+)";$', text, re.M):
            source = (PAGE / module).read_text()
            for name in filter(None, (part.strip() for part in names.split(","))):
                assert re.search(
                    rf"^export (async )?(function|const|let|class) {re.escape(name)}(?!\w)", source, re.M
                ), f"{file.name}: {module} has no {name}"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_nothing_comes_from_elsewhere(file: Path) -> None:
    text = file.read_text().replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|url\(|@import|//[a-z]+\.[a-z]", text)


@pytest.mark.parametrize(
    "word", ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("]
)
def test_text_of_songs_never_becomes_markup(word: str) -> None:
    assert [file.name for file in FILES if file.suffix == ".js" and word in file.read_text()] == []


def test_colours_of_moods_are_those_of_the_pictures() -> None:
    root = CSS[: CSS.index("}")]
    for mood, colour in palette.COLOURS.items():
        assert f"--{mood}: {colour};" in root
    icon = (PAGE / "icon.svg").read_text()
    assert all(colour in icon for colour in palette.COLOURS.values())


def variables(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))


DAY = variables(CSS[: CSS.index("}")])
NIGHT = variables(CSS[CSS.index('[data-theme="night"]') :].split("}")[0])


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_colours_of_a_theme_stand_in_one_place() -> None:
    assert NIGHT and set(NIGHT) < set(DAY)
    assert {name: len(re.findall(rf"--{name}:", CSS)) for name in NIGHT} == dict.fromkeys(NIGHT, 2), "day and night"


@pytest.mark.parametrize("theme", [DAY, NIGHT], ids=["day", "night"])
def test_text_has_contrast(theme: dict[str, str]) -> None:
    for ground in ("ground", "surface", "plane", "lift"):
        assert contrast(theme["ink"], theme[ground]) >= 7
        assert contrast(theme["muted"], theme[ground]) >= 4.5
        assert contrast(theme["edge"], theme[ground]) >= 3


def test_every_token_of_the_server_can_be_typed() -> None:
    longest = re.search(r'id="token"[^>]* maxlength="(\d+)"', (PAGE / "index.html").read_text())
    assert longest
    Settings(token="x" * int(longest[1]))
    LoginGiven(token="x" * int(longest[1]))
    with pytest.raises(ConfigError):
        Settings(token="x" * (int(longest[1]) + 1))


def test_the_script_that_runs_first_is_no_module() -> None:
    text = (PAGE / "index.html").read_text()
    assert text.index('src="theme.js"') < text.index('src="main.js"')
    assert "import" not in (PAGE / "theme.js").read_text()
