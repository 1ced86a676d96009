//! From what wgpu says about a device to [`Caps`].

use onelaunch_core::Caps;
use onelaunch_core::caps::Cut;

/// Caps of a device. `info` tells whether it is a software adapter.
pub fn caps(info: &wgpu::AdapterInfo, features: wgpu::Features, limits: &wgpu::Limits) -> Caps {
    Caps {
        name: format!("wgpu: {} ({:?})", info.name, info.backend),
        is_cpu: info.device_type == wgpu::DeviceType::Cpu,
        f16: features.contains(wgpu::Features::SHADER_F16),
        // A range of sizes is as good as none: kernels are made for one.
        subgroup: if features.contains(wgpu::Features::SUBGROUP)
            && info.subgroup_min_size == info.subgroup_max_size
        {
            info.subgroup_min_size
        } else {
            0
        },
        workgroup_bytes: limits.max_compute_workgroup_storage_size,
        workgroup_threads: limits.max_compute_invocations_per_workgroup,
        workgroups: limits.max_compute_workgroups_per_dimension,
        max_binding: limits.max_storage_buffer_binding_size,
        max_buffer: limits.max_buffer_size,
        storage_buffers: limits.max_storage_buffers_per_shader_stage,
        // 256 everywhere: what is right at lavapipe's 32 would fail on another device.
        alignment: ALIGNMENT,
        cut: Cut::Anywhere,
        in_flight: 2,
    }
}

/// Offsets of bindings are multiples of this, bytes: the largest that WebGPU allows a device to ask for.
pub const ALIGNMENT: u64 = 256;
