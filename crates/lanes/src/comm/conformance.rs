//! What every communicator must do, as one program that its lanes run: a new communicator joins by
//! running it.
//!
//! Unit tests run it on threads; `amdahl-worker --self-test` runs it under whatever launched it,
//! MPI included.

use crate::comm::{Buf, Comm, Op, Recv, Send};
use amdahl_record::error::{Error, Result};

fn expect(holds: bool, what: &str) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::internal(format!("communicator: {what}"))) }
}

/// Runs all checks; every lane calls it. Returns the number of checks that this lane made.
pub fn check(comm: &dyn Comm) -> Result<u32> {
    let mut made = 0;
    for part in [lanes, broadcasts, reductions, gathers, ring, scatter, started_sums, agreement] {
        made += part(comm)?;
        comm.barrier()?;
    }
    Ok(made)
}

fn lanes(comm: &dyn Comm) -> Result<u32> {
    let lane = comm.lane();
    expect(lane.index < lane.count, "the lane is one of the lanes")?;
    expect(
        lane.index == lane.rank * lane.threads + lane.thread,
        "lanes are numbered rank by rank",
    )?;
    expect(lane.count == lane.ranks * lane.threads, "lanes are ranks x threads")?;
    expect(
        lane.node_index < lane.node_count && lane.node_count <= lane.count,
        "the lane is one of its node's",
    )?;
    let mut seen = vec![0u64; lane.count];
    seen[lane.index] = 1;
    comm.all_reduce(Op::Sum, Buf::U64(&mut seen))?;
    expect(seen.iter().all(|&s| s == 1), "each lane number belongs to exactly one lane")?;
    Ok(5)
}

fn broadcasts(comm: &dyn Comm) -> Result<u32> {
    let lane = comm.lane();
    for root in 0..lane.count {
        for length in [0, 1, 7, 4096, 100_003] {
            let pattern = |i: usize| (i * 31 + root * 7 + length) as u8;
            let mut bytes: Vec<u8> = if lane.index == root {
                (0..length).map(pattern).collect()
            } else {
                vec![0xAA; length]
            };
            comm.broadcast(root, &mut bytes)?;
            expect(
                bytes.iter().enumerate().all(|(i, &b)| b == pattern(i)),
                "a broadcast brings the root's bytes",
            )?;
        }
    }
    Ok(5 * lane.count as u32)
}

fn reductions(comm: &dyn Comm) -> Result<u32> {
    let lane = comm.lane();
    let (me, count) = (lane.index as i64, lane.count as i64);
    for length in [0, 1, 3, 33, 1000, 70_001] {
        let mut sums: Vec<i64> = (0..length).map(|i| (i as i64) * 3 - me).collect();
        comm.all_reduce(Op::Sum, Buf::I64(&mut sums))?;
        let all = count * (count - 1) / 2;
        let right = sums.iter().enumerate().all(|(i, &s)| s == (i as i64) * 3 * count - all);
        expect(right, "a sum of integers is exact on every lane")?;
        let mut largest: Vec<u64> =
            (0..length).map(|i| (i as u64 * 7 + me as u64 * 13) % 101).collect();
        comm.all_reduce(Op::Max, Buf::U64(&mut largest))?;
        let expected =
            |i: usize| (0..count as u64).map(|lane| (i as u64 * 7 + lane * 13) % 101).max();
        expect(
            largest.iter().enumerate().all(|(i, &m)| Some(m) == expected(i)),
            "the largest of unsigned integers",
        )?;
    }
    let mut smallest = [me as f64 + 0.5, -(me as f64)];
    comm.all_reduce(Op::Min, Buf::F64(&mut smallest))?;
    expect(smallest == [0.5, -(count as f64 - 1.0)], "the smallest of floating-point numbers")?;
    // Wrapping is part of the contract: digests are added modulo 2^64.
    let mut digest = [u64::MAX / 2 + 1 + me as u64, i64::MIN as u64];
    comm.all_reduce(Op::Sum, Buf::U64(&mut digest))?;
    let expected = (0..count as u64).fold(0u64, |s, i| s.wrapping_add(u64::MAX / 2 + 1 + i));
    expect(digest[0] == expected, "sums wrap")?;
    Ok(14)
}

fn gathers(comm: &dyn Comm) -> Result<u32> {
    let lane = comm.lane();
    // Lane i sends i % 3 × 5 bytes: some send nothing.
    let counts: Vec<usize> = (0..lane.count).map(|i| i % 3 * 5).collect();
    let mut all = vec![0xEEu8; counts.iter().sum()];
    comm.all_gather_v(&vec![lane.index as u8; counts[lane.index]], &counts, &mut all)?;
    let expected: Vec<u8> =
        counts.iter().enumerate().flat_map(|(i, &n)| vec![i as u8; n]).collect();
    expect(all == expected, "a gather concatenates in lane order")?;
    Ok(1)
}

fn ring(comm: &dyn Comm) -> Result<u32> {
    let lane = comm.lane();
    let (right, left) = ((lane.index + 1) % lane.count, (lane.index + lane.count - 1) % lane.count);
    for length in [1usize, 1000, 300_000] {
        let bytes = vec![lane.index as u8; length + lane.index];
        let mut from_left = vec![0xEEu8; length + left];
        comm.exchange(
            &[Send { to: right, bytes: &bytes }],
            &mut [Recv { from: left, bytes: &mut from_left }],
        )?;
        expect(from_left.iter().all(|&b| b == left as u8), "a ring brings the neighbour's bytes")?;
    }
    Ok(3)
}

