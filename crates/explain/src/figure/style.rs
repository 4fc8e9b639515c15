//! How figures look: colours, markers, type.
//!
//! Colours are those of Okabe and Ito ("Color universal design", 2008), told apart under the common
//! forms of colour blindness, and every backend has a marker of its own besides. The colours of ink
//! and paper change with the reader's scheme.

use plotters::style::RGBColor;

use amdahl_record::Phase;

/// Fonts that look alike and are there on most systems.
pub const FONTS: &str =
    "Inter, 'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif";

/// A colour as red, green, blue.
pub type Colour = RGBColor;

/// Text and axes.
pub const INK: Colour = RGBColor(0x1A, 0x1A, 0x1A);
/// Secondary text.
pub const GREY: Colour = RGBColor(0x5F, 0x64, 0x6A);
/// Grid lines.
pub const RULE: Colour = RGBColor(0xDD, 0xDF, 0xE2);
/// The ground.
pub const PAPER: Colour = RGBColor(0xFF, 0xFF, 0xFF);

const ORANGE: Colour = RGBColor(0xE6, 0x9F, 0x00);
const SKY: Colour = RGBColor(0x56, 0xB4, 0xE9);
const GREEN: Colour = RGBColor(0x00, 0x9E, 0x73);
const BLUE: Colour = RGBColor(0x00, 0x72, 0xB2);
const VERMILLION: Colour = RGBColor(0xD5, 0x5E, 0x00);
const PURPLE: Colour = RGBColor(0xCC, 0x79, 0xA7);

/// What each colour becomes for a reader with a dark scheme.
const DARK: &[(Colour, &str)] = &[
    (INK, "#ECEDEE"),
    (GREY, "#A9AEB5"),
    (RULE, "#34383E"),
    (PAPER, "#15181C"),
    (BLUE, "#4FA9E0"),
    (VERMILLION, "#F58A3C"),
    (GREEN, "#2EC79B"),
    (SKY, "#3F97C9"),
    (ORANGE, "#D69300"),
    (PURPLE, "#B8669A"),
    (REST, "#6C727A"),
];

/// What belongs to no phase.
const REST: Colour = RGBColor(0xB4, 0xB8, 0xBD);

/// The rules of a style sheet that turn a figure's colours for a reader with a dark scheme;
/// `within` selects what they apply to.
pub fn dark_rules(within: &str) -> String {
    let mut rules = String::from("@media (prefers-color-scheme:dark){");
    for (colour, dark) in DARK {
        let light = hex(*colour);
        rules.push_str(&format!(
            "{within} [fill=\"{light}\"]{{fill:{dark}}}{within} [stroke=\"{light}\"]{{stroke:{dark}}}"
        ));
    }
    rules.push('}');
    rules
}

/// The rules of a style sheet that turn a figure's colours with the scheme in use (`color-scheme`),
/// for a document that lets its reader choose; `within` selects what they apply to.
pub fn scheme_rules(within: &str) -> String {
    let rule = |(colour, dark): &(Colour, &str)| {
        let light = hex(*colour);
        let both = format!("light-dark({light},{dark})");
        format!(
            "{within} [fill=\"{light}\"]{{fill:{both}}}{within} [stroke=\"{light}\"]{{stroke:{both}}}"
        )
    };
    DARK.iter().map(rule).collect()
}

/// A colour as style sheets write it: `#RRGGBB`.
pub fn hex(colour: Colour) -> String {
    format!("#{:02X}{:02X}{:02X}", colour.0, colour.1, colour.2)
}

/// Form of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marker {
    /// A rhombus.
    Diamond,
    /// A disc.
    Disc,
    /// A square.
    Square,
    /// A triangle on its base.
    Triangle,
    /// A triangle on its tip.
    TriangleDown,
    /// A slanted cross, for outside programs.
    Cross,
    /// An upright cross, for outside programs.
    Plus,
    /// Both crosses, for outside programs.
    Star,
    /// Two triangles that meet at their tips, for outside programs.
    BowTie,
    /// A hexagon, for outside programs.
    Hexagon,
}

/// Colour and marker of a backend: always the same, whatever else is in a figure.
pub fn of_backend(name: &str) -> (Colour, Marker) {
    // What follows the name is how an accelerator is used, or how lanes reduce.
    let (backend, variant) = name.split_once(' ').unwrap_or((name, ""));
    let of_lanes = |marker| if variant.is_empty() { marker } else { Marker::Diamond };
    match backend {
        "serial" => (INK, Marker::Diamond),
        "threads" => (BLUE, of_lanes(Marker::Disc)),
        "mpi" => (VERMILLION, of_lanes(Marker::Square)),
        "hybrid" => (GREEN, of_lanes(Marker::Triangle)),
        // Accelerators: a colour for each platform, another marker under MPI.
        "pjrt" => (PURPLE, Marker::Disc),
        "mpi+pjrt" => (PURPLE, Marker::Square),
        "pjrt-reference" => (ORANGE, Marker::Disc),
        "mpi+pjrt-reference" => (ORANGE, Marker::Square),
        "xla-cpu" => (GREEN, Marker::Disc),
        "mpi+xla-cpu" => (GREEN, Marker::Square),
        "cuda" => (SKY, Marker::Disc),
        "mpi+cuda" => (SKY, Marker::Square),
        "trainium" => (BLUE, Marker::Triangle),
        "mpi+trainium" => (BLUE, Marker::TriangleDown),
        _ => of_program(name),
    }
}

