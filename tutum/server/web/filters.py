"""Filters and paging of lists (api-v1 1.5, 1.6)."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, NamedTuple
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
LOOKUPS = ("exact", "startswith", "in")

#: What stands for any number that is larger; SQLite takes one more digit.
MOST = 10 ** 18

#: Values in all filters of a query. SQLite takes 1000 conditions that must all hold.
MAX_VALUES = 900


class _Filter(NamedTuple):
    field: str
    lookup: str
    value: str


def conditions(arguments: Mapping[str, list[str]], columns: Mapping[str, InstrumentedAttribute],
               attributes: Set[str]) -> list[ColumnElement[bool]]:
    """Translate a query's parameters into conditions, all of which must hold.

    :param arguments: the parameters with all their values
    :param columns: the fields that can be filtered by, relations' as ``application__name``
    :param attributes: the fields that exist, spelled likewise; any other name is ignored
    :raises RequestError: for a field or lookup that does not allow it
    """
    booleans = {field for field, column in columns.items() if isinstance(column.type, Boolean)}
    return [_condition(columns[each.field], each) for each in _read(arguments, columns.keys(), booleans, attributes)]


def matching(objects: Iterable[dict[str, Any]], arguments: Mapping[str, list[str]], fields: Set[str],
             booleans: Set[str], attributes: Set[str]) -> list[dict[str, Any]]:
    """Find those objects, which are in no table, that a query's parameters ask for.

    :param fields: the fields that can be filtered by
    :param booleans: those of them that are true or false
    :raises RequestError: for a field or lookup that does not allow it
    """
    asked = list(_read(arguments, fields, booleans, attributes))
    return [each for each in objects if all(_matches(each[one.field], one) for one in asked)]


def _read(arguments: Mapping[str, list[str]], fields: Set[str], booleans: Set[str],
          attributes: Set[str]) -> Iterator[_Filter]:
    count = 0
    for parameter, values in arguments.items():
        field, lookup = _split(parameter, fields | attributes)
        if field is None:
            continue
        if field not in fields:
            raise RequestError(f"The '{field}' field does not allow filtering.")
        if lookup not in (("exact",) if field in booleans else LOOKUPS):
            raise RequestError(f"'{lookup[:100]}' is not an allowed filter on the '{field}' field.")
        for value in [",".join(values)] if lookup == "in" else values:
            count += 1 + (value.count(",") if lookup == "in" else 0)
            if count > MAX_VALUES:
                raise RequestError(f"The filters of a query take at most {MAX_VALUES} values.")
            yield _Filter(field, lookup, value.lower() if field.endswith("uuid") else value)


def _split(parameter: str, known: Set[str]) -> tuple[str | None, str]:
    """Split a parameter into the field and the lookup; there is no field where the name is not known."""
    words = parameter.split("__", 2)
    for count in range(len(words), 0, -1):
        field, lookup = "__".join(words[:count]), "__".join(words[count:]) if words[count:] else "exact"
        if field in known:
            is_relation = any(other.startswith(f"{field}__") for other in known)
            return (None, "") if is_relation and lookup not in LOOKUPS else (field, lookup)
    return None, ""


def _condition(column: InstrumentedAttribute, asked: _Filter) -> ColumnElement[bool]:
    value = asked.value
    if isinstance(column.type, Boolean):
        return column == _BOOLEANS[value] if value in _BOOLEANS else false()
    if "\0" in value:
        return false()
    if asked.lookup == "startswith":
        return column.between(value, value + "\U0010ffff") if value else column.is_not(None)
    if asked.lookup == "in":
        return column.in_(value.split(","))
    return column == value


def _matches(found: str | bool, asked: _Filter) -> bool:
    if isinstance(found, bool):
        return _BOOLEANS.get(asked.value) is found
    if asked.lookup == "startswith":
        return found.startswith(asked.value)
    return found in asked.value.split(",") if asked.lookup == "in" else found == asked.value


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
    if not (value.isascii() and value.isdigit()):
        raise RequestError(f"Invalid {key} '{value[:100]}' provided. Please provide an integer that is not negative.")
    digits = value.lstrip("0") or "0"
    return int(digits) if len(digits) <= 18 else MOST
