"""Worker processes: whatever one of them does costs one task, and none outlives its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from edgemood.errors import WorkerError
from edgemood.workers import Outcome, Pool

TOYS = "worker_toys:set_up"


def run(tasks: list[Any], **options: Any) -> dict[Any, Outcome[Any]]:
    with Pool(TOYS, **options) as pool:
        outcomes = list(pool.run(tasks))
    assert sorted(map(repr, tasks)) == sorted(repr(outcome.task) for outcome in outcomes)
    return {outcome.task: outcome for outcome in outcomes}


def gone(pid: int) -> bool:
    """Whether the process has ended (a zombie that nobody has asked about yet has)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def wait_until_gone(pids: list[int], seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if all(map(gone, pids)):
            return True
        time.sleep(0.05)
    return False


# -------------------------------------------------------------------------------------------------------- doing work


def test_every_task_comes_back_once() -> None:
    outcomes = run([("square", n) for n in range(200)], jobs=3)
    assert {task[1]: outcome.value for task, outcome in outcomes.items()} == {n: n * n for n in range(200)}


def test_workers_are_few_and_other_processes() -> None:
    with Pool(TOYS, jobs=2) as pool:
        seen = {outcome.value for outcome in pool.run(["pid"] * 40)}
    assert 1 <= len(seen) <= 2
    assert {parent for _, parent in seen} == {os.getpid()}


def test_set_up_gets_its_arguments() -> None:
    with Pool(TOYS, ("hello",)) as pool:
        assert [outcome.value for outcome in pool.run(["greet"])] == ["hello"]


def test_no_tasks_start_no_workers() -> None:
    with Pool("no.such:module") as pool:
        assert list(pool.run([])) == []


def test_tasks_are_taken_as_late_as_possible() -> None:
    taken = 0

    def tasks() -> Any:
        nonlocal taken
        for n in range(50):
            taken += 1
            yield "square", n

    with Pool(TOYS, jobs=2) as pool:
        for done, _ in enumerate(pool.run(tasks()), start=1):
            assert taken <= done + 2


def test_run_again_uses_the_same_workers() -> None:
    with Pool(TOYS) as pool:
        first = [outcome.value for outcome in pool.run(["pid"])]
        assert [outcome.value for outcome in pool.run(["pid"])] == first


def test_questions_are_answered_here() -> None:
    with Pool(TOYS, jobs=2) as pool:
        tasks = [("ask", n) for n in range(20)]
        outcomes = list(pool.run(tasks, lambda task, question: (task, question, os.getpid())))
    assert all(outcome.value == (outcome.task, outcome.task[1], os.getpid()) for outcome in outcomes)


def test_large_messages_both_ways() -> None:
    data = os.urandom(1 << 16) * 160
    assert run([("echo", data)])["echo", data].value == data


def test_workers_are_nice_and_single_threaded() -> None:
    with Pool(TOYS, nice=5) as pool:
        (outcome,) = pool.run(["environment"])
    assert outcome.value == (min(19, os.nice(0) + 5), "1")


# ------------------------------------------------------------------------------------------------------------- dying


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        ("crash", "worker killed by signal 11 (SIGSEGV)"),
        ("kill", "worker killed by signal 9 (SIGKILL), perhaps because the machine ran out of memory"),
        ("abort", "worker killed by signal 6 (SIGABRT): terminate called after throwing an instance of"),
        ("exit", "worker exited with status 7"),
        ("unpicklable", "worker exited with status 1: "),
        ("garbage", "worker talks nonsense"),
    ],
)
def test_a_worker_that_dies_costs_one_task(task: str, reason: str) -> None:
    outcomes = run([("square", 1), task, ("square", 2), ("square", 3)])
    assert [outcomes["square", n].value for n in (1, 2, 3)] == [1, 4, 9]
    assert outcomes[task].failed
    assert outcomes[task].kind == "WorkerError"
    assert outcomes[task].error.startswith(reason)


def test_only_the_last_task_s_words_are_told() -> None:
    with Pool(TOYS) as pool:
        list(pool.run([("babble", 1)]))
        (outcome,) = pool.run(["exit"])
    assert outcome.error == "worker exited with status 7"


@pytest.mark.parametrize("task", ["hang", "stop", "half_a_message"])
def test_a_worker_that_hangs_costs_one_task_and_some_time(task: str) -> None:
    with Pool(TOYS, jobs=2, stall_s=1.5) as pool:
        list(pool.run(["pid", "pid"]))  # started
        begin = time.monotonic()
        outcomes = {outcome.task: outcome for outcome in pool.run([task, ("slow", 2.5), ("square", 3)])}
        assert time.monotonic() - begin < 20
    assert (outcomes[task].kind, outcomes[task].error) == ("WorkerError", "no progress for 1.5 s")
    assert outcomes["slow", 2.5].value == "slow but sure"
    assert outcomes["square", 3].value == 9


def test_silence_counts_as_hanging_unless_announced() -> None:
    outcomes = run([("slow", 3.0, False), ("grace", 30.0, 2.0)], jobs=2, stall_s=1.0)
    assert outcomes["slow", 3.0, False].error == "no progress for 1 s"
    assert outcomes["grace", 30.0, 2.0].value == "with grace"


def test_a_slow_consumer_does_not_make_workers_look_hung() -> None:
    with Pool(TOYS, jobs=2, stall_s=1.0) as pool:
        values = []
        for outcome in pool.run([("square", 1), ("slow", 1.5), ("slow", 1.5)]):
            time.sleep(1.2)
            values.append(outcome.value)
    assert None not in values


