//! What is done with every plan, done with one that is carried out nowhere, while the helper waits for its own.
//!
//! It runs once, in a process of a millisecond: most of what it costs to read a plan is fetching the code for it. That
//! is better done while somebody else works. Nothing comes of it, and nothing depends on it.

use std::hint::black_box;

use plan::Plan;

use crate::admission;

/// One of each step that most attaches have, in the form in which the hook writes them.
const PLAN: &str = concat!(
    r#"{"patience_ms":5000,"steps":["#,
    r#"{"create-link":{"name":"eth0","kind":{"driver":"macvlan","mode":"bridge"},"parent":2,"#,
    r#""mac":"02:00:00:00:00:01","mtu":null}},"#,
    r#"{"set-sysctl":{"link":"eth0","key":"disable-ipv6","value":true}},"#,
    r#"{"add-address":{"link":"eth0","address":"10.0.0.2/24"}},"#,
    r#"{"set-up":{"link":"eth0","alias":"underlay h/7/lan/eth0"}},"#,
    r#"{"add-route":{"kind":"unicast","destination":"0.0.0.0/0","gateway":"10.0.0.1","link":"eth0","metric":null}}"#,
    r"]}"
);

/// Reads and checks the plan.
pub(crate) fn rehearse() {
    let _ = black_box(
        serde_json::from_slice::<Plan>(black_box(PLAN.as_bytes())).map(|plan| admission::check(&plan)),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_all_the_way() {
        let plan: Plan = serde_json::from_str(PLAN).unwrap();
        assert_eq!(admission::check(&plan), Ok(()));
        assert_eq!(plan.steps.len(), 5);
        assert_eq!(serde_json::to_string(&plan).unwrap(), PLAN);
    }
}
