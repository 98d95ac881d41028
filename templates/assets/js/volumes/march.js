// A volume of bytes seen from any side: rays through it, marched on the graphics card (WebGL 2).
(() => {
  "use strict";

  const report = (globalThis.reportgen ??= {});
  const MODES = { maximum: 0, opacity: 1, surface: 2, binary: 3 };

  const CORNERS = `#version 300 es
    in vec2 corner;
    void main() { gl_Position = vec4(corner, 0.0, 1.0); }`;

  // Rays are parallel. Along its longest component a ray is looked at once in each layer of voxels, in the layer's
  // middle: seen along an axis, every voxel counts exactly once.
  const RAYS = `#version 300 es
    precision highp float;
    precision highp sampler3D;
    uniform sampler3D levels;
    uniform sampler2D colours;
    uniform vec3 size, stretch;
    uniform vec2 view;
    uniform float scale, threshold, density, zero;
    uniform mat3 turn;
    uniform int mode;
    uniform bool smoothly;
    out vec4 seen;

    float level(vec3 p) {
      if (smoothly) return texture(levels, p / size).r;
      return texelFetch(levels, ivec3(clamp(p, vec3(0.0), size - 0.5)), 0).r;
    }
    // How far a value lies from zero, of the most that it may; where zero is the least value, the value itself.
    float strength(float value) { return abs(value - zero) / max(zero, 1.0 - zero); }
    vec3 colour(float value) { return texture(colours, vec2((value * 255.0 + 0.5) / 256.0, 0.5)).rgb; }
    float blurred(vec3 p) { return texture(levels, p / size).r; }
    vec3 lit(vec3 p, vec3 ray, vec3 tint) {
      vec3 slope = vec3(
        blurred(p + vec3(1, 0, 0)) - blurred(p - vec3(1, 0, 0)),
        blurred(p + vec3(0, 1, 0)) - blurred(p - vec3(0, 1, 0)),
        blurred(p + vec3(0, 0, 1)) - blurred(p - vec3(0, 0, 1))) / stretch;
      float facing = length(slope) > 0.0 ? abs(dot(normalize(slope), ray)) : 1.0;
      return tint * (0.35 + 0.65 * facing);
    }

    void main() {
      vec2 at = vec2(gl_FragCoord.x - view.x / 2.0, view.y / 2.0 - gl_FragCoord.y) / scale;
      vec3 ray = transpose(turn) * vec3(0.0, 0.0, 1.0);
      vec3 start = (transpose(turn) * vec3(at, 0.0)) / stretch + size / 2.0;
      vec3 along = ray / stretch;
      vec3 long_ = abs(along);
      int axis = long_.x >= long_.y && long_.x >= long_.z ? 0 : (long_.y >= long_.z ? 1 : 2);
      vec3 per = along / long_[axis];
      vec3 safe = mix(per, vec3(1e-9), lessThan(abs(per), vec3(1e-9)));
      vec3 one = -start / safe, other = (size - start) / safe;
      vec3 near3 = min(one, other), far3 = max(one, other);
      float near = max(max(near3.x, near3.y), near3.z), far = min(min(far3.x, far3.y), far3.z);
      seen = vec4(0.0);
      if (near >= far) return;
      float way = per[axis], step_ = length(per * stretch);
      float first = way > 0.0 ? ceil(start[axis] + near - 0.5) : -floor(start[axis] - near - 0.5);
      float offset = way > 0.0 ? first + 0.5 - start[axis] : first - 0.5 + start[axis];
      float best = -1.0, best_level = 0.0, before = 0.0;
      vec4 sum = vec4(0.0);
      for (int i = 0; i < 4096; i++) {
        float t = offset + float(i);
        if (t > far) break;
        vec3 p = start + per * t;
        float found = level(p), value = strength(found);
        if (mode == 0) {
          if (value > best) {
            best = value;
            best_level = found;
          }
        } else if (mode == 1) {
          if (value >= threshold) {
            float share = (value - threshold) / max(1.0 - threshold, 1.0 / 255.0);
            float alpha = 1.0 - pow(1.0 - min(density * (0.15 + 0.85 * share), 0.999), step_);
            sum += (1.0 - sum.a) * alpha * vec4(colour(found), 1.0);
            if (sum.a > 0.99) break;
          }
        } else if (value >= threshold) {
          if (mode == 2 && i > 0 && value > before) p -= per * (value - threshold) / (value - before);
          sum = vec4(lit(p, ray, colour(zero > 0.0 ? found : mode == 2 ? threshold : 1.0)), 1.0);
          break;
        }
        before = value;
      }
      if (mode == 0 && best >= threshold && best >= 0.0) sum = vec4(colour(best_level), 1.0);
      seen = sum;
    }`;

  function compiled(gl, kind, text) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
    return shader;
  }

  function linked(gl) {
    const program = gl.createProgram();
    gl.attachShader(program, compiled(gl, gl.VERTEX_SHADER, CORNERS));
    gl.attachShader(program, compiled(gl, gl.FRAGMENT_SHADER, RAYS));
    gl.bindAttribLocation(program, 0, "corner");
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program));
    gl.useProgram(program);
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([-1, -1, 3, -1, -1, 3]), gl.STATIC_DRAW);
    gl.enableVertexAttribArray(0);
    gl.vertexAttribPointer(0, 2, gl.FLOAT, false, 0, 0);
    return program;
  }

  function texture(gl, unit, target, filter) {
    gl.activeTexture(gl.TEXTURE0 + unit);
    gl.bindTexture(target, gl.createTexture());
    for (const side of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T, gl.TEXTURE_WRAP_R]) {
      gl.texParameteri(target, side, gl.CLAMP_TO_EDGE);
    }
    gl.texParameteri(target, gl.TEXTURE_MIN_FILTER, filter);
    gl.texParameteri(target, gl.TEXTURE_MAG_FILTER, filter);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
  }

  // What draws volumes on a canvas; null where there is no WebGL 2. `load` takes bytes [z][y][x] and their size,
  // `paint` 256 colours RGB, and `draw` the view: `turn` (a 3 x 3 matrix by columns, from the volume to the eye: x to
  // the right, y down, z away), `scale` in px for a unit, `stretch` in units for a voxel, `mode`, `threshold` (a
  // byte), `density`, `smoothly`, and `zero`, the byte from which values count either way.
  report.marcher = (canvas) => {
    const gl = canvas.getContext("webgl2", { antialias: false, premultipliedAlpha: true, preserveDrawingBuffer: true });
    if (!gl) return null;
    const program = linked(gl);
    const place = (name) => gl.getUniformLocation(program, name);
    const places = Object.fromEntries(
      ["levels", "colours", "size", "stretch", "view", "scale", "threshold", "density", "zero", "turn", "mode", "smoothly"]
        .map((name) => [name, place(name)]),
    );
    texture(gl, 0, gl.TEXTURE_3D, gl.LINEAR);
    texture(gl, 1, gl.TEXTURE_2D, gl.NEAREST);
    gl.uniform1i(places.levels, 0);
    gl.uniform1i(places.colours, 1);
    let size = [1, 1, 1];
    return {
      gl,
      most: gl.getParameter(gl.MAX_3D_TEXTURE_SIZE),
      load(levels, [width, height, depth]) {
        size = [width, height, depth];
        gl.activeTexture(gl.TEXTURE0);
        gl.texImage3D(gl.TEXTURE_3D, 0, gl.R8, width, height, depth, 0, gl.RED, gl.UNSIGNED_BYTE, levels);
      },
      paint(colours) {
        gl.activeTexture(gl.TEXTURE1);
        gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGB8, 256, 1, 0, gl.RGB, gl.UNSIGNED_BYTE, colours);
      },
      draw({ turn, scale, stretch = [1, 1, 1], mode = "maximum", threshold = 0, density = 0.1, zero = 0, smoothly = false }) {
        gl.viewport(0, 0, canvas.width, canvas.height);
        gl.uniform3fv(places.size, size);
        gl.uniform3fv(places.stretch, stretch);
        gl.uniform2f(places.view, canvas.width, canvas.height);
        gl.uniform1f(places.scale, scale);
        gl.uniform1f(places.threshold, (threshold - 0.5) / 255);
        gl.uniform1f(places.density, density);
        gl.uniform1f(places.zero, zero / 255);
        gl.uniformMatrix3fv(places.turn, false, turn);
        gl.uniform1i(places.mode, MODES[mode]);
        gl.uniform1i(places.smoothly, smoothly ? 1 : 0);
        gl.clearColor(0, 0, 0, 0);
        gl.clear(gl.COLOR_BUFFER_BIT);
        gl.drawArrays(gl.TRIANGLES, 0, 3);
      },
    };
  };
})();
