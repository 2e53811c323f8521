"""Install the C library, build head_unit against it in empty folders, compare its rows with the Python package's.

Run by a Python that has edgemood of the same tree, with cmake, a C++ compiler and pkg-config on the PATH::

    python native/tests/install_check.py [--music examples/music]

Everything happens in a temporary folder; the tree is only read.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from edgemood import audio, features

ROOT = Path(__file__).resolve().parents[2]
NATIVE = ROOT / "native"
WORKING_RATE_HZ = 22050  # of head_unit, for input at any higher rate
#: A longer run may not take more memory than this above a shorter one, in KiB.
MEMORY_SLACK_KIB = 512

Samples = NDArray[np.float32]


class CheckError(Exception):
    """Something installed is not as it should be."""


def run(*command: object, env: dict[str, str] | None = None, cwd: Path | None = None) -> str:
    """Run a tool; its output, or `CheckError` with everything it said."""
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=env, cwd=cwd)
    if done.returncode:
        raise CheckError(f"{' '.join(words)}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def expect(good: bool, what: str) -> None:
    """Raise `CheckError` unless `good`."""
    if not good:
        raise CheckError(what)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Say what is being checked, and that it held."""
    print(f"{what} ... ", end="", flush=True)
    yield
    print("ok", flush=True)


# ---- building


def install(work: Path) -> Path:
    """Build and install, then move the tree: nothing in it may know where it was."""
    build, first, prefix = work / "build", work / "installed", work / "moved"
    run("cmake", "-S", NATIVE, "-B", build, "-DEDGEMOOD_TESTS=OFF", f"-DCMAKE_INSTALL_PREFIX={first}")
    run("cmake", "--build", build)
    run("cmake", "--install", build)
    first.rename(prefix)
    for file in [f for f in prefix.rglob("*") if f.suffix in {".cmake", ".pc", ".h"}]:
        expect(str(work) not in file.read_text(), f"{file.name} names the folder it was installed to")
    return prefix


def needed(library: Path) -> set[str]:
    """Names of the libraries that a shared library asks the loader for."""
    lines = run("readelf", "-dW", library).splitlines()
    return {line.split("[")[1].split("]")[0].split(".")[0] for line in lines if "(NEEDED)" in line}


def check_runtime(work: Path, libraries: Path) -> None:
    """What libedgemood.so links: the C++ runtime by default, nothing but the C library where asked to."""
    expect(
        needed(libraries / "libedgemood.so")
        <= {"libstdc++", "libc++", "libm", "libgcc_s", "libc", "ld-linux-x86-64", "ld-linux-aarch64", "ld-linux-armhf"},
        "libedgemood.so links something unexpected",
    )
    run("cmake", "-DEDGEMOOD_STATIC_RUNTIME=ON", work / "build")
    run("cmake", "--build", work / "build", "--target", "edgemood")
    left = needed(work / "build" / "libedgemood.so")
    expect(left.isdisjoint({"libstdc++", "libc++", "libgcc_s"}), f"EDGEMOOD_STATIC_RUNTIME leaves {sorted(left)}")


def by_cmake(prefix: Path, folder: Path, static: bool) -> list[str]:
    """Build the installed example by find_package, in an empty folder; the command that runs it."""
    folder.mkdir()
    for file in next(prefix.glob("share/doc/*/examples")).iterdir():
        shutil.copy(file, folder)
    run(
        "cmake",
        "-S",
        folder,
        "-B",
        folder / "build",
        f"-DCMAKE_PREFIX_PATH={prefix}",
        f"-DHEAD_UNIT_STATIC={'ON' if static else 'OFF'}",
    )
    run("cmake", "--build", folder / "build")
    return [str(folder / "build" / "head_unit")]


def by_pkg_config(prefix: Path, folder: Path, static: bool) -> list[str]:
    """Build the installed example by pkg-config and one command, in an empty folder; the command that runs it."""
    folder.mkdir()
    libraries = next(prefix.rglob("libedgemood.a")).parent
    env = os.environ | {"PKG_CONFIG_PATH": str(libraries / "pkgconfig")}
    shutil.copy(next(prefix.rglob("head_unit.cc")), folder)
    flags = run("pkg-config", *(["--static"] if static else []), "--cflags", "--libs", "edgemood", env=env).split()
    linking = ["-static"] if static else []
    compiler = os.environ.get("CXX", "c++")
    run(compiler, "-std=c++17", "head_unit.cc", "-o", "head_unit", *linking, *flags, cwd=folder)
    # Not in a folder that the loader searches: say where, as a system without ldconfig would.
    return [*([] if static else ["env", f"LD_LIBRARY_PATH={libraries}"]), str(folder / "head_unit")]


