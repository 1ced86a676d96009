//! Pictures on their way to a page without a readback: drawn to a canvas of this worker, and handed over as bitmaps of it. The page's own
//! canvas shows those, so it outlives lost devices and serves several models.

use js_sys::Function;
use onelaunch_core::maybe::MaybeFuture;
use onelaunch_core::{DeviceError, Shown, Viewer};
use onelaunch_wgpu::screen::Screen;
use onelaunch_wgpu::{WgpuBackend, WgpuSession};
use wasm_bindgen::JsValue;
use web_sys::{ImageBitmap, OffscreenCanvas};

use crate::event::post;
use crate::js::{number, object, said};

/// A canvas that nobody sees.
#[derive(Debug)]
pub struct Easel {
    canvas: OffscreenCanvas,
    screen: Screen,
}

impl Easel {
    pub async fn new(backend: &WgpuBackend) -> Result<Self, DeviceError> {
        // Its size becomes that of what is drawn.
        let canvas = OffscreenCanvas::new(1, 1).map_err(|why| failed(&why))?;
        let screen = Screen::new(backend, canvas.clone()).await?;
        Ok(Self { canvas, screen })
    }

    fn draw(&self, session: &WgpuSession, preview: bool, index: u32) -> Result<ImageBitmap, DeviceError> {
        self.screen.draw(session, preview, index)?;
        self.canvas.transfer_to_image_bitmap().map_err(|why| failed(&why))
    }
}

fn failed(why: &JsValue) -> DeviceError {
    DeviceError::Other(format!("the picture cannot be drawn to a canvas: {}", said(why)))
}

/// Shows what a request wants to see.
pub struct Show<'a> {
    pub easel: &'a Easel,
    pub events: &'a Function,
    pub previews: bool,
    pub bitmaps: bool,
}

impl Show<'_> {
    fn shown(&self, session: &WgpuSession, shown: Shown) -> Result<(), DeviceError> {
        match shown {
            Shown::Preview(row) if self.previews => {
                // A launch of several shows its first.
                let bitmap = self.easel.draw(session, true, 0)?;
                let (width, height) = (bitmap.width().into(), bitmap.height().into());
                post(
                    self.events,
                    &object([
                        ("type", "preview".into()),
                        ("row", number(row as u64)),
                        ("width", width),
                        ("height", height),
                        ("bitmap", bitmap.into()),
                    ]),
                );
            }
            Shown::Pictures(first) if self.bitmaps => {
                let count = session.pictures(false).map_or(0, |pictures| pictures.count);
                for index in 0..count {
                    let bitmap = self.easel.draw(session, false, index)?;
                    let at = number(first as u64 + u64::from(index));
                    post(
                        self.events,
                        &object([("type", "picture".into()), ("index", at), ("bitmap", bitmap.into())]),
                    );
                }
            }
            Shown::Preview(_) | Shown::Pictures(_) => {}
        }
        Ok(())
    }
}

impl Viewer<WgpuSession> for Show<'_> {
    fn show<'a>(
        &'a self,
        session: &'a WgpuSession,
        shown: Shown,
    ) -> MaybeFuture<'a, Result<(), DeviceError>> {
        Box::pin(std::future::ready(self.shown(session, shown)))
    }
}
