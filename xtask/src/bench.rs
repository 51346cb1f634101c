//! placeholder
pub(crate) fn run(_: &[String]) -> Result<(), String> {
    Err("being written".into())
}
