//! The kernels as a table: WGSL source with what a backend must know to bind and launch it. The build script makes every permutation
//! that the file `permutations` names, validates it and reads bindings and sizes out of it.

#![warn(missing_docs)]

/// How a kernel binds a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// A uniform buffer: the kernel's parameters.
    Uniform,
    /// A storage buffer that is only read.
    Read,
    /// A storage buffer that is written.
    ReadWrite,
}

/// One binding of a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Binding {
    /// Bind group.
    pub group: u32,
    /// Number in the group.
    pub binding: u32,
    /// How it is used.
    pub access: Access,
}

/// A permutation of a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shader {
    /// Stem and axis values, e.g. `linear/cpu.vec4.f32.f32.p16`.
    pub name: &'static str,
    /// Ranges of the text that all kernels share.
    pieces: &'static [(u32, u32)],
    /// Threads of a workgroup.
    pub workgroup_size: [u32; 3],
    /// Bindings in order.
    pub bindings: &'static [Binding],
    /// Bytes of workgroup memory.
    pub workgroup_bytes: u32,
    /// Needs 16-bit floats on the device.
    pub f16: bool,
    /// Needs subgroup operations on the device.
    pub subgroups: bool,
}

impl Shader {
    /// WGSL, complete; the entry point is `main`.
    pub fn source(&self) -> String {
        self.pieces.iter().map(|&(start, end)| &TEXT[start as usize..end as usize]).collect()
    }
}

/// What draws a picture to a screen: vertex entry `corner`, fragment entry `color`.
pub static PRESENT: &str = include_str!("../wgsl/present.wgsl");

include!(concat!(env!("OUT_DIR"), "/shaders.rs"));

/// The kernel of a name, if the `permutations` file makes it.
pub fn find(name: &str) -> Option<&'static Shader> {
    SHADERS.binary_search_by(|s| s.name.cmp(name)).ok().map(|at| &SHADERS[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kernel_fits_the_portable_baseline() {
        assert!(!SHADERS.is_empty());
        for s in SHADERS {
            assert!(
                s.workgroup_bytes <= 16 << 10,
                "{}: {} bytes of workgroup memory",
                s.name,
                s.workgroup_bytes
            );
            assert!(s.workgroup_size.iter().product::<u32>() <= 256, "{}: {:?}", s.name, s.workgroup_size);
            let storage = s.bindings.iter().filter(|b| b.access != Access::Uniform).count();
            assert!(storage <= 8, "{}: {storage} storage buffers", s.name);
            assert!(
                s.bindings.iter().enumerate().all(|(i, b)| b.binding == i as u32 && b.group == 0),
                "{}",
                s.name
            );
            assert_eq!(s.f16, s.source().contains("enable f16;"), "{}", s.name);
        }
    }

    #[test]
    fn kernels_are_found_by_name() {
        for s in SHADERS {
            assert_eq!(find(s.name), Some(s));
        }
        assert_eq!(find("linear/none"), None);
    }
}
