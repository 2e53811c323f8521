"""The first moments of a scan that has to keep to a share of a core."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from edgemood.cli import start
from edgemood.cli.start import SlowImports, overdraft_s, share_in


@pytest.mark.parametrize(
    ("line", "share"),
    [
        ("scan --cpu 25% Music", 0.25),
        ("scan --cpu=5% Music", 0.05),
        ("scan --cpu 10% --cpu 50%", 0.5),  # as click has it
        ("scan Music", None),
        ("mpd --cpu 25%", None),  # of the scans that it starts
        ("scan --cpu", None),
        ("scan --cpu much", None),
        ("scan --cpu nan%", None),
        ("scan --cpu 0%", None),
        ("scan --cpu 150%", None),  # it cannot take more than one core
        ("scan -- --cpu 25%", None),
    ],
)
def test_the_share_of_a_command_line(line: str, share: float | None) -> None:
    assert share_in(line.split()) == share


def test_what_is_spent_is_owed_until_it_is_earned(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [start._BEGIN, 0.1]
    monkeypatch.setattr(start.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(start.time, "process_time", lambda: now[1])
    assert overdraft_s(0.25) == pytest.approx(0.1)
    now[0] += 0.25
    assert overdraft_s(0.25) == pytest.approx(0.05)
    now[0] += 10
    assert overdraft_s(0.25) == 0


def test_imports_wait_until_their_time_is_earned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("first_slow", "second_slow"):
        (tmp_path / f"{name}.py").write_text("VALUE = 5")
    monkeypatch.syspath_prepend(tmp_path)
    begin = time.process_time()
    monkeypatch.setattr(start, "_BEGIN", time.monotonic())
    monkeypatch.setattr(start.time, "process_time", lambda spent=time.process_time: spent() - begin)
    slept: list[float] = []
    monkeypatch.setattr(start.time, "sleep", slept.append)
    with SlowImports(0.01):
        sum(range(1_000_000))
        import first_slow
    import second_slow

    assert first_slow.VALUE == second_slow.VALUE == 5
    assert len(slept) == 1
    assert slept[0] > 0.1  # some 10 ms at 1 %
    assert not any(isinstance(finder, SlowImports) for finder in sys.meta_path)


def test_who_asks_for_no_share_is_not_held_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start.time, "sleep", lambda _: pytest.fail("it waited"))
    before = list(sys.meta_path)
    with SlowImports(None):
        assert sys.meta_path == before
