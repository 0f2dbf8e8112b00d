//! Running a command and looking at the clock.

use std::{
    fs::File,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use nix::sys::{
    resource::{Usage, UsageWho, getrusage},
    time::TimeVal,
};

use crate::{
    error::{Error, Result, file},
    installed::program,
    series::Cost,
};

/// Where a command's words go, to be read if it fails.
const OUTPUT: &str = "/run/bench/output";
/// Where the stand-in for a runtime says how long it took.
const REPORT: &str = "/run/bench/report";

/// A command line, with a file as its standard input.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    words: Vec<String>,
    environment: Vec<(&'static str, String)>,
    input: Option<String>,
    /// What the runtime that runs it is told to do.
    verb: &'static str,
}

impl Line {
    /// A program and its arguments.
    pub(crate) fn new(words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let words = words.into_iter().map(Into::into).collect();
        let environment = vec![("PATH", "/usr/sbin:/usr/bin:/sbin:/bin".to_owned())];
        Self { words, environment, input: None, verb: "create" }
    }

    /// Run by a runtime that deletes its container.
    pub(crate) fn deleting(self) -> Self {
        Self { verb: "delete", ..self }
    }

    pub(crate) fn input(self, path: impl Into<String>) -> Self {
        Self { input: Some(path.into()), ..self }
    }

    pub(crate) fn variable(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    /// Its words after those of another program that is to run it.
    pub(crate) fn below(mut self, words: &[&str]) -> Self {
        self.words.splice(..0, words.iter().map(|word| (*word).to_owned()));
        self
    }

    /// Runs it to its end, which must be a good one.
    pub(crate) fn run(&self) -> Result<Cost> {
        let runtime = program("runtime");
        let line = self.clone().below(&[&runtime, self.verb, REPORT]);
        let child = line.command()?.spawn().map_err(|source| line.not_run(source))?;
        line.end(child)?;
        let report = std::fs::read_to_string(REPORT).map_err(file(REPORT))?;
        let mut times = report.split_whitespace().map(|time| time.parse().map(Duration::from_nanos));
        match (times.next(), times.next()) {
            (Some(Ok(wall)), Some(Ok(cpu))) => Ok(Cost { wall, cpu }),
            _ => Err(Error::Undone { who: "runtime".to_owned(), what: format!("`{report}` are no times") }),
        }
    }

    /// As it is to be started.
    pub(crate) fn command(&self) -> Result<Command> {
        let program = self.words.first().map_or("", String::as_str);
        let input = self.input.as_deref().unwrap_or("/dev/null");
        let output = File::create(OUTPUT).map_err(file(OUTPUT))?;
        let mut command = Command::new(program);
        command.args(self.words.iter().skip(1)).env_clear().envs(self.environment.iter().cloned());
        command.stdin(File::open(input).map_err(file(input))?).current_dir("/");
        command.stdout(output.try_clone().map_err(file(OUTPUT))?).stderr::<Stdio>(output.into());
        Ok(command)
    }

    fn end(&self, mut child: Child) -> Result {
        let status = child.wait().map_err(|source| self.not_run(source))?;
        if status.success() {
            return Ok(());
        }
        let complaint = std::fs::read_to_string(OUTPUT).map_err(file(OUTPUT))?;
        Err(Error::Failed { command: self.words.join(" "), status, complaint })
    }

    fn not_run(&self, source: std::io::Error) -> Error {
        Error::Run { program: self.words.join(" "), source }
    }
}

/// What the last command wrote.
pub(crate) fn said() -> String {
    std::fs::read_to_string(OUTPUT).unwrap_or_default()
}

/// Runs lines one after the other.
pub(crate) fn in_turn(lines: &[Line]) -> Result<Cost> {
    lines.iter().try_fold(Cost::default(), |sum, line| Ok(sum + line.run()?))
}

/// Runs lines all at once, to the end of the last one.
pub(crate) fn at_once(lines: &[Line]) -> Result<Cost> {
    let mut commands: Vec<_> = lines.iter().map(Line::command).collect::<Result<_>>()?;
    let before = cpu()?;
    let start = Instant::now();
    let mut children = Vec::new();
    for (line, command) in lines.iter().zip(&mut commands) {
        children.push((line, command.spawn().map_err(|source| line.not_run(source))?));
    }
    for (line, child) in children {
        line.end(child)?;
    }
    let wall = start.elapsed();
    Ok(Cost { wall, cpu: cpu()?.saturating_sub(before) })
}

/// Of all children that ended and were waited for, and of theirs.
fn cpu() -> Result<Duration> {
    let usage: Usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let duration = |time: TimeVal| {
        let seconds = Duration::from_secs(time.tv_sec().unsigned_abs());
        seconds + Duration::from_micros(time.tv_usec().unsigned_abs())
    };
    Ok(duration(usage.user_time()) + duration(usage.system_time()))
}
