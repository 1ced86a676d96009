//! `begin`: an image's inputs into the session's slots, in a few queue writes.

use onelaunch_core::DeviceError;
use onelaunch_core::graph::Slot;
use onelaunch_core::image::Image;
use onelaunch_core::ops::state_len;
use onelaunch_core::schedule::ROW_LEN;

use crate::session::WgpuSession;

/// Writes everything an image brings. The state's history and counter are zeroed.
pub fn upload(session: &WgpuSession, image: &Image) -> Result<(), DeviceError> {
    if image.noise.len() > session.draws * image.latents.len() {
        let most = session.draws;
        return Err(DeviceError::Usage(format!("the session was opened for {most} draws of step noise")));
    }
    for (at, prompt) in image.prompts.iter().enumerate() {
        write(session, Slot::Tokens(at as u8), 0, bytemuck::cast_slice(&prompt.ids))?;
        write(session, Slot::Lengths(at as u8), 0, bytemuck::cast_slice(&prompt.lengths))?;
    }
    write(session, Slot::Timestep, 0, bytemuck::cast_slice(&image.timesteps))?;
    write(session, Slot::Noise, 0, bytemuck::cast_slice(&image.noise))?;
    let mut state = vec![0.0f32; state_len(image.latents.len())];
    state[..image.latents.len()].copy_from_slice(&image.latents);
    write(session, Slot::State, 0, bytemuck::cast_slice(&state))?;
    let stride = session.executable.planned.program.row_len as u64 * 4;
    for (at, row) in image.rows.chunks_exact(ROW_LEN).enumerate() {
        write(session, Slot::Rows, at as u64 * stride, bytemuck::cast_slice(row))?;
    }
    Ok(())
}

/// Writes a slot, if the program uses it.
fn write(session: &WgpuSession, slot: Slot, at: u64, bytes: &[u8]) -> Result<(), DeviceError> {
    let program = &session.executable.planned.program;
    let Some(buffer) =
        program.slot(slot).and_then(|value| session.buffers.of(&session.executable.planned, value))
    else {
        return Ok(());
    };
    let end = at + bytes.len() as u64;
    if end > buffer.size() {
        let most = buffer.size();
        return Err(DeviceError::Usage(format!(
            "{slot:?} takes {most} bytes, not {end}: open another session"
        )));
    }
    if !bytes.is_empty() {
        session.backend.queue.write_buffer(buffer, at, bytes);
    }
    Ok(())
}
