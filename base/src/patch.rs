//! A field of an update: three states, because absent and empty differ.

/// What an update says about one field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// Not mentioned: stays as it is.
    #[default]
    Keep,
    /// Mentioned and empty: becomes nothing.
    Clear,
    /// Mentioned with a value.
    Set(T),
}

impl<T> Patch<T> {
    /// Applies the patch to an optional field; says whether the field changed.
    pub fn apply(self, field: &mut Option<T>) -> bool
    where
        T: PartialEq,
    {
        let next = match self {
            Self::Keep => return false,
            Self::Clear => None,
            Self::Set(value) => Some(value),
        };
        let changed = *field != next;
        *field = next;
        changed
    }
}
