//! The machine's caches as the simulator can model them: two levels, numbers of sets that are
//! powers of two.

use amdahl_record::error::{Error, Result};
use amdahl_record::host::{CacheFacts, HostFacts};
use amdahl_record::simulation::{Cache, Caches, LastLevel};

/// Ways that a modelled share of the third level may have.
const WAYS: std::ops::RangeInclusive<u32> = 4..=32;

/// The caches of one core of `host`, the last level being its second level or one core's share of
/// its third.
///
/// The share is size × threads of a core ∕ CPUs that share it, and the nearest that the simulator
/// can model.
pub fn caches(host: &HostFacts, last: LastLevel) -> Result<Caches> {
    let d1 = cache(host, 1, &["data", "unified"])?;
    let i1 = cache(host, 1, &["instruction"]).unwrap_or(d1);
    let second = cache(host, 2, &["unified", "data"])?;
    let ll = match last {
        LastLevel::L2 => second,
        LastLevel::L3Share => {
            let third = facts(host, 3, &["unified", "data"])?;
            let (ways, line) = shape(third);
            let cpus = third.shared_by.filter(|&n| n > 0).unwrap_or(host.cpus.max(1));
            let of_a_core =
                third.bytes * u64::from(host.threads_per_core.unwrap_or(1)) / u64::from(cpus);
            nearest(of_a_core.clamp(1, third.bytes), ways, line)
        }
    };
    Ok(Caches { i1, d1, ll, last })
}

fn facts<'a>(host: &'a HostFacts, level: u32, kinds: &[&str]) -> Result<&'a CacheFacts> {
    let found = kinds
        .iter()
        .find_map(|kind| host.caches.iter().find(|c| c.level == level && c.kind == *kind));
    found.filter(|cache| cache.bytes > 0).ok_or_else(|| {
        let message =
            format!("this machine does not tell about a {} cache of level {level}", kinds[0]);
        Error::unavailable(message)
            .hint("caches are modelled after /sys/devices/system/cpu/cpu0/cache")
    })
}

fn shape(cache: &CacheFacts) -> (u32, u32) {
    let line = cache.line_bytes.filter(|line| line.is_power_of_two() && *line >= 16).unwrap_or(64);
    (cache.ways.filter(|&ways| ways > 0).unwrap_or(8), line)
}

fn cache(host: &HostFacts, level: u32, kinds: &[&str]) -> Result<Cache> {
    let facts = facts(host, level, kinds)?;
    let (ways, line_bytes) = shape(facts);
    let exact = Cache { bytes: facts.bytes, ways, line_bytes };
    let whole = facts.bytes.is_multiple_of(u64::from(ways) * u64::from(line_bytes));
    Ok(if whole && exact.sets().is_power_of_two() {
        exact
    } else {
        nearest(facts.bytes, ways, line_bytes)
    })
}

/// The cache with a power of two of sets whose size is nearest to `bytes`, with about as many ways
/// as the real one.
fn nearest(bytes: u64, ways: u32, line_bytes: u32) -> Cache {
    let candidates = WAYS.flat_map(|ways| {
        let set = u64::from(ways) * u64::from(line_bytes);
        let below = 1u64 << (bytes / set).max(1).ilog2();
        [below, 2 * below].map(|sets| Cache { bytes: sets * set, ways, line_bytes })
    });
    let fallback = Cache { bytes: u64::from(ways) * u64::from(line_bytes), ways, line_bytes };
    candidates
        .min_by_key(|cache| (cache.bytes.abs_diff(bytes), cache.ways.abs_diff(ways)))
        .unwrap_or(fallback)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(caches: Vec<CacheFacts>, threads_per_core: u32) -> HostFacts {
        let mut host =
            amdahl_record::host::gather_below(std::path::Path::new("/nowhere"), std::iter::empty());
        (host.caches, host.threads_per_core) = (caches, Some(threads_per_core));
        host
    }

    fn level(level: u32, kind: &str, kib: u64, ways: u32, shared_by: u32) -> CacheFacts {
        let (line_bytes, ways, shared_by) = (Some(64), Some(ways), Some(shared_by));
        CacheFacts { level, kind: kind.into(), bytes: kib << 10, line_bytes, ways, shared_by }
    }

    /// 105 MiB in 15 ways for 48 cores with two threads: 114,688 sets, no power of two.
    fn server() -> HostFacts {
        host(
            vec![
                level(1, "data", 48, 12, 2),
                level(1, "instruction", 32, 8, 2),
                level(2, "unified", 2048, 16, 2),
                level(3, "unified", 105 << 10, 15, 96),
            ],
            2,
        )
    }

    #[test]
    fn the_first_two_levels_are_the_machine_s_own() {
        let caches = caches(&server(), LastLevel::L2).expect("all levels");
        assert_eq!(caches.d1.argument(), "49152,12,64");
        assert_eq!(caches.i1.argument(), "32768,8,64");
        assert_eq!((caches.ll.argument().as_str(), caches.ll.sets()), ("2097152,16,64", 2048));
    }

    #[test]
    fn the_share_of_the_third_is_the_nearest_that_can_be_modelled() {
        let ll = caches(&server(), LastLevel::L3Share).expect("all levels").ll;
        let share = (105u64 << 20) * 2 / 96;
        assert!(ll.sets().is_power_of_two() && ll.bytes == ll.sets() * u64::from(ll.ways) * 64);
        assert!(ll.bytes.abs_diff(share) * 30 <= share, "within 3.4 %: {} of {share}", ll.bytes);
        let odd = host(vec![level(1, "data", 40, 10, 1), level(2, "unified", 1280, 10, 1)], 1);
        let odd = caches(&odd, LastLevel::L2).expect("two levels");
        assert!(odd.d1.sets().is_power_of_two() && odd.d1.bytes == 40 << 10, "{:?}", odd.d1);
        assert_eq!(odd.i1, odd.d1, "where nothing is known of instructions");
    }

    #[test]
    fn a_level_that_is_not_there_is_said() {
        let two = host(vec![level(1, "data", 32, 8, 1), level(2, "unified", 1024, 8, 1)], 1);
        let error = caches(&two, LastLevel::L3Share).expect_err("no third level");
        assert!(error.message.contains("level 3"), "{error}");
        assert!(caches(&host(vec![], 1), LastLevel::L2).is_err());
    }

    #[test]
    fn every_size_has_a_model() {
        for bytes in [1, 100, 4096, 5000, 1 << 20, 3 << 20, (1 << 20) + 12345, 96 << 20] {
            let cache = nearest(bytes, 12, 64);
            assert!(cache.sets().is_power_of_two() && cache.bytes >= 256, "{bytes}: {cache:?}");
        }
    }
}
