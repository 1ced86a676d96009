//! A run against a saved one. What is compared must be the same work, which is checked before anything is measured.

use std::fmt::Write;
use std::path::Path;

use onelaunch::Recipe;
use serde_json::{Value, json};

use super::super::failure::Failure;

/// A saved run.
pub(crate) struct Baseline(Value);

/// A quantity then and now.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Change {
    name: String,
    then: f64,
    now: f64,
}

/// What of a recipe decides how much work a picture is.
const WORK: [&str; 7] = ["model", "width", "height", "steps", "sampler", "guidance_interval", "precision"];

impl Baseline {
    /// Reads one and checks that it measured the same work.
    pub(crate) fn read(path: &Path, recipe: &Recipe) -> Result<Self, Failure> {
        let bad = |why: String| Failure::BadInput(format!("--baseline {}: {why}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|e| bad(e.to_string()))?;
        let saved: Value =
            serde_json::from_str(&text).map_err(|e| bad(format!("{e}: save one with bench --json")))?;
        let ours = json!(recipe);
        for key in WORK {
            let (then, now) = (&saved["recipe"][key], &ours[key]);
            if then != now {
                return Err(bad(format!("it measured other work: its {key} is {then}, not {now}")));
            }
        }
        // At most 1 is no guidance, whichever value it has.
        let guided = |of: &Value| of["guidance"].as_f64().is_some_and(|g| g > 1.0);
        if guided(&saved["recipe"]) != guided(&ours) {
            return Err(bad("it measured other work: only one of the two is guided".into()));
        }
        Ok(Self(saved))
    }

    /// Every quantity that both runs have.
    pub(crate) fn compare(&self, now: &Value) -> Vec<Change> {
        quantities(now)
            .into_iter()
            .filter_map(|(name, now)| {
                let then = quantities(&self.0).into_iter().find(|(other, _)| *other == name)?.1;
                Some(Change { name, then, now })
            })
            .collect()
    }
}

/// Names and values of what is compared in a run.
fn quantities(run: &Value) -> Vec<(String, f64)> {
    let top = ["total_ms", "replay_ms", "step_ms", "decode_ms", "first_pixel_ms", "compile_ms", "load_ms"];
    let counted = ["dispatches", "submits", "waits", "session_bytes", "encode_ns_per_dispatch"];
    let of = |group: &Value, names: &[&str]| -> Vec<(String, f64)> {
        names.iter().filter_map(|&name| Some((name.to_owned(), group[name].as_f64()?))).collect()
    };
    let mut all = of(run, &top);
    for part in run["parts"].as_array().into_iter().flatten() {
        if let (Some(name), Some(ms)) = (part["name"].as_str(), part["time"]["best_ms"].as_f64()) {
            all.push((format!("part {name} ms"), ms));
        }
    }
    all.extend(of(&run["counters"], &counted));
    all
}

/// A run with its comparison in it.
pub(crate) fn with(mut run: Value, changes: Option<&[Change]>) -> Value {
    if let Some(changes) = changes {
        let one =
            |c: &Change| json!({ "name": c.name, "then": c.then, "now": c.now, "ratio": c.now / c.then });
        run["compared"] = changes.iter().map(one).collect();
    }
    run
}

/// For people.
pub(crate) fn text(changes: &[Change]) -> String {
    let mut text = String::new();
    if !changes.is_empty() {
        text.push_str("\nagainst the baseline\n");
    }
    for Change { name, then, now } in changes {
        let _ = writeln!(text, "{name:<32}{then:>14.3} → {now:>14.3}  × {:.3}", now / then);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_both_have_is_compared() {
        let saved = json!({ "total_ms": 10.0, "step_ms": 1.0, "parts": [{ "name": "finish", "time": { "best_ms": 4.0 } }] });
        let now = json!({ "total_ms": 5.0, "decode_ms": 1.0, "parts": [{ "name": "finish", "time": { "best_ms": 6.0 } }] });
        let changes = Baseline(saved).compare(&now);
        let change = |name: &str, then, now| Change { name: name.into(), then, now };
        assert_eq!(changes, [change("total_ms", 10.0, 5.0), change("part finish ms", 4.0, 6.0)]);
        assert_eq!(with(now, Some(&changes))["compared"][0]["ratio"], 0.5);
    }
}
