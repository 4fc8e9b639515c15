//! Ours beside outside programs, and the questions about several processes.

use crate::analysis::Analysis;
use crate::report_model::document::{Block, Class, Kind, Section, Table};
use crate::summary::Summary;
use crate::{homework_questions, peer_comparison, show};

/// The ranks, what comes of them, and what ran; `None` where no outside program was asked for.
pub fn beside(analysis: &Analysis<'_>) -> Option<Section> {
    let summary = analysis.summary;
    let mut section = Section::new("peers", "Beside other programs");
    let columns: Vec<_> =
        peer_comparison::COLUMNS.iter().map(|&(title, align)| (title, align.into())).collect();
    for group in &summary.groups {
        let ranks = &analysis.group(group).ranks;
        if peer_comparison::heading(ranks).is_none() {
            continue;
        }
        let mut table = Table::new(show::heading(group), &columns);
        for (row, rank) in peer_comparison::rows(ranks).zip(ranks) {
            table.row(if rank.place.is_none() { Class::Failed } else { Class::Plain }, row);
        }
        section.table(table);
        peer_comparison::findings(ranks)
            .into_iter()
            .for_each(|finding| section.text(format!("{finding}.")));
    }
    if section.blocks.is_empty() {
        return None;
    }
    section.note(
        "The same rows, the same initial centroids, the same rule for the end; runs of all programs are interleaved. Times are wall times of an \
         iteration; reading the rows is apart. Over ours is the median over that of our fastest cell with as many lanes, above 1 is slower, with a \
         95 % bootstrap interval. CPU is of an iteration and all lanes together; memory is the largest resident set of one process. Inertia is \
         computed by one function from everybody's final centroids; off ours by is relative. Programs without a time are in the table of \
         failures, with the reason.",
    );
    let columns =
        [("program", Kind::Range), ("version", Kind::Words), ("how it was timed", Kind::Words)];
    let mut ran = Table::new("What ran", &columns);
    for (name, version, timed) in peer_comparison::versions(summary.groups.iter()) {
        ran.row(Class::Plain, vec![name, version, timed]);
    }
    section.table(ran);
    Some(section)
}

/// The three questions, for each group that answers them; `None` where there is none.
pub fn questions(summary: &Summary) -> Option<Section> {
    let mut section = Section::new("questions", "More processes, and accuracy");
    for group in &summary.groups {
        let answers = homework_questions::answers(group);
        if !answers.is_empty() && summary.groups.len() > 1 {
            section.blocks.push(Block::Heading { text: show::heading(group) });
        }
        for answer in answers {
            section.text(answer.question);
            section.list(answer.facts);
        }
    }
    (!section.blocks.is_empty()).then_some(section)
}
