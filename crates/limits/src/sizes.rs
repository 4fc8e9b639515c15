//! How large buffers are, from what is known of the caches.

use amdahl_record::host::{CacheFacts, HostFacts};
use amdahl_record::limits::Level;

/// Sizes where the kernel describes no cache: small for today's processors, so that a buffer meant
/// for a level lies in it.
const UNKNOWN: [u64; 2] = [32 << 10, 512 << 10];

/// Size that is assumed of an unknown last level, so that memory is measured behind it.
const UNKNOWN_LAST: u64 = 64 << 20;

/// The most that all buffers take together, bytes: of the long and of the short version.
const MOST: [u64; 2] = [2 << 30, 1 << 30];

/// A buffer for a level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Size {
    /// The level.
    pub level: Level,
    /// What one lane sees of it, bytes; `None` for memory and where it is not known.
    pub capacity: Option<u64>,
    /// Bytes of each lane's buffer, or why there is none.
    pub bytes: Result<u64, String>,
}

/// Buffers of each of `lanes` lanes, by level.
///
/// A cache gets a buffer of half its size (of the share of each lane, where lanes share it), which
/// is larger than the level inside it. Memory gets four times the last level, spread over the
/// lanes; where that is too much for this machine, at least twice.
pub fn sizes(host: &HostFacts, lanes: u32, quick: bool) -> Vec<Size> {
    let lanes = u64::from(lanes.max(1));
    let data = |level: u32| {
        host.caches.iter().find(|cache| cache.level == level && cache.kind != "instruction")
    };
    let mut sizes = Vec::new();
    let mut inner = 0;
    for (level, number) in [(Level::L1, 1), (Level::L2, 2), (Level::L3, 3)] {
        let known = data(number);
        let bytes = match (known, UNKNOWN.get(number as usize - 1)) {
            // L1 and L2 may be unknown; that there is a third level has to be known.
            (None, Some(&bytes)) if host.caches.is_empty() => Ok(bytes / 2),
            (None, _) => Err(format!("this machine names no {}", level.word())),
            (Some(cache), _) => {
                let sharing = u64::from(cache.shared_by.unwrap_or(1)).clamp(1, lanes);
                Ok(cache.bytes / 2 / sharing)
            }
        };
        let bytes = bytes.and_then(|bytes| match bytes > inner {
            true => Ok(bytes),
            false => Err(format!(
                "a lane's share of the {} is no larger than the level inside it",
                level.word()
            )),
        });
        // Whole kilobytes, so that three arrays of whole vectors fit.
        let bytes = bytes.map(|bytes| bytes / 1024 * 1024);
        inner = known
            .map(|cache| cache.bytes)
            .or(bytes.as_ref().ok().map(|bytes| 2 * bytes))
            .unwrap_or(inner);
        sizes.push(Size { level, capacity: known.map(|cache| cache.bytes), bytes });
    }
    sizes.push(Size { level: Level::Memory, capacity: None, bytes: memory(host, lanes, quick) });
    sizes
}

fn memory(host: &HostFacts, lanes: u64, quick: bool) -> Result<u64, String> {
    let last = host
        .caches
        .iter()
        .filter(|cache| cache.kind != "instruction")
        .max_by_key(|cache| cache.level);
    let all = last.map_or(UNKNOWN_LAST, |cache| cache.bytes * instances(cache, host.cpus));
    let most = MOST[usize::from(quick)].min(host.memory_bytes.map_or(u64::MAX, |bytes| bytes / 4));
    let bytes = (4 * all).min(most);
    if bytes < 2 * all {
        let mib = |bytes: u64| bytes >> 20;
        return Err(format!(
            "buffers of {} MiB, the most allowed here, would partly lie in caches of {} MiB",
            mib(bytes),
            mib(all)
        ));
    }
    Ok(bytes / lanes / 4096 * 4096)
}

/// How many of these caches the machine has.
fn instances(cache: &CacheFacts, cpus: u32) -> u64 {
    u64::from(cpus.max(1).div_ceil(cache.shared_by.unwrap_or(1).max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(level: u32, kind: &str, bytes: u64, shared_by: u32) -> CacheFacts {
        CacheFacts {
            level,
            kind: kind.into(),
            bytes,
            line_bytes: Some(64),
            ways: None,
            shared_by: Some(shared_by),
        }
    }

    fn machine(cpus: u32, caches: Vec<CacheFacts>) -> HostFacts {
        HostFacts { cpus, caches, memory_bytes: Some(16 << 30), ..amdahl_record::host::gather() }
    }

    fn bytes(host: &HostFacts, lanes: u32, quick: bool) -> Vec<Option<u64>> {
        sizes(host, lanes, quick).into_iter().map(|size| size.bytes.ok()).collect()
    }

    #[test]
    fn buffers_lie_in_their_level_and_not_in_the_one_inside() {
        let caches = vec![
            cache(1, "data", 32 << 10, 1),
            cache(1, "instruction", 64 << 10, 1),
            cache(2, "unified", 1 << 20, 1),
            cache(3, "unified", 32 << 20, 2),
        ];
        let host = machine(2, caches);
        let kib = |n: u64| Some(n << 10);
        assert_eq!(bytes(&host, 1, false), [kib(16), kib(512), kib(16 << 10), kib(128 << 10)]);
        assert_eq!(bytes(&host, 2, false), [kib(16), kib(512), kib(8 << 10), kib(64 << 10)]);
        assert_eq!(sizes(&host, 1, false)[2].capacity, Some(32 << 20));
    }

    #[test]
    fn a_share_that_is_too_small_is_no_level() {
        let caches = vec![
            cache(1, "data", 48 << 10, 1),
            cache(2, "unified", 2 << 20, 1),
            cache(3, "unified", 24 << 20, 16),
        ];
        let all = sizes(&machine(16, caches), 16, false);
        assert!(all[2].bytes.as_ref().is_err_and(|why| why.contains("share of the L3")), "{all:?}");
        assert_eq!(all[3].bytes, Ok((96 << 20) / 16));
    }

    #[test]
    fn unknown_caches_have_careful_sizes_and_no_third_level() {
        let all = bytes(&machine(4, vec![]), 1, false);
        assert_eq!(all, [Some(16 << 10), Some(256 << 10), None, Some(256 << 20)]);
    }

    #[test]
    fn memory_behind_large_caches_is_measured_behind_them_or_not_at_all() {
        let large = machine(64, vec![cache(3, "unified", 300 << 20, 32)]);
        assert_eq!(
            bytes(&large, 1, false)[3],
            Some(2 << 30),
            "two caches of 300 MiB, and 4 GiB may be used"
        );
        let quick = sizes(&large, 1, true)[3].bytes.clone();
        assert!(quick.is_err_and(|why| why.contains("1024 MiB")), "1200 MiB would be needed");
        let small = HostFacts { memory_bytes: Some(64 << 20), ..large };
        assert!(sizes(&small, 1, false)[3].bytes.is_err());
    }
}
