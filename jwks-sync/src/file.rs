//! Reads small files that others replace while we run.

use std::io;
use std::path::Path;

use tokio::fs::File;
use tokio::io::AsyncReadExt;

/// Why a file could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FileError {
    #[error("{doing} {path}: {detail}")]
    Io { doing: &'static str, path: String, detail: String },
    #[error("{path} has more than {limit} bytes")]
    TooLarge { path: String, limit: usize },
}

impl FileError {
    /// As Go says it: `open a: no such file or directory`.
    pub(crate) fn io(doing: &'static str, path: &str, error: &io::Error) -> Self {
        let detail = error.to_string();
        // The system's words, before its number.
        let detail = detail.split(" (os error ").next().unwrap_or_default();
        let mut letters = detail.chars();
        let first = letters.next().map(|first| first.to_ascii_lowercase());
        let detail = first.into_iter().chain(letters).collect();
        Self::Io { doing, path: path.to_owned(), detail }
    }

    /// The name of the variant, for logs and metrics.
    pub(crate) const fn reason(&self) -> &'static str {
        match self {
            Self::Io { .. } => "file",
            Self::TooLarge { .. } => "file_too_large",
        }
    }
}

/// Reads the file whole, if it has at most `limit` bytes.
///
/// # Errors
/// [`FileError`], with the path.
pub(crate) async fn read(path: &Path, limit: usize) -> Result<Vec<u8>, FileError> {
    let failed = |doing, error: io::Error| FileError::io(doing, &path.display().to_string(), &error);
    let one_more = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut content = Vec::new();
    let file = File::open(path).await.map_err(|error| failed("open", error))?;
    file.take(one_more).read_to_end(&mut content).await.map_err(|error| failed("read", error))?;
    if content.len() > limit {
        return Err(FileError::TooLarge { path: path.display().to_string(), limit });
    }
    Ok(content)
}
