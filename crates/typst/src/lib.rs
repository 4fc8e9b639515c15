//! Report and poster on paper, and figures as PDF and PNG, by Typst. Everything that knows Typst is
//! in this crate; figures and the page do without.
//!
//! What is said comes from the facts, how it looks from templates: `report.typ` and `poster.typ`
//! with what they share, `style.typ` and `blocks.typ`. A template reads `facts.json`,
//! `drawings.json` (sizes of the figures), `own.json` (names of the user's own texts),
//! `figures/NAME.svg` and, where there is an address, `qr.svg`. Text from records is data: Typst
//! never evaluates it.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::json;

use amdahl_explain::figure::Drawing;
use amdahl_explain::figure::canvas::SCALE;
use amdahl_record::error::{Error, Result};

pub mod alone;
mod prepare;
mod qr;
mod world;

use self::world::{Files, set};

/// The templates by name.
pub const TEMPLATES: [(&str, &str); 4] = [
    ("report.typ", include_str!("../templates/report.typ")),
    ("poster.typ", include_str!("../templates/poster.typ")),
    ("style.typ", include_str!("../templates/style.typ")),
    ("blocks.typ", include_str!("../templates/blocks.typ")),
];

/// Files of the user's own that the templates take in where they are there.
pub const OWN_TEXTS: [&str; 4] = ["introduction", "discussion", "appendix", "poster-note"];

/// Most characters that describe a figure to people who do not see it; all numbers are in the
/// tables.
const MOST_DESCRIBED: usize = 4000;

/// How a poster lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Orientation {
    /// 841 mm wide, 1189 mm high.
    Portrait,
    /// 1189 mm wide, 841 mm high.
    Landscape,
}

impl Orientation {
    /// Its name in files and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Orientation::Portrait => "portrait",
            Orientation::Landscape => "landscape",
        }
    }
}

/// The user's own texts and templates.
#[derive(Clone, Debug, Default)]
pub struct Own {
    folders: Vec<PathBuf>,
}

impl Own {
    /// Files of `folder`, and before them those of the folder in it that bears the experiment's
    /// name.
    pub fn of(folder: &Path, experiment: &str) -> Own {
        Own { folders: vec![folder.join(experiment), folder.to_path_buf()] }
    }
}

/// The report as PDF (A4). `drawings` are those drawn for a page. Equal facts, figures and own
/// texts give equal bytes.
///
/// # Errors
/// Usage with file, line and column, when an own text or template has an error.
pub fn report(facts: &impl Serialize, drawings: &[Drawing], own: &Own) -> Result<Vec<u8>> {
    document(facts, drawings, own, "report.typ", &[])
}

/// The poster as PDF (A0). `drawings` are those drawn for a poster. Equal facts, figures and own
/// texts give equal bytes.
///
/// # Errors
/// As [`report`].
pub fn poster(
    facts: &impl Serialize,
    drawings: &[Drawing],
    own: &Own,
    orientation: Orientation,
) -> Result<Vec<u8>> {
    document(facts, drawings, own, "poster.typ", &[("orientation", orientation.word())])
}

/// Characters of the facts and the figures that the bundled fonts do not have: paper shows a box
/// for each.
///
/// # Errors
/// Internal, when the facts cannot be read.
pub fn unprintable(facts: &impl Serialize, drawings: &[Drawing]) -> Result<Vec<char>> {
    let facts = serde_json::to_string(facts)
        .map_err(|e| Error::internal(format!("cannot write the facts: {e}")))?;
    Ok(world::missing(
        std::iter::once(facts.as_str()).chain(drawings.iter().map(|drawing| drawing.svg.as_str())),
    ))
}

fn document(
    facts: &impl Serialize,
    drawings: &[Drawing],
    own: &Own,
    main: &str,
    inputs: &[(&str, &str)],
) -> Result<Vec<u8>> {
    let mut files = Files {
        templates: TEMPLATES.into_iter().collect(),
        folders: own.folders.clone(),
        ..Files::default()
    };
    let facts = serde_json::to_value(facts)
        .map_err(|e| Error::internal(format!("cannot write the facts: {e}")))?;
    let mut sizes = Vec::new();
    for drawing in drawings {
        let (width, height) = drawing.size;
        let alt: String = format!("{}. {}", drawing.title, drawing.description)
            .chars()
            .take(MOST_DESCRIBED)
            .collect();
        sizes.push(json!({"name": drawing.name, "width": width, "height": height, "least": least_type(&drawing.svg), "alt": alt}));
        files.made.insert(format!("figures/{}.svg", drawing.name), drawing.svg.as_bytes().to_vec());
    }
    let texts: Vec<&str> =
        OWN_TEXTS.into_iter().filter(|name| files.own(&format!("{name}.typ")).is_some()).collect();
    let mut prepared = prepare::prepare(&facts);
    // An address that no code can hold is printed without one.
    let code = facts["url"].as_str().and_then(|url| qr::svg(url).ok());
    prepared["qr"] = json!(code.is_some());
    if let Some(code) = code {
        files.made.insert("qr.svg".into(), code.into_bytes());
    }
    for (name, value) in
        [("facts.json", prepared), ("drawings.json", json!(sizes)), ("own.json", json!(texts))]
    {
        files.made.insert(name.into(), value.to_string().into_bytes());
    }
    set(files, main, inputs, |document| typst_pdf::pdf(document, &alone::options()))
}

/// Height of the smallest type in a figure, CSS pixels; 0 where it has none.
fn least_type(svg: &str) -> f64 {
    let sizes = svg.split("font-size=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let drawn =
        sizes.filter_map(|size| size.trim_end_matches("px").parse::<f64>().ok()).reduce(f64::min);
    drawn.map_or(0.0, |size| size / SCALE)
}
