// What is chosen to stand side by side: a list of pages' addresses, in a link and in what the browser keeps.
(() => {
  "use strict";

  const report = (globalThis.reportgen ??= {});
  const MOST = 8;

  // The addresses that a link's part behind # names, each once; null where it names none.
  function parse(hash) {
    const named = new URLSearchParams(hash.replace(/^#/, "")).getAll("with");
    return named.length ? [...new Set(named)].slice(0, MOST) : null;
  }

  function link(keys) {
    return `#${new URLSearchParams(keys.map((key) => ["with", key]))}`;
  }

  // With one more, or without it where it is among them.
  function toggled(keys, key) {
    return keys.includes(key) ? keys.filter((one) => one !== key) : [...keys, key].slice(0, MOST);
  }

  // Groups that an item shown shares with others that are not: name, value and the keys of all.
  function groupsOf(index, keys) {
    const members = new Map();
    for (const item of index) {
      for (const [name, value] of item.groups) {
        const id = `${item.kind} ${name} ${value}`;
        if (!members.has(id)) members.set(id, { kind: item.kind, name, value, keys: [] });
        members.get(id).keys.push(item.key);
      }
    }
    const open = (group) => group.keys.some((key) => keys.includes(key)) && group.keys.some((key) => !keys.includes(key));
    return [...members.values()].filter((group) => group.keys.length > 1 && open(group));
  }

  // The names of all pictures or figures of some items, in the order in which they first come.
  function rowsOf(items, part) {
    return [...new Set(items.flatMap((item) => item[part].map(([name]) => name)))];
  }

  report.choice = { MOST, parse, link, toggled, groupsOf, rowsOf };
})();
