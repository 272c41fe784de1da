# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Any value in any option, of whatever type YAML or a template made it: an error about it, or files that are sound."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.apply import check_timeout
from ansible_collections.mailfleet.postfix.plugins.module_utils._describe import options
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.main_cf import MainCf
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.master_cf import MasterCf
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import host_of, plan_of
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.one_python

STOCK = Path(__file__).parents[1] / "module_utils" / "_files" / "stock"
MAIN, MASTER = ((STOCK / name).read_text(encoding="utf-8") for name in ("main.cf", "master.cf"))
HOST = host_of("lo 127.0.0.1/8", "lo ::1/128", "eth0 192.0.2.1/24", "eth0 2001:db8::1/64")
TOP = ArgumentSpecValidator(options.argument_spec())
ENTRY = ArgumentSpecValidator(options.entry_options())
SERVICE = options.instance_options()["services"]["options"]

PIECES = [
    *("all", "loopback-only", "127.0.0.1", "192.0.2.1", "::1", "smtp", "2525", "inet", "smtpd", "n", "-", "present"),
    *("\n", "\r", "\0", "\ud800", "\udcff", "\x7f", "\u2028", "é", " ", "\t", ",", "=", "#", "\\", "%s", "{{ x }}"),
    *("$myhostname", "$", "${", "}", "{", "(", "-o a=b", "relayhost = evil", "evil inet n - n - - smtpd", "x" * 3000),
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=4).map("".join)
LEAVES = st.one_of(TEXTS, st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from([10**400, 25]))
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=2))
SERVICES = st.lists(
    st.builds(lambda name, more: {"name": name, **more}, TEXTS, st.dictionaries(st.sampled_from([*SERVICE]), VALUES)),
    max_size=2,
)
OPTIONS = st.dictionaries(st.sampled_from([*options.entry_options()]), VALUES, max_size=2)


def texts_after(given: Dict[str, Any]) -> List[str]:
    """What the module makes of stock files, nothing where it refuses."""
    checked = TOP.validate(given)
    if checked.error_messages:
        return []
    params = checked.validated_parameters
    texts = []
    try:
        options.refuse_unknown(params["role_variables"])
        for entry in [{}] if params["instances"] is None else params["instances"]:
            validated = ENTRY.validate(entry)
            if validated.error_messages:
                continue
            known = {name: value for name, value in validated.validated_parameters.items() if name in entry}
            wish = options.wish_of(options.entry_of(params, known))
            check_timeout(wish.timeout)
            plan = plan_of(wish.wanted, MAIN, MASTER, HOST)
            texts += [plan.main, plan.master]
    except InputError as error:
        json.dumps(error.parts)
    return texts


def check_sound(given: Dict[str, Any]) -> None:
    """Nothing that was not asked for is in the files."""
    for text, stock in zip(texts_after(given), 2 * [MAIN, MASTER]):
        text.encode("utf-8", "surrogateescape")
        assert "\0" not in text
        assert "\r" not in text
        if stock == MAIN:
            assert set(MainCf(text).values()) - set(MainCf(MAIN).values()) <= set(options.instance_options())
        else:
            assert "evil" not in {service.name for service in MasterCf(text).services()}


@given(OPTIONS)
def test_the_options_of_an_instance(given: Dict[str, Any]) -> None:
    check_sound(given)
    check_sound({"instances": [given]})


@given(SERVICES)
def test_services(services: List[Any]) -> None:
    check_sound({"services": services})


@given(st.dictionaries(st.sampled_from([*options.argument_spec()]), VALUES, max_size=2))
def test_all_options(given: Dict[str, Any]) -> None:
    check_sound(given)
