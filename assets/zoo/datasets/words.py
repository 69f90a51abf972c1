"""English words, as Debian's list has them."""

from functools import cache

from assets.zoo.packages import DebianPackage, member

PACKAGE = DebianPackage("wamerican", "2020.12.07-2", "c8f8e2b2ad0d37bfdd41f0e40f1e4c8e5f907467d768a1d3698b164e9617f0b4")


@cache
def words() -> tuple[str, ...]:
    """Words of three to nine letters, in the list's order. Raises PackageUnavailable."""
    listed = member(PACKAGE, "usr/share/dict/american-english").decode().split()
    return tuple(word for word in listed if word.isascii() and word.isalpha() and 3 <= len(word) <= 9)
