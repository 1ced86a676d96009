//! How each op is launched: kernel, parameters, bindings and grid, from the op, its operands and the caps alone. One file per op, as in
//! core and in the shaders.

mod activation;
mod attention;
mod binary;
mod conv2d;
mod embedding;
mod gate;
mod group_norm;
mod layer_norm;
mod linear;
mod load_row;
mod modulate;
mod permute;
mod repeat;
mod rms_norm;
mod sampler_step;
mod scale_input;
mod store_table;
mod timestep_embedding;
mod to_rgba8;
mod upsample;

use onelaunch_core::Caps;
use onelaunch_core::backend::Operand;
use onelaunch_core::ops::Op;
use onelaunch_core::shape::DType;
use onelaunch_core::weights::Encoding;
use onelaunch_shaders::Shader;

/// What a kernel's storage binding is bound to, in the order of its bindings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bind {
    /// An operand of the op.
    Input(usize),
    /// The op's output.
    Output,
    /// A small buffer in place of an operand that the op does not have.
    Dummy,
}

/// One dispatch.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The kernel.
    pub shader: &'static Shader,
    /// Its uniform parameters, 32-bit words.
    pub params: Vec<u32>,
    /// Values of the kernel's `override`s: what is fixed when its pipeline is made.
    pub constants: Vec<(&'static str, u32)>,
    /// Its storage bindings.
    pub binds: Vec<Bind>,
    /// Workgroups.
    pub grid: [u32; 2],
}

impl Launch {
    /// Fixes what is else a uniform when the pipeline is made. A software adapter computes both sides of every branch, so there it pays.
    pub fn fixed(self, constants: &[(&'static str, u32)]) -> Self {
        Self { constants: [("FIXED", 1)].iter().chain(constants).copied().collect(), ..self }
    }
}

/// A node as kernel choice sees it.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    /// The device.
    pub caps: &'a Caps,
    /// Operands.
    pub inputs: &'a [Operand],
    /// Output.
    pub output: &'a Operand,
    /// First element of each operand in its binding.
    pub bases: &'a [u32],
}

/// The launch of an op, or why there is none.
///
/// # Errors
/// Where no kernel fits: a storage type or a size that no permutation has.
pub fn launch(op: &Op, site: &Site<'_>) -> Result<Launch, String> {
    match op {
        Op::Activation(op) => activation::launch(op, site),
        Op::Attention(op) => attention::launch(op, site),
        Op::Binary(op) => binary::launch(op, site),
        Op::Conv2d(op) => conv2d::launch(op, site),
        Op::Embedding(_) => embedding::launch(site),
        Op::Gate(op) => gate::launch(op, site),
        Op::GroupNorm(op) => group_norm::launch(op, site),
        Op::LayerNorm(op) => layer_norm::launch(op, site),
        Op::Linear(op) => linear::launch(op, site),
        Op::LoadRow(_) => load_row::launch(site),
        Op::Modulate(op) => modulate::launch(op, site),
        Op::Permute(op) => permute::launch(op, site),
        Op::Repeat(_) => repeat::launch(site),
        Op::RmsNorm(op) => rms_norm::launch(op, site),
        Op::SamplerStep(op) => sampler_step::launch(op, site),
        Op::ScaleInput(_) => scale_input::launch(site),
        Op::StoreTable(op) => store_table::launch(op, site),
        Op::TimestepEmbedding(op) => timestep_embedding::launch(op, site),
        Op::ToRgba8(op) => to_rgba8::launch(op, site),
        Op::Upsample(_) => upsample::launch(site),
    }
}

impl Site<'_> {
    /// Storage of an operand, as permutations name it.
    pub fn storage(&self, input: usize) -> &'static str {
        storage(self.inputs[input].dtype)
    }
    /// Storage of the output.
    pub fn out(&self) -> &'static str {
        storage(self.output.dtype)
    }
    /// Encoding of a weight, as permutations name it. Constants are f32.
    pub fn weight(&self, input: usize) -> &'static str {
        match self.inputs[input].encoding {
            None | Some(Encoding::F32) => "f32",
            Some(Encoding::F16) => "p16",
            Some(Encoding::Bf16) => "b16",
        }
    }
    /// `cpu` or `gpu`.
    pub fn device(&self) -> &'static str {
        if self.caps.is_cpu { "cpu" } else { "gpu" }
    }
    /// Whether kernels of the kind `lanes` run here, if they have a permutation: they are made for subgroups of 8 lanes, and f32.
    pub fn lanes(&self, load: &str) -> bool {
        let f32 = self.storage(0) == "f32" && self.out() == "f32";
        self.caps.is_cpu && self.caps.subgroup == 8 && f32 && load == "vec4"
    }
    /// Elements of the output.
    pub fn count(&self) -> Result<u32, String> {
        word(self.output.shape.len())
    }
    /// That an operand is f32, as its kernel has it.
    pub fn must_be_f32(&self, input: usize, what: &str) -> Result<(), String> {
        let operand = &self.inputs[input];
        let f32 = operand.dtype == DType::F32 && matches!(operand.encoding, None | Some(Encoding::F32));
        if f32 {
            Ok(())
        } else {
            Err(format!("{what} is not stored in f32: this backend has no kernel for that"))
        }
    }
    /// A launch of the permutation `name` with `groups` workgroups.
    pub fn launch(
        &self,
        name: &str,
        params: Vec<u32>,
        binds: Vec<Bind>,
        groups: usize,
    ) -> Result<Launch, String> {
        let shader = onelaunch_shaders::find(name).ok_or_else(|| format!("there is no kernel {name}"))?;
        if shader.f16 && !self.caps.f16 {
            return Err(format!(
                "kernel {name} needs 16-bit floats, which the device has not: use precision f32"
            ));
        }
        if shader.workgroup_bytes > self.caps.workgroup_bytes {
            return Err(format!("kernel {name} needs {} bytes of workgroup memory", shader.workgroup_bytes));
        }
        if shader.subgroups && self.caps.subgroup == 0 {
            return Err(format!("kernel {name} needs subgroups, which the device has not"));
        }
        let grid = grid(groups, self.caps.workgroups)?;
        Ok(Launch { shader, params, constants: Vec::new(), binds, grid })
    }
    /// A launch of `op` that sums over each of `sums` ranges: a thread each on software adapters, a workgroup on GPUs.
    pub fn sums(&self, op: &str, params: Vec<u32>, binds: Vec<Bind>, sums: usize) -> Result<Launch, String> {
        let groups = if self.caps.is_cpu { sums.div_ceil(8) } else { sums };
        let name = format!("{op}/{}.{}.{}", self.device(), self.storage(0), self.out());
        self.launch(&name, params, binds, groups)
    }
    /// A launch of one thread per output element.
    pub fn pointwise(&self, name: &str, params: Vec<u32>, inputs: usize) -> Result<Launch, String> {
        let binds = (0..inputs).map(Bind::Input).chain([Bind::Output]).collect();
        let groups = params[0].div_ceil(64) as usize;
        self.launch(name, params, binds, groups)
    }
}