/// Colour and marker of an outside program: those of the project's own peers are fixed, others
/// follow from the letters of their name.
fn of_program(name: &str) -> (Colour, Marker) {
    const COLOURS: [Colour; 6] = [BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY];
    match name {
        "scikit-learn" => (ORANGE, Marker::Cross),
        "scikit-learn-elkan" => (ORANGE, Marker::Plus),
        "scikit-learn-minibatch" => (ORANGE, Marker::Star),
        "scikit-learn-intelex" => (SKY, Marker::Cross),
        "daal4py" => (SKY, Marker::Plus),
        "faiss" => (PURPLE, Marker::Cross),
        "mlpack" => (PURPLE, Marker::Plus),
        "mlpack-elkan" => (PURPLE, Marker::Star),
        "mlpack-hamerly" => (PURPLE, Marker::BowTie),
        "mlpack-dualtree" => (PURPLE, Marker::Hexagon),
        "opencv" => (SKY, Marker::Star),
        "scipy" => (ORANGE, Marker::BowTie),
        "dask-ml" => (ORANGE, Marker::Hexagon),
        "r-lloyd" => (GREEN, Marker::Plus),
        "r-hartigan-wong" => (GREEN, Marker::Star),
        "mpi4py" => (VERMILLION, Marker::Cross),
        "mpi4py-small-batches" => (VERMILLION, Marker::Plus),
        "multiprocessing" => (BLUE, Marker::Cross),
        "spark" => (GREEN, Marker::Cross),
        "linfa" => (INK, Marker::Cross),
        "kmeans-crate" => (INK, Marker::Plus),
        _ => {
            // FNV-1a: equal names look equal in every figure of every version.
            let hash = name.bytes().fold(0x811C_9DC5_u32, |hash, byte| {
                (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
            });
            let marker = [Marker::BowTie, Marker::Hexagon, Marker::Star][(hash / 6 % 3) as usize];
            (COLOURS[(hash % 6) as usize], marker)
        }
    }
}

/// The colour of a magnitude from 0 to 1: viridis (S. van der Walt, N. Smith, 2015), which is as
/// light as it is large and can be read by people who do not see all colours. Between nine of its
/// colours in a straight line.
pub fn viridis(share: f64) -> Colour {
    const TABLE: [(u8, u8, u8); 9] = [
        (0x44, 0x01, 0x54),
        (0x47, 0x2D, 0x7B),
        (0x3B, 0x52, 0x8B),
        (0x2C, 0x72, 0x8E),
        (0x21, 0x91, 0x8C),
        (0x28, 0xAE, 0x80),
        (0x5E, 0xC9, 0x62),
        (0xAD, 0xDC, 0x30),
        (0xFD, 0xE7, 0x25),
    ];
    let at = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 } * 8.0;
    let (low, part) = ((at.floor() as usize).min(7), at - at.floor().min(7.0));
    let mix = |a: u8, b: u8| (f64::from(a) + (f64::from(b) - f64::from(a)) * part).round() as u8;
    let (a, b) = (TABLE[low], TABLE[low + 1]);
    RGBColor(mix(a.0, b.0), mix(a.1, b.1), mix(a.2, b.2))
}

/// Ink that can be read on a colour of [`viridis`], in a light and in a dark scheme: neither of the
/// two turns with it.
pub fn on_viridis(share: f64) -> Colour {
    if share > 0.55 { RGBColor(0x10, 0x10, 0x10) } else { RGBColor(0xFE, 0xFE, 0xFE) }
}

/// Colour of a phase, and how it is called in figures.
pub fn of_phase(word: &str) -> (Colour, &'static str) {
    match word {
        "assign" => (SKY, "assign"),
        "execute" => (GREEN, "execute"),
        "upload" => (BLUE, "upload"),
        "download" => (VERMILLION, "download"),
        // All three of them.
        "accelerator" => (GREEN, "accelerator"),
        "update" => (PURPLE, "update"),
        "reduce" => (ORANGE, "reduce"),
        "wait" => (GREY, "wait"),
        // A workload's own, in the order in which programs come to know them.
        _ => match Phase::find(word).filter(|phase| phase.is_timed() && !phase.is_shared()) {
            Some(phase) => {
                let place = phase.index() - Phase::SHARED;
                (OF_OTHER_PHASES[place % OF_OTHER_PHASES.len()], phase.word())
            }
            None => (REST, "other"),
        },
    }
}

/// Colours of phases that have none of their own. Not that of waiting, and not that of the rest.
const OF_OTHER_PHASES: [Colour; 6] = [SKY, PURPLE, GREEN, BLUE, VERMILLION, ORANGE];

