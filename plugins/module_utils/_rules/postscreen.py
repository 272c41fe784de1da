# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The services that postscreen(8) hands its clients and questions to, and that master.cf may lack."""

from __future__ import annotations

from typing import AbstractSet, Iterator, Sequence, Tuple

from .._base.errors import InputError
from .._files.service import Service
from .lack import Lack
from .settings import Settings


def lacks(settings: Settings, services: Sequence[Service]) -> Iterator[Lack]:
    """Yield what the services that run postscreen need and master.cf does not have, in the order of master.cf.

    :param services: those that count
    """
    private = {(service.name, service.type) for service in services if service.private != "n"}
    for service in services:
        if service.program != "postscreen":
            continue
        process = settings.with_options(service.option_values)
        try:
            yield from _lacks_of(service, process, private)
        except InputError:  # a value that does not expand, of which postscreen dies
            continue


def _lacks_of(service: Service, process: Settings, private: AbstractSet[Tuple[str, str]]) -> Iterator[Lack]:
    smtpd = process.get_or("smtpd_service_name", "smtpd")
    if (smtpd, "pass") not in private:
        reason = f"runs postscreen, which passes each client to {smtpd}/pass, and there is no such private service"
        yield Lack(service, f"{smtpd} pass - - n - - smtpd", reason)
    dnsblog = process.get_or("dnsblog_service_name", "dnsblog")
    if (dnsblog, "unix") not in private:
        sites = process.get("postscreen_dnsbl_sites")
        reason = (
            f"runs postscreen, which asks {dnsblog}/unix about postscreen_dnsbl_sites, and there is no such service"
        )
        yield Lack(service, f"{dnsblog} unix - - n - 0 dnsblog", reason, is_needed=bool(sites))
    proxywrite = process.get_or("proxywrite_service_name", "proxywrite")
    if process.get_or("postscreen_cache_map", "").startswith("proxy:") and (proxywrite, "unix") not in private:
        reason = f"runs postscreen, which has its cache from {proxywrite}/unix, and there is no such service"
        yield Lack(service, f"{proxywrite} unix - - n - 1 proxymap", reason)
    tlsproxy = process.get_or("tlsproxy_service_name", "tlsproxy")
    if (tlsproxy, "unix") not in private:
        reason = f"runs postscreen, which leaves TLS to {tlsproxy}/unix, and there is no such service"
        yield Lack(service, f"{tlsproxy} unix - - n - 0 tlsproxy", reason, is_needed=_uses_tls(process))


def _uses_tls(process: Settings) -> bool:
    """Return whether postscreen offers STARTTLS; each of its parameters defaults to that of smtpd."""

    def value(name: str) -> str:
        own = f"postscreen_{name}"
        return process.get(own if process.is_set(own) else f"smtpd_{name}").lower()

    level = value("tls_security_level")
    return level != "none" if level else "yes" in (value("use_tls"), value("enforce_tls"))
