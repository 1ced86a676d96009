//! In which order tensors are read: every file once and from front to back, as a download or a disk gives it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Leaf, SourceError, SourceTensor, TensorEntry, WeightError};
use crate::store::Sources;

/// A tensor to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop<'a> {
    /// The tensor.
    pub tensor: &'a SourceTensor,
    /// Where it lies.
    pub entry: &'a TensorEntry,
    /// Positions of the leaves that are made of it.
    pub leaves: BTreeSet<usize>,
}

/// The tensors of `leaves` in the order of their files: component by component, file by file, byte by byte.
///
/// # Errors
/// [`SourceError::NoTensor`] for a tensor that no source has.
pub fn reading_order<'a>(leaves: &[&'a Leaf], sources: &'a Sources) -> Result<Vec<Stop<'a>>, WeightError> {
    let mut stops: BTreeMap<&SourceTensor, Stop<'a>> = BTreeMap::new();
    for (at, leaf) in leaves.iter().enumerate() {
        for tensor in &leaf.sources {
            let none = || SourceError::NoTensor { file: tensor.component.clone(), name: tensor.name.clone() };
            let source = sources.get(&tensor.component).ok_or_else(none)?;
            let entry = source.entries().get(&tensor.name).ok_or_else(none)?;
            let new = || Stop { tensor, entry, leaves: BTreeSet::new() };
            stops.entry(tensor).or_insert_with(new).leaves.insert(at);
        }
    }
    let mut order: Vec<_> = stops.into_values().collect();
    order.sort_by_key(|stop| {
        let SourceTensor { component, name, .. } = stop.tensor;
        (component, sources.get(component).map(|s| s.file(name)), stop.entry.start)
    });
    Ok(order)
}
