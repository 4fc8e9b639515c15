//! Emphasis on a terminal.

/// Emphasis on a terminal, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Write ANSI sequences?
    pub colour: bool,
}

impl Style {
    fn wrap(self, text: &str, code: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_string() }
    }
    /// Headings.
    pub fn strong(self, text: &str) -> String {
        self.wrap(text, "1")
    }
    /// What is secondary.
    pub fn faint(self, text: &str) -> String {
        self.wrap(text, "2")
    }
    /// What went wrong.
    pub fn bad(self, text: &str) -> String {
        self.wrap(text, "31")
    }
    /// What a reader should know.
    pub fn caution(self, text: &str) -> String {
        self.wrap(text, "33")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_only_when_asked() {
        assert_eq!(Style { colour: false }.bad("x"), "x");
        assert_eq!(Style { colour: true }.bad("x"), "\u{1b}[31mx\u{1b}[0m");
    }
}
