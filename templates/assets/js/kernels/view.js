// The page of any kernel, drawn from its figures.
(() => {
  "use strict";

  const report = (globalThis.reportgen ??= {});
  const { address } = report.data;
  const { padded, histogram, parts } = report.kernels;
  const { make, link, clip, mark, sentence, table } = parts;
  const { plain, fixed } = report.format;
  const KINDS = { most: "Drive it most", least: "Drive it least", random: "At random", all: "All of them, the strongest first" };
  const ALIKE = {
    responses: ["By their responses", (n) => `correlation over ${n} clips`],
    motion: ["By what motion probes leave", (n) => `mean difference of ${n} shares`],
    texture: ["By the texture of their synthetic clips", () => "difference, 0 to 1"],
  };

  // What is not everything is not rounded to 100%, nor something to 0%.
  function share(value) {
    if (value === null || value === undefined) return "–";
    const rounded = Math.round(100 * value);
    if (value < 1 && rounded >= 100) return ">99%";
    return value > 0 && rounded === 0 ? "<1%" : `${rounded}%`.replace("-", "−");
  }

  function titled(id, title, ...children) {
    const head = make("h2", "", title);
    head.id = id;
    return [head, ...children].filter(Boolean);
  }

  const said = (className, text) => make("p", className, text);

  // One of the same layer, or of another one by its place.
  function kernelLink(facts, layer, index) {
    const found = facts.layers[layer];
    return found ? link(address(`${found.page}#${padded(index)}`), `${found.short} #${index}`) : `${layer} #${index}`;
  }

  function pictures(kernel) {
    const shown = (kernel.pictures ?? []).map(([title, strip]) => make("figure", "rg-figure", clip(strip), make("figcaption", "", make("b", "", title))));
    return shown.length ? [make("div", "rg-views", ...shown)] : [];
  }

  function clips(kernel, facts, shard) {
    const none = kernel.probed
      ? "The reference clips were ranked for other layers; of this one there are motion probes alone."
      : "No reference clip was measured for this layer.";
    if (!kernel.clips) return titled("real-clips", "Clips", said("rg-empty", none));
    const groups = Object.entries(kernel.clips).map(([kind, found]) => {
      const minis = found.map(([at, value, box]) => {
        const strip = facts.clips[at].clip;
        const picture = make("span", "rg-marked", clip(strip), box && strip ? mark(box, strip.frames) : null);
        const words = make("figcaption", "", make("span", "", facts.clips[at].title), make("span", "rg-number", plain(value)));
        return make("figure", "rg-mini", picture, words);
      });
      return make("section", "", make("h3", "", KINDS[kind]), make("div", "rg-minis", ...minis));
    });
    const caption = `The number is the kernel's response to the whole clip: ${shard.response}. The box marks where it is driven most.`;
    return titled("real-clips", "Clips", make("div", "rg-evidence-strips", ...groups), said("rg-caption", caption));
  }

  function responses(kernel, facts) {
    if (!kernel.histogram) return [];
    const chart = histogram(kernel.histogram, "Responses to the reference clips");
    const total = kernel.histogram.counts.reduce((sum, count) => sum + count, 0);
    const of = total < facts.reference ? `${total} evenly spaced ones of ${facts.reference} responses` : `${total} responses`;
    const figure = make("figure", "rg-figure rg-figure--chart", chart, make("figcaption", "", `${of} to the reference clips`));
    return titled("responses", "Responses", figure);
  }

  function probes(kernel, facts) {
    const none = kernel.probed ? "No probed clip drives this kernel." : "This kernel was not probed.";
    if (!kernel.probes || kernel.probes.every((left) => left === null)) return titled("motion", "Motion or appearance", said("rg-empty", none));
    const rows = facts.probes.map((title, at) => [sentence(title), share(kernel.probes[at])]);
    const reliance = kernel.probes[0] === null ? "–" : fixed(1 - kernel.probes[0], 2);
    const first = kernel.probed ? facts.clips[kernel.probed[0]].title : "";
    return titled(
      "motion", "Motion or appearance",
      said("rg-evidence", `Motion reliance ${reliance}: the share of the response that is gone in the best frozen frame.`),
      table("Motion probes", ["Clips that drive it most, changed", "Response left"], rows, [1]),
      first ? said("rg-caption", `First of all ${first} (response ${plain(kernel.probed[1])}).`) : null,
    );
  }

  function concepts(kernel, facts) {
    if (!kernel.concepts) return [];
    const rows = kernel.concepts.map(([at, auroc, q]) => [link(address(facts.concepts[at][1]), facts.concepts[at][0]), fixed(auroc, 2), plain(q)]);
    return titled("concepts", "Concepts", table("Concepts", ["Concept", "AUROC", "q"], rows, [1, 2]));
  }

  function classes(kernel, facts) {
    if (!kernel.classes) return [];
    const rows = kernel.classes.map(([at, value]) => [facts.classes[at], value > 0 ? "raises" : "lowers", plain(value)]);
    const asked = facts.asked ? ` Asked of ${facts.asked}.` : "";
    return titled(
      "classes", `What it does to each ${facts.one}`,
      table("Classes", [facts.one, "Effect", `part of the ${facts.value}`], rows, [2]),
      said("rg-caption", `Its relevance in the pyramids, the mean over clips.${asked}`),
    );
  }

  // What feeds a kernel and what it feeds by the weights alone, whether a pyramid keeps it or not.
  function weighted(kernel, facts) {
    if (!kernel.weighted) return [];
    const ends = (name, figure, found) => {
      const rows = found.map(([layer, index, value]) => [kernelLink(facts, layer, index), share(value)]);
      return make("section", "", make("h3", "", name), rows.length ? table(name, ["Kernel", figure], rows, [1]) : said("rg-empty", "Not known, or none."));
    };
    const caption = "By the weights alone: which share of the reading kernel's squared weights is on the other kernel.";
    const found = kernel.weighted;
    return [
      said("rg-caption", `${caption} It says nothing of how strongly either responds.`),
      make("div", "rg-connections", ends("Feeds into", "Share of that one's", found.feeds), ends("Fed by", "Share of its own", found.fed_by)),
    ];
  }

  function connections(kernel, facts) {
    if (!kernel.linked) return titled("connections", "Connections", said("rg-empty", "No pyramid of this run keeps this kernel."), ...weighted(kernel, facts));
    const [title, page] = facts.pyramids[kernel.linked.pyramid];
    const number = `the contribution to the ${facts.value}`;
    const ends = (name, found) => {
      const rows = found.map(([layer, index, value]) => [layer === -1 ? facts.one : kernelLink(facts, layer, index), plain(value)]);
      return make("section", "", make("h3", "", name), rows.length ? table(name, ["Kernel", "Contribution"], rows, [1]) : said("rg-empty", "None kept."));
    };
    return titled(
      "connections", "Connections",
      make("p", "rg-caption", "In the pyramid of ", link(address(page), title), `, where it matters most; the number: ${number}.`),
      make("div", "rg-connections", ends("Feeds into", kernel.linked.feeds), ends("Fed by", kernel.linked.fed_by)),
    );
  }

  function nearest(kernel, facts, shard) {
    const groups = Object.entries(kernel.near ?? {}).map(([name, found]) => {
      const [title, figure] = ALIKE[name];
      const rows = found.map(([layer, index, value]) => [kernelLink(facts, layer, index), fixed(value, 2)]);
      return make("section", "", make("h3", "", title), table(title, ["Kernel", figure(shard.compared[name])], rows, [1]));
    });
    return groups.length ? titled("nearest", "Nearest kernels", make("div", "rg-connections", ...groups)) : [];
  }

  function synthetic(kernel, command) {
    if (kernel.page) return [make("p", "rg-evidence", link(address(kernel.page), "Its synthetic pictures, with all that is judged of them"))];
    const code = make("code", "", command.replace("KERNEL", String(kernel.index)));
    const copy = make("button", "rg-copy", "copy");
    Object.assign(copy, { type: "button" });
    copy.dataset.copy = code.textContent;
    return [said("rg-caption", "This run made no synthetic picture of it. This command makes them:"), make("p", "rg-command", code, copy)];
  }

  // Two sections side by side, where there are two.
  const beside = (...found) => {
    const there = found.filter((section) => section.length);
    return there.length > 1 ? [make("div", "rg-connections", ...there.map((one) => make("div", "", ...one)))] : there.flat();
  };

  // All of a kernel's page but its title.
  function drawn(kernel, facts, shard, command) {
    return [
      kernel.said ? said("rg-sentence", kernel.said) : null,
      ...pictures(kernel),
      kernel.word ? said("rg-evidence", kernel.word) : null,
      ...(kernel.doubts ?? []).map((doubt) => said("rg-reservation", doubt)),
      ...clips(kernel, facts, shard),
      ...beside(responses(kernel, facts), probes(kernel, facts)),
      ...concepts(kernel, facts),
      ...classes(kernel, facts),
      ...connections(kernel, facts),
      ...nearest(kernel, facts, shard),
      ...titled("synthetic", "Synthetic pictures", ...synthetic(kernel, command)),
    ].filter(Boolean);
  }

  // What the page of a visualised kernel has not in its plain text.
  const more = (kernel, facts, shard) => [...weighted(kernel, facts), ...responses(kernel, facts), ...classes(kernel, facts), ...nearest(kernel, facts, shard)];

  Object.assign(report.kernels, { drawn, more });
})();
