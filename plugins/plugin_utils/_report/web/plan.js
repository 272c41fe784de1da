/* Copyright (c) 2026 The mailfleet.postfix authors
   GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
   SPDX-License-Identifier: GPL-3.0-or-later

   What the page of a plan has besides that of an audit: what each host is before, beside what it is after. */
"use strict";
/* `tools` are the functions of page.js that make elements and words. */
const planOf = (data, tools) => {
  const { h, many, unique, place, sourceWords, titleOf } = tools;
  const ACTIONS = [
    ["restart", "Restart"], ["start", "Start"], ["reload", "Reload"], ["confirm", "To be confirmed"], ["appears", "New"],
    ["vanishes", "No longer there"], ["change", "Changes, no action"], ["none", "No change"],
  ];
  const MOST = 40;
  const stays = (record) => record.status === "refused" || record.status === "unknown";
  const changes = (record) => !stays(record) &&
    Boolean(record.files_differ || record.presence || (record.action && record.action !== "none"));

  /* The two sides of a record; null where the instance is not there, or nothing is known. */
  const before = (record) => record.now || null;
  const after = (record) => (record.presence === "vanishes" || stays(record) ? null : record.planned || record.now || null);

  /* What the list and its filters show of a host, as it is after. */
  function look(host) {
    host.changed = host.records.some(changes);
    const action = ["restart", "start", "reload"].find((each) => host.records.some((record) => record.action === each));
    const presence = unique(host.records.map((record) => record.presence).filter(Boolean));
    host.action = action || presence[0] || "";
    host.actions = unique(host.records.flatMap((record) => [
      record.action && record.action !== "none" ? record.action : "", record.confirm ? "confirm" : "", record.presence || "",
    ])).filter(Boolean);
    if (!host.actions.length) host.actions = [host.changed ? "change" : "none"];
  }
  const viewOf = (record) => after(record) || before(record);

  function verdict(hosts, total) {
    const changed = hosts.filter((host) => host.changed).length;
    const rest = [[total.refused, "refused"], [total.unknown, "with unknown addresses"]];
    const parts = rest.filter(([number]) => number).map(([number, words]) => `${number.toLocaleString("en")} ${words}`);
    const words = changed ? `${changed.toLocaleString("en")} of ${many(hosts.length, "host")} ${changed === 1 ? "changes" : "change"}`
      : hosts.length === 1 ? "The host stays as it is" : `All ${hosts.length.toLocaleString("en")} hosts stay as they are`;
    return [words, parts.length ? h("span", {}, `, ${parts.join(", ")}`) : "."];
  }

  /* What becomes of the fleet as a whole. */
  function card(longList) {
    const { sources, endpoints, hosts, instances } = data.difference;
    const lines = [...sources.removed.map((each) => ["minus", each]), ...sources.added.map((each) => ["plus", each])];
    const numbers = [[endpoints, "endpoint"], [hosts, "host"], [instances, "instance"]].flatMap(([part, word]) =>
      [["added", "appear"], ["removed", "vanish"]].map(([side, verb]) => {
        const number = typeof part[side] === "number" ? part[side] : part[side].length;
        return number ? `${many(number, word)} ${verb}${number > 1 ? "" : verb === "vanish" ? "es" : "s"}` : "";
      })).filter(Boolean);
    const row = ([kind, text]) => h("li", { class: `change ${kind}` }, h("b", {}, kind === "plus" ? "+" : "−"), text);
    return h("div", { class: "card difference" },
      h("h2", {}, "What the fleet sends from", h("span", {}, "for SPF records and firewalls")),
      lines.length ? longList(lines, 10, row, "prefix", "prefixes") : h("p", {}, "The same addresses as before."),
      numbers.length > 0 && h("p", { class: "why" }, `In the whole fleet, ${numbers.join(", ")}.`));
  }

  /* ---- one host ---- */

  function drawings(host, width, drawing) {
    const sides = [["Before", before], ["After", after]].map(([title, view]) => {
      const records = host.records.filter((record) => view(record))
        .map((record) => ({ ...record, now: view(record), planned: null, sockets: [] }));
      return [title, { ...host, ...tools.summed(records), records }];
    }).filter(([, side]) => side.records.length);
    const each = width >= 640 && sides.length > 1 ? Math.floor((width - 20) / 2) : width;
    return h("div", { class: "sides" }, sides.map(([title, side]) => {
      const parts = drawing(side, each, sides.find(([other]) => other !== title)?.[1]);
      return parts.length > 0 && h("figure", {}, h("figcaption", {}, title), parts);
    }));
  }

  const listeners = (view) => new Map((view ? view.listeners : []).map((each) => [place(each[1], each[2]), each[0].split(":").pop()]));
  const senders = (view) => new Map((view ? view.clients : []).flatMap((each) => [1, 2].map((family) =>
    [`${each[0].replace(/\/unix$/, "")} IPv${family === 1 ? 4 : 6}`, sourceWords(each[family])])));

  /* Rows of a table: what it is about, and each side. Those that differ are the first. */
  function rowsOf(record) {
    const views = [before(record), after(record)];
    const [old, next] = views.map(listeners), [was, becomes] = views.map(senders);
    const rows = [];
    for (const socket of unique([...old.keys(), ...next.keys()]))
      rows.push(["listens", old.has(socket) ? socket : "", next.has(socket) ? socket : "", next.get(socket) || old.get(socket)]);
    for (const name of unique([...was.keys(), ...becomes.keys()]))
      if ([was.get(name), becomes.get(name)].some((each) => each && each !== "not used"))
        rows.push(["sends", was.get(name) || "", becomes.get(name) || "", name]);
    for (const [key, word] of [["own", "own address"], ["networks", "mynetworks"]])
      for (const [index, side] of (record[key] || []).entries())
        for (const text of side) rows.push([word, index ? "" : text, index ? text : "", ""]);
    const same = ([, one, other]) => one === other;
    return [...rows.filter((row) => !same(row)), ...rows.filter(same)];
  }

  function table(record) {
    const rows = rowsOf(record);
    const cell = (text, kind) => h("td", { class: text ? kind : "none" }, text || "–");
    const body = rows.slice(0, MOST).map(([what, one, other, note]) =>
      h("tr", { class: one === other ? "same" : null }, h("th", { scope: "row" }, what, note && h("span", {}, ` ${note}`)),
        cell(one, one === other ? "" : "minus"), cell(other, one === other ? "" : "plus")));
    const more = rows.length - body.length;
    return [
      h("table", { class: "beside" },
        h("thead", {}, h("tr", {}, h("td", {}), h("th", { scope: "col" }, "Before"), h("th", { scope: "col" }, "After"))),
        h("tbody", {}, body)),
      more > 0 && h("p", { class: "why" }, `and ${more} more that ${rows.slice(MOST).every(([, one, other]) => one === other) ? "stay as they are" : "are not shown"}`),
    ];
  }

  function about(record, several) {
    if (!changes(record)) return [];
    const needs = record.action && record.action !== "none" ? `${record.action} Postfix` : "";
    const title = record.presence === "vanishes" ? "No longer in the inventory" : needs ? `A run would ${needs}` : "Changes";
    const why = unique((record.reasons || []).map(([parameter, reason]) => `${parameter}: ${reason}`));
    const files = (record.files || []).join(" and ");
    return [
      h("h3", {}, title, several && h("span", {}, ` ${titleOf(record)}`)),
      record.confirm > 0 && h("p", { class: "why first" }, `It would have to be confirmed from outside within ${record.confirm} s.`),
      (record.steps || []).map((step) => h("p", { class: "why first" }, `${step}.`)),
      table(record),
      why.map((line) => h("p", { class: "why" }, `${line}.`)),
      files && h("p", { class: "why" }, `${files} ${record.files.length > 1 ? "change" : "changes"}.`),
    ];
  }

  return { ACTIONS, look, viewOf, verdict, card, drawings, about, changes };
};
