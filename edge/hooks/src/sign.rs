//! The signature of a form request, as the official validators check it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use std::collections::{BTreeMap, BTreeSet};

/// The header it goes in.
pub(crate) const HEADER: &str = "x-twilio-signature";

/// Of the URL exactly as it was configured, and the parameters: sorted by name, each distinct value
/// of a name once.
pub(crate) fn signature(auth_token: &str, url: &str, parameters: &[(String, String)]) -> String {
    let mut sorted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, value) in parameters {
        sorted.entry(name).or_default().insert(value);
    }
    let mut mac =
        Hmac::<Sha1>::new_from_slice(auth_token.as_bytes()).expect("a key of any length will do");
    mac.update(url.as_bytes());
    for (name, values) in sorted {
        for value in values {
            mac.update(name.as_bytes());
            mac.update(value.as_bytes());
        }
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(url: &str, parameters: &[(&str, &str)]) -> String {
        let owned: Vec<(String, String)> = parameters
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        signature("12345", url, &owned)
    }

    #[test]
    fn the_check_value_of_the_official_validators_comes_out() {
        let url = "https://example.test/voice?foo=1&bar=2";
        let parameters = [("From", "+1"), ("To", "+2"), ("CallSid", "CA1"), ("Digits", "1234")];
        assert_eq!(signed(url, &parameters), "Q/kIv7XwvYzCb5JS8S/+P0Nb3RM=");
    }

    #[test]
    fn order_and_repetition_do_not_matter_but_values_do() {
        let url = "https://example.test/";
        let once = signed(url, &[("a", "1"), ("b", "2")]);
        assert_eq!(signed(url, &[("b", "2"), ("a", "1"), ("b", "2")]), once);
        assert_ne!(signed(url, &[("a", "1"), ("b", "3")]), once);
        assert_ne!(signed("https://example.test", &[("a", "1"), ("b", "2")]), once);
    }
}
