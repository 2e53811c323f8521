"""An evening with `edgemood mpd` and a real MPD, as a transcript in Markdown.

``python examples/mpd_session.py > docs/mpd-session.md``

Everything happens in a temporary folder, the music is examples/music, and MPD plays to nowhere. Needs mpd and mpc
(Debian's packages of these names) and edgemood[mpd]; takes three minutes. Of what the commands say, only the temporary
folder's name is replaced, by /music-box.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

MUSIC = Path(__file__).parent / "music"
PATIENCE_S = 300.0
MPD_CONF = """\
music_directory     "{base}/music"
db_file             "{base}/database"
state_file          "{base}/state"
sticker_file        "{base}/sticker.sql"
bind_to_address     "{base}/socket"
zeroconf_enabled    "no"
auto_update         "yes"
restore_paused      "no"
audio_output {{
    type  "null"
    name  "nowhere"
    sync  "yes"
}}
"""
UPDATE = "mpc update --wait >/dev/null"
NOT_UTF8 = os.fsdecode(b"caf\xe9.ogg")


class Session:
    """Runs commands and the daemon, and prints what happens."""

    def __init__(self, base: Path) -> None:
        self._base, self._log, self._told = base, base / "daemon.log", 0
        self._programs: dict[str, subprocess.Popen[bytes]] = {}
        self._environment = {
            **os.environ,
            "MPD_HOST": str(base / "socket"),
            "EDGEMOOD_LIBRARY": str(base / "library.db"),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }

    def chapter(self, title: str, text: str = "") -> None:
        """Begin a chapter."""
        print(f"\n## {title}\n" + (f"\n{text}\n" if text else ""), flush=True)

    def run(self, command: str) -> str:
        """Run a line of shell and print both."""
        done = subprocess.run(
            ["bash", "-c", command], env=self._environment, cwd=self._base, capture_output=True, check=False
        )
        self._print(f"$ {command}\n{(done.stdout + done.stderr).decode('utf-8', 'backslashreplace')}")
        return done.stdout.decode("utf-8", "surrogateescape")

    def start(self, name: str, *command: str, shown: str = "") -> None:
        """Start a program that stays."""
        with (self._log if name == "edgemood" else self._base / f"{name}.log").open("ab") as log:
            self._programs[name] = subprocess.Popen(
                command, env=self._environment, cwd=self._base, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self._print(f"$ {shown or ' '.join(command)} &")

    def end(self, name: str, number: signal.Signals) -> None:
        """Send a program a signal, and wait for its end."""
        program = self._programs.pop(name)
        program.send_signal(number)
        code = program.wait(PATIENCE_S)
        self._print(f"$ kill -{number.name.removeprefix('SIG')} %{name}      # its exit code: {code}")

    def end_all(self) -> None:
        """End what still runs."""
        for program in self._programs.values():
            program.kill()
            program.wait()

    def log(self, awaited: str) -> None:
        """Wait until the daemon has said something, and print what it said since the last time."""
        end = time.monotonic() + PATIENCE_S
        while not re.search(awaited, self._new()):
            if time.monotonic() > end:
                raise SystemExit(f"the daemon did not say {awaited!r}:\n{self._new()}")
            time.sleep(0.1)
        time.sleep(0.5)  # what it does in one go
        new = self._new()
        self._told += len(new)
        self._print("".join(f"  {line}\n" for line in new.splitlines()))

    def _new(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="backslashreplace")[self._told :]

    def _print(self, text: str) -> None:
        lines = text.replace(str(self._base), "/music-box").rstrip().splitlines()
        print("\n".join(f"    {line}".rstrip() for line in lines), flush=True)


def main() -> None:
    """Play the session."""
    for program in ("mpd", "mpc"):
        if shutil.which(program) is None:
            raise SystemExit(f"{program} is missing: apt-get install mpd mpc")
    with tempfile.TemporaryDirectory() as folder:
        session = Session(Path(folder))
        try:
            play(session, Path(folder))
        finally:
            session.end_all()


def play(session: Session, base: Path) -> None:
    """Do what people do, and what happens to speakers."""
    (base / "music").mkdir()
    songs = sorted(MUSIC.glob("*.ogg"))
    for song in songs[:-2]:
        shutil.copy(song, base / "music")
    (base / "mpd.conf").write_text(MPD_CONF.format(base=base), encoding="utf-8")
    print("# A session of `edgemood mpd`\n\nCommands after `$`; indented below them what the daemon logs meanwhile.")
    begin(session)
    listen(session)
    suffer(session)
    grow(session, base, songs[-2:])
    end(session)


def start_mpd(session: Session) -> None:
    """Start MPD."""
    session.start("mpd", "mpd", "--no-daemon", "--stderr", "mpd.conf", shown="mpd --no-daemon mpd.conf")


def start_edgemood(session: Session) -> None:
    """Start the daemon. A core and a half for its scans: nobody wants to wait for a transcript."""
    session.start("edgemood", "edgemood", "mpd", "--statistics", "--cpu", "150%")


def begin(session: Session) -> None:
    """Start both, and scan."""
    session.chapter("An MPD and its DJ", "Excerpts of 34 s each.")
    session.run("cat mpd.conf")
    start_mpd(session)
    session.run("until mpc version 2>/dev/null; do sleep 0.1; done")
    session.run(f"{UPDATE}; mpc stats | grep Songs")
    start_edgemood(session)
    session.log("wrote notes")


def listen(session: Session) -> None:
    """Play, skip, pause, jump, queue."""
    session.chapter("Music")
    session.run("mpc add tyler-johnson_sad.ogg && mpc play")
    session.log("played")
    session.run("mpc playlist")

    session.chapter("A skip is no play", "What edgemood queued is chosen anew.")
    session.run("mpc next; sleep 3; mpc next")
    session.log("skipped(?s:.)*queued")
    session.run("edgemood now")

    session.chapter("A pause and a jump", "Neither is listening: it was on for two seconds.")
    session.run("sleep 1; mpc pause >/dev/null; sleep 3; mpc play >/dev/null; mpc seek 50%; sleep 1; mpc next")
    session.log("skipped(?s:.)*queued")

    session.chapter("People come first")
    session.run("mpc add wansti_boss-attack.ogg; mpc playlist")
    session.log("took back(?s:.)*queued")
    session.run("mpc playlist")


def suffer(session: Session) -> None:
    """Lose MPD, and be killed."""
    session.chapter("MPD dies and comes back", "MPD saves its queue every two minutes: what it lost is queued again.")
    session.end("mpd", signal.SIGKILL)
    session.log("waited for")
    start_mpd(session)
    session.log("reached")
    session.run("mpc play 1; sleep 1; mpc playlist")

    session.chapter("A power cut in the middle of a song", "It is noted once, when enough of it was heard.")
    session.run("mpc next; sleep 5")
    session.end("edgemood", signal.SIGKILL)
    start_edgemood(session)
    session.log("played")


def grow(session: Session, base: Path, songs: Sequence[Path]) -> None:
    """Add music, take the drive away, and bring it back."""
    session.chapter("New music", "One file with an umlaut, one whose name is not UTF-8.")
    shutil.copy(songs[0], base / "music" / "Über.ogg")
    shutil.copy(songs[1], base / "music" / NOT_UTF8)
    session.run(f"ls --quoting-style=escape music | grep -E 'caf|ber'; {UPDATE}; mpc stats | grep Songs")
    session.log("wrote notes")
    session.run("mpc sticker Über.ogg list")

    session.chapter("The drive is unplugged and plugged in again", "Nothing is forgotten, nothing analysed again.")
    session.run(f"mv music drive; mkdir music; {UPDATE}; mpc stats | grep Songs")
    session.log("not mounted")
    session.run(f"rmdir music; mv drive music; {UPDATE}; mpc stats | grep Songs")
    session.log("wrote notes")


def end(session: Session) -> None:
    """Look what MPD knows now, and end."""
    session.chapter("Moods in MPD")
    session.run('mpc sticker "" find mood | tail -n 5')
    session.run("""mpc sticker "" find arousal | awk -F': arousal=' '$2 > "070" { print $1 }' | tail -n 3""")
    session.run('mpc sticker "" find play_count; mpc sticker "" find skip_count')

    session.chapter("The end")
    session.end("edgemood", signal.SIGTERM)
    session.log("ending")
    session.run("edgemood now; mpc playlist")
    session.run("mpc clear >/dev/null; mpc add crystan_intro-sad.ogg; edgemood mpd --dry-run --once")
    session.end("mpd", signal.SIGTERM)


if __name__ == "__main__":
    main()
