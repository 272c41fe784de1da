# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The site: what Sphinx makes of the pages that build.py puts together."""

project = "mailfleet.postfix"
copyright = "The mailfleet.postfix authors"
extensions = ["myst_parser", "sphinx_antsibull_ext"]
html_theme = "furo"
html_title = project
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
templates_path: "list[str]" = []
exclude_patterns: "list[str]" = []
default_role = "any"
nitpicky = False
antsibull_ext_color_scheme = "default-autodark"
highlight_language = "YAML+Jinja"
myst_heading_anchors = 4
# Blocks that are examples for a terminal or of several files are not always what a lexer takes them for.
suppress_warnings = ["misc.highlighting_failure"]
