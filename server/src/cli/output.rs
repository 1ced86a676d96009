//! Where pictures go. Everything is checked before a picture is made; a file appears whole or not at all, and nothing is overwritten
//! unless told to.

use std::ffi::OsStr;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::failure::Failure;

/// Where the pictures of one command go.
#[derive(Debug)]
pub(crate) enum Output {
    /// These files, one per picture.
    Files {
        /// Their names.
        paths: Vec<PathBuf>,
        /// Whether they may exist.
        overwrite: bool,
    },
    /// Fresh numbered files.
    Numbered {
        /// In this folder.
        folder: PathBuf,
        /// `stem-0001.png` and on.
        stem: String,
    },
}

impl Output {
    /// Decides and checks. Without `out`, and for a folder, files are numbered and named after the prompt; a file name is taken as it is for one picture and
    /// gets `-1`, `-2`, … before its end for several.
    pub(crate) fn plan(
        out: Option<&Path>,
        overwrite: bool,
        count: usize,
        prompt: &str,
    ) -> Result<Self, Failure> {
        let numbered = |folder: &Path| Self::Numbered { folder: folder.to_owned(), stem: stem(prompt) };
        let output = match out {
            None => numbered(Path::new(".")),
            Some(path) if path.is_dir() || ends_as_folder(path) => numbered(path),
            Some(path) => Self::Files { paths: files(path, count)?, overwrite },
        };
        output.check()?;
        Ok(output)
    }

    fn check(&self) -> Result<(), Failure> {
        let folder = match self {
            Self::Numbered { folder, .. } => folder.as_path(),
            Self::Files { paths, overwrite } => {
                for path in paths {
                    if path.is_dir() {
                        return Err(bad(
                            path,
                            "is a folder: name a file, or a folder that holds none of that name",
                        ));
                    }
                    // Also a link to nowhere is in the way.
                    if !overwrite && path.symlink_metadata().is_ok() {
                        return Err(bad(path, "exists: choose another name, or say --overwrite"));
                    }
                }
                paths.first().map_or(Path::new("."), |path| parent(path))
            }
        };
        if !folder.is_dir() {
            return Err(bad(folder, "is not a folder that exists: make it first, or choose another"));
        }
        // The only honest question to a file system is to try.
        temporary(folder)
            .map(drop)
            .map_err(|e| bad(folder, &format!("cannot be written to ({e}): choose another folder")))
    }

    /// Writes picture `at` and returns where it lies.
    pub(crate) fn write(&self, at: usize, bytes: &[u8]) -> Result<PathBuf, Failure> {
        match self {
            Self::Files { paths, overwrite } => {
                let path = &paths[at];
                let file = filled(parent(path), bytes)?;
                let kept = if *overwrite { file.persist(path) } else { file.persist_noclobber(path) };
                kept.map_err(|e| {
                    Failure::Other(format!("{} cannot be written: {}", path.display(), e.error))
                })?;
                Ok(path.clone())
            }
            Self::Numbered { folder, stem } => {
                let mut file = filled(folder, bytes)?;
                let mut number = next_number(folder, stem);
                loop {
                    let name = format!("{stem}-{number:04}.png");
                    let path = if folder == Path::new(".") { PathBuf::from(name) } else { folder.join(name) };
                    match file.persist_noclobber(&path) {
                        Ok(_) => return Ok(path),
                        // Someone else took the number.
                        Err(e) if e.error.kind() == ErrorKind::AlreadyExists => file = e.file,
                        Err(e) => {
                            return Err(Failure::Other(format!(
                                "{} cannot be written: {}",
                                path.display(),
                                e.error
                            )));
                        }
                    }
                    number += 1;
                }
            }
        }
    }
}

fn bad(path: &Path, why: &str) -> Failure {
    Failure::BadInput(format!("{} {why}", path.display()))
}

fn ends_as_folder(path: &Path) -> bool {
    path.as_os_str().to_string_lossy().ends_with(std::path::is_separator)
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The files of a name.
fn files(path: &Path, count: usize) -> Result<Vec<PathBuf>, Failure> {
    let png = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("png"));
    let (true, Some(stem)) = (png, path.file_stem()) else {
        return Err(bad(
            path,
            "does not end in .png, and pictures are PNG files: name one, or a folder that exists",
        ));
    };
    let suffix = |number: usize| {
        let mut name = stem.to_owned();
        name.push(format!("-{number}."));
        name.push(path.extension().unwrap_or(OsStr::new("png")));
        path.with_file_name(name)
    };
    Ok(if count == 1 { vec![path.to_owned()] } else { (1..=count).map(suffix).collect() })
}

