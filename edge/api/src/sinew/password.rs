//! Passwords: argon2id, made and checked away from the thread that serves requests.

use access::Secret;
use argon2::{
    Argon2,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};

/// Characters of a password.
pub const LENGTH: std::ops::RangeInclusive<usize> = 8..=256;

/// Hashes a password with a new salt. Takes tens of milliseconds and 19 MiB.
pub fn hash(password: &str) -> Secret {
    let hash = Argon2::default()
        .hash_password(password.as_bytes())
        .expect("the default parameters and a random salt are good");
    Secret::new(hash.to_string())
}

/// Whether this is the password behind the hash. As slow as [`hash()`].
pub fn verify(hash: &Secret, password: &str) -> bool {
    let Ok(parsed) = PasswordHash::new(hash.reveal()) else { return false };
    Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_proved_and_its_hash_is_new_each_time() {
        let (one, two) = (hash("open sesame"), hash("open sesame"));
        assert_ne!(one, two);
        assert!(verify(&one, "open sesame") && verify(&two, "open sesame"));
        assert!(!verify(&one, "open sesamE") && !verify(&Secret::new("x"), "open sesame"));
        assert!(one.reveal().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "as OWASP advises");
    }
}
