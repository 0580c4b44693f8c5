"use strict";

// The answers come from the engine, asked beforehand (verdicts.py); here they are only looked up. Verdicts of a build:
const NEVER = -1, UNUSED = -2;

const BRANDS = new Set(["nvidia", "geforce", "tesla"]);
const words = (text) => text.toLowerCase().match(/[a-z0-9]+/g) || [];
const plain = (text) => words(text).filter((word) => !BRANDS.has(word)).join(" ");

/** The place of a GPU's capability. Throws an Error that says what is wrong with the name. */
function findGpu(facts, text) {
  const number = /^(?:sm_?)?(\d{1,2})\.?(\d)$/i.exec(text.trim());
  if (number) {
    const place = facts.capabilities.findIndex((row) => row[0] === `${number[1]}.${number[2]}`);
    if (place >= 0) return place;
  }
  const wanted = plain(text);
  for (const [name, place, aliases] of facts.gpus)
    if (plain(name) === wanted || aliases.some((alias) => plain(alias) === wanted)) return place;
  const parts = wanted.split(" ").filter(Boolean);
  const fitting = facts.gpus.filter(([name]) => {
    const own = new Set(words(name));
    return parts.length && parts.every((part) => own.has(part));
  });
  const places = new Set(fitting.map((row) => row[1]));
  if (places.size === 1) return fitting[0][1];
  if (!places.size) throw new Error(`No such GPU in the matrix. Its compute capability will do: 8.6`);
  const some = fitting.slice(0, 4).map(([name, place]) => `${name} (${facts.capabilities[place][0]})`);
  throw new Error(`That fits GPUs of different generations: ${some.join(", ")} …`);
}

function compareVersions(one, other) {
  const [a, b] = [one, other].map((text) => text.split(".").map(Number));
  for (let n = 0; n < Math.max(a.length, b.length); n++)
    if ((a[n] || 0) !== (b[n] || 0)) return (a[n] || 0) - (b[n] || 0);
  return 0;
}

/** "0-3,5" as [0, 1, 2, 3, 5]. */
function places(text) {
  return text ? text.split(",").flatMap((part) => {
    const [first, last] = part.split("-").map(Number);
    return Array.from({ length: (last ?? first) - first + 1 }, (_, n) => first + n);
  }) : [];
}

/** Every build of a host's platform with what speaks against it, and the newest stack that fits.
 *  host: platform, python, libc ("2.35" or ""), gpu (place of a capability or null), driver ("" for the newest). */
function judge(facts, host) {
  const own = facts.platforms[host.platform];
  const text = (place) => facts.strings[place];
  const gpu = host.platform.startsWith("macos") ? null : host.gpu;
  const last = gpu === null ? null : facts.capabilities[gpu][3];
  const driver = host.driver || (last ? `${last}.999` : "99999");
  const reached = own.drivers.filter((each) => compareVersions(each, driver) <= 0).length - 1;
  const python = facts.pythons.indexOf(host.python);
  const builds = own.builds.map(([torch, tag, pypi, pythons, floor, key, archs, needs]) => {
    const against = [];
    const fastais = facts.versions[torch][python];
    const offered = text(pythons).split(" ");
    if (!offered.includes(host.python)) against.push(`no wheel for Python ${host.python}, only for ${offered.join(" ")}`);
    else if (fastais === null) against.push(`its torchvision has no wheel for Python ${host.python}`);
    const [kind, wants] = text(floor).split(" ");
    if (host.libc && wants && kind === libcOf(host.platform) && compareVersions(host.libc, wants) < 0)
      against.push(`needs ${kind} ${wants}`);
    const verdict = gpu === null ? 0 : own.keys[key][gpu];
    if (verdict === UNUSED) against.push("a CPU build: the GPU stays unused");
    else if (verdict === NEVER) against.push(`no code for ${facts.capabilities[gpu][0]}, only ${text(archs)}`);
    else if (verdict < 0) against.push("nobody has read its architectures");
    else if (verdict > reached) against.push(`needs driver ${own.drivers[verdict]}`);
    const warning = gpu === null ? undefined : own.warnings[`${key},${gpu}`];
    const release = facts.torches[torch];
    return {
      torch, tag: text(tag), pypi: Boolean(pypi), version: release[0] + (pypi ? "" : `+${text(tag)}`),
      vision: release[1] + (pypi || !release[1] ? "" : `+${text(tag)}`), yanked: Boolean(release[2]),
      fastais: fastais === null ? [] : places(fastais), against, needs: text(needs),
      warning: warning === undefined || against.length ? "" : text(warning),
    };
  });
  if (gpu === null)
    // Without a GPU the CPU build is the smaller one; PyPI's own serves as well.
    builds.sort((a, b) => a.torch - b.torch || (a.tag !== "cpu") - (b.tag !== "cpu") || b.pypi - a.pypi);
  let choice = null;
  for (let fastai = 0; fastai < facts.fastais.length && !choice; fastai++) {
    const build = builds.find((each) => !each.against.length && !each.yanked && each.fastais.includes(fastai));
    if (build) choice = { fastai, build };
  }
  return { builds, choice, driver: gpu === null || host.driver ? "" : last ? `R${last}` : "newest" };
}

