//! One figure as PDF and as PNG.

use typst::foundations::Smart;
use typst::utils::Scalar;
use typst_pdf::PdfOptions;
use typst_render::RenderOptions;

use crate::world::{Files, set};
use amdahl_explain::figure::Drawing;
use amdahl_record::error::{Error, Result};

/// Points for each CSS pixel: 72 to the inch over 96.
const POINTS: f64 = 0.75;

const PAGE: &str = "#set document(title: sys.inputs.title, date: none)
#set page(width: float(sys.inputs.width) * 1pt, height: float(sys.inputs.height) * 1pt, margin: 0pt)
#set text(lang: \"en\")
#image(\"figure.svg\", width: 100%, alt: sys.inputs.alt)
";

fn page<T>(
    drawing: &Drawing,
    out: impl FnOnce(&typst_layout::PagedDocument) -> typst::diag::SourceResult<T>,
) -> Result<T> {
    let mut files = Files::default();
    files.made.insert("figure.svg".into(), drawing.svg.as_bytes().to_vec());
    files.templates.insert("figure.typ", PAGE);
    let (width, height) =
        ((drawing.size.0 * POINTS).to_string(), (drawing.size.1 * POINTS).to_string());
    let inputs = [
        ("title", &*drawing.title),
        ("alt", &drawing.description),
        ("width", &width),
        ("height", &height),
    ];
    set(files, "figure.typ", &inputs, out)
}

/// A PDF with one page of the figure's size. Equal figures give equal bytes.
///
/// # Errors
/// Internal, when the figure is no SVG.
pub fn pdf(drawing: &Drawing) -> Result<Vec<u8>> {
    page(drawing, |document| typst_pdf::pdf(document, &options()))
}

/// A PNG with two pixels for each CSS pixel.
///
/// # Errors
/// Internal, when the figure is no SVG or the picture cannot be encoded.
pub fn png(drawing: &Drawing) -> Result<Vec<u8>> {
    let picture = page(drawing, |document| {
        let options =
            RenderOptions { pixel_per_pt: Scalar::new(2.0 / POINTS), ..RenderOptions::default() };
        Ok(document.pages().first().map(|page| typst_render::render(page, &options)))
    })?;
    let picture = picture.ok_or_else(|| Error::internal("a figure has no page"))?;
    picture.encode_png().map_err(|e| Error::internal(format!("cannot write a PNG: {e}")))
}

/// How every PDF is written: without a time, so that equal records give equal bytes.
pub fn options() -> PdfOptions {
    let creator = Smart::Custom(Some(format!("amdahl {}", env!("CARGO_PKG_VERSION"))));
    PdfOptions { creator, timestamp: None, ..PdfOptions::default() }
}
