# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The remedy of a finding, applied by its words as an operator would who does what it says and nothing else."""

from __future__ import annotations

import re
from typing import Callable, Dict, Iterator, List, Mapping, Optional, Sequence

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.address import parse_address, unbracket
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.endpoint import split_endpoint
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.master_cf import MasterCf
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.service import Service, last_of_each
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.findings.finding import Finding
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.outlook import Outlook
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.settings import Settings

#: what is not a matter of the files, or takes a choice that the remedy leaves to the operator
NOT_MECHANICAL = (
    *("source_failure", "bad_command_line", "bad_proxy_interfaces", "dynamic_address", "deprecated_address"),
    "forbidden_port",
    "unfamiliar_postfix",
)

_NAME = r"[\w.:\[\]-]+/[\w-]+"


class Files:
    """Both files of an outlook, to be changed."""

    def __init__(self, outlook: Outlook) -> None:
        self.outlook = outlook
        self.main: Dict[str, str] = {name: outlook.settings.raw(name) for name in outlook.settings.names()}
        self.services: List[Service] = list(outlook.configuration.services)
        self.repeated = list(outlook.configuration.repeated)

    def outlook_now(self) -> Outlook:
        old = self.outlook
        settings = Settings(self.main, old.version, old.settings.hostname)
        configuration = old.configuration._replace(
            settings=settings, services=self.services, repeated=self.repeated, overridden=[]
        )
        return Outlook(configuration, old.host, old.resolve)

    def keep(self, wanted: Callable[[Service], bool]) -> None:
        self.services = [service for service in self.services if wanted(service)]

    def change(self, places: Sequence[str], change: Callable[[Service], Service]) -> None:
        self.services = [change(each) if f"{each.name}/{each.type}" in places else each for each in self.services]

    def set_options(self, places: Sequence[str], values: Mapping[str, Optional[str]]) -> None:
        """Set options of services; None takes one out."""

        def changed(service: Service) -> Service:
            options = {**service.option_values, **values}
            return service._replace(options=tuple((name, text) for name, text in options.items() if text is not None))

        self.change(places, changed)

    def everywhere(self, name: str, new: Callable[[str], Dict[str, str]], value: Optional[str] = None) -> bool:
        """Put others in the place of a parameter, wherever it is set (to a value); return whether it was."""
        found = False
        if name in self.main and value in (None, self.main[name]):
            found, text = True, self.main.pop(name)
            self.main.update(new(text))
        for at, service in enumerate(self.services):
            if name in service.option_values and value in (None, service.option_values[name]):
                found = True
                old = service.option_values
                options = {**{key: text for key, text in old.items() if key != name}, **new(old[name])}
                self.services[at] = service._replace(options=tuple(options.items()))
        return found


def applied(finding: Finding, outlook: Outlook) -> Iterator[Outlook]:
    """Yield what the files come to after each of the ways out that a remedy names and that can be followed by rote."""
    for way in WAYS.get(finding.code, ()):
        files = Files(outlook)
        if way(files, finding):
            yield files.outlook_now()


def _of_source(files: Files, finding: Finding) -> bool:
    match = re.match(rf"(\w+) = (.*?) in (main\.cf|{_NAME}) ", finding.message)
    if match is None or "transport of its own" in finding.remedy:
        return False
    name, value, _place = match.groups()
    if finding.remedy.startswith("Take it out"):
        return files.everywhere(name, lambda _old: {}, value)
    other = re.match(r"Set (\w+) to it instead", finding.remedy)
    if other is not None:
        return files.everywhere(name, lambda old: {other.group(1): old}, value)
    match = re.search(r", such as (\S+)$", finding.remedy)
    if match is None:
        return False
    text = match.group(1)
    return files.everywhere(name, lambda _old: {name: text}, value)


def _of_word(files: Files, finding: Finding) -> bool:
    """Change a word of inet_interfaces."""
    match = re.match(r"'(.*?)' ", finding.message)
    value = files.main.get(finding.parameter, "")
    if match is None or finding.parameter != "inet_interfaces" or match.group(1) not in value.split(", "):
        return False
    words = [word for word in value.split(", ") if word != match.group(1)]
    if re.search(r"\btake (it|the address) out\b", finding.remedy, re.I):
        files.main["inet_interfaces"] = ", ".join(words)
        return True
    write = re.match(r"Write (\S+)( here, and \S+ as a service of type inet)?\Z", finding.remedy)
    if write is not None and not write.group(2):
        files.main["inet_interfaces"] = ", ".join([write.group(1), *words])
        return True
    return False


