//! Host data of a program in the layout that kernels read. A constant matrix is a leaf whose tensor is at hand.

use onelaunch_core::graph::{Constant, ConstantData, Value};
use onelaunch_core::shape::DType;
use onelaunch_core::weights::{
    Dtype, Encoding, Leaf, LeafId, Role, SourceTensor, TensorEntry, Transform, WeightError, encode,
};

use crate::layout::layout;

/// Bytes that a constant takes.
pub fn size(constant: &Constant, value: &Value) -> u64 {
    match (&constant.data, constant.role) {
        (ConstantData::F32(_), Role::Matrix) => layout(&leaf(&constant.name, value), Encoding::F32).bytes,
        _ => (value.shape.len() * value.dtype.bytes()) as u64,
    }
}

/// Bytes of a constant: a matrix as leaves lie, f16 where the value was narrowed.
///
/// # Errors
/// Where the data do not fit the shape.
pub fn bytes(constant: &Constant, value: &Value) -> Result<Vec<u8>, WeightError> {
    let data = match &constant.data {
        ConstantData::U32(data) => return Ok(bytemuck::cast_slice(data).to_vec()),
        ConstantData::F32(data) => data,
    };
    if constant.role == Role::Matrix {
        let (leaf, bytes) = (leaf(&constant.name, value), bytemuck::cast_slice(data));
        let (shape, end) = (leaf.shape.clone(), bytes.len() as u64);
        let entry = TensorEntry { dtype: Dtype::F32, shape, start: 0, end };
        return encode(&leaf, &layout(&leaf, Encoding::F32), &[(&entry, bytes)]);
    }
    Ok(match value.dtype {
        DType::F16 => data.iter().flat_map(|&x| half::f16::from_f32(x).to_le_bytes()).collect(),
        DType::F32 | DType::U32 => bytemuck::cast_slice(data).to_vec(),
    })
}

fn leaf(name: &str, value: &Value) -> Leaf {
    let shape = value.shape.0.clone();
    let tensor = SourceTensor { component: "constants".into(), name: name.into(), shape: shape.clone() };
    let sources = vec![tensor];
    Leaf { id: LeafId(0), shape, sources, transform: Transform::Concat, role: Role::Matrix }
}
