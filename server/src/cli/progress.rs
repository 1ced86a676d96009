//! Progress for people: bars on a terminal, plain lines elsewhere, nothing when asked to be quiet. All of it goes to stderr.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use onelaunch::Event;

/// Least time between two plain lines of one kind.
const PAUSE: Duration = Duration::from_secs(2);

/// Shows events, and remembers warnings.
pub(crate) struct Progress {
    look: Look,
    state: Mutex<State>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    Bars,
    Lines,
    Quiet,
}

#[derive(Default)]
struct State {
    bar: Option<(Stage, ProgressBar)>,
    line: Option<(Stage, u64, Instant)>,
    warnings: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Weights,
    Kernels,
    Steps,
}

impl Stage {
    const fn name(self) -> &'static str {
        match self {
            Self::Weights => "weights",
            Self::Kernels => "kernels",
            Self::Steps => "steps",
        }
    }
}

impl Progress {
    /// Bars if stderr is a terminal.
    pub(crate) fn new(quiet: bool) -> Self {
        let look = match (quiet, std::io::stderr().is_terminal()) {
            (true, _) => Look::Quiet,
            (false, true) => Look::Bars,
            (false, false) => Look::Lines,
        };
        Self { look, state: Mutex::default() }
    }

    /// A line for people.
    pub(crate) fn say(&self, line: &str) {
        if self.look != Look::Quiet {
            self.finish();
            eprintln!("{line}");
        }
    }

    /// Shows an event.
    pub(crate) fn event(&self, event: Event) {
        match event {
            Event::Weights(done, of) => self.stage(Stage::Weights, done, of),
            Event::Kernels(done, of) => self.stage(Stage::Kernels, done as u64, of as u64),
            Event::Step(done, of, _) => self.stage(Stage::Steps, done as u64, of as u64),
            Event::Warning(text) => {
                self.say(&format!("warning: {text}"));
                if let Ok(mut state) = self.state.lock() {
                    state.warnings.push(text);
                }
            }
            _ => {}
        }
    }

    /// Warnings so far.
    pub(crate) fn warnings(&self) -> Vec<String> {
        self.state.lock().map(|state| state.warnings.clone()).unwrap_or_default()
    }

    /// Takes a bar away.
    pub(crate) fn finish(&self) {
        if let Ok(mut state) = self.state.lock()
            && let Some((_, bar)) = state.bar.take()
        {
            bar.finish_and_clear();
        }
    }

    fn stage(&self, stage: Stage, done: u64, of: u64) {
        let Ok(mut state) = self.state.lock() else { return };
        match self.look {
            Look::Quiet => {}
            Look::Bars => {
                if state.bar.as_ref().is_none_or(|(shown, _)| *shown != stage) {
                    if let Some((_, old)) = state.bar.take() {
                        old.finish_and_clear();
                    }
                    state.bar = Some((stage, bar(stage, of)));
                }
                if let Some((_, bar)) = &state.bar {
                    bar.set_position(done);
                }
            }
            Look::Lines => {
                let last = state.line.filter(|(shown, ..)| *shown == stage);
                let soon = last.is_some_and(|(.., at)| at.elapsed() < PAUSE);
                let same = last.is_some_and(|(_, shown, _)| shown == done);
                if !same && (!soon || done == of) {
                    state.line = Some((stage, done, Instant::now()));
                    eprintln!("{} {}", stage.name(), amount(stage, done, of));
                }
            }
        }
    }
}

fn amount(stage: Stage, done: u64, of: u64) -> String {
    match stage {
        Stage::Weights => format!("{:.1} of {:.1} MB", done as f64 / 1e6, of as f64 / 1e6),
        Stage::Kernels | Stage::Steps => format!("{done}/{of}"),
    }
}

fn bar(stage: Stage, of: u64) -> ProgressBar {
    let template = match stage {
        Stage::Weights => "{msg} [{bar:40}] {bytes}/{total_bytes}",
        Stage::Kernels => "{msg} [{bar:40}] {pos}/{len}",
        Stage::Steps => "{msg}   [{bar:40}] {pos}/{len} {eta}",
    };
    let style = ProgressStyle::with_template(template).expect("the template is a constant");
    ProgressBar::new(of).with_style(style.progress_chars("=> ")).with_message(stage.name())
}