def test_too_much_memory_costs_one_task() -> None:
    outcomes = run([("eat", 100), ("eat", 400), ("eat", 120)], memory_mb=200)
    assert outcomes["eat", 100].value == 100
    assert outcomes["eat", 120].value == 120
    assert (outcomes["eat", 400].kind, outcomes["eat", 400].error) == ("WorkerError", "needs more than 200 MB")


def test_memory_may_be_unlimited() -> None:
    assert run([("eat", 700)], memory_mb=None)["eat", 700].value == 700


def test_a_worker_that_has_grown_is_replaced_in_time() -> None:
    with Pool(TOYS, memory_mb=200) as pool:
        pids = [outcome.value for outcome in pool.run([("hoard", 30)] * 8)]
        assert None not in pids  # nobody failed, though all together would not have fitted
        assert 2 <= len(set(pids)) <= 6
        assert wait_until_gone(pids[:1])


def test_an_exception_costs_one_task_and_no_worker() -> None:
    with Pool(TOYS) as pool:
        ((pid, _),) = [outcome.value for outcome in pool.run(["pid"])]
        failed = list(pool.run([("fail", "the header is odd"), ("fail", ""), "hangup_error"]))
        assert [(o.kind, o.error) for o in failed] == [
            ("ValueError", "the header is odd"),
            ("ValueError", "ValueError"),
            ("EOFError", "the decoder's own"),
        ]
        assert [outcome.value[0] for outcome in pool.run(["pid"])] == [pid]


def test_a_worker_that_died_while_idle_is_replaced() -> None:
    with Pool(TOYS) as pool:
        ((pid, _),) = [outcome.value for outcome in pool.run(["pid"])]
        os.kill(pid, signal.SIGKILL)
        assert wait_until_gone([pid])
        outcomes = list(pool.run([("square", n) for n in range(5)]))
        assert sorted(outcome.value for outcome in outcomes) == [0, 1, 4, 9, 16]


def test_noise_does_not_fill_memory() -> None:
    assert run([("babble", 2)])["babble", 2].value <= 2 << 20


# ------------------------------------------------------------------------------------------------- starting and ending


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("worker_toys:cannot_set_up", "cannot start: RuntimeError: no model here"),
        ("worker_toys:dies_setting_up", r"cannot start: worker killed by signal 6 \(SIGABRT\): it was the model"),
        ("worker_toys:nothing_of_that_name", "cannot start: AttributeError"),
        ("no_such_module:set_up", "cannot start: ModuleNotFoundError"),
    ],
)
def test_workers_that_cannot_start_are_told(function: str, message: str) -> None:
    with Pool(function, jobs=2) as pool, pytest.raises(WorkerError, match=message):
        list(pool.run(["pid"] * 4))


def test_without_python_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with Pool(TOYS) as pool, pytest.raises(WorkerError, match="cannot start: /nowhere/python"):
        list(pool.run(["pid"]))


def test_close_ends_whatever_is_running() -> None:
    pool = Pool(TOYS, jobs=2)
    pids = []
    for outcome in pool.run(["pid", "pid", "hang", ("slow", 100.0)]):
        pids.append(outcome.value[0])
        if len(pids) == 2:
            break
    begin = time.monotonic()
    pool.close()
    assert time.monotonic() - begin < 4
    assert all(map(gone, pids))


def start_parent(*lines: str) -> tuple[subprocess.Popen[str], list[int]]:
    """A program that scans at its top level and prints its workers' ids."""
    program = "\n".join(
        [
            f"import sys; sys.path[:0] = {[str(Path(__file__).parent), *sys.path]!r}",
            "from edgemood.workers import Pool",
            "pool = Pool('worker_toys:set_up', jobs=2)",
            *lines,
        ]
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    return parent, [int(parent.stdout.readline()) for _ in range(2)]


# Soon after the ids were printed, both workers hang with the interpreter's lock held.
AT_WORK = (
    "outcomes = pool.run([('slow', 0.5), ('slow', 0.5), 'hang', 'hang'])",
    "next(outcomes), next(outcomes)",
    "print(*(worker.process.pid for worker in pool._workers), sep='\\n', flush=True)",
    "next(outcomes)",
)


def test_no_worker_outlives_a_parent_that_is_killed() -> None:
    parent, pids = start_parent(*AT_WORK)
    time.sleep(1.5)
    assert not any(map(gone, pids))
    parent.kill()
    parent.communicate()
    assert wait_until_gone(pids)


def test_ctrl_c_stops_parent_and_workers() -> None:
    parent, pids = start_parent(*AT_WORK)
    time.sleep(1.5)
    for pid in (*pids, parent.pid):  # as a terminal does
        os.kill(pid, signal.SIGINT)
    parent.communicate(timeout=20)
    assert parent.returncode == -signal.SIGINT
    assert wait_until_gone(pids)


def test_a_program_without_a_main_guard_works_even_from_a_thread(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    (tmp_path / "json.py").write_text("raise SystemExit('the wrong json')")  # what lies about is not imported
    script.write_text(
        f"import sys; sys.path[:] = {[str(Path(__file__).parent), *sys.path]!r}\n"
        "import threading\n"
        "from edgemood.workers import Pool\n"
        "print('once')\n"
        "def scan():\n"
        "    with Pool('worker_toys:set_up') as pool:\n"
        "        print([outcome.value for outcome in pool.run([('square', 3)])])\n"
        "thread = threading.Thread(target=scan); thread.start(); thread.join()\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.stdout, done.returncode) == ("once\n[9]\n", 0)


def test_pools_in_several_threads_do_not_meet() -> None:
    results: list[int] = []

    def use(first: int) -> None:
        with Pool(TOYS) as pool:
            results.extend(outcome.value for outcome in pool.run([("square", first + n) for n in range(20)]))

    threads = [threading.Thread(target=use, args=(100 * i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == sorted((100 * i + n) ** 2 for i in range(3) for n in range(20))
