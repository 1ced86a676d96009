//! The op conformance cases in a browser: every kernel of wgpu against the CPU reference, and the reference as wasm against plain loops; and
//! the bits of host noise. For a worker; WebGPU's first adapter is taken, software or not.

#![cfg(target_arch = "wasm32")]

use js_sys::{Function, JSON};
use onelaunch_core::Backend;
use onelaunch_core::noise::Noise;
use onelaunch_core::ops::{Act, Activation};
use onelaunch_tests::case::Case;
use onelaunch_tests::compare::Difference;
use onelaunch_tests::noise::{BITS, bits};
use onelaunch_tests::operand::x;
use onelaunch_tests::ops::ALL;
use onelaunch_tests::reference::check_reference;
use onelaunch_tests::wgpu::{check_wgpu, kinds};
use onelaunch_wgpu::{Select, WgpuBackend};
use serde::Serialize;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

/// What was found.
#[derive(Serialize)]
struct Report {
    adapter: String,
    ops: Vec<OpReport>,
    /// Every check that failed, in words.
    failures: Vec<String>,
}

/// What was found of one op.
#[derive(Debug, Default, Serialize)]
struct OpReport {
    op: &'static str,
    cases: usize,
    /// Kernels compared with the reference; a case has one for GPUs and one for software adapters.
    wgpu: Checks,
    /// The reference compared with plain loops.
    reference: Checks,
    /// Cases whose kernels need 16-bit floats, which the adapter has not.
    without_f16: usize,
}

/// How many, and how far off the worst was.
#[derive(Debug, Default, Serialize)]
struct Checks {
    checks: usize,
    failed: usize,
    max: f64,
    l2: f64,
}

/// Which streams of noise have other bits than natively.
#[wasm_bindgen]
#[must_use]
pub fn wrong_noise() -> Vec<String> {
    let wrong = Noise::ALL.iter().zip(bits().into_iter().zip(BITS)).filter(|(_, (got, want))| got != want);
    wrong.map(|(noise, (got, want))| format!("{noise}: {got:#x}, not {want:#x}")).collect()
}

/// How many streams of noise there are.
#[wasm_bindgen]
#[must_use]
pub fn noises() -> usize {
    BITS.len()
}

/// Runs the cases of the ops whose name holds `filter`; `progress` hears (op, its number, of how many).
///
/// # Errors
/// Without WebGPU.
#[wasm_bindgen]
pub async fn run_ops(filter: String, progress: Function) -> Result<JsValue, JsValue> {
    std::panic::set_hook(Box::new(|info| wasm_bindgen::throw_str(&info.to_string())));
    let fail = |why: &dyn std::fmt::Display| JsValue::from(js_sys::Error::new(&why.to_string()));
    let select = Select { software: true, ..Select::default() };
    let backend = WgpuBackend::new(&select).await.map_err(|why| fail(&why))?;
    let wanted: Vec<_> = ALL.iter().filter(|(op, _)| op.contains(&filter)).collect();
    let mut report = Report { adapter: backend.caps().name.clone(), ops: Vec::new(), failures: Vec::new() };
    for (at, (op, cases)) in wanted.iter().enumerate() {
        let (at, of) = (JsValue::from(at as u32), JsValue::from(wanted.len() as u32));
        progress.call3(&JsValue::UNDEFINED, &(*op).into(), &at, &of)?;
        let mut cases = cases();
        if *op == "activation" {
            // 64 · 65535 elements are the most that one row of workgroups reaches.
            let op = Activation { act: Act::Relu, input_scale: 1.0, output_scale: 2.0 };
            cases.push(Case::new(op, [x(1, [64 * 65535 + 77])]));
        }
        report.ops.push(one(&backend, op, &cases, &mut report.failures).await);
    }
    let text = serde_json::to_string(&report).map_err(|why| fail(&why))?;
    JSON::parse(&text)
}

async fn one(
    backend: &WgpuBackend,
    op: &'static str,
    cases: &[Case],
    failures: &mut Vec<String>,
) -> OpReport {
    let mut report = OpReport { op, cases: cases.len(), ..OpReport::default() };
    for case in cases {
        report.reference.count(check_reference(case), failures);
        if case.needs_f16() && !backend.caps().f16 {
            report.without_f16 += 1;
            continue;
        }
        let mut kinds = kinds(backend).to_vec();
        // Without subgroups two are the same.
        kinds.dedup();
        for caps in kinds {
            report.wgpu.count(check_wgpu(backend, &caps, case).await, failures);
        }
    }
    report
}

impl Checks {
    fn count(&mut self, result: Result<Difference, String>, failures: &mut Vec<String>) {
        self.checks += 1;
        match result {
            Ok(found) => (self.max, self.l2) = (self.max.max(found.max), self.l2.max(found.l2)),
            Err(why) => {
                self.failed += 1;
                failures.push(why);
            }
        }
    }
}