/// Where text stands relative to its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// It begins there.
    Start,
    /// It is centred there.
    Middle,
    /// It ends there.
    End,
}

/// How a piece of text looks.
#[derive(Clone, Copy, Debug)]
pub struct Font {
    /// Height in CSS pixels.
    pub size: f64,
    /// Colour.
    pub colour: Colour,
    /// Bold?
    pub bold: bool,
}

/// The figure's title.
pub const TITLE: Font = Font { size: 16.0, colour: INK, bold: true };
/// The title of a panel.
pub const HEADING: Font = Font { size: 12.5, colour: INK, bold: true };
/// Labels of axes, ticks and lines.
pub const LABEL: Font = Font { size: 12.0, colour: INK, bold: false };
/// Captions.
pub const CAPTION: Font = Font { size: 11.0, colour: GREY, bold: false };

/// About how wide text is, CSS pixels. Of the fonts that may be used it fits the widest.
pub fn width(text: &str, font: Font) -> f64 {
    let units: f64 = text
        .chars()
        .map(|c| match c {
            'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '|' | '\'' | '!' => 0.28,
            'f' | 't' | 'r' | ' ' | '(' | ')' | '-' | '/' => 0.34,
            'm' | 'w' | 'M' | 'W' | '%' => 0.88,
            c if c.is_ascii_uppercase() => 0.68,
            _ => 0.57,
        })
        .sum();
    // The widest of the fonts, DejaVu Sans, is a tenth wider than Helvetica.
    units * font.size * 1.12 * if font.bold { 1.08 } else { 1.0 }
}

/// Breaks text into lines that are at most `room` wide, at its spaces (not at spaces that forbid
/// it).
pub fn wrap(text: &str, font: Font, room: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        match lines.last_mut() {
            Some(line) if width(&format!("{line} {word}"), font) <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_string()),
        }
    }
    lines
}

/// A name on one line, as far as it fits.
pub fn fitted(name: &str, font: Font, room: f64) -> String {
    if width(name, font) <= room {
        return name.into();
    }
    let mut short = String::new();
    for c in name.chars() {
        if width(&format!("{short}{c}…"), font) > room {
            break;
        }
        short.push(c);
    }
    short + "…"
}

#[cfg(test)]
mod tests {
    use super::*;
    use amdahl_record::cell::BACKENDS;

    #[test]
    fn every_backend_has_a_look_of_its_own() {
        let looks: Vec<_> = BACKENDS.iter().map(|(name, ..)| of_backend(name)).collect();
        for (i, one) in looks.iter().enumerate() {
            assert!(looks[..i].iter().all(|other| other != one), "{}", BACKENDS[i].0);
            // Those of processors, which most figures have, differ in both.
            assert!(
                i > 3 || looks[..i].iter().all(|other| other.0 != one.0 && other.1 != one.1),
                "{}",
                BACKENDS[i].0
            );
        }
    }

    #[test]
    fn outside_programs_are_told_apart() {
        let peers = include_str!("../../../../peers/peers.toml");
        let names: Vec<&str> =
            (peers.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"')))
                .collect();
        assert!(names.len() > 5, "{names:?}");
        for (i, one) in names.iter().enumerate() {
            assert!(names[..i].iter().all(|other| of_backend(other) != of_backend(one)), "{one}");
            assert!(BACKENDS.iter().all(|(ours, ..)| of_backend(ours) != of_backend(one)), "{one}");
        }
        assert_eq!(of_backend("somebody-elses"), of_backend("somebody-elses"));
    }

    #[test]
    fn magnitudes_grow_lighter() {
        let light = |share: f64| {
            let c = viridis(share);
            0.2126 * f64::from(c.0) + 0.7152 * f64::from(c.1) + 0.0722 * f64::from(c.2)
        };
        assert!((0..20).all(|i| light(f64::from(i) / 20.0) < light(f64::from(i + 1) / 20.0)));
        assert_eq!(viridis(f64::NAN), viridis(0.0));
        assert!(
            DARK.iter().all(|(colour, _)| *colour != on_viridis(0.0) && *colour != on_viridis(1.0))
        );
    }

    #[test]
    fn every_colour_has_a_dark_twin() {
        for phase in
            ["assign", "execute", "upload", "download", "update", "reduce", "wait", "other"]
        {
            assert!(DARK.iter().any(|(colour, _)| *colour == of_phase(phase).0), "{phase}");
        }
        let own = Phase::named("style-test", amdahl_record::Role::Compute);
        let (colour, word) = of_phase("style-test");
        assert_eq!(word, own.word());
        assert!(DARK.iter().any(|(known, _)| *known == colour));
        assert_eq!(of_phase("no-such-phase").1, "other");
        for (name, ..) in BACKENDS {
            assert!(DARK.iter().any(|(colour, _)| *colour == of_backend(name).0), "{name}");
        }
    }

    #[test]
    fn text_is_wrapped() {
        let lines = wrap("one two three four", LABEL, width("three four", LABEL) + 1.0);
        assert_eq!(lines, ["one two", "three four"]);
    }
}
