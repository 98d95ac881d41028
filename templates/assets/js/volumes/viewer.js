// The volume as something to turn: by mouse, finger and keys, with the box that it fills drawn around it.
(() => {
  "use strict";

  const report = (globalThis.reportgen ??= {});
  const HOME = { yaw: -0.6, pitch: 0.45, zoom: 1 };
  const VIEWS = { home: HOME, front: { yaw: 0, pitch: 0 }, side: { yaw: Math.PI / 2, pitch: 0 }, top: { yaw: 0, pitch: Math.PI / 2 } };
  const [REST_MS, MOVING_MS, SETTLE_MS] = [300, 50, 250];

  // The turn from the volume to the eye, by columns: about the upright axis first, then towards the eye.
  function turned({ yaw, pitch }) {
    const [cy, sy, cp, sp] = [Math.cos(yaw), Math.sin(yaw), Math.cos(pitch), Math.sin(pitch)];
    return [cy, sy * sp, -sy * cp, 0, cp, sp, sy, -cy * sp, cy * cp];
  }

  function seen(turn, [x, y, z]) {
    return [turn[0] * x + turn[3] * y + turn[6] * z, turn[1] * x + turn[4] * y + turn[7] * z];
  }

  // The edges of the box with the names of its axes.
  function outline(context, turn, half, scale, names, ink) {
    const { width, height } = context.canvas;
    context.clearRect(0, 0, width, height);
    Object.assign(context, { strokeStyle: ink, fillStyle: ink, lineWidth: 1, globalAlpha: 0.75, textAlign: "center" });
    const size = Math.round(12 * (globalThis.devicePixelRatio || 1));
    context.font = `${size}px sans-serif`;
    const at = (corner) => {
      const [x, y] = seen(turn, corner.map((sign, axis) => sign * half[axis]));
      return [width / 2 + x * scale, height / 2 + y * scale];
    };
    for (let axis = 0; axis < 3; axis++) {
      for (const [a, b] of [[-1, -1], [-1, 1], [1, -1], [1, 1]]) {
        const ends = [-1, 1].map((sign) => { const corner = [a, b]; corner.splice(axis, 0, sign); return at(corner); });
        context.beginPath();
        context.moveTo(...ends[0]);
        context.lineTo(...ends[1]);
        context.stroke();
        const long = Math.hypot(ends[0][0] - ends[1][0], ends[0][1] - ends[1][1]) > 30;
        if (a === -1 && b === (axis === 2 ? 1 : -1) && long) {
          const [x, y] = [0, 1].map((side) => (ends[0][side] + ends[1][side]) / 2);
          const [out, away] = [x - width / 2, y - height / 2];
          const push = (1.6 * size) / (Math.hypot(out, away) || 1);
          context.fillText(names[axis], x + out * push, y + away * push + size / 3);
        }
      }
    }
  }

  // `stage` holds the canvas of the volume and that of the outline; null where there is no WebGL 2.
  report.volumeViewer = (stage, names) => {
    const [canvas, over] = stage.querySelectorAll("canvas");
    const marcher = report.marcher(canvas);
    if (!marcher) return null;
    const state = { ...HOME, due: false, moving: false, seen: false, drawn: false, cost: 25 * REST_MS, size: [1, 1, 1], stretch: [1, 1, 1], names, look: {} };
    const pointers = new Map();

    function scaleFor(width, height) {
      const half = state.size.map((voxels, axis) => (voxels * state.stretch[axis]) / 2);
      return { half, scale: (state.zoom * 0.46 * Math.min(width, height)) / Math.hypot(...half) };
    }

    // Pixels of the volume for a px of the page: as many as the time that a drawing may take allows.
    function sharpness() {
      const most = Math.min(globalThis.devicePixelRatio || 1, 1.5);
      return Math.min(most, Math.max(0.2, Math.sqrt((state.moving ? MOVING_MS : REST_MS) / state.cost)));
    }

    function draw() {
      state.due = false;
      const box = stage.getBoundingClientRect();
      if (!box.width) return;
      const ratio = globalThis.devicePixelRatio || 1;
      const coarse = sharpness();
      for (const [each, factor] of [[canvas, coarse], [over, ratio]]) {
        Object.assign(each, { width: Math.round(box.width * factor), height: Math.round(box.height * factor) });
      }
      const turn = turned(state);
      const begun = performance.now();
      marcher.draw({ turn, stretch: state.stretch, scale: scaleFor(canvas.width, canvas.height).scale, ...state.look });
      // Drawing returns before it is done; where it takes long, the next frame comes late.
      requestAnimationFrame(() => {
        state.cost = (performance.now() - begun) / coarse ** 2;
        if (!state.drawn) performance.mark("reportgen:volume");
        state.drawn = true;
        if (!state.moving && sharpness() > 1.3 * coarse) soon();
      });
      const { half, scale } = scaleFor(over.width, over.height);
      outline(over.getContext("2d"), turn, half, scale, state.names, getComputedStyle(stage).color);
    }

    // What was never in view is on paper all the same, and as a picture: what WebGL draws now, the printer does not see.
    function putOnPaper() {
      draw();
      const context = over.getContext("2d");
      Object.assign(context, { globalAlpha: 1, globalCompositeOperation: "destination-over" });
      context.drawImage(canvas, 0, 0, over.width, over.height);
      canvas.style.visibility = "hidden";
    }

    function soon() {
      if (state.due || !state.seen) return;
      state.due = true;
      requestAnimationFrame(draw);
    }

    function settle() {
      state.moving = false;
      soon();
    }

    function moveForAWhile() {
      state.moving = true;
      clearTimeout(state.settling);
      state.settling = setTimeout(settle, SETTLE_MS);
    }

    function turnBy(across, down) {
      state.yaw += across;
      state.pitch = Math.min(Math.max(state.pitch + down, -Math.PI / 2), Math.PI / 2);
      soon();
    }

    function zoomBy(factor) {
      state.zoom = Math.min(Math.max(state.zoom * factor, 0.5), 8);
      soon();
    }

    stage.addEventListener("pointerdown", (event) => {
      pointers.set(event.pointerId, [event.clientX, event.clientY]);
      stage.setPointerCapture(event.pointerId);
      state.moving = true;
    });
    stage.addEventListener("pointermove", (event) => {
      const before = pointers.get(event.pointerId);
      if (!before) return;
      const now = [event.clientX, event.clientY];
      const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
      const apart = (point) => Math.hypot(point[0] - other[0], point[1] - other[1]) || 1;
      if (other) zoomBy(apart(now) / apart(before));
      else turnBy((now[0] - before[0]) * 0.01, (now[1] - before[1]) * -0.01);
      pointers.set(event.pointerId, now);
    });
    for (const end of ["pointerup", "pointercancel"]) {
      stage.addEventListener(end, (event) => { pointers.delete(event.pointerId); settle(); });
    }
    stage.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      moveForAWhile();
      zoomBy(event.deltaY < 0 ? 1.1 : 1 / 1.1);
    }, { passive: false });
    stage.addEventListener("keydown", (event) => {
      const action = {
        ArrowLeft: () => turnBy(-0.1, 0), ArrowRight: () => turnBy(0.1, 0), ArrowUp: () => turnBy(0, 0.1),
        ArrowDown: () => turnBy(0, -0.1), "+": () => zoomBy(1.15), "=": () => zoomBy(1.15), "-": () => zoomBy(1 / 1.15),
        0: () => view("home"),
      }[event.key];
      if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      moveForAWhile();
      action();
    });
    new ResizeObserver(soon).observe(stage);
    new IntersectionObserver((entries) => {
      state.seen = entries.at(-1).isIntersecting;
      soon();
    }).observe(stage);
    addEventListener("beforeprint", putOnPaper);
    addEventListener("afterprint", () => { canvas.style.visibility = ""; draw(); });

    function view(name) {
      Object.assign(state, VIEWS[name], { zoom: 1 });
      soon();
    }

    return {
      most: marcher.most,
      slow: () => !state.seen || state.cost > 2 * MOVING_MS,
      paint: marcher.paint,
      load(levels, size, stretch) {
        marcher.load(levels, size);
        Object.assign(state, { size, stretch });
        soon();
      },
      look(options) { state.look = options; soon(); },
      names(axes) { state.names = axes; soon(); },
      view,
    };
  };
  report.turned = turned;
})();
