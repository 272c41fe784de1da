# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""The formats of a report by their names, and a report as a file on the control node."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable

from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.formats import (
    as_csv,
    as_json,
    as_junit,
    as_prometheus,
)
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.markdown import as_markdown
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.page import as_html
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.report import Report

FORMATS: dict[str, Callable[[Report], str]] = {
    "json": as_json,
    "junit": as_junit,
    "prometheus": as_prometheus,
    "csv": as_csv,
    "html": as_html,
    "markdown": as_markdown,
}


def write(report: Report, name: str, path: str) -> str:
    """Write a report in a format, as a whole or not at all, and return the path of the file.

    :param path: relative to where the operator stands; what is missing of its directories is made
    :raises OSError: that cannot be done
    """
    return replace(path, FORMATS[name](report).encode("utf-8", "replace"))


def replace(path: str, content: bytes) -> str:
    """Write a file as a whole or not at all, and return its path.

    :raises OSError: that cannot be done
    """
    path = os.path.abspath(path)
    directory = os.path.dirname(path)
    os.makedirs(directory, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=".mailfleet-", dir=directory)
    try:
        with open(handle, "wb") as stream:
            stream.write(content)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    return path
