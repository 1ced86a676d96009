//! Memory that the system does not give: an error of one line on every backend, whoever refuses it, and no abort.

#![cfg(all(feature = "cli", target_os = "linux"))]

use std::io::Write;
use std::process::{Command, Output};

use tempfile::tempdir;

/// `generate` with at most so many KiB of address space, so that the allocator itself refuses.
fn within(kibibytes: u64, args: &str) -> Output {
    let folder = tempdir().expect("a folder");
    let binary = env!("CARGO_BIN_EXE_onelaunch");
    let line = format!("ulimit -v {kibibytes} && exec '{binary}' generate x --steps 1 --out a.png {args}");
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(line).current_dir(folder.path()).env_remove("ONELAUNCH_MODEL");
    // Every thread of a pool reserves a stack: as many as on the smallest machine.
    shell.env("RAYON_NUM_THREADS", "2").env("LP_NUM_THREADS", "2").env("XDG_RUNTIME_DIR", "/tmp");
    let made = shell.output().expect("a shell");
    assert!(!folder.path().join("a.png").exists());
    made
}

fn says_so(made: &Output) {
    let errors = String::from_utf8_lossy(&made.stderr);
    assert_eq!(made.status.code(), Some(1), "{}: {errors}", made.status);
    assert!(errors.contains("out of device memory") && errors.contains("smaller picture"), "{errors}");
}

#[test]
fn the_reference_says_that_memory_ran_out() {
    says_so(&within(3_000_000, "--backend cpu --width 4096 --height 4096"));
}

/// lavapipe takes its memory from the system, so there the driver refuses.
#[test]
fn wgpu_says_that_the_driver_has_no_memory() {
    let all =
        Command::new(env!("CARGO_BIN_EXE_onelaunch")).arg("devices").output().expect("the binary starts");
    if !String::from_utf8_lossy(&all.stdout).contains("llvmpipe") {
        let fatal = std::env::var("ONELAUNCH_SKIPS").is_ok_and(|v| v == "fail");
        assert!(!fatal, "lavapipe is not installed, and skips are failures here");
        writeln!(std::io::stderr(), "SKIPPED lavapipe: not installed").expect("stderr is open");
        return;
    }
    // Code and compiler of the driver take less, the session of this size 330 MB more.
    says_so(&within(1_000_000, "--adapter llvmpipe --width 640 --height 640"));
}
