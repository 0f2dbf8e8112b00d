//! What is said, and where: one line to syslog for each attach and detach, errors to standard error as well.
//!
//! Saying never fails and never waits: without a syslog daemon, or with one that does not read, the line is
//! lost and the container starts all the same.

use std::{
    io::{self, Write},
    os::unix::net::UnixDatagram,
    time::Duration,
};

use syslog::{Facility, Formatter3164, Logger, LoggerBackend, Severity};
use underlay::{
    attach::Attached,
    attachment::record::Attachment,
    container::ContainerId,
    detach::Detached,
    gc::{Collected, Taken},
    message,
};

const NAME: &str = "underlay-hook";
/// Where daemons listen (syslog(3)).
const SOCKET: &str = "/dev/log";
/// Of a text that strangers wrote, in characters: enough for an id of 64 digits.
const MAX_SHOWN: usize = 80;
/// Of a line, in bytes: what receivers must accept is 1,024 (RFC 3164, 4.1), what they do is more; podman
/// shows about as much.
const MAX_LINE: usize = 2000;

/// The system's log.
#[derive(Default)]
pub(crate) enum Journal {
    /// Nothing was said yet.
    #[default]
    Closed,
    /// There is none, if it could not be opened.
    Open(Option<Logger<LoggerBackend, Formatter3164>>),
}

impl Journal {
    /// Connects to syslog. The first word does that, too; this is for a moment in which nobody waits.
    pub(crate) fn open(&mut self) {
        if matches!(self, Self::Closed) {
            *self = Self::Open(connect().ok());
        }
    }

    /// An attach that succeeded, with its notes as warnings.
    pub(crate) fn attached(&mut self, container: &ContainerId, attached: &Attached, took: Duration) {
        let list = list(&attached.attachments);
        self.log(Severity::LOG_INFO, &format!("attached container={container} {list} took={}", millis(took)));
        self.collected(container, &attached.collected);
        for note in &attached.notes {
            self.warn(container, note);
        }
    }

    /// What the administrator may want to know.
    pub(crate) fn warn(&mut self, container: &ContainerId, note: &str) {
        self.log(Severity::LOG_WARNING, &format!("container={container} {note}"));
    }

    /// What an attach took of the dead.
    fn collected(&mut self, by: &ContainerId, collected: &Collected) {
        for Taken { attachment, why } in &collected.attachments {
            let of: Vec<_> = attachment.users.iter().map(ToString::to_string).collect();
            let line =
                format!("collected container={} {} by={by}: {why}", of.join(","), describe(attachment));
            self.log(Severity::LOG_INFO, &line);
        }
        for (address, owner) in &collected.leases {
            self.log(Severity::LOG_INFO, &format!("collected lease={address} owner={owner} by={by}"));
        }
    }

    /// A detach, with what went wrong on the way.
    pub(crate) fn detached(&mut self, container: &ContainerId, detached: &Detached, took: Duration) {
        if detached.runs {
            let line =
                format!("container={container} runs: this poststop is an earlier run's, nothing is removed");
            self.log(Severity::LOG_INFO, &line);
        } else if !detached.gone.is_empty() {
            let list = list(&detached.gone);
            self.log(
                Severity::LOG_INFO,
                &format!("detached container={container} {list} took={}", millis(took)),
            );
        } else if detached.errors.is_empty() {
            let shared = detached.shared;
            self.log(
                Severity::LOG_INFO,
                &format!("detached container={container} nothing to remove shared={shared}"),
            );
        }
        for error in &detached.errors {
            let error = message::chain(error);
            self.failed(Some(&container.to_string()), &format!("{error} (left to `underlay gc`)"));
        }
    }

    /// An error.
    pub(crate) fn failed(&mut self, container: Option<&str>, error: &str) {
        complain(error);
        let container =
            container.map(|id| format!("container={} ", cut(&message::escape(id)))).unwrap_or_default();
        self.log(Severity::LOG_ERR, &format!("{container}{error}"));
    }

    fn log(&mut self, severity: Severity, line: &str) {
        self.open();
        let Self::Open(Some(logger)) = self else { return };
        let line: String = message::escape(line).chars().take(MAX_LINE).collect();
        // A full socket, or a daemon that is gone: nothing can be done about it here.
        let _ = match severity {
            Severity::LOG_ERR => logger.err(line),
            Severity::LOG_WARNING => logger.warning(line),
            _ => logger.info(line),
        };
    }
}

fn connect() -> io::Result<Logger<LoggerBackend, Formatter3164>> {
    let socket = UnixDatagram::unbound()?;
    // A daemon that has stopped reading must not stop containers.
    socket.set_nonblocking(true)?;
    socket.connect(SOCKET)?;
    let formatter = Formatter3164 {
        facility: Facility::LOG_DAEMON,
        hostname: None,
        process: NAME.to_owned(),
        pid: std::process::id(),
    };
    Ok(Logger::new(LoggerBackend::Unix(socket), formatter))
}

fn list(attachments: &[Attachment]) -> String {
    attachments.iter().map(describe).collect::<Vec<_>>().join(" ")
}

fn describe(attachment: &Attachment) -> String {
    let addresses: Vec<String> = attachment.addresses.iter().map(ToString::to_string).collect();
    let mac = attachment.mac.map(|mac| format!(" mac={mac}")).unwrap_or_default();
    format!(
        "network={} interface={} parent={} addresses={}{mac}",
        attachment.network,
        attachment.interface,
        attachment.parent,
        if addresses.is_empty() { "none".to_owned() } else { addresses.join(",") }
    )
}

fn millis(took: Duration) -> String {
    format!("{:.1}ms", took.as_secs_f64() * 1000.0)
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_SHOWN).collect()
}

/// One line on standard error. A closed one is no reason to fail.
pub(crate) fn complain(line: &str) {
    let line: String = line.chars().take(MAX_LINE).collect();
    let _ = writeln!(io::stderr(), "underlay: {line}");
}

/// Text that a person asked for: the only thing that ever goes to standard output, and never in a hook's run.
pub(crate) fn say(text: &str) -> u8 {
    let mut stdout = io::stdout();
    u8::from(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).is_err())
}