const libcOf = (platform) => (platform.startsWith("macos") ? "macos" : platform.startsWith("linux") ? "glibc" : "");

/** An element with text or children. */
function make(tag, attributes = {}, ...inside) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...inside);
  return made;
}

/** The command that decides the same and resolves the rest; what was typed as a number goes as one. */
function command(facts, host, gpuText) {
  const words = ["compatmatrix lock"];
  if (host.gpu === null) words.push("--no-gpu");
  else if (/^[\d._sm]+$/i.test(gpuText)) words.push(`--cc ${facts.capabilities[host.gpu][0]}`);
  else words.push(`--gpu "${gpuText.replace(/[^\w .()+-]/g, "")}"`);
  if (host.gpu !== null && host.driver) words.push(`--driver ${host.driver}`);
  words.push(`--python-version ${host.python} --platform ${host.platform}`);
  if (host.libc && libcOf(host.platform) === "glibc") words.push(`--glibc ${host.libc}`);
  return words.join(" ");
}

/** What newer drivers would unlock: [driver, choice] where the torch gets newer. */
function unlocked(facts, host, choice) {
  const last = host.gpu === null ? null : facts.capabilities[host.gpu][3];
  if (host.gpu === null || !host.driver || host.platform.startsWith("macos")) return [];
  const found = [];
  let torch = choice ? choice.build.torch : facts.torches.length;
  for (const driver of facts.platforms[host.platform].drivers) {
    if (compareVersions(driver, host.driver) <= 0 || (last && Number(driver.split(".")[0]) > last)) continue;
    const newer = judge(facts, { ...host, driver }).choice;
    if (newer && newer.build.torch < torch) {
      torch = newer.build.torch;
      found.push([driver, newer]);
    }
  }
  return found;
}

/** Builds in words, those of one kind together: [["cu126 (PyPI), cu130 (PyTorch index)", "why not"], …]. */
function grouped(builds, reason) {
  const groups = new Map();
  for (const each of builds) {
    const why = reason(each);
    if (!groups.has(why)) groups.set(why, new Map());
    const tags = groups.get(why);
    tags.set(each.tag, [...(tags.get(each.tag) || []), each.pypi ? "PyPI" : "PyTorch index"]);
  }
  return [...groups].map(([why, tags]) => [[...tags].map(([tag, from]) => `${tag} (${from.join(", ")})`).join(", "), why]);
}

