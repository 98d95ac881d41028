// Volumes of bytes: a layer's maps unpacked from one picture, in any order, at any time. Nothing here touches a page.
(() => {
  "use strict";

  const report = (globalThis.reportgen ??= {});

  // The bytes [frame][kernel][row][column] from the picture's RGBA pixels, in which tile i (frame * kernels + kernel)
  // stands in row i / columns and column i % columns.
  function unpacked(pixels, { kernels, frames, height, width, columns }) {
    const levels = new Uint8Array(frames * kernels * height * width);
    const across = columns * width;
    let to = 0;
    for (let tile = 0; tile < frames * kernels; tile++) {
      const left = (tile % columns) * width;
      const top = Math.floor(tile / columns) * height;
      for (let y = 0; y < height; y++) {
        let from = 4 * ((top + y) * across + left);
        for (let x = 0; x < width; x++, from += 4) levels[to++] = pixels[from];
      }
    }
    return levels;
  }

  // The volume [place][row][column] of a frame, its kernels in an order.
  function volumeOf(levels, { kernels, height, width }, order, frame) {
    const size = height * width;
    const volume = new Uint8Array(order.length * size);
    order.forEach((kernel, place) => {
      const from = (frame * kernels + kernel) * size;
      volume.set(levels.subarray(from, from + size), place * size);
    });
    return volume;
  }

  // A volume of `depth` slices with at most `most`: the means of neighbours. Returns it with its own depth.
  function shallower(volume, depth, most) {
    const group = Math.ceil(depth / most);
    if (group === 1) return { volume, depth, group };
    const size = volume.length / depth;
    const less = Math.ceil(depth / group);
    const means = new Uint8Array(less * size);
    for (let place = 0; place < less; place++) {
      const first = place * group;
      const last = Math.min(first + group, depth);
      for (let i = 0; i < size; i++) {
        let sum = 0;
        for (let k = first; k < last; k++) sum += volume[k * size + i];
        means[place * size + i] = Math.round(sum / (last - first));
      }
    }
    return { volume: means, depth: less, group };
  }

  // A volume of `width` by `height` by `depth` voxels, each of them `times` as large along every axis.
  function repeated(volume, [width, height, depth], times) {
    const larger = new Uint8Array(volume.length * times ** 3);
    let to = 0;
    for (let z = 0; z < depth * times; z++) {
      for (let y = 0; y < height * times; y++) {
        const row = (Math.floor(z / times) * height + Math.floor(y / times)) * width;
        for (let x = 0; x < width * times; x++) larger[to++] = volume[row + Math.floor(x / times)];
      }
    }
    return larger;
  }

  // A slice as levels: across the kernels' places and rows (at a column), places and columns (at a row), or the map.
  function slice(volume, { height, width }, depth, kind, at) {
    const size = height * width;
    const [across, down, level] = {
      map: [width, height, (i, j) => volume[at * size + j * width + i]],
      rows: [depth, height, (i, j) => volume[i * size + j * width + at]],
      columns: [depth, width, (i, j) => volume[i * size + at * width + j]],
    }[kind];
    const levels = new Uint8Array(across * down);
    for (let j = 0; j < down; j++) for (let i = 0; i < across; i++) levels[j * across + i] = level(i, j);
    return { levels, across, down };
  }

  // The map's frame that looks nearest to the clip's frame; of two the earlier.
  function nearest(moments, frame) {
    let best = 0;
    moments.forEach((moment, i) => { if (Math.abs(moment - frame) < Math.abs(moments[best] - frame)) best = i; });
    return best;
  }

  // Levels as RGBA pixels; those below `least` are left transparent, those from it on are one colour when `binary`.
  function coloured(levels, colours, least = 0, binary = false) {
    const palette = new Uint8ClampedArray(4 * 256);
    for (let level = least; level < 256; level++) {
      const from = 3 * (binary ? 255 : level);
      palette.set([colours[from], colours[from + 1], colours[from + 2], 255], 4 * level);
    }
    const whole = new Uint32Array(palette.buffer);
    const pixels = new Uint32Array(levels.length);
    for (let i = 0; i < levels.length; i++) pixels[i] = whole[levels[i]];
    return new Uint8ClampedArray(pixels.buffer);
  }

  // What a byte stands for, and the byte that stands for a value.
  function valueOf(level, minimum, maximum) { return minimum + (level / 255) * (maximum - minimum); }
  function levelOf(value, minimum, maximum) {
    const level = maximum > minimum ? Math.ceil(((value - minimum) / (maximum - minimum)) * 255 - 1e-9) : 0;
    return Math.min(Math.max(level, 0), 255);
  }

  report.volume = { unpacked, volumeOf, shallower, repeated, slice, nearest, coloured, valueOf, levelOf };
})();
