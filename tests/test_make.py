"""What the Makefile asks for before it builds."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.skipif(not shutil.which("make"), reason="there is no make")
def test_without_the_headers_of_python_make_names_their_package(tmp_path: Path) -> None:
    python = tmp_path / "python"
    hidden = f'import sysconfig, sys; sysconfig.get_config_vars()["INCLUDEPY"] = "{tmp_path}"; exec(sys.argv[1])'
    python.write_text(f"#!/bin/sh\n[ \"$1\" = -c ] || exit 3\nexec '{sys.executable}' -c '{hidden}' \"$2\"\n")
    python.chmod(0o755)
    made = tmp_path / "venv" / ".made"
    command = ["make", f"PYTHON={python}", f"VENV={made.parent}", str(made)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 2
    assert result.stderr.startswith(f"{python} has no Python.h to build against: apt install python3-dev\n")
    (tmp_path / "Python.h").touch()
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert "Python.h" not in result.stderr
