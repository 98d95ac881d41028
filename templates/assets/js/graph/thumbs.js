// What a kernel looks like, on its node: the poster of its synthetic clip, else of the clip that drives it most.
(() => {
  "use strict";

  const report = (globalThis.reportgen ??= {});
  const graph = (report.graph ??= {});
  const LEAST = 14;
  const MOST = 46;

  // Where a node's picture stands and how wide it is; null where the node is too low for one, or has none.
  function thumbOf({ model, scene, thumbs }, node) {
    const card = model.data.cards[node];
    const href = thumbs && card ? (card.clip ?? card.best)?.poster : undefined;
    // The room between a node and the next one is its picture's too.
    const side = Math.min(scene.size[node] + scene.gap - 2, MOST);
    if (!href || side < LEAST) return null;
    return { href, side, x: scene.x[node] + graph.NODE_WIDTH, y: scene.y[node] + (scene.size[node] - side) / 2 };
  }

  // Where a node's number begins: behind its picture, if it has one.
  function numberLeft(view, node) {
    const thumb = thumbOf(view, node);
    return view.scene.x[node] + graph.NODE_WIDTH + 4 + (thumb ? thumb.side : 0);
  }

  // Returns a call that gives a picture once it has come, and asks for a new drawing when it does.
  function pictures(onLoad) {
    const known = new Map();
    return (href) => {
      if (!known.has(href)) {
        const image = new Image();
        image.addEventListener("load", onLoad);
        image.src = href;
        known.set(href, image);
      }
      const image = known.get(href);
      return image.complete && image.naturalWidth ? image : null;
    };
  }

  Object.assign(graph, { thumbOf, numberLeft, pictures });
})();
