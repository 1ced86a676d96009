//! Every kernel against the reference of its op, on edge shapes, with outputs that start as NaN. Both the kernels of software adapters and
//! those of GPUs run on whatever adapter is named (lavapipe by default).

use onelaunch_core::Caps;
use onelaunch_core::backend::Operand;
use onelaunch_core::ops::*;
use onelaunch_core::shape::{DType, Shape};
use onelaunch_core::weights::Encoding;
use onelaunch_wgpu::{Select, WgpuBackend, single};

/// The adapter, or a line that says it is missing.
fn backend() -> Option<WgpuBackend> {
    let name = std::env::var("ONELAUNCH_TEST_ADAPTER").unwrap_or_else(|_| "llvmpipe".into());
    match pollster::block_on(WgpuBackend::new(&Select { name: Some(name), budget: None })) {
        Ok(backend) => Some(backend),
        Err(why) => {
            println!("SKIPPED wgpu: {why}");
            assert!(std::env::var_os("ONELAUNCH_REQUIRE_WGPU").is_none(), "a wgpu adapter is required");
            None
        }
    }
}

/// The two kinds of kernels.
fn both(backend: &WgpuBackend) -> [Caps; 2] {
    use onelaunch_core::Backend;
    [true, false].map(|is_cpu| Caps { is_cpu, ..backend.caps().clone() })
}

/// An operand with values and how it is stored.
#[derive(Clone)]
struct In {
    shape: Shape,
    data: Vec<f32>,
    dtype: DType,
    encoding: Option<Encoding>,
    matrix: bool,
}

/// Values in about [-1, 1] that repeat with no tile.
fn noise(seed: u32, n: usize) -> Vec<f32> {
    let mut s = seed.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
    (0..n)
        .map(|_| {
            s = s.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (s >> 8) as f32 / 8_388_608.0 - 1.0
        })
        .collect()
}

fn x(seed: u32, shape: impl Into<Shape>) -> In {
    let shape = shape.into();
    In { data: noise(seed, shape.len()), shape, dtype: DType::F32, encoding: None, matrix: false }
}

fn weight(seed: u32, shape: impl Into<Shape>, encoding: Encoding) -> In {
    In { encoding: Some(encoding), matrix: true, ..x(seed, shape) }.rounded()
}

fn integers(shape: impl Into<Shape>, data: &[u32]) -> In {
    let data = data.iter().map(|&w| f32::from_bits(w)).collect();
    In { shape: shape.into(), data, dtype: DType::U32, encoding: None, matrix: false }
}

impl In {
    fn f16(mut self) -> Self {
        self.dtype = DType::F16;
        self.rounded()
    }
    /// Values as the storage can hold them, so that the reference sees the same.
    fn rounded(mut self) -> Self {
        for v in &mut self.data {
            *v = match (self.dtype, self.encoding) {
                (DType::F16, _) | (_, Some(Encoding::F16)) => half::f16::from_f32(*v).to_f32(),
                (_, Some(Encoding::Bf16)) => half::bf16::from_f32(*v).to_f32(),
                _ => *v,
            };
        }
        self
    }
    fn bytes(&self) -> Vec<u8> {
        let mut data = self.data.clone();
        if self.matrix {
            let n = self.shape[0];
            let k = self.shape.len() / n;
            let width = n.next_multiple_of(8);
            data = vec![0.0; k.next_multiple_of(4) * width];
            for (i, &v) in self.data.iter().enumerate() {
                data[i % k * width + i / k] = v;
            }
        }
        store(&data, self.dtype, self.encoding)
    }
}

fn store(data: &[f32], dtype: DType, encoding: Option<Encoding>) -> Vec<u8> {
    match (dtype, encoding) {
        (DType::F16, _) | (_, Some(Encoding::F16)) => {
            data.iter().flat_map(|&v| half::f16::from_f32(v).to_le_bytes()).collect()
        }
        (_, Some(Encoding::Bf16)) => {
            data.iter().flat_map(|&v| half::bf16::from_f32(v).to_le_bytes()).collect()
        }
        _ => data.iter().flat_map(|v| v.to_le_bytes()).collect(),
    }
}

