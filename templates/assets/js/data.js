// The data of pages: scripts that a page names or that are loaded when they are asked for. Long data is packed in its
// script, by gzip and in base64, since a page that is opened as a file may read no other kind of file.
(() => {
  "use strict";

  const report = (globalThis.reportgen ??= {});
  const waiting = new Map();

  // The root of the site as a link from this page; addresses in the data are relative to it.
  function root() {
    const settings = document.getElementById("__config");
    return settings ? JSON.parse(settings.textContent).base : ".";
  }

  // Where a file of the site lies; in a page that is one file it is in the page itself.
  const address = (path) => (path.startsWith("data:") ? path : `${root()}/${path}`);

  // What was packed; browsers have what unpacks it since 2020 (Chrome) to 2023 (Firefox, Safari).
  async function unpacked(text) {
    if (!globalThis.DecompressionStream) {
      throw new Error("The data of this page is packed, and this browser cannot unpack it: Chrome can from version 80, Safari from 16.4, Firefox from 113.");
    }
    const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
  }

  // What a script that was read holds under a name: a promise, or undefined where no script holds such.
  function held(name) {
    const data = globalThis.reportData?.[name];
    if (data) return Promise.resolve(data);
    const packed = globalThis.reportPacked?.[name];
    if (packed === undefined) return undefined;
    delete globalThis.reportPacked[name];
    const found = unpacked(packed);
    waiting.set(name, found);
    return found;
  }

  function added(path) {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = address(`${path.split("/").map(encodeURIComponent).join("/")}.js`);
      script.addEventListener("load", resolve);
      script.addEventListener("error", () => reject(new Error(`The file ${path}.js of this report is missing.`)));
      document.head.append(script);
    });
  }

  // What a script of data holds, loaded once; `path` is its address without its ending, and its name.
  function load(path) {
    if (!waiting.has(path)) waiting.set(path, held(path) ?? added(path).then(() => held(path)));
    return waiting.get(path);
  }

  // Data that a script of this page holds, given to what shows it: at once where it is not packed, and where it cannot
  // be unpacked, `place` says so.
  async function show(name, place, begin) {
    if (!place) return;
    const plain = globalThis.reportData?.[name];
    if (plain) return begin(plain);
    const found = waiting.get(name) ?? held(name);
    if (!found) return;
    try {
      begin(await found);
    } catch (error) {
      failed(place, error);
      throw error;
    }
  }

  // Says in a place of the page what hinders it.
  function failed(place, error) {
    place.querySelector(":scope > [data-failed]")?.remove();
    const words = Object.assign(document.createElement("p"), { className: "rg-empty", textContent: error.message });
    words.dataset.failed = "";
    place.prepend(words);
  }

  report.data = { address, load, show, failed };
})();
