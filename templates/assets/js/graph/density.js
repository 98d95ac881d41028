// Thin edges by the ten thousand: how much ink falls on each pixel is summed, and then coloured once. A canvas takes
// seconds to stroke them one by one.
(() => {
  "use strict";

  const report = (globalThis.reportgen ??= {});
  const graph = (report.graph ??= {});

  // Adds one curve to `ink` (width x height, one number per pixel). Its points lie close enough to leave no gaps as far
  // as `most` of them allow: among very many curves none shows. Each spreads its ink over the two pixels that it lies
  // between; the phase differs so that no stripes appear.
  function pour(ink, width, height, { x0, y0, dx, dy }, amount, most) {
    const steps = Math.ceil(Math.min(Math.max(Math.abs(dx), 1.5 * Math.abs(dy)), most));
    const drop = (amount * Math.hypot(dx, dy)) / (steps || 1);
    const phase = (amount * 7919 + y0 * 0.618) % 1;
    for (let i = 0; i < steps; i += 1) {
      const t = (i + Math.abs(phase)) / steps;
      const x = Math.floor(x0 + dx * (1.5 * t * (1 - t) + t * t * t));
      const y = y0 + dy * t * t * (3 - 2 * t) - 0.5;
      const row = Math.floor(y);
      if (x < 0 || x >= width || row < 0 || row + 1 >= height) continue;
      const at = row * width + x;
      ink[at] += drop * (row + 1 - y);
      ink[at + width] += drop * (y - row);
    }
  }

  // Lays ink of one colour (red, green, blue from 0 to 255) over the pixels of a picture (red, green, blue, opacity).
  function blend(pixels, ink, [red, green, blue]) {
    for (let at = 0; at < ink.length; at += 1) {
      if (ink[at] === 0) continue;
      const before = pixels[4 * at + 3] / 255;
      const own = 1 - Math.exp(-ink[at]);
      const alpha = own + before * (1 - own);
      const mix = (old, now) => (now * own + old * before * (1 - own)) / alpha;
      pixels[4 * at] = mix(pixels[4 * at], red);
      pixels[4 * at + 1] = mix(pixels[4 * at + 1], green);
      pixels[4 * at + 2] = mix(pixels[4 * at + 2], blue);
      pixels[4 * at + 3] = 255 * alpha;
    }
  }

  Object.assign(graph, { pour, blend });
})();