/// Runs an op both ways and compares; `tolerance` is relative to the largest magnitude of the reference (or 1).
fn check(backend: &WgpuBackend, caps: &Caps, op: impl Into<Op>, inputs: &[In], out: DType, tolerance: f32) {
    let op = op.into();
    let shapes: Vec<&Shape> = inputs.iter().map(|i| &i.shape).collect();
    let shape = op.output_shape(&shapes).unwrap();
    check_into(backend, caps, &op, inputs, (shape, out, None), tolerance);
}

fn check_into(
    backend: &WgpuBackend,
    caps: &Caps,
    op: &Op,
    inputs: &[In],
    (shape, out, before): (Shape, DType, Option<Vec<f32>>),
    tolerance: f32,
) {
    if !backend_has(backend, inputs, out) {
        return;
    }
    let args: Vec<Arg<'_>> = inputs.iter().map(|i| Arg::new(&i.shape, &i.data)).collect();
    let mut want = before.clone().unwrap_or_else(|| vec![f32::NAN; shape.len()]);
    let rows = op.get().rows(&shape);
    op.get().reference(&args, &shape, 0..rows, &mut want);
    let operand = |i: &In| Operand { shape: i.shape.clone(), dtype: i.dtype, encoding: i.encoding };
    let operands: Vec<_> = inputs.iter().map(|i| (operand(i), i.bytes())).collect();
    let output = Operand { shape: shape.clone(), dtype: out, encoding: None };
    let first = store(&before.unwrap_or_else(|| vec![f32::NAN; shape.len()]), out, None);
    let got = pollster::block_on(single::dispatch(backend, caps, op, &operands, (&output, &first)))
        .unwrap_or_else(|why| panic!("{op:?}: {why}"));
    let what = format!(
        "{} {op:?} {:?}",
        if caps.is_cpu { "cpu" } else { "gpu" },
        args.iter().map(|a| a.shape).collect::<Vec<_>>()
    );
    if out == DType::U32 {
        let want: Vec<u8> = want.iter().flat_map(|v| v.to_bits().to_le_bytes()).collect();
        assert_eq!(got, want, "{what}");
        return;
    }
    let got: Vec<f32> = match out {
        DType::F16 => got.chunks_exact(2).map(|b| half::f16::from_le_bytes([b[0], b[1]]).to_f32()).collect(),
        _ => got.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
    };
    let scale = want.iter().fold(1.0f32, |m, v| m.max(v.abs()));
    let tolerance = if out == DType::F16 { tolerance.max(1e-3) } else { tolerance } * scale;
    assert_eq!(got.len(), want.len(), "{what}");
    for (i, (g, w)) in got.iter().zip(&want).enumerate() {
        // NaN fails: the comparison is written so that it must hold.
        assert!(
            (g - w).abs() <= tolerance,
            "{what}: element {i} of {}: {g} is not {w} ± {tolerance}",
            want.len()
        );
    }
}

fn backend_has(backend: &WgpuBackend, inputs: &[In], out: DType) -> bool {
    use onelaunch_core::Backend;
    backend.caps().f16 || (out != DType::F16 && inputs.iter().all(|i| i.dtype != DType::F16))
}

/// Seconds of wall clock and of this process's processors that one dispatch takes, from the difference of many and one.
fn time(backend: &WgpuBackend, caps: &Caps, op: &Op, inputs: &[In], times: usize) -> (f64, f64) {
    let shapes: Vec<&Shape> = inputs.iter().map(|i| &i.shape).collect();
    let shape = op.output_shape(&shapes).unwrap();
    let operand = |i: &In| Operand { shape: i.shape.clone(), dtype: i.dtype, encoding: i.encoding };
    let operands: Vec<_> = inputs.iter().map(|i| (operand(i), i.bytes())).collect();
    let output = Operand { shape: shape.clone(), dtype: DType::F32, encoding: None };
    let first = vec![0; 4 * shape.len()];
    let once = |times| {
        let (wall, cpu) = (std::time::Instant::now(), processor_seconds());
        let run = single::repeated(backend, caps, op, &operands, (&output, &first), times);
        let read = pollster::block_on(run).unwrap();
        assert!(read.iter().any(|&b| b != 0), "nothing was computed");
        (wall.elapsed().as_secs_f64(), processor_seconds() - cpu)
    };
    once(1); // compiles
    let (one, many) = (once(1), once(times + 1));
    ((many.0 - one.0) / times as f64, (many.1 - one.1) / times as f64)
}

