# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters over a fleet: how long they take in one run of templating, against what was promised.

The comparison is the same own addresses by chains of ansible.utils.ipaddr, which is fetched from PyPI (the package
ansible) into build/bench. Each of its calls copies all variables, so that it takes longer for a host of a large fleet:
what is compared is its time in the smallest one. Only times of one run are compared, so the machine may be busy. Most
of our time is Ansible's, which looks at each value of a host that a filter reads, and at each of the answer.
"""

from __future__ import annotations

import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
from ansible.template import Templar, trust_as_template

ROOT = Path(__file__).resolve().parents[2]
OTHERS = ROOT / "build/bench"
# The last ansible that the core of tests/constraints.txt belongs to, and what its collection needs.
PINS = ("ansible==12.3.0", "netaddr==1.3.0")

FEW, HOSTS, MANY = 100, 10_000, 100_000
FASTER = 20
WHOLE_FLEET = 30  # seconds at most for what a fleet of HOSTS sends from
LINEAR = 1.5  # times as long for each host, in a fleet of MANY as in one of FEW

OURS = {
    name: "{% for h in fleet %}{{ h.settings | mailfleet.postfix." + name + "(h.addresses" + more + ") }}\n{% endfor %}"
    for name, more in (
        ("own_addresses", ""),
        ("listeners", ", services=h.services"),
        ("source_addresses", ", services=h.services"),
        ("findings", ", services=h.services"),
    )
}
OURS["fleet_source_addresses"] = "{{ fleet | mailfleet.postfix.fleet_source_addresses }}"
IPADDR = """\
{% for h in fleet %}
{%- set have = h.addresses | ansible.utils.ipaddr('address') -%}
{%- set want = h.settings.inet_interfaces -%}
{%- if want == 'all' -%}
{{ (have | ansible.utils.ipv4) + (have | ansible.utils.ipv6) }}
{% elif want == 'loopback-only' -%}
{%- set have = have | ansible.utils.ipaddr('loopback') -%}
{{ (have | ansible.utils.ipv4) + (have | ansible.utils.ipv6) }}
{% else -%}
{%- set found = want | map('regex_replace', '[][]', '') | list | ansible.utils.ipaddr('address') -%}
{%- set found = have | intersect(found | unique) -%}
{{ (found | ansible.utils.ipv4 | sort) + (found | ansible.utils.ipv6 | sort) }}
{% endif %}
{%- endfor %}"""


def fleet(size: int) -> list[dict[str, Any]]:
    """Hosts that have no address, service or setting in common but the loopback's."""
    return [_host(number) for number in range(size)]


def _host(number: int) -> dict[str, Any]:
    high, low = 100 + number // 100 % 150, 100 + number % 100
    site = 10 + number // 15000
    four, six = f"{site}.{high}.{low}.101", f"fd77:{number >> 15}:{number % 32768 + 4096:x}::11"
    second = f"{site}.{high}.{low}.102"
    wanted: Any = ("all", "loopback-only", [four, f"[{six}]"], ["127.0.0.1", second, six])[number % 4]
    services = [
        {"name": "smtp" if wanted == "loopback-only" else f"[{four}]:smtp", "command": "smtpd"},
        {"name": f"{four}:submission", "command": "smtpd", "options": {"syslog_name": f"submission{number}"}},
        {"name": f"[{six}]:smtps", "command": "smtpd"},
        {"name": str(10000 + number % 20000), "command": "smtpd", "options": {"smtpd_banner": f"host {number}"}},
        {"name": "smtp", "type": "unix"},
        {"name": "relay", "type": "unix"},
        {"name": f"out{number}", "type": "unix", "command": "smtp", "options": {"smtp_bind_address": second}},
        {"name": "lmtp", "type": "unix"},
    ]
    return {
        "settings": {
            "inet_interfaces": wanted,
            "mynetworks": f"{four}/32",
            "smtp_bind_address6": six if number % 3 else "",
        },
        "addresses": ["127.0.0.1/8", f"{four}/24", f"{second}/24", f"{six}/64"],
        "services": services,
    }


def seconds(template: str, hosts: list[dict[str, Any]]) -> tuple[float, str]:
    """The processor time of one run of templating, and what came of it."""
    templar = Templar(loader=DataLoader(), variables={"fleet": hosts})
    start = time.process_time()
    text = str(templar.template(trust_as_template(template)))
    return time.process_time() - start, text


def fetch() -> None:
    """Put ansible.utils and netaddr into build/bench, unless they are there."""
    if (OTHERS / "done").exists():
        return
    OTHERS.mkdir(parents=True, exist_ok=True)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "download", "--no-deps", f"--dest={OTHERS}", PINS[0]], check=True)
    subprocess.run([*pip, "install", "--no-deps", f"--target={OTHERS}", PINS[1]], check=True)
    (wheel,) = OTHERS.glob("ansible-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.startswith("ansible_collections/ansible/utils/")]
        archive.extractall(OTHERS, names)
    wheel.unlink()
    (OTHERS / "done").touch()


def main() -> int:
    fetch()
    sys.path.append(str(OTHERS))
    init_plugin_loader([str(ROOT / ".venv/collections"), str(OTHERS)])
    for template in (*OURS.values(), IPADDR):  # so that no plugin has to be found any more
        seconds(template, fleet(10))
    hosts = fleet(HOSTS)
    ours = {name: seconds(template, hosts) for name, template in OURS.items()}
    for name, (took, _text) in ours.items():
        print(f"     {name}: {took:.1f} s for {HOSTS:,} hosts, {took / HOSTS * 1000:.2f} ms each", flush=True)
    text = ours["own_addresses"][1]
    theirs, other = seconds(IPADDR, hosts[:FEW])
    same = other.split("\n") == text.split("\n")[: other.count("\n")] + [""]
    results = [(same, f"ansible.utils.ipaddr gives the same own addresses: {theirs / FEW * 1000:.2f} ms each")]
    took = ours["fleet_source_addresses"][0]
    results.append((took <= WHOLE_FLEET, f"what {HOSTS:,} hosts send from: {took:.1f} s (at most {WHOLE_FLEET})"))
    for name, (took, _text) in ours.items():
        factor = (theirs / FEW) / (took / HOSTS)
        results.append((factor >= FASTER, f"{name} is {factor:.1f} times as fast as that (at least {FASTER})"))
    for name, template in OURS.items():
        each = [seconds(template, fleet(size))[0] / size for size in (FEW, MANY)]
        growth = each[1] / each[0]
        what = f"{name}: a host of {MANY:,} takes {growth:.2f} times as long as one of {FEW} (at most {LINEAR})"
        results.append((growth <= LINEAR, what))
    for good, what in results:
        print(f"{'ok  ' if good else 'FAIL'} {what}")
    return int(not all(good for good, _what in results))


if __name__ == "__main__":
    sys.exit(main())