def check_plain_c(prefix: Path, folder: Path, static: bool) -> None:
    """The C test of the library, built and linked by the C compiler alone."""
    folder.mkdir()
    libraries = next(prefix.rglob("libedgemood.a")).parent
    env = os.environ | {"PKG_CONFIG_PATH": str(libraries / "pkgconfig"), "LD_LIBRARY_PATH": str(libraries)}
    kind = ["--static"] if static else []
    flags = run("pkg-config", *kind, "--cflags", "--libs", "edgemood", env=env).split() + (
        ["-static"] if static else []
    )
    source = NATIVE / "tests" / "test_c_api.c"
    run(os.environ.get("CC", "cc"), "-std=c99", "-pedantic", "-Werror", source, "-o", "app", *flags, "-lm", cwd=folder)
    run(folder / "app", env=env)


def check_absolute(work: Path) -> None:
    """Folders given as absolute: what pkg-config says of them is where things are."""
    prefix, headers = work / "absolute", work / "headers"
    folders = (f"-DCMAKE_INSTALL_LIBDIR={prefix / 'libraries'}", f"-DCMAKE_INSTALL_INCLUDEDIR={headers}")
    run("cmake", f"-DCMAKE_INSTALL_PREFIX={prefix}", *folders, work / "build")
    run("cmake", "--build", work / "build")
    run("cmake", "--install", work / "build")
    check_plain_c(prefix, work / "c-absolute", static=False)


def check_versions(prefix: Path, folder: Path) -> None:
    """find_package takes this minor version and refuses the next."""
    major, minor = run("grep", "-h", "^Version:", *prefix.rglob("edgemood.pc")).split()[1].split(".")[:2]
    for version, good in ((f"{major}.{minor}", True), (f"{major}.{int(minor) + 1}", False)):
        folder.mkdir(exist_ok=True)
        (folder / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.20)\nproject(p LANGUAGES C)\n"
            f"find_package(edgemood {version} CONFIG QUIET)\n"
            'file(WRITE found "${edgemood_FOUND}")\n'
            "if(edgemood_FOUND AND NOT (TARGET edgemood::edgemood AND TARGET edgemood::edgemood_static))\n"
            '  message(FATAL_ERROR "a target is missing")\nendif()\n'
        )
        run("cmake", "-S", folder, "-B", folder / version, f"-DCMAKE_PREFIX_PATH={prefix}")
        expect(((folder / "found").read_text() == "1") == good, f"find_package(edgemood {version}): not {good}")


# ---- rows


def config_for(sample_rate: int) -> features.FeatureConfig:
    """The configuration that head_unit makes for a sample rate."""
    frame_length = (sample_rate * 30 + 500) // 1000
    return features.FeatureConfig(
        sample_rate=sample_rate,
        frame_length=frame_length,
        hop_length=(sample_rate * 25 + 500) // 1000,
        n_fft=1 << (frame_length - 1).bit_length(),
        mel_fmax_hz=min(10000.0, sample_rate / 2),
        lpc_fmax_hz=min(5500.0, sample_rate / 2),
        f0_max_hz=min(1000.0, sample_rate / 4),
    )


def rows_of(command: list[str], sound: bytes, *options: str) -> tuple[list[str], NDArray[np.float64]]:
    """The names and values that head_unit prints."""
    done = subprocess.run([*command, *options], input=sound, capture_output=True, check=False)
    expect(done.returncode == 0, f"head_unit: status {done.returncode}, {done.stderr.decode()}")
    header, *lines = done.stdout.decode().splitlines()
    return header.split(","), np.array([[float(cell) for cell in line.split(",")] for line in lines])


def compare(command: list[str], sound: bytes, mono: Samples, rates_hz: tuple[int, int], *options: str) -> int:
    """Hold head_unit's rows of `sound` against Python's of `mono`: the same names, times and bits; how many."""
    names, values = rows_of(command, sound, "--sample-rate", str(rates_hz[0]), *options)
    expected = features.extract([mono], config_for(rates_hz[1]))
    expect(names == ["start_s", "end_s", *expected.names], "the columns are named otherwise")
    expect(len(values) == len(expected.values) > 0, f"{len(values)} rows, Python has {len(expected.values)}")
    apart = values[:, 2:].astype(np.float32) != expected.values
    where = names[2 + int(apart.any(0).argmax())]
    expect(not apart.any(), f"{apart.sum()} of {apart.size} values differ from Python's, first in {where}")
    times = np.stack([expected.start_s, expected.end_s], 1)
    expect(bool(np.all(np.abs(values[:, :2] - times) < 1e-6)), "the times differ")
    return len(values)


