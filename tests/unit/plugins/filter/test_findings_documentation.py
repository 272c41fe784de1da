# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is documented of the findings, held against the table of all findings."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from ansible_collections.mailfleet.postfix.plugins.filter import findings
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.findings.finding import Finding
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.findings.registry import REGISTRY, SEVERITIES
from ansible_collections.mailfleet.postfix.plugins.modules import postfix_interfaces, postfix_interfaces_info

RETURN = yaml.safe_load(findings.RETURN)["_value"]


def test_each_code_has_its_line() -> None:
    lines = RETURN["contains"]["code"]["description"]
    listed = [line for line in lines if line.startswith("V(")]
    assert listed == [f"V({rule.code}), {' or '.join(rule.severities)}: {rule.summary}" for rule in REGISTRY]


def test_each_severity_is_explained() -> None:
    lines = RETURN["contains"]["severity"]["description"]
    assert [re.findall(r"V\((\w+)\)", line) for line in lines] == [[severity] for severity in SEVERITIES]


def test_the_keys_are_those_of_a_finding() -> None:
    assert tuple(RETURN["contains"]) == Finding._fields


def test_the_sample_is_a_finding() -> None:
    severities = {rule.code: rule.severities for rule in REGISTRY}
    for sample in RETURN["sample"]:
        assert sample["severity"] in severities[sample["code"]]


@pytest.mark.parametrize("module", [postfix_interfaces, postfix_interfaces_info])
def test_the_modules_refer_to_the_filter(module: Any) -> None:
    described = yaml.safe_load(module.RETURN)["findings"]
    assert "P(mailfleet.postfix.findings#filter)" in described["description"]
