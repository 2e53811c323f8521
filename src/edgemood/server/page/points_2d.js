// The points of the map where there is no graphics card: written straight into the pixels of a canvas.

export class Points2D {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
  }

  load(cloud) {
    this.cloud = cloud;
  }

  dress({ colours, grey, ground, forms }) {
    this.forms = forms;
    const bytes = (colour) => colour.map((part) => Math.round(255 * part));
    [this.colours, this.grey, this.ground] = [colours.map(bytes), bytes(grey), ground.map(bytes)];
  }

  draw({ centre, scale, size, share }) {
    const { width, height } = this.canvas;
    if (!width || !height) return;
    const image = this.context.createImageData(width, height);
    const pixels = new Uint32Array(image.data.buffer);
    this.#ground(pixels, width, height, centre, scale);
    if (this.cloud) this.#points(pixels, width, height, { centre, scale, size, share });
    this.context.putImageData(image, 0, 0);
  }

  #ground(pixels, width, height, centre, scale) {
    const packed = this.ground.map(([r, g, b]) => (255 << 24) | (b << 16) | (g << 8) | r);
    const x = Math.round(Math.min(width, Math.max(0, (1 - centre[0] * scale[0]) * 0.5 * width)));
    const y = Math.round(Math.min(height, Math.max(0, (1 + centre[1] * scale[1]) * 0.5 * height)));
    for (let row = 0; row < height; row++) {
      const k = row < y ? 0 : 2;
      pixels.fill(packed[k], row * width, row * width + x);
      pixels.fill(packed[k + 1], row * width + x, (row + 1) * width);
    }
  }

  #points(pixels, width, height, { centre, scale, size, share }) {
    const { cloud } = this;
    const off = cloud.count - cloud.shown;
    const side = Math.max(1, Math.round(size > 4 ? size : size * 0.8));
    for (const [first, many, on] of [[0, off, false], [off, cloud.shown, true]]) {
      for (let k = first; k < first + Math.ceil(many * share); k++) {
        const i = cloud.order[k];
        const left = Math.round(((cloud.x[i] - centre[0]) * scale[0] + 1) * 0.5 * width - side / 2);
        const top = Math.round((1 - (cloud.y[i] - centre[1]) * scale[1]) * 0.5 * height - side / 2);
        if (left < 0 || top < 0 || left + side > width || top + side > height) continue;
        const colour = on ? this.colours[cloud.moods[i] % this.colours.length] ?? this.grey : this.grey;
        const alpha = (on ? 200 : 45) - (cloud.flags[i] & 2 ? 25 : 0) - (cloud.flags[i] & 1 ? 20 : 0);
        stamp(pixels, width, left, top, side, mask(this.forms[cloud.moods[i]] ?? 0, side), colour, alpha);
      }
    }
  }

  finish() {}
}

const ROOM = 4; // pixels a side from which on a point has a shape
const masks = new Map();

/** How much of each pixel a shape covers, 0 to 255; the forms are those of points_gl.js. */
function mask(form, side) {
  const key = side < ROOM ? side : 64 * form + side + 64;
  if (!masks.has(key)) {
    const full = new Uint8Array(side * side).fill(255);
    masks.set(key, side < ROOM ? full : full.map((_, k) => 255 * covered(form, 2 * ((k % side) + 0.5) / side - 1, 2 * (Math.floor(k / side) + 0.5) / side - 1, side)));
  }
  return masks.get(key);
}

function covered(form, x, y, side) {
  const up = form === 2 ? -y : y;
  const far = [
    Math.hypot(x, y) - 0.95,
    Math.max(Math.abs(x) * 0.88 - (up + 0.95) * 0.47, up - 0.8),
    Math.max(Math.abs(x) * 0.88 - (up + 0.95) * 0.47, up - 0.8),
    Math.max(Math.abs(x), Math.abs(y)) - 0.85,
  ][form];
  return Math.min(1, Math.max(0, 0.5 - (far * side) / 2));
}

function stamp(pixels, width, left, top, side, cover, [r, g, b], opacity) {
  for (let y = 0, k = 0; y < side; y++) {
    for (let at = (top + y) * width + left, end = at + side; at < end; at++, k++) {
      const alpha = (opacity * cover[k]) >> 8;
      const under = pixels[at];
      const mix = (below, over) => below + (((over - below) * alpha) >> 8);
      pixels[at] = (255 << 24) | (mix((under >> 16) & 255, b) << 16) | (mix((under >> 8) & 255, g) << 8) | mix(under & 255, r);
    }
  }
}
