// out[i, c] = table[ids[i], c]; ids behind the table read its last row.
struct Params { count: u32, channels: u32, vocabulary: u32, ids_base: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
#ifdef W_F32
@group(0) @binding(2) var<storage, read> table: array<f32>;
#else
@group(0) @binding(2) var<storage, read> table: array<u32>;
#endif
@group(0) @binding(3) var<storage, read_write> out: array<$out>;

fn element(i: u32) {
    let at = min(ids[p.ids_base + i / p.channels], p.vocabulary - 1u) * p.channels + i % p.channels;
#ifdef W_F32
    out[i] = $out(table[at]);
#endif
#ifdef W_P16
    let pair = unpack2x16float(table[at / 2u]);
    out[i] = $out(select(pair.x, pair.y, (at & 1u) == 1u));
#endif
#ifdef W_B16
    let pair = table[at / 2u];
    out[i] = $out(bitcast<f32>(select(pair << 16u, pair & 0xffff0000u, (at & 1u) == 1u)));
#endif
}
#import shared/pointwise.wgsl
