//! The models' arithmetic against diffusers, on the reference and on wgpu in f32: every block, the text, the first output of the network,
//! whole trajectories and their pictures.

use onelaunch_core::backend::Backend;
use onelaunch_core::graph::{Graph, ValueId};
use onelaunch_core::image::Prompt;
use onelaunch_core::ops::Op;
use onelaunch_core::{CpuBackend, Precision};
use onelaunch_tests::models::golden::{Subject, Trajectory, assert_close, byte_difference};
use onelaunch_tests::models::probe::{Half, Inputs, Probe, last_of};
use onelaunch_tests::models::runner::Runner;
use onelaunch_tests::models::wgpu;

/// Of blocks, text and network outputs, relative L2.
const BLOCK: f64 = 1e-4;
/// Of bytes of a picture.
const BYTES: f64 = 2.0;

/// Runs a test on a model and a backend.
macro_rules! on {
    ($($name:ident: $subject:ident, $backend:ident => $test:ident;)+) => {
        $(#[test]
        fn $name() {
            let Some(backend) = $backend() else { return };
            let subject = Subject::$subject();
            let runner = Runner::load(backend, &subject.folder, Precision::F32);
            $test(&subject, &runner);
        })+
    };
}

on! {
    emoji_blocks_cpu: emoji, cpu => blocks;
    emoji_blocks_wgpu: emoji, wgpu => blocks;
    second_blocks_cpu: second, cpu => blocks;
    second_blocks_wgpu: second, wgpu => blocks;
    emoji_outputs_cpu: emoji, cpu => text_and_first_outputs;
    emoji_outputs_wgpu: emoji, wgpu => text_and_first_outputs;
    second_outputs_cpu: second, cpu => text_and_first_outputs;
    second_outputs_wgpu: second, wgpu => text_and_first_outputs;
    emoji_trajectories_cpu: emoji, cpu => trajectories;
    emoji_trajectories_wgpu: emoji, wgpu => trajectories;
    second_trajectories_cpu: second, cpu => trajectories;
    second_trajectories_wgpu: second, wgpu => trajectories;
}

fn cpu() -> Option<CpuBackend> {
    Some(CpuBackend::new(None))
}

/// `[1, H, W, C]` of a golden latent.
fn latent_shape(subject: &Subject, name: &str) -> [usize; 4] {
    let [.., c, h, w] = subject.tensor(name).shape[..] else { panic!("{name} is no latent") };
    [1, h, w, c]
}

fn prompt(ids: &[f64], mask: &[f64], rows: usize) -> Prompt {
    let lengths = mask.chunks_exact(mask.len() / rows).map(|m| m.iter().sum::<f64>() as u32).collect();
    Prompt { ids: ids.iter().map(|&i| i as u32).collect(), lengths }
}

/// The value that a golden of `blocks.` is of.
fn block_value(graph: &Graph, output: ValueId, name: &str) -> ValueId {
    match name.split_once('.') {
        // Ids come first, buckets of distances later.
        Some(("text_encoder", "embed")) => {
            graph.nodes.iter().find(|n| matches!(n.op, Op::Embedding(_))).expect("a table of ids").output
        }
        Some(("text_encoder", block)) => last_of(graph, &format!("encoder.block.{block}")),
        None => last_of(graph, "encoder.final_layer_norm"),
        Some(("transformer", "pos_embed")) => last_of(graph, "pos_embed"),
        Some(("transformer", "caption")) => last_of(graph, "caption_projection"),
        Some(("transformer", "adaln")) => last_of(graph, "adaln_single.linear"),
        Some(("transformer", "embedded_timestep")) => last_of(graph, "adaln_single.emb"),
        Some(("transformer" | "decoder", "output")) => output,
        Some(("transformer", block)) => last_of(graph, &format!("transformer_blocks.{block}")),
        Some(("decoder", layer)) => last_of(graph, layer),
        Some(_) => panic!("golden blocks.{name} is of nothing known"),
    }
}