/// User and system time so far, from Linux's /proc (in hundredths of a second).
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<f64> =
        stat.rsplit(')').next().unwrap_or("").split_whitespace().map(|f| f.parse().unwrap_or(0.0)).collect();
    fields.get(11).zip(fields.get(12)).map_or(0.0, |(user, system)| (user + system) / 100.0)
}

/// Figures, not a verdict: `cargo test -p onelaunch-wgpu --release -- --ignored --nocapture speed`.
#[test]
#[ignore = "measures"]
fn speed() {
    let Some(b) = backend() else { return };
    let caps = &both(&b)[..];
    let plain = Linear { bias: false, epilogue: Epilogue::default() };
    let conv = Conv2d { stride: 1, padding: 1, upsample: false, bias: false, epilogue: Epilogue::default() };
    let heads = Attention { heads: 8, head_dim: 64, scale: 0.125, columns: [0; 3], mask: Mask::None };
    let cases: [(&str, Op, Vec<In>); 5] = [
        (
            "linear f32 256x1024x256",
            plain.into(),
            vec![x(1, [1, 256, 1024]), weight(2, [256, 1024], Encoding::F32)],
        ),
        (
            "linear p16 256x1024x256",
            plain.into(),
            vec![x(1, [1, 256, 1024]), weight(2, [256, 1024], Encoding::F16)],
        ),
        (
            "linear b16 256x1024x256",
            plain.into(),
            vec![x(1, [1, 256, 1024]), weight(2, [256, 1024], Encoding::Bf16)],
        ),
        (
            "conv 3x3 64->64 at 64x64",
            conv.into(),
            vec![x(1, [1, 64, 64, 64]), weight(2, [64, 3, 3, 64], Encoding::F32)],
        ),
        (
            "attention 8x256x64",
            heads.into(),
            vec![x(1, [1, 256, 512]), x(2, [1, 256, 512]), x(3, [1, 256, 512])],
        ),
    ];
    for (name, op, inputs) in &cases {
        for caps in caps {
            let shapes: Vec<&Shape> = inputs.iter().map(|i| &i.shape).collect();
            let flops = op.get().flops(&shapes, &op.output_shape(&shapes).unwrap()) as f64;
            let (wall, cpu) = time(&b, caps, op, inputs, if caps.is_cpu { 40 } else { 10 });
            let kind = if caps.is_cpu { "cpu" } else { "gpu" };
            println!(
                "{kind} kernel, {name}: {:.1} ms, {:.1} GFLOP/s, {:.1} per CPU-second",
                wall * 1e3,
                flops / wall / 1e9,
                flops / cpu / 1e9
            );
        }
    }
}

const ENCODINGS: [Encoding; 3] = [Encoding::F32, Encoding::F16, Encoding::Bf16];

