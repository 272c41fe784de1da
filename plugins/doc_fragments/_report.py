# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This documentation fragment is PRIVATE to the collection: it can change at any time.

from __future__ import annotations


class ModuleDocFragment:
    """The options that say where a report is written."""

    DOCUMENTATION = r"""
options:
  json:
    description: Where to write JSON. It is described by C(docs/report.schema.json) of the collection.
    type: path
  junit:
    description: Where to write the XML of JUnit, with a test case for each host and instance.
    type: path
  prometheus:
    description: Where to write metrics for the textfile collector of the node exporter of Prometheus.
    type: path
  csv:
    description: Where to write a line for each host and instance.
    type: path
  html:
    description: Where to write a page of HTML that needs no network and no other file.
    type: path
  markdown:
    description: Where to write Markdown for a comment on a merge request, of at most 60,000 characters.
    type: path
notes:
  - Relative paths are relative to the directory in which Ansible was started. Missing directories are created.
  - A file is replaced as a whole, so that nobody reads half of it.
"""
