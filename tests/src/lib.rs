//! Conformance of the backends.
