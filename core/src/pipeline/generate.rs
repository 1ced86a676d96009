//! One request: launches of as many pictures as fit, each begun, cut, submitted and read.

use std::sync::Arc;

use web_time::Instant;

use super::drive::{Launch, Viewer, drive};
use super::resolve::{Resolved, resolve};
use super::{Cancel, Compiled, Event, GenerateError, Generated, Pipeline, Timings, Watch};
use crate::backend::{Backend, CompileError, DeviceError, Planned, Session};
use crate::compile::{ProgramKey, row_bucket};
use crate::image::{Image, Pixels, Prompt};
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
        self.generate_shown(request, cancel, watch, None).await
    }

    /// Makes pictures that `viewer` shows where they are made: previews, where the model makes them, and the finished ones.
    ///
    /// # Errors
    /// As [`generate`](Self::generate), and those of the viewer.
    pub async fn generate_shown(
        &self,
        request: &Request,
        cancel: &Cancel,
        watch: Option<Watch<'_>>,
        viewer: Option<&dyn Viewer<B::Session>>,
    ) -> Result<Generated, GenerateError> {
        let resolved = self.resolve(request)?;
        let silent: Watch<'_> = &|_| {};
        let events = watch.unwrap_or(silent);
        let (width, height) = (resolved.recipe.width, resolved.recipe.height);
        let mut made =
            Generated { width, height, images: Vec::new(), recipes: Vec::new(), timings: Timings::default() };
        let rows = row_bucket(resolved.schedule.rows.len());
        let draws = resolved.schedule.draws;
        let prompts = self.prompts(&resolved, events)?;
        let mut most = MOST_PER_LAUNCH;
        while made.images.len() < resolved.count {
            if cancel.is_cancelled() {
                return Err(GenerateError::Cancelled);
            }
            let first = made.images.len();
            let n = (resolved.count - first).min(most);
            let key = ProgramKey { n, width, height, rows, precision: self.precision };
            let (key, plan) = self.fitting(key, draws)?;
            let start = Instant::now();
            let compiled = self.compiled(key, plan, events).await?;
            made.timings.compile += start.elapsed().as_secs_f64();
            if cancel.is_cancelled() {
                return Err(GenerateError::Cancelled);
            }
            let mut session = match self.session(&compiled, draws).await {
                Err(DeviceError::OutOfMemory { .. }) if key.n > 1 => {
                    most = key.n / 2;
                    events(Event::Warning(format!(
                        "no memory for {} pictures at once: {most} at a time",
                        key.n
                    )));
                    continue;
                }
                session => session?,
            };
            let launch = Launch {
                image: &self.image(&resolved, &prompts, first, key),
                first,
                pictures: key.n,
                pace: request.pace,
                watched: watch.is_some(),
                previews: request.previews && watch.is_some(),
                cancel,
                watch: events,
                viewer,
            };
            let result = self.launch(&compiled, &mut session, launch, &mut made.timings).await;
            // A session whose device failed is not used again.
            if (result.is_ok() || matches!(result, Err(GenerateError::Cancelled)))
                && let Ok(mut idle) = compiled.idle.lock()
            {
                idle.push((draws, session));
            }
            let pixels = result?;
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

    /// The largest launch whose plan fits the device's bindings, with this plan if it is not compiled yet: nothing is compiled for one that
    /// does not fit.
    fn fitting(
        &self,
        mut key: ProgramKey,
        draws: usize,
    ) -> Result<(ProgramKey, Option<Planned>), GenerateError> {
        loop {
            if self.programs.lock().is_ok_and(|p| p.contains_key(&key)) {
                return Ok((key, None));
            }
            let planned = self.plan(key)?;
            let regions = self.backend.regions(&planned, draws).map_err(CompileError::from)?;
            let most = self.backend.caps().max_binding;
            let Some(large) = regions.iter().find(|r| r.bytes > most) else {
                return Ok((key, Some(planned)));
            };
            if key.n == 1 {
                return Err(DeviceError::Usage(format!(
                    "{} takes {} bytes, a binding of this device at most {most}: make a smaller picture",
                    large.label, large.bytes
                ))
                .into());
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

    /// Makes one launch, and counts what the session did for it.
    async fn launch(
        &self,
        compiled: &Compiled<B>,
        session: &mut B::Session,
        launch: Launch<'_, B::Session>,
        timings: &mut Timings,
    ) -> Result<Pixels, GenerateError> {
        let before = session.counters();
        let start = Instant::now();
        let result = drive(self.backend.caps(), compiled, session, launch, &mut timings.chunks).await;
        let after = session.counters();
        timings.image += start.elapsed().as_secs_f64();
        timings.submits += after.submits - before.submits;
        timings.dispatches += after.dispatches - before.dispatches;
        timings.readbacks += after.readbacks - before.readbacks;
        timings.launches += 1;
        result
    }

    /// An idle session with room for the draws, or a new one: in the place of all idle ones, if memory is short.
    async fn session(&self, compiled: &Compiled<B>, draws: usize) -> Result<B::Session, DeviceError> {
        let idle = compiled.idle.lock().ok().and_then(|mut idle| {
            let at = idle.iter().position(|(room, _)| *room >= draws)?;
            Some(idle.swap_remove(at).1)
        });
        if let Some(session) = idle {
            return Ok(session);
        }
        let open = || self.backend.open(&compiled.executable, self.store.weights(), draws);
        match open().await {
            Err(DeviceError::OutOfMemory { .. }) if self.drop_idle() > 0 => open().await,
            session => session,
        }
    }

    /// Frees the memory of all sessions that wait for images, and says how many there were.
    pub fn drop_idle(&self) -> usize {
        let programs: Vec<_> = self.programs.lock().map_or(Vec::new(), |p| p.values().cloned().collect());
        let empty = |compiled: Arc<Compiled<B>>| {
            compiled.idle.lock().map_or(0, |mut idle| std::mem::take(&mut *idle).len())
        };
        programs.into_iter().map(empty).sum()
    }
}
