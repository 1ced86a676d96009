// Guidance and the sampler's recurrence for one latent element per thread: (x, h1, h2, h3, s) become the row's 5 x 7 matrix times
// (x, h1, h2, h3, s, o, noise). A zero coefficient skips its term, which may be NaN. Thread 0 counts the row up; no other kernel of the
// dispatch reads the counter, so there is no race.
struct Params {
    count: u32,         // latent elements
    output_base: u32,
    row_base: u32,
    guided: u32,
    guidance_at: u32,   // places in the row
    slot_at: u32,
    matrix_at: u32,
    denoised_at: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> network: array<$x>;
@group(0) @binding(2) var<storage, read> noise: array<f32>;
@group(0) @binding(3) var<storage, read> row: array<f32>;
@group(0) @binding(4) var<storage, read_write> state: array<f32>;

fn element(i: u32) {
    var terms: array<f32, 7>;
    for (var plane = 0u; plane < 5u; plane++) {
        terms[plane] = state[plane * p.count + i];
    }
    let cond = f32(network[p.output_base + i]);
    terms[5] = cond;
    if (p.guided == 1u) {
        let uncond = f32(network[p.output_base + p.count + i]);
        terms[5] = uncond + row[p.row_base + p.guidance_at] * (cond - uncond);
    }
    let slot = row[p.row_base + p.slot_at];
    terms[6] = 0.0;
    if (slot >= 0.0) {
        terms[6] = noise[u32(slot) * p.count + i];
    }
    for (var plane = 0u; plane < 5u; plane++) {
        var sum = 0.0;
        for (var start = 0u; start < 7u; start++) {
            let c = row[p.row_base + p.matrix_at + 7u * plane + start];
            if (c != 0.0) {
                sum += c * terms[start];
            }
        }
        state[plane * p.count + i] = sum;
    }
    var denoised = 0.0;
    let from_x = row[p.row_base + p.denoised_at];
    let from_output = row[p.row_base + p.denoised_at + 1u];
    if (from_x != 0.0) {
        denoised += from_x * terms[0];
    }
    if (from_output != 0.0) {
        denoised += from_output * terms[5];
    }
    state[5u * p.count + i] = denoised;
    if (i == 0u) {
        state[6u * p.count] += 1.0;
    }
}
#import shared/pointwise.wgsl
