//! Columns of text.

/// Rows as lines, each column as wide as its widest cell, two spaces between.
pub(crate) fn lines<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    rows.iter().map(|row| line(row, &widths)).collect()
}

fn line<const N: usize>(row: &[String; N], widths: &[usize; N]) -> String {
    let cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
    cells.join("  ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_end_with_their_last_cell() {
        let rows =
            [["NAME", "PARENT"], ["lan", "eth0"], ["management", ""]].map(|row| row.map(str::to_owned));
        assert_eq!(lines(&rows), ["NAME        PARENT", "lan         eth0", "management"]);
    }
}
