//! Why the host does not answer with a reply. Knows no status codes.

/// What comes back instead of a reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal<R> {
    /// The engine's answer is no.
    #[error("{0}")]
    Rejected(R),
    /// There is no such workspace.
    #[error("there is no such workspace")]
    NoPartition,
    /// Nothing became durable that can be vouched for; the same command may succeed later.
    #[error("the store cannot take this now: {0}")]
    Unavailable(String),
    /// The engine failed on this command. Its partition was restored and goes on.
    #[error("this command could not be carried out")]
    Internal,
}

impl<R> Refusal<R> {
    /// The same refusal about another engine's rejections.
    pub fn map<S>(self, f: impl FnOnce(R) -> S) -> Refusal<S> {
        match self {
            Self::Rejected(rejection) => Refusal::Rejected(f(rejection)),
            Self::NoPartition => Refusal::NoPartition,
            Self::Unavailable(why) => Refusal::Unavailable(why),
            Self::Internal => Refusal::Internal,
        }
    }
}

/// Whether new work can be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Yes.
    Ready,
    /// No.
    NotReady {
        /// For whoever runs the server.
        because: String,
    },
}

/// Why the host did not start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// A stored partition could not be brought back.
    #[error("partition {partition} could not be restored: {because}")]
    Restore {
        /// Which.
        partition: String,
        /// What was wrong with its rows; names no customer data.
        because: String,
    },
    /// No thread for the writer.
    #[error("the writer could not be started: {0}")]
    Writer(String),
}
