//! Tables as plain text with aligned columns, and as Markdown.

/// On which side of its column a cell stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A table of text.
#[derive(Clone, Debug, Default)]
pub struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns and no rows.
    pub fn new(columns: &[(&str, Align)]) -> Self {
        Table {
            columns: columns.iter().map(|(title, align)| (title.to_string(), *align)).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row; missing cells are empty.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Leaves out columns that are empty in every row.
    pub fn without_empty_columns(mut self) -> Self {
        for i in (0..self.columns.len()).rev() {
            if self.rows.iter().all(|row| row.get(i).is_none_or(|cell| cell.is_empty())) {
                self.columns.remove(i);
                for row in self.rows.iter_mut().filter(|row| row.len() > i) {
                    row.remove(i);
                }
            }
        }
        self
    }

    /// Lines of plain text: the header, then the rows; two spaces between columns, none at the end.
    pub fn text(&self) -> Vec<String> {
        let width = |i: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(i));
            cells.chain([&self.columns[i].0]).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        let line = |cells: &[String]| {
            let mut line = String::new();
            for (i, (_, align)) in self.columns.iter().enumerate() {
                let cell = cells.get(i).map_or("", String::as_str);
                let gap = " ".repeat(widths[i].saturating_sub(cell.chars().count()));
                if i > 0 {
                    line.push_str("  ");
                }
                match align {
                    Align::Left => line.extend([cell, &gap]),
                    Align::Right => line.extend([&gap, cell]),
                }
            }
            line.trim_end().to_string()
        };
        let header: Vec<String> = self.columns.iter().map(|(title, _)| title.clone()).collect();
        std::iter::once(line(&header)).chain(self.rows.iter().map(|row| line(row))).collect()
    }

    /// A Markdown table (GitHub's dialect), each line ended.
    pub fn markdown(&self) -> String {
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let rule = |align: &Align| if *align == Align::Left { "---" } else { "---:" }.to_string();
        let mut text = line(self.columns.iter().map(|(title, _)| escape(title)).collect());
        text.push_str(&line(self.columns.iter().map(|(_, align)| rule(align)).collect()));
        for row in &self.rows {
            text.push_str(&line(
                (0..self.columns.len())
                    .map(|i| row.get(i).map_or(String::new(), |c| escape(c)))
                    .collect(),
            ));
        }
        text
    }
}

/// Text that Markdown shows as it is, in one line.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '|' | '*' | '_' | '`' | '[' | ']' | '#' => escaped.extend(['\\', c]),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table =
            Table::new(&[("what", Align::Left), ("empty", Align::Left), ("time", Align::Right)]);
        table.row(vec!["a".into(), String::new(), "1.5".into()]);
        table.row(vec!["b|c".into(), String::new(), "12.25".into()]);
        table.without_empty_columns()
    }

    #[test]
    fn columns_line_up() {
        assert_eq!(table().text(), ["what   time", "a       1.5", "b|c   12.25"]);
    }

    #[test]
    fn markdown_is_escaped() {
        assert_eq!(
            table().markdown(),
            "| what | time |\n| --- | ---: |\n| a | 1.5 |\n| b\\|c | 12.25 |\n"
        );
        assert_eq!(escape("<script>"), "&lt;script&gt;");
    }
}
