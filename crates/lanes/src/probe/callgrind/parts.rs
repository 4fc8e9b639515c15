//! Reading callgrind's parts: the totals of each, by the name that the program gave it.
//!
//! The format is <https://valgrind.org/docs/manual/cl-format.html>. Of a part only the header and
//! the line `totals:` are needed. Traps: the order of columns is that of the line `events:`; zero
//! columns at the end of a line are left out; `summary:` can be far off (it underflows when
//! counting is switched), `totals:` is right; the last part of a process, "Program termination",
//! has no phase.

use std::collections::BTreeMap;

use amdahl_record::simulation::EVENTS;
use amdahl_record::units::Unit;
use amdahl_record::{Phase, Provenance, Reading, Role, Scope};

/// Name of the group of all simulated counts.
pub const GROUP: &str = "callgrind";

/// The first word of the names that we give to parts.
const OURS: &str = "amdahl";

/// How callgrind introduces the reason of a part.
const ASKED: &str = "desc: Trigger: Client Request: ";

/// The name of a part: a phase of a rank, and its role where others may not know it.
pub fn name(rank: usize, phase: Phase) -> String {
    let name = format!("{OURS} rank={rank} phase={}", phase.word());
    match phase.is_shared() {
        true => name,
        false => format!("{name} role={}", phase.role().word()),
    }
}

/// One part.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The simulator and its version.
    pub creator: String,
    /// The name that the program gave it; none for a part that callgrind wrote by itself.
    pub name: Option<String>,
    /// Totals, by callgrind's names of events.
    pub totals: BTreeMap<String, u64>,
}

/// Reads the text of a part. The error says what is wrong with it.
pub fn part(text: &str) -> Result<Part, String> {
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let creator = field("creator:").ok_or("it has no line 'creator:'")?.to_string();
    let events: Vec<&str> =
        field("events:").ok_or("it has no line 'events:'")?.split_whitespace().collect();
    let totals = field("totals:").ok_or("it has no line 'totals:', so it was cut off")?;
    let totals: Vec<u64> = totals
        .split_whitespace()
        .map(|word| word.parse().map_err(|_| format!("in 'totals:', '{word}' is no count")))
        .collect::<Result<_, _>>()?;
    if totals.len() > events.len() {
        return Err(format!("'totals:' has {} columns, 'events:' {}", totals.len(), events.len()));
    }
    let counts = totals.into_iter().chain(std::iter::repeat(0));
    Ok(Part {
        creator,
        name: field(ASKED).map(str::to_string),
        totals: events.into_iter().map(str::to_string).zip(counts).collect(),
    })
}

/// Rank and phase in a name of ours.
fn place(name: &str) -> Option<(usize, Phase)> {
    let rest = name.strip_prefix(OURS)?.trim_start().strip_prefix("rank=")?;
    let (rank, phase) = rest.split_once(" phase=")?;
    let phase = match phase.split_once(" role=") {
        None => Phase::find(phase)?,
        Some((name, role)) if Phase::is_name(name) => Phase::named(name, Role::from_word(role)?),
        Some(_) => return None,
    };
    Some((rank.parse().ok()?, phase))
}

/// What all ranks counted.
#[derive(Clone, Debug, PartialEq)]
pub struct Simulated {
    /// The simulator and its version.
    pub tool: String,
    /// By metric, `values[rank][phase]`.
    pub readings: Vec<Reading>,
}