#[test]
fn linear() {
    let Some(b) = backend() else { return };
    let plain = Linear { bias: false, epilogue: Epilogue::default() };
    for caps in both(&b) {
        for (i, [m, n, k]) in [
            [1, 1, 1],
            [7, 3, 27],
            [8, 8, 4],
            [9, 9, 5],
            [63, 65, 15],
            [64, 64, 16],
            [65, 63, 17],
            [33, 72, 24],
            [13, 31, 37],
        ]
        .into_iter()
        .enumerate()
        {
            let encoding = ENCODINGS[i % 3];
            let (a, w, bias) = (x(1, [1, m, k]), weight(2, [n, k], encoding), x(3, [n]));
            check(&b, &caps, plain, &[a.clone(), w.clone()], DType::F32, 2e-6);
            let op = Linear {
                bias: true,
                epilogue: Epilogue { act: Act::Silu, residual: true, last: Act::Tanh, ..Default::default() },
            };
            check(&b, &caps, op, &[a.clone(), w.clone(), bias.clone(), x(4, [1, m, n])], DType::F32, 2e-6);
            check(
                &b,
                &caps,
                op,
                &[a.clone().f16(), w.clone(), bias.clone(), x(4, [1, m, n]).f16()],
                DType::F16,
                1e-3,
            );
        }
        for encoding in ENCODINGS {
            let op = Linear {
                bias: true,
                epilogue: Epilogue { act: Act::GeluErf, glu: true, ..Default::default() },
            };
            check(
                &b,
                &caps,
                op,
                &[x(5, [2, 5, 12]), weight(6, [38, 12], encoding), x(7, [38])],
                DType::F32,
                2e-6,
            );
            check(
                &b,
                &caps,
                op,
                &[x(5, [2, 5, 12]).f16(), weight(6, [38, 12], encoding), x(7, [38])],
                DType::F32,
                2e-6,
            );
            let op = Linear {
                bias: true,
                epilogue: Epilogue { gate: Some(2), residual: true, ..Default::default() },
            };
            for lead in [1, 2, 4] {
                let operands = [
                    x(5, [4, 5, 13]),
                    weight(6, [19, 13], encoding),
                    x(7, [19]),
                    x(8, [lead, 3, 19]),
                    x(9, [4, 5, 19]),
                ];
                check(&b, &caps, op, &operands, DType::F32, 2e-6);
            }
        }
    }
}

#[test]
fn conv2d() {
    let Some(b) = backend() else { return };
    for caps in both(&b) {
        for (i, (image, [o, kh, kw], stride, padding, upsample)) in [
            ([1, 1, 1, 1], [1, 1, 1], 1, 0, false),
            ([2, 5, 7, 3], [3, 3, 3], 1, 1, false),
            ([1, 8, 8, 4], [8, 3, 3], 1, 1, false),
            ([2, 7, 5, 8], [9, 3, 3], 2, 1, false),
            ([1, 6, 5, 12], [72, 3, 3], 1, 1, true),
            ([1, 9, 9, 7], [65, 2, 2], 2, 0, false),
            ([1, 5, 11, 5], [17, 1, 2], 1, 0, false),
            ([2, 4, 4, 72], [24, 1, 1], 1, 0, true),
        ]
        .into_iter()
        .enumerate()
        {
            for encoding in [ENCODINGS[i % 3], ENCODINGS[(i + 1) % 3]] {
                let w = weight(2, [o, kh, kw, image[3]], encoding);
                let op = Conv2d { stride, padding, upsample, bias: false, epilogue: Epilogue::default() };
                check(&b, &caps, op, &[x(1, image), w.clone()], DType::F32, 2e-6);
                check(&b, &caps, op, &[x(1, image).f16(), w.clone()], DType::F32, 2e-6);
                let shape = op.output_shape(&[&x(1, image).shape, &w.shape]).unwrap();
                let epilogue =
                    Epilogue { act: Act::Relu, residual: true, last: Act::GeluTanh, ..Default::default() };
                let op = Conv2d { bias: true, epilogue, ..op };
                let residual = In { data: noise(4, shape.len()), shape, ..x(4, [1]) };
                check(&b, &caps, op, &[x(1, image), w, x(3, [o]), residual], DType::F32, 2e-6);
            }
        }
    }
}

