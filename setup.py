"""Declares the native extension, which CMake builds; everything else is in pyproject.toml."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

NATIVE = Path(__file__).parent.resolve() / "native"


class CMakeBuild(build_ext):
    """Builds `edgemood._native` with CMake and puts it where setuptools wants it."""

    def build_extension(self, ext: Extension) -> None:
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
        subprocess.run(["cmake", "-S", NATIVE, "-B", build, "-G", "Ninja", *options], check=True)
        subprocess.run(["cmake", "--build", build, "--target", "_native"], check=True)


setup(ext_modules=[Extension("edgemood._native", sources=[])], cmdclass={"build_ext": CMakeBuild})
