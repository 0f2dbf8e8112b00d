//! Why the hook failed.

use std::io;

use thiserror::Error;
use underlay::{attach, container::InvalidContainerId, namespace, request, rights};

use crate::{bundle, state, voucher};

/// Why the hook failed: its message is what the runtime shows.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// The process could not be put into order.
    #[error("cannot {operation}")]
    Sanitise {
        operation: &'static str,
        #[source]
        source: io::Error,
    },
    /// The process could not rest, or act.
    #[error(transparent)]
    Rights(#[from] rights::Error),
    /// Not the host's root.
    #[error(
        "a link on the host's network card needs the host's root, and this runs {0}: rootless containers cannot be attached; \
         start the container as root"
    )]
    NotHostRoot(&'static str),
    /// Root with fewer rights than the host's.
    #[error(
        "a link on the host's network card needs {0}, which this does not have although it is root: let the runtime run with them"
    )]
    Lacking(String),
    /// Argument and state say different things.
    #[error("called for {stage}, but the container's state is `{}`: check the `stages` of the hooks file", underlay::message::escape(.status))]
    Contradiction { stage: &'static str, status: String },
    /// No stage was given, and the state does not tell.
    #[error("neither the arguments nor the container's state (status `{}`) say whether to attach or to detach; give createRuntime or poststop as argument", underlay::message::escape(.0))]
    StageUnknown(String),
    /// A state that cannot be read.
    #[error(transparent)]
    State(#[from] state::Error),
    /// A container id that could be a path.
    #[error(transparent)]
    ContainerId(#[from] InvalidContainerId),
    /// Whose container it is cannot be told.
    #[error(transparent)]
    Voucher(#[from] voucher::Contradiction),
    /// A bundle that cannot be read.
    #[error(transparent)]
    Bundle(#[from] bundle::Error),
    /// An annotation that is wrong.
    #[error("annotation {key}: {mistakes}")]
    Annotation { key: String, mistakes: request::Mistakes },
    /// No namespace to work in.
    #[error(transparent)]
    Namespace(#[from] namespace::Error),
    /// It could not be attached.
    #[error(transparent)]
    Attach(#[from] Box<attach::Error>),
}
