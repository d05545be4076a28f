//! What is known of one source of the configuration.

use std::time::Duration;

use tokio::time::Instant;

use crate::sources::ReadError;

/// How often a failure that lasts is told again; so often kube-apiserver reads the file when nothing happens.
pub(super) const TELL_EVERY: Duration = Duration::from_mins(1);

/// What a source holds; `None` when there is no such source.
pub(super) type Bytes = Option<Vec<u8>>;

/// What is in force of a source, and what came after it.
pub(super) struct Known {
    pub(super) in_force: Bytes,
    /// What was bad, until something else is read.
    refused: Option<Bytes>,
    /// Why it can't be read, and when that was told last.
    unreadable: Option<(ReadError, Instant)>,
}

impl Known {
    /// This is in force.
    pub(super) const fn new(in_force: Bytes) -> Self {
        Self { in_force, refused: None, unreadable: None }
    }

    /// What may have to be judged. `None` when it is refused already, and for a failure that was told already.
    ///
    /// # Errors
    /// Why it can't be read, if that is to be told.
    pub(super) fn look(
        &mut self,
        read: Result<Bytes, ReadError>,
        now: Instant,
    ) -> Result<Option<Bytes>, ReadError> {
        match read {
            Ok(bytes) => {
                self.unreadable = None;
                Ok(Some(bytes).filter(|bytes| self.refused.as_ref() != Some(bytes)))
            }
            Err(failure) => {
                let is_told = self.unreadable.as_ref().is_some_and(|(known, told)| {
                    *known == failure && now.saturating_duration_since(*told) < TELL_EVERY
                });
                if is_told {
                    return Ok(None);
                }
                self.unreadable = Some((failure.clone(), now));
                Err(failure)
            }
        }
    }

    /// Whether these are in force and nothing bad came after them.
    pub(super) fn is_settled(&self, bytes: &Bytes) -> bool {
        self.in_force == *bytes && self.refused.is_none()
    }

    /// These are bad.
    pub(super) fn refuse(&mut self, bytes: Bytes) {
        self.refused = Some(bytes);
    }

    /// What was bad is there no longer: were it to come back, it would be told again.
    pub(super) fn good(&mut self) {
        self.refused = None;
    }
}
