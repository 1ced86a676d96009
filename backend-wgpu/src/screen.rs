//! Pictures drawn where they were made: onto any texture, or in a browser onto a canvas. Nothing is read back.

use onelaunch_core::DeviceError;
use onelaunch_shaders::PRESENT;

use crate::backend::WgpuBackend;
use crate::compile::layouts;
#[cfg(target_arch = "wasm32")]
use crate::session::WgpuSession;

/// Pictures of a session in device memory, for embedders that go on with them there: a word per pixel, R lowest, row by row, picture
/// after picture. Alpha is 0 where a channel came out as NaN or infinity.
#[derive(Clone, Copy, Debug)]
pub struct Pictures<'a> {
    /// Storage and source of copies. Overwritten by the session's next image.
    pub buffer: &'a wgpu::Buffer,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// How many.
    pub count: u32,
}

/// Draws pictures onto textures of one format.
#[derive(Debug)]
pub struct Painter {
    backend: WgpuBackend,
    pipeline: wgpu::RenderPipeline,
    layout: wgpu::BindGroupLayout,
    params: wgpu::Buffer,
}

impl Painter {
    /// For targets of `format`, which is not an sRGB one: what is drawn are the bytes of the picture as they are.
    ///
    /// # Errors
    /// Where the device cannot draw to it.
    pub async fn new(backend: &WgpuBackend, format: wgpu::TextureFormat) -> Result<Self, DeviceError> {
        backend.check()?;
        let scope = backend.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let made = Self::create(backend, format);
        let failed = scope.pop();
        match failed.await {
            Some(error) => Err(DeviceError::Other(error.to_string())),
            None => backend.check().map(|()| made),
        }
    }

    fn create(backend: &WgpuBackend, format: wgpu::TextureFormat) -> Self {
        let device = &backend.device;
        let label = Some("present");
        let entry = |binding, ty| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::FRAGMENT,
            ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
            count: None,
        };
        let entries = [
            entry(0, wgpu::BufferBindingType::Uniform),
            entry(1, wgpu::BufferBindingType::Storage { read_only: true }),
        ];
        let (layout, pipeline_layout) = layouts(device, label, &entries);
        let source = wgpu::ShaderSource::Wgsl(PRESENT.into());
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor { label, source });
        let pipeline = device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
            label,
            layout: Some(&pipeline_layout),
            vertex: wgpu::VertexState {
                module: &module,
                entry_point: Some("corner"),
                compilation_options: wgpu::PipelineCompilationOptions::default(),
                buffers: &[],
            },
            primitive: wgpu::PrimitiveState::default(),
            depth_stencil: None,
            multisample: wgpu::MultisampleState::default(),
            fragment: Some(wgpu::FragmentState {
                module: &module,
                entry_point: Some("color"),
                compilation_options: wgpu::PipelineCompilationOptions::default(),
                targets: &[Some(format.into())],
            }),
            multiview_mask: None,
            cache: None,
        });
        let params = device.create_buffer(&wgpu::BufferDescriptor {
            label,
            size: 16,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        Self { backend: backend.clone(), pipeline, layout, params }
    }

    /// Draws picture `index` over all of `target`, which has its size. What was submitted before is drawn as it will be when it is done.
    ///
    /// # Errors
    /// [`DeviceError::Usage`] where there is no such picture; a device that failed.
    pub fn paint(
        &self,
        pictures: Pictures<'_>,
        index: u32,
        target: &wgpu::TextureView,
    ) -> Result<(), DeviceError> {
        self.backend.check()?;
        let Pictures { buffer, width, height, count } = pictures;
        if index >= count {
            return Err(DeviceError::Usage(format!("there is no picture {index}: there are {count}")));
        }
        let (device, queue) = self.backend.device();
        let params = [width, height, index * width * height, 0];
        queue.write_buffer(&self.params, 0, bytemuck::cast_slice(&params));
        let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("present"),
            layout: &self.layout,
            entries: &[
                wgpu::BindGroupEntry { binding: 0, resource: self.params.as_entire_binding() },
                wgpu::BindGroupEntry { binding: 1, resource: buffer.as_entire_binding() },
            ],
        });
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        {
            let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
                label: Some("present"),
                color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                    view: target,
                    depth_slice: None,
                    resolve_target: None,
                    ops: wgpu::Operations {
                        load: wgpu::LoadOp::Clear(wgpu::Color::BLACK),
                        store: wgpu::StoreOp::Store,
                    },
                })],
                ..Default::default()
            });
            pass.set_pipeline(&self.pipeline);
            pass.set_bind_group(0, &group, &[]);
            pass.draw(0..3, 0..1);
        }
        queue.submit([encoder.finish()]);
        Ok(())
    }
}

/// A canvas that pictures are drawn to. After [`Self::draw`] its `transferToImageBitmap` gives the picture.
#[cfg(target_arch = "wasm32")]
#[derive(Debug)]
pub struct Screen {
    painter: Painter,
    surface: wgpu::Surface<'static>,
    /// What the surface was configured for.
    size: std::cell::Cell<(u32, u32)>,
}

#[cfg(target_arch = "wasm32")]
impl Screen {
    /// Takes a canvas that has no context yet. Its size becomes that of what is drawn.
    ///
    /// # Errors
    /// [`DeviceError::Usage`] for a canvas that was used otherwise; a device that failed.
    pub async fn new(backend: &WgpuBackend, canvas: web_sys::OffscreenCanvas) -> Result<Self, DeviceError> {
        let painter = Painter::new(backend, FORMAT).await?;
        let surface = crate::device::instance().create_surface(wgpu::SurfaceTarget::OffscreenCanvas(canvas));
        let surface =
            surface.map_err(|why| DeviceError::Usage(format!("the canvas cannot be used: {why}")))?;
        Ok(Self { painter, surface, size: std::cell::Cell::new((0, 0)) })
    }

    /// Draws picture `index` of a session, or its small preview.
    ///
    /// # Errors
    /// [`DeviceError::Usage`] where there is no such picture; a device that failed.
    pub fn draw(&self, session: &WgpuSession, preview: bool, index: u32) -> Result<(), DeviceError> {
        let none = || DeviceError::Usage("the program makes no previews".into());
        let pictures = session.pictures(preview).ok_or_else(none)?;
        let size = (pictures.width, pictures.height);
        if self.size.replace(size) != size {
            self.surface.configure(
                &self.painter.backend.device,
                &wgpu::SurfaceConfiguration {
                    usage: wgpu::TextureUsages::RENDER_ATTACHMENT,
                    format: FORMAT,
                    color_space: wgpu::SurfaceColorSpace::Auto,
                    width: size.0,
                    height: size.1,
                    present_mode: wgpu::PresentMode::Fifo,
                    desired_maximum_frame_latency: 2,
                    alpha_mode: wgpu::CompositeAlphaMode::Opaque,
                    view_formats: Vec::new(),
                },
            );
        }
        let frame = match self.surface.get_current_texture() {
            wgpu::CurrentSurfaceTexture::Success(frame) | wgpu::CurrentSurfaceTexture::Suboptimal(frame) => {
                frame
            }
            other => {
                return Err(self.painter.backend.failure(format!("the canvas gives no frame: {other:?}")));
            }
        };
        let view = frame.texture.create_view(&wgpu::TextureViewDescriptor::default());
        self.painter.paint(pictures, index, &view)?;
        self.painter.backend.queue.present(frame);
        self.painter.backend.check()
    }
}

/// Every browser takes it for canvases, and it is what the words of a picture are.
#[cfg(target_arch = "wasm32")]
const FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Unorm;

#[cfg(test)]
mod tests;
