//! What the pipeline tells on its way, as plain objects.

use js_sys::{Function, Uint8ClampedArray};
use onelaunch_core::Event;
use wasm_bindgen::JsValue;

use crate::js::{number, object};

/// Tells JavaScript.
pub fn tell(events: &Function, event: Event) {
    let count = |n: usize| number(n as u64);
    match event {
        Event::Weights(done, total) => {
            post(
                events,
                &object([("type", "weights".into()), ("done", number(done)), ("total", number(total))]),
            );
        }
        Event::Kernels(done, total) => {
            post(
                events,
                &object([("type", "kernels".into()), ("done", count(done)), ("total", count(total))]),
            );
        }
        Event::Step(done, total, pictures) => {
            let fields = [("done", count(done)), ("total", count(total)), ("pictures", count(pictures))];
            let [done, total, pictures] = fields;
            post(events, &object([("type", "step".into()), done, total, pictures]));
        }
        Event::Preview(row, pixels) => {
            // A launch of several shows its first.
            let Some(image) = pixels.images.first() else { return };
            let size = [("width", count(pixels.width)), ("height", count(pixels.height))];
            let [width, height] = size;
            let rgba = Uint8ClampedArray::from(&image[..]).into();
            post(
                events,
                &object([("type", "preview".into()), ("row", count(row)), width, height, ("rgba", rgba)]),
            );
        }
        Event::Warning(message) => {
            post(events, &object([("type", "warning".into()), ("message", message.into())]));
        }
        // Told to those who know it.
        _ => {}
    }
}

/// Hands an event over. What a listener throws is its own affair and ends nothing here.
pub fn post(events: &Function, event: &JsValue) {
    let _ = events.call1(&JsValue::UNDEFINED, event);
}