/// Where an operand's dimension or offset leaves 32 bits, no kernel can index it.
pub fn word(value: usize) -> Result<u32, String> {
    u32::try_from(value).map_err(|_| format!("{value} elements are more than kernels can index"))
}

/// Sizes as words.
pub fn words<const N: usize>(values: [usize; N]) -> Result<[u32; N], String> {
    let mut all = [0; N];
    for (to, from) in all.iter_mut().zip(values) {
        *to = word(from)?;
    }
    Ok(all)
}

/// Workgroups in two dimensions: kernels number them x + y · width.
fn grid(groups: usize, most: u32) -> Result<[u32; 2], String> {
    let most = most as usize;
    let x = groups.clamp(1, most);
    let y = groups.div_ceil(x).max(1);
    if y > most {
        return Err(format!("{groups} workgroups are more than the device can launch"));
    }
    Ok([x as u32, y as u32])
}

fn storage(dtype: DType) -> &'static str {
    match dtype {
        DType::F32 => "f32",
        DType::F16 => "f16",
        DType::U32 => "u32",
    }
}

#[cfg(test)]
mod tests {
    use super::grid;

    #[test]
    fn grids_split_at_the_limit() {
        assert_eq!(grid(0, 65535), Ok([1, 1]));
        assert_eq!(grid(65535, 65535), Ok([65535, 1]));
        assert_eq!(grid(65536, 65535), Ok([65535, 2]));
        assert!(grid(65535 * 65535 + 1, 65535).is_err());
    }
}
