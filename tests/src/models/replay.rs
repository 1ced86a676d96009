//! An image made the plain way: recordings evaluated row after row, with no pass in between. The other side of "the program computes what
//! the recording computes".

use onelaunch_core::graph::{Graph, Slot};
use onelaunch_core::image::{Image, Pixels};
use onelaunch_core::ops::state_len;
use onelaunch_core::schedule::ROW_LEN;

use super::evaluate::{Memory, evaluate};

/// Recordings of an image, as a model makes them.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The step on cond and uncond.
    pub guided: Graph,
    /// The step on cond.
    pub plain: Graph,
    /// Latent to pixels.
    pub finish: Graph,
}

impl Recorded {
    /// Final latents and pixels. `memory` brings the weights, and the picture where one is read.
    ///
    /// # Panics
    /// Where an image does not fit the recordings.
    pub fn replay(&self, image: &Image, rows: usize, memory: &mut Memory) -> (Vec<f32>, Pixels) {
        let words = |words: &[u32]| words.iter().map(|&w| f32::from_bits(w)).collect::<Vec<_>>();
        for (at, prompt) in image.prompts.iter().enumerate() {
            memory.slots.insert(Slot::Tokens(at as u8), words(&prompt.ids));
            memory.slots.insert(Slot::Lengths(at as u8), words(&prompt.lengths));
        }
        let latent = image.latents.len();
        let mut state = vec![0.0; state_len(latent)];
        state[..latent].copy_from_slice(&image.latents);
        memory.slots.insert(Slot::State, state);
        memory.slots.insert(Slot::Noise, image.noise.clone());
        let mut tables = image.rows.clone();
        tables.resize(rows * ROW_LEN, 0.0);
        memory.slots.insert(Slot::Rows, tables);
        memory.slots.insert(Slot::Row, vec![0.0; ROW_LEN]);
        for (&guided, &timestep) in image.guided.iter().zip(&image.timesteps) {
            memory.slots.insert(Slot::Timestep, vec![timestep]);
            let _ = evaluate(if guided { &self.guided } else { &self.plain }, memory);
        }
        let pixels =
            self.finish.values.iter().find(|v| v.origin == onelaunch_core::graph::Origin::Slot(Slot::Pixels));
        let shape = pixels.expect("finish makes pixels").shape.clone();
        memory.slots.insert(Slot::Pixels, vec![0.0; shape.len()]);
        let _ = evaluate(&self.finish, memory);
        let packed: Vec<u32> = memory.slots[&Slot::Pixels].iter().map(|w| w.to_bits()).collect();
        let pixels = Pixels::unpack(&packed, shape[0], shape[1], shape[2]);
        (memory.slots[&Slot::State][..latent].to_vec(), pixels)
    }
}
