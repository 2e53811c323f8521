"""Processes held to a share of a core, and held still while something plays."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import needs
import pytest
from test_workers import TOYS, gone, wait_until_gone

from edgemood import _governor, _ionice
from edgemood._governor import Governor, playing
from edgemood.budget import Budget, Room
from edgemood.errors import ConfigError
from edgemood.workers import Pool

MB = 1 << 20
SPIN = [sys.executable, "-c", "while True: pass"]


def cpu_s(pid: int) -> float:
    return time.clock_gettime(~pid << 3 | 2)


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def wait_for(true: Callable[[], bool], seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.01)
    return False


@contextmanager
def spinning() -> Iterator[int]:
    process = subprocess.Popen(SPIN)
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()


def test_processes_share_the_share() -> None:
    with Governor(Budget(cpu=0.3)) as governor, spinning() as one, spinning() as two:
        governor.add(one)
        governor.add(two)
        time.sleep(0.5)
        begin, before = time.monotonic(), cpu_s(one) + cpu_s(two)
        time.sleep(1.5)
        share = (cpu_s(one) + cpu_s(two) - before) / (time.monotonic() - begin)
        governor.remove(one)
        governor.remove(two)
    assert 0.1 < share <= 0.33


def test_the_scanning_thread_is_held_to_it_as_well() -> None:
    with Governor(Budget(cpu=0.3)) as governor:
        begin, before = time.monotonic(), time.thread_time()
        while time.monotonic() - begin < 1.5:
            governor.pace()
            sum(range(1000))
        share = (time.thread_time() - before) / (time.monotonic() - begin)
    assert 0.1 < share <= 0.33


def test_what_comes_in_one_go_is_saved_for() -> None:
    with Governor(Budget(cpu=0.25)) as governor, spinning() as pid:
        governor.add(pid)
        time.sleep(0.5)
        begin, before = time.monotonic(), cpu_s(pid)
        governor.save(0.1)
        waited_s, spent_s = time.monotonic() - begin, cpu_s(pid) - before
        governor.remove(pid)
    assert waited_s >= 0.1 / 0.25
    assert spent_s <= 0.25 * waited_s - 0.05
    with Governor(Budget(cpu=0.01)) as governor:
        begin = time.monotonic()
        governor.save(10.0, patience_s=0.1)
        assert time.monotonic() - begin < 10


def test_a_birth_is_as_dear_as_the_last_ones() -> None:
    with Governor(Budget(cpu=0.9)) as governor:
        governor._birth_s = 0.5  # as on a slow machine
        with spinning() as pid:
            assert wait_for(lambda: cpu_s(pid) > 0.04)
            governor.add(pid)
            governor.remove(pid)
        assert 0.05 <= governor._birth_s < 0.5
        governor._birth_s = 0.0
        begin = time.monotonic()
        with Pool(TOYS, governor=governor) as pool:
            (outcome,) = pool.run([("square", 3)])
            assert outcome.value == 9
        assert governor._birth_s > 0.0
        assert time.monotonic() - begin < 30
    with Governor(Budget(pause_file="/nowhere")) as governor:
        begin = time.monotonic()
        governor.allow_birth()
        assert time.monotonic() - begin < 1  # nothing to save where nothing is counted


def test_a_process_that_is_let_go_runs_on() -> None:
    with Governor(Budget(cpu=0.02)) as governor, spinning() as pid:
        governor.add(pid)
        assert wait_for(lambda: state(pid) == "T")
        governor.remove(pid)
        assert wait_for(lambda: state(pid) != "T")
        time.sleep(0.3)
        assert state(pid) != "T"


def test_the_end_of_the_governor_lets_all_go() -> None:
    with spinning() as pid:
        with Governor(Budget(cpu=0.02)) as governor:
            governor.add(pid)
            assert wait_for(lambda: state(pid) == "T")
        assert wait_for(lambda: state(pid) != "T")


def test_a_process_that_dies_is_no_trouble() -> None:
    with Governor(Budget(cpu=0.1)) as governor, spinning() as pid:
        governor.add(pid)
        os.kill(pid, signal.SIGKILL)
        time.sleep(0.3)
        governor.remove(pid)
        governor.pace()


def test_nothing_is_done_while_a_file_is_there(tmp_path: Path) -> None:
    flag = tmp_path / "playing"
    flag.touch()
    with Governor(Budget(pause_file=flag)) as governor, spinning() as pid:
        governor.add(pid)
        assert wait_for(lambda: state(pid) == "T")
        spent, opened = cpu_s(pid), governor.open_s()
        waiting = threading.Thread(target=governor.pace)
        waiting.start()
        time.sleep(0.5)
        os.kill(pid, signal.SIGCONT)  # as `fg` does
        time.sleep(1)
        assert state(pid) == "T"
        assert cpu_s(pid) - spent < 0.7
        assert governor.open_s() == opened
        assert waiting.is_alive()
        flag.unlink()
        assert wait_for(lambda: state(pid) != "T")
        waiting.join(5)
        assert not waiting.is_alive()
        assert wait_for(lambda: governor.open_s() > opened)
        governor.remove(pid)


def test_imports_wait_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "slowly_imported.py").write_text("VALUE = 5")
    monkeypatch.syspath_prepend(tmp_path)
    flag = tmp_path / "playing"
    flag.touch()
    threading.Timer(1.0, flag.unlink).start()
    with Governor(Budget(pause_file=flag)) as governor:
        assert wait_for(lambda: not governor._gate.is_set())
        with governor.pacing_imports():
            begin = time.monotonic()
            import slowly_imported

            assert slowly_imported.VALUE == 5
            assert time.monotonic() - begin > 0.4
        assert not any(isinstance(finder, _governor._ImportGate) for finder in sys.meta_path)


def test_a_governor_that_fails_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: object) -> float:
        raise OSError("no clock")

    with Governor(Budget(cpu=0.1)) as governor:
        monkeypatch.setattr(_governor._Clocks, "spent_s", fails)
        assert wait_for(lambda: not governor._thread.is_alive())
        with pytest.raises(RuntimeError, match="nobody watches"):
            governor.pace()


# ------------------------------------------------------------------------------------------------------------- playing


def sound(folder: Path, **states: str) -> Path:
    for name, text in states.items():
        card, pcm = name.split("_")
        status = folder / card / pcm / "sub0/status"
        status.parent.mkdir(parents=True, exist_ok=True)
        status.write_text(text)
    return folder


RUNNING = "state: RUNNING\nowner_pid   : 811\ntrigger_time: 9045.7\nhw_ptr      : 482304\n"


@pytest.mark.parametrize(
    ("states", "plays"),
    [
        ({"card0_pcm0p": "closed\n"}, False),
        ({"card0_pcm0p": "closed\n", "card1_pcm3p": RUNNING}, True),
        ({"card0_pcm0p": RUNNING.replace("RUNNING", "DRAINING")}, True),
        ({"card0_pcm0p": RUNNING.replace("RUNNING", "PAUSED")}, False),
        ({"card0_pcm0p": RUNNING.replace("RUNNING", "PREPARED")}, False),
        ({"card0_pcm0c": RUNNING}, False),  # it records
        ({}, False),
    ],
)
def test_what_plays_is_what_alsa_says(tmp_path: Path, states: dict[str, str], plays: bool) -> None:
    assert playing(sound(tmp_path, **states)) is plays


def test_the_gap_between_two_songs_is_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(_governor.time, "monotonic", lambda: now[0])
    plays = [True]
    monkeypatch.setattr(_governor, "playing", lambda: plays[0])
    looks = _governor._Playing()
    assert looks()
    plays[0] = False
    heard = []
    for _ in range(6):
        now[0] += 0.5
        heard.append(looks())
    assert heard == [True, True, True, False, False, False]


def test_without_a_sound_driver_nobody_can_tell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(_governor, "_SOUND", tmp_path / "asound")
    with pytest.raises(ConfigError, match=r"cannot be told: there is no .*asound"):
        Governor(Budget(pause_while_playing=True))


def test_without_the_clocks_of_linux_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(time, "pthread_getcpuclockid")
    with pytest.raises(ConfigError, match="on Linux only"):
        Governor(Budget(cpu=0.25))


# ------------------------------------------------------------------------------------------------------------- workers


def test_who_is_held_still_does_not_hang(tmp_path: Path) -> None:
    flag = tmp_path / "playing"
    with Governor(Budget(pause_file=flag)) as governor, Pool(TOYS, stall_s=1.2, governor=governor) as pool:
        list(pool.run(["pid"]))
        threading.Timer(0.3, flag.touch).start()
        threading.Timer(3.0, flag.unlink).start()
        begin = time.monotonic()
        (outcome,) = pool.run([("slow", 1.0, False)])
        assert outcome.value == "slow but sure"
        assert time.monotonic() - begin > 2.5


def test_who_hangs_is_found_out_within_a_budget() -> None:
    with Governor(Budget(cpu=0.5)) as governor, Pool(TOYS, stall_s=1.0, governor=governor) as pool:
        outcomes = {outcome.task: outcome for outcome in pool.run(["hang", ("square", 3)])}
    assert outcomes["hang"].error == "no progress for 1 s"
    assert outcomes["square", 3].value == 9


def test_a_pool_whose_workers_are_stopped_can_be_closed(tmp_path: Path) -> None:
    flag = tmp_path / "playing"
    with Governor(Budget(pause_file=flag)) as governor:
        pool = Pool(TOYS, governor=governor)
        ((pid, _),) = [outcome.value for outcome in pool.run(["pid"])]
        flag.touch()
        assert wait_for(lambda: state(pid) == "T")
        begin = time.monotonic()
        pool.close()
        assert time.monotonic() - begin < 3
        assert gone(pid)


def start_paused(tmp_path: Path) -> tuple[subprocess.Popen[str], int]:
    """A program whose worker is stopped in the middle of a task; gives the worker's id."""
    flag = tmp_path / "playing"
    program = (
        f"import sys; sys.path[:0] = {[str(Path(__file__).parent), *sys.path]!r}\n"
        "from edgemood._governor import Governor\n"
        "from edgemood.budget import Budget\n"
        "from edgemood.workers import Pool\n"
        f"with Governor(Budget(pause_file={str(flag)!r})) as governor:\n"
        f"    with Pool({TOYS!r}, governor=governor) as pool:\n"
        "        ((pid, _),) = [outcome.value for outcome in pool.run(['pid'])]\n"
        "        print(pid, flush=True)\n"
        "        list(pool.run([('slow', 60.0)]))\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    time.sleep(0.5)
    flag.touch()
    assert wait_for(lambda: state(pid) == "T")
    return parent, pid


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_no_stopped_worker_outlives_its_parent(how: signal.Signals, tmp_path: Path) -> None:
    parent, pid = start_paused(tmp_path)
    parent.send_signal(how)
    parent.communicate(timeout=10)
    assert parent.returncode == -how
    assert wait_until_gone([pid])


def test_workers_are_as_many_as_there_is_room_for() -> None:
    tasks = ["pid"] + [("slow", 0.3)] * 6 + ["pid"] * 12
    few, many = Room(160 * MB, 40 * MB, 4), Room(1000 * MB, 40 * MB, 4)
    for room, most in ((few, 1), (many, 4)):
        with Pool(TOYS, jobs=4, room=room, memory_mb=None) as pool:
            outcomes = list(pool.run(tasks))
            assert len(pool._workers) == most
        assert not any(outcome.failed for outcome in outcomes)


def test_a_song_gets_what_is_left_of_the_memory() -> None:
    with Pool(TOYS, room=Room(200 * MB, 40 * MB, 1)) as pool:
        small, large = pool.run([("eat", 20), ("eat", 300)])
    assert small.value == 20
    assert large.error.startswith("needs more than ")
    assert 24 <= int(large.error.split()[3]) <= 120


def test_what_would_not_fit_here_is_not_sent() -> None:
    room = Room(400 * MB, 40 * MB, 1)
    with Pool(TOYS, room=room, memory_mb=None) as pool:
        fits, too_long, after = pool.run([("echo", bytes(room.longest_message // 2)), ("make", 30), ("square", 2)])
    assert len(fits.value) == room.longest_message // 2
    assert (too_long.kind, too_long.value) == ("WorkerError", None)
    assert too_long.error.startswith("needs more than ")
    assert after.value == 4


def test_too_little_memory_for_a_worker_is_the_user_s_to_mend() -> None:
    with Pool(TOYS, room=Room(50 * MB, 40 * MB, 1)) as pool, pytest.raises(ConfigError, match="is too little"):
        list(pool.run(["pid"]))


# -------------------------------------------------------------------------------------------------------------- ionice


def test_the_class_of_disk_access_holds_for_children_and_ends() -> None:
    ionice = needs.program("ionice")

    def now(pid: int) -> str:
        return subprocess.run([ionice, "-p", str(pid)], capture_output=True, text=True, check=True).stdout.strip()

    before = now(os.getpid())
    for name in ("idle", "best-effort"):
        with _ionice.io_class(name), spinning() as child:
            assert now(os.getpid()).startswith(name)
            assert now(child) == now(os.getpid())
        assert now(os.getpid()).split(":")[0] in (before.split(":")[0], "none", "best-effort")
    with _ionice.io_class(None):
        assert now(os.getpid()).split(":")[0] in (before.split(":")[0], "none", "best-effort")


def test_unknown_machines_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "pdp11")
    with pytest.raises(ConfigError, match="no classes of disk access are known for pdp11"), _ionice.io_class("idle"):
        pass


def test_a_refusal_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    before = _ionice._call(1, 1, 0)
    monkeypatch.setattr(_ionice, "_CLASSES", {"idle": 7})  # there is no such class
    with pytest.raises(ConfigError, match="refused by the system"), _ionice.io_class("idle"):
        pass
    assert _ionice._call(1, 1, 0) == before
