//! One run from top to bottom: shed privilege, say hello, hear the plan, carry it out, report.

use std::{
    io::{self, Read, Write},
    os::fd::{AsFd, AsRawFd, OwnedFd, RawFd},
};

use netlink::{Socket, namespace_type};
use nix::{
    sys::statfs::{NSFS_MAGIC, fstatfs},
    unistd::Pid,
};
use plan::{Entered, Hello, MadeLink, Plan, Report, Sight, nsid_of};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    admission,
    apply::{self, Failed, Site, Sysctls},
    arguments::{Arguments, Errand, Proc, User},
    error::{Cause, Error, Obstacle, Result},
    isolation::{self, Work},
    look, own_proc, rehearsal, removal, system,
};

/// 1024 steps take some 400 KiB.
const MAX_PLAN_BYTES: u64 = 1024 * 1024;

/// What fails when the namespace cannot be told from another, or does not answer.
const LOOK: &str = "look at the network namespace";

/// Runs to the answer. Fails only if that cannot be written.
pub(crate) fn run(arguments: &Arguments, parent: Pid) -> io::Result<()> {
    let Arguments { errand, proc, user } = *arguments;
    let done = isolation::sanitise(errand.namespace()).map_err(Failed::from).and_then(|()| match errand {
        Errand::Act(fd) => act_inside(fd, proc, user, parent).map(Answer::Links),
        Errand::Delete => delete_from_outside(user, parent).map(|()| Answer::Links(Vec::new())),
        Errand::Look(fd) => Ok(Answer::Sight(look::look(fd, user, parent)?)),
    });
    match done {
        Ok(Answer::Links(links)) => write_line(&Report::Done { links }),
        Ok(Answer::Sight(sight)) => write_line(&sight),
        Err(Failed { error, left }) => write_line(&Report::Failed(error.into_failure(left))),
    }
}

/// What came of an errand.
enum Answer {
    Links(Vec<MadeLink>),
    Sight(Sight),
}

/// Enters no namespace: the links to delete are known by their namespaces' numbers.
fn delete_from_outside(user: User, parent: Pid) -> std::result::Result<(), Failed> {
    let host = open_socket("of the host")?;
    isolation::renounce(user)?;
    isolation::stay()?;
    isolation::settle(parent, &Work::Delete)?;
    let plan: Plan = read("read the plan")?;
    let links = admission::removals(plan).map_err(|why| Error::new("carry out the plan", why))?;
    removal::remove_all(&host, &links)
}

fn act_inside(fd: RawFd, proc: Proc, user: User, parent: Pid) -> std::result::Result<Vec<MadeLink>, Failed> {
    // Before the socket is opened: a descriptor that the parent did not leave open would become the socket's.
    let namespace = open_namespace(fd)?;
    let host = open_socket("of the host")?;
    isolation::renounce(user)?;
    let own = isolation::enter(&namespace, || match proc {
        Proc::Own => own_proc::open(),
        Proc::Hosts => None,
    })?;
    let inside = open_socket("of the namespace")?;
    let cookie = identify(&host, &inside)?;
    say("say which namespace this is", &Entered { cookie })?;
    let sysctls = own.map_or_else(Sysctls::open, Ok)?;
    isolation::settle(parent, &Work::Act(&sysctls))?;
    let hello = greet(&host, &inside, &namespace, cookie)?;
    say("say hello", &hello)?;
    rehearsal::rehearse();
    let plan: Plan = read("read the plan")?;
    admission::check(&plan).map_err(|why| Error::new("carry out the plan", why))?;
    apply::apply(&plan, Site { host, inside, namespace, nsid: hello.nsid, sysctls })
}

pub(crate) fn open_socket(whose: &str) -> Result<Socket> {
    Socket::open().map_err(|error| Error::new(format!("open a netlink socket {whose}"), error))
}

/// Stage 2. Takes over the descriptor if it is a network namespace, so that setns cannot be asked for anything
/// else. Whether it is the host's is seen once it was entered, by the cookies: to enter one's own changes nothing.
pub(crate) fn open_namespace(fd: RawFd) -> Result<OwnedFd> {
    let what = "take over the network namespace";
    let look = || -> std::result::Result<OwnedFd, Cause> {
        let namespace = system::inherit(fd).map_err(Cause::call("fcntl"))?;
        let filesystem = fstatfs(&namespace).map_err(Cause::call("fstatfs"))?;
        if filesystem.filesystem_type() != NSFS_MAGIC
            || namespace_type(&namespace).map_err(Cause::call("NS_GET_NSTYPE"))? != libc::CLONE_NEWNET
        {
            return Err(Obstacle::NotANamespace(namespace.as_raw_fd()).into());
        }
        Ok(namespace)
    };
    look().map_err(|cause| Error::new(what, cause))
}

/// The cookie of the namespace that was entered: it must not be the host's.
fn identify(host: &Socket, inside: &Socket) -> Result<u64> {
    let look = || -> std::result::Result<u64, Cause> {
        let cookie = inside.cookie()?;
        if cookie == host.cookie()? { Err(Obstacle::HostsNamespace.into()) } else { Ok(cookie) }
    };
    look().map_err(|cause| Error::new(LOOK, cause))
}

/// Gives the namespace a number in the host's, and finds out what is there already.
fn greet(host: &Socket, inside: &Socket, namespace: &OwnedFd, cookie: u64) -> Result<Hello> {
    let look = || -> std::result::Result<Hello, Cause> {
        // A cookie is never used again before the next boot, and so is a number made of it. The kernel's own numbers
        // are the lowest that are free (`alloc_netid`): far above them this one is free too.
        let nsid = host.assign_nsid(namespace.as_fd(), nsid_of(cookie))?;
        let links = inside.links()?.into_iter().map(|link| link.name).collect();
        let defaults = inside.default_routes()?;
        Ok(Hello { nsid, links, ipv4_default: defaults.ipv4, ipv6_default: defaults.ipv6 })
    };
    look().map_err(|cause| Error::new(LOOK, cause))
}

/// The parent's word, to its end of file.
pub(crate) fn read<T: DeserializeOwned>(what: &str) -> Result<T> {
    let mut text = Vec::new();
    io::stdin()
        .take(MAX_PLAN_BYTES + 1)
        .read_to_end(&mut text)
        .map_err(|source| Error::new(what, Cause::Call { call: "read", source }))?;
    if text.len() as u64 > MAX_PLAN_BYTES {
        return Err(Error::new(what, Obstacle::PlanTooLong(MAX_PLAN_BYTES)));
    }
    serde_json::from_slice(&text).map_err(|error| Error::new(what, error))
}

fn say(what: &str, word: &impl Serialize) -> Result<()> {
    write_line(word).map_err(|source| Error::new(what, Cause::Call { call: "write", source }))
}

fn write_line(value: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    // One write: a reader sees a whole line or none of it, up to the pipe's buffer.
    let mut stdout = io::stdout().lock();
    stdout.write_all(&line)?;
    stdout.flush()
}
