// The data of a model's kernels, and who is who in it.
(() => {
  "use strict";

  const report = (globalThis.reportgen ??= {});
  const STATES = { dead: 1, duplicate: 2, silent: 4, visualised: 8, kept: 16 };
  const { address, load } = report.data;

  const padded = (index) => String(index).padStart(4, "0");

  // The kernel's page, as a link: its own where it has one, else its part of the layer's.
  function pageOf(list, place) {
    const layer = list.layers[list.layer[place]];
    return address(list.page[place] ?? `${layer.page}#${padded(list.index[place])}`);
  }

  // A list of all kernels with where each stands: `layer` and `index` by place, and each layer's `first` place.
  function placed(list) {
    let first = 0;
    const [layer, index] = [[], []];
    list.layers.forEach((one, number) => {
      one.first = first;
      for (let i = 0; i < one.kernels; i += 1) {
        layer.push(number);
        index.push(i);
      }
      first += one.kernels;
    });
    return Object.assign(list, { layer, index, size: first });
  }

  const loadList = async (folder) => {
    const list = await load(`${folder}/kernels`);
    return list.layer ? list : placed(list);
  };

  // A kernel with the rest of its shard and what all share; `kernel` is undefined where the layer has no such one.
  async function partOf(folder, number, index) {
    const facts = await load(`${folder}/kernel-facts`);
    const layer = facts.layers[number];
    if (index >= layer.kernels) return { facts, layer };
    const place = decodeURI(layer.page).replace(/\.html$/, "");
    const shard = await load(`${place}-${Math.floor(index / facts.shard)}`);
    return { facts, layer, shard, kernel: told(shard, shard.kernels[index % facts.shard]) };
  }

  // A kernel of a shard with its sentences, which stand there once for all that they are said of.
  const told = ({ words }, kernel) => ({
    ...kernel, said: words[kernel.said], doubts: (kernel.doubts ?? []).map((place) => words[place]),
  });

  const nameOf = (list, place) => `${list.layers[list.layer[place]].short} #${list.index[place]}`;

  // What is said of a kernel in a word each.
  function statesOf(list, place) {
    const bits = list.state[place];
    const twin = list.twin[place];
    return [
      ...(bits & STATES.dead ? ["dead"] : []),
      ...(bits & STATES.duplicate ? [`as #${twin}`] : []),
      ...(bits & STATES.silent && !(bits & STATES.dead) ? ["near-silent"] : []),
    ];
  }

  report.kernels = { STATES, loadList, partOf, placed, padded, pageOf, nameOf, statesOf };
})();
