//! What a model would take, before any weight is read: bytes by class, the device's limits, and whether the one fits the other.

use onelaunch_core::compile::{ProgramKey, row_bucket};
use onelaunch_core::memory::Class;
use onelaunch_core::model::Model;
use onelaunch_core::pipeline::{Inspection, Prepared, Resolved, resolve};
use onelaunch_core::schedule::Sampler;
use onelaunch_core::{Backend, Caps, Precision, Request};
use wasm_bindgen::JsValue;

use crate::failure::{Failure, Kind};
use crate::host::HostFiles;
use crate::js::{self, number, object};

/// A model's plan for its default picture.
pub struct Plan {
    pub inspection: Inspection,
    limits: Limits,
    precision: Precision,
}

/// Bytes that a device takes in one piece.
#[derive(Clone, Copy, Debug)]
struct Limits {
    buffer: u64,
    binding: u64,
    total: Option<u64>,
}

/// What does not fit.
struct Problem {
    message: String,
    needed: u64,
    limit: u64,
}

/// What wasm can address.
const ADDRESSABLE: u64 = 1 << 32;
/// Of that: what else lies there.
const RESERVE: u64 = 128 << 20;

impl Plan {
    /// Plans its default picture.
    pub fn new<B: Backend>(
        backend: &B,
        prepared: &mut Prepared,
        precision: Precision,
        max_bytes: Option<u64>,
        on_cpu: bool,
    ) -> Result<Self, Failure> {
        let resolved = resolve(prepared.model(), &Request::default(), precision)
            .map_err(|why| Failure::new(Kind::BadModel, why.to_string()))?;
        let key = key_of(&resolved, precision);
        let inspection = prepared.inspect(backend, key, resolved.schedule.draws)?;
        let limits = Limits::of(backend.caps(), max_bytes, on_cpu);
        Ok(Self { inspection, limits, precision })
    }

    fn bytes(&self, class: Class) -> u64 {
        match class {
            Class::Weights => self.inspection.weight_bytes,
            class => self.inspection.regions.iter().filter(|r| r.class == class).map(|r| r.bytes).sum(),
        }
    }

    fn total(&self) -> u64 {
        Class::ALL.into_iter().map(|class| self.bytes(class)).sum()
    }

    /// The largest buffer and what it is for.
    fn largest(&self) -> (u64, String) {
        let leaves = self.inspection.leaves.iter().map(|(leaf, bytes)| {
            (*bytes, format!("weight {}", leaf.sources.first().map_or("", |source| &source.name)))
        });
        let regions =
            self.inspection.regions.iter().map(|r| (r.bytes, format!("{} of the default picture", r.label)));
        leaves.chain(regions).max().unwrap_or_default()
    }

    fn problem(&self) -> Option<Problem> {
        let total = self.total();
        if let Some(limit) = self.limits.total.filter(|limit| total > *limit) {
            let message = format!(
                "the model needs {} of memory, {} are allowed here: take a smaller model",
                mib(total),
                mib(limit)
            );
            return Some(Problem { message, needed: total, limit });
        }
        let (needed, what) = self.largest();
        let limit = self.limits.binding.min(self.limits.buffer);
        (needed > limit).then(|| {
            let message = format!(
                "{what} needs {} in one piece, this device takes {}: take a smaller model or another device",
                mib(needed),
                mib(limit)
            );
            Problem { message, needed, limit }
        })
    }

    /// Refuses what does not fit.
    pub fn check(&self) -> Result<(), Failure> {
        let Some(Problem { message, needed, limit }) = self.problem() else { return Ok(()) };
        Err(Failure::new(Kind::TooLarge, message).with("needed", number(needed)).with("limit", number(limit)))
    }

    /// As JavaScript sees it.
    pub fn value(&self, model: &Model, files: &HostFiles) -> Result<JsValue, Failure> {
        let memory = object([]);
        for class in Class::ALL {
            js::set(&memory, class.name(), &number(self.bytes(class)));
        }
        js::set(&memory, "total", &number(self.total()));
        let tensors = self.inspection.leaves.iter().flat_map(|(leaf, _)| &leaf.sources);
        let mut names: Vec<_> = tensors.map(|tensor| (&tensor.component, &tensor.name)).collect();
        names.sort_unstable();
        names.dedup();
        let download = names.into_iter().map(|(component, name)| files.bytes_of(component, name)).sum();
        let limits = [("maxBuffer", number(self.limits.buffer)), ("maxBinding", number(self.limits.binding))];
        let problem = self.problem();
        let value = object([
            ("download", number(download)),
            ("memory", memory),
            ("largest", number(self.largest().0)),
            ("limits", object(limits)),
            ("fits", problem.is_none().into()),
            ("model", model_value(model, self.precision)?),
        ]);
        if let Some(problem) = problem {
            js::set(&value, "problem", &problem.message.into());
        }
        Ok(value)
    }
}

impl Limits {
    fn of(caps: &Caps, max_bytes: Option<u64>, on_cpu: bool) -> Self {
        if on_cpu {
            let most = ADDRESSABLE - RESERVE;
            let total = Some(max_bytes.map_or(most, |bytes| bytes.min(most)));
            return Self { buffer: ADDRESSABLE, binding: ADDRESSABLE, total };
        }
        Self { buffer: caps.max_buffer, binding: caps.max_binding, total: max_bytes }
    }
}

/// The program of a checked wish for one picture.
pub fn key_of(resolved: &Resolved, precision: Precision) -> ProgramKey {
    let (width, height) = (resolved.recipe.width, resolved.recipe.height);
    ProgramKey { n: 1, width, height, rows: row_bucket(resolved.schedule.rows.len()), precision }
}

/// What forms show of a model.
pub fn model_value(model: &Model, precision: Precision) -> Result<JsValue, Failure> {
    let resolved = resolve(model, &Request::default(), precision);
    let resolved = resolved.map_err(|why| Failure::new(Kind::BadModel, why.to_string()))?;
    let recipe = &resolved.recipe;
    let can = |sampler: &Sampler| {
        let wish = Request { sampler: Some(*sampler), ..Request::default() };
        resolve(model, &wish, precision).is_ok()
    };
    let samplers: Vec<&str> = Sampler::ALL.iter().filter(|s| can(s)).map(|s| s.name()).collect();
    let classes = object([("pipeline", model.index.class.as_str().into())]);
    for (component, class) in &model.index.components {
        js::set(&classes, component, &class.class.as_str().into());
    }
    let count = |n: usize| number(n as u64);
    Ok(object([
        ("name", model.name.as_str().into()),
        ("classes", classes),
        ("width", count(recipe.width)),
        ("height", count(recipe.height)),
        ("multiple", count(model.multiple().1)),
        ("steps", count(recipe.steps)),
        ("guidance", recipe.guidance.into()),
        ("sampler", recipe.sampler.as_str().into()),
        ("samplers", js::plain(&samplers)?),
    ]))
}

/// Bytes for people.
fn mib(bytes: u64) -> String {
    if bytes < 10 << 20 { format!("{} KiB", bytes >> 10) } else { format!("{} MiB", bytes >> 20) }
}
