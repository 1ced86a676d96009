//! Recording helper of the model code: labels and weights under the names of the files.

use crate::graph::{Graph, ValueId};
use crate::weights::{LeafId, Leaves, Role, Transform};

/// A recording with the weights of one component.
pub struct Module<'a> {
    /// The recording.
    pub g: &'a mut Graph,
    leaves: &'a mut Leaves,
    component: &'a str,
}

impl<'a> Module<'a> {
    /// Records into `g`; weights come from `component` (a folder of the model).
    pub fn new(g: &'a mut Graph, leaves: &'a mut Leaves, component: &'a str) -> Self {
        Self { g, leaves, component }
    }

    /// Records what `body` records under `name`.
    pub fn scope<T>(&mut self, name: impl Into<String>, body: impl FnOnce(&mut Module<'_>) -> T) -> T {
        let (leaves, component) = (&mut *self.leaves, self.component);
        self.g.scope(name, |g| body(&mut Module { g, leaves, component }))
    }

    /// A weight as it is in the file.
    #[track_caller]
    pub fn weight<const N: usize>(&mut self, name: &str, role: Role, shape: [usize; N]) -> ValueId {
        let leaf = self.leaf(name, role, &shape, Transform::Concat);
        self.g.leaf(leaf, shape)
    }

    /// x wᵀ + b with `name.weight` `[out, in]` and `name.bias` `[out]`.
    #[track_caller]
    pub fn linear(&mut self, name: &str, x: ValueId, out: usize, bias: bool) -> ValueId {
        let width = self.g.shape(x).last();
        let w = self.weight(&format!("{name}.weight"), Role::Matrix, [out, width]);
        let b = bias.then(|| self.weight(&format!("{name}.bias"), Role::Vector, [out]));
        self.g.scope(name, |g| g.linear(x, w, b))
    }

    /// A convolution with `name.weight` `[out, in, k, k]` in the file, used as `[out, k, k, in]`.
    #[track_caller]
    pub fn conv2d(&mut self, name: &str, x: ValueId, out: usize, conv: Conv) -> ValueId {
        let (c, k) = (self.g.shape(x).last(), conv.kernel);
        let leaf = self.leaf(
            &format!("{name}.weight"),
            Role::Matrix,
            &[out, c, k, k],
            Transform::Permute(vec![0, 2, 3, 1]),
        );
        let w = self.g.leaf(leaf, [out, k, k, c]);
        let b = conv.bias.then(|| self.weight(&format!("{name}.bias"), Role::Vector, [out]));
        self.g.scope(name, |g| g.conv2d(x, w, b, conv.stride, conv.padding))
    }

    #[track_caller]
    fn leaf(&mut self, name: &str, role: Role, shape: &[usize], transform: Transform) -> LeafId {
        let name = self.g.label(name);
        self.leaves
            .leaf(self.component, &name, shape, transform, role)
            .unwrap_or_else(|why| panic!("weight {name}: {why}"))
    }
}

/// Numbers of a convolution.
#[derive(Clone, Copy, Debug)]
pub struct Conv {
    /// Height and width of the kernel.
    pub kernel: usize,
    /// Distance of output pixels in the input.
    pub stride: usize,
    /// Zeros around the input.
    pub padding: usize,
    /// Whether the file has a bias.
    pub bias: bool,
}

impl Conv {
    /// 3 × 3 that keeps the size.
    pub const SAME: Self = Self { kernel: 3, stride: 1, padding: 1, bias: true };
    /// 1 × 1.
    pub const POINT: Self = Self { kernel: 1, stride: 1, padding: 0, bias: false };
}
