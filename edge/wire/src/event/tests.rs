//! Tests of what events say.
