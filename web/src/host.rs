//! Files as JavaScript hands them in: whatever holds them (an address, a picked folder, the browser's private files) is its own affair. Each
//! file is asked for once, however often the pipeline looks at it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

use js_sys::{Promise, Uint8Array};
use onelaunch_core::files::{FileError, ModelFiles};
use onelaunch_core::maybe::MaybeFuture;
use onelaunch_core::weights::{SourceError, TensorEntry, TensorSource, header, locate};
use safetensors::tensor::Metadata;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::js;

#[wasm_bindgen]
extern "C" {
    /// The files of a model.
    #[derive(Clone, Debug)]
    pub type Host;
    #[wasm_bindgen(method, getter)]
    fn name(this: &Host) -> String;
    #[wasm_bindgen(method, catch)]
    fn read(this: &Host, path: &str) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn open(this: &Host, path: &str) -> Result<Promise, JsValue>;

    /// A safetensors file.
    #[derive(Clone, Debug)]
    pub type TensorFile;
    #[wasm_bindgen(method, getter)]
    fn header(this: &TensorFile) -> Uint8Array;
    #[wasm_bindgen(method, getter)]
    fn length(this: &TensorFile) -> Option<f64>;
    #[wasm_bindgen(method, catch, js_name = read)]
    fn read_range(this: &TensorFile, start: f64, end: f64) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn done(this: &TensorFile) -> Result<(), JsValue>;
}

/// Most bytes asked of JavaScript at once: what lies in its memory beside ours.
const PIECE: u64 = 512 << 10;

/// An opened file with its checked header.
#[derive(Debug)]
struct Opened {
    path: String,
    file: TensorFile,
    entries: BTreeMap<String, TensorEntry>,
}

/// A host as core sees it.
#[derive(Debug)]
pub struct HostFiles {
    host: Host,
    small: RefCell<BTreeMap<String, Option<Vec<u8>>>>,
    opened: RefCell<BTreeMap<String, Option<Rc<Opened>>>>,
}

impl HostFiles {
    pub fn new(host: Host) -> Self {
        Self { host, small: RefCell::default(), opened: RefCell::default() }
    }

    /// Bytes of a tensor in the files that were opened for a component.
    pub fn bytes_of(&self, component: &str, name: &str) -> u64 {
        let opened = self.opened.borrow();
        let files = opened.iter().filter(|(path, _)| path.split('/').next() == Some(component));
        let entry = files.filter_map(|(_, file)| file.as_ref()?.entries.get(name)).next();
        entry.map_or(0, TensorEntry::bytes)
    }

    /// Tells the host that nothing more is read.
    pub fn done(&self) {
        for file in self.opened.borrow().values().flatten() {
            // Not every host wants to hear of it.
            if js::get(&file.file, "done").is_some() {
                let _ = file.file.done();
            }
        }
    }

    async fn bytes(&self, path: &str) -> Result<Option<Vec<u8>>, FileError> {
        if let Some(known) = self.small.borrow().get(path) {
            return Ok(known.clone());
        }
        let fail = |thrown: JsValue| FileError::Read { path: path.into(), why: js::said(&thrown) };
        let value = JsFuture::from(self.host.read(path).map_err(fail)?).await.map_err(fail)?;
        let bytes = value.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec);
        self.small.borrow_mut().insert(path.to_owned(), bytes.clone());
        Ok(bytes)
    }

    async fn tensors(&self, path: &str) -> Result<Option<Rc<Opened>>, FileError> {
        if let Some(known) = self.opened.borrow().get(path) {
            return Ok(known.clone());
        }
        let fail = |thrown: JsValue| FileError::Read { path: path.into(), why: js::said(&thrown) };
        let value = JsFuture::from(self.host.open(path).map_err(fail)?).await.map_err(fail)?;
        let opened = if value.is_null() || value.is_undefined() {
            None
        } else {
            let file: TensorFile = value.unchecked_into();
            let entries = entries(path, &file.header().to_vec(), file.length())?;
            Some(Rc::new(Opened { path: path.to_owned(), file, entries }))
        };
        self.opened.borrow_mut().insert(path.to_owned(), opened.clone());
        Ok(opened)
    }
}

/// Checks a header against the file's length; where that is not known, the length that the header implies.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "lengths of files are whole numbers"
)]
fn entries(
    path: &str,
    head: &[u8],
    length: Option<f64>,
) -> Result<BTreeMap<String, TensorEntry>, SourceError> {
    // Without a length any will do until the header is known to be one.
    let known = length.map(|length| length as u64);
    let json = header::header_length(path, head, known.unwrap_or(u64::MAX))?;
    let short =
        || SourceError::Short { file: path.into(), missing: (8 + json).saturating_sub(head.len() as u64) };
    let text = usize::try_from(json).ok().and_then(|json| head.get(8..8 + json)).ok_or_else(short)?;
    let length = match known {
        Some(length) => length,
        None => {
            let fail =
                |why: serde_json::Error| SourceError::Header { file: path.into(), why: why.to_string() };
            let metadata: Metadata = serde_json::from_slice(text).map_err(fail)?;
            8 + json + metadata.data_len() as u64
        }
    };
    header::parse(path, text, length)
}

impl ModelFiles for HostFiles {
    fn read<'a>(&'a self, path: &'a str) -> MaybeFuture<'a, Result<Option<Vec<u8>>, FileError>> {
        Box::pin(self.bytes(path))
    }

    fn open<'a>(
        &'a self,
        path: &'a str,
    ) -> MaybeFuture<'a, Result<Option<Box<dyn TensorSource>>, FileError>> {
        Box::pin(async move {
            let opened = self.tensors(path).await?;
            Ok(opened.map(|file| Box::new(Source(file)) as Box<dyn TensorSource>))
        })
    }

    fn describe(&self) -> String {
        self.host.name()
    }
}

/// A file's tensors as core reads them.
struct Source(Rc<Opened>);

impl Source {
    async fn fill(&self, name: &str, range: Range<u64>, into: &mut [u8]) -> Result<(), SourceError> {
        let Opened { path, file, entries } = &*self.0;
        let mut start = locate(path, entries, name, range, into.len())?.start;
        let fail = |why: String| SourceError::Read { file: path.clone(), why };
        for piece in into.chunks_mut(PIECE as usize) {
            let end = start + piece.len() as u64;
            let thrown = |thrown: JsValue| fail(js::said(&thrown));
            let promise = file.read_range(offset(start), offset(end)).map_err(thrown)?;
            let value = JsFuture::from(promise).await.map_err(thrown)?;
            let bytes = value.dyn_into::<Uint8Array>().map_err(|_| fail("the host read no bytes".into()))?;
            if bytes.length() as usize != piece.len() {
                return Err(fail(format!("the host read {} bytes, not {}", bytes.length(), piece.len())));
            }
            bytes.copy_to(piece);
            start = end;
        }
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "files are shorter than 2^53 bytes")]
fn offset(at: u64) -> f64 {
    at as f64
}

impl TensorSource for Source {
    fn entries(&self) -> &BTreeMap<String, TensorEntry> {
        &self.0.entries
    }

    fn read<'a>(
        &'a self,
        name: &'a str,
        range: Range<u64>,
        into: &'a mut [u8],
    ) -> MaybeFuture<'a, Result<(), SourceError>> {
        Box::pin(self.fill(name, range, into))
    }
}
