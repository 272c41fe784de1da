// Copyright (c) 2026 The mailfleet.postfix authors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
(() => {
  const parse = (text) => {
    const found = text.match(/[\d.]+/g).map(Number);
    return found.length < 4 ? [...found, 1] : found;
  };
  const light = (colour) =>
    colour.slice(0, 3).map((part) => part / 255)
      .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
      .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = parse(getComputedStyle(each).backgroundColor);
      if (colour[3] === 1) return colour;
    }
    return [255, 255, 255, 1];
  };
  const left_out = ".hidden, script, style, noscript, select, .none";
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const each = node.parentElement, style = getComputedStyle(each), box = each.getBoundingClientRect();
    if (!node.data.trim() || !box.width || style.visibility !== "visible" || each.closest(left_out)) continue;
    const front = parse(each instanceof SVGElement ? style.fill : style.color);
    const [a, b] = [light(front), light(behind(each))].sort((x, y) => y - x);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < (large ? 3 : 4.5))
      found.push([node.data.slice(0, 40), each.className.baseVal ?? each.className, ratio.toFixed(2)]);
  }
  return found;
})()
