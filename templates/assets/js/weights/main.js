// The gradients of filters as volumes: one filter, and of a kernel in time one input channel, at a time.
globalThis.reportgen.data.show("weights", document.querySelector("[data-weights]"), (data) => {
  "use strict";

  const report = globalThis.reportgen;
  const root = document.querySelector("[data-weights]");
  const find = (name) => root.querySelector(`.rg-weights__${name}`);
  const { plain } = report.format;
  const bytes = (text) => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  const VOXELS = 64;
  const THIN = 2;

  const viewer = report.volumeViewer(root.querySelector(".rg-volume__stage"), ["x", "y", "tap in time"]);
  root.classList.toggle("rg-volume--flat", !viewer);
  if (!viewer) return;
  viewer.paint(bytes(data.colours));

  const clips = [...new Set(data.volumes.map((one) => one.clip))];
  const state = { shown: [], one: null };

  function fill(select, names) {
    select.replaceChildren(...names.map((name) => new Option(name)));
  }

  // The volume of a filter, its size, and the name of its third axis.
  function chosen() {
    const { levels, taps: [time, height, width], channels } = state.one;
    const size = time * height * width;
    const filter = find("filter").selectedIndex * channels.length * size;
    if (time === 1) {
      const part = levels.subarray(filter, filter + channels.length * size);
      return { part, size: [width, height, channels.length], axis: "input channel" };
    }
    const from = filter + Number(find("channel").value) * size;
    return { part: levels.subarray(from, from + size), size: [width, height, time], axis: "tap in time" };
  }

  function look() {
    const threshold = Number(find("threshold").value);
    find("value").textContent = `±${plain((threshold / 100) * state.one.scale)}`;
    viewer.look({
      mode: find("mode").value, density: Number(find("density").value), zero: data.zero,
      threshold: (threshold / 100) * 255,
    });
  }

  function show() {
    const { part, size, axis } = chosen();
    const times = Math.max(THIN, Math.floor(VOXELS / Math.max(...size)));
    viewer.load(report.volume.repeated(part, size, times), size.map((side) => side * times), Array(3).fill(1 / times));
    viewer.names(["x", "y", axis]);
    const at = Number(find("channel").value);
    find("named").textContent = `#${state.one.channels[at]} (${at + 1} of ${state.one.channels.length})`;
    look();
  }

  function layer() {
    const one = state.shown[find("layer").selectedIndex];
    one.levels = typeof one.levels === "string" ? bytes(one.levels) : one.levels;
    state.one = one;
    fill(find("filter"), one.filters);
    find("channels").hidden = one.taps[0] === 1;
    Object.assign(find("channel"), { max: String(one.channels.length - 1), value: "0" });
    show();
  }

  function clip() {
    const before = find("layer").value;
    const name = clips[find("clip")?.selectedIndex ?? 0];
    state.shown = data.volumes.filter((one) => one.clip === name);
    fill(find("layer"), state.shown.map((one) => one.layer));
    find("layer").selectedIndex = Math.max(0, state.shown.findIndex((one) => one.layer === before));
    layer();
  }

  if (find("clip")) {
    fill(find("clip"), clips);
    find("clip").addEventListener("change", clip);
  }
  find("layer").addEventListener("change", layer);
  for (const name of ["filter", "channel"]) find(name).addEventListener("input", show);
  for (const name of ["mode", "density", "threshold"]) find(name).addEventListener("input", look);
  for (const button of root.querySelectorAll("[data-view]")) {
    button.addEventListener("click", () => viewer.view(button.dataset.view));
  }
  clip();
});
