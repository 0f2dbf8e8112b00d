//! One blocking socket, one request at a time.

use std::{cell::Cell, fmt, io, mem, sync::Mutex};

use nix::{
    errno::Errno,
    sys::{
        socket::{getsockopt, setsockopt, sockopt},
        time::{TimeVal, TimeValLike},
    },
};
use rtnetlink::{
    packet_core::{
        Emitable, NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR, NLMSG_NOOP,
        NLMSG_OVERRUN, NetlinkBuffer,
    },
    sys::{self, SocketAddr, protocols::NETLINK_ROUTE},
};

use crate::{
    error::{Error, Result},
    socket::answer::{Outcome, outcome_of_done, outcome_of_error},
};

mod answer;

/// The kernel works on a request before it answers, and never for this long, not even under the RTNL lock's
/// worst contention; longer is a defect, and a container's start must not hang on it.
const TIMEOUT_SECONDS: i64 = 5;

/// The kernel fills at most 32 KiB of a datagram when it dumps (`netlink_dump`). More would be a link with its virtual
/// functions, for which nobody here asks.
const BUFFER_BYTES: usize = 32 * 1024;

/// Memory for a datagram, while nobody reads one. Of the whole process, since it is what is touched anew that costs,
/// and a helper has two sockets that it reads in turn. No thread waits for it: one may be waiting for the kernel.
static SPARE: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// `struct nlmsghdr`.
const HEADER_BYTES: usize = 16;

/// How often a dump is started again that changed while it was read.
const DUMP_ATTEMPTS: usize = 8;

/// Which network namespace the socket belongs to (Linux 5.14).
#[derive(Clone, Copy, Debug)]
struct NetnsCookie;

nix::getsockopt_impl!(NetnsCookie, libc::SOL_SOCKET, libc::SO_NETNS_COOKIE, u64, sockopt::GetStruct<u64>);

/// A `NETLINK_ROUTE` socket of one network namespace.
///
/// Making and deleting need `CAP_NET_ADMIN` over the namespaces concerned, both when the socket is opened and
/// when it is used (`netlink_ns_capable` checks opener and sender).
#[derive(Debug)]
pub struct Socket {
    kernel: sys::Socket,
    sequence: Cell<u32>,
}

impl Socket {
    /// Opens a socket in the network namespace of the calling thread. It is closed on exec and gives up on an
    /// answer after five seconds.
    pub fn open() -> Result<Self> {
        let step = |step| move |source| Error::Open { step, source };
        let kernel = sys::Socket::new(NETLINK_ROUTE).map_err(step("socket"))?;
        kernel.set_ext_ack(true).map_err(step("NETLINK_EXT_ACK"))?;
        kernel.set_netlink_get_strict_chk(true).map_err(step("NETLINK_GET_STRICT_CHK"))?;
        setsockopt(&kernel, sockopt::ReceiveTimeout, &TimeVal::seconds(TIMEOUT_SECONDS))
            .map_err(io::Error::from)
            .map_err(step("SO_RCVTIMEO"))?;
        // A connected netlink socket takes datagrams of its peer alone: no other process can answer for the
        // kernel.
        kernel.connect(&SocketAddr::new(0, 0)).map_err(step("connect"))?;
        Ok(Self { kernel, sequence: Cell::new(0) })
    }

    /// `SO_NETNS_COOKIE` of the socket's namespace: a number that is never used again before the next boot.
    pub fn cookie(&self) -> Result<u64> {
        getsockopt(&self.kernel, NetnsCookie)
            .map_err(|errno| Error::Open { step: "SO_NETNS_COOKIE", source: errno.into() })
    }

    /// Sends one request and waits until the kernel acknowledges it. The messages that it sent before the
    /// acknowledgement, if any, are returned without their headers.
    pub(crate) fn request(
        &self,
        operation: fmt::Arguments<'_>,
        kind: u16,
        message: &dyn Emitable,
        flags: u16,
    ) -> Result<Vec<Vec<u8>>> {
        let exchange = Exchange { socket: self, operation };
        exchange.send(kind, message, flags | NLM_F_ACK)?;
        exchange.receive(End::Acknowledgement).map(|answer| answer.messages)
    }

    /// Sends one question, to which the kernel answers with one message or an error, and returns the message
    /// without its header. It is not acknowledged: the message is all there is to read.
    pub(crate) fn ask(
        &self,
        operation: fmt::Arguments<'_>,
        kind: u16,
        message: &dyn Emitable,
    ) -> Result<Vec<u8>> {
        let exchange = Exchange { socket: self, operation };
        exchange.send(kind, message, 0)?;
        let answer = exchange.receive(End::Message)?;
        answer
            .messages
            .into_iter()
            .next()
            .ok_or_else(|| exchange.malformed("it has no content, and no error"))
    }

    /// Asks for a list and returns its entries without their headers; asks again if it changed meanwhile.
    pub(crate) fn dump(
        &self,
        operation: fmt::Arguments<'_>,
        kind: u16,
        message: &dyn Emitable,
    ) -> Result<Vec<Vec<u8>>> {
        let exchange = Exchange { socket: self, operation };
        for _ in 0..DUMP_ATTEMPTS {
            exchange.send(kind, message, NLM_F_DUMP)?;
            let answer = exchange.receive(End::Acknowledgement)?;
            if !answer.interrupted {
                return Ok(answer.messages);
            }
        }
        Err(Error::Unstable { operation: operation.to_string() })
    }
}

/// One request on its way, with the words for its failure.
#[derive(Clone, Copy)]
struct Exchange<'a> {
    socket: &'a Socket,
    operation: fmt::Arguments<'a>,
}

