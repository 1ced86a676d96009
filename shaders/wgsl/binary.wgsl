// out = a + b or a * b. Both follow the batch rule on the first axis; behind it b's strides are 0 where it broadcasts.
struct Params {
    count: u32,
    multiply: u32,
    a_base: u32,
    b_base: u32,
    lead: u32,          // batch of the output
    a_lead: u32,
    b_lead: u32,
    item: u32,          // elements of one item of a and of the output
    b_item: u32,
    length1: u32,       // axes behind the batch, innermost last, padded in front with length 1
    length2: u32,
    length3: u32,
    length4: u32,
    length5: u32,
    stride1: u32,       // of b
    stride2: u32,
    stride3: u32,
    stride4: u32,
    stride5: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> a: array<$a>;
@group(0) @binding(2) var<storage, read> b: array<$b>;
@group(0) @binding(3) var<storage, read_write> out: array<$out>;

fn element(i: u32) {
    let item = i / p.item;
    var rest = i % p.item;
    let left = f32(a[p.a_base + item * p.a_lead / p.lead * p.item + rest]);
    var at = p.b_base + item * p.b_lead / p.lead * p.b_item;
#for axis in 5 4 3 2 1
    at += rest % p.length${axis} * p.stride${axis};
    rest /= p.length${axis};
#endfor
    let right = f32(b[at]);
    out[i] = $out(select(left + right, left * right, p.multiply == 1u));
}
#import shared/pointwise.wgsl
