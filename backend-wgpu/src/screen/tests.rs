//! What is drawn is what the buffer holds, byte for byte, on any software or hardware adapter there is.

use pollster::block_on;

use super::*;
use crate::wait::read;
use crate::{Select, WgpuBackend};

/// Wide enough that rows of the copy need no padding: 64 pixels are 256 bytes.
const SIZE: [u32; 2] = [64, 5];

#[test]
fn pictures_are_drawn_as_they_are() {
    let Ok(backend) = block_on(WgpuBackend::new(&Select { software: true, ..Select::default() })) else {
        println!("SKIPPED wgpu: no adapter");
        return;
    };
    let (device, queue) = backend.device();
    let [width, height] = SIZE;
    let area = width * height;
    let words: Vec<u32> = (0..3 * area).map(|i| i.wrapping_mul(0x9e37_79b1)).collect();
    let buffer = device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: u64::from(3 * area * 4),
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    queue.write_buffer(&buffer, 0, bytemuck::cast_slice(&words));
    let staging = device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: u64::from(area * 4),
        usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    let size = wgpu::Extent3d { width, height, depth_or_array_layers: 1 };
    let target = device.create_texture(&wgpu::TextureDescriptor {
        label: None,
        size,
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: wgpu::TextureFormat::Rgba8Unorm,
        usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC,
        view_formats: &[],
    });
    let view = target.create_view(&wgpu::TextureViewDescriptor::default());
    let painter = block_on(Painter::new(&backend, wgpu::TextureFormat::Rgba8Unorm)).unwrap();
    let pictures = Pictures { buffer: &buffer, width, height, count: 3 };
    for index in [2, 0, 1] {
        painter.paint(pictures, index, &view).unwrap();
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let layout = wgpu::TexelCopyBufferLayout {
            offset: 0,
            bytes_per_row: Some(width * 4),
            rows_per_image: Some(height),
        };
        encoder.copy_texture_to_buffer(
            target.as_image_copy(),
            wgpu::TexelCopyBufferInfo { buffer: &staging, layout },
            size,
        );
        queue.submit([encoder.finish()]);
        let got = block_on(read(device, &staging, staging.size())).unwrap();
        let want = &words[(index * area) as usize..][..area as usize];
        let want: Vec<u8> = want.iter().flat_map(|word| (word | 0xff00_0000).to_le_bytes()).collect();
        assert!(got == want, "picture {index}");
    }
    assert!(matches!(painter.paint(pictures, 3, &view), Err(DeviceError::Usage(_))));
    backend.check().unwrap();
    backend.destroy();
    assert!(
        painter.paint(pictures, 0, &view).is_err()
            || backend.failure("gone".into()).to_string().contains("lost")
    );
}