#[test]
fn attention() {
    let Some(b) = backend() else { return };
    let op = |heads, head_dim, mask| Attention { heads, head_dim, scale: 0.3, columns: [0; 3], mask };
    for caps in both(&b) {
        for (heads, d, tq, tk) in [
            (1, 1, 1, 1),
            (2, 24, 3, 5),
            (3, 8, 63, 15),
            (1, 64, 64, 16),
            (2, 65, 65, 17),
            (1, 128, 5, 33),
            (2, 13, 31, 77),
            (1, 32, 130, 4),
        ] {
            let c = heads * d;
            let qkv = |p| [x(1, [2, tq, c]), x(2, [p, tk, c]), x(3, [p, tk, c])];
            let scaled = |i: In| In { data: i.data.iter().map(|v| v * 4.0).collect(), ..i };
            for p in [1, 2] {
                // Scores reach 100 here: half an ulp of them, twice, is 1e-5 of their exponentials.
                check(&b, &caps, op(heads, d, Mask::None), &qkv(p).map(scaled), DType::F32, 1e-5);
            }
            check(&b, &caps, op(heads, d, Mask::None), &qkv(2).map(In::f16), DType::F16, 1e-3);
            let masked = |extra: &[In]| qkv(2).iter().chain(extra).cloned().collect::<Vec<_>>();
            for lengths in [[0, tk as u32], [tk as u32 / 2, 1]] {
                // The reference of no key at all is zeros by contract; here it is checked where a key is seen.
                let lengths = lengths.map(|l| l.max(1));
                check(
                    &b,
                    &caps,
                    op(heads, d, Mask::KeyLengths),
                    &masked(&[integers([2], &lengths)]),
                    DType::F32,
                    2e-6,
                );
                for [bn, bh] in [[1, 1], [2, heads]] {
                    let bias = x(5, [bn, bh, tq, tk]);
                    let all = masked(&[bias.clone(), integers([2], &lengths)]);
                    check(&b, &caps, op(heads, d, Mask::BiasKeyLengths), &all, DType::F32, 2e-6);
                    check(&b, &caps, op(heads, d, Mask::Bias), &masked(&[bias]), DType::F32, 2e-6);
                }
            }
            if tq == tk || tk == 1 {
                check(&b, &caps, op(heads, d, Mask::Causal), &qkv(1), DType::F32, 2e-6);
            }
            let same = [x(1, [2, tq, c]), x(2, [2, tq, c]), x(3, [2, tq, c])];
            check(&b, &caps, op(heads, d, Mask::Causal), &same, DType::F32, 2e-6);
        }
        // Columns of one product.
        let packed = x(1, [2, 9, 3 * 16]);
        let op = Attention { heads: 2, head_dim: 8, scale: 1.0, columns: [0, 16, 32], mask: Mask::None };
        check(&b, &caps, op, &[packed.clone(), packed.clone(), packed], DType::F32, 2e-6);
    }
}

#[test]
fn a_query_without_keys_gets_zeros() {
    let Some(b) = backend() else { return };
    let op =
        Op::from(Attention { heads: 1, head_dim: 4, scale: 1.0, columns: [0; 3], mask: Mask::KeyLengths });
    let inputs = [x(1, [1, 3, 4]), x(2, [1, 5, 4]), x(3, [1, 5, 4]), integers([1], &[0])];
    let operands: Vec<_> = inputs
        .iter()
        .map(|i| (Operand { shape: i.shape.clone(), dtype: i.dtype, encoding: None }, i.bytes()))
        .collect();
    let output = Operand { shape: [1, 3, 4].into(), dtype: DType::F32, encoding: None };
    for caps in both(&b) {
        let first = store(&[f32::NAN; 12], DType::F32, None);
        let got = pollster::block_on(single::dispatch(&b, &caps, &op, &operands, (&output, &first))).unwrap();
        assert!(got.iter().all(|&byte| byte == 0), "{got:?}");
    }
}

