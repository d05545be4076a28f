//! Run time of a process's threads, and on which cores they run.

use std::time::Duration;

use rustix::thread::{CpuSet, Pid, sched_getaffinity, sched_setaffinity};

/// What all threads of a process have run so far: the first number of `/proc/PID/task/TID/schedstat`, nanoseconds on a
/// core. A thread that ends takes its time with it; Envoy's live as long as it does.
pub(crate) fn run_time(process: u32) -> Duration {
    let nanoseconds = threads(process).filter_map(|thread| {
        let text = std::fs::read_to_string(format!("/proc/{process}/task/{thread}/schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanoseconds.sum())
}

fn threads(process: u32) -> impl Iterator<Item = u32> {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).expect("the threads of a running process");
    tasks.filter_map(|task| task.ok()?.file_name().to_str()?.parse().ok())
}

/// The cores that this program may use, split in two: some for Envoy, some for those who load it. With one core they
/// share it.
pub(crate) struct Cores {
    envoy: CpuSet,
    load: CpuSet,
    /// Whether the two are apart.
    pub(crate) are_apart: bool,
}

impl Cores {
    pub(crate) fn split() -> Self {
        let all = sched_getaffinity(None).expect("the cores of this process");
        let numbers: Vec<_> = (0..CpuSet::MAX_CPU).filter(|core| all.is_set(*core)).collect();
        let (mut envoy, mut load) = (CpuSet::new(), CpuSet::new());
        let half = numbers.len().div_ceil(2);
        for (place, core) in numbers.iter().enumerate() {
            if place < half { envoy.set(*core) } else { load.set(*core) }
        }
        let are_apart = load.count() > 0;
        Self { load: if are_apart { load } else { envoy }, envoy, are_apart }
    }

    /// Lets every thread of a process run on Envoy's cores alone.
    pub(crate) fn give_to_envoy(&self, process: u32) {
        for thread in threads(process) {
            let thread = Pid::from_raw(thread.cast_signed());
            // A thread that has just ended needs no core.
            _ = sched_setaffinity(thread, &self.envoy);
        }
    }

    /// Lets the calling thread run on the load's cores alone.
    pub(crate) fn take_for_load(&self) {
        sched_setaffinity(None, &self.load).expect("stay on these cores");
    }
}
