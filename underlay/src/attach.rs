//! From a container's requests to its interfaces.
//!
//! ```text
//! helper starts -> networks are looked up -> the helper says which namespace this is -> its record is locked
//!   -> parents are ensured, addresses leased, steps planned -> the intent is written -> the helper acts
//!   -> the record is final
//! ```
//!
//! Whatever fails, what had been done by then is undone on the way that detach takes, and the first error is
//! returned.

mod error;
mod former;
mod lookup;
mod share;

use std::time::Instant;

use plan::{Hello, IfName, LinkKind, MadeLink};

pub use error::Error;
use former::{leave_former_namespace, open_record};
use lookup::{admit, look_up};
use share::Split;

use crate::{
    attachment::{
        ledger::{Ledger, Page},
        liveness::{self, Liveness},
        record::{Attachment, MARK, Record, State},
    },
    clock,
    container::Container,
    detach::{Detached, Extent, Leave},
    gc::{
        Collected,
        quiet::{InTheWay, Quiet},
    },
    helper::Helper,
    ipam::{self, Host, Owner},
    layout::Layout,
    namespace::Namespace,
    network::Network,
    planner::{self, Planned, Wish},
    request::Request,
    rights,
    undo::{self, Tools},
};

/// How long a MAC, an address or a parent may be busy. A namespace that the kernel is taking down holds them
/// for some 20 ms, a hundred that ended at once for a second or two; what is busy for longer belongs to
/// somebody.
const PATIENCE_MS: u32 = 5000;

/// What attach did.
#[derive(Debug)]
pub struct Attached {
    /// The container's attachments.
    pub attachments: Vec<Attachment>,
    /// What the administrator may want to know, a sentence each.
    pub notes: Vec<String>,
    /// What was dead and in the way, or nearly so, and has been taken.
    pub collected: Collected,
}

/// Attaches the networks that a container asked for to its namespace, before `deadline`, with a helper that was
/// started to work there.
///
/// Idempotent for each namespace and network: what another container of the namespace attached is used as it
/// is, and its users are counted.
pub fn attach(
    layout: &Layout,
    container: &Container,
    requests: &[Request],
    namespace: &Namespace,
    helper: Helper,
    deadline: Instant,
) -> Result<Attached, Error> {
    attach_or(Fallback::Nothing, layout, container, requests, namespace, helper, deadline)
}

/// What is left to a container when attaching fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fallback {
    /// It will not start.
    Nothing,
    /// It goes on.
    AsBefore,
}

/// Attaches, and leaves `fallback` if that fails.
pub(crate) fn attach_or(
    fallback: Fallback,
    layout: &Layout,
    container: &Container,
    requests: &[Request],
    namespace: &Namespace,
    mut helper: Helper,
    deadline: Instant,
) -> Result<Attached, Error> {
    let (networks, mut notes) = look_up(layout, requests)?;
    admit(requests, &networks, &container.asker)?;
    // Up to here words were read that strangers wrote or chose, and a hook rests over them.
    rights::act()?;
    let ledger = Ledger::open(layout)?;
    let tools = Tools::open(layout, &ledger)?;
    let hello = helper.hello()?;
    leave_former_namespace(layout, &ledger, container, hello.cookie, deadline);

    let page = ledger.page(hello.cookie, deadline)?;
    let record = open_record(&tools, &ledger, &page, namespace, &hello, deadline)?;
    let is_current = is_current(&tools, &record, &hello);
    let kept = Vec::new();
    let quiet = Quiet::new(&tools, &ledger, hello.cookie, deadline);
    let mut work = Work {
        tools: &tools,
        ledger: &ledger,
        page: &page,
        container,
        hello,
        deadline,
        record,
        kept,
        is_current,
        quiet,
    };
    work.undo_leftovers()?;
    if fallback == Fallback::AsBefore {
        work.kept = work.record.used_by(&container.key);
    }
    work.record.add_user(container, namespace.process(), clock::seconds());
    match work.attach(helper, namespace, requests, &networks) {
        Ok(planned_notes) => {
            notes.extend(planned_notes);
            let attachments = work.record.used_by(&container.key);
            Ok(Attached { attachments, notes, collected: work.quiet.into_collected() })
        }
        Err(error) => {
            work.give_up();
            Err(error)
        }
    }
}

