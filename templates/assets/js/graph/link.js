// The link that restores a graph: what is chosen, as the part of the address behind #.
(() => {
  "use strict";

  const report = (globalThis.reportgen ??= {});
  const graph = (report.graph ??= {});

  // `state`: share and top as the controls hold them, negative and byMotion, and the address of a kernel or "".
  function linkOf(state) {
    const words = new URLSearchParams({ share: state.share, top: state.top });
    if (state.negative) words.set("inhibition", "1");
    if (state.byMotion) words.set("colour", "motion");
    if (state.kernel) words.set("kernel", state.kernel);
    return `#${words}`;
  }

  // The state that a link holds; null for the link to another part of the page.
  function stateOf(link) {
    const words = new URLSearchParams(link.replace(/^#/, ""));
    if (!words.has("share")) return null;
    return {
      share: words.get("share"),
      top: words.get("top"),
      negative: words.has("inhibition"),
      colour: words.get("colour"),
      kernel: words.get("kernel") ?? "",
    };
  }

  Object.assign(graph, { linkOf, stateOf });
})();
