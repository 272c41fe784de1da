// Copyright (c) 2026 The mailfleet.postfix authors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
//
// The texts of a drawing that are pale on what is painted behind them (WCAG 2.1, level AA), or stick out of it.
(() => {
  const light = (colour) =>
    colour.match(/[\d.]+/g).slice(0, 3).map((part) => part / 255)
      .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
      .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
  const found = [];
  let painted = [];
  for (const each of document.querySelectorAll("rect, text")) {
    const box = each.getBoundingClientRect(), style = getComputedStyle(each);
    if (each.tagName === "rect") {
      painted.push([box, style.fill]);
      continue;
    }
    if (!each.textContent.trim()) continue;
    const [x, y] = [box.left + 1, box.top + box.height / 2];
    const behind = painted.filter(([area]) => area.left <= x && x <= area.right && area.top <= y && y <= area.bottom);
    const [area, ground] = behind[behind.length - 1] ?? [null, null];
    if (!area) {
      found.push([each.textContent, "nothing is behind it"]);
      continue;
    }
    const [a, b] = [light(style.fill), light(ground)].sort((one, other) => other - one);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) found.push([each.textContent, ratio.toFixed(2)]);
    if (box.right > area.right + 0.5) found.push([each.textContent, `sticks out by ${(box.right - area.right).toFixed(0)}`]);
  }
  return found;
})()
