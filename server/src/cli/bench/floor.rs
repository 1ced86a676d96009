//! What a wgpu device gives at best, measured in the process that makes the pictures: a bare loop of dispatches, and one large product.

use onelaunch::core::backend::{Backend, Operand};
use onelaunch::core::ops::{Epilogue, Linear};
use onelaunch::core::shape::DType;
use onelaunch::core::weights::Encoding;
use onelaunch_wgpu::{WgpuBackend, single};

use super::super::failure::Failure;

/// Rows, inner size and columns of the product.
const GEMM: [usize; 3] = [256, 1024, 256];
/// Products per measurement: long against the hundredth of a second in which processor time is counted.
const TIMES: usize = 25;

/// The best that the device does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Floor {
    /// Host nanoseconds of a dispatch in a bare loop as long as an image's list.
    pub bare_ns: f64,
    /// FLOPs of the product per second of processor time, where the system tells: the rate of a software adapter.
    pub gemm_per_cpu_s: Option<f64>,
    /// FLOPs of the product per second.
    pub gemm_per_s: f64,
}

/// User and system seconds of this process so far.
pub(crate) fn processor_seconds() -> Option<f64> {
    // Linux counts them in hundredths (proc(5), fields 14 and 15); the name of the process, in parentheses, may hold spaces.
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / 100.0)
}

/// Measures; each figure is the best of 5. `dispatches` is the length of an image's list, `groups` how many different nodes are in it.
pub(crate) async fn floor(backend: &WgpuBackend, dispatches: u64, groups: u64) -> Result<Floor, Failure> {
    let bare = single::BareLoop::new(backend, groups as usize).await?;
    let [m, k, n] = GEMM;
    let op = Linear { bias: false, epilogue: Epilogue::default() }.into();
    let x = Operand { shape: [1, m, k].into(), dtype: DType::F32, encoding: None };
    let weight = Operand { shape: [n, k].into(), dtype: DType::F32, encoding: Some(Encoding::F16) };
    let output = Operand { shape: [1, m, n].into(), dtype: DType::F32, encoding: None };
    let ones = |count: usize| 1f32.to_le_bytes().repeat(count);
    // 1 in binary16; sizes are whole tiles, so the layout of the weight has no padding.
    let inputs = [(x, ones(m * k)), (weight, [0x00, 0x3c].repeat(n * k))];
    let first = vec![0; 4 * m * n];
    let run = async |times| {
        let start = (std::time::Instant::now(), processor_seconds());
        let read = single::repeated(backend, backend.caps(), &op, &inputs, (&output, &first), times).await?;
        if !read.starts_with(&(k as f32).to_le_bytes()) {
            return Err(Failure::Other(
                "the product of ones came out wrong, so its time means nothing".into(),
            ));
        }
        let cpu = processor_seconds().zip(start.1).map(|(end, start)| end - start);
        Ok((start.0.elapsed().as_secs_f64(), cpu))
    };
    run(1).await?; // compiles
    let flops = (2 * m * k * n * TIMES) as f64;
    let (mut wall, mut cpu, mut bare_s) = (f64::INFINITY, None::<f64>, f64::INFINITY);
    for _ in 0..5 {
        // Buffers and readback are in both, and cancel.
        let (one, many) = (run(1).await?, run(TIMES + 1).await?);
        wall = wall.min(many.0 - one.0);
        let took = many.1.zip(one.1).map(|(many, one)| many - one).filter(|took| *took > 0.0);
        // Behind the products, as a replay comes behind the picture before it: with the caches full of other things.
        let start = std::time::Instant::now();
        bare.submit(dispatches as usize);
        bare_s = bare_s.min(start.elapsed().as_secs_f64());
        cpu = took.map(|took| cpu.map_or(took, |best| best.min(took))).or(cpu);
    }
    Ok(Floor {
        bare_ns: bare_s * 1e9 / dispatches.max(1) as f64,
        gemm_per_cpu_s: cpu.map(|cpu| flops / cpu),
        gemm_per_s: flops / wall,
    })
}
