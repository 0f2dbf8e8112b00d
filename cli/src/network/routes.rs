//! `underlay network routes`: for the LAN's routers, in their words.

use ipnetwork::IpNetwork;
use underlay::{
    layout::Layout,
    network::{
        Catalog, NetworkName,
        return_route::{ReturnRoute, return_routes},
    },
    parent::Host,
};

use crate::{
    arguments::Router,
    outcome::{Failure, answer},
};

/// Prints the routes that others need to reach the network.
pub(crate) fn routes(layout: &Layout, name: &NetworkName, router: Router) -> Result<(), Failure> {
    let network = Catalog::of(&layout.config).read(name)?.network;
    let routes = return_routes(&network, &Host::read()?)?;
    for line in lines(name, &routes, router) {
        answer(&line);
    }
    Ok(())
}

fn lines(name: &NetworkName, routes: &[ReturnRoute], router: Router) -> Vec<String> {
    match router {
        Router::Ip => each(routes, "#", ip),
        Router::Frr => each(routes, "!", frr),
        Router::Bird => bird(name, routes),
    }
}

/// One line a route, in front of it what else there is to choose from.
fn each(routes: &[ReturnRoute], comment: &str, line: impl Fn(&ReturnRoute) -> String) -> Vec<String> {
    let with_choice = |route| choice(route, comment).into_iter().chain([line(route)]);
    routes.iter().flat_map(with_choice).collect()
}

fn choice(route: &ReturnRoute, comment: &str) -> Option<String> {
    let others: Vec<_> = route.others.iter().map(ToString::to_string).collect();
    let or = (!others.is_empty()).then(|| others.join(" or "))?;
    Some(format!("{comment} {}: via {or}, if that is what the router reaches", route.destination))
}

/// ip-route(8). `replace`, so that a script may run twice.
fn ip(route: &ReturnRoute) -> String {
    let family = if route.destination.is_ipv4() { "" } else { " -6" };
    format!("ip{family} route replace {} via {}", route.destination, route.gateway)
}

/// `FRRouting`'s zebra and staticd; Cisco's IOS has masks in IPv4 instead.
fn frr(route: &ReturnRoute) -> String {
    let family = if route.destination.is_ipv4() { "ip" } else { "ipv6" };
    format!("{family} route {} {}", route.destination, route.gateway)
}

/// BIRD 2: a protocol has one channel, so there is one for each family.
fn bird(name: &NetworkName, routes: &[ReturnRoute]) -> Vec<String> {
    let is_ipv4 = |route: &&ReturnRoute| route.destination.is_ipv4();
    let (v4, v6): (Vec<_>, Vec<_>) = routes.iter().partition(is_ipv4);
    [("ipv4", v4), ("ipv6", v6)]
        .into_iter()
        .flat_map(|(channel, routes)| protocol(name, channel, &routes))
        .collect()
}

fn protocol(name: &NetworkName, channel: &str, routes: &[&ReturnRoute]) -> Vec<String> {
    if routes.is_empty() {
        return Vec::new();
    }
    // A symbol of BIRD's has letters, digits and underscores.
    let symbol = name.as_str().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    let mut lines = vec![format!("protocol static underlay_{symbol}_{channel} {{"), format!("  {channel};")];
    for route in routes {
        lines.extend(choice(route, "  #"));
        let prefix: IpNetwork = route.destination;
        lines.push(format!("  route {prefix} via {};", route.gateway));
    }
    lines.push("}".to_owned());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(router: Router) -> String {
        let route = |destination: &str, gateway: &str, others: &[&str]| ReturnRoute {
            destination: destination.parse().unwrap(),
            gateway: gateway.parse().unwrap(),
            others: others.iter().map(|other| other.parse().unwrap()).collect(),
        };
        let routes = [
            route("10.1.0.0/24", "192.168.1.250", &["192.168.2.250"]),
            route("2001:db8:1::/64", "2001:db8::250", &[]),
        ];
        lines(&"far-net.1".parse().unwrap(), &routes, router).join("\n")
    }

    #[test]
    fn linux_routers_get_commands() {
        assert_eq!(
            text(Router::Ip),
            "# 10.1.0.0/24: via 192.168.2.250, if that is what the router reaches\n\
             ip route replace 10.1.0.0/24 via 192.168.1.250\n\
             ip -6 route replace 2001:db8:1::/64 via 2001:db8::250"
        );
    }

    #[test]
    fn frr_gets_its_configuration() {
        assert_eq!(
            text(Router::Frr),
            "! 10.1.0.0/24: via 192.168.2.250, if that is what the router reaches\n\
             ip route 10.1.0.0/24 192.168.1.250\n\
             ipv6 route 2001:db8:1::/64 2001:db8::250"
        );
    }

    #[test]
    fn bird_gets_a_protocol_for_each_family() {
        assert_eq!(
            text(Router::Bird),
            "protocol static underlay_far_net_1_ipv4 {\n  ipv4;\n  \
               # 10.1.0.0/24: via 192.168.2.250, if that is what the router reaches\n  \
               route 10.1.0.0/24 via 192.168.1.250;\n}\n\
             protocol static underlay_far_net_1_ipv6 {\n  ipv6;\n  route 2001:db8:1::/64 via 2001:db8::250;\n}"
        );
    }
}
