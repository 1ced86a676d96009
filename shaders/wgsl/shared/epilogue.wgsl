// What linear and conv2d do to an accumulator: last(act(acc + bias) * gate + residual), core's `Epilogue`. All of it is switched by
// uniforms, so that one pipeline serves every layer. `p` has the fields named here.
#import shared/act.wgsl
const HAS_BIAS: u32 = 1u;
const HAS_GLU: u32 = 2u;
const HAS_GATE: u32 = 4u;
const HAS_RESIDUAL: u32 = 8u;

// Stores 4 columns of the accumulator, from column `column` on. With glu they are two pairs (g, v) and make two outputs.
fn store4(row: u32, column: u32, acc: vec4<f32>) {
    if ((row >= p.m) || (column >= p.n)) {
        return;
    }
    var y = acc;
    if ((p.flags & HAS_BIAS) != 0u) {
        let last_column = p.n - 1u;
        y += vec4<f32>(bias[column], bias[min(column + 1u, last_column)], bias[min(column + 2u, last_column)],
            bias[min(column + 3u, last_column)]);
    }
    var first = column;
    var width = min(4u, p.n - column);
    let activated = act4(p.act, y);
    if ((p.flags & HAS_GLU) != 0u) {
        y = vec4<f32>(activated.x * y.y, activated.z * y.w, 0.0, 0.0);
        first = column / 2u;
        width = width / 2u;
    } else {
        y = activated;
    }
    let at = row * p.n_out + first;
    if ((p.flags & (HAS_GATE | HAS_RESIDUAL)) != 0u) {
        let gate_at = gate_row(row) + first;
        for (var j = 0u; j < width; j++) {
            if ((p.flags & HAS_GATE) != 0u) {
                y[j] *= gate_value(gate_at + j);
            }
            if ((p.flags & HAS_RESIDUAL) != 0u) {
                y[j] += f32(residual[p.residual_base + at + j]);
            }
        }
    }
    y = act4(p.last, y);
    for (var j = 0u; j < width; j++) {
        out[at + j] = $out(y[j]);
    }
}
