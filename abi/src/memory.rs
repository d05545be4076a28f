//! What the host writes into a VM: it asks for a buffer, fills it, and says where it lies.
//!
//! Buffers are kept here until they are taken by their address, so what the host says is compared and never followed.

use std::cell::RefCell;
use std::ops::Deref;
use std::ptr;

use crate::buffers::Buffers;
use crate::types::Status;

thread_local! {
    static BUFFERS: RefCell<Buffers> = const { RefCell::new(Buffers::new()) };
}

/// Does something with the buffers; `None` where they are in use, which they never are.
fn with_buffers<T>(act: impl FnOnce(&mut Buffers) -> T) -> Option<T> {
    BUFFERS.with(|buffers| Some(act(&mut *buffers.try_borrow_mut().ok()?)))
}

/// Bytes from the host.
pub struct Buffer(Vec<u8>);

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.0);
        with_buffers(|buffers| buffers.recycle(buffer));
    }
}

/// Where the host says where its result is.
pub(crate) struct Returned {
    pub(crate) address: *mut u8,
    pub(crate) size: usize,
}

impl Returned {
    /// Nothing yet. What was made for an earlier call and not taken is let go.
    pub(crate) fn new() -> Self {
        with_buffers(Buffers::clear);
        Self { address: ptr::null_mut(), size: 0 }
    }

    /// Takes the buffer that the host says it has filled.
    pub(crate) fn take(self) -> Result<Buffer, Status> {
        if self.size == 0 {
            return Ok(Buffer(Vec::new()));
        }
        let buffer = with_buffers(|buffers| buffers.take(self.address, self.size));
        buffer.flatten().map(Buffer).ok_or(Status::ForeignBuffer)
    }
}

/// Makes a buffer for the host. Null, which the host takes for a failure, when there is no room.
// SAFETY: nothing else has this name; a module that had it twice would not link.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_memory_allocate(size: usize) -> *mut u8 {
    with_buffers(|buffers| buffers.make(size)).unwrap_or(ptr::null_mut())
}
