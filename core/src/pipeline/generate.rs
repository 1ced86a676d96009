//! One request: launches of as many pictures as fit, each begun, cut, submitted and read.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use web_time::Instant;

use super::resolve::{Resolved, resolve};
use super::{Cancel, Compiled, Event, GenerateError, Generated, Pipeline, Timings, Watch};
use crate::backend::{Backend, CompileError, DeviceError, Session, Ticket};
use crate::compile::{ProgramKey, row_bucket};
use crate::image::{CutPolicy, Image, Pixels, Prompt, cut};
use crate::noise::Generator;
use crate::request::Request;

/// Most pictures of a launch: from about here on the device is busy and more only cost memory.
const MOST_PER_LAUNCH: usize = 8;

impl<B: Backend> Pipeline<B> {
    /// Checks a request and fills in the model's defaults, without making anything.
    pub fn resolve(&self, request: &Request) -> Result<Resolved, GenerateError> {
        Ok(resolve(&self.model, request, self.precision)?)
    }

    /// Makes pictures. With `watch` somebody waits for progress, and images are cut finer. Outside of browsers the thread that polls this
    /// works (CPU) or waits for the device (wgpu) without yielding: in an async server, give it a thread of its own.
    ///
    /// # Errors
    /// [`GenerateError`]: what the request asks for and the model cannot, cancellation, a device that fails.
    pub async fn generate(
        &self,
        request: &Request,
        cancel: &Cancel,
        watch: Option<Watch<'_>>,
    ) -> Result<Generated, GenerateError> {
        let resolved = self.resolve(request)?;
        let silent: Watch<'_> = &|_| {};
        let events = watch.unwrap_or(silent);
        let (width, height) = (resolved.recipe.width, resolved.recipe.height);
        let mut made =
            Generated { width, height, images: Vec::new(), recipes: Vec::new(), timings: Timings::default() };
        let rows = row_bucket(resolved.schedule.rows.len());
        let prompts = self.prompts(&resolved, events)?;
        while made.images.len() < resolved.count {
            if cancel.is_cancelled() {
                return Err(GenerateError::Cancelled);
            }
            let first = made.images.len();
            let left = (resolved.count - first).min(MOST_PER_LAUNCH);
            let key = ProgramKey { n: left, width, height, rows, precision: self.precision };
            let key = self.fitting(key, resolved.schedule.draws)?;
            let start = Instant::now();
            let compiled = self.compiled(key, events).await?;
            made.timings.compile += start.elapsed().as_secs_f64();
            if cancel.is_cancelled() {
                return Err(GenerateError::Cancelled);
            }
            let image = self.image(&resolved, &prompts, first, key);
            let launch = Launch {
                image: &image,
                pictures: key.n,
                draws: resolved.schedule.draws,
                whole: request.whole,
                watched: watch.is_some(),
                cancel,
                watch: events,
            };
            let pixels = self.launch(&compiled, launch, &mut made.timings).await?;
            if let Some(bad) = pixels.finite.iter().position(|ok| !ok) {
                return Err(GenerateError::NotFinite(first + bad));
            }
            for (at, picture) in pixels.images.into_iter().enumerate() {
                let mut recipe = resolved.recipe.clone();
                recipe.seed = recipe.seed.wrapping_add((first + at) as u64);
                made.images.push(picture);
                made.recipes.push(recipe);
            }
        }
        Ok(made)
    }

    /// The largest launch whose plan fits the device's bindings.
    fn fitting(&self, mut key: ProgramKey, draws: usize) -> Result<ProgramKey, GenerateError> {
        loop {
            let known = self.programs.lock().is_ok_and(|p| p.contains_key(&key));
            if known || key.n == 1 {
                return Ok(key);
            }
            let planned = self.plan(key)?;
            let regions = self.backend.regions(&planned, draws).map_err(CompileError::from)?;
            if regions.iter().all(|r| r.bytes <= self.backend.caps().max_binding) {
                return Ok(key);
            }
            key.n /= 2;
        }
    }

    /// Ids and lengths, cond first.
    fn prompts(&self, resolved: &Resolved, watch: Watch<'_>) -> Result<Prompt, GenerateError> {
        let guided = resolved.schedule.rows.iter().any(|r| r.guided);
        let mut prompt = Prompt { ids: Vec::new(), lengths: Vec::new() };
        let texts = [(&resolved.recipe.prompt, "prompt"), (&resolved.recipe.negative, "negative prompt")];
        for (text, name) in &texts[..if guided { 2 } else { 1 }] {
            let tokens = self.model.tokenizer.encode(text, self.model.tokens)?;
            if let Some(dropped) = &tokens.dropped {
                let most = self.model.tokens;
                watch(Event::Warning(format!("the {name} was cut to {most} tokens; dropped: {dropped:?}")));
            }
            prompt.ids.extend(&tokens.ids);
            prompt.lengths.push(tokens.length as u32);
        }
        Ok(prompt)
    }

    /// The inputs of a launch as `generate` makes them, for tools that drive a session themselves.
    pub fn inputs(&self, resolved: &Resolved, first: usize, key: ProgramKey) -> Result<Image, GenerateError> {
        Ok(self.image(resolved, &self.prompts(resolved, &|_| {})?, first, key))
    }