fn scatter(comm: &dyn Comm) -> Result<u32> {
    let lane = comm.lane();
    let parts: Vec<Vec<u8>> = (0..lane.count).map(|i| vec![i as u8 ^ 0x5A; 100 + i]).collect();
    let sends: Vec<Send<'_>> = match lane.index {
        0 => parts.iter().enumerate().map(|(to, bytes)| Send { to, bytes }).collect(),
        _ => Vec::new(),
    };
    let mut mine = vec![0u8; 100 + lane.index];
    comm.exchange(&sends, &mut [Recv { from: 0, bytes: &mut mine }])?;
    expect(mine == parts[lane.index], "a scatter brings each lane its part")?;
    Ok(1)
}

fn started_sums(comm: &dyn Comm) -> Result<u32> {
    let lane = comm.lane();
    let first = comm.start_sum(vec![lane.index as i64; 5])?;
    let second = comm.start_sum((0..50_000).collect())?;
    let all = (lane.count * (lane.count - 1) / 2) as i64;
    expect(comm.wait_sum(first)? == [all; 5], "the first started sum")?;
    let sums = comm.wait_sum(second)?;
    expect(
        sums.iter().enumerate().all(|(i, &s)| s == (i * lane.count) as i64),
        "the second started sum",
    )?;
    Ok(2)
}

fn agreement(comm: &dyn Comm) -> Result<u32> {
    let lane = comm.lane();
    comm.agree(Ok(()))?;
    for bad in 0..lane.count {
        let local = if lane.index >= bad {
            Err(Error::data(format!("from lane {}", lane.index))
                .at("file.csv", 3, 1)
                .hint("mend it"))
        } else {
            Ok(())
        };
        let expected = Error::data(format!("from lane {bad}")).at("file.csv", 3, 1).hint("mend it");
        expect(comm.agree(local) == Err(expected), "all lanes end with the lowest lane's error")?;
    }
    comm.agree(Ok(()))?;
    Ok(2 + lane.count as u32)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::comm::hybrid::{Hybrid, Mailroom};
    use crate::comm::solo::Solo;
    use crate::comm::threads::Team;
    use crate::comm::{Comm, Lane};

    /// Runs `program` on every lane of a team of threads.
    pub fn on_threads(count: usize, program: &(dyn Fn(&dyn Comm) + Sync)) {
        let team = Team::new(count, true);
        std::thread::scope(|scope| {
            for thread in 0..count {
                let team = &team;
                scope.spawn(move || program(&team.member(team.lane(thread))));
            }
        });
    }

    /// Runs `program` on threads in "ranks" that are threads too: the routing of the hybrid
    /// communicator without MPI.
    pub fn on_hybrid(ranks: usize, threads: usize, program: &(dyn Fn(&dyn Comm) + Sync)) {
        let outer = Team::new(ranks, true);
        std::thread::scope(|scope| {
            for rank in 0..ranks {
                let (team, mail) = (Team::new(threads, true), Mailroom::new(threads));
                for thread in 0..threads {
                    let (outer, team, mail) = (outer.clone(), team.clone(), mail.clone());
                    scope.spawn(move || {
                        let index = rank * threads + thread;
                        let count = ranks * threads;
                        let lane = Lane {
                            index,
                            count,
                            rank,
                            ranks,
                            thread,
                            threads,
                            node_index: index,
                            node_count: count,
                        };
                        let between = (thread == 0)
                            .then(|| Box::new(outer.member(outer.lane(rank))) as Box<dyn Comm>);
                        program(&Hybrid::new(team.member(lane), between, mail));
                    });
                }
            }
        });
    }

    #[test]
    fn solo() {
        assert!(check(&Solo).expect("conforms") > 10);
    }

    #[test]
    fn threads() {
        for count in [1, 2, 3, 5, 8] {
            on_threads(count, &|comm| assert!(check(comm).expect("conforms") > 10));
        }
    }

    #[test]
    fn hybrid_over_threads() {
        for (ranks, threads) in [(1, 1), (1, 3), (3, 1), (2, 2), (3, 4)] {
            on_hybrid(ranks, threads, &|comm| assert!(check(comm).expect("conforms") > 10));
        }
    }

    #[test]
    fn a_lane_that_panics_ends_the_others() {
        let team = Team::new(3, true);
        let ends: Vec<_> = std::thread::scope(|scope| {
            let lanes: Vec<_> = (0..3)
                .map(|thread| {
                    let team = &team;
                    scope.spawn(move || {
                        let comm = team.member(team.lane(thread));
                        if thread == 1 {
                            std::panic::resume_unwind(Box::new("lane 1 is gone"));
                        }
                        comm.barrier()
                    })
                })
                .collect();
            lanes.into_iter().map(|lane| lane.join()).collect()
        });
        assert!(matches!(ends[0], Ok(Err(_))) && ends[1].is_err() && matches!(ends[2], Ok(Err(_))));
    }
}
