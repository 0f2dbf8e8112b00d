//! What is in the namespace: as its helper says, or as it will most likely say.

use std::time::Instant;

use plan::Hello;

use super::Error;
use crate::{
    attachment::{liveness, record::Record},
    helper::Helper,
    namespace::Namespace,
    undo::Tools,
};

/// What everything is decided by.
#[derive(Debug)]
pub(super) struct Outlook {
    pub(super) hello: Hello,
    is_foretold: bool,
    /// It was still so when the namespace's record was locked.
    is_current: bool,
}

impl Outlook {
    /// A namespace with a record was attached to before, and the helper is waited for. Most others have nothing in them,
    /// and the helper, which has to give up its rights before it looks, would say so. Who takes its word for given
    /// leases and records meanwhile; the helper is told nothing before it has [said it](Self::confirm).
    pub(super) fn of(
        helper: &mut Helper,
        tools: &Tools<'_>,
        cookie: u64,
        record: Option<&Record>,
    ) -> Result<Self, Error> {
        let foretold = if record.is_some() { None } else { Hello::of_fresh(cookie) };
        if let Some(hello) = foretold {
            return Ok(Self { hello, is_foretold: true, is_current: true });
        }
        let hello = helper.hello()?;
        let is_current = record.is_none_or(|record| record.attachments.is_empty()) && is_there(tools, &hello);
        Ok(Self { hello, is_foretold: false, is_current })
    }

    /// Waits for the helper's word. Tells whether it is another one than was decided by.
    pub(super) fn confirm(&mut self, helper: &mut Helper, tools: &Tools<'_>) -> Result<bool, Error> {
        if !self.is_foretold {
            return Ok(false);
        }
        let hello = helper.hello()?;
        let is_other = hello != self.hello;
        let is_current = !is_other || is_there(tools, &hello);
        *self = Self { hello, is_foretold: false, is_current };
        Ok(is_other)
    }

    /// The helper may have said what is in the namespace before its record was locked. Another container may have
    /// attached there since, or the last one may have left and taken its links along, or what a killed hook had left
    /// was taken away: then another helper says what is there now.
    pub(super) fn refresh(
        &mut self,
        helper: &mut Helper,
        tools: &Tools<'_>,
        namespace: &Namespace,
        deadline: Instant,
    ) -> Result<(), Error> {
        if !self.is_current {
            *helper = Helper::attach(tools.layout, namespace.entrance(), deadline)?;
            helper.entered()?;
            *self = Self { hello: helper.hello()?, is_foretold: false, is_current: true };
        }
        Ok(())
    }
}

/// Whether all links that the helper saw are there now.
fn is_there(tools: &Tools<'_>, hello: &Hello) -> bool {
    let has_gone = |name: &String| name != "lo" && liveness::has_gone(tools.socket(), hello.nsid, name);
    !hello.links.iter().any(has_gone)
}
