"""Makes the peers' virtual environments: `python -m sidebyside.install FOLDER EDGEMOOD.whl`.

Every package is tried by itself, so that one that does not install costs no other; the reason is kept for the report.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from .table import BASE, PACKAGES

REASONS = "reasons.json"


def python_of(folder: Path, group: str) -> Path:
    """The interpreter of a group's environment."""
    return folder / group / "bin" / "python"


def reasons(folder: Path) -> dict[str, str]:
    """Package -> why it could not be installed."""
    found: dict[str, str] = json.loads((folder / REASONS).read_text())
    return found


def install(folder: Path, wheel: Path) -> dict[str, str]:
    """Make all environments; an existing one is brought up to date."""
    failed: dict[str, str] = {}
    for group in dict.fromkeys(package.group for package in PACKAGES.values()):
        python = python_of(folder, group)
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", folder / group], check=True)
        for package in (p for p in PACKAGES.values() if p.group == group):
            print(f"{group}: {package.name}", flush=True)
            if reason := _pip(python, package.install):
                failed[package.name] = reason
                print(f"  not installed: {reason}", flush=True)
        if reason := _pip(python, (*BASE, str(wheel))) or _pip(python, ("--no-deps", "--force-reinstall", str(wheel))):
            raise SystemExit(f"cannot install edgemood itself among the peers of {group}: {reason}")
    return failed


def _pip(python: Path, requirements: Sequence[str]) -> str:
    """Install; why it failed, or nothing. `--no-deps:NAME` is installed alone, after the rest."""
    alone = [name.partition(":")[2] for name in requirements if name.startswith("--no-deps:")]
    rest = [name for name in requirements if not name.startswith("--no-deps:")]
    for arguments in (rest, ["--no-deps", *alone]):
        if not arguments or arguments == ["--no-deps"]:
            continue
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
        except subprocess.TimeoutExpired:
            return "pip took more than 15 minutes"
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if "error" in line.lower()] or ["pip failed"]
            return lines[-1].strip()[:200]
    return ""


if __name__ == "__main__":
    root = Path(sys.argv[1])
    root.mkdir(parents=True, exist_ok=True)
    outcome = install(root, Path(sys.argv[2]))
    (root / REASONS).write_text(json.dumps(outcome, indent=2))
