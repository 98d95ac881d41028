// What scripts add to the page of a visualised kernel: its responses, its classes, and the kernels nearest to it.
(() => {
  "use strict";

  const report = globalThis.reportgen;
  const { more, partOf } = report.kernels;
  const root = document.querySelector("[data-kernel]");
  if (!root) return;

  async function add() {
    const { facts, shard, kernel } = await partOf(root.dataset.kernel, Number(root.dataset.layer), Number(root.dataset.index));
    root.replaceChildren(...more(kernel, facts, shard));
  }

  add().catch((error) => report.data.failed(root, error));
})();
