//! Memory.

use tokio::net::UnixStream;

use crate::rig::Rig;

/// V8 reserves so much address space for each wasm memory, and lets the module use the beginning of it.
const RESERVED: u64 = 4 << 30;

/// Linear memory of a worker's VM: the biggest one of the process, if there are several (one on the main thread, one
/// a worker, and the one that the others are copies of). 0 when there is none.
///
/// Envoy has no figure for it. But V8 lays each memory at the beginning of a reservation of gigabytes, so it is what may
/// be read and written right before a region of gigabytes that may not.
pub(crate) fn linear_memory(process: u32) -> u64 {
    let maps =
        std::fs::read_to_string(format!("/proc/{process}/maps")).expect("the memory of a running process");
    linear_memories(&maps).max().unwrap_or_default()
}

fn linear_memories(maps: &str) -> impl Iterator<Item = u64> {
    let regions: Vec<_> = maps.lines().filter_map(Region::parse).collect();
    let pairs = regions.windows(2).filter(|pair| {
        pair[0].is_writable
            && pair[0].end == pair[1].start
            && !pair[1].is_accessible
            && pair[1].size() >= RESERVED
    });
    pairs.map(|pair| pair[0].size()).collect::<Vec<_>>().into_iter()
}

/// One line of `/proc/PID/maps`.
struct Region {
    start: u64,
    end: u64,
    is_writable: bool,
    is_accessible: bool,
}

impl Region {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let (start, end) = words.next()?.split_once('-')?;
        let rights = words.next()?;
        Some(Self {
            start: u64::from_str_radix(start, 16).ok()?,
            end: u64::from_str_radix(end, 16).ok()?,
            is_writable: rights.starts_with("rw"),
            is_accessible: !rights.starts_with("---"),
        })
    }

    fn size(&self) -> u64 {
        self.end - self.start
    }
}

/// Resident memory of a process.
pub(crate) fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("a running process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    1024 * line.trim().trim_end_matches(" kB").parse::<u64>().expect("kilobytes")
}

/// Resident memory of the sidecar with 64 issuers (as many as a configuration may have), all of them fetched.
pub(crate) async fn sidecar(rig: &Rig) -> u64 {
    let socket = UnixStream::connect(rig.biggest_sidecar().socket()).await.expect("the sidecar's socket");
    let owner = socket.peer_cred().ok().and_then(|peer| peer.pid()).expect("who listens there");
    resident(owner.cast_unsigned())
}

#[cfg(test)]
mod rows {
    use super::*;

    #[test]
    fn a_linear_memory_lies_before_its_reservation() {
        let maps = "\
            100000000000-100000200000 rw-p 00000000 00:00 0 \n\
            100000200000-100200000000 ---p 00000000 00:00 0 \n\
            7f0000000000-7f0000100000 rw-p 00000000 00:00 0 \n\
            7f0000100000-7f0000101000 ---p 00000000 00:00 0 \n\
            7f0000200000-7f0000300000 r-xp 00000000 08:01 7 /usr/bin/envoy\n";
        assert_eq!(linear_memories(maps).collect::<Vec<_>>(), [0x20_0000]);
    }
}
