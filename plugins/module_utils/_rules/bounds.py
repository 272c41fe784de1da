# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which values of its parameters a program of Postfix takes; of any other it dies when it starts.

Each program has tables of what it reads, with bounds, and every program reads those of src/global/mail_params.c first.
Here they are one text for each set of programs, and :func:`read_bounds` is the only way from it to :class:`Bound`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Dict, Optional, Tuple

from .._base.records import NamedTuple
from .._base.words import words_between
from .parameters import Version

#: What every program reads, what the master does besides, and the command postfix(1), without which no master starts.
#:
#: Each entry begins with the program, the kind of its values, and lower and upper bound. For a text they are about its
#: length. 0 is no bound; a text without any still has to expand. ``name@3.7`` is read since 3.7,
#: ``name@3.5.24,3.6.14,3.7`` since one release of each branch, and ``name<3.6`` before 3.6.
START = """
every yes_no: address_verify_negative_cache backwards_bounce_logfile_compatibility daemon_table_open_error_is_fatal
  disable_dns_lookups disable_mime_input_processing disable_mime_output_conversion dns_ncache_ttl_fix_enable
  enable_idna2003_compatibility enable_long_queue_ids enable_original_recipient helpful_warnings multi_instance_enable
  non_bdb_migration_log_redirect@3.11 owner_request_special requiretls_enable@3.11 respectful_logging@3.6
  send_cyrus_sasl_authzid smtputf8_enable soft_bounce strict_7bit_headers strict_8bitmime strict_8bitmime_body
  strict_mime_encoding_domain strict_smtputf8 tls_required_enable@3.10
every text 1: address_verify_service_name bounce_service_name cleanup_service_name command_directory daemon_directory
  data_directory default_cache_db_type@3.11 default_database_type default_privs defer_service_name
  double_bounce_sender error_service_name flush_service_name hash_queue_names info_log_address_format mail_name
  mail_owner mail_release_date mail_version maillog_file_compressor maillog_file_permissions@3.9 maillog_file_prefixes
  maillog_file_rotate_suffix meta_directory mynetworks_style myorigin
  pickup_service_name postlog_service_name process_id_directory proxymap_service_name proxywrite_service_name
  queue_directory queue_service_name rewrite_service_name setgid_group shlib_directory showq_service_name
  smtputf8_autodetect_classes syslog_facility syslog_name trace_service_name verp_delimiter_filter
every time 1: application_event_drain_time daemon_timeout deliver_lock_delay fork_delay ipc_idle ipc_timeout ipc_ttl
  max_idle stale_lock_time trigger_timeout
every number 1: berkeley_db_create_buffer_size berkeley_db_read_buffer_size debug_peer_level default_process_limit
  deliver_lock_attempts fork_attempts hash_queue_depth header_address_token_limit header_size_limit max_use
  mime_boundary_length_limit mime_nesting_limit socketmap_max_query_size@3.12 socketmap_max_reply_size@3.10
every number 0: dont_remove fault_injection_code tcp_windowsize
every text 2 2: default_verp_delimiters
every number 0 6: delay_logging_resolution_limit
every time 0 10: in_flow_delay
every number 512: line_length_limit
every long 1: lmdb_map_size
every long 0: message_size_limit
every text 0: alias_database alternate_config_directories debug_peer_list default_delivery_status_filter dnssec_probe
  export_environment fast_flush_domains import_environment internal_mail_filter_classes known_tcp_ports@3.6
  maillog_file message_drop_headers multi_instance_directories multi_instance_group multi_instance_name
  multi_instance_wrapper mydestination mynetworks non_bdb_custom_mapping@3.11 non_bdb_migration_service_name@3.11
  parent_domain_matches_subdomains proxy_interfaces recipient_delimiter relay_domains relayhost
master text 0: master_service_disable
every disable|enable-redirect|enable-reindex: non_bdb_migration_level@3.11
master time 1: service_throttle_time
postfix text 1: html_directory mailq_path manpage_directory newaliases_path readme_directory sample_directory
  sendmail_path
"""

_DIGITS = r"[ \t\n\v\f\r]*([+-]?[0-9]+)"
_LONGEST_NUMBER = 30  # characters; Postfix takes no number that is as long, but for zeros
_INT, _LONG = 1 << 31, 1 << 63
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


