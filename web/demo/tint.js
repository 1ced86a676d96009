// The page takes the colour of the picture: its mean hue, weighed by how colourful each pixel is (in OKLab, Ottosson 2020).

const linear = (byte) => {
  const x = byte / 255;
  return x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
};
const LINEAR = Float64Array.from({ length: 256 }, (_, byte) => linear(byte));

/** `ImageData` → `{ hue: degrees, strength: 0…1 }`; a grey picture has strength 0. */
export function tintOf({ data, width, height }) {
  // Some thousand pixels tell the colour; a large picture is not worth a long task.
  const stride = Math.max(1, Math.floor((width * height) / 8192)) * 4;
  let a = 0, b = 0, weight = 0, seen = 0;
  for (let at = 0; at + 2 < data.length; at += stride) {
    const [r, g, blue] = [LINEAR[data[at]], LINEAR[data[at + 1]], LINEAR[data[at + 2]]];
    const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * blue);
    const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * blue);
    const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * blue);
    const pa = 1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s;
    const pb = 0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s;
    const chroma = Math.hypot(pa, pb);
    if (chroma > 0.03) { a += pa * chroma; b += pb * chroma; weight += chroma; }
    seen += 1;
  }
  const hue = weight ? ((Math.atan2(b, a) * 180) / Math.PI + 360) % 360 : 92;
  return { hue: Math.round(hue), strength: Math.min(1, Number((weight / seen / 0.03).toFixed(2))) };
}

/** Lets the whole page have that colour. */
export function applyTint({ hue, strength }) {
  const { style } = document.documentElement;
  style.setProperty('--h', String(hue));
  style.setProperty('--c', String(strength));
  // Phones colour the bar around the page; the same formulas as `--field` in theme.css.
  const [light, dark] = document.querySelectorAll('meta[name="theme-color"]');
  light.content = `oklch(0.9 ${0.115 * strength} ${hue})`;
  dark.content = `oklch(0.235 ${0.042 * strength} ${hue})`;
}
