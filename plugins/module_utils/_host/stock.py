# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The services of a new instance: those of master.cf.proto, which postmulti(1) copies for one."""

from __future__ import annotations

import os
from typing import List

from .._files.lines import decode_config
from .._files.master_cf import MasterCf
from .._files.service import Service
from .installed import BuiltIn
from .store import read_regular


def stock_services(compiled: BuiltIn) -> List[Service]:
    """Return the services of a new instance; none where the package keeps no prototype of master.cf."""
    path = os.path.join(compiled.directories["meta_directory"], "master.cf.proto")
    try:
        return MasterCf(decode_config(read_regular(path)[0])).effective()
    except OSError:
        return []