fn blocks<B: Backend>(subject: &Subject, runner: &Runner<B>) {
    let prompt = prompt(&subject.tensor("blocks.ids").data, &subject.tensor("blocks.mask").data, 2);
    let inputs = ["blocks.ids", "blocks.mask", "blocks.noise", "blocks.timestep", "blocks.decoder.latents"];
    let mut seen = 0;
    for name in subject.names("blocks.").filter(|name| !inputs.contains(name)) {
        let short = &name["blocks.".len()..];
        let (half, fed) = if short.starts_with("decoder") {
            (Half::Decoder, "blocks.decoder.latents")
        } else {
            (Half::Network, "blocks.noise")
        };
        let find = |graph: &Graph, output| block_value(graph, output, short);
        let mut probe = Probe::new(runner, half, latent_shape(subject, fed), find);
        let golden = subject.tensor(name);
        let want = if golden.shape.len() == 4 { golden.channels_last() } else { golden.f32() };
        let got = probe.run(&Inputs {
            prompt: prompt.clone(),
            timestep: subject.tensor("blocks.timestep").data[0],
            latent: subject.tensor(fed).channels_last(),
        });
        // What is the same for both rows is stored once.
        let want = if short == "transformer.pos_embed" { [&want[..], &want].concat() } else { want };
        assert_close(&format!("{} {short}", subject.name), &got, &want, BLOCK);
        seen += 1;
    }
    assert!(seen >= 15, "{seen} blocks are fewer than were made");
}

fn text_and_first_outputs<B: Backend>(subject: &Subject, runner: &Runner<B>) {
    let noise = format!("{}.noise", subject.trajectories[0].name);
    let shape = latent_shape(subject, &noise);
    let mut text = Probe::new(runner, Half::Network, shape, |g, _| last_of(g, "encoder.final_layer_norm"));
    let mut output = Probe::new(runner, Half::Network, shape, |_, output| output);
    for Trajectory { name, request } in &subject.trajectories {
        let both = |what: &str| {
            let halves =
                ["", "negative_"].map(|half| &subject.tensor(&format!("{name}.{half}{what}")).data[..]);
            halves.concat()
        };
        let resolved = runner.pipeline.resolve(request).expect("a golden can be asked for");
        let first = &resolved.schedule.rows[0];
        let scale = resolved.schedule.init_noise_sigma * first.input_scale;
        let noise = subject.tensor(&format!("{name}.noise")).channels_last();
        let inputs = Inputs {
            prompt: prompt(&both("ids"), &both("mask"), 2),
            timestep: first.timestep,
            latent: noise.iter().map(|&x| (f64::from(x) * scale) as f32).collect(),
        };
        let want: Vec<f32> = both("text").iter().map(|&x| x as f32).collect();
        assert_close(&format!("{} {name} text", subject.name), &text.run(&inputs), &want, BLOCK);
        let want = subject.tensor(&format!("{name}.first_output")).channels_last();
        assert_close(&format!("{} {name} output", subject.name), &output.run(&inputs), &want, BLOCK);
    }
}

fn trajectories<B: Backend>(subject: &Subject, runner: &Runner<B>) {
    for Trajectory { name, request } in &subject.trajectories {
        let tensor = |what: &str| subject.tensor(&format!("{name}.{what}"));
        let resolved = runner.pipeline.resolve(request).expect("a golden can be asked for");
        let sigma = resolved.schedule.init_noise_sigma as f32;
        let draws = resolved.schedule.draws;
        let (latents, pixels) = runner.launch(request, |image| {
            let both = ["", "negative_"].map(|half| {
                let row = |what: &str| tensor(&format!("{half}{what}")).data.clone();
                prompt(&row("ids"), &row("mask"), 1)
            });
            // Ours must be what transformers' tokenizer gave.
            let rows = image.prompt_rows;
            assert_eq!(
                image.prompts[0].ids,
                both[..rows].iter().flat_map(|p| p.ids.clone()).collect::<Vec<_>>()
            );
            assert_eq!(
                image.prompts[0].lengths,
                both[..rows].iter().flat_map(|p| p.lengths.clone()).collect::<Vec<_>>()
            );
            let timesteps: Vec<f32> = tensor("timesteps").data.iter().map(|&t| t as f32).collect();
            assert_eq!(image.timesteps, timesteps, "{name}");
            image.latents = tensor("noise").channels_last().iter().map(|x| x * sigma).collect();
            if draws > 0 {
                let drawn = tensor("step_noise").channels_last();
                image.noise = drawn[..draws * image.latents.len()].to_vec();
            }
        });
        let all = tensor("latents").channels_last();
        let want = &all[all.len() - latents.len()..];
        assert_close(&format!("{} {name} latents", subject.name), &latents, want, subject.latents);
        let most = byte_difference(&pixels.images[0], tensor("image"));
        println!("{} {name} picture: {most:.3} of 255", subject.name);
        assert!(most <= BYTES, "{} {name}: a byte is off by {most}", subject.name);
    }
}
