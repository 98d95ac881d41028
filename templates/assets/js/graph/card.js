// The card beside a kernel that is pointed at: its clip, its numbers, and its sentence.
(() => {
  "use strict";

  const report = (globalThis.reportgen ??= {});
  const graph = (report.graph ??= {});
  const { plain, fixed } = report.format;
  const SMALL = { texture: "texture", motion: "motion", best: "best reference clip" };

  // The numbers of a node in words.
  function figures({ data, isClass }, node) {
    if (isClass(node)) return `${data.value} ${plain(data.logit)}`;
    if (data.layers[data.layer[node]].mixes) return "kernels mix here: which feeds which is not known";
    return `relevance ${plain(data.relevance[node])}, activation ${plain(data.activation[node])}`;
  }

  // The lines below a node's numbers.
  function remarks({ data, isClass }, node) {
    if (isClass(node) || data.layers[data.layer[node]].mixes) return [];
    const reliance = data.motion ? data.motion[node] : undefined;
    const measured = reliance === null ? "not measured" : fixed(reliance, 2);
    return [
      ...(reliance === undefined ? [] : [`motion reliance ${measured}`]),
      data.cards[node] ? data.cards[node].sentence : "Not among the kernels that this run visualised.",
    ];
  }

  // Where the card stands: right of its node where it fits, else left of it, and within the stage.
  function cardPlace({ left, y, nodeWidth }, card, stage) {
    const beside = left + nodeWidth + 52;
    const x = beside + card.width < stage.width ? beside : left - card.width - 8;
    return [
      Math.max(4, Math.min(x, stage.width - card.width - 4)),
      Math.max(4, Math.min(y, stage.height - card.height - 4)),
    ];
  }

  function line(...parts) {
    const element = document.createElement("span");
    element.append(...parts);
    return element;
  }

  // A clip that plays, or a still picture.
  function picture(strip) {
    const moving = strip.frames > 1;
    const element = document.createElement(moving ? "span" : "img");
    element.style.aspectRatio = `${strip.width} / ${strip.height}`;
    if (!moving) return Object.assign(element, { src: strip.sprite, alt: strip.alt });
    element.className = strip.fade < 1 ? "rg-clip rg-clip--faded" : "rg-clip";
    element.style.setProperty("--fade", String(strip.fade));
    for (const [key, value] of Object.entries(strip)) element.dataset[key] = String(value);
    report.player.add(element);
    return element;
  }

  function pictures(card) {
    const small = Object.keys(SMALL).filter((kind) => card[kind]);
    const row = line(...small.map((kind) => line(picture(card[kind]), SMALL[kind])));
    row.className = "rg-graph__small";
    return [...(card.clip ? [picture(card.clip)] : []), ...(small.length ? [row] : [])];
  }

  // Fills `popup` with a node's card; empties and hides it for none (-1).
  function fillCard(popup, model, node) {
    popup.querySelectorAll("[data-sprite]").forEach((old) => report.player.remove(old));
    popup.replaceChildren();
    popup.hidden = node < 0;
    if (node < 0) return;
    const card = model.data.cards[node];
    const name = document.createElement("b");
    name.textContent = model.nameOf(node);
    popup.append(...(card ? pictures(card) : []), name, line(figures(model, node)));
    for (const remark of remarks(model, node)) popup.append(document.createElement("br"), line(remark));
  }

  Object.assign(graph, { figures, remarks, cardPlace, fillCard });
})();
