//! The page: one HTML file that needs nothing else, and says the same with and without script.

use crate::figure::Drawing;
use crate::figure::style::scheme_rules;
use crate::figure::trace::quoted;
use crate::report::blocks::{Left, list, many, section};
use crate::report::explorer_data::island;
use crate::report::fonts::faces;
use crate::report::html::{allowed, escape};
use crate::report::size::{CUTS, Cut, LIMIT};
use crate::report_model::Facts;

const STYLE: &str = concat!(include_str!("style.css"), include_str!("explorer.css"));

/// The script, a file for each thing that it does; nothing of it is visible from outside.
const SCRIPT: &str = concat!(
    "(() => {\n\"use strict\";\n",
    include_str!("script/dom.js"),
    include_str!("script/theme.js"),
    include_str!("script/contents.js"),
    include_str!("script/copy.js"),
    include_str!("script/tables.js"),
    include_str!("script/cells.js"),
    include_str!("script/scale.js"),
    include_str!("script/markers.js"),
    include_str!("script/chart.js"),
    include_str!("script/points.js"),
    include_str!("script/details.js"),
    include_str!("script/listing.js"),
    include_str!("script/view.js"),
    include_str!("script/form.js"),
    include_str!("script/explorer.js"),
    include_str!("script/start.js"),
    "})();\n"
);

/// The page of these facts, with figures that were drawn for it: below [`LIMIT`] bytes. Equal facts
/// give equal bytes.
pub fn page(facts: &Facts, drawings: &[Drawing]) -> String {
    let mut page = String::new();
    for cut in &CUTS {
        page = cut_page(facts, drawings, cut);
        if page.len() <= LIMIT {
            break;
        }
    }
    page
}

fn cut_page(facts: &Facts, drawings: &[Drawing], cut: &Cut) -> String {
    let mut left = Left::default();
    let mut contents = vec![("answer", "Answer", false)];
    let mut main = answer(facts);
    main.push_str(&warnings(facts, cut, &mut left));
    // The explorer stands after the figures, else before the appendix.
    let figures = facts.sections.iter().position(|s| s.id == "figures").map(|place| place + 1);
    let place =
        figures.or(facts.sections.iter().position(|s| s.appendix)).unwrap_or(facts.sections.len());
    for i in 0..=facts.sections.len() {
        if i == place && !facts.cells.is_empty() {
            contents.push(("explore", EXPLORE, true));
            main.push_str(&format!(
                "<section id=\"explore\" hidden>\n<h2>{EXPLORE}</h2>\n</section>\n"
            ));
        }
        if let Some(part) = facts.sections.get(i) {
            contents.push((&part.id, &part.title, false));
            main.push_str(&section(part, facts, drawings, cut, &mut left));
        }
    }
    let missing = missing(facts, cut, &left);
    if !missing.is_empty() {
        contents.push(("left-out", LEFT_OUT, false));
        main.push_str(&left_out(facts, &missing));
    }
    let data = match facts.cells.is_empty() {
        true => String::new(),
        false => format!(
            "<script type=\"application/json\" id=\"data\">{}</script>\n",
            island(facts, cut)
        ),
    };
    format!(
        "{}<body>\n<a class=\"skip\" href=\"#answer\">Skip to the answer</a>\n{}{}<main>\n{main}</main>\n<footer>Made by amdahl {} from records \
         alone: every number and figure on this page is computed from them.</footer>\n{data}<script>{SCRIPT}</script>\n</body>\n</html>\n",
        head(facts),
        self::contents(&contents),
        header(facts, !missing.is_empty()),
        escape(&facts.amdahl),
    )
}

const EXPLORE: &str = "Explore the cells";
const LEFT_OUT: &str = "Not on this page";

/// Everything before the body. Nothing may be loaded, and only this style sheet and this script
/// apply.
fn head(facts: &Facts) -> String {
    let style = format!("{}{STYLE}{}", faces(), scheme_rules(".figure"));
    let policy = format!(
        "default-src 'none'; style-src {}; script-src {}; font-src data:; base-uri 'none'; form-action 'none'",
        allowed(&style),
        allowed(SCRIPT)
    );
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" \
         content=\"{policy}\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" \
         content=\"light dark\">\n<meta name=\"generator\" content=\"amdahl {}\">\n<title>{}</title>\n<style>{style}</style>\n</head>\n",
        escape(&facts.amdahl),
        escape(&facts.title)
    )
}

