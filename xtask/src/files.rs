//! Files with errors that name them.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::Result;

pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|why| format!("{}: {why}", path.display()).into())
}

/// Writes, with the folders above.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(|why| format!("{}: {why}", parent.display()))?;
    }
    std::fs::write(path, bytes).map_err(|why| format!("{}: {why}", path.display()).into())
}

/// An empty folder.
pub(crate) fn fresh(folder: &Path) -> Result<()> {
    let fail = |why| format!("{}: {why}", folder.display());
    if folder.exists() {
        std::fs::remove_dir_all(folder).map_err(fail)?;
    }
    std::fs::create_dir_all(folder).map_err(fail)?;
    Ok(())
}

/// All files below a folder, relative to it, with `/`, in order.
pub(crate) fn below(folder: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(at) = open.pop() {
        let entries = std::fs::read_dir(&at).map_err(|why| format!("{}: {why}", at.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else {
                let inner = path.strip_prefix(folder)?;
                let parts: Vec<_> = inner.iter().map(|part| part.to_string_lossy()).collect();
                found.push(parts.join("/"));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// SHA-256 in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
