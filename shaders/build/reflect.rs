//! Validation and reflection with naga: what a kernel binds, its workgroup and its workgroup memory. A mistake is told with the file and
//! line of the piece it is in.

use std::fmt::Write as _;

use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{AddressSpace, ShaderStage, StorageAccess};

use crate::preprocess::Expanded;

/// What a kernel needs.
pub struct Facts {
    /// Threads.
    pub workgroup_size: [u32; 3],
    /// Rust source of the list of bindings.
    pub bindings: String,
    /// Bytes of workgroup memory.
    pub workgroup_bytes: u32,
    /// Uses 16-bit floats.
    pub f16: bool,
    /// Uses operations between the lanes of a subgroup.
    pub subgroups: bool,
}

/// Validates WGSL that may ask for no more than `capabilities`.
pub fn module(expanded: &Expanded, capabilities: Capabilities) -> Result<naga::Module, String> {
    let place = |line: u32| expanded.origins.get(line as usize - 1).map_or("?", String::as_str).to_string();
    let module = naga::front::wgsl::parse_str(&expanded.text).map_err(|why| {
        let at = why.location(&expanded.text).map_or("?".into(), |l| place(l.line_number));
        format!("{at}: {why}")
    })?;
    Validator::new(ValidationFlags::all(), capabilities).validate(&module).map_err(|why| {
        let at = why.location(&expanded.text).map_or("?".into(), |l| place(l.line_number));
        format!("{at}: {}", why.emit_to_string(&expanded.text))
    })?;
    Ok(module)
}

/// Validates a kernel with no more capabilities than it may ask for, and reads out what it needs.
pub fn reflect(expanded: &Expanded) -> Result<Facts, String> {
    let f16 = expanded.text.starts_with("enable f16;");
    // unpack2x16float needs no feature of a device.
    let mut capabilities = Capabilities::SHADER_FLOAT16_IN_FLOAT32;
    capabilities.set(Capabilities::SHADER_FLOAT16, f16);
    let subgroups = expanded.text.contains("subgroup");
    capabilities.set(Capabilities::SUBGROUP, subgroups);
    let module = module(expanded, capabilities)?;
    let main = module.entry_points.iter().find(|e| e.name == "main" && e.stage == ShaderStage::Compute);
    let main = main.ok_or("no compute entry point `main`")?;
    let mut bindings = Vec::new();
    let mut workgroup_bytes = 0;
    for (_, variable) in module.global_variables.iter() {
        if variable.space == AddressSpace::WorkGroup {
            workgroup_bytes += module.types[variable.ty].inner.size(module.to_ctx());
        }
        let Some(binding) = &variable.binding else { continue };
        let access = match variable.space {
            AddressSpace::Uniform => "Uniform",
            AddressSpace::Storage { access } if access.contains(StorageAccess::STORE) => "ReadWrite",
            AddressSpace::Storage { .. } => "Read",
            other => return Err(format!("binding {} is {other:?}", binding.binding)),
        };
        bindings.push((binding.group, binding.binding, access));
    }
    bindings.sort_unstable();
    let mut list = String::from("[");
    for (group, binding, access) in bindings {
        let _ = write!(list, "Binding {{ group: {group}, binding: {binding}, access: Access::{access} }}, ");
    }
    list.push(']');
    Ok(Facts { workgroup_size: main.workgroup_size, bindings: list, workgroup_bytes, f16, subgroups })
}