def _process_limit(files: Files, finding: Finding) -> bool:
    match = re.match(r"Set its process limit to (\d)", finding.remedy)
    if match is not None:
        files.change(_names(finding.message), lambda service: service._replace(process_limit=match.group(1)))
    elif finding.remedy == "Write n in the column unprivileged":
        files.change(_names(finding.message), lambda service: service._replace(unprivileged="n"))
    else:
        return False
    return True


def _names(text: str) -> List[str]:
    return re.findall(_NAME, text)


def _keep_one(at: int) -> Callable[[Files, Finding], bool]:
    def way(files: Files, finding: Finding) -> bool:
        names = re.findall(r"the services (\S+) and (\S+) both", finding.message)[0]
        files.keep(lambda service: (service.name, service.type) != (names[at], "inet"))
        return True

    return way


def _port(files: Files, finding: Finding) -> bool:
    (name,) = re.findall(r"the service (\S+) has", finding.message)
    host = name.rpartition(":")[0]
    files.change([f"{name}/inet"], lambda service: service._replace(name=f"{host}:2599" if host else "2599"))
    return True


def _add_line(files: Files, finding: Finding) -> bool:
    files.services += MasterCf(finding.remedy[len("Add ") :] + "\n").services()
    return True


def _empty_option(files: Files, finding: Finding) -> bool:
    files.set_options(_names(finding.remedy), {finding.parameter: ""})
    return True


def _add_transport(files: Files, finding: Finding) -> bool:
    (name,) = re.findall(r"Add the service (\S+) of type unix", finding.remedy)
    files.services += MasterCf(f"{name} unix - - n - - smtp\n").services()
    return True


def _add_family(files: Files, finding: Finding) -> bool:
    files.main["inet_protocols"] = "all"
    return "to inet_protocols" in finding.remedy


def _staying(files: Files, finding: Finding) -> bool:
    match = re.search(r"such as (\S+?)(?:, instead)?$", finding.remedy)
    if match is None:
        return False
    if finding.parameter == "services":
        names = re.findall(r"the services? (.*) listens? on", finding.message)[0].split(", ")

        def moved(service: Service) -> Service:
            port = split_endpoint(service.name)[1]
            return service._replace(name=f"[{match.group(1)}]:{port}")

        files.change([f"{name}/inet" for name in names], moved)
        return True
    if finding.parameter == "inet_interfaces":
        (old,) = re.findall(r"(?:lists|has the address) (\S+),", finding.message)
        words = files.main["inet_interfaces"].split(", ")
        new = [match.group(1) if str(parse_address(unbracket(word))) == old else word for word in words]
        files.main["inet_interfaces"] = ", ".join(new)
        return new != words
    set_ = re.match(r"(\w+) in (main\.cf|\S+) is (\S+),", finding.message)
    if set_ is not None:
        return files.everywhere(set_.group(1), lambda _old: {set_.group(1): match.group(1)}, set_.group(3))
    files.main[finding.parameter] = match.group(1)
    return True


def _listen(files: Files, finding: Finding) -> bool:
    if finding.remedy.startswith("Add the service smtp"):
        files.services += MasterCf("smtp inet n - n - - smtpd\n").services()
    elif finding.remedy.startswith("Set inet_protocols to all"):
        files.main["inet_protocols"] = "all"
    else:
        return False
    return True


def _keep_last_line(files: Files, finding: Finding) -> bool:
    files.repeated.remove(finding.parameter)
    return True


def _keep_last_entry(files: Files, finding: Finding) -> bool:
    files.services = last_of_each(files.services, files.outlook.configuration.port_of)
    return True


def _rename(files: Files, finding: Finding) -> bool:
    name = finding.parameter
    match = re.match(r"Write (\w+)$", finding.remedy)
    places = re.findall(rf"main\.cf|{_NAME}", finding.message.partition(" in ")[2] or finding.message)
    if finding.code == "ignored_bind_address":
        places = _names(finding.message.partition(" has no effect")[0])
    if "main.cf" in places:
        text = files.main.pop(name)
        files.main.update({match.group(1): text} if match else {})
    for service in files.services:
        if f"{service.name}/{service.type}" in places and name in service.option_values:
            new = {match.group(1): service.option_values[name]} if match else {}
            files.set_options([f"{service.name}/{service.type}"], {name: None, **new})
    return True


