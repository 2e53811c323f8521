"""Typed access to what a JSON file holds."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from edgemood.errors import BundleError

_T = TypeVar("_T")
_MISSING = object()


class Reader:
    """Typed access to nested JSON by dotted names (numbers in lists), with errors that name the field."""

    def __init__(self, values: Any, where: str) -> None:
        self.values, self.where = values, where

    def check(self, holds: bool, field: str, problem: str) -> None:
        if not holds:
            raise BundleError(f"{self.where}: manifest field {field!r} {problem}")

    def has(self, field: str) -> bool:
        return self._find(field) is not _MISSING

    def _find(self, field: str) -> Any:
        value = self.values
        for part in field.split("."):
            if isinstance(value, list) and part.isdecimal() and int(part) < len(value):
                value = value[int(part)]
            elif isinstance(value, dict) and part in value:
                value = value[part]
            else:
                return _MISSING
        return value

    def get(self, field: str, kind: type[_T]) -> _T:
        value = self._find(field)
        self.check(value is not _MISSING, field, "is missing")
        fits = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
        self.check(fits, field, f"must be of type {kind.__name__}, not {type(value).__name__}")
        return value  # type: ignore[no-any-return]  # narrowed by the check above

    def text(self, field: str) -> str:
        value = self.get(field, str)
        self.check(_is_text(value), field, "is empty or not Unicode text")
        return value

    def whole(self, field: str, low: int, high: int) -> int:
        value = self.get(field, int)
        self.check(low <= value <= high, field, f"is {value}, not between {low} and {high}")
        return value

    def number(self, field: str, low: float, high: float) -> float:
        value = self.get(field, object)
        self.check(_is_number(value), field, f"must be a number, not {type(value).__name__}")
        self.check(low <= float(str(value)) <= high, field, f"is {value}, not between {low} and {high}")
        return float(str(value))

    def numbers(self, field: str, count: int) -> tuple[float, ...]:
        values = self.get(field, list)
        self.check(len(values) == count, field, f"has {len(values)} entries where there are {count} descriptors")
        for i, value in enumerate(values):
            self.check(_is_number(value), f"{field}[{i}]", "is not a finite number")
        return tuple(map(float, values))

    def names(self, field: str, at_least: int = 1) -> tuple[str, ...]:
        values = self.get(field, list)
        self.check(len(values) >= at_least, field, f"needs at least {at_least} entries")
        for i, value in enumerate(values):
            self.check(_is_text(value), f"{field}[{i}]", "is not a name")
        self.check(len(set(values)) == len(values), field, "names something twice")
        return tuple(values)

    def table(self, field: str, keys: tuple[str, ...] | None = None) -> dict[str, str]:
        values = self.get(field, dict)
        return {key: self.text(f"{field}.{key}") for key in keys or values}


def _is_text(value: Any) -> bool:
    """Whether it says something, and that in characters: half of a surrogate pair can be neither stored nor shown."""
    if not isinstance(value, str) or not value.strip():
        return False
    return not any("\ud800" <= char <= "\udfff" for char in value)


def _is_number(value: Any) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond any float
        return False
