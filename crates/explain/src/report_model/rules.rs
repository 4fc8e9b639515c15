//! The twelve rules of reporting, and how these results fare.

use crate::analysis::Analysis;
use crate::figure::Drawing;
use crate::report_model::document::{Class, Kind, Section, Table};
use crate::reporting_rules;
use crate::reporting_rules::{Drawn, Joined, Status, Subject, Verdict};

/// What the rules say of results and the figures that were drawn from them.
pub fn verdicts(analysis: &Analysis<'_>, drawings: &[Drawing]) -> Vec<Verdict> {
    let figures: Vec<Drawn> = drawings.iter().map(drawn).collect();
    reporting_rules::check(&Subject { analysis, figures: Some(&figures) })
}

/// What a figure's lines join. A new figure is a line here, else the rule about lines cannot be
/// judged.
fn drawn(drawing: &Drawing) -> Drawn {
    let joined = match drawing.name {
        "speedup" | "bandwidth" | "efficiency" | "weak" | "growth" | "multiples" | "pop"
        | "cost" | "cache-measured" | "cache-simulated" => Some(Joined::Numbers),
        "phases" | "roofline" | "heat" | "objective" | "peers" | "mpki-measured"
        | "mpki-simulated" => Some(Joined::Nothing),
        _ => None,
    };
    Drawn { name: drawing.name.into(), from: vec![drawing.from], joined }
}

/// A table of all twelve.
pub fn rules(verdicts: &[Verdict]) -> Section {
    let mut section = Section::new("rules", "The twelve rules of reporting").in_appendix();
    section.text(
        "How these results fare under the rules of T. Hoefler and R. Belli, \u{201c}Scientific benchmarking of parallel computing systems\u{201d}, \
         SC'15. The program looks at the records and at what it drew; 'amdahl report --strict' ends with exit code 4 when a rule is broken.",
    );
    let kinds = [Kind::Number, Kind::Words, Kind::Range, Kind::Words];
    let columns: Vec<_> = reporting_rules::COLUMNS.into_iter().zip(kinds).collect();
    let mut table = Table::new("Rules and how they fare", &columns);
    for (row, verdict) in reporting_rules::rows(verdicts).into_iter().zip(verdicts) {
        let class = if verdict.status == Status::Broken { Class::Failed } else { Class::Plain };
        table.row(class, row.to_vec());
    }
    section.table(table);
    section
}
