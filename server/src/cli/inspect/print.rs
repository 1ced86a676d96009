//! An inspection as text and as JSON.

use std::fmt::Write;

use onelaunch::core::compile::ProgramKey;
use onelaunch::core::model::Model;
use onelaunch::core::pipeline::Inspection;
use serde_json::{Value, json};

use super::summary::Summary;

/// For people.
pub(crate) fn text(
    model: &Model,
    device: &str,
    why: &str,
    key: ProgramKey,
    inspection: &Inspection,
    summary: &Summary,
) -> String {
    let plan = &inspection.planned.plan;
    let mut text = String::new();
    // Writing to a String cannot fail.
    let mut line = |part: std::fmt::Arguments<'_>| {
        let _ = writeln!(text, "{part}");
    };
    line(format_args!("model {} on {device} ({why})", model.name));
    let ProgramKey { n, width, height, rows, precision } = key;
    line(format_args!("{n} × {width}×{height} pixels, up to {rows} rows, {}", precision.name()));

    line(format_args!("\nbytes (nothing is allocated yet)"));
    for (class, bytes) in &summary.classes {
        line(format_args!("  {:<12}{bytes:>14}", class.name()));
    }
    line(format_args!("  {:<12}{:>14}", "total", summary.total()));
    let (slabs, bound) = (plan.slabs.len(), plan.slab_bound);
    line(format_args!("  activations: {slabs} slabs; with one value per slab at a time at least {bound}"));
    line(format_args!("  as an arena: {}; largest live set {}", plan.arena, plan.arena_bound));

    line(format_args!("\nparts"));
    for part in &summary.parts {
        let (name, dispatches, flops) = (&part.name, part.dispatches, part.flops as f64 / 1e9);
        line(format_args!("  {name:<24}{dispatches:>6} dispatches {flops:>10.4} GFLOP"));
        let ops: Vec<_> = part.ops.iter().map(|(op, count)| format!("{op} {count}")).collect();
        line(format_args!("    {}", ops.join(", ")));
    }
    for (label, bytes) in &inspection.planned.program.unhoisted {
        line(format_args!("  not hoisted: {label}: its table would take {bytes} bytes"));
    }

    line(format_args!("\nfusion (guided step and its kin; the plain step is the same)"));
    let fused = &inspection.fused;
    let merged = fused.merged.iter().map(|line| ("merged, once per model".to_owned(), line.clone()));
    let taken = fused.fused.iter().map(|(rewrite, part, pair)| (format!("{part}: {rewrite}"), pair.clone()));
    let left = fused.not_fused.iter();
    let left =
        left.map(|(rewrite, part, pair, why)| (format!("{part}: no {rewrite}, since {why}"), pair.clone()));
    for (what, pair, times) in collapse(merged.chain(taken).chain(left).filter(|(what, _)| !is_plain(what))) {
        line(format_args!("  {times:>3} × {what}: {pair}"));
    }
    if fused.not_fused.is_empty() {
        line(format_args!("  not fused: nothing that a rewrite knows was left"));
    }

    line(format_args!("\nkernels ({} distinct)", summary.kernels.len()));
    for part in summary.parts.iter().filter(|p| !is_plain(&p.name)) {
        line(format_args!("  {}", part.name));
        let sites = part.sites.iter().map(|(label, _, kernel)| (kernel.clone(), label.clone()));
        for (kernel, label, times) in collapse(sites) {
            line(format_args!("    {times:>3} × {kernel:<36}{label}"));
        }
    }
    text
}

/// Whether a line is about the variant of a part without guidance, whose twin says the same.
fn is_plain(what: &str) -> bool {
    ["prompt (P = 1)", "step (plain)"].iter().any(|part| what.starts_with(part))
}

/// Lines that differ in the numbers of layers only become one, with how many there are; in order of the first of each.
fn collapse(lines: impl Iterator<Item = (String, String)>) -> Vec<(String, String, usize)> {
    let mut all: Vec<(String, String, String, usize)> = Vec::new();
    for (what, label) in lines {
        let number = |part: &str| if part.parse::<u32>().is_ok() { "*".to_owned() } else { part.to_owned() };
        let path = |path: &str| path.split('.').map(number).collect::<Vec<_>>().join(".");
        let pattern = label.split(' ').map(path).collect::<Vec<_>>().join(" ");
        match all.iter_mut().find(|(w, p, ..)| (w, p) == (&what, &pattern)) {
            Some((_, pattern, label, times)) => (*label, *times) = (pattern.clone(), *times + 1),
            None => all.push((what, pattern, label, 1)),
        }
    }
    all.into_iter().map(|(what, _, label, times)| (what, label, times)).collect()
}

/// For machines.
pub(crate) fn json(
    model: &Model,
    device: &str,
    why: &str,
    key: ProgramKey,
    inspection: &Inspection,
    summary: &Summary,
) -> Value {
    let plan = &inspection.planned.plan;
    let bytes: serde_json::Map<_, _> =
        summary.classes.iter().map(|(class, bytes)| (class.name().to_owned(), json!(bytes))).collect();
    let parts: Vec<_> = summary
        .parts
        .iter()
        .map(|part| {
            let site = |(label, op, kernel): &(String, &str, String)| json!({ "node": label, "op": op, "kernel": kernel });
            json!({
                "name": part.name,
                "nodes": part.nodes,
                "dispatches": part.dispatches,
                "flops": part.flops,
                "ops": part.ops,
                "sites": part.sites.iter().map(site).collect::<Vec<_>>(),
            })
        })
        .collect();
    let fused = |(rewrite, part, pair): &(&str, String, String)| json!({ "rewrite": rewrite, "part": part, "nodes": pair });
    let not_fused = |(rewrite, part, pair, why): &(&str, String, String, &str)| json!({ "rewrite": rewrite, "part": part, "nodes": pair, "why": why });
    json!({
        "model": model.name,
        "device": device,
        "why": why,
        "count": key.n,
        "width": key.width,
        "height": key.height,
        "rows": key.rows,
        "precision": key.precision.name(),
        "bytes": bytes,
        "total_bytes": summary.total(),
        "activations": {
            "slabs": plan.slabs,
            "slab_bound": plan.slab_bound,
            "arena": plan.arena,
            "arena_bound": plan.arena_bound,
        },
        "parts": parts,
        "unhoisted": inspection.planned.program.unhoisted,
        "merged": inspection.fused.merged,
        "fused": inspection.fused.fused.iter().map(fused).collect::<Vec<_>>(),
        "not_fused": inspection.fused.not_fused.iter().map(not_fused).collect::<Vec<_>>(),
        "kernels": summary.kernels,
    })
}
