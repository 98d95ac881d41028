// A page of response maps: one order and one moment for its grid, its slices and its volume.
globalThis.reportgen.data.show("responses", document.querySelector("[data-responses]"), (data) => {
  "use strict";

  const report = globalThis.reportgen;
  const { unpacked, volumeOf, shallower, nearest, valueOf, levelOf } = report.volume;
  const find = (name) => document.querySelector(`.rg-responses__${name}`);
  const { plain } = report.format;
  const DEPTH = 1.25;

  const picture = new Image();
  picture.addEventListener("load", () => {
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width: picture.width, height: picture.height });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(picture, 0, 0);
    begin(unpacked(context.getImageData(0, 0, canvas.width, canvas.height).data, data));
  });
  picture.src = data.picture;

  function begin(levels) {
    const colours = Uint8Array.from(atob(data.colours), (sign) => sign.charCodeAt(0));
    const state = { frame: 0, order: data.orders[find("order").selectedIndex], volume: null, threshold: data.otsu, stale: true };
    const grid = report.responseGrid(find("grid"), data, levels, colours);
    const slices = report.responseSlices(find("slices"), data, colours, where);
    const viewer = report.volumeViewer(document.querySelector(".rg-volume__stage"), ["x", "y", "kernels"]);
    const natural = volumeOf.bind(null, levels, data, data.orders[0].order);
    if (viewer) viewer.paint(colours);
    document.querySelector(".rg-volume").classList.toggle("rg-volume--flat", !viewer);

    function where(kind, at) {
      if (kind === "map") return `kernel ${state.order.order[at]}, place ${at + 1} of ${data.kernels}`;
      return kind === "rows" ? `column ${at + 1} of ${data.width}` : `row ${at + 1} of ${data.height}`;
    }

    const mode = () => find("mode").value;
    const cut = () => (find("cut").checked || mode() === "binary" ? state.threshold : 0);

    function show3d() {
      if (!viewer) return;
      if (state.stale) {
        const { volume, depth, group } = shallower(state.volume, data.kernels, viewer.most);
        const deep = Math.min(data.kernels, DEPTH * Math.max(data.width, data.height)) * Number(find("depth").value);
        viewer.load(volume, [data.width, data.height, depth], [1, 1, deep / depth]);
        document.querySelector(".rg-volume__coarse").textContent = group > 1
          ? `This browser takes ${viewer.most} slices: each one of the volume is the mean of ${group} kernels.` : "";
        state.stale = false;
      }
      viewer.look({
        mode: mode(), density: Number(find("density").value), smoothly: ["opacity", "surface"].includes(mode()),
        threshold: mode() === "surface" ? state.threshold : cut(),
      });
    }

    function redraw() {
      state.volume = volumeOf(levels, data, state.order.order, state.frame);
      state.stale = true;
      slices.draw(state.volume, cut(), mode() === "binary");
      report.responseRow(find("before"), data, natural(state.frame), colours);
      report.responseRow(find("after"), data, state.volume, colours);
    }

    function looks() {
      find("value").textContent = plain(valueOf(state.threshold, data.minimum, data.maximum));
      find("threshold").value = String(state.threshold);
      slices.draw(state.volume, cut(), mode() === "binary");
      show3d();
    }

    function arrange() {
      state.order = data.orders[find("order").selectedIndex];
      find("ordered").textContent = state.order.title;
      grid.arrange(state.order);
      redraw();
      show3d();
    }

    function cutAt(level) {
      state.threshold = Math.min(Math.max(level, 0), 255);
      looks();
    }

    find("order").addEventListener("change", arrange);
    for (const name of ["mode", "cut", "density"]) find(name).addEventListener("input", looks);
    find("depth").addEventListener("input", () => { state.stale = true; show3d(); });
    find("threshold").addEventListener("input", (event) => cutAt(Number(event.target.value)));
    find("otsu").addEventListener("click", () => cutAt(data.otsu));
    find("percentile").addEventListener("change", (event) => {
      const share = Math.round(Number(event.target.value));
      if (event.target.value !== "" && share >= 0 && share <= 100) cutAt(data.percentiles[share]);
    });
    find("exact").addEventListener("change", (event) => {
      const value = event.target.valueAsNumber;
      if (Number.isFinite(value)) cutAt(levelOf(value, data.minimum, data.maximum));
    });
    for (const button of document.querySelectorAll("[data-view]")) {
      button.addEventListener("click", () => viewer && viewer.view(button.dataset.view));
    }
    const time = find("time");
    if (time) {
      time.addEventListener("input", () => report.player.rest(Math.round(data.moments[Number(time.value)])));
    }
    report.player.follow((frame, playing) => {
      const next = nearest(data.moments, frame);
      if (time) time.value = String(next);
      if (next !== state.frame) {
        state.frame = next;
        grid.draw(next);
        redraw();
      }
      // Where drawing is slow the volume rests while the clip plays, and follows when it stops.
      if (state.stale && !(playing && viewer && viewer.slow())) show3d();
    });
    find("value").textContent = plain(valueOf(state.threshold, data.minimum, data.maximum));
    arrange();
    performance.mark("reportgen:maps");
  }
});
