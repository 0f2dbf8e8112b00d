//! Names for interfaces.

use std::collections::BTreeSet;

use plan::IfName;

use super::Error;
use crate::request::Request;

/// A name for each request: the one asked for, else the lowest `ethN` that is neither taken in the namespace
/// nor asked for by another request of the list.
pub fn name_interfaces(requests: &[&Request], taken: &[String]) -> Result<Vec<IfName>, Error> {
    // Not a HashSet, which would ask the kernel for random numbers.
    let mut used: BTreeSet<&str> = taken.iter().map(String::as_str).collect();
    for request in requests {
        if let Some(interface) = &request.interface
            && !used.insert(interface.as_str())
        {
            return Err(Error::InterfaceTaken {
                network: request.network.clone(),
                interface: interface.clone(),
            });
        }
    }
    let mut free = (0_u32..)
        .map(|number| format!("eth{number}"))
        .filter(|name| !used.contains(name.as_str()))
        .filter_map(|name| IfName::new(name).ok());
    Ok(requests.iter().filter_map(|request| request.interface.clone().or_else(|| free.next())).collect())
}
