//! One launch: begun, cut, submitted chunk by chunk, read.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;

use web_time::Instant;

use super::meter::{Meter, rate};
use super::{Cancel, Compiled, Event, GenerateError, Watch};
use crate::backend::{Backend, DeviceError, Session, Ticket};
use crate::caps::Caps;
use crate::image::{CutPolicy, Image, Pixels, cut};
use crate::maybe::{MaybeFuture, WasmNotSendSync};
use crate::request::Pace;

/// What a [`Viewer`] is asked to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// The small pictures of what is denoised so far, after this many rows of the sampler.
    Preview(usize),
    /// The finished pictures, of which the first has this number in the request.
    Pictures(usize),
}

/// Shows pictures where they are made, without a readback: on a canvas, in a window.
pub trait Viewer<S: Session>: WasmNotSendSync {
    /// Called when the work that makes the picture is queued, before anything else is: what this queues sees that picture.
    fn show<'a>(&'a self, session: &'a S, shown: Shown) -> MaybeFuture<'a, Result<(), DeviceError>>;
}

/// One launch: its inputs, what decides how it is cut, and who hears of it.
pub(super) struct Launch<'a, S: Session> {
    pub image: &'a Image,
    /// Number of its first picture in the request.
    pub first: usize,
    pub pictures: usize,
    pub pace: Pace,
    /// Somebody waits for progress.
    pub watched: bool,
    /// Previews are read and told as events.
    pub previews: bool,
    pub cancel: &'a Cancel,
    pub watch: Watch<'a>,
    pub viewer: Option<&'a dyn Viewer<S>>,
}

impl<S: Session> Launch<'_, S> {
    /// `can`: the program makes previews.
    fn policy(&self, measured: Option<f64>, can: bool) -> CutPolicy {
        let rate = match self.pace {
            Pace::Rate(rate) => Some(rate),
            Pace::Measured | Pace::Whole => measured,
        };
        let previews = can && (self.previews || self.viewer.is_some());
        CutPolicy { whole: self.pace == Pace::Whole, watched: self.watched, previews, rate }
    }
}

/// Begins, cuts, submits and reads one image; `chunks` counts the cuts.
pub(super) async fn drive<B: Backend>(
    caps: &Caps,
    compiled: &Compiled<B>,
    session: &mut B::Session,
    launch: Launch<'_, B::Session>,
    chunks: &mut u64,
) -> Result<Pixels, GenerateError> {
    let Launch { image, cancel, watch, pictures, .. } = launch;
    session.begin(image).await?;
    let rows = image.guided.len();
    let stored = compiled.rate.load(Ordering::Relaxed);
    let (mut meter, begun) = (Meter::new((stored != 0).then(|| f64::from_bits(stored))), Instant::now());
    let mut in_flight: VecDeque<(Ticket, bool)> = VecDeque::new();
    let mut position = 0;
    let len = session.work().len;
    let mut last = None;
    loop {
        while position < len && in_flight.len() < caps.in_flight && !cancel.is_cancelled() {
            let chunk = cut(session.work(), position, caps, launch.policy(meter.rate(), compiled.previews));
            position = chunk.range.end;
            *chunks += 1;
            let preview = chunk.preview;
            let ticket = session.submit(chunk)?;
            if let Some(viewer) = launch.viewer {
                if preview {
                    viewer.show(session, Shown::Preview(session.work().rows_done(position))).await?;
                }
                if position == len {
                    viewer.show(session, Shown::Pictures(launch.first)).await?;
                }
            }
            in_flight.push_back((ticket, preview));
        }
        if cancel.is_cancelled() {
            session.cancel();
            for (ticket, _) in &in_flight {
                // What was submitted runs to its end; its outcome no longer matters.
                let _ = session.done(ticket).await;
            }
            return Err(GenerateError::Cancelled);
        }
        let Some((ticket, preview)) = in_flight.pop_front() else { break };
        if ticket.end == len {
            last = Some(ticket);
            break;
        }
        session.done(&ticket).await?;
        let work = session.work();
        // What follows is cut by what these chunks took.
        meter.done(begun.elapsed().as_secs_f64(), work.cost[ticket.end]);
        let done = work.rows_done(ticket.end);
        watch(Event::Step(done, rows, pictures));
        if preview && launch.previews {
            watch(Event::Preview(done, session.read(ticket, true).await?));
        }
    }
    let Some(ticket) = last else {
        return Err(DeviceError::Usage("an image without dispatches".into()).into());
    };
    let pixels = session.read(ticket, false).await?;
    let rate = rate(session.work().cost[len], begun.elapsed().as_secs_f64());
    compiled.rate.store(rate.to_bits(), Ordering::Relaxed);
    watch(Event::Step(rows, rows, pictures));
    Ok(pixels)
}
