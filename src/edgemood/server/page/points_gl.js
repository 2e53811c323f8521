// The points of the map by WebGL2: one buffer, one or two draws a frame.

const VERTEX = `#version 300 es
in vec2 place;
in vec2 kind;
uniform vec2 scale, centre;
uniform float size;
uniform float dim;
uniform vec4 hues[9];
out vec4 colour;
flat out int form;
flat out float pixels;
void main() {
  gl_Position = vec4((place - centre) * scale, 0.0, 1.0);
  int mood = int(kind.x + 0.5);
  form = mood < 8 ? mood : 8;
  float unsure = mod(kind.y, 2.0), gone = mod(floor(kind.y / 2.0), 2.0);
  colour = mix(hues[min(mood, 7)], hues[8], dim);
  colour.a *= (1.0 - 0.35 * unsure) * (1.0 - 0.6 * gone) * (1.0 - 0.78 * dim);
  gl_PointSize = size * (1.0 - 0.3 * dim);
  pixels = gl_PointSize;
}`;

// Shapes once there is room for them, soft dots before.
const FRAGMENT = `#version 300 es
precision mediump float;
in vec4 colour;
flat in int form;
flat in float pixels;
uniform int forms[9];
uniform vec3 rim;
out vec4 pixel;
void main() {
  if (pixels <= 3.5) {
    pixel = vec4(colour.rgb * colour.a, colour.a);
    return;
  }
  vec2 p = gl_PointCoord * 2.0 - 1.0;
  float edge = 2.5 / pixels;
  float d = length(p) - 0.86;
  int shape = pixels < 7.0 ? 0 : forms[form];
  if (shape == 1 || shape == 2) {
    if (shape == 2) p.y = -p.y;
    d = max(abs(p.x) * 0.88 - (p.y + 0.88) * 0.47, p.y - 0.68);
  }
  if (shape == 3) d = max(abs(p.x), abs(p.y)) - 0.76;
  float cover = 1.0 - smoothstep(-edge, 0.0, d);
  if (cover < 0.02) discard;
  float inside = pixels < 9.0 ? 1.0 : 1.0 - smoothstep(-3.4 / pixels, -2.0 / pixels, d);
  pixel = vec4(mix(rim, colour.rgb, inside), 1.0) * (colour.a * cover);
}`;

/** Names of what draws without a graphics card: there the other way (points_2d.js) is several times as quick. */
const SOFTWARE = /swiftshader|llvmpipe|softpipe|lavapipe|software|basic render/i;

function renderer(gl) {
  const more = gl.getExtension("WEBGL_debug_renderer_info");
  return String(gl.getParameter(more ? more.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
}

function compiled(gl, kind, source) {
  const shader = gl.createShader(kind);
  gl.shaderSource(shader, source);
  gl.compileShader(shader);
  if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS) && !gl.isContextLost()) throw new Error(gl.getShaderInfoLog(shader));
  return shader;
}

export class PointsGL {
  /**
   * Draws into `canvas`; null where there is no WebGL2, or none that is quicker than doing without, unless it is forced.
   * `lost` is called when the graphics card is taken away.
   */
  static on(canvas, lost, forced) {
    const gl = canvas.getContext("webgl2", { failIfMajorPerformanceCaveat: !forced, antialias: false, alpha: false, depth: false, stencil: false, powerPreference: "low-power" });
    if (!gl || (!forced && SOFTWARE.test(renderer(gl)))) return null;
    canvas.addEventListener("webglcontextlost", lost);
    try {
      return new PointsGL(gl);
    } catch (error) {
      console.warn("no WebGL for the map:", error.message);
      return null;
    }
  }

