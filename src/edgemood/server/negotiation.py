"""What a client says it can take, and what it has already: Accept-Encoding and If-None-Match, as RFC 9110 has them."""

from __future__ import annotations

import re
from collections.abc import Sequence

_WEIGHT = re.compile(r"q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)", re.IGNORECASE)
_TAG = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')


def takes_gzip(lines: Sequence[str]) -> bool:
    """Whether an answer is to be packed.

    Parameters
    ----------
    lines
        All lines of Accept-Encoding that a request has.

    """
    weights: dict[str, float] = {}
    for part in ",".join(lines).split(","):
        coding, _, weight = (word.strip() for word in part.partition(";"))
        found = _WEIGHT.fullmatch(weight)
        if coding and (found or not weight):
            weights[coding.lower()] = float(found[1]) if found else 1.0
    packed = weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0)))
    return packed > 0 and packed >= weights.get("identity", 0.0)


def has_already(lines: Sequence[str], etag: str) -> bool:
    """Whether a client has what it would be sent.

    Parameters
    ----------
    lines
        All lines of If-None-Match that a request has.
    etag
        Of what it would be sent, in its quotes; whether it is weak does not matter here.

    """
    given = ",".join(lines).strip()
    return given == "*" or etag.removeprefix("W/") in _TAG.findall(given)
