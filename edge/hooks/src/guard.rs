//! Which addresses callbacks may reach.
//!
//! * Everything that is not the public internet is refused: this machine, private and link-local
//!   networks (cloud metadata included), multicast, and what is reserved, also where an IPv6
//!   address carries such an IPv4 address.
//! * Networks that the operator names are allowed although they are private.
//! * A name is looked up once and the connection goes to an address that was checked: a name that
//!   answers differently the next time gains nothing.

use ipnet::IpNet;
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

/// Networks that are nobody's business, apart from the IPv6 ones that carry an IPv4 address.
const CLOSED: &[&str] = &[
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/128",
    "::1/128",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/23",
    "2001:db8::/32",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
];

/// See the module; clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    closed: Arc<[IpNet]>,
    allowed: Arc<[IpNet]>,
}

/// Why an address is not reached.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unreachable {
    /// The name means nothing now.
    Unknown(String),
    /// It leads where callbacks may not go.
    Private(IpAddr),
}

impl Guard {
    pub(crate) fn new(allowed: Vec<IpNet>) -> Self {
        let closed = CLOSED.iter().map(|net| net.parse().expect("the list is made of networks"));
        Self { closed: closed.collect(), allowed: allowed.into() }
    }

    /// The addresses behind a host that may be reached.
    pub(crate) async fn resolve(
        &self,
        host: &str,
        port: u16,
    ) -> Result<Vec<SocketAddr>, Unreachable> {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let found: Vec<SocketAddr> = match host.parse::<IpAddr>() {
            Ok(ip) => vec![SocketAddr::new(ip, port)],
            Err(_) => tokio::net::lookup_host((host, port))
                .await
                .map_err(|error| Unreachable::Unknown(error.to_string()))?
                .collect(),
        };
        let open: Vec<SocketAddr> =
            found.iter().copied().filter(|address| self.lets_through(address.ip())).collect();
        match (open.is_empty(), found.first()) {
            (false, _) => Ok(open),
            (true, Some(address)) => Err(Unreachable::Private(address.ip())),
            (true, None) => Err(Unreachable::Unknown("the name has no address".to_owned())),
        }
    }

    fn lets_through(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        if self.allowed.iter().any(|net| net.contains(&ip)) {
            return true;
        }
        let is_closed = |ip: IpAddr| self.closed.iter().any(|net| net.contains(&ip));
        let carried = match ip {
            IpAddr::V4(_) => None,
            IpAddr::V6(ip) => carried(ip),
        };
        !is_closed(ip) && !carried.is_some_and(|ip| is_closed(IpAddr::V4(ip)))
    }
}

/// The IPv4 address that an IPv6 address leads to: translated (`64:ff9b::/96`), tunnelled
/// (`2002::/16`), or written the old way (`::/96`).
fn carried(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = ip.segments();
    let v4 = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    };
    match (a, b, c, d, e, f) {
        (0x64, 0xff9b, 0, 0, 0, 0) | (0, 0, 0, 0, 0, 0) => Some(v4(g, h)),
        (0x2002, high, low, _, _, _) => Some(v4(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(guard: &Guard, ip: &str) -> bool {
        guard.lets_through(ip.parse().expect("an address"))
    }

    #[test]
    fn only_the_public_internet_is_reached() {
        let guard = Guard::new(Vec::new());
        for closed in [
            "127.0.0.1",
            "127.8.8.8",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.100.100.200",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "2002:c0a8:101::1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
        ] {
            assert!(!passes(&guard, closed), "{closed}");
        }
        for open in ["1.1.1.1", "172.32.0.1", "11.0.0.1", "2606:4700::1111", "64:ff9b::101:101"] {
            assert!(passes(&guard, open), "{open}");
        }
    }

    #[test]
    fn networks_that_are_named_are_allowed_and_no_others() {
        let nets = ["127.0.0.0/8", "fd00::/16"].map(|net| net.parse().expect("a network"));
        let guard = Guard::new(nets.to_vec());
        assert!(passes(&guard, "127.0.0.1") && passes(&guard, "::ffff:127.0.0.1"));
        assert!(passes(&guard, "fd00::7"));
        assert!(
            !passes(&guard, "10.0.0.1") && !passes(&guard, "::1") && !passes(&guard, "fd01::1")
        );
    }

    #[tokio::test]
    async fn an_address_in_a_url_is_checked_too() {
        let guard = Guard::new(Vec::new());
        let private = |ip: &str| Err(Unreachable::Private(ip.parse().expect("an address")));
        assert_eq!(guard.resolve("127.0.0.1", 80).await, private("127.0.0.1"));
        assert_eq!(guard.resolve("[::1]", 80).await, private("::1"));
        let here = guard.resolve("localhost", 80).await;
        assert!(matches!(here, Err(Unreachable::Private(_))), "{here:?}");
        let open = guard.resolve("1.1.1.1", 443).await;
        assert_eq!(open, Ok(vec!["1.1.1.1:443".parse().expect("an address")]));
    }
}
