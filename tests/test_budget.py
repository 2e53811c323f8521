"""What a scan may take: amounts as people write them, the account of CPU time, the division of memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgemood import budget
from edgemood._governor import Account
from edgemood.budget import Budget, Room, read_cpu, read_size
from edgemood.errors import ConfigError

MB = 1 << 20


@pytest.mark.parametrize(("text", "share"), [("25%", 0.25), ("150 %", 1.5), (" 12.5%", 0.125), ("1%", 0.01)])
def test_shares_of_a_core(text: str, share: float) -> None:
    assert read_cpu(text) == share


@pytest.mark.parametrize("text", ["25", "", "%", "0%", "0.5%", "-5%", "25 %%", "1e3%", "२५%", "nan%", "9999999%"])
def test_no_shares_of_a_core(text: str) -> None:
    with pytest.raises(ConfigError, match="is no share of a core such as 25%"):
        read_cpu(text)


@pytest.mark.parametrize(("text", "size"), [("200M", 200 * MB), ("1g", 1024 * MB), ("64 K", 65536), ("7", 7)])
def test_sizes(text: str, size: int) -> None:
    assert read_size(text) == size


@pytest.mark.parametrize("text", ["", "M", "0M", "-1M", "1.5G", "200MB", "1T", "200 M B", "٢M"])
def test_no_sizes(text: str) -> None:
    with pytest.raises(ConfigError, match="is no size such as 200M"):
        read_size(text)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"cpu": 0.0}, "cpu is a share"),
        ({"cpu": float("nan")}, "cpu is a share"),
        ({"cpu": "25%"}, "cpu is a share"),
        ({"memory": 0}, "memory is a number of bytes"),
        ({"memory": True}, "memory is a number of bytes"),
        ({"ionice": "realtime"}, "ionice is one of idle, best-effort"),
        ({"spent_s": -1.0}, "spent_s"),
    ],
)
def test_budgets_that_make_no_sense(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Budget(**values)  # type: ignore[arg-type]


def test_a_folder_would_pause_for_ever(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a folder"):
        Budget(pause_file=tmp_path)


def test_what_is_a_limit() -> None:
    assert not Budget().limits
    assert not Budget(spent_s=3.0).limits
    assert Budget(memory=200 * MB).limits
    assert not Budget(memory=200 * MB, ionice="idle").governs
    assert Budget(cpu=0.25).governs
    assert Budget(pause_file="/run/playing").governs


# --------------------------------------------------------------------------------------------------------- the account


@pytest.mark.parametrize("share", [0.01, 0.05, 0.25, 1.0, 1.5, 4.0])
@pytest.mark.parametrize("late_s", [0.0, 0.001])
def test_no_second_holds_more_than_the_share(share: float, late_s: float) -> None:
    """Whoever spends all that he is let, noticed late now and then, stays within the share in any second."""
    rng = np.random.default_rng(round(100 * share))
    account, cores, now = Account(share), int(np.ceil(share)), 0.0
    account.looks_cost(0.0001)
    times, spent = [0.0], [0.0]
    while now < 30:
        if account.overdrawn:
            elapsed_s, used_s = account.wait_s, 0.0
        else:
            late = late_s * rng.random()
            elapsed_s = account.lasts_s(cores) + late + 1e-6
            used_s = cores * elapsed_s
        account.note(elapsed_s, used_s)
        now += elapsed_s
        times.append(now)
        spent.append(spent[-1] + used_s)
    begin = np.array(times[: np.searchsorted(times, now - 1)])
    in_a_second = np.interp(begin + 1, times, spent) - np.interp(begin, times, spent)
    assert in_a_second.max() <= share + 1e-3 * cores
    assert spent[-1] / now >= (0.6 if share < 0.1 else 0.9) * share  # and it gets that


@pytest.mark.parametrize(("share", "piece_s"), [(0.1, 0.04), (0.25, 0.04), (0.25, 0.1), (1.5, 0.3)])
def test_a_piece_taken_in_one_go_fits_into_every_second_around_it(share: float, piece_s: float) -> None:
    """A process that starts cannot be stopped: it is saved for, and counts once more when it was spent."""
    account, now, next_birth = Account(share), 0.0, 1.0
    times, spent = [0.0], [0.0]

    def spend(elapsed_s: float, used_s: float) -> None:
        nonlocal now
        account.note(elapsed_s, used_s)
        now += elapsed_s
        times.append(now)
        spent.append(spent[-1] + used_s)

    cores = int(np.ceil(share))
    while now < 20:
        if now >= next_birth:
            next_birth = now + 1.7
            account.note(0.0, piece_s)
            while account.overdrawn:
                spend(account.wait_s, 0.0)
            spend(piece_s, piece_s)
        elif account.overdrawn:
            spend(account.wait_s, 0.0)
        else:
            elapsed_s = account.lasts_s(cores)
            spend(elapsed_s, cores * elapsed_s)
    begin = np.array(times[: np.searchsorted(times, now - 1)])
    in_a_second = np.interp(begin + 1, times, spent) - np.interp(begin, times, spent)
    assert in_a_second.max() <= share
    assert spent[-1] / now >= 0.5 * share


def test_time_that_nobody_spends_is_not_saved_up() -> None:
    account = Account(0.25)
    account.note(3600.0, 0.0)
    assert account.lasts_s(1) == pytest.approx(account.burst_s / (1 - account.per_s))


def test_what_was_spent_before_counts() -> None:
    account = Account(0.25, spent_s=1.0)
    assert account.overdrawn
    assert account.wait_s == pytest.approx(1.0 / 0.25, rel=0.1)


@pytest.mark.parametrize("cost_s", [0.0, 0.0001, 0.001, 0.1])
def test_bursts_are_worth_the_looks(cost_s: float) -> None:
    """Where a look costs more there are fewer, as far as any second allows it."""
    account = Account(0.25)
    account.looks_cost(cost_s)
    assert account.burst_s == min(max(0.005, 40 * cost_s), 0.0625)
    assert account.burst_s + account.per_s < 0.25


# ----------------------------------------------------------------------------------------------------------- the memory


def test_memory_is_divided_among_the_workers_there_is_room_for() -> None:
    room = Room(total=400 * MB, taken=50 * MB, jobs=8)
    jobs, song = room.divide(base=40 * MB)
    assert 1 < jobs < 8
    assert room.taken + room.growth + jobs * (40 * MB + song) <= room.total
    more = Room(total=400 * MB, taken=50 * MB, jobs=jobs + 1)
    assert more.divide(40 * MB) == (jobs, song)  # another one does not fit
    one, alone = Room(total=400 * MB, taken=50 * MB, jobs=1).divide(40 * MB)
    assert one == 1
    assert alone > song


def test_too_little_memory_is_refused_with_what_would_do() -> None:
    with pytest.raises(ConfigError, match=r"memory of 60M is too little: a scan takes (\d+)M here") as refused:
        Room(total=60 * MB, taken=40 * MB, jobs=2).divide(base=35 * MB)
    least = int(str(refused.value).split("takes ")[1].split("M")[0])
    assert Room(total=least * MB, taken=40 * MB, jobs=2).divide(base=35 * MB)[0] == 1
    with pytest.raises(ConfigError):
        Room(total=(least - 1) * MB, taken=40 * MB, jobs=2).divide(base=35 * MB)


def test_the_footprint_grows_by_what_is_touched() -> None:
    before = budget.footprint()
    held = np.ones(64 << 20, np.uint8)
    assert 60 * MB < budget.footprint() - before < 80 * MB
    del held
