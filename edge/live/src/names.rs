//! From the host's names to the names a shape asks for.

/// Lends a workspace's names to the shapes of `wire`.
pub(crate) fn lend(names: &host::Names) -> wire::Names<'_> {
    wire::Names {
        account: names.account,
        workspace: &names.workspace,
        activities: &names.activities,
        queues: &names.queues,
        workflows: &names.workflows,
        channels: &names.channels,
    }
}
