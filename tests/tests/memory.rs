//! Pipelines and bytes of the model that ships on wgpu: what is planned before anything is allocated is what is allocated.

use onelaunch::Folder;
use onelaunch_core::Precision;
use onelaunch_core::backend::{Backend, Session};
use onelaunch_core::compile::{ProgramKey, row_bucket};
use onelaunch_core::pipeline::Prepared;
use onelaunch_tests::models::golden::Subject;
use onelaunch_tests::models::runner::Runner;
use onelaunch_tests::models::wgpu;
use onelaunch_tests::skip::skipped;
use pollster::block_on;

/// Distinct pipelines of a picture.
const PIPELINES: usize = 40;

fn check(subject: &Subject, n: usize, rows: usize, draws: usize, precision: Precision) {
    let Some(backend) = wgpu() else { return };
    if precision == Precision::F16 && !backend.caps().f16 {
        skipped("wgpu f16", &format!("{} has no 16-bit floats", backend.caps().name));
        return;
    }
    let what = format!("{} n {n} rows {rows} draws {draws} {precision:?}", subject.name);
    let files = Folder::open(&subject.folder).expect("a model folder");
    let mut prepared = block_on(Prepared::new(&files)).expect("a model");
    let (width, height) = prepared.model().default_size();
    let key = ProgramKey { n, width, height, rows: row_bucket(rows), precision };
    let inspection = prepared.inspect(&backend, key, draws).expect("it can be planned");
    assert_eq!(backend.bytes_used(), 0, "{what}: a plan allocates");
    let runner = Runner::load(backend.clone(), &subject.folder, precision);
    assert_eq!(backend.bytes_used(), inspection.weight_bytes, "{what}: weights");

    let planned = runner.pipeline.plan(key).expect("it can be planned");
    let promised: u64 = inspection.regions.iter().map(|r| r.bytes).sum();
    let compiled = block_on(backend.compile(planned, &|_| {})).expect("it compiles");
    let pipelines = compiled.pipelines();
    let compiled = std::sync::Arc::new(compiled);
    let session =
        block_on(backend.open(&compiled, runner.pipeline.store().weights(), draws)).expect("there is room");
    println!(
        "{what}: {pipelines} pipelines, {} weight bytes, {promised} of a session",
        inspection.weight_bytes
    );
    assert!(pipelines <= PIPELINES, "{what}: {pipelines} pipelines");
    assert_eq!(backend.bytes_used(), inspection.weight_bytes + promised, "{what}: session");
    assert_eq!(session.counters().bytes, promised, "{what}: counted by the session");
    drop(session);
    assert_eq!(backend.bytes_used(), inspection.weight_bytes, "{what}: not given back");
    drop((runner, compiled));
    assert_eq!(backend.bytes_used(), 0, "{what}: weights not given back");
}

#[test]
fn emoji_takes_what_was_planned() {
    check(&Subject::emoji(), 1, 20, 0, Precision::F32);
    check(&Subject::emoji(), 2, 4, 3, Precision::F16);
}

#[test]
fn second_takes_what_was_planned() {
    check(&Subject::second(), 1, 5, 1, Precision::F32);
    check(&Subject::second(), 3, 33, 12, Precision::F32);
}
