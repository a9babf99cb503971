//! Plain tables for the terminal: columns as wide as their widest cell, nothing wrapped or cut, so
//! that `awk` and people read the same thing.

use crate::text::width;

use super::charset::Charset;

/// Which side a column's cells keep to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Figures.
    Right,
}

/// A table under construction.
#[derive(Debug)]
pub struct Table {
    aligns: Vec<Align>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table of these columns.
    pub fn new(columns: &[(&str, Align)]) -> Self {
        Self {
            aligns: columns.iter().map(|(_, align)| *align).collect(),
            rows: vec![columns.iter().map(|(head, _)| (*head).to_owned()).collect()],
        }
    }

    /// Adds a row; missing cells are empty.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().take(self.aligns.len()).collect());
    }

    /// The lines, two spaces between columns, no trailing spaces, in the characters of this process.
    pub fn lines(&self) -> Vec<String> {
        self.lines_in(Charset::chosen())
    }

    /// The same in these characters: columns line up whichever they are.
    fn lines_in(&self, charset: Charset) -> Vec<String> {
        let cells = |row: &Vec<String>| row.iter().map(|cell| charset.of(cell).into()).collect();
        let rows: Vec<Vec<String>> = self.rows.iter().map(cells).collect();
        let widths: Vec<usize> = (0..self.aligns.len())
            .map(|i| rows.iter().filter_map(|r| r.get(i)).map(|c| width(c)).max())
            .map(Option::unwrap_or_default)
            .collect();
        rows.iter().map(|row| self.line(row, &widths)).collect()
    }

    fn line(&self, row: &[String], widths: &[usize]) -> String {
        let mut line = String::new();
        for ((cell, wide), align) in row.iter().zip(widths).zip(&self.aligns) {
            let pad = " ".repeat(wide.saturating_sub(width(cell)));
            match align {
                Align::Left => {
                    line.push_str(cell);
                    line.push_str(&pad);
                }
                Align::Right => {
                    line.push_str(&pad);
                    line.push_str(cell);
                }
            }
            line.push_str("  ");
        }
        line.truncate(line.trim_end().len());
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_whatever_the_script() {
        let mut table = Table::new(&[("model", Align::Left), ("cost", Align::Right)]);
        table.row(["通义千问".to_owned(), "$0.01".to_owned()]);
        table.row(["a".to_owned(), "$12.50".to_owned()]);
        table.row(["b".to_owned(), "≥~¥1".to_owned()]);
        let plain = table.lines_in(Charset::Ascii);
        assert_eq!(plain[3..], ["b         >=~CNY 1"]);
        assert_eq!(plain[1], "通义千问     $0.01");
        table.rows.pop();
        assert_eq!(table.lines(), ["model       cost", "通义千问   $0.01", "a         $12.50"]);
    }
}
