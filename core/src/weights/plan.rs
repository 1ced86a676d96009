//! What a model's recordings ask for ([`Leaves`]), and whether its files hold exactly that ([`account`]).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;

use safetensors::Dtype;

use super::{
    Encoding, Leaf, LeafId, Role, SourceTensor, TensorSource, Transform, WeightError, natural_encoding,
};

/// Problems that [`WeightError::Mismatch`] spells out; the rest is counted.
const MAX_LINES: usize = 20;

/// Leaves to load.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WeightPlan {
    /// In order of their ids.
    pub leaves: Vec<Leaf>,
}

/// The leaves of a model, numbered in the order in which recordings first ask for them. Recording again gives the same numbers.
#[derive(Clone, Debug, Default)]
pub struct Leaves {
    leaves: Vec<Leaf>,
    ids: BTreeMap<(Vec<SourceTensor>, Transform, Role), LeafId>,
    shapes: BTreeMap<(String, String), Vec<usize>>,
}

/// What [`account`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounting {
    /// The encoding that each leaf's tensors have in the files; f32 where they differ.
    pub encodings: BTreeMap<LeafId, Encoding>,
    /// Tensors that leaves are made of.
    pub used: usize,
    /// Their bytes in the files.
    pub bytes: u64,
    /// Component and name of the tensors that nothing reads, and that is fine.
    pub unneeded: Vec<(String, String)>,
}

impl AsRef<[Leaf]> for WeightPlan {
    fn as_ref(&self) -> &[Leaf] {
        &self.leaves
    }
}

impl Leaves {
    /// The leaf made of tensor `name`, whose shape in the file is `shape`.
    ///
    /// # Errors
    /// [`WeightError::Conflict`] where it was recorded with another shape, [`WeightError::Transform`] where `transform` does
    /// not fit it.
    pub fn leaf(
        &mut self,
        component: &str,
        name: &str,
        shape: &[usize],
        transform: Transform,
        role: Role,
    ) -> Result<LeafId, WeightError> {
        let source = SourceTensor { component: component.into(), name: name.into(), shape: shape.to_vec() };
        self.intern(vec![source], transform, role)
    }

    /// One leaf out of several, each of which is a file's tensors end to end ([`Transform::Concat`]).
    ///
    /// # Panics
    /// Where the leaves do not go together: a pass merges only what it has checked.
    #[track_caller]
    pub fn merge(&mut self, parts: &[LeafId], transform: Transform) -> &Leaf {
        let parts: Vec<&Leaf> = parts.iter().map(|&id| self.get(id)).collect();
        let plain = parts.iter().all(|p| {
            p.transform == Transform::Concat && (transform == Transform::Concat || p.sources.len() == 1)
        });
        assert!(plain && !parts.is_empty(), "only plain weights merge by {transform:?}: {parts:?}");
        let role = parts[0].role;
        let sources = parts.iter().flat_map(|p| p.sources.clone()).collect();
        match self.intern(sources, transform, role) {
            Ok(id) => self.get(id),
            Err(why) => panic!("weights do not merge: {why}"),
        }
    }

    /// A leaf by its number.
    ///
    /// # Panics
    /// Where `id` comes from other `Leaves`.
    #[track_caller]
    pub fn get(&self, id: LeafId) -> &Leaf {
        &self.leaves[id.0 as usize]
    }

    /// Every leaf that was ever asked for, merged ones and their parts alike.
    pub fn all(&self) -> &[Leaf] {
        &self.leaves
    }

    /// The leaves `ids`: those that programs still read after fusing.
    pub fn plan(&self, ids: impl IntoIterator<Item = LeafId>) -> WeightPlan {
        let ids: BTreeSet<LeafId> = ids.into_iter().collect();
        WeightPlan { leaves: ids.into_iter().map(|id| self.get(id).clone()).collect() }
    }

