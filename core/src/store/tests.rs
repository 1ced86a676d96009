//! What reaches the device is what `encode` makes of whole tensors, and sources are read once, from front to back, in pieces.

use std::ops::Range;
use std::sync::Mutex;

use pollster::block_on;

use super::*;
use crate::backend::{Choice, CompileError, Operand, Planned, Unsupported};
use crate::caps::Caps;
use crate::maybe::{Listener, MaybeFuture};
use crate::memory::Region;
use crate::ops::Op;
use crate::reference::{CpuBackend, CpuSession, CpuWeights};
use crate::weights::{BytesSource, Leaves, PIECE, Role, SourceError, TensorEntry, Transform, encode};

/// Keeps what is written; lays out by role like a GPU, padded.
struct Recorder {
    inner: CpuBackend,
    written: Mutex<BTreeMap<LeafId, BTreeMap<usize, Vec<u8>>>>,
    panel: Option<usize>,
}

impl Recorder {
    /// What was written, each byte once.
    fn take(&self) -> BTreeMap<LeafId, Vec<u8>> {
        let all = std::mem::take(&mut *self.written.lock().unwrap());
        all.into_iter().map(|(leaf, pieces)| (leaf, joined(pieces))).collect()
    }
}

fn joined(pieces: BTreeMap<usize, Vec<u8>>) -> Vec<u8> {
    pieces.into_iter().fold(Vec::new(), |mut all, (at, piece)| {
        assert_eq!(at, all.len(), "a gap, or written twice");
        all.extend(piece);
        all
    })
}

impl Backend for Recorder {
    type Weights = CpuWeights;
    type Executable = Planned;
    type Session = CpuSession;

    fn caps(&self) -> &Caps {
        self.inner.caps()
    }
    fn choose(&self, op: &Op, node: &str, x: &[Operand], out: &Operand) -> Result<Choice, Unsupported> {
        self.inner.choose(op, node, x, out)
    }
    fn layout(&self, leaf: &Leaf, stored: Encoding) -> Layout {
        let matrix = leaf.role == Role::Matrix;
        let encoding = if leaf.role == Role::Vector { Encoding::F32 } else { stored };
        let layout = Layout::new(leaf, encoding, matrix, if matrix { [4, 8] } else { [1, 1] });
        Layout { panel: self.panel.filter(|_| matrix), ..layout }
    }
    fn regions(&self, planned: &Planned, draws: usize) -> Result<Vec<Region>, Unsupported> {
        self.inner.regions(planned, draws)
    }
    fn weights<'a>(&'a self, l: &'a [(Leaf, Layout)]) -> MaybeFuture<'a, Result<CpuWeights, DeviceError>> {
        self.inner.weights(l)
    }
    fn write<'a>(
        &'a self,
        _: &'a CpuWeights,
        leaf: LeafId,
        at: u64,
        bytes: &'a [u8],
    ) -> MaybeFuture<'a, Result<(), DeviceError>> {
        assert!(at.is_multiple_of(4) && bytes.len() <= PIECE);
        let mut all = self.written.lock().unwrap();
        let before = all.entry(leaf).or_default().insert(at as usize, bytes.to_vec());
        assert!(before.is_none(), "byte {at} is written twice");
        Box::pin(std::future::ready(Ok(())))
    }
    fn compile<'a>(
        &'a self,
        planned: Planned,
        progress: Listener<'a, (usize, usize)>,
    ) -> MaybeFuture<'a, Result<Planned, CompileError>> {
        self.inner.compile(planned, progress)
    }
    fn open<'a>(
        &'a self,
        executable: &'a Arc<Planned>,
        weights: &'a Arc<CpuWeights>,
        draws: usize,
    ) -> MaybeFuture<'a, Result<CpuSession, DeviceError>> {
        self.inner.open(executable, weights, draws)
    }
}

/// Notes every read as bytes of the file.
struct Noted {
    inner: BytesSource<Vec<u8>>,
    reads: Arc<Mutex<Vec<Range<u64>>>>,
}

impl TensorSource for Noted {
    fn entries(&self) -> &BTreeMap<String, TensorEntry> {
        self.inner.entries()
    }
    fn read<'a>(
        &'a self,
        name: &'a str,
        range: Range<u64>,
        into: &'a mut [u8],
    ) -> MaybeFuture<'a, Result<(), SourceError>> {
        let start = self.inner.entries()[name].start;
        self.reads.lock().unwrap().push(start + range.start..start + range.end);
        self.inner.read(name, range, into)
    }
}

/// Tensors in the order in which the file is to have them.
fn file(tensors: &[(&str, &[usize])]) -> Vec<u8> {
    let mut header = serde_json::Map::new();
    let mut data = Vec::new();
    for (name, shape) in tensors {
        let from = data.len();
        let count: usize = shape.iter().product();
        data.extend(
            (0..count).flat_map(|i| half::f16::from_f32(((i * 7 + from) % 200) as f32).to_le_bytes()),
        );
        let entry = serde_json::json!({"dtype": "F16", "shape": shape, "data_offsets": [from, data.len()]});
        header.insert((*name).into(), entry);
    }
    let header = serde_json::to_vec(&header).unwrap();
    [&(header.len() as u64).to_le_bytes(), &header[..], &data].concat()
}

