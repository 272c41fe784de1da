/* Copyright (c) 2026 The mailfleet.postfix authors
   GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
   SPDX-License-Identifier: GPL-3.0-or-later

   What hosts say becomes text nodes and attributes here, never markup. Rows exist only where they are seen. */
"use strict";
(() => {
  const started = performance.now();
  const data = JSON.parse(document.getElementById("data").textContent);
  const texts = data.texts;
  const isPlan = data.playbook === "plan";
  const STATUSES = ["unreachable", "refused", "drift", "finding", "unknown", "untouched", "changed", "ok"];
  const SEVERITIES = ["error", "warning", "info"];
  const WORDS = {
    unreachable: "Unreachable", refused: "Failed", drift: "Not in line", finding: "Findings", untouched: "Left alone",
    changed: "Changed", ok: "In line", unknown: "Unknown",
    ...(isPlan && { refused: "Refused", changed: "Would change", ok: "Stays" }),
  };
  const $ = (id) => document.getElementById(id);
  const many = (number, word, words = `${word}s`) => `${number.toLocaleString("en")} ${number === 1 ? word : words}`;
  const unique = (list) => [...new Set(list)];
  const place = (address, port) => (address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`);
  const isLoopback = (address) => address === "::1" || address.startsWith("127.");
  const isLocal = (address) => isLoopback(address) || /^fe[89ab]/.test(address);

  function fill(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes || {})) {
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (value === true) element.setAttribute(name, "");
      else if (value !== false && value != null) element.setAttribute(name, value);
    }
    for (const child of children.flat(Infinity)) if (child != null && child !== false) element.append(child);
    return element;
  }
  const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
  const s = (tag, attributes, ...children) =>
    fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
  const icon = (name) => s("svg", { class: `i s-${name}`, "aria-hidden": "true" }, s("use", { href: `#i-${name}` }));
  const cut = (text, length) =>
    text.length <= length ? text : `${text.slice(0, Math.ceil(length / 2) - 1)}…${text.slice(1 - Math.floor(length / 2))}`;

  /* ---- the hosts ---- */

  const titleOf = (record) => (!record.instance || record.instance === "-" ? "default instance" : record.instance);
  const sourceWords = (source) => source === 0 ? "not used" : source[2] ? `none leaves: ${source[2]}` : source[0] || "kernel\u2019s choice";
  const plan = isPlan && planOf(data, { h, many, unique, place, sourceWords, titleOf, summed });
  const point = ([severity, code, parameter, message, remedy, isNew]) =>
    ({ severity, code, parameter, message: texts[message], remedy: texts[remedy], new: isNew });

  /* The ports that records have open, and what they send from. */
  function summed(records) {
    const views = records.map((record) => (plan ? plan.viewOf(record) : record.now));
    const open = records.flatMap((record) => record.sockets.filter((each) => each[2] !== "missing").map((each) => each[1]));
    const promised = views.flatMap((view) => (view?.listeners || []).map((each) => each[2]));
    const ports = unique(records.some((record) => record.sockets.length) ? open : promised).sort((a, b) => a - b);
    const clients = views.flatMap((view) => (view?.clients || []).flatMap((each) => [each[1], each[2]]));
    const sources = unique(clients.filter(Boolean).filter((each) => !each[2]).map((each) => each[0] || ""));
    return { ports, sources, sends: [...sources.filter(Boolean), ...(sources.includes("") ? ["kernel\u2019s choice"] : [])] };
  }
  const byName = new Map();
  for (const record of data.instances) {
    record.findings = (record.findings || []).map(point);
    record.resolved = (record.resolved || []).map(point);
    if (!byName.has(record.host)) byName.set(record.host, { name: record.host, group: record.group || "", records: [], fleet: [] });
    byName.get(record.host).records.push(record);
  }
  const urgency = (finding) => SEVERITIES.indexOf(finding.severity) * 2 + (finding.new ? 0 : 1);
  if (plan) data.findings.sort((a, b) => urgency(a) - urgency(b));
  for (const finding of data.findings)
    for (const name of unique(finding.places.map((each) => each.host))) byName.get(name)?.fleet.push(finding);
  const hosts = [...byName.values()];
  for (const host of hosts) {
    const { records } = host;
    const found = [...records.flatMap((record) => record.findings), ...host.fleet];
    host.status = STATUSES[Math.min(...records.map((record) => STATUSES.indexOf(record.status)))];
    host.rank = STATUSES.indexOf(host.status);
    host.addresses = (records.find((record) => record.addresses.length) || records[0]).addresses;
    for (const severity of SEVERITIES) host[severity] = found.filter((each) => each.severity === severity).length;
    host.codes = unique(found.map((each) => each.code));
    host.action = ["start", "restart", "reload"].find((action) => records.some((record) => record.action === action)) || "";
    host.version = records.find((record) => record.version)?.version || "";
    Object.assign(host, summed(records));
    if (plan) plan.look(host);
    host.text = [
      host.name, host.group, WORDS[host.status], host.version, ...host.codes, ...host.ports.map((port) => `:${port}`),
      ...host.addresses.flatMap((each) => [each[0], each[2]]), ...host.sends,
      ...records.flatMap((record) => [record.instance || "", record.problem || "", record.action, record.presence || ""]),
    ].join("\n").toLowerCase();
  }
  const collator = new Intl.Collator("en", { numeric: true });
  const ordered = (key) => {
    const texts = unique(hosts.map((host) => host[key])).sort(collator.compare);
    const ranks = new Map(texts.map((text, rank) => [text, rank]));
    return (host) => ranks.get(host[key]);
  };
  hosts.forEach((host) => { host.first = host.sends[0] || ""; host.port = host.ports.join(" "); });
  const rankOf = {
    host: ordered("name"), group: ordered("group"), version: ordered("version"), sends: ordered("first"), ports: ordered("port"),
    state: (host) => host.rank, errors: (host) => -host.error, warnings: (host) => -host.warning,
    needs: (host) => -["", "vanishes", "appears", "reload", "restart", "start"].indexOf(host.action),
  };

  /* ---- the head ---- */

  const total = data.summary.statuses;
  const well = total.ok + total.changed + total.finding;
  if (data.time) $("time").textContent = new Date(data.time).toLocaleString("en-GB", { dateStyle: "long", timeStyle: "short", timeZone: "UTC" }) + " UTC";
  $("sum").textContent = `${many(hosts.length, "host")}, ${many(data.summary.instances, "instance")}`;
  if (!hosts.length) $("verdict").textContent = "There are no hosts in this report.";
  else if (plan) $("verdict").append(...plan.verdict(hosts, total));
  else if (total.ok + total.changed === hosts.length)
    $("verdict").textContent = hosts.length === 1 ? "The host is in line." : `All ${hosts.length.toLocaleString("en")} hosts are in line.`;
  else {
    const rest = [[total.drift, "not"], [total.refused, "failed"], [total.unreachable, "unreachable"], [total.untouched, "left alone"]];
    const parts = rest.filter(([number]) => number).map(([number, word]) => `${number.toLocaleString("en")} ${word}`);
    if (!parts.length) parts.push(`${total.finding.toLocaleString("en")} with findings`);
    $("verdict").append(`${well.toLocaleString("en")} of ${many(hosts.length, "host")} in line`, h("span", {}, `, ${parts.join(", ")}`));
  }
  const shown = ["ok", "changed", "finding", "drift", "refused", "unreachable", "unknown", "untouched"].filter((status) => total[status]);
  const chosen = { statuses: new Set(), group: "", code: "", action: "", words: [], sort: "state", down: false };
  for (const status of shown) {
    const part = h("i", { class: `s-${status}` });
    part.style.flexGrow = total[status];
    $("bar").append(part);
    $("tiles").append(
      h("button", { type: "button", class: `tile s-${status}`, "aria-pressed": "false", "data-status": status, onclick: () => toggle(status) },
        icon(status), h("b", {}, total[status].toLocaleString("en")), h("small", {}, WORDS[status])));
  }

  function findingOf(finding, more) {
    return h("li", { class: "point" }, icon(finding.severity), h("p", {}, finding.new && h("b", { class: "new" }, "New: "), `${finding.message}. `),
      h("p", { class: "remedy" }, `${finding.remedy}. `, h("span", { class: "tag" }, finding.code)), more);
  }

  /* A list that begins with its first entries. */
  function longList(list, most, make, word, words = `${word}s`) {
    const box = h("ul", {});
    let count = 0;
    const more = h("button", { type: "button", class: "plain", onclick: () => grow(count + 50) });
    function grow(upto) {
      for (; count < Math.min(upto, list.length); count++) box.append(make(list[count]));
      more.hidden = count >= list.length;
      more.textContent = `Show ${many(Math.min(50, list.length - count), `more ${word}`, `more ${words}`)}`;
    }
    grow(most);
    return [box, more];
  }

  if (data.findings.length) {
    const links = (finding) => {
      const names = unique(finding.places.map((each) => each.host));
      return h("div", { class: "links" }, names.slice(0, 6).map((name) =>
        h("button", { type: "button", class: "link", onclick: () => open(byName.get(name)) }, name)),
        names.length > 6 && h("span", { class: "tag" }, `and ${names.length - 6} more`));
    };
    $("fleet").append(h("div", { class: "card" },
      h("h2", {}, "Across hosts", h("span", {}, many(data.findings.length, "finding"))),
      longList(data.findings, 4, (finding) => findingOf(finding, links(finding)), "finding")));
  }
  const codes = new Map();
  for (const host of hosts)
    for (const finding of [...host.records.flatMap((record) => record.findings), ...host.fleet]) {
      const known = codes.get(finding.code) || { code: finding.code, severity: finding.severity, hosts: new Set() };
      if (SEVERITIES.indexOf(finding.severity) < SEVERITIES.indexOf(known.severity)) known.severity = finding.severity;
      known.hosts.add(host);
      codes.set(finding.code, known);
    }
  const frequent = [...codes.values()].sort((a, b) =>
    SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) || b.hosts.size - a.hosts.size || (a.code < b.code ? -1 : 1));
  if (frequent.length) {
    const most = Math.max(...frequent.map((each) => each.hosts.size));
    $("fleet").append(h("div", { class: "card codes" }, h("h2", {}, "Findings by kind", h("span", {}, "hosts")),
      longList(frequent, 9, (each) => {
        const part = h("i", { class: `s-${each.severity}` });
        part.style.width = `${(100 * each.hosts.size) / most}%`;
        return h("li", {}, icon(each.severity),
          h("button", { type: "button", class: "link", "data-code": each.code, "aria-pressed": "false", title: each.code, onclick: () => { chosen.code = chosen.code === each.code ? "" : each.code; update(); } }, each.code),
          h("span", { class: "len", "aria-hidden": "true" }, part), h("span", {}, each.hosts.size.toLocaleString("en")));
      }, "kind")));
  }
  if (data.difference) $("fleet").append(plan.card(longList));
  $("fleet").classList.toggle("one", $("fleet").children.length < 2);

  /* ---- what the world sees ---- */

  const seenOf = new Map(hosts.map((host) => [host.name, []]));
  for (const seen of data.sources) seenOf.get(seen.host)?.push(seen);
  const has = (addresses) => (addresses == null ? "not known" : addresses.length ? `has ${addresses.join(", ")}` : "has no address");
  function seenRow(seen) {
    const cell = (title, codes, ...content) => h("div", { class: codes.some((code) => seen.codes.includes(code)) ? "wrong" : null }, h("small", {}, title), content);
    const verdicts = Object.entries(seen.spf);
    return h("li", { class: "seen" },
      h("div", {}, icon(seen.severity || "ok"), h("b", { class: "mono" }, seen.address),
        h("p", {}, `${seen.source} of `, h("button", { type: "button", class: "link", onclick: () => open(byName.get(seen.host)) }, seen.host), seen.state !== "active" && `, ${seen.state}`)),
      cell("PTR", ["no_ptr", "ptr_mismatch"], !seen.ptr?.length ? h("b", {}, seen.ptr ? "none" : "not known")
        : seen.ptr.map((name) => [h("b", {}, name), h("p", {}, has(seen.forward[name]))])),
      cell("HELO", ["helo_does_not_resolve", "helo_mismatch"], h("b", {}, seen.helo || "as the host is named"), seen.helo && h("p", {}, has(seen.helo_addresses))),
      cell("SPF", ["not_in_spf"], verdicts.length ? verdicts.map(([domain, { result, why }]) =>
        [h("b", {}, `${result} `), h("span", {}, domain), result !== "pass" && why && h("p", {}, why)]) : h("b", {}, "not known")));
  }
  if (data.records) {
    const wrong = data.sources.filter((seen) => seen.severity), rank = (seen) => (seen.severity ? SEVERITIES.indexOf(seen.severity) : SEVERITIES.length);
    const asked = data.records.asked_at ? `, asked ${data.records.asked_at.replace("T", " ").replace("Z", " UTC")}` : "";
    const { errors } = data.records;
    $("world").append(h("details", { class: "card" },
      h("summary", {}, h("h2", {}, "What the world sees", h("span", {}, `${many(data.sources.length, "address", "addresses")}, ${wrong.length ? `${wrong.length.toLocaleString("en")} with findings` : "nothing found"}${asked}`))),
      longList([...data.sources].sort((a, b) => rank(a) - rank(b)), 8, seenRow, "address"),
      errors.length > 0 && [h("h3", {}, "Not answered by DNS"), longList(errors, 4, (error) => h("li", { class: "mono" }, error), "question")]));
  }

  /* ---- the list ---- */

  const COLUMNS = [
    ["state", "State", "state", (host) => [icon(host.status), h("span", {}, WORDS[host.status])]],
    ["host", "Host", "host", (host) => host.name],
    ["group", "Group", "group dim", (host) => host.group],
    ["needs", "Needs", "needs", (host) => host.action],
    ["errors", "Errors", "errors right bad", (host) => (host.error ? host.error.toLocaleString("en") : "")],
    ["warnings", "Warn.", "warnings right warn", (host) => (host.warning ? host.warning.toLocaleString("en") : "")],
    ["ports", "Listens on", "more mono", (host) => host.ports.join(" ")],
    ["sends", "Sends from", "more more2 mono", (host) => (host.sends.length > 1 ? `${host.sends[0]} +${host.sends.length - 1}` : host.sends.join(""))],
    ["version", "Postfix", "more more2 dim", (host) => host.version],
  ];
  const grid = $("grid");
  const head = h("div", { class: "head", role: "row", "aria-rowindex": "1" }, COLUMNS.map(([key, title, style]) =>
    h("div", { role: "columnheader", "data-key": key, class: style.replace(/state|needs|bad|warn\b|mono|dim/g, "") },
      h("button", { type: "button", tabindex: "-1", onclick: () => { chosen.down = chosen.sort === key && !chosen.down; chosen.sort = key; update(); } }, title))));
  const body = h("div", { role: "rowgroup", class: "rows" });
  const rows = h("div", { role: "presentation", class: "some" });
  body.append(rows);
  body.style.position = "relative";
  Object.assign(rows.style, { position: "absolute", left: "0", right: "0" });
  grid.append(h("div", { role: "rowgroup" }, head), body);
  head.parentElement.style.display = "contents";
  let matching = [], active = 0, first = -1, last = -1, opened = null, height = 40;

  function update(keep) {
    const { statuses, group, code, action, words } = chosen;
    matching = hosts.filter((host) => (!statuses.size || statuses.has(host.status)) && (!group || host.group === group) &&
      (!code || host.codes.includes(code)) && (!action || host.actions.includes(action)) && words.every((word) => host.text.includes(word)));
    const rank = rankOf[chosen.sort], turn = chosen.down ? -1 : 1;
    matching.sort((a, b) => turn * (rank(a) - rank(b)) || rankOf.host(a) - rankOf.host(b));
    if (!keep) active = 0;
    const filtered = statuses.size || group || code || action || words.length;
    $("count").textContent = filtered ? `${matching.length.toLocaleString("en")} of ${many(hosts.length, "host")}` : many(hosts.length, "host");
    $("reset").hidden = !filtered;
    $("nothing").hidden = matching.length > 0;
    grid.hidden = !matching.length;
    $("group").value = group;
    $("code").value = code;
    $("action").value = action;
    for (const button of document.querySelectorAll(".tile")) button.setAttribute("aria-pressed", String(statuses.has(button.dataset.status)));
    for (const button of document.querySelectorAll(".codes .link")) button.setAttribute("aria-pressed", String(button.dataset.code === code));
    for (const cell of head.children)
      cell.setAttribute("aria-sort", cell.dataset.key === chosen.sort ? (chosen.down ? "descending" : "ascending") : "none");
    grid.setAttribute("aria-rowcount", matching.length + 1);
    first = last = -1;
    render();
  }

  function render() {
    height = parseInt(getComputedStyle(document.documentElement).getPropertyValue("--row"), 10) || 40;
    body.style.height = `${matching.length * height}px`;
    const top = body.getBoundingClientRect().top;
    const from = Math.max(0, Math.min(matching.length, Math.floor(-top / height)) - 8);
    const upto = Math.min(matching.length, Math.ceil((innerHeight - top) / height) + 8);
    if (from === first && upto === last) return;
    first = from;
    last = Math.max(from, upto);
    rows.style.top = `${first * height}px`;
    rows.replaceChildren(...matching.slice(first, last).map((host, index) => rowOf(host, first + index)));
    mark();
  }

  function rowOf(host, index) {
    return h("div", { class: `row s-${host.status}`, role: "row", id: `r${index}`, "aria-rowindex": index + 2, onclick: () => { active = index; open(host); } },
      COLUMNS.map(([, , style, make]) => {
        const content = make(host);
        return h("div", { role: "gridcell", class: content.length ? style : `${style.replace(/bad|warn\b|needs/g, "")} none`, title: typeof content === "string" && content.length > 12 ? content : null },
          content.length ? content : "·");
      }));
  }

  function mark() {
    for (const row of rows.children) {
      const index = Number(row.id.slice(1));
      row.classList.toggle("active", index === active && document.activeElement === grid);
      row.classList.toggle("chosen", matching[index] === opened);
      row.setAttribute("aria-selected", String(matching[index] === opened));
    }
    if (matching.length) grid.setAttribute("aria-activedescendant", `r${active}`);
  }

  function go(index) {
    active = Math.max(0, Math.min(matching.length - 1, index));
    const top = body.getBoundingClientRect().top + active * height;
    const over = grid.getBoundingClientRect().width && innerWidth > 760 ? 96 : 130;
    if (top < over) scrollBy(0, top - over);
    else if (top + height > innerHeight - 8) scrollBy(0, top + height - innerHeight + 8);
    render();
    mark();
    if (opened && innerWidth >= 1180 && matching[active]) open(matching[active], true);
  }

  function toggle(status) {
    if (!chosen.statuses.delete(status)) chosen.statuses.add(status);
    update();
  }
  const options = (select, all, names) => select.append(h("option", { value: "" }, all), ...names.map((name) => h("option", { value: name }, name)));
  options($("group"), "All groups", unique(hosts.map((host) => host.group)).filter(Boolean).sort(collator.compare));
  options($("code"), "All findings", [...codes.keys()].sort());
  $("group").addEventListener("change", (event) => { chosen.group = event.target.value; update(); });
  $("code").addEventListener("change", (event) => { chosen.code = event.target.value; update(); });
  if (plan) {
    const present = plan.ACTIONS.filter(([action]) => hosts.some((host) => host.actions.includes(action)));
    $("action").append(h("option", { value: "" }, "All actions"), ...present.map(([action, word]) => h("option", { value: action }, word)));
    $("action").addEventListener("change", (event) => { chosen.action = event.target.value; update(); });
    $("actions").hidden = false;
    $("work").classList.add("wide");
  }
  $("search").addEventListener("input", (event) => { chosen.words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean); update(); });
  $("reset").addEventListener("click", () => {
    Object.assign(chosen, { statuses: new Set(), group: "", code: "", action: "", words: [] });
    $("search").value = "";
    update();
    $("search").focus();
  });
  addEventListener("scroll", render, { passive: true });
  addEventListener("resize", () => { first = -1; render(); if (opened) detail(opened); });
  grid.addEventListener("focus", mark);
  grid.addEventListener("blur", mark);
  grid.addEventListener("keydown", (event) => {
    const page = Math.max(1, Math.floor(innerHeight / height) - 4);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.target !== grid) return;
    if (event.key in steps) go(Number.isFinite(steps[event.key]) ? active + steps[event.key] : steps[event.key] < 0 ? 0 : matching.length - 1);
    else if (event.key === "Enter" && matching[active]) { open(matching[active]); $("panel").focus({ preventScroll: true }); }
    else return;
    event.preventDefault();
  });
  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) { $("search").focus(); $("search").select(); }
    else if (event.key === "Escape" && event.target === $("search") && $("search").value) { $("search").value = ""; chosen.words = []; update(); }
    else if (event.key === "Escape" && opened) { close(); grid.focus({ preventScroll: true }); }
    else if ((event.key === "ArrowDown" || event.key === "Enter") && event.target === $("search")) grid.focus();
    else return;
    event.preventDefault();
  });

  /* ---- one host ---- */

  function open(host, quiet) {
    opened = host;
    $("work").classList.add("open");
    $("panel").hidden = false;
    detail(host);
    $("panel").scrollTop = 0;
    if (innerWidth < 1180 && !quiet) $("panel").focus({ preventScroll: true });
    history.replaceState(null, "", `#host=${encodeURIComponent(host.name)}`);
    first = -1;
    render();
  }
  function close() {
    opened = null;
    $("work").classList.remove("open");
    $("panel").hidden = true;
    history.replaceState(null, "", location.pathname + location.search);
    first = -1;
    render();
  }

  function detail(host) {
    const panel = $("panel");
    const width = Math.max(280, panel.clientWidth - 34);
    panel.setAttribute("aria-label", `Host ${host.name}`);
    panel.replaceChildren(
      h("header", {}, h("h2", {}, host.name), h("span", { class: `chip s-${host.status}` }, icon(host.status), WORDS[host.status]),
        h("button", { type: "button", class: "close", "aria-label": "Close", onclick: () => { close(); grid.focus({ preventScroll: true }); } }, "×")),
      h("div", { class: "body" }, about(host, width)));
  }

  function about(host, width) {
    const several = host.records.length > 1;
    const problems = unique(host.records.map((record) => record.problem).filter(Boolean));
    const facts = [["Group", host.group], ["Postfix", host.version], ["Instances", several ? String(host.records.length) : ""]];
    const list = (title, note, points) => points.length ? [h("h3", {}, title, note && h("span", {}, ` ${note}`)), h("ul", {}, points)] : [];
    return [
      h("p", { class: "facts" }, facts.filter(([, value]) => value).map(([name, value]) => h("span", {}, `${name} `, h("b", {}, value)))),
      problems.map((problem) => h("div", { class: `callout s-${host.status}` }, icon(host.status),
        h("p", {}, several ? `${host.records.filter((record) => record.problem === problem).map(titleOf).join(", ")}: ` : "", problem))),
      plan && host.changed ? [plan.drawings(host, width, drawing), host.records.map((record) => plan.about(record, several))] : drawing(host, width),
      list("Across hosts", "", host.fleet.map((finding) => findingOf(finding))),
      list("What the world sees", "", seenOf.get(host.name).map(seenRow)),
      host.records.map((record) => [
        record.now?.error || record.planned?.error ? h("div", { class: "callout s-error" }, icon("error"), h("p", {}, record.now?.error || record.planned.error)) : [],
        plan ? [] : changes(record, several),
        list("Findings", several ? titleOf(record) : "", record.findings.map((finding) => findingOf(finding))),
        list("No longer found", several ? titleOf(record) : "", record.resolved.map((finding) => findingOf(finding))),
      ]),
    ];
  }

  /* What a run would change, as lines that come and go. */
  function changes(record, several) {
    const lines = [];
    for (const step of record.steps || []) lines.push(["plus", step]);
    if (record.planned && record.now) {
      const words = (view) => [
        ...view.listeners.map((each) => `listen  ${place(each[1], each[2])}  ${each[0].split(":").pop()}`),
        ...view.clients.flatMap((each) => [1, 2].filter((family) => each[family] !== 0).map((family) => `send    ${each[0]}  IPv${family === 1 ? 4 : 6}  ${sourceWords(each[family])}`)),
      ];
      const before = words(record.now), after = words(record.planned);
      lines.push(...before.filter((line) => !after.includes(line)).map((line) => ["minus", line]));
      lines.push(...after.filter((line) => !before.includes(line)).map((line) => ["plus", line]));
    }
    const why = unique((record.reasons || []).map(([parameter, reason]) => `${parameter}: ${reason}`));
    if (!lines.length && !why.length) return [];
    const title = data.playbook === "audit" ? `A run would ${record.action && record.action !== "none" ? `${record.action} Postfix` : "change"}` : "Changes";
    return [h("h3", {}, title, several && h("span", {}, ` ${titleOf(record)}`)),
      h("table", { class: "delta" }, h("tbody", {}, lines.map(([kind, line]) => h("tr", { class: kind }, h("td", {}, kind === "plus" ? "+" : "−"), h("td", {}, line))))),
      why.map((line) => h("p", { class: "why" }, `${line}.`))];
  }

  /* ---- the drawing: interfaces and addresses in the middle, a line for each listener and for each sender ---- */

  const KEYS = [
    ["listening", "listens"], ["files", "in its files, not open"], ["missing", "would be added"], ["unexpected", "would go"],
    ["source", "sends from"], ["kernel", "kernel may choose"], ["fails", "no mail leaves"],
  ];
  function dot(kind, x, y, title) {
    const tip = title && s("title", {}, title);
    if (kind === "unexpected") return s("path", { class: "dot d-unexpected", d: `M${x} ${y - 6}l6 6l-6 6l-6-6z` }, tip);
    if (kind === "fails") return s("path", { class: "dot d-fails", d: `M${x - 4} ${y - 4}l8 8m0-8l-8 8` }, tip);
    return s("circle", { class: `dot d-${kind}`, cx: x, cy: y, r: kind === "kernel" ? 4 : 5 }, tip);
  }

  /* Several sockets can cover one address, such as the old one for it alone and the new one for all. */
  function together(kinds) {
    const goes = kinds.includes("unexpected");
    if (kinds.includes("listening") || (goes && (kinds.includes("missing") || kinds.includes("files")))) return "listening";
    return goes ? "unexpected" : kinds[0];
  }

  function listenersOf(record) {
    const columns = new Map();
    const add = (name, address, port, kind) => {
      const label = name === "" || name === String(port) ? String(port) : `${port} ${name}`;
      if (!columns.has(label)) columns.set(label, { label, port, cells: new Map() });
      const { cells } = columns.get(label);
      if (kind || !cells.has(address)) cells.set(address, kind || "");
    };
    const states = new Map(record.sockets.map(([address, port, state]) => [place(address, port), state]));
    const now = record.now?.listeners || [], later = (record.planned || record.now)?.listeners || [];
    const wanted = new Set(later.map((each) => place(each[1], each[2])));
    const known = new Set();
    for (const [service, address, port] of [...now, ...later]) {
      const socket = place(address, port), state = states.get(socket);
      known.add(socket);
      const kind = !states.size ? (wanted.has(socket) ? (now.length ? "listening" : "missing") : "unexpected")
        : state === "missing" ? (now.some((each) => place(each[1], each[2]) === socket) ? "files" : "missing")
          : state === "unexpected" ? "unexpected" : state === "listening" ? "listening" : "files";
      add(service.split(":").pop(), address, port, kind);
    }
    for (const [address, port, state] of record.sockets)
      if (!known.has(place(address, port))) add("", address, port, state === "missing" ? "missing" : "unexpected");
    return [...columns.values()].sort((a, b) => a.port - b.port || collator.compare(a.label, b.label));
  }

  function sendersOf(record) {
    const groups = new Map();
    const now = new Map((record.now?.clients || []).map((each) => [each[0], each]));
    const later = new Map(((record.planned || record.now)?.clients || []).map((each) => [each[0], each]));
    for (const transport of unique([...now.keys(), ...later.keys()])) {
      const pair = [now.get(transport), later.get(transport)].map((each) => (each ? [each[1] && [each[1][0], each[1][2]], each[2] && [each[2][0], each[2][2]]] : null));
      const key = JSON.stringify(pair);
      if (!groups.has(key)) groups.set(key, { names: [], pair });
      groups.get(key).names.push(transport.replace(/\/unix$/, ""));
    }
    return [...groups.values()].map(({ names, pair }) => {
      const cells = new Map(), wild = [];
      const [before, after] = pair;
      let fails = "";
      for (const family of [0, 1]) {
        const then = after?.[family], was = before?.[family];
        if (then && then[1]) fails = then[1];
        else if (then && then[0]) cells.set(then[0], was && was[0] === then[0] ? "source" : "missing");
        else if (then) wild.push(family);
        if (was && was[0] && !was[1] && was[0] !== then?.[0]) cells.set(was[0], "unexpected");
      }
      return { label: names.length > 2 ? `${names[0]} +${names.length - 1}` : names.join(", "), title: names.join(", "), cells, wild, fails };
    });
  }

  /* What is drawn of a host: its records, and a line for each port and for each client. */
  function linesOf(host) {
    const parts = host.records.filter((record) => record.instance != null && (record.now || record.planned || record.sockets.length));
    const several = parts.length > 1;
    const named = (record, column) => {
      const suffix = several && record.instance !== "-" ? ` (${record.instance.replace(/^postfix-/, "")})` : "";
      return { ...column, label: column.label + suffix, title: (column.title || column.label) + suffix };
    };
    const left = parts.flatMap((record) => listenersOf(record).map((column) => named(record, column)));
    const right = parts.flatMap((record) => sendersOf(record).map((column) => named(record, column)));
    const labels = [...left, ...right].map((column) => labelWidth(column.label));
    return { parts, left, right, zone: Math.ceil(Math.max(24, ...labels) * 0.72) + 26 };
  }
  const labelWidth = (text) => text.length * 7.25;

  /* beside: another host whose drawing is beside this one, for which room is left above. */
  function drawing(host, width, beside = host) {
    const { parts, left, right } = linesOf(host);
    if (!host.addresses.length && !parts.length) return [];
    const zone = Math.max(...[host, beside].map((each) => linesOf(each).zone));
    /* which addresses are used */
    const used = new Set([...left, ...right].flatMap((column) => [...column.cells.keys()]));
    const present = new Set(host.addresses.map((each) => each[0]));
    const ghosts = [...used].filter((address) => !present.has(address) && address !== "0.0.0.0" && address !== "::");
    const boxes = new Map();
    for (const [address, prefix, name, ...flags] of host.addresses) {
      if (!boxes.has(name)) boxes.set(name, []);
      boxes.get(name).push({ address, text: prefix == null ? address : `${address}/${prefix}`, flags });
    }
    for (const [name, list] of boxes) {
      if (list.length <= 12) continue;
      const keep = list.filter((each) => used.has(each.address)).slice(0, 60);
      const rest = list.length - keep.length;
      boxes.set(name, rest ? [...(keep.length ? keep : [list[0]]), { address: "", text: `+ ${keep.length ? rest : rest - 1} more`, flags: [], quiet: true, sample: list.find((each) => !used.has(each.address)).address }] : keep);
    }
    if (ghosts.length) boxes.set("on no interface", ghosts.map((address) => ({ address, text: address, flags: [], ghost: true })));

    const STEP = width < 420 ? 22 : 26, ROW = 25, GAP = 10, HEAD = 24;
    const overhang = right.length ? Math.max(...right.map((column, index) => labelWidth(column.label) * 0.72 - (right.length - 1 - index) * STEP)) : 0;
    const entries = [...boxes.values()].flat();
    const natural = Math.max(150, ...entries.map((each) => labelWidth(each.text) + (each.flags.length ? each.flags.join(" ").length * 6 + 8 : 0) + 26));
    const x0 = left.length * STEP + (left.length ? 8 : 0), side = right.length * STEP + (right.length ? 8 : 0);
    const boxWidth = Math.round(Math.min(natural, Math.max(150, width - x0 - side - Math.max(6, overhang))));
    const fit = Math.floor((boxWidth - 24) / 7.25);
    const x1 = x0 + boxWidth;
    const columnX = (index) => 4 + STEP / 2 + index * STEP - 4;
    const rightX = (index) => x1 + 8 + STEP / 2 + index * STEP;
    const nodes = [], marks = [], rowsAt = new Map(), places = [];
    let y = zone;
    for (const [name, list] of boxes) {
      const ghost = list[0].ghost, tall = HEAD + list.length * ROW + 4;
      nodes.push(s("rect", { class: `box${ghost ? " ghost" : ""}`, x: x0, y, width: boxWidth, height: tall, rx: 7 }),
        s("text", { class: `name${ghost ? " ghostname" : ""}`, x: x0 + 12, y: y + 17 }, cut(name || "addresses", fit)));
      list.forEach((entry, index) => {
        const middle = y + HEAD + index * ROW + ROW / 2 - 2;
        const row = { ...entry, y: middle, low: x0, high: x1 };
        places.push(row);
        if (entry.address) rowsAt.set(entry.address, row);
        const room = fit - (entry.flags.length ? Math.ceil((entry.flags.join(" ").length * 6 + 8) / 7.25) : 0);
        nodes.push(s("text", { x: x0 + 12, y: middle + 4, class: entry.quiet || (!used.has(entry.address) && !entry.ghost) ? "quiet" : null },
          cut(entry.text, Math.max(room, 12)), entry.text.length > room && s("title", {}, entry.text)));
        if (entry.flags.length) nodes.push(s("text", { class: "small", x: x1 - 10, y: middle + 4, "text-anchor": "end" }, entry.flags.join(" ")));
      });
      y += tall + GAP;
    }
    const kinds = new Set();
    const cover = (address) => address === "0.0.0.0" ? places.filter((row) => !(row.address || row.sample).includes(":") && !row.ghost)
      : address === "::" ? places.filter((row) => (row.address || row.sample).includes(":") && !row.ghost) : rowsAt.has(address) ? [rowsAt.get(address)] : [];
    const strip = (columns, at, title, side) => columns.forEach((column, index) => {
      const x = at(index), rowsHit = [];
      const hit = (row, kind, tip) => { rowsHit.push([row, kind, tip]); kinds.add(kind); };
      const seen = new Map();
      for (const [address, kind] of column.cells)
        for (const row of cover(address)) seen.set(row, [...(seen.get(row) || []), kind]);
      for (const [row, list] of seen) hit(row, together(list), `${column.title}: ${row.text}`);
      for (const family of column.wild || [])
        for (const row of places) {
          const text = row.address || row.sample;
          if (!row.ghost && (family ? text.includes(":") : !text.includes(":")) && !isLocal(text)) hit(row, "kernel", `${column.title}: the kernel may choose ${row.text}`);
        }
      const end = Math.max(zone - 2, ...rowsHit.map(([row]) => row.y));
      nodes.push(s("path", { class: "wire", d: `M${x} ${zone - 12}V${column.fails && !rowsHit.length ? zone + 12 : end}` }));
      if (column.fails) { kinds.add("fails"); marks.push(dot("fails", x, rowsHit.length ? zone - 4 : zone + 14, column.fails)); }
      for (const [row, kind, tip] of rowsHit) {
        marks.push(dot(kind, x, row.y, tip));
        if (side) row.high = Math.max(row.high, x);
        else row.low = Math.min(row.low, x);
      }
      nodes.push(s("text", { transform: `translate(${x + 3} ${zone - 16}) rotate(-45)` }, cut(column.label, 28), s("title", {}, column.title || column.label)));
    });
    strip(left, columnX, "", 0);
    strip(right, rightX, "", 1);
    for (const row of places) {
      if (row.low < x0) nodes.push(s("path", { class: "lead", d: `M${row.low} ${row.y}H${x0}` }));
      if (row.high > x1) nodes.push(s("path", { class: "lead", d: `M${x1} ${row.y}H${row.high}` }));
    }
    if (left.length) nodes.push(s("text", { class: "cap", x: 2, y: 11 }, "LISTENS"));
    if (right.length) nodes.push(s("text", { class: "cap", x: x1 + 10, y: 11 }, "SENDS"));
    const full = Math.ceil(Math.max(x1 + side + Math.max(6, overhang), x1 + (right.length ? 60 : 4)));
    const words = `${many(host.addresses.length, "address", "addresses")} on ${many(boxes.size - (ghosts.length ? 1 : 0), "interface")}; listens on ${host.ports.join(", ") || "no port"}; sends from ${host.sends.join(", ") || "nowhere"}`;
    return [
      h("div", { class: "draw", tabindex: full > width + 12 ? "0" : null, role: full > width + 12 ? "group" : null, "aria-label": full > width + 12 ? "Drawing" : null },
        s("svg", { width: full, height: y, viewBox: `0 0 ${full} ${y}`, role: "img", "aria-label": words }, nodes, marks)),
      h("p", { class: "key" }, KEYS.filter(([kind]) => kinds.has(kind)).map(([kind, word]) =>
        h("span", {}, s("svg", { viewBox: "0 0 14 14", "aria-hidden": "true" }, dot(kind, 7, 7)), word))),
    ];
  }

  /* ---- paper ---- */

  addEventListener("beforeprint", () => {
    const few = matching.length <= 60 ? matching : matching.filter((host) => host.status !== "ok").slice(0, 60);
    $("print").replaceChildren(
      h("table", {}, h("thead", {}, h("tr", {}, COLUMNS.map(([, title]) => h("th", {}, title)))),
        h("tbody", {}, matching.map((host) => h("tr", {}, COLUMNS.map(([, , , make]) => h("td", {}, make(host))))))),
      ...few.map((host) => h("section", { class: "sheet" }, h("h3", {}, host.name, " ", h("span", { class: `chip s-${host.status}` }, WORDS[host.status])), about(host, 640))));
  });
  addEventListener("afterprint", () => $("print").replaceChildren());

  update();
  function follow() {
    const asked = decodeURIComponent((/^#host=(.+)$/.exec(location.hash) || ["", ""])[1]);
    if (byName.has(asked) && byName.get(asked) !== opened) open(byName.get(asked));
  }
  addEventListener("hashchange", follow);
  follow();
  document.documentElement.dataset.ready = String(Math.round(performance.now() - started));
})();
