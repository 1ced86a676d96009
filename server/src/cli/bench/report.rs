//! A measurement as text and as JSON.

use std::fmt::Write;

use onelaunch::Recipe;
use onelaunch::core::program::PartKind;
use serde_json::{Value, json};

use super::floor::Floor;
use super::measure::{Measured, PartTime};

/// All that a run of `bench` found.
pub(crate) struct Report {
    pub recipe: Recipe,
    pub device: String,
    pub why: String,
    pub load_ms: f64,
    pub first_pixel_ms: Option<f64>,
    pub measured: Measured,
    pub floor: Option<Floor>,
}

impl Report {
    fn step(&self) -> Option<&PartTime> {
        let guided = |guided| self.measured.parts.iter().find(|p| p.kind == PartKind::Step { guided });
        guided(true).or_else(|| guided(false))
    }

    fn decode(&self) -> Option<&PartTime> {
        self.measured.parts.iter().find(|p| p.kind == PartKind::Finish)
    }

    /// FLOPs of a step per second of processor time.
    fn step_per_cpu_s(&self) -> Option<f64> {
        let step = self.step()?;
        Some(step.flops as f64 / step.cpu_s?)
    }

    /// For machines. Times are milliseconds; those without a suffix of their own are the best of the runs.
    pub(crate) fn json(&self) -> Value {
        let Measured { compile_ms, total, replay, encode_ns, parts, counters, flops, bill } = &self.measured;
        let part = |p: &PartTime| {
            json!({
                "name": p.name,
                "times": p.times,
                "dispatches": p.dispatches,
                "flops": p.flops,
                "time": p.runs.json(),
            })
        };
        json!({
            "recipe": self.recipe,
            "device": self.device,
            "why": self.why,
            "load_ms": self.load_ms,
            "compile_ms": compile_ms,
            "total_ms": total.best(),
            "replay_ms": replay.best(),
            "step_ms": self.step().map(|p| p.runs.best()),
            "decode_ms": self.decode().map(|p| p.runs.best()),
            "first_pixel_ms": self.first_pixel_ms,
            "total": total.json(),
            "replay": replay.json(),
            "parts": parts.iter().map(part).collect::<Vec<_>>(),
            "counters": {
                "submits": counters.submits,
                "dispatches": counters.dispatches,
                "readbacks": counters.readbacks,
                "waits": counters.waits,
                "session_bytes": counters.bytes,
                "encode_ns_per_dispatch": encode_ns,
            },
            "flops": {
                "guided_step": flops.guided_step,
                "plain_step": flops.plain_step,
                "guided_steps": flops.guided_steps,
                "plain_steps": flops.plain_steps,
                "uncond": flops.uncond(),
                "total": flops.total,
            },
            "step_flops_per_cpu_s": self.step_per_cpu_s(),
            "floor": self.floor.map(|f| json!({
                "bare_ns_per_dispatch": f.bare_ns,
                "gemm_flops_per_s": f.gemm_per_s,
                "gemm_flops_per_cpu_s": f.gemm_per_cpu_s,
            })),
            "bill": bill.as_ref().map(|(n, runs)| json!({
                "batch": n,
                "time": runs.json(),
                "over_one": runs.best() / total.best(),
            })),
        })
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let Measured { compile_ms, total, replay, encode_ns, parts, counters, flops, bill } = &self.measured;
        let mut text = String::new();
        // Writing to a String cannot fail.
        let mut line = |part: std::fmt::Arguments<'_>| {
            let _ = writeln!(text, "{part}");
        };
        let Recipe { steps, sampler, width, height, precision, model, .. } = &self.recipe;
        line(format_args!("{model}: {width}×{height}, {steps} steps of {sampler}, {precision}"));
        line(format_args!("{} ({})", self.device, self.why));
        line(format_args!("load {:.1} ms, passes and kernels {compile_ms:.1} ms", self.load_ms));
        line(format_args!("\n{:<24}{}", "whole image", total.text()));
        line(format_args!("{:<24}{}", "same prompt again", replay.text()));
        line(format_args!("\nparts, each submitted and awaited alone"));
        for p in parts {
            let rate = p.flops as f64 / p.runs.best() / 1e6;
            let (name, times, dispatches) = (&p.name, p.times, p.dispatches);
            line(format_args!(
                "{name:<24}{} {times:>4} × {dispatches} dispatches, {rate:.2} GFLOP/s",
                p.runs.text()
            ));
        }
        line(format_args!(
            "\n{} dispatches, {:.0} ns of host time each to encode, {} submits, {} waits, {} readbacks, {} bytes of session memory",
            counters.dispatches,
            encode_ns,
            counters.submits,
            counters.waits,
            counters.readbacks,
            counters.bytes
        ));
        line(format_args!(
            "{:.3} GFLOP: {} guided steps of {:.4}, {} plain steps of {:.4}; {:.3} for the negative prompt",
            flops.total as f64 / 1e9,
            flops.guided_steps,
            flops.guided_step as f64 / 1e9,
            flops.plain_steps,
            flops.plain_step as f64 / 1e9,
            flops.uncond() as f64 / 1e9
        ));
        if let Some(Floor { bare_ns, gemm_per_cpu_s, gemm_per_s }) = self.floor {
            let ratio = encode_ns / bare_ns;
            line(format_args!(
                "a bare loop of as many dispatches takes {bare_ns:.0} ns each: replay takes {ratio:.2} × that"
            ));
            let product = format!("a 256×1024×256 product alone does {:.2} GFLOP/s", gemm_per_s / 1e9);
            match gemm_per_cpu_s.zip(self.step_per_cpu_s()) {
                Some((gemm, step)) => line(format_args!(
                    "{product}, {:.2} per processor second; a step does {:.2}, {:.2} of that",
                    gemm / 1e9,
                    step / 1e9,
                    step / gemm
                )),
                None => line(format_args!("{product}")),
            }
        }
        if let Some((n, runs)) = bill {
            let ratio = runs.best() / total.best();
            let overhead = (1.0 - ratio / *n as f64) * 100.0;
            line(format_args!(
                "overhead bill: {n} pictures at once take {ratio:.2} × the time of one ({:.1} ms): {overhead:.0} % of a single picture's time is \
                 what a batch does not pay",
                runs.best()
            ));
        }
        if let Some(ms) = self.first_pixel_ms {
            line(format_args!("a fresh process takes {ms:.0} ms from its start to the picture on disk"));
        }
        text
    }
}
