// A histogram of a kernel's responses as SVG; bars at a cut end say that they hold what lies beyond.
(() => {
  "use strict";

  const report = (globalThis.reportgen ??= {});
  const { plain } = report.format;
  const [WIDTH, HEIGHT, TOP, BOTTOM] = [320, 130, 18, 22];
  const NAMESPACE = "http://www.w3.org/2000/svg";

  // What each bar holds, in words.
  function titles({ low, high, counts, less, more }) {
    const step = (high - low) / counts.length;
    return counts.map((count, i) => {
      const [from, to] = [plain(low + i * step), plain(low + (i + 1) * step)];
      if (less && i === 0) return `${to} or less: ${count}`;
      if (more && i === counts.length - 1) return `${from} or more: ${count}`;
      return `${from} to ${to}: ${count}`;
    });
  }

  function part(name, attributes, text) {
    const element = document.createElementNS(NAMESPACE, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
    if (text !== undefined) element.textContent = text;
    return element;
  }

  // `marked` is a response that is marked on the axis, or null.
  function draw(found, label, marked = null) {
    const { low, high, counts, less, more } = found;
    const ends = [`${plain(low)}${less ? " or less" : ""}`, `${plain(high)}${more ? " or more" : ""}`];
    const said = `${label}: from ${ends[0]} to ${ends[1]}`;
    const svg = part("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "rg-chart", role: "img", "aria-label": said });
    svg.style.setProperty("--chart-width", `${WIDTH}px`);
    const most = Math.max(...counts, 1);
    const slot = WIDTH / counts.length;
    titles(found).forEach((title, i) => {
      const size = ((HEIGHT - TOP - BOTTOM) * counts[i]) / most;
      const bar = part("rect", {
        x: i * slot + 0.5, y: HEIGHT - BOTTOM - size, width: Math.max(slot - 1, 0.5), height: size,
        class: "bar",
      });
      bar.append(part("title", {}, title));
      svg.append(bar);
    });
    svg.append(
      part("line", { x1: 0, y1: HEIGHT - BOTTOM, x2: WIDTH, y2: HEIGHT - BOTTOM, class: "axis" }),
      part("text", { x: 0, y: HEIGHT - 6, class: "muted" }, ends[0]),
      part("text", { x: WIDTH, y: HEIGHT - 6, class: "muted", "text-anchor": "end" }, ends[1]),
      part("text", { x: 0, y: 11, class: "muted" }, `most: ${most}`),
    );
    if (marked !== null && marked >= low && marked <= high && high > low) {
      const x = ((marked - low) / (high - low)) * WIDTH;
      svg.append(part("line", { x1: x, y1: TOP, x2: x, y2: HEIGHT - BOTTOM, class: "middle" }));
    }
    return svg;
  }

  Object.assign(report.kernels, { histogram: draw, barTitles: titles });
})();
