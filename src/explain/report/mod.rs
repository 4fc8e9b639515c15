//! The report: one HTML file that needs nothing else, no network and no script.

use crate::error::Result;
use crate::explain::figure::style::dark_rules;
use crate::explain::figure::{self, View};
use crate::explain::report::html::{allowed, date, escape};
use crate::explain::summary::Summary;

mod efficiency;
pub mod html;
mod peers;
mod sections;
mod setup;

const STYLE: &str = include_str!("style.css");

/// The report of a results folder. Equal records give equal bytes.
///
/// # Errors
/// Internal, when a figure cannot be drawn.
pub fn page(summary: &Summary) -> Result<String> {
    let view = View::new(summary)?;
    let drawings = figure::draw(&view)?;
    let run = summary.run.as_ref();
    let title = run.map_or("Results", |run| &run.title);
    // Nothing may be loaded or run: only these two style sheets apply.
    let policy = format!(
        "default-src 'none'; style-src {} {}; base-uri 'none'; form-action 'none'",
        allowed(STYLE),
        allowed(&dark_rules(".figure"))
    );
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" \
         content=\"{policy}\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" \
         content=\"light dark\">\n<meta name=\"generator\" content=\"amdahl {}\">\n<title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n",
        env!("CARGO_PKG_VERSION"),
        escape(title)
    );
    page.push_str(&format!("<header>\n<h1>{}</h1>\n", escape(title)));
    if let Some(run) = run {
        if !run.question.is_empty() {
            page.push_str(&format!("<p class=\"question\">{}</p>\n", escape(&run.question)));
        }
        page.push_str(&format!(
            "<p class=\"meta\">Experiment {}, newest run started {}. {}</p>\n",
            escape(&run.experiment),
            date(run.started_ms),
            escape(&sections::counts(summary))
        ));
    }
    page.push_str("</header>\n<main>\n");
    page.push_str(&sections::answer(&view, &drawings)?);
    page.push_str(&peers::questions(summary));
    page.push_str(&sections::warnings(summary));
    page.push_str(&sections::figures(&drawings));
    page.push_str(&peers::beside(summary));
    page.push_str(&efficiency::lost(&view));
    page.push_str(&efficiency::pop(&view));
    page.push_str(&sections::costs(summary));
    page.push_str(&sections::cells(&view));
    page.push_str(&sections::failures(summary));
    page.push_str(&setup::set_up(summary));
    page.push_str(&setup::method());
    page.push_str(&setup::reproduce(summary)?);
    page.push_str(&format!(
        "</main>\n<footer>Made by amdahl {} from records alone: every number and figure on this page is computed from them.</footer>\n\
         </body>\n</html>\n",
        env!("CARGO_PKG_VERSION")
    ));
    Ok(page)
}
