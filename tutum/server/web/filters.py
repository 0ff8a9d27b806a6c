"""Filters and paging of lists (api-v1 1.5, 1.6)."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Boolean, ColumnElement, Select, false, func, select, text
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.orm.interfaces import ORMOption
from werkzeug.datastructures import MultiDict

from tutum.server.errors import RequestError
from tutum.server.store import Lifetime

_BOOLEANS = {"true": True, "True": True, "false": False, "False": False}

DEFAULT_LIMIT = 25
MAX_LIMIT = 100
MAX_CHOICES = 1000
LOOKUPS = ("exact", "startswith", "in")

#: All lookups that a client of the era may know, so that a name with another suffix is not taken for one.
KNOWN_LOOKUPS = LOOKUPS + (
    "iexact", "contains", "icontains", "istartswith", "endswith", "iendswith", "regex", "iregex", "isnull",
    "gt", "gte", "lt", "lte", "range", "year", "month", "day")


def conditions(arguments: Mapping[str, list[str]], columns: Mapping[str, InstrumentedAttribute],
               attributes: frozenset[str]) -> list[ColumnElement[bool]]:
    """Translate a query's parameters into conditions, all of which must hold.

    :param arguments: the parameters with all their values
    :param columns: the fields that can be filtered by, relations' as ``application__name``
    :param attributes: the fields that exist but cannot be filtered by; any other name is ignored
    :raises RequestError: for a field or lookup that does not allow it
    """
    found = []
    for parameter, values in arguments.items():
        field, _, lookup = parameter.rpartition("__")
        if lookup not in KNOWN_LOOKUPS or not field:
            field, lookup = parameter, "exact"
        if field in columns:
            found.extend(_condition(columns[field], field, lookup, value) for value in values)
        elif field.rpartition("__")[2] in attributes and field.rpartition("__")[0] in ("", "application"):
            raise RequestError(f"The '{field}' field does not allow filtering.")
    return found


def _condition(column: InstrumentedAttribute, field: str, lookup: str, value: str) -> ColumnElement[bool]:
    is_boolean = isinstance(column.type, Boolean)
    if lookup not in (("exact",) if is_boolean else LOOKUPS):
        raise RequestError(f"'{lookup}' is not an allowed filter on the '{field}' field.")
    if is_boolean:
        return column == _BOOLEANS[value] if value in _BOOLEANS else false()
    if field.endswith("uuid"):
        value = value.lower()
    if "\0" in value:
        return false()
    if lookup == "startswith":
        return column.between(value, value + "\U0010ffff") if value else column.is_not(None)
    if lookup == "in":
        choices = value.split(",")
        if len(choices) > MAX_CHOICES:
            raise RequestError(f"'in' takes at most {MAX_CHOICES} values.")
        return column.in_(choices)
    return column == value


@dataclass(frozen=True)
class Page:
    """The part of a list that was asked for."""

    limit: int
    offset: int

    @classmethod
    def of(cls, arguments: Mapping[str, list[str]]) -> Page:
        """Read the page from a query's parameters.

        :raises RequestError: limit or offset is no integer, or negative
        """
        limit = _integer(arguments, "limit", DEFAULT_LIMIT)
        return cls(min(limit, MAX_LIMIT) or MAX_LIMIT, _integer(arguments, "offset", 0))

    def envelope(self, path: str, arguments: Mapping[str, list[str]], total: int, objects: list[Any]) -> dict[str, Any]:
        """Wrap a page's objects as every list is wrapped.

        :param total: how many objects there are on all pages
        """
        def link(offset: int) -> str:
            kept = [(key, value) for key, values in arguments.items() if key not in ("limit", "offset")
                    for value in values]
            return f"{path}?{urlencode(kept + [('limit', self.limit), ('offset', offset)])}"
        after, before = self.offset + self.limit, self.offset - self.limit
        return {"meta": {"limit": self.limit, "offset": self.offset, "total_count": total,
                         "next": link(after) if after < total else None,
                         "previous": link(before) if before >= 0 else None},
                "objects": objects}


def read_page(session: Session, table: type[Lifetime], matching: Select, page: Page,
              *options: ORMOption) -> tuple[int, Sequence[Any]]:
    """Read how many objects match and those of one page, terminated ones last, each part in order of creation.

    :param matching: selects the ids; they are counted and skipped over in an index, without reading the rows
    :param options: how to load the rows
    """
    order = text(f"{table.__tablename__}.destroyed_at IS NOT NULL"), table.id
    total = session.scalar(select(func.count()).select_from(matching.subquery()))
    ids = matching.order_by(*order).limit(page.limit).offset(page.offset)
    rows = session.scalars(select(table).where(table.id.in_(ids)).order_by(*order).options(*options)).all()
    return total, rows


def tail(arguments: MultiDict[str, str]) -> int | None:
    """Read from a query how many lines of a log are asked for, None for all.

    :raises RequestError: it is no integer, or negative
    """
    return _integer(arguments.to_dict(flat=False), "tail", 0) if "tail" in arguments else None


def _integer(arguments: Mapping[str, list[str]], key: str, default: int) -> int:
    value = (arguments.get(key) or [str(default)])[-1]
    if not (value.isascii() and value.isdigit() and len(value) <= 18):
        raise RequestError(f"Invalid {key} '{value[:100]}' provided. Please provide an integer that is not negative.")
    return int(value)
