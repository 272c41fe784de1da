# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab needs of the machine: say at once what is missing, and install what can be installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from .system import SEALED, LabError, run

#: Debian package -> what it must have put on the machine: a program, or a file.
PACKAGES = {
    "btrfs-progs": "mkfs.btrfs",  # this and e2fsprogs: disks for tests/crash
    "debian-archive-keyring": "/usr/share/keyrings/debian-archive-keyring.gpg",
    "dnsmasq-base": "dnsmasq",
    "e2fsprogs": "mkfs.ext4",
    "iproute2": "ip",
    "mmdebstrap": "mmdebstrap",
    "mount": "mount",
    "nftables": "nft",
    "openssh-client": "ssh-keygen",
    "systemd-container": "systemd-nspawn",
    "tcpdump": "tcpdump",
    "util-linux": "setpriv",
}

# Each line is a step of bringing up a room; the first that fails names what the machine does not let root do.
_PROBE = """
step() { what=$1; shift; "$@" >/dev/null 2>&1 || { echo "$what"; exit 1; }; }
step "tmpfs mounts" mount -t tmpfs tmpfs /mnt
mkdir /mnt/cgroup /mnt/lower /mnt/upper /mnt/work /mnt/root
step "cgroup v2 mounts" mount -t cgroup2 cgroup2 /mnt/cgroup
step "cgroups of its own" mkdir "/mnt/cgroup/mailfleet-probe-$1"
rmdir "/mnt/cgroup/mailfleet-probe-$1"
cd /mnt
step "overlay mounts on a tmpfs" mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work overlay root
step "IPv6" test -e /proc/net/if_inet6
command -v ip >/dev/null || exit 0
step "network bridges" ip link add labprobe0 type bridge
step "virtual Ethernet pairs" ip link add labprobe1 type veth peer name labprobe2
"""


def missing_packages() -> list[str]:
    """The Debian packages that the lab needs and the machine lacks."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return [
        package
        for package, sign in sorted(PACKAGES.items())
        if not (Path(sign).exists() if sign.startswith("/") else shutil.which(sign, path=path))
    ]


def obstacles() -> list[str]:
    """What no installation can mend, one sentence each, with the remedy. Empty: the lab can work here."""
    found = []
    if missing_packages() and not shutil.which("apt-get"):
        found.append(
            f"The packages {', '.join(missing_packages())} and apt-get to install them are missing: "
            "use a Debian or Ubuntu machine."
        )
    if os.geteuid() != 0:
        found.append("The lab makes network, mount and process namespaces: run it as root.")
        return found  # the rest cannot be tried
    probe = subprocess.run(
        [*SEALED, "--ipc", "--net", "sh", "-c", _PROBE, "sh", str(os.getpid())],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if probe.returncode:
        what = probe.stdout.strip() or f"namespaces ({probe.stderr.strip()})"
        found.append(f"Root does not get {what} here: use a real or virtual machine, or a --privileged container.")
    return found


def require() -> None:
    """LabError with everything that is missing, installable or not."""
    sentences = obstacles()
    packages = missing_packages()
    if packages and not sentences:
        sentences.append(f"The packages {', '.join(packages)} are missing: run `tests/lab/mailfleet-lab install`.")
    if sentences:
        raise LabError("\n".join(sentences))


def install() -> list[str]:
    """Install the packages that are missing by the machine's own apt, and nothing else; returns their names."""
    found = obstacles()
    if found:
        raise LabError("\n".join(found))
    packages = missing_packages()
    if packages:
        os.environ["DEBIAN_FRONTEND"] = "noninteractive"
        apt = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300"]
        # A foreign source that does not answer fails the update, but need not concern us: the installation tells.
        update = subprocess.run([*apt, "update"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        try:
            run([*apt, "install", "--yes", "--no-install-recommends", *packages])
        except LabError as problem:
            said = update.stderr.strip() or "nothing"
            raise LabError(f"{problem}\n(`apt-get update` before it said: {said})") from None
        still = missing_packages()
        if still:
            raise LabError(f"apt-get installed {packages}, but what the lab uses of {still} is not there.")
    return packages