    fn intern(
        &mut self,
        sources: Vec<SourceTensor>,
        transform: Transform,
        role: Role,
    ) -> Result<LeafId, WeightError> {
        for source in &sources {
            let key = (source.component.clone(), source.name.clone());
            let first = self.shapes.entry(key).or_insert_with(|| source.shape.clone());
            if *first != source.shape {
                return Err(WeightError::Conflict {
                    component: source.component.clone(),
                    name: source.name.clone(),
                    first: first.clone(),
                    now: source.shape.clone(),
                });
            }
        }
        let shape = transform.shape(&sources)?;
        let key = (sources, transform, role);
        if let Some(&id) = self.ids.get(&key) {
            return Ok(id);
        }
        let id = LeafId(u32::try_from(self.leaves.len()).expect("no model has 2³² weights"));
        let (sources, transform, role) = key.clone();
        self.leaves.push(Leaf { id, shape, sources, transform, role });
        self.ids.insert(key, id);
        Ok(id)
    }
}

/// Checks that `sources` (by component) hold what `plan` (a [`WeightPlan`] or its leaves) asks for, and nothing that is neither used nor `known_unneeded`
/// (component, name).
///
/// # Errors
/// [`WeightError::Mismatch`] with every missing, misshapen, undecodable or unknown tensor.
pub fn account<S>(
    plan: &(impl AsRef<[Leaf]> + ?Sized),
    sources: &BTreeMap<String, S>,
    known_unneeded: &dyn Fn(&str, &str) -> bool,
) -> Result<Accounting, WeightError>
where
    S: Deref,
    S::Target: TensorSource,
{
    let mut found = Accounting::default();
    let mut problems = BTreeSet::new();
    let mut used = BTreeSet::new();
    for leaf in plan.as_ref() {
        let mut encodings = BTreeSet::new();
        for tensor in &leaf.sources {
            let (component, name) = (&tensor.component, &tensor.name);
            let Some(source) = sources.get(component) else {
                problems.insert(format!("{component}: no file of this component was opened"));
                continue;
            };
            let Some(entry) = source.entries().get(name) else {
                problems.insert(format!("{component}: `{name}` {:?} is missing from the file", tensor.shape));
                continue;
            };
            if used.insert((component, name)) {
                found.bytes += entry.bytes();
            }
            if entry.shape != tensor.shape {
                let (file, model) = (&entry.shape, &tensor.shape);
                problems.insert(format!(
                    "{component}: `{name}` is {file:?} in the file, the model needs {model:?}"
                ));
            }
            match natural_encoding(entry.dtype) {
                Some(encoding) => drop(encodings.insert(encoding)),
                None => drop(problems.insert(unsupported(component, name, entry.dtype))),
            }
        }
        let mut distinct = encodings.into_iter();
        if let (Some(first), second) = (distinct.next(), distinct.next()) {
            found.encodings.insert(leaf.id, if second.is_none() { first } else { Encoding::F32 });
        }
    }
    for (component, source) in sources {
        for name in source.entries().keys().filter(|name| !used.contains(&(component, *name))) {
            if known_unneeded(component, name) {
                found.unneeded.push((component.clone(), name.clone()));
            } else {
                problems.insert(format!(
                    "{component}: `{name}` is in the file, and this model has no use for it"
                ));
            }
        }
    }
    found.used = used.len();
    if problems.is_empty() { Ok(found) } else { Err(mismatch(&problems)) }
}

fn unsupported(component: &str, name: &str, dtype: Dtype) -> String {
    let name = name.into();
    format!("{component}: {}", WeightError::Unsupported { name, dtype })
}

fn mismatch(problems: &BTreeSet<String>) -> WeightError {
    let mut lines: Vec<String> = problems.iter().take(MAX_LINES).map(|p| format!("  {p}")).collect();
    if let more @ 1.. = problems.len().saturating_sub(MAX_LINES) {
        lines.push(format!("  … and {more} more"));
    }
    WeightError::Mismatch { count: problems.len(), lines: lines.join("\n") }
}

#[cfg(test)]
mod tests;