def generated(sample_rate: int, seconds: int) -> NDArray[np.int16]:
    """A stereo signal ``[n, 2]``: gliding tones, noise and a silence."""
    random = np.random.default_rng(3)
    t = np.arange(sample_rate * seconds) / sample_rate
    left = 0.4 * np.sin(2 * np.pi * (110 + 30 * t) * t) + 0.05 * random.standard_normal(len(t))
    right = 0.3 * np.sin(2 * np.pi * 330 * t) * (t % 4 < 3)
    return np.clip(np.stack([left, right], 1) * 32767, -32768, 32767).astype("<i2")


def peaks_kib(command: list[str], *marks_s: int) -> list[int]:
    """The most memory that head_unit has held when it has heard so many seconds of noise."""
    noise = np.random.default_rng(4).integers(-9000, 9000, 22050, dtype=np.int16).astype("<i2").tobytes()
    peaks = []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        assert process.stdin is not None
        for second in range(1, marks_s[-1] + 1):
            process.stdin.write(noise)
            if second in marks_s:
                status = Path(f"/proc/{process.pid}/status").read_text()
                peaks.append(int(status.split("VmHWM:")[1].split()[0]))
        process.stdin.close()
    expect(process.returncode == 0, f"head_unit: status {process.returncode}")
    return peaks


def check_rows(command: list[str], song: Path) -> str:
    """Compare rows of a generated signal, and of a song's own samples with those of the file as Python loads it."""
    built = run(*command, "--version")
    if f"descriptors {features.VERSION}," not in built:
        raise CheckError(f"Python has descriptors {features.VERSION}, head_unit is {built}")
    stereo = generated(16000, 10)
    halves = stereo.astype(np.float32) / np.float32(32768)
    mean = (halves[:, 0] + halves[:, 1]) / np.float32(2)
    first = compare(command, stereo.tobytes(), mean, (16000, 16000), "--channels", "2")
    frames, rate_hz = soundfile.read(song, dtype="float32", always_2d=True)
    options = ("--channels", str(frames.shape[1]), "--format", "f32le")
    mono = audio.load(song, WORKING_RATE_HZ)
    second = compare(command, frames.astype("<f4").tobytes(), mono, (rate_hz, WORKING_RATE_HZ), *options)
    return f"{first} + {second} rows of {len(features.set_names('lld50'))} descriptors, bit for bit"


def main() -> None:
    """Run all checks; exit status 1 and a reason where one fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--music", type=Path, default=ROOT / "examples" / "music", help="folder with songs")
    songs = sorted(parser.parse_args().music.glob("*.ogg"))
    for tool in ("cmake", "pkg-config", "readelf"):
        expect(
            shutil.which(tool) is not None,
            f"{tool} is not on the PATH (apt install {tool.replace('readelf', 'binutils')})",
        )
    expect(bool(songs), "no *.ogg in the folder given with --music")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        with step("install, then move the prefix"):
            prefix = install(work)
        for how, build in (("cmake", by_cmake), ("pkg-config", by_pkg_config)):
            for static in (False, True):
                kind = "static" if static else "shared"
                with step(f"head_unit by {how}, {kind}"):
                    command = build(prefix, work / f"{how}-{kind}", static)
                    print(check_rows(command, songs[0]), end=" ... ")
        with step("steady memory"):
            short, long = peaks_kib(command, 20, 1200)
            print(f"{short} KiB after 20 s, {long} KiB after 20 min", end=" ... ")
            expect(long - short <= MEMORY_SLACK_KIB, "memory grows with the length of the input")
        with step("a plain C program, shared and static"):
            check_plain_c(prefix, work / "c-shared", static=False)
            check_plain_c(prefix, work / "c-static", static=True)
        with step("the same, installed to absolute folders"):
            check_absolute(work)
        with step("versions of the CMake package"):
            check_versions(prefix, work / "versions")
        with step("what libedgemood.so links"):
            check_runtime(work, next(prefix.rglob("libedgemood.a")).parent)


if __name__ == "__main__":
    try:
        main()
    except CheckError as error:
        sys.exit(f"\ninstall_check: {error}")
