# SPDX-License-Identifier: GPL-3.0-or-later
"""GLSL programs, one per material: small programs run several times faster in software than one with branches."""

_NOISE = """
float hash(vec3 p) { p = fract(p * .1031); p += dot(p, p.zyx + 31.32); return fract((p.x + p.y) * p.z); }
float noise(vec3 p) {
  vec3 i = floor(p), f = fract(p); f = f * f * (3. - 2. * f);
  vec4 low = vec4(hash(i), hash(i + vec3(1,0,0)), hash(i + vec3(0,1,0)), hash(i + vec3(1,1,0)));
  vec4 high = vec4(hash(i + vec3(0,0,1)), hash(i + vec3(1,0,1)), hash(i + vec3(0,1,1)), hash(i + vec3(1,1,1)));
  vec4 z = mix(low, high, f.z); vec2 y = mix(z.xy, z.zw, f.y); return mix(y.x, y.y, f.x);
}
"""

_VERTEX = """
in vec3 position; in vec3 normal; in vec3 rest; in vec4 paint_a; in vec4 paint_b;
uniform mat3 rotation; uniform vec3 translation; uniform vec4 projection; uniform vec3 seed;
uniform vec4 hair_line; uniform vec4 hair_cut; uniform vec4 beard;
out vec3 seen; out vec3 facing; out vec3 at; out vec4 mask_a; out vec4 mask_b; out float grown;
void main() {
  vec3 p = position; grown = 0.;
  DISPLACE
  vec3 w = rotation * p + translation;
  seen = w; facing = rotation * normal; at = rest; mask_a = paint_a; mask_b = paint_b;
  float depth = -w.z;
  gl_Position = vec4(projection.x * w.x + projection.z * depth, projection.y * w.y + projection.w * depth,
                     1.002 * depth - 2., depth);
}
"""

# The hair is the scalp pushed outwards where it lies behind the hair line; `grown` < 0 is bare skin.
_HAIR_DISPLACE = """
  float front = rest.y - (hair_line.x + hair_cut.x * rest.x * rest.x / 36.);
  float temple = (hair_line.y + .25 * (rest.y - 5.)) - rest.z;
  float inside = max(front, temple);
  inside = min(inside, rest.y - hair_line.z + max(0., rest.z + 1.) * hair_cut.y);
  if (hair_cut.z > .5) inside = mix(inside, -3., paint_b.w);
  inside += (noise(rest * 1.1 + seed) - .5) * hair_cut.w;
  grown = inside;
  float thick = hair_line.w * clamp(inside * .7, 0., 1.) * (.6 + .8 * noise(rest * .45 + seed));
  p += normal * (thick + .06);
  if (rest.y < -4.) p += vec3(sign(rest.x) * .25, 0., -.05) * thick * 2.;
"""

# A beard with a volume: the skin where one grows, pushed outwards and, below the chin, down.
_WHISKERS_DISPLACE = """
  grown = paint_a.y * (.7 + .6 * noise(rest * 1.6 + seed)) - .9 * beard.y - .08;
  float bush = clamp(grown * 2., 0., 1.);
  p += normal * (beard.z * bush + .05) + vec3(0., -1., .2) * beard.w * bush * clamp(-6. - rest.y, 0., 1.5);
"""

_FRAGMENT_HEAD = """
in vec3 seen; in vec3 facing; in vec3 at; in vec4 mask_a; in vec4 mask_b; in float grown;
out vec4 result;
uniform vec3 seed; uniform vec3 skin; uniform vec4 skin_noise; uniform vec3 lip_color; uniform vec4 lip;
uniform vec4 mouth;
uniform vec3 brow_color; uniform vec4 brow; uniform vec4 brow_shape; uniform vec3 beard_color; uniform vec4 beard;
uniform vec3 iris_color; uniform vec4 iris; uniform vec3 sclera; uniform vec3 eye_centre; uniform vec3 hair_color;
uniform vec4 hair; uniform vec3 ambient; uniform mat3 ambient_slope; uniform mat3 light_direction;
uniform mat3 light_color; uniform vec4 gloss; uniform vec4 shadow_edge; uniform vec4 shadow_soft; uniform vec3 cloth;
uniform vec4 eye_shade; uniform vec4 lid_lines;
uniform vec4 pattern; uniform vec4 solid; uniform vec4 makeup; uniform vec3 makeup_color; uniform vec4 hair_line;
uniform sampler2D cast_map; uniform mat3 cast_rotation; uniform vec3 cast_translation; uniform vec4 cast_shape;
"""

