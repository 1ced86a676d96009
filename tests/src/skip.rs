//! What is not tested says so, and fails where everything has to be.

use std::io::Write;

/// Says what is not tested and why.
///
/// # Panics
/// If `ONELAUNCH_SKIPS` is `fail`.
pub fn skipped(what: &str, why: &str) {
    // Not `println!`, which a test that passes keeps to itself. Where nobody listens, there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "SKIPPED {what}: {why}");
    let fatal = std::env::var("ONELAUNCH_SKIPS").is_ok_and(|v| v == "fail");
    assert!(!fatal, "skips are failures here, and {what} was skipped: {why}");
}