def _remove(files: Files, finding: Finding) -> bool:
    return files.everywhere(finding.parameter, lambda _old: {})


def _remove_endpoint(files: Files, finding: Finding) -> bool:
    (name,) = re.findall(r"or remove (\S+) if", finding.remedy)
    files.keep(lambda service: (service.name, service.type) != (name, "inet"))
    return True


def _on_server(files: Files, finding: Finding) -> bool:
    match = re.match(r"Name the service (.*) instead of (\S+)$", finding.remedy)
    if match is None:
        return _rename(files, finding)
    (place,) = _names(finding.message.partition(" changes nothing")[0])
    services = []
    for service in files.services:
        if f"{service.name}/{service.type}" == place:
            options = tuple(option for option in service.options if option[0] != finding.parameter)
            services += [service._replace(name=name, options=options) for name in match.group(1).split(" and ")]
        else:
            services.append(service)
    files.services = services
    return True


def _set_to_it(files: Files, finding: Finding) -> bool:
    match = re.match(r"Set (\w+)(?: and (\w+))? to it if that is meant(,? with)?", finding.remedy)
    if match is None or match.group(3):
        return False
    files.main.update({name: finding.message.split()[0] for name in match.groups()[:2] if name})
    return True


def _set_to_wildcard(files: Files, finding: Finding) -> bool:
    match = re.search(r"or to (\S+) to let the kernel", finding.remedy)
    names = re.match(r"Set (\w+)(?: and (\w+))?", finding.remedy)
    if match is None or names is None:
        return False
    files.main.update({name: match.group(1) for name in names.groups() if name})
    return True


def _send_from(files: Files, finding: Finding) -> bool:
    (address,) = re.findall(r"Send from ([^, ]+)", finding.remedy)
    if any(hop.is_loopback for hop in files.outlook.next_hops):
        return False  # those are what gets a transport of its own
    six = "6" if ":" in address else ""
    name = finding.parameter if "bind_address" in finding.parameter else f"smtp_bind_address{six}"
    files.main[name] = address
    return True


def _give_options(files: Files, finding: Finding) -> bool:
    match = re.match(rf"Give ({_NAME}) the option (.*)$", finding.remedy)
    if match is None:
        return False
    values = dict(text.split("=") for text in match.group(2).split(" and "))
    files.set_options([match.group(1)], values)
    return True


def _same_option(files: Files, finding: Finding) -> bool:
    match = re.match(rf"Give ({_NAME}) the option (.*?) too(, with)?", finding.remedy)
    if match is None or match.group(3):
        return False
    addresses = re.findall(r"sends from (.*) by an option", finding.message)[0].split(" and ")
    files.set_options([match.group(1)], dict(zip(match.group(2).split(" and "), addresses)))
    return True


def _same_in_main(files: Files, finding: Finding) -> bool:
    match = re.search(r", or set (.*) in main\.cf$", finding.remedy)
    if match is None:
        return False
    addresses = re.findall(r"sends from (.*) by an option", finding.message)[0].split(" and ")
    files.main.update(zip(match.group(1).split(" and "), addresses))
    return True


def _set_mynetworks(files: Files, finding: Finding) -> bool:
    files.main["mynetworks"] = "127.0.0.0/8"
    return "Set mynetworks" in finding.remedy


def _narrow(files: Files, finding: Finding) -> bool:
    names = re.findall(r"the services? (.*) listens? ", finding.message)[0].split(", ")
    if finding.remedy.startswith("Write"):
        return False
    if finding.remedy.startswith("Remove"):
        files.keep(lambda service: service.type != "inet" or service.name not in names)
    else:
        files.change(
            [f"{name}/inet" for name in names], lambda service: service._replace(name=split_endpoint(service.name)[1])
        )
    return True


def _widen(files: Files, finding: Finding) -> bool:
    match = re.search(r", or add (.*) to inet_interfaces", finding.remedy)
    if match is not None:
        files.main["inet_interfaces"] += ", " + match.group(1).replace(" and ", ", ")
    elif ", or set inet_interfaces to all" in finding.remedy:
        files.main["inet_interfaces"] = "all"
    else:
        return False
    return True


