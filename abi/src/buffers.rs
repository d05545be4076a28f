//! Buffers that the host fills.

use std::ptr;

/// Largest buffer that is kept for the next use, in bytes: a request's headers.
const MAX_SPARE: usize = 64 * 1024;

/// The buffers that were made for the host and are not yet taken.
pub(crate) struct Buffers {
    /// Made in the present call to the host, as a rule one.
    made: Vec<Vec<u8>>,
    /// One that was used, for the next that is needed.
    spare: Vec<u8>,
}

impl Buffers {
    pub(crate) const fn new() -> Self {
        Self { made: Vec::new(), spare: Vec::new() }
    }

    /// Makes a buffer. Null when there is no room.
    pub(crate) fn make(&mut self, size: usize) -> *mut u8 {
        let mut buffer = if size <= MAX_SPARE { std::mem::take(&mut self.spare) } else { Vec::new() };
        buffer.clear();
        if buffer.try_reserve_exact(size).is_err() {
            return ptr::null_mut();
        }
        buffer.resize(size, 0);
        let address = buffer.as_mut_ptr();
        self.made.push(buffer);
        address
    }

    /// Takes the buffer that has this address and size. There need not be any.
    pub(crate) fn take(&mut self, address: *const u8, size: usize) -> Option<Vec<u8>> {
        let is_it = |made: &Vec<u8>| ptr::eq(made.as_ptr(), address) && made.len() == size;
        let position = self.made.iter().position(is_it)?;
        Some(self.made.swap_remove(position))
    }

    /// Lets go of what was made and not taken.
    pub(crate) fn clear(&mut self) {
        while let Some(buffer) = self.made.pop() {
            self.recycle(buffer);
        }
    }

    /// A buffer is no longer needed.
    pub(crate) fn recycle(&mut self, buffer: Vec<u8>) {
        if buffer.capacity() <= MAX_SPARE && buffer.capacity() > self.spare.capacity() {
            self.spare = buffer;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_can_be_taken_once() {
        let mut buffers = Buffers::new();
        let (one, two) = (buffers.make(3), buffers.make(5));
        assert_eq!(buffers.take(two, 5), Some(vec![0; 5]));
        assert_eq!(buffers.take(two, 5), None);
        assert_eq!(buffers.take(one, 3), Some(vec![0; 3]));
        assert!(!buffers.make(0).is_null());
    }

    #[test]
    fn what_was_not_made_can_not() {
        let mut buffers = Buffers::new();
        let one = buffers.make(3);
        for (address, size) in [
            (one.cast_const(), 2),
            (one.cast_const(), 4),
            (one.wrapping_add(1).cast_const(), 2),
            (ptr::null(), 3),
        ] {
            assert_eq!(buffers.take(address, size), None);
        }
        buffers.clear();
        assert_eq!(buffers.take(one, 3), None);
        assert!(buffers.make(usize::MAX).is_null());
    }

    #[test]
    fn a_buffer_is_used_again_and_holds_nothing_of_before() {
        let mut buffers = Buffers::new();
        let address = buffers.make(100);
        let mut buffer = buffers.take(address, 100).unwrap();
        buffer.fill(7);
        buffers.recycle(buffer);
        assert!(ptr::eq(buffers.make(50), address));
        assert_eq!(buffers.take(address, 50), Some(vec![0; 50]));
        buffers.recycle(vec![0; MAX_SPARE + 1]);
        assert!(buffers.spare.is_empty());
    }
}
