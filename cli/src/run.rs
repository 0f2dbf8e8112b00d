//! `underlay run`: a command on networks, without a runtime.
//!
//! ```text
//! this process                           its child (`underlay run-inside`)
//!   starts the child            ────>      makes a network namespace
//!   attaches the networks       <─USR1─    says that it is there, and waits
//!   forwards signals            ─USR1─>    becomes the command
//!   detaches once the child has ended
//! ```
//!
//! The two speak by signals, so that the command gets no descriptor that it does not know, and each of them
//! takes the signals one at a time where it waits for them. The child is killed when this process dies, so
//! that `underlay gc` finds it dead.

mod child;
mod inside;

use std::{
    ffi::OsString,
    time::{Duration, Instant},
};

use underlay::{
    attach::Error,
    container::{Container, ContainerId, UserKey},
    helper::Helper,
    layout::Layout,
    message,
    namespace::Namespace,
    network::Asker,
    request::{self, Request},
};

use crate::{
    arguments::RunWords,
    outcome::{Failure, note},
};
use child::{Child, Start};
pub(crate) use inside::inside;

/// The networks could not be attached, in the way of `docker run` and `podman run`.
const NOT_ATTACHED: u8 = 125;

/// For attaching and again for detaching; as long as a container's start may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs a command on the networks and ends as it ends.
pub(crate) fn run(layout: &Layout, words: &RunWords) -> Result<(), Failure> {
    let requests =
        request::parse(&words.network.join(";")).map_err(|mistakes| Failure::usage(mistakes.iter()))?;
    let failed = |failure: Failure| failure.with_code(NOT_ATTACHED);
    let mut child = match Child::start(&command(words)).map_err(|error| failed(error.into()))? {
        Start::Ready(child) => child,
        // It has said why.
        Start::Ended => return Err(Failure::told(NOT_ATTACHED)),
    };
    let key = UserKey::new(ContainerId::invent("run", &child.pid().to_string()), "");
    // A child that is dropped is killed.
    attach(layout, &key, &requests, &child).map_err(failed)?;
    let code = child.become_command().and_then(|()| child.wait());
    detach(layout, &key);
    match code {
        Ok(0) => Ok(()),
        Ok(code) => Err(Failure::told(code)),
        Err(error) => Err(failed(error.into())),
    }
}

fn command(words: &RunWords) -> Vec<OsString> {
    if words.command.is_empty() {
        return vec![std::env::var_os("SHELL").unwrap_or_else(|| "/bin/sh".into())];
    }
    words.command.clone()
}

fn attach(layout: &Layout, key: &UserKey, requests: &[Request], child: &Child) -> Result<(), Failure> {
    let container =
        Container { key: key.clone(), name: None, pod: None, namespace: None, asker: Asker::Administrator };
    let namespace = Namespace::pin(Some(child.pid()), None)?;
    let deadline = Instant::now() + PATIENCE;
    let helper = Helper::attach(layout, namespace.entrance(), deadline).map_err(Error::from)?;
    let attached = underlay::attach(layout, &container, requests, &namespace, helper, deadline)?;
    for text in &attached.notes {
        note(text);
    }
    Ok(())
}

/// What goes wrong here is left to gc, and changes nothing about how the command ended.
fn detach(layout: &Layout, key: &UserKey) {
    let detached = underlay::detach(layout, key, Instant::now() + PATIENCE);
    for error in &detached.errors {
        note(&format!("{} (left to `underlay gc`)", message::chain(error)));
    }
}