/// Adds the parts of `ranks` ranks up, by phase. The timed phases have counts; the others were not
/// simulated.
pub fn add_up(parts: &[Part], ranks: usize) -> Result<Simulated, String> {
    let mut named = Vec::with_capacity(parts.len());
    for part in parts {
        let Some(name) = &part.name else { continue };
        let (rank, phase) = place(name).ok_or_else(|| format!("a part has the name '{name}'"))?;
        named.push((part, rank, phase));
    }
    // All of them are known by now.
    let phases = Phase::all();
    let mut sums = vec![vec![[0u64; EVENTS.len()]; phases.len()]; ranks];
    let mut seen = vec![false; ranks];
    let mut tool = None;
    for (part, rank, phase) in named {
        let of_rank =
            sums.get_mut(rank).ok_or_else(|| format!("a part of rank {rank}, of {ranks} ranks"))?;
        seen[rank] = true;
        for (sum, (event, _)) in of_rank[phase.index()].iter_mut().zip(EVENTS) {
            *sum +=
                part.totals.get(event).ok_or_else(|| format!("a part does not count {event}"))?;
        }
        tool = tool.or(Some(part.creator.replace("callgrind", "valgrind")));
    }
    if let Some(rank) = seen.iter().position(|seen| !seen) {
        return Err(format!("no phase of rank {rank} was counted"));
    }
    let tool = tool.ok_or("there is no part with a phase")?;
    let value = |of_rank: &[[u64; EVENTS.len()]], phase: Phase, event: usize| {
        if phase.is_timed() { of_rank[phase.index()][event] as f64 } else { f64::NAN }
    };
    let readings = EVENTS
        .iter()
        .enumerate()
        .map(|(event, (_, metric))| Reading {
            metric: (*metric).into(),
            unit: Unit::Count,
            from: Some(Provenance::Simulated),
            values: Some(
                sums.iter()
                    .map(|rank| phases.iter().map(|phase| value(rank, *phase, event)).collect())
                    .collect(),
            ),
            why: None,
            group: Some(GROUP.into()),
            scope: Scope::Lane,
        })
        .collect();
    Ok(Simulated { tool, readings })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "# callgrind format\nversion: 1\ncreator: callgrind-3.19.0\npid: 7\ncmd:  worker\npart: 1\n\n\n\
                        desc: I1 cache: 32768 B, 64 B, 8-way associative\n";
    /// With the underflow of `summary:` as it was seen.
    const TAIL: &str = "positions: line\nevents: Ir Dr Dw I1mr D1mr D1mw ILmr DLmr DLmw\n\
                        summary: 18446744073709551580 18446744073709551610\n\n\nob=(1) /worker\nfl=(1)\nfn=(1) step\n0 90 20\n\n";

    fn text(trigger: &str, totals: &str) -> String {
        format!(
            "{HEAD}desc: Timerange: Basic block 1 - 2\ndesc: Trigger: {trigger}\n\n{TAIL}totals: {totals}\n"
        )
    }

    fn parts(texts: &[String]) -> Vec<Part> {
        texts.iter().map(|text| part(text).expect("a part")).collect()
    }

    #[test]
    fn phases_add_up_and_what_is_not_simulated_is_null() {
        let asked = |rank, phase| format!("Client Request: {}", name(rank, phase));
        let texts = [
            text(&asked(0, Phase::ASSIGN), "90 20 10 0 5"),
            text(&asked(0, Phase::UPDATE), "7 3"),
            text(&asked(0, Phase::ASSIGN), "10 2 1 0 1 0 0 0 1"),
            text(&asked(1, Phase::ASSIGN), "80 18 9 0 4"),
            text("Program termination", "999999 9 9 9 9 9 9 9 9"),
        ];
        let all = add_up(&parts(&texts), 2).expect("both ranks");
        assert_eq!(all.tool, "valgrind-3.19.0");
        let value = |metric: &str, rank, phase| {
            all.readings.iter().find(|r| r.metric == metric).expect("known").value(rank, phase)
        };
        assert_eq!(
            value("instructions", 0, Phase::ASSIGN),
            Some(100.0),
            "from totals, not from the summary"
        );
        assert_eq!(value("L1D-read-misses", 0, Phase::ASSIGN), Some(6.0));
        assert_eq!(
            value("LL-write-misses", 0, Phase::ASSIGN),
            Some(1.0),
            "zeros at the end are left out in the others"
        );
        assert_eq!(value("instructions", 1, Phase::ASSIGN), Some(80.0));
        assert_eq!(value("data-writes", 0, Phase::UPDATE), Some(0.0));
        assert_eq!(value("instructions", 0, Phase::WAIT), Some(0.0), "never entered");
        assert_eq!(value("instructions", 0, Phase::LOAD), None, "not simulated");
    }

    #[test]
    fn columns_come_in_the_order_that_the_part_says() {
        let other =
            text("Program termination", "1 2 3").replace("events: Ir Dr Dw", "events: Dw Ir Dr");
        let part = part(&other).expect("a part");
        assert_eq!((part.totals["Dw"], part.totals["Ir"], part.totals["Dr"]), (1, 2, 3));
        assert_eq!(part.name, None);
    }

    #[test]
    fn what_is_damaged_is_said() {
        let good = text(&format!("Client Request: {}", name(0, Phase::ASSIGN)), "90 20");
        let cut = good.split("totals:").next().expect("a beginning");
        assert!(part(cut).expect_err("cut off").contains("cut off"));
        assert!(part("").expect_err("empty").contains("creator"));
        assert!(part(&good.replace("90", "9x")).expect_err("no number").contains("'9x'"));
        let long = text("Program termination", "1 2 3 4 5 6 7 8 9 10");
        assert!(part(&long).expect_err("too many").contains("10 columns"));
        let error = add_up(&parts(std::slice::from_ref(&good)), 2).expect_err("rank 1 is missing");
        assert_eq!(error, "no phase of rank 1 was counted");
        assert!(
            add_up(&parts(&[good.replace("rank=0", "rank=5")]), 2)
                .expect_err("too many")
                .contains("rank 5")
        );
        assert!(
            add_up(&parts(&[good.replace("D1mr", "X")]), 1)
                .expect_err("no cache-sim")
                .contains("D1mr")
        );
        assert!(
            add_up(&parts(&[good.replace("amdahl rank", "another")]), 1)
                .expect_err("not ours")
                .contains("another")
        );
    }
}
