"""Compares what a service answered with what the contract says; see `contracttable`.

An object must have the keys that are expected, and may have more; a list must have as many items, in order; other
values must be equal. A text with ``~`` before it is a regular expression for the whole text, ``$uuid`` in it one for a
uuid. Of what starts with ``$``, `KINDS` are values that are not known beforehand, and `DIRECTIVES` stand as keys.
"""
import email.utils
import re
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
_DATE = re.compile("(Mon|Tue|Wed|Thu|Fri|Sat|Sun), [1-9][0-9]? (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) "
                   "[0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} [+]0000")

#: Seconds ago that a moment is at most that came about in the test.
RECENT = 60


def differences(expected: Any, found: Any, where: str = "body") -> Iterator[str]:
    """Say everything in which what was found is not as expected."""
    if isinstance(expected, dict):
        for key, value in expected.items():
            if key in DIRECTIVES:
                yield from DIRECTIVES[key](value, found, where)
            elif not isinstance(found, dict) or key not in found:
                yield f"{where} has no {key}: {found!r}"
            else:
                yield from differences(value, found[key], f"{where}.{key}")
    elif isinstance(expected, list):
        yield from _of_lists(expected, found, where)
    elif isinstance(expected, str) and expected in KINDS:
        if not KINDS[expected](found):
            yield f"{where} is {found!r}, not {expected}"
    elif isinstance(expected, str) and expected.startswith("~"):
        if not isinstance(found, str) or not re.fullmatch(expected[1:].replace("$uuid", _UUID), found):
            yield f"{where} is {found!r}, not {expected}"
    elif type(expected) is not type(found) or expected != found:  # 1 is not True here
        yield f"{where} is {found!r}, not {expected!r}"


def _of_lists(expected: list, found: Any, where: str) -> Iterator[str]:
    if not isinstance(found, list) or len(found) != len(expected):
        yield f"{where} is {found!r}, not {len(expected)} items"
    else:
        for number, (one, other) in enumerate(zip(expected, found)):
            yield from differences(one, other, f"{where}[{number}]")


def _only(expected: dict, found: Any, where: str) -> Iterator[str]:
    yield from _keys(list(expected), found, where)
    yield from differences(expected, found, where)


def _keys(expected: list[str], found: Any, where: str) -> Iterator[str]:
    if not isinstance(found, dict) or found.keys() != set(expected):
        yield f"{where} has other keys than {sorted(expected)}: {found!r}"


def _lacks(expected: list[str], found: Any, where: str) -> Iterator[str]:
    if not isinstance(found, dict) or found.keys() & set(expected):
        yield f"{where} has one of {expected}: {found!r}"


def _length(expected: int, found: Any, where: str) -> Iterator[str]:
    if not isinstance(found, list) or len(found) != expected:
        yield f"{where} has other than {expected} items: {found!r}"


def _any_order(expected: list, found: Any, where: str) -> Iterator[str]:
    left = list(found)
    for one in expected:
        match = next((other for other in left if not any(differences(one, other))), None)
        if match is None:
            yield f"{where} lacks {one!r}: {left!r}"
        else:
            left.remove(match)
    if len(found) != len(expected):
        yield f"{where} has other than {len(expected)} items: {found!r}"


def _path(expected: str, found: Any, where: str) -> Iterator[str]:
    """The order of a query's keys counts for nothing."""
    def parts(text: str) -> tuple:
        split = urlsplit(text)
        return split.scheme, split.netloc, split.path, sorted(parse_qsl(split.query, keep_blank_values=True))
    if not isinstance(found, str) or parts(found) != parts(expected):
        yield f"{where} is {found!r}, not {expected!r}"


def _range(expected: list[int], found: Any, where: str) -> Iterator[str]:
    if not _is_integer(found) or not expected[0] <= found <= expected[1]:
        yield f"{where} is {found!r}, not from {expected[0]} to {expected[1]}"


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_date(value: Any) -> bool:
    return isinstance(value, str) and _DATE.fullmatch(value) is not None


def _is_recent(value: Any) -> bool:
    return _is_date(value) and -1 <= time.time() - email.utils.parsedate_to_datetime(value).timestamp() <= RECENT


def _or_null(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or check(value)


DIRECTIVES = {"$only": _only, "$keys": _keys, "$lacks": _lacks, "$length": _length, "$any_order": _any_order,
              "$path": _path, "$range": _range}
KINDS = {
    "$uuid": lambda value: _is_text(value) and re.fullmatch(_UUID, value) is not None,
    "$text": _is_text, "$text_or_null": _or_null(_is_text),
    "$integer": _is_integer, "$integer_or_null": _or_null(_is_integer),
    "$boolean": lambda value: isinstance(value, bool),
    "$list": lambda value: isinstance(value, list),
    "$object": lambda value: isinstance(value, dict),
    "$date": _is_date, "$date_or_null": _or_null(_is_date), "$recent": _is_recent,
}