#[test]
fn norms() {
    let Some(b) = backend() else { return };
    for caps in both(&b) {
        for (n, t, c) in [(1, 1, 1), (2, 7, 3), (4, 5, 63), (1, 3, 64), (2, 2, 65), (2, 9, 257)] {
            for f16 in [false, true] {
                let (a, out) =
                    if f16 { (x(1, [n, t, c]).f16(), DType::F16) } else { (x(1, [n, t, c]), DType::F32) };
                let plain = LayerNorm { eps: 1e-5, affine: false, modulate: None };
                check(&b, &caps, plain, &[a.clone()], out, 3e-6);
                let modulate = Some(ModulateRows { shift: 1, scale: 0 });
                let op = LayerNorm { affine: true, modulate, ..plain };
                check(&b, &caps, op, &[a.clone(), x(2, [c]), x(3, [c]), x(4, [n, 3, c])], out, 3e-6);
                let op = LayerNorm { affine: false, modulate, ..plain };
                check(&b, &caps, op, &[a.clone(), x(4, [1, 2, c])], out, 3e-6);
                check(&b, &caps, RmsNorm { eps: 1e-6 }, &[a, x(2, [c])], out, 3e-6);
            }
        }
        for (shape, groups) in [
            ([1, 1, 1, 1], 1),
            ([2, 3, 5, 6], 3),
            ([1, 17, 13, 32], 32),
            ([2, 8, 8, 72], 8),
            ([1, 5, 7, 15], 5),
        ] {
            let c = shape[3];
            for (act, f16) in [(Act::None, false), (Act::Silu, false), (Act::Silu, true)] {
                let (mut a, out) =
                    if f16 { (x(1, shape).f16(), DType::F16) } else { (x(1, shape), DType::F32) };
                // A mean far from zero shows cancelling variances.
                if !f16 {
                    a.data.iter_mut().for_each(|v| *v += 10.0);
                }
                check(&b, &caps, GroupNorm { groups, eps: 1e-5, act }, &[a, x(2, [c]), x(3, [c])], out, 1e-5);
            }
        }
    }
}

#[test]
fn pointwise() {
    let Some(b) = backend() else { return };
    let [caps, _] = both(&b);
    let acts = [Act::None, Act::Relu, Act::Silu, Act::GeluTanh, Act::GeluErf, Act::QuickGelu, Act::Tanh];
    for act in acts {
        for n in [1, 63, 64, 65] {
            let op = Activation { act, input_scale: 30.0, output_scale: 0.5 };
            check(&b, &caps, op, &[x(1, [n])], DType::F32, 1e-6);
        }
        let op = Activation { act, input_scale: 2.0, output_scale: 1.0 };
        check(&b, &caps, op, &[x(1, [3, 37])], DType::F32, 1e-6);
        check(&b, &caps, op, &[x(1, [3, 37]).f16()], DType::F16, 1e-3);
    }
    for kind in [BinaryKind::Add, BinaryKind::Mul] {
        let shapes: [(Shape, Shape); 6] = [
            ([1, 5].into(), [1, 5].into()),
            ([4, 3, 7].into(), [2, 3, 7].into()),
            ([2, 3, 7].into(), [4, 1, 7].into()),
            ([2, 3, 7].into(), [1, 3, 1].into()),
            ([2, 3, 4, 5].into(), [1, 1, 1, 5].into()),
            ([2, 2, 3, 2, 3, 2].into(), [2, 1, 3, 1, 3, 1].into()),
        ];
        for (left, right) in shapes {
            check(&b, &caps, Binary { kind }, &[x(1, [1]).of(&left), x(2, [1]).of(&right)], DType::F32, 0.0);
            check(
                &b,
                &caps,
                Binary { kind },
                &[x(1, [1]).of(&left).f16(), x(2, [1]).of(&right)],
                DType::F16,
                1e-3,
            );
        }
    }
    for (encoding, c) in ENCODINGS.into_iter().flat_map(|e| [(e, 1), (e, 7), (e, 64)]) {
        let table = In { encoding: Some(encoding), ..x(1, [9, c]) }.rounded();
        check(&b, &caps, Embedding, &[integers([2, 3], &[0, 8, 3, 1, 99, 7]), table], DType::F32, 0.0);
    }
    for (n, t, c) in [(1, 1, 1), (4, 5, 13), (2, 8, 64)] {
        check(&b, &caps, Gate { row: 1 }, &[x(1, [n, t, c]), x(2, [n, 2, c])], DType::F32, 0.0);
        let rows = ModulateRows { shift: 2, scale: 0 };
        check(&b, &caps, Modulate { rows }, &[x(1, [n, t, c]), x(2, [1, 3, c])], DType::F32, 1e-6);
        check(&b, &caps, Repeat { times: 3 }, &[x(1, [n, t, c])], DType::F32, 0.0);
    }
    for (shape, axes) in
        [(vec![3], vec![0]), (vec![2, 3, 5], vec![0, 2, 1]), (vec![2, 3, 2, 3, 2, 2], vec![0, 3, 1, 5, 4, 2])]
    {
        check(&b, &caps, Permute { axes }, &[x(1, [1]).of(&Shape(shape))], DType::F32, 0.0);
    }
    check(&b, &caps, Upsample, &[x(1, [2, 3, 5, 7])], DType::F32, 0.0);
    check(&b, &caps, ScaleInput { halves: 2 }, &[x(1, [2, 3, 3, 4]), x(2, [64])], DType::F32, 0.0);
    let t = In { data: vec![0.0, 1.0, 999.0, 500.25, 37.0], ..x(1, [5]) };
    for (dim, flip, shift) in [(2, false, 0.0), (256, true, 0.0), (38, false, 1.0)] {
        let op = TimestepEmbedding { dim, flip_sin_to_cos: flip, downscale_freq_shift: shift };
        // Half an ulp of the frequency is 3e-8; at t = 999 that is 3e-5 of an angle.
        check(&b, &caps, op, &[t.clone()], DType::F32, if dim == 2 { 1e-6 } else { 2e-4 });
    }
}

