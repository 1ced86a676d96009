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
    for (class, bytes) in summary.classes() {
        line(format_args!("  {class:<12}{bytes:>14}"));
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

    line(format_args!("\nfusion"));
    for fused in inspection.fused.print().lines() {
        line(format_args!("  {fused}"));
    }

    line(format_args!("\nkernels ({} distinct)", summary.kernels.len()));
    for part in &summary.parts {
        line(format_args!("  {}", part.name));
        for (label, op, kernel) in &part.sites {
            line(format_args!("    {op:<20}{kernel:<32}{label}"));
        }
    }
    text
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
        summary.classes().into_iter().map(|(class, bytes)| (class.to_owned(), json!(bytes))).collect();
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
        "fused": inspection.fused.fused.iter().map(fused).collect::<Vec<_>>(),
        "not_fused": inspection.fused.not_fused.iter().map(not_fused).collect::<Vec<_>>(),
        "kernels": summary.kernels,
    })
}
