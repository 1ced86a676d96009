// row = rows[counter]: the one kernel that indexes tables. The counter is a number in the state that `sampler_step` counts up.
struct Params { count: u32, rows: u32, counter: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> rows: array<f32>;
@group(0) @binding(2) var<storage, read> state: array<f32>;
@group(0) @binding(3) var<storage, read_write> row: array<f32>;

fn element(i: u32) {
    let at = min(u32(state[p.counter]), p.rows - 1u);
    row[i] = rows[at * p.count + i];
}
#import shared/pointwise.wgsl
