//! Which product a request is for, and where absolute links in its reply begin.
//!
//! * A product is named by a path prefix (`/taskrouter/…`) or by a virtual host
//!   (`taskrouter.example.test`); a prefix `/_.twilio.com` before either is stripped.
//! * Links keep the scheme, host and prefix the client used where the host is the public URL's, a
//!   product host below it, or loopback; else they begin with the public URL. A `Host` header made
//!   up by a client therefore never shows up in a reply.

/// The SDKs' host names, sorted.
const PRODUCTS: &[&str] = &[
    "accounts",
    "api",
    "chat",
    "content",
    "conversations",
    "events",
    "flex-api",
    "insights",
    "intelligence",
    "messaging",
    "monitor",
    "serverless",
    "studio",
    "sync",
    "taskrouter",
    "trunking",
    "video",
    "voice",
];

/// What is ours alone. Never a virtual host: its pages and its cookie live on one origin.
pub const OURS: &str = "sinew";

const STRIPPED: &str = "/_.twilio.com";

/// Where the server is reached from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    scheme: String,
    /// Host and port, in lower case.
    authority: String,
    /// A path before everything, without a slash at its end.
    path: String,
}

/// What a request is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// The product.
    pub product: &'static str,
    /// The path below it.
    pub path: &'a str,
    /// What stood before that path.
    pub prefix: &'a str,
}

impl Site {
    /// From a public URL such as `https://desk.example.test`.
    pub fn parse(url: &str) -> Result<Self, String> {
        let (scheme, rest) = url.split_once("://").ok_or("has no scheme such as https://")?;
        if !["http", "https"].contains(&scheme) {
            return Err(format!("begins with {scheme}://, not with http:// or https://"));
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if authority.is_empty() || authority.contains(['@', '?', '#', ' ']) {
            return Err("names no host".to_owned());
        }
        if path.contains(['?', '#']) {
            return Err("must have neither query nor fragment".to_owned());
        }
        let authority = authority.to_ascii_lowercase();
        let path = path.trim_end_matches('/').to_owned();
        Ok(Self { scheme: scheme.to_owned(), authority, path })
    }

    /// The public URL, without a slash at its end.
    pub fn url(&self) -> String {
        format!("{}://{}{}", self.scheme, self.authority, self.path)
    }

    /// Scheme and authority, as a browser names an origin.
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.authority)
    }

    /// Whether it is reached by TLS, here or at a proxy.
    pub fn is_https(&self) -> bool {
        self.scheme == "https"
    }

    /// Which product a request is for; `None` when it is for none.
    pub fn target<'a>(&self, host: &str, path: &'a str) -> Option<Target<'a>> {
        let stripped = path.strip_prefix(STRIPPED).filter(|rest| rest.starts_with('/'));
        let below = stripped.unwrap_or(path);
        if let Some(product) = self.product_of_host(host) {
            let prefix = &path[..path.len() - below.len()];
            return Some(Target { product, path: below, prefix });
        }
        let segment = below.strip_prefix('/')?;
        let segment = &segment[..segment.find('/').unwrap_or(segment.len())];
        let product = if segment == OURS { OURS } else { product(segment)? };
        let (prefix, path) = path.split_at(path.len() - below.len() + 1 + segment.len());
        Some(Target { product, path, prefix })
    }

    /// Where links of a reply begin: scheme, host and product, without a slash at the end.
    pub fn base(&self, host: &str, tls: bool, target: &Target<'_>) -> String {
        let prefix = target.prefix;
        let below = || host.strip_prefix(target.product)?.strip_prefix('.');
        if host == self.authority || below() == Some(self.authority.as_str()) {
            return format!("{}://{host}{}{prefix}", self.scheme, self.path);
        }
        if is_loopback(host) {
            let scheme = if tls { "https" } else { "http" };
            return format!("{scheme}://{host}{prefix}");
        }
        format!("{}/{}", self.url(), target.product)
    }

    fn product_of_host(&self, host: &str) -> Option<&'static str> {
        // The public host may itself begin with a product's name: `api.example.test`.
        if host == self.authority {
            return None;
        }
        product(host.split_once('.')?.0)
    }
}

fn product(name: &str) -> Option<&'static str> {
    PRODUCTS.binary_search(&name).ok().map(|at| PRODUCTS[at])
}

fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    let address: Option<std::net::IpAddr> = name.parse().ok();
    name == "localhost" || name.ends_with(".localhost") || address.is_some_and(|a| a.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(public: &str, host: &str, path: &str) -> Option<(String, String)> {
        let site = Site::parse(public).unwrap();
        let target = site.target(host, path)?;
        Some((site.base(host, false, &target), target.path.to_owned()))
    }

    #[test]
    fn a_product_is_a_path_or_a_host() {
        let public = "https://example.test";
        let cases = [
            ("127.0.0.1:8080", "/taskrouter/v1/W", "http://127.0.0.1:8080/taskrouter", "/v1/W"),
            ("example.test", "/taskrouter/v1/W", "https://example.test/taskrouter", "/v1/W"),
            ("taskrouter.example.test", "/v1/W", "https://taskrouter.example.test", "/v1/W"),
            ("taskrouter.localhost:1", "/v1/W", "http://taskrouter.localhost:1", "/v1/W"),
            ("taskrouter.evil.test", "/v1/W", "https://example.test/taskrouter", "/v1/W"),
            ("evil.test", "/taskrouter/v1/W", "https://example.test/taskrouter", "/v1/W"),
            ("localhost", "/_.twilio.com/sync/v1", "http://localhost/_.twilio.com/sync", "/v1"),
            ("[::1]:8080", "/sinew/v1/Clock", "http://[::1]:8080/sinew", "/v1/Clock"),
            ("localhost", "/taskrouter", "http://localhost/taskrouter", ""),
        ];
        for (host, path, expected, below) in cases {
            let found = base(public, host, path);
            assert_eq!(found, Some((expected.into(), below.into())), "{host}{path}");
        }
        for path in ["/", "/desk", "/nothing/v1", "/_.twilio.comtaskrouter/v1"] {
            assert_eq!(base(public, "localhost", path), None, "{path}");
        }
    }

    #[test]
    fn a_public_host_may_be_called_like_a_product() {
        let found = base("https://api.example.test", "api.example.test", "/taskrouter/v1");
        assert_eq!(found.unwrap().0, "https://api.example.test/taskrouter");
    }

    #[test]
    fn a_public_url_is_checked() {
        assert_eq!(Site::parse("https://A.test/x/").unwrap().url(), "https://a.test/x");
        for url in ["", "example.test", "ftp://a", "http://", "http://a?b", "http://u@a"] {
            assert!(Site::parse(url).is_err(), "{url}");
        }
    }
}