    /// Inputs of the launch of pictures `first ..`.
    fn image(&self, resolved: &Resolved, prompt: &Prompt, first: usize, key: ProgramKey) -> Image {
        let [n, h, w, c] = self.model.latent_shape(key.n, key.width, key.height);
        let schedule = &resolved.schedule;
        let noise_kind = resolved.recipe.noise.parse().unwrap_or_default();
        let seed = |i: usize| resolved.recipe.seed.wrapping_add((first + i) as u64);
        let mut generators: Vec<_> = (0..n).map(|i| Generator::new(noise_kind, seed(i))).collect();
        let sigma = schedule.init_noise_sigma as f32;
        let mut draw = || -> Vec<f32> { generators.iter_mut().flat_map(|g| g.draw(c, h, w)).collect() };
        let latents = draw().into_iter().map(|x| x * sigma).collect();
        let noise = (0..schedule.draws).flat_map(|_| draw()).collect();
        Image {
            prompts: vec![prompt.clone()],
            prompt_rows: prompt.lengths.len(),
            timesteps: schedule.rows.iter().map(|r| r.timestep as f32).collect(),
            rows: schedule.rows.iter().flat_map(crate::schedule::Row::to_f32).collect(),
            guided: schedule.rows.iter().map(|r| r.guided).collect(),
            latents,
            noise,
            generation: self.store.generation(),
        }
    }

    /// Takes a session, makes one launch, and puts the session back.
    async fn launch(
        &self,
        compiled: &Arc<Compiled<B>>,
        launch: Launch<'_>,
        timings: &mut Timings,
    ) -> Result<Pixels, GenerateError> {
        let draws = launch.draws;
        let mut session = self.session(compiled, draws).await?;
        let before = session.counters();
        let start = Instant::now();
        let result = drive(&self.backend, compiled, &mut session, launch, &mut timings.chunks).await;
        let after = session.counters();
        timings.image += start.elapsed().as_secs_f64();
        timings.submits += after.submits - before.submits;
        timings.dispatches += after.dispatches - before.dispatches;
        timings.readbacks += after.readbacks - before.readbacks;
        timings.launches += 1;
        // A session whose device failed is not used again.
        if (result.is_ok() || matches!(result, Err(GenerateError::Cancelled)))
            && let Ok(mut idle) = compiled.idle.lock()
        {
            idle.push((draws, session));
        }
        result
    }

    /// An idle session with room for the draws, or a new one.
    async fn session(&self, compiled: &Arc<Compiled<B>>, draws: usize) -> Result<B::Session, DeviceError> {
        let idle = compiled.idle.lock().ok().and_then(|mut idle| {
            let at = idle.iter().position(|(room, _)| *room >= draws)?;
            Some(idle.swap_remove(at).1)
        });
        match idle {
            Some(session) => Ok(session),
            None => self.backend.open(&compiled.executable, self.store.weights(), draws).await,
        }
    }
}

/// One launch: its inputs, and what decides how it is cut.
#[derive(Clone, Copy)]
struct Launch<'a> {
    image: &'a Image,
    pictures: usize,
    draws: usize,
    whole: bool,
    watched: bool,
    cancel: &'a Cancel,
    watch: Watch<'a>,
}

/// Begins, cuts, submits and reads one image; `chunks` counts the cuts.
async fn drive<B: Backend>(
    backend: &B,
    compiled: &Compiled<B>,
    session: &mut B::Session,
    launch: Launch<'_>,
    chunks: &mut u64,
) -> Result<Pixels, GenerateError> {
    let Launch { image, pictures, whole, watched, cancel, watch, .. } = launch;
    session.begin(image).await?;
    let caps = backend.caps();
    let rows = image.guided.len();
    let stored = compiled.rate.load(Ordering::Relaxed);
    let mut rate = (stored != 0).then(|| f64::from_bits(stored));
    let mut in_flight: VecDeque<Ticket> = VecDeque::new();
    let (mut position, mut finished, mut mark) = (0, 0, Instant::now());
    let len = session.work().len;
    let mut last = None;
    loop {
        while position < len && in_flight.len() < caps.in_flight && !cancel.is_cancelled() {
            let cut_policy = CutPolicy { whole, watched, rate };
            let chunk = cut(session.work(), position, caps, cut_policy);
            position = chunk.range.end;
            *chunks += 1;
            in_flight.push_back(session.submit(chunk)?);
        }
        if cancel.is_cancelled() {
            session.cancel();
            for ticket in &in_flight {
                // What was submitted runs to its end; its outcome no longer matters.
                let _ = session.done(ticket).await;
            }
            return Err(GenerateError::Cancelled);
        }
        let Some(ticket) = in_flight.pop_front() else { break };
        if ticket.end == len {
            last = Some(ticket);
            break;
        }
        session.done(&ticket).await?;
        let work = session.work();
        let cost = work.cost[ticket.end] - work.cost[finished];
        let seconds = mark.elapsed().as_secs_f64().max(1e-6);
        // What follows is cut by what the last chunk took.
        rate = Some(cost as f64 / seconds);
        watch(Event::Step(work.rows_done(ticket.end), rows, pictures));
        (finished, mark) = (ticket.end, Instant::now());
    }
    let Some(ticket) = last else {
        return Err(DeviceError::Usage("an image without dispatches".into()).into());
    };
    let pixels = session.read(ticket, false).await?;
    let cost = session.work().cost[len] - session.work().cost[finished];
    let rate = cost as f64 / mark.elapsed().as_secs_f64().max(1e-6);
    compiled.rate.store(rate.to_bits(), Ordering::Relaxed);
    watch(Event::Step(rows, rows, pictures));
    Ok(pixels)
}
