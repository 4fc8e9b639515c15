//! What figures are drawn for. A figure is drawn anew for each medium, not scaled: the sizes of
//! text and markers stay, the width of the sheet changes, and with it how many panels stand side by
//! side.

use amdahl_record::error::{Error, Kind, Result};

/// What a figure is drawn for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Medium {
    /// Its name.
    pub name: &'static str,
    /// Width of the sheet in CSS pixels, with labels 12 pixels high. Shown larger, as on a poster,
    /// all grows together.
    pub width: f64,
    /// Are title and caption parts of the figure? Where not, the document around it sets them as
    /// text.
    pub framed: bool,
    /// Panels side by side, at most.
    pub columns: usize,
    /// Panels of one figure, at most; the figure says how many problems it leaves out.
    pub panels: usize,
    /// Height of all panels together in CSS pixels, at most, as far as one panel allows: what a
    /// page has room for.
    pub height: f64,
    /// Single repeats drawn in one figure, at most; the figure says when it draws fewer than there
    /// are.
    pub dots: usize,
}

/// A figure that stands alone, for a screen or a document of one's own.
pub const SCREEN: Medium = Medium {
    name: "screen",
    width: 760.0,
    framed: true,
    columns: 2,
    panels: 12,
    height: 6_000.0,
    dots: 3_000,
};

/// A figure within the page.
pub const PAGE: Medium = Medium {
    name: "page",
    width: 760.0,
    framed: false,
    columns: 2,
    panels: 12,
    height: 6_000.0,
    dots: 1_000,
};

/// A figure within the report: set 170 mm wide, labels are 9 points high.
pub const A4: Medium = Medium {
    name: "a4",
    width: 643.0,
    framed: false,
    columns: 2,
    panels: 4,
    height: 880.0,
    dots: 2_000,
};

/// A figure on a poster: set 300 mm wide, labels are 22 points high. One problem fits a glance.
pub const A0: Medium = Medium {
    name: "a0",
    width: 460.0,
    framed: false,
    columns: 1,
    panels: 1,
    height: 820.0,
    dots: 2_000,
};

/// Every medium.
pub const MEDIA: [&Medium; 4] = [&SCREEN, &PAGE, &A4, &A0];

/// The medium of that name.
///
/// # Errors
/// Usage, when there is none; it names those that there are.
pub fn named(name: &str) -> Result<&'static Medium> {
    let names = || MEDIA.map(|medium| medium.name).join(", ");
    let found = MEDIA.into_iter().find(|medium| medium.name == name);
    found.ok_or_else(|| {
        Error::new(Kind::Usage, format!("no medium '{name}'")).hint(format!("one of {}", names()))
    })
}
