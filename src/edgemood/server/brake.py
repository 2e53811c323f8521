"""Slows down who guesses: a wrong guess waits for its answer, and few of one address may wait at a time."""

from __future__ import annotations

import asyncio
from collections import Counter

#: How long a wrong guess waits for its answer, and how many of one address may wait.
SLOW_S = 0.5
TRYING = 8


class Brake:
    """Counts wrong guesses by the address they come from. Who hangs up is not rid of his."""

    def __init__(self) -> None:
        self._waiting: Counter[str] = Counter()

    def full(self, address: str) -> bool:
        """Whether so many guesses of an address wait that nobody should look at another."""
        return self._waiting[address] >= TRYING

    async def hold(self, address: str) -> None:
        """Let a wrong guess wait."""
        self._waiting[address] += 1
        asyncio.get_running_loop().call_later(SLOW_S, self._release, address)
        await asyncio.sleep(SLOW_S)

    def _release(self, address: str) -> None:
        self._waiting[address] -= 1
        if not self._waiting[address]:
            del self._waiting[address]