#[test]
fn files_are_read_once_and_leaves_are_whole() {
    for panel in [None, Some(8), Some(64)] {
        read_once(panel);
    }
}

fn read_once(panel: Option<usize>) {
    // Larger than a read and, as a matrix, than a piece.
    let (rows, columns) = (3000, 1501);
    let tensors: [(&str, &[usize]); 11] = [
        ("last", &[5, columns]),
        ("third", &[64, columns]),
        ("first", &[128, columns]),
        ("words", &[rows, columns]),
        ("odd", &[3, 3]),
        ("bias", &[2_500_001]),
        ("v", &[5, columns]),
        ("large", &[rows, columns]),
        ("q", &[7, columns]),
        ("unneeded", &[9]),
        ("k", &[7, columns]),
    ];
    let bytes = file(&tensors);
    let reads: Arc<Mutex<Vec<_>>> = Arc::default();
    let inner = BytesSource::new("c", bytes.clone()).unwrap();
    let plain = BytesSource::new("c", bytes).unwrap();
    let sources: Sources =
        [("c".to_owned(), Box::new(Noted { inner, reads: reads.clone() }) as Box<dyn TensorSource>)].into();

    let mut leaves = Leaves::default();
    let mut leaf =
        |name, shape: &[usize], role| leaves.leaf("c", name, shape, Transform::Concat, role).unwrap();
    let [q, k, v] = [("q", 7), ("k", 7), ("v", 5)].map(|(n, rows)| leaf(n, &[rows, columns], Role::Matrix));
    let large = leaf("large", &[rows, columns], Role::Matrix);
    let table = leaf("large", &[rows, columns], Role::Table);
    // Straight: never held whole.
    let words = leaf("words", &[rows, columns], Role::Table);
    let odd = leaf("odd", &[3, 3], Role::Table);
    let bias = leaf("bias", &[2_500_001], Role::Vector);
    let joined = leaves.merge(&[q, k, v], Transform::Concat).id;
    let pairs = leaves.merge(&[q, k], Transform::InterleaveRows).id;
    let mut row = |name, n| leaves.leaf("c", name, &[n, columns], Transform::Concat, Role::Matrix).unwrap();
    let three = [row("first", 128), row("third", 64), row("last", 5)];
    let three = leaves.merge(&three, Transform::Concat).id;
    let plan = leaves.plan([large, table, joined, pairs, words, odd, bias, three]);
    let stored = plan.leaves.iter().map(|l| (l.id, Encoding::F16)).collect();

    let backend = Recorder { inner: CpuBackend::new(None), written: Mutex::default(), panel };
    let heard = Mutex::new(Vec::new());
    let hear = |told| heard.lock().unwrap().push(told);
    let store = block_on(WeightStore::load(&backend, plan, &stored, &sources, &hear)).unwrap();

    let reads = std::mem::take(&mut *reads.lock().unwrap());
    assert!(reads.iter().all(|r| r.end - r.start <= READ as u64), "{reads:?}");
    assert!(reads.is_sorted_by(|a, b| a.end <= b.start), "back and forth: {reads:?}");
    let needed: u64 = plain.entries().iter().filter(|(n, _)| *n != "unneeded").map(|(_, e)| e.bytes()).sum();
    assert_eq!(reads.iter().map(|r| r.end - r.start).sum::<u64>(), needed);
    let heard = heard.into_inner().unwrap();
    assert!(heard.len() > store.leaves.len() && heard.is_sorted(), "{heard:?}");
    assert_eq!(heard.last(), Some(&(store.bytes(), store.bytes())));

    let written = backend.take();
    for (id, (leaf, layout)) in &store.leaves {
        let tensors: Vec<_> = leaf
            .sources
            .iter()
            .map(|s| {
                let entry = &plain.entries()[&s.name];
                let mut bytes = vec![0; entry.bytes() as usize];
                block_on(plain.read(&s.name, 0..entry.bytes(), &mut bytes)).unwrap();
                (entry, bytes)
            })
            .collect();
        let tensors: Vec<_> = tensors.iter().map(|(e, b)| (*e, b.as_slice())).collect();
        assert!(encode(leaf, layout, &tensors).unwrap() == written[id], "{leaf:?}");
    }
    assert_eq!(written.len(), 8);

    block_on(store.replace(&backend, joined, &sources)).unwrap();
    assert!(backend.take()[&joined] == written[&joined]);
    assert_eq!(store.generation(), 1);
}

#[test]
fn a_tensor_that_is_not_there_is_named() {
    let mut leaves = Leaves::default();
    let leaf = leaves.leaf("c", "gone", &[2, 2], Transform::Concat, Role::Matrix).unwrap();
    let source = BytesSource::new("c", file(&[("here", &[2, 2])])).unwrap();
    let sources: Sources = [("c".to_owned(), Box::new(source) as Box<dyn TensorSource>)].into();
    let backend = Recorder { inner: CpuBackend::new(None), written: Mutex::default(), panel: None };
    let plan = leaves.plan([leaf]);
    let error = block_on(WeightStore::load(&backend, plan, &BTreeMap::new(), &sources, &|_| {})).err();
    assert!(error.unwrap().to_string().contains("`gone`"));
}