/// What an answer ends with, unless with an error.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// An acknowledgement, or the end of a dump.
    Acknowledgement,
    /// Its first message.
    Message,
}

#[derive(Default)]
struct Answer {
    messages: Vec<Vec<u8>>,
    interrupted: bool,
}

impl Exchange<'_> {
    /// `kind` is an `RTM_*`. With the enum of all messages that there are, all of them would be linked, and be
    /// most of what hook and helper are.
    fn send(self, kind: u16, message: &dyn Emitable, flags: u16) -> Result<()> {
        let sequence = self.socket.sequence.get().wrapping_add(1);
        self.socket.sequence.set(sequence);
        let length = HEADER_BYTES + message.buffer_len();
        let mut bytes = Vec::with_capacity(length);
        bytes.extend(u32::try_from(length).unwrap_or(u32::MAX).to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend((NLM_F_REQUEST | flags).to_ne_bytes());
        bytes.extend(sequence.to_ne_bytes());
        // The sender's number: 0, for the kernel to fill in.
        bytes.resize(length, 0);
        message.emit(bytes.get_mut(HEADER_BYTES..).unwrap_or_default());
        // The kernel takes a netlink datagram whole or not at all.
        retry_interrupted(|| self.socket.kernel.send(&bytes, 0)).map(drop).map_err(|e| self.failed(e))
    }

    /// Reads datagrams until the answer is complete.
    fn receive(self, end: End) -> Result<Answer> {
        let mut datagram = SPARE.try_lock().map(|mut spare| mem::take(&mut *spare)).unwrap_or_default();
        let answer = self.receive_into(&mut datagram, end);
        if let Ok(mut spare) = SPARE.try_lock() {
            *spare = datagram;
        }
        answer
    }

    fn receive_into(self, datagram: &mut Vec<u8>, end: End) -> Result<Answer> {
        let mut answer = Answer::default();
        datagram.clear();
        datagram.reserve_exact(BUFFER_BYTES);
        loop {
            datagram.clear();
            let length = retry_interrupted(|| self.socket.kernel.recv(datagram, libc::MSG_TRUNC))
                .map_err(|error| self.failed(error))?;
            if length > datagram.len() {
                return Err(self.malformed("it is longer than 32 KiB"));
            }
            let is_ended = self.read(datagram, &mut answer)?;
            if is_ended || (end == End::Message && !answer.messages.is_empty()) {
                return Ok(answer);
            }
        }
    }

    /// Adds one datagram's messages to the answer; true at its end.
    fn read(self, datagram: &[u8], answer: &mut Answer) -> Result<bool> {
        let mut rest = datagram;
        while !rest.is_empty() {
            let message =
                NetlinkBuffer::new_checked(rest).map_err(|_| self.malformed("a message is cut short"))?;
            let length = usize::try_from(message.length()).unwrap_or(usize::MAX).next_multiple_of(4);
            rest = rest.get(length..).unwrap_or_default();
            // An answer to an earlier request, which was given up after a timeout.
            if message.sequence_number() != self.socket.sequence.get() {
                continue;
            }
            answer.interrupted |= message.flags() & NLM_F_DUMP_INTR != 0;
            let outcome = match message.message_type() {
                NLMSG_NOOP => continue,
                NLMSG_OVERRUN => return Err(self.malformed("data were lost")),
                NLMSG_ERROR => outcome_of_error(message.payload(), message.flags()),
                NLMSG_DONE => outcome_of_done(message.payload()),
                _ => {
                    answer.messages.push(message.payload().to_vec());
                    continue;
                }
            };
            return self.judge(outcome).map(|()| true);
        }
        Ok(false)
    }

    fn judge(self, outcome: Option<Outcome>) -> Result<()> {
        match outcome {
            None => Err(self.malformed("its end is cut short")),
            Some(Outcome::Done) => Ok(()),
            Some(Outcome::Refused { errno, kernel }) => {
                Err(Error::Refused { operation: self.operation.to_string(), errno, kernel })
            }
        }
    }

    fn failed(self, source: io::Error) -> Error {
        let source = match Errno::from_raw(source.raw_os_error().unwrap_or_default()) {
            // What a receive timeout looks like.
            Errno::EAGAIN => io::Error::new(
                io::ErrorKind::TimedOut,
                format!("the kernel did not answer within {TIMEOUT_SECONDS} seconds"),
            ),
            _ => source,
        };
        Error::Exchange { operation: self.operation.to_string(), source }
    }

    fn malformed(self, what: &'static str) -> Error {
        Error::Malformed { operation: self.operation.to_string(), what }
    }
}

fn retry_interrupted(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lists and look-ups need no privilege: the namespace in which the tests run will do.

    #[test]
    fn a_dump_ends_and_has_the_loopback_link() {
        let links = Socket::open().and_then(|socket| socket.links()).unwrap();
        assert!(links.iter().any(|link| link.loopback && link.index == 1), "{links:?}");
    }

    #[test]
    fn two_sockets_of_one_namespace_have_one_cookie() {
        let (a, b) = (Socket::open().unwrap(), Socket::open().unwrap());
        assert_eq!(a.cookie().unwrap(), b.cookie().unwrap());
    }

    #[test]
    fn an_answer_that_was_given_up_does_not_confuse_the_next_request() {
        let socket = Socket::open().unwrap();
        let message = rtnetlink::LinkUnspec::new_with_index(1).build();
        let given_up = Exchange { socket: &socket, operation: format_args!("look for link 1") };
        given_up.send(libc::RTM_GETLINK, &message, NLM_F_ACK).unwrap();
        assert!(socket.link_by_name("no-such-link").unwrap().is_none());
        assert_eq!(socket.link_by_index(1).unwrap().unwrap().index, 1);
    }
}
