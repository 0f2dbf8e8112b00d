//! The steps of one attach, in a namespace whose record is locked.

use std::{mem, net::IpAddr, time::Instant};

use ipnetwork::IpNetwork;
use plan::{IfName, LinkKind, MadeLink};

use super::{
    Error,
    outlook::Outlook,
    share::{self, Split},
};
use crate::{
    attachment::{
        ledger::{Ledger, Page},
        liveness::{self, Liveness},
        record::{Attachment, MARK, Record, State},
    },
    clock,
    container::Container,
    detach::{Detached, Extent, Leave},
    gc::quiet::{InTheWay, Quiet},
    helper::Helper,
    ipam::{self, Host, Owner},
    namespace::Namespace,
    network::Network,
    planner::{self, Planned, Wish},
    request::Request,
    undo::{self, Tools},
};

/// How long a MAC, an address or a parent may be busy. A namespace that the kernel is taking down holds them
/// for some 20 ms, a hundred that ended at once for a second or two; what is busy for longer belongs to
/// somebody.
const PATIENCE_MS: u32 = 5000;

/// What the steps share.
pub(super) struct Work<'a> {
    pub(super) tools: &'a Tools<'a>,
    pub(super) ledger: &'a Ledger,
    pub(super) page: &'a Page,
    pub(super) container: &'a Container,
    pub(super) deadline: Instant,
    pub(super) outlook: Outlook,
    pub(super) record: Record,
    /// What is not taken back.
    pub(super) kept: Vec<Attachment>,
    pub(super) quiet: Quiet<'a>,
}

/// A request for which a link has to be made, and its network.
type Asked<'n> = (&'n Request, &'n Network);

impl Work<'_> {
    /// From here on, everything that is done is in the record in memory before it is done, so that
    /// [`Self::give_up`] finds it.
    pub(super) fn attach(
        &mut self,
        mut helper: Helper,
        namespace: &Namespace,
        requests: &[Request],
        networks: &[Network],
    ) -> Result<Vec<String>, Error> {
        let Split { shared, fresh } = share::split(&self.record, requests)?;
        self.use_shared(&shared);
        let both = requests.iter().zip(networks).enumerate();
        let asked: Vec<Asked<'_>> = both.filter(|(n, _)| fresh.contains(n)).map(|(_, both)| both).collect();
        if !asked.is_empty() {
            self.outlook.refresh(&mut helper, self.tools, namespace, self.deadline)?;
        }
        let mut wishes = self.prepare_all(&asked)?;
        let mut planned = self.decide(&wishes)?;
        if self.outlook.confirm(&mut helper, self.tools)? {
            self.outlook.refresh(&mut helper, self.tools, namespace, self.deadline)?;
            wishes = self.rename(&asked, wishes)?;
            planned = self.decide(&wishes)?;
        }
        let Planned { plan, notes } = planned;
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

    fn prepare_all<'n>(&mut self, asked: &[Asked<'n>]) -> Result<Vec<Wish<'n>>, Error> {
        let interfaces = self.name_interfaces(asked)?;
        let both = asked.iter().zip(interfaces);
        both.map(|(asked, interface)| self.prepare(*asked, interface, &[])).collect()
    }

    fn name_interfaces(&self, asked: &[Asked<'_>]) -> Result<Vec<IfName>, Error> {
        let requests: Vec<&Request> = asked.iter().map(|(request, _)| *request).collect();
        Ok(planner::name_interfaces(&requests, &self.outlook.hello.links)?)
    }

    /// Writes down what is going to be done. The helper is told of it later.
    fn decide(&mut self, wishes: &[Wish<'_>]) -> Result<Planned, Error> {
        let patience = clock::millis_until(self.deadline).min(PATIENCE_MS);
        let planned = planner::plan(wishes, &self.outlook.hello, patience)?;
        self.record.namespace.nsid = self.outlook.hello.nsid;
        self.record.note_routes(&planned.plan);
        self.page.write(&self.record)?;
        self.ledger.point(&self.container.key, self.page.cookie())?;
        Ok(planned)
    }

    /// The namespace is not as it was foretold. Where the links get other names for it, addresses are leased again in
    /// these, and the same ones, unless somebody took them in between. The record had no attachments but those of
    /// `wishes`.
    fn rename<'n>(&mut self, asked: &[Asked<'n>], wishes: Vec<Wish<'n>>) -> Result<Vec<Wish<'n>>, Error> {
        let interfaces = self.name_interfaces(asked)?;
        if interfaces.iter().eq(wishes.iter().map(|wish| &wish.interface)) {
            return Ok(wishes);
        }
        let mut former = mem::take(&mut self.record.attachments).into_iter();
        let mut renamed = Vec::new();
        for (asked, interface) in asked.iter().zip(interfaces) {
            let Some(attachment) = former.next() else { break };
            let addresses: Vec<_> = attachment.addresses.iter().map(IpNetwork::ip).collect();
            let released = ipam::release(&addresses, &attachment.owner, &self.tools.leases);
            let prepared = match released.into_iter().next() {
                Some(error) => Err(undo::Error::from(error).into()),
                None => self.prepare(*asked, interface, &addresses),
            };
            match prepared {
                Ok(wish) => renamed.push(wish),
                Err(error) => {
                    // To be taken back with the others.
                    self.record.attachments.push(attachment);
                    self.record.attachments.extend(former);
                    return Err(error);
                }
            }
        }
        Ok(renamed)
    }

    /// What one network needs on the host: its parent, claimed, and its addresses, leased; `likely` those that it had
    /// before, if it had any.
    fn prepare<'n>(
        &mut self,
        (request, network): Asked<'n>,
        interface: IfName,
        likely: &[IpAddr],
    ) -> Result<Wish<'n>, Error> {
        let mac = self.mac(request, network, &interface)?;
        let (tools, cookie, deadline) = (self.tools, self.page.cookie(), self.deadline);
        let owner = Owner {
            host: Host::local()?,
            cookie,
            network: network.name.clone(),
            interface: interface.clone(),
        };
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
        let these =
            |addresses: &[IpAddr]| ipam::lease(network, addresses, &parent.addresses, &owner, &tools.leases);
        let lease = || match likely {
            [] => these(&request.addresses),
            likely => these(likely).or_else(|_| these(&request.addresses)),
        };
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

    /// An attach that was killed left its intent, and somebody may have deleted a link of a namespace that
    /// lives on. Neither can be shared, and as long as it is there nothing can be made in its place.
    pub(super) fn undo_leftovers(&mut self) -> Result<(), Error> {
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
    pub(super) fn give_up(self) {
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
