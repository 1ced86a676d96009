//! Every op: the CPU reference against a plain f64 loop, and every kernel of wgpu against the reference. One test per op and side, so
//! that a failure names the op.

use onelaunch_core::Backend;
use onelaunch_core::ops::{Act, Activation};
use onelaunch_tests::case::Case;
use onelaunch_tests::compare::Difference;
use onelaunch_tests::models;
use onelaunch_tests::operand::x;
use onelaunch_tests::ops::ALL;
use onelaunch_tests::reference::check_reference;
use onelaunch_tests::skip::skipped;
use onelaunch_tests::wgpu::{check_wgpu, kinds};

macro_rules! ops {
    ($($op:ident)+) => {
        const TESTED: &[&str] = &[$(stringify!($op)),+];
        $(mod $op {
            #[test]
            fn reference() {
                super::reference(&onelaunch_tests::ops::$op::cases());
            }
            #[test]
            fn wgpu() {
                super::wgpu(&onelaunch_tests::ops::$op::cases());
            }
        })+
    };
}

ops!(activation attention binary conv2d embedding gate group_norm layer_norm linear load_row modulate permute repeat rms_norm
    sampler_step scale_input store_table timestep_embedding to_rgba8 upsample);

#[test]
fn every_op_is_tested() {
    let all: Vec<_> = ALL.iter().map(|(stem, _)| *stem).collect();
    assert_eq!(all, TESTED);
    for (stem, cases) in ALL {
        let cases = cases();
        assert!(!cases.is_empty() && cases.iter().all(|case| case.op.name() == *stem), "{stem}");
    }
}

#[test]
fn more_workgroups_than_one_dimension_takes() {
    let Some(backend) = models::wgpu() else { return };
    // 64 · 65535 elements are the most that one row of workgroups reaches.
    let op = Activation { act: Act::Relu, input_scale: 1.0, output_scale: 2.0 };
    let case = Case::new(op, [x(1, [64 * 65535 + 77])]);
    report(&[pollster::block_on(check_wgpu(&backend, backend.caps(), &case))]);
}

fn reference(cases: &[Case]) {
    report(&cases.iter().map(check_reference).collect::<Vec<_>>());
}

fn wgpu(cases: &[Case]) {
    let Some(backend) = models::wgpu() else { return };
    let f16 = backend.caps().f16;
    if !f16 && cases.iter().any(Case::needs_f16) {
        skipped("wgpu with f16", "the adapter has no 16-bit floats");
    }
    let able = cases.iter().filter(|case| f16 || !case.needs_f16());
    let results: Vec<_> = able
        .flat_map(|case| kinds(&backend).map(|caps| pollster::block_on(check_wgpu(&backend, &caps, case))))
        .collect();
    report(&results);
}

/// Says how far off the worst case is; fails with every case that is too far off.
fn report(results: &[Result<Difference, String>]) {
    let failures: Vec<_> = results.iter().filter_map(|r| r.as_ref().err().cloned()).collect();
    let found: Vec<_> = results.iter().filter_map(|r| r.as_ref().ok().copied()).collect();
    let worst = Difference::worst_of(&found);
    println!("{} checks, max {:.2e}, L2 {:.2e}", results.len(), worst.max, worst.l2);
    let first = failures.iter().take(10).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(failures.is_empty(), "{} of {} checks failed:\n{first}", failures.len(), results.len());
}
