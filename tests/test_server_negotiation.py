"""What a client can take and has already: headers as RFC 9110 has them."""

from __future__ import annotations

import pytest

from edgemood.server.negotiation import has_already, takes_gzip


@pytest.mark.parametrize(
    ("given", "packed"),
    [
        ([], False), ([""], False), (["gzip"], True), (["GZip"], True), (["x-gzip"], True), (["br, gzip"], True),
        (["gzip;q=0"], False), (["gzip;q=0.0"], False), (["gzip; q=0.000"], False), (["gzip ; Q=0.001"], True),
        (["gzip;q=1"], True), (["gzip;q=1.000"], True), (["*"], True), (["*;q=0"], False), (["*;q=0.1"], True),
        (["*, gzip;q=0"], False), (["gzip, *;q=0"], True), (["identity"], False), (["identity;q=0"], False),
        (["identity, gzip;q=0.5"], False), (["identity;q=0.5, gzip;q=0.5"], True), (["identity;q=0, gzip"], True),
        (["br", "gzip"], True), (["gzip;q=0", "br"], False), (["deflate, br"], False), (["gzipped"], False),
        (["not-gzip"], False), (["gzip;q=2"], False), (["gzip;q=-1"], False), (["gzip;q="], False),
        (["gzip;q=0.1234"], False), (["gzip;level=9"], False), ([",,gzip,,"], True),
    ],
)  # fmt: skip
def test_gzip_is_sent_to_who_takes_it(given: list[str], packed: bool) -> None:
    assert takes_gzip(given) is packed


@pytest.mark.parametrize(
    ("given", "has"),
    [
        ([], False), ([""], False), (['"a"'], True), (['W/"a"'], True), (['"b", "a"'], True), (['"b"', '"a"'], True),
        (['"b",W/"a" , "c"'], True), (["*"], True), ([" * "], True), (['"b"'], False), (['"ab"'], False),
        (['"A"'], False), (["a"], False), (['"a-gzip"'], False), (['"x,"a""'], False), (['"x,a"'], False),
        (['"*"'], False), (['*, "b"'], False), (['"'], False),
    ],
)  # fmt: skip
def test_what_a_client_has_is_not_sent_again(given: list[str], has: bool) -> None:
    assert has_already(given, '"a"') is has
    assert has_already(given, 'W/"a"') is has
