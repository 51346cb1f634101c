//! The keys for what is stored, from the environment or the file.
//!
//! * No message holds a key, nor what stands where an id should.

use super::ConfigError;
use access::Secret;
use serde::Deserialize;
use std::path::PathBuf;
use store_sealed::{Key, KeyError, Keys};

/// Keys as `id:key`, a comma between two; stands above the file.
pub(super) const ENCRYPTION_KEYS: &str = "SINEW_ENCRYPTION_KEYS";

/// The file's section.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Section {
    keys: Vec<Entry>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    key: Option<Secret>,
    file: Option<PathBuf>,
}

/// All keys, newest first; `None` where there is none.
pub(super) fn keys(
    environment: Option<&Secret>,
    file: &Section,
) -> Result<Option<Keys>, ConfigError> {
    let (from, keys) = match environment {
        Some(list) => (ENCRYPTION_KEYS, from_list(list)),
        None => ("encryption.keys", file.keys.iter().map(from_entry).collect()),
    };
    let refused = |why: String| ConfigError(format!("{from}: {why}"));
    Keys::new(keys.map_err(refused)?).map_err(|error| refused(error.to_string()))
}

fn from_list(list: &Secret) -> Result<Vec<Key>, String> {
    let parts = list.reveal().split(',').map(str::trim).filter(|part| !part.is_empty());
    let keys = parts.enumerate().map(|(at, part)| {
        let form = || format!("key {} is not written as id:key", at + 1);
        let (id, key) = part.split_once(':').ok_or_else(form)?;
        parse(id, key)
    });
    keys.collect()
}

fn from_entry(entry: &Entry) -> Result<Key, String> {
    let Entry { id, key, file } = entry;
    match (key, file) {
        (Some(key), None) => parse(id, key.reveal()),
        (None, Some(file)) => {
            let text = std::fs::read_to_string(file);
            let text = text.map_err(|error| format!("{}: {error}", file.display()))?;
            parse(id, &text).map_err(|why| format!("{}: {why}", file.display()))
        }
        // A wrong id is told first, and not repeated.
        (Some(_), Some(_)) | (None, None) => match Key::parse(id, "") {
            Err(KeyError::Id) => Err(KeyError::Id.to_string()),
            _ => Err(format!("key '{id}' needs either key or file")),
        },
    }
}

fn parse(id: &str, text: &str) -> Result<Key, String> {
    Key::parse(id, text).map_err(|error: KeyError| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "1111111111111111111111111111111111111111111111111111111111111111";
    const TWO: &str = "IiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiI=";

    fn ids(keys: Result<Option<Keys>, ConfigError>) -> Vec<String> {
        keys.unwrap().iter().flat_map(Keys::ids).map(str::to_owned).collect()
    }

    fn section(text: &str) -> Section {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn keys_come_from_the_file_or_from_the_environment_above_it() {
        let folder = std::env::temp_dir().join(format!("sinew-keys-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("b.key");
        std::fs::write(&path, format!("{TWO}\n")).unwrap();
        let path = path.display();
        let file = section(&format!(
            "keys = [{{ id = 'b', file = '{path}' }}, {{ id = 'a', key = '{ONE}' }}]"
        ));
        assert_eq!(ids(keys(None, &file)), ["b", "a"]);
        let environment = Secret::new(format!("d:{ONE}, c:{TWO}"));
        assert_eq!(ids(keys(Some(&environment), &file)), ["d", "c"]);
        assert!(ids(keys(None, &section("keys = []"))).is_empty());
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_mistake_is_told_without_the_key() {
        let cases = [
            ("keys = [{ id = 'a' }]".to_owned(), "key 'a' needs either key or file"),
            (format!("keys = [{{ id = 'a', key = '{ONE}', file = 'f' }}]"), "either key or file"),
            (format!("keys = [{{ id = '{ONE}', key = 'a' }}]"), "the id of a key is"),
            (format!("keys = [{{ id = '{ONE}' }}]"), "the id of a key is"),
            (format!("keys = [{{ id = 'a', key = '{ONE}1' }}]"), "key 'a' is not 32 bytes"),
            ("keys = [{ id = 'a', file = '/nowhere/a.key' }]".to_owned(), "/nowhere/a.key"),
            (
                format!("keys = [{{ id = 'a', key = '{ONE}' }}, {{ id = 'a', key = '{ONE}' }}]"),
                "two keys have the id 'a'",
            ),
        ];
        for (text, part) in cases {
            let message = keys(None, &section(&text)).unwrap_err().0;
            assert!(message.starts_with("encryption.keys: "), "{message}");
            assert!(message.contains(part) && !message.contains("1111"), "{message}");
        }
        for list in [ONE.to_owned(), format!("{ONE}:a"), format!("a:{ONE}1"), format!("a {ONE}")] {
            let message = keys(Some(&Secret::new(list)), &Section::default()).unwrap_err().0;
            assert!(message.starts_with(ENCRYPTION_KEYS), "{message}");
            assert!(!message.contains("1111"), "{message}");
        }
    }
}