impl In {
    fn of(self, shape: &Shape) -> Self {
        Self {
            data: noise(shape.len() as u32 + self.data[0].to_bits(), shape.len()),
            shape: shape.clone(),
            ..self
        }
    }
}

#[test]
fn slots() {
    let Some(b) = backend() else { return };
    let [caps, _] = both(&b);
    let latent = 2 * 3 * 5;
    let mut state = x(1, [state_len(latent)]);
    state.data[PLANES * latent] = 2.0;
    let rows = x(2, [4, 100]);
    let nan = vec![f32::NAN; 100];
    check_into(
        &b,
        &caps,
        &LoadRow.into(),
        &[rows, state.clone()],
        ([100].into(), DType::F32, Some(nan)),
        0.0,
    );
    for (guided, slot) in [(false, -1.0), (true, -1.0), (true, 1.0)] {
        let mut row = x(3, [64]);
        row.data[onelaunch_core::schedule::ROW_NOISE_SLOT] = slot;
        for skipped in [4, 11, 13, 20, 38] {
            row.data[skipped] = 0.0;
        }
        let output = x(4, [if guided { 2 } else { 1 }, 2, 3, 5]);
        let noise = x(5, [2, 1, 2, 3, 5]);
        let into = (state.shape.clone(), DType::F32, Some(state.data.clone()));
        check_into(&b, &caps, &SamplerStep { guided }.into(), &[output, noise, row], into, 2e-6);
    }
    let table = (Shape::from([3, 20]), DType::F32, Some(vec![0.25; 60]));
    check_into(&b, &caps, &StoreTable { column: 7, rows: 3 }.into(), &[x(6, [3, 11])], table, 0.0);
    let mut picture = x(7, [2, 3, 5, 3]);
    picture.data.iter_mut().for_each(|v| *v *= 1.3);
    picture.data[10] = f32::NAN;
    picture.data[33] = f32::INFINITY;
    picture.data[50] = f32::NEG_INFINITY;
    let pixels = (Shape::from([2, 3, 5]), DType::U32, None);
    check_into(&b, &caps, &ToRgba8 { low: -1.0, high: 1.0 }.into(), &[picture], pixels, 0.0);
}

#[test]
fn more_workgroups_than_one_dimension_takes() {
    let Some(b) = backend() else { return };
    // 64 · 65535 elements are the most that one row of workgroups reaches.
    let op = Activation { act: Act::Relu, input_scale: 1.0, output_scale: 2.0 };
    check(&b, &both(&b)[0], op, &[x(1, [64 * 65535 + 77])], DType::F32, 0.0);
}
