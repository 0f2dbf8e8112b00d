//! Places: where a command runs.

use std::{
    process::{Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    Error, Result,
    interface::{Interface, Route},
};

/// A set of namespaces in which commands run: the host of a lab, its LAN, a container's network.
///
/// A container's network is looked at with the programs of the machine, not with those of the container:
/// `ip -j` is the tests' own oracle, independent of the code under test.
#[derive(Clone, Debug)]
pub struct Place {
    enter: Vec<String>,
}

/// What a command left.
#[derive(Debug)]
pub struct Output {
    /// The command as it would be typed in that place.
    pub command: String,
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote.
    pub stdout: String,
    /// What it complained of.
    pub stderr: String,
}

impl Place {
    /// Mount, network and process namespaces of a process.
    pub(crate) fn host(pid: u32) -> Self {
        // What hangs is a failure, and soon enough.
        let enter = ["timeout", "-k", "5", "90", "nsenter", "-t", &pid.to_string(), "-m", "-n", "-p", "--"];
        Self { enter: enter.map(str::to_owned).to_vec() }
    }

    /// Where the calling thread is.
    pub(crate) const fn here() -> Self {
        Self { enter: Vec::new() }
    }

    /// A network namespace that has a path in this place.
    #[must_use]
    pub fn namespace(&self, path: &str) -> Self {
        let mut enter = self.enter.clone();
        enter.extend(["nsenter".to_owned(), format!("--net={path}"), "--".to_owned()]);
        Self { enter }
    }

    /// Runs a command, whatever it ends with.
    pub fn run(&self, argv: &[&str]) -> Result<Output> {
        let command = argv.join(" ");
        let mut words = self.enter.iter().map(String::as_str).chain(argv.iter().copied());
        let output = Command::new(words.next().unwrap_or_default())
            .args(words)
            .current_dir("/")
            .stdin(Stdio::null())
            .output()
            .map_err(|source| Error::Start { command: command.clone(), source })?;
        Ok(Output {
            command,
            status: output.status,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Runs a command line, split at white space, that must succeed. Gives what it wrote.
    pub fn ok(&self, line: &str) -> Result<String> {
        self.run(&line.split_whitespace().collect::<Vec<_>>())?.success()
    }

    /// Runs a shell's line that must succeed. Gives what it wrote.
    pub fn sh(&self, line: &str) -> Result<String> {
        self.run(&["sh", "-c", line])?.success()
    }

    /// Runs a command line that must succeed and write JSON.
    pub fn json(&self, line: &str) -> Result<Value> {
        let text = self.ok(line)?;
        // ip(8) writes nothing at all for an empty table of some kinds.
        let json = if text.trim().is_empty() { "[]" } else { &text };
        serde_json::from_str(json).map_err(|source| Error::Output {
            command: line.to_owned(),
            output: text.clone(),
            source: Some(source),
        })
    }

    /// The address answers within five seconds.
    pub fn ping(&self, address: &str) -> Result {
        self.run(&["ping", "-n", "-c", "1", "-W", "1", "-w", "5", address])?.success().map(drop)
    }

    /// The address does not answer: ping(8) ends with 1 for silence and 2 for "no way there", and with
    /// something else if it could not even try.
    pub fn no_ping(&self, address: &str) -> Result {
        let output = self.run(&["ping", "-n", "-c", "2", "-i", "0.2", "-W", "1", address])?;
        match output.status.code() {
            Some(1 | 2) => Ok(()),
            _ => Err(output.unlike("silence")),
        }
    }

    /// The address stops answering within two seconds. A private namespace dies with its last process, but
    /// the kernel takes its links down from a queue: for some tens of milliseconds, more on a busy machine,
    /// they still answer.
    pub fn falls_silent(&self, address: &str) -> Result {
        let start = Instant::now();
        loop {
            match self.no_ping(address) {
                Err(_) if start.elapsed() < Duration::from_secs(2) => {}
                result => return result,
            }
        }
    }

    /// The links there are, by name; the loopback is not among them.
    pub fn interfaces(&self) -> Result<Vec<Interface>> {
        let links = self.json("ip -d -j address show")?;
        let interfaces = links.as_array().into_iter().flatten().map(Interface::of);
        Ok(interfaces.filter(|interface| interface.name != "lo").collect())
    }

    /// One of the links there are.
    pub fn interface(&self, name: &str) -> Result<Interface> {
        let mut interfaces = self.interfaces()?;
        match interfaces.iter().position(|interface| interface.name == name) {
            Some(position) => Ok(interfaces.swap_remove(position)),
            None => Err(Error::NoInterface {
                name: name.to_owned(),
                there: interfaces.into_iter().map(|interface| interface.name).collect(),
            }),
        }
    }

    /// The IPv4 routes of the main table as [`Route`] writes them, sorted.
    pub fn routes(&self) -> Result<Vec<String>> {
        self.routes_of("-4")
    }

    /// The IPv6 routes of the main table but for link-local ones, sorted.
    pub fn routes6(&self) -> Result<Vec<String>> {
        self.routes_of("-6")
    }

    fn routes_of(&self, family: &str) -> Result<Vec<String>> {
        let routes = self.json(&format!("ip {family} -d -j route show table main"))?;
        let routes = routes.as_array().into_iter().flatten().map(Route::of);
        let mut lines: Vec<_> =
            routes.filter(|route| !route.is_link_local()).map(|route| route.to_string()).collect();
        lines.sort();
        Ok(lines)
    }
}

impl Output {
    /// What it wrote, if it ended well.
    pub fn success(self) -> Result<String> {
        if self.status.success() { Ok(self.stdout) } else { Err(self.unlike("success")) }
    }

    /// What it complained of, if it failed. One that was killed, or that could not be found, did not fail but
    /// die.
    pub fn failure(self) -> Result<String> {
        match self.status.code() {
            Some(code) if code != 0 && code != 127 => Ok(self.stderr),
            _ => Err(self.unlike("failure")),
        }
    }

    fn unlike(self, wanted: &'static str) -> Error {
        let Self { command, status, stdout, stderr } = self;
        Error::Status { command, status, wanted, stdout, stderr }
    }
}
