//! Host data of a program in the layout that kernels read.

use onelaunch_core::graph::{Constant, ConstantData, Value};
use onelaunch_core::shape::DType;
use onelaunch_core::weights::Role;

use crate::layout::PAD;

/// Bytes of a constant: a matrix transposed and padded like a leaf, f16 where the value was narrowed.
pub fn bytes(constant: &Constant, value: &Value) -> Vec<u8> {
    let data = match &constant.data {
        ConstantData::U32(data) => return bytemuck::cast_slice(data).to_vec(),
        ConstantData::F32(data) => data,
    };
    if constant.role == Role::Matrix {
        return bytemuck::cast_slice(&transposed(data, value.shape.lead())).to_vec();
    }
    match value.dtype {
        DType::F16 => data.iter().flat_map(|&x| half::f16::from_f32(x).to_le_bytes()).collect(),
        DType::F32 | DType::U32 => bytemuck::cast_slice(data).to_vec(),
    }
}

/// `[N, K]` to `[K, N]`, padded with zeros.
fn transposed(data: &[f32], n: usize) -> Vec<f32> {
    let k = data.len() / n.max(1);
    let width = n.next_multiple_of(PAD[1]);
    let mut out = vec![0.0; k.next_multiple_of(PAD[0]) * width];
    for (column, row) in data.chunks_exact(k.max(1)).enumerate() {
        for (at, &x) in row.iter().enumerate() {
            out[at * width + column] = x;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::transposed;

    #[test]
    fn constants_are_transposed_with_padding() {
        let out = transposed(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 2);
        assert_eq!(out.len(), 4 * 8);
        assert_eq!([out[0], out[1], out[2], out[8], out[9], out[17]], [1.0, 4.0, 0.0, 2.0, 5.0, 6.0]);
    }
}
