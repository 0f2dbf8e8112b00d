//! `underlay-hook`: what an OCI runtime runs at createRuntime and at poststop.
//!
//! The container's state comes on standard input; what to do comes from the arguments and from the state,
//! which must agree. Nothing is ever printed on standard output, which is the runtime's. Errors go to
//! standard error, where runc and podman show them, and to syslog.
//!
//! The order matters: a container that asks for nothing costs one read and an exit. Only for one that does
//! are its files opened and its words interpreted.

#![cfg_attr(not(test), no_main)]

mod arguments;
mod bundle;
mod error;
mod journal;
mod reaper;
mod sanitise;
mod state;
mod voucher;
mod wish;

use std::{
    ffi::OsString,
    time::{Duration, Instant},
};

use arguments::{Arguments, Invocation, Stage};
use bundle::Bundle;
use error::Error;
use journal::Journal;
use memory::Heap;
use nix::unistd::getppid;
use sanitise::StandardInput;
use state::State;
use underlay::{
    container::UserKey,
    helper::Helper,
    layout::Layout,
    message,
    namespace::{self, Namespace, Opened},
    rights,
};

/// Nothing was to do, or it was done.
const DONE: u8 = 0;
/// The container must not start. Never at poststop: runc would skip the hooks of others, and nobody would try
/// ours again.
const FAILED: u8 = 1;
/// The command line is wrong (`EX_USAGE` of sysexits.h).
const USAGE: u8 = 64;

/// From the state to the answer. The hooks.d files let the engine wait 30 seconds; what is left then is for taking
/// back.
const TIME: Duration = Duration::from_secs(20);

/// Keeps what was freed: this process ends after a millisecond.
#[global_allocator]
static HEAP: Heap = Heap::new();

start::main!(begin);

fn begin(words: Vec<OsString>) -> u8 {
    match arguments::parse(words) {
        Ok(Invocation::Say(text)) => journal::say(&text),
        Ok(Invocation::Run(arguments)) => run(&arguments),
        Err(error) => {
            journal::complain(&error.to_string());
            USAGE
        }
    }
}

fn run(arguments: &Arguments) -> u8 {
    let looked = look(arguments);
    if looked.as_ref().is_ok_and(|(state, _)| state.wish().is_none()) {
        return DONE;
    }
    // Nothing was opened, started or written up to here.
    let deadline = Instant::now() + TIME;
    let (state, stage) = match sanitise::sanitise().and(looked) {
        Ok(both) => both,
        Err(error) => return end(arguments.stage, fail(&mut Journal::default(), None, &error)),
    };
    let mut journal = Journal::default();
    match stage {
        Stage::CreateRuntime => match attach(arguments, &state, deadline, &mut journal) {
            Ok(()) => DONE,
            Err(error) => fail(&mut journal, Some(&state), &error),
        },
        Stage::Poststop | Stage::OfState => {
            if let Err(error) = detach(arguments, &state, deadline, &mut journal) {
                fail(&mut journal, Some(&state), &error);
            }
            DONE
        }
    }
}

/// The state, and the stage that it and the arguments agree on.
fn look(arguments: &Arguments) -> Result<(State, Stage), Error> {
    let state = state::read(StandardInput, &arguments.annotation)?;
    let stage = arguments.stage.agree(&state)?;
    Ok((state, stage))
}

fn attach(
    arguments: &Arguments,
    state: &State,
    deadline: Instant,
    journal: &mut Journal,
) -> Result<(), Error> {
    let start = Instant::now();
    let held = take_hold(arguments, state, deadline, journal);
    rights::keep(&[rights::NETWORK, rights::HELPERS])?;
    // From here on words are interpreted that strangers wrote or chose: annotation, config.json, definitions.
    let requests = wish::requests(state, &arguments.annotation)?;
    if requests.is_empty() {
        return Ok(());
    }
    let Held { bundle, pinned } = held?;
    let container = wish::container(state, &bundle)?;
    let (namespace, helper) = pinned?;
    let namespace = namespace.at(container.namespace.as_deref())?;
    let id = &container.key.container;
    if namespace.parent().is_some_and(|parent| parent != getppid().as_raw()) {
        journal.warn(id, "its process is not the child of the runtime that ran this hook");
    }
    let layout = &arguments.layout;
    let attached =
        underlay::attach(layout, &container, &requests, &namespace, helper, deadline).map_err(Box::new)?;
    journal.attached(id, &attached, start.elapsed());
    Ok(())
}

/// What only the host's root can open, and what it started.
struct Held {
    bundle: Bundle,
    /// Why there is none is told after what config.json says of it, which is the better reason.
    pinned: Result<(Namespace, Helper), Error>,
}

/// Opens it, starts the helper, which gets ready while this process reads, and leaves this process only the files that
/// it needs. In this order, since the helper would be bound by that, too; it binds itself, and closer. What can be
/// done after the helper's start is done after it.
fn take_hold(
    arguments: &Arguments,
    state: &State,
    deadline: Instant,
    journal: &mut Journal,
) -> Result<Held, Error> {
    let layout = &arguments.layout;
    let held = open(state).map(|(bundle, opened)| Held { bundle, pinned: pin(opened, layout, deadline) });
    // Elsewhere all of that fails, and this is the reason.
    sanitise::require_host_root()?;
    journal.open();
    rights::files::confine(layout)?;
    held
}

fn pin(opened: Opened, layout: &Layout, deadline: Instant) -> Result<(Namespace, Helper), Error> {
    let helper = opened.entrance().map(|entrance| Helper::attach(layout, entrance, deadline));
    let namespace = opened.namespace()?;
    let helper = helper.ok_or(namespace::Error::Unknown)?;
    Ok((namespace, helper.map_err(|error| Box::new(underlay::attach::Error::from(error)))?))
}

/// Nothing of config.json is read, unless nothing else says which namespace it is: then the process rests over it.
fn open(state: &State) -> Result<(Bundle, Opened), Error> {
    let bundle = Bundle::open(state.bundle()?)?;
    // The container's process may be in another user namespace.
    let mut opened = Opened::by(state.pid());
    if !state.has_own_pid() {
        rights::rest()?;
        let path = bundle.network_namespace();
        rights::act()?;
        if let Some(path) = path? {
            opened = opened.at(&path)?;
        }
    }
    Ok((bundle, opened))
}

fn detach(
    arguments: &Arguments,
    state: &State,
    deadline: Instant,
    journal: &mut Journal,
) -> Result<(), Error> {
    let start = Instant::now();
    rights::keep(&[rights::NETWORK, rights::HELPERS, rights::PROCESSES])?;
    let user = UserKey::new(state.id()?, state.bundle()?);
    // From here on nothing is read but our own records.
    rights::act()?;
    let detached = underlay::detach_ended(&arguments.layout, &user, reaper::parting, deadline);
    journal.detached(&user.container, &detached, start.elapsed());
    Ok(())
}

/// At poststop every failure is told and none returned.
fn end(stage: Stage, code: u8) -> u8 {
    if stage == Stage::Poststop { DONE } else { code }
}

fn fail(journal: &mut Journal, state: Option<&State>, error: &Error) -> u8 {
    journal.failed(state.map(State::shown_id), &message::chain(error));
    FAILED
}
