//! Drives a session by hand, through the same two traits as the pipeline does, so that each part can be timed alone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use onelaunch::core::backend::{Backend, Counters, Planned, Session};
use onelaunch::core::compile::{ProgramKey, row_bucket};
use onelaunch::core::image::{Chunk, Image};
use onelaunch::core::pipeline::Resolved;
use onelaunch::core::program::{PartKind, Program};
use onelaunch::{Pipeline, VisitPipeline};

use super::super::failure::Failure;
use super::floor::processor_seconds;
use super::stats::Runs;

/// What is to be measured.
pub(crate) struct Measure<'a> {
    pub resolved: &'a Resolved,
    pub runs: usize,
    pub batch: usize,
    pub say: &'a dyn Fn(&str),
}

/// What was measured.
#[derive(Debug)]
pub(crate) struct Measured {
    /// Passes and kernels.
    pub compile_ms: f64,
    /// A whole image in one submit, every part computed, pixels read.
    pub total: Runs,
    /// The same with the parts of the last prompt and schedule reused.
    pub replay: Runs,
    /// Host nanoseconds to encode and submit a dispatch in such a replay, the best of the runs.
    pub encode_ns: f64,
    /// Parts by their place in the program, submitted and awaited one by one.
    pub parts: Vec<PartTime>,
    /// Of one whole image with every part.
    pub counters: Counters,
    /// FLOPs of one whole image with every part.
    pub flops: Flops,
    /// Pictures per launch and time of such a launch.
    pub bill: Option<(usize, Runs)>,
}

/// Time of a part.
#[derive(Debug)]
pub(crate) struct PartTime {
    pub name: String,
    pub kind: PartKind,
    /// How often an image computes it.
    pub times: usize,
    pub dispatches: u64,
    pub flops: u64,
    /// Of one evaluation.
    pub runs: Runs,
    /// Processor seconds of one evaluation, the least mean of a run, where the system tells.
    pub cpu_s: Option<f64>,
}

/// Times of one part.
#[derive(Debug, Default)]
struct Times {
    ms: Vec<f64>,
    /// Processor seconds of each run of an image, and evaluations in it.
    cpu: Vec<(f64, usize)>,
}

/// FLOPs that an image does, counted over its dispatch list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flops {
    pub guided_step: u64,
    pub plain_step: u64,
    pub guided_steps: u64,
    pub plain_steps: u64,
    pub total: u64,
}

impl Flops {
    /// What guidance costs: the uncond half of the guided steps.
    pub(crate) const fn uncond(&self) -> u64 {
        self.guided_steps * self.guided_step.saturating_sub(self.plain_step)
    }
}

impl VisitPipeline for Measure<'_> {
    type Output = Result<Measured, Failure>;

    fn visit<B: Backend>(self, pipeline: &Pipeline<B>) -> Self::Output {
        pollster::block_on(measure(pipeline, &self))
    }
}

async fn measure<B: Backend>(pipeline: &Pipeline<B>, what: &Measure<'_>) -> Result<Measured, Failure> {
    let start = Instant::now();
    let mut one = Bench::new(pipeline, what.resolved, 1).await?;
    let compile_ms = start.elapsed().as_secs_f64() * 1e3;
    (what.say)("measuring whole images");
    one.whole(true).await?;
    let before = one.session.counters();
    let mut total = Runs(vec![one.whole(true).await?]);
    let counters = since(before, one.session.counters());
    let flops = one.flops();
    for _ in 1..what.runs {
        total.0.push(one.whole(true).await?);
    }
    let (mut replay, mut encode_ns) = (Runs::default(), f64::INFINITY);
    for _ in 0..what.runs {
        let before = one.session.counters();
        replay.0.push(one.whole(false).await?);
        let run = since(before, one.session.counters());
        encode_ns = encode_ns.min(run.encode_ns as f64 / run.dispatches.max(1) as f64);
    }
    (what.say)("measuring parts");
    let mut times: BTreeMap<usize, Times> = BTreeMap::new();
    for _ in 0..what.runs {
        one.by_part(&mut times).await?;
    }
    let parts = times.into_iter().map(|(part, runs)| one.part(part, runs, what.runs)).collect();
    drop(one);
    let mut bill = None;
    if what.batch > 1 {
        (what.say)("measuring the batch");
        let mut many = Bench::new(pipeline, what.resolved, what.batch).await?;
        many.whole(true).await?;
        let mut runs = Runs::default();
        for _ in 0..what.runs.min(3) {
            runs.0.push(many.whole(true).await?);
        }
        bill = Some((what.batch, runs));
    }
    Ok(Measured { compile_ms, total, replay, encode_ns, parts, counters, flops, bill })
}

