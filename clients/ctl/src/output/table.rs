//! Tables for people: columns that stand below their heads, no wider than the terminal.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::safe::one_line;
use super::style::{Meaning, Stream};

/// Between two columns.
const GAP: usize = 2;
/// Columns are not made narrower as long as another way is left: less cannot be read.
const NARROWEST: usize = 8;

/// A field of a table.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    pub(crate) text: String,
    pub(crate) meaning: Option<Meaning>,
}

impl Cell {
    /// A field with a meaning.
    pub(crate) fn marked(meaning: Meaning, text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            meaning: Some(meaning),
        }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self {
            text: text.into(),
            meaning: None,
        }
    }
}

/// The lines of a table with its head. `columns` is the width of the terminal, if it is known.
pub(super) fn lines(head: &[&str], rows: &[Vec<Cell>], columns: Option<usize>, stream: Stream) -> Vec<String> {
    let head: Vec<Cell> = head.iter().map(|name| Cell::marked(Meaning::Strong, *name)).collect();
    let rows: Vec<Vec<Cell>> = std::iter::once(&head)
        .chain(rows)
        .map(|row| row.iter().map(clean).collect())
        .collect();
    let mut widths = widths(&rows);
    if let Some(columns) = columns {
        fit(&mut widths, columns);
    }
    rows.iter().map(|row| aligned(row, &widths, stream)).collect()
}

fn clean(cell: &Cell) -> Cell {
    Cell {
        text: one_line(&cell.text),
        meaning: cell.meaning,
    }
}

fn widths(rows: &[Vec<Cell>]) -> Vec<usize> {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| move |row: &Vec<Cell>| row.get(column).map_or(0, |cell| cell.text.width());
    (0..count)
        .map(|column| rows.iter().map(width(column)).max().unwrap_or(0))
        .collect()
}

/// Takes from the last column what the table is too wide by, then from the widest ones: as long as they can still be read,
/// and where that is not enough even so, since a line that wraps takes all the columns apart.
fn fit(widths: &mut [usize], columns: usize) {
    let gaps = widths.len().saturating_sub(1) * GAP;
    for least in [NARROWEST, 1] {
        while let surplus @ 1.. = (widths.iter().sum::<usize>() + gaps).saturating_sub(columns) {
            let can_give = |width: &&mut usize| **width > least;
            let last = widths.last_mut().filter(can_give);
            let width = match last {
                Some(last) => last,
                None => match widths.iter_mut().filter(can_give).max_by_key(|width| **width) {
                    Some(widest) => widest,
                    None => break,
                },
            };
            *width = width.saturating_sub(surplus).max(least);
        }
    }
}

fn aligned(row: &[Cell], widths: &[usize], stream: Stream) -> String {
    let mut line = String::new();
    let last = row.iter().rposition(|cell| !cell.text.is_empty()).unwrap_or(0);
    for (column, (cell, width)) in row.iter().zip(widths).enumerate().take(last + 1) {
        let text = shortened(&cell.text, *width);
        line += &stream.paint(cell.meaning, &text);
        if column < last {
            line += &" ".repeat(width.saturating_sub(text.width()) + GAP);
        }
    }
    line
}

/// As much of a text as fits, with an ellipsis in place of the rest.
pub(crate) fn shortened(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(1);
    let mut used = 0;
    let mut short: String = text
        .chars()
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used <= room
        })
        .collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Stream = Stream {
        is_terminal: true,
        can_go_back: true,
        has_colours: false,
    };

    fn table(rows: &[[&str; 3]], columns: Option<usize>) -> Vec<String> {
        let rows: Vec<Vec<Cell>> = rows.iter().map(|row| row.map(Cell::from).to_vec()).collect();
        lines(&["NAME", "PORT", "TXT"], &rows, columns, PLAIN)
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_field_and_wide_characters_count_twice() {
        let rows = [["é", "22", "a"], ["電話番", "1", "b"], ["long name", "1", ""]];
        assert_eq!(
            table(&rows, None),
            [
                "NAME       PORT  TXT",
                "é          22    a",
                "電話番     1     b",
                "long name  1"
            ]
        );
    }

    #[test]
    fn the_last_column_gives_way_first_and_then_the_widest() {
        let rows = [["a name of thirty letters, or so", "5020", "a=1 b=2 c=3 d=4 e=5 f=6"]];
        for columns in [120, 60, 40, 30, 20, 9] {
            let lines = table(&rows, Some(columns));
            assert!(lines.iter().all(|line| line.width() <= columns), "{columns}: {lines:?}");
        }
        assert_eq!(
            table(&rows, Some(60))[1],
            "a name of thirty letters, or so  5020  a=1 b=2 c=3 d=4 e=5 …"
        );
        assert_eq!(table(&rows, Some(40))[1], "a name of thirty letter…  5020  a=1 b=2…");
    }

    #[test]
    fn what_fits_exactly_is_whole_and_one_column_less_shortens_it() {
        assert_eq!(shortened("12345", 5), "12345");
        assert_eq!(shortened("12345", 4), "123…");
        assert_eq!(shortened("電話番", 6), "電話番");
        assert_eq!(shortened("電話番", 5), "電話…");
        assert_eq!(shortened("電話番", 4), "電…");
    }

    #[test]
    fn colours_do_not_count_as_width() {
        let stream = Stream {
            has_colours: true,
            ..PLAIN
        };
        let rows = [vec![Cell::marked(Meaning::Good, "ok"), "x".into()]];
        let lines = lines(&["STATE", "WHY"], &rows, Some(80), stream);
        assert_eq!(lines[1], "\u{1b}[32mok\u{1b}[0m     x");
    }
}
