#!/usr/bin/env bash
# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Makes .venv in the checkout with the pinned tools, and in it .venv/collections, a collections tree whose mailfleet.postfix is
# the checkout. Costs nothing when that is done already. Needs Python 3.11 or later; as root on Debian it installs what is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
unset PYTHONDONTWRITEBYTECODE PYTHONPATH PYTHONHOME PIP_REQUIRE_VIRTUALENV

venv=$PWD/.venv
tree=$venv/collections/ansible_collections/mailfleet
stamp=$venv/.stamp

# Real interpreters, not pyenv's shims; 3.11 first, since the pins were made on it.
find_python() {
    local candidate real
    for candidate in "${PYTHON:-}" python3.11 python3.12 python3.13 \
        "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[1-3].*/bin/python3 /usr/bin/python3 /usr/local/bin/python3 python3; do
        [ -n "$candidate" ] || continue
        real=$("$candidate" -c 'import sys; assert sys.version_info >= (3, 11); print(sys.executable)' 2>/dev/null) || continue
        "$real" -c 'import ensurepip, venv' 2>/dev/null || continue
        echo "$real"
        return
    done
    return 1
}

install_python() {
    echo "bootstrap: no Python 3.11 or later with venv: installing Debian's python3 and python3-venv" >&2
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "bootstrap: cannot: that needs root and apt-get. Install Python 3.11 or later with its venv module, or set PYTHON." >&2
        return 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    { apt-get -q update && apt-get -q -y --no-install-recommends install python3 python3-venv; } >&2
}

# Two makes at once in one checkout wait for each other.
exec 9>"$PWD/.venv.lock"
flock 9

wanted=$(cat tests/requirements.txt tests/constraints.txt "${BASH_SOURCE[0]}" | sha256sum | cut -d' ' -f1)\ $PWD
if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && "$venv/bin/python" -c '' 2>/dev/null; then
    exit 0
fi

# A venv knows its own path: one that was moved, or whose interpreter is gone, is made anew.
if ! "$venv/bin/python" -c "import sys; sys.exit(sys.version_info < (3, 11) or sys.prefix != '$venv')" 2>/dev/null ||
    ! grep -qsF "#!$venv/" "$venv/bin/pip"; then
    python=$(find_python) || { install_python && python=$(find_python); } || {
        echo "bootstrap: still no Python 3.11 or later with venv" >&2
        exit 1
    }
    echo "bootstrap: making .venv with $python ($("$python" -V))"
    rm -rf "$venv"
    "$python" -m venv "$venv"
fi
echo "bootstrap: installing the pinned tools into .venv"
"$venv/bin/python" -m pip install -qq --disable-pip-version-check --constraint tests/constraints.txt --requirement tests/requirements.txt
mkdir -p "$tree"
ln -sfn "$PWD" "$tree/postfix"
# Each Python of .venv imports this file as it starts, if it is there: see what it says.
site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
ln -sfn "$PWD/tests/toolchain/kept_archives.py" "$site/kept_archives.py"
echo 'import importlib.util; importlib.util.find_spec("kept_archives") and __import__("kept_archives")' >"$site/kept_archives.pth"
echo "$wanted" >"$stamp"
