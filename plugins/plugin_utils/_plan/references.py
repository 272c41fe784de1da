# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""Values whose templates only name variables, such as ``{{ mail_ip }}:2525``, without a run of Jinja for each of them.

That takes two thirds of the time that Ansible needs for the variables of a fleet. Whatever is not as simple as that is
left to Ansible, which gives the same for these (a test compares them).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible import template

_REFERENCE = r"\{\{ *([A-Za-z_][A-Za-z0-9_]*) *\}\}"
_ENDPOINT = r"\[[0-9A-Fa-f:.]+\]:[a-z0-9-]+|\[[0-9A-Fa-f.]*:[0-9A-Fa-f:.]+\]"
_MARKS = ("{{", "{%", "{#", "}}", "%}", "#}")
#: what is no variable in Jinja, and what Ansible itself makes
_NOT_OURS = ("true", "false", "none", "True", "False", "None", "not", "in", "is", "and", "or", "if", "else", "omit")
_DEEPEST = 20


class NotSimple(Exception):
    """A value needs Ansible's templating."""


def is_trusted(value: object) -> bool:
    """Return whether Ansible takes a text for a template; ansible-core 2.18 and earlier mark what they do not."""
    trusted = getattr(template, "is_trusted_as_template", None)
    if trusted is None:
        return not hasattr(value, "__UNSAFE__")
    return bool(trusted(value))


def has_marks(text: str) -> bool:
    """Return whether a text may be a template."""
    return any(mark in text for mark in _MARKS[:3])


def resolved(value: Any, variables: Mapping[str, Any], level: int = 0) -> Any:
    """Return a value as plain data, with the variables that it names.

    :raises NotSimple: it is more than that
    """
    if isinstance(value, str):
        text = str(value)
        if not has_marks(text):
            return text
        if level > _DEEPEST or not is_trusted(value):
            raise NotSimple
        return _text(text, variables, level)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if level > _DEEPEST:
        raise NotSimple
    if isinstance(value, Mapping):
        return {_key(key): resolved(each, variables, level + 1) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [resolved(each, variables, level + 1) for each in value]
    raise NotSimple


def _key(key: Any) -> Any:
    if isinstance(key, str):
        if has_marks(key):  # a key is no template
            raise NotSimple
        return str(key)
    return key


def _text(text: str, variables: Mapping[str, Any], level: int) -> Any:
    if "\n" in text:
        raise NotSimple
    whole = re.fullmatch(_REFERENCE, text)
    if whole:
        found = _variable(whole[1], variables, level)
        if found is None or (isinstance(found, str) and not _is_text(found)):
            raise NotSimple
        return found
    parts = re.split(_REFERENCE, text)
    for number, part in enumerate(parts):
        if not number % 2:
            if any(mark in part for mark in _MARKS):
                raise NotSimple
            continue
        found = _variable(part, variables, level)
        if isinstance(found, bool) or not isinstance(found, (str, int)):
            raise NotSimple
        parts[number] = str(found)
    joined = "".join(parts)
    if not _is_text(joined):
        raise NotSimple
    return joined


def _is_text(text: str) -> bool:
    """Return whether the result of a template is text, though ansible-core 2.18 and earlier make lists of some."""
    return (text[:1] not in ("[", "{") and text not in ("True", "False")) or bool(re.fullmatch(_ENDPOINT, text))


def _variable(name: str, variables: Mapping[str, Any], level: int) -> Any:
    if name in _NOT_OURS or name.startswith("ansible_") or name not in variables:
        raise NotSimple
    return resolved(variables[name], variables, level + 1)
