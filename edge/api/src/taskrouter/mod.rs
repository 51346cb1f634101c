//! TaskRouter over HTTP: one file per resource.

use crate::Routes;

/// Every route of the product.
pub(crate) fn routes() -> Vec<Routes> {
    Vec::new()
}