/// A session with the image it makes again and again.
struct Bench<B: Backend> {
    planned: Planned,
    session: B::Session,
    image: Image,
}

impl<B: Backend> Bench<B> {
    async fn new(pipeline: &Pipeline<B>, resolved: &Resolved, n: usize) -> Result<Self, Failure> {
        let recipe = &resolved.recipe;
        let rows = row_bucket(resolved.schedule.rows.len());
        let precision = pipeline.precision();
        let key = ProgramKey { n, width: recipe.width, height: recipe.height, rows, precision };
        let planned = pipeline.plan(key)?;
        let backend = pipeline.backend();
        let executable = Arc::new(backend.compile(planned.clone(), &|_| {}).await?);
        let session = backend.open(&executable, pipeline.store().weights(), resolved.schedule.draws).await?;
        Ok(Self { planned, session, image: pipeline.inputs(resolved, 0, key)? })
    }

    /// Milliseconds from the upload of the inputs to pixels. `fresh` makes every part be computed, as after a change of weights.
    async fn whole(&mut self, fresh: bool) -> Result<f64, Failure> {
        self.image.generation += u64::from(fresh);
        let start = Instant::now();
        self.session.begin(&self.image).await?;
        let range = 0..self.session.work().len;
        let ticket = self.session.submit(Chunk { range, preview: false })?;
        let pixels = self.session.read(ticket, false).await?;
        let took = start.elapsed().as_secs_f64() * 1e3;
        if pixels.finite.contains(&false) {
            return Err(Failure::Other(
                "the picture came out with NaN or infinity, so its time means nothing".into(),
            ));
        }
        Ok(took)
    }

    /// Milliseconds of each part of an image, each submitted and awaited alone.
    async fn by_part(&mut self, times: &mut BTreeMap<usize, Times>) -> Result<(), Failure> {
        let mut cpu: BTreeMap<usize, (f64, usize)> = BTreeMap::new();
        self.image.generation += 1;
        self.session.begin(&self.image).await?;
        let (items, len) = (self.session.work().items.clone(), self.session.work().len);
        let ends = items.iter().skip(1).map(|&(_, first)| first).chain([len]);
        let mut last = None;
        for (&(part, first), end) in items.iter().zip(ends) {
            let (start, busy) = (Instant::now(), processor_seconds());
            let ticket = self.session.submit(Chunk { range: first..end, preview: false })?;
            self.session.done(&ticket).await?;
            times.entry(part).or_default().ms.push(start.elapsed().as_secs_f64() * 1e3);
            if let (Some(before), Some(after)) = (busy, processor_seconds()) {
                let (seconds, evaluations) = cpu.entry(part).or_default();
                (*seconds, *evaluations) = (*seconds + after - before, *evaluations + 1);
            }
            last = Some(ticket);
        }
        for (part, one) in cpu {
            times.entry(part).or_default().cpu.push(one);
        }
        if let Some(ticket) = last {
            self.session.read(ticket, false).await?;
        }
        Ok(())
    }

    fn program(&self) -> &Program {
        &self.planned.program
    }

    /// FLOPs of the image that was begun last.
    fn flops(&self) -> Flops {
        let program = self.program();
        let of = |guided| program.part(PartKind::Step { guided }).map_or(0, |part| program.part_flops(part));
        let mut flops = Flops { guided_step: of(true), plain_step: of(false), ..Flops::default() };
        for &(part, _) in &self.session.work().items {
            flops.total += program.part_flops(part);
            match program.parts[part].kind {
                PartKind::Step { guided: true } => flops.guided_steps += 1,
                PartKind::Step { guided: false } => flops.plain_steps += 1,
                PartKind::Hoisted { .. } | PartKind::Finish | PartKind::Preview => {}
            }
        }
        flops
    }

    fn part(&self, part: usize, Times { ms, cpu }: Times, runs: usize) -> PartTime {
        let program = self.program();
        PartTime {
            name: program.parts[part].name(),
            kind: program.parts[part].kind,
            times: ms.len() / runs,
            dispatches: self.planned.choices[part].iter().map(|c| u64::from(c.dispatches)).sum(),
            flops: program.part_flops(part),
            runs: Runs(ms),
            cpu_s: cpu.iter().map(|(seconds, n)| seconds / *n as f64).filter(|s| *s > 0.0).reduce(f64::min),
        }
    }
}

/// What was counted between; `bytes` is the session's own.
const fn since(before: Counters, after: Counters) -> Counters {
    Counters {
        submits: after.submits - before.submits,
        dispatches: after.dispatches - before.dispatches,
        readbacks: after.readbacks - before.readbacks,
        waits: after.waits - before.waits,
        bytes: after.bytes,
        encode_ns: after.encode_ns - before.encode_ns,
    }
}