_LIGHT = """
  vec3 light = max(ambient + ambient_slope * n, vec3(.02)) * open; vec3 shine = vec3(0.);
  float lit = 1.;  // of the first light: what the cast map lets through, over four taps
  if (cast_shape.y > 0.) {
    vec3 q = cast_rotation * seen + cast_translation; float through = 0.;
    vec2 place = .5 - .5 * cast_shape.x * q.xy / q.z;
    float far = .5 + .5 * (1.002 + 2. / q.z) - cast_shape.w;
    for (int t = 0; t < 4; t++) {
      vec2 tap = place + cast_shape.z * vec2(t < 2 ? -1. : 1., t % 2 == 0 ? -.6 : .8);
      through += step(far, texture(cast_map, tap).r);
    }
    lit = mix(1., through * .25, cast_shape.y);
  }
  for (int i = 0; i < 3; i++) {
    vec3 l = normalize(light_direction[i]); float d = dot(n, l); float w = max((d + wrap) / (1. + wrap), 0.);
    vec3 color = light_color[i] * (i == 0 ? lit : 1.);
    light += color * LAMBERT;
    shine += color * pow(max(dot(n, normalize(l + v)), 0.), power) * step(0., d);
  }
  float edge = pow(1. - max(dot(n, v), 0.), 4.);
  c = c * light + specular * shine * open + c * edge * gloss.z;
  float across = dot(seen.xy, shadow_edge.xy) - shadow_edge.z;
  c *= mix(1., shadow_edge.w, smoothstep(-shadow_soft.x, shadow_soft.x, across));
  result = vec4(pow(clamp(c, 0., 1.), vec3(1. / 2.2)), 1.);
"""

_SKIN = """
  open = mix(1., mask_b.z, hair.w); c = skin;
  float n1 = noise(at * .28 + seed), n2 = noise(at * 1.1 + seed * 1.3), n3 = noise(at * 4. + seed);
  c *= 1. + skin_noise.x * (n1 - .5) + skin_noise.y * (n2 - .5) + skin_noise.z * (n3 - .5);
  c = mix(c, c * vec3(1.12, .78, .76), clamp(mask_a.z * lip.w, 0., 1.));
  c *= 1. - .3 * smoothstep(.78, .85, n3) * skin_noise.w;
  float lid = mask_a.w, above = step(at.y, 3.4), near = smoothstep(1., .05, lid);
  c = mix(c, makeup_color * dot(c, vec3(.5)), near * mix(makeup.y, makeup.x, above));
  c = mix(c, vec3(.06, .04, .03), smoothstep(makeup.z + .06, makeup.z, lid) * makeup.w);
  float fold = (lid - lid_lines.y - .06 * (n2 - .5)) / .07, bag = (lid - lid_lines.w - .1 * (n2 - .5)) / .12;
  c *= 1. - (1. - above) * (lid_lines.x * exp(-fold * fold) + eye_shade.z * exp(-lid * lid * .9));
  c *= 1. - above * (lid_lines.z * exp(-bag * bag) + .5 * eye_shade.z * exp(-lid * lid * 2.));
  float lips = smoothstep(-.05, .10, mask_a.x + .10 * (n2 - .5) + lip.y);
  float line = -3.31 - .04 * at.x * at.x;  // where the lips meet
  float upper = smoothstep(line - .02, line + .05, at.y), inwards = smoothstep(line + .95, line + .1, at.y);
  c = mix(c, lip_color * (.85 + .3 * n3), lips * lip.x);
  c *= 1. - lip.z * upper * smoothstep(-.1, .2, mask_a.x) * (.4 + .6 * inwards);
  specular = mix(specular, gloss.w, lips * lip.x);
  float hairs = noise(at * 7. + seed);
  float chin = smoothstep(beard.y, beard.y + .35, mask_a.y * (.55 + .9 * mix(n2, hairs, .5)));
  c = mix(c, beard_color * (.6 + .8 * hairs), chin * beard.x); specular *= 1. - .7 * chin * beard.x;
  float t = mask_b.x, bow = 1. - 4. * (t - .5) * (t - .5);
  float off = mask_b.y - brow_shape.x - brow_shape.y * (t - .5) - brow_shape.z * bow;
  float width = brow.x * mix(1., smoothstep(-.08, .25, t) * .6 + .4 * t + .1, brow.y);
  width *= smoothstep(1.18 + brow_shape.w, .85 + brow_shape.w, t) * smoothstep(-.12, .05, t);
  vec3 strand = vec3(at.x * 6. + at.y * 3. * sign(at.x), at.y * 2. - at.x * sign(at.x) * 2., 1.) * 1.5;
  float st = noise(strand + seed);
  float hairy = smoothstep(width, width * brow.w, abs(off) + (st - .5) * .25) * step(.02, width);
  c = mix(c, brow_color * (.7 + .6 * st), min(1., hairy * brow.z * (.7 + .5 * st)));
  float under = smoothstep(hair_line.x - 2.2, hair_line.x, at.y) * pattern.w; c *= 1. - .55 * under;
"""

_CAVITY = """
  float d = clamp((at.z - 5.) / 6., 0., 1.); c = vec3(.35, .12, .11) * (.1 + .9 * d * d) * mouth.z;
  open = .15 + .6 * d * d; specular *= .5;
"""

_GUMS = """
  float d = clamp((at.z - 4.) / 6., 0., 1.); c = vec3(.65, .28, .27) * (.15 + .85 * d * d); open = .3 + .5 * d;
"""

