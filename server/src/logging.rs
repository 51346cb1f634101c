//! Logs go to stderr, as text or as JSON lines. Nothing a client sent and no secret is logged.

use crate::config::{Config, ConfigError, LogFormat};
use tracing_subscriber::EnvFilter;

/// Checks a filter.
pub(crate) fn filter(text: &str) -> Result<EnvFilter, ConfigError> {
    EnvFilter::try_new(text)
        .map_err(|error| ConfigError(format!("--log: '{text}' is not a filter: {error}")))
}

/// Begins to log. Called once, by the program; a library caller may have its own subscriber.
pub fn start(config: &Config) -> Result<(), ConfigError> {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter(&config.log)?)
        .with_writer(std::io::stderr)
        .with_ansi(false);
    let started = match config.log_format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| ConfigError(format!("the log could not be started: {error}")))
}
