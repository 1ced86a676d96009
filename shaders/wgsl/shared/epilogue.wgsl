// What linear and conv2d do to an accumulator: last(act(acc + bias) * gate + residual), core's `Epilogue`. `p` has the fields named
// here. On GPUs all of it is switched by uniforms, so that one pipeline serves every layer: such a branch is nearly free there. A software
// adapter computes both sides of every branch under a mask, so there a pipeline is made for each combination, with these fixed.
#import shared/act.wgsl
override FIXED: bool = false;
override FIXED_FLAGS: u32 = 0u;
override FIXED_ACT: u32 = 0u;
override FIXED_LAST: u32 = 0u;

const HAS_BIAS: u32 = 1u;
const HAS_GLU: u32 = 2u;
const HAS_GATE: u32 = 4u;
const HAS_RESIDUAL: u32 = 8u;

fn has(flag: u32) -> bool {
    return (select(p.flags, FIXED_FLAGS, FIXED) & flag) != 0u;
}

// Bias of 4 columns: read once per thread, not once per row. Behind the last column it repeats, and nothing is stored there.
fn bias4(column: u32) -> vec4<f32> {
    if (!has(HAS_BIAS)) {
        return vec4<f32>(0.0);
    }
    let last_column = p.n - 1u;
    return vec4<f32>(bias[min(column, last_column)], bias[min(column + 1u, last_column)],
        bias[min(column + 2u, last_column)], bias[min(column + 3u, last_column)]);
}

// Gate of 4 columns of a row; 1 where there is none.
fn gate4(row: u32, column: u32) -> vec4<f32> {
    if (!has(HAS_GATE)) {
        return vec4<f32>(1.0);
    }
    let first = select(column, column / 2u, has(HAS_GLU));
    let at = gate_row(row);
    let last_column = p.n_out - 1u;
    return vec4<f32>(gate_value(at + min(first, last_column)), gate_value(at + min(first + 1u, last_column)),
        gate_value(at + min(first + 2u, last_column)), gate_value(at + min(first + 3u, last_column)));
}

// Stores 4 columns of acc + bias, from column `column` on. With glu they are two pairs (g, v) and make two outputs.
fn store4(row: u32, column: u32, biased: vec4<f32>, gate: vec4<f32>) {
    if ((row >= p.m) || (column >= p.n)) {
        return;
    }
    var first = column;
    var width = min(4u, p.n - column);
    var y = act4(select(p.act, FIXED_ACT, FIXED), biased);
    if (has(HAS_GLU)) {
        y = vec4<f32>(y.x * biased.y, y.z * biased.w, 0.0, 0.0);
        first = column / 2u;
        width = width / 2u;
    }
    let at = row * p.n_out + first;
    y *= gate;
    if (has(HAS_RESIDUAL)) {
#for c,j in x,0 y,1 z,2 w,3
        if (${j}u < width) { y.$c += f32(residual[p.residual_base + at + ${j}u]); }
#endfor
    }
    y = act4(select(p.last, FIXED_LAST, FIXED), y);
#for c,j in x,0 y,1 z,2 w,3
    if (${j}u < width) { out[at + ${j}u] = $out(y.$c); }
#endfor
}
