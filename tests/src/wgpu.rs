//! Kernels of the wgpu backend against the reference, one op at a time, through the launches, layouts and pipelines of a session.

use onelaunch_core::Caps;
use onelaunch_core::backend::{Backend, Operand};
use onelaunch_core::caps::Cut;
use onelaunch_core::shape::DType;
use onelaunch_core::weights::{Dtype, Leaf, LeafId, SourceTensor, TensorEntry, Transform, encode};
use onelaunch_wgpu::{WgpuBackend, single};

use crate::case::Case;
use crate::compare::{Difference, compare};
use crate::operand::Input;
use crate::reference::evaluate;
use crate::tolerance;

/// The caps of a device, for the kernels of GPUs, for those of software adapters, and for those of software adapters with its subgroups:
/// all run anywhere.
#[must_use]
pub fn kinds(backend: &WgpuBackend) -> [Caps; 3] {
    let caps = backend.caps();
    [(false, caps.subgroup), (true, 0), (true, caps.subgroup)].map(|(is_cpu, subgroup)| Caps {
        is_cpu,
        subgroup,
        ..caps.clone()
    })
}

/// A GPU as wgpu's kernels see one.
#[must_use]
pub fn a_gpu() -> Caps {
    Caps {
        name: "a GPU".into(),
        is_cpu: false,
        f16: true,
        subgroup: 0,
        workgroup_bytes: 16 << 10,
        workgroup_threads: 256,
        workgroups: 65535,
        max_binding: 128 << 20,
        max_buffer: 256 << 20,
        storage_buffers: 8,
        alignment: 256,
        cut: Cut::Anywhere,
        in_flight: 2,
    }
}

/// How far the kernel that `caps` choose is from the reference.
///
/// # Errors
/// Where the tolerance does not hold, where there is no kernel, or where the device fails.
pub async fn check_wgpu(backend: &WgpuBackend, caps: &Caps, case: &Case) -> Result<Difference, String> {
    let kind = match (caps.is_cpu, caps.subgroup) {
        (false, _) => "GPU",
        (true, 0) => "software",
        (true, _) => "software subgroup",
    };
    let what = |why: String| format!("wgpu, {kind} kernel, {}: {why}", case.name());
    let mut inputs = Vec::new();
    for input in &case.inputs {
        inputs.push((input.operand(), bytes(backend, input).map_err(what)?));
    }
    let output = Operand { shape: case.shape.clone(), dtype: case.output, encoding: None };
    let first = store(&case.first(), case.output);
    let read = single::dispatch(backend, caps, &case.op, &inputs, (&output, &first)).await;
    let got = load(&read.map_err(|why| what(why.to_string()))?, case.output);
    let want = load(&store(&evaluate(case, false, usize::MAX), case.output), case.output);
    compare(&got, &want).within(&tolerance::of(case, case.output)).map_err(what)
}

/// An operand as the device has it; a weight as it is uploaded.
fn bytes(backend: &WgpuBackend, input: &Input) -> Result<Vec<u8>, String> {
    let Some((role, encoding)) = input.weight else { return Ok(store(&input.values, input.dtype)) };
    let shape = input.shape.0.clone();
    let source = SourceTensor { component: "test".into(), name: "weight".into(), shape: shape.clone() };
    let leaf = Leaf {
        id: LeafId(0),
        shape: shape.clone(),
        sources: vec![source],
        transform: Transform::Concat,
        role,
    };
    let values = store(&input.values, DType::F32);
    let entry = TensorEntry { dtype: Dtype::F32, shape, start: 0, end: values.len() as u64 };
    let layout = backend.layout(&leaf, encoding);
    if layout.encoding != encoding {
        return Err(format!("the backend stores this weight in {}", layout.encoding.name()));
    }
    encode(&leaf, &layout, &[(&entry, &values)]).map_err(|why| why.to_string())
}

fn store(values: &[f32], dtype: DType) -> Vec<u8> {
    match dtype {
        DType::F16 => values.iter().flat_map(|&v| half::f16::from_f32(v).to_le_bytes()).collect(),
        DType::F32 | DType::U32 => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
    }
}

fn load(bytes: &[u8], dtype: DType) -> Vec<f64> {
    match dtype {
        DType::F16 => {
            let (halves, _) = bytes.as_chunks::<2>();
            halves.iter().map(|&b| half::f16::from_le_bytes(b).to_f64()).collect()
        }
        DType::F32 => bytes.as_chunks::<4>().0.iter().map(|&b| f64::from(f32::from_le_bytes(b))).collect(),
        DType::U32 => bytes.as_chunks::<4>().0.iter().map(|&b| f64::from(u32::from_le_bytes(b))).collect(),
    }
}