/// What the steps of one attach share; the namespace's record is locked all the time.
struct Work<'a> {
    tools: &'a Tools<'a>,
    ledger: &'a Ledger,
    page: &'a Page,
    container: &'a Container,
    hello: Hello,
    deadline: Instant,
    record: Record,
    /// What is not taken back.
    kept: Vec<Attachment>,
    /// What the helper said is in the namespace was still so when its record was locked.
    is_current: bool,
    quiet: Quiet<'a>,
}

impl Work<'_> {
    /// From here on, everything that is done is in the record in memory before it is done, so that
    /// [`Self::give_up`] finds it.
    fn attach(
        &mut self,
        mut helper: Helper,
        namespace: &Namespace,
        requests: &[Request],
        networks: &[Network],
    ) -> Result<Vec<String>, Error> {
        let Split { shared, fresh } = share::split(&self.record, requests)?;
        self.use_shared(&shared);
        if !self.is_current && !fresh.is_empty() {
            helper = self.look_again(namespace)?;
        }
        let fresh: Vec<(&Request, &Network)> = requests
            .iter()
            .zip(networks)
            .enumerate()
            .filter(|(n, _)| fresh.contains(n))
            .map(|(_, f)| f)
            .collect();
        let asking: Vec<&Request> = fresh.iter().map(|(request, _)| *request).collect();
        let interfaces = planner::name_interfaces(&asking, &self.hello.links)?;
        let mut wishes = Vec::new();
        for ((request, network), interface) in fresh.into_iter().zip(interfaces) {
            wishes.push(self.prepare(request, network, interface)?);
        }
        let Planned { plan, notes } =
            planner::plan(&wishes, &self.hello, clock::millis_until(self.deadline).min(PATIENCE_MS))?;
        self.record.note_routes(&plan);
        self.page.write(&self.record)?;
        self.ledger.point(&self.container.key, self.page.cookie())?;
        if !wishes.is_empty() {
            // While the helper works, this process has nothing else to do. Until the helper's end it is beside what
            // follows.
            let links = helper.apply_meanwhile(&plan, || {
                for wish in &wishes {
                    self.quiet.sweep(wish.network);
                }
            })?;
            self.complete(links);
            self.page.write(&self.record)?;
        }
        Ok(notes)
    }

    /// What one network needs on the host: its parent, claimed, and its addresses, leased.
    fn prepare<'n>(
        &mut self,
        request: &'n Request,
        network: &'n Network,
        interface: IfName,
    ) -> Result<Wish<'n>, Error> {
        let mac = self.mac(request, network, &interface)?;
        let owner = Owner {
            host: Host::local()?,
            cookie: self.hello.cookie,
            network: network.name.clone(),
            interface: interface.clone(),
        };
        let (tools, cookie, deadline) = (self.tools, self.hello.cookie, self.deadline);
        let ensure = || tools.parents.ensure(network, cookie, deadline);
        let parent = self.quiet.clear(ensure, InTheWay::of_parent)?;
        let alias = format!("{MARK}{owner}");
        let mut attachment = Attachment {
            network: network.name.clone(),
            interface: interface.clone(),
            index: None,
            kind: network.driver,
            parent: parent.name,
            parent_index: parent.index,
            mac,
            mtu: None,
            addresses: Vec::new(),
            owner: owner.clone(),
            alias: alias.clone(),
            routes: Vec::new(),
            linkless_routes: Vec::new(),
            state: State::Intended,
            since: clock::seconds(),
            users: vec![self.container.key.clone()],
        };
        let lease = || ipam::lease(network, &request.addresses, &parent.addresses, &owner, &tools.leases);
        let leased = self.quiet.clear(lease, InTheWay::of_lease);
        let addresses: Vec<_> = leased.iter().flatten().map(|lease| lease.address).collect();
        let wish = Wish { network, request, interface, mac, parent: parent.index, addresses, alias };
        attachment.addresses.clone_from(&wish.addresses);
        attachment.linkless_routes = planner::linkless_routes(&wish);
        self.record.attachments.push(attachment);
        leased.map(|_| wish).map_err(Error::from)
    }

    /// The Ethernet address: asked for, or derived; for passthru, which takes its parent over, none but the
    /// parent's unless asked for.
    fn mac(
        &self,
        request: &Request,
        network: &Network,
        interface: &IfName,
    ) -> Result<Option<plan::MacAddress>, Error> {
        match (network.driver, request.mac) {
            (LinkKind::Ipvlan { .. }, Some(_)) => {
                Err(planner::Error::MacOnIpvlan(network.name.clone()).into())
            }
            (LinkKind::Ipvlan { .. }, None) => Ok(None),
            (LinkKind::Macvlan { .. }, Some(mac)) => Ok(Some(mac)),
            (LinkKind::Macvlan { .. }, None) if network.is_passthru() => Ok(None),
            (LinkKind::Macvlan { .. }, None) => {
                Ok(Some(planner::derive_mac(&network.name, self.container.lasting_name(), interface)))
            }
        }
    }

    fn use_shared(&mut self, shared: &[usize]) {
        let key = &self.container.key;
        for index in shared {
            if let Some(attachment) = self.record.attachments.get_mut(*index)
                && !attachment.users.contains(key)
            {
                attachment.users.push(key.clone());
            }
        }
    }

    fn complete(&mut self, links: Vec<MadeLink>) {
        for link in links {
            if let Some(attachment) = self.record.intended(&link.name) {
                attachment.index = Some(link.index);
                attachment.mac = link.mac;
                attachment.mtu = Some(link.mtu);
                attachment.state = State::Attached;
            }
        }
    }

    /// The helper said what is in the namespace before its record was locked. Another container may have
    /// attached there since, or what a killed hook had left there has been taken away: another helper says
    /// what is there now.
    fn look_again(&mut self, namespace: &Namespace) -> Result<Helper, Error> {
        let mut helper = Helper::attach(self.tools.layout, namespace, self.deadline)?;
        self.hello = helper.hello()?;
        Ok(helper)
    }

    /// An attach that was killed left its intent, and somebody may have deleted a link of a namespace that
    /// lives on. Neither can be shared, and as long as it is there nothing can be made in its place.
    fn undo_leftovers(&mut self) -> Result<(), Error> {
        let (tools, namespace) = (self.tools, self.record.namespace.clone());
        let is_leftover = |attachment: &mut Attachment| {
            attachment.state == State::Intended
                || liveness::look(tools.socket(), tools.ledger, &namespace, attachment)
                    .is_ok_and(|liveness| liveness != Liveness::LinkThere)
        };
        let leftovers: Vec<Attachment> = self.record.attachments.extract_if(.., is_leftover).collect();
        let processes = self.record.processes();
        let staying = &self.record.attachments;
        let left = undo::undo(self.tools, &namespace, &processes, leftovers, staying, self.deadline);
        match left.errors.into_iter().next() {
            Some(error) if !left.attachments.is_empty() => Err(error.into()),
            // A lease or a claim that stays without its link is gc's.
            _ => Ok(()),
        }
    }

    /// Detaches what this container alone uses, but for what is kept. Errors on the way are not told: the one
    /// that brought us here is.
    fn give_up(self) {
        let leave = Leave {
            tools: self.tools,
            ledger: self.ledger,
            page: self.page,
            user: &self.container.key,
            extent: Extent::AllBut(&self.kept),
            deadline: self.deadline,
        };
        let _ = leave.carry_out(self.record, &mut Detached::default());
    }
}

/// The helper said what is in the namespace before its record was locked. Meanwhile another container may have
/// attached there, or the last one may have left and taken its links along.
fn is_current(tools: &Tools<'_>, record: &Record, hello: &Hello) -> bool {
    let has_gone = |name: &String| name != "lo" && liveness::has_gone(tools.socket(), hello.nsid, name);
    record.attachments.is_empty() && !hello.links.iter().any(has_gone)
}
