//! What a wgpu device gives at best, measured in the process that makes the pictures: a bare loop of dispatches, and one large product.

use onelaunch::core::backend::{Backend, Operand};
use onelaunch::core::ops::{Epilogue, Linear};
use onelaunch::core::shape::DType;
use onelaunch::core::weights::Encoding;
use onelaunch_wgpu::{WgpuBackend, single};

use super::super::failure::Failure;

/// Rows, inner size and columns of the product.
const GEMM: [usize; 3] = [256, 1024, 256];
/// Products per measurement: long against what buffers and readback take.
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
    #[cfg(unix)]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Some(time.tv_sec as f64 + time.tv_nsec as f64 / 1e9)
    }
    #[cfg(not(unix))]
    None
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
    // Buffers and readback are in both, and cancel. The best of each: the best difference would favour a single one that took long.
    let (mut one, mut many, mut bare_s) = (None, None, f64::INFINITY);
    for _ in 0..5 {
        one = Some(best(one, run(1).await?));
        many = Some(best(many, run(TIMES + 1).await?));
        // Behind the products, as a replay comes behind the picture before it: with the caches full of other things.
        let start = std::time::Instant::now();
        bare.submit(dispatches as usize);
        bare_s = bare_s.min(start.elapsed().as_secs_f64());
    }
    let (Some(one), Some(many)) = (one, many) else { return Err(Failure::Other("nothing was run".into())) };
    Ok(Floor {
        bare_ns: bare_s * 1e9 / dispatches.max(1) as f64,
        gemm_per_cpu_s: many.1.zip(one.1).map(|(many, one)| flops / (many - one)),
        gemm_per_s: flops / (many.0 - one.0),
    })
}

/// The shorter of two times, of the wall and of the processor alike.
fn best(before: Option<(f64, Option<f64>)>, now: (f64, Option<f64>)) -> (f64, Option<f64>) {
    let Some((wall, cpu)) = before else { return now };
    (wall.min(now.0), cpu.zip(now.1).map(|(before, now)| before.min(now)))
}
