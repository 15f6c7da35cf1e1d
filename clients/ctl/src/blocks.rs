//! Pictures of squares for a terminal, two squares to a character: QR codes, and digits that are read across a room.
//!
//! It prints nothing, and what a QR code says is not its business.

use qrcode::{EcLevel, QrCode};

/// Empty squares around a QR code. ISO/IEC 18004 asks for four; with two the picture of a pairing link has 21 lines, so
/// that it stands on a terminal of 24.
const QUIET: usize = 2;

/// Black on white, from the cube of the 256 colours, which no theme changes as it does the first sixteen.
const BLACK_ON_WHITE: &str = "\u{1b}[38;5;16;48;5;231m";
const PLAIN: &str = "\u{1b}[0m";

/// Digits of three by five squares; the bits of a row stand from left to right.
const DIGITS: [[u8; 5]; 10] = [
    [0b111, 0b101, 0b101, 0b101, 0b111],
    [0b010, 0b110, 0b010, 0b010, 0b111],
    [0b111, 0b001, 0b111, 0b100, 0b111],
    [0b111, 0b001, 0b111, 0b001, 0b111],
    [0b101, 0b101, 0b111, 0b001, 0b001],
    [0b111, 0b100, 0b111, 0b001, 0b111],
    [0b111, 0b100, 0b111, 0b101, 0b111],
    [0b111, 0b001, 0b010, 0b010, 0b010],
    [0b111, 0b101, 0b111, 0b101, 0b111],
    [0b111, 0b101, 0b111, 0b001, 0b111],
];
const DASH: [u8; 5] = [0, 0, 0b111, 0, 0];

/// Squares in rows; `true` is drawn.
#[derive(Debug)]
pub(crate) struct Squares(Vec<Vec<bool>>);

impl Squares {
    /// The QR code of this text, its dark squares drawn, with an empty margin.
    ///
    /// `None` when the text is longer than a QR code can hold.
    pub(crate) fn qr(text: &str) -> Option<Self> {
        // The lowest correction gives the fewest squares; a screen has no scratches.
        let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
        let colors = code.to_colors();
        let side = code.width() + 2 * QUIET;
        let mut squares = vec![vec![false; side]; side];
        for (row, line) in colors.chunks(code.width()).enumerate() {
            for (column, color) in line.iter().enumerate() {
                squares[row + QUIET][column + QUIET] = *color == qrcode::Color::Dark;
            }
        }
        Some(Self(squares))
    }

    /// Digits and dashes, large; anything else is left out.
    pub(crate) fn digits(text: &str) -> Self {
        let glyphs: Vec<[u8; 5]> = text
            .chars()
            .filter_map(|c| match c {
                '-' => Some(DASH),
                c => DIGITS.get(usize::try_from(c.to_digit(10)?).ok()?).copied(),
            })
            .collect();
        let row = |row: usize| {
            let of = |glyph: &[u8; 5]| [4, 2, 1, 0].map(|bit| glyph[row] & bit != 0);
            glyphs.iter().flat_map(of).collect()
        };
        Self((0..5).map(row).collect())
    }

    /// How many characters wide it is.
    pub(crate) fn width(&self) -> usize {
        self.0.first().map_or(0, Vec::len)
    }

    /// Lines of half blocks in the terminal's own colours.
    pub(crate) fn lines(&self) -> Vec<String> {
        let square = |row: usize, column: usize| self.0.get(row).is_some_and(|line| line[column]);
        let line = |row: usize| {
            (0..self.width())
                .map(|column| match (square(row, column), square(row + 1, column)) {
                    (true, true) => '█',
                    (true, false) => '▀',
                    (false, true) => '▄',
                    (false, false) => ' ',
                })
                .collect()
        };
        (0..self.0.len()).step_by(2).map(line).collect()
    }

    /// For a camera: black on white whatever the terminal's colours are. Without colours what is not drawn is drawn
    /// instead, because most terminals are light on dark.
    pub(crate) fn for_a_camera(&self, has_colours: bool) -> String {
        if has_colours {
            let paint = |line: &String| format!("{BLACK_ON_WHITE}{line}{PLAIN}\n");
            return self.lines().iter().map(paint).collect();
        }
        let inverted = self.0.iter().map(|line| line.iter().map(|it| !it).collect());
        Self(inverted.collect()).lines().join("\n") + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The longest link with an address of IPv4.
    const LINK: &str = "http://255.255.255.255:65535/#p=1.4OHi4-Tl5ufo6err7O3u73ykkaTtfyc0eKywUTmkcz9rAWbw";

    /// The characters as pixels of a photograph, each square some pixels wide, and what another library reads there.
    fn photographed(picture: &str, drawn: u8, empty: u8) -> String {
        const SCALE: usize = 4;
        let mut rows: Vec<Vec<u8>> = Vec::new();
        for line in picture.lines() {
            let shade = |is_drawn: bool| if is_drawn { drawn } else { empty };
            rows.push(line.chars().map(|c| shade(matches!(c, '█' | '▀'))).collect());
            rows.push(line.chars().map(|c| shade(matches!(c, '█' | '▄'))).collect());
        }
        // A phone sees the terminal around it as well.
        let margin = 6 * SCALE;
        let (width, height) = (rows[0].len() * SCALE + 2 * margin, rows.len() * SCALE + 2 * margin);
        let mut photo = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| {
            let square = |at: usize| at.checked_sub(margin).map(|at| at / SCALE);
            let seen = square(y)
                .zip(square(x))
                .and_then(|(row, column)| rows.get(row)?.get(column));
            seen.copied().unwrap_or(128)
        });
        let grids = photo.detect_grids();
        assert_eq!(grids.len(), 1, "one QR code is seen");
        grids[0].decode().unwrap().1
    }

    #[test]
    fn another_library_reads_the_link_from_the_picture() {
        let squares = Squares::qr(LINK).unwrap();
        let picture = squares.for_a_camera(true);
        assert!(
            picture
                .lines()
                .all(|line| line.starts_with(BLACK_ON_WHITE) && line.ends_with(PLAIN))
        );
        let picture = picture.replace(BLACK_ON_WHITE, "").replace(PLAIN, "");
        assert_eq!(photographed(&picture, 0, 255), LINK);
        assert_eq!(photographed(&squares.for_a_camera(false), 255, 0), LINK);
    }

    #[test]
    fn the_longest_link_of_an_address_fits_a_terminal_of_80_by_24() {
        let squares = Squares::qr(LINK).unwrap();
        assert!(
            squares.width() <= 80 && squares.lines().len() <= 23,
            "{}",
            squares.lines().len()
        );
    }

    #[test]
    fn what_no_qr_code_can_hold_gives_none() {
        assert!(Squares::qr(&"x".repeat(3_000)).is_none());
    }

    #[test]
    fn digits_are_drawn_three_lines_high() {
        let expected = ["▄█      █▀█ ", " █  ▀▀▀ █▀█ ", "▀▀▀     ▀▀▀ "];
        assert_eq!(Squares::digits("1-8").lines(), expected);
        assert_eq!(Squares::digits("1234-5678").width(), 36);
    }
}
