# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""What is known of DNS, read from a mapping or from the file that the playbook ``records`` has written."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.address import normal_form, parse_address
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError, shown

KEYS = ("asked_at", "domains", "ptr", "addresses", "spf", "errors")
RESULTS = ("pass", "fail", "softfail", "neutral", "none", "permerror", "temperror")
_PARAMETER = "mailfleet_records"
_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\Z"
#: as DNS says it, with anything but letters as \\DDD
_NAME = r"[!-~]{1,1024}\Z"


def read_records(value: Any) -> dict[str, Any]:
    """Return what is known of DNS, with each key, and with addresses and names in their normal form.

    :param value: a mapping, or the path of a file with one in JSON
    :raises InputError: it cannot be read, or is not like this
    """
    return _read(_loaded(value) if isinstance(value, str) else value)


def name_in_dns(parameter: str, value: Any) -> str:
    """Return a name in its normal form.

    :raises InputError: it is none
    """
    name = value.lower().rstrip(".") if isinstance(value, str) else ""
    if not re.match(_NAME, name):
        raise InputError(parameter, shown(value), "is not a name in DNS", "Write a name such as mail.example.net")
    return name


def _loaded(path: str) -> Any:
    remedy = "Write it with the playbook mailfleet.postfix.records, or name another file"
    try:
        with open(os.path.expanduser(path), encoding="utf-8") as stream:
            return json.load(stream)
    except OSError as error:
        raise InputError(_PARAMETER, path, f"cannot be read: {error.strerror or error}", remedy) from error
    except (ValueError, RecursionError) as error:
        raise InputError(_PARAMETER, path, f"is not JSON: {' '.join(str(error).split())}", remedy) from error


def _read(value: Any) -> dict[str, Any]:
    found = _mapping("", value)
    for key in found:
        if key not in KEYS:
            raise _bad("", key, "is not a key of records", f"Use {', '.join(KEYS)}")
    asked_at = found.get("asked_at")
    if asked_at is not None and not (isinstance(asked_at, str) and re.match(_TIME, asked_at)):
        raise _bad("asked_at", asked_at, "is not a time", "Write it as 2026-11-29T22:30:00Z, or leave it out")
    spf = _by("spf", found.get("spf"), _name, _domain)
    domains = found.get("domains")
    return {
        "asked_at": asked_at,
        "domains": list(spf) if domains is None else _list("domains", domains, _name),
        "ptr": _by("ptr", found.get("ptr"), _address, lambda where, each: _list(where, each, _name)),
        "addresses": _by("addresses", found.get("addresses"), _name, lambda where, each: _list(where, each, _address)),
        "spf": spf,
        "errors": _list("errors", found.get("errors") or [], _line),
    }


def _domain(where: str, value: Any) -> dict[str, Any]:
    said = _mapping(where, value)
    for key in said:
        if key not in ("record", "results"):
            raise _bad(where, key, "is not a key of a domain", "Use record, results")
    record = said.get("record")
    return {
        "record": None if record is None else _line(f"{where}.record", record),
        "results": _by(f"{where}.results", said.get("results"), _address, _verdict),
    }


def _verdict(where: str, value: Any) -> dict[str, str]:
    said = _mapping(where, {"result": value} if isinstance(value, str) else value)
    for key in said:
        if key not in ("result", "why"):
            raise _bad(where, key, "is not a key of a result", "Use result, why")
    result = said.get("result")
    if result not in RESULTS:
        raise _bad(f"{where}.result", result, "is not a result of SPF", f"Use one of {', '.join(RESULTS)}")
    return {"result": str(result), "why": _line(f"{where}.why", said.get("why") or "")}


def _by(where: str, value: Any, key: Callable[[str, Any], str], each: Callable[[str, Any], Any]) -> dict[str, Any]:
    said = _mapping(where, {} if value is None else value)
    found = {}
    for name, inner in said.items():
        normal = key(where, name)
        if normal in found:
            raise _bad(where, name, "is there twice, in two spellings", "Write it once")
        found[normal] = each(f"{where}[{normal}]", inner)
    return found


def _list(where: str, value: Any, each: Callable[[str, Any], str]) -> list[str]:
    if not isinstance(value, (list, tuple)):
        raise _bad(where, value, "is not a list", "Give a list, which is empty where DNS has nothing")
    return [each(where, one) for one in value]


def _mapping(where: str, value: Any) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise _bad(where, value, "is not a mapping", "See docs/records.md for what records are like")
    return value


def _address(where: str, value: Any) -> str:
    address = parse_address(value) if isinstance(value, str) else None
    if address is None:
        raise _bad(where, value, "is not an address", "Write one address, without a prefix length")
    return normal_form(address)


def _name(where: str, value: Any) -> str:
    return name_in_dns(f"{_PARAMETER}: {where}", value)


def _line(where: str, value: Any) -> str:
    if not isinstance(value, str) or not all(map(str.isprintable, value)):
        raise _bad(where, value, "is not one line of text", "Write one line")
    return value


def _bad(where: str, value: Any, reason: str, remedy: str) -> InputError:
    return InputError(f"{_PARAMETER}: {where}" if where else _PARAMETER, shown(value), reason, remedy)
