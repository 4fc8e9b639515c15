//! A QR code as SVG.

use qrcode::{Color, EcLevel, QrCode};

use amdahl_record::error::{Error, Result};

/// Modules of light around the code (ISO/IEC 18004: four).
const QUIET: usize = 4;

/// The code of a text, a square SVG. Of the levels of error correction the second lowest: what is
/// printed is rarely damaged, and fewer modules are larger ones.
///
/// # Errors
/// Data, when the text is too long for a QR code.
pub fn svg(text: &str) -> Result<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).map_err(|e| {
        Error::data(format!("the url of the experiment does not fit into a QR code: {e}"))
    })?;
    let (width, modules) = (code.width(), code.to_colors());
    let size = width + 2 * QUIET;
    let mut path = String::new();
    for (y, row) in modules.chunks(width).enumerate() {
        let mut x = 0;
        while x < width {
            let dark = row[x..].iter().take_while(|module| **module == Color::Dark).count();
            if dark > 0 {
                path.push_str(&format!("M{} {}h{dark}v1h-{dark}z", x + QUIET, y + QUIET));
            }
            x += dark.max(1);
        }
    }
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{size}\" height=\"{size}\" viewBox=\"0 0 {size} {size}\">\
         <path fill=\"#FFFFFF\" d=\"M0 0h{size}v{size}h-{size}z\"/><path fill=\"#1A1A1A\" d=\"{path}\"/></svg>"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_three_corners_and_its_margin() {
        let svg = svg("https://example.org/a").expect("a code");
        // Version 2 has 25 modules; the outer row of a corner is 7 dark ones.
        assert!(svg.contains("width=\"33\""), "{svg}");
        assert!(
            svg.contains("M4 4h7v1h-7z")
                && svg.contains("M22 4h7v1h-7z")
                && svg.contains("M4 22h7v1h-7z"),
            "{svg}"
        );
        assert!(super::svg(&"x".repeat(4000)).is_err());
    }
}