def _only_one(files: Files, finding: Finding) -> bool:
    names = _names(finding.message)
    files.set_options(names[:1], {finding.parameter: files.main.pop(finding.parameter)})
    return True


def _both_families(files: Files, finding: Finding) -> bool:
    match = re.search(
        r"[Aa]dd the \w+ address .*, such as ([^, ]+)(?:, and set (.*?) to (\S+?))?(?:,|$)", finding.remedy
    )
    if match is not None:
        address, names, wildcard = match.groups()
        files.main["inet_interfaces"] += f", {address}"
        files.main.update({name: wildcard for name in (names or "").split(" and ") if name})
        return True
    match = re.match(r"Set (\w+) too, such as to ([^, ]+)$", finding.remedy)
    if match is None:
        return False
    places = _names(finding.message.rpartition(": ")[2])
    name = match.group(1)
    opposite = name.rstrip("6") if name.endswith("6") else f"{name}6"
    own = [each for each in files.services if f"{each.name}/{each.type}" in places and opposite in each.option_values]
    if own:
        files.set_options(places, {name: match.group(2)})
    else:
        files.main[name] = match.group(2)
    return True


def _one_family(files: Files, finding: Finding) -> bool:
    match = re.search(r"ake (ipv\d) out of inet_protocols", finding.remedy)  # codespell:ignore ake
    if match is None:
        return False
    files.main["inet_protocols"] = "ipv6" if match.group(1) == "ipv4" else "ipv4"
    return True


def _add_loopback(files: Files, finding: Finding) -> bool:
    if not finding.remedy.startswith("Add "):
        return False
    files.main["inet_interfaces"] += ", " + finding.remedy.split()[1]
    return True


def _enforce(files: Files, finding: Finding) -> bool:
    if not finding.remedy.startswith("Set "):
        return False
    for name in re.findall(r"(\w+_enforce) = yes", finding.remedy):
        files.main[name] = "yes"
        files.everywhere(name, lambda _old, name=name: {name: "yes"})
    return True


def _add_proxy(files: Files, finding: Finding) -> bool:
    (addresses,) = re.findall(r"Add (.*) to proxy_interfaces", finding.remedy)
    present = [files.main["proxy_interfaces"]] if files.main.get("proxy_interfaces") else []
    files.main["proxy_interfaces"] = ", ".join([*present, *addresses.split(" and ")])
    return True


WAYS: Dict[str, Sequence[Callable[[Files, Finding], bool]]] = {
    "fatal": (_of_word,),
    "absent_address": (_of_word, _of_source),
    "program_failure": (_process_limit,),
    "wrong_family": (_of_source,),
    "loopback_source": (_of_source,),
    "shared_socket": (_keep_one(0), _keep_one(1)),
    "odd_port": (_port,),
    "postscreen_lacks_service": (_add_line,),
    "intake_lacks_service": (_add_line,),
    "proxy_protocol_on_loopback": (_empty_option,),
    "unknown_transport": (_add_transport,),
    "stranded_next_hop": (_add_family,),
    "stranded_source_address": (_remove, _add_family),
    "temporary_address": (_staying,),
    "no_listener": (_listen,),
    "duplicate_parameter": (_keep_last_line,),
    "duplicate_service": (_keep_last_entry,),
    "misspelt_parameter": (_rename,),
    "unknown_to_version": (_remove,),
    "endpoint_shadows_inet_interfaces": (_remove_endpoint,),
    "ignored_bind_address": (_rename,),
    "ignored_on_server": (_on_server,),
    "implicit_source_address": (_set_to_it, _set_to_wildcard),
    "private_source_address": (_send_from,),
    "bound_next_hop_on_loopback": (_give_options,),
    "half_bound": (_same_option, _same_in_main),
    "mynetworks_grows": (_set_mynetworks,),
    "mynetworks_default": (_set_mynetworks,),
    "nat_without_proxy_interfaces": (_add_proxy,),
    "endpoint_outside_inet_interfaces": (_narrow, _widen),
    "proxy_protocol_for_all": (_only_one,),
    "deprecated_address": (_staying,),
    "half_dual_stack": (_both_families, _one_family),
    "loopback_of_one_family": (_add_loopback,),
    "bind_address_not_enforced": (_enforce,),
}