function showAnswer(facts, host, gpuText) {
  const { builds, choice, driver } = judge(facts, host);
  const answer = document.getElementById("answer");
  const lines = [];
  if (choice) {
    const { fastai, build } = choice;
    const from = build.pypi ? "from PyPI" : "from the PyTorch index";
    lines.push(make("strong", {}, `${build.warning ? "!" : "✓"} torch ${build.version} with fastai ${facts.fastais[fastai][0]}`));
    lines.push(make("p", { class: "plain" }, `torchvision ${build.vision}; build ${build.tag}, ${from}` + (build.needs && host.gpu !== null ? `; needs driver ${build.needs} or newer` : "")));
    if (build.warning) lines.push(make("p", { class: "skip" }, `! ${build.warning}`));
  } else lines.push(make("strong", {}, "✗ no torch in the matrix fits"));
  const newest = builds.find((each) => !each.yanked);
  if (newest && choice && newest.torch < choice.build.torch) {
    const why = grouped(builds.filter((each) => each.torch === newest.torch), (each) => each.against[0] || "no fastai goes with it");
    lines.push(make("p", { class: "plain" }, `torch ${facts.torches[newest.torch][0]} is not taken. ${why.map(([tags, reason]) => `${tags}: ${reason}`).join("; ")}.`));
  }
  if (host.gpu !== null && !host.platform.startsWith("macos")) {
    const [number, place, first, last] = facts.capabilities[host.gpu];
    const notes = [`Compute capability ${number} (${facts.strings[place]}).`];
    if (first) notes.push(`It needs driver R${first} or newer.`);
    if (last) notes.push(`R${last} is the last driver branch that supports it.`);
    if (driver) notes.push(`No driver given: the ${driver === "newest" ? "newest" : `newest of ${driver}`} is supposed.`);
    lines.push(make("p", { class: "plain" }, notes.join(" ")));
  }
  for (const [newer, { build }] of unlocked(facts, host, choice))
    lines.push(make("p", { class: "plain" }, `Driver ${newer} would unlock torch ${build.version} (${build.tag}).`));
  if (choice)
    lines.push(
      make("p", { class: "plain" }, "With every other package and all hashes (of two that fit it prefers what was trained):"),
      make("pre", { tabindex: "0", class: "plain", "aria-label": "command" }, command(facts, host, gpuText)),
    );
  answer.replaceChildren(make("div", { class: `verdict ${!choice ? "fail" : choice.build.warning ? "skip" : "pass"}` }, ...lines));
  showReleases(facts, builds);
}

/** Ranges of releases, newest first: "2.8.0 to 2.8.12". */
function span(facts, found) {
  const ranges = [];
  for (const place of found) {
    const range = ranges[ranges.length - 1];
    // A yanked release between two others does not break a range.
    let next = range ? range[1] + 1 : 0;
    while (range && next < place && facts.fastais[next][1]) next++;
    if (range && next === place) range[1] = place;
    else ranges.push([place, place]);
  }
  return ranges.map(([a, b]) => (a === b ? facts.fastais[a][0] : `${facts.fastais[b][0]} to ${facts.fastais[a][0]}`)).join(", ");
}

function showReleases(facts, builds) {
  const body = document.getElementById("releases");
  const rows = facts.torches.map(([version, vision, yanked], torch) => {
    const own = builds.filter((each) => each.torch === torch);
    const works = own.filter((each) => !each.against.length);
    const fastais = works.length ? span(facts, works[0].fastais) : "";
    const ok = works.length && fastais && !yanked;
    const inside = grouped(works, (each) => each.warning).map(([tags, warning]) =>
      make("div", {}, `✓ ${tags}`, ...(warning ? [make("span", { class: "skip" }, ` ! ${warning}`)] : [])));
    for (const [tags, why] of grouped(own.filter((each) => each.against.length), (each) => each.against.join("; ")))
      inside.push(make("div", { class: "faint" }, `✗ ${tags}: ${why}`));
    if (!own.length) inside.push(make("div", { class: "faint" }, "no build for this platform"));
    if (yanked) inside.unshift(make("div", { class: "skip" }, "yanked"));
    const [kind, word] = !ok ? ["fail", "✗ no"] : works.every((each) => each.warning) ? ["skip", "! partly"] : ["pass", "✓ works"];
    return make("tr", {},
      make("td", { class: `status ${kind}` }, word),
      make("th", { scope: "row" }, `torch ${version}`),
      make("td", { class: "wide" }, ...inside),
      make("td", { class: "wide" }, vision ? `torchvision ${vision}` : ""),
      make("td", { class: "wide" }, fastais ? `fastai ${fastais}` : works.length ? "no fastai" : ""));
  });
  body.replaceChildren(...rows);
}

function showTables(facts) {
  const place = document.getElementById("tables");
  for (const [name, { columns, rows }] of Object.entries(facts.tables)) {
    if (!rows.length) continue;
    const details = make("details", {}, make("summary", {}, `${name}: ${rows.length} rows`));
    details.addEventListener("toggle", () => details.open && details.children.length === 1 && details.append(...tableOf(facts, name, columns, rows)));
    place.append(details);
  }
}

