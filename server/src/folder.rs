//! A model folder on this machine: where it is sought, and its files, mapped into memory instead of copied.
//! The one `unsafe` block of this crate is the map.

use std::ffi::OsStr;
use std::io;
use std::path::{Component, Path, PathBuf};

use memmap2::Mmap;
use onelaunch_core::files::{FileError, ModelFiles};
use onelaunch_core::maybe::MaybeFuture;
use onelaunch_core::weights::{BytesSource, TensorSource};

/// Names the folder where no option does.
pub const MODEL_VARIABLE: &str = "ONELAUNCH_MODEL";
/// The model that ships with the project, relative to the executable or the source tree.
const SHIPPED: &str = "models/emoji-mini";

/// Why there is no model folder.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// The name of a repository instead of a folder.
    #[error(
        "{0} is no folder here, and models are not downloaded: run `hf download {0} --local-dir {1}` (or `git clone https://huggingface.co/{0} {1}`, with Git LFS), then `--model {1}`"
    )]
    Repository(String, String),
    /// Nothing is there.
    #[error("{0}: there is no such folder: give the folder that holds model_index.json")]
    Absent(PathBuf),
    /// A file instead of a folder.
    #[error(
        "{0} is a file: give the diffusers folder that holds model_index.json; single-file checkpoints are not read"
    )]
    File(PathBuf),
    /// A folder without a model.
    #[error(
        "{0} holds no model_index.json: give the folder of a diffusers pipeline, not one of its components"
    )]
    NoModel(PathBuf),
    /// Nobody named a model, and the shipped one is not there.
    #[error(
        "no model: give one with --model DIR or ONELAUNCH_MODEL=DIR; the one that ships with the project was sought in {0}"
    )]
    NotFound(String),
}

/// A diffusers folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// Checks that `path` is a folder with a `model_index.json`.
    ///
    /// # Errors
    /// [`FolderError`] with what to do instead.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, FolderError> {
        let root = path.as_ref().to_path_buf();
        if root.is_file() {
            return Err(FolderError::File(root));
        }
        if !root.is_dir() {
            return Err(match repository(&root) {
                Some((name, own)) => FolderError::Repository(name, own),
                None => FolderError::Absent(root),
            });
        }
        if !root.join("model_index.json").is_file() {
            return Err(FolderError::NoModel(root));
        }
        Ok(Self { root })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.root
    }

    fn inside(&self, path: &str) -> Result<PathBuf, FileError> {
        let plain = Path::new(path).components().all(|c| matches!(c, Component::Normal(_)));
        if plain { Ok(self.root.join(path)) } else { Err(FileError::Outside { path: path.into() }) }
    }

    fn bytes(&self, path: &str) -> Result<Option<Vec<u8>>, FileError> {
        present(path, std::fs::read(self.inside(path)?))
    }

    fn tensors(&self, path: &str) -> Result<Option<Box<dyn TensorSource>>, FileError> {
        let full = self.inside(path)?;
        let Some(file) = present(path, std::fs::File::open(&full))? else { return Ok(None) };
        // SAFETY: the map is read-only and private to this value. What `Mmap` cannot rule out is another process that
        // truncates or rewrites the file meanwhile; weights are documented as not to be changed while they load, and nothing
        // derived from their bytes (after the header is copied) is used without a bounds check.
        let map = unsafe { Mmap::map(&file) };
        let Some(map) = present(path, map)? else { return Ok(None) };
        Ok(Some(Box::new(BytesSource::new(full.display().to_string(), map)?)))
    }
}

impl ModelFiles for Folder {
    fn read<'a>(&'a self, path: &'a str) -> MaybeFuture<'a, Result<Option<Vec<u8>>, FileError>> {
        Box::pin(std::future::ready(self.bytes(path)))
    }

    fn open<'a>(
        &'a self,
        path: &'a str,
    ) -> MaybeFuture<'a, Result<Option<Box<dyn TensorSource>>, FileError>> {
        Box::pin(std::future::ready(self.tensors(path)))
    }

    fn describe(&self) -> String {
        // `.` has no name; recipes say what the folder is called.
        self.root.canonicalize().as_ref().unwrap_or(&self.root).display().to_string()
    }
}

/// Opens the model: `explicit` (`--model`), `$ONELAUNCH_MODEL`, `models/emoji-mini` beside the executable, then in the source
/// tree that this crate was built from. The first two, where given, are never passed over.
///
/// # Errors
/// [`FolderError`].
pub fn find_model(explicit: Option<&Path>) -> Result<Folder, FolderError> {
    let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join(SHIPPED)));
    let source_tree = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(SHIPPED);
    let shipped: Vec<PathBuf> = beside.into_iter().chain([source_tree]).collect();
    search(explicit, std::env::var_os(MODEL_VARIABLE).as_deref(), &shipped)
}

