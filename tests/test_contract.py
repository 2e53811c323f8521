"""The resource contract of a scan, kept by the real command; and that who measures it would notice if it were not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import audio_files
import needs
import numpy as np
import pytest

from tools.contract import measure
from tools.contract.box import Box
from tools.contract.measure import Measured
from tools.contract.reader import Heard, Reader

pytestmark = pytest.mark.real_time

SHARE, MEMORY_MB = 0.3, 200
_SONGS = 3


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("music")
    for number in range(_SONGS):
        suffix = (".flac", ".ogg", ".wav")[number % 3]
        audio_files.write_tone(folder / f"{number}{suffix}", 60.0, sample_rate=44_100, channels=2, seed=number)
    return folder


def command(*options: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "edgemood.cli", "scan", *options]
    return subprocess.run(line, capture_output=True, text=True, check=False, timeout=60)


def offered() -> float:
    """The share of a core that somebody as nice as a worker gets on this machine now."""
    spin = "import os, time; os.nice(10); end = time.monotonic() + 1\nwhile time.monotonic() < end: pass"
    before = sum(os.times()[2:4])
    subprocess.run([sys.executable, "-c", spin], check=True)
    return sum(os.times()[2:4]) - before


def test_a_scan_keeps_within_its_limits(music: Path, tmp_path: Path) -> None:
    limits = ["--cpu", f"{SHARE:.0%}", "--memory", f"{MEMORY_MB}M"]
    within = measure.scan(tmp_path / "within.db", [*limits, str(music)])
    assert within.report["analysed"] == _SONGS
    assert within.in_any().max() <= 1.1 * SHARE  # a busy machine stops processes late
    assert 40 < within.peak_mb <= MEMORY_MB
    before = offered()
    without = measure.scan(tmp_path / "without.db", ["--jobs", "1", str(music)])
    assert without.report["analysed"] == _SONGS
    assert without.in_any().max() > 1.1 * SHARE or min(before, offered()) < 2 * SHARE


def test_limits_that_make_no_sense_are_told(music: Path, tmp_path: Path) -> None:
    for options, message in (
        (["--cpu", "25"], "Invalid value for '--cpu': '25' is no share of a core such as 25%"),
        (["--memory", "200MB"], "Invalid value for '--memory': '200MB' is no size such as 200M"),
        (["--memory", "20M"], "memory of 20M is too little: a scan takes "),
        (["--nice", "20"], "Invalid value for '--nice'"),
        (["--ionice", "realtime"], "Invalid value for '--ionice'"),
        (["--pause-file", str(tmp_path)], "Invalid value for '--pause-file'"),
    ):
        done = command("--library", str(tmp_path / "library.db"), *options, str(music))
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"edgemood: error: {message}")


def test_a_scan_pauses_and_goes_on(music: Path, tmp_path: Path) -> None:
    flag = tmp_path / "playing"
    flag.touch()
    line = [sys.executable, "-m", "edgemood.cli", "scan", "--library", str(tmp_path / "library.db"), "--json"]
    running = subprocess.Popen([*line, "--pause-file", str(flag), "--ionice", "idle", str(music)])
    try:
        time.sleep(1.5)
        before = time.clock_gettime(~running.pid << 3 | 2)
        time.sleep(0.7)
        assert time.clock_gettime(~running.pid << 3 | 2) - before < 0.05
        assert running.poll() is None
        flag.unlink()
        assert running.wait(30) == 0
    finally:
        running.kill()
        running.wait()


def test_a_session_of_its_own_is_nice_to_others(music: Path, tmp_path: Path) -> None:
    if not Path("/proc/self/autogroup").exists():
        pytest.skip("this kernel does not group processes by session")
    flag = tmp_path / "playing"
    flag.touch()
    line = [sys.executable, "-m", "edgemood.cli", "scan", "--library", str(tmp_path / "library.db")]
    line += ["--pause-file", str(flag), "--nice", "15", str(music)]
    alone = subprocess.Popen(line, start_new_session=True)
    among_others = subprocess.Popen(line)
    before = Path("/proc/self/autogroup").read_text()
    try:
        end = time.monotonic() + 20
        while not Path(f"/proc/{alone.pid}/autogroup").read_text().endswith("nice 15\n"):
            assert time.monotonic() < end
            time.sleep(0.05)
        while os.getpriority(os.PRIO_PROCESS, among_others.pid) != 15:
            assert time.monotonic() < end
            time.sleep(0.05)
        assert Path("/proc/self/autogroup").read_text() == before
    finally:
        for process in (alone, among_others):
            process.kill()
            process.wait()


def test_ctrl_c_ends_a_pause(music: Path, tmp_path: Path) -> None:
    flag = tmp_path / "playing"
    flag.touch()
    line = [sys.executable, "-m", "edgemood.cli", "scan", "--library", str(tmp_path / "library.db")]
    running = subprocess.Popen([*line, "--pause-file", str(flag), str(music)], stderr=subprocess.PIPE, text=True)
    time.sleep(2)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=10)
    assert (running.returncode, said.strip()) == (130, "edgemood: error: interrupted")


# ------------------------------------------------------------------------------------------------- who measures it


def test_a_second_that_holds_too_much_is_found() -> None:
    at_s = np.arange(0.05, 10, 0.05)
    busy = np.where((at_s > 4.2) & (at_s < 4.7), 1.0, 0.1)  # half a second at full speed
    measured = Measured(at_s.tolist(), np.cumsum(0.05 * busy).tolist())
    assert measured.in_any().max() == pytest.approx(0.5 + 0.5 * 0.1, abs=0.05)
    assert measured.in_any()[0] == pytest.approx(0.1)
    assert 0.1 < measured.mean < 0.16


def test_the_reader_counts_what_it_misses(tmp_path: Path) -> None:
    needs.program("cc")
    usage = tmp_path / "usage"
    usage.write_text("1000000")
    reader = Reader(tmp_path, 0.05, lambda: None, usage)
    time.sleep(1)
    pid = reader._process.pid
    os.kill(pid, signal.SIGSTOP)
    time.sleep(0.3)
    usage.write_text("291000000")  # somebody else had 290 ms meanwhile
    os.kill(pid, signal.SIGCONT)
    time.sleep(0.5)
    heard = reader.stop()
    assert 150 <= heard.periods <= 400
    assert 28 <= heard.missed < heard.periods
    assert heard.longest_us > 280_000
    (_, took_us, others_us) = max(heard.late, key=lambda late: late[1])
    assert (took_us, others_us) == (heard.longest_us, 290_000)
    assert heard.ran_dry(100) >= 1
    assert heard.ran_dry(5000) == 0


def test_what_was_missed_is_the_scan_s_fault_only_where_it_had_the_core() -> None:
    late = [[0, 12_000, 9_000], [1, 25_000, 6_000], [2, 25_000, 4_000], [3, 130_000, 15_000]]
    heard = Heard(10_000, 10, 3000, 9000, 130_000, late)
    assert [heard.ran_dry(size) for size in (20, 40, 100, 500)] == [3, 1, 1, 0]
    assert [heard.by_scan(size) for size in (20, 40, 100, 120, 500)] == [1, 0, 0, 1, 0]


def test_the_box_says_where_it_is_none() -> None:
    with Box(64) as box:
        inside = subprocess.run(
            [sys.executable, "-c", "import os; print(sorted(os.sched_getaffinity(0))); sum(range(3_000_000))"],
            preexec_fn=box.enter(accounted=True),
            capture_output=True,
            text=True,
            check=True,
        )
        assert inside.stdout == f"[{box.core}]\n"
        taken, spent_s = box.taken(), box.cpu_s()
    assert box.stolen_s() >= 0
    if box.why_not:
        assert (taken, spent_s, box.usage) == (None, None, None)
    else:
        assert taken is not None
        assert spent_s is not None
        assert 0 < taken.peak_mb <= 64
        assert 0.01 < spent_s < 5
        assert not any(Path("/sys/fs/cgroup").glob(f"*/contract.{os.getpid()}"))
