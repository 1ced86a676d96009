//! `devices`: the adapters of this machine and what each can do.

use clap::Args;
use onelaunch::{Adapter, BackendName, adapters};

use super::failure::Failure;

/// Flags of `devices`.
#[derive(Args, Debug)]
pub(crate) struct DevicesArgs {
    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

/// Lists them, best first.
pub(crate) fn devices(args: &DevicesArgs) -> Result<(), Failure> {
    let adapters = pollster::block_on(adapters());
    if args.json {
        let all: Vec<_> = adapters.iter().map(json).collect();
        println!("{}", serde_json::json!(all));
        return Ok(());
    }
    for adapter in &adapters {
        println!("{}", adapter.name);
        println!("  used {}", when(adapter));
        for fact in &adapter.facts {
            println!("  {fact}");
        }
    }
    Ok(())
}

fn when(adapter: &Adapter) -> &'static str {
    match (adapter.backend, adapter.software) {
        (BackendName::Cpu, _) => "where there is no hardware GPU, or with --backend cpu",
        (_, true) => "only when named: --backend wgpu, or --adapter (a program that plays a GPU)",
        (_, false) => "by default",
    }
}

fn json(adapter: &Adapter) -> serde_json::Value {
    serde_json::json!({
        "backend": adapter.backend.name(),
        "name": adapter.name,
        "software": adapter.software,
        "facts": adapter.facts,
    })
}