_TEETH = """
  float d = clamp((at.z - 5.5) / 4., 0., 1.); c = sclera * vec3(.95, .9, .8) * mix(.15, 1., d) * mouth.x;
  open = .35 + .5 * d; c *= 1. - mouth.y * smoothstep(-3.6, -2.7, at.y);  // the upper lip's shadow
"""

_EYE = """
  vec3 d = normalize(at - eye_centre); float angle = acos(clamp(d.z, -1., 1.)); float fleck = noise(d * 14. + seed);
  c = sclera * (.95 - .12 * fleck); c = mix(c, c * vec3(1., .75, .72), smoothstep(.35, .9, angle) * .8);
  vec3 i = iris_color * (.55 + .9 * noise(vec3(atan(d.y, d.x) * 9., angle * 3., 1.) + seed));
  i *= mix(1., .35, smoothstep(iris.x * .8, iris.x, angle));
  c = mix(c, i, smoothstep(iris.x + .025, iris.x - .02, angle));
  c = mix(c, vec3(.015), smoothstep(iris.y * iris.x + .02, iris.y * iris.x - .02, angle));
  c *= eye_shade.x * mix(1., 1. - smoothstep(.25, .8, abs(d.x)), eye_shade.y);  // the lids' and the brows' shadow
  open = mix(1., smoothstep(1.1, -.2, d.y) * .8 + .2, iris.w); specular = iris.z; power = 90.; wrap = .4;
"""

_HAIR = """
  if (grown < 0.) discard;
  float s1 = noise(vec3(at.x * 2.2, at.y * .5, at.z * 2.2) + seed);
  float s2 = noise(vec3(at.x * 9., at.y * 1.5, at.z * 9.) + seed);
  if (grown < .5 && s2 > .35 + grown * 1.4 + hair.y) discard;
  c = hair_color * (1. + hair.x * (s1 - .5) + hair.x * .8 * (s2 - .5)); specular *= .8; power = 14.;
  n = normalize(n + .5 * (vec3(s1, s2, noise(at * 3.)) - .5));
"""

_WHISKERS = """
  float s1 = noise(vec3(at.x * 3., at.y * .9, at.z * 3.) + seed);
  float s2 = noise(vec3(at.x * 9., at.y * 2.2, at.z * 9.) + seed);
  if (grown < 0. || (grown < .3 && s2 > .4 + grown * 1.8)) discard;
  c = beard_color * (.7 + .4 * s1 + .5 * s2); specular *= .6; power = 14.;
  n = normalize(n + .5 * (vec3(s1, s2, noise(at * 4.)) - .5));
"""

_CLOTH = """
  c = cloth * (.85 + .3 * noise(at * .6 + seed)); specular = .02;
  c *= 1. + pattern.z * sign(fract(at.y * pattern.y + at.x * pattern.x) - .5);
"""

_SOLID = "  c = solid.xyz * (.9 + .2 * noise(at * 2. + seed)); specular = solid.w; power = 40.;\n"

_FLAT = {
    "cast": "  result = vec4(0.);\n",
    "cast_hair": "  if (grown < 0.) discard; result = vec4(0.);\n",
    "lashes": """
  float strand = noise(vec3(at.x * 7., at.y * 1.5, at.z * 2.) + seed);
  float lower = step(at.y, 3.35);
  result = vec4(.02, .015, .01, hair.z * mix(.6, .25, lower) * smoothstep(.1, .9, strand)); return;
""",
    "lens": """
  float glint = smoothstep(.2, .9, noise(at * .35 + seed) + .2 * n.y) * shadow_soft.z;
  result = vec4(mix(solid.xyz, vec3(1.), glint), max(solid.w, glint * .6)); return;
""",
}
_LIT = {
    "skin": _SKIN,
    "cavity": _CAVITY,
    "gums": _GUMS,
    "teeth": _TEETH,
    "eye": _EYE,
    "hair": _HAIR,
    "whiskers": _WHISKERS,
    "cloth": _CLOTH,
    "solid": _SOLID,
}
MATERIALS = (*_LIT, *_FLAT)
_DISPLACED = {"hair": _HAIR_DISPLACE, "cast_hair": _HAIR_DISPLACE, "whiskers": _WHISKERS_DISPLACE}


def vertex_shader(material: str) -> str:
    """GLSL source of a material's vertex stage."""
    return "#version 330\n" + _NOISE + _VERTEX.replace("DISPLACE", _DISPLACED.get(material, ""))


def fragment_shader(material: str) -> str:
    """GLSL source of a material's fragment stage; colours are linear until the last line."""
    start = """
void main() {
  vec3 n = normalize(facing); vec3 v = normalize(-seen); if (dot(n, v) < 0.) n = -n;
  vec3 c = vec3(0.); float open = 1., specular = gloss.x, power = gloss.y, wrap = .25;
"""
    skin_lambert = "vec3(w * .9 + .1 * max((d + .5) / 1.5, 0.), w, w) * mix(1., open, .7)"
    light = _LIGHT.replace("LAMBERT", skin_lambert if material == "skin" else "w * open")
    body = _FLAT[material] if material in _FLAT else _LIT[material] + light
    return "#version 330\n" + _NOISE + _FRAGMENT_HEAD + start + body + "}\n"