  constructor(gl) {
    this.gl = gl;
    const program = gl.createProgram();
    gl.attachShader(program, compiled(gl, gl.VERTEX_SHADER, VERTEX));
    gl.attachShader(program, compiled(gl, gl.FRAGMENT_SHADER, FRAGMENT));
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program));
    gl.useProgram(program);
    this.at = (name) => gl.getUniformLocation(program, name);
    this.uniforms = Object.fromEntries(["scale", "centre", "size", "dim"].map((name) => [name, this.at(name)]));
    this.buffers = ["place", "kind"].map((name, k) => {
      const buffer = gl.createBuffer();
      const where = gl.getAttribLocation(program, name);
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      gl.enableVertexAttribArray(where);
      gl.vertexAttribPointer(where, 2, k ? gl.UNSIGNED_BYTE : gl.FLOAT, false, 0, 0);
      return buffer;
    });
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    this.count = this.shown = 0;
  }

  load(cloud) {
    const { gl } = this;
    const [places, kinds] = [new Float32Array(2 * cloud.count), new Uint8Array(2 * cloud.count)];
    cloud.order.forEach((i, k) => {
      places[2 * k] = cloud.x[i];
      places[2 * k + 1] = cloud.y[i];
      kinds[2 * k] = cloud.moods[i];
      kinds[2 * k + 1] = cloud.flags[i];
    });
    [places, kinds].forEach((data, k) => {
      gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[k]);
      gl.bufferData(gl.ARRAY_BUFFER, data, gl.STATIC_DRAW);
    });
    [this.count, this.shown] = [cloud.count, cloud.shown];
  }

  /** colours: of the moods as the server numbers them; forms: 0 circle, 1 and 2 triangle up and down, 3 square. */
  dress({ colours, grey, ground, forms, rim }) {
    const { gl } = this;
    const table = new Float32Array(36);
    for (let k = 0; k < 8; k++) table.set([...(colours[k % colours.length] ?? grey), 1], 4 * k);
    table.set([...grey, 1], 32);
    gl.uniform4fv(this.at("hues"), table);
    gl.uniform1iv(this.at("forms"), Int32Array.from({ length: 9 }, (_, k) => forms[k % forms.length] ?? 0));
    gl.uniform3f(this.at("rim"), ...rim);
    this.ground = ground;
  }

  /** view: centre, scale (to the clip space), size of a point, share of the points to draw, opacity. */
  draw(view) {
    const { gl, uniforms } = this;
    const { width, height } = gl.canvas;
    gl.viewport(0, 0, width, height);
    this.#ground(view, width, height);
    gl.uniform2f(uniforms.scale, ...view.scale);
    gl.uniform2f(uniforms.centre, ...view.centre);
    gl.uniform1f(uniforms.size, view.size);
    const off = this.count - this.shown;
    if (off) this.#points(0, off, view.share, 1);
    if (this.shown) this.#points(off, this.shown, view.share, 0);
  }

  #points(first, count, share, dim) {
    this.gl.uniform1f(this.uniforms.dim, dim);
    this.gl.drawArrays(this.gl.POINTS, first, Math.ceil(count * share));
  }

  /** The four quadrants, each a breath of its mood's colour: cleared, which costs nothing. */
  #ground({ scale, centre }, width, height) {
    const { gl } = this;
    const clip = (v, size) => Math.round(Math.min(size, Math.max(0, (v + 1) * 0.5 * size)));
    const [x, y] = [clip(-centre[0] * scale[0], width), clip(-centre[1] * scale[1], height)];
    gl.enable(gl.SCISSOR_TEST);
    const parts = [[0, y, x, height - y], [x, y, width - x, height - y], [0, 0, x, y], [x, 0, width - x, y]];
    parts.forEach((part, k) => {
      gl.scissor(...part);
      gl.clearColor(...this.ground[k], 1);
      gl.clear(gl.COLOR_BUFFER_BIT);
    });
    gl.disable(gl.SCISSOR_TEST);
  }

  /** Wait until all is drawn: for measuring. */
  finish() {
    this.gl.readPixels(0, 0, 1, 1, this.gl.RGBA, this.gl.UNSIGNED_BYTE, new Uint8Array(4));
  }
}
