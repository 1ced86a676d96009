//! Launch of `modulate`.

use onelaunch_core::ops::Modulate;

use super::gate::mods_launch;
use super::{Launch, Site};

pub fn launch(op: &Modulate, site: &Site<'_>) -> Result<Launch, String> {
    mods_launch("modulate", site, op.rows.shift, op.rows.scale)
}
