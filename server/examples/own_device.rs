//! On the caller's own wgpu device, as in a game or an editor that has one already: the model is one more user of it.

use onelaunch::{Cancel, Pipeline, Precision, Request, WgpuBackend, find_model, picture};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    pollster::block_on(async {
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
        let adapter = instance.request_adapter(&wgpu::RequestAdapterOptions::default()).await?;
        // With WebGPU's default limits, so that it runs on any device; more is used where the caller asks for more.
        let (device, queue) = adapter.request_device(&wgpu::DeviceDescriptor::default()).await?;

        // Both are handles: the caller keeps using its own.
        let backend = WgpuBackend::from_device(&adapter.get_info(), device.clone(), queue.clone(), None);
        let pipeline = Pipeline::load(backend, &find_model(None)?, Precision::F32, &|_| {}).await?;
        let request = Request { prompt: "a red apple".into(), seed: 7, steps: Some(4), ..Request::default() };
        let made = pipeline.generate(&request, &Cancel::new(), None).await?;
        let png = picture::encode(made.width, made.height, &made.images[0], &made.recipes[0])?;
        println!("{} dispatches in {} submits", made.timings.dispatches, made.timings.submits);
        Ok(std::fs::write("apple.png", png)?)
    })
}
