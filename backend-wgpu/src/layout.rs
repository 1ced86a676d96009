//! How leaves lie in device memory. Matrices are stored `[K, N]`, so that neighbouring columns are one vec4, in panels as wide as the tiles of
//! the kernels, in the file's own encoding. `shaders/wgsl/shared/weight.wgsl` is the other half of this.

use onelaunch_core::weights::{Encoding, Layout, Leaf, Role};

/// K is padded to whole vec4 of x, N to two vec4 of columns: the register tile of the kernels.
const PAD: [usize; 2] = [4, 8];

/// Columns of a panel.
const PANEL: usize = 64;

/// Layout of a leaf.
pub fn layout(leaf: &Leaf, stored: Encoding) -> Layout {
    let layout = match leaf.role {
        Role::Matrix => Layout::new(leaf, stored, true, PAD).in_panels(PANEL),
        Role::Table => Layout::new(leaf, stored, false, [1, 1]),
        // Small, and read element by element: not worth unpacking.
        Role::Vector => Layout::new(leaf, Encoding::F32, false, [1, 1]),
    };
    // Kernels read whole vec4s, also the last.
    Layout { bytes: layout.bytes.div_ceil(16).saturating_mul(16), ..layout }
}

#[cfg(test)]
mod tests {
    use super::*;
    use onelaunch_core::weights::{LeafId, SourceTensor, Transform};

    #[test]
    fn matrices_are_transposed_and_padded() {
        let source = SourceTensor { component: "c".into(), name: "n".into(), shape: vec![3, 9, 3] };
        let mut leaf = Leaf {
            id: LeafId(0),
            shape: vec![3, 9, 3],
            sources: vec![source],
            transform: Transform::Concat,
            role: Role::Matrix,
        };
        let made = layout(&leaf, Encoding::Bf16);
        assert_eq!((made.stored(&leaf), made.bytes, made.encoding), ([28, 8], 448, Encoding::Bf16));
        assert_eq!(made.panel, Some(64));
        leaf.role = Role::Vector;
        assert_eq!(layout(&leaf, Encoding::F16).encoding, Encoding::F32);
    }
}
