//! A bit that is flipped anywhere in a record file changes nothing, or is said.

use std::path::Path;

use amdahl_record::SCHEMA;
use amdahl_record::read::read;

/// So many bits are flipped, one at a time; more with `AMDAHL_FLIPS`.
const FLIPS: u64 = 200;

/// The n-th of a series of numbers that look random (SplitMix64).
fn random(n: u64) -> u64 {
    let mut x = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[test]
fn no_flipped_bit_changes_results_silently() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let whole = std::fs::read(data.join(format!("version-{SCHEMA}.jsonl"))).expect("a fixture");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.jsonl");
    let results_of = |bytes: &[u8]| {
        std::fs::write(&path, bytes).expect("written");
        read(folder.path())
    };
    let right = format!("{:?}", results_of(&whole).expect("readable"));
    assert!(right.contains("warnings: []"), "{right}");
    let wanted = std::env::var("AMDAHL_FLIPS").ok().and_then(|n| n.parse().ok()).unwrap_or(FLIPS);
    for flip in 0..wanted {
        let bit = random(flip) % (whole.len() as u64 * 8);
        let mut bytes = whole.clone();
        bytes[(bit / 8) as usize] ^= 1 << (bit % 8);
        let results = results_of(&bytes).unwrap_or_else(|e| panic!("bit {bit}: {e}"));
        let place = format!(
            "a.jsonl:{}",
            1 + whole[..(bit / 8) as usize].iter().filter(|&&b| b == b'\n').count()
        );
        let is_said = results.warnings.iter().any(|warning| warning.contains(&place));
        assert!(is_said || format!("{results:?}") == right, "bit {bit} at {place}");
    }
}