function tableOf(facts, name, columns, rows) {
  const head = make("tr", {}, ...columns.map((column) => make("th", { scope: "col" }, column)));
  const body = make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((cell, n) =>
    make("td", { class: columns[n] === "source" ? "source" : facts.strings[cell].length > 20 ? "list" : "" }, facts.strings[cell])))));
  const count = make("span", { class: "faint", role: "status" }, "");
  const filter = make("input", { type: "search", id: `filter-${name}`, autocomplete: "off" });
  filter.addEventListener("input", () => {
    const wanted = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let left = 0;
    for (const row of body.rows) {
      row.hidden = !wanted.every((word) => row.textContent.toLowerCase().includes(word));
      left += !row.hidden;
    }
    count.textContent = wanted.length ? `${left} of ${rows.length}` : "";
  });
  const caption = make("caption", {}, `[[${name}]]: each row with where it was read, how, and when`);
  const scroll = make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": name }, make("table", {}, caption, make("thead", {}, head), body));
  return [make("p", {}, make("label", { for: `filter-${name}` }, "Rows with "), filter, " ", count), scroll];
}

const FIELDS = ["gpu", "driver", "python", "platform", "libc"];

/** Read the form, say what is wrong with a field, else show the answer. The address keeps the question. */
function update(facts) {
  const field = Object.fromEntries(FIELDS.map((name) => [name, document.getElementById(name)]));
  const value = Object.fromEntries(FIELDS.map((name) => [name, field[name].value.trim()]));
  const wrong = {};
  let gpu = null;
  try {
    if (value.gpu) gpu = findGpu(facts, value.gpu);
  } catch (error) {
    wrong.gpu = error.message;
  }
  if (value.driver && !/^\d+(\.\d+){0,3}$/.test(value.driver)) wrong.driver = "A driver reads like 535.104.05.";
  if (value.libc && !/^\d+\.\d+$/.test(value.libc)) wrong.libc = "A version reads like 2.35.";
  for (const name of FIELDS) {
    const message = document.getElementById(`${name}-wrong`);
    if (message) message.textContent = wrong[name] || "";
    if (wrong[name]) field[name].setAttribute("aria-invalid", "true");
    else field[name].removeAttribute("aria-invalid");
  }
  if (Object.keys(wrong).length) {
    // The answer to another question must not stand below this one.
    document.getElementById("answer").replaceChildren(make("p", { class: "faint" }, "No answer yet: see the marked field."));
    document.getElementById("releases").replaceChildren();
    return;
  }
  const asked = FIELDS.filter((name) => value[name]).map((name) => `${name}=${encodeURIComponent(value[name])}`);
  try {
    history.replaceState(null, "", `#${asked.join("&")}`);
  } catch {
    // A frame without an address of its own, as wikis have them.
  }
  showAnswer(facts, { ...value, gpu }, value.gpu);
}

/** The Python that most of the newest releases serve, the newest of those. */
function commonPython(facts) {
  const served = (n) => facts.versions.slice(0, 12).filter((row) => row[n]).length;
  const plain = facts.pythons.filter((python) => !python.endsWith("t"));
  return plain.reduce((best, python) =>
    (served(facts.pythons.indexOf(python)) > served(facts.pythons.indexOf(best)) ? python : best), plain[0]);
}

function start() {
  const facts = JSON.parse(document.getElementById("facts").textContent);
  for (const [name] of facts.gpus) document.getElementById("gpus").append(make("option", { value: name }));
  for (const python of facts.pythons) document.getElementById("python").append(make("option", { value: python }, python));
  for (const platform of Object.keys(facts.platforms)) document.getElementById("platform").append(make("option", { value: platform }, platform));
  document.getElementById("python").value = commonPython(facts);
  for (const [name, value] of new URLSearchParams(location.hash.slice(1))) {
    if (FIELDS.includes(name)) document.getElementById(name).value = value;
  }
  let waiting = 0;
  for (const name of FIELDS)
    document.getElementById(name).addEventListener("input", () => {
      // Not at every letter: a screen reader would read half a name's fault aloud.
      clearTimeout(waiting);
      waiting = setTimeout(() => update(facts), 300);
    });
  document.getElementById("question").addEventListener("submit", (event) => event.preventDefault());
  showTables(facts);
  update(facts);
}

if (document.getElementById("facts")) start();
