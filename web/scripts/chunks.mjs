// What always loads together is one file: a style sheet or a script of few
// lines costs a request, and compresses badly by itself.

/**
 * Groups for rolldown: each has the modules that one of the starts comes to
 * without a dynamic import, and none before it does. The ends of the modules'
 * paths are enough. What only parts need that are fetched on demand stays as
 * rolldown puts it.
 * @param {Record<string, string>} starts
 */
export function together(starts) {
  /** @type {Map<string, string> | undefined} */
  let homes;
  const names = Object.keys(starts);
  return {
    groups: names.map((name, place) => ({
      debugName: name,
      // A group takes what its modules need along: the first one chooses first.
      priority: names.length - place,
      /** @type {import("rolldown").CodeSplittingNameFunction} */
      name(id, graph) {
        homes ??= find(starts, id, (each) => graph.getModuleInfo(each));
        return homes.get(id) === name ? name : null;
      },
    })),
  };
}

/**
 * @param {Record<string, string>} starts
 * @param {string} any a module
 * @param {import("rolldown").ChunkingContext["getModuleInfo"]} info
 */
function find(starts, any, info) {
  // From any module up to the page, and from there down to all.
  const all = new Set([any]);
  for (const id of all) for (const next of neighbours(info(id))) all.add(next);
  const homes = new Map();
  for (const [name, end] of Object.entries(starts)) {
    const start = [...all].find((id) => id.endsWith(end));
    if (!start) throw new Error(`no module ends in ${end}`);
    const reached = new Set([start]);
    for (const id of reached) for (const next of info(id)?.importedIds ?? []) if (!homes.has(next)) reached.add(next);
    for (const id of reached) homes.set(id, name);
  }
  return homes;
}

/** @param {import("rolldown").ModuleInfo | null} module */
const neighbours = (module) => (module ? [...module.importedIds, ...module.dynamicallyImportedIds, ...module.importers, ...module.dynamicImporters] : []);
