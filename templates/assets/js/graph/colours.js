// What colours say: the sign of a relevance or contribution, or reliance on motion from 0 to 1.
(() => {
  "use strict";

  const report = (globalThis.reportgen ??= {});
  const graph = (report.graph ??= {});

  // `palette` names colours; `look` says what is coloured: by motion (`byMotion`), and inhibition apart (`negative`).
  // `interpolate` makes a scale of two colours, as d3.interpolateLab does.
  function colours(model, palette, look, interpolate) {
    const { data } = model;
    const ramp = look.byMotion ? interpolate(palette.still, palette.moving) : null;

    // From appearance (0) to motion (1); grey where it was not measured.
    function ofMotion(value) {
      return value === null ? palette.unknown : ramp(Math.min(Math.max(value, 0), 1));
    }

    return {
      palette,
      edge(e) {
        if (data.contribution[e] >= 0) return palette.excites;
        return look.negative ? palette.inhibits : palette.other;
      },
      node(node) {
        if (model.isClass(node)) return palette.ink;
        if (look.byMotion) return ofMotion(data.motion[node]);
        return data.relevance[node] >= 0 ? palette.excites : palette.inhibits;
      },
    };
  }

  graph.colours = colours;
})();