/// The contents, which stay in view. What only a script can show is hidden until it does.
fn contents(entries: &[(&str, &str, bool)]) -> String {
    let entry = |(id, title, hidden): &(&str, &str, bool)| {
        let hidden = if *hidden { " hidden" } else { "" };
        format!("<li{hidden}><a href=\"#{}\">{}</a></li>\n", escape(id), escape(title))
    };
    format!(
        "<nav id=\"contents\" aria-label=\"Contents\">\n<ul>\n{}</ul>\n<button type=\"button\" id=\"theme\" hidden>Colours</button>\n</nav>\n",
        entries.iter().map(entry).collect::<String>()
    )
}

fn header(facts: &Facts, cut: bool) -> String {
    let question = facts.question.as_deref();
    let question =
        question.map(|q| format!("<p class=\"question\">{}</p>\n", escape(q))).unwrap_or_default();
    let experiment = facts.experiment.as_deref().zip(facts.started.as_deref());
    let run = experiment
        .map(|(name, at)| format!("Experiment {name}, newest run started {at}. "))
        .unwrap_or_default();
    // A link only to what is plainly a page: an address from a manifest is a text like any other.
    let url = facts.url.as_deref().map(escape).map(|url| {
        match url.starts_with("https://") || url.starts_with("http://") {
            true => format!(" <a href=\"{url}\" rel=\"noreferrer\">{url}</a>"),
            false => format!(" {url}"),
        }
    });
    let cut = if cut {
        " To keep this page small, <a href=\"#left-out\">something is left out</a>."
    } else {
        ""
    };
    format!(
        "<header>\n<h1>{}</h1>\n{question}<p class=\"meta\">{}{}{cut}{}</p>\n</header>\n",
        escape(&facts.title),
        escape(&run),
        escape(&facts.counts),
        url.unwrap_or_default()
    )
}

fn answer(facts: &Facts) -> String {
    let mut html = String::from("<section id=\"answer\" tabindex=\"-1\">\n<h2>Answer</h2>\n");
    for (i, sentence) in facts.answer.iter().enumerate() {
        let class = if i == 0 { " class=\"lead\"" } else { "" };
        html.push_str(&format!("<p{class}>{}</p>\n", escape(sentence)));
    }
    html + "</section>\n"
}

fn warnings(facts: &Facts, cut: &Cut, left: &mut Left) -> String {
    if facts.warnings.is_empty() {
        return String::new();
    }
    let list = list(&facts.warnings, cut.section, left);
    format!(
        "<section class=\"warnings\" aria-labelledby=\"caution\">\n<h2 id=\"caution\">Before you believe this</h2>\n{list}</section>\n"
    )
}

/// What the facts have and the page has not, a sentence each, in the order in which it is left out.
fn missing(facts: &Facts, cut: &Cut, left: &Left) -> Vec<String> {
    let mut missing = Vec::new();
    let samples = facts.cells.iter().map(|cell| cell.samples.len()).max().unwrap_or(0);
    if samples > cut.samples {
        missing.push(match cut.samples {
            0 => "The single times of the cells.".into(),
            most => format!("Single times: at most {most} of a cell, of up to {samples}."),
        });
    }
    if !cut.traces && !facts.figures.is_empty() {
        missing.push(
            "What figures say of themselves for programs, and long descriptions of them.".into(),
        );
    }
    if left.rows > 0 {
        missing.push(format!("{}.", many(left.rows, "row", "of tables")));
    }
    if left.words > 0 {
        missing.push(format!("{}.", many(left.words, "sentence", "and points of lists")));
    }
    if !cut.phases && facts.cells.iter().any(|cell| cell.phases.is_some()) {
        missing.push("The times of phases in the explorer.".into());
    }
    if !left.figures.is_empty() {
        missing.push(format!("The figures {}.", left.figures.join(", ")));
    }
    if facts.cells.len() > cut.cells {
        missing.push(format!(
            "{} in the explorer.",
            many(facts.cells.len() - cut.cells, "cell", "of the last problems")
        ));
    }
    missing
}

fn left_out(facts: &Facts, missing: &[String]) -> String {
    let folder = escape(&quoted(&facts.results));
    let items: String = missing.iter().map(|what| format!("<li>{}</li>\n", escape(what))).collect();
    format!(
        "<section id=\"left-out\">\n<h2>{LEFT_OUT}</h2>\n<p>This page is kept below {} MB. Left out, in this order:</p>\n<ul>\n{items}</ul>\n\
         <p>The facts beside this page have all of it, as JSON. They, tables, figures and single times are made from the records by:</p>\n\
         <pre>amdahl report {folder} --format facts\namdahl show {folder}\namdahl figures {folder}\namdahl export {folder}</pre>\n</section>\n",
        LIMIT / 1_000_000
    )
}
