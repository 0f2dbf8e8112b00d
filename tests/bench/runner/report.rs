//! What is told in the end.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::series::{Series, Summary};

/// Everything that was measured.
pub(crate) struct Report {
    machine: String,
    tables: Vec<Table>,
    counts: Vec<Count>,
    profiles: Vec<(String, String)>,
}

/// Things that are compared with the first of them.
pub(crate) struct Table {
    name: String,
    title: String,
    rows: Vec<(String, Summary)>,
}

/// A number that no round changes.
pub(crate) struct Count {
    name: String,
    value: f64,
    unit: &'static str,
}

impl Report {
    pub(crate) const fn new(machine: String) -> Self {
        Self { machine, tables: Vec::new(), counts: Vec::new(), profiles: Vec::new() }
    }

    pub(crate) fn add(&mut self, table: Table) {
        self.tables.push(table);
    }

    pub(crate) fn count(&mut self, count: Count) {
        self.counts.push(count);
    }

    pub(crate) fn profile(&mut self, title: String, text: String) {
        self.profiles.push((title, text));
    }

    /// Markdown: all of it, and at the end the ratios alone, as README has them.
    pub(crate) fn table(&self) -> String {
        let mut text = format!("{}\n", self.machine);
        for table in &self.tables {
            let _ = write!(text, "\n{}\n", table.markdown());
        }
        text.push_str("\n| | |\n|---|---|\n");
        for Count { name, value, unit } in &self.counts {
            let _ = writeln!(text, "| {name} | {value:.0} {unit} |");
        }
        for (title, profile) in &self.profiles {
            let _ = write!(text, "\n{title}\n\n```\n{profile}```\n");
        }
        let _ = write!(text, "\nRatios of medians, {}:\n\n| | wall | CPU |\n|---|---|---|\n", self.machine);
        for table in &self.tables {
            text.push_str(&table.ratios());
        }
        text
    }

    /// Times in microseconds.
    pub(crate) fn json(&self) -> String {
        let tables: Vec<_> = self.tables.iter().map(Table::json).collect();
        let counts: Vec<_> = self.counts.iter().map(Count::json).collect();
        let profiles: Vec<_> =
            self.profiles.iter().map(|(title, text)| json!({"title": title, "text": text})).collect();
        let all = json!({"machine": self.machine, "tables": tables, "counts": counts, "profiles": profiles});
        format!("{all:#}\n")
    }
}

impl Table {
    pub(crate) fn new(name: impl Into<String>, title: impl Into<String>) -> Self {
        Self { name: name.into(), title: title.into(), rows: Vec::new() }
    }

    /// The first one is what the others are compared with.
    pub(crate) fn add(&mut self, name: impl Into<String>, series: &Series) {
        self.rows.push((name.into(), series.summary()));
    }

    /// How many times as long as the first one, and as much of the processors.
    fn ratio(&self, row: &Summary) -> (f64, f64) {
        self.rows
            .first()
            .map_or((f64::NAN, f64::NAN), |(_, first)| (row.wall / first.wall, row.cpu / first.cpu))
    }

    fn markdown(&self) -> String {
        let mut text = format!(
            "| {} | runs | wall, ms | 95 % | CPU, ms | wall | CPU |\n|---|---|---|---|---|---|---|\n",
            self.title
        );
        for (name, row) in &self.rows {
            let (wall, cpu) = self.ratio(row);
            let [median, slow, busy] = [row.wall, row.wall_p95, row.cpu].map(|us| us / 1000.0);
            let _ = writeln!(
                text,
                "| {name} | {} | {median:.2} | {slow:.2} | {busy:.2} | {wall:.2} × | {cpu:.2} × |",
                row.runs
            );
        }
        text
    }

    fn ratios(&self) -> String {
        let mut text = String::new();
        for (name, row) in self.rows.iter().skip(1) {
            let (wall, cpu) = self.ratio(row);
            let first = self.rows.first().map_or("", |(name, _)| name);
            let _ = writeln!(text, "| {}: {name} / {first} | {wall:.2} | {cpu:.2} |", self.name);
        }
        text
    }

    fn json(&self) -> Value {
        let rows: Vec<_> = self
            .rows
            .iter()
            .map(|(name, row)| {
                let (wall, cpu) = self.ratio(row);
                json!({
                    "name": name, "runs": row.runs, "wall": row.wall, "wall_p95": row.wall_p95, "cpu": row.cpu,
                    "wall_ratio": wall, "cpu_ratio": cpu,
                })
            })
            .collect();
        json!({"name": self.name, "title": self.title, "rows": rows})
    }
}

impl Count {
    pub(crate) const fn new(name: String, value: f64, unit: &'static str) -> Self {
        Self { name, value, unit }
    }

    fn json(&self) -> Value {
        json!({"name": self.name, "value": self.value, "unit": self.unit})
    }
}
