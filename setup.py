"""Declares the two compiled modules: one built by CMake, one by Cython. Everything else is in pyproject.toml."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

NATIVE = Extension("edgemood._native", sources=[])
# Without fused multiply-add, which not every machine has: all of them are to pick the same songs.
GREEDY = Extension(
    "edgemood._greedy", ["src/edgemood/_greedy.pyx"], extra_compile_args=["-O3", "-g0", "-ffp-contract=off"]
)


class Build(build_ext):
    """Builds `edgemood._native` with CMake and `edgemood._greedy` with Cython, and puts them where setuptools wants."""

    def build_extension(self, ext: Extension) -> None:
        if ext.name == NATIVE.name:
            self._build_native(ext)
        else:
            from Cython.Build import cythonize

            (translated,) = cythonize([ext], build_dir=self.build_temp)
            ext.sources = translated.sources
            super().build_extension(ext)

    def _build_native(self, ext: Extension) -> None:
        import pybind11

        target = Path(self.get_ext_fullpath(ext.name)).resolve()
        build = Path(self.build_temp).resolve() / "native"
        build.mkdir(parents=True, exist_ok=True)
        options = [
            f"-DCMAKE_BUILD_TYPE={'Debug' if self.debug else 'Release'}",
            f"-DCMAKE_LIBRARY_OUTPUT_DIRECTORY={target.parent}",
            f"-DEDGEMOOD_MODULE_FILE={target.name}",
            f"-DCMAKE_MAKE_PROGRAM={shutil.which('ninja')}",  # a cached one may be gone with its build environment
            f"-Dpybind11_DIR={pybind11.get_cmake_dir()}",
            f"-DPython_EXECUTABLE={sys.executable}",
            "-DEDGEMOOD_PYTHON=ON",
            "-DEDGEMOOD_TESTS=OFF",
        ]
        options += os.environ.get("CMAKE_ARGS", "").split()
        source = Path(__file__).parent.resolve() / "native"
        subprocess.run(["cmake", "-S", source, "-B", build, "-G", "Ninja", *options], check=True)
        subprocess.run(["cmake", "--build", build, "--target", "_native"], check=True)


setup(ext_modules=[NATIVE, GREEDY], cmdclass={"build_ext": Build})