fn search(
    explicit: Option<&Path>,
    variable: Option<&OsStr>,
    shipped: &[PathBuf],
) -> Result<Folder, FolderError> {
    if let Some(path) = explicit.or(variable.filter(|v| !v.is_empty()).map(Path::new)) {
        return Folder::open(path);
    }
    match shipped.iter().find(|path| path.is_dir()) {
        Some(path) => Folder::open(path),
        None => {
            let sought: Vec<String> = shipped.iter().map(|p| p.display().to_string()).collect();
            Err(FolderError::NotFound(sought.join(", ")))
        }
    }
}

/// `org/name` and `name`, if the path looks like a repository on a model hub: two parts, the first not a folder.
fn repository(path: &Path) -> Option<(String, String)> {
    let text = path.to_str()?;
    let (owner, name) = text.split_once('/')?;
    let plain = |s: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        !s.is_empty() && !s.starts_with('.') && s.chars().all(allowed)
    };
    (plain(owner) && plain(name) && !Path::new(owner).is_dir()).then(|| (text.to_owned(), name.to_owned()))
}

/// `None` for what is not there; other failures with what the system says.
fn present<T>(path: &str, result: io::Result<T>) -> Result<Option<T>, FileError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(e) => Err(FileError::Read { path: path.into(), why: e.to_string() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use onelaunch_core::files::open_component;

    fn shipped() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(SHIPPED)
    }

    #[test]
    fn reads_the_shipped_model() {
        let folder = find_model(Some(&shipped())).unwrap();
        let index = pollster::block_on(folder.read("model_index.json")).unwrap().unwrap();
        assert_eq!(index, std::fs::read(shipped().join("model_index.json")).unwrap());
        assert_eq!(pollster::block_on(folder.read("vae/nothing.json")), Ok(None));
        assert_eq!(pollster::block_on(folder.read("model_index.json/x")), Ok(None));
        for path in ["../emoji-mini/model_index.json", "/etc/passwd", "./x"] {
            assert!(
                matches!(pollster::block_on(folder.read(path)), Err(FileError::Outside { .. })),
                "{path}"
            );
        }
        let stems =
            [("text_encoder", "model"), ("transformer", "diffusion_pytorch_model"), ("vae", "taef2_decoder")];
        for (component, stem) in stems {
            let source = pollster::block_on(open_component(&folder, component, &[stem])).unwrap();
            let path = shipped().join(component).join(format!("{stem}.safetensors"));
            let bytes = std::fs::read(path).unwrap();
            let (name, entry) = source.entries().last_key_value().unwrap();
            let mut got = vec![0; entry.bytes() as usize];
            pollster::block_on(source.read(name, 0..entry.bytes(), &mut got)).unwrap();
            assert_eq!(got, bytes[entry.start as usize..entry.end as usize], "{component}");
        }
    }

    #[test]
    fn search_order() {
        let dir = shipped();
        let found = |explicit, variable, shipped: &[PathBuf]| search(explicit, variable, shipped);
        let here = Folder { root: dir.clone() };
        assert_eq!(found(Some(&dir), Some(OsStr::new("nowhere")), &[]), Ok(here.clone()));
        assert_eq!(found(None, Some(dir.as_os_str()), &[]), Ok(here.clone()));
        assert_eq!(found(None, Some(OsStr::new("")), &["nowhere".into(), dir.clone()]), Ok(here));
        let absent = Err(FolderError::Absent("nowhere".into()));
        assert_eq!(
            found(Some(Path::new("nowhere")), Some(dir.as_os_str()), std::slice::from_ref(&dir)),
            absent
        );
        assert_eq!(found(None, Some(OsStr::new("nowhere")), std::slice::from_ref(&dir)), absent);
        assert_eq!(found(None, None, &["a".into(), "b".into()]), Err(FolderError::NotFound("a, b".into())));
    }

    #[test]
    fn errors_say_what_to_do() {
        let error = |path: &Path| Folder::open(path).unwrap_err().to_string();
        let advice = error(Path::new("stabilityai/sd-turbo"));
        assert!(advice.contains("hf download stabilityai/sd-turbo --local-dir sd-turbo"), "{advice}");
        assert!(advice.contains("--model sd-turbo"), "{advice}");
        for path in ["/a/b", "./a", "../a", "a", "a/b/c", "src/nothing"] {
            assert!(error(Path::new(path)).contains("no such folder"), "{path}");
        }
        assert!(error(&shipped().join("model_index.json")).contains("is a file"));
        assert!(error(&shipped().join("vae")).contains("holds no model_index.json"));
    }
}
