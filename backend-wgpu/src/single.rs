//! One op on its own: what conformance tests compare with the reference. It uses the same launches, pipelines and buffers as a session.

use onelaunch_core::Caps;
use onelaunch_core::DeviceError;
use onelaunch_core::backend::{CompileError, Operand, Unsupported};
use onelaunch_core::ops::Op;

use crate::backend::WgpuBackend;
use crate::compile::{KernelKey, kernel};
use crate::ops::{Bind, Site, launch};
use crate::wait::read;

/// Dispatches `op` over operands given as device bytes (weights in the backend's layout) and returns the bytes of the output, whose
/// first content is `output_bytes`. `caps` may differ from the device's, to test another device's kernels.
///
/// # Errors
/// Where there is no kernel for it, or the device fails.
pub async fn dispatch(
    backend: &WgpuBackend,
    caps: &Caps,
    op: &Op,
    inputs: &[(Operand, Vec<u8>)],
    output: (&Operand, &[u8]),
) -> Result<Vec<u8>, CompileError> {
    repeated(backend, caps, op, inputs, output, 1).await
}

/// As [`dispatch`], `times` times over in one submit: what kernels are timed with. Only for ops that do not read what they write.
///
/// # Errors
/// As [`dispatch`].
pub async fn repeated(
    backend: &WgpuBackend,
    caps: &Caps,
    op: &Op,
    inputs: &[(Operand, Vec<u8>)],
    output: (&Operand, &[u8]),
    times: usize,
) -> Result<Vec<u8>, CompileError> {
    use wgpu::BufferUsages as U;
    let operands: Vec<Operand> = inputs.iter().map(|(operand, _)| operand.clone()).collect();
    let site = Site { caps, inputs: &operands, output: output.0, bases: &vec![0; inputs.len()] };
    let launch = launch(op, &site).map_err(|reason| Unsupported {
        backend: "wgpu",
        op: op.name(),
        node: "test".into(),
        reason,
    })?;
    let kernel = kernel(backend, &KernelKey::of(&launch)).await?;
    let storage = U::STORAGE | U::COPY_DST | U::COPY_SRC;
    let mut wanted: Vec<_> =
        inputs.iter().map(|(_, bytes)| ("operand".into(), bytes.len() as u64, storage)).collect();
    wanted.push(("output".into(), output.1.len() as u64, storage));
    wanted.push(("dummy".into(), 256, storage));
    wanted.push(("params".into(), 256, U::UNIFORM | U::COPY_DST));
    wanted.push(("staging".into(), output.1.len() as u64, U::MAP_READ | U::COPY_DST));
    let made = backend.memory.create(&wanted).await?;
    let (buffers, rest) = made.split_at(inputs.len());
    let [out, dummy, params, staging] = rest else {
        return Err(DeviceError::Other("a buffer is missing".into()).into());
    };
    for (buffer, (_, bytes)) in buffers.iter().zip(inputs) {
        backend.queue.write_buffer(buffer, 0, &padded(bytes));
    }
    backend.queue.write_buffer(out, 0, &padded(output.1));
    backend.queue.write_buffer(params, 0, bytemuck::cast_slice(&launch.params));
    let bound = launch.binds.iter().map(|bind| match bind {
        Bind::Input(at) => &buffers[*at],
        Bind::Output => out,
        Bind::Dummy => dummy,
    });
    let entries: Vec<_> = std::iter::once(params)
        .chain(bound)
        .enumerate()
        .map(|(at, buffer)| wgpu::BindGroupEntry { binding: at as u32, resource: buffer.as_entire_binding() })
        .collect();
    let descriptor = wgpu::BindGroupDescriptor { label: None, layout: &kernel.layout, entries: &entries };
    let group = backend.device.create_bind_group(&descriptor);
    let mut encoder = backend.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        pass.set_pipeline(&kernel.pipeline);
        pass.set_bind_group(0, &group, &[]);
        for _ in 0..times {
            pass.dispatch_workgroups(launch.grid[0], launch.grid[1], 1);
        }
    }
    encoder.copy_buffer_to_buffer(out, 0, staging, 0, out.size());
    backend.queue.submit([encoder.finish()]);
    let data = read(&backend.device, staging, staging.size()).await;
    let mut data = data.map_err(|why| backend.failure(why))?;
    backend.health.check()?;
    data.truncate(output.1.len());
    Ok(data)
}

/// Queue writes are in whole words.
fn padded(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}
