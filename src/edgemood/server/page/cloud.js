// The songs of the map as arrays: where each lies, which are near a place, which are shown.

const MAGIC = "EMAP";
export const UNJUDGED = 255;
export const UNSURE = 1;
export const MISSING = 2;
const CELLS = 96; // of the index, a side
const SPREAD = 2 / 255; // places come in steps of this; songs of one place are spread over it

/** A number in [0, 1) that depends on nothing but `id` and `salt`: the same song lies at the same spot every day. */
function chance(id, salt) {
  let x = (id ^ Math.imul(salt, 0x9e3779b9)) >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return ((x ^ (x >>> 16)) >>> 0) / 4294967296;
}

export class Cloud {
  /** Read what `api/map` gives. Songs come in an order of chance, so that the first n are a fair sample. */
  constructor(buffer) {
    const view = new DataView(buffer);
    const magic = String.fromCharCode(...new Uint8Array(buffer, 0, Math.min(4, buffer.byteLength)));
    if (magic !== MAGIC || view.getUint32(4, true) !== 1) throw new Error("this map is of another version of edgemood");
    const total = view.getUint32(8, true);
    const bytes = (k) => new Uint8Array(buffer, 16 + (4 + k) * total, total);
    const [ids, xs, ys, moods, flags] = [new Uint32Array(buffer, 16, total), bytes(0), bytes(1), bytes(2), bytes(3)];
    const rows = [];
    for (let i = 0; i < total; i++) if (moods[i] !== UNJUDGED) rows.push(i);
    const order = Float64Array.from(rows, (i) => chance(ids[i], 1));
    const shuffled = Uint32Array.from(rows.keys()).sort((a, b) => order[a] - order[b]);
    const pick = (kind, of) => kind.from(shuffled, (k) => of(rows[k]));
    this.count = rows.length;
    this.total = total;
    this.ids = pick(Uint32Array, (i) => ids[i]);
    this.moods = pick(Uint8Array, (i) => moods[i]);
    this.flags = pick(Uint8Array, (i) => flags[i]);
    this.x = pick(Float32Array, (i) => xs[i] / 127.5 - 1 + (chance(ids[i], 2) - 0.5) * SPREAD);
    this.y = pick(Float32Array, (i) => ys[i] / 127.5 - 1 + (chance(ids[i], 3) - 0.5) * SPREAD);
    this.show(null);
    this.#sort();
  }

  /** Show only these ids; null: all. Then `order` has the others first, `shown` of them last. */
  show(ids) {
    this.on = null;
    this.order = Uint32Array.from({ length: this.count }, (_, i) => i);
    this.shown = this.count;
    if (!ids) return;
    const wanted = new Set(ids);
    this.on = Uint8Array.from(this.ids, (id) => (wanted.has(id) ? 1 : 0));
    const [off, on] = [[], []];
    for (let i = 0; i < this.count; i++) (this.on[i] ? on : off).push(i);
    this.order = Uint32Array.from(off.concat(on));
    this.shown = on.length;
  }

  static #cell = (v) => Math.min(CELLS - 1, Math.max(0, Math.floor(((v + 1.02) / 2.04) * CELLS)));

  #sort() {
    const starts = (this.starts = new Uint32Array(CELLS * CELLS + 1));
    const cells = new Uint16Array(this.count);
    for (let i = 0; i < this.count; i++) {
      cells[i] = Cloud.#cell(this.y[i]) * CELLS + Cloud.#cell(this.x[i]);
      starts[cells[i] + 1]++;
    }
    for (let c = 0; c < CELLS * CELLS; c++) starts[c + 1] += starts[c];
    const next = starts.slice();
    this.inCell = new Uint32Array(this.count);
    for (let i = 0; i < this.count; i++) this.inCell[next[cells[i]]++] = i;
  }

  /** The song nearest to a place, at most rx, ry away, and how many lie within that; songs not shown do not count. */
  near(x, y, rx, ry) {
    let [best, least, many] = [-1, 1, 0];
    const [left, right] = [Cloud.#cell(x - rx), Cloud.#cell(x + rx)];
    for (let row = Cloud.#cell(y - ry); row <= Cloud.#cell(y + ry); row++) {
      for (let k = this.starts[row * CELLS + left]; k < this.starts[row * CELLS + right + 1]; k++) {
        const i = this.inCell[k];
        if (this.on && !this.on[i]) continue;
        const far = ((this.x[i] - x) / rx) ** 2 + ((this.y[i] - y) / ry) ** 2;
        if (far > 1) continue;
        many++;
        if (far < least) [best, least] = [i, far];
      }
    }
    return { row: best, many };
  }

  find(id) {
    return this.ids.indexOf(id);
  }
}
