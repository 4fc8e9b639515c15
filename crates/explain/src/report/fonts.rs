//! The fonts of the page, within it.

use crate::report::html::base64;

/// (name, weights, WOFF2 file)
const FONTS: [(&str, &str, &[u8]); 3] = [
    ("Inter", "100 599", include_bytes!("../../assets/fonts/Inter-Regular.woff2")),
    ("Inter", "600 900", include_bytes!("../../assets/fonts/Inter-SemiBold.woff2")),
    ("JetBrains Mono", "100 900", include_bytes!("../../assets/fonts/JetBrainsMono-Regular.woff2")),
];

/// The rules of a style sheet that bring the fonts along. A letter that they lack comes from the
/// reader's fonts.
pub fn faces() -> String {
    let face = |(name, weights, file): &(&str, &str, &[u8])| {
        format!(
            "@font-face{{font-family:\"{name}\";font-weight:{weights};src:url(data:font/woff2;base64,{}) format(\"woff2\")}}\n",
            base64(file)
        )
    };
    FONTS.iter().map(face).collect()
}
