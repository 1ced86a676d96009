//! Schedules against diffusers' own schedulers, and every refusal by name.

mod config;
mod golden;
mod refusals;
mod table;

use super::{Sampler, SamplerRequest, Schedule, ScheduleError, SchedulerConfig};

/// A file of the class with more fields, e.g. `"steps_offset": 1`.
fn file(class: &str, fields: &str) -> Result<SchedulerConfig, ScheduleError> {
    let comma = if fields.is_empty() { "" } else { ", " };
    SchedulerConfig::from_json(&format!(r#"{{"_class_name": "{class}"{comma}{fields}}}"#))
}

/// A request without guidance.
fn request(sampler: Sampler, steps: usize) -> SamplerRequest {
    SamplerRequest::new(sampler, steps, 1.0)
}

/// The schedule of a file and request that must be fine.
fn schedule(class: &str, fields: &str, request: &SamplerRequest) -> Schedule {
    Schedule::new(&file(class, fields).unwrap(), request).unwrap()
}
