//! Recording the same weight twice, merging, and files that do not hold what was recorded.

use safetensors::tensor::TensorView;

use super::*;
use crate::weights::BytesSource;

fn source(tensors: &[(&str, Dtype, &[usize])]) -> Box<dyn TensorSource> {
    let bytes = |d: Dtype, s: &[usize]| vec![0; s.iter().product::<usize>() * d.bitsize() / 8];
    let data: Vec<_> = tensors.iter().map(|&(_, d, s)| bytes(d, s)).collect();
    let views =
        tensors.iter().zip(&data).map(|(&(n, d, s), b)| (n, TensorView::new(d, s.to_vec(), b).unwrap()));
    Box::new(BytesSource::new("f", safetensors::serialize(views, None).unwrap()).unwrap())
}

fn recorded() -> (Leaves, Vec<LeafId>) {
    let mut leaves = Leaves::default();
    let mut leaf =
        |name: &str, shape: &[usize]| leaves.leaf("c", name, shape, Transform::Concat, Role::Matrix).unwrap();
    let ids = vec![leaf("q", &[4, 2]), leaf("k", &[4, 2]), leaf("v", &[6, 2])];
    (leaves, ids)
}

fn lines(error: &WeightError) -> (usize, &str) {
    let WeightError::Mismatch { count, lines } = error else { panic!("{error}") };
    (*count, lines)
}

#[test]
fn same_weight_same_leaf() {
    let (mut leaves, ids) = recorded();
    assert_eq!(leaves.leaf("c", "k", &[4, 2], Transform::Concat, Role::Matrix), Ok(ids[1]));
    let other = leaves.leaf("d", "k", &[4, 2], Transform::Concat, Role::Matrix).unwrap();
    let table = leaves.leaf("c", "k", &[4, 2], Transform::Concat, Role::Table).unwrap();
    assert!(!ids.contains(&other) && !ids.contains(&table) && other != table);
    let error = leaves.leaf("c", "k", &[2, 4], Transform::Concat, Role::Matrix).unwrap_err().to_string();
    assert!(error.contains("c: tensor `k` was recorded as [4, 2] and now as [2, 4]"), "{error}");
    let error = leaves.leaf("c", "x", &[4, 2], Transform::Permute(vec![0, 0]), Role::Matrix).unwrap_err();
    assert!(matches!(error, WeightError::Transform { .. }));
}

#[test]
fn merging_joins_sources() {
    let (mut leaves, ids) = recorded();
    let merged = leaves.merge(&ids, Transform::Concat).clone();
    assert_eq!((merged.shape.as_slice(), merged.sources.len()), (&[14, 2][..], 3));
    assert_eq!(leaves.merge(&ids, Transform::Concat).id, merged.id);
    let pair = leaves.merge(&ids[..2], Transform::InterleaveRows).clone();
    assert_eq!((pair.shape.as_slice(), &pair.transform), (&[8, 2][..], &Transform::InterleaveRows));
    let again = leaves.merge(&[ids[0], ids[1]], Transform::Concat).id;
    let nested = leaves.merge(&[again, ids[2]], Transform::Concat).id;
    assert_eq!(nested, merged.id);
    assert_eq!(leaves.all().len(), 6);
    assert_eq!(leaves.plan([merged.id, ids[0], merged.id]).leaves.len(), 2);
}

#[test]
#[should_panic(expected = "do not merge")]
fn unlike_rows_do_not_interleave() {
    let (mut leaves, ids) = recorded();
    leaves.merge(&ids, Transform::InterleaveRows);
}

#[test]
#[should_panic(expected = "only plain weights merge")]
fn interleaved_leaves_do_not_merge_again() {
    let (mut leaves, ids) = recorded();
    let pair = leaves.merge(&ids[..2], Transform::InterleaveRows).id;
    leaves.merge(&[pair, ids[2]], Transform::Concat);
}

#[test]
fn everything_is_accounted_for() {
    let (mut leaves, ids) = recorded();
    let merged = leaves.merge(&ids[1..], Transform::Concat).id;
    let plan = leaves.plan([ids[0], merged]);
    let file = source(&[
        ("q", Dtype::F16, &[4, 2]),
        ("k", Dtype::BF16, &[4, 2]),
        ("v", Dtype::F16, &[6, 2]),
        ("position_ids", Dtype::I64, &[77]),
    ]);
    let sources = [("c".to_owned(), file)].into();
    let found = account(&plan, &sources, &|c, n| c == "c" && n == "position_ids").unwrap();
    assert_eq!((found.used, found.bytes), (3, 56));
    assert_eq!(found.unneeded, [("c".to_owned(), "position_ids".to_owned())]);
    assert_eq!(found.encodings, [(ids[0], Encoding::F16), (merged, Encoding::F32)].into());
    let views: BTreeMap<String, &dyn TensorSource> =
        sources.iter().map(|(n, s)| (n.clone(), s.as_ref())).collect();
    let error = account(&plan.leaves, &views, &|_, _| false).unwrap_err();
    let (count, lines) = lines(&error);
    assert!(count == 1 && lines.contains("`position_ids` is in the file"), "{lines}");
}

#[test]
fn every_problem_is_listed() {
    let (leaves, ids) = recorded();
    let plan = leaves.plan(ids);
    let file = source(&[("q", Dtype::F8_E4M3, &[4, 2]), ("k", Dtype::F16, &[2, 4]), ("z", Dtype::F16, &[1])]);
    let error = account(&plan, &[("c".to_owned(), file)].into(), &|_, _| false).unwrap_err();
    let (count, text) = lines(&error);
    assert_eq!(count, 4, "{text}");
    for line in [
        "tensor `q` is stored as F8_E4M3",
        "`k` is [2, 4] in the file, the model needs [4, 2]",
        "`v` [6, 2] is missing",
        "`z` is in the file",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let none: BTreeMap<String, Box<dyn TensorSource>> = BTreeMap::new();
    assert_eq!(lines(&account(&plan, &none, &|_, _| true).unwrap_err()).0, 1);
}

#[test]
fn long_lists_are_cut() {
    let names: Vec<String> = (0..50).map(|i| format!("n{i}")).collect();
    let tensors: Vec<_> = names.iter().map(|n| (n.as_str(), Dtype::F16, &[1][..])).collect();
    let error =
        account(&WeightPlan::default(), &[("c".into(), source(&tensors))].into(), &|_, _| false).unwrap_err();
    let (count, text) = lines(&error);
    assert_eq!((count, text.lines().count()), (50, 21));
    assert!(text.ends_with("… and 30 more"));
}
