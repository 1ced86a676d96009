// Axes in another order: lengths of the output's axes and the stride of each in x, innermost last, padded in front with (1, 0).
struct Params {
    count: u32,
    x_base: u32,
    length0: u32,
    length1: u32,
    length2: u32,
    length3: u32,
    length4: u32,
    length5: u32,
    stride0: u32,
    stride1: u32,
    stride2: u32,
    stride3: u32,
    stride4: u32,
    stride5: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<$x>;
@group(0) @binding(2) var<storage, read_write> out: array<$out>;

fn element(i: u32) {
    var rest = i;
    var at = p.x_base;
#for axis in 5 4 3 2 1 0
    at += rest % p.length${axis} * p.stride${axis};
    rest /= p.length${axis};
#endfor
    out[i] = $out(x[at]);
}
#import shared/pointwise.wgsl