/// A file that is gone when dropped. It lies where the picture will, so that moving it there is one step.
fn temporary(folder: &Path) -> std::io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".onelaunch-").suffix(".part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As any other new file: the process's mask takes away what the user does not want to give.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

fn filled(folder: &Path, bytes: &[u8]) -> Result<NamedTempFile, Failure> {
    let write = || {
        let mut file = temporary(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_data()?;
        Ok(file)
    };
    write().map_err(|e: std::io::Error| Failure::Other(format!("{}: {e}", folder.display())))
}

/// One more than the largest number there is.
fn next_number(folder: &Path, stem: &str) -> u64 {
    let number = |name: &OsStr| -> Option<u64> {
        name.to_str()?.strip_prefix(stem)?.strip_prefix('-')?.strip_suffix(".png")?.parse().ok()
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| number(&entry.file_name()))
        .max()
        .map_or(1, |largest| largest.saturating_add(1))
}

/// Letters and digits of a prompt, words joined by `-`, about 40 characters.
fn stem(prompt: &str) -> String {
    let mut stem = String::new();
    for word in prompt.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()) {
        if !stem.is_empty() && stem.chars().count() + word.chars().count() >= 40 {
            break;
        }
        if !stem.is_empty() {
            stem.push('-');
        }
        stem.extend(word.to_lowercase().chars().take(40));
    }
    if stem.is_empty() { "picture".into() } else { stem }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn stems_are_file_names() {
        assert_eq!(stem("A red apple!"), "a-red-apple");
        assert_eq!(stem("../../etc/passwd"), "etc-passwd");
        assert_eq!(stem(" 🍎 "), "picture");
        assert_eq!(stem("Äpfel, grün"), "äpfel-grün");
        assert!(stem(&"word ".repeat(50)).chars().count() <= 40);
        assert!(stem(&"x".repeat(500)).chars().count() <= 40);
    }

    #[test]
    fn numbers_go_on_and_nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a-fox-0041.png"), "old").unwrap();
        fs::write(folder.path().join("a-fox-x.png"), "old").unwrap();
        let output = Output::plan(Some(folder.path()), false, 2, "a fox").unwrap();
        assert!(output.write(0, b"first").unwrap().ends_with("a-fox-0042.png"));
        assert!(output.write(1, b"second").unwrap().ends_with("a-fox-0043.png"));
        assert_eq!(
            names(folder.path()),
            ["a-fox-0041.png", "a-fox-0042.png", "a-fox-0043.png", "a-fox-x.png"]
        );
    }

    #[test]
    fn a_file_that_appears_meanwhile_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        let output = Output::plan(Some(&path), false, 1, "").unwrap();
        fs::write(&path, "theirs").unwrap();
        assert_eq!(output.write(0, b"ours").unwrap_err().code(), 1);
        assert_eq!(fs::read(&path).unwrap(), b"theirs");
        assert_eq!(names(folder.path()), ["a.png"], "no temporary file is left");
        assert_eq!(Output::plan(Some(&path), false, 1, "").unwrap_err().code(), 2);
        Output::plan(Some(&path), true, 1, "").unwrap().write(0, b"ours").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"ours");
    }

    #[test]
    fn several_pictures_are_numbered() {
        let folder = tempfile::tempdir().unwrap();
        let output = Output::plan(Some(&folder.path().join("a.PNG")), false, 2, "").unwrap();
        output.write(0, b"1").unwrap();
        output.write(1, b"2").unwrap();
        assert_eq!(names(folder.path()), ["a-1.PNG", "a-2.PNG"]);
        let taken = Output::plan(Some(&folder.path().join("a.PNG")), false, 3, "").unwrap_err();
        assert!(taken.to_string().contains("a-1.PNG exists"), "{taken}");
    }

    #[test]
    fn bad_places_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        for (name, says) in [("a.jpg", ".png"), ("gone/a.png", "make it first"), ("gone/", "make it first")] {
            let error = Output::plan(Some(&folder.path().join(name)), false, 1, "x").unwrap_err();
            assert_eq!(error.code(), 2);
            assert!(error.to_string().contains(says), "{error}");
        }
        assert!(names(folder.path()).is_empty());
    }
}