class Bound(NamedTuple):
    """What the values of one parameter have to be."""

    #: "yes_no", "number", "long" (a number of 64 bits), "time", "text", "raw" (a text whose ``$`` are not replaced);
    #: words with ``|`` between them, in any case, or with a plus before them, for a list of such words as they are
    kind: str
    #: 0 for none, as in Postfix
    low: int
    high: int


@lru_cache(maxsize=8)
def read_bounds(table: str, version: Version) -> Dict[str, Dict[str, Bound]]:
    """Return the bounds of a table, as Postfix of one version has them, by program and parameter."""
    programs: Dict[str, Dict[str, Bound]] = {}
    program, bound = "", Bound("", 0, 0)
    for line in table.splitlines():
        head, colon, names = line.rpartition(":")
        if colon:
            program, kind, low, high = (head.split() + ["0", "0"])[:4]
            bound = Bound(kind, int(low), int(high))
        for word in names.split():
            name = _name_in(word, version) if "@" in word or "<" in word else word
            if name:
                programs.setdefault(program, {})[name] = bound
    return programs


def _name_in(word: str, version: Version) -> str:
    """Return the parameter that a word of a table names; nothing where this version does not read it."""
    word, before, until = word.partition("<")
    name, _at, since = word.partition("@")
    if before and version >= _numbers(until):
        return ""
    first = [_numbers(text) for text in since.split(",")] if since else []
    of_branch = next((one for one in first if one[:2] == version[:2]), first[-1] if first else version)
    return name if version >= of_branch else ""


def _numbers(text: str) -> Tuple[int, ...]:
    return tuple(map(int, text.split(".")))


def problem(bound: Bound, value: str) -> Optional[Tuple[str, str]]:
    """Return why a program dies of a value, and the remedy; None where it takes it."""
    if bound.kind == "yes_no":
        return None if value.lower() in ("yes", "no") else ("is neither yes nor no", "Write yes or no")
    if bound.kind.startswith("+"):
        return _problem_of_words(bound, value)
    if "|" in bound.kind:
        words = bound.kind.split("|")
        fits = value.lower() in words
        return (
            None
            if fits
            else ("is not a word that Postfix knows here", f"Write one of {', '.join(filter(None, words))}")
        )
    if bound.kind in ("text", "raw"):
        return _problem_of_text(bound, value)
    number = _time(value) if bound.kind == "time" else _whole(value, _LONG if bound.kind == "long" else _INT)
    if number is None and bound.kind == "time":
        return "is not a time", "Write a number and one of the units s, m, h, d and w, as in 10s"
    if number is None:
        return "is not a whole number that Postfix can use", "Write digits alone"
    unit = "s" if bound.kind == "time" else ""
    if bound.low and number < bound.low:
        return f"is less than {bound.low}{unit}, the least that Postfix takes", f"Write {bound.low}{unit} or more"
    if bound.high and number > bound.high:
        return f"is more than {bound.high}{unit}, the most that Postfix takes", f"Write {bound.high}{unit} or less"
    return None


def _problem_of_words(bound: Bound, value: str) -> Optional[Tuple[str, str]]:
    known, words = bound.kind[1:].split("|"), words_between(value, " \t\r\n,")
    unknown = [word for word in words if word not in known]
    if unknown:
        return f"has {unknown[0]!r}, which Postfix does not know here", f"Write {', '.join(known)}, or some of them"
    return _problem_of_text(bound, value) if bound.low else None


def _problem_of_text(bound: Bound, value: str) -> Optional[Tuple[str, str]]:
    if not value and bound.low:
        return "is empty", "Give it a value, or remove the line"
    if (bound.low and len(value) < bound.low) or (bound.high and len(value) > bound.high):
        return f"does not have {bound.low} characters", f"Write {bound.low} characters"
    return None


def _whole(value: str, limit: int) -> Optional[int]:
    """Return what strtol(3) makes of a text that is a number and nothing else."""
    match = re.match(_DIGITS, value)
    if match is None or match.end() != len(value) or len(value) > _LONGEST_NUMBER:
        return None
    number = int(match.group(1))
    return number if -limit <= number < limit else None


def _time(value: str) -> Optional[int]:
    """Return seconds: a number, which may be left out, and a unit, behind which Postfix does not look."""
    match = re.match(_DIGITS, value)
    end = match.end() if match else 0
    number = _whole(value[:end], _INT) if match else 0
    seconds = _UNITS.get(value[end : end + 1] or "s")
    if (
        not value
        or number is None
        or seconds is None
        or number < 0
        or (seconds > 1 and number >= (_INT - 1) // seconds)
    ):
        return None
    return number * seconds
